"""The main job: what it does follows from the work, a time limit and Ctrl-C only cut it short."""

import itertools
import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import escape

import edgewise as ew
from edgewise import StopReason
from edgewise.cli import options, stages
from edgewise.cli.progress import ShownProgress
from edgewise.cli.stages import (
    A_MILLION,
    COMPARE,
    COMPARING,
    FIT,
    FORMULA,
    LEARN,
    LEAST,
    SHARES,
    SIMPLIFY,
    Began,
    Limit,
    Stages,
)
from edgewise.data import write_frame

WORDS = ("fit", "data.csv", "-t", "y", "--work", 0.01, "--json", "-o", "out", "--force")


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(-1, 1, (2, 80))
    write_frame(
        pa.table({"a": a, "b": b, "y": a * b + np.sin(3 * a) + 0.1 * rng.normal(size=80)}), "data.csv"
    )
    return a, b


def told(done):
    assert done.code in (0, 130), done.err
    return json.loads(done.out)


def timeless(found):
    """What a job found, without the times that it took."""
    if isinstance(found, dict):
        return {key: timeless(value) for key, value in found.items() if key != "seconds"}
    return [timeless(value) for value in found] if isinstance(found, list) else found


@pytest.mark.slow
def test_the_same_work_finds_the_same_whatever_the_clock_does(edgewise, data, request):
    first = told(edgewise(*WORDS))
    request.getfixturevalue("late")
    second = told(edgewise(*WORDS))
    assert timeless(first) == timeless(second)
    assert set(first["stopped"]) == {LEARN, FIT, SIMPLIFY, FORMULA}
    assert first["stop_reason"] == first["stopped"][FORMULA]
    assert first["message"] == StopReason(first["stop_reason"]).advice


@pytest.mark.slow
def test_after_a_time_limit_it_says_that_it_may_differ(edgewise, data, late):
    found, advice = told(edgewise(*WORDS, "--seconds", 1)), StopReason.TIME_LIMIT.advice
    assert (found["stop_reason"], found["message"]) == ("time_limit", advice)
    assert str(escape(advice)) in Path("out/report.html").read_text()
    words = [word for word in WORDS if word != "--json"]
    assert advice in edgewise(*words, "--seconds", 1).out
    assert ew.load("out/model.kan").predict({"a": [0.1], "b": [0.2]}).shape == (1,)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("stage", [LEARN, FIT, SIMPLIFY, FORMULA])
def test_ctrl_c_in_any_stage_leaves_a_model_and_a_page(edgewise, data, monkeypatch, stage):
    begin = ShownProgress.begin

    def pressed(progress, title):
        begin(progress, title)
        if title == stage:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(ShownProgress, "begin", pressed)
    done = edgewise(*WORDS)
    assert done.code == 130
    found = told(done)
    assert found["stop_reason"] == "interrupted"
    assert found["stopped"][stage] == "interrupted"
    assert list(found["stopped"])[-1] == stage  # none begins after it
    assert StopReason.INTERRUPTED.advice in Path("out/report.html").read_text()
    assert ew.load("out/model.kan").predict({"a": [0.1], "b": [0.2]}).shape == (1,)


@pytest.fixture
def clock(monkeypatch):
    """A clock of the test's own, for the wall and for the process."""
    clock = SimpleNamespace(wall=7.0, own=3.0)
    clock.monotonic, clock.process_time = (lambda: clock.wall), (lambda: clock.own)
    monkeypatch.setattr(stages, "time", clock)
    monkeypatch.setattr(options, "time", clock)
    return clock


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seconds=st.floats(0.5, 1e4),
    cells=st.integers(0, 20_000_000),
    kept=st.permutations(list(SHARES)).flatmap(lambda order: st.integers(1, 4).map(lambda k: order[:k])),
    used=st.lists(st.floats(0, 1), min_size=4, max_size=4),
    loading=st.floats(0, 5),
    load=st.floats(1, 4),
)
def test_stages_that_keep_their_limits_keep_that_of_the_job(clock, seconds, cells, kept, used, loading, load):
    began = Began()
    clock.wall, clock.own = clock.wall + load * loading, clock.own + loading
    limit = Limit(seconds, began, kept, cells)
    for stage, share in zip(kept, used, strict=False):
        allowed = limit.of(stage)
        assert allowed >= LEAST
        clock.wall += share * allowed
    if limit.compares:
        clock.wall += COMPARING + A_MILLION * cells / 1e6
    assert clock.wall - began.wall <= max(seconds, load * loading) + len(kept) * LEAST + 1e-6
    assert limit.of(COMPARE) is None


def test_a_busy_machine_keeps_more_for_the_page(clock):
    began = Began()
    clock.wall, clock.own = clock.wall + 9.0, clock.own + 2.0
    busy, quiet = Limit(60.0, began, [LEARN], 0), Limit(60.0, Began(began.wall, clock.own - 9.0), [LEARN], 0)
    assert began.stretch > 3
    assert busy.of(LEARN) < quiet.of(LEARN) < 51.0


def test_without_a_limit_no_stage_has_one(clock):
    limit = Limit(None, Began(), list(SHARES), 10**9)
    assert limit.compares
    assert {limit.of(stage) for stage in SHARES} == {None}


def test_a_large_table_is_compared_with_nothing_where_the_time_is_short(clock):
    cells = 1_000_000 * 20
    assert not Limit(10.0, Began(), [LEARN], cells).compares
    assert Limit(600.0, Began(), [LEARN], cells).compares


def test_why_a_job_ended_is_what_cut_it_short_or_else_its_last_stage():
    counter = itertools.count()
    for reasons, ended in (
        (("converged", "exhausted", "exact"), "exact"),
        (("time_limit", "exhausted", "exact"), "time_limit"),
        (("converged", "time_limit", "explained"), "time_limit"),
    ):
        interrupts = SimpleNamespace(happened=False)
        run = Stages(interrupts, ShownProgress(quiet=True), Limit(None, Began(), [], 0))
        for reason in reasons:
            run.run(f"stage {next(counter)}", lambda _, r=reason: SimpleNamespace(stop_reason=StopReason(r)))
        assert run.stop_reason == ended
        interrupts.happened = True
        assert run.run("one more", lambda _: pytest.fail("begun after Ctrl-C")) is None
        assert run.stop_reason == "interrupted"
