"""What measures for `edgewise ask`: somebody who types, or a program; and the file that keeps what was measured."""

from __future__ import annotations

import csv
import io
import math
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgewise._core.checks import short
from edgewise._core.errors import FileError, InputError
from edgewise._core.files import write_file
from edgewise.cli.entries import read_entries, read_span
from edgewise.cli.terminal import say

Place = Mapping[str, float]
# Gives the value at a place, NaN where that failed; the number of the measurement counts from 1.
Measures = Callable[[Place, int], float]
# Typed, a column is set to this share of its range or less, and never to digits that no scale shows.
_SHARE = 1 / 200
# Columns over so many decades have no step that suits both ends.
_DECADES = 30.0
_FAILED, _END = ("nan", "-"), ("q", "quit", "exit")


@dataclass(frozen=True)
class Typed:
    """Values that somebody types.

    Parameters
    ----------
    target
        What is measured.
    most
        Measurements at most.
    """

    target: str
    most: int

    def __call__(self, place: Place, number: int) -> float:
        """Ask until a number is typed; the end of input, or q, ends as Ctrl-C does."""
        where = ", ".join(f"{name} = {value:.12g}" for name, value in place.items())
        say(f"Measurement {number} of at most {self.most}, at {where}", err=True)
        while True:
            sys.stderr.write(f"  {self.target} = ")
            sys.stderr.flush()
            line = sys.stdin.readline()
            word = line.strip()
            if not sys.stdin.isatty():  # nobody else ends the line, or shows what was read
                say(word, err=True)
            if not line or word.lower() in _END:
                raise KeyboardInterrupt
            if word.lower() in _FAILED:
                return math.nan
            try:
                value = float(word)
            except ValueError:
                value = math.nan
            if math.isfinite(value):
                return value
            say("  A number such as 2.5, please; nan where it could not be measured, q to end.", err=True)


@dataclass(frozen=True)
class MeasuringProgram:
    """A program that measures.

    Parameters
    ----------
    words
        Its name and arguments; the name of a column in braces stands for its value.
    """

    words: tuple[str, ...]

    @classmethod
    def read(cls, command: str, names: Sequence[str]) -> MeasuringProgram:
        """From a line as a shell would take it."""
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            raise InputError(f"The --command cannot be read: {error}. Got {short(command)}.") from None
        if missing := [name for name in names if not any(f"{{{name}}}" in word for word in words)]:
            raise InputError(
                subject="The --command",
                expected=f"say where the value of each column goes, as in {{{missing[0]}}}",
                got=short(command),
            )
        return cls(words)

    def __call__(self, place: Place, number: int) -> float:
        """The last line that it prints; NaN where it ends with another exit code than 0."""
        words = list(self.words)
        for name, value in place.items():
            words = [word.replace(f"{{{name}}}", repr(value)) for word in words]
        try:
            done = subprocess.run(
                words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False
            )
        except OSError as error:
            raise InputError(
                f"The program of --command cannot be run: {error.strerror or error}. Got {short(words[0])}."
            ) from None
        if done.returncode:
            say(
                f"Note: Measurement {number} failed: exit code {done.returncode} of {shlex.join(words)}",
                err=True,
            )
            return math.nan
        last = done.stdout.strip().rpartition("\n")[2].strip()
        try:
            return float(last)
        except ValueError:
            raise InputError(
                subject="The program of --command",
                expected="print a number as its last line",
                got=f"{short(last)} from {shlex.join(words)}",
            ) from None


@dataclass(eq=False)
class Recorder:
    """Measurements, kept in a file as they are made.

    Parameters
    ----------
    source
        What measures.
    names
        The columns.
    target
    path
        A CSV file.
    known
        Rows measured before.
    """

    source: Measures
    names: tuple[str, ...]
    target: str
    path: Path
    known: Sequence[tuple[float, ...]] = ()
    rows: list[tuple[float, ...]] = field(default_factory=list[tuple[float, ...]])

    def __post_init__(self) -> None:
        self.rows = list(self.known)

    @property
    def made(self) -> int:
        """Measurements in the file."""
        return len(self.rows)

    def measure(self, place: dict[str, float]) -> float:
        """The value at a place, which is in the file from then on."""
        value = self.source(place, self.made + 1)
        self.rows.append((*(place[name] for name in self.names), value))
        self._write()
        return value

    def number(self, at: int) -> int:
        """Which row of the file, from 1 below the header, is the measurement `at` of those that gave a number."""
        return [number for number, row in enumerate(self.rows, 1) if math.isfinite(row[-1])][at]

    def _write(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*self.names, self.target])
        writer.writerows([["" if math.isnan(cell) else repr(cell) for cell in row] for row in self.rows])
        write_file(self.path, text.getvalue().encode(), overwrite=True)


def recorded(path: Path, names: tuple[str, ...], target: str) -> tuple[tuple[float, ...], ...]:
    """The rows of a file that `Recorder` wrote, as numbers; an empty cell is a measurement that failed."""
    try:
        lines = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
        rows = tuple(tuple(float(cell or "nan") for cell in line) for line in lines[1:] if line)
    except (OSError, ValueError) as error:
        raise FileError(f"The file {path} cannot be read as measurements: {error}.") from None
    if not lines or lines[0] != [*names, target] or any(len(row) != len(names) + 1 for row in rows):
        raise InputError(
            subject="The file of --resume",
            expected=f"have the columns {', '.join([*names, target])}",
            got=f"{(short(', '.join(lines[0])) if lines else 'none')}",
        )
    return rows


def read_bounds(entries: Sequence[str]) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    """The ends of each column of `--bounds m=1:5,r=1:3:0.1`, and the steps of those that have one."""

    def read(text: str) -> tuple[float, ...]:
        low, high, *step = numbers = read_span(text)
        if low == high or (step and not 0 < step[0] <= high - low):
            raise ValueError
        return numbers

    form, advice = "column=low:high or column=low:high:step", "leave out a column that is held fixed"
    found = read_entries(entries, "--bounds", form, read, advice=advice)
    steps = {name: span[2] for name, span in found.items() if len(span) > 2}
    return {name: (span[0], span[1]) for name, span in found.items()}, steps


def convenient_steps(ends: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """A power of ten for each column, fine enough to make no difference and short enough to be set by hand."""
    return {
        name: 10.0 ** math.floor(math.log10((high - low) * _SHARE))
        for name, (low, high) in ends.items()
        if low * high <= 0 or max(high / low, low / high) < _DECADES
    }
