"""Moments of the edges, by every instruction set and by torch, held to dense values in float64."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import pytest
import torch
from torch import Tensor

from edgewise import InputError
from edgewise.kernels import EdgeMoments, edge_moments, moments
from edgewise.splines import BASES, BSpline, default_grid, make_basis, uniform_grid

from .test_kernels import F32, F64, ISAS, LIBRARY, Problem, problem, silu


@pytest.fixture(params=["torch", *ISAS])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if LIBRARY is None or request.param == "torch":
        monkeypatch.setattr(moments, "_native", lambda: None)
        monkeypatch.setattr(moments, "CHUNK", 200)
        yield "torch"
        return
    before = LIBRARY.isa
    LIBRARY.use_isa(request.param)
    yield request.param
    LIBRARY.use_isa(before)


def dense(p: Problem, base: bool, weight: Tensor | None) -> EdgeMoments:
    """From the values of all edges, two passes."""
    phi = torch.einsum("bim,imo->bio", p.basis.values(p.x, 0), p.coef)
    if base:
        phi = phi + silu(p.x, 0)[..., None] * p.base
    square = (phi - phi.mean(0)) ** 2
    w = torch.ones_like(p.g) if weight is None else weight
    return EdgeMoments(
        phi.mean(0), phi.abs().mean(0), square.mean(0), torch.einsum("bio,bo->io", square, w) / len(phi)
    )


def assert_equal(found: EdgeMoments, wanted: EdgeMoments, tolerance: float) -> None:
    for field in fields(EdgeMoments):
        a, b = getattr(found, field.name), getattr(wanted, field.name)
        assert a.dtype == F64
        torch.testing.assert_close(
            a, b, rtol=tolerance, atol=tolerance, msg=lambda m, f=field: f"{f.name}: {m}"
        )


@pytest.mark.parametrize(
    ("degree", "rows", "inputs", "outputs", "intervals", "uniform"),
    [
        (0, 40, 2, 3, 4, True),
        (1, 1, 3, 1, 2, False),
        (2, 300, 9, 17, 7, False),
        (3, 1500, 3, 8, 5, True),
        (4, 60, 1, 33, 60, False),
        (5, 90, 11, 2, 1, True),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("base", [False, True])
def test_moments_equal_the_dense_ones(
    way: str,
    degree: int,
    rows: int,
    inputs: int,
    outputs: int,
    intervals: int,
    uniform: bool,
    weighted: bool,
    base: bool,
) -> None:
    p = problem(degree, rows, inputs, outputs, intervals, uniform=uniform).rounded()
    weight = p.g**2 if weighted else None
    wanted = dense(p, base, weight)
    found = edge_moments(p.basis, p.x, p.coef, p.base if base else None, weight)
    assert_equal(found, wanted, 1e-12)
    q = p.to(F32)
    found = edge_moments(
        q.basis, q.x, q.coef, q.base if base else None, None if weight is None else weight.to(F32)
    )
    assert_equal(found, wanted, 3e-5)


def test_rows_in_several_spans_and_columns_that_are_strided(way: str) -> None:
    """More rows than one task takes, read where they lie."""
    p = problem(3, 20_000, 2, 3)
    x, weight = p.x.T.contiguous().T, (p.g**2).repeat(1, 2)[:, :3]
    assert_equal(edge_moments(p.basis, x, p.coef, p.base, weight), dense(p, True, weight), 1e-12)


def test_a_large_constant_costs_no_digits_of_the_spread(way: str) -> None:
    """The functions of a B-spline sum to one: the same edge, a million higher."""
    p = problem(3, 500, 2, 3)
    p = Problem(p.basis, p.x.clamp(-1, 0.5), p.v, p.coef, p.base, p.g)
    weight = p.g**2
    low = edge_moments(p.basis, p.x, p.coef, None, weight)
    high = edge_moments(p.basis, p.x, p.coef + 1e6, None, weight)
    for name in ("variance", "weighted"):
        torch.testing.assert_close(getattr(high, name), getattr(low, name), rtol=1e-8, atol=0)
    torch.testing.assert_close(high.mean - 1e6, low.mean, rtol=0, atol=1e-8)


def test_edges_without_spread_have_none(way: str) -> None:
    p = problem(3, 700, 2, 3)
    x, coef = p.x.clamp(-1, 0), torch.full_like(p.coef, -0.1)
    found = edge_moments(p.basis, x, coef, None, p.g**2)
    assert float(found.variance.max()) < 1e-30
    assert float(found.weighted.max()) < 1e-30
    torch.testing.assert_close(found.absolute, -found.mean)


@pytest.mark.parametrize("way", ISAS, indirect=True)
def test_threads_do_not_change_a_bit(way: str) -> None:
    p = problem(3, 9000, 17, 5).to(F32)
    before = torch.get_num_threads()
    results: list[Tensor] = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(edge_moments(p.basis, p.x, p.coef, p.base, p.g**2).weighted)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


def test_no_rows_have_no_mean_and_no_edges_none(way: str) -> None:
    p = problem(3, 0, 2, 3)
    assert edge_moments(p.basis, p.x, p.coef, p.base, p.g).weighted.isnan().all()
    p = problem(3, 5, 2, 0)  # no outputs
    assert edge_moments(p.basis, p.x, p.coef, p.base, p.g).mean.shape == (2, 0)


def test_a_row_that_is_not_a_number_spoils_its_input_only(way: str) -> None:
    p = problem(3, 30, 3, 4)
    p.x[7, 1] = torch.nan
    found = edge_moments(p.basis, p.x, p.coef, p.base, p.g**2)
    for field in fields(EdgeMoments):
        table = getattr(found, field.name)
        assert table[1].isnan().all()
        assert not table[[0, 2]].isnan().any()


@pytest.mark.parametrize("name", BASES)
def test_every_basis_has_moments(name: str) -> None:
    ends = torch.tensor([[-1.0, 1.0]] * 2, dtype=F64)
    basis = make_basis(name, default_grid(name, ends[:, 0], ends[:, 1], 4, 3), degree=3, size=7)
    source = torch.Generator().manual_seed(0)
    x = torch.rand(40, 2, dtype=F64, generator=source)
    coef = torch.randn(2, 7, 3, dtype=F64, generator=source)
    phi = torch.einsum("bim,imo->bio", basis.values(x, 0), coef)
    torch.testing.assert_close(edge_moments(basis, x, coef).variance, phi.var(0, correction=0))


def test_tensors_that_do_not_fit_are_refused() -> None:
    basis = BSpline(uniform_grid(-1, 1, 4, n_inputs=2), 3)
    x, coef = torch.zeros(5, 2, dtype=F64), torch.zeros(2, 7, 3, dtype=F64)
    with pytest.raises(InputError, match="must have shape"):
        edge_moments(basis, x[None], coef[None])
    with pytest.raises(InputError, match=r"Got x \(5, 2\), coef"):
        edge_moments(basis, x, coef[:, :6])
    with pytest.raises(InputError, match="Got x"):
        edge_moments(basis, x, coef, None, torch.zeros(4, 3, dtype=F64))
