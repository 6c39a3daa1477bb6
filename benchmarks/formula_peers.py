"""Formula finders side by side: edgewise and four other programs before the same judge with the same time limit.

The others live in an environment of their own, which also needs what the judge does:
`pip install numpy scipy sympy pyoperon gplearn gp-elite jaxsr`; its Python by --python or EDGEWISE_PEERS. What cannot be
imported there is skipped, aloud. The judge imports this file in that environment too, so nothing here needs edgewise
until `main` runs. Options are the packages' own defaults but for what it takes to find laws at all: elementary functions,
exact constants where a package can fit them, one thread, time until the limit.

    python benchmarks/formula_peers.py --judge FOLDER --python VENV/bin/python --seconds 60 --jobs 2
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The function here that runs it, by the module to import.
PEERS = {"pyoperon": "operon", "gplearn": "gplearn", "gp_elite": "gp_elite", "jaxsr": "jaxsr"}
# Every eighth problem of the Feynman table with its bonus and of the classics, every other trajectory, random laws.
SAMPLE = {
    "feynman120": 8, "classic": 8, "strogatz": 2, "gen:kinds:1:200": 10, "gen:trees:1:200": 10, "solved:feynman120": 12,
    "altered:1": 1, "sums:4": 1,
}  # fmt: skip


# --- the finders, called by the judge ---------------------------------------------------------------------------------


def operon(X: Any, y: Any, names: Sequence[str], seconds: float) -> str:
    """Operon's genetic programming with constants fitted by Levenberg-Marquardt."""
    from pyoperon.sklearn import SymbolicRegressor

    model = SymbolicRegressor(
        allowed_symbols="add,sub,mul,div,constant,variable,sin,cos,exp,log,sqrt,square,pow,tanh,asin,acos",
        optimizer_iterations=10,
        generations=10**6,
        max_evaluations=10**9,
        max_time=max(int(seconds - 1), 1),
        n_threads=1,
        random_state=_seed(),
    )
    model.fit(X, y)
    return model.get_model_string(model.model_, 17, list(names))


def gplearn(X: Any, y: Any, names: Sequence[str], seconds: float) -> str:
    """gplearn's genetic programming, generation by generation until the time is spent."""
    from gplearn.functions import make_function
    from gplearn.genetic import SymbolicRegressor

    end = time.monotonic() + seconds
    exponential = make_function(function=_exponential, name="exp", arity=1)
    functions = ("add", "sub", "mul", "div", "sqrt", "log", "sin", "cos", exponential)
    model = SymbolicRegressor(
        generations=1,
        function_set=functions,
        feature_names=list(names),
        metric="rmse",
        warm_start=True,
        stopping_criteria=1e-12,
        random_state=_seed(),
    )
    best, longest = (float("inf"), "0"), 0.0
    while time.monotonic() + longest < end:
        began = time.monotonic()
        model.fit(X, y)
        longest = max(longest, time.monotonic() - began)
        # The last generation need not hold the best of all.
        best = min(best, (float(model._program.raw_fitness_), str(model._program)))
        if best[0] <= 1e-12:
            break
        model.set_params(generations=model.generations + 1)
    return best[1]


def _exponential(x: Any) -> Any:
    import numpy as np

    # The function must be closed for any input, says gplearn.
    with np.errstate(all="ignore"):
        return np.exp(np.minimum(x, 100.0))


def gp_elite(X: Any, y: Any, names: Sequence[str], seconds: float) -> str:
    """gp-elite's genetic programming; its columns are X0, X1, ..."""
    from gp_elite import GPEliteRegressor

    model = GPEliteRegressor(
        speed="thorough", generations=10**6, parallel=False, time_limit=0.95 * seconds, random_state=_seed()
    )
    model.fit(X, y)
    return _renamed(str(model.sympy()), [f"X{k}" for k in range(len(names))], names)


def jaxsr(X: Any, y: Any, names: Sequence[str], seconds: float) -> str:
    """jaxsr's selection among its widest library of terms; it knows no limit, and takes the time that it takes."""
    from jaxsr import BasisLibrary, SymbolicRegressor

    library = BasisLibrary(n_features=X.shape[1], feature_names=list(names)).build_default(
        include_ratios=True
    )
    model = SymbolicRegressor(library, max_terms=5, random_state=_seed()).fit(X, y)
    return re.sub(r"^.*=", "", str(model.to_sympy()))


