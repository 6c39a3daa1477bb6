"""Other learners on the tables of `large.py`: time, memory, held-out loss.

    python benchmarks/large_peers.py --rows 2000000 [--folder FOLDER] [--peers lightgbm xgboost ...] [--threads 2]

Every peer runs in a process of its own on the first so many rows, reading them included. LightGBM and EBM hold them in
memory; XGBoost reads them batch by batch into its external memory; SGD learns batch by batch from standardised numbers,
marks of gaps and a column for each word. Boosting takes 300 rounds of 63 leaves (EBM its own settings), with nothing
tuned; words are categories to all of them. Needs lightgbm, xgboost and interpret-core.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _common import Report, Run, common_options, machine
from large_data import WORDS, judged, peak, write

PEERS = {
    "edgewise": "edgewise",
    "sgd": "sklearn",
    "lightgbm": "lightgbm",
    "xgboost": "xgboost",
    "ebm": "interpret",
}
ROUNDS, LEAVES = 300, 63
NUMBERS = 16

Said = Callable[[Any], np.ndarray]


def matrix(batch: Any) -> np.ndarray:
    """Numbers, NaN where they are missing, and the numbers of words."""
    out = np.empty((batch.num_rows, NUMBERS + len(WORDS)), dtype=np.float32)
    for k in range(NUMBERS):
        out[:, k] = batch[f"x{k}"].to_numpy(zero_copy_only=False)
    for k, count in enumerate(WORDS, NUMBERS):
        words = batch[f"w{count}"]
        if isinstance(words, pa.ChunkedArray):
            words = words.combine_chunks()
        own = words.dictionary_encode()
        names = [float(word.split("-")[1]) for word in own.dictionary.to_pylist()]
        out[:, k] = np.append(names, np.nan)[own.indices.fill_null(len(names)).to_numpy()]
    return out


def batches(files: list[Path]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and targets, a part of a file at a time."""
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(131_072):
            yield matrix(batch), batch["y"].to_numpy(zero_copy_only=False)


