"""The maps on a GPU, by Triton: float32 and float64, signatures and shapes of `trilinear`.

The programs live in `triton_kernels`, their tile sizes in `triton_tuning`; a plan given by hand overrides those. The term of
the base function is a plain matrix product of a (B, I) table, which the GPU's own library does best. Nothing of size
B x I x O or B x I x M is stored, and equal input gives equal bits: no atomics.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor

from edgewise.kernels import triton_kernels as kernels
from edgewise.kernels import triton_tuning as tuning
from edgewise.kernels.reference import silu, times
from edgewise.kernels.triton_tuning import Plan
from edgewise.splines.bspline import BSpline
from edgewise.splines.pieces import GridPieces


def forward(
    basis: BSpline,
    x: Tensor,
    v: Tensor | None,
    coef: Tensor,
    base: Tensor | None,
    order: int,
    plan: Plan | None = None,
) -> Tensor:
    """y_bo = sum_i v_bi (sum_m B_m^(order)(x_bi) c_imo + silu^(order)(x_bi) w_io)."""
    if x.ndim == 2:
        return forward(basis, x[None], _lead(v), coef[None], _lead(base), order, plan)[0]
    sizes = _sizes(basis, x, coef)
    plan = plan or tuning.plan_rows(_card(x.device), sizes, True)
    span = _span(sizes.inputs, plan.parts, plan.inputs)
    tiles = math.ceil(sizes.rows / plan.rows)
    coef = _packed(coef)
    y = x.new_empty(plan.parts, *x.shape[:2], sizes.outputs)
    _launch(
        kernels.forward_dense if plan.functions else kernels.forward_gather,
        (sizes.nets * tiles, math.ceil(sizes.outputs / plan.outputs), plan.parts),
        plan,
        (basis, order, v is not None),
        (y, x, x if v is None else v, coef, *_tables(basis)),
        (*x.shape, sizes.outputs, sizes.intervals, tiles, span, _grid_net(basis)),
        (*x.stride(), *(x if v is None else v).stride(), coef.stride(0)),
    )
    y = y[0] if plan.parts == 1 else y.sum(0)
    return y if base is None else y.baddbmm_(times(silu(x, order), v), base)


def grad_coef(
    basis: BSpline,
    x: Tensor,
    v: Tensor | None,
    g: Tensor,
    with_base: bool,
    order: int,
    plan: Plan | None = None,
) -> tuple[Tensor, Tensor | None]:
    """C_imo = sum_b v_bi B_m^(order)(x_bi) g_bo, and W_io = sum_b v_bi silu^(order)(x_bi) g_bo where asked for."""
    if x.ndim == 2:
        coef, base = grad_coef(basis, x[None], _lead(v), g[None], with_base, order, plan)
        return coef[0], None if base is None else base[0]
    sizes = _sizes(basis, x, g)
    plan = plan or tuning.plan_coef(_card(x.device), sizes)
    tiles = math.ceil(sizes.inputs / plan.inputs) * math.ceil(sizes.functions / plan.functions)
    coef = x.new_empty(plan.parts, sizes.nets, sizes.inputs, sizes.functions, sizes.outputs)
    _launch(
        kernels.grad_coef_tile,
        (sizes.nets * tiles, math.ceil(sizes.outputs / plan.outputs), plan.parts),
        plan,
        (basis, order, v is not None),
        (
            coef,
            x,
            x if v is None else v,
            g,
            *(_sorted_rows(basis, x) if plan.sort else (x, x)),
            *_tables(basis),
        ),
        (
            *x.shape,
            sizes.outputs,
            sizes.intervals,
            _span(sizes.rows, plan.parts, plan.rows),
            _grid_net(basis),
        ),
        (*x.stride(), *(x if v is None else v).stride(), *g.stride()),
        SORTED=plan.sort,
    )
    coef = coef[0] if plan.parts == 1 else coef.sum(0)
    return coef, times(silu(x, order), v).mT @ g if with_base else None


def grad_input(
    basis: BSpline,
    x: Tensor,
    coef: Tensor,
    base: Tensor | None,
    g: Tensor,
    order: int,
    plan: Plan | None = None,
    v: Tensor | None = None,
) -> Tensor:
    """X_bi = v_bi sum_o (sum_m B_m^(order)(x_bi) c_imo + silu^(order)(x_bi) w_io) g_bo."""
    if x.ndim == 2:
        return grad_input(basis, x[None], coef[None], _lead(base), g[None], order, plan, _lead(v))[0]
    sizes = _sizes(basis, x, g)
    plan = plan or tuning.plan_rows(_card(x.device), sizes, False)
    tiles = math.ceil(sizes.rows / plan.rows)
    coef = _packed(coef)
    dx = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    _launch(
        kernels.grad_input_dense if plan.functions else kernels.grad_input_gather,
        (sizes.nets * math.ceil(sizes.inputs / plan.inputs) * tiles, 1, 1),
        plan,
        (basis, order, v is not None),
        (dx, x, x if v is None else v, coef, g, *_tables(basis)),
        (*x.shape[1:], sizes.outputs, sizes.intervals, tiles, _grid_net(basis)),
        (*x.stride(), *(x if v is None else v).stride(), coef.stride(0), *g.stride()),
    )
    return dx if base is None else dx.addcmul_(times(silu(x, order), v), g @ base.mT)


def backward(
    basis: BSpline, x: Tensor, v: Tensor | None, coef: Tensor, base: Tensor | None, g: Tensor, order: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """What the gradient of `forward` needs: v * grad_input at order + 1, and grad_coef."""
    dx = grad_input(basis, x, coef, base, g, order + 1, v=v)
    return (dx, *grad_coef(basis, x, v, g, base is not None, order))


def _launch(
    kernel: Any,
    programs: tuple[int, int, int],
    plan: Plan,
    what: tuple[BSpline, int, bool],
    tensors: tuple[Tensor, ...],
    sizes: tuple[int, ...],
    strides: tuple[int, ...],
    **more: Any,
) -> None:
    """Run a kernel for a basis, an order, with weights or none; the first tensor is its result."""
    basis, order, weighted = what
    if not tensors[0].numel():
        return
    if plan.functions:
        precision = "ieee" if tensors[0].dtype == torch.float64 else "tf32x3"
        more |= {"BLOCK_I": plan.inputs, "BLOCK_M": plan.functions, "PRECISION": precision}
    kernel[programs](
        *tensors,
        *sizes,
        *strides,
        DEGREE=basis.degree,
        ORDER=order,
        UNIFORM=_pieces(basis).uniform,
        STEPS=(_intervals(basis) - 1).bit_length(),
        WEIGHTED=weighted,
        BLOCK_B=plan.rows,
        BLOCK_O=plan.outputs,
        num_warps=plan.warps,
        num_stages=plan.stages,
        enable_fp_fusion=True,
        **more,
    )


def _sizes(basis: BSpline, x: Tensor, outputs: Tensor) -> tuning.Sizes:
    nets, rows, inputs = x.shape
    double = x.dtype == torch.float64
    return tuning.Sizes(nets, rows, inputs, outputs.shape[-1], basis.degree, _intervals(basis), double)


def _pieces(basis: BSpline) -> GridPieces:
    assert basis.pieces is not None
    return basis.pieces


def _intervals(basis: BSpline) -> int:
    return basis.breaks.shape[-1] - 1


def _grid_net(basis: BSpline) -> int:
    """How many grids lie between those of two networks: none where they share one."""
    return basis.breaks.shape[-2] if basis.breaks.ndim == 3 else 0


def _tables(basis: BSpline) -> tuple[Tensor, ...]:
    pieces = _pieces(basis)
    return tuple(t.contiguous() for t in (basis.breaks, pieces.table, pieces.origin, pieces.width))


def _span(count: int, parts: int, tile: int) -> int:
    """Inputs or rows of one part: whole tiles."""
    return math.ceil(count / parts / tile) * tile


def _lead(t: Tensor | None) -> Tensor | None:
    return None if t is None else t[None]


def _packed(coef: Tensor) -> Tensor:
    """Coefficients that lie side by side within each network."""
    return coef if coef[0].is_contiguous() else coef.contiguous()


@cache
def _card(device: torch.device) -> tuning.DeviceSheet:
    if device.type != "cuda":
        return tuning.A100  # the interpreter: any card's plan will do
    found = torch.cuda.get_device_properties(device)
    return replace(tuning.card((found.major, found.minor)), processors=found.multi_processor_count)


def _sorted_rows(basis: BSpline, x: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of each input in the order of their intervals (E, I, B), and how many lie before each interval (E, I, G + 1)."""
    columns, intervals = x.mT.contiguous(), _intervals(basis)
    breaks = basis.breaks.expand(*columns.shape[:2], -1).contiguous()
    # As the kernels place them: tails with the end intervals, the last break in the last one, NaN on the right.
    interval = (torch.searchsorted(breaks, columns, right=True) - 1).clamp(0, intervals - 1)
    # Stable, so that sums run in the same order every time.
    interval, rank = torch.sort(interval, dim=-1, stable=True)
    number = torch.arange(intervals + 1, device=x.device).expand(*columns.shape[:2], -1).contiguous()
    return rank, torch.searchsorted(interval, number)
