"""Convolutions of functions against unfolding, textbook convolutions and the laws that every layer keeps."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from edgewise import InputError
from edgewise.kernels import backends, convolution
from edgewise.layers import KANConv1d, KANConv2d, KANLinear, SymbolicEdge, refined
from edgewise.splines import BASES
from tests.tiers import slow

DOUBLE = torch.float64


def unfolded(layer: KANConv2d, x: Tensor) -> Tensor:
    """The same by all patches at once, each through the plain layer, and of its outputs those of the group."""
    (top, bottom), (left, right) = layer.padding
    mode = {"zeros": "constant"}.get(layer.padding_mode, layer.padding_mode)
    padded = F.pad(x, (left, right, top, bottom), mode)
    columns = F.unfold(padded, layer.kernel_size, layer.dilation, 0, layer.stride)
    parts = [layer.patch(part.transpose(1, 2)) for part in columns.chunk(layer.groups, 1)]
    each = layer.out_channels // layer.groups
    y = torch.cat([part[..., k * each : (k + 1) * each] for k, part in enumerate(parts)], -1)
    sizes = [
        (padded.shape[2 + k] - layer.dilation[k] * (layer.kernel_size[k] - 1) - 1) // layer.stride[k] + 1
        for k in range(2)
    ]
    return y.transpose(1, 2).reshape(len(x), layer.out_channels, *sizes)


def gradients(y: Tensor, x: Tensor, layer: nn.Module) -> tuple[Tensor, ...]:
    weight = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
    return torch.autograd.grad((y * weight).sum(), [x, *layer.parameters()])


shapes = st.fixed_dictionaries(
    {
        "groups": st.sampled_from([1, 2, 4]),
        "kernel_size": st.tuples(st.integers(1, 4), st.integers(1, 3)),
        "stride": st.sampled_from([1, 1, 2, (1, 3)]),
        "padding": st.tuples(st.integers(0, 3), st.integers(0, 2)),
        "dilation": st.sampled_from([1, 1, (2, 1)]),
        "padding_mode": st.sampled_from(["zeros", "zeros", "replicate", "reflect", "circular"]),
        "degree": st.integers(0, 4),
        "intervals": st.integers(1, 4),
        "base": st.sampled_from([None, "silu"]),
        "bias": st.booleans(),
    }
)


@settings(max_examples=40, deadline=None)
@given(options=shapes, gather=st.sampled_from([None, True, False]), tile=st.sampled_from([1 << 18, 150]))
def test_it_is_the_layer_on_every_patch(options: dict[str, Any], gather: bool | None, tile: int) -> None:
    """Values and gradients are those of F.unfold and KANLinear, by either way and whatever the tiles."""
    layer = KANConv2d(4, 8, **options, seed=0, dtype=DOUBLE)
    random = torch.Generator().manual_seed(1)
    x = torch.randn(2, 4, 8, 7, generator=random, dtype=DOUBLE, requires_grad=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "TILE", tile)
        if gather is not None and (gather or layer.stride == (1, 1)):
            patch.setattr(convolution, "gathers", lambda *_: gather)
        y = layer(x)
        found = gradients(y, x, layer)
    expected = unfolded(layer, x)
    torch.testing.assert_close(y, expected, rtol=1e-10, atol=1e-11)
    torch.testing.assert_close(found, gradients(expected, x, layer), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 3, "padding": 1},
        {"kernel_size": (2, 3), "stride": 2, "dilation": (1, 2), "padding": (0, 1)},
        {"kernel_size": 3, "groups": 2, "padding": "same"},
    ],
)
def test_straight_edges_are_a_textbook_convolution(options: dict[str, Any]) -> None:
    """phi(x) = w x on every edge, also far outside the grid, is torch's own convolution with the weights w."""
    layer, plain = KANConv2d(4, 6, **options, dtype=DOUBLE), nn.Conv2d(4, 6, **options, dtype=DOUBLE)
    with torch.no_grad():
        line = layer.patch.basis.greville()  # type: ignore[attr-defined]
        weight = plain.weight.reshape(6, -1).T
        layer.patch.coef.copy_(line[:, :, None] * weight[:, None])
        assert layer.patch.bias is not None
        assert plain.bias is not None
        layer.patch.bias.copy_(plain.bias)
    x = 5 * torch.randn(2, 4, 9, 9, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer(x), plain(x), rtol=1e-11, atol=1e-11)


