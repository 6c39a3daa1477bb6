"""Whether `seconds=` holds on a busy machine: ten seconds beside four loops of singular value decompositions.

Wall time and the longest time between two calls of the callback; the limit is kept where a call ends within a tenth and a
second, and a second more for each million rows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
from _common import Report, Run, begin
from repeatable import LOOP

import edgewise as ew

LOOPS, SECONDS = 4, 10.0
CASES = (
    ("find_formula", 2_000, 2),
    ("find_formula", 100_000, 3),
    ("find_formula", 1_000_000, 3),
    ("fit", 1_000_000, 20),
    ("KANRegressor", 100_000, 20),
    ("KANClassifier", 1_000_000, 20),
    ("simplify", 100_000, 3),
)


class Pulse:
    """The longest time between two calls."""

    def __init__(self) -> None:
        self.last, self.longest = time.monotonic(), 0.0

    def __call__(self, record: object) -> None:
        now = time.monotonic()
        self.last, self.longest = now, max(self.longest, now - self.last)


def rows(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """A law that no search finds in ten seconds, with noise."""
    random = np.random.default_rng(0)
    X = random.uniform(0.5, 2, (n, d))
    y = np.log(1 + np.exp(1.3 * X[:, 0] - 0.7 * X[:, 1])) * (X[:, 2] if d > 2 else 1.0)
    return X, y + 0.05 * random.standard_normal(n)


def call(name: str, X: np.ndarray, y: np.ndarray, pulse: Pulse) -> Callable[[], Any]:
    """What is timed: everything is imported and made by then."""
    told = {"seconds": SECONDS, "callbacks": [pulse]}
    net = ew.KAN([X.shape[1], 8, 1], seed=0)
    if name == "find_formula":
        return lambda: ew.find_formula(X, y, **told)
    if name == "fit":
        return lambda: ew.fit(net, X, y, **told)
    if name == "simplify":
        fitted = ew.fit(net, X[:5000], y[:5000], work="quick").network
        return lambda: ew.simplify(fitted, X, y, **told)
    target = y > np.median(y) if name == "KANClassifier" else y
    return lambda: getattr(ew, name)(random_state=0, **told).fit(X, target).fit_


def limits(run: Run) -> None:
    for name, *_ in CASES:
        getattr(ew, name)  # loads what it needs: a limit begins with the call
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    print("## limits\n")
    report = Report(
        run, "limits", ["call", "rows", "columns", "wall s", "at most", "kept", "pulse s", "ended"], 13
    )
    with ExitStack() as stack:
        for _ in range(LOOPS):
            loop = subprocess.Popen([sys.executable, "-c", LOOP], env=environment)
            stack.callback(loop.kill)
        for name, n, d in CASES[: 2 if run.quick else None]:
            pulse = Pulse()
            timed = call(name, *rows(n, d), pulse)
            began = pulse.last = time.monotonic()
            reason = timed().stop_reason
            wall, most = time.monotonic() - began, 1.1 * SECONDS + 1 + n / 1e6
            report.add(name, n, d, wall, most, "yes" if wall <= most else "no", pulse.longest, str(reason))
    kept = report.column("kept").count("yes")
    report.note(f"Limits of {SECONDS:.0f} s kept beside {LOOPS} loops: {kept} of {len(report.rows)}.")
    report.save()


if __name__ == "__main__":
    limits(begin("limits", "Time limits on a busy machine"))