def whole(files: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """All rows, in memory."""
    rows = sum(pq.ParquetFile(file).metadata.num_rows for file in files)
    X, y, begin = np.empty((rows, NUMBERS + len(WORDS)), dtype=np.float32), np.empty(rows), 0
    for own, target in batches(files):
        X[begin : begin + len(own)], y[begin : begin + len(own)] = own, target
        begin += len(own)
    return X, y


def lightgbm(files: list[Path], threads: int) -> Said:
    import lightgbm as lgb  # pyright: ignore

    X, y = whole(files)
    settings = {"num_threads": threads, "num_leaves": LEAVES, "verbose": -1}
    places = list(range(NUMBERS, NUMBERS + len(WORDS)))
    model = lgb.train(settings, lgb.Dataset(X, y, categorical_feature=places), ROUNDS)
    return lambda frame: np.asarray(model.predict(matrix(frame)))


def xgboost(files: list[Path], threads: int) -> Said:
    import xgboost as xgb  # pyright: ignore

    kinds = ["float"] * NUMBERS + ["c"] * len(WORDS)

    class Rows(xgb.DataIter):
        def __init__(self) -> None:
            self.folder = tempfile.mkdtemp(dir=files[0].parent)
            super().__init__(cache_prefix=f"{self.folder}/cache")
            self.rows = batches(files)

        def next(self, input_data: Any) -> bool:
            if (batch := next(self.rows, None)) is None:
                return False
            input_data(data=batch[0], label=batch[1], feature_types=kinds)
            return True

        def reset(self) -> None:
            self.rows = batches(files)

    rows = Rows()
    data = xgb.ExtMemQuantileDMatrix(rows, nthread=threads, enable_categorical=True)
    settings = {"tree_method": "hist", "nthread": threads, "max_leaves": LEAVES, "grow_policy": "lossguide"}
    model = xgb.train({**settings, "max_depth": 0}, data, ROUNDS)
    del data
    shutil.rmtree(rows.folder)

    def say(frame: Any) -> np.ndarray:
        return model.predict(xgb.DMatrix(matrix(frame), feature_types=kinds, enable_categorical=True))

    return say


def sgd(files: list[Path], threads: int) -> Said:
    from scipy.sparse import csr_array, hstack
    from sklearn.linear_model import SGDRegressor
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    for X, _ in batches(files):
        scaler.partial_fit(X[:, :NUMBERS])

    def inputs(X: np.ndarray) -> Any:
        units = scaler.transform(X[:, :NUMBERS])
        words = []
        for k, count in enumerate(WORDS, NUMBERS):
            code = np.where(np.isnan(X[:, k]), count, X[:, k]).astype(int)
            words.append(csr_array((np.ones(len(X)), (np.arange(len(X)), code)), shape=(len(X), count + 1)))
        whole = hstack([csr_array(np.nan_to_num(units)), csr_array(np.isnan(units) * 1.0), *words]).tocsr()
        whole.indices, whole.indptr = whole.indices.astype(np.int32), whole.indptr.astype(np.int32)
        return whole

    model = SGDRegressor(random_state=0)
    for X, y in batches(files):
        model.partial_fit(inputs(X), y)
    return lambda frame: model.predict(inputs(matrix(frame)))


def ebm(files: list[Path], threads: int) -> Said:
    from interpret.glassbox import ExplainableBoostingRegressor  # pyright: ignore

    X, y = whole(files)
    kinds = ["continuous"] * NUMBERS + ["nominal"] * len(WORDS)
    model = ExplainableBoostingRegressor(feature_types=kinds, n_jobs=threads, random_state=0).fit(X, y)
    return lambda frame: model.predict(matrix(frame))


def edgewise(files: list[Path], threads: int) -> Said:
    import torch

    import edgewise as ew

    torch.set_num_threads(threads)
    return ew.KANRegressor().fit([str(file) for file in files], target="y").predict


def measured(peer: str, files: list[Path], threads: int) -> tuple[float, float, int, float]:
    """Seconds of the processor and of the wall clock, memory, and the loss on rows not learned from."""
    wall, before = time.perf_counter(), cpu()
    say = globals()[peer](files, threads)
    wall, spent, most = time.perf_counter() - wall, cpu() - before, peak()
    return spent, wall, most, judged(say, False)[0]


def cpu() -> float:
    """Seconds of the processor of this process and those that it started."""
    own = os.times()
    return own.user + own.system + own.children_user + own.children_system


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/large_peers.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the files are, or are to stay")
    common_options(parser, "twenty thousand rows")
    asked = parser.parse_args()
    run = Run("large_peers", asked.quick, None, asked.threads)
    print(f"# Other learners on large tables\n{machine(asked.threads)}\n")
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="edgewise-large-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        compare(run, folder, 20_000 if asked.quick else asked.rows, asked.peers, asked.threads)
    finally:
        if asked.folder is None:
            shutil.rmtree(folder)


def compare(run: Run, folder: Path, rows: int, peers: Sequence[str], threads: int) -> None:
    """Each peer that is installed, on the first so many rows."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        pool.apply(write, (folder, rows, False))
    files, held = list[Path](), 0
    for file in sorted(folder.glob("*.parquet")):
        if held < rows:
            files.append(file)
            held += pq.ParquetFile(file).metadata.num_rows
    report = Report(
        run,
        "peers",
        ["learner", "rows", "threads", "CPU s", "wall s", "peak MB", "loss"],
        [10, 10, 7, 8, 8, 8, 8],
    )
    for peer in peers:
        if find_spec(PEERS[peer]) is None:
            print(f"skipped: {PEERS[peer]} is not installed")
            continue
        with context.Pool(1) as pool:
            report.add(peer, held, threads, *pool.apply(measured, (peer, files, threads)))
        # What earlier runs have measured stays.
        new, report.rows = report.rows, [*report.earlier(2), *report.rows]
        report.save()
        report.rows = new


if __name__ == "__main__":
    main()
