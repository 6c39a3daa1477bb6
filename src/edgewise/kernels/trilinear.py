"""The trilinear form and its derivatives of every order.

With optional weights v on the inputs and optional weights w of a base function b (silu),

    T_nu(x, v, c, w, g) = sum_{b,i,o} v_bi (sum_m B_m^(nu)(x_bi) c_imo + b^(nu)(x_bi) w_io) g_bo.

Its partial maps are *forward* (d/dg), *grad_coef* (d/dc and d/dw) and *grad_input* (d/dv; times v and with nu + 1 it is
d/dx); *backward* is grad_coef and d/dx in one pass. The gradient of each is made of the same maps, so autograd of any order
needs no further kernel. Each takes one network, x (B, I), coef (I, M, O), base (I, O), g (B, O), or E networks at once, with
a leading dimension in all of them and, unless they share it, in the grid.

There are two ways to a kernel. Called plainly, a map goes through its autograd function straight to a backend, since for a
small layer every microsecond of dispatch counts. Whatever wants to see operators (compilation, export, function transforms,
dispatch modes, autocast, tensor subclasses) gets them: `torch.ops.edgewise`, defined in `operators` from the same parts.
Of other bases than the B-spline it gets the plain operations of `reference`, which torch differentiates itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from edgewise._core.modules import is_tracing
from edgewise.kernels import reference
from edgewise.kernels.backends import Backend, backend, carried, known, tables, watched
from edgewise.kernels.reference import times
from edgewise.kernels.shapes import check
from edgewise.splines.basis import Basis
from edgewise.splines.bspline import BSpline
from edgewise.splines.pieces import GridPieces


def forward(
    basis: Basis, x: Tensor, v: Tensor | None, coef: Tensor, base: Tensor | None, order: int
) -> Tensor:
    """The gradient of the form in g, differentiable to any order in x, v, coef and base."""
    if watched(x, coef):
        if known(basis):
            return torch.ops.edgewise.forward(x, v, coef, base, *tables(basis), order)
        return reference.forward(basis, x, v, coef, base, order)
    if torch.is_grad_enabled():
        return Forward.plain(Map(maps_of(basis, x), basis, order), x, v, coef, base)
    return maps_of(basis, x).forward(basis, x, v, coef, base, order)


def grad_coef(
    basis: Basis, x: Tensor, v: Tensor | None, g: Tensor, with_base: bool, order: int
) -> tuple[Tensor, Tensor | None]:
    """The gradients in coef and, where asked for, in base; differentiable to any order in x, v and g."""
    if watched(x, g):
        if known(basis):
            coef, base = torch.ops.edgewise.grad_coef(x, v, g, with_base, *tables(basis), order)
            return coef, base if with_base else None
        return reference.grad_coef(basis, x, v, g, with_base, order)
    if torch.is_grad_enabled():
        return GradCoef.plain(Map(maps_of(basis, x), basis, order), x, v, g, with_base)
    return maps_of(basis, x).grad_coef(basis, x, v, g, with_base, order)


def grad_input(basis: Basis, x: Tensor, coef: Tensor, base: Tensor | None, g: Tensor, order: int) -> Tensor:
    """The gradient in v, differentiable to any order in x, coef, base and g."""
    if watched(x, coef):
        if known(basis):
            return torch.ops.edgewise.grad_input(x, coef, base, g, *tables(basis), order)
        return reference.grad_input(basis, x, coef, base, g, order)
    if torch.is_grad_enabled():
        return GradInput.plain(Map(maps_of(basis, x), basis, order), x, coef, base, g)
    return maps_of(basis, x).grad_input(basis, x, coef, base, g, order)


def backward(
    basis: Basis, x: Tensor, v: Tensor | None, coef: Tensor, base: Tensor | None, g: Tensor, order: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The gradients in x, coef and base in one pass; differentiable to any order."""
    if watched(x, coef):
        if known(basis):
            found = torch.ops.edgewise.backward(x, v, coef, base, g, *tables(basis), order)
            return found[0], found[1], None if base is None else found[2]
        return reference.backward(basis, x, v, coef, base, g, order)
    if torch.is_grad_enabled():
        return Backward.plain(Map(maps_of(basis, x), basis, order), x, v, coef, base, g)
    return maps_of(basis, x).backward(basis, x, v, coef, base, g, order)