def _seed() -> int:
    return int(os.environ.get("SR_SEED", "0"))


def _renamed(formula: str, old: Sequence[str], new: Sequence[str]) -> str:
    into = dict(zip(old, new, strict=True))
    return re.sub(r"\b[A-Za-z_]\w*\b", lambda found: into.get(found.group(0), found.group(0)), formula)


# --- the comparison -----------------------------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    from _common import common_options

    parser = argparse.ArgumentParser(
        prog="benchmarks/formula_peers.py", description=(__doc__ or "").split("\n")[0]
    )
    add = parser.add_argument
    add("--judge", default=os.environ.get("EDGEWISE_JUDGE"), help="folder of the judge's evaluate.py")
    add(
        "--python",
        default=os.environ.get("EDGEWISE_PEERS"),
        help="Python of the environment with the other finders",
    )
    add("--set", action="append", help=f"some sets only, of {', '.join(SAMPLE)}")
    add("--noise", type=float, action="append", help="by default 0 and 0.01")
    add("--seconds", type=float, default=60.0, help="time limit of a problem")
    add("--rows", type=int, default=2000, help="rows of a problem")
    add("--thin", type=int, default=1, help="only every so many of these problems")
    add("--jobs", type=int, default=1, help="problems at a time, one thread each")
    add("--resume", action="store_true", help="keep the rows of an earlier run")
    common_options(parser, "every 60th Feynman problem with 5 s")
    return parser.parse_args()


def finders(python: str | None) -> list[Any]:
    """edgewise and what the other environment has."""
    from formulas import Finder

    found = [Finder("edgewise")]
    if not python or not Path(python).exists():
        print(
            f"skipped: {', '.join(PEERS)} (give the Python of their environment by --python or EDGEWISE_PEERS)"
        )
        return found
    for package, function in PEERS.items():
        script = f"import {package}, importlib.metadata as m; print(m.version('{package.replace('_', '-')}'))"
        asked = subprocess.run(
            [python, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False
        )
        if asked.returncode:
            print(f"skipped: {package} cannot be imported by {python}")
        else:
            label = f"{package} {asked.stdout.split()[-1]}"
            found.append(Finder(label, f"py:{Path(__file__).resolve()}:{function}", python))
    return found


def main() -> None:
    from _common import OUT, Report, Run, machine
    from formulas import LEGEND, SUMMARY, Cell, Terms, answer, run_cell, summary

    options = arguments()
    asked = [name for name in SAMPLE if not options.set or name in options.set]
    sample = {name: options.thin * SAMPLE[name] for name in asked}
    seconds, noises = options.seconds, options.noise or [0.0, 0.01]
    if options.quick:
        sample, seconds, noises = {"feynman120": 60}, 5.0, [0.0]
    terms = Terms(options.judge, seconds, options.rows)
    print(f"# Formula finders side by side, {seconds:g} s a problem\n{machine()}\n")
    OUT.mkdir(exist_ok=True)
    run, compared = Run("formula_peers", options.quick, None), finders(options.python)
    outcomes: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, every in sample.items():
        for noise in noises:
            cell = Cell(name, noise)
            for finder in compared:
                print(f"{cell.title}, {finder.label}:", flush=True)
                outcomes[cell.title, finder.label] = run_cell(
                    cell, finder, terms, log=OUT / "formula_peers-rows.jsonl", only=(), every=every, jobs=options.jobs,
                    resume=options.resume,
                )  # fmt: skip
    print("\n## Side by side\n")
    report = Report(
        run, "in short", ["problems", "finder", *SUMMARY[1:-2]], [28, 16, *[9] * (len(SUMMARY) - 3)]
    )
    for (title, label), rows in outcomes.items():
        report.add(title, label, *summary(rows)[:-2])
    shares = ", ".join(f"every {every}th of {name}" for name, every in sample.items())
    report.note(f"{terms.rows:,} rows, at most {seconds:g} s a problem, one thread; {shares}. {LEGEND}")
    report.save()
    print("\n## Problem by problem\n")
    report = Report(
        run, "problems", ["problems", "problem", "finder", "identical", "acc", "nodes", "found"], 12
    )
    for (title, label), rows in outcomes.items():
        for row in rows:
            right = bool(row.get("identical")), bool(row.get("acc"))
            report.add(title, row["id"], label, *right, row.get("raw_nodes"), answer(row)[:120])
    report.save()


if __name__ == "__main__":
    main()
