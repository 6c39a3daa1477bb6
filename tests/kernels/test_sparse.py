"""Normal equations of sparse rows: against dense products, and splines against scipy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from edgewise.kernels import sparse
from edgewise.kernels.sparse import Cubics, SparseBlock, SparseRows


@pytest.fixture(params=["native", "scipy"], autouse=True)
def backend(request, monkeypatch):
    if request.param == "scipy":
        monkeypatch.setattr(sparse, "_native", lambda: None)
    elif sparse._native() is None:
        pytest.skip("no native library")


def _rows(seed: int, n: int, common: int = -1) -> tuple[SparseRows, np.ndarray]:
    """Codes, a spline and a product of two splines; and the same as a dense table."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 5, n).astype(np.int32)
    at, value = rng.integers(0, 6, n).astype(np.int32), rng.normal(size=(n, 4))
    other, more = rng.integers(0, 3, n).astype(np.int32), rng.normal(size=(n, 4))
    product = (value[:, :, None] * more[:, None]).reshape(n, 16)
    blocks = (
        SparseBlock(0, codes, common=common),
        SparseBlock(5, at, value, width=4),
        SparseBlock(14, at * 6 + other, product, runs=4, width=4, stride=6),
    )
    dense = np.zeros((n, 14 + 54))
    every = np.arange(n)
    dense[every, codes] = 1
    dense[every[:, None], 5 + at[:, None] + np.arange(4)] = value
    for a in range(4):
        for b in range(4):
            dense[every, 14 + (at + a) * 6 + other + b] = value[:, a] * more[:, b]
    return SparseRows(n, dense.shape[1], blocks), dense


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 40))
def test_sums_are_those_of_the_dense_table(seed, n):
    rows, dense = _rows(seed, n)
    rng = np.random.default_rng(seed + 1)
    weight, slope, theta = rng.uniform(0, 2, n), rng.normal(size=n), rng.normal(size=dense.shape[1])
    gram, sums = np.ones((dense.shape[1],) * 2), np.ones(dense.shape[1])
    rows.add_gram(weight, gram)
    rows.add_pulled(slope, sums)
    upper = np.triu_indices(dense.shape[1])
    np.testing.assert_allclose(
        gram[upper], 1 + (dense.T @ (weight[:, None] * dense))[upper], rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(sums, 1 + dense.T @ slope, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(rows.times(theta), dense @ theta, rtol=1e-12, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3_000), st.integers(0, 4), st.integers(1, 3))
def test_products_of_a_common_number_are_left_out_whatever_the_threads(seed, n, common, threads):
    rows, dense = _rows(seed, n, common)
    weight = np.random.default_rng(seed + 1).uniform(0, 2, n)
    dense[:, common] = 0
    gram, again = np.zeros((2, dense.shape[1], dense.shape[1]))
    rows.add_gram(weight, gram)
    upper = np.triu_indices(dense.shape[1])
    np.testing.assert_allclose(gram[upper], (dense.T @ (weight[:, None] * dense))[upper], atol=1e-9)
    SparseRows(rows.count, rows.features, rows.blocks, threads).add_gram(weight, again)
    assert gram.tobytes() == again.tobytes()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_cubics_are_scipys_splines_inside_and_lines_beyond(seed, intervals):
    rng = np.random.default_rng(seed)
    breaks = np.cumsum(rng.uniform(0.1, 1, intervals + 1))
    step, last = breaks[1] - breaks[0], breaks[-1] - breaks[-2]
    knots = np.r_[breaks[0] - step * np.arange(3, 0, -1), breaks, breaks[-1] + last * np.arange(1, 4)]
    x = np.r_[rng.uniform(breaks[0], breaks[-1], 20), breaks]
    cubics = Cubics(breaks)
    whole = BSpline.design_matrix(np.minimum(x, breaks[-1] * (1 - 1e-15)), knots, 3).toarray()
    np.testing.assert_allclose(cubics.dense(x), whole, atol=1e-11)
    beyond = breaks[-1] + np.array([0.5, 1.0, 1.5])
    lines = cubics.dense(beyond)
    np.testing.assert_allclose(lines[2] - lines[1], lines[1] - lines[0], atol=1e-11)
    np.testing.assert_allclose(lines.sum(1), 1.0)
