"""Small reports with everything in them, their names as hostile as names can be."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
import sympy
import torch

from edgewise.network import KAN, EditRecord, scale_to_data, set_symbolic
from edgewise.report import AccuracyRow, InputView, Origin, ReportContent
from edgewise.symbolic import Formula
from edgewise.training import Record

EVIL = "<script>alert(1)</script>"
# Milliseconds after which a browser hangs, however busy the machine.
HANGS = 300_000
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
        "origin": Origin(
            f"edgewise fit '{EVIL}'", 7, (("edgewise", "0.1.0"),), "ab" * 32, "2025-01-01", EVIL
        ),
        "dropped": ((EVIL, f"says nothing {EVIL}"),),
        "units": {"<b>y</b>": "<i>m</i>"},
    }
    return ReportContent(**(fields | changes))


def build_classes(classes=("no", "yes"), rows=300, **changes):
    """A classifier's content: a number, a coded column and a transformed one; probabilities that are right."""
    rng = np.random.default_rng(1)
    levels = ("red", EVIL, "blue", "never seen")
    X = np.column_stack(
        [rng.normal(size=rows), rng.integers(0, 3, rows).astype(float), rng.uniform(0, 3, rows)]
    )
    logits = np.column_stack([np.zeros(rows), *(1.5 * X[:, 0] + k - 1 for k in range(1, len(classes)))])
    odds = np.exp(logits)
    odds = odds / odds.sum(1, keepdims=True)
    y = np.array([rng.choice(len(classes), p=p) for p in odds], dtype=float)
    half = rows // 2
    outputs = 1 if len(classes) == 2 else len(classes)
    net = KAN([3, 4, outputs], seed=1, dtype=torch.float64, input_names=("x", "colour", "asinh(pay)"))
    pairs = tuple((k / 10, float(np.sinh(k / 10))) for k in range(31))
    fields = {
        "title": "Classes",
        "source": "classes.csv",
        "names": ("x", "colour", "asinh(pay)"),
        "target": "answer",
        "X": X[:half],
        "y": y[:half],
        "X_test": X[half:],
        "y_test": y[half:],
        "network": scale_to_data(net, X[:half], np.zeros(half)[:, None].repeat(outputs, 1)).network,
        "accuracy": (
            AccuracyRow("class shares", predicted=np.tile(odds.mean(0), (rows - half, 1))),
            AccuracyRow("KAN", ours=True, predicted=odds[half:]),
        ),
        "classes": classes,
        "inputs": (InputView("colour", "colour", levels), InputView("asinh(pay)", "pay", scale=pairs)),
        "units": {"pay": "€"},
    }
    return ReportContent(**(fields | changes))


def build_wide(inputs=20, hidden=24, rows=300):
    """A bag of networks on many inputs, some with names nobody can fit anywhere."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(rows, inputs))
    y = X[:, 0] + X[:, 1] ** 2 + rng.normal(size=rows)
    long = "Größenverhältnis_測定値_measured_by_the_second_observer_after_calibration"
    names = tuple(f"{long}_{k}" if k % 4 == 0 else f"x{k}" for k in range(inputs))
    net = KAN([inputs, hidden, 1], seed=2, dtype=torch.float64, input_names=names, output_names=(long,))
    half = rows // 2
    return ReportContent(
        title=f"{long} from {long}",
        source=f"{long}.csv",
        names=names,
        target=long,
        X=X[:half],
        y=y[:half],
        X_test=X[half:],
        y_test=y[half:],
        network=scale_to_data(net, X[:half], y[:half]).network,
        origin=Origin(f"edgewise fit {long}.csv --target {long}"),
    )


@pytest.fixture(scope="session")
def content():
    return build()


@pytest.fixture(scope="session")
def classes():
    return build_classes()


def chromium() -> str | None:
    """A Chromium that runs; some systems put a program of that name in its place that only says how to install it."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
            return found
    return None


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=HANGS)
        yield running
        running.close()
