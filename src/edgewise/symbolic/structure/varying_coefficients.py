"""Sums of known functions of one feature with unknown functions of another for coefficients: y = sum_k a_k(u) f_k(v).

With the f_k taken from a short list and polynomials for the a_k the fit is linear. Rows without noise show by what is left
that the f_k are right, and the polynomials are then the a_k: curves, which are read as any other.

References
----------
Hastie, Tibshirani (1993), Varying-coefficient models. J. R. Stat. Soc. B 55(4). doi:10.1111/j.2517-6161.1993.tb01939.x
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number, Variable, substitute, summed
from edgewise.symbolic.costs import FACTORED, ROUTINE
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.dictionaries import FAMILIES, SumTerm, taken
from edgewise.symbolic.structure.separability import PART_DEGREE, PART_WORK
from edgewise.symbolic.structure.state import product
from edgewise.symbolic.structure.transformed_targets import OUTERS, outside, transformed
from edgewise.symbolic.univariate.search import one_variable

# Rows that are needed, and those that are fitted to.
_FEWEST_ROWS = 100
_SAMPLE_ROWS = 700
# What the polynomials may leave of the spread: more, and the functions are others.
_MOST_LEFT = 3e-6
# A coefficient, or what it varies by, that is no more than so many errors of the fit is none.
_SEEN_ERRORS = 30.0
# How closely a coefficient is thought to be known, in errors of the fit, and at least; what a closed form of it may leave.
_DOUBT_ERRORS = 100.0
_LEAST_DOUBT = 1e-8
_CLOSE_ERRORS = 300.0
_LEAST_CLOSE = 1e-7
# Closed forms of a coefficient that are asked for, those that are put together, and formulas that come of it.
_FORMS_TRIED = 4
_FORMS_JOINED = 2
_FORMULAS = 3


@dataclass(frozen=True, eq=False)
class _VaryingTerm:
    """A known function of one feature, and its coefficient, a polynomial in the other, on the rows."""

    tree: Node
    values: Floats
    weight: Floats


@proposes("varying coefficients")
def varying(rows: SplitRows) -> Iterator[Node]:
    """Formulas in two features of which one enters by known functions, of y or of a function of it.

    Parameters
    ----------
    rows
        Two features and a target without noise; nothing is offered for other tables.
    """
    if len(rows.names) != 2:
        return
    thin = rows.thinned(_SAMPLE_ROWS)
    if len(rows.y) < _FEWEST_ROWS or not (np.ptp(thin.X, axis=0) > 0).all():
        return  # of the sample one column may not vary at all
    sign, _, targets = transformed(thin.y, OUTERS[:4])
    for at in (0, 1):
        u = thin.X[:, 1 - at]
        table = np.polynomial.chebyshev.chebvander(2 * (u - u.min()) / np.ptp(u) - 1, PART_DEGREE)
        for functions in _families(thin, at):
            design = np.concatenate([table * function.values[:, None] for function in functions], axis=1)
            scale = np.linalg.norm(design, axis=0)
            if not (np.isfinite(scale) & (scale > 0)).all():
                continue
            charge(ROUTINE + FACTORED * design.size * design.shape[1])
            q = np.linalg.qr(design / scale)[0]
            for target in targets:
                values = target.values
                left = float(np.linalg.norm(values - q @ (q.T @ values)))
                spread = float(np.linalg.norm(values - values.mean()))
                if left > _MOST_LEFT * spread:
                    continue
                solution = np.linalg.lstsq(design / scale, values, rcond=1e-11)[0] / scale
                shares = np.split(solution, len(functions))
                parts = [
                    _VaryingTerm(f.tree, f.values, table @ share)
                    for f, share in zip(functions, shares, strict=True)
                ]
                accuracy = max(left / spread, 1e-10)
                for tree in _read(Variable(rows.names[1 - at]), u, parts, accuracy):
                    yield outside(target.outer, tree, sign)


def _families(rows: SplitRows, at: int) -> Iterator[list[SumTerm]]:
    """One and a family; powers first."""
    feature = SumTerm(Variable(rows.names[at]), rows.X[:, at])
    one = SumTerm(Number(1), np.ones(len(rows.y)))
    square = SumTerm(feature.tree**2, feature.values**2)
    yield [one, feature]
    yield [one, feature, square]
    for family in FAMILIES:
        for count in range(1, len(family) + 1):
            atoms = taken(feature, family[:count])
            if atoms:
                yield [one, *atoms]


def _read(u: Node, x: Floats, parts: Sequence[_VaryingTerm], accuracy: float) -> Iterator[Node]:
    """Every combination of the best few closed forms of the coefficients."""
    order = np.argsort(x)
    sizes = [float(np.abs(part.weight * part.values).max()) for part in parts]
    choices: list[list[Node]] = []
    for part, largest in zip(parts, sizes, strict=True):
        if largest <= _SEEN_ERRORS * accuracy * max(sizes):
            continue
        spread = float(np.ptp(part.weight))
        if spread <= _SEEN_ERRORS * accuracy * float(np.abs(part.weight).max()):
            choices.append([product(Number(float(part.weight.mean())), part.tree)])
            continue
        found = one_variable(
            x[order],
            part.weight[order],
            accuracy=max(_DOUBT_ERRORS * accuracy, _LEAST_DOUBT),
            work=PART_WORK,
            top=_FORMS_TRIED,
        )
        good = [form for form in found if form.residual <= max(_CLOSE_ERRORS * accuracy, _LEAST_CLOSE)][
            :_FORMS_JOINED
        ] or list(found[-1:])
        choices.append([product(substitute(item.tree, "x", u), part.tree) for item in good])
    for picked in itertools.islice(itertools.product(*choices), _FORMULAS):
        if picked:
            yield summed(picked)
