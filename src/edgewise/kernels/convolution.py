"""Convolutions whose every weight is a function of one variable, on the maps of an edge layer, a tile at a time.

There are two ways to do it. *Gathered*, each place of the output reads its patch, so that the functions of an input are
evaluated once for every patch it lies in. *Spread*, every input gives what it adds to each place it reaches, as one layer
with kernel places times outputs, and the parts are added up: a third to a ninth of the work for kernels of 3 and 3 x 3. It
wants one grid a channel and, for strides beyond 1, computes what nobody asked for, so that `gathers` weighs the two.

Either holds the parts of one tile only, forward and backward; the second derivative alone goes by the whole.
Pictures are (N, H, W, C) here, the memory that torch calls channels_last.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from edgewise.kernels import trilinear
from edgewise.kernels.backends import watched
from edgewise.kernels.patches import Window, apart, blocks, merge, of_rows, patches, split, together
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline

# Numbers of a tile: about what the second cache holds.
TILE = 1 << 18
# What evaluating the live functions of an input costs, and moving one number of a tile, in multiply-adds.
EVALUATING, MOVING = 32, 3


def convolve(
    basis: Basis, x: Tensor, coef: Tensor, base: Tensor | None, window: Window, one_grid: bool = False
) -> Tensor:
    """Sum of the functions of all inputs below the kernel, at each of its positions.

    Parameters
    ----------
    basis : Basis
        For the J = C / groups * kernel places inputs of a patch, channel by channel.
    x : Tensor, shape (N, H, W, C)
    coef : Tensor, shape (J, M, O)
    base : Tensor, shape (J, O), optional
        Weights of the base function silu.
    window : Window
    one_grid : bool
        Whether the functions of a channel are the same at every place of the kernel.

    Returns
    -------
    Tensor, shape (N, H', W', O)
        Differentiable to any order in x, coef and base.
    """
    if watched(x, coef):
        return by_patches(basis, x, coef, base, window)
    return Convolution.apply(basis, one_grid, window, x.contiguous(), coef, base)  # type: ignore[no-any-return]


def by_patches(basis: Basis, x: Tensor, coef: Tensor, base: Tensor | None, window: Window) -> Tensor:
    """`convolve` as one layer on all patches at once: what tracers, transforms and second derivatives go by."""
    y = trilinear.spline_sum(
        basis, patches(x, window), split(coef, window), 0, None if base is None else split(base, window)
    )
    return y.transpose(0, 1).reshape(x.shape[0], *window.out(x.shape[1], x.shape[2]), coef.shape[-1])


def gathers(x: Tensor, live: int, outputs: int, window: Window) -> bool:
    """Whether reading patches costs less than spreading inputs, by their counts of work on a group."""
    count, places, inputs = len(x), window.places, x.shape[-1] // window.groups
    own = outputs // window.groups
    down, across = window.out(x.shape[1], x.shape[2])
    gathered = count * down * across * places * inputs * (EVALUATING + live * own + MOVING)
    spread = x[..., 0].numel() * (inputs * (EVALUATING + live * own * places) + places * own * MOVING)
    return window.stride != (1, 1) or gathered < spread


class Convolution(torch.autograd.Function):
    """Whole pictures, tile by tile."""

    @staticmethod
    def forward(
        ctx: Any,
        basis: Basis,
        one_grid: bool,
        window: Window,
        x: Tensor,
        coef: Tensor,
        base: Tensor | None,
    ) -> Tensor:
        ctx.basis, ctx.one_grid, ctx.window = basis, one_grid, window
        ctx.save_for_backward(x, coef, base)
        return _way(basis, one_grid, window, x, coef, base).forward()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (g,) = grads
        x, coef, base = ctx.saved_tensors
        needs = ctx.needs_input_grad[3:6]
        if torch.is_grad_enabled():
            y = by_patches(ctx.basis, x, coef, base, ctx.window)
            wanted = [t for t, need in zip((x, coef, base), needs, strict=True) if need]
            found = iter(torch.autograd.grad(y, wanted, g, create_graph=True))
            return None, None, None, *(next(found) if need else None for need in needs)
        way = _way(ctx.basis, ctx.one_grid, ctx.window, x, coef, base)
        dx, dc, dw = way.backward(g.contiguous(), needs[0], needs[1] or needs[2])
        return None, None, None, dx, dc, dw


def _way(
    basis: Basis, one_grid: bool, window: Window, x: Tensor, coef: Tensor, base: Tensor | None
) -> _Gathered | _Spread:
    live = basis.degree + 1 if isinstance(basis, BSpline) else basis.size
    if not one_grid or gathers(x, live, coef.shape[-1], window):
        return _Gathered(basis, window, x, coef, base)
    return _Spread(basis, window, x, coef, base)


class _Gathered:
    """Patches of a tile of outputs, place after place of the kernel and the channels of each side by side."""

    def __init__(self, basis: Basis, window: Window, x: Tensor, coef: Tensor, base: Tensor | None) -> None:
        places = window.places
        order = torch.arange(len(coef), device=x.device).view(-1, places).T.flatten()
        self.basis, self.window, self.x = of_rows(basis, order), window, x
        self.coef = split(coef[order], window)
        self.base = None if base is None else split(base[order], window)
        self.maps = trilinear.maps_of(basis, x)
        self.out = window.out(x.shape[1], x.shape[2])
        self.back = torch.argsort(order)

    def tiles(self) -> Iterator[tuple[slice, slice, Tensor]]:
        """Pictures and rows of the result, and the inputs below them with the zeros around."""
        (sh, _), (kh, _), (dh, _) = self.window.stride, self.window.kernel, self.window.dilation
        top, _, left, right = self.window.padding
        height = self.x.shape[1]
        row = self.out[1] * self.x.shape[3] * self.window.places
        for at, rows in blocks(len(self.x), self.out[0], row, TILE):
            first, last = rows.start * sh - top, (rows.stop - 1) * sh + (kh - 1) * dh + 1 - top
            inside = self.x[at, max(first, 0) : max(min(last, height), 0)]
            above = max(-first, 0) if last > 0 else last - first
            below = last - first - above - inside.shape[1]
            yield at, rows, F.pad(inside, (0, 0, left, right, above, below))

    def columns(self, tile: Tensor, rows: int) -> Tensor:
        """Patches (groups, N * rows * W', J)."""
        (kh, kw), (sh, sw), (dh, dw) = self.window.kernel, self.window.stride, self.window.dilation
        n, groups, (a, b, c, _) = len(tile), self.window.groups, tile.stride()
        own = tile.shape[3] // groups
        seen = tile.as_strided(
            (groups, n, rows, self.out[1], kh, kw, own), (own, a, sh * b, sw * c, dh * b, dw * c, 1)
        )
        return seen.reshape(groups, n * rows * self.out[1], kh * kw * own)

    def forward(self) -> Tensor:
        groups, outputs = self.window.groups, self.coef.shape[-1]
        y = self.x.new_empty(len(self.x), *self.out, groups * outputs)
        for at, rows, tile in self.tiles():
            columns = self.columns(tile, rows.stop - rows.start)
            part = self.maps.forward(self.basis, columns, None, self.coef, self.base, 0)
            y[at, rows].unflatten(-1, (groups, outputs)).copy_(together(part, y[at, rows].shape[:3]))
        return y

    def backward(self, g: Tensor, wants_x: bool, wants_coef: bool) -> _Gradients:
        (_, kw), (sh, sw), (dh, dw) = self.window.kernel, self.window.stride, self.window.dilation
        groups, places = self.window.groups, self.window.places
        own, left, height, width = self.x.shape[3] // groups, self.window.padding[2], *self.x.shape[1:3]
        dx = torch.zeros_like(self.x) if wants_x else None
        total = _Total(self, wants_coef)
        for at, rows, tile in self.tiles():
            count = rows.stop - rows.start
            columns, pulls = self.columns(tile, count), apart(g[at, rows], groups)
            found = total.add(columns, pulls, wants_x)
            if dx is None or found is None:
                continue
            dt = torch.zeros_like(tile).unflatten(-1, (groups, own))
            parts = found.view(groups, len(tile), count, self.out[1], places, own).movedim(0, -2)
            for k in range(places):
                i, j = k // kw * dh, k % kw * dw
                reached = dt[:, i : i + sh * (count - 1) + 1 : sh, j : j + sw * (self.out[1] - 1) + 1 : sw]
                reached += parts[:, :, :, k]
            first = rows.start * sh - self.window.padding[0]
            inner = slice(max(first, 0), max(min(first + tile.shape[1], height), 0))
            skipped = inner.start - first
            dx[at, inner] += dt.flatten(3)[
                :, skipped : skipped + inner.stop - inner.start, left : left + width
            ]
        dc, dw_ = total.coef, total.base
        back = self.back
        return (
            dx,
            None if dc is None else merge(dc)[back],
            None if dw_ is None or self.base is None else merge(dw_)[back],
        )


class _Spread:
    """What a tile of inputs gives to every place of the kernel; strides are 1. Zeros around are computed once for all."""

    def __init__(self, basis: Basis, window: Window, x: Tensor, coef: Tensor, base: Tensor | None) -> None:
        self.window, self.x = window, x
        self.own = x.shape[3] // window.groups
        self.per_group = coef.shape[-1] // window.groups
        self.basis = of_rows(basis, torch.arange(0, len(coef), window.places, device=x.device))
        self.coef = self._wide(split(coef, window))
        self.base = None if base is None else self._wide(split(base, window)[:, :, None])[:, :, 0]
        self.maps = trilinear.maps_of(basis, x)
        self.out = window.out(x.shape[1], x.shape[2])

    def _wide(self, coef: Tensor) -> Tensor:
        """(groups, channels * places, M, O) to (groups, channels, M, places * O)."""
        wide = coef.unflatten(1, (self.own, self.window.places)).movedim(2, 3)
        return wide.flatten(3).contiguous()

    def _narrow(self, wide: Tensor) -> Tensor:
        return wide.unflatten(3, (self.window.places, -1)).movedim(3, 2).flatten(1, 2)

    def tiles(self) -> Iterator[tuple[slice, slice]]:
        row = self.x.shape[2] * self.window.places * self.per_group * self.window.groups
        return blocks(len(self.x), self.x.shape[1], row, TILE)

    def inputs(self, at: slice, rows: slice) -> Tensor:
        """Inputs (groups, N * rows * W, channels), a view."""
        return apart(self.x[at, rows], self.window.groups)

    def overlaps(self, rows: slice) -> Iterator[tuple[int, slice, slice, slice, slice]]:
        """For each place of the kernel what it joins: rows and columns of the result, and those of the tile."""
        (_, kw), (dh, dw) = self.window.kernel, self.window.dilation
        top, _, left, _ = self.window.padding
        for k in range(self.window.places):
            down, across = top - k // kw * dh, left - k % kw * dw
            r0, r1 = max(0, rows.start + down), min(self.out[0], rows.stop + down)
            c0, c1 = max(0, across), min(self.out[1], self.x.shape[2] + across)
            if r0 < r1 and c0 < c1:
                r = slice(r0 - down - rows.start, r1 - down - rows.start)
                yield k, slice(r0, r1), slice(c0, c1), r, slice(c0 - across, c1 - across)

    def outside(self) -> Tensor | None:
        """Of each place of the kernel where it lies outside the picture, (H', W', places); None where it never does."""
        if not any(self.window.padding):
            return None
        outside = self.x.new_ones(*self.out, self.window.places)
        for k, r, c, *_ in self.overlaps(slice(0, self.x.shape[1])):
            outside[r, c, k] = 0
        return outside

    def zeros(self) -> Tensor:
        return self.x.new_zeros(self.window.groups, 1, self.own)

    def forward(self) -> Tensor:
        groups, per_group, outside = self.window.groups, self.per_group, self.outside()
        y = self.x.new_zeros(len(self.x), *self.out, groups * per_group)
        run = partial(self.maps.forward, self.basis)
        if outside is not None:
            nothing = run(self.zeros(), None, self.coef, self.base, 0).view(groups, -1, per_group)
            y += torch.einsum("hwk,gko->hwgo", outside, nothing).flatten(2)
        for at, rows in self.tiles():
            parts = run(self.inputs(at, rows), None, self.coef, self.base, 0)
            shape = (groups, *self.x[at, rows].shape[:3], self.window.places, per_group)
            parts, sums = parts.view(shape).movedim(0, -2), y[at].unflatten(-1, (groups, per_group))
            for k, r, c, tr, tc in self.overlaps(rows):
                sums[:, r, c] += parts[:, tr, tc, k]
        return y

    def backward(self, g: Tensor, wants_x: bool, wants_coef: bool) -> _Gradients:
        groups, per_group, outside = self.window.groups, self.per_group, self.outside()
        dx = torch.empty_like(self.x) if wants_x else None
        total = _Total(self, wants_coef)
        for at, rows in self.tiles():
            shape = self.x[at, rows].shape[:3]
            pulls = g.new_zeros(groups, *shape, self.window.places, per_group)
            over, seen = pulls.movedim(0, -2), g[at].unflatten(-1, (groups, per_group))
            for k, r, c, tr, tc in self.overlaps(rows):
                over[:, tr, tc, k] = seen[:, r, c]
            found = total.add(
                self.inputs(at, rows), pulls.view(groups, -1, self.window.places * per_group), wants_x
            )
            if dx is not None and found is not None:
                dx[at, rows].unflatten(-1, (groups, self.own)).copy_(together(found, shape))
        if outside is not None and wants_coef:
            sums = torch.einsum("hwk,hwgo->gko", outside, g.sum(0).unflatten(-1, (groups, per_group)))
            pulls = sums.reshape(groups, 1, -1)
            total.add(self.zeros(), pulls, False)
        dc, dw = total.coef, total.base
        return (
            dx,
            None if dc is None else merge(self._narrow(dc)),
            None if dw is None or self.base is None else merge(self._narrow(dw[:, :, None])[:, :, 0]),
        )


_Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]


class _Total:
    """Gradients of the functions, added up over tiles."""

    def __init__(self, way: _Gathered | _Spread, wants_coef: bool) -> None:
        self.way, self.wants_coef = way, wants_coef
        self.coef: Tensor | None = None
        self.base: Tensor | None = None

    def add(self, x: Tensor, g: Tensor, wants_x: bool) -> Tensor | None:
        """The gradient in the inputs of the tile."""
        maps, basis, coef, base = self.way.maps, self.way.basis, self.way.coef, self.way.base
        if not self.wants_coef:
            return maps.grad_input(basis, x, coef, base, g, 1)
        dx = None
        if wants_x:
            dx, dc, dw = maps.backward(basis, x, None, coef, base, g, 0)
        else:
            dc, dw = maps.grad_coef(basis, x, None, g, base is not None, 0)
        self.coef = dc if self.coef is None else self.coef.add_(dc)
        if dw is not None:
            self.base = dw if self.base is None else self.base.add_(dw)
        return dx
