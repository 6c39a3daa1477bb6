"""Pictures cut into patches, tiles and groups of channels; they are (N, H, W, C), which torch calls channels_last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline
from edgewise.splines.pieces import GridPieces


@dataclass(frozen=True)
class Window:
    """How a kernel moves over pictures.

    Attributes
    ----------
    kernel, stride, dilation : (int, int)
        Down and across.
    padding : (int, int, int, int)
        Rows above and below, columns left and right that count as zeros.
    groups : int
        Groups of channels; the outputs of one see no other's inputs.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1

    @property
    def places(self) -> int:
        """Number of places of the kernel."""
        return self.kernel[0] * self.kernel[1]

    def out(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the result."""
        top, bottom, left, right = self.padding
        sizes = (height + top + bottom, width + left + right)
        each = zip(sizes, self.kernel, self.dilation, self.stride, strict=True)
        down, across = ((size - d * (k - 1) - 1) // s + 1 for size, k, d, s in each)
        return down, across


def patches(x: Tensor, window: Window) -> Tensor:
    """The inputs of every output, (groups, N * H' * W', J)."""
    top, bottom, left, right = window.padding
    padded = F.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom))
    columns = F.unfold(padded, window.kernel, window.dilation, 0, window.stride)
    return columns.unflatten(1, (window.groups, -1)).permute(1, 0, 3, 2).flatten(1, 2)


def blocks(count: int, height: int, row: int, most: int) -> Iterator[tuple[slice, slice]]:
    """Pictures and rows of tiles of at most so many numbers: whole pictures together, or some rows of one."""
    rows = max(1, min(height, most // max(1, row)))
    step = max(1, most // max(1, row * height)) if rows == height else 1
    for n in range(0, count, step):
        for r in range(0, height, rows):
            yield slice(n, min(n + step, count)), slice(r, min(r + rows, height))


def apart(t: Tensor, groups: int) -> Tensor:
    """(N, H, W, groups * C) to (groups, N * H * W, C), a view where memory allows."""
    return t.reshape(-1, groups, t.shape[-1] // groups).transpose(0, 1)


def together(t: Tensor, shape: torch.Size) -> Tensor:
    """(groups, N * H * W, C) to (N, H, W, groups, C)."""
    return t.transpose(0, 1).unflatten(0, tuple(shape))


def split(coef: Tensor, window: Window) -> Tensor:
    """Functions (J, ..., O) to those of the groups (groups, J, ..., O / groups)."""
    # Counted from the front, as ONNX wants its dimensions.
    return coef.unflatten(-1, (window.groups, -1)).movedim(coef.dim() - 1, 0)


def merge(coef: Tensor) -> Tensor:
    """Back from `split`."""
    return coef.movedim(0, -2).flatten(-2)


def of_rows(basis: Basis, rows: Tensor) -> Basis:
    """The basis of some of the inputs, in this order."""
    if isinstance(basis, BSpline):
        assert basis.pieces is not None
        p = basis.pieces
        pieces = GridPieces(p.table[rows], p.origin[rows], p.width[rows], p.uniform)
        return BSpline(basis.breaks[rows], basis.degree, pieces)
    return replace(cast(Any, basis), grid=basis.grid[rows])
