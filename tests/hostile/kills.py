"""kill -9 at random moments: a fit with a checkpoint goes on to the same bits, and no file is ever left half written.

A fit runs in a forked child that is killed, perhaps several times, and is then started again until it ends. What it ends in
must equal, to the bit, what it ends in undisturbed. Command lines are killed as programs of their own; under the names of
their results there may be whole files or none.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import edgewise as ew
from edgewise.training.second_order import fit_state as checkpoint

from .children import answer
from .pool import ENVIRONMENT, ROOT

Random = np.random.Generator
TABLE = np.random.default_rng(0).uniform(-1, 1, (90, 2))
TARGET = np.sin(3 * TABLE[:, 0]) * TABLE[:, 1] + 0.05 * np.random.default_rng(1).normal(size=90)

FITS: dict[str, dict[str, Any]] = {
    "lm": {"intervals": [3, 6], "steps": 12, "starts": 2},
    "lm, sparse": {
        "intervals": [3, 6],
        "steps": 8,
        "sparsity": "auto",
        "sample_weight": np.linspace(1, 2, 90),
    },
    "lm, own validation": {"intervals": [3, 6], "steps": 12, "validation": (TABLE[:20], TARGET[:20])},
    "adam": {"method": "adam", "steps": 40},
    "lbfgs": {"method": "lbfgs", "steps": 60},
}


@dataclass(frozen=True)
class Kill:
    """One run that was killed: how often, how often that left something to go on from, and what was wrong afterwards."""

    what: str
    times: int
    kept: int
    wrong: str
    seconds: float


def fit_to(path: Path | None, settings: dict[str, Any]) -> str:
    """A digest of everything a fit ends in but its time; in a child, for it changes how often checkpoints are written."""
    # Every position is written, so that kills hit writing as well as computing.
    checkpoint.SECONDS_BETWEEN = 0.0
    result = ew.fit(ew.KAN([2, 2, 1], seed=0), TABLE, TARGET, seed=1, checkpoint=path, **settings)
    told = [(r.phase, r.step, r.loss, r.validation, r.intervals) for r in result.history]
    digest = hashlib.sha256(
        repr((told, result.stop_reason, result.train_error, result.validation_error)).encode()
    )
    for name, tensor in sorted(result.network.state_dict().items()):
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def kill_fit(name: str, random: Random, times: int = 2) -> Kill:
    """Kill a fit at random moments and let it end."""
    began = time.monotonic()
    settings = FITS[name]
    expected = answer(lambda: fit_to(None, settings))
    usual = time.monotonic() - began
    with tempfile.TemporaryDirectory(prefix="killed-") as place:
        path = Path(place) / "fit.checkpoint"
        killed, kept = 0, 0
        for _ in range(times):
            killed += answer(lambda: fit_to(path, settings), random.uniform(0, usual)) is None
            kept += path.exists()
        got = answer(lambda: fit_to(path, settings))
        left = sorted(item.name for item in Path(place).iterdir() if not item.name.startswith("."))
    wrong = "" if got == expected else f"it ended in another result ({got!r:.200})"
    wrong = wrong or ("" if left == ["fit.checkpoint"] else f"it left {left}")
    return Kill(f"fit, {name}", killed, kept, wrong, time.monotonic() - began)


COMMANDS: dict[str, tuple[list[str], str]] = {
    "fit": (["fit", "t.csv", "--target", "y", "--work", "0.03", "--out", "o", "--force"], "o"),
    "predict to CSV": (["predict", "m.kan", "long.csv", "--out", "out.csv", "--force"], "."),
    "predict to Parquet": (["predict", "m.kan", "long.csv", "--out", "out.parquet", "--force"], "."),
    "export": (["export", "m.kan", "--out", "m.c", "--force"], "."),
}


def kill_command(name: str, random: Random, usual: float | None = None) -> Kill:
    """Kill a command at a random moment; then run it to its end over what was left."""
    began = time.monotonic()
    arguments, _ = COMMANDS[name]
    with tempfile.TemporaryDirectory(prefix="killed-") as place:
        folder = Path(place)
        rows = [f"{a},{b},{c}" for (a, b), c in zip(TABLE, TARGET, strict=True)]
        (folder / "t.csv").write_text("x1,x2,y\n" + "\n".join(rows))
        (folder / "long.csv").write_text("x1,x2\n" + "0.25,-0.5\n" * 20_000)
        ew.save(ew.KAN([2, 3, 1], seed=0), folder / "m.kan")
        if usual is None:
            start = time.monotonic()
            _run(arguments, folder).wait()
            usual = time.monotonic() - start
            for path in [
                *folder.rglob("*.kan"),
                *folder.rglob("out.*"),
                *folder.rglob("*.html"),
                *folder.rglob("m.[ch]"),
            ]:
                if path.name != "m.kan":
                    path.unlink()
        program = _run(arguments, folder)
        # Files are written at the end, so most of the moments lie there.
        after = usual * float(random.beta(3, 1.2))
        try:
            program.wait(timeout=after)
            killed = 0
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
            killed = 1
        wrong = partial(folder)
        code = _run(arguments, folder).wait()
        wrong = wrong or ("" if code == 0 else f"afterwards it left with code {code}") or partial(folder)
    return Kill(f"command, {name}", killed, 0, wrong, time.monotonic() - began)


def partial(folder: Path) -> str:
    """What is wrong with the files under the names of results."""
    for path in folder.rglob("*"):
        if path.name.startswith(".") or not path.is_file():
            continue
        try:
            if path.suffix == ".kan":
                ew.load(path)
            elif path.name == "out.csv":
                assert path.read_text().count("\n") == 20_001
            elif path.suffix == ".parquet":
                assert ew.read_table(path).n_rows == 20_000
            elif path.suffix == ".html":
                assert path.read_text().rstrip().endswith("</html>")
            elif path.suffix in (".c", ".h"):
                assert path.read_text().rstrip().endswith(("}", "#endif", "*/"))
        except (ew.EdgewiseError, AssertionError) as error:
            return f"{path.name} is not whole: {error}"
    return ""


def _run(arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "edgewise.cli", *arguments],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def run(count: int, seed: int, tell: Callable[[Kill], Any]) -> list[Kill]:
    """`count` runs that are killed, seven in ten of them fits; each is told of as it ends."""
    random = np.random.default_rng(seed)
    done: list[Kill] = []
    fits, commands = list(FITS), list(COMMANDS)
    for k in range(count):
        made = (
            kill_fit(fits[k % len(fits)], random)
            if k % 10 < 7
            else kill_command(commands[k % len(commands)], random)
        )
        done.append(made)
        tell(made)
    return done
