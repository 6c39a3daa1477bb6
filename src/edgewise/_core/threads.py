"""How many threads torch and the BLAS libraries take."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from threadpoolctl import threadpool_limits

_HELD: ContextVar[bool] = ContextVar("edgewise_one_thread", default=False)


@contextmanager
def one_thread(small: bool = True) -> Generator[None, None, None]:
    """Hold torch and every BLAS pool to one thread while the block runs, then give back what there was.

    Small matrices are done before a second thread has woken up: sharing them takes several times as long, the more so
    beside other programs, and sums that are divided differently round differently.

    Parameters
    ----------
    small : bool
        Whether the work is of that kind; where it is not, nothing changes.

    Examples
    --------
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    if not small or _HELD.get():
        yield
        return
    before, token = torch.get_num_threads(), _HELD.set(True)
    try:
        # Pools of libraries that are loaded later, inside the block, stay as they are: import before entering.
        with threadpool_limits(limits=1):
            torch.set_num_threads(1)
            yield
    finally:
        _HELD.reset(token)
        torch.set_num_threads(before)
