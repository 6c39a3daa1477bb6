"""What the benchmark scripts share: options, clock, tables, the line about the machine, the JSON file."""

from __future__ import annotations

import os

# One thread, set before numpy and torch load their libraries: CPU seconds then mean the same on any machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import csv
import datetime as dt
import json
import platform
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

import edgewise
from edgewise._core.checks import plural

OUT = Path(__file__).parent / "out"
Row = TypeVar("Row", bound=Any)


@dataclass(frozen=True)
class Run:
    """Options of one run of a benchmark."""

    name: str
    quick: bool
    data: Path | None
    threads: int = 1

    def table(self, relative: str) -> Path | None:
        """A file of the data folder, or None, said aloud, where it is not there."""
        if self.data is not None and (self.data / relative).is_file():
            return self.data / relative
        print(f"skipped: {relative} is not there (give its folder by --data or EDGEWISE_DATA)")
        return None

    def tables(self, folder: str, pattern: str) -> list[Path]:
        """All files of one kind in a folder of the data folder, in order of their names."""
        files = [] if self.data is None else sorted((self.data / folder).glob(pattern))
        if not files:
            print(f"skipped: no {folder}/{pattern} there (give its folder by --data or EDGEWISE_DATA)")
        return files


def begin(name: str, title: str) -> Run:
    """Read the command line, hold torch to one thread and print the head of the report."""
    parser = argparse.ArgumentParser(prog=f"benchmarks/{name}.py", description=title)
    common_options(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    # Ridge and boosting warn about collinear columns and the like; their scores are the answer.
    warnings.filterwarnings("ignore", module="sklearn")
    print(f"# {title}\n{machine()}\n")
    return Run(name, options.quick, options.data)


def common_options(
    parser: argparse.ArgumentParser, quick: str = "a small part of it, to see that it runs"
) -> None:
    """The options that every script takes, so that one command runs them all."""
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("EDGEWISE_DATA"),
        help="folder of the data sets, where any are read",
    )


def machine(threads: int = 1) -> str:
    """Processor, software and date in one line."""
    return (
        f"{_processor()}, {plural(threads, 'thread')}; edgewise {edgewise.__version__}, torch {torch.__version__}, "
        f"Python {platform.python_version()}; {dt.date.today().isoformat()}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    names = (
        [
            line.split(":", 1)[1].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        if cpuinfo.is_file()
        else []
    )
    return f"{names[0]} ({len(names)} cores)" if names else platform.processor() or platform.machine()


class Clock:
    """CPU seconds of this process since it was made: they hardly change when the machine is shared."""

    def __init__(self) -> None:
        self._began = time.process_time()

    @property
    def seconds(self) -> float:
        return time.process_time() - self._began

    def limit(self, seconds: float) -> Callable[[object], bool]:
        """A callback that stops a fit or a search after so many CPU seconds: the answer then does not hang on the load."""
        return lambda record: self.seconds > seconds


def rmse(prediction: Any, target: Any) -> float:
    """Root mean square of the difference."""
    return float(np.sqrt(np.mean(np.square(np.ravel(prediction) - np.ravel(target)))))


class Report:
    """A table that is printed row by row while it grows, and kept as JSON at the end."""

    def __init__(self, run: Run, part: str, columns: Sequence[str], widths: int | Sequence[int] = 12) -> None:
        self.run, self.part, self.columns = run, part, tuple(columns)
        wide = [widths] * len(columns) if isinstance(widths, int) else list(widths)
        self._widths = [max(w, len(c)) for w, c in zip(wide, columns, strict=True)]
        self.rows: list[Sequence[Any]] = []
        self.notes: list[str] = []
        print("| " + " | ".join(c.ljust(w) for c, w in zip(self.columns, self._widths, strict=True)) + " |")
        print("|" + "|".join("-" * (w + 2) for w in self._widths) + "|", flush=True)

    def add(self, *cells: Any) -> None:
        self.rows.append(cells)
        shown = [text(cell).ljust(w) for cell, w in zip(cells, self._widths, strict=True)]
        print("| " + " | ".join(shown) + " |", flush=True)

    def column(self, name: str) -> list[Any]:
        at = self.columns.index(name)
        return [row[at] for row in self.rows]

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)
        print(f"\n{sentence}\n", flush=True)

    def across(self, part: str, rows: Sequence[str], columns: str, value: str) -> Report:
        """The same figures in short: a row for each value of `rows`, a column for each of `columns`."""
        places = [self.columns.index(name) for name in (*rows, columns, value)]
        cells = {(*(row[at] for at in places[:-2]), row[places[-2]]): row[places[-1]] for row in self.rows}
        names = list(dict.fromkeys(key[-1] for key in cells))
        report = Report(self.run, part, [*rows, *names], 9)
        for key in dict.fromkeys(key[:-1] for key in cells):
            report.add(*key, *(cells.get((*key, name)) for name in names))
        return report

    @property
    def file(self) -> Path:
        """The script's JSON file."""
        return OUT / f"{self.run.name}{'-quick' if self.run.quick else ''}.json"

    def saved(self) -> list[list[Any]]:
        """The rows that an earlier run put there; none where their columns are others."""
        part = json.loads(self.file.read_text()).get(self.part) if self.file.is_file() else None
        rows: list[dict[str, Any]] = part["rows"] if part else []
        return [list(row.values()) for row in rows] if all(tuple(row) == self.columns for row in rows) else []

    def earlier(self, keys: int) -> list[list[Any]]:
        """Those of them that this run has not measured anew, told by their first `keys` cells."""
        measured = {tuple(row[:keys]) for row in self.rows}
        return [row for row in self.saved() if tuple(row[:keys]) not in measured]

    def save(self) -> None:
        """Put this part into the script's JSON file beside its other parts."""
        OUT.mkdir(exist_ok=True)
        file = self.file
        parts = json.loads(file.read_text()) if file.is_file() else {}
        parts[self.part] = {
            "machine": machine(self.run.threads),
            "rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows],
            "notes": self.notes,
        }
        file.write_text(json.dumps(parts, indent=1, default=str))


def text(cell: Any) -> str:
    """A cell as people read it: three digits, no more."""
    if isinstance(cell, bool) or cell is None:
        return {True: "yes", False: "no", None: ""}[cell]
    if isinstance(cell, float):
        if np.isnan(cell):
            return ""
        return f"{cell:.2e}" if cell != 0 and (abs(cell) < 1e-3 or abs(cell) >= 1e6) else f"{cell:.4g}"
    return str(cell)


def kept_rows(path: Path, kind: type[Row]) -> list[Row]:
    """Rows of earlier runs, each a dataclass of numbers, texts and truth values; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        raw = list(csv.DictReader(file))
    read: dict[str, Callable[[str], Any]] = {
        "int": int, "float": float, "str": str, "bool": lambda text: text == "True",
    }  # fmt: skip
    return [kind(**{f.name: read[str(f.type)](row[f.name]) for f in fields(kind)}) for row in raw]


def keep_row(path: Path, row: Any) -> None:
    """Write a row behind those of earlier runs, so that a run that is broken off has lost none."""
    path.parent.mkdir(exist_ok=True)
    fresh = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow([f.name for f in fields(row)])
        writer.writerow(astuple(row))
