"""Functions of single channels: the native kernel and torch's way beside the basis itself, in both orders of memory."""

import pytest
import torch

from edgewise.kernels.native import pointwise as native
from edgewise.kernels.native.library import load
from edgewise.kernels.pointwise import looked_up, pointwise, polynomials, serves
from edgewise.layers import KANConv2d
from edgewise.splines import BSpline, uniform_grid

WORD = {torch.float32: 1e-5, torch.float64: 3e-14}


def case(channels, size, degree, dtype, last=False, uneven=False):
    """A grid, numbers inside, beyond and at its breaks, and coefficients."""
    r = torch.Generator().manual_seed(channels + 10 * degree)
    grid = uniform_grid(-1, 1, 5, n_inputs=1).to(dtype)
    if uneven:
        grid = grid + 0.2 * grid**3
    x = torch.randn(70, channels, *size, generator=r, dtype=torch.float64).to(dtype)
    x.view(-1)[: grid.shape[1]] = grid[0]
    if last:
        x = x.contiguous(memory_format=torch.channels_last)
    coef = torch.randn(5 + degree, channels, generator=r, dtype=torch.float64).to(dtype)
    return BSpline(grid, degree), x.requires_grad_(), coef.requires_grad_()


def by_basis(basis, x, coef):
    values = basis.values(x.reshape(-1, 1)).reshape(*x.shape, -1)
    return torch.einsum("nchwm,mc->nchw", values, coef)


@pytest.fixture(params=["chosen", "portable", "torch"])
def isa(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr(native, "serves", lambda x, poly: False)
        yield
        return
    if native.function_of("ew_pointwise_map", native.Pointwise) is None:
        pytest.skip("needs native kernels that have it")
    library = load()
    own = library.isa
    library.use_isa(own if request.param == "chosen" else "portable")
    yield
    library.use_isa(own)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("degree", range(6))
@pytest.mark.parametrize(
    ("channels", "size", "last"),
    [
        (3, (7, 7), False), (5, (1, 1), False), (37, (1, 1), False), (2, (9, 19), True), (16, (3, 2), True),
        (19, (5, 5), True), (1, (8, 8), True),
    ],
)  # fmt: skip
def test_values_and_gradients_are_those_of_the_basis(isa, dtype, degree, channels, size, last):
    basis, x, coef = case(channels, size, degree, dtype, last, uneven=degree % 2 == 1)
    found, wanted = pointwise(basis, x, coef), by_basis(basis, x, coef)
    g = torch.randn(found.shape, generator=torch.Generator().manual_seed(5)).to(dtype)
    ours, theirs = (torch.autograd.grad(y, (x, coef), g, allow_unused=True) for y in (found, wanted))
    for one, other in zip((found, *ours), (wanted, *theirs), strict=True):
        expected = torch.zeros_like(one) if other is None else other
        size_of = max(1.0, float(expected.detach().abs().max()))
        torch.testing.assert_close(one, expected, rtol=0, atol=WORD[dtype] * size_of)


def test_it_can_be_differentiated_again(isa):
    basis, x, coef = case(3, (2, 1), 3, torch.float64)
    few = x[10:14].detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda x, c: pointwise(basis, x, c), (few, coef))
    assert torch.autograd.gradgradcheck(lambda x, c: pointwise(basis, x, c), (few, coef))


@pytest.mark.parametrize("last", [False, True])
def test_threads_change_no_bit(last):
    basis, x, coef = case(19, (28, 28), 2, torch.float32, last)
    before, every = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            y = pointwise(basis, x, coef)
            every.append((y, *torch.autograd.grad(y.square().sum(), (x, coef))))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*every, strict=True))


def test_what_is_no_number_stays_where_it_is(isa):
    basis, x, coef = case(3, (4, 4), 2, torch.float64)
    spoilt = x.detach().clone()
    spoilt[0, 1, 2, 3] = torch.nan
    y = pointwise(basis, spoilt, coef.detach())
    assert y[0, 1, 2, 3].isnan()
    assert int(y.isnan().sum()) == 1


def test_nothing_gives_nothing(isa):
    basis, x, coef = case(3, (4, 4), 2, torch.float64)
    none = x[:0].detach().requires_grad_()
    y = pointwise(basis, none, coef)
    dx, dc = torch.autograd.grad(y.sum(), (none, coef))
    assert y.shape == dx.shape == (0, 3, 4, 4)
    assert not bool(dc.any())


def test_polynomials_are_the_splines_on_every_piece():
    basis, x, coef = case(4, (6, 5), 3, torch.float64, uneven=True)
    y = looked_up(basis.breaks[0], basis.pieces.origin[0], polynomials(basis, coef), x)
    torch.testing.assert_close(y, by_basis(basis, x, coef))


@pytest.mark.parametrize("last", [False, True])
def test_a_depthwise_layer_of_single_places_is_made_of_it(last):
    """Beside the sum over patches that any convolution is, in the memory format of the input."""
    _, x, _ = case(6, (5, 4), 2, torch.float64, last)
    layer = KANConv2d(6, 6, 1, groups=6, degree=2, seed=3, dtype=torch.float64)
    assert serves(layer.patch.basis, x, layer.patch.coef[0])
    y = layer(x)
    assert y.is_contiguous(memory_format=torch.channels_last) == last
    for c in range(6):
        own = layer.patch.edges(x[:, c].reshape(-1, 1))[:, 0, c] + layer.patch.bias[c]
        torch.testing.assert_close(y[:, c].reshape(-1), own)
