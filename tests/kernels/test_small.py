"""Small networks in one native call, against the evaluator in torch, autograd, torch's AdamW and LM written out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from edgewise._core.errors import InputError
from edgewise.kernels.native.library import load, reason
from edgewise.kernels.small import SmallNetwork
from edgewise.network import KAN, Nodes, mask_edges, set_symbolic
from edgewise.training.common.losses import CrossEntropy, Huber, LogMean, Squared
from edgewise.training.second_order import lm
from edgewise.training.second_order.jacobian import Evaluator
from edgewise.training.second_order.native_objective import NativeObjective, native_layers, objective
from edgewise.training.second_order.objective import DataObjective, Penalised
from edgewise.training.second_order.parameters import make_slots, pack

pytestmark = pytest.mark.skipif(load() is None, reason=reason() or "there")


def available() -> list[str]:
    """The instruction sets of this processor."""
    library, found = load(), list[str]()
    if library is None:
        return ["none"]
    before = library.isa
    for name in ("avx512", "avx2", "neon", "portable"):
        with contextlib.suppress(InputError):
            library.use_isa(name)
            found.append(name)
    library.use_isa(before)
    return found


@pytest.fixture(params=available())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    library = load()
    assert library is not None
    before = library.isa
    library.use_isa(request.param)
    yield request.param
    library.use_isa(before)


def uneven(net: KAN) -> KAN:
    """The same network on grids of uneven intervals."""
    for layer in net.layers:
        inner = (
            torch.rand(layer.grid.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
            + 0.2
        )
        steps = inner.cumsum(1)
        layer.grid.copy_(2 * (steps - steps[:, :1]) / (steps[:, -1:] - steps[:, :1]) - 1)
        layer._refresh()
    return net


def case(name: str) -> KAN:
    double = {"dtype": torch.float64, "seed": 1}
    if name == "plain":
        return KAN([2, 5, 1], **double)
    if name == "products":
        net = KAN([3, Nodes(2, (2, 3)), Nodes(1, (2,))], degree=2, base="silu", **double)
        return mask_edges(net, [(0, 0, 1), (0, 2, 1), (1, 0, 2)]).network
    if name == "fine":
        return KAN([2, 3, 2], intervals=60, bias=False, **double)
    if name == "uneven":
        return uneven(KAN([3, 4, 3], intervals=9, **double))
    if name == "many intervals":
        return uneven(KAN([2, 2, 1], intervals=20, degree=5, base="silu", **double))
    if name == "unfed":
        return mask_edges(KAN([2, 2, 2], **double), [(1, 0, 1), (1, 1, 1), (0, 0, 0), (0, 1, 0)]).network
    return KAN([2, 3, 3, 1], degree=int(name[-1]), **double)


CASES = ("plain", "products", "fine", "uneven", "many intervals", "unfed", *(f"degree {k}" for k in range(6)))


def rows(net: KAN, n: int = 75) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A vector, and rows that also lie beyond the grids, on breaks and where weights are zero."""
    random = torch.Generator().manual_seed(2)
    x = torch.rand(n, net.shape[0], generator=random, dtype=torch.float64) * 3 - 1.5
    breaks = net.layers[0].grid[0]
    x[: len(breaks), 0] = breaks[:n]
    y = torch.randn(n, net.shape[-1], generator=random, dtype=torch.float64)
    weight = torch.rand(n, generator=random, dtype=torch.float64)
    weight[3] = 0
    theta = pack(net, make_slots(net))
    theta = theta + 0.3 * torch.randn(len(theta), generator=random, dtype=torch.float64)
    return theta, x, y, weight / weight.sum()


def small_of(net: KAN, x: Tensor, y: Tensor | None = None, weight: Tensor | None = None) -> SmallNetwork:
    library, slots = load(), make_slots(net)
    layers = native_layers(net, slots)
    assert library is not None
    assert layers is not None
    return SmallNetwork(library, layers, slots.total, x, y, weight)


