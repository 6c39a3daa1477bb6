"""One law, many groups with constants of their own: what is found, how long it takes, and what its errors are worth.

    python benchmarks/groups.py [--set first] [--seed 0] [--noise 0 --noise 0.1] [--kinds cooling,swing] [--draws 50]

Noise is normal, a share of the standard deviation of y (of each group's root mean square in the set `class`, as its authors
have it). A law is found where groups have as many constants of their own as were drawn, and where the formula, with its
shared constants as they were rounded, fitted to the values without noise leaves less than a millionth of them: only an
equal law does. Its constants there are the true ones in the writing that was found, and the interval of 1.96 standard errors
around each fitted one holds the true one or does not. `offered` says whether any of the formulas offered is the law, and
`outside` whether that of the least error outside is. With --draws the formulas found without noise are also fitted to so
many draws of 10 % noise, and intervals are counted there.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from _common import Clock, Report, Run, common_options
from _grouped_laws import SETS, Floats, GroupedLaw, laws
from numpy.typing import NDArray

from edgewise.symbolic import find_formula
from edgewise.symbolic.groups.constants import Tied, refitted
from edgewise.symbolic.groups.grouped_formula import GroupedFormula
from edgewise.symbolic.groups.rows import GroupedRows

SAME = 1e-6
# Places from which constants are fitted to values without noise.
STARTS = 9
COLUMNS = ("kind", "found", "own", "error", "intervals", "hold", "CPU s", "outside", "offered", "formula")


def noisy(law: GroupedLaw, noise: float, which: str, seed: int) -> Floats:
    """The values with noise."""
    size = law.y.std()
    if which == "class":
        groups = SETS[which].groups
        size = np.repeat(np.sqrt(np.square(law.y.reshape(groups, -1)).mean(axis=1)), len(law.y) // groups)
    return law.y + noise * size * np.random.default_rng([seed, 99]).normal(size=len(law.y))


def on_truth(formula: GroupedFormula, rows: GroupedRows) -> Tied | None:
    """The formula fitted to values without noise; None where it does not describe them."""
    shared = {name: (item.value, 0.0) for name, item in formula.shared.items()}
    rng = np.random.default_rng(0)
    for trial in range(STARTS):
        own = dict[str, tuple[Floats, Floats]]()
        for name in next(iter(formula.own.values())):
            values = np.array([item[name].value for item in formula.own.values()])
            # Noise may have led to where slopes vanish.
            moved = values + (trial > 0) * 0.5 * np.median(np.abs(values)) * rng.normal(size=len(values))
            own[name] = moved, np.zeros(rows.count)
        fit = refitted(Tied(formula.tree, (*own, *shared), shared, own, {}, 0.0, 0.0), rows)
        if fit is not None and np.sqrt(fit.rss / len(rows.y)) <= SAME * rows.y.std():
            return fit
    return None


def is_law(formula: GroupedFormula, law: GroupedLaw, rows: GroupedRows) -> bool:
    """Whether a formula is the law that was drawn."""
    return len(formula.own[0]) == law.own and on_truth(formula, rows) is not None


def intervals(formula: GroupedFormula, truth: Tied) -> tuple[int, int]:
    """How many intervals there are, and how many hold the truth."""
    pairs = [(item, truth.shared[name][0]) for name, item in formula.shared.items()]
    for at, constants in enumerate(formula.own.values()):
        pairs += [(constant, truth.own[name][0][at]) for name, constant in constants.items()]
    return len(pairs), sum(bool(abs(item.value - true) <= 1.96 * item.standard_error) for item, true in pairs)


def drawn_intervals(truth: Tied, law: GroupedLaw, rows: GroupedRows, which: str, draws: int) -> list[int]:
    """Intervals of groups' own constants and how many hold the truth, and the same of shared ones, over draws of noise."""
    counts = [0, 0, 0, 0]
    for draw in range(draws):
        y = noisy(law, 0.1, which, 1000 + draw)
        fit = refitted(truth, replace(rows, y=y))
        assert fit is not None
        for name, (values, errors) in fit.own.items():
            counts[0] += len(values)
            counts[1] += int((np.abs(values - truth.own[name][0]) <= 1.96 * errors).sum())
        for name, (value, error) in fit.shared.items():
            counts[2] += 1
            counts[3] += bool(abs(value - truth.shared[name][0]) <= 1.96 * error)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", choices=list(SETS), default="first")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--noise", type=float, action="append")
    parser.add_argument("--kinds", default="")
    parser.add_argument("--draws", type=int, default=0)
    common_options(parser, "one kind, without noise")
    asked = parser.parse_args()
    if asked.quick:
        asked.kinds, asked.noise = "cooling", [0.0]
    chosen = SETS[asked.set]
    number = np.repeat(np.arange(chosen.groups), chosen.rows)
    exact = dict[str, Tied]()
    for noise in asked.noise or [0.0, 0.1]:
        part = f"{asked.set}, noise {noise:g}, seed {asked.seed}"
        report = Report(
            Run("groups", asked.quick, asked.data), part, COLUMNS, [10, 5, 3, 8, 9, 4, 6, 7, 7, 60]
        )
        for kind, law in laws(asked.set, asked.seed).items():
            if asked.kinds and kind not in asked.kinds.split(","):
                continue
            X, names = np.column_stack(list(law.columns.values())), tuple(law.columns)
            y = noisy(law, noise, asked.set, asked.seed)
            clock = Clock()
            answer = find_formula(X, y, groups=number, names=names, seed=asked.seed)
            spent = clock.seconds
            # Groups without columns of words have one formula.
            formulas = [rival for rival in (answer.best, *answer.rivals) if isinstance(rival, GroupedFormula)]
            best, rows = formulas[0], GroupedRows(names, X, law.y, number, chosen.groups)
            truth, own = on_truth(best, rows), len(best.own[0])
            found = truth is not None and own == law.own
            judged = [
                (formula.outside.error, is_law(formula, law, rows)) for formula in formulas if formula.outside
            ]
            outside, offered = min(judged)[1] if judged else found, found or any(same for _, same in judged)
            error = float(np.sqrt(np.mean(np.square(best.predict(X, number) - law.y))) / law.y.std())
            # Without noise intervals are those of rounding, which the fit to the truth has, too.
            counted = intervals(best, truth) if truth is not None and found and noise else (0, 0)
            report.add(kind, found, own, error, *counted, spent, outside, offered, best.text)
            if truth is not None and found and not noise:
                exact[kind] = truth
        report.note(summary(report))
        report.save()
    if asked.draws:
        covered(exact, asked, number)


