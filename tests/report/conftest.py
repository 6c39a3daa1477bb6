"""A small report with everything in it, its names as hostile as names can be."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
import torch

from edgewise.network import KAN, EditRecord, set_symbolic
from edgewise.report import AccuracyRow, Origin, ReportContent
from edgewise.symbolic import Formula
from edgewise.training import Record

EVIL = "<script>alert(1)</script>"
NAMES = (EVIL, "cost $x_{\\frac", "quo\"te' & <!-- -->", "unused")


def build(**changes):
    """The content, with some fields replaced."""
    rng = np.random.default_rng(0)
    X, y = rng.uniform(0.5, 1, (60, 4)), rng.normal(size=60)
    net = KAN([3, 2, 1], seed=0, dtype=torch.float64, input_names=NAMES[:3], output_names=["<b>y</b>"])
    net = set_symbolic(net, (0, 1, 0), "sin").network
    a, b = sympy.Symbol(NAMES[0]), sympy.Symbol(NAMES[1])
    formulas = tuple(
        Formula(f, NAMES, error=e, r2=r)
        for f, e, r in [(2.0 * a, 1.0, 0.1), (sympy.sin(sympy.pi * a) + b**2 - 3 / b, 0.02, 0.999)]
    )
    fields = {
        "title": f"{EVIL} & co",
        "source": "<img src=x onerror=alert(2)>.csv",
        "names": NAMES,
        "target": "<b>y</b>",
        "X": X[:40],
        "y": y[:40],
        "X_test": X[40:],
        "y_test": y[40:],
        "network": net,
        "formula": formulas[1],
        "front": formulas,
        "accuracy": (
            AccuracyRow("linear model", 1.0, 0.1, 0.5, "3 constants", 0.001),
            AccuracyRow(EVIL, 0.02, 0.999, 0.01, EVIL, 12.0, ours=True),
        ),
        "history": tuple(Record(EVIL if k else "a", k, 2.0**-k, 3.0**-k, 0.1 * k, 3) for k in range(9)),
        "edits": (EditRecord("mask_edges", f"turned off {EVIL}", 0.25, "[4, 2, 1]", "[3, 2, 1]"),),
        "notes": (f"Stopped: {EVIL}",),
        "origin": Origin(f"edgewise fit '{EVIL}'", 7, (("edgewise", "0.1.0"),), "ab" * 32, "2025-01-01"),
    }
    return ReportContent(**(fields | changes))


@pytest.fixture(scope="session")
def content():
    return build()