def test_one_dimension_is_two_of_height_one() -> None:
    layer = KANConv1d(4, 6, 3, stride=2, padding=2, groups=2, seed=0, dtype=DOUBLE)
    flat = KANConv2d(4, 6, (1, 3), stride=(1, 2), padding=(0, 2), groups=2, seed=0, dtype=DOUBLE)
    x = torch.randn(3, 4, 11, dtype=DOUBLE)
    assert torch.equal(layer(x), flat(x[:, :, None]).squeeze(2))
    assert torch.equal(layer(x[1]), layer(x)[1])
    with pytest.raises(InputError, match=r"shape \(N, C, L\) or \(C, L\) with C = 4"):
        layer(x[:, None])


@pytest.mark.slow
@pytest.mark.parametrize("stride", [1, 2])
def test_derivatives_of_both_orders(stride: int) -> None:
    layer = KANConv2d(2, 3, 2, stride, 1, base="silu", seed=0, dtype=DOUBLE)
    names = [name for name, _ in layer.named_parameters()]

    def run(x: Tensor, *parameters: Tensor) -> Tensor:
        own = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(layer, own, (x,))

    x = torch.randn(1, 2, 3, 4, dtype=DOUBLE, generator=torch.Generator().manual_seed(0))
    given_ = (
        x.requires_grad_(),
        *(tensor.detach().clone().requires_grad_() for _, tensor in layer.named_parameters()),
    )
    assert torch.autograd.gradcheck(run, given_)
    assert torch.autograd.gradgradcheck(run, given_)


