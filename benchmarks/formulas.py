"""Formula search before the judge of formula finders: the published tables, and random laws that nobody has tuned on.

The judge (`evaluate.py`, its folder by --judge or EDGEWISE_JUDGE) makes the rows, starts the finder in a process of its own
with one thread, and compares the answer with the truth on fresh points in and beyond the box. Without --set
every cell of the page is run, which takes hours; rows are kept as they come and --resume goes on from them.

    python benchmarks/formulas.py --judge FOLDER --set feynman120 --ids I.6.2a,I.8.14 --work quick
    python benchmarks/formulas.py --judge FOLDER --set gen:kinds:0:100 --jobs 2 --resume
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import altered_laws
import numpy as np
import sums_of_terms
from _common import OUT, Report, Run, common_options, machine, text
from random_laws import generate
from solved_laws import solved
from textbook_laws import handbook, textbook

from edgewise._core.work import LEVELS, check_work

HERE = Path(__file__).parent
ADAPTER = f"py:{HERE / 'judge_adapter.py'}:fit"
VERDICTS = ("identical", "exact", "srbench", "acc")
# Laws of a drawn set.
_DRAWN = 20


@dataclass(frozen=True)
class Cell:
    """One row of the summary: a set of problems under one condition."""

    set: str
    noise: float = 0.0
    units: bool = False
    dummy: int = 0

    @property
    def title(self) -> str:
        extras = [f"noise {self.noise:g}", "units" if self.units else "", f"{self.dummy} idle columns"]
        kept = [*extras[:2], extras[2] if self.dummy else ""]
        return ", ".join([self.set, *(extra for extra in kept if extra)])


# Random laws that decisions were made on keep to seed 0; seed 1 is looked at when figures are taken.
PAGE = (
    *(Cell("feynman120", noise, units) for noise in (0.0, 0.001, 0.01, 0.1) for units in (False, True)),
    Cell("feynman120", dummy=3),
    *(Cell("strogatz", noise) for noise in (0.0, 0.01, 0.1)),
    Cell("strogatz", dummy=3),
    Cell("kan27"),
    Cell("kan27", dummy=3),
    Cell("classic"),
    Cell("classic", dummy=3),
    Cell("textbook"),
    Cell("handbook"),
    Cell("gen:kinds:1:200"),
    Cell("gen:trees:1:200"),
)


@dataclass(frozen=True)
class Finder:
    """A method as the judge knows it, and the Python that has it."""

    label: str
    method: str = ADAPTER
    python: str = sys.executable


@dataclass(frozen=True)
class Terms:
    """What every finder gets."""

    judge: str
    seconds: float = 60.0
    rows: int = 2000
    seed: int = 0
    # What the search may do, instead of seconds on the wall, which then get many times as many.
    work: float | None = None


def load(folder: str | None) -> ModuleType:
    """The judge's module."""
    file = Path(folder or "") / "evaluate.py"
    if not folder or not file.is_file():
        raise SystemExit(
            "The judge of formula finders is not there: give the folder that holds its evaluate.py by --judge or "
            f"EDGEWISE_JUDGE (got {folder or 'neither'})."
        )
    spec = importlib.util.spec_from_file_location("evaluate", file)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules["evaluate"] = module
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def problems(judge: ModuleType, name: str) -> list[dict[str, Any]]:
    """A set of the judge's or of ours: textbook, handbook, gen:FAMILY:SEED:COUNT, solved:SET, altered:SEED, sums:SEED."""
    if name in ("textbook", "handbook"):
        return textbook() if name == "textbook" else handbook()
    if name.startswith("solved:"):
        return solved(problems(judge, name.removeprefix("solved:")))
    drawn = {"altered": altered_laws.laws, "sums": sums_of_terms.laws}.get(name.partition(":")[0])
    if drawn is not None:
        return [law.row(name) for law in drawn(int(name.partition(":")[2]), _DRAWN)]
    if not name.startswith("gen:"):
        try:
            return judge.load_set(name)
        except FileNotFoundError:
            raise SystemExit(f"The judge has no set {name!r}.") from None
    try:
        _, family, seed, count = name.split(":")
        return generate(int(seed), int(count), family)
    except ValueError:
        raise SystemExit(f"A set of random laws is written gen:FAMILY:SEED:COUNT. Got {name!r}.") from None


