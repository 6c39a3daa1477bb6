"""The maps as torch operators, `torch.ops.edgewise`: what compilers, exporters and function transforms see of a layer.

An operator takes tensors and numbers only, so that a traced graph carries the grid as tensors. Its autograd is that of
`trilinear`, so its gradient consists of the same operators; `vmap` makes networks out of a batch dimension, or rows where
nothing but the rows' own tensors has one; under autocast everything is evaluated in the precision of the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._decomp import register_decomposition
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd import forward_ad

from edgewise.kernels import reference, trilinear
from edgewise.kernels.backends import backend, has_tangent, tables
from edgewise.kernels.shapes import check
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline
from edgewise.splines.pieces import GridPieces

_GRID = "Tensor breaks, Tensor table, Tensor origin, Tensor width, int degree, bool uniform, int order"
_LIBRARY = torch.library.Library("edgewise", "DEF")
_LIBRARY.define(f"forward(Tensor x, Tensor? v, Tensor coef, Tensor? base, {_GRID}) -> Tensor")
_LIBRARY.define(f"grad_coef(Tensor x, Tensor? v, Tensor g, bool with_base, {_GRID}) -> (Tensor, Tensor)")
_LIBRARY.define(f"grad_input(Tensor x, Tensor coef, Tensor? base, Tensor g, {_GRID}) -> Tensor")
_LIBRARY.define(
    f"backward(Tensor x, Tensor? v, Tensor coef, Tensor? base, Tensor g, {_GRID}) -> (Tensor, Tensor, Tensor)"
)
_FORWARD, _GRAD_COEF, _GRAD_INPUT, _BACKWARD = (
    getattr(torch.ops.edgewise, name).default for name in ("forward", "grad_coef", "grad_input", "backward")
)


def _basis(
    breaks: Tensor, table: Tensor, origin: Tensor, width: Tensor, degree: int, uniform: bool
) -> BSpline:
    return BSpline(breaks, degree, GridPieces(table, origin, width, uniform))


def _checked(x: Tensor, *grid: Any) -> BSpline:
    """The basis, when its tables fit together and x."""
    basis = _basis(*grid)
    nets, k = basis.breaks.shape[:-2], basis.degree + 1
    shape = (*nets, x.shape[-1], basis.intervals + 2)
    fit = x.dim() in (2, 3) and basis.breaks.shape == (*shape[:-1], basis.intervals + 1)
    fit = fit and nets in ((), x.shape[:-2]) and basis.intervals >= 1
    for table, own in zip(tables(basis)[1:4], ((*shape, k, k), shape, shape), strict=True):
        fit = fit and table.shape == own and table.dtype == x.dtype and table.device == x.device
    torch._check(fit, lambda: "The grid given to an operator of edgewise does not fit its input.")
    return basis


# ---- kernels and shapes ------------------------------------------------------------------------------------


def _forward(x: Tensor, v: Tensor | None, coef: Tensor, base: Tensor | None, *grid: Any) -> Tensor:
    basis, order = _checked(x, *grid[:-1]), grid[-1]
    check(basis, x, v, coef, base)
    return backend(x).forward(basis, x, v, coef, base, order)


def _grad_coef(x: Tensor, v: Tensor | None, g: Tensor, with_base: bool, *grid: Any) -> tuple[Tensor, Tensor]:
    basis, order = _checked(x, *grid[:-1]), grid[-1]
    check(basis, x, v, g=g)
    coef, base = backend(x).grad_coef(basis, x, v, g, with_base, order)
    return coef, _filled(base, x)


def _grad_input(x: Tensor, coef: Tensor, base: Tensor | None, g: Tensor, *grid: Any) -> Tensor:
    basis, order = _checked(x, *grid[:-1]), grid[-1]
    check(basis, x, None, coef, base, g)
    return backend(x).grad_input(basis, x, coef, base, g, order)


def _backward(
    x: Tensor, v: Tensor | None, coef: Tensor, base: Tensor | None, g: Tensor, *grid: Any
) -> tuple[Tensor, Tensor, Tensor]:
    basis, order = _checked(x, *grid[:-1]), grid[-1]
    check(basis, x, v, coef, base, g)
    dx, dc, dw = backend(x).backward(basis, x, v, coef, base, g, order)
    return dx, dc, _filled(dw, x)


def _filled(base: Tensor | None, x: Tensor) -> Tensor:
    """An operator gives as many tensors at every call: one that is empty where there are no weights of a base."""
    return x.new_empty(0) if base is None else base


def _forward_shape(x: Tensor, v: Tensor | None, coef: Tensor, base: Tensor | None, *grid: Any) -> Tensor:
    return x.new_empty((*x.shape[:-1], coef.shape[-1]))


def _grad_coef_shape(
    x: Tensor, v: Tensor | None, g: Tensor, with_base: bool, *grid: Any
) -> tuple[Tensor, Tensor]:
    nets, inputs, outputs = x.shape[:-2], x.shape[-1], g.shape[-1]
    size = grid[0].shape[-1] - 1 + grid[4]
    coef = x.new_empty((*nets, inputs, size, outputs))
    return coef, x.new_empty((*nets, inputs, outputs) if with_base else 0)


def _grad_input_shape(x: Tensor, *rest: Any) -> Tensor:
    return x.new_empty(x.shape)


def _backward_shape(
    x: Tensor, v: Tensor | None, coef: Tensor, base: Tensor | None, g: Tensor, *grid: Any
) -> tuple[Tensor, Tensor, Tensor]:
    return x.new_empty(x.shape), x.new_empty(coef.shape), x.new_empty(0 if base is None else base.shape)


# ---- autograd ----------------------------------------------------------------------------------------------


class _Below:
    """The maps as operators below autograd, which a kernel of autograd goes on to."""

    def __init__(self, keys: Any) -> None:
        self.keys = keys & torch._C._after_autograd_keyset
        self.recording, self.forward_mode = torch.is_grad_enabled(), torch._C._is_fwd_grad_enabled()

    def forward(self, basis: Basis, *rest: Any) -> Any:
        return self._on(_FORWARD, basis, *rest)

    def grad_coef(self, basis: Basis, *rest: Any) -> Any:
        return self._on(_GRAD_COEF, basis, *rest)

    def grad_input(self, basis: Basis, *rest: Any) -> Any:
        return self._on(_GRAD_INPUT, basis, *rest)

    def backward(self, basis: Basis, *rest: Any) -> Any:
        return self._on(_BACKWARD, basis, *rest)

    def _on(self, operator: Any, basis: Any, *rest: Any) -> Any:
        # An autograd function stops recording; an outer level of nested transforms has a record of its own to make.
        with (
            torch.set_grad_enabled(self.recording),
            forward_ad._set_fwd_grad_enabled(self.forward_mode),
            torch._C._AutoDispatchBelowAutograd(),
        ):
            return operator.redispatch(self.keys, *rest[:-1], *tables(basis), rest[-1])


def _with_autograd(name: str, function: Any, count: int) -> Callable[..., Any]:
    """The autograd kernel of an operator with `count` arguments before those of the grid."""

    def kernel(keys: Any, *args: Any) -> Any:
        basis, order, own = _basis(*args[count:-1]), args[-1], args[:count]
        maps: Any = _Below(keys)
        tensors = [t for t in own if isinstance(t, Tensor)]
        recorded = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
        if recorded or any(has_tangent(t) for t in tensors):
            # The present level of a function transform is this call's own: those below are reached by going on.
            with enable_single_level_autograd_function():
                return function.plain(trilinear.Map(maps, basis, order), *own)
        return getattr(maps, name)(basis, *own, order)

    return kernel


# ---- vmap --------------------------------------------------------------------------------------------------


def _vmap_rule(operator: Any, rows: Sequence[int], layer: Sequence[int], count: int, sums: bool) -> Any:
    """How an operator takes a batch dimension.

    `rows` and `layer` are the places of the arguments that have rows and those that belong to the layer; the grid begins at
    place `count`; `sums` states that rows are summed over, so that those of one batch may not join those of another.
    """
    grid = range(count, count + 4)

    def rule(info: Any, in_dims: tuple[int | None, ...], *args: Any) -> tuple[Any, Any]:
        new, n = list(args), info.batch_size
        nets = args[0].dim() - (in_dims[0] is not None) == 3

        def front(place: int) -> Tensor | None:
            t, dim = args[place], in_dims[place]
            return None if t is None else t.expand(n, *t.shape) if dim is None else t.movedim(dim, 0)

        moved = any(in_dims[place] is not None for place in (*layer, *grid))
        if not (moved or sums):
            for place in rows:
                t = front(place)
                new[place] = None if t is None else t.movedim(0, -3).flatten(-3, -2)
            out = operator(*new).unflatten(-2, (n, -1))
            return out, out.dim() - 3
        for place in (*rows, *layer):
            t = front(place)
            new[place] = t.flatten(0, 1) if nets and t is not None else t
        own = nets and args[count].dim() - (in_dims[count] is not None) == 3
        if own or any(in_dims[place] is not None for place in grid):
            for place in grid:
                t = front(place)
                assert t is not None
                if nets:
                    t = t if own else t[:, None].expand(n, len(new[0]) // n, *t.shape[1:])
                    t = t.flatten(0, 1)
                new[place] = t
        out = operator(*new)
        if isinstance(out, Tensor):
            return (out.unflatten(0, (n, -1)) if nets else out), 0
        # Weights of a base that nobody asked for have no batch.
        parts = tuple(t.unflatten(0, (n, -1)) if nets and t.dim() > 1 else t for t in out)
        return parts, tuple(0 if t.dim() > 1 else None for t in parts)

    return rule


# ---- autocast ----------------------------------------------------------------------------------------------


def _with_autocast(operator: Any, count: int, device: str) -> Callable[..., Any]:
    """Half precision would lose the place of x on the grid, and with it the function."""
    keys = torch._C.DispatchKeySet(getattr(torch._C.DispatchKey, f"Autocast{device}"))

    def kernel(*args: Any) -> Any:
        dtype = args[count].dtype
        with torch._C._ExcludeDispatchKeyGuard(keys):
            return operator(*(t.to(dtype) if isinstance(t, Tensor) else t for t in args))

    return kernel


def _plainly(x: Tensor, v: Tensor | None, coef: Tensor, base: Tensor | None, *grid: Any) -> Tensor:
    """What a program already exported by torch becomes on its way to ONNX."""
    return reference.forward(_basis(*grid[:-1]), x, v, coef, base, grid[-1])


register_decomposition(_FORWARD)(_plainly)

for _operator, _kernel, _shape, _function, _rows, _layer, _count in (
    (_FORWARD, _forward, _forward_shape, trilinear.Forward, (0, 1), (2, 3), 4),
    (_GRAD_COEF, _grad_coef, _grad_coef_shape, trilinear.GradCoef, (0, 1, 2), (), 4),
    (_GRAD_INPUT, _grad_input, _grad_input_shape, trilinear.GradInput, (0, 3), (1, 2), 4),
    (_BACKWARD, _backward, _backward_shape, trilinear.Backward, (0, 1, 4), (2, 3), 5),
):
    _name = _operator._opname
    _LIBRARY.impl(_name, _kernel, "CompositeExplicitAutograd")
    _LIBRARY.impl(_name, _with_autograd(_name, _function, _count), "Autograd", with_keyset=True)
    for _device in ("CPU", "CUDA"):
        _LIBRARY.impl(_name, _with_autocast(_operator, _count, _device), f"Autocast{_device}")
    torch.library.register_fake(f"edgewise::{_name}", _shape, lib=_LIBRARY)
    _sums = _name in ("grad_coef", "backward")
    torch.library.register_vmap(
        f"edgewise::{_name}", _vmap_rule(_operator, _rows, _layer, _count, _sums), lib=_LIBRARY
    )
