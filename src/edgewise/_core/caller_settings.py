"""What the caller has set for all of numpy and torch, and what our entry points need instead while they run.

Training within `torch.no_grad()` is no inference; numbers that leave the range of floats on the way are judged by what they
give, so that numpy must not raise; and the same rows give the same bits whatever type torch makes new tensors of.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from functools import wraps
from threading import Lock
from typing import Any, Literal, ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
T = TypeVar("T")


def own_settings(function: Callable[P, T]) -> Callable[P, T]:
    """A function that is called from outside, with gradients, single precision and no floating-point errors of its own.

    Examples
    --------
    >>> import torch
    >>> with torch.inference_mode():
    ...     own_settings(torch.is_grad_enabled)()
    True
    >>> with np.errstate(all="raise"):
    ...     own_settings(np.geterr)()["over"]
    'warn'
    """

    @wraps(function)
    def runs(*arguments: P.args, **options: P.kwargs) -> T:
        with ExitStack() as stack:
            stack.enter_context(_without_raising())
            # Who has not loaded torch has set nothing there, and is not made to wait for it.
            torch = sys.modules.get("torch")
            if torch is not None:
                stack.enter_context(_SINGLE.precision(torch))
                if not torch.is_grad_enabled():
                    stack.enter_context(torch.inference_mode(False))  # which switches gradients on as well
            return function(*arguments, **options)

    return runs


def _without_raising() -> np.errstate:
    """numpy as it comes, but silent where the caller has silenced it."""
    now: Any = np.geterr()

    def kept(kind: str) -> Literal["ignore", "warn"]:
        return "ignore" if now[kind] == "ignore" else "warn"

    return np.errstate(divide=kept("divide"), over=kept("over"), under="ignore", invalid=kept("invalid"))


class _Single:
    """Single precision as torch's default for as long as any of our calls runs: the default is one for all threads."""

    def __init__(self) -> None:
        self._lock, self._calls = Lock(), 0
        self._before: Any = None

    @contextmanager
    def precision(self, torch: Any) -> Generator[None]:
        with self._lock:
            if not self._calls:
                self._before = torch.get_default_dtype()
                torch.set_default_dtype(torch.float32)
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1
                if not self._calls:
                    torch.set_default_dtype(self._before)


_SINGLE = _Single()
