"""Sums of products of powers that all groups decide on."""

import numpy as np
import pytest

from edgewise.forms.tree import render
from edgewise.symbolic.groups.constants import FEW_STARTS, refitted
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.structure_pool import StructurePool
from edgewise.symbolic.groups.sums_of_powers import sums_of_powers

GROUP = np.repeat(np.arange(8), 40)
RANDOM = np.random.default_rng(0)
A, B = RANDOM.uniform(0.8, 3, 8)[GROUP], RANDOM.uniform(1.8, 3, 8)[GROUP]
ONE = np.tile(np.linspace(0, 3, 40), 8)[:, None]
THREE = RANDOM.uniform(1, 4, (320, 3))
LAWS = {
    "metal": (ONE, ONE[:, 0] / A + (ONE[:, 0] / B) ** 5),
    "ride": (THREE, A * THREE[:, 0] * THREE[:, 1] ** 3 + B * THREE[:, 2] * THREE[:, 1]),
    "plates": (ONE + 0.2, A + B / (ONE[:, 0] + 0.2) + A**2 * (ONE[:, 0] + 0.2)),
}


def rows_of(X: np.ndarray, y: np.ndarray, noise: float) -> GroupedRows:
    noisy = y + noise * y.std() * np.random.default_rng(1).normal(size=len(y))
    return GroupedRows(tuple("xzw"[: X.shape[1]]), X, noisy, GROUP, 8)


def sums(rows: GroupedRows, broken: bool = True) -> StructurePool:
    pool = StructurePool(rows, 0)
    with np.errstate(all="ignore"):
        pool.settled_by(sums_of_powers(rows, pool.price, 4, broken=broken), FEW_STARTS)
    return pool


# Where one term is much larger than the others, much noise hides them.
@pytest.mark.slow
@pytest.mark.parametrize(("law", "noise"), [("metal", 0.1), ("ride", 0.01), ("plates", 0.01)])
def test_the_law_is_the_best_sum_under_noise(law: str, noise: float) -> None:
    X, y = LAWS[law]
    best = sums(rows_of(X, y, noise)).tied[0]
    equal = refitted(best, rows_of(X, y, 0.0))
    assert equal is not None
    assert equal.rss < 1e-18 * float(y @ y)
    assert len(best.own) == (3 if law == "plates" else 2)


@pytest.mark.slow
def test_no_power_is_tried_that_has_no_value_or_is_not_allowed() -> None:
    y = A * ONE[:, 0] + B * ONE[:, 0] ** 2
    shown = [render(model.tree) for model in sums(rows_of(ONE - 1, y, 0.1)).models]
    assert shown
    assert not any("/" in item or "sqrt" in item for item in shown)
    whole = [render(model.tree) for model in sums(rows_of(ONE, y, 0.1), broken=False).models]
    assert whole
    assert not any("/" in item or "sqrt" in item for item in whole)


@pytest.mark.parametrize("columns", [1, 4, 12, 60])
def test_of_many_columns_as_many_sums_as_of_few(columns: int) -> None:
    X = np.random.default_rng(2).uniform(1, 2, (320, columns))
    names = tuple(f"x{at}" for at in range(columns))
    y = A * X[:, columns // 2]
    pool = StructurePool(GroupedRows(names, X, y, GROUP, 8), 0)
    found = sums_of_powers(pool.rows, pool.price, 4)
    assert render(found[0][0]) == f"a*x{columns // 2}"
    assert len(found) == 12
