"""How a search ends: when the work is done, when time is up, when somebody says so; always with the best until then."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from edgewise._core import work
from edgewise._core.stopping import StopReason
from edgewise.symbolic import FormulaResult, find_formula
from edgewise.training import Record

X = np.random.default_rng(5).uniform(-1, 1, (80, 2))
# No structure to be found from outside. Where the rows are so few that none is looked for, networks are trained at once.
HARD = np.sin(3 * X[:, 0] * np.exp(X[:, 1])) + np.tanh(X[:, 0] - X[:, 1] ** 2)
FEW = 11


@pytest.mark.slow
@pytest.mark.parametrize("looks", [20, 2_000, 20_000])
def test_a_time_limit_ends_the_search_wherever_it_is(looks: int, ticking: Callable[[float], None]) -> None:
    ticking(5 / looks)
    found = find_formula(X, HARD, seconds=5, work=0.05)
    assert found.stop_reason is StopReason.TIME_LIMIT
    assert StopReason.TIME_LIMIT.advice in found.message
    assert found.to_dict()["stop_reason"] == "time_limit"
    assert found.best.error <= 1.01 * HARD.std()
    assert np.isfinite(found.best.predict(X)).all()


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "looks"), [(80, 20), (80, 2_000), (FEW, 1_000), (FEW, 4_000)])
def test_ctrl_c_is_answered_wherever_the_search_is(
    rows: int, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = itertools.count(looks, -1)

    def look() -> float:
        if next(left) == 0:
            raise KeyboardInterrupt
        return 0.0

    monkeypatch.setattr(work.time, "monotonic", look)
    found = find_formula(X[:rows], HARD[:rows], work=0.02)
    assert found.stop_reason is StopReason.INTERRUPTED
    assert found.best.error <= 1.2 * HARD[:rows].std()
    assert np.isfinite(found.best.predict(X)).all()


def ended(callback: Callable[[Record], object], rows: int = 80) -> FormulaResult:
    """A search that a callback ends, with the best until then."""
    found = find_formula(X[:rows], HARD[:rows], work=0.02, callbacks=[callback])
    assert isinstance(found, FormulaResult)
    assert found.front
    assert found.stop_reason.advice in found.message
    assert np.isfinite(found.best.predict(X)).all()
    return found


def test_callbacks_see_the_work_and_can_end_it() -> None:
    seen: list[Record] = []

    def stop(record: Record) -> bool:
        seen.append(record)
        return len(seen) >= 3

    assert ended(stop).stop_reason is StopReason.CALLBACK
    assert len(seen) == 3


def test_an_interruption_returns_the_best_so_far() -> None:
    errors: list[float] = []

    def interrupt(record: Record) -> None:
        errors.append(record.loss)
        if len(errors) == 4:
            raise KeyboardInterrupt

    found = ended(interrupt)
    assert found.stop_reason is StopReason.INTERRUPTED
    assert min(formula.error for formula in found.front) <= min(errors)


def test_a_callback_can_end_the_search_while_a_network_trains() -> None:
    found = ended(lambda record: record.phase.startswith("start"), rows=FEW)
    assert found.stop_reason is StopReason.CALLBACK


def test_an_interruption_while_a_network_trains() -> None:
    def interrupt(record: Record) -> None:
        if record.phase.startswith("round"):
            raise KeyboardInterrupt

    assert ended(interrupt, rows=FEW).stop_reason is StopReason.INTERRUPTED


@pytest.mark.slow
@pytest.mark.parametrize("rows", [FEW, 80])
def test_the_share_of_the_work_rises_from_step_to_step(rows: int) -> None:
    shares: list[float] = []

    def note(record: Record) -> None:
        assert record.share is not None
        shares.append(record.share)

    found = find_formula(X[:rows], HARD[:rows], work=0.01, callbacks=[note])
    assert found.stop_reason is StopReason.WORK_SPENT
    assert shares == sorted(shares)
    # How much the last step spends depends on rounding, so the record before it may be anywhere.
    assert 0 <= shares[0] < shares[-1] <= 1
