"""Eight equations side by side: edgewise, spectral codes and finite elements, random features, perceptrons.

One thread, CPU seconds, the same problem and the same measure: relative L2 on 201 x 201 places (Allen-Cahn at the places of
its reference), the largest of all unknowns. edgewise, FastLSQ and the spectral codes stop by themselves; scikit-fem, the
perceptron and DeepXDE get as many CPU seconds as edgewise took, and 20 at least; so do Newton's steps of FastLSQ, and
edgewise's single network of products. Settings are documented defaults, the same on all rows; what is set otherwise is
said at each function of `equation_rivals.py`. Nothing is tried twice with other seeds.

The others need `pip install fastlsq deepxde scikit-fem` in the environment that runs this; what is not there is skipped,
aloud. Rows are kept: a second call goes on. The environment may choose: EQUATIONS="wave", METHODS="spectral;fastlsq".
"""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable
from importlib.util import find_spec

import equation_rivals as rivals
import numpy as np
from _common import Clock, Report, begin, text
from equation_spectral import Answer, spectral
from equation_terms import ROWS, Terms

from edgewise import pde

LEAST = 20.0
COLUMNS = ("problem", "method", "error", "CPU s", "coefficients", "version")


def ours(road: str) -> Callable[[Terms, float], Answer]:
    """edgewise itself; the single network of products ends with the seconds."""

    def solve(terms: Terms, seconds: float) -> Answer:
        clock = Clock()
        stop = None if road == "auto" else lambda progress: clock.seconds > seconds
        found = pde.solve(terms.problem, terms.tolerance, road=road, callbacks=stop)
        return lambda x, y: np.array(
            [found.grid(x, y, unknown=name) for name in terms.unknowns]
        ), found.coefficients

    return solve


# A function by its name in the table; the package it needs, and whether it is for boxes or for other shapes alone.
METHODS: dict[str, tuple[Callable[[Terms, float], Answer], str | None, bool | None]] = {
    "edgewise": (ours("auto"), None, None),
    "spectral": (spectral, None, True),
    "scikit-fem": (rivals.scikit_fem, "skfem", False),
    "fastlsq": (rivals.fastlsq, "fastlsq", None),
    "perceptron, LM": (rivals.perceptron, None, None),
    "deepxde": (rivals.deepxde, "deepxde", None),
    "edgewise, products": (ours("products"), None, True),
}
PACKAGES = {"skfem": "scikit-fem"}


def version(module: str | None) -> str:
    return "" if module is None else importlib.metadata.version(PACKAGES.get(module, module))


def wanted(name: str, known: list[str]) -> list[str]:
    """What the environment chooses."""
    return [part for part in os.environ.get(name, "").split(";") if part] or known


def main() -> None:
    run = begin("equation_peers", "Equations side by side")
    problems, methods = wanted("EQUATIONS", list(ROWS)), wanted("METHODS", list(METHODS))
    for name in list(methods):
        module = METHODS[name][1]
        if module is not None and find_spec(module) is None:
            print(f"skipped: {name} is not installed here (pip install {PACKAGES.get(module, module)})")
            methods.remove(name)
    report = Report(run, "rows", COLUMNS, (20, 18, 9, 8, 12, 8))
    known = {(row[0], row[1]): row for row in report.saved()}
    terms: dict[str, Terms] = {}
    judges: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    for method in methods[:2] if run.quick else methods:
        solve, module, boxes = METHODS[method]
        for name in problems[:2] if run.quick else problems:
            if (name, method) in known:
                continue
            if name not in terms:
                terms[name] = ROWS[name]()
                judges[name] = terms[name].judge()
            if boxes is not None and boxes != terms[name].box:
                continue
            first, second, right = judges[name]
            own = known.get((name, "edgewise"))
            clock = Clock()
            grid, count = solve(terms[name], max(LEAST, float(own[3]) if own else 0.0))
            seconds = clock.seconds
            found, within = grid(first, second), ~np.isnan(right)
            errors = [
                np.linalg.norm((a - b)[at]) / np.linalg.norm(b[at])
                for a, b, at in zip(found, right, within, strict=True)
            ]
            row = [name, method, float(max(errors)), seconds, count, version(module)]
            known[name, method] = row
            report.add(*row)
            _save(report, known)
    _save(report, known)
    run_ones = [method for method in METHODS if any((name, method) in known for name in ROWS)]
    short = Report(run, "in short", ["problem", *run_ones], 18)
    for name in ROWS:
        cells = [known.get((name, method)) for method in run_ones]
        if any(cells):
            short.add(name, *("" if row is None else f"{text(row[2])} in {row[3]:.1f} s" for row in cells))
    short.note(
        "Relative L2 errors on 201 x 201 places, the largest of all unknowns, in CPU seconds of one thread, one seed. "
        "Spectral: Chebyshev collocation; Fourier modes with exponential time differencing for Burgers and Allen-Cahn, "
        "whose reference is made by the same code. Perceptron: tanh, by edgewise's own Levenberg-Marquardt. Empty: not run, "
        "or not for this shape."
    )
    short.save()


def _save(report: Report, known: dict[tuple[str, str], list[object]]) -> None:
    """All rows in the order of the tables."""
    order = {name: n for n, name in enumerate([*ROWS, *METHODS])}
    report.rows = sorted(known.values(), key=lambda row: (order[str(row[0])], order[str(row[1])]))
    report.save()


if __name__ == "__main__":
    main()
