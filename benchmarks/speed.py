"""Every table and drawing of docs/performance.md: edgewise beside its references on one thread, and on two what threads can
change.

Each job (a table and a reference) runs in a fresh process, on as many threads for both sides, and yields comparisons: ratios
with their quartiles. The extra `bench` brings the other packages; without them the rest is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import _speed_measures as measures
import torch
from _common import OUT, common_options, machine
from _speed_measures import Comparison, NotMeasured, Results, Settings
from _speed_peers import PEERS, measure

from edgewise.plots import save_figure

IMAGES = Path(__file__).parent.parent / "docs" / "images"
Finding = Comparison | NotMeasured
JOBS: dict[str, dict[str, Callable[[Settings], Iterator[Finding]]]] = {
    "layers": {
        "Linear + SiLU": measures.layers_against_linear,
        "MLP, same parameters": measures.layers_against_perceptron,
        "dense formulation": measures.layers_against_dense,
    },
    "roofline": {"kernels": measures.roofline},
    "derivatives": {"Poisson step": measures.derivatives},
    "memory": {"edgewise": measures.memory_of_ours, "dense formulation": measures.memory_of_dense},
    "small": {"Adam": measures.small_adam, "Levenberg-Marquardt": measures.small_levenberg_marquardt},
    "images": {"MNIST": measures.images},
    "peers": {name: partial(measure, name) for name in PEERS},
}
# What threads can change; the other tables are of one core, or of steps too small to share.
SHARED = ("layers", "derivatives")
# Compiles for longer than a short run takes.
SLOW = "inkan-compiled"
# Tables with a column for each reference; the others have a row for each comparison.
WIDE = ("layers", "roofline", "peers")
UNITS = {"s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")), "B": ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))}
# Read when numpy, torch and their libraries are loaded, so before the process begins.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """A table and whom edgewise is compared with."""

    table: str
    name: str


def run(job: Job, settings: Settings) -> Iterator[Finding]:
    """Measure in a fresh process; findings as they come. A process that fails leaves a `NotMeasured` behind."""
    words = asdict(job) | {
        "quick": settings.quick,
        "threads": settings.threads,
        "data": settings.data and str(settings.data.resolve()),
    }
    with tempfile.TemporaryDirectory() as folder:  # some packages write files wherever they are
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--job", json.dumps(words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env=os.environ | dict.fromkeys(THREADS, str(settings.threads)),
            cwd=folder,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            ((kind, fields),) = json.loads(line).items()
            yield Comparison(**fields) if kind == "Comparison" else NotMeasured(**fields)
        if code := process.wait():
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            yield NotMeasured(job.table, job.name, f"its process {how}")


def work(words: str) -> None:
    """Measure one job in this process; its findings are lines of JSON on standard output."""
    asked = json.loads(words)
    settings = Settings(asked["quick"], asked["threads"], asked["data"] and Path(asked["data"]))
    # Packages that print would spoil the lines: whatever they write goes to standard error.
    lines = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    torch.set_num_threads(settings.threads)

    def tell(finding: Finding) -> None:
        lines.write(json.dumps({type(finding).__name__: asdict(finding)}) + "\n")

    try:
        for finding in JOBS[asked["table"]][asked["name"]](settings):
            tell(finding)
    except Exception as error:
        tell(
            NotMeasured(
                asked["table"], asked["name"], " ".join(f"{type(error).__name__}: {error}".split())[:200]
            )
        )


def measured(tables: Sequence[str], peers: Sequence[str], settings: Settings) -> Results:
    """All findings of some tables, a line each as they come."""
    found: list[Finding] = []
    for table in tables:
        for name in JOBS[table]:
            if table == "peers" and name not in peers:
                continue
            for finding in run(Job(table, name), settings):
                print(line(finding), flush=True)
                found.append(finding)
    return Results(
        machine(settings.threads),
        tuple(finding for finding in found if isinstance(finding, Comparison)),
        tuple(finding for finding in found if isinstance(finding, NotMeasured)),
    )


def rows(results: Results, table: str) -> list[dict[str, str]]:
    """One table as rows of cells by column; every row has the same columns."""
    found = [item for item in results.of(table) if item.measure != "ceiling"]
    return _wide(found) if table in WIDE else _long(found)


def notes(results: Results, table: str) -> list[str]:
    """Sentences under a table: ceilings, goals, and what is missing."""
    found = results.of(table)
    sentences: list[str] = []
    if ceilings := [item for item in found if item.measure == "ceiling"]:
        parts = [f"{ceiling.setting['ceiling']} {_ceiling(ceiling)}" for ceiling in ceilings]
        sentences.append(f"One core at most: {', '.join(parts)}.")
    aimed = sorted((item for item in found if item.goal), key=_aim)
    for (column, goal), same in groupby(aimed, key=_aim):
        several = list(same)
        met = sum(bool(item.met) for item in several)
        sentences.append(f"{column}: the aim of {goal} is met in {met} of {len(several)}.")
    missing = [item for item in results.missing if item.table == table]
    return sentences + [f"Not measured: {item.reference}: {item.reason}." for item in missing]


def _wide(found: Sequence[Comparison]) -> list[dict[str, str]]:
    columns = list(dict.fromkeys(_column(comparison) for comparison in found))
    grouped: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for comparison in found:
        cells = {key: str(value) for key, value in comparison.setting.items() if key != "base"}
        if comparison.table == "peers":
            cells["what"] = comparison.measure
        row = grouped.setdefault(tuple(cells.items()), dict.fromkeys(columns, ""))
        share = f"{100 * comparison.ratio:.0f} %, {comparison.extra.get('bound by')}"
        row[_column(comparison)] = share if comparison.table == "roofline" else ratio_text(comparison)
    return [dict(key) | row for key, row in grouped.items()]


def _long(found: Sequence[Comparison]) -> list[dict[str, str]]:
    """A row for each comparison; what was held fixed in only some of them is left open in the others."""
    fixed = dict.fromkeys((key for comparison in found for key in comparison.setting), "")
    return [
        fixed
        | {key: str(value) for key, value in comparison.setting.items()}
        | {
            "measure": comparison.measure,
            "figure": amount(comparison.ours, comparison.unit),
            "against": comparison.reference,
            "its figure": amount(comparison.theirs, comparison.unit),
            "ratio": ratio_text(comparison),
            "aim": comparison.goal,
        }
        for comparison in found
    ]


def line(finding: Finding) -> str:
    """A finding in one line."""
    if isinstance(finding, NotMeasured):
        return f"{finding.table}: {finding.reference}: {finding.reason}"
    fixed = ", ".join(f"{key} {value}" for key, value in finding.setting.items())
    if finding.measure == "ceiling":
        return f"{finding.table}: {fixed}: {_ceiling(finding)}"
    return f"{finding.table}: {fixed}: {finding.measure} against {finding.reference}: {ratio_text(finding)}"


def ratio_text(comparison: Comparison) -> str:
    """Median and, where there are several repetitions, quartiles: "5.20 (5.10–5.40)"."""
    if comparison.low == comparison.high:
        return figure(comparison.ratio)
    return f"{figure(comparison.ratio)} ({figure(comparison.low)}–{figure(comparison.high)})"


def amount(value: float, unit: str) -> str:
    """A figure with its unit: "1.2 ms"."""
    if unit == "%":
        return f"{value:.2f} %"
    *larger, smallest = UNITS[unit]
    size, name = next((scale for scale in larger if value >= scale[0]), smallest)
    return f"{figure(value / size)} {name}"


def figure(value: float) -> str:
    """Three digits, two of small numbers, never an exponent."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:.{digits}f}"


