"""Workers under limits: an attempt that takes too long, or takes its process with it, is a fault like any other."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import kinds
from .attempts import Outcome

ROOT = Path(__file__).parents[2]
# Attempts one worker carries out before a fresh one takes its place: a slow leak shall not look like a crash.
PER_WORKER = 400
# Seconds a worker may take to load its libraries on a machine with much other work.
STARTS = 1800.0
# The clock on the wall runs faster than the processor's on a shared machine.
PATIENCE = 3.0
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "agg",
}


class Worker:
    """One process; `ask` gives it an attempt."""

    def __init__(self, program: Sequence[str] = ("-m", "tests.hostile.worker")) -> None:
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])])
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self.process = subprocess.Popen(
            [sys.executable, *program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **ENVIRONMENT, "PYTHONPATH": path},
            cwd=ROOT,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()
        self.asked = 0
        try:
            started = self._line(STARTS) == "ready\n"
        except queue.Empty:
            started = False
        if not started:
            self.close()
            raise RuntimeError("A worker of the hostile attempts did not start.")

    def ask(self, name: str, seed: int) -> Outcome:
        """Carry out one attempt; a silent or dead worker is the outcome."""
        self.asked += 1
        limit = kinds.KINDS[name].limit * PATIENCE
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps([name, seed]) + "\n")
            self.process.stdin.flush()
            line = self._line(limit)
        except queue.Empty:
            self.process.kill()
            return Outcome(name, seed, "fault", f"hung: no answer within {limit:g} s", "", limit)
        except BrokenPipeError:
            line = ""
        if not line:
            code = self.process.wait()
            self.errors.seek(0)
            last = self.errors.read().decode("utf-8", "replace")[-2000:]
            return Outcome(name, seed, "fault", f"crashed with code {code}\n{last}", "", 0.0)
        return Outcome(**json.loads(line))

    @property
    def usable(self) -> bool:
        return self.process.poll() is None and self.asked < PER_WORKER

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self.listener.join()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            if stream is not None:
                with contextlib.suppress(OSError):  # what it was still to be told
                    stream.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def _line(self, limit: float) -> str:
        return self.lines.get(timeout=limit)


def run(attempts: Sequence[tuple[str, int]], workers: int, tell: Callable[[Outcome], Any]) -> list[Outcome]:
    """Carry out attempts in several workers; `tell` hears of each."""
    waiting: queue.Queue[tuple[str, int]] = queue.Queue()
    for attempt in attempts:
        waiting.put(attempt)
    done: list[Outcome] = []
    lock = threading.Lock()

    def work() -> None:
        worker: Worker | None = None
        while True:
            try:
                name, seed = waiting.get_nowait()
            except queue.Empty:
                break
            if worker is None or not worker.usable:
                if worker is not None:
                    worker.close()
                worker = Worker()
            outcome = worker.ask(name, seed)
            with lock:
                done.append(outcome)
                tell(outcome)
        if worker is not None:
            worker.close()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(done) < len(attempts):
        raise RuntimeError(f"{len(attempts) - len(done)} of {len(attempts)} attempts were not carried out.")
    return done
