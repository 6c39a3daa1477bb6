"""Training where the caller has switched gradients off: that is no inference."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def with_gradients(function: Callable[P, T]) -> Callable[P, T]:
    """A function that trains, within `torch.no_grad()` and `torch.inference_mode()` too.

    Examples
    --------
    >>> import torch
    >>> with torch.inference_mode():
    ...     with_gradients(torch.is_grad_enabled)()
    True
    """

    @wraps(function)
    def trains(*arguments: P.args, **options: P.kwargs) -> T:
        # Who has not loaded torch has switched nothing off, and is not made to wait for it.
        torch = sys.modules.get("torch")
        if torch is None or torch.is_grad_enabled():
            return function(*arguments, **options)
        with torch.inference_mode(False):  # which switches gradients on as well
            return function(*arguments, **options)

    return trains
