"""CPU seconds from a cold [2, 5, 1] until exp(sin(pi x1) + x2^2) is known to 1e-4, 1e-6, 1e-8 and 1e-10.

The KAN is stopped by what its user sees, the error on held-out rows; the perceptron by the test error itself, which is
kinder to it. Test points measure and decide nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import _mlp
import numpy as np
from _common import Clock, Report, Run, begin, rmse
from toy import points

import edgewise as ew

GOALS = {1e-4: 0.1, 1e-6: 0.3, 1e-8: 1.0, 1e-10: 3.0}
# The held-out error has to be this far below the goal: test points reach a little further out than the rows do.
SAFETY = 3.0
WIDTHS = (6, 10, 14)
MLP_SECONDS = 10.0


@dataclass
class Goal:
    """Stops a fit once its held-out error is low enough."""

    error: float
    met: bool = False

    def __call__(self, record: ew.training.Record) -> bool:
        self.met = self.met or (record.validation or math.inf) <= self.error
        return self.met


def kan(X: np.ndarray, y: np.ndarray, seed: int, error: float) -> ew.KAN:
    """[2, 5, 1], untrained, made smaller and finer until the goal is met."""
    net = ew.KAN([2, 5, 1], degree=5, intervals=5, seed=seed)
    return ew.simplify(net, X, y, seed=seed, callbacks=[Goal(error)]).network


def kans(run: Run, seeds: range) -> None:
    print("## KAN\n")
    report = Report(run, "KAN", ["goal", "seed", "test RMSE", "CPU s", "shape", "intervals"])
    X_test, y_test = points(10_000, 4000)
    kan(*points(99), 99, 1e-6)  # what is loaded and cached on the first call is no part of a fit
    for aim in GOALS:
        for seed in seeds:
            X, y = points(seed)
            clock = Clock()
            net = kan(X, y, seed, aim / SAFETY)
            spent = clock.seconds
            error = rmse(net.predict(X_test), y_test)
            report.add(aim, seed, error, spent, str(list(net.shape)), net.layers[0].intervals)
    report.save()
    print("## KAN, in short\n")
    short = Report(run, "KAN, in short", ["goal", "met", "median s", "worst s", "target s"])
    for aim, target in GOALS.items():
        rows = [row for row in report.rows if row[0] == aim]
        spent = [row[3] for row in rows]
        met = sum(row[2] <= aim for row in rows)
        short.add(aim, f"{met} of {len(rows)}", float(np.median(spent)), max(spent), target)
    short.save()


def perceptrons(run: Run, seeds: range) -> None:
    print("\n## MLP, Levenberg-Marquardt\n")
    names = [f"{aim:.0e}" for aim in GOALS]
    report = Report(run, "MLP", ["shape", "parameters", "lowest RMSE", *names], 11)
    X_test, y_test = points(10_000, 4000)
    for width in WIDTHS[: 2 if run.quick else None]:
        shape = (2, width, width, 1)
        curves = list[list[tuple[float, float]]]()
        for seed in seeds:
            X, y = points(seed)
            curve = list[tuple[float, float]]()

            def watch(
                seconds: float,
                predict: Callable[[np.ndarray], np.ndarray],
                curve: list[tuple[float, float]] = curve,
            ) -> None:
                curve.append((seconds, rmse(predict(X_test), y_test)))

            _mlp.train(shape, X, y, starts=4, seed=seed, steps=1000, seconds=MLP_SECONDS, watch=watch)
            curves.append(curve)
        times = [
            float(np.median([next((s for s, e in c if e <= aim), math.inf) for c in curves])) for aim in GOALS
        ]
        lowest = float(np.median([min(e for _, e in c) for c in curves]))
        report.add(str(list(shape)), _mlp.parameters(shape), lowest, *times)
    report.note(
        f"Median over {len(seeds)} seeds of the CPU seconds until the test RMSE is met, four starts included; inf: not "
        f"within {MLP_SECONDS:g} s."
    )
    report.save()


def main() -> None:
    run = begin("hello", "CPU seconds until exp(sin(pi x1) + x2^2) is known to 1e-4 ... 1e-10")
    kans(run, range(2 if run.quick else 10))
    perceptrons(run, range(1 if run.quick else 3))


if __name__ == "__main__":
    main()
