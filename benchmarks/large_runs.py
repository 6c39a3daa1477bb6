"""Fits to large tables that are killed again and again, and fits by two workers.

    python benchmarks/large_runs.py [--rows 200000] [--mode additive] [--kills 20]

Tables are those of `large.py`. Each kill is a SIGKILL at a random moment of the seconds of the processor that a fit takes,
drawn anew until one hits it; the same call then goes on, and its model is compared bit by bit with that of a fit that nobody
disturbed. There is one pair at most, so that algebra does not take most of the time. Times of workers are of
their processors, since a machine may be busy with other things: rows a second are those of the dataset by the seconds that
the slower worker spends on rows.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _common import Report, Run, common_options, machine

import edgewise as ew
from edgewise.estimators import streamed
from edgewise.training.common.losses import Squared
from edgewise.training.first_order.epoch_optimizers import FirstOrderOptions
from edgewise.training.streaming.as_network import DeepSettings, first_network
from edgewise.training.streaming.checkpoints import Passes
from edgewise.training.streaming.descent import ShuffledRows, StreamedDescent

ROWS_OF_FILE = 100_000
STAGES = ("statistics", "single", "tables", "pairs", "deep")
ROW_GROUP = 25_000


def write(folder: Path, rows: int) -> None:
    """Files of the rows."""
    import pyarrow.parquet as pq
    from large_data import NOT_READ, table

    for k, begin in enumerate(range(0, rows, ROWS_OF_FILE)):
        part = table(min(ROWS_OF_FILE, rows - begin), k, False).drop_columns(list(NOT_READ))
        pq.write_table(part, folder / f"{k:04}.parquet", row_group_size=ROW_GROUP)


def fit(folder: Path, mode: str, checkpoint: Path | None) -> ew.KANRegressor:
    """A model of the files of a folder."""
    model = ew.KANRegressor(mode=mode, work="quick")
    return model.fit(str(folder / "*.parquet"), target="y", checkpoint=checkpoint)


def forked(
    folder: Path, mode: str, checkpoint: Path | None, to: Path, seconds: float | None
) -> tuple[int, float]:
    """Fit in a process of its own, which is killed after so many seconds of its own; how it ended, and its seconds."""
    child = os.fork()
    if child == 0:
        model = fit(folder, mode, checkpoint)
        numbers = (tensor.numpy().tobytes() for tensor in model.network_.state_dict().values())
        to.write_bytes(b"".join(numbers))
        os._exit(0)
    while True:
        done, status, used = os.wait4(child, 0 if seconds is None else os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
        # The clock of another process, as clock_getcpuclockid gives it.
        if seconds is not None and time.clock_gettime((~child << 3) | 2) > seconds:
            os.kill(child, signal.SIGKILL)
            seconds = None
        else:
            time.sleep(0.002)


def killed(folder: Path, mode: str, kills: int) -> tuple[int, int, float, str]:
    """How many fits were killed, how many of them ended in the same bits, seconds of one that was not, stages killed in."""
    whole, again, passes = folder / "whole", folder / "again", folder / "passes"
    code, seconds = forked(folder, mode, None, whole, None)
    assert code == 0
    draw, hit, same, stages = random.Random(0), 0, 0, Counter[str]()
    while hit < kills:
        shutil.rmtree(passes, ignore_errors=True)
        if forked(folder, mode, passes, again, draw.uniform(0, seconds))[0] == 0:
            continue
        hit += 1
        stages[
            next((stage for stage in STAGES if not (passes / f"{stage}.edgewise-pass").exists()), "after")
        ] += 1
        same += forked(folder, mode, passes, again, None)[0] == 0 and again.read_bytes() == whole.read_bytes()
    return hit, same, seconds, ", ".join(f"{stage} {count}" for stage, count in stages.items())


def work(folder: Path, mode: str, rank: int, workers: int) -> None:
    """One of so many workers: print the seconds of the processor in passes, and in all."""
    import torch.distributed as dist

    if workers > 1:
        dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=workers)
    spent = [0.0]

    def counted(own: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            begun = time.process_time()
            found = own(*given, **named)
            spent[0] += time.process_time() - begun
            return found

        return call

    Passes.run, StreamedDescent.run = counted(Passes.run), counted(StreamedDescent.run)
    begun = time.process_time()
    fit(folder, mode, None)
    print(json.dumps([spent[0], time.process_time() - begun]))


def timed(folder: Path, mode: str, workers: int) -> tuple[float, float]:
    """Seconds of the slower worker's processor in passes, and in all."""
    (folder / "meet").unlink(missing_ok=True)
    words = [sys.executable, __file__, "--mode", mode, "--folder", str(folder), "--workers", str(workers)]
    began = [
        subprocess.Popen([*words, "--rank", str(rank)], stdout=subprocess.PIPE, text=True)
        for rank in range(workers)
    ]
    told = [json.loads(popen.communicate()[0].splitlines()[-1]) for popen in began]
    return max(own[0] for own in told), max(own[1] for own in told)