def run_one(problem: dict[str, Any], cell: Cell, finder: Finder, terms: Terms) -> dict[str, Any]:
    """One problem before the judge, in a process of the pool; the CPU time of its children is then the finder's."""
    judge = sys.modules.get("evaluate") or load(terms.judge)
    with tempfile.TemporaryDirectory(prefix="formulas-") as folder:
        tempfile.tempdir, claim = folder, Path(folder) / "claim.json"
        os.environ["EDGEWISE_CLAIM"] = str(claim)
        if terms.work is not None:
            os.environ["EDGEWISE_WORK"] = str(terms.work)
        limit = terms.seconds * (1 if terms.work is None else _PATIENCE * max(terms.work, 1))
        options = argparse.Namespace(
            method=finder.method, label=finder.label, python=finder.python, seconds=limit, n=terms.rows, seed=terms.seed,
            noise=cell.noise, units=cell.units, dummy=cell.dummy, shuffle=False, names=False, threads=1,
        )  # fmt: skip
        row = judge.run_one(options, problem)
        claimed = json.loads(claim.read_text()) if claim.is_file() else {}
        tempfile.tempdir = None
    spent = {"fit_seconds": claimed["seconds"]} if terms.work is not None and "seconds" in claimed else {}
    kind = problem.get("note", "")
    told = {"claims": claimed.get("exact"), "why": claimed.get("stop_reason")}
    return row | spent | told | {"cell": asdict(cell), "kind": kind}


# How many times its seconds a process may be on the wall of a busy machine.
_PATIENCE = 12


def key(problem_id: str, cell: dict[str, Any], label: str, terms: dict[str, Any]) -> str:
    """What makes a row the answer to the same question."""
    asked = [terms["seconds"], terms["rows"], terms["seed"], terms["work"]]
    return json.dumps([problem_id, cell, label, *asked], sort_keys=True)


def run_cell(
    cell: Cell,
    finder: Finder,
    terms: Terms,
    *,
    log: Path,
    only: Sequence[str],
    every: int,
    jobs: int,
    resume: bool,
) -> list[dict[str, Any]]:
    """All rows of a cell in the order of its problems; each is kept in the log as soon as it is there."""
    wanted = [p for p in problems(load(terms.judge), cell.set) if not only or p["id"] in only][::every]
    if not wanted:
        raise SystemExit(f"None of the problems of {cell.set} was asked for.")
    known = {row["key"]: row for row in _logged(log)} if resume else {}
    names = {p["id"]: key(p["id"], asdict(cell), finder.label, asdict(terms)) for p in wanted}
    rows = {item: known[name] for item, name in names.items() if name in known}
    waiting = [p for p in wanted if p["id"] not in rows]
    for row in _answers(waiting, cell, finder, terms, jobs):
        rows[row["id"]] = row | {"key": names[row["id"]]}
        with log.open("a") as file:
            file.write(json.dumps(rows[row["id"]]) + "\n")
        print(_line(row, f"{len(rows)}/{len(wanted)}"), flush=True)
    return [rows[p["id"]] for p in wanted]


