"""What a fit does follows its rows and its work; a time limit only interrupts it, and it says so."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise import StopReason

from ..network.builders import state_bytes
from ..training.clocks import set_clock

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (300, 3))
Y = X[:, 0] * X[:, 1] + X[:, 2]
KINDS = [(ew.KANRegressor, Y), (ew.KANClassifier, np.where(Y > 0, "up", "down"))]


def small(kind: Any, **options: Any) -> Any:
    return kind(**{"mode": "deep", "members": 2, "hidden": 3, "work": 0.01, **options})


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_bits_depend_neither_on_the_clock_nor_on_threads(
    monkeypatch: pytest.MonkeyPatch, kind: Any, y: Any
) -> None:
    told: list[tuple[Any, ...]] = []
    before = torch.get_num_threads()
    try:
        for threads, tick in ((1, 1e-6), (2, 1e-2), (1, 10.0)):
            torch.set_num_threads(threads)
            set_clock(monkeypatch, tick)
            model = small(kind, seconds=1e9, callbacks=[lambda record: None]).fit(X, y)
            told.append((state_bytes(model.network_), model.fit_.stop_reason, model.predict(X).tolist()))
    finally:
        torch.set_num_threads(before)
    assert told[0] == told[1] == told[2]
    assert told[0][1] is StopReason.WORK_SPENT


@pytest.mark.parametrize(("kind", "y"), KINDS)
@pytest.mark.parametrize("seconds", [0.5, 5.0, 12.0, 30.0, 100.0])
def test_a_time_limit_interrupts_wherever_it_passes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, kind: Any, y: Any, seconds: float
) -> None:
    clock = set_clock(monkeypatch, 1.0)
    model = small(kind, seconds=seconds).fit(np.tile(X, (5, 1)), np.tile(y, 5))
    assert model.fit_.stop_reason is StopReason.TIME_LIMIT
    assert "may differ from run to run" in model.fit_.message
    assert clock.now < 1.5 * seconds + 25
    # Even a glance at some of the rows says more than nothing.
    assert model.score(X, y) > 0.4
    ew.save(model, tmp_path / "model.kan")
    assert ew.load(tmp_path / "model.kan").fit_.stop_reason is StopReason.TIME_LIMIT


@pytest.mark.parametrize("tick", [1e-6, 10.0])
def test_a_callback_may_stop_at_any_time(monkeypatch: pytest.MonkeyPatch, tick: float) -> None:
    set_clock(monkeypatch, tick)
    model = small(ew.KANRegressor, callbacks=[lambda record: True]).fit(X, Y)
    assert model.fit_.stop_reason is StopReason.CALLBACK
    assert np.isfinite(model.predict(X)).all()


def test_verbose_lines_tell_the_share_of_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    small(ew.KANRegressor, verbose=1).fit(X, Y)
    lines = capsys.readouterr().err.splitlines()
    assert "100%  deep: " in lines[-1]
    assert not any("nan" in line for line in lines)


def test_levels_of_work_are_checked_at_fit_and_kept_as_given() -> None:
    model = ew.KANRegressor(work="thorough")
    assert model.get_params()["work"] == "thorough"
    with pytest.raises(ew.InputError, match="'work' argument"):
        ew.KANRegressor(work="swift").fit(X, Y)
