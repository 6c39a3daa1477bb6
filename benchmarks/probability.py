"""The probability that an answer is the law: fitted on laws of some kinds, tested on laws of others.

Tables of 30 to 1,000 rows, with no noise to 10 %, are searched with a twentieth of the work "normal", or with --work. An
answer is right where it has the law's values to 1e-6; in noise its measured constants may be off by four standard errors,
rounded ones not at all. The weights, `edgewise.symbolic.results.probability.WEIGHTS`, are a logistic regression (ridge
1/2) on random laws, random trees, textbook laws, sums of terms and laws over decades; they are tested on altered laws,
handbook laws and the rates of dynamical systems, of which none was used to choose or to fit anything.

    python benchmarks/probability.py [--only FAMILY] [--work normal]    # what out/probability.json does not hold yet
"""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import altered_laws
import decade_laws
import dynamics_systems
import numpy as np
import random_laws
import sums_of_terms
import textbook_laws
from _common import Clock, Report, Run, common_options, machine
from _same_law import Law, is_the_law, noisy

import edgewise as ew
from edgewise.symbolic.results.probability import EXACT_PROBABILITY, FIGURES, figures, logistic

SIZES, NOISES = (1000, 300, 100, 30), (0.0, 0.01, 0.1, 0.001, 0.03)
WORK = "0.05"
RIDGE = 0.5
COLUMNS = ["family", "law", "rows", "noise", "right", "exact", *FIGURES, "CPU s", "answer", "truth"]
WIDTHS = [8, 24, 5, 6, 5, 5, *(5 for _ in FIGURES), 6, 60, 60]
BINS = (0.0, 0.1, 0.3, 0.7, 0.9, 1.0)


@dataclass(frozen=True)
class _OverDecades:
    """A law over decades, which has no box to go beyond."""

    law: decade_laws.Law

    @property
    def name(self) -> str:
        return self.law.name

    @property
    def columns(self) -> tuple[str, ...]:
        return self.law.names

    @property
    def expression(self) -> str:
        return self.law.text

    def values(self, X: Any) -> Any:
        return self.law.values(X)

    def draw(self, rng: np.random.Generator, count: int, beyond: float = 0.0) -> Any:
        return self.law.draw(rng, count)


def _rates(count: int) -> list[Any]:
    """Equations of the dynamical systems, over the box that their courses fill."""
    found = list[Any]()
    for system in dynamics_systems.FIRST:
        low, high = (end(system.course(0.0)[2], axis=0) for end in (np.min, np.max))
        for name, equation in zip(system.states, system.sympy(), strict=True):
            if not equation.is_Symbol:
                box = (tuple(low.tolist()), tuple(high.tolist()))
                found.append(Law(f"{system.name}, {name}", equation, system.states, *box))
    return found[:count]


FITTED: dict[str, Callable[[int], list[Any]]] = {
    "kinds": lambda count: [Law.of(item) for item in random_laws.generate(11, count, "kinds")],
    "textbook": lambda count: [Law.of(item) for item in textbook_laws.textbook()[::2][:count]],
    "trees": lambda count: [Law.of(item) for item in random_laws.generate(12, count, "trees")],
    "sums": lambda count: sums_of_terms.laws(3, count),
    "decades": lambda count: [_OverDecades(law) for law in decade_laws.laws()[::3][:count]],
}
TESTED: dict[str, Callable[[int], list[Any]]] = {
    "altered": lambda count: altered_laws.laws(6, count),
    "handbook": lambda count: [Law.of(item) for item in textbook_laws.handbook()[:count]],
    "rates": _rates,
}
COUNTS = {
    "kinds": 19, "textbook": 19, "trees": 19, "sums": 18, "decades": 18, "altered": 18, "handbook": 18, "rates": 18,
}  # fmt: skip


def answered(family: str, at: int, law: Any, work: str | float) -> list[Any]:
    """The row of a law: what its search answered, and whether that is right."""
    rows, noise = SIZES[at % len(SIZES)], NOISES[at % len(NOISES)]
    X = law.draw(np.random.default_rng(at), rows)
    clock = Clock()
    found = ew.find_formula(X, noisy(law.values(X), noise, at), names=law.columns, work=work)
    spent = clock.seconds
    told = [round(figure, 4) for figure in figures(found.recommended, found.front, rows)]
    right = is_the_law(law, found.recommended, noise)
    text = found.recommended.text[:200], str(law.expression)[:200]
    return [family, law.name, rows, noise, right, found.exact, *told, spent, *text]