def close(got: Tensor, wanted: Tensor, tolerance: float = 1e-11) -> None:
    scale = max(1.0, float(wanted.abs().max()))
    torch.testing.assert_close(got, wanted, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("name", CASES)
def test_everything_equals_the_evaluator_in_torch(name: str, isa: str) -> None:
    net = case(name)
    slots = make_slots(net)
    theta, x, y, weight = rows(net)
    small, reference = small_of(net, x, y, weight), Evaluator(net, slots, x)
    f = reference.outputs(theta)
    J = torch.cat([part for _, _, part in reference.jacobians(theta)])
    close(small.outputs(theta), f)
    random = torch.Generator().manual_seed(3)
    g = torch.randn(f.shape, generator=random, dtype=torch.float64)
    v = torch.randn(theta.shape, generator=random, dtype=torch.float64)
    close(small.pull(theta, g), torch.einsum("nd,ndp->p", g, J))
    close(small.push(theta, v), J @ v)
    wanted = DataObjective(reference, Squared(), y, weight).normal(theta)
    for got, want in zip(small.normal(theta), wanted, strict=True):
        close(got, torch.as_tensor(want, dtype=torch.float64))
    assert torch.equal(small.normal(theta)[0], small.value(theta))
    # A root that mixes outputs.
    root = torch.randn(*f.shape, f.shape[1], generator=random, dtype=torch.float64)
    stacked = (root @ J).reshape(-1, slots.total)
    _, gradient, curvature = small.normal(theta, g, root)
    close(gradient, torch.einsum("nd,ndp->p", g, J))
    close(curvature, stacked.T @ stacked)
    assert torch.equal(curvature, curvature.T)


@pytest.mark.parametrize("rows_", [1, 31, 32, 33, 600])
def test_any_number_of_rows(rows_: int) -> None:
    net = case("plain")
    theta, x, y, weight = rows(net, 640)
    x, y, weight = x[:rows_], y[:rows_], weight[:rows_]
    small = small_of(net, x, y, weight)
    value, gradient, curvature = DataObjective(
        Evaluator(net, make_slots(net), x), Squared(), y, weight
    ).normal(theta)
    got = small.normal(theta)
    close(got[0], torch.tensor(value, dtype=torch.float64))
    close(got[1], gradient)
    close(got[2], curvature)


def test_the_gradient_is_that_of_finite_differences() -> None:
    net = case("products")
    theta, x, y, weight = rows(net)
    small, h = small_of(net, x, y, weight), 1e-6
    _, gradient, _ = small.normal(theta)
    both = torch.stack(
        [theta + h * torch.eye(len(theta)).double(), theta - h * torch.eye(len(theta)).double()]
    )
    values = small.value(both.reshape(-1, len(theta))).reshape(2, -1)
    torch.testing.assert_close(gradient, (values[0] - values[1]) / (2 * h), rtol=1e-5, atol=1e-6)


def test_several_vectors_are_what_each_of_them_is() -> None:
    net = case("uneven")
    theta, x, y, weight = rows(net)
    small = small_of(net, x, y, weight)
    many = torch.stack([theta, theta * 0.5, theta + 0.1])
    for call in (small.outputs, small.value, small.normal):
        together = call(many)
        alone = [call(item) for item in many]
        together = together if isinstance(together, tuple) else (together,)
        for k, part in enumerate(together):
            assert torch.equal(part, torch.stack([a[k] if isinstance(a, tuple) else a for a in alone]))


@pytest.mark.parametrize("intervals", [5, 40])
def test_the_number_of_threads_changes_no_bit(intervals: int) -> None:
    net = KAN([3, 4, 2], intervals=intervals, seed=0, dtype=torch.float64)
    theta, x, y, weight = rows(net, 5000)
    small = small_of(net, x, y, weight)
    mu = torch.full((2,), 1e-2, dtype=torch.float64)

    def everything() -> list[Tensor]:
        one = small.descend(theta, mu[0], 2 + 0 * mu[0], 2)
        two = small.descend(torch.stack([theta, -theta]), mu, 2 + 0 * mu, 1)
        products = [small.push(theta, theta), small.pull(theta, small.outputs(theta))]
        return [*small.normal(theta), *products, one.theta, two.theta]

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = everything()
        torch.set_num_threads(2)
        together = everything()
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_row_that_is_not_a_number_makes_the_loss_none(isa: str) -> None:
    net = case("plain")
    theta, x, y, weight = rows(net)
    x[7, 1] = torch.nan
    small = small_of(net, x, y, weight)
    assert bool(small.value(theta).isnan())
    assert small.outputs(theta).isnan().nonzero()[:, 0].tolist() == [7]
    value, gradient, _ = small.normal(theta)
    assert bool(value.isnan())
    assert bool(gradient.isnan().any())
    one = torch.tensor(1.0, dtype=torch.float64)
    after = small.descend(theta, one, one, 5)
    assert bool(after.stuck)
    assert torch.equal(after.theta, theta)
    x[7, 1] = torch.inf
    assert not bool(small_of(net, x, y, weight).value(theta).isfinite())


def test_steps_are_those_of_levenberg_and_marquardt(isa: str) -> None:
    net = KAN([2, 3, 1], seed=0, dtype=torch.float64)
    theta, x, y, weight = rows(net, 400)
    y = torch.sin(3 * x[:, :1]) * x[:, 1:]
    S = 1e-3 * torch.eye(len(theta), dtype=torch.float64)
    goal = Penalised(DataObjective(Evaluator(net, make_slots(net), x), Squared(), y, weight), S)
    state = lm.start(goal, theta)
    for _ in range(4):
        state = lm.step(goal, state)
    small = small_of(net, x, y, weight)
    mu = torch.tensor(lm.MU_START, dtype=torch.float64)
    after = small.descend(theta, mu, 2 + 0 * mu, 4, S)
    assert int(after.steps) == 4
    assert not bool(after.stuck)
    assert float(after.value) == pytest.approx(state.value, rel=1e-8)
    assert float(after.mu) == pytest.approx(state.mu, rel=1e-4)
    torch.testing.assert_close(after.theta, state.theta, rtol=1e-5, atol=1e-6)
    rest = small.descend(theta, mu, 2 + 0 * mu, 100, S, rest=0.05)
    assert int(rest.steps) < 100
    assert float(rest.decrease) < 0.05


@pytest.mark.parametrize("loss", [Squared(), Huber(), CrossEntropy(), LogMean()])
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_objective_is_the_one_in_torch(loss: object, outputs: int) -> None:
    net = KAN([2, 3, outputs], seed=0, dtype=torch.float64)
    theta, x, y, weight = rows(net)
    y = y.abs() if outputs == 1 else torch.nn.functional.one_hot(torch.arange(len(x)) % 3, 3).double()
    y = y.clamp(max=1)
    slots = make_slots(net)
    native = objective(net, slots, x, y, weight, loss)
    assert isinstance(native, NativeObjective)
    plain = DataObjective(Evaluator(net, slots, x), loss, y, weight)
    assert native.value(theta) == pytest.approx(plain.value(theta), rel=1e-12)
    for got, want in zip(native.normal(theta), plain.normal(theta), strict=True):
        close(torch.as_tensor(got), torch.as_tensor(want))


def test_symbolic_edges_stay_in_torch() -> None:
    net = set_symbolic(KAN([2, 2, 1], seed=0, dtype=torch.float64), (0, 0, 1), "sin").network
    _, x, y, weight = rows(net)
    assert type(objective(net, make_slots(net), x, y, weight, Squared())) is DataObjective


def test_arrays_that_do_not_fit_are_refused() -> None:
    net = case("plain")
    theta, x, y, weight = rows(net)
    small = small_of(net, x, y, weight)
    with pytest.raises(InputError, match=r"'theta' of a SmallNetwork must have shape \(126,\)"):
        small.outputs(theta[:-1])
    with pytest.raises(InputError, match="'v' of a SmallNetwork must have shape"):
        small.push(theta, theta.float())
    with pytest.raises(InputError, match="do not fit together"):
        small_of(net, x).value(theta)
