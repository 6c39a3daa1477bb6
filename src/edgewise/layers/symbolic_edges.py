"""Symbolic edges of a layer: a * f(b * x + c) + d for named closed forms f, evaluated form by form, never edge by edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from edgewise._core.checks import as_tuple, check_int, short
from edgewise._core.errors import InputError
from edgewise.forms import form_from_text

# Differentiating a formula takes time that grows with the square of its length; a form is meant to be read anyway.
MAX_FORM = 1000


@dataclass(frozen=True)
class SymbolicEdge:
    """An edge whose function is a closed form.

    Attributes
    ----------
    source, target : int
        Input node and sum node the edge joins.
    form : str
        Name of a closed form ("sin") or its text in x ("x*exp(-x)").
    """

    source: int
    target: int
    form: str


@dataclass(frozen=True)
class FormGroup:
    """The symbolic edges of one layer that share a form: their rows in `affine`, sources and targets."""

    form: str
    rows: tuple[int, ...]
    sources: tuple[int, ...]
    targets: tuple[int, ...]


def check_form(form: object) -> str:
    """The name or the text of a closed form, or one `InputError`."""
    if not isinstance(form, str) or not form.strip():
        raise InputError(argument="form", expected="be a name or a formula in x", got=short(form))
    if len(form) > MAX_FORM:
        raise InputError(
            argument="form", expected=f"have at most {MAX_FORM:,} characters", got=f"{len(form):,}"
        )
    form_from_text(form)
    return form


def check_symbolic(edges: object, n_inputs: int, n_sums: int) -> tuple[SymbolicEdge, ...]:
    """Symbolic edges of a layer: inside it, at most one for each source and target, of forms that can be read."""
    listed = "SymbolicEdge(source, target, form)"
    checked = as_tuple(edges, "symbolic", f"edges, each a {listed}")
    for edge in checked:
        if not isinstance(edge, SymbolicEdge):
            raise InputError(argument="symbolic", expected=f"hold edges, each a {listed}", got=short(edge))
        check_int(edge.source, "source", low=0, high=n_inputs - 1)
        check_int(edge.target, "target", low=0, high=n_sums - 1)
        check_form(edge.form)
    if len({(edge.source, edge.target) for edge in checked}) < len(checked):
        raise InputError(
            subject="The 'symbolic' edges of a layer", expected="join distinct nodes", got="one edge twice"
        )
    return checked


def group_by_form(
    edges: tuple[SymbolicEdge, ...], keep: Callable[[SymbolicEdge], bool] = lambda edge: True
) -> tuple[FormGroup, ...]:
    """Edges gathered by their form, in order of first appearance; only those that `keep` accepts."""
    rows: dict[str, list[int]] = {}
    for k, edge in enumerate(edges):
        if keep(edge):
            rows.setdefault(edge.form, []).append(k)
    return tuple(
        FormGroup(form, tuple(ks), tuple(edges[k].source for k in ks), tuple(edges[k].target for k in ks))
        for form, ks in rows.items()
    )


def form_values(form: str, affine: Tensor, x: Tensor, order: int = 0) -> Tensor:
    """a f(b x + c) + d or its derivative in x; affine (S, 4), x (B, S) -> (B, S)."""
    a, b, c, d = affine.unbind(-1)
    named = form_from_text(form)
    inner = b * x + c
    if order == 0:
        return a * named.value(inner) + d
    slope = named.derivative
    if order == 1:
        return a * b * slope(inner)
    learned = torch.is_grad_enabled() and inner.requires_grad
    with torch.enable_grad():
        inner = inner if learned else inner.detach().requires_grad_()
        value = slope(inner)
        for _ in range(order - 1):
            if not value.requires_grad:
                value = torch.zeros_like(inner)
                break
            (value,) = torch.autograd.grad(
                value.sum(), inner, create_graph=True, allow_unused=True, materialize_grads=True
            )
    return a * b**order * (value if learned else value.detach())


def form_partials(form: str, affine: Tensor, x: Tensor) -> Tensor:
    """Partial derivatives of the edge's value in a, b, c, d; (B, S, 4)."""
    a, b, c, _ = affine.unbind(-1)
    named = form_from_text(form)
    inner = b * x + c
    slope = a * named.derivative(inner)
    return torch.stack([named.value(inner), slope * x, slope, torch.ones_like(x)], -1)
