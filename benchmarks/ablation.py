"""Which parts of the searches earn their place: laws that are lost, and work that is saved, without each of them.

    python benchmarks/ablation.py answers --judge FOLDER [--every 4] [--set NAME ...]
    python benchmarks/ablation.py without --judge FOLDER [--part NAME ...] [--most 25]
    python benchmarks/ablation.py together --judge FOLDER --part NAME --part NAME ... [--set NAME ...]
    python benchmarks/ablation.py summary

`answers` searches a fixed share of the frozen sets once. The provenance of an answer (`Formula.origin`) names the parts that
it came through: proposers, moves, endings, stages of the search for curves, changes of a candidate, functions of terms.
`without` searches, for each part, only the problems whose answer it took part in, with that part left out
(`symbolic.provenance.excluding`). `summary` writes docs/rows/ablation.csv, a row for each part. Parts that stand in for one
another lose nothing alone: `together` searches other laws of the sets with all parts and without the named ones, in turn
from set to set; docs/rows/ablation-together.csv has a row for each such group of parts. Rows are kept as they come, and
what is there is not searched again. Tables have 600 rows here, so that the whole takes hours, not days.

A law is found where the recommended formula has its values to 1e-6 on fresh rows, in noise after its measured constants
were fitted to the law (`_same_law.py`); systems of equations and laws over groups are judged as on their pages.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import altered_laws
import broken_laws
import decade_laws
import equations_inverse
import few_rows
import formulas
import groups
import numpy as np
import single_laws
import sums_of_terms
from _common import OUT, Clock, common_options, keep_row, kept_rows, machine
from _grouped_laws import SETS as GROUPED
from _grouped_laws import laws as grouped_laws
from _same_law import Law, is_the_law, noisy
from dynamics_systems import SETS as SYSTEMS

import dynamics
import edgewise as ew
from edgewise.dynamics import find_dynamics
from edgewise.forms.tree import render
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.provenance import excluding, origin_of
from edgewise.symbolic.univariate.search import one_variable

ROWS, DRAWN, CURVES = 600, 20, 90
ROW_FILE = Path(__file__).parent.parent / "docs" / "rows" / "ablation.csv"
TOGETHER_FILE = ROW_FILE.with_name("ablation-together.csv")
COLUMNS = ("part", "answers", "right", "run without", "lost", "won", "CPU s saved", "lost laws")
TOGETHER_COLUMNS = (
    "parts", "problems", "right", "right without", "CPU s", "CPU s without", "lost", "won", "lost laws", "won laws"
)  # fmt: skip
SEPARATOR = "; "
# Where parts are left out together: every so many laws of a set, so that no set outweighs the others.
SHARES = {
    "Feynman": 4, "Feynman, 1% noise": 5, "solved": 10, "solved, 1% noise": 12, "textbook": 2, "handbook": 4,
    "random trees": 8, "altered": 3, "sums": 4, "sums, 1% noise": 5, "decades, 0 idle": 8, "decades, 3 idle": 8,
    "few rows": 3, "broken": 3, "broken, 1% noise": 3, "curves": 9, "curves, 1% noise": 9,
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What a search gave: whether it is the law, whether it is called exact, and the parts it came through."""

    right: bool
    claimed: bool
    origin: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Problem:
    """A law of a set, and the search for it."""

    set: str
    name: str
    search: Callable[[], Found]


@dataclass(frozen=True)
class Answer:
    """A row of a run: a problem, searched without a part (several, divided by semicolons), or with all."""

    part: str
    set: str
    problem: str
    right: bool
    claimed: bool
    seconds: float
    origin: str
    text: str


def of_table(law: Law, noise: float) -> Found:
    X = law.draw(np.random.default_rng(0), ROWS)
    y = law.values(X)
    found = ew.find_formula(X, noisy(y, noise, 0) if noise else y, names=law.columns, seed=0)
    return Found(
        is_the_law(law, found.recommended, noise),
        found.exact,
        found.recommended.origin,
        found.recommended.text,
    )


def of_decades(law: decade_laws.Law, idle: int) -> Found:
    rng = np.random.default_rng(0)
    X, fresh = law.draw(rng, ROWS), law.draw(rng, decade_laws.FRESH)
    more = [np.exp(rng.uniform(-7, 7, (len(item), idle))) for item in (X, fresh)]
    names = (*law.names, *(f"idle{at}" for at in range(idle)))
    found = ew.find_formula(np.column_stack([X, more[0]]), law.values(X), names=names, seed=0)
    with np.errstate(all="ignore"):
        answer = found.recommended.predict(np.column_stack([fresh, more[1]]))
    good = decade_laws.same(answer, law.values(fresh))
    return Found(good, found.exact, found.recommended.origin, found.recommended.text)


