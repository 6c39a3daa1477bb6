"""Closed forms of a curve of one feature whose rows hold noise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgewise.forms.tree import Node, Variable, substitute
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.direct_candidates import curve_tree
from edgewise.symbolic.structure.state import power, product
from edgewise.symbolic.univariate.closed_forms import fit_curve
from edgewise.symbolic.univariate.search import one_variable

Floats = NDArray[np.float64]


def long_curves(rows: SplitRows, weight: Floats) -> Iterator[Node]:
    """What takes longer: curves of more than one function."""
    name = Variable(rows.names[0])
    counts = np.square(weight) / float(np.square(weight).max())
    found = one_variable(
        rows.X[:, 0],
        rows.y,
        counts,
        accuracy=1e-3,
        work=rows.config.long_curve_work,
        top=rows.config.noisy_curves,
    )
    yield from (substitute(each.tree, "x", name) for each in found)


def curves(rows: SplitRows, weight: Floats) -> Iterator[Node]:
    """A curve of the one feature, or a curve times a power of it."""
    config = rows.config
    thin = np.linspace(0, len(rows.y) - 1, min(len(rows.y), config.noisy_curve_rows)).astype(np.intp)
    x, name = rows.X[thin, 0], Variable(rows.names[0])
    found: list[tuple[float, Node]] = []
    for exponent in (0.0, 1.0, -1.0, 2.0, -2.0):
        with np.errstate(all="ignore"):
            scale = x**exponent
            y, counts = rows.y[thin] / scale, np.square(weight[thin] * scale)
        if not (np.isfinite(y).all() and np.isfinite(counts).all()) or counts.max() <= 0:
            continue
        for each in fit_curve(x, y, counts / counts.max(), accuracy=1e-3, top=config.noisy_curves):
            tree = substitute(curve_tree(each, Variable("u")), "u", name)
            left = float(np.average(np.square(y - each.value(x)), weights=counts)) * float(counts.mean())
            found.append((left, tree if exponent == 0 else product(power(name, exponent), tree)))
    found.sort(key=lambda pair: pair[0])
    yield from (tree for _, tree in found[: 2 * config.noisy_curves])
