"""Shuffled minibatches, gathered block by block into memory that is used again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from edgewise._core.seeds import derive, generator
from edgewise.training.common.rows import TrainingRows

# Numbers gathered at once: enough to make the calls cheap for narrow rows, little enough to be still in the cache when a
# batch is read.
BLOCK = 1 << 18


class Batches:
    """Rows in a new order every epoch.

    Parameters
    ----------
    rows : TrainingRows
    size : int
        Most rows of a batch; batches differ by one row at most.
    seed : int
        Seed of the orders; that of an epoch depends on its number alone.

    Attributes
    ----------
    count, most : int
        Batches of an epoch, and most rows of one.
    device : torch.device
    """

    def __init__(self, rows: TrainingRows, size: int, seed: int) -> None:
        self.rows, self.seed, self.device = rows, seed, rows.X.device
        self.count = max(1, math.ceil(len(rows) / size))
        # Row weights of the whole sum to one; times the number of rows they average to one in a batch.
        self._columns = (rows.X, rows.y, rows.weight.to(torch.float64) * len(rows))
        self._ends = [round(k * len(rows) / self.count) for k in range(self.count + 1)]
        self.most = math.ceil(len(rows) / self.count)
        self._at_once = max(1, BLOCK // (self.most * max(1, rows.X.shape[1])))
        most = max(
            self._ends[min(k + self._at_once, self.count)] - self._ends[k]
            for k in range(0, self.count, self._at_once)
        )
        self._buffers = [column.new_empty((most, *column.shape[1:])) for column in self._columns]

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Inputs, targets and weights (float64, one on average) of every batch; they are gone when the next is asked for."""
        random = generator(derive(self.seed, 7101, number))
        order = torch.randperm(len(self.rows), generator=random).to(self.device)
        for first in range(0, self.count, self._at_once):
            ends = self._ends[first : first + self._at_once + 1]
            index = order[ends[0] : ends[-1]]
            gathered = [buffer[: len(index)] for buffer in self._buffers]
            for column, into in zip(self._columns, gathered, strict=True):
                torch.index_select(column, 0, index, out=into)
            for start, end in pairwise(ends):
                x, y, weight = (column[start - ends[0] : end - ends[0]] for column in gathered)
                yield x, y, weight
