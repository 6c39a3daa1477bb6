"""First-order fits: they learn, stop, recover, and go on after a kill to the same bits."""

from __future__ import annotations

import copy
import os
import pathlib
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from edgewise import FileError, InputError
from edgewise.network import KAN, Nodes, save, scale_to_data, set_symbolic
from edgewise.network.state import put_together, take_apart
from edgewise.training import fit
from edgewise.training.common.losses import make_loss
from edgewise.training.common.records import Record
from edgewise.training.common.results import FitResult
from edgewise.training.common.rows import TrainingRows, as_rows, hold_out
from edgewise.training.first_order.batch_gradient import BatchGradient, outputs
from edgewise.training.first_order.epoch_optimizers import (
    AdamW,
    FirstOrderOptions,
    mean_loss,
    rows_at_once,
    schedule,
)
from edgewise.training.first_order.run import fit_first_order

from ...network.builders import state_bytes
from ..clocks import set_clock

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (400, 2))
Y = 50 + 10 * (np.sin(2 * X[:, 0]) + X[:, 1] ** 2)


def small(**options: Any) -> KAN:
    return KAN([2, 3, 1], **{"seed": 0, **options})


def run(
    net: KAN | None = None,
    y: Any = Y,
    loss: str = "squared",
    validation: Any = 0.2,
    callbacks: Any = (),
    **options: Any,
) -> FitResult:
    net = small() if net is None else net
    checkpoint = options.pop("checkpoint", None)
    row_loss = make_loss(loss)
    train, held = hold_out(as_rows(net, X, y, row_loss), net, row_loss, validation, 0)
    return fit_first_order(net, train, held, row_loss, FirstOrderOptions(**options), callbacks, checkpoint)


def rmse(net: KAN, x: Any = X, y: Any = Y) -> float:
    return float(np.sqrt(np.mean((net.predict(x)[:, 0] - y) ** 2)))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_it_learns_and_tells_the_truth(method: str) -> None:
    net = small()
    before, random = state_bytes(net), torch.get_rng_state()
    result = run(net, method=method, steps=60)
    assert state_bytes(net) == before
    assert torch.equal(torch.get_rng_state(), random)
    fresh = np.random.default_rng(1).uniform(-0.95, 0.95, (300, 2))
    assert rmse(result.network, fresh, 50 + 10 * (np.sin(2 * fresh[:, 0]) + fresh[:, 1] ** 2)) < 0.6
    row_loss = make_loss("squared")
    train, held = hold_out(as_rows(net, X, Y, row_loss), net, row_loss, 0.2, 0)
    assert held is not None
    assert result.validation_error is not None
    assert result.train_error == pytest.approx(rmse(result.network, train.X, train.y[:, 0].numpy()), rel=1e-3)
    assert result.validation_error == pytest.approx(
        rmse(result.network, held.X, held.y[:, 0].numpy()), rel=1e-3
    )
    assert result.validation_error == pytest.approx(
        min(r.validation or np.inf for r in result.history), rel=1e-6
    )
    assert result.method == method
    assert result.message
    assert [record.step for record in result.history] == list(range(1, len(result.history) + 1))


def test_precisions() -> None:
    assert run(steps=1).network.dtype == torch.float32
    assert run(small(dtype=torch.float64), steps=1).network.dtype == torch.float64
    assert run(small().half(), steps=1).network.dtype == torch.float32
    assert run(method="lbfgs", steps=10).network.dtype == torch.float64