def _column(comparison: Comparison) -> str:
    if comparison.table in ("roofline", "peers"):
        return comparison.measure if comparison.table == "roofline" else comparison.reference
    base = ", with base" if comparison.setting.get("base") == "silu" else ""
    return comparison.reference + (base or (", forward" if comparison.measure == "forward" else ""))


def _aim(comparison: Comparison) -> tuple[str, str]:
    column = _column(comparison) if comparison.table in ("layers", "roofline") else comparison.measure
    return column + (
        ", median of all cells" if comparison.setting.get("in") == "all" else ""
    ), comparison.goal


def _ceiling(comparison: Comparison) -> str:
    return f"{comparison.ours / 1e9:.0f} {'G multiply-adds/s' if comparison.unit == 'MAC/s' else 'GB/s'}"


def parts(results: Results, tables: Sequence[str], suffix: str = "") -> dict[str, Any]:
    """Tables for the page."""
    return {
        table + suffix: {
            "machine": results.machine,
            "rows": rows(results, table),
            "notes": notes(results, table),
        }
        for table in tables
    }


def in_short(part: dict[str, Any]) -> dict[str, Any]:
    """The table of layers without their widths: from the least to the largest ratio of each column."""
    columns = [name for name in part["rows"][0] if name not in ("in", "out", "batch", "G")]
    grouped: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in part["rows"]:
        grouped.setdefault((row["batch"], row["G"]), []).append(row)
    return {
        "machine": part["machine"],
        "rows": [
            {"batch": batch, "G": intervals} | {name: _span([row[name] for row in same]) for name in columns}
            for (batch, intervals), same in sorted(grouped.items(), key=lambda group: group[0][0] == "all")
        ],
        "notes": [],
    }


