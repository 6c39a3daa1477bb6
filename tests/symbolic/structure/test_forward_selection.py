"""Terms chosen by forward selection: no exchange of one for another leaves less, and a law of few terms is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise._core.arrays import Floats
from edgewise.symbolic.structure.forward_selection import select


def unit_terms(seed: int, rows: int, terms: int, alike: float) -> Floats:
    """Columns of length one, each beside the one before."""
    random = np.random.default_rng(seed)
    columns = random.standard_normal((rows, terms))
    columns[:, 1:] += alike * columns[:, :-1]
    return columns / np.linalg.norm(columns, axis=0)


def left(unit: Floats, y: Floats, chosen: list[int]) -> float:
    """The residual sum of squares, by another method."""
    return float(np.square(y - unit[:, chosen] @ np.linalg.lstsq(unit[:, chosen], y, rcond=None)[0]).sum())


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000), alike=st.sampled_from([0.0, 1.0, 5.0]), size=st.integers(2, 5))
def test_no_exchange_of_one_chosen_term_leaves_less(seed: int, alike: float, size: int) -> None:
    unit = unit_terms(seed, 120, 14, alike)
    random = np.random.default_rng([seed, 1])
    y = unit[:, :size] @ random.uniform(0.5, 3, size) + 0.02 * random.standard_normal(120)
    chosen, _ = select(unit.T @ unit, unit.T @ y, float(y @ y), len(y), 6)
    here = left(unit, y, chosen)
    for place in range(len(chosen)):
        rest = chosen[:place] + chosen[place + 1 :]
        for other in set(range(unit.shape[1])) - set(chosen):
            assert left(unit, y, [*rest, other]) >= here * (1 - 2e-6)


@pytest.mark.parametrize("law", [[3], [0, 7], [2, 5, 11], [1, 4, 8, 12]])
def test_the_terms_of_a_sum_in_noise_are_chosen(law: list[int]) -> None:
    unit = unit_terms(0, 300, 15, 1.0)
    noise = np.random.default_rng(1).standard_normal(300)
    y = unit[:, law] @ np.linspace(1.0, 2.0, len(law)) + 0.005 * noise
    chosen, criterion = select(unit.T @ unit, unit.T @ y, float(y @ y), len(y), 6)
    assert sorted(chosen) == law
    rss = left(unit, y, chosen)
    assert criterion == pytest.approx(300 * np.log(rss) + (np.log(300) + 2 * np.log(15)) * len(law), rel=1e-6)


def test_dependent_terms_are_never_chosen_together() -> None:
    unit = unit_terms(3, 100, 6, 0.0)
    unit = np.column_stack([unit, unit[:, 2], -unit[:, 4]])
    y = unit[:, 2] + 2 * unit[:, 4] + 0.5 * unit[:, 0]
    chosen, _ = select(unit.T @ unit, unit.T @ y, float(y @ y), len(y), 6)
    assert np.linalg.matrix_rank(unit[:, chosen]) == len(chosen)
    assert left(unit, y, chosen) < 1e-20
