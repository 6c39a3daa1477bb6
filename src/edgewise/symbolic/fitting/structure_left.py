"""Whether residuals still follow a column: their correlation with those of the next row in the column's order.

A smooth model that is too coarse for a wave takes it for noise; residuals that noise alone leaves do not know their
neighbours.

References
----------
von Neumann (1941), Distribution of the ratio of the mean square successive difference to the variance.
doi:10.1214/aoms/1177731677
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edgewise.symbolic.config import DEFAULT, SearchConfig

Floats = NDArray[np.float64]


def follows_a_column(X: Floats, residual: Floats, config: SearchConfig = DEFAULT) -> bool:
    """Whether the residuals in the order of some column are serially correlated by more than chance.

    Parameters
    ----------
    X
        Rows (n, d).
    residual
        What a formula leaves, (n,).
    config
        The thresholds.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0, 20, 300)[:, None]
    >>> follows_a_column(x, np.sin(5 * x[:, 0]))
    True
    >>> follows_a_column(x, np.random.default_rng(0).standard_normal(300))
    False
    """
    count = len(residual)
    left = residual - residual.mean()
    power = float(left @ left)
    if count < config.order_rows or not 0 < power < math.inf:
        return False
    for column in X.T:
        if len(np.unique(column)) < config.order_distinct * count:
            continue
        ordered = left[np.argsort(column, kind="stable")]
        if abs(float(ordered[1:] @ ordered[:-1])) / power * math.sqrt(count) > config.order_sure:
            return True
    return False
