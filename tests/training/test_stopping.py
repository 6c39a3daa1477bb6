"""How a fit ends before its end, and which arguments it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from edgewise import InputError, StopReason
from edgewise._core.work import Meter, StopError, running
from edgewise.network import KAN, mask_edges, set_symbolic
from edgewise.training import Record, fit

from ..network.builders import state_bytes
from .clocks import set_clock

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (150, 2))
Y = np.sin(2 * X[:, 0]) * X[:, 1]


def run(**options: Any) -> Any:
    return fit(KAN([2, 2, 1], seed=0), X, Y, **{"intervals": [3, 6, 12], "steps": 10, **options})


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes, however busy the machine is: callbacks hear of every step once."""
    set_clock(monkeypatch, 0.0)


@pytest.mark.parametrize("moment", ["start 1/2", "start 2/2", "round 1", "round 3", "refit", "done"])
def test_ctrl_c_returns_the_best_so_far(moment: str) -> None:
    seen: list[Record] = []

    def interrupt(record: Record) -> None:
        seen.append(record)
        if record.phase == moment:
            raise KeyboardInterrupt

    result = run(callbacks=(interrupt,), starts=2)
    assert result.stop_reason is StopReason.INTERRUPTED
    assert "interrupted" in result.message
    assert list(result.history) == seen
    # No worse than where any stage ended (within one, single steps may judge better by chance).
    ends = {r.phase: r.validation for r in seen if r.validation is not None}
    assert result.validation_error <= (1 + 1e-9) * min(ends.values())
    assert np.isfinite(result.network.predict(X)).all()


@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_callback_that_returns_true_stops(count: int) -> None:
    told: list[int] = []
    result = run(callbacks=(lambda r: told.append(r.step), lambda r: r.step >= count, lambda r: "not True"))
    assert told == list(range(1, count + 1))
    assert result.stop_reason is StopReason.CALLBACK
    assert len(result.history) == count


def test_an_error_in_a_callback_is_not_swallowed() -> None:
    def fail(record: Record) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(callbacks=[fail])


@pytest.mark.parametrize("method", ["lm", "adam", "lbfgs"])
@pytest.mark.parametrize("seconds", [0.0, 10.0, 100.0, 400.0])
def test_a_time_limit_interrupts_and_says_so(
    monkeypatch: pytest.MonkeyPatch, method: str, seconds: float
) -> None:
    clock = set_clock(monkeypatch, 1.0)
    result = run(starts=50, seconds=seconds, method=method, steps=1000, patience=1000)
    assert result.stop_reason is StopReason.TIME_LIMIT
    assert "may differ from run to run" in result.message
    # Looked at several times between two charges, the clock goes on, but not far.
    assert clock.now < seconds + 25
    assert np.isfinite(result.network.predict(X)).all()
    start = fit(KAN([2, 2, 1], seed=0), X, Y, method=method, steps=1, intervals=[3]).train_error
    assert result.train_error <= 1.5 * max(start, np.std(Y))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lm", "adam", "lbfgs"])
def test_nothing_but_a_time_limit_depends_on_the_clock(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    told: list[tuple[Any, ...]] = []
    heard: list[int] = []
    for tick in (1e-6, 1e-3, 10.0):
        set_clock(monkeypatch, tick)
        records: list[Record] = []
        result = run(method=method, seconds=1e9, work=0.1, steps=None, callbacks=[records.append])
        history = [(r.phase, r.step, r.loss, r.validation, r.share) for r in result.history]
        told.append((state_bytes(result.network), history, result.stop_reason, result.train_error))
        heard.append(len(records) - len(history))
    assert told[0] == told[1] == told[2]
    # Where time passes quickly, callbacks hear in the middle of steps, too.
    assert heard[0] == 0 < heard[2]


def test_a_callback_may_stop_in_the_middle_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, 10.0)
    result = run(callbacks=[lambda record: record.step == 3])
    assert result.stop_reason is StopReason.CALLBACK
    assert np.isfinite(result.network.predict(X)).all()


@pytest.mark.slow
def test_work_is_a_factor_on_steps_and_grids() -> None:
    quick, normal = (run(intervals=None, work=work) for work in (1e-3, 1e-1))
    assert quick.network.layers[0].intervals < normal.network.layers[0].intervals
    assert quick.stop_reason is StopReason.LARGEST_GRID
    epochs = [len(run(method="adam", steps=None, work=work, patience=999).history) for work in (0.1, 0.2)]
    assert epochs[1] == 2 * epochs[0]
    with pytest.raises(InputError, match="'work' argument"):
        run(work="swift")


@pytest.mark.parametrize("method", ["lm", "adam", "lbfgs"])
def test_meters_around_a_fit_count_its_work_and_interrupt_it(method: str) -> None:
    def spent(rows: int) -> float:
        with running(Meter()) as meter:
            fit(KAN([2, 2, 1], seed=0), X[:rows], Y[:rows], method=method, steps=3, batch=20, intervals=[3])
        return meter.spent

    assert 0 < spent(60) < spent(150)
    outer = Meter(seconds=-1.0)
    with pytest.raises(StopError) as caught, running(outer):
        run(method=method)
    assert caught.value.meter is outer


