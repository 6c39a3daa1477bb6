"""Layers go where modules of torch go: to ONNX, through torch.fx, onto the meta device and back, into half precision."""

import copy
import io
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, fx, nn

from edgewise import KAN, KANLinear, Nodes
from edgewise.layers import KANConv1d, KANConv2d, SymbolicEdge
from edgewise.splines import BASES
from tests.tiers import slow


def pruned() -> KANLinear:
    layer = KANLinear(4, 3, symbolic=(SymbolicEdge(0, 0, "sin"), SymbolicEdge(1, 2, "exp")), seed=0)
    mask = torch.ones(4, 3, dtype=torch.bool)
    mask[2, 1] = mask[1, 2] = False
    layer.set_mask(mask)
    return layer


MODULES: dict[str, Any] = {
    **{f"degree {k}": lambda k=k: KANLinear(4, 3, degree=k, seed=0) for k in range(6)},
    **{name: lambda name=name: KANLinear(4, 3, basis=name, base="silu", seed=0) for name in BASES},
    "uneven": lambda: KANLinear(2, 2, grid=torch.tensor([[-1, -0.9, 0.2, 1.0], [0, 1, 1.5, 4]]), seed=0),
    "pruned": pruned,
    "pictures": lambda: KANConv2d(2, 4, 3, 2, 1, groups=2, symbolic=(SymbolicEdge(0, 0, "sin"),), seed=0),
    "reflected": lambda: KANConv2d(2, 2, 3, padding=1, padding_mode="reflect", seed=0),
    "depthwise": lambda: KANConv2d(2, 2, 1, groups=2, seed=0),
    "sequences": lambda: KANConv1d(2, 3, 5, stride=2, seed=0),
    "network": lambda: KAN([4, Nodes(1, (2,)), 3], seed=0),
    "block": lambda: nn.Sequential(nn.LayerNorm(4), KANLinear(4, 5, seed=0), KANLinear(5, 2, seed=1)),
}

FEW = ("degree 3", "pictures")
# Kinds of layers and curves that are written in other operators; the older exporter is asked for all modules.
NEWER = (
    "degree 0",
    "degree 3",
    "rbf",
    "rational",
    "fourier",
    "chebyshev",
    "uneven",
    "pruned",
    "pictures",
    "reflected",
    "sequences",
    "network",
)


def rows_for(module: nn.Module, count: int) -> Tensor:
    """Rows that reach beyond the grids."""
    shape = {KANConv2d: (2, 6, 6), KANConv1d: (2, 15)}.get(type(module), (getattr(module, "in_features", 4),))
    return torch.from_numpy(np.random.default_rng(0).normal(0, 1.5, (count, *shape))).float()


def in_onnxruntime(stream: io.BytesIO, x: Tensor) -> Any:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(stream.getvalue(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x.numpy()})[0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*FEW, *slow(*(item for item in MODULES if item not in FEW))])
def test_the_older_exporter_to_onnx(name: str) -> None:
    pytest.importorskip("onnx")
    module, stream = MODULES[name]().eval(), io.BytesIO()
    torch.onnx.export(
        module, (rows_for(module, 3),), stream, dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "n"}}
    )
    x = rows_for(module, 7)
    np.testing.assert_allclose(in_onnxruntime(stream, x), module(x).detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NEWER)
def test_the_newer_exporter_to_onnx(name: str) -> None:
    pytest.importorskip("onnxscript")
    module, stream = MODULES[name]().eval(), io.BytesIO()
    sizes = ({0: torch.export.Dim.DYNAMIC},)
    torch.onnx.export(
        module, (rows_for(module, 3),), stream, input_names=["x"], dynamic_shapes=sizes, dynamo=True
    )
    x = rows_for(module, 7)
    np.testing.assert_allclose(in_onnxruntime(stream, x), module(x).detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_program_that_was_exported_goes_on_to_onnx() -> None:
    pytest.importorskip("onnxscript")
    module, stream = MODULES["block"]().eval(), io.BytesIO()
    program = torch.export.export(module, (rows_for(module, 3),))
    torch.onnx.export(program, (), stream, input_names=["x"], dynamo=True)
    x = rows_for(module, 3)
    np.testing.assert_allclose(in_onnxruntime(stream, x), module(x).detach(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["pruned", "pictures", "sequences", "network", "block"])
def test_fx_takes_them_whole(name: str) -> None:
    module = MODULES[name]()
    traced = fx.symbolic_trace(module)
    traced.graph.lint()
    x = rows_for(module, 5)
    assert torch.equal(traced(x), module(x))
    assert torch.equal(copy.deepcopy(traced)(x), module(x))


@pytest.mark.parametrize("name", ["degree 3", "rbf", "uneven", "pruned", "pictures", "network"])
def test_memory_given_late_is_filled_as_the_module_was_made(name: str) -> None:
    made = MODULES[name]()
    late = copy.deepcopy(made).to("meta").to_empty(device="cpu")
    first = MODULES[name]()
    if name == "pruned":  # all edges live at first
        first.set_mask(torch.ones_like(first.mask))
    for module in (late, made):
        if module is made:
            with torch.no_grad():
                for tensor in made.state_dict().values():
                    tensor.fill_(1)
            made.reset_parameters()
        for key, tensor in first.state_dict().items():
            assert torch.equal(tensor, module.state_dict()[key]), key
        x = rows_for(module, 3)
        assert torch.equal(module(x), first(x))


def test_a_reset_without_a_seed_draws_afresh() -> None:
    layer = KANLinear(3, 2)
    before = layer.coef.detach().clone()
    layer.reset_parameters()
    assert not torch.equal(layer.coef, before)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_sharded_layers_begin_as_whole_ones() -> None:
    from torch import distributed
    from torch.distributed.fsdp import fully_shard

    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        with torch.device("meta"):
            net = nn.Sequential(KANLinear(8, 4, seed=0), KANLinear(4, 1, seed=1))
        fully_shard(net, mesh=distributed.init_device_mesh("cpu", (1,)))
        net.to_empty(device="cpu")
        for part in net:
            part.reset_parameters()
        x = rows_for(nn.Linear(8, 1), 5)
        assert torch.equal(net(x), KANLinear(4, 1, seed=1)(KANLinear(8, 4, seed=0)(x)))
    finally:
        distributed.destroy_process_group()


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["degree 3", "fourier", "uneven", "pictures", "depthwise"])
def test_half_precision_rounds_numbers_and_nothing_more(name: str, kind: torch.dtype) -> None:
    """The function is that of the rounded parameters at the rounded x, in float32; only the result is rounded."""
    half = MODULES[name]().to(kind)
    wide = copy.deepcopy(half).float()
    x = rows_for(half, 50).to(kind)
    expected = wide(x.float())
    torch.testing.assert_close(half(x).float(), expected, rtol=torch.finfo(kind).eps, atol=1e-4)
