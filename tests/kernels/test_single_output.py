"""Layers with one output take a way of their own through the native kernels, and give the same bits as wider ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.kernels import native_backend, reference
from edgewise.splines.bspline import BSpline

BACKEND = native_backend.loaded()
pytestmark = pytest.mark.skipif(BACKEND is None, reason="the native kernels are not built")


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    degree=st.integers(0, 5),
    intervals=st.sampled_from([1, 2, 5, 17, 60, 130]),
    even=st.booleans(),
    base=st.booleans(),
    order=st.integers(0, 2),
    double=st.booleans(),
    apart=st.booleans(),
)
def test_one_output_is_one_of_two(
    seed: int, degree: int, intervals: int, even: bool, base: bool, order: int, double: bool, apart: bool
) -> None:
    assert BACKEND is not None
    rng = np.random.default_rng(seed)
    kind = torch.float64 if double else torch.float32
    inputs, rows = 3, int(rng.integers(intervals + 1, 2500))
    # Widths over four decades, so that many breaks share a bucket of the search.
    widths = np.ones((inputs, intervals)) if even else 10 ** rng.uniform(-4, 0, (inputs, intervals))
    breaks = np.concatenate([np.zeros((inputs, 1)), widths.cumsum(1)], 1) - 1
    basis = BSpline(torch.tensor(breaks, dtype=kind), degree)
    x = torch.tensor(rng.uniform(-1.5, breaks.max() + 0.5, (rows, inputs)), dtype=kind)
    # On the breaks, off the grid, and what is no number.
    x[: intervals + 1, 0] = basis.breaks[0]
    x[-4:, 1] = torch.tensor([torch.inf, -torch.inf, torch.nan, 0.0], dtype=kind)
    if apart:
        x[: rows * 2 // 3 + 1, 2] = -0.5
        x[rows // 2, 2] = -0.5
    coef = torch.tensor(rng.normal(size=(inputs, basis.size, 2)), dtype=kind)
    weight = torch.tensor(rng.normal(size=(inputs, 2)), dtype=kind) if base else None
    two = BACKEND.forward(basis, x, None, coef, weight, order)
    one = BACKEND.forward(
        basis,
        x,
        None,
        coef[..., :1].contiguous(),
        None if weight is None else weight[:, :1].contiguous(),
        order,
    )
    assert torch.equal(one[:, 0].nan_to_num(7.0), two[:, 0].nan_to_num(7.0))


def test_it_agrees_with_torch() -> None:
    assert BACKEND is not None
    rng = np.random.default_rng(0)
    breaks = torch.tensor(np.sort(rng.normal(size=(4, 90)), 1))
    basis = BSpline(breaks, 3)
    x = torch.tensor(rng.normal(size=(3000, 4)) * 1.5)
    coef = torch.tensor(rng.normal(size=(4, basis.size, 1)))
    mine = BACKEND.forward(basis, x, None, coef, None, 0)
    theirs = reference.forward(basis, x, None, coef, None, 0)
    assert (mine - theirs).abs().max() <= 1e-12 * theirs.abs().max()
