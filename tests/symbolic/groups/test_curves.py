"""Curves with two constants inside are found where all groups decide, and only of functions that are allowed."""

import numpy as np
import pytest

from edgewise.forms.tree import render
from edgewise.symbolic.groups.constants import FEW_STARTS, refitted
from edgewise.symbolic.groups.curves import curves
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.structure_pool import StructurePool
from tests.tiers import slow

GROUP = np.repeat(np.arange(8), 40)
X = np.tile(np.linspace(0.1, 8, 40), 8)
RANDOM = np.random.default_rng(4)
A, B, C = (RANDOM.uniform(*ends, 8)[GROUP] for ends in ((2, 5), (3, 20), (0.4, 0.9)))
LAWS = {
    "hill": A * X**2.5 / (B + X**2.5),
    "stretched": A * np.exp(-C * X**0.5),
    "gompertz": A * np.exp(-B / 4 * np.exp(-C * X)),
    "logistic": A / (1 + B * np.exp(-1.5 * C * X)) + C,
    "bell": 2 + A * np.exp(-((X - 5 * C) ** 2) / 3),
    "lorentz": A / (1 + (X - B / 4) ** 2),
    "shifted": A * (X + B / 4) ** -1.5,
    "gamma": A * X**1.5 * np.exp(-C * X),
}


def pool_of(y: np.ndarray, noise: float, seed: int = 1) -> StructurePool:
    noisy = y + noise * y.std() * np.random.default_rng(seed).normal(size=len(y))
    return StructurePool(GroupedRows(("t",), X[:, None], noisy, GROUP, 8), 0)


@pytest.mark.slow
@pytest.mark.parametrize("law", [*list(LAWS)[:2], *slow(*list(LAWS)[2:])])
def test_the_law_is_the_best_curve_under_noise(law: str) -> None:
    pool, plain = pool_of(LAWS[law], 0.02), pool_of(LAWS[law], 0.0).rows
    with np.errstate(all="ignore"):
        found = curves(pool.rows, pool.price, 4)
        assert len(found) == 8
        pool.settled_by(found, FEW_STARTS)
        best = pool.tied[0]
        # But for numbers that noise made the ones next to them.
        equal = refitted(best, plain)
    assert equal is not None
    assert np.sqrt(equal.rss / len(X)) < 0.01 * plain.y.std()


def test_only_functions_that_are_allowed_are_in_them() -> None:
    pool = pool_of(LAWS["hill"], 0.1)
    with np.errstate(all="ignore"):
        for allowed in (frozenset[str](), frozenset({"exp"}), frozenset({"sqrt"})):
            found = [render(curve[0]) for curve in curves(pool.rows, pool.price, 20, allowed)]
            assert any("exp" in item for item in found) == ("exp" in allowed)
            assert any("^c" in item for item in found) == ("sqrt" in allowed)


def test_columns_without_values_somewhere_have_fewer_curves() -> None:
    """A root of a column that is negative has none."""
    pool = pool_of(LAWS["bell"], 0.0)
    rows = GroupedRows(("t",), X[:, None] - 4, pool.rows.y, GROUP, 8)
    with np.errstate(all="ignore"):
        found = curves(rows, pool.price, 1)
    assert [render(curve[0]) for curve in found][1] == "a*exp(-b*(t - c)^2) + d"
