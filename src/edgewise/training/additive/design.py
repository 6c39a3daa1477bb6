"""Designs: the values of the input splines on all rows, in smooth coordinates (see `smooth_basis`), made once.

The first layer of every member of a bag, and the additive part, are one matrix product with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise._core.seeds import derive, generator
from edgewise._core.work import charge
from edgewise.splines import BSpline, data_range, mass_grid, smooth_basis
from edgewise.training.common.costs import SPLINED

DEGREE = 3
# Rows that find the smooth coordinates of an input.
COORDINATE_ROWS = 20_000


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
