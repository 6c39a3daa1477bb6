"""Which pairs of inputs act together: two-way tables of what a model leaves over.

Every input falls into bins, words and other few values into one for each. The sums of the rest in the cells of two inputs,
turned into products of their smooth directions, are squared and compared with what chance would give, shell by shell from
smooth to rough: a shell counts by what it explains beyond that, so a rough surface is seen where rows are many, and a table
of words whose order means nothing as well as a product of two slopes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.training.additive.design import Design
from edgewise.training.common.costs import PASSED

Pair = tuple[int, int]

# Bins of an input, directions distinguished, and standard errors of chance by which a shell of directions has to exceed it.
BINS, DIRECTIONS, ERRORS = 32, 16, 1.0
# Rows looked at, and cells of rows and pairs together: of very wide tables fewer rows are looked at, but never fewer than
# the last.
_ROWS, _CELLS, _FEWEST_ROWS = 20_000, 100_000_000, 2_000


@dataclass(frozen=True, eq=False)
class Binned:
    """One input: the bin of each row, (n,), and the means of its smooth directions in each bin, (bins, A)."""

    codes: NDArray[Any]
    directions: Floats


@dataclass(frozen=True, eq=False)
class TwoWay:
    """Inputs in bins, for some rows.

    Attributes
    ----------
    inputs : tuple of Binned
    step : int
        Every so many-th row is looked at.
    """

    inputs: tuple[Binned, ...]
    step: int

    def gains(self, rest: Tensor, pairs: Sequence[Pair]) -> Floats:
        """What each pair explains of the rest beyond chance, in units of its variance; 0 where nothing.

        Parameters
        ----------
        rest : Tensor, shape (n, D)
            Residuals, or negative gradients of the loss, weighted.
        pairs : sequence of (int, int)

        Returns
        -------
        array of shape (len(pairs),)

        References
        ----------
        Y. Lou, R. Caruana, J. Gehrke and G. Hooker, "Accurate intelligible models with pairwise interactions", 2013,
        doi:10.1145/2487575.2487579. X. Lin, "Variance component testing in generalised linear models with random
        effects", 1997, doi:10.1093/biomet/84.2.309, for squared scores against their chance.
        """
        left = rest[:: self.step].numpy()
        left = left - left.mean(0)
        return np.array([sum(self._gain(column, *pair) for column in left.T) for pair in pairs])

    def _gain(self, rest: Floats, i: int, j: int) -> float:
        one, other = self.inputs[i], self.inputs[j]
        shape = len(one.directions), len(other.directions)
        cells = one.codes * shape[1] + other.codes
        charge(3 * PASSED * len(rest))
        sums = np.bincount(cells, rest, shape[0] * shape[1]).reshape(shape)
        squares = np.bincount(cells, rest**2, shape[0] * shape[1]).reshape(shape)
        return beyond_chance(sums, squares, one.directions, other.directions)


def beyond_chance(sums: NDArray[Any], squares: NDArray[Any], a: Floats, b: Floats) -> float:
    """What two inputs together explain of a rest beyond chance.

    Parameters
    ----------
    sums, squares : array of shape (bins, bins)
        Sums of the rest, and of its squares, in the cells of both.
    a, b : array of shape (bins, A) and (bins, B)
        Smooth directions of each.
    """
    # A sum over its own size, which a few large residuals raise as well: it stays bounded where cells are sparse.
    chance = (a**2).T @ squares @ b**2
    beyond = (a.T @ sums @ b) ** 2 / np.maximum(chance, np.finfo(float).tiny) - 1
    shell = shells(a.shape[1], b.shape[1]).ravel()
    counts = np.bincount(shell)
    # What comes of a shell is shrunk by the evidence, and judged.
    expected = ERRORS * np.sqrt(2 * counts)
    return float(np.maximum(np.bincount(shell, beyond.ravel()) - expected, 0.0).sum())


def shells(a: int, b: int) -> NDArray[np.int64]:
    """How rough the product of direction m of one input (from 1) and k of another is: floor(log2(m k)), shape (a, b)."""
    rough = np.outer(np.arange(1, a + 1), np.arange(1, b + 1))
    return np.floor(np.log2(rough) + 1e-9).astype(np.int64)


def two_way(design: Design, table: Tensor, X: Tensor) -> TwoWay:
    """Put the inputs (n, I) of a design, whose rows are `table`, into bins."""
    pairs = max(1, X.shape[1] * (X.shape[1] - 1) // 2)
    rows = min(_ROWS, max(_FEWEST_ROWS, _CELLS // pairs))
    step = -(-len(X) // rows)
    X, table = X[::step], table[::step]
    inputs, start = list[Binned](), 0
    for i, turn in enumerate(design.maps):
        code = _binned(X[:, i])
        count = int(code.max()) + 1
        own = table[:, start + 1 : start + 1 + min(turn.shape[1] - 1, DIRECTIONS, count - 1)]
        sums = torch.zeros(count, own.shape[1], dtype=torch.float64).index_add(0, code, own.to(torch.float64))
        means = sums / torch.bincount(code, minlength=count)[:, None].clamp(min=1)
        inputs.append(Binned(code.numpy(), means.numpy()))
        start += turn.shape[1]
    return TwoWay(tuple(inputs), step)


def all_pairs(inputs: int, without: Collection[int] = ()) -> list[Pair]:
    """Every pair of inputs but those with one that shall stay alone."""
    free = [i for i in range(inputs) if i not in without]
    return [(i, j) for place, i in enumerate(free) for j in free[place + 1 :]]


def strongest(gains: Floats, pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that explain anything, those first that explain most."""
    return [pairs[k] for k in np.argsort(-gains, kind="stable") if gains[k] > 0]


def _binned(x: Tensor) -> Tensor:
    values, code = torch.unique(x, return_inverse=True)
    if len(values) <= BINS:
        return code
    ends = torch.quantile(x, torch.linspace(0, 1, BINS + 1, dtype=x.dtype)[1:-1]).unique()
    return torch.unique(torch.bucketize(x.contiguous(), ends), return_inverse=True)[1]
