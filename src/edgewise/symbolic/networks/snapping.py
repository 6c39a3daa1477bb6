"""From a trained network to formulas: which closed form on which edge, judged on the data with all constants refitted.

An edge on its own often fits several forms about equally well, and the best of each is not the best of all: the other
edges shift to make up for it. So choices are compared end to end, starting from the best form of every edge, changing
one edge at a time (to another form, or to nothing) as long as the whole improves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise._core.work import spent
from edgewise.forms import FORMS, Form
from edgewise.forms.tree import Node
from edgewise.network import KAN
from edgewise.symbolic.expressions.composition import Affine, Edge, compose, living_edges
from edgewise.symbolic.fitting.criterion import criterion_of
from edgewise.symbolic.fitting.least_squares import Refit, refit
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.networks.suggestions import edge_curve
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.univariate.closed_forms import fit_curve

# Forms that each edge is tried with, rows that choose among them, and steps of the fit of a choice.
_EDGE_FORMS = 7
# Formulas that a network proposes.
_FORMULAS = 3
_CHOICE_ROWS = 300
_CHOICE_STEPS = 14


@dataclass(frozen=True, slots=True)
class Option:
    """One thing an edge could be, in network units."""

    form: Form
    affine: Affine
    complexity: int


@dataclass(frozen=True)
class Snapped:
    """A choice of form for every edge, fitted."""

    choice: tuple[int, ...]
    fit: Refit
    score: float


def edge_options(
    net: KAN, X: Floats, forms: Sequence[Form] | None, accuracy: float
) -> dict[Edge, list[Option]]:
    """What each living edge could be: its best forms, and nothing."""
    with torch.no_grad():
        values = net.activations(torch.from_numpy(X).to(net.output_shift))
    options: dict[Edge, list[Option]] = {}
    for edge in living_edges(net):
        curve = edge_curve(net, edge, values[edge[0]])
        found = fit_curve(curve.x, curve.y, curve.weight, forms=forms, accuracy=accuracy, top=_EDGE_FORMS)
        mean = float(np.average(curve.y, weights=curve.weight))
        nothing = Option(FORMS["identity"], (0.0, 1.0, 0.0, mean), 0)
        options[edge] = [Option(point.form, curve.to_network(point), point.complexity) for point in found] + [
            nothing
        ]
    return options


@proposes("networks")
def snap_network(
    net: KAN,
    rows: SplitRows,
    forms: Sequence[Form] | None = None,
    *,
    accuracy: float = 1e-6,
    until: float = math.inf,
) -> list[Node]:
    """The best few formulas of a network with one output.

    Parameters
    ----------
    net
        The trained network.
    rows
        The data.
    forms
        The library; by default all of `FORMS`.
    accuracy
        The relative accuracy of its edge functions.
    until
        The count of work (see `spent`) where it ends.

    Returns
    -------
    list of Node
        Trees with their constants fitted to (some of) the rows, the best first.
    """
    options = edge_options(net, rows.X, forms, accuracy)
    edges = list(options)
    thin = rows.thinned(_CHOICE_ROWS)
    seen: dict[tuple[int, ...], Snapped] = {}

    def judge(choice: tuple[int, ...]) -> Snapped:
        if choice not in seen:
            seen[choice] = _judge(net, thin, edges, options, choice)
        return seen[choice]

    best = judge(tuple(0 for _ in edges))
    best = _improved(best, [len(options[edge]) for edge in edges], judge, until)
    ranked = sorted(seen.values(), key=lambda item: item.score)
    return [item.fit.tree for item in ranked[:_FORMULAS] if math.isfinite(item.score)]


def _improved(
    best: Snapped, sizes: Sequence[int], judge: Callable[[tuple[int, ...]], Snapped], until: float
) -> Snapped:
    """Change one edge at a time until no change helps."""
    while True:
        start = best
        for at, size in enumerate(sizes):
            # Nothing first: a negligible term should not be given a form.
            for option in (size - 1, *range(size - 1)):
                if spent() > until:
                    return best
                trial = (*best.choice[:at], option, *best.choice[at + 1 :])
                best = min(best, judge(trial), key=lambda item: item.score)
        if best is start:
            return best


def _judge(
    net: KAN,
    rows: SplitRows,
    edges: Sequence[Edge],
    options: Mapping[Edge, Sequence[Option]],
    choice: tuple[int, ...],
) -> Snapped:
    chosen = [options[edge][at] for edge, at in zip(edges, choice, strict=True)]
    tree = compose(net, {edge: (item.form, item.affine) for edge, item in zip(edges, chosen, strict=True)})[0]
    fit = refit(tree, rows.names, rows.X, rows.y, steps=_CHOICE_STEPS, tolerance=1e-4)
    if 1e-12 < _share(fit, rows) < 1e-3:
        # Close: an exact law only shows once its constants have converged.
        fit = refit(fit.tree, rows.names, rows.X, rows.y)
    size = sum(formula.complexity for formula in chosen)
    return Snapped(choice, fit, criterion_of(fit, size, rows))


def _share(fit: Refit, rows: SplitRows) -> float:
    return fit.rss / (len(rows.y) * rows.spread**2 + 1e-300)
