"""A description length in nats, by which the search in one table compares formulas of unlike errors and lengths.

Searches for sums of terms, over groups, in courses and in fields price what they compare in ways of their own.
"""

from __future__ import annotations

import math

from edgewise.symbolic.fitting.least_squares import Refit
from edgewise.symbolic.fitting.train_test import SplitRows

# Nats of a node of a formula: a symbol out of some twenty.
NODE_NATS = 3.0


def criterion(
    error: float, complexity: float, count: float, constants: int = 0, *, node: float, floor: float = 1e-300
) -> float:
    """Nats that describe data by a formula, up to a constant: what it leaves, its nodes, and its measured constants.

    Parameters
    ----------
    error
        The root mean squared error.
    complexity
        Nodes of the formula.
    count
        Rows; 1 weighs what a node must gain for itself, however many rows there are.
    constants
        Measured constants, each known to about a share 1/sqrt(count) of its range.
    node
        Nats of a node.
    floor
        An error below this is rounding.

    References
    ----------
    Rissanen (1978), Modeling by shortest data description. Automatica 14(5). doi:10.1016/0005-1098(78)90005-5

    Examples
    --------
    Twice the error is as bad as three nodes more, where there are ten rows and a node costs ln(2)/0.3:

    >>> node = math.log(2) / 0.3
    >>> abs(criterion(0.2, 5, 10, node=node) - criterion(0.1, 8, 10, node=node)) < 1e-12
    True
    """
    return count * math.log(max(error, floor)) + node * complexity + 0.5 * constants * math.log(count)


# Nats of a node of a function that was chosen for an edge or for an unknown function, and what is rounding of a spread.
_CHOSEN_NODE_NATS = 1.0
_ROUNDED_SHARE = 1e-11


def criterion_of(fit: Refit, complexity: int, rows: SplitRows) -> float:
    """The same of a fit to rows whose functions were chosen and have so many nodes; infinite where it failed."""
    error = math.sqrt(fit.rss / len(rows.y)) if math.isfinite(fit.rss) else math.inf
    floor = _ROUNDED_SHARE * rows.spread + 1e-150
    return criterion(error, complexity, len(rows.y), len(fit.constants), node=_CHOSEN_NODE_NATS, floor=floor)
