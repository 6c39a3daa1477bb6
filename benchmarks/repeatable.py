"""The same bits, however busy the machine: searches, table fits, simplifications, proofs and audits in three settings.

Each job runs in a process of its own with one thread, with the default threads of torch and BLAS, and with the default
threads beside four loops of singular value decompositions. What a job finds is hashed: networks by the bytes of their
numbers, formulas by all digits of their constants, certificates by their content.

    python benchmarks/repeatable.py [--quick] [--jobs formula,table]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
SETTINGS = ("one thread", "default threads", "beside four loops")
LOOP = "import numpy as np\na = np.random.default_rng(0).normal(size=(400, 400))\nwhile True:\n    np.linalg.svd(a)"
FORMULAS, NOISY = 20, 10


def digest(*parts: Any) -> str:
    """A short hash of bytes and texts."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part if isinstance(part, bytes) else repr(part).encode())
    return whole.hexdigest()[:16]


def network_bytes(net: Any) -> bytes:
    return b"".join(v.detach().contiguous().numpy().tobytes() for v in net.state_dict().values())


def formula(at: int) -> tuple[str, str]:
    """A law of the handbooks, every second one with 1 % of noise."""
    import numpy as np
    import torch
    from textbook_laws import handbook

    import edgewise as ew
    from edgewise.forms import parse

    problem = handbook()[at]
    rng = np.random.default_rng(at)
    X = rng.uniform(problem["low"], problem["high"], (1000, problem["n_vars"]))
    law = parse(problem["formula"].replace("**", "^"), problem["vars"])
    columns = zip(problem["vars"], torch.from_numpy(X.T.copy()), strict=True)
    y = law.evaluate(dict(columns)).numpy()
    if at % 2:
        y = y + 0.01 * np.sqrt(np.mean(y**2)) * rng.standard_normal(len(y))
    found = ew.find_formula(X, y, names=problem["vars"])
    told = [(item.exact_text, item.error.hex(), item.complexity) for item in found.front]
    return digest(told, found.best.exact_text, found.exact, found.message), found.stop_reason


def credit() -> tuple[Any, Any]:
    import edgewise as ew
    from edgewise.data import to_frame

    frame = to_frame(ew.load_example("german_credit"))
    y = frame.column("credit").to_pylist()
    return frame.drop_columns(["credit"]), y


def numbers(n: int, d: int) -> tuple[Any, Any]:
    import numpy as np

    X = np.random.default_rng(0).normal(size=(n, d))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * np.random.default_rng(1).normal(size=n)


def table(at: int) -> tuple[str, str]:
    import edgewise as ew

    rows = (0, 2000, 20_000)[at]
    model = ew.KANRegressor().fit(*numbers(rows, 6)) if rows else ew.KANClassifier().fit(*credit())
    return digest(network_bytes(model.network_)), model.fit_.stop_reason


def simplified(at: int) -> tuple[str, str]:
    import edgewise as ew

    X, y = numbers(1000, 3)
    y = y if at else y * 0 + X[:, 0] ** 2 / (2 + X[:, 1])
    fitted = ew.fit(ew.KAN([3, 3, 1], seed=0), X, y)
    result = ew.simplify(fitted.network, X, y)
    return digest(network_bytes(fitted.network), network_bytes(result.network)), result.stop_reason


PROPERTIES = (
    "monotone(x1, increasing)",
    "range(-4, 4)",
    "lipschitz(x2, 6)",
    "monotone(x3, decreasing)",
    "range(-9, 9)",
)


def proof(at: int) -> tuple[str, str]:
    import edgewise as ew

    X, y = numbers(1000, 3)
    net = ew.fit(ew.KAN([3, 4, 1], input_names=["x1", "x2", "x3"], output_names=["y"], seed=0), X, y).network
    answer = ew.verify(net, PROPERTIES[at])
    told = answer.to_dict()
    told.pop("seconds")
    return digest(json.dumps(told, sort_keys=True, default=str)), answer.stop_reason


