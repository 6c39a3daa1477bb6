"""What layers and networks take: all else is one sentence; autocast, meta tensors and tracing work as for torch's own."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from edgewise import KAN, InputError, KANLinear, Nodes
from edgewise.kernels import reference
from edgewise.layers import SymbolicEdge

MODULES = {
    "layer": lambda: KANLinear(2, 3, seed=0),
    "layer of all kinds": lambda: KANLinear(2, 3, base="silu", symbolic=(SymbolicEdge(0, 0, "sin"),), seed=0),
    "chebyshev": lambda: KANLinear(2, 3, basis="chebyshev", seed=0),
    "network": lambda: KAN([2, Nodes(1, (2,)), 3], seed=0),
}
X = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (7, 2))).float()


@pytest.fixture(params=MODULES)
def module(request):
    return MODULES[request.param]()


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (X.numpy(), r"numpy\.ndarray instead; convert it with torch\.as_tensor"),
        (X.tolist(), "list instead"),
        (None, "Got None"),
        ("x", "Got 'x'"),
        (X.double(), r"dtype .* convert it with x\.to\(torch\.float32\)"),
        (X.bfloat16(), "dtype"),
        (X.long(), "dtype"),
        (X.to(torch.complex64), "dtype"),
        (X.to("meta"), "device of its parameters, cpu. Got meta"),
        (X.to_sparse(), r"convert it with x\.to_dense\(\)"),
        (X[:, :1], "2 columns"),
        (X[0, 0], "2 columns"),
    ],
)
def test_what_cannot_be_taken_is_one_sentence(module, given, word):
    with pytest.raises(InputError, match=word) as caught:
        module(given)
    assert "\n" not in str(caught.value)
    if not isinstance(given, torch.Tensor) or given.dtype != torch.float32:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            if not isinstance(given, torch.Tensor) or not given.is_floating_point():
                with pytest.raises(InputError):
                    module(given)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("given", [torch.float32, torch.bfloat16])
def test_autocast_gives_what_linear_gives(module, kind, given):
    linear = nn.Linear(2, 3)
    x = X.to(given)
    with torch.autocast("cpu", dtype=kind):
        ours, theirs = module(x), linear(x)
    assert (ours.dtype, ours.device, ours.shape) == (theirs.dtype, theirs.device, theirs.shape)
    # Within, the precision is that of the parameters.
    assert torch.equal(ours, module(x.float()).to(kind))


def test_autocast_leaves_double_precision_alone(module):
    module, linear = module.double(), nn.Linear(2, 3).double()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert module(X.double()).dtype == linear(X.double()).dtype == torch.float64


def test_autocast_trains_parameters_of_single_precision(module):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = (module(X) ** 2).mean()
    loss.backward()
    grads = {name: tensor.grad for name, tensor in module.named_parameters() if tensor.grad is not None}
    assert grads
    assert all(grad.dtype == torch.float32 and grad.isfinite().all() for grad in grads.values())


def test_predictions_do_not_depend_on_autocast():
    net = KAN([2, 3, 1], seed=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = net.predict(X.numpy())
    np.testing.assert_array_equal(found, net.predict(X.numpy()))


def test_a_mixed_stack_runs_under_autocast():
    stack = nn.Sequential(nn.Linear(2, 4), KANLinear(4, 4, seed=0), nn.LayerNorm(4), KANLinear(4, 1, seed=1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert stack(X).dtype == torch.bfloat16


def test_meta_tensors_have_the_shape_and_the_graph(module):
    module = module.to("meta")
    x = torch.empty(5, 4, 2, device="meta", requires_grad=True)
    y = module(x)
    assert (y.shape, y.device.type, y.dtype) == ((5, 4, 3), "meta", torch.float32)
    y.sum().backward()
    assert x.grad is not None
    with pytest.raises(InputError, match="device of its parameters, meta"):
        module(X)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_traced_module_is_the_module(module, monkeypatch):
    traced = torch.jit.trace(module, (X[:3],))
    monkeypatch.setattr(reference, "CHUNK", 16)  # bounds of parts must not be those of the example
    x, y = (X.clone().requires_grad_() for _ in range(2))
    assert torch.equal(traced(x), module(y))
    traced(x).sum().backward()
    module(y).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)
    with pytest.raises((RuntimeError, InputError)):
        traced(torch.zeros(7, 3))


def test_half_precision_modules(module):
    small = copy.deepcopy(module).bfloat16()
    assert small(X.bfloat16()).dtype == torch.bfloat16
