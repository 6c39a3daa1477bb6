"""Five laws of Z. Liu et al. (KAN: Kolmogorov-Arnold Networks, 2024, arXiv:2404.19756): error against parameters and time.

KANs go through finer and finer grids, one fit after the other; perceptrons of several widths and depths are trained by
Levenberg-Marquardt (the small ones), L-BFGS and Adam from two seeds each. Points are without noise; test points measure and
decide nothing for the KANs, while each perceptron is given its best test error so far, whatever held-out rows would have
chosen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import _mlp
import numpy as np
from _common import Clock, Report, Run, begin, rmse
from scipy.special import j0

import edgewise as ew

PLOT = Path(__file__).parent.parent / "docs" / "images" / "scaling.png"
MLP_SECONDS = 2.0
MLP_SEEDS = 2
# Hidden layers of the perceptrons: widths, and how many of them.
HIDDEN = ((10, 1), (30, 1), (12, 2), (24, 2))
# Perceptrons of more parameters go without Levenberg-Marquardt, whose steps would take most of the time given.
MOST_FOR_LM = 800
# Budgets at which KAN and perceptron are compared.
BUDGETS = (0.3, 1.0, 2.0)
# KANs of more parameters are left out.
MOST = 2000


@dataclass(frozen=True)
class Law:
    """A function on [-1, 1]^inputs, with the way a KAN goes.

    Attributes
    ----------
    shape : tuple of int
        The one that goes through the grids.
    grids : tuple of int
    rows, starts : int
        Points to learn from, and networks tried on the first grid.
    before : tuple of int
        A wider network that is trained first, where the right start of the narrow one takes long to find.
    """

    name: str
    f: Callable[[np.ndarray], np.ndarray]
    shape: tuple[int, ...]
    grids: tuple[int, ...]
    rows: int = 3000
    starts: int = 8
    before: tuple[int, ...] = ()

    def points(self, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        X = np.random.default_rng(seed).uniform(-1, 1, (count, self.shape[0]))
        return X, self.f(X)


def _four(X: np.ndarray) -> np.ndarray:
    return np.exp(0.5 * (np.sin(np.pi * (X[:, :2] ** 2).sum(1)) + np.sin(np.pi * (X[:, 2:] ** 2).sum(1))))


LAWS = (
    Law("J0(20 x)", lambda X: j0(20 * X[:, 0]), (1, 1), (5, 10, 20, 40, 80, 160, 320), starts=1),
    Law(
        "exp(sin(pi x) + y^2)",
        lambda X: np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2),
        (2, 1, 1),
        (5, 10, 20, 40, 80, 160, 320),
    ),
    Law("x y", lambda X: X[:, 0] * X[:, 1], (2, 2, 1), (2, 4, 8)),
    Law(
        "exp(mean of 100 sin^2(pi x / 2))",
        lambda X: np.exp((np.sin(np.pi * X / 2) ** 2).mean(1)),
        (100, 1, 1),
        (1, 2, 4, 8, 16),
        rows=5000,
        starts=1,
    ),
    Law(
        "exp of two sines of squares",
        _four,
        (4, 2, 1, 1),
        (5, 10, 20, 40, 80),
        starts=24,
        before=(4, 4, 2, 1),
    ),
)


@dataclass(frozen=True)
class Point:
    """What a model knew after so much time."""

    seconds: float
    parameters: int
    error: float
    label: str


def kan(law: Law, degree: int, seed: int = 0) -> list[Point]:
    """One fit after the other, each on the grids of the one before, refined."""
    X, y = law.points(seed, law.rows)
    X_test, y_test = law.points(10_000, 4000)
    clock, points, unseen = Clock(), list[Point](), 0.0

    def fitted(net: ew.KAN, count: int, starts: int) -> ew.KAN:
        nonlocal unseen
        net = ew.fit(
            net, X, y, intervals=[count], roughness=0.0, validation=None, starts=starts, seed=seed
        ).network
        now = clock.seconds
        error = rmse(net.predict(X_test), y_test)
        points.append(Point(now - unseen, net.n_parameters, error, f"{list(net.shape)}, {count}"))
        unseen += clock.seconds - now
        return net

    if law.before:
        fitted(ew.KAN(law.before, degree=degree, intervals=law.grids[0], seed=seed), law.grids[0], 2)
    net = ew.KAN(law.shape, degree=degree, intervals=law.grids[0], seed=seed)
    for at, count in enumerate(law.grids):
        if sum(i * o * (count + degree) for i, o in pairwise(law.shape)) > MOST:
            break
        net = fitted(net, count, law.starts if at == 0 else 1)
    return points


def perceptrons(law: Law, run: Run) -> dict[str, list[Point]]:
    """Curves of the lowest test error so far, one a shape, method and seed."""
    curves = dict[str, list[Point]]()
    inputs = law.shape[0]
    shapes = [(inputs, *((width,) * deep), 1) for width, deep in HIDDEN]
    for seed in range(1 if run.quick else MLP_SEEDS):
        for shape in shapes[: 1 if run.quick else None]:
            for method in ("LM", "L-BFGS", "Adam"):
                if method != "LM" or _mlp.parameters(shape) <= MOST_FOR_LM:
                    name = f"{list(shape)} {method}"
                    curves[f"{name}, seed {seed}"] = _curve(law, shape, method, seed, run.quick)
    return curves


def _curve(law: Law, shape: tuple[int, ...], method: str, seed: int, quick: bool) -> list[Point]:
    X, y = law.points(seed, law.rows)
    X_test, y_test = law.points(10_000, 4000)
    curve = list[Point]()

    def watch(seconds: float, predict: Callable[[np.ndarray], np.ndarray]) -> None:
        error = rmse(predict(X_test), y_test)
        curve.append(Point(seconds, _mlp.parameters(shape), error, f"{list(shape)} {method}"))

    limit = 1.0 if quick else MLP_SECONDS
    if method == "LM":
        _mlp.train(shape, X, y, starts=2, seed=seed, steps=2000, seconds=limit, watch=watch)
    else:
        _mlp.first_order(shape, X, y, method, seed=seed, seconds=limit, watch=watch)
    return curve


def slope(points: list[Point], shape: tuple[int, ...]) -> float:
    """Slope of log error in log parameters from the second grid on, down to where rounding sets in."""
    tail = [p for p in points if p.label.startswith(str(list(shape))) and p.error > 1e-11][1:]
    if len(tail) < 2:
        return math.nan
    return float(np.polyfit(np.log([p.parameters for p in tail]), np.log([p.error for p in tail]), 1)[0])


def lowest(points: list[Point], seconds: float) -> float:
    """Lowest error reached within so much time."""
    return min((p.error for p in points if p.seconds <= seconds), default=math.inf)


def draw(found: dict[str, tuple[dict[int, list[Point]], dict[str, list[Point]]]]) -> None:
    """Error against parameters above, against CPU seconds below, a law a column."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(3.1 * len(found), 5.6), layout="constrained")
    axes = figure.subplots(2, len(found), squeeze=False)
    for (name, (kans, mlps)), (above, below) in zip(found.items(), axes.T, strict=True):
        for degree, colour in ((3, "#1f77b4"), (5, "#17375e")):
            points = kans[degree]
            label = f"KAN, degree {degree}"
            floor = [max(p.error, 1e-16) for p in points]
            last = points[-1].label.split("],")[0]
            own = [p for p in points if p.label.split("],")[0] == last]
            sizes, errors = [p.parameters for p in own], [max(p.error, 1e-16) for p in own]
            above.loglog(sizes, errors, "o-", color=colour, ms=4, label=label)
            below.loglog([p.seconds for p in points], floor, "o-", color=colour, ms=4, label=label)
        for method, colour in (("LM", "#d62728"), ("L-BFGS", "#ff7f0e"), ("Adam", "#e8b500")):
            own = [curve for key, curve in mlps.items() if f" {method}," in key and curve]
            for at, curve in enumerate(own):
                errors = np.minimum.accumulate([p.error for p in curve])
                label = f"MLP, {method}" if at == 0 else None
                below.loglog(
                    [p.seconds for p in curve], errors, "-", color=colour, lw=1, alpha=0.7, label=label
                )
            best = [(curve[0].parameters, min(p.error for p in curve)) for curve in own]
            above.loglog(*zip(*sorted(best), strict=True), "s", color=colour, ms=4, label=f"MLP, {method}")
        above.set_title(name, fontsize=9)
        above.set_xlabel("parameters", fontsize=8)
        below.set_xlabel("CPU seconds", fontsize=8)
        for axis in (above, below):
            axis.tick_params(labelsize=7)
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.grid(visible=True, which="major", lw=0.3)
    for axis in axes[:, 0]:
        axis.set_ylabel("test RMSE", fontsize=8)
    axes[0, 0].legend(fontsize=6)
    PLOT.parent.mkdir(exist_ok=True)
    figure.savefig(PLOT, dpi=130)


