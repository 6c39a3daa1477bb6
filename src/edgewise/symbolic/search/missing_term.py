"""A term that a formula lacks: the product of powers, or the wave along a column, that what it leaves over follows most.

A term small beside the noise of single rows still shows in all of them together. Each product is compared with the
residuals after both have lost what the constants of the formula could follow (a score test), and the best counts where it
explains more than the best of as many products, none of them larger, would by chance.

References
----------
Rao (1948), Large sample tests of statistical hypotheses concerning several parameters. Math. Proc. Cambridge Philos. Soc.
44(1). doi:10.1017/S0305004100023987
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number, Variable, apply, summed
from edgewise.symbolic.costs import FUNCTION, ROUTINE
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.linear_fit import linear_fit
from edgewise.symbolic.fitting.structure_left import DISTINCT_SHARE, WAVE_FREQUENCIES, largest_wave
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.structure.dictionaries import whole_exponents
from edgewise.symbolic.structure.state import powers, product

# Columns of the table at most, rows that are looked at, and products tried.
_MOST_COLUMNS = 7
_LOOKED_ROWS = 1200
_MOST_PRODUCTS = 3000


@proposes("missing term")
def with_missing_term(formulas: Iterable[Formula], rows: SplitRows) -> Iterator[Node]:
    """Each formula with the term that it lacks most, if any.

    Parameters
    ----------
    formulas
        What explains most of y, in few constants.
    rows
        The table.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> X = np.random.default_rng(0).uniform(1, 3, (400, 2))
    >>> noise = 0.02 * np.random.default_rng(1).standard_normal(400)
    >>> rows = SplitRows.split(("a", "b"), X, 3 * X[:, 0] + 0.1 * X[:, 1] ** 2 / X[:, 0] + noise, 0.2, 0)
    >>> (found,) = with_missing_term([Formula(3.0 * sympy.Symbol("a"), rows.names)], rows)
    >>> [round(float(each), 1) for each in Tape(found, rows.names).start]
    [3.0, 0.1]
    """
    formulas = list(formulas)
    if not formulas or len(rows.names) > _MOST_COLUMNS or rows.short:
        return
    thin = rows.thinned(_LOOKED_ROWS)
    exponents = list(itertools.islice(_exponents(thin.X), _MOST_PRODUCTS))
    sizes = np.abs(exponents).sum(axis=1)
    price = math.log(len(thin.y)) + 2 * np.log(np.searchsorted(sizes, sizes, side="right"))
    charge(ROUTINE + FUNCTION * len(exponents) * len(thin.y))
    with np.errstate(all="ignore"):
        logs = np.log(np.where(thin.X == 0, 1e-300, np.abs(thin.X)))
        table = np.exp(logs @ np.array(exponents, dtype=float).T)
        table *= np.prod(np.sign(thin.X)[:, None, :] ** (np.abs(exponents) % 2)[None], axis=2)
        table /= np.linalg.norm(table, axis=0)
    for formula in formulas:
        tape = Tape(formula.tree, rows.names)
        value, slopes = tape.jacobian(tape.start, thin.X)
        if not (np.isfinite(value).all() and np.isfinite(slopes).all()):
            continue
        # A number beside what the formula can follow.
        own, size = np.column_stack([slopes, np.ones(len(value))]), np.linalg.norm(slopes, axis=0)
        own[:, :-1] /= np.where(size > 0, size, 1.0)
        q = np.linalg.qr(own)[0]
        left = thin.y - value
        left = left - q @ (q.T @ left)
        rest = table - q @ (q.T @ table)
        length = np.linalg.norm(rest, axis=0)
        count, total = len(left), float(left @ left)
        with np.errstate(all="ignore"):
            share = np.where(length > 1e-4, np.square(left @ rest / length) / total, 0.0)
        gain = -count * np.log1p(-np.clip(np.nan_to_num(share, nan=0.0), 0.0, 1 - 1e-12)) - price
        at = int(np.argmax(gain))
        if (wave := _wave(left, thin)) is not None and wave[0] > gain[at]:
            yield formula.tree + wave[1]
        elif gain[at] > 0:
            term = powers(
                [Variable(name) for name in rows.names], [float(exponent) for exponent in exponents[at]]
            )
            scale = float(left @ rest[:, at]) / float(length[at]) ** 2
            with np.errstate(all="ignore"):
                values = Tape(term, rows.names)
                size = float(np.linalg.norm(values.value(values.start, thin.X)))
            yield formula.tree + product(Number(scale / size), term)


def _wave(left: Floats, rows: SplitRows) -> tuple[float, Node] | None:
    """How much the best wave along a column gains, and the wave."""
    # A column of a few values has no frequency.
    at, (rate, share) = max(
        (
            (at, largest_wave(column, left))
            for at, column in enumerate(rows.X.T)
            if len(np.unique(column)) >= DISTINCT_SHARE * len(left)
        ),
        key=lambda item: item[1][1],
        default=(0, (0.0, 0.0)),
    )
    if not rate:
        return None
    count = len(left)
    waves = len(rows.names) * min(WAVE_FREQUENCIES, count // 2)
    gain = -count * math.log1p(-min(share, 1 - 1e-12)) - 3 * math.log(count) - 2 * math.log(waves)
    column = rows.X[:, at]
    design = np.column_stack([np.sin(rate * column), np.cos(rate * column)])
    sizes = linear_fit(design, left)
    angle = rate * Variable(rows.names[at])
    terms = (
        product(Number(float(size)), apply(name, angle))
        for size, name in zip(sizes, ("sin", "cos"), strict=True)
    )
    return gain, summed(terms)


def _exponents(X: Floats) -> Iterator[tuple[int, ...]]:
    """Whole exponents by their total size; negative ones of columns that keep away from zero."""
    clear = [bool((column > 0).all() or (column < 0).all()) for column in X.T]
    for size in range(1, _TOTAL + 1):
        yield from whole_exponents(clear, size)


# The largest sum of a product's exponents.
_TOTAL = 7