def covered(exact: dict[str, Tied], asked: argparse.Namespace, number: NDArray[np.int64]) -> None:
    """How many intervals hold the truth over many draws of noise."""
    run, part = Run("groups", asked.quick, asked.data), f"{asked.set}, intervals, seed {asked.seed}"
    report = Report(run, part, ("kind", "own", "hold", "shared", "shared hold"), [10, 6, 6, 6, 6])
    for kind, truth in exact.items():
        law = laws(asked.set, asked.seed)[kind]
        rows = GroupedRows(
            tuple(law.columns),
            np.column_stack(list(law.columns.values())),
            law.y,
            number,
            SETS[asked.set].groups,
        )
        report.add(kind, *drawn_intervals(truth, law, rows, asked.set, asked.draws))
    own, held, shared, shared_held = (sum(report.column(name)) for name in report.columns[1:])
    report.note(
        f"Of {own:,} intervals of 1.96 standard errors of groups' own constants {held / max(own, 1):.1%} hold the truth, "
        f"of {shared:,} of shared ones {shared_held / max(shared, 1):.1%}."
    )
    report.save()


def summary(report: Report) -> str:
    """How many laws were found, how long it took, and how many intervals hold the truth."""
    found, spent = report.column("found"), report.column("CPU s")
    said = (
        f"{sum(found)} of {len(found)} found; CPU seconds: median {np.median(spent):.1f}, "
        f"95 % {np.quantile(spent, 0.95):.1f}, longest {max(spent):.1f}"
    )
    said += f"; by the least error outside {sum(report.column('outside'))}, offered {sum(report.column('offered'))}"
    many = sum(report.column("intervals"))
    return f"{said}; {sum(report.column('hold'))} of {many} intervals hold the truth." if many else f"{said}."


if __name__ == "__main__":
    main()
