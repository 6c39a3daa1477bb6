"""Exported models against the network in torch: size of the source, its error, and rows a second.

Networks of random functions stand for trained ones: time does not depend on the numbers. The same rows go through torch, the
NumPy source, the compiled C source (-O2) and onnxruntime, one thread each.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from _common import Report, Run, begin

import edgewise as ew
from edgewise.cli.models import load_model
from edgewise.cli.predictions import with_predictions
from edgewise.cli.streamed import predict_dataset
from edgewise.data.streaming.source import open_source

Rows = np.ndarray
Predict = Callable[[Rows], Rows]


def main() -> None:
    run = begin("export", "exported models: size, error and speed")
    for part, rows in (("one row", 1), ("many rows", 2_000 if run.quick else 50_000)):
        report = Report(
            run,
            part,
            ["network", "edges", "language", "kB", "rel. error", "rows a second", "times torch"],
            (22, 6, 8, 7, 10, 13, 11),
        )
        for name, net in networks(run.quick).items():
            measure(report, name, net, rows)
        report.save()
    deployed(run, 20_000 if run.quick else 1_000_000)


def deployed(run: Run, rows: int) -> None:
    """A fitted additive model of twenty columns, from where the rows are to where the predictions go."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 20))
    y = sum(np.sin((k % 3 + 1) * X[:, k]) for k in range(8)) + 0.3 * rng.normal(size=len(X))
    names = [f"x{k}" for k in range(20)]
    model = ew.KANRegressor("additive").fit(pa.table(dict(zip(names, X.T, strict=True))), y)
    X = rng.normal(size=(rows, 20))
    table = pa.table(dict(zip(names, np.ascontiguousarray(X.T), strict=True)))
    report = Report(run, "additive", ["way", "million rows a second", "rel. error"], (34, 22, 10))
    want = model.predict(table)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "rows.parquet", Path(folder) / "out.parquet"
        pq.write_table(table, source, row_group_size=100_000)

        def files(_: Rows) -> Rows:
            predict_dataset(
                partial(with_predictions, load_model(saved)), open_source(str(source)), target, quiet=True
            )
            return pq.read_table(target, columns=["y_predicted"]).column(0).to_numpy()

        saved = Path(folder) / "model.kan"
        ew.save(model, saved)
        ways: dict[str, Predict] = {
            "predict, a matrix": lambda X: plain.predict(X),
            "predict, an Arrow table": lambda _: model.predict(table),
            "edgewise predict, Parquet to Parquet": files,
        }
        plain = ew.load(saved)
        del plain.feature_names_in_
        ways |= {
            f"exported, {name}": predict
            for name, (_, predict) in languages(model.network_).items()
            if name != "torch"
        }
        for name, predict in ways.items():
            # Sources hold all that they compute at once.
            part = X[:10_000] if name.startswith("exported") else X
            error = float(np.abs(predict(part).reshape(-1) - want[: len(part)]).max() / np.abs(want).max())
            report.add(name, len(part) / seconds_of(predict, part) / 1e6, error)
    report.save()


def networks(quick: bool) -> dict[str, ew.KAN]:
    double = torch.float64
    found = {
        "[2, 1, 1]": ew.KAN([2, 1, 1], seed=0, dtype=double),
        "[14, 1], 20 intervals": ew.KAN([14, 1], intervals=20, seed=0, dtype=double),
        "[8, 16, 1]": ew.KAN([8, 16, 1], intervals=10, seed=0, dtype=double),
    }
    if not quick:
        found["[30, 64, 1]"] = ew.KAN([30, 64, 1], intervals=10, seed=0, dtype=double)
        found["8 x [30, 8, 8, 1]"] = bag(8, 8)
    return found


def bag(members: int, hidden: int) -> ew.KAN:
    """Networks side by side as one: the second layer joins the nodes of a member only."""
    wide = members * hidden
    net = ew.KAN([30, wide, wide, 1], intervals=10, seed=0, dtype=torch.float64)
    net.layers[1].set_mask(torch.block_diag(*[torch.ones(hidden, hidden)] * members).bool())
    return net


def measure(report: Report, name: str, net: ew.KAN, rows: int) -> None:
    X = np.random.default_rng(0).uniform(-1.2, 1.2, (rows, net.shape[0]))
    edges = sum(int(layer.mask.sum()) for layer in net.layers)
    want, base = net.predict(X), 0.0
    for language, (size, predict) in languages(net).items():
        error = float(np.abs(predict(X) - want).max() / np.abs(want).max())
        speed = rows / seconds_of(predict, X)
        base = base or speed
        report.add(name, edges, language, size / 1000, error, speed, speed / base)


def languages(net: ew.KAN) -> dict[str, tuple[int, Predict]]:
    """Size in bytes and function of every language; torch first."""

    def in_torch(X: Rows) -> Rows:
        with torch.no_grad():
            return net(torch.from_numpy(X)).numpy()

    state = sum(tensor.numel() * tensor.element_size() for tensor in net.state_dict().values())
    found: dict[str, tuple[int, Predict]] = {"torch": (state, in_torch)}
    source = ew.exporting.to_numpy_source(net)
    module: dict[str, Any] = {}
    exec(compile(source, "model.py", "exec"), module)  # noqa: S102 - our own source
    found["numpy"] = (len(source), module["predict"])
    if shutil.which("cc"):
        found["C"] = in_c(net)
    try:
        found["onnx"] = in_onnx(net)
    except ImportError:
        print("skipped: onnxruntime is not installed")
    return found


def in_c(net: ew.KAN) -> tuple[int, Predict]:
    folder = Path(tempfile.mkdtemp())
    ew.export(net, folder / "model.c")
    command = [
        "cc",
        "-std=c99",
        "-O2",
        "-march=native",
        "-shared",
        "-fPIC",
        "-o",
        "model.so",
        "model.c",
        "-lm",
    ]
    subprocess.run(command, cwd=folder, check=True)
    size = (folder / "model.c").stat().st_size
    library = ctypes.CDLL(str(folder / "model.so"))
    shutil.rmtree(folder)

    def predict(X: Rows) -> Rows:
        y = np.empty((len(X), net.shape[-1]))
        pointers = ctypes.c_void_p(X.ctypes.data), ctypes.c_void_p(y.ctypes.data)
        library.predict_batch(pointers[0], ctypes.c_size_t(len(X)), pointers[1])
        return y

    return size, predict


def in_onnx(net: ew.KAN) -> tuple[int, Predict]:
    import onnxruntime

    data = ew.exporting.to_onnx(net)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return len(data), lambda X: np.asarray(session.run(None, {"X": X})[0])


def seconds_of(predict: Predict, X: Rows) -> float:
    """The quickest of several runs, in CPU seconds: of calls too short for the clock, many together."""
    calls = 1
    while True:
        began = time.process_time()
        for _ in range(calls):
            predict(X)
        spent = time.process_time() - began
        if spent > 0.1:
            break
        calls *= 4
    best = spent / calls
    for _ in range(3):
        began = time.process_time()
        for _ in range(calls):
            predict(X)
        best = min(best, (time.process_time() - began) / calls)
    return best


if __name__ == "__main__":
    main()