def of_few_rows(drawn: few_rows.Drawn) -> Found:
    X = np.column_stack([drawn.table[name] for name in drawn.law.columns])
    found = ew.find_formula(X, drawn.table["y"], names=drawn.law.columns, seed=0)
    return Found(
        few_rows.has_form(drawn)(found.recommended),
        found.exact,
        found.recommended.origin,
        found.recommended.text,
    )


def of_curve(law: single_laws.Law, noise: float) -> Found:
    rng = np.random.default_rng(0)
    x = rng.uniform(law.low, law.high, single_laws.POINTS)
    y = law(x)
    front = one_variable(x, y + noise * y.std() * rng.standard_normal(len(x)))
    hits = [formula for formula in front if single_laws.right(formula, law, noise)]
    best = (hits or list(front))[-1]
    return Found(bool(hits), False, origin_of(best.tree), render(best.tree))


def of_broken(law: broken_laws.Law, noise: float) -> Found:
    rng = np.random.default_rng(0)
    X = law.draw(rng, ROWS)
    y = broken_laws.values(law.text, law.names, X)
    y = y + noise * y.std() * rng.standard_normal(len(y))
    found = ew.find_formula(X, y, names=law.names, seed=0)
    return Found(
        broken_laws.right(found.recommended, law, noise),
        found.exact,
        found.recommended.origin,
        found.recommended.text,
    )


def of_groups(which: str, kind: str, noise: float) -> Found:
    law, size = grouped_laws(which, 0)[kind], GROUPED[which]
    number = np.repeat(np.arange(size.groups), size.rows)
    X, names = np.column_stack(list(law.columns.values())), tuple(law.columns)
    y = groups.noisy(law, noise, which, 0)
    found = ew.find_formula(X, y, groups=number, names=names, seed=0)
    truth = groups.on_truth(found.best, GroupedRows(names, X, law.y, number, size.groups))
    right = truth is not None and len(found.best.own[0]) == law.own
    return Found(right, False, found.best.origin, found.best.text)


def of_course(system: Any, noise: float) -> Found:
    t, measured, _ = system.course(noise, 0)
    found = find_dynamics(t, measured, names=system.states)
    right = all(dynamics.is_right(system, [equation.sympy for equation in found.equations], noise))
    origin = dict.fromkeys(part for equation in found.equations for part in equation.origin)
    return Found(right, False, tuple(origin), str(found).replace("\n", "; "))


def of_fields(name: str, noise: float) -> Found:
    row = equations_inverse.row(name, equations_inverse.CASES[name](), noise, 0)
    return Found(bool(row[3]), False, (), str(row[-1]))


