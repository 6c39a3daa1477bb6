"""Numbers as large and as small as floats go work, or are refused in one sentence that names the row."""

import numpy as np
import pytest

import edgewise as ew
from edgewise import InputError, KANClassifier, KANRegressor, explain, find_formula

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (40, 2))
Y = X[:, 0] ** 2 + X[:, 1]
ONE = np.where(np.arange(40)[:, None] == 3, [1e300, 0.5], X)


def fitted(X, y):
    return KANRegressor(mode="additive", members=1, work=0.01, random_state=0).fit(X, y)


@pytest.mark.parametrize("factor", [1e300, 1.0, 1e-300])
def test_a_regressor_and_its_score_know_no_units(factor):
    model = fitted(X, Y * factor)
    assert model.score(X, Y * factor) == pytest.approx(fitted(X, Y).score(X, Y), abs=1e-6)
    assert np.isfinite(model.predict(X)).all()


def test_one_huge_cell_is_drawn_in():
    model = fitted(ONE, Y)
    assert model.score(ONE, Y) > 0.8
    labels = KANClassifier(mode="additive", members=1, work=0.01, random_state=0).fit(ONE, Y > 0)
    shares = labels.predict_proba(ONE)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert explain(model, ONE, row=3).value == pytest.approx(model.predict(ONE)[3])
    assert str(ew.audit(model, ONE, Y, {"g": Y > 0}, bootstrap=10))


@pytest.mark.parametrize("factor", [1e300, 1e-300])
@pytest.mark.parametrize("call", ["find_formula", "audit", "explain"])
def test_what_needs_squares_is_refused_with_the_row(factor, call):
    y = Y * factor
    row = int(np.abs(Y).argmax())
    model = fitted(X, y)
    calls = {
        "find_formula": lambda: find_formula(X, y, work=0.01, seed=0),
        "audit": lambda: ew.audit(model, X, y, {"g": Y > 0}, bootstrap=0),
        "explain": lambda: explain(model, X),
    }
    with pytest.raises(
        InputError,
        match=rf"must have its largest entry between .* in row {row} \(counted from 0\) instead",
    ):
        calls[call]()


def test_a_huge_column_of_a_formula_is_named():
    with pytest.raises(
        InputError,
        match=r"'X' argument .* Got 1e\+300 \(column 'mass'\) in row 3",
    ):
        find_formula(ONE, Y, names=["mass", "v"], work=0.01, seed=0)


@pytest.mark.parametrize(
    ("bad", "word"), [(np.inf, "Input y contains infinity"), (np.nan, "Input y contains NaN")]
)
@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_the_row_of_a_bad_target_is_named(bad, word, estimator):
    y = np.where(np.arange(40) == 7, bad, np.round(Y))
    with pytest.raises(InputError, match=rf"{word}.* in row 7 \(counted from 0\)"):
        estimator(work=0.01).fit(X, y)


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_targets_of_different_lengths_are_one_sentence(estimator):
    y = [[1.0]] * 39 + [[1.0, 2.0]]
    with pytest.raises(InputError, match="'y' argument"):
        estimator(work=0.01).fit(X, y)
    with pytest.raises(InputError, match="must hold numbers"):
        estimator(work=0.01).fit(X, np.round(Y), sample_weight=y)
