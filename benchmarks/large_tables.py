"""Formulas in large tables, most of whose columns do not matter: CPU seconds and memory.

    python benchmarks/large_tables.py [--rows 1000000] [--columns 100]

Columns are drawn between 1 and 3; the laws are in three to five of them, without noise and with 10 %. Every search runs in a
process of its own, so that the largest memory is its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from _common import Clock, Report, Run, common_options, machine

import edgewise as ew
from edgewise.symbolic import parse_formula

LAWS = ("2*x4*x18/x89^2", "x3*exp(-x50/x7) + x61", "x10*cos(x33) + x34*x71^2")
NOISES = (0.0, 0.1)


def searched(law: str, noise: float, rows: int, columns: int) -> tuple[bool, bool, float, float, float, str]:
    """Whether the law is found, and at what cost."""
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 3, (rows, columns))
    names = [f"x{at + 1}" for at in range(columns)]
    y = ew.symbolic.Formula(parse_formula(law, names), names).predict(X)
    measured = y + noise * y.std() * rng.standard_normal(rows)
    clock = Clock()
    found = ew.find_formula(X, measured, names=names, work="quick")
    spent, peak = clock.seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    right = bool(np.allclose(found.best.predict(X[:1000]), y[:1000], rtol=1e-3))
    return right, found.exact, spent, X.nbytes / 2**30, peak, found.best.text


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/large_tables.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=100)
    common_options(parser, "a hundredth of the rows")
    options = parser.parse_args()
    rows = options.rows // (100 if options.quick else 1)
    run = Run("large_tables", options.quick, None)
    print(f"# Formulas in large tables\n{machine()}\n")
    columns = ["law", "noise", "found", "exact", "CPU s", "table GB", "peak GB", "answer"]
    report = Report(run, f"{rows:,} rows", columns, [28, 5, 5, 5, 6, 8, 7, 40])
    context = multiprocessing.get_context("spawn")
    for law in LAWS:
        for noise in NOISES:
            with context.Pool(1) as pool:
                report.add(law, noise, *pool.apply(searched, (law, noise, rows, options.columns)))
            report.save()


if __name__ == "__main__":
    main()
