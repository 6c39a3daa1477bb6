"""The same rows give the same bits, whatever the clock, the threads and the hashes of strings do."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgewise.symbolic import find_formula, one_variable

X = np.random.default_rng(5).uniform(-1, 1, (80, 2))
Y = np.sin(3 * X[:, 0] * np.exp(X[:, 1])) + np.tanh(X[:, 0] - X[:, 1] ** 2)


def bits() -> dict[str, object]:
    """All digits of what is found: by the structure of eighty rows, from networks on eleven, on a curve."""
    found: dict[str, object] = {}
    for rows, work in ((80, 0.002), (11, 0.005)):
        result = find_formula(X[:rows], Y[:rows], work=work)
        told = {**result.to_dict(), "seconds": None}
        weights = b"" if result.network is None else result.network.predict(X).tobytes()
        found[f"{rows} rows"] = [json.dumps(told), hashlib.sha256(weights).hexdigest()]
        assert (result.network is not None) == (rows == 11)
    curve = one_variable(X[:, 0], Y, work=0.02)
    found["curve"] = [[repr(point.tree), point.residual] for point in curve]
    return found


@pytest.fixture(scope="module")
def reference() -> dict[str, object]:
    return bits()


@pytest.mark.slow
@pytest.mark.parametrize("speed", [0.1, 10.0])
def test_a_slower_or_faster_clock_changes_nothing(
    speed: float, reference: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks: dict[str, Callable[[], float]] = {
        name: getattr(time, name) for name in ("monotonic", "perf_counter", "process_time", "time")
    }
    for name, clock in clocks.items():
        monkeypatch.setattr(time, name, lambda clock=clock: speed * clock())
    assert bits() == reference


@pytest.mark.slow
def test_another_process_with_other_hashes_and_threads_finds_the_same(reference: dict[str, object]) -> None:
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    surroundings = {**os.environ, "PYTHONHASHSEED": "2", **dict.fromkeys(names, "2")}
    there = subprocess.run(
        [sys.executable, str(Path(__file__))], env=surroundings, capture_output=True, text=True, check=True
    )
    assert json.loads(there.stdout) == json.loads(json.dumps(reference))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(bits()))
