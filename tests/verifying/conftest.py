"""A clock that the tests move."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edgewise._core import work


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Time stands still; what is returned makes it pass: so many seconds more at every look at the clock."""
    now, pace = [100.0], [0.0]

    def look() -> float:
        now[0] += pace[0]
        return now[0]

    monkeypatch.setattr(work.time, "monotonic", look)

    def run(seconds: float) -> None:
        pace[0] = seconds

    return run
