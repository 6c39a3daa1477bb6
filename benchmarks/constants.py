"""Constants of laws found in noise: do they lie within their standard errors of the truth?

Laws with two or three constants, random to so many digits, in tables of 300 rows with 1 and 10 % noise. What is found is
fitted once more to the values of the law without noise: where that leaves nothing the form is right, and its constants there
are the true ones in whatever writing. They should lie within 1.96 standard errors of those found for 93 to 97 of 100, and
within three for nearly all. A number without an error (2 for 2.003) is a claim of its own, right or not.

    python benchmarks/constants.py [--tables 4] [--noise 0.01 0.1] [--digits 3 16] [--work quick] [--resume] [--given]

With `--given` the form is known and only goes the way of a candidate: fitted, rounded, trimmed. That takes milliseconds.
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np
from _common import Clock, Report, Run, common_options, machine

import edgewise as ew
from edgewise._core.work import Meter
from edgewise.forms import parse
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.search.search_space import Limits
from edgewise.symbolic.search.search_state import Search

LAWS = (
    "{a}*x + {b}",
    "{a}*exp(-{b}*x)",
    "{a}*x^{b}",
    "{a}/({b} + x)",
    "{a}*sin({b}*x) + {c}",
    "{a}*x*z + {b}",
    "{a}*x^2 + {b}*z + {c}",
    "{a}*z*exp(-{b}*x)",
    "{a}*sin({b}*x) + {c}*z",
    "{a}*x/({b} + z)",
)
_ROWS, _LOW, _HIGH = 300, 0.5, 3.0
_SAME = 1e-9


def table(
    number: int, seed: int, digits: int, noise: float
) -> tuple[dict[str, float], tuple[str, ...], np.ndarray, np.ndarray]:
    """The constants of a law, its columns, rows, and values without noise."""
    rng = np.random.default_rng([number, seed, digits, round(1000 * noise)])
    constants = {name: float(f"{rng.uniform(0.5, 3):.{digits}g}") for name in "abc"}
    text = LAWS[number].format(**constants)
    names = tuple(name for name in "xz" if name in LAWS[number].replace("exp", ""))
    X = rng.uniform(_LOW, _HIGH, (_ROWS, len(names)))
    tape = Tape(parse(text, names).tree, names)
    return constants, names, X, tape.value(tape.start, X)


def given(
    number: int, true: dict[str, float], names: tuple[str, ...], X: np.ndarray, y: np.ndarray
) -> ew.Formula:
    """The law from constants 5 % off, as the search treats a candidate."""
    tree = parse(
        LAWS[number].format(**{name: f"{1.05 * value:.17g}" for name, value in true.items()}), names
    ).tree
    search = Search(SplitRows.split(names, X, y, 0.2, 0), Limits.read(names), (), Meter(np.inf), np.inf)
    search.add([tree], None)
    return search.finished[0]


def judged(found: ew.Formula, X: np.ndarray, truth: np.ndarray) -> list[float] | None:
    """How far each measured constant is from the truth in standard errors; None where the form is another."""
    fit = refit(found.tree, found.names, X, truth)
    if not np.sqrt(fit.rss / len(truth)) <= _SAME * truth.std():
        return None
    true, mine = fit.constants, Tape(found.tree, found.names).start
    errors = {constant.value: constant.standard_error for constant in found.constants}
    return [abs(t - m) / errors[m] for t, m in zip(true, mine, strict=True) if errors.get(m)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tables", type=int, default=4, help="tables of each law")
    parser.add_argument("--noise", type=float, nargs="+", default=[0.01, 0.1])
    parser.add_argument("--digits", type=int, nargs="+", default=[3, 16])
    parser.add_argument("--work", default="quick")
    parser.add_argument(
        "--given", action="store_true", help="the form is known: only its constants are found"
    )
    parser.add_argument("--resume", action="store_true", help="keep the rows that the last run left")
    common_options(parser, "one table of every third law, 1 %% noise")
    options = parser.parse_args()
    print(f"# Constants of laws found in noise\n{machine()}\n")
    columns = ["law", "noise", "table", "form", "measured", "within 1.96", "within 3", "CPU s", "best"]
    report = Report(
        Run("constants", options.quick, None), "constants", columns, [40, 5, 5, 5, 8, 11, 8, 6, 50]
    )
    if options.resume:
        report.rows.extend(report.saved())
    known = {(row[0], row[1]) for row in report.rows}
    noises: list[float] = [0.01] if options.quick else options.noise
    tables: int = 1 if options.quick else options.tables
    every: list[int] = [3] if options.quick else options.digits
    laws = range(0, len(LAWS), 3 if options.quick else 1)
    asked = [
        (noise, combination)
        for noise in noises
        for combination in itertools.product(range(tables), every, laws)
    ]
    for noise, (seed, digits, number) in asked:
        constants, names, X, truth = table(number, seed, digits, noise)
        law = LAWS[number].format(**constants)
        if (law, noise) in known:
            continue
        rng = np.random.default_rng([number, seed, digits, 1])
        y = truth + noise * truth.std() * rng.standard_normal(_ROWS)
        clock = Clock()
        found = (
            given(number, constants, names, X, y)
            if options.given
            else ew.find_formula(X, y, names=names, work=options.work).best
        )
        off = judged(found, X, truth)
        counts = (
            [0, 0, 0]
            if off is None
            else [len(off), sum(value <= 1.96 for value in off), sum(value <= 3 for value in off)]
        )
        report.add(law, noise, seed, off is not None, *counts, clock.seconds, found.text)
        report.save()
    right = [row for row in report.rows if row[3]]
    all_of = sum(row[4] for row in right)
    report.note(
        f"The form is right in {len(right)} of {len(report.rows)} tables. Of the {all_of} measured constants in these "
        f"{sum(row[5] for row in right)} ({sum(row[5] for row in right) / max(all_of, 1):.1%}) lie within 1.96 standard "
        f"errors of the truth, {sum(row[6] for row in right)} within three."
    )
    report.save()


if __name__ == "__main__":
    main()
