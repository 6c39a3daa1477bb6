"""An attempt at breaking something, and how it ended."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgewise import EdgewiseError

from .sentence import why_unclear
from .world import changed, digest, files, world

Random = np.random.Generator
# Of the normal work: attempts are many.
LITTLE = 0.01


def accept(result: Any) -> str:
    """Any result is right."""
    return ""


@dataclass(frozen=True)
class Attempt:
    """One call with hostile input.

    Attributes
    ----------
    call : callable
    given : tuple
        Objects of the caller's that may not change.
    judge : callable
        What is wrong with a result; empty where nothing is.
    mentions : tuple of str
        One of these must stand in a refusal; where none are given, anything in quotes will do.
    writes : tuple of str
        Files that a result (not a refusal) may leave in the folder.
    refusals : tuple of type
        Errors whose text is a refusal.
    warns : tuple of type
        Warnings that are in order.
    what : str
        The input in a few words, for the record of a fault.
    """

    call: Callable[[], Any]
    given: tuple[Any, ...] = ()
    judge: Callable[[Any], str] = accept
    mentions: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    refusals: tuple[type[BaseException], ...] = (EdgewiseError,)
    warns: tuple[type[Warning], ...] = ()
    what: str = ""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: "result", "sentence" or "fault", with the sentence or what is wrong."""

    kind: str
    seed: int
    end: str
    text: str
    what: str
    seconds: float


@dataclass(frozen=True)
class Kind:
    """A kind of attempt: its share among all, the seconds one may take, and how to make one."""

    name: str
    share: int
    limit: float
    make: Callable[[Random, Path], Attempt]


KINDS: dict[str, Kind] = {}


def kind(
    name: str, share: int, limit: float = 20.0
) -> Callable[[Callable[[Random, Path], Attempt]], Callable[[Random, Path], Attempt]]:
    """Register a kind of attempts."""

    def register(make: Callable[[Random, Path], Attempt]) -> Callable[[Random, Path], Attempt]:
        KINDS[name] = Kind(name, share, limit, make)
        return make

    return register


def plan(count: int, seed: int) -> list[tuple[str, int]]:
    """`count` attempts (name of the kind, seed), spread over the kinds by their shares and mixed."""
    total = sum(item.share for item in KINDS.values())
    random = np.random.default_rng(seed)
    drawn: list[tuple[str, int]] = []
    for item in KINDS.values():
        drawn += [
            (item.name, int(s)) for s in random.integers(0, 2**31, max(1, round(count * item.share / total)))
        ]
    order = random.permutation(len(drawn))
    return [drawn[int(place)] for place in order]


def carry_out(name: str, seed: int) -> Outcome:
    """Make an attempt of a kind, watch it, and say how it ended."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as place:
        folder = Path(os.path.realpath(place))
        home = os.getcwd()
        os.chdir(folder)
        try:
            attempt = KINDS[name].make(np.random.default_rng(seed), folder)
            end, text, seconds = _watched(attempt, folder)
        except Exception:
            # A network that cannot even be made ready is a fault of edgewise, or of the attempt; both must be seen.
            return Outcome(name, seed, "fault", f"not made: {traceback.format_exc(limit=-6)}", "", 0.0)
        finally:
            os.chdir(home)
    return Outcome(name, seed, end, text, attempt.what[:200], seconds)


def _watched(attempt: Attempt, folder: Path) -> tuple[str, str, float]:
    before, given, there = world(), [digest(entry) for entry in attempt.given], files(folder)
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as told, _output() as said:
        warnings.simplefilter("always")
        inside = world()
        try:
            result = attempt.call()
            end, text = "result", ""
        except attempt.refusals as error:
            end, text = "sentence", str(error)
        except BaseException:
            end, text = "fault", traceback.format_exc(limit=-6)
        seconds = time.perf_counter() - began
        moved = changed(inside, world())
        if end == "result":
            wrong = _judged(attempt, result)
            end, text = ("fault", wrong) if wrong else (end, text)
    if end == "sentence" and (why := why_unclear(text, attempt.mentions, str(folder))):
        end, text = "fault", f"unclear sentence ({why}): {text}"
    if end == "fault":
        return end, text, seconds
    faults = (
        [f"changed the process: {', '.join(moved or changed(before, world()))}"]
        if moved or changed(before, world())
        else []
    )
    faults += [f"changed argument {k}" for k, entry in enumerate(attempt.given) if digest(entry) != given[k]]
    allowed = attempt.writes if end == "result" else ()
    now = files(folder)
    touched = sorted(name for name in {*there, *now} if there.get(name) != now.get(name))
    faults += [f"left or changed the file {name}" for name in touched if name not in allowed]
    wrong = [entry for entry in told if not issubclass(entry.category, attempt.warns)]
    faults += [f"warned: {value.category.__name__}: {value.message}" for value in wrong[:2]]
    faults += [f"printed: {said.getvalue()[:200]!r}"] if said.getvalue() else []
    return ("fault", f"{end} {text!r}, but {'; '.join(faults)}", seconds) if faults else (end, text, seconds)


def _judged(attempt: Attempt, result: Any) -> str:
    try:
        return attempt.judge(result)
    except Exception:
        return f"the result cannot be used: {traceback.format_exc(limit=-6)}"


@contextmanager
def _output() -> Generator[io.StringIO]:
    """Catch what is printed; nothing below the command line may print."""
    said, streams = io.StringIO(), (sys.stdout, sys.stderr)
    sys.stdout = sys.stderr = said
    try:
        yield said
    finally:
        sys.stdout, sys.stderr = streams
