"""The operators as torch's own machinery sees them."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from edgewise import InputError
from edgewise.kernels import backends, reference, spline_edges, spline_sum, trilinear
from edgewise.layers import KANLinear, SymbolicEdge
from edgewise.splines import BASES, BSpline, uniform_grid

F64 = torch.float64
quiet = pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")


def tensors(nets: tuple[int, ...] = (), grids: tuple[int, ...] = (), rows: int = 7) -> dict[str, Any]:
    """x (rows, 3), coef (3, 8, 2) and the rest, with leading dimensions where asked for."""
    random = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*nets, *shape, dtype=F64, generator=random).requires_grad_()

    basis = BSpline(uniform_grid(-1.0, 1.0, 5, n_inputs=3), 3)
    *tables, degree, uniform = backends.tables(basis)
    tables = [t.expand(*grids, *t.shape).contiguous() for t in tables]
    given = {
        "x": normal(rows, 3),
        "v": normal(rows, 3),
        "coef": normal(3, 8, 2),
        "base": normal(3, 2),
        "g": normal(rows, 2),
    }
    return {**given, "grid": (*tables, degree, uniform), "basis": basis}


OPERATORS = {
    "forward": ("x", "v", "coef", "base"),
    "grad_coef": ("x", "v", "g"),
    "grad_input": ("x", "coef", "base", "g"),
    "backward": ("x", "v", "coef", "base", "g"),
}


def arguments(name: str, t: dict[str, Any], without: tuple[str, ...] = (), order: int = 0) -> tuple[Any, ...]:
    own = [None if key in without else t[key] for key in OPERATORS[name]]
    flag = ["base" not in without] if name == "grad_coef" else []
    return (*own, *flag, *t["grid"], order)


@pytest.mark.slow
@quiet
@pytest.mark.parametrize(("without", "nets"), [((), ()), (("v", "base"), (2,))])
@pytest.mark.parametrize("name", OPERATORS)
def test_opcheck(name: str, without: tuple[str, ...], nets: tuple[int, ...]) -> None:
    given = arguments(name, tensors(nets, grids=nets), without)
    torch.library.opcheck(getattr(torch.ops.edgewise, name).default, given)


@pytest.mark.parametrize("name", OPERATORS)
def test_gradients_of_every_operator(name: str) -> None:
    t = tensors(rows=3)
    own = [t[key] for key in OPERATORS[name]]
    rest = ([True] if name == "grad_coef" else []) + [*t["grid"], 0]

    def operator(*given: Tensor) -> Any:
        return getattr(torch.ops.edgewise, name)(*given, *rest)

    assert torch.autograd.gradcheck(operator, own)
    assert torch.autograd.gradgradcheck(operator, own)


def layer(t: dict[str, Any], *names: str) -> Any:
    """spline_sum as a function of the named tensors."""

    def function(*given: Tensor) -> Tensor:
        own = {**t, **dict(zip(names, given, strict=True))}
        return torch.tanh(spline_sum(t["basis"], own["x"], own["coef"], 0, own["base"]))

    return function


@pytest.mark.slow
@quiet
@pytest.mark.parametrize("dynamic", [False, True])
def test_a_layer_compiles_in_one_graph(dynamic: bool) -> None:
    torch._dynamo.reset()
    own = KANLinear(3, 2, base="silu", symbolic=(SymbolicEdge(1, 0, "sin"),), seed=0, dtype=F64)
    compiled = torch.compile(own, backend="aot_eager", fullgraph=True, dynamic=dynamic)
    for rows in (6, 9):
        x = torch.randn(rows, 3, dtype=F64, requires_grad=True)
        found = [torch.autograd.grad(run(x).pow(2).sum(), [x, *own.parameters()]) for run in (own, compiled)]
        torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=1e-12)


@quiet
def test_exports_with_a_dynamic_batch() -> None:
    own = KANLinear(3, 2, base="silu", symbolic=(SymbolicEdge(1, 0, "sin"),), seed=0, dtype=F64)
    x = torch.randn(6, 3, dtype=F64)
    rows = torch.export.Dim("rows")
    program = torch.export.export(own, (x,), dynamic_shapes=({0: rows},))
    assert "edgewise.forward" in program.graph_module.code
    more = torch.randn(11, 3, dtype=F64)
    torch.testing.assert_close(program.module()(more), own(more), rtol=1e-13, atol=1e-13)


def test_function_transforms() -> None:
    t = {k: v.detach() if isinstance(v, Tensor) else v for k, v in tensors().items()}
    plain = {k: v.clone().requires_grad_() for k, v in t.items() if k in ("x", "coef", "base")}
    function = layer(t, *plain)
    wanted = torch.autograd.grad(function(*plain.values()).sum(), list(plain.values()))
    found = torch.func.grad(lambda *a: function(*a).sum(), (0, 1, 2))(*(t[k] for k in plain))
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-13)
    for k in plain:
        one = layer(t, k)
        expected = torch.autograd.functional.jacobian(one, t[k])
        torch.testing.assert_close(torch.func.jacrev(one)(t[k]), expected, rtol=1e-13, atol=1e-13)
        inner = torch.func.grad(lambda u, one=one: torch.func.grad(lambda w: one(w).sum())(u).pow(2).sum())
        slope = torch.autograd.functional.jacobian(
            lambda u, one=one: torch.autograd.grad(one(u).sum(), u, create_graph=True)[0].pow(2).sum(),
            t[k].clone().requires_grad_(),
        )
        torch.testing.assert_close(inner(t[k]), slope, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    "batched", [("x",), ("coef",), ("x", "coef"), ("x", "coef", "base"), ("g",), ("base", "v")]
)
@pytest.mark.parametrize("name", OPERATORS)
def test_vmap_is_the_loop(name: str, batched: tuple[str, ...]) -> None:
    t = {k: v.detach() if isinstance(v, Tensor) else v for k, v in tensors().items()}
    names = [k for k in OPERATORS[name] if k in batched]
    if not names:
        return
    many = {k: torch.stack([t[k] * s for s in (1.0, -0.5, 2.0)], dim=-1) for k in names}

    def run(*given: Tensor) -> Any:
        return getattr(torch.ops.edgewise, name)(
            *arguments(name, {**t, **dict(zip(names, given, strict=True))})
        )

    found = torch.func.vmap(run, in_dims=-1)(*many.values())
    apart = [run(*(m[..., k] for m in many.values())) for k in range(3)]
    if isinstance(found, Tensor):
        torch.testing.assert_close(found, torch.stack(apart), rtol=1e-12, atol=1e-12)
    else:
        for a, *b in zip(found, *apart, strict=True):
            torch.testing.assert_close(a, torch.stack(b), rtol=1e-12, atol=1e-12)


def test_an_ensemble_is_networks_side_by_side() -> None:
    """Members of different grids, and their gradients, in one call each."""
    members = [
        KANLinear(3, 2, grid=(-1.0 - k, 1.0 + k * k), base="silu", seed=k, dtype=F64) for k in range(3)
    ]
    with torch.no_grad():
        members[1].grid[:, 2] += 0.1  # not uniform any more
    members[1]._refresh()
    params, buffers = torch.func.stack_module_state(members)  # type: ignore[arg-type]
    body, x = copy.deepcopy(members[0]), torch.randn(5, 3, dtype=F64)

    def loss(p: Any, b: Any, x: Tensor) -> Tensor:
        return torch.func.functional_call(body, (p, b), (x,)).pow(2).sum()

    buffers = {
        **buffers,
        **{k: torch.stack([getattr(m, k) for m in members]) for k in ("_table", "_origin", "_width")},
    }
    found = torch.func.vmap(torch.func.grad(loss), (0, 0, None))(params, buffers, x)
    for k, member in enumerate(members):
        wanted = torch.autograd.grad(member(x).pow(2).sum(), list(member.parameters()))
        for name, grad in zip(dict(member.named_parameters()), wanted, strict=True):
            torch.testing.assert_close(found[name][k], grad, rtol=1e-12, atol=1e-12)
    # vmap of vmap: networks of networks.
    twice = torch.func.vmap(torch.func.vmap(loss, (None, None, 0)), (0, 0, None))(params, buffers, x[:, None])
    apart = torch.stack([torch.stack([member(row).pow(2).sum() for row in x]) for member in members])
    torch.testing.assert_close(twice, apart, rtol=1e-12, atol=1e-12)


def test_autocast_evaluates_in_the_precision_of_the_grid() -> None:
    t = tensors()
    basis = BSpline(uniform_grid(-1.0, 1.0, 5, n_inputs=3).float(), 3)
    x, coef = t["x"].detach().bfloat16(), t["coef"].detach().float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = spline_sum(basis, x, coef)
    assert found.dtype == torch.float32
    assert torch.equal(found, spline_sum(basis, x.float(), coef))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_left_to_torch(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_triton", lambda: "Triton")
    on_gpu: Any = SimpleNamespace(is_cpu=False, is_cuda=True, dtype=dtype)
    assert backends.backend(on_gpu) is reference
    on_gpu.dtype = torch.float32
    assert backends.backend(on_gpu) == "Triton"
    own = KANLinear(3, 2, base="silu", seed=0).to(dtype)
    x = torch.randn(5, 3).to(dtype).requires_grad_()
    own(x).sum().backward()
    assert x.grad is not None
    assert x.grad.dtype == dtype


def test_tensors_that_do_not_fit_are_refused_before_any_memory_is_read() -> None:
    t = tensors()
    for change in (
        {"coef": t["coef"][:, :7]},
        {"coef": t["coef"][:2]},
        {"base": t["base"][:, :1]},
        {"x": t["x"][:, :2]},
    ):
        own = {**t, **change}
        with pytest.raises(InputError, match=r"must be x \(B, I\), coef"):
            spline_sum(t["basis"], own["x"], own["coef"], 0, own["base"])
    for change in ({"coef": t["coef"].float()}, {"x": t["x"].float()}, {"base": t["base"].to("meta")}):
        own = {**t, **change}
        with pytest.raises(InputError, match="must share one dtype and one device"):
            spline_sum(t["basis"], own["x"], own["coef"], 0, own["base"])
    breaks, table, *rest = t["grid"]
    with pytest.raises(RuntimeError, match="does not fit its input"):
        torch.ops.edgewise.forward(t["x"], None, t["coef"], None, breaks, table[:, 1:], *rest, 0)


def test_a_derivative_in_x_alone_asks_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    t, calls = tensors(), []
    plain = backends.backend(t["x"])

    class Noting:
        def __getattr__(self, name: str) -> Any:
            calls.append(name)
            return getattr(plain, name)

    monkeypatch.setattr(trilinear, "backend", lambda x: Noting())
    inner = spline_sum(t["basis"], t["x"] * 1.0, t["coef"])
    torch.autograd.grad(
        spline_sum(t["basis"], inner @ torch.ones(2, 3, dtype=F64), t["coef"]).sum(),
        t["x"],
        create_graph=True,
    )
    assert calls == ["forward", "forward", "grad_input", "grad_input"]


def test_edges_are_networks_of_one_input() -> None:
    t = tensors()
    assert torch.autograd.gradgradcheck(lambda c: spline_edges(t["basis"], t["x"], c), (t["coef"],))


@pytest.mark.parametrize("basis", BASES)
def test_edges_apart_are_differentiable_in_x(basis: str) -> None:
    own = KANLinear(2, 3, basis=basis, base="silu", symbolic=(SymbolicEdge(0, 1, "sin"),), seed=0, dtype=F64)
    x = torch.linspace(-0.9, 0.8, 8, dtype=F64).view(4, 2).requires_grad_()
    assert torch.autograd.gradcheck(own.edges, (x,))
    assert torch.autograd.gradgradcheck(own.edges, (x,))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.* is deprecated:DeprecationWarning")
@pytest.mark.parametrize("base", [None, "silu"])
def test_derivatives_carried_forward_are_those_taken_backward(base: str | None) -> None:
    own = KANLinear(3, 2, base=base, seed=0, dtype=F64)
    x, along = torch.randn(2, 4, 3, dtype=F64, generator=torch.Generator().manual_seed(0))
    parameters = {k: p.detach() for k, p in own.named_parameters()}

    def scalar(given: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(own, given, (x,)).sin().sum()

    func = torch.func
    torch.testing.assert_close(func.jacfwd(own)(x), func.jacrev(own)(x))
    for argnum in (0, 1):
        backward = func.jacrev(func.jacrev(scalar, argnum), argnum)(parameters, x)
        for outer in (func.jacfwd, func.jacrev):
            inner = func.jacfwd(scalar, argnum)
            torch.testing.assert_close(outer(inner, argnum)(parameters, x), backward)
        torch.testing.assert_close(func.hessian(scalar, argnum)(parameters, x), backward)
        mixed = func.jacrev(func.grad(scalar, argnum), 1 - argnum)(parameters, x)
        torch.testing.assert_close(func.jacfwd(func.grad(scalar, argnum), 1 - argnum)(parameters, x), mixed)
    with torch.no_grad(), forward_ad.dual_level():
        carried = forward_ad.unpack_dual(own(forward_ad.make_dual(x, along))).tangent
    torch.testing.assert_close(carried, torch.autograd.functional.jvp(own, x, along)[1])


def test_in_a_sequence_with_torch_layers() -> None:
    model = nn.Sequential(
        KANLinear(3, 4, seed=0, dtype=F64), nn.LayerNorm(4, dtype=F64), KANLinear(4, 1, seed=1, dtype=F64)
    )
    x = torch.randn(8, 3, dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(model, (x,))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.* is deprecated:DeprecationWarning")
@pytest.mark.parametrize("basis", BASES)
def test_function_transforms_of_every_basis(basis: str) -> None:
    """Rows outside the grid and on its ends too, where the functions of `kernels` and torch's own could differ."""
    own = KANLinear(2, 3, basis=basis, base="silu", symbolic=(SymbolicEdge(1, 0, "sin"),), seed=0, dtype=F64)
    x = torch.tensor([[-1.0, 1.0], [0.3, -0.71], [1.6, -1.0], [-2.0, 0.11]], dtype=F64)
    along, func = torch.linspace(-1, 1, 8, dtype=F64).view(4, 2), torch.func
    names, parameters = zip(*own.named_parameters(), strict=True)

    def slope(u: Tensor, v: Tensor) -> Tensor:
        return (torch.autograd.grad(own(u).sin().sum(), u, create_graph=True)[0] * v).sum()

    wanted, bend = [], []
    for row, v in zip(x, along, strict=True):
        u = row.clone().requires_grad_()
        wanted.append(torch.stack([torch.autograd.grad(y, u, retain_graph=True)[0] for y in own(u)]))
        bend.append(torch.autograd.grad(slope(u, v), u)[0])
    jacobian = torch.stack(wanted)
    torch.testing.assert_close(func.vmap(own)(x), own(x))
    for taken in (func.jacrev, func.jacfwd):
        torch.testing.assert_close(func.vmap(taken(own))(x), jacobian)
    moved = torch.einsum("boi,bi->bo", jacobian, along)
    torch.testing.assert_close(func.jvp(own, (x,), (along,)), (own(x).detach(), moved))
    hessian = func.vmap(func.hessian(lambda u: own(u).sin().sum()))(x)
    torch.testing.assert_close(torch.einsum("bij,bj->bi", hessian, along), torch.stack(bend))

    def loss(given: dict[str, Tensor], row: Tensor) -> Tensor:
        return func.functional_call(own, given, (row[None],)).square().sum()

    state = {name: parameter.detach() for name, parameter in zip(names, parameters, strict=True)}
    found = func.vmap(func.grad(loss), (None, 0))(state, x)
    for k, row in enumerate(x):
        alone = torch.autograd.grad(own(row).square().sum(), parameters)
        torch.testing.assert_close([found[name][k] for name in names], list(alone))
