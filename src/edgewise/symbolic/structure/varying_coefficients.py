"""Sums of known functions of one feature with unknown functions of another for weights: y = sum_k a_k(u) f_k(v).

With the f_k taken from a short list and the a_k polynomials, the fit is linear; where it leaves nothing, each a_k is a curve
that the one-variable search reads.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edgewise.forms.tree import Apply, Node, Number, Variable, substitute
from edgewise.symbolic.config import SearchConfig
from edgewise.symbolic.costs import ORTHOGONAL
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.dictionaries import FAMILIES, Term, taken
from edgewise.symbolic.structure.linear_relations import OUTERS, outside, target_values
from edgewise.symbolic.structure.state import product
from edgewise.symbolic.univariate.search import one_variable

Floats = NDArray[np.float64]


def varying(rows: SplitRows) -> Iterator[Node]:
    """Formulas in two features of which one enters by known functions.

    Parameters
    ----------
    rows
        Two features and a target; nothing is offered for other tables.
    """
    if len(rows.names) != 2 or len(rows.y) < rows.config.varying_rows:
        return
    config, thin = rows.config, rows.thinned(rows.config.varying_sample)
    if not (np.ptp(thin.X, axis=0) > 0).all():
        return  # of the sample one column does not vary at all
    sign = 1 if (thin.y > 0).all() else -1 if (thin.y < 0).all() else 0
    for at in (0, 1):
        u = thin.X[:, 1 - at]
        unit = 2 * (u - u.min()) / np.ptp(u) - 1
        table = np.polynomial.chebyshev.chebvander(unit, config.part_degree)
        for functions in _functions(thin, at):
            design = np.concatenate([table * each.values[:, None] for each in functions], axis=1)
            scale = np.linalg.norm(design, axis=0)
            if not (np.isfinite(scale) & (scale > 0)).all():
                continue
            ORTHOGONAL(design.size * design.shape[1])
            q = np.linalg.qr(design / scale)[0]
            for outer in OUTERS[:4]:
                values = target_values(outer, thin.y, sign)
                if values is None:
                    continue
                left = float(np.linalg.norm(values - q @ (q.T @ values)))
                spread = float(np.linalg.norm(values - values.mean()))
                if left > config.varying_left * spread:
                    continue
                weights = np.linalg.lstsq(design / scale, values, rcond=1e-11)[0] / scale
                parts = [table @ each for each in np.split(weights, len(functions))]
                accuracy = max(left / spread, 1e-10)
                for tree in _read(Variable(rows.names[1 - at]), u, functions, parts, accuracy, config):
                    yield outside(outer, tree, sign)


def _functions(rows: SplitRows, at: int) -> Iterator[list[Term]]:
    """One and a family; powers first."""
    feature = Term(Variable(rows.names[at]), rows.X[:, at])
    one = Term(Number(1), np.ones(len(rows.y)))
    square = Term(Apply("^", (feature.tree, Number(2))), feature.values**2)
    yield [one, feature]
    yield [one, feature, square]
    for family in FAMILIES:
        for size in range(1, len(family) + 1):
            atoms = taken(feature, family[:size], rows.config.sums)
            if atoms:
                yield [one, *atoms]


def _read(
    u: Node,
    x: Floats,
    functions: Sequence[Term],
    parts: Sequence[Floats],
    accuracy: float,
    config: SearchConfig,
) -> Iterator[Node]:
    """Every combination of the best few closed forms of the weights."""
    order = np.argsort(x)
    sizes = [float(np.abs(part * each.values).max()) for part, each in zip(parts, functions, strict=True)]
    choices: list[list[Node]] = []
    for part, function, size in zip(parts, functions, sizes, strict=True):
        if size <= 30 * accuracy * max(sizes):
            continue
        spread = float(np.ptp(part))
        if spread <= 30 * accuracy * float(np.abs(part).max()):
            choices.append([product(Number(float(part.mean())), function.tree)])
            continue
        found = one_variable(
            x[order],
            part[order],
            accuracy=max(100 * accuracy, 1e-8),
            work=config.part_work,
            top=4,
            config=config,
        )
        good = [each for each in found if each.residual <= max(300 * accuracy, 1e-7)][:2] or list(found[-1:])
        choices.append([product(substitute(each.tree, "x", u), function.tree) for each in good])
    for picked in itertools.islice(itertools.product(*choices), config.varying_formulas):
        if picked:
            yield picked[0] if len(picked) == 1 else Apply("+", tuple(picked))