def main() -> None:
    run = begin("scaling", "five laws: error against parameters and time")
    kan(LAWS[1], 3, seed=9)  # what is loaded and cached on the first call is no part of a fit
    grids = Report(
        run, "grids", ["law", "degree", "shape, intervals", "parameters", "test RMSE", "CPU s"], 10
    )
    found = dict[str, tuple[dict[int, list[Point]], dict[str, list[Point]]]]()
    for law in LAWS[: 2 if run.quick else None]:
        kans = {degree: kan(law, degree) for degree in (3, 5)}
        for degree, points in kans.items():
            for p in points:
                grids.add(law.name, degree, p.label, p.parameters, p.error, p.seconds)
        found[law.name] = (kans, perceptrons(law, run))
    grids.save()
    print()
    short = Report(
        run,
        "in short",
        ["law", "slope, degree 3", "slope, degree 5", "lowest KAN", "lowest MLP", "best MLP"]
        + [f"{who} {budget:g} s" for budget in BUDGETS for who in ("KAN", "MLP")],
        9,
    )
    for law in LAWS[: len(found)]:
        kans, mlps = found[law.name]
        every = [p for points in kans.values() for p in points]
        flat = [p for curve in mlps.values() for p in curve]
        best = min(flat, key=lambda p: p.error)
        budgets = [lowest(points, budget) for budget in BUDGETS for points in (every, flat)]
        slopes = [slope(kans[degree], law.shape) for degree in (3, 5)]
        short.add(law.name, *slopes, min(p.error for p in every), best.error, best.label, *budgets)
    short.save()
    if not run.quick:
        draw(found)


if __name__ == "__main__":
    main()
