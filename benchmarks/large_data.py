"""Large tables for `large.py`, `large_runs.py` and `large_peers.py`, and what can be learned from them at best."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.special import expit

ROWS_OF_FILE = 500_000
WORDS = (5, 40, 200, 1_000)
NOISE, GAPS = 0.5, 0.02
HELD_OUT = 100_000
NOT_READ = ("_best", "_single")


def table(rows: int, seed: int, classify: bool) -> Any:
    """So many rows; the best that can be said of each, and the best that functions of single columns can say."""
    rng = np.random.default_rng([2026, seed])
    x = rng.normal(size=(16, rows))
    x[8:] = rng.uniform(-1, 1, (8, rows)).astype(np.float32)
    codes = [rng.integers(0, count, rows) for count in WORDS]
    effects = [np.random.default_rng([7, count]).normal(size=count) * 0.4 for count in WORDS]
    noise, gaps = rng.normal(size=rows), rng.random((20, rows), dtype=np.float32) < GAPS
    terms = {
        (0,): np.sin(2 * x[0]),
        (1,): 0.3 * x[1] ** 2,
        (2,): np.tanh(2 * x[2]),
        (3,): 0.5 * np.abs(x[3]),
        (4,): np.exp(-(x[4] ** 2)),
        (8,): 0.4 * x[8],
        (9,): 0.5 * np.cos(4 * x[9]),
        (10,): 0.6 * (x[10] > 0.2),
        (0, 5): 0.5 * x[0] * x[5],
        (11, 12): 0.7 * np.sin(2 * x[11]) * x[12],
        (2, 16): 0.4 * x[2] * (codes[0] - 2),
        **{(16 + k,): effect[code] for k, (effect, code) in enumerate(zip(effects, codes, strict=True))},
    }
    f = sum(terms.values())
    # Of a term with a missing cell its mean is known; the means of the interactions, given either column, are 0.
    known = {
        columns: np.where(gaps[list(columns)].any(0), term.mean() if len(columns) == 1 else 0.0, term)
        for columns, term in terms.items()
    }
    columns: dict[str, Any] = {}
    for k, column in enumerate(x):
        kind = np.float64 if k < 8 else np.float32
        columns[f"x{k}"] = pa.array(column.astype(kind), mask=gaps[k])
    for k, (count, code) in enumerate(zip(WORDS, codes, strict=True)):
        words = pa.array([f"{count}-{j}" for j in range(count)])
        columns[f"w{count}"] = pa.DictionaryArray.from_arrays(pa.array(code, mask=gaps[16 + k]), words).cast(
            pa.string()
        )
    chance = expit(2 * (f - 1.5))
    columns["y"] = np.where(rng.random(rows) < chance, "yes", "no") if classify else f + NOISE * noise
    best, single = sum(known.values()), sum(term for at, term in known.items() if len(at) == 1)
    columns["_best"], columns["_single"] = (chance, chance) if classify else (best, single)
    return pa.table(columns)


def write(folder: Path, rows: int, classify: bool) -> None:
    """The files that are not there yet."""
    for k, begin in enumerate(range(0, rows, ROWS_OF_FILE)):
        file, draft = folder / f"{k:04}.parquet", folder / f"{k:04}.draft"
        if not file.exists():
            part = table(min(ROWS_OF_FILE, rows - begin), k, classify).drop_columns(list(NOT_READ))
            pq.write_table(part, draft, row_group_size=131_072)
            draft.rename(file)


def error(told: np.ndarray, y: np.ndarray, classify: bool) -> float:
    """Root mean square error of numbers, mean loss of the chances of the second class."""
    if not classify:
        return float(np.sqrt(np.mean((told - y) ** 2)))
    return float(-np.log(np.where(y == "yes", told, 1 - told).clip(1e-15)).mean())


def judged(say: Callable[[Any], np.ndarray], classify: bool) -> tuple[float, float, float]:
    """Losses on rows that were not learned from: of a model, of the best single columns can do, and of the best."""
    test = table(HELD_OUT, 10_000, classify)
    y = np.array(test["y"])
    told = say(test.drop_columns(["y", *NOT_READ]))
    best, single = (error(test[name].to_numpy(), y, classify) for name in NOT_READ)
    return error(told, y, classify), float("nan") if classify else single, best


def peak() -> int:
    """Megabytes of memory that this process held at most."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
