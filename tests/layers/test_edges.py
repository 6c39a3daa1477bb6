"""Edge functions: sums, derivatives of every order, masks and closed forms against independent formulas."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline as ScipySpline

from edgewise import InputError
from edgewise.layers import KANLinear, SymbolicEdge, multiply, pull_back
from edgewise.layers.symbolic_edges import form_partials, form_values
from edgewise.splines import BASES
from tests.tiers import slow

DOUBLE = torch.float64


def points(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    """Points inside the grid [-1, 1] and on both tails, away from breaks where derivatives jump."""
    random = torch.Generator().manual_seed(seed)
    return torch.rand(rows, columns, generator=random, dtype=DOUBLE) * 2.6 - 1.3


def mixed_layer(basis: str = "bspline", base: str | None = "silu", degree: int = 4) -> KANLinear:
    symbolic = (SymbolicEdge(0, 1, "sin"), SymbolicEdge(2, 0, "x*exp(-x)"), SymbolicEdge(2, 1, "log"))
    layer = KANLinear(3, 2, basis=basis, base=base, degree=degree, symbolic=symbolic, seed=0, dtype=DOUBLE)
    assert layer.affine is not None
    with torch.no_grad():
        layer.affine.copy_(torch.tensor([[0.5, 2.0, 0.3, -1.0], [1.5, 0.7, -0.2, 0.1], [1.0, 1.0, 3.0, 0.0]]))
    mask = torch.ones(3, 2, dtype=torch.bool)
    mask[1, 0] = False
    layer.set_mask(mask)
    return layer


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("base", [None, "silu"])
def test_edges_sum_to_the_output_and_one_edge_is_a_column(basis: str, base: str | None) -> None:
    layer, x = mixed_layer(basis, base), points(60, 3)
    assert layer.bias is not None
    torch.testing.assert_close(layer.edges(x).sum(1) + layer.bias, layer(x), rtol=1e-13, atol=1e-13)
    for order in range(4):
        apart = layer.edges(x, order)
        for i in range(3):
            for o in range(2):
                torch.testing.assert_close(
                    layer.edge(i, o, x[:, i], order), apart[:, i, o], rtol=1e-12, atol=1e-12
                )


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("base", [None, "silu"])
def test_derivatives_of_edges_are_those_of_autograd(basis: str, base: str | None) -> None:
    layer, x = mixed_layer(basis, base), points(40, 3, 1).requires_grad_()
    for o in range(2):
        value: torch.Tensor = layer(x)[:, o]
        for order in range(1, 4):
            (value,) = torch.autograd.grad(value.sum(), x, create_graph=True)
            torch.testing.assert_close(value, layer.edges(x, order)[:, :, o], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("degree", range(6))
def test_a_spline_edge_is_scipys_spline(degree: int) -> None:
    layer = KANLinear(2, 3, degree=degree, intervals=4, grid=(-1.0, 2.0), seed=1, dtype=DOUBLE)
    width = 3.0 / 4
    knots = torch.linspace(-1.0 - degree * width, 2.0 + degree * width, 4 + 2 * degree + 1, dtype=DOUBLE)
    x = torch.linspace(-1.0, 1.999, 50, dtype=DOUBLE)
    for order in range(min(degree, 3) + 1):
        wanted = ScipySpline(knots.numpy(), layer.coef[1, :, 2].detach().numpy(), degree)(x.numpy(), order)
        torch.testing.assert_close(
            layer.edge(1, 2, x, order).detach(), torch.from_numpy(wanted), rtol=1e-11, atol=1e-11
        )


@pytest.mark.slow
@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("base", ["silu", *slow(None)])
def test_gradients_of_every_order_in_inputs_and_parameters(basis: str, base: str | None) -> None:
    layer, x = mixed_layer(basis, base), points(3, 3, 2).requires_grad_()
    names = [name for name, _ in layer.named_parameters()]
    values = [p.detach().clone().requires_grad_() for p in layer.parameters()]

    def run(x: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, (x, *values))
    assert torch.autograd.gradgradcheck(run, (x, *values))

    def slope(x: torch.Tensor) -> torch.Tensor:
        (first,) = torch.autograd.grad(run(x, *values).sum(), x, create_graph=True)
        return first

    assert torch.autograd.gradgradcheck(slope, (x,))


def test_a_closed_form_is_the_direct_formula() -> None:
    layer, x = mixed_layer(), points(30, 3, 3)
    a, b, c, d = 0.5, 2.0, 0.3, -1.0
    torch.testing.assert_close(layer.edge(0, 1, x[:, 0]), a * torch.sin(b * x[:, 0] + c) + d)
    torch.testing.assert_close(layer.edge(0, 1, x[:, 0], 2), -a * b**2 * torch.sin(b * x[:, 0] + c))
    a, b, c, d = 1.5, 0.7, -0.2, 0.1
    z = b * x[:, 2] + c
    torch.testing.assert_close(layer.edge(2, 0, x[:, 2]), a * z * torch.exp(-z) + d)
    torch.testing.assert_close(layer.edge(2, 0, x[:, 2], 1), a * b * (1 - z) * torch.exp(-z))
    torch.testing.assert_close(layer.edge(2, 0, x[:, 2], 3), a * b**3 * (3 - z) * torch.exp(-z))


def test_coefficients_below_a_closed_form_do_not_count() -> None:
    layer, x = mixed_layer(), points(10, 3)
    before = layer(x)
    with torch.no_grad():
        layer.coef[0, :, 1] += 5.0
        layer.coef[1, :, 0] += 5.0  # a dead edge
        assert layer.base_weight is not None
        layer.base_weight[0, 1] += 5.0
    assert torch.equal(layer(x), before)


def test_a_dead_closed_form_outside_its_domain_poisons_nothing() -> None:
    """log(-1) is NaN, and so is 0 * NaN: a masked edge must not be evaluated at all."""
    layer = KANLinear(
        2, 1, symbolic=(SymbolicEdge(0, 0, "log"), SymbolicEdge(1, 0, "sin")), seed=0, dtype=DOUBLE
    )
    layer.set_mask(torch.tensor([[False], [True]]))
    x = torch.tensor([[-1.0, 0.5], [0.0, 0.2]], dtype=DOUBLE, requires_grad=True)
    y = layer(x)
    torch.testing.assert_close(y[:, 0], torch.sin(x[:, 1]))
    y.sum().backward()
    assert x.grad is not None
    assert layer.affine is not None
    assert layer.affine.grad is not None
    assert x.grad.isfinite().all()
    assert layer.affine.grad.isfinite().all()
    assert layer.edges(x).isfinite().all()
    assert [group.form for group in layer.form_groups] == ["sin"]


def test_partials_of_a_form_are_those_of_autograd() -> None:
    affine = torch.tensor([[0.5, 2.0, 0.3, -1.0], [1.5, 0.7, -0.2, 0.1]], dtype=DOUBLE, requires_grad=True)
    x = points(5, 2, 4)
    for form in ("sin", "gaussian", "x^3 - 2*x", "identity"):
        partials = form_partials(form, affine, x)
        for row in range(5):
            for edge in range(2):
                (wanted,) = torch.autograd.grad(form_values(form, affine, x)[row, edge], affine)
                torch.testing.assert_close(partials[row, edge], wanted[edge], rtol=1e-12, atol=1e-12)


def test_high_derivatives_of_polynomials_vanish() -> None:
    layer = KANLinear(
        1, 2, symbolic=(SymbolicEdge(0, 0, "identity"), SymbolicEdge(0, 1, "square")), dtype=DOUBLE
    )
    x = points(7, 1)
    assert torch.equal(layer.edges(x, 2)[:, 0], torch.tensor([[0.0, 2.0]], dtype=DOUBLE).expand(7, 2))
    assert not layer.edges(x, 3).any()


# ---- multiplication nodes


@given(sums=st.integers(0, 3), arities=st.lists(st.integers(2, 5), max_size=3), seed=st.integers(0, 99))
def test_products_of_any_arity(sums: int, arities: list[int], seed: int) -> None:
    width = sums + sum(arities)
    if width == 0:
        return
    random = torch.Generator().manual_seed(seed)
    z = torch.randn(4, width, generator=random, dtype=DOUBLE)
    z[0] = 0.0  # zero factors must not spoil the gradient of the others
    z.requires_grad_()
    y = multiply(z, sums, tuple(arities))
    wanted = [z[:, k] for k in range(sums)]
    start = sums
    for arity in arities:
        wanted.append(
            torch.stack(
                [torch.tensor(math.prod(row), dtype=DOUBLE) for row in z[:, start : start + arity].tolist()]
            )
        )
        start += arity
    torch.testing.assert_close(y, torch.stack(wanted, 1))
    grad = torch.randn(4, 2, y.shape[1], generator=random, dtype=DOUBLE)
    back = pull_back(grad, z.detach(), sums, tuple(arities))
    for output in range(2):
        (auto,) = torch.autograd.grad(y, z, grad[:, output], retain_graph=True)
        torch.testing.assert_close(back[:, output], auto)


def test_forms_without_x_are_refused() -> None:
    with pytest.raises(InputError, match="uses x"):
        KANLinear(1, 1, symbolic=(SymbolicEdge(0, 0, "2*pi"),))
