"""How far noise moves y in each row: its standard deviation, and those of columns through the slopes of a formula."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.derivative import differentiate
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.results.formula import Formula

# Without a deviation of y's own a row counts at most as much as one with this share of the mean variance: slopes vanish at
# extrema, errors there do not.
_LEAST = 0.01


def known_noise(
    formula: Formula, X: Floats, sigma: Floats | None, x_sigma: Mapping[str, Floats]
) -> Floats | None:
    """The standard deviation of y less a formula in every row of X, (n,); None where nothing is known of it."""
    if sigma is None and not x_sigma:
        return None
    return row_noise(slopes_of(formula, X, x_sigma), sigma, x_sigma)


def row_noise(slopes: Mapping[str, Floats], sigma: Floats | None, x_sigma: Mapping[str, Floats]) -> Floats:
    """The standard deviation of y less the formula in every row, (n,).

    Parameters
    ----------
    slopes
        The derivatives of a formula in every row, (n,), by column.
    sigma
        The standard deviation of y, (n,); None for one that does not matter beside the others.
    x_sigma
        The standard deviations of columns, each (n,), by name.

    Examples
    --------
    >>> row_noise({"x": np.array([0.0, 2.0])}, np.array([3.0, 3.0]), {"x": np.array([2.0, 2.0])}).tolist()
    [3.0, 5.0]
    """
    rows = len(next(iter(slopes.values()))) if sigma is None else len(sigma)
    through = sum((np.square(slopes[name] * array) for name, array in x_sigma.items()), np.zeros(rows))
    through = np.where(np.isfinite(through), through, 0.0)
    variance = np.maximum(through, _LEAST * through.mean()) if sigma is None else np.square(sigma) + through
    return np.sqrt(variance)


def slopes_of(formula: Formula, X: Floats, columns: Iterable[str]) -> dict[str, Floats]:
    """The derivatives of a formula at every row."""
    found = dict[str, Floats]()
    with np.errstate(all="ignore"):
        for name in columns:
            tape = Tape(differentiate(formula.tree, name), formula.names)
            found[name] = np.broadcast_to(tape.value(tape.start, X), (len(X),))
    return found