def _span(cells: list[str]) -> str:
    """ "4.4 (4.2–4.7)", "5.0 (4.9–5.1)" -> "4.4 to 5.0"; a single cell stays as it is."""
    ratios = sorted((cell.split()[0] for cell in cells if cell), key=float)
    return cells[0] if len(cells) == 1 else f"{ratios[0]} to {ratios[-1]}" if ratios else ""


def show(part: dict[str, Any], name: str) -> None:
    """One table in text."""
    print(f"\n## {name}\n")
    for k, row in enumerate(part["rows"]):
        if not k:
            print(f"| {' | '.join(row)} |\n|{' --- |' * len(row)}")
        print(f"| {' | '.join(row.values())} |")
    print("", *part["notes"], sep="\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/speed.py", description=__doc__)
    common_options(parser)
    parser.add_argument("--only", nargs="*", choices=list(JOBS), help="some tables only, which are printed")
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), help="other packages to compare with")
    parser.add_argument("--threads", type=int, default=1, help="of all that is not measured on two anyway")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.job:
        work(asked.job)
        return
    print(f"# Speed of layers, kernels, training steps and other packages\n{machine(asked.threads)}\n")
    digits = None if asked.data is None else Path(asked.data) / "images" / "mnist.npz"
    settings = Settings(asked.quick, asked.threads, digits if digits and digits.is_file() else None)
    usual = [name for name in PEERS if not (asked.quick and name == SLOW)]
    tables = asked.only or list(JOBS)
    results = measured(tables, usual if asked.peers is None else asked.peers, settings)
    found = parts(results, tables)
    if not asked.only:
        found |= parts(measured(SHARED, (), Settings(asked.quick, 2)), SHARED, ", two threads")
        found["layers, in short"] = in_short(found["layers"])
        OUT.mkdir(exist_ok=True)
        (OUT / f"speed{'-quick' if asked.quick else ''}.json").write_text(json.dumps(found, indent=1))
    for name, part in found.items():
        show(part, name)
    if not asked.only and not asked.quick:
        from _speed_drawings import drawings

        for name, picture in drawings(results).items():
            save_figure(picture, IMAGES / f"speed-{name}.svg")


if __name__ == "__main__":
    main()
