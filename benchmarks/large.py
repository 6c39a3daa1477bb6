"""A glass box over tables larger than memory: rows a second, memory and held-out loss.

    python benchmarks/large.py --rows 2000000 [--task classification] [--mode additive]

writes Parquet files of sixteen numbers and four columns of 5 to 1,000 words (eight curves, three interactions, noise, two
cells in a hundred missing) to a temporary folder, fits to them, and removes them. Times are of the processor, all threads
together, since a machine may be busy with other things; the wall clock stands beside them.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import expit

import edgewise as ew

ROWS_OF_FILE = 500_000
WORDS = (5, 40, 200, 1_000)
NOISE = 0.5


def table(rows: int, seed: int, classify: bool) -> pa.Table:
    """So many rows, and the best that can be said of each."""
    rng = np.random.default_rng([2026, seed])
    x = rng.normal(size=(16, rows))
    x[8:] = rng.uniform(-1, 1, (8, rows))
    codes = [rng.integers(0, count, rows) for count in WORDS]
    effects = [np.random.default_rng([7, count]).normal(size=count) * 0.4 for count in WORDS]
    f = np.sin(2 * x[0]) + 0.3 * x[1] ** 2 + np.tanh(2 * x[2]) + 0.5 * np.abs(x[3])
    f += np.exp(-(x[4] ** 2)) + 0.4 * x[8] + np.cos(4 * x[9]) * 0.5 + (x[10] > 0.2) * 0.6
    f += 0.5 * x[0] * x[5] + 0.7 * np.sin(2 * x[11]) * x[12] + 0.4 * x[2] * (codes[0] - 2)
    f += sum(effect[code] for effect, code in zip(effects, codes, strict=True))
    y = f + NOISE * rng.normal(size=rows)
    columns = {}
    for k, column in enumerate(x):
        column[rng.random(rows) < 0.02] = np.nan
        columns[f"x{k}"] = pa.array(column, from_pandas=True)
    for count, code in zip(WORDS, codes, strict=True):
        gaps = rng.random(rows) < 0.02
        words = pa.array([f"{count}-{k}" for k in range(count)])
        columns[f"w{count}"] = pa.DictionaryArray.from_arrays(pa.array(code, mask=gaps), words).cast(
            pa.string()
        )
    chance = expit(2 * (f - 1.5))
    columns["y"] = np.where(rng.random(rows) < chance, "yes", "no") if classify else y
    columns["_best"] = (
        -np.log(np.where(columns["y"] == "yes", chance, 1 - chance)) if classify else (y - f) ** 2
    )
    return pa.table(columns)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--task", choices=["regression", "classification"], default="regression")
    parser.add_argument("--mode", default="auto")
    # Not by `_common`, which holds every library to one thread.
    parser.add_argument("--quick", action="store_true", help="a hundred thousand rows")
    parser.add_argument("--data", help="not used here; taken so that all benchmarks run by one command")
    asked = parser.parse_args()
    asked.rows = 100_000 if asked.quick else asked.rows
    classify = asked.task == "classification"
    folder = Path(tempfile.mkdtemp(prefix="edgewise-large-"))
    try:
        for k, begin in enumerate(range(0, asked.rows, ROWS_OF_FILE)):
            part = table(min(ROWS_OF_FILE, asked.rows - begin), k, classify).drop_columns(["_best"])
            pq.write_table(part, folder / f"{k:04}.parquet", row_group_size=131_072)
        size = sum(path.stat().st_size for path in folder.iterdir())
        passes: dict[str, list[float]] = {}

        def note(record: ew.training.Record) -> None:
            passes.setdefault(record.phase, [time.process_time()]).append(time.process_time())

        kind = ew.KANClassifier if classify else ew.KANRegressor
        base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wall, cpu = time.perf_counter(), time.process_time()
        model = kind(mode=asked.mode, callbacks=note).fit(str(folder / "*.parquet"), target="y")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        test = table(100_000, 10_000, classify)
        X = test.drop_columns(["y", "_best"])
        spent = time.process_time()
        if classify:
            told = model.predict_proba(X)
            places = np.searchsorted(model.classes_, np.array(test["y"]))
            loss = float(-np.log(told[np.arange(len(places)), places]).mean())
            best = float(test["_best"].to_numpy().mean())
        else:
            loss = float(np.sqrt(np.mean((model.predict(X) - test["y"].to_numpy()) ** 2)))
            best = float(np.sqrt(test["_best"].to_numpy().mean()))
        spent = time.process_time() - spent
        print(
            json.dumps(
                {
                    "rows": asked.rows,
                    "task": asked.task,
                    "mode": model.fit_.mode,
                    "pairs": model.interactions_,
                    "megabytes": round(size / 1e6),
                    "cpu seconds": round(cpu, 1),
                    "wall seconds": round(wall, 1),
                    "passes, cpu seconds": {name: round(at[-1] - at[0], 1) for name, at in passes.items()},
                    "resident megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                    "before the fit": round(base / 1024),
                    "loss": round(loss, 4),
                    "of the noise alone": round(best, 4),
                    "predicted rows a cpu second": round(len(test) / spent),
                },
                indent=1,
            )
        )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
