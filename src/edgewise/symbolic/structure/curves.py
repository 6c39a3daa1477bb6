"""Closed forms of a curve of one feature, whether its rows hold noise or not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.tree import Node, Variable, substitute
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.direct_candidates import PLAIN_CURVE_ROWS, curve_tree
from edgewise.symbolic.structure.state import TOO_LARGE, power, product
from edgewise.symbolic.univariate.closed_forms import FEWEST_POINTS, fit_curve
from edgewise.symbolic.univariate.search import CURVE_ROWS, one_variable

# Curves under noise: those that are offered, the rows they are fitted to, how closely these are taken to be known, and the
# work on those of more than one function.
_NOISY_CURVES = 6
_NOISY_ROWS = 500
_ACCURACY = 1e-3
_LONG_CURVE_WORK = 0.7

# Powers of the feature that a curve may be multiplied by; noise leaves the last ones too little to go by.
_EXPONENTS = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0)


@proposes("long curves")
def long_curves(
    rows: SplitRows, weight: Floats | None = None, *, accuracy: float | None = None, work: float | None = None
) -> Iterator[Node]:
    """What takes longer: curves of more than one function.

    Parameters
    ----------
    rows
        One feature and the target.
    weight
        How much the target counts on each row, (n,).
    accuracy, work
        How closely the target is known, and the work; by default as under noise.
    """
    if len(rows.y) < CURVE_ROWS:
        return
    name = Variable(rows.names[0])
    counts = None if weight is None else np.square(weight) / float(np.square(weight).max())
    accuracy = _ACCURACY if accuracy is None else accuracy
    work = _LONG_CURVE_WORK if work is None else work
    found = one_variable(rows.X[:, 0], rows.y, counts, accuracy=accuracy, work=work, top=_NOISY_CURVES)
    yield from (substitute(form.tree, "x", name) for form in found)


def curves(rows: SplitRows, weight: Floats) -> Iterator[Node]:
    """A curve of the one feature, or a curve times a power of it, under noise."""
    found = ranked_curves(rows, weight)
    yield from (tree for _, tree in found[: 2 * _NOISY_CURVES])


@proposes("short curves")
def ranked_curves(rows: SplitRows, weight: Floats | None = None) -> list[tuple[float, Node]]:
    """Curves of the one feature, and curves times a power of it, from the closest on, each with what it leaves.

    Parameters
    ----------
    rows
        One feature and the target.
    weight
        How much the target counts on each row, (n,); None where it holds no noise: then curves are seen from what they leave
        of themselves, otherwise by what they leave of the target.
    """
    if len(rows.y) < FEWEST_POINTS:
        return []
    noisy = weight is not None
    most = _NOISY_ROWS if noisy else PLAIN_CURVE_ROWS
    thin = np.linspace(0, len(rows.y) - 1, min(len(rows.y), most)).astype(np.intp)
    x, name = rows.X[thin, 0], Variable(rows.names[0])
    own = np.ones(len(x)) if weight is None else weight[thin]
    found: list[tuple[float, Node]] = []
    for exponent in _EXPONENTS[: 5 if noisy else None]:
        with np.errstate(all="ignore"):
            scale = x**exponent
            y, counts = rows.y[thin] / scale, np.square(own * scale)
        if not (np.abs(y) < TOO_LARGE).all() or (noisy and not 0 < counts.max() < np.inf):
            continue
        if noisy:
            curve = fit_curve(
                x,
                y,
                counts / counts.max(),
                accuracy=_ACCURACY,
                top=_NOISY_CURVES,
            )
        else:
            curve = fit_curve(x, y, top=2)
        for point in curve:
            tree = curve_tree(point, name)
            left = point.residual
            if noisy:
                left = float(np.average(np.square(y - point.value(x)), weights=counts)) * float(counts.mean())
            found.append((left, tree if exponent == 0 else product(power(name, exponent), tree)))
    return sorted(found, key=lambda pair: pair[0])
