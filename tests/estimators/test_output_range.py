"""output_range: no row there is takes the output out of it, and a proof says so."""

import numpy as np
import pytest

import edgewise as ew
from edgewise.training import TableConfig


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    X = {
        "a": random.uniform(0, 1, 400),
        "b": random.uniform(-1, 1, 400),
        "c": random.choice(["u", "v"], 400),
    }
    return X, np.clip(3 * X["a"] + np.maximum(X["b"], 0) - 1, 0, 2)


def anywhere(n=2000):
    random = np.random.default_rng(1)
    return {
        "a": random.uniform(-50, 50, n),
        "b": random.standard_cauchy(n),
        "c": random.choice(["u", "v", "new"], n),
    }


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["additive", "pairwise", "deep"])
def test_no_row_leaves_it_and_a_proof_says_so(table, mode):
    X, y = table
    options = {
        "config": TableConfig(epochs=10),
        "mode": mode,
        "members": 2,
        "hidden": 3,
        "monotone": {"a": "increasing"},
    }
    free = ew.KANRegressor(**options).fit(X, y)
    held = ew.KANRegressor(output_range=(0, 2), **options).fit(X, y)
    far = anywhere()
    there = free.predict(far)
    assert there.min() < 0  # it has something to hold
    assert there.max() > 2
    assert held.predict(far).min() >= 0
    assert held.predict(far).max() <= 2
    assert np.allclose(held.predict(far), np.clip(there, 0, 2), atol=1e-5)
    assert ew.verify(held, "0 <= output <= 2").status == "proved"
    rows = {"a": np.linspace(-3, 3, 999), "b": np.zeros(999), "c": np.full(999, "u")}
    # Neighbours may differ by the rounding of their sums.
    assert np.diff(held.predict(rows)).min() >= -8 * np.finfo(float).eps


def test_one_end_and_the_way_through_a_file(table, tmp_path):
    X, y = table
    model = ew.KANRegressor(interactions=0, output_range=(None, 2)).fit(X, y)
    told = model.predict(anywhere())
    assert told.max() <= 2
    assert told.min() < 0
    ew.save(model, tmp_path / "m.kan")
    again = ew.load(tmp_path / "m.kan")
    assert again.output_range == (None, 2)
    assert (again.predict(anywhere()) == told).all()
    again.partial_fit({name: column[:50] for name, column in X.items()}, y[:50])
    assert again.predict(anywhere()).max() <= 2


def test_explanations_add_up_to_what_is_predicted(table):
    X, y = table
    model = ew.KANRegressor(interactions=0, output_range=(0, 2)).fit(X, y)
    row = {"a": 5.0, "b": 0.2, "c": "u"}
    told = model.explain(X, row=row)
    total = told.base + sum(one.effect for one in told.contributions)
    wanted = float(model.predict({name: [cell] for name, cell in row.items()})[0])
    assert total == pytest.approx(wanted, abs=1e-6)
    assert told.prediction == pytest.approx(wanted, abs=1e-9)


def test_log_odds_of_two_classes(table):
    X, y = table
    model = ew.KANClassifier(interactions=0, output_range=(-2, 2)).fit(X, y > 1)
    assert np.abs(model.decision_function(anywhere())).max() <= 2
    assert ew.verify(model, "probability <= 0.881").status == "proved"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ((2, 0), "low < high"),
        ((None, None), "low < high"),
        ("wide", "low < high"),
        (3.0, "low < high"),
        ((0, 1), "must hold all of y"),
    ],
)
def test_ranges_that_cannot_be(table, wish, said):
    X, y = table
    with pytest.raises(ew.InputError, match=said):
        ew.KANRegressor(interactions=0, output_range=wish).fit(X, y)


def test_several_outputs_have_no_range(table):
    X, y = table
    with pytest.raises(ew.InputError, match="one output"):
        ew.KANRegressor(interactions=0, output_range=(0, 2)).fit(X, np.column_stack([y, y]))
    with pytest.raises(ew.InputError, match="one output"):
        ew.KANClassifier(interactions=0, output_range=(0, 2)).fit(X, np.digitize(y, [0.5, 1.5]))
