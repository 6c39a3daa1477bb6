"""Columns as a network reads them that has to guess a protected attribute, and how well it guesses rows it has not
seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm, rankdata

from edgewise._core.arrays import Floats, Ints
from edgewise._core.work import StopError, charge
from edgewise.data import Encoding, LevelColumn, NumberColumn, learn_encoding
from edgewise.data.encoding_raw import RawTable
from edgewise.training import fit_table
from edgewise.training.common.results import TableFit

# Levels of a column of words that get an input of their own; rarer ones share one.
MOST_LEVELS = 20
# Units of work of what is done about a network besides its training.
GUESS = 2e-3


@dataclass(frozen=True, eq=False)
class ProxyInput:
    """One column, encoded without a look at the attribute: levels ordered by it would make noise look like knowledge.

    Attributes
    ----------
    name : str
    inputs : array, shape (n, inputs)
        A number, with a flag where cells are missing; or a column of zeros and ones for each level.
    levels : tuple of str
        Empty for numbers.
    encoding : NumberColumn or LevelColumn
    codes : array of int, shape (n,)
        Level of each row; for numbers one of a few bins of about equal size.
    """

    name: str
    inputs: Floats
    levels: tuple[str, ...]
    encoding: Any
    codes: Ints


def proxy_inputs(table: RawTable, bins: int) -> tuple[ProxyInput, ...]:
    """All columns of a table that are not constant."""
    if not table.columns:
        return ()
    encoding: Encoding = learn_encoding(table, np.zeros(table.n_rows), most_levels=MOST_LEVELS)
    inputs, sources = encoding.apply(table), np.asarray(encoding.sources)
    made = list[ProxyInput]()
    for place, column in enumerate(encoding.columns):
        own = inputs[:, sources == place]
        if isinstance(column, LevelColumn):
            codes = own[:, 0].astype(np.int64)
            single = (codes[:, None] == np.arange(len(column.levels))).astype(np.float64)
            # Of two levels one is enough.
            made.append(
                ProxyInput(
                    column.name,
                    single[:, 1:] if len(column.levels) == 2 else single,
                    column.levels,
                    column,
                    codes,
                )
            )
        elif isinstance(column, NumberColumn):
            cuts = np.unique(np.quantile(own[:, 0], np.arange(1, bins) / bins))
            codes = np.searchsorted(cuts, own[:, 0], side="right")
            for mark in range(1, own.shape[1]):
                codes = np.where(own[:, mark] > 0, len(cuts) + mark, codes)
            made.append(ProxyInput(column.name, own, (), column, codes.astype(np.int64)))
    return tuple(made)


def guess(
    inputs: Floats,
    member: Floats,
    seed: int,
    *,
    work: float = 1.0,
    mode: str = "additive",
    members: str | int = "auto",
    hidden: int | None = None,
) -> TableFit:
    """A network for membership of a group, with out-of-fold logits of its rows."""
    charge(GUESS)
    fit = fit_table(
        inputs, member, loss="logistic", mode=mode, members=members, hidden=hidden, work=work, seed=seed
    )
    if not fit.stop_reason.repeatable:
        # What ended it from outside ends what asked for it as well.
        raise StopError(fit.stop_reason)
    return fit


@dataclass(frozen=True)
class Area:
    """An area under the ROC curve of rows not learned from.

    Attributes
    ----------
    auc, low, high : float
        With a 95 % interval.
    p_value : float
        Chance of an area as large where nothing is known.
    """

    auc: float
    low: float
    high: float
    p_value: float


def area(member: Floats, logit: Floats) -> Area:
    """The area, DeLong's interval, and the p-value of a Mann-Whitney test.

    References
    ----------
    E. DeLong, D. DeLong and D. Clarke-Pearson, "Comparing the areas under two or more correlated receiver operating
    characteristic curves", 1988, doi:10.2307/2531595.
    """
    yes, no = logit[member > 0.5], logit[member <= 0.5]
    n, m = len(yes), len(no)
    if min(n, m) < 2:
        return Area(0.5, 0.0, 1.0, 1.0)
    ranks = rankdata(np.concatenate([yes, no]))
    above = (ranks[:n] - rankdata(yes)) / m
    below = 1 - (ranks[n:] - rankdata(no)) / n
    auc = float(above.mean())
    spread = math.sqrt(float(above.var(ddof=1)) / n + float(below.var(ddof=1)) / m)
    _, counts = np.unique(ranks, return_counts=True)
    total = n + m
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (total * (total - 1))
    null = math.sqrt(max((total + 1 - ties) / (12 * n * m), 1e-300))
    reach = 1.96 * spread
    return Area(auc, max(0.0, auc - reach), min(1.0, auc + reach), float(norm.sf((auc - 0.5) / null)))