@pytest.mark.parametrize("basis", BASES)
def test_every_basis_with_dead_and_symbolic_edges(basis: str) -> None:
    edges = (SymbolicEdge(0, 0, "sin"), SymbolicEdge(3, 5, "x*exp(-x)"), SymbolicEdge(4, 1, "sin"))
    layer = KANConv2d(4, 6, 2, groups=2, basis=basis, base="silu", symbolic=edges, seed=0, dtype=DOUBLE)
    mask = torch.ones(8, 6, dtype=torch.bool)
    mask[2, 3] = mask[4, 1] = False
    layer.patch.set_mask(mask)
    x = torch.randn(2, 4, 5, 4, dtype=DOUBLE, requires_grad=True)
    y, expected = layer(x), unfolded(layer, x)
    torch.testing.assert_close(y, expected, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(gradients(y, x, layer), gradients(expected, x, layer), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("degree", [0, 1, 3, 5])
def test_refining_changes_no_output(degree: int) -> None:
    model = nn.Sequential(
        KANConv2d(2, 3, 3, padding=1, degree=degree, seed=0, dtype=DOUBLE), nn.Flatten(), KANLinear(75, 2)
    ).double()
    x = torch.randn(4, 2, 5, 5, dtype=DOUBLE)
    fine = refined(model, 3)
    assert fine[0].patch.intervals == 15
    assert model[0].patch.intervals == 5
    torch.testing.assert_close(fine(x), model(x), rtol=1e-12, atol=1e-12)
    with pytest.raises(InputError, match="must hold a layer of edges"):
        refined(nn.Linear(2, 2))
    with pytest.raises(InputError, match="be of B-splines"):
        refined(KANConv2d(1, 1, 1, basis="rbf"))


def test_a_grid_of_its_own_for_each_channel() -> None:
    grid = torch.tensor([[-1.0, 0.0, 2.0], [0.0, 0.5, 3.0]], dtype=DOUBLE)
    layer = KANConv2d(2, 3, 2, grid=grid, seed=0, dtype=DOUBLE)
    assert torch.equal(layer.patch.grid, grid.repeat_interleave(4, 0))
    x = torch.randn(2, 2, 4, 4, dtype=DOUBLE)
    torch.testing.assert_close(layer(x), unfolded(layer, x))
    with torch.no_grad():  # from now on the places of a channel differ
        layer.patch.grid[1].mul_(1.5)
    torch.testing.assert_close(layer(x), unfolded(layer, x))


def test_results_do_not_depend_on_threads_nor_on_other_rows() -> None:
    layer = KANConv2d(3, 16, 3, padding=1, seed=0)
    x = torch.randn(40, 3, 12, 12, requires_grad=True)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            y = layer(x)
            found.append((y, *gradients(y, x, layer)))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    assert torch.equal(layer(x[:7]), found[0][0][:7])


@pytest.mark.parametrize("gather", [True, False])
def test_no_more_than_a_tile_is_unfolded(gather: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What reaches a backend, and what comes back, is bounded whatever the batch and the size of a picture."""
    layer, seen = KANConv2d(2, 4, 5, padding=2, seed=0), []
    maps = backends.backend(layer.patch.coef)

    class Watched:
        def __getattr__(self, name: str) -> Any:
            def run(basis: Any, x: Tensor, *rest: Any) -> Any:
                found = getattr(maps, name)(basis, x, *rest)
                rows = x.shape[-2]
                seen.append(rows * max(x.shape[-1], rest[1].shape[-1]))
                return found

            return run

    monkeypatch.setattr(convolution.trilinear, "maps_of", lambda *_: Watched())
    monkeypatch.setattr(convolution, "gathers", lambda *_: gather)
    monkeypatch.setattr(convolution, "TILE", 1 << 13)
    for shape in ((50, 2, 8, 8), (1, 2, 90, 60)):
        layer(torch.randn(shape, requires_grad=True)).sum().backward()
    assert len(seen) > 20
    assert max(seen) <= 1 << 13


# ---- torch's machinery


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize(
    ("groups", "stride", "basis"), [(2, 2, "bspline"), *slow((1, 1, "bspline"), (1, 2, "rbf"))]
)
def test_compiles_in_one_graph(groups: int, stride: int, basis: str) -> None:
    layer = KANConv2d(2, 4, 3, stride, 1, groups=groups, basis=basis, base="silu", seed=0, dtype=DOUBLE)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    x = torch.randn(2, 2, 6, 6, dtype=DOUBLE, requires_grad=True)
    torch.testing.assert_close(compiled(x), layer(x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradients(compiled(x), x, layer), gradients(layer(x), x, layer))


def test_gradients_of_each_picture_by_function_transforms() -> None:
    layer = KANConv2d(1, 2, 3, seed=0, dtype=DOUBLE)
    parameters = dict(layer.named_parameters())
    x = torch.randn(3, 1, 5, 5, dtype=DOUBLE)

    def loss(own: dict[str, Tensor], picture: Tensor) -> Tensor:
        return torch.func.functional_call(layer, own, (picture[None],)).square().sum()

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(parameters, x)
    for k, picture in enumerate(x):
        own = torch.autograd.grad(layer(picture).square().sum(), list(parameters.values()))
        torch.testing.assert_close([found[k] for found in each.values()], list(own))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.* is deprecated:DeprecationWarning")
@pytest.mark.parametrize("basis", BASES)
def test_function_transforms_take_pictures_apart(basis: str) -> None:
    layer = KANConv2d(2, 2, 3, padding=1, groups=2, basis=basis, base="silu", seed=0, dtype=DOUBLE)
    x = torch.randn(3, 2, 4, 4, dtype=DOUBLE)
    torch.testing.assert_close(torch.func.vmap(layer)(x), layer(x))
    torch.testing.assert_close(torch.func.jacfwd(layer)(x), torch.func.jacrev(layer)(x))


def test_exported_and_traced_programs_take_any_number_of_pictures() -> None:
    layer = KANConv2d(2, 4, 3, padding=1, groups=2, base="silu", seed=0, dtype=DOUBLE)
    x, more = torch.randn(3, 2, 6, 6, dtype=DOUBLE), torch.randn(5, 2, 6, 6, dtype=DOUBLE)
    program = torch.export.export(layer, (x,), dynamic_shapes=({0: torch.export.Dim("n")},))
    torch.testing.assert_close(program.module()(more), layer(more))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about sizes that become constants
        traced = torch.jit.trace(layer, x)
    torch.testing.assert_close(traced(more), layer(more))


def test_state_files_and_copies_are_the_same_to_the_bit() -> None:
    layer = KANConv2d(3, 4, 3, padding=1, base="silu", grid=(-2.0, 2.0), seed=0)
    x = torch.randn(2, 3, 6, 6)
    memory = io.BytesIO()
    torch.save(layer.state_dict(), memory)
    memory.seek(0)
    other = KANConv2d(3, 4, 3, padding=1, base="silu", seed=5)
    other.load_state_dict(torch.load(memory, weights_only=True))
    for again in (other, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(again(x), layer(x))
    assert set(layer.state_dict()) == {f"patch.{n}" for n in ("coef", "bias", "base_weight", "grid", "mask")}


def test_memory_formats_and_empty_batches() -> None:
    layer = KANConv2d(3, 4, 3, padding=1, seed=0)
    x = torch.randn(2, 3, 6, 6)
    last = layer(x.contiguous(memory_format=torch.channels_last))
    assert torch.equal(last, layer(x))
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert layer(x).is_contiguous()
    assert layer(x[:0]).shape == (0, 4, 6, 6)
    assert layer(x[0]).shape == (4, 6, 6)
    (2 * layer(x[:0])).sum().backward()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_and_autocast(dtype: torch.dtype) -> None:
    layer = KANConv2d(2, 4, 3, seed=0)
    x = torch.randn(2, 2, 6, 6)
    with torch.autocast("cpu", dtype=dtype):
        assert torch.equal(layer(x), layer.float()(x).to(dtype))
        layer(x.to(dtype)).float().sum().backward()
    assert layer.patch.coef.grad is not None
    assert layer.patch.coef.grad.dtype == torch.float32
    half = copy.deepcopy(layer).to(dtype)
    y = half(x.to(dtype))
    assert y.dtype == dtype
    torch.testing.assert_close(y.float(), layer(x), rtol=0.1, atol=0.1)
    y.float().sum().backward()


def test_meta_tensors_have_the_shape() -> None:
    layer = KANConv2d(4, 6, 3, 2, 1, groups=2, device="meta")
    y = layer(torch.empty(2, 4, 9, 8, device="meta", requires_grad=True))
    assert y.shape == nn.Conv2d(4, 6, 3, 2, 1, groups=2)(torch.empty(2, 4, 9, 8)).shape
    y.sum().backward()


def test_seeds_and_first_functions() -> None:
    first, again, other = (KANConv2d(4, 64, 3, padding=1, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first.patch.coef, again.patch.coef)
    assert not torch.equal(first.patch.coef, other.patch.coef)
    x = torch.rand(20, 4, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    spread = KANConv2d(4, 64, 3, seed=0)(x).detach().std()
    assert 0.5 < float(spread) / 3**-0.5 < 2


BAD: list[tuple[dict[str, Any], str]] = [
    ({"in_channels": 0}, "'in_channels'"),
    ({"groups": 3}, "'in_channels' argument must be a multiple of 'groups'"),
    ({"kernel_size": (3, 3, 3)}, "'kernel_size' argument must be an int or 2 of them"),
    ({"kernel_size": 0}, "'kernel_size'"),
    ({"stride": 0}, "'stride'"),
    ({"padding": -1}, "'padding'"),
    ({"padding": "sam"}, "did you mean 'same'"),
    ({"padding": "same", "stride": 2}, "must be a number where 'stride' is not 1"),
    ({"padding_mode": "mirror"}, "'padding_mode'"),
    ({"degree": 7}, "'degree' argument"),
    ({"basis": "splines"}, "'basis' argument"),
    ({"grid": (1.0, 0.0)}, "'grid' argument"),
    ({"grid": torch.zeros(5, 4)}, r"'grid' tensor of KANConv2d must have shape \(4, K\)"),
    (
        {"in_channels": 1 << 10, "out_channels": 1 << 15},
        "'in_channels', 'out_channels', 'kernel_size' and 'intervals'",
    ),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        KANConv2d(**{"in_channels": 4, "out_channels": 6, "kernel_size": 3, **options})


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0]], "must be a tensor"),
        (torch.zeros(2, 4, 8), "with C = 4 channels"),
        (torch.zeros(2, 3, 8, 8), "with C = 4 channels"),
        (torch.zeros(2, 4, 2, 8), "at least as large as its kernel, 3 with dilation. Got 2"),
        (torch.zeros(2, 4, 8, 8, dtype=DOUBLE), "dtype of its parameters"),
    ],
)
def test_bad_inputs_are_refused(x: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        KANConv2d(4, 6, 3)(x)
    with pytest.raises(InputError, match="must be smaller than its input"):
        KANConv2d(1, 1, 3, padding=4, padding_mode="reflect")(torch.zeros(1, 1, 4, 4))
    with pytest.raises(InputError, match="'place' argument must be 2 whole numbers"):
        KANConv2d(4, 6, 3).source(0, 1)