def sets(judge: str | None) -> dict[str, Callable[[], list[Problem]]]:
    """The frozen sets by their names; their problems are made where they are asked for."""
    published = formulas.load(judge)

    def judged(name: str) -> list[Law]:
        return [Law.of(row) for row in formulas.problems(published, name)]

    def drawn(laws: Callable[[int, int], list[Law]], *seeds: int) -> list[Law]:
        return [law for seed in seeds for law in laws(seed, DRAWN)]

    def tables(name: str, laws: Callable[[], list[Law]], noise: float) -> list[Problem]:
        return [Problem(name, law.name, partial(of_table, law, noise)) for law in laws()]

    def decades(name: str, idle: int) -> list[Problem]:
        return [Problem(name, law.name, partial(of_decades, law, idle)) for law in decade_laws.laws()]

    def few(name: str) -> list[Problem]:
        return [Problem(name, item.law.name, partial(of_few_rows, item)) for item in few_rows.drawn("odd", 1)]

    def curves(name: str, noise: float) -> list[Problem]:
        rng, families = np.random.default_rng(0), list(single_laws.FAMILIES)
        drawn = [single_laws.draw(rng, families[at % len(families)]) for at in range(CURVES)]
        return [Problem(name, law.text, partial(of_curve, law, noise)) for law in drawn]

    def broken(name: str, noise: float) -> list[Problem]:
        drawn = [law for family in broken_laws.FAMILIES for law in broken_laws.laws(0, 3, family)]
        return [Problem(name, law.text, partial(of_broken, law, noise)) for law in drawn]

    def grouped(name: str, noise: float) -> list[Problem]:
        return [
            Problem(name, kind, partial(of_groups, which, kind, noise))
            for which in ("first", "second", "third", "fourth", "fifth")
            for kind in grouped_laws(which, 0)
        ]

    def courses(name: str, noise: float) -> list[Problem]:
        return [
            Problem(name, system.name, partial(of_course, system, noise))
            for which in ("seventh", "eighth", "ninth")
            for system in SYSTEMS[which]
        ]

    def fields(name: str) -> list[Problem]:
        return [Problem(name, case, partial(of_fields, case, 0.01)) for case in equations_inverse.CASES]

    laws: dict[str, tuple[Callable[[], list[Law]], tuple[float, ...]]] = {
        "Feynman": (partial(judged, "feynman120"), (0.0, 0.01)),
        "solved": (partial(judged, "solved:feynman120"), (0.0, 0.01)),
        "textbook": (partial(judged, "textbook"), (0.0,)),
        "handbook": (partial(judged, "handbook"), (0.0,)),
        "random trees": (partial(judged, "gen:trees:1:200"), (0.0,)),
        "altered": (partial(drawn, altered_laws.laws, 1, 2), (0.0,)),
        "sums": (partial(drawn, sums_of_terms.laws, 8, 11), (0.0, 0.01)),
    }
    made = [
        *((title, noise, partial(tables, laws=law)) for title, (law, all_) in laws.items() for noise in all_),
        *(("groups", noise, grouped) for noise in (0.0, 0.1)),
        *(("curves", noise, curves) for noise in (0.0, 0.01)),
        *(("broken", noise, broken) for noise in (0.0, 0.01)),
        *(("courses", noise, courses) for noise in (0.0, 0.01)),
    ]
    names = {f"{title}, {noise:.0%} noise" if noise else title: (noise, make) for title, noise, make in made}
    found = {name: partial(make, name, noise=noise) for name, (noise, make) in names.items()}
    found |= {f"decades, {idle} idle": partial(decades, f"decades, {idle} idle", idle) for idle in (0, 3)}
    return found | {"few rows": partial(few, "few rows"), "fields": partial(fields, "fields")}


def searched(problem: Problem, part: str = "") -> Answer:
    """The answer to a problem, without the parts that are named; an error from inside finds nothing."""
    clock = Clock()
    try:
        with excluding(*part.split(SEPARATOR)):
            found = problem.search()
    except Exception as error:
        found = Found(False, False, (), f"{type(error).__name__}: {error}"[:200])
    name = SEPARATOR.join(found.origin)
    seconds = round(clock.seconds, 2)
    return Answer(
        part, problem.set, problem.name, found.right, found.claimed, seconds, name, found.text[:200]
    )


def run(problems: Iterator[tuple[str, Problem]], file: Path) -> None:
    """Search what the file does not have yet; each row is kept as soon as it is there."""
    known = {(row.part, row.set, row.problem) for row in kept_rows(file, Answer)}
    for part, problem in problems:
        if (part, problem.set, problem.name) in known:
            continue
        row = searched(problem, part)
        keep_row(file, row)
        verdict = "found" if row.right else "missed"
        print(
            f"{part or 'all':28s} {row.set:20s} {row.problem:24s} {verdict} {row.seconds:6.1f} s {row.text[:70]}",
            flush=True,
        )


def parts_of(answers: Sequence[Answer]) -> dict[str, list[Answer]]:
    """The answers that each part took part in, the rarest part first."""
    found = defaultdict[str, list[Answer]](list)
    for row in answers:
        for part in filter(None, row.origin.split(SEPARATOR)):
            found[part].append(row)
    return dict(sorted(found.items(), key=lambda pair: (len(pair[1]), pair[0])))


def compared(
    answers: Sequence[Answer], without: Sequence[Answer]
) -> tuple[list[tuple[Answer, Answer]], list[str], list[str]]:
    """The answers to the same problems with all parts and without some, and the laws that are lost and won."""
    whole = {(row.set, row.problem): row for row in answers}
    pairs = [(whole[row.set, row.problem], row) for row in without if (row.set, row.problem) in whole]
    lost = [f"{old.set}: {old.problem}" for old, new in pairs if old.right and not new.right]
    won = [f"{old.set}: {old.problem}" for old, new in pairs if new.right and not old.right]
    return pairs, lost, won


