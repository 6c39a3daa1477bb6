"""`edgewise fit --loss poisson --exposure years`: rates are learned, and judged by their likelihood."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import d2_tweedie_score, mean_poisson_deviance
from tests.cli.conftest import is_one_sentence

import edgewise as ew

ROWS = 400


@pytest.fixture
def policies(tmp_path):
    """A table of claims in some years of driving, five rows of no time at all among them."""
    random = np.random.default_rng(0)
    age, years = random.uniform(18, 80, ROWS), random.uniform(0.2, 3.0, ROWS)
    years[:5] = 0.0
    kind = random.choice(["small", "sport"], ROWS)
    claims = random.poisson(years * 0.4 * np.exp(-0.02 * (age - 45) + 0.5 * (kind == "sport")))
    rows = [f"{a:.2f},{k},{t:.4f},{c}" for a, k, t, c in zip(age, kind, years, claims, strict=True)]
    path = tmp_path / "policies.csv"
    path.write_text("\n".join(["age,kind,years,claims", *rows]) + "\n")
    return path


def fit(edgewise, table, out, *words):
    return edgewise("fit", table, "-t", "claims", "--work", "quick", "--mode", "additive", "-o", out, *words)


def test_rates_are_learned_and_judged(edgewise, policies, tmp_path):
    done = fit(edgewise, policies, tmp_path, "--loss", "poisson", "--exposure", "years", "--json")
    assert done.code == 0, done.err
    assert "5 rows of 400 left out: 'years' is 0 there" in done.err
    model = ew.load(tmp_path / "model.kan")
    assert model.loss == "poisson"
    assert list(model.feature_names_in_) == ["age", "kind"]
    # Twice the time does not change what is predicted: a rate.
    table = {"age": np.array([20.0, 70.0]), "kind": np.array(["sport", "small"], dtype=object)}
    young, old = model.predict(table)
    assert young > 2 * old
    ours = next(row for row in json.loads(done.out)["accuracy"] if row["model"] == "network")
    # The page about the same rows measures the same, and scikit-learn agrees.
    from edgewise.cli.inputs import ColumnRoles, Likelihood, prepare
    from edgewise.data import read_frame

    inputs = prepare(
        read_frame(policies),
        ColumnRoles("claims", exposure="years"),
        task="regression",
        likelihood=Likelihood("poisson"),
    )
    _, test = inputs.halves(0.2, 0)
    rates, weight = inputs.judged(test)
    predicted = model.predict(inputs.frame.take(test))
    assert ours["deviance"] == pytest.approx(mean_poisson_deviance(rates, predicted, sample_weight=weight))
    assert ours["explained_deviance"] == pytest.approx(
        d2_tweedie_score(rates, predicted, sample_weight=weight, power=1), abs=1e-6
    )
    page = (tmp_path / "report.html").read_text()
    assert "Gini index" in page
    assert "Lorenz curve" in page


def test_the_report_of_a_saved_model_asks_for_the_exposures(edgewise, policies, tmp_path):
    done = fit(edgewise, policies, tmp_path, "--loss", "poisson", "--exposure", "years", "--json")
    assert done.code == 0, done.err
    fitted = next(row for row in json.loads(done.out)["accuracy"] if row["model"] == "network")
    page = tmp_path / "again.html"
    done = edgewise("report", tmp_path / "model.kan", policies, "--exposure", "years", "-o", page, "--json")
    assert done.code == 0, done.err
    again = next(row for row in json.loads(done.out)["accuracy"] if row["model"] == "network")
    assert again["explained_deviance"] == pytest.approx(fitted["explained_deviance"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--exposure", "years"), "--loss"),
        (("--loss", "poisson", "--exposure", "yeers"), "did you mean 'years'"),
        (("--loss", "poisson", "--task", "classification"), "classes"),
        (("--loss", "gamma"), "above 0"),
        (("--loss", "poisson", "--exposure", "kind"), "kind"),
        (("--loss", "poisson", "--formula"), "least squares"),
        (("--loss", "poisson", "--power", "1.5"), "power"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(edgewise, policies, tmp_path, words, said):
    done = fit(edgewise, policies, tmp_path / "out", *words)
    assert done.code == 2
    assert is_one_sentence(done.err.splitlines()[-1])
    assert said in done.err
