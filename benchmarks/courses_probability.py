"""The probability that equations of courses are right: fitted on four sets of systems, tested on the others.

The rows are those of `benchmarks/dynamics.py` with noise, by default as docs/rows has them. The weights
(`edgewise.dynamics.probability.WEIGHTS`) are a logistic regression (ridge 1/2) on the first four sets; the others test
them. The probabilities of the first four are also those of weights fitted to the other three.

    python benchmarks/courses_probability.py [FIRST.csv SECOND.csv THIRD.csv FOURTH.csv FIFTH.csv ...]
"""

from __future__ import annotations

import argparse
import csv
import itertools
from pathlib import Path

import numpy as np
from _common import common_options
from numpy.typing import NDArray
from probability import regression

from edgewise.dynamics.probability import FIGURES, WEIGHTS

KEPT = Path(__file__).parents[1] / "docs" / "rows"
NAMES = ("systems", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
ROWS = [KEPT / f"dynamics-{name}.csv" for name in NAMES]
FITTED = 4
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
    sets = np.array([number for number, _ in rows])
    used = sets < FITTED
    print(f"weights: {', '.join(f'{item:.2f}' for item in regression(told[used], right[used]))}")
    by_others = np.empty(len(right))
    for number in np.unique(sets[used]):
        fitted = regression(told[used & (sets != number)], right[used & (sets != number)])
        by_others[sets == number] = probabilities(told[sets == number], fitted)
    own = probabilities(told, np.array(WEIGHTS))
    for name, there, p in (
        ("fitted to", used, own),
        ("by the other sets", used, by_others),
        ("tested", ~used, own),
        ("tested, the last set", sets == sets.max(), own),
    ):
        brier = float(np.mean(np.square(p - right)[there]))
        print(
            f"{name}: {right[there].sum()} of {there.sum()} right, told {p[there].sum():.1f}; Brier {brier:.3f}"
        )
        for low, high in itertools.pairwise(BINS):
            inside = there & (p >= low) & ((p < high) | (high == 1))
            print(f"  {low:g} to {high:g}: {right[inside].sum()} of {inside.sum()}")


def probabilities(told: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """What weights make of the figures (n, 3) -> (n,)."""
    return 1 / (1 + np.exp(-(weights[0] + told @ weights[1:])))


if __name__ == "__main__":
    main()