def summary(answers: Sequence[Answer], without: Sequence[Answer]) -> list[list[Any]]:
    """For each part how many answers it took part in, the laws lost and won without it, and the work saved."""
    rows: list[list[Any]] = []
    for part, taken in parts_of(answers).items():
        pairs, lost, won = compared(answers, [row for row in without if row.part == part])
        saved = sum(old.seconds - new.seconds for old, new in pairs)
        found = sum(row.right for row in taken)
        rows.append(
            [part, len(taken), found, len(pairs), len(lost), len(won), round(saved, 1), SEPARATOR.join(lost)]
        )
    return sorted(rows, key=lambda row: (row[4] - row[5], row[2]))


def in_turn(judge: str | None, chosen: Sequence[str] | None) -> Iterator[Problem]:
    """A share of each set, a law of one set after a law of another."""
    made = sets(judge)
    # The second law and those after it: `answers` begins with the first.
    shares = [
        made[name]()[1::share]
        for name, share in SHARES.items()
        if not chosen or name.startswith(tuple(chosen))
    ]
    for turn in itertools.zip_longest(*shares):
        yield from filter(None, turn)


def groups_of_parts(rows: Sequence[Answer]) -> list[list[Any]]:
    """For each group of parts the laws found with all parts and without them, those lost and won, and the work."""
    answers, table = [row for row in rows if not row.part], list[list[Any]]()
    for group in dict.fromkeys(row.part for row in rows if row.part):
        pairs, lost, won = compared(answers, [row for row in rows if row.part == group])
        found = (sum(row.right for row in side) for side in zip(*pairs, strict=True))
        work = (round(sum(row.seconds for row in side)) for side in zip(*pairs, strict=True))
        laws = SEPARATOR.join(lost), SEPARATOR.join(won)
        table.append([group, len(pairs), *found, *work, len(lost), len(won), *laws])
    return table


def write(path: Path, columns: Sequence[str], rows: Sequence[list[Any]]) -> None:
    """The rows, as a file and printed."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    for row in rows:
        print(" | ".join(map(str, row))[:160])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/ablation.py", description=(__doc__ or "").split("\n")[0]
    )
    steps = ("answers", "without", "together", "summary")
    parser.add_argument("step", choices=steps, nargs="?", default="summary")
    parser.add_argument("--judge", default=os.environ.get("EDGEWISE_JUDGE"), help="folder of evaluate.py")
    parser.add_argument("--set", action="append", help="some sets only, by the beginnings of their names")
    parser.add_argument("--part", action="append", help="some parts only")
    parser.add_argument("--every", type=int, default=4, help="every so many laws of a set")
    parser.add_argument("--most", type=int, default=25, help="problems at most for each part")
    parser.add_argument("--name", default="ablation", help="name of the row files in out/")
    common_options(parser, "every 40th law")
    options = parser.parse_args()
    print(f"# Parts of the searches left out\n{machine()}\n")
    first, second, third = (OUT / f"{options.name}-{step}.csv" for step in steps[:3])
    if options.step == "together":
        if not options.part:
            parser.error("together needs the parts to leave out: --part NAME, several times")
        without = SEPARATOR.join(sorted(options.part))
        run(
            ((part, problem) for problem in in_turn(options.judge, options.set) for part in ("", without)),
            third,
        )
        write(TOGETHER_FILE, TOGETHER_COLUMNS, groups_of_parts(kept_rows(third, Answer)))
        return
    answers = kept_rows(first, Answer)
    if options.step != "summary":
        every = 40 if options.quick else options.every
        chosen = {
            name: problems()[::every]
            for name, problems in sets(options.judge).items()
            if not options.set or name.startswith(tuple(options.set))
        }
        problems = {(item.set, item.name): item for item in sum(chosen.values(), list[Problem]())}
        if options.step == "answers":
            run((("", problem) for problem in problems.values()), first)
        else:
            run(
                (
                    (part, problems[row.set, row.problem])
                    for part, rows in parts_of(answers).items()
                    if not options.part or part in options.part
                    for row in rows[: options.most]
                    if (row.set, row.problem) in problems
                ),
                second,
            )
        return
    write(ROW_FILE, COLUMNS, summary(answers, kept_rows(second, Answer)))


if __name__ == "__main__":
    main()
