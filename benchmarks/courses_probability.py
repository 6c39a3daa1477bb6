"""The probability that equations of courses are right: fitted on systems of even number, tested on all others.

The rows are those of `benchmarks/dynamics.py` with noise, by default as docs/rows has them. The weights of
`DynamicsConfig().probability` are a logistic regression (ridge 1/2) on the even numbers of the first forty systems; those of
odd number, and the second, third and fourth sets, test them.

    python benchmarks/courses_probability.py [FIRST.csv SECOND.csv THIRD.csv FOURTH.csv]
"""

from __future__ import annotations

import argparse
import csv
import itertools
from pathlib import Path

import numpy as np
from _common import common_options
from probability import regression

from edgewise.dynamics import DynamicsConfig
from edgewise.dynamics.probability import FIGURES

KEPT = Path(__file__).parents[1] / "docs" / "rows"
ROWS = [KEPT / f"dynamics-{name}.csv" for name in ("systems", "second", "third", "fourth")]
BINS = (0.0, 0.3, 0.7, 0.9, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "rows", type=Path, nargs="*", default=ROWS, help="as `benchmarks/dynamics.py --rows` has them"
    )
    common_options(parser, "no less: nothing is searched")
    asked = parser.parse_args()
    rows: list[tuple[int, dict[str, str]]] = []
    for number, path in enumerate(asked.rows):
        with path.open(newline="") as file:
            rows += [(number, row) for row in csv.DictReader(file) if float(row["noise"]) > 0]
    right = np.array([int(row["right"]) for _, row in rows])
    told = np.array([[float(row[name]) for name in FIGURES] for _, row in rows])
    even = np.array([number == 0 and int(row["number"]) % 2 == 0 for number, row in rows])
    fitted = regression(told[even], right[even])
    print(f"weights by the even: {', '.join(f'{each:.2f}' for each in fitted)}")
    weights = np.array(DynamicsConfig().probability)
    p = 1 / (1 + np.exp(-(weights[0] + told @ weights[1:])))
    sets = np.array([number for number, _ in rows])
    parts = {"even": even, "odd": (sets == 0) & ~even, "further": sets > 0, "tested": ~even}
    for name, there in parts.items():
        brier = float(np.mean(np.square(p - right)[there]))
        print(
            f"{name}: {right[there].sum()} of {there.sum()} right, told {p[there].sum():.1f}; Brier {brier:.3f}"
        )
        for low, high in itertools.pairwise(BINS):
            inside = there & (p >= low) & ((p < high) | (high == 1))
            print(f"  {low:g} to {high:g}: {right[inside].sum()} of {inside.sum()}")


if __name__ == "__main__":
    main()