def test_threads_change_no_bit_of_a_small_fit() -> None:
    before = torch.get_num_threads()
    seen: list[int] = []
    try:
        told: list[dict[str, bytes]] = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            for method in ("lm", "adam"):
                result = run(method=method, callbacks=[lambda record: seen.append(torch.get_num_threads())])
                told.append(state_bytes(result.network))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert told[:2] == told[2:]
    assert set(seen) == {1}


def test_a_loss_without_a_value_is_told() -> None:
    net = set_symbolic(KAN([2, 1], seed=0), (0, 0, 0), "log").network
    result = fit(net, X, Y, intervals=[3])
    assert len(result.events) == 1
    assert "not finite" in result.events[0]


def test_settings_that_a_method_cannot_use_are_told() -> None:
    result = fit(KAN([2, 1], seed=0), X, Y, method="adam", steps=1, sparsity=0.1, starts=3)
    assert any("makes no use of sparsity, starts" in event for event in result.events)
    assert not fit(KAN([2, 1], seed=0), X, Y, method="adam", steps=1).events


def test_the_method_follows_the_size() -> None:
    assert fit(KAN([2, 1], seed=0), X, Y, steps=1, intervals=[3]).method == "lm"
    assert fit(KAN([2, 40, 40, 1], seed=0), X, Y, steps=1).method == "adam"


def test_bad_arguments_are_refused_in_one_sentence() -> None:
    net = KAN([2, 1], seed=0)
    nothing = mask_edges(KAN([2, 1], bias=False, seed=0), [(0, 0, 0), (0, 1, 0)]).network
    cases: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
        (("net", X, Y), {}, "'model' argument must be a KAN"),
        ((nothing, X, Y), {}, "'model' argument must have an edge or a bias"),
        ((net, X[:, :1], Y), {}, "'X' argument must have 2 columns"),
        ((net, X, Y[:-1]), {}, "'y' argument must have 150 rows"),
        ((net, X, np.stack([Y, Y], 1)), {}, "'y' argument must have 1 column"),
        ((net, X, None), {}, "'y' argument"),
        ((net, X, [[1.0], [2.0, 3.0]] * 75), {}, "'y' argument must hold real numbers"),
        ((net, X, np.where(Y > 0.5, np.nan, Y)), {}, "'y' argument must hold finite numbers"),
        ((net, [["a", "b"]], [1.0]), {}, "'X' argument must hold real numbers"),
        ((net, np.zeros((0, 2)), []), {}, "at least 1 row"),
        ((net, X, Y), {"loss": "squred"}, "did you mean 'squared'"),
        ((net, X, Y), {"method": "lbfg"}, "did you mean 'lbfgs'"),
        ((net, X, Y), {"loss": "poisson"}, "counts or amounts, 0 or more"),
        ((net, X, Y), {"loss": "cross_entropy"}, r"lie in \[0, 1\]"),
        ((net, X, Y), {"validation": 2.0}, "'validation' argument"),
        ((net, X, Y), {"validation": (X,)}, r"a share, a pair \(X, y\) or None. Got a tuple of 1"),
        (
            (net, X, Y),
            {"validation": (X[:, :1], Y)},
            "'X' of 'validation' must have 2 columns",
        ),
        ((net, X, Y), {"sample_weight": Y}, "'sample_weight' argument must be non-negative"),
        ((net, X, Y), {"sample_weight": 0 * Y}, "positive sum"),
        ((net, X, Y), {"sample_weight": [1.0]}, "'sample_weight' argument must have 150 entries"),
        ((net, X, Y), {"steps": 0}, "'steps' argument must be an int"),
        ((net, X, Y), {"seconds": -1}, "'seconds' argument"),
        ((net, X, Y), {"intervals": 5}, "'intervals' argument must be a list of ints"),
        ((net, X, Y), {"intervals": []}, "at least one grid. Got an empty list"),
        ((net, X, Y), {"intervals": [5, 0]}, "'intervals' argument must be an int"),
        ((net, X, Y), {"roughness": "automatic"}, "'roughness' argument must be one of 'auto'"),
        ((net, X, Y), {"roughness": -1.0}, "'roughness' argument"),
        ((net, X, Y), {"sparsity": float("nan")}, "'sparsity' argument"),
        ((net, X, Y), {"starts": 1.5}, "'starts' argument"),
        ((net, X, Y), {"patience": -1}, "'patience' argument"),
        ((net, X, Y), {"seed": -1}, "'seed' argument"),
        ((net, X, Y), {"callbacks": print}, "'callbacks' argument must be a list of functions"),
        ((net, X, Y), {"callbacks": [3]}, "'callbacks' argument must list functions"),
        ((net, X, Y), {"checkpoint": 7}, "'checkpoint' argument must be the path"),
        # Settings of another method are read all the same.
        ((net, X, Y), {"roughness": "x", "method": "adam"}, "'roughness' argument"),
    ]
    before = state_bytes(net)
    for arguments, options, message in cases:
        with pytest.raises(InputError, match=message) as caught:
            fit(*arguments, **options)
        assert "\n" not in str(caught.value)
    assert state_bytes(net) == before
    assert torch.is_grad_enabled()
