# pyright: basic, reportMissingImports=false, reportGeneralTypeIssues=false
# ruff: noqa: E741
"""The trilinear maps as Triton programs.

Triton's language is compiled rather than run, so strict types have no meaning here. Two formulations share one basis:

- *gather*: a tile of rows times outputs fetches, for every input, the k + 1 live coefficient rows of each of its rows;
- *dense*: the basis functions of a few inputs are spread over a small tile, and a matrix unit multiplies it.

Whatever the formulation, a basis function is evaluated only where it is live, every number of the result belongs to one
program, and rows are summed in a fixed order: no atomics, so equal input gives equal bits.

In all kernels `net * grid_net + i` is the number of a grid, where grid_net is I if each network has its own and 0 otherwise.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _locate(x, breaks, G, STEPS: tl.constexpr, UNIFORM: tl.constexpr):
    """Piece of x: 0 left of the grid, 1..G inside (the last break included), G + 1 right of it, and for NaN."""
    start, stop = tl.load(breaks), tl.load(breaks + G)
    if UNIFORM:
        place = (x - start) / (stop - start) * G
        place = tl.where(place > 0, place, 0.0)  # NaN, too
        cell = tl.where(place < G - 1, place, G - 1.0).to(tl.int32)
        # Rounding can miss by one; the breaks themselves decide.
        cell -= ((x < tl.load(breaks + cell)) & (cell > 0)).to(tl.int32)
        cell += ((x >= tl.load(breaks + cell + 1)) & (cell < G - 1)).to(tl.int32)
    else:
        cell = tl.zeros_like(x).to(tl.int32)
        high = cell + G
        for _ in tl.static_range(STEPS):
            middle = (cell + high) // 2
            right = x >= tl.load(breaks + middle)
            cell, high = tl.where(right, middle, cell), tl.where(right, high, middle)
    return tl.where(x < start, 0, tl.where(x <= stop, cell + 1, G + 1))


@triton.jit
def _place(
    x, slot, breaks, table, origin, width, G,
    DEGREE: tl.constexpr, ORDER: tl.constexpr, UNIFORM: tl.constexpr, STEPS: tl.constexpr,
):  # fmt: skip
    """First live function, coordinate on the piece, 1 / width^order and the piece's rows of the table."""
    piece = _locate(x, breaks + slot * (G + 1), G, STEPS, UNIFORM)
    first = tl.where(piece < 1, 0, tl.where(piece > G, G - 1, piece - 1))
    at = slot * (G + 2) + piece
    w = tl.load(width + at)
    u = (x - tl.load(origin + at)) / w
    scale = w * 0 + 1
    for _ in tl.static_range(ORDER):
        scale = scale / w
    return first, u, scale, table + at * ((DEGREE + 1) * (DEGREE + 1))


@triton.jit
def _live(m, u, scale, rows, DEGREE: tl.constexpr, ORDER: tl.constexpr):
    """Derivative of live function m. Powers above the first see u clamped to the interval: the tails have none."""
    inside = tl.where(u < 0, 0.0, tl.where(u > 1, 1.0, u))
    total, beyond = inside * 0, inside * 0
    for s in tl.static_range(DEGREE + 1 - ORDER):
        factor = 1.0
        for q in tl.static_range(ORDER):
            factor = factor * (DEGREE - s - q)
        power = tl.load(rows + m * (DEGREE + 1) + (DEGREE - s))
        total = total * inside + factor * power
        if ORDER == 0 and s == DEGREE - 1:
            beyond = power * (u - inside)
    return (total + beyond) * scale


@triton.jit
def _design(
    x, weight, slot, breaks, table, origin, width, G, column,
    DEGREE: tl.constexpr, ORDER: tl.constexpr, UNIFORM: tl.constexpr, STEPS: tl.constexpr,
):  # fmt: skip
    """Weighted functions `column` (C,) of x (R, N) as a tile (R, N, C)."""
    first, u, scale, rows = _place(x, slot, breaks, table, origin, width, G, DEGREE, ORDER, UNIFORM, STEPS)
    number = column[None, None, :] - first[:, :, None]
    tile = number * tl.zeros_like(x)[:, :, None]
    for m in tl.static_range(DEGREE + 1):
        value = _live(m, u, scale, rows, DEGREE, ORDER) * weight
        tile = tl.where(number == m, value[:, :, None], tile)
    return tile