def stepped(hidden: int, rows: int) -> float:
    """Rows a second of the processor that steps take of hidden nodes on twenty inputs, shuffling and AdamW included."""
    x = torch.rand(rows, 20, generator=torch.Generator().manual_seed(0)) * 2 - 1
    y = torch.sin(3 * x[:, :1] * x[:, 1:2])
    block = ShuffledRows(x, y, torch.zeros_like(y), torch.ones(rows, dtype=torch.float64))
    few = block.take(torch.arange(5_000))
    net = first_network(np.tile(np.linspace(-1, 1, 9), (20, 1)), DeepSettings(hidden=hidden), 1)
    options, passes = FirstOrderOptions(steps=1, batch=4_096), Passes(None, "", 10**9)
    run = StreamedDescent(net, lambda *_: iter([block] * 3), few, few, 3 * rows, Squared(), options, passes)
    begun = time.process_time()
    run.run()
    return 3 * rows / (time.process_time() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/large_runs.py", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--mode", default="additive")
    parser.add_argument("--kills", type=int, default=20, help="0 for none")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--rank", type=int, default=0, help=argparse.SUPPRESS)
    common_options(parser, "a tenth of the rows and two kills")
    asked = parser.parse_args()
    from edgewise.data.streaming import source
    from edgewise.training.streaming import fit as fitting

    # Small pieces, so that a small table has many of them.
    source.ROWS_OF_LEAF = source.ROWS_OF_BATCH = ROW_GROUP
    streamed.CHECKPOINT_ROWS, fitting.MOST_PAIRS = 2 * ROW_GROUP, 1
    if asked.folder is not None:
        work(asked.folder, asked.mode, asked.rank, asked.workers)
        return
    rows, kills = (asked.rows // 10, 2) if asked.quick else (asked.rows, asked.kills)
    run = Run("large_runs", asked.quick, None)
    print(f"# Large tables: killed, and shared\n{machine()}\n")
    folder = Path(tempfile.mkdtemp(prefix="edgewise-large-runs-"))
    try:
        # By another process: a fork must not find threads that it does not have.
        if (child := os.fork()) == 0:
            write(folder, rows)
            os._exit(0)
        os.waitpid(child, 0)
        if kills:
            report = Report(
                run,
                f"killed, {asked.mode}",
                ["mode", "rows", "killed", "same bits", "CPU s undisturbed", "killed in"],
                [9, 9, 6, 9, 17, 30],
            )
            report.add(asked.mode, rows, *killed(folder, asked.mode, kills))
            report.save()
        report = Report(
            run, f"workers, {asked.mode}", ["mode", "workers", "rows/CPU s", "CPU s in all"], [9, 7, 12, 12]
        )
        for workers in (1, 2):
            passes, whole = timed(folder, asked.mode, workers)
            report.add(asked.mode, workers, round(rows / passes), whole)
        report.save()
        report = Report(run, "steps", ["network", "rows/CPU s"], [12, 12])
        torch.set_num_threads(1)
        for hidden in (8, 16):
            report.add(f"[20,{hidden},1]", round(stepped(hidden, 20_000 if asked.quick else 262_144)))
        report.save()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