def searched(
    run: Run, part: str, families: dict[str, Callable[[int], list[Any]]], only: str | None, work: str
) -> Report:
    """All rows of some families; those of earlier runs are kept."""
    report = Report(run, part if work == WORK else f"{part}, work {work}", COLUMNS, WIDTHS)
    effort = float(work) if work.replace(".", "", 1).isdigit() else work
    known = {(row[0], row[1]): row for row in report.saved()}
    laws = {name: made(2 if run.quick else COUNTS[name]) for name, made in families.items()}
    for at in range(max(map(len, laws.values()))):
        for name in families:
            law = laws[name][at] if at < len(laws[name]) else None
            if law is None:
                continue
            if (row := known.get((name, law.name))) is not None:
                report.add(*row)
            elif only in (None, name):
                report.add(*answered(name, at, law, effort))
                report.save()
    return report


def regression(told: Any, right: Any) -> Any:
    """The intercept and weights of largest likelihood, less half the ridge times their squares: Newton's method."""
    X = np.column_stack([np.ones(len(told)), told])
    weights, ridge = np.zeros(X.shape[1]), np.diag([1e-3, *(RIDGE for _ in range(X.shape[1] - 1))])
    for _ in range(50):
        p = 1 / (1 + np.exp(-X @ weights))
        curvature = (X * (p * (1 - p))[:, None]).T @ X + ridge
        weights = weights + np.linalg.solve(curvature, X.T @ (right - p) - ridge @ weights)
    return weights


def columns_of(report: Report) -> tuple[Any, Any, Any]:
    """Figures, verdicts and claims of exactness."""
    told = np.array([report.column(name) for name in FIGURES], dtype=float).T
    right, exact = (np.array(report.column(name), dtype=bool) for name in ("right", "exact"))
    return told, right, exact


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/probability.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--only", choices=COUNTS, help="search the laws of one family only")
    parser.add_argument("--work", default=WORK, help="as of find_formula")
    common_options(parser)
    options = parser.parse_args()
    run = Run("probability", options.quick, None)
    print(f"# The probability of an answer\n{machine()}\n")
    fitted = searched(run, "fitted", FITTED, options.only, options.work)
    told, right, exact = columns_of(fitted)
    weights = regression(told[~exact], right[~exact])
    sure = (right[exact].sum() + 0.5) / (exact.sum() + 1)
    fitted.note(
        f"Of {len(right)} answers {right.sum()} are right; of {exact.sum()} called exact {right[exact].sum()}: {sure:.3f}. "
        f"Weights of the others: {', '.join(f'{weight:.2f}' for weight in weights)}, the first of no figure, then of "
        f"{', '.join(FIGURES)}."
    )
    fitted.save()
    tested = searched(run, "tested", TESTED, options.only, options.work)
    told, right, exact = columns_of(tested)
    p = np.where(exact, EXACT_PROBABILITY, [logistic(entry) for entry in told])
    name = "calibration" if options.work == WORK else f"calibration, work {options.work}"
    bins = Report(run, name, ["probability", "answers", "right", "share", "mean probability"], 12)
    for low, high in itertools.pairwise(BINS):
        there = (p >= low) & ((p < high) | (high == BINS[-1]))
        share, mean = (float(item[there].mean()) if there.any() else float("nan") for item in (right, p))
        bins.add(f"{low:g} to {high:g}", int(there.sum()), int(right[there].sum()), share, mean)
    high, loud = p >= 0.9, (p >= 0.9) & ~exact
    tested.note(
        f"Of {high.sum()} answers with a probability of 0.9 and more {right[high].sum()} are right; of the {loud.sum()} "
        f"among them that are not called exact {right[loud].sum()}. Of all {len(p)} answers {right.sum()} are right, and "
        f"the probabilities add up to {p.sum():.0f}. Brier's score is {float(np.mean((p - right) ** 2)):.3f}, that of their "
        f"share {float(right.mean() * (1 - right.mean())):.3f}."
    )
    tested.save()
    bins.save()


if __name__ == "__main__":
    main()
