"""Derivatives carried forward through a network, beside nested autograd."""

import itertools

import pytest
import torch

from edgewise import InputError
from edgewise.network import KAN, Nodes, laplacian, partial_derivative, set_symbolic, taylor


def network(kind):
    if kind == "products":
        return KAN([2, Nodes(sums=2, products=(2, 3)), 2], seed=1, degree=5, dtype=torch.float64)
    net = KAN([2, 4, 3, 1], seed=2, degree=5, dtype=torch.float64)
    with torch.no_grad():
        for layer in net.layers:
            layer.coef += 0.3 * torch.randn(layer.coef.shape, generator=torch.Generator().manual_seed(3)).to(
                layer.coef
            )
    return set_symbolic(net, (0, 0, 1), "sin").network if kind == "symbolic" else net


def nested(net, x, axes, output):
    """The derivative by autograd of autograd."""
    x = x.clone().requires_grad_()
    value = net(x)[:, output]
    for axis in axes:
        (slope,) = torch.autograd.grad(value.sum(), x, create_graph=True)
        value = slope[:, axis]
    return value


@pytest.mark.parametrize("kind", ["plain", "products", "symbolic"])
def test_every_derivative_up_to_the_fourth(kind):
    net = network(kind)
    x = (torch.rand(7, 2, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8).to(net.dtype)
    outputs = net.shape[-1]
    for order in range(1, 5):
        for axes in itertools.combinations_with_replacement(range(2), order):
            found = partial_derivative(net, x, axes)
            for output in range(outputs):
                wanted = nested(net, x, axes, output)
                torch.testing.assert_close(
                    found[:, output], wanted, rtol=1e-7, atol=1e-7 * (1 + float(wanted.detach().abs().max()))
                )


def test_gradients_of_a_residual_in_the_parameters():
    net = network("products")
    x = (torch.rand(6, 2, generator=torch.Generator().manual_seed(0)) - 0.5).to(net.dtype)
    _, _, second = taylor(net, x, torch.eye(2, dtype=net.dtype), 2)
    (second.sum(1)[:, 0] ** 2).sum().backward()
    forward = [parameter.grad.clone() for parameter in net.parameters() if parameter.grad is not None]
    net.zero_grad()
    laplacian = sum(nested(net, x, (k, k), 0) for k in range(2))
    (laplacian**2).sum().backward()
    backward = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
    for one, other in zip(forward, backward, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", ["plain", "products", "symbolic", "base"])
def test_the_laplacian_and_its_gradients_are_those_of_nested_autograd(kind):
    net = KAN([2, 4, 1], seed=4, base="silu", dtype=torch.float64) if kind == "base" else network(kind)
    x = (torch.rand(6, 2, generator=torch.Generator().manual_seed(0)) - 0.5).to(net.dtype)
    gradients = []
    for value in (laplacian(net, x)[:, 0], sum(nested(net, x, (k, k), 0) for k in range(2))):
        net.zero_grad()
        (value**2).sum().backward()
        gradients.append(
            [
                value.detach(),
                *(parameter.grad.clone() for parameter in net.parameters() if parameter.grad is not None),
            ]
        )
    assert len(gradients[0]) == len(gradients[1]) > 1
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-10)


def test_what_does_not_fit_is_told():
    net = network("plain")
    x = torch.zeros(3, 2, dtype=net.dtype)
    with pytest.raises(InputError, match="'directions' argument"):
        taylor(net, x, torch.eye(3), 2)
    with pytest.raises(InputError, match="order"):
        taylor(net, x, torch.eye(2), 5)
    with pytest.raises(InputError, match="1 to 4 numbers"):
        partial_derivative(net, x, ())
    with pytest.raises(InputError, match="axes"):
        partial_derivative(net, x, (2,))


@pytest.mark.parametrize("degree", [3, 5])
def test_a_laplacian_and_its_gradients_are_those_of_nested_autograd(degree):
    net = KAN([3, 6, 5, 1], seed=4, degree=degree, dtype=torch.float64)
    x = (torch.rand(9, 3, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8).to(net.dtype)
    found, wanted = laplacian(net, x)[:, 0], sum(nested(net, x, (k, k), 0) for k in range(3))
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)
    ours = torch.autograd.grad((found**2).sum(), [layer.coef for layer in net.layers])
    theirs = torch.autograd.grad((wanted**2).sum(), [layer.coef for layer in net.layers])
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-10)
