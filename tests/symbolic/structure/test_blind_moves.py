"""Blind moves: one feature less each, true to the rows, and none that has no values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.blind_moves import ALL, FEW, Blind, blind
from edgewise.symbolic.structure.state import State


def table(seed: int, columns: int = 3) -> SplitRows:
    rng = np.random.default_rng(seed)
    low = rng.choice([-3.0, -1.0, 0.5], columns)
    X = rng.uniform(low, low + rng.uniform(0.5, 4.0, columns), (40, columns))
    return SplitRows.split(tuple("abc"[:columns]), X, rng.normal(size=40) + 5, 0.2, 0)


@pytest.mark.parametrize("steps", [FEW, ALL])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_each_leads_to_a_state_with_a_feature_less_that_lifts_to_y(steps: Blind, seed: int) -> None:
    state = State.table(table(seed))
    for move in blind(state, steps):
        child = state.after(move)
        assert child is not None
        assert len(child.rows.names) == 2
        names = (*state.rows.names, "#y")
        tape = Tape(child.outer, names)
        y = tape.value(tape.start, np.column_stack([state.rows.X, child.rows.y]))
        np.testing.assert_allclose(y, state.rows.y, rtol=1e-9)


def test_one_column_has_nowhere_to_go() -> None:
    assert not list(blind(State.table(table(0, 1)), ALL))


def test_the_few_are_among_all() -> None:
    state = State.table(table(3))
    kinds = [
        {(move.kind, move.features, move.factor) for move in blind(state, steps)} for steps in (FEW, ALL)
    ]
    assert kinds[0] < kinds[1]
