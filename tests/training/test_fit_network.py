"""fit by second-order steps: it learns, on every loss and kind of table, and says truly how it went."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from edgewise.network import KAN, Nodes, mask_edges, scale_to_data, set_symbolic
from edgewise.training import FitResult, Record, fit
from edgewise.training.common.preparation import fresh_copy
from edgewise.training.common.rows import TrainingRows

from ..network.builders import state_bytes

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (150, 2))
Y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2
FRESH = np.random.default_rng(1).uniform(-0.95, 0.95, (300, 2))


def truth(x: Any) -> Any:
    return np.sin(2 * x[:, 0]) + x[:, 1] ** 2


def rmse(net: KAN, x: Any, y: Any) -> float:
    return float(np.sqrt(np.mean((net.predict(x) - np.asarray(y).reshape(len(x), -1)) ** 2)))


def additive(y: Any = Y, x: Any = X, **options: Any) -> FitResult:
    """A fit of one layer: quick, and convex."""
    return fit(KAN([np.shape(x)[1], 1], seed=0), x, y, **{"intervals": [5], **options})


# ---- what it promises


def test_nothing_that_is_passed_or_global_changes() -> None:
    net = KAN([2, 2, 1], seed=0)
    x, y, weight = X.copy(), Y.copy(), np.ones(len(Y))
    before, spec, random = state_bytes(net), net.spec, torch.get_rng_state()
    dtype, threads, grad = torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
    made = fit(net, x, y, sample_weight=weight, intervals=[3], steps=5, starts=2).network
    assert state_bytes(net) == before
    assert net.spec == spec
    assert torch.equal(torch.get_rng_state(), random)
    assert (torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()) == (
        dtype,
        threads,
        grad,
    )
    assert np.array_equal(x, X)
    assert np.array_equal(y, Y)
    assert np.array_equal(weight, np.ones(len(Y)))
    kept = net.layers[0].coef.data_ptr()
    assert all(layer.coef.data_ptr() != kept for layer in made.layers)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    first, again, other = (
        fit(KAN([2, 2, 1], seed=0), X, Y, seed=seed, starts=2, intervals=[3, 6], steps=8)
        for seed in (5, 5, 6)
    )
    assert state_bytes(first.network) == state_bytes(again.network)
    assert [r.loss for r in first.history] == [r.loss for r in again.history]
    assert state_bytes(first.network) != state_bytes(other.network)


def test_errors_are_those_of_the_network_on_the_rows_named() -> None:
    held = FRESH, 5e3 * truth(FRESH)
    result = fit(KAN([2, 1], seed=0), X, 5e3 * Y, validation=held, intervals=[4], steps=10)
    assert result.train_error == pytest.approx(rmse(result.network, X, 5e3 * Y), rel=1e-9)
    assert result.validation_error == pytest.approx(rmse(result.network, *held), rel=1e-9)
    last = result.history[-1]
    assert (last.loss, last.validation) == (result.train_error, result.validation_error)


def test_the_error_of_several_outputs_of_different_size_is_their_root_mean_square() -> None:
    y = np.stack([1e6 * Y, RANDOM.normal(size=len(Y))], 1)
    for loss in ("squared", "huber"):
        result = fit(KAN([2, 2], seed=0), X, y, loss=loss, validation=(X, y), intervals=[3], steps=5)
        assert result.train_error == pytest.approx(rmse(result.network, X, y), rel=1e-9)
        assert result.validation_error == pytest.approx(result.train_error, rel=1e-9)


def test_held_out_rows_judge_before_they_are_given_back() -> None:
    result = additive(Y + RANDOM.normal(scale=0.1, size=len(Y)), intervals=[3, 6])
    phases = [record.phase for record in result.history]
    assert [p for k, p in enumerate(phases) if k == 0 or phases[k - 1] != p] == [
        "start 1/1",
        "round 1",
        "round 2",
        "refit",
        "done",
    ]
    assert all((record.validation is None) == (record.phase == "refit") for record in result.history)
    rounds = [
        r.validation for r in result.history if r.phase.startswith("round") and r.validation is not None
    ]
    assert result.validation_error is not None
    assert min(rounds) <= result.validation_error <= max(rounds)
    assert [record.step for record in result.history] == list(range(1, len(phases) + 1))
    # Rows of one's own are never learned from.
    own = additive(validation=(FRESH, truth(FRESH)), intervals=[3, 6])
    assert "refit" not in [record.phase for record in own.history]
    none = additive(validation=None)
    assert none.validation_error is None
    assert all(record.validation is None for record in none.history)


def test_the_share_held_out_does_not_reach_the_training() -> None:
    """Ruined rows among those held out change what judges, and nothing that was learned before the refit."""
    from edgewise.training.common.losses import Squared
    from edgewise.training.common.rows import as_rows, hold_out

    net = KAN([2, 1], seed=0)
    _, held = hold_out(as_rows(net, X, Y, Squared()), net, Squared(), 0.3, 4)
    assert held is not None
    assert len(held) == 45
    is_held = np.isin(X[:, 0], held.X[:, 0].numpy())
    results = [
        fit(
            scale_to_data(net, X, Y).network,
            X,
            np.where(is_held, Y + wrong, Y),
            validation=0.3,
            seed=4,
            intervals=[4],
            roughness=1e-6,
        )
        for wrong in (0.0, 3.0)
    ]
    losses = [[r.loss for r in result.history if r.phase == "round 1"] for result in results]
    assert losses[0] == losses[1]
    assert results[1].validation_error == pytest.approx(3.0, rel=0.01)


# ---- what it learns


@pytest.fixture(scope="module")
def clean() -> FitResult:
    """A fit with every setting left alone, on a table without noise."""
    return fit(KAN([2, 1], seed=0), X, Y)


@pytest.mark.slow
def test_it_reaches_the_function(clean: FitResult) -> None:
    result = clean
    # The refit on all rows ends as good as what was judged.
    assert result.validation_error is not None
    assert result.validation_error < 1e-6
    assert result.train_error < 1e-6
    assert rmse(result.network, FRESH, truth(FRESH)) < 1e-6
    assert result.method == "lm"
    assert result.resolved
    assert not additive(Y + RANDOM.normal(scale=0.2, size=len(Y)), intervals=None).resolved


@pytest.mark.slow
@pytest.mark.parametrize("basis", ["chebyshev", "fourier", "rbf", "rational"])
def test_other_bases_and_products_and_closed_forms(basis: str) -> None:
    net = KAN([2, Nodes(1, (2,)), 1], basis=basis, seed=0)
    net = set_symbolic(net, (0, 0, 0), "sin").network
    result = fit(net, X, Y, intervals=[4], steps=40)
    assert rmse(result.network, FRESH, truth(FRESH)) < 0.15 * float(np.std(Y))
    assert result.network.layers[0].symbolic == net.layers[0].symbolic


def test_squared_and_huber_with_outliers() -> None:
    wrong = np.arange(len(Y)) % 12 == 0
    y = np.where(wrong, Y + 20, Y + RANDOM.normal(scale=0.02, size=len(Y)))
    squared, huber = (additive(y, loss=loss) for loss in ("squared", "huber"))
    robust = rmse(huber.network, FRESH, truth(FRESH))
    assert robust < 0.2
    assert robust < 0.1 * rmse(squared.network, FRESH, truth(FRESH))


def test_two_classes_by_one_logit_and_by_two() -> None:
    chance = RANDOM.uniform(size=len(Y)) < 1 / (1 + np.exp(-6 * (Y - Y.mean())))
    y = chance.astype(int)
    entropy = -np.mean(y * np.log(y.mean()) + (1 - y) * np.log(1 - y.mean()))
    one = fit(KAN([2, 1], seed=0), X, y, loss="cross_entropy", intervals=[3])
    two = fit(KAN([2, 2], seed=0), X, y, loss="cross_entropy", intervals=[3])
    assert one.validation_error is not None
    assert one.validation_error < 0.8 * entropy
    accuracy = [
        np.mean((one.network.predict(X)[:, 0] > 0) == y),
        np.mean(two.network.predict(X).argmax(1) == y),
    ]
    assert min(accuracy) > 0.85
    # Logits are outputs as they are: no scaling from classes.
    assert float(one.network.output_scale) == 1.0


def test_three_classes_as_numbers_and_as_rows() -> None:
    y = np.digitize(Y, np.quantile(Y, [0.3, 0.7]))
    numbers = fit(KAN([2, 3], seed=0), X, y, loss="cross_entropy", intervals=[3], steps=15)
    rows = fit(KAN([2, 3], seed=0), X, np.eye(3)[y], loss="cross_entropy", intervals=[3], steps=15)
    assert state_bytes(numbers.network) == state_bytes(rows.network)
    assert np.mean(numbers.network.predict(X).argmax(1) == y) > 0.9
    chances = numbers.predict(X)
    assert chances.sum(1) == pytest.approx(1.0)
    assert (chances.argmax(1) == numbers.network.predict(X).argmax(1)).all()


def test_counts() -> None:
    rate = np.exp(1 + Y)
    y = np.random.default_rng(5).poisson(rate)
    result = additive(y, loss="poisson", intervals=[3])
    found = np.exp(result.network.predict(X)[:, 0])
    assert np.mean((found - rate) ** 2) < 0.05 * np.var(rate)
    assert result.predict(X)[:, 0] == pytest.approx(found)
    f = result.network.predict(X)[:, 0]
    from scipy import stats

    own = additive(y, loss="poisson", intervals=[3], validation=None)
    f = own.network.predict(X)[:, 0]
    assert own.train_error == pytest.approx(
        (stats.poisson.logpmf(y, y) - stats.poisson.logpmf(y, np.exp(f))).mean(), rel=1e-9
    )


def test_counts_of_any_size() -> None:
    rate = 1e7 * np.exp(Y)
    y = np.random.default_rng(5).poisson(rate)
    result = additive(y, loss="poisson", intervals=[5])
    assert np.abs(result.network.predict(X)[:, 0] - np.log(rate)).max() < 0.02


def test_weights_act_as_repeated_rows() -> None:
    count = np.arange(len(Y)) % 3 + 1
    y = Y + RANDOM.normal(scale=0.1, size=len(Y))
    options: dict[str, Any] = {"validation": None, "roughness": 1e-4, "steps": 30}
    net = scale_to_data(KAN([2, 1], seed=0), X, y).network
    weighted = fit(net, X, y, sample_weight=count, intervals=[5], **options)
    repeated = fit(net, np.repeat(X, count, 0), np.repeat(y, count), intervals=[5], **options)
    np.testing.assert_allclose(
        weighted.network.predict(FRESH), repeated.network.predict(FRESH), rtol=1e-4, atol=1e-5
    )
    # And only their ratios count.
    scaled = fit(net, X, y, sample_weight=1e300 * count, intervals=[5], **options)
    np.testing.assert_allclose(
        weighted.network.predict(FRESH), scaled.network.predict(FRESH), rtol=1e-6, atol=1e-7
    )


def test_rows_without_weight_are_not_seen() -> None:
    y = np.where(X[:, 0] > 0.5, 1e3, Y)
    result = additive(y, sample_weight=(X[:, 0] <= 0.5).astype(float))
    seen = FRESH[FRESH[:, 0] < 0.4]
    assert rmse(result.network, seen, truth(seen)) < 0.02


# ---- tables of every make


@pytest.mark.parametrize("x_scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("y_scale", [1e-8, 1e8])
def test_units_do_not_matter(x_scale: float, y_scale: float) -> None:
    result = additive(y_scale * (Y + 3), x_scale * (X + 2))
    assert rmse(result.network, x_scale * (FRESH + 2), y_scale * (truth(FRESH) + 3)) < 0.01 * y_scale
    assert result.train_error == pytest.approx(additive(Y + 3, X + 2).train_error * y_scale, rel=1e-4)


@pytest.mark.parametrize("shape", [[2, 1], [2, 2, 1]])
def test_tables_with_little_in_them(shape: list[int]) -> None:
    for x, y in (
        (X[:1], Y[:1]),
        (X[:3], Y[:3]),
        (np.repeat(X[:2], 30, 0), np.repeat(Y[:2], 30)),
        (np.ones((50, 2)), np.arange(50.0)),
    ):
        result = fit(KAN(shape, seed=0), x, y, intervals=[3, 6], steps=10)
        assert np.isfinite(result.network.predict(FRESH)).all()
        assert np.isfinite(result.train_error)
        assert result.train_error <= 1.01 * np.std(y) + 1e-9
        # No row tells of the space between: nothing there may run away.
        assert np.abs(result.network.predict(FRESH) - np.mean(y)).max() < 50 * (np.ptp(y) + 1)


def test_a_constant_target() -> None:
    result = fit(KAN([2, 2, 1], seed=0), X, np.full(len(X), 7.0), intervals=[3], steps=20)
    assert np.abs(result.network.predict(FRESH) - 7).max() < 1e-3


def test_tables_of_other_kinds() -> None:
    """Lists, tensors with or without a graph, data frames and series give what arrays give."""
    import pandas as pd

    wanted = state_bytes(additive(steps=3).network)
    for x, y in (
        (X.tolist(), Y.tolist()),
        (torch.tensor(X), torch.tensor(Y, requires_grad=True)),
        (pd.DataFrame(X, columns=["a", "b"]), pd.Series(Y)),
        (X, Y[:, None]),
    ):
        assert state_bytes(additive(y, x, steps=3).network) == wanted


# ---- grids, penalties, starts


def test_the_schedule_of_grids_is_followed() -> None:
    result = fit(KAN([2, 1], seed=0, intervals=3), X, Y, intervals=[3, 5, 10], patience=3)
    seen = [r.intervals for r in result.history if r.phase.startswith("round")]
    assert sorted(set(seen)) == [3, 5, 10]
    assert seen == sorted(seen)
    assert result.network.layers[0].intervals in (3, 5, 10)


def test_grids_grow_while_it_pays_and_not_on_noise(clean: FitResult) -> None:
    noisy = fit(KAN([2, 1], seed=0), X, np.random.default_rng(2).normal(size=len(Y)))
    assert clean.network.layers[0].intervals >= 20
    assert noisy.network.layers[0].intervals < clean.network.layers[0].intervals
    assert noisy.stop_reason == "no_improvement"


def test_a_fixed_roughness_stays_what_it_is_on_every_grid() -> None:
    from edgewise.training.common.losses import Squared
    from edgewise.training.second_order.fit_state import Options
    from edgewise.training.second_order.run import SecondOrder

    rows = TrainingRows(
        torch.from_numpy(X),
        torch.from_numpy(Y)[:, None],
        torch.full((len(Y),), 1 / len(Y), dtype=torch.float64),
    )
    for roughness in (0.0, 1e-3):
        run = SecondOrder(
            KAN([2, 1], seed=0), rows, None, Squared(), Options(4, intervals=(3, 6), roughness=roughness)
        )
        now = run.begin()
        while now.stage != "done":
            assert all(bool((w == roughness).all()) for w in now.weights.rough)
            now = run.advance(now)
    soft, hard = (additive(roughness=r, validation=None) for r in (1e-9, 1e3))
    assert soft.train_error < 0.05 < hard.train_error
    bend = hard.network.layers[0].edges(
        torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None].expand(9, 2), 2
    )
    assert float(bend.detach().abs().max()) < 1e-2


@pytest.mark.slow
def test_automatic_roughness_is_near_the_best_fixed_one() -> None:
    random = np.random.default_rng(8)
    tables = [
        (x, np.sin(4 * x[:, 0]) + random.normal(scale=0.3, size=120))
        for x in random.uniform(-1, 1, (4, 120, 1))
    ]
    dense = np.linspace(-0.98, 0.98, 200)[:, None]

    def error(roughness: Any) -> float:
        made = [
            fit(
                KAN([1, 1], seed=0), x, y, intervals=[20], validation=None, roughness=roughness, steps=30
            ).network
            for x, y in tables
        ]
        return float(np.mean([rmse(net, dense, np.sin(4 * dense[:, 0])) for net in made]))

    fixed = [error(10.0**k) for k in range(-9, 0, 1)]
    assert error("auto") < 1.4 * min(fixed)
    assert min(fixed) < 0.6 * min(fixed[0], fixed[-1])


@pytest.mark.parametrize("sparsity", ["auto", 0.01])
def test_sparsity_turns_off_an_input_that_does_nothing(sparsity: Any) -> None:
    random = np.random.default_rng(4)
    x = random.uniform(-1, 1, (200, 3))
    y = np.sin(x[:, 0]) + 0.5 * x[:, 1] + random.normal(scale=0.1, size=200)

    def size(made: FitResult, source: int) -> float:
        line = torch.linspace(-0.9, 0.9, 50, dtype=torch.float64)
        return float(made.network.layers[0].edge(source, 0, line).detach().std())

    sparse, dense = (
        fit(KAN([3, 1], seed=0), x, y, intervals=[8], sparsity=s, steps=100) for s in (sparsity, 0.0)
    )
    assert size(sparse, 2) < 5e-3 * min(size(sparse, 0), size(sparse, 1))
    assert size(sparse, 2) < 0.1 * size(dense, 2)


def test_more_starts_are_told_apart_and_the_best_one_goes_on() -> None:
    def stop(record: Record) -> bool:
        return record.phase == "round 1"

    result = fit(KAN([2, 2, 1], seed=0), X, X[:, 0] * X[:, 1], starts=3, steps=5, callbacks=[stop])
    ends: dict[str, Record] = {r.phase: r for r in result.history if r.phase.startswith("start")}
    assert list(ends) == ["start 1/3", "start 2/3", "start 3/3"]
    errors = [r.validation for r in ends.values() if r.validation is not None]
    assert len(set(errors)) == 3
    assert result.validation_error is not None
    assert result.validation_error <= min(errors) * (1 + 1e-9)


def test_a_trained_network_goes_on_from_where_it_stands(clean: FitResult) -> None:
    trained = clean.network
    again = fit(trained, X, Y, intervals=[trained.layers[0].intervals])
    assert again.history[0].phase == "round 1"
    # Nothing bends what is exact already, from the first step on.
    assert max(record.loss for record in again.history) < 1e-8


def test_masks_hold() -> None:
    net = mask_edges(KAN([2, 2, 1], seed=0), [(0, 0, 1), (0, 1, 0)]).network
    made = fit(net, X, Y, intervals=[4, 8], steps=10, starts=2).network
    assert torch.equal(made.layers[0].mask, net.layers[0].mask)
    assert float(made.layers[0].edge(0, 1, torch.linspace(-1, 1, 5)).abs().max()) == 0


def test_a_fresh_copy_keeps_everything_but_its_functions() -> None:
    net = set_symbolic(
        KAN([2, 2, 1], seed=0, dtype=torch.float64), (0, 0, 0), "sin", (2.0, 1.0, 0.0, 0.5)
    ).network
    twin = copy.deepcopy(net)
    fresh = fresh_copy(net, 3, None)
    assert state_bytes(net) == state_bytes(twin)
    assert fresh.spec == net.spec
    assert not torch.equal(fresh.layers[0].coef, net.layers[0].coef)
    assert fresh.layers[0].affine is not None
    assert fresh.layers[0].affine.tolist() == [[2.0, 1.0, 0.0, 0.5]]
