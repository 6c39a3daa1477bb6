"""A small, seeded share of the hostile attempts; `benchmarks/hostile.py` carries out ten thousand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator

import pytest

from . import kinds, pool
from .attempts import KINDS, Outcome, carry_out, plan

COUNT, SEED = 110, 1
# Kinds whose single attempts take seconds.
LONG = (
    "fit wide",
    "find_formula wide",
    "command fit",
    "simplify rows",
    "estimator rows",
    "find_formula rows",
)


def told(faults: Iterable[Outcome]) -> str:
    """What went wrong, in words."""
    return "\n\n".join(f"{fault.kind}, seed {fault.seed}: {fault.what}\n{fault.text}" for fault in faults)


def faults_of(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Those that ended in neither a result nor one clear sentence."""
    return [outcome for outcome in outcomes if outcome.end == "fault"]


@pytest.mark.parametrize("name", [name for name in KINDS if name not in LONG])
def test_hostile_input_ends_in_a_result_or_one_clear_sentence(name: str) -> None:
    kinds.warm_up()
    faults = faults_of(carry_out(name, seed) for seed in (11, 12))
    assert not faults, told(faults)


@pytest.fixture(scope="module")
def workers() -> Iterator[Callable[[], pool.Worker]]:
    """A process of its own for the attempts, a fresh one when that is used up."""
    started: list[pool.Worker] = []

    def worker() -> pool.Worker:
        if not started or not started[-1].usable:
            started.append(pool.Worker())
        return started[-1]

    yield worker
    for item in started:
        item.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_so_does_more_of_it_in_a_process_under_limits(workers: Callable[[], pool.Worker], name: str) -> None:
    seeds = [SEED] if name in LONG else [seed for kind, seed in plan(COUNT, SEED) if kind == name]
    assert seeds
    faults = faults_of([workers().ask(name, seed) for seed in seeds])
    assert not faults, told(faults)


def test_both_ends_are_met() -> None:
    kinds.warm_up()
    met = {carry_out("parse", seed).end for seed in range(12)}
    assert met == {"sentence", "result"}


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