def _answers(
    wanted: Iterable[dict[str, Any]], cell: Cell, finder: Finder, terms: Terms, jobs: int
) -> Iterator[dict[str, Any]]:
    with ProcessPoolExecutor(jobs) as pool:
        try:
            for done in as_completed([pool.submit(run_one, p, cell, finder, terms) for p in wanted]):
                yield done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _logged(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []


def _line(row: dict[str, Any], at: str) -> str:
    verdict = next((item for item in VERDICTS if row.get(item)), "-")
    return f"{at:>8s} {row['id']:16s} {verdict:10s} {seconds(row):6.1f} s  {answer(row)[:90]}"


def answer(row: dict[str, Any]) -> str:
    """The formula, or the last line of what went wrong."""
    return row.get("expr") or "".join(row.get("error", "").strip().splitlines()[-1:])


def seconds(row: dict[str, Any]) -> float:
    """The time of the search itself; that of the process where it did not answer."""
    return row.get("fit_seconds", row["seconds"])


SUMMARY = [
    "problems",
    "of",
    *VERDICTS,
    "identical %",
    "median s",
    "p95 s",
    "longest s",
    "median CPU s",
    "claimed exact",
    "of these so",
]


LEGEND = (
    "identical: own constants to 1e-6 in the box and beyond it; exact: up to one constant; srbench: the published rule; "
    "acc: R2 above 0.999 on rows without noise. Seconds are processor time of the search; CPU s are of the whole "
    "process, its start included."
)


def summary(rows: Sequence[dict[str, Any]]) -> list[Any]:
    """The cells of a summary row after its title."""
    claimed = [row for row in rows if row.get("claims")]
    counts = [sum(bool(row.get(verdict)) for row in rows) for verdict in VERDICTS]
    spent = [seconds(row) for row in rows]
    told = any(row.get("claims") is not None for row in rows)
    return [
        len(rows),
        *counts,
        100 * counts[0] / len(rows),
        float(np.median(spent)),
        float(np.quantile(spent, 0.95)),
        max(spent),
        float(np.median([row["cpu_seconds"] for row in rows])),
        len(claimed) if told else None,
        sum(bool(row.get("identical")) for row in claimed) if told else None,
    ]


def keep(run: Run, part: str, rows: Sequence[dict[str, Any]]) -> None:
    """The table problem by problem, for the page."""
    print(f"\n## {part}\n")
    columns = ["problem", "truth", *VERDICTS, "s", "CPU s", "found"]
    report = Report(run, part, columns, [12, 30, 9, 5, 7, 5, 6, 6, 40])
    for row in rows:
        verdicts = [bool(row.get(verdict)) for verdict in VERDICTS]
        report.add(row["id"], row["truth"], *verdicts, seconds(row), row["cpu_seconds"], answer(row)[:160])
    report.save()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks/formulas.py", description=(__doc__ or "").split("\n")[0]
    )
    add = parser.add_argument
    add("--judge", default=os.environ.get("EDGEWISE_JUDGE"), help="folder of the judge's evaluate.py")
    add(
        "--set",
        action="append",
        help="a set of the judge's, textbook, handbook or gen:FAMILY:SEED:COUNT; by default all of the page",
    )
    add("--ids", default="", help="some problems only, by commas")
    add("--every", type=int, default=1, help="every so many problems only")
    add("--noise", type=float, action="append", help="with --set; by default 0")
    add("--units", action="store_true", help="with --set: tell the units")
    add("--dummy", type=int, default=0, help="with --set: so many idle columns")
    add("--work", default="normal", help="what a search may do: quick, normal, thorough or a factor")
    add("--rows", type=int, default=2000, help="rows of a problem")
    add("--seed", type=int, default=0, help="of the judge's rows and of the search")
    add("--jobs", type=int, default=1, help="problems at a time, one thread each")
    add("--resume", action="store_true", help="keep the rows of an earlier run")
    common_options(parser, "every 40th problem with work quick")
    add("--label", default="edgewise", help="name of the run in the log")
    return parser.parse_args()


def cells(options: argparse.Namespace) -> list[Cell]:
    if not options.set:
        return list(PAGE)
    noises = options.noise or [0.0]
    return [Cell(item, noise, options.units, options.dummy) for item in options.set for noise in noises]


def main() -> None:
    options = arguments()
    work = "quick" if options.quick else options.work
    factor = check_work(work if work in LEVELS else float(work))
    terms = Terms(options.judge, rows=options.rows, seed=options.seed, work=factor)
    load(options.judge)
    if options.quick:
        options.every = 40
    OUT.mkdir(exist_ok=True)
    run = Run("formulas", options.quick, None)
    log, only = OUT / "formulas-rows.jsonl", [item for item in options.ids.split(",") if item]
    whole = not only
    part = f", 1 in {options.every}" if options.every > 1 else ""
    part += f", seed {options.seed}" if options.seed else ""
    print(f"# Formula search before the judge, work {terms.work:g}\n{machine()}\n")
    results: dict[str, list[Any]] = {}
    for cell in cells(options):
        print(f"{cell.title}:", flush=True)
        rows = run_cell(
            cell, Finder(options.label), terms, log=log, only=only, every=options.every, jobs=options.jobs,
            resume=options.resume,
        )  # fmt: skip
        title = cell.title + part
        results[title] = summary(rows)
        if whole or options.quick:
            keep(run, title, rows)
        print(
            "  "
            + ", ".join(
                f"{name} {text(value)}" for name, value in zip(SUMMARY[1:], results[title], strict=True)
            )
        )
    print()
    _in_short(run, results, terms, saved=whole or options.quick)


def _in_short(run: Run, results: dict[str, list[Any]], terms: Terms, *, saved: bool) -> None:
    """One row a cell; a run of some cells leaves the others on the page as they are."""
    file = OUT / f"formulas{'-quick' if run.quick else ''}.json"
    parts = json.loads(file.read_text()) if saved and file.is_file() else {}
    earlier = {row["problems"]: list(row.values())[1:] for row in parts.get("in short", {}).get("rows", [])}
    both = earlier | results
    order = [cell.title for cell in PAGE]
    report = Report(run, "in short", SUMMARY, [34, *[9] * (len(SUMMARY) - 1)])
    for title in sorted(both, key=lambda one: order.index(one) if one in order else len(order)):
        report.add(title, *both[title])
    report.note(f"{terms.rows:,} rows, work {terms.work:g}, one thread. {LEGEND}")
    if saved:
        report.save()


if __name__ == "__main__":
    main()
