"""Which columns of a wide table a search looks at: those whose own curve explains most of y, and those that matter.

References
----------
Chen, Chen (2008), Extended Bayesian information criteria for model selection with large model spaces. Biometrika 95(3).
doi:10.1093/biomet/asn034
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge, spent
from edgewise.symbolic.costs import ENTRY, STEP

# Terms of the sparse cubic that shows which columns matter: those looked at, and those taken at most.
_LOOKED_TERMS = 6000
_MOST_TERMS = 60
# Where a cubic is too poor for the law, idle columns mend less of what it leaves than this share of the best column's.
_LITTLE_GAIN = 1e-3

_BLOCK = 500


def related(X: Floats, y: Floats, most: int) -> NDArray[np.intp]:
    """Numbers of the columns to search, in rising order.

    Each column is scored by the share of y, and of the ranks of y, that a cubic in the column's ranks explains: blind to
    units, outliers and any monotone bend.

    Parameters
    ----------
    X : array, shape (n, d)
    y : array, shape (n,)
    most : int
        Columns at most.

    Returns
    -------
    array of int, shape (min(d, most),)
    """
    if X.shape[1] <= most:
        return np.arange(X.shape[1])
    targets = np.column_stack([_unit(y), _unit(_ranks(y[:, None])[:, 0])])
    scores = [_explained(X[:, at : at + _BLOCK], targets) for at in range(0, X.shape[1], _BLOCK)]
    best = np.argsort(-np.concatenate(scores), kind="stable")[:most]
    return np.sort(best)


def mattering(X: Floats, y: Floats, most: float = math.inf) -> NDArray[np.intp]:
    """Numbers of the columns that a sparse cubic for y holds, in rising order.

    Terms are taken one by one, whichever explains most of what is left, for as long as the extended Bayesian information
    criterion gains by it: it counts the terms that might have been taken, so that of many idle columns none comes in by
    chance. Products of the columns, or of their logarithms where all are positive, of up to three are looked at.

    Parameters
    ----------
    X : array, shape (n, d)
    y : array, shape (n,)
    most : float
        Work that it may take, in units; the terms found by then decide.

    Returns
    -------
    array of int, shape (at most d,)

    Examples
    --------
    >>> X = np.random.default_rng(0).uniform(1, 2, (300, 12))
    >>> mattering(X, X[:, 3] / X[:, 7]).tolist()
    [3, 7]
    """
    if y.std() == 0:
        return np.zeros(0, dtype=np.intp)
    scales = _scales(X, y)
    sparse = min((_sparse(u, v, most / len(scales)) for u, v in scales), key=lambda item: item[0])
    return np.array(sorted(sparse[1]), dtype=np.intp)


def _scales(X: Floats, y: Floats) -> list[tuple[Floats, Floats]]:
    """The table as it stands, and in logarithms: of positive columns, and of y where it has one sign; of sizes alone where
    signs differ.
    """
    scales = [(X, y)]
    positive = (X > 0).all(axis=0)
    one_sign = bool((y > 0).all() or (y < 0).all())
    if positive.any():
        logs = np.where(positive, np.log(np.where(positive, X, 1.0)), X)
        scales.append((logs, y))
        if one_sign:
            scales.append((logs, np.log(np.abs(y))))
    if not one_sign and (y != 0).all():
        clear = (X != 0).all(axis=0)
        scales.append((np.where(clear, np.log(np.abs(np.where(clear, X, 1.0))), X), np.log(np.abs(y))))
    return scales


def _sparse(X: Floats, y: Floats, most: float) -> tuple[float, set[int]]:
    """The criterion of the best sparse cubic per row, and its columns."""
    n, d = X.shape
    low, high = X.min(axis=0), X.max(axis=0)
    unit = 2 * (X - low) / np.where(high > low, high - low, 1.0) - 1
    terms = [term for size in (1, 2, 3) for term in itertools.combinations_with_replacement(range(d), size)]
    terms = terms[:_LOOKED_TERMS]
    table = np.column_stack([unit[:, term].prod(axis=1) for term in terms])
    table -= table.mean(axis=0)
    size = np.linalg.norm(table, axis=0)
    table /= np.where(size > 1e-9, size, np.inf)
    left = _unit(y)
    best, taken, kept, last, rest = 0.0, list[tuple[set[int], float]](), 0, 1.0, 1.0
    began = spent()
    for count in range(1, min(n // 4, _MOST_TERMS) + 1):
        if spent() - began > most:
            break
        charge(STEP + ENTRY * table.size)
        at = int(np.argmax(np.abs(left @ table)))
        length = float(np.linalg.norm(table[:, at]))
        if length < 1e-9:
            break
        along = table[:, at] / length
        left = left - along * (along @ left)
        # What a term that is taken has explained, no other explains again.
        table -= np.outer(along, along @ table)
        share = float(left @ left)
        taken.append((set(terms[at]), last - share))
        last = share
        value = n * math.log(max(share, 1e-20)) + count * (math.log(n) + 2 * math.log(len(terms)))
        if value < best:
            best, kept, rest = value, count, share
        if share <= 1e-20:
            break
    gains = {column: sum(gain for term, gain in taken[:kept] if column in term) for column in range(d)}
    least = min(rest, _LITTLE_GAIN * max(gains.values()))
    return best, {column for column, gain in gains.items() if gain > least}


def _explained(block: Floats, targets: Floats) -> Floats:
    """The larger of the shares of both targets explained by each column, (d,)."""
    u = _ranks(block)
    curves = np.stack([u, 1.5 * u**2 - 0.5, 2.5 * u**3 - 1.5 * u])  # nearly orthogonal over ranks
    curves -= curves.mean(axis=1, keepdims=True)
    size = np.linalg.norm(curves, axis=1, keepdims=True)
    along = np.einsum("knd,nt->ktd", curves / np.where(size > 1e-9, size, np.inf), targets)
    return np.square(along).sum(axis=0).max(axis=0)


def _ranks(values: Floats) -> Floats:
    """Ranks within each column spread over [-1, 1]; equal values share one rank."""
    order = np.argsort(values, axis=0, kind="stable")
    sorted_values = np.take_along_axis(values, order, axis=0)
    fresh = np.vstack([np.zeros((1, values.shape[1])), sorted_values[1:] != sorted_values[:-1]])
    ranks = np.empty_like(fresh)
    np.put_along_axis(ranks, order, np.cumsum(fresh, axis=0), axis=0)
    return 2 * ranks / np.maximum(ranks.max(axis=0), 1) - 1


def _unit(values: Floats) -> Floats:
    """The values centred and of length one; zero where they are all equal."""
    values = values - values.mean()
    size = float(np.linalg.norm(values))
    return values / size if size > 0 else values
