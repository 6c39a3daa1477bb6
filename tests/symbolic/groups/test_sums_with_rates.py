"""Sums of functions with a rate of each group's own that all groups decide on."""

import numpy as np
import pytest

from edgewise.forms.tree import render
from edgewise.symbolic.groups.constants import FEW_STARTS, refitted
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.structure_pool import StructurePool
from edgewise.symbolic.groups.sums_with_rates import sums_with_rates
from tests.tiers import slow

GROUP = np.repeat(np.arange(8), 40)
T = np.tile(np.linspace(0, 8, 40), 8)
RANDOM = np.random.default_rng(4)
A, SLOW, FAST = (RANDOM.uniform(*ends, 8)[GROUP] for ends in ((2, 5), (0.2, 0.5), (1.5, 3)))
LAWS = {
    "dose": A * (np.exp(-SLOW * T) - np.exp(-FAST * T)),
    "wave": A * np.exp(-SLOW * T) + 2 * SLOW * np.sin(2.2 * T),
    "cooling": 20 + A * np.exp(-SLOW * T),
    "critical": (A + FAST * T) * np.exp(-2 * SLOW * T),
}


def pool_of(y: np.ndarray, noise: float) -> StructurePool:
    noisy = y + noise * y.std() * np.random.default_rng(1).normal(size=len(y))
    return StructurePool(GroupedRows(("t",), T[:, None], noisy, GROUP, 8), 0)


# Twice the rate is the wave's height, which is seen.
@pytest.mark.slow
@pytest.mark.parametrize(("law", "own"), [("cooling", 2), *slow(("dose", 3), ("wave", 2), ("critical", 3))])
def test_the_law_is_the_best_sum_under_noise(law: str, own: int) -> None:
    pool, plain = pool_of(LAWS[law], 0.1), pool_of(LAWS[law], 0.0).rows
    with np.errstate(all="ignore"):
        found = sums_with_rates(pool.rows, pool.price, 2)
        pool.settled_by(found, FEW_STARTS)
        assert len(found) == 6
        equal = refitted(pool.tied[0], plain)
    assert equal is not None
    # But for a level that noise made the number next to it.
    assert np.sqrt(equal.rss) < (1e-2 if law == "cooling" else 1e-9) * np.sqrt(plain.y @ plain.y)
    assert len(equal.own) == own


def test_only_functions_that_are_allowed_are_in_them() -> None:
    pool = pool_of(LAWS["dose"], 0.1)
    with np.errstate(all="ignore"):
        found = sums_with_rates(pool.rows, pool.price, 20, frozenset({"sin"}))
        assert found
        assert not any(name in render(total[0]) for total in found for name in ("exp", "cos", "tanh", "log"))
