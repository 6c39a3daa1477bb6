"""A small, seeded share of the hostile attempts; `benchmarks/hostile.py` carries out ten thousand."""

from __future__ import annotations

from collections import Counter

import pytest

from . import kinds, pool
from .attempts import KINDS, carry_out, plan

COUNT, SEED = 260, 20240601
# Kinds whose single attempts take seconds.
SLOW = (
    "fit wide",
    "find_formula wide",
    "command fit",
    "simplify rows",
    "estimator rows",
    "find_formula rows",
)


def test_hostile_input_ends_in_a_result_or_one_clear_sentence() -> None:
    attempts = [(name, seed) for name, seed in plan(COUNT, SEED) if name not in SLOW]
    attempts += [(name, SEED + k) for name in SLOW for k in range(2)]
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


@pytest.mark.parametrize("name", ["hang", "crash"])
def test_a_hang_and_a_crash_are_faults(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker itself is told to misbehave."""
    worker = pool.Worker()
    monkeypatch.setitem(KINDS, "hang", KINDS["parse"].__class__("hang", 1, 0.3, KINDS["parse"].make))
    try:
        if name == "crash":
            worker.process.kill()
            worker.process.wait()
        # The worker knows no kind called "hang" and dies of it; what counts is that its silence is told.
        outcome = worker.ask("hang", 0)
    finally:
        worker.close()
    assert outcome.end == "fault"
    assert "crashed" in outcome.text
