"""Clocks that tests set themselves: what a call does must not depend on them, and time limits need not be waited for."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from edgewise._core import work


@dataclass
class Clock:
    """A clock that goes on by so many seconds whenever it is read."""

    tick: float
    now: float = 0.0

    def monotonic(self) -> float:
        self.now += self.tick
        return self.now


def set_clock(monkeypatch: pytest.MonkeyPatch, tick: float) -> Clock:
    """From here on all meters read such a clock."""
    clock = Clock(tick)
    monkeypatch.setattr(work, "time", clock)
    return clock
