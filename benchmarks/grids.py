"""The same function on finer and finer grids, and a perceptron of equal size trained by the same method.

Each row is a fit that ends at that grid, [2, 1, 1] of degree 3. Of such a fit the network that the held-out rows like best
is returned; the column "held out" shows the error that the grid itself came to, taken from one fit through all grids.
"""

from __future__ import annotations

import math
from itertools import pairwise

import _mlp
import numpy as np
from _common import Clock, Report, begin, rmse
from toy import points

import edgewise as ew

GRIDS = (3, 10, 20, 50, 100, 200, 500)
# Beyond this many parameters a perceptron on 1,000 rows has more freedom than the rows can fix.
MOST = 600


def main() -> None:
    run = begin("grids", "error against the number of intervals, KAN and perceptron")
    grids = GRIDS[:3] if run.quick else GRIDS
    X, y = points(0)
    X_test, y_test = points(10_000, 4000)

    def fitted(schedule: tuple[int, ...]) -> ew.FitResult:
        net = ew.KAN([2, 1, 1], degree=3, intervals=schedule[0], seed=0)
        return ew.fit(net, X, y, intervals=schedule, starts=8, patience=len(GRIDS), seed=0)

    own = {r.intervals: r.validation for r in fitted(grids).history if r.phase.startswith("round")}
    report = Report(
        run,
        "grids",
        [
            "G",
            "parameters",
            "RMSE",
            "held out",
            "kept G",
            "CPU s",
            "MLP",
            "MLP size",
            "MLP RMSE",
            "MLP CPU s",
        ],
        9,
    )
    for at, count in enumerate(grids):
        clock = Clock()
        result = fitted(grids[: at + 1])
        spent = clock.seconds
        net = result.network
        size = 3 * (count + 3) + 2
        mlp = _mlp.train(
            _mlp.shape_of_size(2, min(size, MOST)), X, y, steps=max(300, len(result.history)), seconds=120
        )
        shape = [module.in_features for module in mlp.objective.module if hasattr(module, "in_features")]
        report.add(
            count,
            size,
            rmse(net.predict(X_test), y_test),
            own[count],
            net.layers[0].intervals,
            spent,
            str([*shape, 1]),
            len(mlp.theta),
            rmse(mlp.predict(X_test), y_test),
            mlp.seconds,
        )
    errors = report.column("RMSE")
    falling = [e for e in errors if e > 1e-9]
    slope = (
        np.polyfit(np.log(grids[1 : len(falling)]), np.log(falling[1:]), 1)[0]
        if len(falling) > 2
        else math.nan
    )
    monotone = all(b < a for a, b in pairwise(errors))
    report.note(
        f"Slope of log RMSE against log G from G = 10 on: {slope:.2f}. "
        f"Error falls at every step: {'yes' if monotone else 'no'}."
    )
    report.save()


if __name__ == "__main__":
    main()
