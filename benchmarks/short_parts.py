"""Random expression trees, by the look-up of short parts alone: how far it comes without the rest of the search.

A law is found where the first formula equals it on fresh rows to a millionth of the spread of y.

    python benchmarks/short_parts.py [--seed 7] [--count 60]
"""

from __future__ import annotations

import argparse

import numpy as np
import sympy
from _common import Clock, Report, Run, common_options, machine
from random_laws import generate

from edgewise.forms.tree import render
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.meeting import meetings

ROWS, SAME = 2000, 1e-6


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/short_parts.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--seed", type=int, default=7, help="of the laws")
    parser.add_argument("--count", type=int, default=60, help="laws")
    common_options(parser, "four laws")
    options = parser.parse_args()
    print(f"# Trees of two short parts\n{machine()}\n")
    report = Report(
        Run("short_parts", options.quick, None), f"seed {options.seed}", ["law", "truth", "found", "CPU s", "first"],
        [12, 40, 5, 6, 60],
    )  # fmt: skip
    for law in generate(options.seed, 4 if options.quick else options.count, "trees"):
        names = tuple(law["vars"])
        truth = sympy.lambdify([sympy.Symbol(name) for name in names], sympy.sympify(law["formula"]), "numpy")
        rng = np.random.default_rng(1)
        X, fresh = rng.uniform(law["low"], law["high"], (2, ROWS, len(names)))
        y, told = (np.broadcast_to(truth(*array.T), (ROWS,)) for array in (X, fresh))
        rows = SplitRows.split(names, X, y, 0.2, 0)
        clock = Clock()
        with np.errstate(all="ignore"):
            trees = meetings(rows)
            spent, good = clock.seconds, False
            if trees:
                tape = Tape(trees[0], names)
                good = bool(np.abs(tape.value(tape.start, fresh) - told).max() <= SAME * y.std())
        report.add(law["id"], law["formula"], good, spent, render(trees[0]) if trees else "")
    report.note(f"{sum(report.column('found'))} of {len(report.rows)} laws are found.")
    report.save()


if __name__ == "__main__":
    main()
