"""What the caller has set for all of numpy and torch changes no bit of what our entry points return, and stays as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from tests.tiers import slow

import edgewise as ew
from edgewise._core.caller_settings import own_settings
from edgewise.symbolic import find_formula

ROWS = np.random.default_rng(0)
X = ROWS.normal(size=(80, 2))
Y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2 + 0.05 * ROWS.normal(size=80)


@contextmanager
def _set(dtype: torch.dtype) -> Generator[None]:
    """The settings of a caller who wants every error raised, and tensors of another type."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with np.errstate(all="raise"):
            yield
            assert set(np.geterr().values()) == {"raise"}
            assert torch.get_default_dtype() is dtype
    finally:
        torch.set_default_dtype(before)


def _regressor(mode: str) -> Any:
    model = ew.KANRegressor(mode=mode, work=0.02, random_state=0).fit(X, Y)
    return model.predict(X)


def _classifier() -> Any:
    model = ew.KANClassifier(mode="additive", work=0.02, random_state=0).fit(X, Y > 0.5)
    return model.predict_proba(X)


def _formula() -> Any:
    found = find_formula(X, Y, work=0.02, seed=0)
    return [[formula.text, formula.error] for formula in found.front]


def _dynamics() -> Any:
    t = np.linspace(0, 8, 40)
    found = ew.dynamics.find_dynamics(t, 5 / (1 + 9 * np.exp(-1.2 * t)), names=["x"], work=0.05)
    return [str(found), *found.noise.values()]


def _solution() -> Any:
    (x,) = ew.pde.coordinates("x")
    u = ew.pde.unknown("u", x)
    box = ew.pde.box({x: (0, 1)})
    problem = ew.pde.Problem(
        box, [ew.pde.dx(u, x, 2) == ew.pde.sin(x)], [ew.pde.on(box.boundary["walls"], u == 0)]
    )
    return ew.pde.solve(problem, tolerance=1e-4)(np.linspace(0.1, 0.9, 5))


def _proof() -> Any:
    model = ew.KANRegressor(mode="additive", work=0.02, random_state=0).fit(X, Y)
    return str(ew.verify(model, "output < 100")).splitlines()[:2]


ENTRIES: dict[str, Callable[[], Any]] = {
    "additive": lambda: _regressor("additive"),
    "deep": lambda: _regressor("deep"),
    "auto": lambda: _regressor("auto"),
    "classifier": _classifier,
    "formula": _formula,
    "dynamics": _dynamics,
    "solution": _solution,
    "proof": _proof,
}
QUICK = ("classifier", "solution")


@pytest.mark.parametrize("entry", [*QUICK, *slow(*(item for item in ENTRIES if item not in QUICK))])
def test_settings_of_the_caller_change_no_bit(entry: str) -> None:
    plain = ENTRIES[entry]()
    for dtype in (torch.float64, torch.float16):
        with _set(dtype):
            found = ENTRIES[entry]()
        np.testing.assert_equal(found, plain)


def test_overlapping_calls_of_threads_leave_the_type_of_the_caller() -> None:
    inside, leave = threading.Event(), threading.Event()

    @own_settings
    def long() -> None:
        inside.set()
        leave.wait(10)

    with _set(torch.float64):
        thread = threading.Thread(target=long)
        thread.start()
        inside.wait(10)
        assert own_settings(torch.get_default_dtype)() is torch.float32
        leave.set()
        thread.join()
        assert torch.get_default_dtype() is torch.float64
