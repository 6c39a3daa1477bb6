"""Sums of products of weighting functions, of few and of many places, against sums of every place."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.fields import weighting_functions
from edgewise.fields.weighting_functions import AxisWeights


@pytest.mark.parametrize("dense", [0, 10**9])
@pytest.mark.parametrize("period", [None, 1.0])
def test_sums_of_products_are_those_of_every_place(dense, period, monkeypatch):
    monkeypatch.setattr(weighting_functions, "_DENSE", dense)
    at = np.linspace(0, 1, 80, endpoint=period is None)
    weights = AxisWeights(at, at[1], np.linspace(0.1, 0.9, 12), 0.1, 4, period)
    values = np.random.default_rng(0).normal(size=(80, 3))
    rows, columns = weights.neighbours
    for one, other in ((0, 0), (0, 1), (1, 1)):
        first, second = weights.values(one), weights.values(other)
        every = np.einsum("nk,pn,pn->kp", values, first[rows], second[columns])
        np.testing.assert_allclose(weights.summed(values, one, other), every, rtol=1e-9, atol=1e-9)
