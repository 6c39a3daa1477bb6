"""The total variation of slopes: what it adds up, how it is majorised, and what it does to fits and proofs."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest
import torch

from edgewise import InputError
from edgewise.network import KAN, Nodes
from edgewise.splines import fit_coefficients
from edgewise.training import FitResult, fit
from edgewise.training.common.losses import make_loss
from edgewise.training.common.preparation import prepared
from edgewise.training.common.rows import as_rows
from edgewise.training.second_order import fit_state, lm, truncated
from edgewise.training.second_order import run as second_order
from edgewise.training.second_order.fit_problem import FitProblem
from edgewise.training.second_order.parameters import make_slots, pack
from edgewise.training.second_order.penalty import uniform_weights
from edgewise.training.second_order.total_variation import SMOOTH, make_variation

from ...network.builders import state_bytes

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (150, 2))
Y = np.sin(3 * X[:, 0] * X[:, 1]) + X[:, 1] ** 2 + RANDOM.normal(scale=0.05, size=150)


def run(weight: float, x: Any = X, y: Any = Y, shape: Any = (2, 3, 1), **options: Any) -> FitResult:
    settings: dict[str, Any] = {"intervals": [6], "steps": 60, "seed": 1, **options}
    return fit(KAN(list(shape), seed=0), x, y, total_variation=weight, **settings)


def bends(net: KAN) -> float:
    """The oracle: total variation of slopes by dense sampling, a quarter of the domain times it, per width of the target."""
    total = 0.0
    for at, layer in enumerate(net.layers):
        after = net.layers[at + 1].domain.diff(dim=1)[:, 0].tolist() if at + 1 < len(net.layers) else None
        for i in range(layer.in_features):
            low, high = layer.domain[i].tolist()
            x = torch.linspace(low, high, 5001, dtype=torch.float64)
            for o in range(layer.out_features):
                with torch.no_grad():
                    values = layer.edge(i, o, x).double().numpy()
                slopes = np.diff(values) / np.diff(x.numpy())
                size = (high - low) / 4 * float(np.abs(np.diff(slopes)).sum())
                total += size / (1.0 if after is None else after[o])
    return total


def doubled(net: KAN) -> KAN:
    return net.to(torch.float64)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_the_value_is_the_variation_of_slopes_by_dense_sampling(degree: int) -> None:
    net = doubled(KAN([2, 3, 2, 1], degree=degree, intervals=5, grid=(-0.5, 2.0), seed=3))
    slots = make_slots(net)
    made = make_variation(net, slots, 0.7)
    assert made is not None
    # Smoothed sizes fall short by at most SMOOTH each; a cubic's slope may turn between two points.
    found, wanted = made.value(pack(net, slots)), 0.7 * bends(net)
    rows = sum(rows.shape[0] * rows.shape[1] for rows in made.rows)
    assert wanted * (0.93 if degree == 3 else 1) - 0.7 * rows * SMOOTH - 1e-6 <= found <= wanted * (1 + 1e-6)


@pytest.mark.parametrize(("basis", "degree"), [("bspline", 1), ("bspline", 3), ("chebyshev", 3)])
def test_lines_are_free_and_a_tent_costs_its_height(basis: str, degree: int) -> None:
    net = doubled(KAN([1, 1], basis=basis, intervals=4, degree=degree, seed=0))
    layer, slots = net.layers[0], make_slots(net)
    made = make_variation(net, slots, 1.0)
    assert made is not None
    x = torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None]
    sizes: list[float] = []
    for values in (0 * x + 2, 5 * x - 1, 3 * x.abs()):
        with torch.no_grad():
            layer.coef.copy_(fit_coefficients(layer.basis, x, values).reshape(layer.coef.shape))
        sizes.append(made.value(pack(net, slots)))
    assert max(sizes[:2]) < 1e-6
    assert sizes[2] == pytest.approx(3.0, rel=1e-3) if degree == 1 else sizes[2] > 2


def test_a_change_of_units_of_hidden_nodes_changes_nothing() -> None:
    """Wider hidden ranges with the same function of the inputs: neither proofs nor the penalty tell them apart."""
    net = doubled(KAN([2, 3, 2, 1], seed=0))
    wide = doubled(KAN([2, 3, 2, 1], seed=0))
    with torch.no_grad():
        for layer in wide.layers[:2]:
            layer.coef.mul_(3.0)
        for layer in wide.layers[1:]:
            layer.load_state_dict({"grid": 3.0 * layer.grid}, strict=False)
    values: list[float] = []
    for item in (net, wide):
        slots = make_slots(item)
        made = make_variation(item, slots, 1.0)
        assert made is not None
        values.append(made.value(pack(item, slots)))
    assert values[1] == pytest.approx(values[0], rel=1e-9)


def fit_problem(loss: str = "squared", weight: float = 1e-2) -> tuple[FitProblem, torch.Tensor]:
    y = Y if loss == "squared" else (Y > 0.3).astype(int) + (Y > 0.8)
    kind = make_loss(loss)
    net = KAN([2, Nodes(2, (2,)), 1 if loss == "squared" else 3], intervals=4, seed=0)
    rows = as_rows(net, X, y, kind, None)
    net = prepared(net, rows, kind)
    made = FitProblem(net, rows, None, kind, weight)
    return made, pack(net, made.slots)


def test_the_form_has_the_gradient_of_the_value_and_lies_above_it() -> None:
    made, theta = fit_problem()
    variation = made.variation
    assert variation is not None
    form, value = variation.matrix(theta), variation.value(theta)
    random = np.random.default_rng(0)
    for scale in (1e-6, 1e-2, 1.0, 30.0):
        move = torch.from_numpy(random.normal(size=len(theta))) * scale
        above = value + 0.5 * float((theta + move) @ form @ (theta + move) - theta @ form @ theta)
        assert variation.value(theta + move) <= above + 1e-12
        if scale == 1e-6:
            ahead = variation.value(theta + move) - variation.value(theta - move)
            assert ahead == pytest.approx(2 * float((form @ theta) @ move), rel=1e-4)


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_products_are_those_of_the_matrices(loss: str) -> None:
    made, theta = fit_problem(loss)
    weights = uniform_weights(made.penalty, 1e-4, 0.0)
    dense = made.penalised(weights)
    free = truncated.MatrixFree(made.data, made.penalty, weights, made.variation)
    value, gradient, curvature = dense.normal(theta)
    at = free.linearise(theta)
    assert dense.value(theta) == pytest.approx(value, rel=1e-12)
    assert (at.value, free.value(theta)) == pytest.approx((value, value), rel=1e-12)
    torch.testing.assert_close(at.gradient, gradient)
    whole = torch.stack([at.times(e) for e in torch.eye(len(theta), dtype=torch.float64)])
    torch.testing.assert_close(whole, curvature, rtol=1e-7, atol=1e-12)


def test_without_a_weight_nothing_changes() -> None:
    plain = fit(KAN([2, 3, 1], seed=0), X, Y, intervals=[3, 6], seed=1)
    given = fit(KAN([2, 3, 1], seed=0), X, Y, intervals=[3, 6], seed=1, total_variation=0.0)
    assert state_bytes(plain.network) == state_bytes(given.network)
    net = KAN([2, 1], seed=0)
    assert make_variation(net, make_slots(net), 0.0) is None


def test_edges_bend_less_the_more_it_weighs() -> None:
    sizes = [bends(run(weight).network) for weight in (0.0, 1e-4, 1e-2, 1.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[2] < 0.7 * sizes[0]


def test_the_point_found_is_better_under_the_penalty_than_the_one_found_without() -> None:
    weight = 3e-3
    rows = {"validation": None, "roughness": 1e-9}

    def objective(net: KAN) -> float:
        return 0.5 * float(np.mean((net.predict(X)[:, 0] - Y) ** 2)) / float(Y.var()) + weight * bends(net)

    assert objective(run(weight, **rows).network) < objective(run(0.0, **rows).network)


def test_a_strong_weight_leaves_a_plane() -> None:
    net = run(1e3, steps=200).network
    found, design = net.predict(X)[:, 0], np.column_stack([np.ones(len(X)), X])
    plane = design @ np.linalg.lstsq(design, found, rcond=None)[0]
    assert np.abs(found - plane).max() < 5e-3
    assert bends(net) < 5e-2


@pytest.mark.slow
@pytest.mark.parametrize("sparsity", [0.0, "auto"])
def test_a_fit_broken_off_goes_on_to_the_same_bits(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, sparsity: Any
) -> None:
    monkeypatch.setattr(fit_state, "SECONDS_BETWEEN", 0.0)
    settings: dict[str, Any] = {"intervals": [3, 6], "steps": 8, "starts": 2, "sparsity": sparsity}
    plain = run(1e-3, **settings)
    for count in (1, len(plain.history) // 2, len(plain.history) - 1):
        path = tmp_path / f"{count}.checkpoint"
        broken = run(1e-3, checkpoint=path, callbacks=[lambda r, n=count: r.step >= n], **settings)
        assert broken.stop_reason == "callback"
        assert state_bytes(run(1e-3, checkpoint=path, **settings).network) == state_bytes(plain.network)


@pytest.mark.slow
def test_it_works_with_cross_entropy_and_without_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    classes = (Y > 0.3).astype(int)

    def two(weight: float, **more: Any) -> FitResult:
        return run(
            weight, y=classes, shape=(2, 3, 2), loss="cross_entropy", roughness=1e-6, method="lm", **more
        )

    assert bends(two(0.03).network) < 0.8 * bends(two(0.0).network)
    monkeypatch.setattr(second_order, "MOST_DENSE", 10)
    assert bends(two(0.03, steps=20).network) < 0.8 * bends(two(0.0, steps=20).network)


def test_steps_lower_the_objective_to_the_end() -> None:
    made, theta = fit_problem()
    problem = made.penalised(uniform_weights(made.penalty, 1e-6, 0.0))
    states = [lm.start(problem, theta)]
    for _ in range(40):
        states.append(lm.step(problem, states[-1]))
    values = [problem.value(state.theta) for state in states]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.1 * values[0]


def test_methods_that_make_no_use_of_it_say_so_and_nonsense_is_refused() -> None:
    result = run(0.1, method="adam", steps=1, intervals=None)
    assert any("makes no use of total_variation" in event for event in result.events)
    for wrong in (-1.0, float("nan"), "auto", None):
        with pytest.raises(InputError, match="'total_variation' argument"):
            run(wrong)  # type: ignore[arg-type]


def test_what_bends_less_is_bounded_at_once() -> None:
    """The first bound of branch and bound, against the best row it found."""
    from edgewise.network.fitted import fitted
    from edgewise.verifying.domain.columns import Columns
    from edgewise.verifying.domain.goals import OutputTerm
    from tests.verifying.proving import maximise

    net = run(1e3, shape=(2, 3, 3, 1), steps=100).network
    where = Columns(fitted(net)).whole
    found = maximise(net, where, [OutputTerm(0)], gap=1e-2)
    assert found.leaves <= 10
    spread = float(np.ptp(net.predict(X)))
    assert found.upper - found.lower <= 0.03 * spread
