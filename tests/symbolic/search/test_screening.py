"""Wide tables: the columns that matter are found, and a search over thousands of them keeps its time."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise import InputError
from edgewise.symbolic import find_formula
from edgewise.symbolic.search.screening import mattering, related

RANDOM = np.random.default_rng(0)
WIDE = RANDOM.normal(size=(120, 3000))


def test_few_columns_are_all_kept() -> None:
    assert related(WIDE[:, :60], WIDE[:, 0], 60).tolist() == list(range(60))


@pytest.mark.parametrize(
    "bend", [np.square, np.exp, np.abs, lambda x: -x, np.tanh, lambda x: x**3, lambda x: np.exp(20 * x)]
)
def test_a_column_is_found_through_any_plain_bend(bend: object) -> None:
    kept = related(WIDE, bend(WIDE[:, 1234]), 60)  # type: ignore[operator]
    assert 1234 in kept
    assert len(kept) == 60
    assert (np.diff(kept) > 0).all()


def test_units_and_constant_columns_do_not_matter() -> None:
    y = WIDE[:, 7] ** 2
    scaled = WIDE * 10.0 ** RANDOM.integers(-200, 200, WIDE.shape[1])
    scaled[:, 10:20] = 3.0
    kept, plain = (related(table, y, 5) for table in (scaled, WIDE))
    assert kept[0] == plain[0] == 7
    assert not set(range(10, 20)) & set(kept.tolist())
    assert related(WIDE, np.ones(120), 5).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.slow
def test_a_law_in_a_wide_table_is_found_and_told_in_all_columns() -> None:
    names = [f"c{k}" for k in range(WIDE.shape[1])]
    found = find_formula(WIDE, 2 * WIDE[:, 1234] ** 2 + 1, names=names)
    assert "c1234^2" in found.best.text
    assert found.best.names == tuple(names)
    assert all(formula.names == tuple(names) for formula in found.front)
    np.testing.assert_allclose(found.best.predict(WIDE), 2 * WIDE[:, 1234] ** 2 + 1, rtol=1e-9)
    assert "Of 3,000 columns only the 1 that y depends on were searched" in found.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"callbacks": 3}, "'callbacks'"),
        ({"callbacks": [3]}, "'callbacks'"),
        ({"forms": 3}, "'forms'"),
        ({"X": np.zeros((9, 0))}, "at least 1 column"),
        ({"y": np.full(9, 1e300)}, "'y' argument must have its largest entry between"),
        ({"y": np.full(9, 1e-300)}, "'y'"),
    ],
)
def test_bad_arguments_end_in_one_sentence(options: dict[str, object], message: str) -> None:
    arguments = {"X": WIDE[:9, :2], "y": WIDE[:9, 0], **options}
    with pytest.raises(InputError, match=message):
        find_formula(**arguments)  # type: ignore[arg-type]


MANY = np.random.default_rng(5).uniform(1, 2, (600, 24))
LAWS = {
    "product": (MANY[:, 3] * MANY[:, 17] / MANY[:, 22], [3, 17, 22]),
    "wave": (np.sin(2 * MANY[:, 3]) * MANY[:, 7] + MANY[:, 1], [1, 3, 7]),
    "distance": (
        1 / np.hypot(MANY[:, 1] - MANY[:, 2] - 2, MANY[:, 3] - MANY[:, 4] - 2),
        [1, 2, 3, 4],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_columns_of_a_law_matter_and_no_others(law: str, noise: float) -> None:
    y, columns = LAWS[law]
    noisy = y + noise * y.std() * np.random.default_rng(1).normal(size=len(y))
    assert mattering(MANY, noisy).tolist() == columns


@pytest.mark.slow
def test_nothing_matters_to_noise() -> None:
    found = [len(mattering(MANY, np.random.default_rng(seed).normal(size=600))) for seed in range(4)]
    assert sum(found) <= 1


def test_nothing_matters_to_a_constant() -> None:
    assert len(mattering(MANY, np.ones(600))) == 0


@pytest.mark.slow
@pytest.mark.parametrize("columns", [24, 12])
def test_a_law_is_found_among_many_idle_columns(columns: int) -> None:
    X = MANY[:, :columns]
    y = X[:, 0] * np.exp(-X[:, 1] * X[:, 2] / (X[:, 5] * X[:, 8]))
    found = find_formula(X, y)
    assert found.exact
    assert found.best.text == "x1*exp(-x2*x3/(x6*x9))"
    assert "that y depends on were searched" in found.message


@pytest.mark.slow
def test_a_weak_column_is_not_lost_with_the_idle_ones() -> None:
    y = MANY[:, 3] * MANY[:, 7] / MANY[:, 2] + 0.003 * MANY[:, 1]
    found = find_formula(MANY[:, :9], y)
    assert found.exact
    assert "x2" in found.best.text


def test_idle_columns_are_told_from_charges_of_either_sign_over_decades() -> None:
    rng = np.random.default_rng(0)
    X = np.exp(rng.uniform(-9, 9, (1000, 6)))
    X[:, :2] *= rng.choice([-1.0, 1.0], (1000, 2))
    assert mattering(X, 9e9 * X[:, 0] * X[:, 1] / X[:, 2] ** 2).tolist() == [0, 1, 2]