@triton.jit
def forward_gather(
    y, x, v, coef, breaks, table, origin, width,
    E, B, I, O, G, row_tiles, span, grid_net, x_net, x_row, x_col, v_net, v_row, v_col, coef_net,
    DEGREE: tl.constexpr, ORDER: tl.constexpr, UNIFORM: tl.constexpr, STEPS: tl.constexpr, WEIGHTED: tl.constexpr,
    BLOCK_B: tl.constexpr, BLOCK_O: tl.constexpr,
):  # fmt: skip
    """y[part, e, b, o]: program (row tile of a network, output tile, part of the inputs)."""
    pid, part = tl.program_id(0), tl.program_id(2).to(tl.int64)
    net = (pid // row_tiles).to(tl.int64)
    b = (pid % row_tiles).to(tl.int64) * BLOCK_B + tl.arange(0, BLOCK_B)
    o = tl.program_id(1) * BLOCK_O + tl.arange(0, BLOCK_O)
    here, out = b < B, o < O
    both = here[:, None] & out[None, :]
    total = tl.zeros((BLOCK_B, BLOCK_O), dtype=y.dtype.element_ty)
    for i in range(part * span, tl.minimum(part * span + span, I)):
        xi = tl.load(x + net * x_net + b * x_row + i * x_col, mask=here, other=0.0)
        first, u, scale, rows = _place(
            xi, net * grid_net + i, breaks, table, origin, width, G, DEGREE, ORDER, UNIFORM, STEPS
        )
        if WEIGHTED:
            scale *= tl.load(v + net * v_net + b * v_row + i * v_col, mask=here, other=0.0)
        at = coef + net * coef_net + (i * (G + DEGREE) + first.to(tl.int64)) * O
        for m in tl.static_range(DEGREE + 1):
            c = tl.load((at + m * O)[:, None] + o[None, :], mask=both, other=0.0)
            total += _live(m, u, scale, rows, DEGREE, ORDER)[:, None] * c
    tl.store(y + (((part * E + net) * B + b) * O)[:, None] + o[None, :], total, mask=both)


@triton.jit
def forward_dense(
    y, x, v, coef, breaks, table, origin, width,
    E, B, I, O, G, row_tiles, span, grid_net, x_net, x_row, x_col, v_net, v_row, v_col, coef_net,
    DEGREE: tl.constexpr, ORDER: tl.constexpr, UNIFORM: tl.constexpr, STEPS: tl.constexpr, WEIGHTED: tl.constexpr,
    BLOCK_B: tl.constexpr, BLOCK_O: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_M: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """The same programs; BLOCK_M holds every function, and the tile of BLOCK_I inputs meets a matrix unit."""
    pid, part = tl.program_id(0), tl.program_id(2).to(tl.int64)
    net = (pid // row_tiles).to(tl.int64)
    b = (pid % row_tiles).to(tl.int64) * BLOCK_B + tl.arange(0, BLOCK_B)
    o = tl.program_id(1) * BLOCK_O + tl.arange(0, BLOCK_O)
    here, out = b < B, o < O
    flat = tl.arange(0, BLOCK_I * BLOCK_M)
    kind = y.dtype.element_ty
    M, stop = G + DEGREE, tl.minimum(part * span + span, I)
    total = tl.zeros((BLOCK_B, BLOCK_O), dtype=kind)
    for start in range(part * span, stop, BLOCK_I):
        i = start + tl.arange(0, BLOCK_I)
        alive = here[:, None] & (i < stop)[None, :]
        xi = tl.load(x + net * x_net + b[:, None] * x_row + i[None, :] * x_col, mask=alive, other=0.0)
        weight = alive.to(kind)
        if WEIGHTED:
            weight = tl.load(v + net * v_net + b[:, None] * v_row + i[None, :] * v_col, mask=alive, other=0.0)
        slot = net * grid_net + tl.minimum(i, I - 1)[None, :]
        tile = _design(
            xi, weight, slot, breaks, table, origin, width, G, tl.arange(0, BLOCK_M),
            DEGREE, ORDER, UNIFORM, STEPS,
        )  # fmt: skip
        ci, m = start + flat // BLOCK_M, flat % BLOCK_M
        c = tl.load(
            coef + net * coef_net + ((ci * M + m) * O)[:, None] + o[None, :],
            mask=((ci < stop) & (m < M))[:, None] & out[None, :],
            other=0.0,
        )
        tile = tl.reshape(tile, (BLOCK_B, BLOCK_I * BLOCK_M))
        total = tl.dot(tile, c, total, input_precision=PRECISION, out_dtype=kind)
    at = y + (((part * E + net) * B + b) * O)[:, None] + o[None, :]
    tl.store(at, total, mask=here[:, None] & out[None, :])


@triton.jit
def grad_input_gather(
    dx, x, v, coef, g, breaks, table, origin, width,
    B, I, O, G, row_tiles, grid_net, x_net, x_row, x_col, v_net, v_row, v_col, coef_net, g_net, g_row, g_col,
    DEGREE: tl.constexpr, ORDER: tl.constexpr, UNIFORM: tl.constexpr, STEPS: tl.constexpr, WEIGHTED: tl.constexpr,
    BLOCK_B: tl.constexpr, BLOCK_O: tl.constexpr,
):  # fmt: skip
    """dx[e, b, i]: program (row tile of an input); the sum over outputs is folded once, at the end."""
    pid = tl.program_id(0).to(tl.int64)
    net, i = pid // row_tiles // I, pid // row_tiles % I
    b = pid % row_tiles * BLOCK_B + tl.arange(0, BLOCK_B)
    here = b < B
    xi = tl.load(x + net * x_net + b * x_row + i * x_col, mask=here, other=0.0)
    first, u, scale, rows = _place(
        xi, net * grid_net + i, breaks, table, origin, width, G, DEGREE, ORDER, UNIFORM, STEPS
    )
    if WEIGHTED:
        scale *= tl.load(v + net * v_net + b * v_row + i * v_col, mask=here, other=0.0)
    at = coef + net * coef_net + (i * (G + DEGREE) + first.to(tl.int64)) * O
    total = tl.zeros((BLOCK_B, BLOCK_O), dtype=dx.dtype.element_ty)
    for start in range(0, O, BLOCK_O):
        o = start + tl.arange(0, BLOCK_O)
        both = here[:, None] & (o < O)[None, :]
        slope = tl.zeros_like(total)
        for m in tl.static_range(DEGREE + 1):
            c = tl.load((at + m * O)[:, None] + o[None, :], mask=both, other=0.0)
            slope += _live(m, u, scale, rows, DEGREE, ORDER)[:, None] * c
        pull = tl.load(g + net * g_net + (b * g_row)[:, None] + (o * g_col)[None, :], mask=both, other=0.0)
        total += tl.where(both, slope * pull, 0.0)
    tl.store(dx + (net * B + b) * I + i, tl.sum(total, 1), mask=here)


@triton.jit
def grad_input_dense(
    dx, x, v, coef, g, breaks, table, origin, width,
    B, I, O, G, row_tiles, grid_net, x_net, x_row, x_col, v_net, v_row, v_col, coef_net, g_net, g_row, g_col,
    DEGREE: tl.constexpr, ORDER: tl.constexpr, UNIFORM: tl.constexpr, STEPS: tl.constexpr, WEIGHTED: tl.constexpr,
    BLOCK_B: tl.constexpr, BLOCK_O: tl.constexpr, BLOCK_I: tl.constexpr, BLOCK_M: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Program (row tile of BLOCK_I inputs): gradients in the functions by a matrix unit, then times their values."""
    pid, input_tiles = tl.program_id(0).to(tl.int64), tl.cdiv(I, BLOCK_I)
    net = pid // row_tiles // input_tiles
    i = pid // row_tiles % input_tiles * BLOCK_I + tl.arange(0, BLOCK_I)
    b = pid % row_tiles * BLOCK_B + tl.arange(0, BLOCK_B)
    kind = dx.dtype.element_ty
    here, M = b < B, G + DEGREE
    flat = tl.arange(0, BLOCK_I * BLOCK_M)
    ci, m = pid // row_tiles % input_tiles * BLOCK_I + flat // BLOCK_M, flat % BLOCK_M
    total = tl.zeros((BLOCK_B, BLOCK_I * BLOCK_M), dtype=kind)
    for start in range(0, O, BLOCK_O):
        o = start + tl.arange(0, BLOCK_O)
        out = o < O
        pull = tl.load(
            g + net * g_net + (b * g_row)[:, None] + (o * g_col)[None, :],
            mask=here[:, None] & out[None, :],
            other=0.0,
        )
        c = tl.load(
            coef + net * coef_net + ((ci * M + m) * O)[None, :] + o[:, None],
            mask=((ci < I) & (m < M))[None, :] & out[:, None],
            other=0.0,
        )
        total = tl.dot(pull, c, total, input_precision=PRECISION, out_dtype=kind)
    alive = here[:, None] & (i < I)[None, :]
    xi = tl.load(x + net * x_net + b[:, None] * x_row + i[None, :] * x_col, mask=alive, other=0.0)
    weight = alive.to(kind)
    if WEIGHTED:
        weight = tl.load(v + net * v_net + b[:, None] * v_row + i[None, :] * v_col, mask=alive, other=0.0)
    slot = net * grid_net + tl.minimum(i, I - 1)[None, :]
    tile = _design(
        xi,
        weight,
        slot,
        breaks,
        table,
        origin,
        width,
        G,
        tl.arange(0, BLOCK_M),
        DEGREE,
        ORDER,
        UNIFORM,
        STEPS,
    )
    total = tl.sum(tl.reshape(total, (BLOCK_B, BLOCK_I, BLOCK_M)) * tile, 2)
    tl.store(dx + ((net * B + b) * I)[:, None] + i[None, :], total, mask=alive)


@triton.jit
def grad_coef_tile(
    dcoef, x, v, g, rank, ends, breaks, table, origin, width,
    E, B, I, O, G, span, grid_net, x_net, x_row, x_col, v_net, v_row, v_col, g_net, g_row, g_col,
    DEGREE: tl.constexpr, ORDER: tl.constexpr, UNIFORM: tl.constexpr, STEPS: tl.constexpr, WEIGHTED: tl.constexpr,
    SORTED: tl.constexpr, BLOCK_B: tl.constexpr, BLOCK_O: tl.constexpr, BLOCK_I: tl.constexpr,
    BLOCK_M: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """dcoef[part, e, i, m, o]: program (BLOCK_M functions of BLOCK_I inputs, output tile, part of the rows).

    With rows sorted by interval (`rank`, with the end `ends` of each interval's rows), those that reach BLOCK_M functions
    lie side by side, and a program reads no others.
    """
    pid, part = tl.program_id(0).to(tl.int64), tl.program_id(2).to(tl.int64)
    kind = dcoef.dtype.element_ty
    M = G + DEGREE
    function_tiles, input_tiles = tl.cdiv(M, BLOCK_M), tl.cdiv(I, BLOCK_I)
    net = pid // function_tiles // input_tiles
    low = pid // function_tiles % input_tiles * BLOCK_I
    column = pid % function_tiles * BLOCK_M + tl.arange(0, BLOCK_M)
    i = low + tl.arange(0, BLOCK_I)
    o = tl.program_id(1) * BLOCK_O + tl.arange(0, BLOCK_O)
    slot = net * grid_net + tl.minimum(i, I - 1)[None, :]
    if SORTED:
        lane = (net * I + low) * (G + 1)
        start = tl.load(ends + lane + tl.maximum(pid % function_tiles * BLOCK_M - DEGREE, 0))
        stop = tl.load(ends + lane + tl.minimum(pid % function_tiles * BLOCK_M + BLOCK_M, G))
    else:
        start, stop = part * span, tl.minimum(part * span + span, B)
    total = tl.zeros((BLOCK_I * BLOCK_M, BLOCK_O), dtype=kind)
    for begin in range(start, stop, BLOCK_B):
        b = begin + tl.arange(0, BLOCK_B)
        here = b < stop
        if SORTED:
            b = tl.load(rank + (net * I + low) * B + b, mask=here, other=0)
        alive = here[:, None] & (i < I)[None, :]
        xi = tl.load(x + net * x_net + b[:, None] * x_row + i[None, :] * x_col, mask=alive, other=0.0)
        weight = alive.to(kind)
        if WEIGHTED:
            weight = tl.load(v + net * v_net + b[:, None] * v_row + i[None, :] * v_col, mask=alive, other=0.0)
        tile = _design(
            xi, weight, slot, breaks, table, origin, width, G, column, DEGREE, ORDER, UNIFORM, STEPS
        )
        pull = tl.load(
            g + net * g_net + (b * g_row)[:, None] + (o * g_col)[None, :],
            mask=here[:, None] & (o < O)[None, :],
            other=0.0,
        )
        tile = tl.trans(tl.reshape(tile, (BLOCK_B, BLOCK_I * BLOCK_M)))
        total = tl.dot(tile, pull, total, input_precision=PRECISION, out_dtype=kind)
    flat = tl.arange(0, BLOCK_I * BLOCK_M)
    ci, m = low + flat // BLOCK_M, pid % function_tiles * BLOCK_M + flat % BLOCK_M
    at = dcoef + ((((part * E + net) * I + ci) * M + m) * O)[:, None] + o[None, :]
    tl.store(at, total, mask=((ci < I) & (m < M))[:, None] & (o < O)[None, :])
