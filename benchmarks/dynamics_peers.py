"""PySINDy on the courses of `dynamics.py`: how often all equations are right.

PySINDy lives in an environment of its own, `pip install pysindy`; its Python by --python or EDGEWISE_PEERS. It gets what its
manual recommends: all polynomials of the states up to the third degree, with and without their sines and cosines, from
smoothed finite differences and in the weak form, by sequentially thresholded least squares with thirteen thresholds. Among
these answers the one of least corrected Akaike criterion counts (N. M. Mangan et al., 2017, doi:10.1098/rspa.2017.0009);
whether any of them is right is told too, which nobody could know who does not know the law. Judged as edgewise is.

    python benchmarks/dynamics_peers.py --python VENV/bin/python [--set fifth] [--noise 0 --noise 0.01]
        [--half even|odd|all] [--rows FILE]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

THRESHOLDS = np.geomspace(0.01, 1.0, 13)
COLUMNS = ("system", "number", "noise", "seed", "right", "any_right", "found", "cpu_seconds")


# --- inside the other environment ---------------------------------------------------------------------------------------


def answers(t: Any, x: Any, names: list[str]) -> dict[str, Any]:
    """All answers of PySINDy, each a list of right-hand sides, and the number of the one to be recommended."""
    import warnings

    import pysindy as ps

    warnings.simplefilter("ignore")
    began, found = time.process_time(), list[tuple[float, list[str]]]()
    for waves in (False, True):
        for weak in (False, True):
            for threshold in THRESHOLDS:
                plain = ps.PolynomialLibrary(degree=3)
                library = plain + ps.FourierLibrary(n_frequencies=1) if waves else plain
                if weak:
                    library = ps.WeakPDELibrary(library, spatiotemporal_grid=t, K=200)
                model = ps.SINDy(
                    optimizer=ps.STLSQ(threshold=threshold, normalize_columns=False),
                    feature_library=library,
                    differentiation_method=ps.SmoothedFiniteDifference(),
                )
                try:
                    model.fit(x, t=t, feature_names=names)
                    rates = ps.SmoothedFiniteDifference()._differentiate(x, t)
                    found.append((_criterion(model, x, rates, plain, waves), _written(model, names)))
                except Exception:  # a threshold that leaves nothing, an ill-posed regression
                    continue
    best = min(range(len(found)), key=lambda k: found[k][0]) if found else -1
    return {"answers": [text for _, text in found], "best": best, "cpu_seconds": time.process_time() - began}


def _criterion(model: Any, x: Any, rates: Any, plain: Any, waves: bool) -> float:
    """Akaike's criterion with the correction for few rows, of the rates along the course."""
    coef = model.coefficients()
    columns = np.asarray(plain.fit_transform(x))
    if waves:
        columns = np.concatenate([columns, *(np.stack([np.sin(c), np.cos(c)], 1) for c in x.T)], 1)
    rows, terms = len(x), int(np.count_nonzero(coef))
    error = np.square(rates - columns @ np.asarray(coef).T) / rates.var(0)
    few = rows * error.shape[1]
    return few * np.log(error.mean()) + 2 * terms + 2 * terms * (terms + 1) / max(1, few - terms - 1)


def _written(model: Any, names: list[str]) -> list[str]:
    """Right-hand sides with all digits."""
    features = [
        name.replace(" 1 ", " ").replace("sin(1 ", "sin(").replace("cos(1 ", "cos(")
        for name in model.get_feature_names()
    ]
    texts = list[str]()
    for row in np.asarray(model.coefficients()):
        terms = [
            f"({c!r})*{'*'.join(feature.split(' '))}"
            for c, feature in zip(row.tolist(), features, strict=True)
            if c
        ]
        texts.append(" + ".join(terms) or "0")
    return texts


# --- here ---------------------------------------------------------------------------------------------------------------


def main() -> None:
    from _common import common_options
    from dynamics_systems import SETS

    from dynamics import is_right
    from edgewise.symbolic import parse_formula

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=os.environ.get("EDGEWISE_PEERS"))
    parser.add_argument("--set", choices=list(SETS), default="first")
    parser.add_argument("--noise", type=float, action="append")
    parser.add_argument("--half", choices=["even", "odd", "all"], default="odd")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=Path)
    common_options(parser, "every tenth system, without noise")
    asked = parser.parse_args()
    if asked.python is None:
        print("skipped: no Python with pysindy is given (--python)")
        return
    every, noises = (10, [0.0]) if asked.quick else (1, asked.noise or [0.0, 0.01, 0.05])
    chosen = [
        (number, system)
        for number, system in enumerate(SETS[asked.set], 1)
        if asked.half == "all" or (number % 2 == 0) == (asked.half == "even")
    ][::every]
    rows = list[list[Any]]()
    for noise in noises:
        for number, system in chosen:
            t, measured, _ = system.course(noise, asked.seed)
            given = json.dumps({"t": t.tolist(), "x": measured.tolist(), "names": system.states})
            told = subprocess.run(
                [asked.python, __file__, "--inside"], input=given, capture_output=True, text=True, check=True
            )
            found = json.loads(told.stdout.splitlines()[-1])
            verdicts = [
                all(is_right(system, [parse_formula(text, system.states) for text in texts], noise))
                for texts in found["answers"]
            ]
            good = bool(verdicts) and verdicts[found["best"]]
            text = "; ".join(found["answers"][found["best"]]) if verdicts else ""
            spent = round(found["cpu_seconds"], 1)
            rows.append(
                [system.name, number, f"{noise:g}", asked.seed, int(good), int(any(verdicts)), text, spent]
            )
            print(f"{noise:g} {number} {system.name}: {good}, any {any(verdicts)}: {text[:150]}", flush=True)
        own = [row for row in rows if row[2] == f"{noise:g}"]
        print(f"noise {noise:g}: {sum(r[4] for r in own)} of {len(own)} right, any {sum(r[5] for r in own)}")
        print(f"  CPU s: median {np.median([r[7] for r in own]):.1f}")
        if asked.rows is not None:
            with asked.rows.open("w", newline="") as file:
                csv.writer(file).writerows([COLUMNS, *rows])


if __name__ == "__main__":
    if "--inside" in sys.argv:
        course = json.load(sys.stdin)
        print(json.dumps(answers(np.array(course["t"]), np.array(course["x"]), course["names"])))
    else:
        main()
