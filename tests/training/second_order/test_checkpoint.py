"""Checkpoints: a fit that is killed goes on to the same bits."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest
import torch

from edgewise import FileError
from edgewise.network import KAN
from edgewise.training import FitResult, Record, fit
from edgewise.training.second_order import fit_state as checkpoint

from ...network.builders import state_bytes

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (80, 2))
Y = np.sin(3 * X[:, 0]) * X[:, 1] + RANDOM.normal(scale=0.05, size=80)


def run(path: pathlib.Path | None = None, y: Any = Y, **options: Any) -> FitResult:
    settings = {"intervals": [3, 6], "steps": 8, "starts": 2, "seed": 1, **options}
    return fit(KAN([2, 2, 1], seed=0), X, y, checkpoint=path, **settings)


def outcome(result: FitResult) -> tuple[Any, ...]:
    """Everything but the time."""
    told = [(r.phase, r.step, r.loss, r.validation, r.intervals) for r in result.history]
    return state_bytes(result.network), told, result.stop_reason, result.train_error, result.validation_error


@pytest.fixture(autouse=True)
def _every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN", 0.0)


def test_a_checkpoint_changes_nothing_and_keeps_the_end(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "fit.checkpoint"
    plain, kept = run(), run(path)
    assert outcome(plain) == outcome(kept)
    assert os.listdir(tmp_path) == ["fit.checkpoint"]
    # A finished fit is read back without a step.
    steps: list[Record] = []
    again = run(path, callbacks=[steps.append])
    assert outcome(again) == outcome(plain)
    assert not steps
    assert again.seconds >= kept.history[-1].seconds


@pytest.mark.parametrize("sparsity", [0.0, "auto"])
def test_a_fit_broken_off_at_any_step_goes_on_to_the_same_bits(tmp_path: pathlib.Path, sparsity: Any) -> None:
    plain = run(sparsity=sparsity)
    total = len(plain.history)
    for count in (1, total // 2, total - 1):
        path = tmp_path / f"{count}.checkpoint"
        broken = run(path, sparsity=sparsity, callbacks=[lambda r, count=count: r.step >= count])
        assert broken.stop_reason == "callback"
        assert outcome(run(path, sparsity=sparsity)) == outcome(plain)


@pytest.mark.slow
def test_a_fit_killed_at_any_moment_goes_on_to_the_same_bits(tmp_path: pathlib.Path) -> None:
    """kill -9, several times over, at moments that hit writing as well as computing."""
    np.savez(tmp_path / "table.npz", X=X, y=Y)
    script = textwrap.dedent(
        """
        import os, signal, sys, time
        import numpy as np
        from edgewise.network import KAN
        from edgewise.training import fit
        from edgewise.training.second_order import fit_state as checkpoint

        checkpoint.SECONDS_BETWEEN = 0.0
        table = np.load("table.npz")
        path, random = "killed.checkpoint", np.random.default_rng(0)

        def stamp():
            return os.stat(path).st_ino if os.path.exists(path) else None

        for writes in (1, 5, 17, 30, 3):
            child = os.fork()
            if child == 0:
                fit(KAN([2, 2, 1], seed=0), table["X"], table["y"], intervals=[3, 6], steps=8, starts=2, seed=1,
                    checkpoint=path)
                os._exit(0)
            seen, last = 0, stamp()
            while seen < writes and os.waitpid(child, os.WNOHANG) == (0, 0):
                time.sleep(1e-4)
                seen, last = seen + (stamp() != last), stamp()
            time.sleep(random.uniform(0, 0.01))
            try:
                os.kill(child, signal.SIGKILL)
                print(int(os.WIFSIGNALED(os.waitpid(child, 0)[1])))
            except (ProcessLookupError, ChildProcessError):
                print(0)
        """
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    killed = [int(line) for line in done.stdout.split()]
    assert len(killed) == 5
    assert sum(killed) >= 2, "most must be caught at work"
    assert outcome(run(tmp_path / "killed.checkpoint")) == outcome(run())


def test_a_checkpoint_of_another_fit_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "fit.checkpoint"
    run(path, steps=2)
    before = path.read_bytes()
    for options in ({"y": Y + 1}, {"seed": 2}, {"starts": 3}, {"loss": "huber"}, {"validation": 0.3}):
        with pytest.raises(FileError, match="belongs to a fit of other rows, settings or another network"):
            run(path, **{"steps": 2, **options})
    with pytest.raises(FileError, match="belongs to a fit of other"):
        fit(KAN([2, 2, 1], seed=5), X, Y, intervals=[3, 6], steps=2, starts=2, seed=1, checkpoint=path)
    with pytest.raises(FileError, match="does not hold a first-order fit"):
        run(path, method="adam", steps=2)
    assert path.read_bytes() == before
    run(path, steps=2)


def test_a_damaged_checkpoint_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "fit.checkpoint"
    run(path, steps=2)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for place in [*random.integers(8, len(whole), 20).tolist(), len(whole) - 1]:
        wrong = bytearray(whole)
        wrong[place] ^= 0x41
        path.write_bytes(bytes(wrong))
        with pytest.raises(FileError) as caught:
            run(path, steps=2)
        assert "\n" not in str(caught.value)
    for length in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(FileError):
            run(path, steps=2)


def test_a_checkpoint_with_a_foreign_position_is_refused(tmp_path: pathlib.Path) -> None:
    """Well formed, with a right checksum, but not what a fit writes."""
    from edgewise.network.container import read_container, write_container
    from edgewise.training.second_order.fit_state import KIND, _promised

    path = tmp_path / "fit.checkpoint"
    run(path, steps=2)
    document, tensors = read_container(path, KIND, _promised)
    for change in (
        {"scalars": {}},
        {"networks": []},
        {"history": [{"nonsense": 1}]},
        {"pool_errors": 3},
        {"edges": 5},
    ):
        write_container(path, json.loads(json.dumps({**document, **change})), tensors, overwrite=True)
        with pytest.raises(FileError, match="damaged"):
            run(path, steps=2)


def test_a_checkpoint_in_a_folder_that_is_not_there_is_told_at_once(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileError, match="folder does not exist"):
        run(tmp_path / "none" / "fit.checkpoint", steps=2)


def test_numbers_survive_to_the_bit() -> None:
    for value in (0.1, 1e-320, float("inf"), -0.0, 3, True, "round", float("nan")):
        back = checkpoint._value(json.loads(json.dumps(checkpoint._number(value))))
        assert type(back) is type(value)
        assert (
            torch.tensor(back).equal(torch.tensor(value))
            if isinstance(value, int)
            else repr(back) == repr(value)
        )
