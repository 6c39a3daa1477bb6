"""Budgets that count work, so that the same call does the same on any machine; the clock only interrupts.

Code that costs states what it costs: ``charge(operations)`` adds to every meter that is running around it. The unit is about
a second of one core of 2024, by fixed rates, not by a measurement: the count depends on the rows and the seed alone. Loops
compare `spent()` with what they may spend. Each charge also looks at the clock, and where a time limit has passed it raises
`StopError`, which the function that set the limit turns into its best answer so far.

The meters that run form a chain in a context variable: work inside nested calls counts for all of them, and a thread or
task of the caller's own starts with none.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from edgewise._core.checks import check_choice, check_float
from edgewise._core.stopping import StopReason

# How much of the normal work each level does.
LEVELS = {"quick": 0.2, "normal": 1.0, "thorough": 5.0}
# Seconds between two calls of `beat`.
PULSE = 0.5


class StopError(Exception):
    """Raised through running code to end it from outside; the function that is asked catches its own.

    Attributes
    ----------
    reason : StopReason
    meter : Meter or None
        The meter whose limit has passed, or whose `beat` asked; None where a callback did that the innermost call has.
    """

    def __init__(self, reason: StopReason, meter: Meter | None = None) -> None:
        super().__init__(reason.advice)
        self.reason, self.meter = reason, meter


class Meter:
    """Counts the work of one call, and watches the clock for it.

    Parameters
    ----------
    most : float
        Work that may be spent, in units; infinite where something else ends the call.
    seconds : float, optional
        Time limit from now on.
    beat : callable, optional
        Called about twice a second while work is charged; what it raises ends the work.

    Attributes
    ----------
    spent : float
        Units so far.
    """

    def __init__(
        self,
        most: float = math.inf,
        seconds: float | None = None,
        beat: Callable[[], object] | None = None,
    ) -> None:
        self.most, self.spent, self.beat = most, 0.0, beat
        self.began = time.monotonic()
        self.until = math.inf if seconds is None else self.began + seconds
        self._next = self.began + PULSE
        self._outer: Meter | None = None

    @property
    def left(self) -> float:
        """Units that may still be spent."""
        return self.most - self.spent

    @property
    def share(self) -> float:
        """Share of the work that is done, from 0 to 1; 0 where no end is planned."""
        return min(self.spent / self.most, 1.0) if self.most > 0 else 1.0

    @property
    def seconds(self) -> float:
        """Seconds since the meter was made."""
        return time.monotonic() - self.began

    def part(self, share: float, most: float = math.inf) -> float:
        """Where the count may be after a stage that gets a share of what is left, and at most so much."""
        return self.spent + min(most, share * max(self.left, 0.0))

    def look(self) -> None:
        """Check the clock without any work: raises where the time limit has passed, and calls `beat`."""
        now = time.monotonic()
        if now > self.until:
            raise StopError(StopReason.TIME_LIMIT, self)
        if self.beat is not None and now >= self._next:
            # What it does may itself be charged; it must not call itself.
            self._next = math.inf
            try:
                self.beat()
            except StopError as stop:
                # It may be raised deep in another call, which must not take this for its own.
                stop.meter = stop.meter or self
                raise
            finally:
                self._next = time.monotonic() + PULSE

    def own(self, stop: StopError | KeyboardInterrupt) -> StopReason:
        """The reason, where this meter, a callback or Ctrl-C ended the work; what ends an outer call goes on up."""
        if isinstance(stop, KeyboardInterrupt):
            return StopReason.INTERRUPTED
        if stop.meter not in (None, self):
            raise stop
        return stop.reason


class Ending:
    """A block that may be ended from outside, and why it was.

    What a meter's limit, a callback or Ctrl-C ends is over, and what was found until then is the answer; what is to end an
    outer call goes on up.

    Parameters
    ----------
    meter : Meter
        Of the call that answers.

    Attributes
    ----------
    reason : StopReason or None
        None where nothing ended it.

    Examples
    --------
    >>> with Ending(Meter(seconds=0.0)) as end, running(end.meter):
    ...     while True:
    ...         charge(1.0)
    >>> end.reason
    <StopReason.TIME_LIMIT: 'time_limit'>
    """

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.reason: StopReason | None = None

    def __enter__(self) -> Ending:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, StopError):
            self.reason = self.meter.own(error)
        elif isinstance(error, KeyboardInterrupt):
            self.reason = StopReason.INTERRUPTED
        return self.reason is not None


_CURRENT: ContextVar[Meter | None] = ContextVar("edgewise_meter", default=None)


@contextmanager
def running(meter: Meter) -> Generator[Meter, None, None]:
    """Let a meter count what the block charges.

    Examples
    --------
    >>> with running(Meter(most=2.0)) as meter:
    ...     charge(0.5)
    >>> meter.spent, meter.share
    (0.5, 0.25)
    """
    meter._outer = _CURRENT.get()
    token = _CURRENT.set(meter)
    try:
        yield meter
    finally:
        _CURRENT.reset(token)


def charge(units: float) -> None:
    """Add to the count of every meter that runs, and see to their clocks.

    Parameters
    ----------
    units : float
        About the seconds that one core takes: a fixed rate times a number of operations, never a measurement.

    Raises
    ------
    StopError
        Where a time limit has passed.
    """
    meter = _CURRENT.get()
    while meter is not None:
        meter.spent += units
        meter.look()
        meter = meter._outer


def spent() -> float:
    """What the innermost meter has counted; 0 where none runs."""
    meter = _CURRENT.get()
    return 0.0 if meter is None else meter.spent


def left() -> float:
    """What all meters that run may still spend; infinite where none sets an end.

    Examples
    --------
    >>> with running(Meter(most=2.0)), running(Meter(most=5.0)):
    ...     charge(0.5)
    ...     left()
    1.5
    """
    meter, least = _CURRENT.get(), math.inf
    while meter is not None:
        least, meter = min(least, max(meter.left, 0.0)), meter._outer
    return least


class UntilSpent:
    """A callback that ends training once the innermost meter has counted so much.

    Attributes
    ----------
    over : bool
        Whether it has asked to stop.
    """

    def __init__(self, most: float) -> None:
        self.most, self.over = most, False

    def __call__(self, record: object) -> bool:
        self.over = spent() > self.most
        return self.over


def check_work(work: object) -> float:
    """The factor that a level of work stands for, or the factor itself.

    Examples
    --------
    >>> check_work("quick"), check_work(2)
    (0.2, 2.0)
    """
    if isinstance(work, str):
        return LEVELS[check_choice(work, "work", LEVELS)]
    return check_float(work, "work", low=0.0, closed=False)


def check_seconds(seconds: object) -> float | None:
    """A time limit, or None for none."""
    return None if seconds is None else check_float(seconds, "seconds", low=0.0, closed=False)
