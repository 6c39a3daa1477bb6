"""Networks of every make for the tests: a hypothesis strategy, and small helpers that look at state."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from edgewise.forms import FORMS
from edgewise.network import KAN, Nodes, mask_edges, set_symbolic
from edgewise.splines import BASES

SMOOTH = ("sin", "square", "tanh", "gaussian", "x*exp(-x)", "exp", "x^2 + 0.5*x")
assert {"sin", "square", "tanh", "gaussian", "exp"} <= set(FORMS)


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    bases: tuple[str, ...] = BASES,
    dtypes: tuple[torch.dtype, ...] = (torch.float64,),
    min_layers: int = 1,
    products: bool = True,
    masks: bool = True,
) -> KAN:
    """A small network of any shape, basis and degree, with products, masks, symbolic edges, names and scalings."""
    depth = draw(st.integers(min_layers, 3))
    shape: list[int | Nodes] = [draw(st.integers(1, 3))]
    for _ in range(depth):
        sums = draw(st.integers(0, 3))
        arities = draw(st.lists(st.integers(2, 3), max_size=2)) if products else []
        shape.append(Nodes(sums if sums or arities else 1, tuple(arities)))
    random = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    net = KAN(
        shape,
        basis=draw(st.sampled_from(bases)),
        degree=draw(st.integers(1, 5)),
        intervals=draw(st.integers(3, 6)),
        base=draw(st.sampled_from([None, "silu"])),
        bias=draw(st.booleans()),
        input_names=draw(_names(shape[0])),
        seed=draw(st.integers(0, 2**31)),
        dtype=draw(st.sampled_from(dtypes)),
    )
    edges = [
        (k, i, o)
        for k, layer in enumerate(net.layers)
        for i in range(layer.in_features)
        for o in range(layer.out_features)
    ]
    for edge in draw(st.lists(st.sampled_from(edges), max_size=4, unique=True)):
        affine = (torch.rand(4, generator=random, dtype=torch.float64) - 0.5).tolist()
        net = set_symbolic(net, edge, draw(st.sampled_from(SMOOTH)), affine).network
    if masks:
        net = mask_edges(
            net, draw(st.lists(st.sampled_from(edges), max_size=len(edges), unique=True))
        ).network
    with torch.no_grad():
        for layer in net.layers:
            if layer.bias is not None:
                layer.bias.copy_(torch.rand(layer.out_features, generator=random) - 0.5)
        for name in ("input_shift", "output_shift"):
            getattr(net, name).copy_(torch.randn(getattr(net, name).shape, generator=random) / 4)
        for name in ("input_scale", "output_scale"):
            getattr(net, name).copy_(torch.rand(getattr(net, name).shape, generator=random) + 0.5)
    return net


def edges_of(net: KAN) -> list[tuple[int, int, int]]:
    """Every edge, alive or not."""
    sizes = [(k, layer.in_features, layer.out_features) for k, layer in enumerate(net.layers)]
    return [(k, i, o) for k, sources, targets in sizes for i in range(sources) for o in range(targets)]


def _names(entry: int | Nodes) -> st.SearchStrategy[list[str]]:
    """Distinct names of any characters, as columns of tables have."""
    count = entry if isinstance(entry, int) else entry.total
    text = st.text(min_size=1, max_size=6).filter(lambda name: bool(name.strip()))
    return st.lists(text, min_size=count, max_size=count, unique=True)


def inputs_of(net: KAN, rows: int = 40, seed: int = 0) -> Tensor:
    """Rows that cover the grids of the inputs and go a little beyond."""
    random = torch.Generator().manual_seed(seed)
    low, high = net.input_range().double().unbind(1)
    share = 1.2 * torch.rand(rows, net.shape[0], generator=random, dtype=torch.float64) - 0.1
    return (low + share * (high - low)).to(net.dtype)


def state_bytes(net: torch.nn.Module) -> dict[str, bytes]:
    """Every number to the bit."""
    return {
        name: t.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        for name, t in net.state_dict().items()
    }


def scale_of(y: Tensor) -> float:
    """Size that a change of y is compared with."""
    return max(1.0, float(y.abs().max()))


def sample_network(dtype: torch.dtype = torch.float32) -> KAN:
    """A small network with a product and a closed form."""
    net = KAN([2, Nodes(1, (2,)), 1], input_names=["mass", "length"], intervals=3, seed=0, dtype=dtype)
    return set_symbolic(net, (0, 0, 0), "x*exp(-x)", (0.5, 1.0, 0.25, -1.0)).network
