"""Rows that are left out together: copies of one row, but no crowd of different ones that the inputs cannot distinguish."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise import KANClassifier
from edgewise.training.bag.run import REPEATED_ROWS, same_rows

ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.sampled_from([0, 0, 0, 1])), min_size=1, max_size=80
)


@given(ROWS)
def test_copies_stay_together_and_crowds_do_not(rows: list[tuple[int, int, int]]) -> None:
    group = same_rows(
        torch.tensor([row[:2] for row in rows], dtype=torch.float64),
        torch.tensor([row[2:] for row in rows], dtype=torch.float64),
    ).tolist()
    many, targets = (
        Counter(rows),
        {row[:2]: {other[2] for other in rows if other[:2] == row[:2]} for row in rows},
    )
    expected = list[tuple[int, ...]]()
    for k, row in enumerate(rows):
        copy = len(targets[row[:2]]) == 1 and many[row] <= REPEATED_ROWS
        expected.append(row if copy else (k,))
    # The same parts, numbered in the order in which they come.
    number = dict[tuple[int, ...], int]()
    assert group == [number.setdefault(key, len(number)) for key in expected]


def test_copies_of_numbers_stay_together() -> None:
    X = torch.randn(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    rows = torch.arange(50).repeat_interleave(3)
    y = X[:, :1].exp()
    assert torch.equal(same_rows(X[rows], y[rows]), rows)
    assert torch.equal(same_rows(X, y), torch.arange(50))


@pytest.mark.parametrize("seed", range(4))
def test_many_rows_without_any_record_leave_probabilities_as_they_are(seed: int) -> None:
    """Left out by their outcome, they would be judged by the solution of the other outcome, and all would be squeezed."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(1500, 8))
    odds = X @ rng.normal(0, 0.7, 8)
    X[:100], odds[:100] = -9.0, 0.0
    y = rng.random(1500) < 1 / (1 + np.exp(-odds))
    model = KANClassifier(mode="additive", random_state=seed).fit(X, y)
    logit = model.decision_function(X)[100:]
    assert np.polyfit(odds[100:], logit, 1)[0] == pytest.approx(1.0, abs=0.25)
