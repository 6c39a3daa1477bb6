"""Times of rival pieces of work, measured in turn so that whatever else the machine does meets all of them alike."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

Work = Callable[[], object]

# A repetition lasts at least this long; shorter work is done several times over.
_SHORTEST = 2e-3
_MOST = 200


def clock(threads: int) -> Callable[[], float]:
    """Processor time for one thread, which other programs hardly disturb; for more threads the time on the wall."""
    return time.process_time if threads == 1 else time.perf_counter


def alternately(
    works: Sequence[Work], *, threads: int = 1, seconds: float = 1.0, least: int = 3
) -> tuple[list[float], ...]:
    """Seconds that each piece of work takes, over repetitions in turn.

    Parameters
    ----------
    works : sequence of functions
        Each is warmed up before it counts.
    threads : int
        Which clock to read.
    seconds : float
        Time to spend on all of them together.
    least : int
        Repetitions at least, whatever they take.

    Examples
    --------
    >>> first, second = alternately([lambda: sum(range(100)), lambda: sum(range(1000))], seconds=0.05)
    >>> len(first) == len(second) >= 3
    True
    """
    now = clock(threads)
    counts = [_repeats(work, now) for work in works]
    times: tuple[list[float], ...] = tuple([] for _ in works)
    began = now()
    with no_collection():
        while len(times[0]) < least or (now() - began < seconds and len(times[0]) < _MOST):
            for work, count, taken in zip(works, counts, times, strict=True):
                start = now()
                for _ in range(count):
                    work()
                taken.append((now() - start) / count)
    return times


@contextmanager
def no_collection() -> Generator[None, None, None]:
    """Without Python's garbage collector, which would strike one of the rivals at random."""
    gc.collect()
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _repeats(work: Work, now: Callable[[], float]) -> int:
    """Warm up, and find how often the work fits into the shortest repetition."""
    took = math.inf
    for _ in range(3):
        start = now()
        work()
        took = min(took, now() - start)
        if took > 0.25:  # long work is warm after one pass
            break
    return max(1, math.ceil(_SHORTEST / max(took, 1e-7)))
