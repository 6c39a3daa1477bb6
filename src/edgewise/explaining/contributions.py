"""Contributions of columns to an output: one row, one baseline, shares that sum to the difference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.explaining.output import Output
from edgewise.explaining.paths import Paths, Trace
from edgewise.explaining.shapley import AFFORDABLE, MOST_PLAYERS, cost, shapley_values
from edgewise.explaining.subject import ExplainedModel
from edgewise.explaining.terms import values_of

METHODS = ("auto", "shapley", "path")
# Rows that a network with joint terms is compared with.
BACKGROUND = 100
# An additive network needs only means of its functions.
ADDITIVE_BACKGROUND = 20_000


@dataclass(frozen=True, eq=False)
class Baseline:
    """What rows are compared with: the mean output of background rows.

    Attributes
    ----------
    inputs : array of shape (b, inputs)
    method : "exact", "shapley" or "path"
        "exact" where the network is additive, so that all methods agree.
    value : float
    means : array of shape (columns,)
        Mean of each column's own term over the background.
    paths : Paths
    trace : Trace
    """

    inputs: Floats
    method: str
    value: float
    means: Floats
    paths: Paths
    trace: Trace


def baseline_of(subject: ExplainedModel, output: Output, method: str, rows: int | None = None) -> Baseline:
    """Background rows, spread evenly over the table, and the method that is exact on them.

    Raises
    ------
    InputError
        If Shapley values are asked for and cannot be had exactly.
    """
    terms = subject.terms
    single = len(subject.network.layers) == 1
    inputs = subject.rows.inputs[subject.some(rows or (ADDITIVE_BACKGROUND if single else BACKGROUND))]
    largest = max((len(term.columns) for term in terms.joint), default=1)
    if method == "shapley" and largest > MOST_PLAYERS:
        raise InputError(
            f"The 'method' argument must be 'path' for this network, where a hidden node joins {largest} columns. Got "
            f"'shapley' instead, which is exact for up to {MOST_PLAYERS}."
        )
    affordable = largest <= MOST_PLAYERS and cost(terms, len(inputs)) <= AFFORDABLE
    chosen = (
        "exact"
        if terms.additive
        else "shapley"
        if method == "shapley" or (method == "auto" and affordable)
        else "path"
    )
    weights = np.array(output.weights)
    paths = Paths(subject.network, subject.owner, weights)
    value = float(output.of(values_of(subject.network, inputs)).mean())
    means = (
        _own(subject, output, inputs).mean(axis=0) if chosen == "exact" else np.zeros(len(subject.columns))
    )
    return Baseline(inputs, chosen, value, means, paths, paths.trace(inputs))


def contributions(subject: ExplainedModel, output: Output, baseline: Baseline, X: Floats) -> Floats:
    """Contributions of the columns to the output at rows of inputs: (n, inputs) -> (n, columns)."""
    if baseline.method == "exact":
        return _own(subject, output, X) - baseline.means
    if baseline.method == "shapley":
        found = [shapley_values(subject.terms, subject.owner, x, baseline.inputs) for x in X]
        return np.stack([each @ np.array(output.weights) for each in found])
    return baseline.paths.effects(baseline.paths.trace(X), baseline.trace).columns


def _own(subject: ExplainedModel, output: Output, X: Floats) -> Floats:
    """Values of the columns' own terms, (n, columns)."""
    out = np.zeros((len(X), len(subject.columns)))
    for k, term in subject.terms.single.items():
        out[:, k] = output.of(term.values(X))
    return out
