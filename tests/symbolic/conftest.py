"""A clock that tests move."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from edgewise._core import work


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Starts a clock that goes on by so many seconds whenever somebody looks at it, and at no other time."""

    def start(tick: float) -> None:
        monkeypatch.setattr(work.time, "monotonic", itertools.count(0.0, tick).__next__)

    return start
