"""f = exp(sin(pi x1) + x2^2) from 1,000 points and twenty seeds: accuracy, smallest shape, formula, time."""

from __future__ import annotations

import numpy as np
import sympy
from _common import Clock, Report, Run, begin, rmse

import edgewise as ew

NAMES = ["x1", "x2"]
LAW = sympy.exp(sympy.sin(sympy.pi * sympy.Symbol("x1")) + sympy.Symbol("x2") ** 2)


def law(X: np.ndarray) -> np.ndarray:
    return np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)


def points(seed: int, count: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(seed).uniform(-1, 1, (count, 2))
    return X, law(X)


def network(run: Run, degree: int, seeds: range) -> None:
    """[2, 5, 1] on five intervals, then simplify: shape, test error and CPU time of both together."""
    print(f"## Network, degree {degree}\n")
    report = Report(run, f"network, degree {degree}", ["seed", "test RMSE", "CPU s", "shape", "intervals"])
    X_test, y_test = points(10_000, 4000)
    for seed in seeds:
        X, y = points(seed)
        clock = Clock()
        trained = ew.fit(ew.KAN([2, 5, 1], degree=degree, seed=seed), X, y, seed=seed, intervals=[5])
        small = ew.simplify(trained.network, X, y, seed=seed).network
        spent = clock.seconds
        error = rmse(small.predict(X_test), y_test)
        report.add(seed, error, spent, str(list(small.shape)), small.layers[0].intervals)
    errors, spent = np.array(report.column("test RMSE")), np.array(report.column("CPU s"))
    report.note(
        f"Degree {degree}: test RMSE median {np.median(errors):.1e}, worst {errors.max():.1e}; at most 1e-8 on "
        f"{(errors <= 1e-8).sum()} of {len(errors)} seeds. CPU seconds median {np.median(spent):.1f}, "
        f"worst {spent.max():.1f}."
    )
    report.save()


def formula(run: Run, seeds: range) -> None:
    """find_formula on the same tables. Exact: the same expression once its constants are rounded at 1e-6."""
    print("## Formula\n")
    report = Report(run, "formula", ["seed", "exact", "test RMSE", "CPU s", "formula"], [4, 5, 9, 6, 40])
    X_test, y_test = points(10_000, 4000)
    for seed in seeds:
        X, y = points(seed)
        clock = Clock()
        found = ew.find_formula(X, y, names=NAMES, seed=seed)
        spent = clock.seconds
        report.add(
            seed,
            is_law(found.recommended.sympy),
            rmse(found.recommended.predict(X_test), y_test),
            spent,
            found.recommended.text,
        )
    exact, spent = report.column("exact"), np.array(report.column("CPU s"))
    report.note(
        f"Exact formula on {sum(exact)} of {len(exact)} seeds. CPU seconds median {np.median(spent):.1f}, "
        f"worst {spent.max():.1f}."
    )
    report.save()


def is_law(found: sympy.Expr) -> bool:
    """Whether both have the same structure and their constants agree to 1e-6."""
    snapped = found.xreplace(
        {c: sympy.nsimplify(c, [sympy.pi], tolerance=1e-6) for c in found.atoms(sympy.Float)}
    )
    return bool(sympy.simplify(snapped - LAW) == 0)


def main() -> None:
    run = begin("toy", "exp(sin(pi x1) + x2^2) from 1,000 points")
    seeds = range(3 if run.quick else 20)
    network(run, 5, seeds)
    network(run, 3, seeds)
    formula(run, seeds)


if __name__ == "__main__":
    main()