def test_lbfgs_solves_a_convex_problem_exactly() -> None:
    """One layer of splines is linear in its numbers: the least-squares solution is known."""
    net = KAN([2, 1], intervals=4, seed=0, dtype=torch.float64)
    y = Y + np.random.default_rng(2).normal(size=len(Y))
    result = run(net, y, method="lbfgs", validation=None, steps=400)
    made = result.network
    h = made.activations(torch.from_numpy(X))[0]
    design = np.concatenate(
        [made.layers[0].basis.values(h).reshape(len(X), -1).numpy(), np.ones((len(X), 1))], 1
    )
    best = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    assert result.stop_reason == "converged"
    assert rmse(made, X, y) == pytest.approx(np.sqrt(np.mean((best - y) ** 2)), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_losses_weights_products_and_closed_forms(method: str) -> None:
    shape = [2, Nodes(1, (2,)), 1]
    net = set_symbolic(KAN(shape, base="silu", seed=1), (0, 0, 0), "sin").network
    classes = (np.median(Y) < Y).astype(float)
    counts = np.random.default_rng(3).poisson(np.exp(X[:, 0])).astype(float)
    for loss, y in (("squared", Y), ("huber", Y), ("cross_entropy", classes), ("poisson", counts)):
        result = run(copy.deepcopy(net), y, loss, method=method, steps=15)
        first = result.history[0]
        assert result.validation_error is not None
        assert first.validation is not None
        assert result.validation_error <= first.validation
        assert result.network.layers[0].symbolic == net.layers[0].symbolic
    three = np.digitize(Y, np.quantile(Y, [0.3, 0.7])).astype(float)
    result = run(KAN([2, 3, 3], seed=0), three, "cross_entropy", method=method, steps=30)
    assert (result.network.predict(X).argmax(1) == three).mean() > 0.85


def test_rows_count_by_their_weight() -> None:
    """Rows of weight zero are as good as absent: half of the targets are nonsense without weight."""
    net, loss = small(), make_loss("squared")
    y = np.where(np.arange(len(Y)) % 2, Y, 1000.0)
    rows = as_rows(net, X, y, loss, sample_weight=np.arange(len(Y)) % 2)
    made = fit_first_order(
        net,
        TrainingRows(rows.X, torch.from_numpy(Y)[:, None], rows.weight),
        None,
        loss,
        FirstOrderOptions(steps=3, batch=400),
    ).network
    # The scalings come from the targets, so both fits start from the same ones.
    other = fit_first_order(made, rows, None, loss, FirstOrderOptions(steps=40)).network
    assert rmse(other, X[1::2], Y[1::2]) < 2.0


@pytest.mark.slow
@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_the_same_seed_gives_the_same_bits(method: str) -> None:
    first, second = (run(method=method, steps=20, seed=3) for _ in range(2))
    assert state_bytes(first.network) == state_bytes(second.network)
    assert [(r.loss, r.validation) for r in first.history] == [(r.loss, r.validation) for r in second.history]
    if method == "adam":
        assert state_bytes(run(steps=20, seed=4).network) != state_bytes(first.network)


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_a_batch_in_parts_gives_the_gradients_of_the_whole(dtype: torch.dtype, tolerance: float) -> None:
    net, loss = small(dtype=dtype), make_loss("squared")
    rows = as_rows(net, X, Y / 10, loss, sample_weight=np.arange(len(Y)) + 1.0)
    rows = TrainingRows(rows.X.to(dtype), rows.y.to(dtype), rows.weight)
    gradients: list[list[torch.Tensor]] = []
    sums: list[float] = []
    for accumulate in (1, 2, 7, 1000):
        net.zero_grad()
        gradient = BatchGradient(net, list(net.parameters()), loss, accumulate)
        gradient.begin(len(rows))
        sums.append(float(gradient(rows.X, rows.y, rows.weight * len(rows), len(rows))))
        gradients.append([p.grad.clone() for p in net.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(list(net.parameters()))
    net.zero_grad()
    whole = loss.rows(outputs(net, rows.X), rows.y).to(torch.float64) @ rows.weight
    whole.backward()
    total = float(whole.detach()) * len(Y)
    gradients.append([p.grad for p in net.parameters() if p.grad is not None])
    assert sums == pytest.approx([total] * 4, rel=tolerance)
    for made in gradients[1:]:
        for one, other in zip(gradients[0], made, strict=True):
            assert float((one - other).abs().max()) <= tolerance * float(one.abs().max())


def test_accumulation_changes_no_result() -> None:
    whole, parts = (run(small(dtype=torch.float64), steps=5, accumulate=count) for count in (1, 3))
    assert parts.validation_error == pytest.approx(whole.validation_error, rel=1e-6)


def test_hidden_grids_follow_and_the_history_tells() -> None:
    """A network whose hidden nodes reach far beyond their grids."""
    net = scale_to_data(small(), X, Y).network
    with torch.no_grad():
        net.layers[0].coef.mul_(4)
    result = run(net, steps=20)
    assert any("hidden nodes were laid anew" in record.note for record in result.history)
    made = result.network
    with torch.no_grad():
        nodes = made.activations(torch.from_numpy(X).float())[1]
    low, high = made.layers[1].domain.unbind(1)
    assert float(((nodes < low) | (nodes > high)).float().mean()) < 0.05
    kept = run(net, steps=20, regrids=0)
    assert not any(record.note for record in kept.history)
    assert torch.equal(kept.network.layers[1].grid, net.layers[1].grid)


def test_grids_too_fine_for_single_precision_are_trained_in_double() -> None:
    even = scale_to_data(small(intervals=6), X, Y).network
    assert run(even, steps=1).network.dtype == torch.float32
    states = take_apart(even)
    narrow = states[1].grid.clone()
    narrow[:, 1] = narrow[:, 0] + 3e-6
    fine = put_together(even, [states[0], replace(states[1], grid=narrow)])
    assert run(fine, steps=1).network.dtype == torch.float64


# ---- the ends


def test_steps_patience_and_callbacks_end_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, 0.0)
    assert (run(steps=3).stop_reason, len(run(steps=3).history)) == ("most_steps", 3)
    noise = np.random.default_rng(0).normal(size=len(Y))
    tired = run(KAN([2, 12, 1], intervals=20, seed=0), noise, steps=200, patience=1)
    assert tired.stop_reason == "no_improvement"
    assert len(tired.history) < 200
    seen: list[Record] = []

    def stop_at_four(record: Record) -> bool:
        seen.append(record)
        return len(seen) == 4

    stopped = run(callbacks=[stop_at_four], steps=50)
    assert stopped.stop_reason == "callback"
    assert stopped.history == tuple(seen)
    assert len(seen) == 4


def test_the_best_state_is_given_back_and_not_the_last() -> None:
    noise = np.random.default_rng(0).normal(size=len(Y))
    result = run(KAN([2, 12, 1], intervals=20, seed=0), noise, steps=60, rate=0.2)
    errors = [record.validation for record in result.history]
    assert result.validation_error is not None
    assert errors[-1] is not None
    assert errors[-1] > result.validation_error


@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_an_interruption_gives_the_best_network_so_far(method: str) -> None:
    def interrupt(record: Record) -> None:
        if record.step == 3:
            raise KeyboardInterrupt

    result = run(method=method, callbacks=[interrupt], steps=60)
    assert result.stop_reason == "interrupted"
    assert len(result.history) == 3
    assert rmse(result.network) < np.std(Y)


def test_an_absurd_learning_rate_is_survived_and_reported() -> None:
    result = run(rate=1e6, steps=40)
    assert result.events
    assert "went back to epoch" in result.events[0]
    assert any(record.note for record in result.history)
    assert np.isfinite(result.network.predict(X)).all()
    assert result.stop_reason in ("most_steps", "diverged", "no_improvement")


def test_nan_in_the_middle_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, poisoned = AdamW.epoch, []

    def epoch(self: AdamW, number: int, slowdown: float) -> float:
        value = whole(self, number, slowdown)
        if number in (5, 6):
            poisoned.append(number)
            with torch.no_grad():
                self.optimizer.param_groups[0]["params"][0].fill_(float("nan"))
        return value

    monkeypatch.setattr(AdamW, "epoch", epoch)
    result = run(steps=40)
    assert poisoned == [5, 6]
    assert len(result.events) == 2
    assert rmse(result.network) < 1.0


def test_a_loss_that_is_nan_from_the_start_is_told() -> None:
    net = set_symbolic(scale_to_data(small(), X, Y).network, (0, 0, 0), "log").network
    result = run(net, steps=10)
    assert result.stop_reason == "diverged"
    assert "not finite at the start" in result.events[0]
    assert result.history == ()


# ---- going on after the end


@pytest.mark.slow
@pytest.mark.parametrize("method", ["adam", "lbfgs"])
def test_a_fit_goes_on_from_its_checkpoint_to_the_same_bits(method: str, tmp_path: pathlib.Path) -> None:
    whole = run(method=method, steps=80 if method == "lbfgs" else 8)
    kept: list[bytes] = []
    path = tmp_path / "fit.checkpoint"

    def keep(record: Record) -> None:
        if path.exists():
            kept.append(path.read_bytes())

    options = {"method": method, "steps": 80 if method == "lbfgs" else 8, "checkpoint": path}
    assert state_bytes(run(callbacks=[keep], **options).network) == state_bytes(whole.network)
    for content in (kept[0], kept[-1], path.read_bytes()):
        path.write_bytes(content)
        again = run(**options)
        assert state_bytes(again.network) == state_bytes(whole.network)
        assert [r.validation for r in again.history] == [r.validation for r in whole.history]
        assert again.stop_reason == whole.stop_reason


@pytest.mark.slow
def test_a_killed_fit_is_resumed_to_the_same_bits(tmp_path: pathlib.Path) -> None:
    """kill -9 in the middle of training."""
    script = tmp_path / "fit.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys, time
            import numpy as np
            from edgewise.network import KAN
            from edgewise.training import fit

            X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
            fit(KAN([2, 3, 1], seed=0), X, X[:, 0] ** 2 - X[:, 1], method="adam", steps=30,
                callbacks=[lambda record: time.sleep(0.05)], checkpoint=sys.argv[1])
            """
        )
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    checkpoint = tmp_path / "kept"
    process = subprocess.Popen([sys.executable, str(script), str(checkpoint)], env=environment)
    while process.poll() is None and not checkpoint.exists():
        time.sleep(0.01)
    time.sleep(0.1)
    assert process.poll() is None
    process.kill()
    process.wait()
    x = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    task: dict[str, Any] = {"method": "adam", "steps": 30}
    again = fit(KAN([2, 3, 1], seed=0), x, x[:, 0] ** 2 - x[:, 1], checkpoint=checkpoint, **task)
    assert len(again.history) == 30
    whole = fit(KAN([2, 3, 1], seed=0), x, x[:, 0] ** 2 - x[:, 1], **task)
    save(again.network, "again.kan")
    save(whole.network, "whole.kan")
    assert pathlib.Path("again.kan").read_bytes() == pathlib.Path("whole.kan").read_bytes()


def test_checkpoints_of_other_fits_and_damaged_ones_are_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "fit.checkpoint"
    run(steps=3, checkpoint=path)
    for options in (
        {"steps": 4},
        {"steps": 3, "seed": 1},
        {"steps": 3, "y": Y + 1},
        {"steps": 3, "net": small(seed=1)},
    ):
        with pytest.raises(FileError, match="belongs to a fit of other rows"):
            run(checkpoint=path, **options)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FileError, match="cut off or damaged"):
        run(steps=3, checkpoint=path)
    assert os.listdir(tmp_path) == ["fit.checkpoint"]


# ---- parts


def test_the_schedule_rises_and_falls() -> None:
    values = [schedule(k / 1000) for k in range(1001)]
    top = int(np.argmax(values))
    assert 45 <= top <= 55
    assert values[top] == pytest.approx(1.0, abs=1e-3)
    assert 0 < values[0] < 0.05
    assert values[-1] == pytest.approx(0.0, abs=1e-12)
    assert all(a < b for a, b in pairwise(values[: top + 1]))
    assert all(a > b for a, b in pairwise(values[top:]))


def test_the_mean_loss_is_that_of_all_rows_in_any_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgewise.training.first_order import epoch_optimizers

    net, loss = small(dtype=torch.float64), make_loss("squared")
    rows = as_rows(net, X, Y, loss, sample_weight=np.arange(len(Y)) + 1.0)
    with torch.no_grad():
        f = net.activations(rows.X)[-1]
        wanted = float((loss.rows(f, rows.y) * rows.weight).sum())
    for count in (7, 400, 10_000):
        monkeypatch.setattr(epoch_optimizers, "ROWS_AT_ONCE", count)
        assert mean_loss(net, rows, loss) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "sgd"}, "'method'"),
        ({"steps": 0}, "'steps'"),
        ({"batch": 0}, "'batch'"),
        ({"patience": -1}, "'patience'"),
        ({"rate": 0.0}, "'rate'"),
        ({"decay": -1.0}, "'decay'"),
        ({"accumulate": 0}, "'accumulate'"),
        ({"minibatches": 0}, "'minibatches'"),
        ({"regrids": -1}, "'regrids'"),
    ],
)
def test_bad_settings_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FirstOrderOptions(**options)


def test_fit_reaches_both() -> None:
    for method in ("adam", "lbfgs"):
        result = fit(small(), X, Y, method=method, steps=5)
        assert result.method == method
        assert result.validation_error is not None


def test_fit_takes_longer_steps_of_fewer_rows_on_numbers_than_on_classes() -> None:
    x = np.random.default_rng(4).uniform(-1, 1, (2000, 2))
    y = np.sin(3 * x[:, 0]) + x[:, 1]
    for loss, target, own in (
        ("squared", y, FirstOrderOptions(steps=2, rate=0.1, minibatches=60)),
        ("cross_entropy", (y > 0).astype(float), FirstOrderOptions(steps=2)),
    ):
        row_loss = make_loss(loss)
        rows = as_rows(small(), x, target, row_loss)
        wanted = fit_first_order(small(), rows, None, row_loss, own).network
        made = fit(small(), x, target, loss=loss, method="adam", steps=2, validation=None).network
        assert state_bytes(made) == state_bytes(wanted)


def test_a_batch_is_a_power_of_two_near_its_share_of_the_rows() -> None:
    for count in (1, 1000, 5000, 10_000, 10**6):
        for minibatches in (7, 30, 60):
            rows = rows_at_once(count, FirstOrderOptions(minibatches=minibatches))
            assert rows & (rows - 1) == 0
            assert rows in (32, 1024) or 2**-0.5 <= rows * minibatches / count <= 2**0.5
    assert rows_at_once(8000, FirstOrderOptions(batch=7, minibatches=60)) == 7


def test_fit_hands_batches_on() -> None:
    one, other, parts = (
        fit(small(dtype=torch.float64), X, Y, method="adam", steps=2, batch=batch, accumulate=accumulate)
        for batch, accumulate in ((40, 1), (320, 1), (40, 4))
    )
    assert one.train_error < other.train_error
    assert parts.train_error == pytest.approx(one.train_error, rel=1e-6)
    for name in ("batch", "accumulate"):
        with pytest.raises(InputError, match=f"'{name}' argument"):
            fit(small(), X, Y, **{name: 0})
