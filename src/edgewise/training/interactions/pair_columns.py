"""Columns that functions of one input or of a pair are made of, on all rows, and their normal equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._core.work import charge
from edgewise.training.bag.run import TableProblem
from edgewise.training.common.costs import PASSED, PRODUCED

# An input, or a pair of them.
Which = tuple[int, ...]

# Products of directions that a pair is given at first, and at most; so many times more are given where it uses them up.
_FIRST_PRODUCTS, _MOST_PRODUCTS, _GROWTH = 100, 1600, 2.5
# Rows for each pair of values from which the rows are summed up by these.
ROWS_EACH = 4


@dataclass(frozen=True, eq=False)
class ProductColumns:
    """Columns of one input or of a pair, by the values that occur.

    Attributes
    ----------
    places : Tensor, shape (P, 2)
        Columns of the design whose product each column is; of a single input both are the same, and stand for one.
    values : Tensor, shape (cells, P), float32
    codes : Tensor, shape (n,), or None
        Cell of each row; None where every row is a cell of its own.
    block : Tensor, shape (P,)
        Columns about as rough as each other in either input, from 0.
    level : Tensor, shape (blocks,)
        How rough the products of each block are, in octaves of both inputs together.
    """

    places: Tensor
    values: Tensor
    codes: Tensor | None
    block: Tensor
    level: Tensor

    def times(self, theta: Tensor) -> Tensor:
        """The columns times (P,), (n,)."""
        charge(PASSED * self.values.numel())
        out = self.values @ theta.to(torch.float32)
        return (out if self.codes is None else out[self.codes]).to(torch.float64)

    def pulled(self, slope: Tensor) -> Tensor:
        """The transpose of the columns times (n,), (P,)."""
        charge(PASSED * self.values.numel())
        return (self.values.T @ self._summed(slope).to(torch.float32)).to(torch.float64)

    def gram(self, weight: Tensor, rows: Tensor | None = None) -> Tensor:
        """Z^T diag(weight) Z of the columns Z, (P, P); of some of the rows."""
        if self.codes is None:
            values = self.values if rows is None else self.values[rows]
            size = weight if rows is None else weight[rows]
        else:
            values, size = self.values, self._summed(weight, rows)
        charge(PRODUCED * values.numel() * values.shape[1])
        whole = values * size.clamp(min=0).sqrt().to(torch.float32)[:, None]
        return (whole.T @ whole).to(torch.float64)

    def _summed(self, numbers: Tensor, rows: Tensor | None = None) -> Tensor:
        if self.codes is None:
            return numbers
        codes, numbers = (self.codes, numbers) if rows is None else (self.codes[rows], numbers[rows])
        return torch.zeros(len(self.values), dtype=torch.float64).index_add(0, codes, numbers)


class PairParts:
    """The parts of one problem and their normal equations, made when they are asked for.

    Parameters
    ----------
    problem : TableProblem
    most : sequence of int
        Directions of each input, after the constant, that pairs make use of.
    """

    def __init__(self, problem: TableProblem, most: Sequence[int]) -> None:
        self.problem, self.most = problem, most
        widths = [turn.shape[1] for turn in problem.design.maps]
        self.starts = torch.tensor([0, *widths]).cumsum(0).tolist()
        X = problem.rows.X
        self.codes = [torch.unique(X[:, i], return_inverse=True)[1] for i in range(X.shape[1])]
        self.folds = [(problem.fold == k).nonzero()[:, 0] for k in range(int(problem.fold.max()) + 1)]
        self.others = (problem.fold < 0).nonzero()[:, 0]
        self._parts = dict[Which, ProductColumns]()
        self._grams = dict[tuple[Which, int], tuple[Tensor, ...]]()
        self._room = problem.config.design_numbers

    def of(self, which: Which) -> ProductColumns:
        if which not in self._parts:
            single = len(which) == 1
            self._parts[which] = self._single(which[0]) if single else self._pair(which, _FIRST_PRODUCTS)
        return self._parts[which]

    def gram(self, which: Which, k: int, fold: int | None, bend: Tensor) -> Tensor:
        """Normal equations of output k without a fold, made with these curvatures (n,) when first asked for."""
        if (which, k) not in self._grams:
            part = self.of(which)
            folds = [part.gram(bend, rows) for rows in self.folds]
            whole = sum(folds, part.gram(bend, self.others))
            self._grams[which, k] = (whole, *folds)
        whole, *folds = self._grams[which, k]
        return whole if fold is None else whole - folds[fold]

    def grown(self, pair: Which) -> bool:
        """Give a pair rougher products behind those it has; False where there are none, or no room."""
        now = self.of(pair)
        count = len(now.places)
        if count >= min(_MOST_PRODUCTS, self._directions(pair[0]) * self._directions(pair[1])):
            return False
        if int((_GROWTH - 1) * count) * len(now.values) > self._room:
            return False
        self._room += now.values.numel()
        self._parts[pair] = self._pair(pair, int(_GROWTH * count))
        for key in [key for key in self._grams if key[0] == pair]:
            del self._grams[key]
        return True

    def _directions(self, i: int) -> int:
        return min(self.most[i], self.starts[i + 1] - self.starts[i] - 1)

    def _single(self, i: int) -> ProductColumns:
        own = torch.arange(self.starts[i] + 1, self.starts[i + 1])
        cells = self._cells((i,))
        table = self.problem.table if cells is None else self.problem.table[cells[0]]
        codes = None if cells is None else cells[1]
        return ProductColumns(
            torch.stack([own, own], 1),
            table[:, own],
            codes,
            torch.zeros_like(own),
            torch.zeros(1, dtype=torch.long),
        )

    def _pair(self, pair: Which, most: int) -> ProductColumns:
        i, j = pair
        a, b = self._directions(i), self._directions(j)
        cells = self._cells(pair)
        table = self.problem.table if cells is None else self.problem.table[cells[0]]
        most = max(1, min(most, _MOST_PRODUCTS, self._room // len(table)))
        at = smoothest(a, b, most)
        places = at + torch.tensor([self.starts[i], self.starts[j]])
        values = table[:, places[:, 0]] * table[:, places[:, 1]]
        self._room -= values.numel()
        return ProductColumns(places, values, None if cells is None else cells[1], *blocks(at))

    def _cells(self, which: Which) -> tuple[Tensor, Tensor] | None:
        """A row of each cell, and the cell of each row; None where cells are too many."""
        code = self.codes[which[0]]
        for i in which[1:]:
            code = code * (int(self.codes[i].max()) + 1) + self.codes[i]
        _, cell = torch.unique(code, return_inverse=True)
        count, rows = int(cell.max()) + 1, len(code)
        if ROWS_EACH * count > rows:
            return None
        first = torch.full((count,), rows).scatter_reduce(0, cell, torch.arange(rows), "amin")
        return first, cell


def smoothest(a: int, b: int, most: int = 200) -> Tensor:
    """Products of directions of two inputs, counted from 1, from smooth to rough: (products, 2)."""
    at = torch.cartesian_prod(torch.arange(1, a + 1), torch.arange(1, b + 1)).view(-1, 2)
    rough = at.prod(1) * (a + b + 1) + at.sum(1)
    return at[rough.argsort(stable=True)[:most]]


def blocks(at: Tensor) -> tuple[Tensor, Tensor]:
    """Which products (P, 2) of directions, from 1, belong together, and how rough each block is.

    Those belong together that are alike in floor(log2) of both; their sum is how rough they are. Blocks are numbered as they
    come, so that a longer list numbers its beginning alike.
    """
    octave = at.to(torch.float64).log2().add(1e-9).floor().long()
    _, own = torch.unique(octave, dim=0, return_inverse=True)
    count = int(own.max()) + 1
    first = torch.full((count,), len(own)).scatter_reduce(0, own, torch.arange(len(own)), "amin")
    order = first.argsort()
    return order.argsort()[own], octave.sum(1)[first[order]]
