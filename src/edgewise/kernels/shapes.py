"""Whether the tensors of an edge layer fit together."""

from __future__ import annotations

from torch import Tensor

from edgewise._core.errors import InputError
from edgewise.splines.basis import Basis


def check(
    basis: Basis,
    x: Tensor,
    v: Tensor | None = None,
    coef: Tensor | None = None,
    base: Tensor | None = None,
    g: Tensor | None = None,
) -> None:
    """Refuse tensors that do not fit together: kernels read memory by these shapes."""
    shape = x.shape
    *lead, inputs = shape[:-2] + shape[-1:]
    outputs = (base if coef is None else coef) if g is None else g
    last = () if outputs is None else outputs.shape[-1:]
    fits = (
        (v is None or v.shape == shape)
        and (coef is None or coef.shape == (*lead, inputs, basis.size, *last))
        and (base is None or base.shape == (*lead, inputs, *last))
        and (g is None or g.shape == (*shape[:-1], *last))
    )
    if not fits or inputs != basis.grid.shape[-2]:
        _refuse_shapes(x=x, v=v, coef=coef, base=base, g=g, grid=basis.grid)
    dtype, is_cpu = x.dtype, x.is_cpu
    for t in (v, coef, base, g, basis.grid):
        if t is not None and (t.dtype is not dtype or t.is_cpu is not is_cpu):
            raise InputError(
                subject="The tensors of an edge layer and its grid",
                expected="share one dtype and one device",
                got=f"{dtype} on {x.device} and {t.dtype} on {t.device}",
            )


def _refuse_shapes(**tensors: Tensor | None) -> None:
    shapes = ", ".join(f"{name} {tuple(t.shape)}" for name, t in tensors.items() if t is not None)
    raise InputError(
        subject="The tensors of an edge layer",
        expected="be x (B, I), coef (I, M, O), base (I, O) on a grid of I rows",
        got=shapes,
    )
