"""A glass box over tables larger than memory: time, memory and held-out loss.

    python benchmarks/large.py --rows 2000000 [--task classification] [--mode additive] [--threads 2] [--folder FOLDER]

writes Parquet files of sixteen numbers and four columns of 5 to 1,000 words (eight curves, three interactions, noise, two
cells in a hundred missing), 140 bytes a row, and fits to them. In a folder that is given, files and sums stay: a run that
was broken off goes on there. Losses are of 100,000 rows more. Times are of the processor, all threads together, since a
machine may be busy with other things; the wall clock stands beside them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from _common import Report, Run, common_options, machine
from large_data import judged, peak, write

import edgewise as ew


def fitted(folder: Path, classify: bool, mode: str, threads: int) -> tuple[Any, dict[str, list[float]]]:
    """A model of the files of a folder, and the seconds of the processor at which each batch of each pass was done."""
    passes: dict[str, list[float]] = {}

    def note(record: ew.training.Record) -> None:
        passes.setdefault(record.phase, [time.process_time()]).append(time.process_time())

    torch.set_num_threads(threads)
    kind = ew.KANClassifier if classify else ew.KANRegressor
    model = kind(mode=mode, callbacks=note)
    return model.fit(str(folder / "*.parquet"), target="y", checkpoint=folder / "passes"), passes


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/large.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--task", choices=["regression", "classification"], default="regression")
    parser.add_argument("--mode", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the files are, or are to stay")
    common_options(parser, "a hundred thousand rows")
    asked = parser.parse_args()
    rows, classify = 100_000 if asked.quick else asked.rows, asked.task == "classification"
    run = Run("large", asked.quick, None, asked.threads)
    print(f"# A glass box over large tables\n{machine(asked.threads)}\n")
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="edgewise-large-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        # By a process of its own, whose memory is not counted.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(write, (folder, rows, classify))
        size = sum(path.stat().st_size for path in folder.glob("*.parquet")) / 1e9
        before, wall, cpu = peak(), time.perf_counter(), time.process_time()
        model, passes = fitted(folder, classify, asked.mode, asked.threads)
        wall, cpu, most = time.perf_counter() - wall, time.process_time() - cpu, peak()
        report = Report(
            run,
            f"{asked.task}, {asked.mode}, {rows:,} rows",
            [
                "mode",
                "rows",
                "GB",
                "threads",
                "CPU s",
                "wall s",
                "peak MB",
                "MB before",
                "loss",
                "single",
                "best",
            ],
            [9, 10, 5, 7, 7, 7, 7, 9, 7, 7, 7],
        )
        say = (lambda X: model.predict_proba(X)[:, 1]) if classify else model.predict
        report.add(
            model.fit_.mode, rows, size, asked.threads, cpu, wall, most, before, *judged(say, classify)
        )
        spent = ", ".join(f"{name} {at[-1] - at[0]:.0f}" for name, at in passes.items())
        report.note(f"Seconds of the processor: {spent}. Pairs: {model.interactions_ or 'none'}.")
        report.save()
    finally:
        if asked.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
