"""Which measurements there are, and how each is run in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from edgewise._core.checks import check_choice
from edgewise.bench import derivatives, images, layers, memory, peers, roofline, small
from edgewise.bench.results import Comparison, NotMeasured
from edgewise.bench.settings import Settings

Finding = Comparison | NotMeasured
Measurement = Callable[[Settings], Iterator[Finding]]

JOBS: dict[str, dict[str, Measurement]] = {
    "layers": {
        "Linear + SiLU": layers.against_linear,
        "MLP, same parameters": layers.against_perceptron,
        "dense formulation": layers.against_dense,
    },
    "roofline": {"kernels": roofline.measure},
    "derivatives": {"Poisson step": derivatives.measure},
    "memory": {"edgewise": memory.edgewise, "dense formulation": memory.dense},
    "small": {"Adam": small.adam, "Levenberg-Marquardt": small.levenberg_marquardt},
    "images": {"MNIST": images.measure},
    "peers": {name: partial(peers.measure, name) for name in peers.PEERS},
}
TABLES = tuple(JOBS)
_SLOW = ("inkan-compiled",)
# Read when numpy, torch and their libraries are loaded, so before the process begins.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Job:
    """One measurement: a table and whom edgewise is compared with."""

    table: str
    name: str


def plan(
    tables: Iterable[str] | None = None, rivals: Iterable[str] | None = None, *, quick: bool = False
) -> tuple[Job, ...]:
    """The jobs of some tables, all by default.

    Parameters
    ----------
    tables : names of `TABLES`, optional
    rivals : names of other packages, optional
        All that are known by default; an empty list leaves them out.
    quick : bool
        Leave out by default what compiles for longer than it runs.

    Raises
    ------
    InputError
        For a table or package that is not known.

    Examples
    --------
    >>> plan(["memory"])
    (Job(table='memory', name='edgewise'), Job(table='memory', name='dense formulation'))
    """
    wanted = TABLES if tables is None else [check_choice(name, "only", TABLES) for name in tables]
    known = JOBS["peers"]
    usual = [name for name in known if not (quick and name in _SLOW)]
    chosen = usual if rivals is None else [check_choice(name, "peers", known) for name in rivals]
    return tuple(
        Job(table, name)
        for table in TABLES
        if table in wanted
        for name in JOBS[table]
        if table != "peers" or name in chosen
    )


def run(job: Job, settings: Settings) -> Iterator[Finding]:
    """Measure in a fresh process; findings as they come. A process that fails leaves a `NotMeasured` behind."""
    words = {"table": job.table, "name": job.name, "settings": _as_json(settings)}
    environment = os.environ | dict.fromkeys(_THREADS, str(settings.threads))
    with tempfile.TemporaryDirectory() as folder:  # some packages write files wherever they are
        process = subprocess.Popen(
            [sys.executable, "-m", "edgewise.bench.worker", json.dumps(words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=folder,
            text=True,
            start_new_session=True,  # Ctrl-C is for us: what was measured is to be kept
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                yield from_line(line)
            if process.wait():
                yield NotMeasured(job.table, job.name, _end(process.returncode))
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def measure(job: Job, settings: Settings) -> Iterator[Finding]:
    """The same in this process; an exception becomes a `NotMeasured`."""
    try:
        yield from JOBS[job.table][job.name](settings)
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())
        yield NotMeasured(job.table, job.name, words if len(words) <= 200 else f"{words[:197]}...")


def to_line(finding: Finding) -> str:
    """A finding as one line of JSON."""
    return json.dumps({type(finding).__name__: asdict(finding)})


def from_line(line: str) -> Finding:
    """What `to_line` wrote."""
    ((kind, fields),) = json.loads(line).items()
    return Comparison(**fields) if kind == "Comparison" else NotMeasured(**fields)


def settings_from(document: dict[str, Any]) -> Settings:
    """Settings that travelled as JSON."""
    fields: dict[str, Any] = document | {"data": Path(document["data"]) if document["data"] else None}
    return Settings(**fields)


def _as_json(settings: Settings) -> dict[str, Any]:
    return asdict(settings) | {"data": str(settings.data.resolve()) if settings.data else None}


def _end(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        name = signal.Signals(-code).name
        return f"its process was ended by {name}" + (" (too little memory?)" if name == "SIGKILL" else "")
    return f"its process ended with code {code}"
