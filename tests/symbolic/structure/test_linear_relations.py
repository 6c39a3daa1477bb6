"""Exact relations: sums and ratios in the span of a dictionary, and what it costs to see that there are none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgewise._core.work import Meter, running
from edgewise.forms.tree import Node
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.linear_relations import relations


def _rows(y: np.ndarray, X: np.ndarray) -> SplitRows:
    return SplitRows.split(tuple("abc"[: X.shape[1]]), X, y, 0.2, 0)


def _columns(count: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.5, 2.5, (400, count))


def _found(rows: SplitRows, until: float = math.inf) -> tuple[list[Node], float]:
    meter = Meter()
    with running(meter), np.errstate(all="ignore"):
        return list(relations(rows, until=until)), meter.spent


def _holds(tree: Node, rows: SplitRows) -> bool:
    tape = Tape(tree, rows.names)
    told = tape.value(tape.start, rows.X)
    return bool(np.abs(told - rows.y).max() <= 1e-8 * np.abs(rows.y).max())


@pytest.mark.slow
@pytest.mark.parametrize("size", [1.0, 1e-9, 1e9])
def test_a_ratio_of_sums_is_found_in_any_unit(size: float) -> None:
    X = _columns(2)
    rows = _rows(size * (X[:, 0] + 2 * X[:, 1] ** 2) / (X[:, 0] * X[:, 1] - 7), X)
    assert any(_holds(name, rows) for name in _found(rows)[0])


def test_a_ratio_is_found_over_many_decades() -> None:
    X = _columns(2)
    X[:, 0] = np.exp(8 * (X[:, 0] - 1.5))
    rows = _rows((X[:, 0] ** 2 + X[:, 1]) / (3 * X[:, 1] + X[:, 0]), X)
    assert any(_holds(name, rows) for name in _found(rows)[0])


def test_values_over_many_decades_cost_no_more_than_others() -> None:
    """Of exp(y) single rows outweigh all others: sums that vanish on these alone are no relations to look into."""
    X, noise = _columns(2), np.random.default_rng(1).normal(size=400)
    (found, plain), (other, wide) = _found(_rows(noise, X)), _found(_rows(30 * noise, X))
    assert not found
    assert not other
    assert wide < 1.5 * plain


def test_it_ends_with_the_work_it_is_given() -> None:
    rows = _rows(np.random.default_rng(1).normal(size=400), _columns(2))
    whole = _found(rows)[1]
    assert _found(rows, whole / 4)[1] < whole / 2
