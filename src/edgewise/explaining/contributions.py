"""Contributions of columns to an output: one row, one baseline, shares that sum to the difference.

Of an additive network they are differences of its functions, along paths those of `paths`. Between both stand exact Shapley
values (L. S. Shapley, "A value for n-person games", 1953, doi:10.1515/9781400881970-018): the value of a coalition T of
columns is the mean over background rows of the output where the columns of T come from the row and the others from the
background (the interventional game of S. M. Lundberg and S.-I. Lee, "A unified approach to interpreting model predictions",
2017, arXiv:1705.07874). They are linear in the game, so those of a sum of terms are the sums of those of its terms, and a
term of s columns has only 2^s coalitions. Nothing is sampled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.explaining.paths import Paths, Trace
from edgewise.explaining.subject import ExplainedModel, Output
from edgewise.explaining.terms import NetworkTerms, Term, values_of

# Edge functions evaluated for one row, up to which exact values are computed without being asked for.
AFFORDABLE = 3_000_000
# Coalitions of a term beyond which they are never all tried.
MOST_PLAYERS = 16


def cost(terms: NetworkTerms, background: int) -> int:
    """How many edge functions the exact values of one row take."""
    total = 0
    for term in terms.joint:
        edges = sum(int(layer.mask.sum()) for layer in term.network.layers)
        total += 2 ** min(len(term.columns), 60) * background * edges
    return total


def shapley_values(terms: NetworkTerms, owner: NDArray[np.int64], x: Floats, background: Floats) -> Floats:
    """Shapley values of the columns for one row.

    Parameters
    ----------
    terms : NetworkTerms
    owner : array of int, shape (inputs,)
        The column each input belongs to.
    x : array of shape (inputs,)
    background : array of shape (b, inputs)

    Returns
    -------
    array of shape (columns, outputs)
        They sum to the output at x minus the mean output of the background.
    """
    out = np.zeros((terms.columns, len(terms.constant)))
    for term in terms.terms:
        out[list(term.columns)] += _of_term(term, owner, x, background)
    return out


def _of_term(term: Term, owner: NDArray[np.int64], x: Floats, background: Floats) -> Floats:
    players = len(term.columns)
    own, rows = x[list(term.inputs)], background[:, list(term.inputs)]
    seat = {column: k for k, column in enumerate(term.columns)}
    of_input = np.array([seat[int(owner[k])] for k in term.inputs])
    masks = np.arange(2**players)
    # (coalitions, background, inputs): who is in takes the row's value.
    inside = (masks[:, None] >> of_input[None]) & 1 == 1
    hybrid = np.where(inside[:, None, :], own, rows[None])
    value = term.own_values(hybrid.reshape(-1, len(own))).reshape(len(masks), len(rows), -1).mean(axis=1)
    size = np.array([mask.bit_count() for mask in masks.tolist()])
    weight = np.array(
        [
            math.factorial(s) * math.factorial(players - s - 1) / math.factorial(players)
            for s in range(players)
        ]
    )
    out = np.empty((players, value.shape[1]))
    for k in range(players):
        without = masks[(masks >> k) & 1 == 0]
        out[k] = weight[size[without]] @ (value[without | (1 << k)] - value[without])
    return out


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
            argument="method",
            expected=f"be 'path' for this network, where a hidden node joins {largest} columns",
            got=f"'shapley', which is exact for up to {MOST_PLAYERS}",
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
        return np.stack([array @ np.array(output.weights) for array in found])
    return baseline.paths.effects(baseline.paths.trace(X), baseline.trace).columns


def _own(subject: ExplainedModel, output: Output, X: Floats) -> Floats:
    """Values of the columns' own terms, (n, columns)."""
    out = np.zeros((len(X), len(subject.columns)))
    for k, term in subject.terms.single.items():
        out[:, k] = output.of(term.values(X))
    return out