def maps_of(basis: Basis, x: Tensor) -> Backend:
    """The backend of a call; those that are compiled know B-splines only."""
    return backend(x) if isinstance(basis, BSpline) else reference


# ---- autograd: `maps` are those of a backend, or operators below autograd ----------------------------------

Tensors = list[Any]
Needs = tuple[bool, bool, bool, bool, bool]
Gradients = tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None, Tensor | None]


def gradients(basis: Basis, order: int, at: Sequence[Any], needs: Needs) -> Gradients:
    """Gradients of the form in x, v, coef, base and g, those that are needed."""
    x, v, coef, base, g = at
    need_x, need_v, need_c, need_w, need_g = needs
    dx = dv = dc = dw = dg = None
    if need_x and (need_c or need_w):
        dx, dc, dw = backward(basis, x, v, coef, base, g, order)
    elif need_x:
        dx = times(grad_input(basis, x, coef, base, g, order + 1), v)
    elif need_c or need_w:
        dc, dw = grad_coef(basis, x, v, g, need_w, order)
    if need_v:
        dv = grad_input(basis, x, coef, base, g, order)
    if need_g:
        dg = forward(basis, x, v, coef, base, order)
    return dx, dv, dc, dw, dg


class Map(NamedTuple):
    """Of which basis and order a map is, and who computes it."""

    maps: Backend
    basis: Basis
    order: int


class Differentiable(torch.autograd.Function):
    """A map with its gradient."""

    # The call without its wrapper for function transforms, to which `watched` has given way already.
    plain: Any = torch._C._FunctionBase.__dict__["apply"]


class Forward(Differentiable):
    """y = forward(x, v, c, w)."""

    @staticmethod
    def forward(
        ctx: Any,
        of: Map,
        x: Tensor,
        v: Tensor | None,
        coef: Tensor,
        base: Tensor | None,
    ) -> Tensor:
        ctx.of = of
        _keep(ctx, x, v, coef, base)
        return of.maps.forward(of.basis, x, v, coef, base, of.order)

    @staticmethod
    @carried
    def jvp(ctx: Any, at: Tensors, dx: Any, dv: Any, dc: Any, dw: Any) -> Any:
        x, v, coef, base = at
        _, basis, order = ctx.of
        moved = forward(basis, x, times(dx, v), coef, base, order + 1) + forward(basis, x, v, dc, dw, order)
        return moved if dv is None else moved + forward(basis, x, dv, coef, base, order)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (g,) = grads
        x, v, coef, base = ctx.saved_tensors
        need_x, need_v, need_c, need_w = needed(ctx, x, v, coef, base)
        needs = (need_x, need_v, need_c, need_w, False)
        dx, dv, dc, dw, _ = gradients(ctx.of.basis, ctx.of.order, [x, v, coef, base, g], needs)
        return None, dx, dv, dc, dw


class GradCoef(Differentiable):
    """(c, w) = grad_coef(x, v, g)."""

    @staticmethod
    def forward(
        ctx: Any,
        of: Map,
        x: Tensor,
        v: Tensor | None,
        g: Tensor,
        with_base: bool,
    ) -> tuple[Tensor, Tensor | None]:
        ctx.of, ctx.with_base = of, with_base
        _keep(ctx, x, v, g)
        return of.maps.grad_coef(of.basis, x, v, g, with_base, of.order)

    @staticmethod
    @carried
    def jvp(ctx: Any, at: Tensors, dx: Any, dv: Any, dg: Any, _: None) -> Any:
        return _coef_moved(ctx.of.basis, ctx.of.order, ctx.with_base, at, dx, dv, dg)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        coef, base = grads[0], grads[1] if ctx.with_base else None
        x, v, g = ctx.saved_tensors
        need_x, need_v, need_g = needed(ctx, x, v, g)
        needs = (need_x, need_v, False, False, need_g)
        dx, dv, _, _, dg = gradients(ctx.of.basis, ctx.of.order, [x, v, coef, base, g], needs)
        return None, dx, dv, dg, None


