"""`edgewise validate`: a folder that says what was measured, and leaves open what only people know."""

from __future__ import annotations

import csv
import hashlib
import json

import numpy as np
import pytest
from tests.cli.conftest import is_one_sentence

import edgewise as ew


@pytest.fixture
def made(tmp_path):
    """A model of claims, the rows it learned from, new rows, and another model's answers for these."""
    random = np.random.default_rng(0)

    def table(path, rows):
        age, years = random.uniform(20, 60, rows), random.uniform(0.5, 2, rows)
        kind = random.choice(["a", "b"], rows)
        claims = random.poisson(years * 0.5 * np.exp(0.02 * (age - 40)))
        month, flat = random.integers(1, 13, rows), np.full(rows, 0.5)
        lines = [",".join(map(str, row)) for row in zip(age, kind, years, claims, month, flat, strict=True)]
        path.write_text("\n".join(["age,kind,years,claims,month,flat", *lines]) + "\n")
        return {"age": age, "kind": kind}, claims, years

    X, y, years = table(tmp_path / "learned.csv", 600)
    model = ew.KANRegressor(loss="poisson", mode="additive", work="quick").fit(X, y, exposure=years)
    model.target_names_ = ("claims",)
    ew.save(model, tmp_path / "model.kan")
    table(tmp_path / "new.csv", 300)
    return tmp_path


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_the_folder_holds_what_was_measured(edgewise, made):
    asked = ("--exposure", "years", "--learned", made / "learned.csv", "--time", "month", "-p", "output >= 0")
    other = ("--against", made / "new.csv", "--prediction", "flat")
    done = edgewise(
        "validate", made / "model.kan", made / "new.csv", *asked, *other, "-o", made / "pack", "--json"
    )
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["proofs"] == {"0 <= output": "proved"}
    assert told["alarms"] == []
    pack = made / "pack"
    assert {path.relative_to(pack).as_posix() for path in pack.rglob("*") if path.is_file()} == set(
        told["files"]
    )
    page = (pack / "validation.html").read_text()
    heads = (
        "To be filled in",
        "Data",
        "Limits of use",
        "Conceptual soundness",
        "Outcomes",
        "Sensitivity",
        "Challenger",
    )
    places = [page.index(f">{head}</h2>") for head in heads]
    assert places == sorted(places)
    manifest = json.loads((pack / "manifest.json").read_text())
    assert manifest["model SHA-256"] == hashlib.sha256((made / "model.kan").read_bytes()).hexdigest()
    # Tenths count every row once; stretches of time too.
    tenths, months = rows_of(pack / "tenths.csv"), rows_of(pack / "stability.csv")
    years = np.array([float(row["years"]) for row in rows_of(made / "new.csv")])
    claims = np.array([float(row["claims"]) for row in rows_of(made / "new.csv")])
    weight = np.array([float(row["weight"]) for row in tenths])
    assert weight.sum() == pytest.approx(years.sum())
    assert weight @ np.array([float(row["observed"]) for row in tenths]) == pytest.approx(claims.sum())
    assert sum(float(row["rows"]) for row in months) == 300
    # The other model's answers are the same for all.
    assert {float(row["challenger"]) for row in rows_of(pack / "challenger.csv")} == {0.5}
    checked = edgewise("check", pack / "proofs" / "1.json", made / "model.kan")
    assert checked.code == 0
    moves = rows_of(pack / "sensitivity.csv")
    up = next(row for row in moves if row["column"] == "age" and row["move"].startswith("+"))
    assert float(up["mean change"]) > 0


def test_refuted_properties_and_moved_rows_end_with_one(edgewise, made):
    text = (made / "new.csv").read_text()
    (made / "far.csv").write_text(text.replace(",a,", ",c,"))
    asked = ("--exposure", "years", "-o", made / "pack")
    done = edgewise(
        "validate", made / "model.kan", made / "far.csv", "--learned", made / "learned.csv", *asked
    )
    assert done.code == 1
    assert "kind has moved" in done.out
    again = edgewise("validate", made / "model.kan", made / "new.csv", *asked)
    assert again.code == 2
    assert "--force" in again.err
    done = edgewise(
        "validate", made / "model.kan", made / "new.csv", *asked, "-p", "decreasing(age)", "--force"
    )
    assert done.code == 1
    assert "refuted" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--against", "new.csv"), "--prediction"),
        (("--against", "learned.csv", "--prediction", "flat"), "300"),
        (("-p", "output >="), "output"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(edgewise, made, words, said):
    words = [str(made / word) if word.endswith(".csv") else word for word in words]
    done = edgewise("validate", made / "model.kan", made / "new.csv", "-o", made / "pack", *words, "-q")
    assert done.code == 2
    assert is_one_sentence(done.err.splitlines()[-1])
    assert said in done.err