def audited(at: int) -> tuple[str, str]:
    import edgewise as ew

    X, y = credit()
    model = ew.KANClassifier(mode=("additive", "deep")[at]).fit(X, y)
    found = ew.audit(model, X, y, protected="status")
    told = found.to_dict()
    return digest(_without_seconds(told)), found.stop_reason


def _without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_seconds(v) for k, v in value.items() if k != "seconds"}
    return [_without_seconds(v) for v in value] if isinstance(value, list) else value


JOBS: dict[str, tuple[Callable[[int], tuple[str, str]], int]] = {
    "formula": (formula, FORMULAS),
    "table": (table, 3),
    "simplify": (simplified, 2),
    "proof": (proof, 5),
    "audit": (audited, 2),
}


def run(job: str, setting: str, seed: int) -> dict[str, Any]:
    """One job in a process of its own."""
    environment = {k: v for k, v in os.environ.items() if k not in THREADS} | {"PYTHONHASHSEED": str(seed)}
    if setting == SETTINGS[0]:
        environment |= dict.fromkeys(THREADS, "1")
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, __file__, "--run", job], env=environment, capture_output=True, text=True, check=False
    )
    lines = done.stdout.strip().splitlines()
    told = (
        json.loads(lines[-1])
        if done.returncode == 0
        else {"hash": "failed", "why": done.stderr[-300:], "cpu": 0.0}
    )
    return told | {"wall": time.monotonic() - began}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="one job of each kind")
    parser.add_argument("--data", help="not used here; taken so that all benchmarks run by one command")
    parser.add_argument("--jobs", default=",".join(JOBS), help="kinds of jobs, by commas")
    options = parser.parse_args()
    if options.run:
        kind, at = options.run.split(":")
        began = time.process_time()
        found, why = JOBS[kind][0](int(at))
        print(json.dumps({"hash": found, "why": str(why), "cpu": time.process_time() - began}))
        return

    from _common import machine

    print(f"# The same bits on a busy machine\n{machine()}\n")
    names = [
        f"{kind}:{at}"
        for kind in options.jobs.split(",")
        for at in range(1 if options.quick else JOBS[kind][1])
    ]
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for seed, setting in enumerate(SETTINGS):
        with ExitStack() as stack:
            if setting == SETTINGS[2]:
                for _ in range(4):
                    loop = subprocess.Popen(
                        [sys.executable, "-c", LOOP], env={**os.environ, **dict.fromkeys(THREADS, "1")}
                    )
                    stack.callback(loop.kill)
            for name in names:
                results[name].append(run(name, setting, seed))
                print(f"  {setting}: {name} {results[name][-1]}", file=sys.stderr, flush=True)
    show(options.quick, results)


def show(quick: bool, results: dict[str, list[dict[str, Any]]]) -> None:
    """The table of all jobs."""
    from _common import Report, Run

    columns = ["job", "ended", "same bits", *(f"CPU s, {setting}" for setting in SETTINGS), "default / one"]
    report = Report(Run("repeatable", quick, None), "settings", columns, [12, 14, 9, 20, 20, 20, 12])
    for name, result in results.items():
        spent = [one["cpu"] for one in result]
        same = len({one["hash"] for one in result}) == 1 and result[0]["hash"] != "failed"
        report.add(name, result[-1]["why"], same, *spent, spent[1] / max(spent[0], 1e-9))
    ratios = sorted(report.column("default / one"))
    report.note(
        f"The same bits in all three settings: {sum(report.column('same bits'))} of {len(results)} jobs. CPU seconds with "
        f"default threads over those with one: median {ratios[len(ratios) // 2]:.2f}, at most {ratios[-1]:.2f}. They are "
        "those of the job's process without its start; the seed of Python's hashes differs between the settings."
    )
    report.save()


if __name__ == "__main__":
    main()
