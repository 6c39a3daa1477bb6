"""Laplacians through a layer by the native kernels, beside the maps that they are made of."""

import pytest
import torch

from edgewise.kernels.laplace import by_maps, laplace_sum, serves
from edgewise.kernels.native import laplace as native
from edgewise.kernels.native.library import load
from edgewise.splines import BSpline, uniform_grid

pytestmark = pytest.mark.skipif(
    native.function_of("ew_laplace_sum", native.Laplace) is None, reason="needs native kernels that have it"
)
WORD = {torch.float32: 3e-6, torch.float64: 1e-13}


def case(lines, inputs, outputs, dtype, uneven=False):
    """A grid, nodes inside, beyond and at the ends of intervals, and coefficients."""
    r = torch.Generator().manual_seed(inputs + 10 * outputs)
    grid = uniform_grid(-1, 1, 5, n_inputs=inputs).to(dtype)
    if uneven:
        grid = grid + 0.2 * grid**3
    nodes = torch.randn(37, lines + 2, inputs, generator=r, dtype=torch.float64).to(dtype)
    nodes[: grid.shape[1], 0] = grid.T
    coef = torch.randn(inputs, 8, outputs, generator=r, dtype=torch.float64).to(dtype)
    return BSpline(grid, 3), nodes.requires_grad_(), coef.requires_grad_()


@pytest.fixture(params=["chosen", "portable"])
def isa(request):
    library = load()
    own = library.isa
    library.use_isa(own if request.param == "chosen" else "portable")
    yield
    library.use_isa(own)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("lines", "inputs", "outputs"), [(1, 2, 64), (2, 5, 3), (2, 3, 70), (3, 7, 33), (3, 1, 1)]
)
@pytest.mark.parametrize("uneven", [False, True])
def test_sums_and_gradients_are_those_of_the_maps(isa, dtype, lines, inputs, outputs, uneven):
    basis, nodes, coef = case(lines, inputs, outputs, dtype, uneven)
    assert serves(basis, nodes, coef)
    found, wanted = laplace_sum(basis, nodes, coef), by_maps(basis, nodes, coef)
    g = torch.randn(found.shape, generator=torch.Generator().manual_seed(5)).to(dtype)
    ours, theirs = (torch.autograd.grad(y, (nodes, coef), g) for y in (found, wanted))
    for one, other in zip((found, *ours), (wanted, *theirs), strict=True):
        # At the end of an interval the third derivative jumps, and rounding chooses a side.
        calm = one[11:] if one.shape[0] == 37 else one
        other = other[11:] if other.shape[0] == 37 else other
        torch.testing.assert_close(calm, other, rtol=0, atol=WORD[dtype] * float(other.detach().abs().max()))
    torch.testing.assert_close(found, wanted, rtol=0, atol=WORD[dtype] * float(wanted.detach().abs().max()))


def test_threads_change_no_bit():
    basis, nodes, coef = case(2, 9, 64, torch.float64)
    before, every = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            y = laplace_sum(basis, nodes, coef)
            every.append((y, *torch.autograd.grad(y.square().sum(), (nodes, coef))))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*every, strict=True))


def test_gradients_go_on():
    basis, nodes, coef = case(2, 2, 2, torch.float64)
    few = nodes[12:15].detach().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda n, c: laplace_sum(basis, n, c), (few, coef))


def test_what_is_not_a_number_stays_in_its_row():
    basis, nodes, coef = case(1, 2, 3, torch.float64)
    spoilt = nodes.detach().clone()
    spoilt[20, 0, 0] = torch.nan
    y = laplace_sum(basis, spoilt, coef.detach())
    assert torch.isnan(y[20]).all()
    assert torch.isfinite(y[:20]).all()
    assert torch.isfinite(y[21:]).all()


def test_no_rows_and_others():
    basis, nodes, coef = case(2, 3, 4, torch.float64)
    none = laplace_sum(basis, nodes[:0], coef)
    assert none.shape == (0, 4, 4)
    assert not torch.autograd.grad(none.sum(), coef)[0].any()
    assert not serves(BSpline(basis.grid, 5), nodes, coef)
    assert not serves(basis, nodes.float(), coef)
