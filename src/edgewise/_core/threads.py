"""How many threads torch takes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread(small: bool = True) -> Generator[None, None, None]:
    """Hold torch to one thread while the block runs, then give back what there was.

    Small matrices are done before a second thread has woken up: sharing them takes several times as long.

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
    before = torch.get_num_threads()
    if not small or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
