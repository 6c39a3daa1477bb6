"""Live progress on standard error: a small table on a terminal, log lines anywhere else."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table as Grid
from rich.text import Text

from edgewise.cli.console import console as visible_console
from edgewise.cli.outcome import Interrupts

if TYPE_CHECKING:
    from edgewise.training import Record

# Between log lines of one stage; a terminal redraws by itself. The longer a stage takes, the further apart they are.
_SECONDS_BETWEEN_LINES = 2.0
_SHARE_BETWEEN_LINES = 0.05


@dataclass(frozen=True)
class Note:
    """A record of work that lowers no error."""

    phase: str
    step: int
    note: str
    share: float | None
    loss: float = math.nan
    validation: float | None = None


@dataclass
class _Row:
    phase: str
    started: float
    ended: float | None = None
    record: Record | Note | None = None
    updated: float = 0.0


class ShownProgress:
    """A callback for `fit`, `simplify` and `find_formula` that shows where the work stands.

    Use it as a context manager; `begin` names the stage that starts.
    """

    def __init__(
        self,
        quiet: bool = False,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._console = console or visible_console(err=True)
        self._quiet = quiet
        self._rows: list[_Row] = []
        self._last_line = -math.inf
        self._live = (
            Live(get_renderable=self._grid, console=self._console, refresh_per_second=8, transient=True)
            if self._console.is_terminal and not quiet
            else None
        )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_stage()
        if self._live is not None:
            self._live.stop()
            if kind is None:
                # What stood on the screen stays readable above the results.
                self._console.print(self._grid())

    @property
    def begun(self) -> bool:
        """Whether there is anything to show."""
        return bool(self._rows)

    def begin(self, stage: str) -> None:
        """A new stage starts."""
        self._end_stage()
        self._rows.append(_Row(stage, self._clock()))
        if self._live is None and not self._quiet:
            self._console.print(stage, soft_wrap=True, markup=False)
            self._last_line = self._clock()

    def __call__(self, record: Record | Note) -> bool:
        """Take note of one step; never asks to stop."""
        now = self._clock()
        if not self._rows:
            self._rows.append(_Row(record.phase, now))
        self._rows[-1].record, self._rows[-1].updated = record, now
        gap = max(_SECONDS_BETWEEN_LINES, _SHARE_BETWEEN_LINES * (now - self._rows[-1].started))
        if self._live is None and not self._quiet and now - self._last_line >= gap:
            self._last_line = now
            cells = [text for text in self._cells(self._rows[-1], now) if text]
            self._console.print("  " + "  ".join(cells), soft_wrap=True, markup=False)
        return False

    def _end_stage(self) -> None:
        if self._rows and self._rows[-1].ended is None:
            self._rows[-1].ended = self._clock()

    def _grid(self) -> Grid:
        grid = Grid.grid(padding=(0, 2))
        for _ in ("mark", "stage", "seconds", "share"):
            grid.add_column(no_wrap=True)
        now = self._clock()
        for row in self._rows:
            mark = "[green]done[/]" if row.ended is not None else "[cyan]....[/]"
            *cells, seconds, share, note = self._cells(row, now)
            # On narrow terminals these are cut first.
            cut = (Text(cell, no_wrap=True, overflow="ellipsis") for cell in cells)
            note = Text(note, "dim", no_wrap=True, overflow="ellipsis")
            grid.add_row(mark, Text(row.phase), seconds, share, *cut, note)
        return grid

    @staticmethod
    def _cells(row: _Row, now: float) -> tuple[str, str, str, str, str, str]:
        seconds = f"{(now if row.ended is None else row.ended) - row.started:.1f} s"
        record = row.record
        if record is None:
            return "", "", "", seconds, "", ""
        held_out = (
            ""
            if record.validation is None or not math.isfinite(record.validation)
            else f"held-out {record.validation:.4g}"
        )
        loss = "" if not math.isfinite(record.loss) else f"loss {record.loss:.4g}"
        share = _share(row, now) if row.ended is None else ""
        return f"{record.phase} {record.step}", loss, held_out, seconds, share, record.note


@contextmanager
def at_work(progress: ShownProgress, title: str = "") -> Generator[Interrupts]:
    """Work that Ctrl-C may end and whose progress is shown, under a title unless it is to begin later."""
    with Interrupts() as interrupts, progress:
        if title:
            progress.begin(title)
        yield interrupts


# The share of the work from which on it shows how long the rest may take: what was done before is mostly preparation.
_TELLING = 0.01


def _share(row: _Row, now: float) -> str:
    """How much of the work is done, and how long the rest may take; it may end earlier, once nothing is left to do."""
    share = None if row.record is None else row.record.share
    if share is None:
        return ""
    if share < _TELLING:
        return "0 %"
    left = (row.updated - row.started) * (1 - share) / share - (now - row.updated)
    return f"{math.floor(100 * share)} %, {_time(max(left, 0.0))} left at most"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
