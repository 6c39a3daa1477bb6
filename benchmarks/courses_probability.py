"""The probability that equations of courses are right: fitted on systems of even number, tested on those of odd number.

Forty systems from textbooks, each from one course of 150 points, at 1 or 5 % noise in turn, drawn with another seed than
`benchmarks/dynamics.py` has. The weights of `DynamicsConfig().probability` are a logistic regression (ridge 1/2) on the
systems of even number. Rows that the file has are not run again.

    python benchmarks/courses_probability.py [--rows results.csv]
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from _common import common_options, machine
from dynamics_systems import SYSTEMS
from probability import regression

from dynamics import is_right
from edgewise.dynamics import DynamicsConfig, find_dynamics
from edgewise.dynamics.probability import FIGURES, figures

NOISES, SEED = (0.01, 0.05), 1
COLUMNS = ("system", "number", "noise", "seed", "right", *FIGURES, "found", "cpu_seconds")
BINS = (0.0, 0.3, 0.7, 0.9, 1.0)


def row_of(number: int) -> list[object]:
    """What is found of a system, and what is known of it."""
    system, noise = SYSTEMS[number - 1], NOISES[number // 2 % 2]
    t, measured, _ = system.course(noise, SEED)
    began = time.process_time()
    found = find_dynamics(t, measured, names=system.states)
    seconds = time.process_time() - began
    told = [f"{each:.4f}" for each in figures(found.equations, found.stability)]
    right = int(all(is_right(system, [each.sympy for each in found.equations], noise)))
    text = str(found).replace("\n", "; ")
    return [system.name, number, f"{noise:g}", SEED, right, *told, text, f"{seconds:.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=Path)
    common_options(parser, "four systems")
    asked = parser.parse_args()
    print(f"# The probability of equations\n{machine()}\n")
    rows: list[list[str]] = []
    if asked.rows is not None and asked.rows.exists():
        with asked.rows.open(newline="") as file:
            rows = list(csv.reader(file))[1:]
    known = {row[1] for row in rows}
    for number in range(1, 5 if asked.quick else len(SYSTEMS) + 1):
        if str(number) not in known:
            rows.append([str(each) for each in row_of(number)])
            print(*rows[-1][:-2], flush=True)
            if asked.rows is not None:
                with asked.rows.open("w", newline="") as file:
                    csv.writer(file).writerows([COLUMNS, *rows])
    number, right = (
        np.array([int(row[COLUMNS.index(name)]) for row in rows]) for name in ("number", "right")
    )
    told = np.array([[float(row[COLUMNS.index(name)]) for name in FIGURES] for row in rows])
    even = number % 2 == 0
    fitted = regression(told[even], right[even])
    print(f"weights by the even: {', '.join(f'{each:.2f}' for each in fitted)}")
    weights = np.array(DynamicsConfig().probability)
    p = 1 / (1 + np.exp(-(weights[0] + told @ weights[1:])))
    for name, there in (("even", even), ("odd", ~even)):
        brier = float(np.mean(np.square(p - right)[there]))
        print(
            f"{name}: {right[there].sum()} of {there.sum()} right, told {p[there].sum():.1f}; Brier {brier:.3f}"
        )
        for low, high in itertools.pairwise(BINS):
            inside = there & (p >= low) & ((p < high) | (high == 1))
            print(f"  {low:g} to {high:g}: {right[inside].sum()} of {inside.sum()}")


if __name__ == "__main__":
    main()