class GradInput(Differentiable):
    """x = grad_input(x, c, w, g)."""

    @staticmethod
    def forward(
        ctx: Any,
        of: Map,
        x: Tensor,
        coef: Tensor,
        base: Tensor | None,
        g: Tensor,
    ) -> Tensor:
        ctx.of = of
        _keep(ctx, x, coef, base, g)
        return of.maps.grad_input(of.basis, x, coef, base, g, of.order)

    @staticmethod
    @carried
    def jvp(ctx: Any, at: Tensors, dx: Any, dc: Any, dw: Any, dg: Any) -> Any:
        return _input_moved(ctx.of.basis, ctx.of.order, at, dx, dc, dw, dg)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (along,) = grads
        x, coef, base, g = ctx.saved_tensors
        need_x, need_c, need_w, need_g = needed(ctx, x, coef, base, g)
        needs = (need_x, False, need_c, need_w, need_g)
        dx, _, dc, dw, dg = gradients(ctx.of.basis, ctx.of.order, [x, along, coef, base, g], needs)
        return None, dx, dc, dw, dg


class Backward(Differentiable):
    """(x, c, w) = backward(x, v, c, w, g)."""

    @staticmethod
    def forward(
        ctx: Any,
        of: Map,
        x: Tensor,
        v: Tensor | None,
        coef: Tensor,
        base: Tensor | None,
        g: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        ctx.of = of
        ctx.set_materialize_grads(False)  # most often only one of the three goes on
        _keep(ctx, x, v, coef, base, g)
        return of.maps.backward(of.basis, x, v, coef, base, g, of.order)

    @staticmethod
    @carried
    def jvp(ctx: Any, at: Tensors, *tangents: Tensor | None) -> Any:
        x, v, coef, base, g = at
        dx, dv, dc, dw, dg = (
            None if t is None else torch.zeros_like(t) if along is None else along
            for t, along in zip(at, tangents, strict=True)
        )
        _, basis, order = ctx.of
        moved = times(_input_moved(basis, order + 1, [x, coef, base, g], dx, dc, dw, dg), v)
        if dv is not None:
            moved = moved + dv * grad_input(basis, x, coef, base, g, order + 1)
        return moved, *_coef_moved(basis, order, base is not None, [x, v, g], dx, dv, dg)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        along, coef_along, base_along = grads
        x, v, coef, base, g = ctx.saved_tensors
        _, basis, order = ctx.of
        need_x, need_v, need_c, need_w, need_g = needed(ctx, x, v, coef, base, g)
        found: tuple[Tensor | None, ...] = (None,) * 5
        if along is not None:
            needs = (need_x, need_v, need_c, need_w, need_g)
            dx, dv, *others = gradients(basis, order + 1, [x, times(along, v), coef, base, g], needs)
            found = (dx, None if dv is None else along * dv, *others)
        base_along = None if base is None else base_along
        if coef_along is not None or base_along is not None:
            coef_along = torch.zeros_like(coef) if coef_along is None else coef_along
            needs = (need_x, need_v, False, False, need_g)
            more = gradients(basis, order, [x, v, coef_along, base_along, g], needs)
            found = tuple(
                b if a is None else a if b is None else a + b for a, b in zip(found, more, strict=True)
            )
        return None, *found


def _keep(ctx: Any, *tensors: Tensor | None) -> None:
    ctx.save_for_backward(*tensors)
    ctx.save_for_forward(*tensors)


def _input_moved(basis: Basis, order: int, at: Tensors, dx: Any, dc: Any, dw: Any, dg: Any) -> Tensor:
    """How `grad_input` at (x, c, w, g) moves."""
    x, coef, base, g = at
    along = dx * grad_input(basis, x, coef, base, g, order + 1)
    return along + grad_input(basis, x, dc, dw, g, order) + grad_input(basis, x, coef, base, dg, order)


def _coef_moved(
    basis: Basis, order: int, with_base: bool, at: Tensors, dx: Any, dv: Any, dg: Any
) -> tuple[Tensor, Tensor]:
    """How `grad_coef` at (x, v, g) moves."""
    x, v, g = at
    coef, base = grad_coef(basis, x, times(dx, v), g, with_base, order + 1)
    for factor, along in ((v, dg), *([] if dv is None else [(dv, g)])):
        more, weight = grad_coef(basis, x, factor, along, with_base, order)
        coef, base = coef + more, None if base is None or weight is None else base + weight
    # Operators give an empty tensor where nobody asked for weights of a base.
    return coef, x.new_zeros(0) if base is None else base


def needed(ctx: Any, *tensors: Tensor | None) -> tuple[bool, ...]:
    """Which of the tensors this backward pass wants, and not only which of them require a gradient.

    A derivative in x alone, as in the loss of a differential equation, must not pay for one in the coefficients.
    """
    needs = ctx.needs_input_grad[1 : 1 + len(tensors)]
    if not torch.is_grad_enabled() or torch.compiler.is_dynamo_compiling() or sum(needs) < 2:
        return needs
    nodes = iter(ctx.next_functions)
    at = [None if t is None else next(nodes)[0] for t in tensors]
    return tuple(need and _will_run(node) for need, node in zip(needs, at, strict=True))


def _will_run(node: Any) -> bool:
    try:
        return torch._C._will_engine_execute_node(node)
    except RuntimeError:  # a leaf whose gradient is asked for
        return True


# ---- the public face ---------------------------------------------------------------------------------------


def spline_sum(basis: Basis, x: Tensor, coef: Tensor, order: int = 0, base: Tensor | None = None) -> Tensor:
    """Sum of all edge functions that arrive at each node.

    Parameters
    ----------
    basis : Basis
        For I inputs with M functions each.
    x : Tensor, shape (B, I)
    coef : Tensor, shape (I, M, O)
    order : int
        Order of the derivative of the edge functions (0 the value).
    base : Tensor, shape (I, O), optional
        Weights of the base function silu on every edge.

    Returns
    -------
    Tensor, shape (B, O)
        y_bo = sum_i (sum_m B_m^(order)(x_bi) c_imo + silu^(order)(x_bi) w_io); differentiable to any order in x, coef and
        base.

    Raises
    ------
    InputError
        If shapes, dtypes or devices do not fit together.

    Examples
    --------
    >>> from edgewise.splines import BSpline, uniform_grid
    >>> basis = BSpline(uniform_grid(-1, 1, 4, n_inputs=2), 3)
    >>> spline_sum(basis, torch.zeros(5, 2, dtype=torch.float64), torch.ones(2, 7, 3, dtype=torch.float64)).shape
    torch.Size([5, 3])
    """
    if not (torch._C._is_any_autocast_enabled() or is_tracing()):
        check(basis, x, None, coef, base)
    return forward(basis, x, None, coef, base, order)


def spline_edges(basis: Basis, x: Tensor, coef: Tensor, order: int = 0) -> Tensor:
    """Every edge function apart, shape (B, I, O): for small networks, plots and scores.

    Parameters and differentiability are those of `spline_sum`.
    """
    if not isinstance(basis, BSpline):
        return torch.einsum("bim,imo->bio", basis.values(x, order), coef)
    # Each input is a network of its own.
    return forward(_apart(basis), x.T.unsqueeze(-1), None, coef.unsqueeze(1), None, order).transpose(0, 1)


def _apart(basis: BSpline) -> BSpline:
    """One network with one input for each of the inputs."""
    breaks, table, origin, width, degree, uniform = tables(basis)
    own = GridPieces(table.unsqueeze(1), origin.unsqueeze(1), width.unsqueeze(1), uniform)
    return BSpline(breaks.unsqueeze(1), degree, own)
