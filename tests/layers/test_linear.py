"""KANLinear as a module: a drop-in for nn.Linear, with refusals in one sentence."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import nn

from edgewise import InputError
from edgewise.layers import KANLinear, SymbolicEdge
from edgewise.splines import BASES
from tests.tiers import slow

DOUBLE = torch.float64


def layer_of(**options: Any) -> KANLinear:
    """Three inputs, two sums, with a base function, a symbolic edge and a dead edge."""
    made = KANLinear(
        3,
        2,
        **{"base": "silu", "symbolic": (SymbolicEdge(1, 0, "sin"),), "seed": 0, "dtype": DOUBLE, **options},
    )
    mask = torch.ones(3, 2, dtype=torch.bool)
    mask[2, 1] = False
    made.set_mask(mask)
    return made


@pytest.mark.parametrize("lead", [(), (1,), (5,), (4, 7), (2, 3, 4), (0,), (4, 0)])
def test_any_leading_shape_as_linear_takes_it(lead: tuple[int, ...]) -> None:
    layer = layer_of()
    x = torch.rand(*lead, 3, dtype=DOUBLE, generator=torch.Generator().manual_seed(0)) * 3 - 1.5
    y = layer(x)
    assert y.shape == nn.Linear(3, 2, dtype=DOUBLE)(x).shape
    for row, out in zip(x.reshape(-1, 3), y.reshape(-1, 2), strict=True):
        torch.testing.assert_close(layer(row), out, rtol=1e-13, atol=1e-13)
    y.sum().backward()
    assert layer.coef.grad is not None
    assert layer.coef.grad.shape == layer.coef.shape


def test_views_and_strides_do_not_matter() -> None:
    layer = layer_of()
    wide = torch.randn(6, 5, 6, dtype=DOUBLE)
    for x in (
        wide[..., ::2],
        wide.transpose(0, 1)[..., :3],
        wide.permute(2, 0, 1)[:5, :, :3],
        wide[:1, :, :3].expand(4, 5, 3),
    ):
        torch.testing.assert_close(layer(x), layer(x.contiguous()), rtol=1e-14, atol=1e-14)


def test_the_input_is_not_written_to() -> None:
    layer, x = layer_of(), torch.randn(5, 3, dtype=DOUBLE)
    before = x.clone()
    layer(x).sum().backward()
    layer.edges(x, 2)
    layer.edge(0, 0, x[:, 0], 1)
    assert torch.equal(x, before)


@pytest.mark.parametrize("shape", [(5, 2), (5, 4), (3, 5), (), (1,)])
def test_a_wrong_width_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"input of KANLinear\(3, 2\) must have 3 columns .* Got shape"):
        layer_of()(torch.zeros(shape, dtype=DOUBLE))
    with pytest.raises(InputError, match=r"input of KANLinear\(3, 2\) must have 3 columns"):
        layer_of().edges(torch.zeros(shape, dtype=DOUBLE))


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.float16])
def test_a_wrong_dtype_is_refused(dtype: torch.dtype) -> None:
    with pytest.raises(
        InputError, match=r"dtype of its parameters, torch\.float64\. Got torch\.\w+ instead; convert"
    ):
        layer_of()(torch.zeros(4, 3, dtype=dtype))


BAD: list[tuple[dict[str, Any], str]] = [
    ({"in_features": 0}, "'in_features' argument must be an int in the range"),
    ({"out_features": 2.0}, "'out_features' argument must be an int"),
    ({"basis": "bsplin"}, "did you mean 'bspline'"),
    ({"degree": 6}, r"'degree' .* range \[0, 5\]. Got 6"),
    ({"intervals": 0}, "'intervals'"),
    ({"base": "relu"}, "'base'"),
    ({"init": "ones"}, "'init'"),
    ({"seed": -1}, "'seed'"),
    ({"grid": (1.0, -1.0)}, "'grid' argument .* low < high"),
    ({"grid": (0.0, float("nan"))}, "'grid' argument .* two finite numbers"),
    ({"grid": (0.0, float("inf"))}, "'grid' argument .* two finite numbers"),
    ({"grid": (0.0, 1.0, 2.0)}, "'grid' argument .* two finite numbers"),
    ({"grid": "ab"}, "'grid' argument .* two finite numbers"),
    ({"grid": 3}, "'grid' argument .* two finite numbers"),
    ({"grid": torch.zeros(2, 5)}, r"'grid' tensor must have shape \(3, K\)"),
    ({"grid": torch.zeros(3, 5)}, "strictly increase"),
    ({"grid": torch.full((3, 5), torch.nan)}, "finite"),
    ({"grid": (1e9, 1e9 + 1), "dtype": torch.float32}, "strictly increase"),
    ({"basis": "chebyshev", "grid": torch.zeros(3, 3)}, r"shape \(inputs, 2\)"),
    ({"basis": "rbf", "degree": 1, "intervals": 1}, "use more intervals"),
    ({"symbolic": (SymbolicEdge(3, 0, "sin"),)}, "'source'"),
    ({"symbolic": (SymbolicEdge(0, -1, "sin"),)}, "'target'"),
    ({"symbolic": (SymbolicEdge(0, 1, "sine"),)}, "no column"),
    ({"symbolic": (SymbolicEdge(0, 1, "sin"), SymbolicEdge(0, 1, "cos"))}, "one edge twice"),
    ({"symbolic": (SymbolicEdge(0, 1, "x+" * 600 + "x"),)}, "1,000 characters"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        KANLinear(**{"in_features": 3, "out_features": 2, **options})


def test_bad_masks_and_edges_are_refused() -> None:
    layer = layer_of()
    for mask in (torch.ones(2, 2), torch.ones(1, 2), torch.ones(2), torch.tensor(True)):
        with pytest.raises(InputError, match=r"'mask' argument must have shape \(3, 2\)"):
            layer.set_mask(mask)
    for source, target in ((3, 0), (0, 2), (-1, 0), (0.5, 0)):
        with pytest.raises(InputError, match="must be an int in the range"):
            layer.edge(source, target, torch.zeros(2, dtype=DOUBLE))  # type: ignore[arg-type]
        with pytest.raises(InputError, match="must be an int in the range"):
            layer.kind(source, target)  # type: ignore[arg-type]


def test_kinds_of_edges() -> None:
    layer = layer_of(symbolic=(SymbolicEdge(1, 0, "sin"), SymbolicEdge(2, 1, "cos")))
    assert [[layer.kind(i, o) for o in range(2)] for i in range(3)] == [
        ["numeric", "numeric"],
        ["symbolic", "numeric"],
        ["numeric", "off"],
    ]


# ---- torch's machinery


@pytest.mark.filterwarnings(
    "ignore:.*should not be instantiated:DeprecationWarning"
)  # torch's compiler does so itself
@pytest.mark.parametrize("basis", [BASES[0], *slow(*BASES[1:])])
def test_compiles_in_one_graph(basis: str) -> None:
    layer = layer_of(basis=basis)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    x = torch.randn(6, 3, dtype=DOUBLE, requires_grad=True)
    grads = []
    for run in (layer, compiled):
        grads.append(torch.autograd.grad(run(x).pow(2).sum(), [x, *layer.parameters()]))
    torch.testing.assert_close(compiled(x), layer(x), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-12, atol=1e-12)


def test_sequential_deepcopy_and_pickle() -> None:
    model = nn.Sequential(layer_of(), nn.Tanh(), KANLinear(2, 1, basis="rbf", seed=1, dtype=DOUBLE))
    x = torch.randn(5, 3, dtype=DOUBLE)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(again(x), model(x))
        with torch.no_grad():
            again[0].coef.add_(1.0)
            again[0].set_mask(torch.ones(3, 2, dtype=torch.bool))
        assert not torch.equal(again(x), model(x))
        again.load_state_dict(model.state_dict())
        assert torch.equal(again(x), model(x))


@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.parametrize("basis", BASES)
def test_state_travels_into_a_layer_with_another_grid(basis: str, assign: bool) -> None:
    """What is derived from the grid and the mask follows a loaded state."""
    layer = layer_of(basis=basis, grid=(-2.0, 0.5))
    other = KANLinear(
        3,
        2,
        basis=basis,
        base="silu",
        symbolic=(SymbolicEdge(1, 0, "sin"),),
        seed=9,
        dtype=DOUBLE,
        grid=(0.0, 7.0),
    )
    model = nn.Sequential(other)
    x = torch.randn(20, 3, dtype=DOUBLE)
    assert not torch.allclose(other(x), layer(x))
    model.load_state_dict(nn.Sequential(layer).state_dict(), assign=assign)
    assert torch.equal(other(x), layer(x))
    assert torch.equal(other.edges(x, 1), layer.edges(x, 1))
    assert other.kind(2, 1) == "off"


@pytest.mark.parametrize("basis", BASES)
def test_moves_between_precisions(basis: str) -> None:
    layer = layer_of(basis=basis)
    x = torch.randn(50, 3, dtype=DOUBLE)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.2), (torch.float16, 3e-2)):
        moved = copy.deepcopy(layer).to(dtype)
        y = moved(x.to(dtype))
        assert y.dtype == dtype
        torch.testing.assert_close(y.to(DOUBLE), layer(x), rtol=tolerance, atol=tolerance)


def test_float_and_back_leaves_no_rounded_table() -> None:
    """On the way through float32 only the numbers of the state are rounded: the functions still sum to one in float64."""
    layer = KANLinear(2, 1, grid=(0.1, 0.7), intervals=7, seed=0, dtype=DOUBLE).float().double()
    x = torch.rand(100, 2, dtype=DOUBLE) * 0.6 + 0.1
    torch.testing.assert_close(layer.basis.values(x).sum(-1), torch.ones_like(x), rtol=0, atol=1e-14)


def test_device_argument_and_deferred_memory() -> None:
    layer = KANLinear(3, 2, base="silu", symbolic=(SymbolicEdge(0, 0, "sin"),), device="meta", dtype=DOUBLE)
    assert {tensor.device.type for tensor in layer.state_dict().values()} == {"meta"}
    layer = layer.to_empty(device="cpu")
    source = KANLinear(3, 2, base="silu", symbolic=(SymbolicEdge(0, 0, "sin"),), seed=4, dtype=DOUBLE)
    layer.load_state_dict(source.state_dict())
    x = torch.randn(4, 3, dtype=DOUBLE)
    assert torch.equal(layer(x), source(x))
    with torch.device("meta"):  # the ambient device is for layers that name none
        assert KANLinear(3, 2, device="cpu", seed=4)(torch.zeros(1, 3, device="cpu")).device.type == "cpu"
        assert KANLinear(3, 2).coef.device.type == "meta"


def test_autocast_keeps_the_place_on_the_grid() -> None:
    layer = KANLinear(3, 2, intervals=200, seed=0)
    x = torch.rand(50, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = layer(x)
        layer(x.bfloat16()).sum().backward()
    assert torch.equal(y, layer(x).bfloat16())
    assert layer.coef.grad is not None


def test_eval_train_repr_and_parameter_names() -> None:
    layer = layer_of()
    assert set(dict(layer.named_parameters())) == {"coef", "bias", "base_weight", "affine"}
    assert set(layer.state_dict()) == {"coef", "bias", "base_weight", "affine", "grid", "mask"}
    assert repr(layer) == "KANLinear(3, 2, basis='bspline', degree=3, intervals=5, symbolic=1)"
    plain = KANLinear(3, 2, bias=False)
    assert set(dict(plain.named_parameters())) == {"coef"}
    x = torch.randn(4, 3)
    assert torch.equal(plain.eval()(x), plain.train()(x))


# ---- seeds


def test_a_seed_gives_the_same_layer_and_leaves_the_global_generator() -> None:
    before = torch.get_rng_state()
    first, second, other = (KANLinear(4, 3, seed=seed) for seed in (7, 7, 8))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.coef, second.coef)
    assert not torch.equal(first.coef, other.coef)


def test_without_a_seed_the_callers_generator_decides_as_for_linear() -> None:
    torch.manual_seed(3)
    first = KANLinear(4, 3)
    second = KANLinear(4, 3)
    torch.manual_seed(3)
    again = KANLinear(4, 3)
    assert torch.equal(first.coef, again.coef)
    assert not torch.equal(first.coef, second.coef)


def test_init_zero_is_zero() -> None:
    x = torch.randn(9, 4)
    assert not KANLinear(4, 3, init="zero", base="silu")(x).any()


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ((2, 1), {"intervals": 10**9}, "'intervals'"),
        ((2, 1), {"intervals": 1000, "basis": "chebyshev"}, "'intervals'"),
        ((10**6, 10**6), {}, "at most 268,435,456 coefficients"),
        ((2, 1), {"dtype": torch.int64}, "'dtype'"),
        ((2, 1), {"dtype": "float32"}, "'dtype'"),
        ((2, 1), {"bias": "yes"}, "'bias'"),
    ],
)
def test_what_no_memory_holds_is_refused_at_once(sizes: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        KANLinear(*sizes, seed=0, **options)


@pytest.mark.parametrize("degree", [0, 1, 3, 5])
def test_a_fine_grid_starts_from_the_same_curves(degree: int) -> None:
    """Beyond 128 functions the initial curves are fitted on fewer and carried over exactly."""
    coarse, fine = (KANLinear(2, 3, degree=degree, intervals=g, seed=0, dtype=DOUBLE) for g in (100, 900))
    x = torch.rand(200, 2, dtype=DOUBLE) * 2 - 1
    off = (coarse.edges(x) - fine.edges(x)).abs()
    # Pieces of degree 0 may lie on either side of a break that the other grid does not have.
    assert off.flatten().quantile(0.98 if degree == 0 else 1.0) < (0.05 if degree == 0 else 2e-3)


@pytest.mark.parametrize("copied", [False, True])
def test_what_is_written_into_grid_or_mask_counts_at_once(copied: bool) -> None:
    """No table is older than the numbers it is made of, however they were changed; nor is that of a copy."""
    layer = KANLinear(3, 2, degree=2, intervals=4, dtype=torch.float64)
    x = torch.rand(40, 3, dtype=torch.float64)
    before = layer(x)
    layer = copy.deepcopy(layer) if copied else layer
    with torch.no_grad():
        layer.grid.mul_(1.7).add_(0.1)
        layer.mask[0, 1] = False
    mask = layer.mask.clone()
    fresh = KANLinear(3, 2, degree=2, intervals=4, grid=layer.grid.clone(), dtype=torch.float64)
    fresh.load_state_dict(layer.state_dict())
    fresh.set_mask(mask)
    assert not torch.allclose(layer(x), before)
    torch.testing.assert_close(layer(x), fresh(x), rtol=0, atol=0)
    torch.testing.assert_close(layer.edges(x, 1), fresh.edges(x, 1), rtol=0, atol=0)
    torch.testing.assert_close(layer.numeric_coef(), fresh.numeric_coef(), rtol=0, atol=0)
