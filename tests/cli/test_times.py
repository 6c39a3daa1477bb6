"""`edgewise fit --event died`: hazards are learned, judged and predicted."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from tests.cli.conftest import is_one_sentence

import edgewise as ew
from edgewise.estimators.survival.judging import concordance

ROWS = 300


@pytest.fixture
def patients(tmp_path):
    """Rows whose hazards are known."""
    random = np.random.default_rng(0)
    age = random.uniform(40, 80, ROWS)
    time, ended = random.exponential(300 * np.exp(-0.06 * age)), random.uniform(1, 25, ROWS)
    causes = np.where(time > ended, "no", random.choice(["heart", "other"], ROWS))
    rows = [
        f"{a:.2f},{min(t, e):.4f},{int(t <= e)},{c},{k % 100}"
        for k, (a, t, e, c) in enumerate(zip(age, time, ended, causes, strict=True))
    ]
    path = tmp_path / "patients.csv"
    path.write_text("\n".join(["age,years,died,cause,since", *rows]) + "\n")
    return path


@pytest.fixture
def fit(edgewise, patients, tmp_path):
    def run(*words):
        quick = ("--work", "quick", "--mode", "additive")
        return edgewise("fit", patients, *quick, "-o", tmp_path / "out", *words)

    return run


def test_hazards_are_learned_judged_and_predicted(fit, edgewise, patients, tmp_path):
    done = fit("--time", "years", "--event", "died", "--drop", "cause,since", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["task"] == "survival"
    assert found["columns"] == ["age"]
    assert found["accuracy"]["rows"] == found["rows"]["held_out"] == 60
    assert found["accuracy"]["concordance"] > 0.6
    assert found["accuracy"]["integrated_brier"] < found["accuracy"]["integrated_brier_of_all"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Kaplan" in page
    assert "hazard of died" in page
    out = tmp_path / "chances.csv"
    done = edgewise(
        "predict", tmp_path / "out" / "model.kan", patients, "--times", "2,5.5", "-o", out, "--keep"
    )
    assert done.code == 0, done.err
    with out.open() as file:
        rows = list(csv.DictReader(file))
    model = ew.load(tmp_path / "out" / "model.kan")
    table = {"age": np.array([float(row["age"]) for row in rows])}
    chances = model.predict_survival(table, [2.0, 5.5])
    assert [float(row["survival_5.5"]) for row in rows] == pytest.approx(chances[:, 1].tolist())
    risks = np.array([float(row["risk"]) for row in rows])
    years = np.array([float(row["years"]) for row in rows])
    died = np.array([row["died"] == "1" for row in rows])
    assert concordance(years, died, risks) > 0.6


def test_causes_have_incidences_of_their_own(fit, edgewise, patients, tmp_path):
    # With a target, a time parts the rows.
    done = fit("-t", "years", "--event", "cause", "--drop", "died", "--time", "since")
    assert done.code == 0, done.err
    done = edgewise("predict", tmp_path / "out" / "model.kan", patients, "--times", "5", "--json")
    assert done.code == 0, done.err
    for row in json.loads(done.out)["predictions"]:
        whole = row["survival_5"] + row["heart_by_5"] + row["other_by_5"]
        assert whole == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--event", "died"), "add -t COLUMN"),
        (("-t", "years", "--event", "dead"), "did you mean 'died'"),
        (("-t", "years", "--event", "died", "--loss", "poisson"), "--loss"),
        (("-t", "years", "--entry", "age"), "--event"),
        (("-t", "years", "--event", "died", "--entry", "age"), "at or after its entry"),
        (("-t", "cause", "--event", "died"), "numbers"),
        (("-t", "years", "--event", "died", "--columns", "age,died"), "died"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(fit, words, said):
    done = fit(*words)
    assert done.code == 2
    assert is_one_sentence(done.err.splitlines()[-1])
    assert said in done.err


def test_other_commands_name_what_takes_hazards(fit, edgewise, patients, tmp_path):
    done = fit("-t", "years", "--event", "died", "--drop", "cause,since")
    assert done.code == 0, done.err
    for command in ("explain", "report"):
        done = edgewise(
            command, tmp_path / "out" / "model.kan", patients, "-f" if command == "report" else "-q"
        )
        assert done.code == 2
        assert "`edgewise predict` takes it" in done.err
