"""Live progress on standard error: a small table on a terminal, log lines anywhere else."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table as Grid

# Between log lines of one stage; a terminal redraws by itself. The longer a stage takes, the further apart they are.
_SECONDS_BETWEEN_LINES = 2.0
_SHARE_BETWEEN_LINES = 0.05


class Record(Protocol):
    """What training reports after a step."""

    @property
    def phase(self) -> str:
        """What kind of step: the solver or the stage inside the work."""
        ...

    @property
    def step(self) -> int:
        """Counts from 1 within a phase."""
        ...

    @property
    def loss(self) -> float:
        """What is minimised."""
        ...

    @property
    def validation(self) -> float | None:
        """Error on the rows held out for stopping, if any."""
        ...

    @property
    def note(self) -> str:
        """What happened, if anything did."""
        ...


@dataclass
class _Row:
    phase: str
    started: float
    ended: float | None = None
    record: Record | None = None


class Progress:
    """A callback for `fit`, `simplify` and `find_formula` that shows where the work stands.

    Use it as a context manager; `begin` names the stage that starts.
    """

    def __init__(self, quiet: bool = False, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._quiet = quiet
        self._rows: list[_Row] = []
        self._last_line = -math.inf
        self._live = (
            Live(get_renderable=self._grid, console=self._console, refresh_per_second=8, transient=True)
            if self._console.is_terminal and not quiet
            else None
        )

    def __enter__(self) -> Progress:
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

    def begin(self, stage: str) -> None:
        """A new stage starts."""
        self._end_stage()
        self._rows.append(_Row(stage, time.perf_counter()))
        if self._live is None and not self._quiet:
            self._console.print(stage, soft_wrap=True, markup=False)
            self._last_line = time.perf_counter()

    def __call__(self, record: Record) -> bool:
        """Take note of one step; never asks to stop."""
        now = time.perf_counter()
        if not self._rows:
            self._rows.append(_Row(record.phase, now))
        self._rows[-1].record = record
        gap = max(_SECONDS_BETWEEN_LINES, _SHARE_BETWEEN_LINES * (now - self._rows[-1].started))
        if self._live is None and not self._quiet and now - self._last_line >= gap:
            self._last_line = now
            cells = [text for text in self._cells(self._rows[-1], now) if text]
            self._console.print("  " + "  ".join(cells), soft_wrap=True, markup=False)
        return False

    def _end_stage(self) -> None:
        if self._rows and self._rows[-1].ended is None:
            self._rows[-1].ended = time.perf_counter()

    def _grid(self) -> Grid:
        grid = Grid.grid(padding=(0, 2))
        now = time.perf_counter()
        for row in self._rows:
            mark = "[green]done[/]" if row.ended is not None else "[cyan]....[/]"
            step, loss, held_out, seconds, note = self._cells(row, now)
            grid.add_row(mark, row.phase, step, loss, held_out, seconds, f"[dim]{_escape(note)}[/]")
        return grid

    @staticmethod
    def _cells(row: _Row, now: float) -> tuple[str, str, str, str, str]:
        seconds = f"{(row.ended or now) - row.started:.1f} s"
        record = row.record
        if record is None:
            return "", "", "", seconds, ""
        held_out = (
            ""
            if record.validation is None or not math.isfinite(record.validation)
            else f"held-out {record.validation:.4g}"
        )
        loss = "" if not math.isfinite(record.loss) else f"loss {record.loss:.4g}"
        return f"{record.phase} {record.step}", loss, held_out, seconds, record.note


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
