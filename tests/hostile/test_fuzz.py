"""A small, seeded share of the hostile attempts; `benchmarks/hostile.py` carries out ten thousand."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from . import kinds, pool
from .attempts import KINDS, carry_out, plan

COUNT, SEED = 220, 1
# Kinds whose single attempts take seconds.
SLOW = (
    "fit wide",
    "find_formula wide",
    "command fit",
    "simplify rows",
    "estimator rows",
    "find_formula rows",
)


@pytest.mark.slow
def test_hostile_input_ends_in_a_result_or_one_clear_sentence() -> None:
    attempts = [(name, seed) for name, seed in plan(COUNT, SEED) if name not in SLOW]
    attempts += [(name, SEED) for name in SLOW]
    done = pool.run(attempts, workers=1, tell=lambda outcome: None)
    faults = [
        f"{each.kind}, seed {each.seed}: {each.what}\n{each.text}" for each in done if each.end == "fault"
    ]
    assert not faults, "\n\n".join(faults[:5])
    assert len(done) == len(attempts)
    ends = Counter(each.end for each in done)
    assert ends["sentence"] > 50
    assert ends["result"] > 10
    assert {each.kind for each in done} == set(KINDS)


def test_an_attempt_can_be_replayed() -> None:
    assert plan(50, 3) == plan(50, 3)
    assert plan(50, 3) != plan(50, 4)
    kinds.warm_up()
    first, again = (carry_out("parse", 7) for _ in range(2))
    assert (first.end, first.text, first.what) == (again.end, again.text, again.what)


@pytest.mark.slow
def test_a_hang_and_a_crash_are_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that does not answer in time, and one that has died."""
    silent = "import time; print('ready', flush=True); time.sleep(3600)"
    usual, worker = KINDS["parse"], pool.Worker(["-c", silent])
    monkeypatch.setitem(KINDS, "parse", dataclasses.replace(usual, limit=0.0))
    hung = worker.ask("parse", 0)
    monkeypatch.setitem(KINDS, "parse", usual)
    crashed = worker.ask("parse", 0)
    worker.close()
    assert (hung.end, crashed.end) == ("fault", "fault")
    assert "hung" in hung.text
    assert "crashed" in crashed.text
    assert not worker.usable
