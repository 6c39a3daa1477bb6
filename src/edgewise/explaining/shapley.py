"""Exact Shapley values against a background, term by term.

The value of a coalition T of columns is the mean over background rows of the output where the columns of T come from the
row and the others from the background (the interventional game of S. M. Lundberg and S.-I. Lee, "A unified approach to
interpreting model predictions", 2017, arXiv:1705.07874). Shapley values (L. S. Shapley, "A value for n-person games", 1953,
doi:10.1515/9781400881970-018) are linear in the game, so those of a sum of terms are the sums of those of its terms, and a
term of s columns has only 2^s coalitions. Nothing is sampled.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.explaining.terms import NetworkTerms, Term

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
