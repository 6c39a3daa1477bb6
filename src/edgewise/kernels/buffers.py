"""Large results in memory that was used before.

The C library gives allocations beyond some ten megabytes back to the system as soon as they are freed. A gradient that
is made anew at every step then costs a page fault for each of its pages, which takes longer than the arithmetic. Here its
memory waits for the next tensor of the same size, and is given back when it was not wanted for a while.
"""

from __future__ import annotations

import math
import mmap
import os
import threading
import weakref
from dataclasses import dataclass

import torch
from torch import Tensor

# glibc keeps freed blocks of up to 32 MiB by itself, other libraries less.
LARGE = 16 << 20
# A free block goes after so many requests for large memory that found it too small or too large.
PATIENCE = 16
_PRIVATE = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)


@dataclass(eq=False)
class _Free:
    """A block that nobody uses, and the number of requests it has waited."""

    memory: mmap.mmap
    waited: int = 0


class Pool:
    """Blocks of memory between their users.

    Examples
    --------
    >>> pool = Pool()
    >>> first = pool.empty((5 << 20,), torch.float32)
    >>> address = first.data_ptr()
    >>> del first
    >>> pool.empty((5 << 20,), torch.float32).data_ptr() == address
    True
    """

    def __init__(self) -> None:
        self._free: list[_Free] = []
        # A block may come back in the middle of a request, when the collector runs in its thread.
        self._lock = threading.RLock()

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A tensor on the processor with whatever numbers its memory holds."""
        count = math.prod(shape)
        size = count * dtype.itemsize
        if size < LARGE or not _PRIVATE:
            return torch.empty(shape, dtype=dtype, device="cpu")
        memory = self._take(size)
        view = memoryview(memory)
        tensor = torch.frombuffer(view, dtype=dtype, count=count).view(shape)
        # The tensor's storage holds the view, and nothing else does.
        weakref.finalize(view, self._give_back, memory).atexit = False
        return tensor

    def _take(self, size: int) -> mmap.mmap:
        with self._lock:
            found = next((block for block in self._free if len(block.memory) == size), None)
            for block in self._free:
                block.waited += 1
            self._free = [b for b in self._free if b is not found and b.waited <= PATIENCE]
        if found is not None:
            return found.memory
        memory = mmap.mmap(-1, size, flags=_PRIVATE)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            memory.madvise(mmap.MADV_HUGEPAGE)
        return memory

    def _give_back(self, memory: mmap.mmap) -> None:
        with self._lock:
            self._free.append(_Free(memory))

    def forget(self) -> None:
        """Start anew, as a forked child must: a thread that is not there may hold the lock."""
        self._free, self._lock = [], threading.RLock()


POOL = Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget)
