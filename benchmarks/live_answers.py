"""The page's evaluator beside `predict`: models in float64, 10,000 rows each, also outside the grids, with missing cells and
words that no model has seen. Needs node.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib.resources import files
from typing import Any

import numpy as np
import torch
from _common import Report, Run, begin

import edgewise as ew
from edgewise.exporting import to_json
from edgewise.network import Nodes, mask_edges, set_symbolic
from edgewise.report.live import page_data
from edgewise.splines import BASES

ROWS = 10_000
WORDS = ("oak", "elm", 'ash "red"', "müller", "3", "ünïcode ☃")
_NODE = """
const fs = require("fs");
require("vm").runInThisContext(fs.readFileSync(process.argv[1], "utf8") + ";globalThis.live = edgewiseLive");
const { program, rows } = JSON.parse(fs.readFileSync(0, "utf8"));
const model = new live.Evaluator(program);
console.log(JSON.stringify(rows.map((row) => {
  const { outputs } = model.run(row);
  return program.classes ? model.probabilities(outputs) : Array.from(outputs);
})));
"""


def networks(seed: int) -> dict[str, ew.KAN]:
    """A network of every basis, with a base function, with products, with closed forms, with edges turned off."""
    made = {basis: ew.KAN([4, 5, 2], basis=basis, seed=seed, dtype=torch.float64) for basis in BASES}
    made["base function"] = ew.KAN([3, 4, 1], base="silu", seed=seed, dtype=torch.float64)
    made["products"] = ew.KAN([3, Nodes(2, (2, 2)), 1], seed=seed, dtype=torch.float64)
    plain = ew.KAN([4, 4, 1], seed=seed, dtype=torch.float64)
    formed = set_symbolic(set_symbolic(plain, (0, 0, 0), "sin").network, (1, 1, 0), "tanh").network
    made["closed forms"] = mask_edges(formed, [(0, 1, 1), (0, 2, 3)]).network
    return made


def table(rows: int, seed: int, extra: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    rng = np.random.default_rng(seed)
    words = np.array([*WORDS, *extra], dtype=object)[
        rng.integers(len(WORDS) + len(extra), size=rows)
    ].tolist()
    gone = rng.normal(size=rows).tolist()
    for row in range(0, rows, 7):
        words[row], gone[row] = None, None
    return {
        "size": (rng.normal(size=rows) * 10).tolist(),
        "heavy tail": np.exp(rng.normal(size=rows) * 5).tolist(),
        "word": words,
        "flag": (rng.random(rows) < 0.4).tolist(),
        "gone": gone,
    }


def estimators(seed: int) -> dict[str, Any]:
    data = table(400, seed)
    size, flag = np.array(data["size"]), np.array(data["flag"])
    rng = np.random.default_rng(seed)
    two = np.where(size + 5 * flag + rng.normal(size=400) > 0, "yes", "no")
    three = np.array(["a", "b", "c"])[np.digitize(size + 3 * rng.normal(size=400), [-4, 4])]
    quick: dict[str, Any] = {"members": 1, "work": 0.02}
    classifier = ew.KANClassifier(mode="additive", **quick).fit(data, two)
    return {
        "numbers": ew.KANRegressor(mode="additive", **quick).fit(data, np.sin(size) + flag),
        "two classes": classifier,
        "three classes": ew.KANClassifier(mode="additive", **quick).fit(data, three),
        "calibrated": ew.calibrate(classifier, data, two),
    }


def apart(model: Any, rows: list[list[Any]], want: np.ndarray) -> float:
    """The largest difference from Python, in spreads (standard deviations) of each output."""
    told = json.dumps({"program": json.loads(to_json(model)), "rows": rows})
    bundle = str(files(page_data.__package__) / "live.js")
    done = subprocess.run(
        [str(shutil.which("node")), "-e", _NODE, bundle],
        input=told,
        capture_output=True,
        text=True,
        check=True,
    )
    got = np.array(json.loads(done.stdout))
    return float((np.abs(got - want) / want.std(axis=0)).max())


def answers(run: Run) -> None:
    if shutil.which("node") is None:
        print("skipped: there is no node on this machine")
        return
    rows = 500 if run.quick else ROWS
    report = Report(run, "answers", ["models", "how many", "rows each", "apart at most, in spreads"], 24)
    found: dict[str, list[float]] = {}
    for seed in range(1 if run.quick else 3):
        for name, net in networks(seed).items():
            low, high = net.input_range().double().numpy().T
            X = np.random.default_rng(seed).uniform(low - (high - low), high + (high - low), (rows, len(low)))
            found.setdefault(name, []).append(apart(net, X.tolist(), net.predict(X)))
    for seed in range(1 if run.quick else 2):
        for name, model in estimators(seed).items():
            data = table(rows, seed + 10, ("never seen", " "))
            cells = [
                [float(cell) if isinstance(cell, bool) else cell for cell in row]
                for row in zip(*data.values(), strict=True)
            ]
            want = model.predict_proba(data) if hasattr(model, "classes_") else model.predict(data)
            found.setdefault(name, []).append(apart(model, cells, want.reshape(rows, -1)))
    for name, item in found.items():
        report.add(name, len(item), rows, max(item))
    count = sum(map(len, found.values()))
    worst = max(max(item) for item in found.values())
    report.note(f"{count} models; the page and `predict` are at most {worst:.1e} spreads apart (aim: 1e-12).")
    report.save()


if __name__ == "__main__":
    answers(begin("live_answers", "The answers of the page beside those of Python"))
