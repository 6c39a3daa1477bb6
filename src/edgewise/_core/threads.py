"""How many threads torch and the BLAS libraries take."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import lru_cache

from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def _pools(modules: int) -> ThreadpoolController:
    """The pools that are loaded; looking for them takes milliseconds, and only a further module can bring others."""
    return ThreadpoolController()


class _Held:
    """The pools that a block holds, torch's too once it is loaded: who needs none does not wait for it."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack, self.pools, self.torch = stack, False, False

    def take(self) -> None:
        torch = sys.modules.get("torch")
        newly = torch is not None and not self.torch
        if newly or not self.pools:
            # Pools of libraries that are loaded later, inside the block, stay as they are: import before entering.
            self.stack.enter_context(_pools(len(sys.modules)).limit(limits=1))
            self.pools = True
        if torch is not None and newly:
            self.stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(1)
            self.torch = True


_HELD: ContextVar[_Held | None] = ContextVar("edgewise_one_thread", default=None)


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
    >>> import torch
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    """
    held = _HELD.get()
    if not small:
        yield
    elif held is not None:
        held.take()
        yield
    else:
        with ExitStack() as stack:
            held = _Held(stack)
            held.take()
            token = _HELD.set(held)
            try:
                yield
            finally:
                _HELD.reset(token)
