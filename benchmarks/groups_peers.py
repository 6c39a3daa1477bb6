"""One law over many groups beside PhySO's class symbolic regression, each with the same CPU seconds a law.

PhySO (Tenachi et al. 2024, doi:10.3847/2041-8213/ad5970) lives in an environment of its own (`pip install physo`), whose
Python is given by --python or EDGEWISE_PHYSO. It gets its authors' settings for such tasks (config0b), three constants
shared and three of each group's own, as in their challenges, and stops at the first epoch that ends beyond the limit: one
takes two minutes on 320 rows. Rows have no noise; a law is found where the values differ from it by less than a millionth
of their spread, by either program.

    python benchmarks/groups_peers.py --python VENV/bin/python [--set first] [--seed 0] [--seconds 60]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

SAME = 1e-6
COLUMNS = ("kind", "finder", "found", "error", "CPU s", "formula")


def physo(rows: str, answer: str, limit: float) -> None:
    """Run PhySO on the rows of a file in its own environment, and leave what it found in another."""
    import physo as package
    import torch
    from physo.config import config0b
    from physo.learn.monitoring import RunLogger

    torch.set_num_threads(1)

    class TimeIsUpError(Exception):
        pass

    class Logger(RunLogger):
        def log(self, *args: Any, **kwargs: Any) -> None:
            super().log(*args, **kwargs)
            if time.process_time() - began > limit:
                raise TimeIsUpError

    loaded = np.load(rows)
    X, y, number = loaded["X"], loaded["y"], loaded["number"]
    groups = [number == item for item in np.unique(number)]
    logger = Logger()
    began = time.process_time()
    with contextlib.suppress(TimeIsUpError):
        package.ClassSR(
            [X[group].T for group in groups], [y[group] for group in groups],
            X_names=[str(name) for name in loaded["names"]], y_name="y", fixed_consts=[1.0],
            class_free_consts_names=["c1", "c2", "c3"], spe_free_consts_names=["k1", "k2", "k3"],
            op_names=["mul", "add", "sub", "div", "inv", "n2", "sqrt", "neg", "exp", "log", "sin", "cos"],
            stop_reward=1 - 1e-9, stop_after_n_epochs=0, run_config=config0b.config0b, get_run_logger=lambda: logger,
            get_run_visualiser=lambda: None, parallel_mode=False, n_cpus=1,
        )  # fmt: skip
    best = logger.hall_of_fame[-1]
    told = np.empty(len(y))
    for at, group in enumerate(groups):
        told[group] = best(torch.tensor(X[group].T), i_realization=at).detach().numpy()
    error = float(np.sqrt(np.mean(np.square(told - y))) / y.std())
    Path(answer).write_text(
        json.dumps({"error": error, "seconds": time.process_time() - began, "formula": best.get_infix_str()})
    )


def beside(
    python: str, X: Any, y: Any, number: Any, names: tuple[str, ...], seconds: float
) -> dict[str, Any]:
    """PhySO's answer."""
    with tempfile.TemporaryDirectory() as folder:
        rows, answer = Path(folder) / "rows.npz", Path(folder) / "answer.json"
        np.savez(rows, X=X, y=y, number=number, names=np.array(names))
        command = [python, "-W", "ignore", __file__, "--physo", str(rows), str(answer), str(seconds)]
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        if not answer.is_file():
            print(f"PhySO gave no answer: {done.stderr.strip().splitlines()[-1:]}")
            return {"error": float("nan"), "seconds": float("nan"), "formula": ""}
        return dict(json.loads(answer.read_text()))


def main() -> None:
    from _common import Clock, Report, Run, common_options, machine
    from _grouped_laws import SETS, laws

    from edgewise.symbolic import find_formula

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=os.environ.get("EDGEWISE_PHYSO"))
    parser.add_argument("--set", choices=list(SETS), default="first")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0)
    common_options(parser, "two laws with 5 s")
    asked = parser.parse_args()
    if asked.quick:
        asked.seconds = 5.0
    chosen = SETS[asked.set]
    number = np.repeat(np.arange(chosen.groups), chosen.rows)
    report = Report(
        Run("groups_peers", asked.quick, asked.data),
        f"{asked.set}, seed {asked.seed}",
        COLUMNS,
        [10, 8, 5, 8, 6, 60],
    )
    print(f"# One law over many groups beside PhySO, {asked.seconds:g} s a law\n{machine()}\n")
    if not asked.python:
        print("skipped: PhySO (give the Python of its environment by --python or EDGEWISE_PHYSO)")
    for kind, law in list(laws(asked.set, asked.seed).items())[: 2 if asked.quick else None]:
        X, names = np.column_stack(list(law.columns.values())), tuple(law.columns)
        clock = Clock()
        best = find_formula(X, law.y, groups=number, names=names, seed=asked.seed).best
        spent = clock.seconds
        error = float(np.sqrt(np.mean(np.square(best.predict(X, number) - law.y))) / law.y.std())
        report.add(kind, "edgewise", error <= SAME, error, spent, best.text)
        if asked.python:
            told = beside(asked.python, X, law.y, number, names, asked.seconds)
            report.add(kind, "PhySO", told["error"] <= SAME, told["error"], told["seconds"], told["formula"])
        report.save()
    for finder in dict.fromkeys(report.column("finder")):
        mine = [row for row in report.rows if row[1] == finder]
        spent = np.array([row[4] for row in mine], dtype=float)
        report.note(
            f"{finder}: {sum(row[2] for row in mine)} of {len(mine)} laws, CPU seconds: median {np.median(spent):.1f}, "
            f"longest {spent.max():.1f}."
        )
    report.save()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--physo"]:
        physo(sys.argv[2], sys.argv[3], float(sys.argv[4]))
    else:
        main()
