"""Designs: the values of the input splines on all rows, in smooth coordinates (see `smooth_basis`), made once.

The first layer of every member of a bag, and the additive part, are one matrix product with them. The columns of one input
depend on its value alone: where it takes few, sums over rows become sums over values. Its rows are kept as a code for each
row and one row of the design for each code; the products of two inputs then go by the weights of their pairs of codes, and
by the rows themselves only where both take many values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk  # pyright: ignore[reportAttributeAccessIssue]
from torch import Tensor

from edgewise._core.seeds import derive, generator
from edgewise._core.work import charge
from edgewise.splines import BSpline, data_range, mass_grid, smooth_basis
from edgewise.training.common.costs import PASSED, PRODUCED, SPLINED

DEGREE = 3
# Rows that find the smooth coordinates of an input.
COORDINATE_ROWS = 20_000
ROWS_AT_ONCE = 2_048
# Numbers that are kept in double precision once rather than converted whenever they are read.
KEPT_NUMBERS = 25_000_000
# Values an input may take, and rows there must be for each of them: beyond, the rows themselves are as quick.
MOST_VALUES, ROWS_EACH = 256, 8

Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Design:
    """Input splines on the rows, in smooth coordinates.

    Attributes
    ----------
    breaks : Tensor, shape (I, G + 1), in network units
    maps : one (M, R_i) map a column, from smooth coordinates to coefficients
    shift, scale : Tensor, shape (I,), of the network units
    """

    breaks: Tensor
    maps: tuple[Tensor, ...]
    shift: Tensor
    scale: Tensor

    @property
    def owner(self) -> Tensor:
        """Input that each column of the design belongs to."""
        return torch.cat([torch.full((m.shape[1],), i) for i, m in enumerate(self.maps)])

    def coefficients(self, theta: Tensor) -> Tensor:
        """B-spline coefficients (I, M, O) of smooth coordinates (P, O), float64."""
        parts = theta.to(torch.float64).split([turn.shape[1] for turn in self.maps])
        return torch.stack([turn @ part for turn, part in zip(self.maps, parts, strict=True)])

    def rows(self, X: Tensor) -> Tensor:
        """The design of some rows, shape (n, P), float32."""
        parts: list[Tensor] = []
        for i, turn in enumerate(self.maps):
            basis = BSpline(self.breaks[i : i + 1], DEGREE)
            charge(SPLINED * len(X) * len(self.maps[i]))
            column = ((X[:, i] - self.shift[i]) / self.scale[i])[:, None]
            parts.append(
                torch.cat(
                    [(basis.values(part)[:, 0] @ turn).to(torch.float32) for part in column.split(65536)]
                )
            )
        return torch.cat(parts, 1)


def make_design(X: Tensor, weight: Tensor, intervals: int, power: float, seed: int) -> Design:
    """Grids where the rows are, and the smooth coordinates of every input."""
    low, high = data_range(X)
    shift, scale = (low + high) / 2, (high - low) / 2
    if len(X) > COORDINATE_ROWS:
        chosen = torch.randperm(len(X), generator=generator(derive(seed, 7201)))[:COORDINATE_ROWS]
        X, weight = X[chosen], weight[chosen]
    units = (X - shift) / scale
    # The ends are those of all rows.
    ends = torch.tensor([[-1.0], [1.0]], dtype=torch.float64).expand(2, len(shift))
    constant = low == X.max(0).values
    breaks = mass_grid(torch.cat([units, torch.where(constant, units[:1], ends)]), intervals)
    maps: list[Tensor] = []
    for i in range(len(shift)):
        charge(SPLINED * len(units) * breaks.shape[1])
        values = BSpline(breaks[i : i + 1], DEGREE).values(units[:, i : i + 1])[:, 0]
        maps.append(smooth_basis(values, weight, power))
    return Design(breaks, tuple(maps), shift, scale)


def smoother(design: Design, table: Tensor, most: Sequence[int]) -> tuple[Design, Tensor]:
    """The design with at most so many directions of each input, the smoothest; and its columns of a table (n, P)."""
    parts = table.split([turn.shape[1] for turn in design.maps], 1)
    maps = tuple(turn[:, :count] for turn, count in zip(design.maps, most, strict=True))
    return replace(design, maps=maps), torch.cat(
        [part[:, :count] for part, count in zip(parts, most, strict=True)], 1
    )


@dataclass(frozen=True, eq=False)
class Coded:
    """One input of few values.

    Attributes
    ----------
    columns : Tensor, shape (P_i,)
        Its columns of the design.
    codes : array of int, shape (n,)
    values : Tensor, shape (L, P_i)
        Their entries for each code.
    """

    columns: Tensor
    codes: Codes
    values: Tensor

    def summed(self, weight: NDArray[np.float64]) -> Tensor:
        """The sum of the weights of each code, (L,)."""
        return torch.from_numpy(np.bincount(self.codes, weight, len(self.values)))


@dataclass(frozen=True, eq=False)
class DesignMatrix:
    """Rows of a design, (n, P), as codes where that is quicker.

    Attributes
    ----------
    size : int
        Number of columns.
    coded : tuple of Coded
    columns : Tensor, shape (P_r,)
        The other columns.
    rest : Tensor, shape (n, P_r)
    """

    size: int
    coded: tuple[Coded, ...]
    columns: Tensor
    rest: Tensor

    def part(self, rows: Tensor) -> DesignMatrix:
        """Some of the rows: numbers, or which."""
        chosen = rows.numpy()
        coded = tuple(Coded(item.columns, item.codes[chosen], item.values) for item in self.coded)
        return DesignMatrix(self.size, coded, self.columns, self.rest[rows])

    def times(self, theta: Tensor, power: int = 1) -> Tensor:
        """The design, or a power of each of its entries, times (P, D), (n, D)."""
        own = theta[self.columns]
        charge(PASSED * (self.rest.numel() + len(self.rest) * len(self.coded)))
        total = torch.cat(
            [_raised(chunk.to(torch.float64), power) @ own for chunk in self.rest.split(ROWS_AT_ONCE)]
        )
        for item in self.coded:
            total += (_raised(item.values, power) @ theta[item.columns])[torch.from_numpy(item.codes)]
        return total

    def pulled(self, slope: Tensor, power: int = 1) -> Tensor:
        """The transpose of the design, or of a power of each of its entries, times (n,), (P,)."""
        total = torch.zeros(self.size, dtype=torch.float64)
        charge(PASSED * (self.rest.numel() + len(self.rest) * len(self.coded)))
        for chunk, s in self._chunks(slope):
            total[self.columns] += _raised(chunk.to(torch.float64), power).T @ s
        for item in self.coded:
            total[item.columns] = _raised(item.values, power).T @ item.summed(slope.numpy())
        return total

    def gram(self, weight: Tensor) -> Tensor:
        """R^T diag(weight) R, (P + 1, P + 1), for the rows R of the design with a one behind each."""
        gram = torch.zeros(self.size + 1, self.size + 1, dtype=torch.float64)
        gram[-1, :-1] = gram[:-1, -1] = self.pulled(weight)
        gram[-1, -1] = weight.sum()
        own = len(self.columns)
        # Half of a symmetric product, by the BLAS routine for it: torch has none.
        half = np.zeros((own, own), order="F")
        sums = [torch.zeros(len(item.values), own, dtype=torch.float64) for item in self.coded]
        begin = 0
        for chunk, w in self._chunks(weight):
            rows = chunk.to(torch.float64)
            if own:
                half = dsyrk(1.0, (rows * w.sqrt()[:, None]).numpy().T, beta=1.0, c=half, overwrite_c=1)
                weighed = rows * w[:, None]
                for item, total in zip(self.coded, sums, strict=True):
                    total.index_add_(0, torch.from_numpy(item.codes[begin : begin + len(w)]), weighed)
            begin += len(w)
            charge(len(w) * own * (PASSED * (1 + len(self.coded)) + PRODUCED * own))
        whole = torch.from_numpy(np.ascontiguousarray(half))
        gram[self.columns[:, None], self.columns] = whole + whole.triu(1).T
        numbers = weight.numpy()
        for n, one in enumerate(self.coded):
            alone = one.values.T @ (one.summed(numbers)[:, None] * one.values)
            gram[one.columns[:, None], one.columns] = alone
            _place(gram, one.columns, self.columns, one.values.T @ sums[n])
            for other in self.coded[:n]:
                charge(PASSED * len(numbers))
                many = len(other.values)
                pairs = np.bincount(one.codes * many + other.codes, numbers, len(one.values) * many)
                table = torch.from_numpy(pairs).reshape(-1, many)
                _place(gram, one.columns, other.columns, one.values.T @ table @ other.values)
        return gram

    def _chunks(self, weight: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        return zip(self.rest.split(ROWS_AT_ONCE), weight.split(ROWS_AT_ONCE), strict=True)


def _raised(values: Tensor, power: int) -> Tensor:
    # The first power would copy the whole table.
    return values if power == 1 else values**power


def _place(gram: Tensor, rows: Tensor, columns: Tensor, block: Tensor) -> None:
    gram[rows[:, None], columns] = block
    gram[columns[:, None], rows] = block.T


def design_matrix(table: Tensor, owner: Tensor) -> DesignMatrix:
    """A design (n, P) whose columns belong to inputs (P,), as codes where an input takes few values."""
    coded = list[Coded]()
    most = min(MOST_VALUES, len(table) // ROWS_EACH)
    for i in torch.unique(owner):
        columns = (owner == i).nonzero()[:, 0]
        charge(PASSED * table[:, columns].numel())
        codes_of = _coded(table[:, columns], columns, most)
        if codes_of is not None:
            coded.append(codes_of)
    taken = torch.zeros(table.shape[1], dtype=torch.bool)
    for item in coded:
        taken[item.columns] = True
    columns = (~taken).nonzero()[:, 0]
    rest = table[:, columns]
    if rest.numel() <= KEPT_NUMBERS:
        rest = rest.to(torch.float64)
    return DesignMatrix(table.shape[1], tuple(coded), columns, rest)


def _coded(block: Tensor, columns: Tensor, most: int) -> Coded | None:
    # For most inputs a few rows show that they take many values.
    if len(torch.unique(block[: 4 * most], dim=0)) > most or most < 1:
        return None
    mark = torch.linspace(1.0, 2.0, block.shape[1], dtype=torch.float64)
    keys = (block.to(torch.float64) * mark).sum(1).numpy()
    _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
    if len(first) > most:
        return None
    values = block[torch.from_numpy(first)]
    # Equal keys of unequal rows would be a coincidence; it is looked for all the same.
    if not torch.equal(values[torch.from_numpy(codes)], block):
        return None
    return Coded(columns, codes.astype(np.int64), values.to(torch.float64))
