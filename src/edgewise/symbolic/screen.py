"""Which columns of a wide table a search looks at: those whose own curve explains most of y."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A search over more columns than this would not come beyond the first candidates of any shape.
MOST_COLUMNS = 60
_BLOCK = 500


def related(X: Floats, y: Floats, most: int = MOST_COLUMNS) -> NDArray[np.intp]:
    """Numbers of the columns to search, in rising order.

    Each column is scored by the share of y, and of the ranks of y, that a cubic in the column's ranks explains: blind to
    units, outliers and any monotone bend.

    Parameters
    ----------
    X : array, shape (n, d)
    y : array, shape (n,)
    most : int

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
