"""The formula that a network of closed forms is."""

from __future__ import annotations

from edgewise._core.errors import EdgewiseError
from edgewise.network import KAN
from edgewise.symbolic import Formula, formula

# Closed forms that together are still a formula to be read.
MOST_FORMS = 40


def closed_form(net: KAN) -> tuple[Formula, ...]:
    """One formula for each output; none where an edge is a spline, or where there would be too much to read.

    Examples
    --------
    >>> closed_form(KAN([2, 1], seed=0))
    ()
    """
    forms = sum(len(layer.symbolic) for layer in net.layers)
    alive = sum(int(layer.mask.sum()) for layer in net.layers)
    if alive > forms or forms > MOST_FORMS:
        return ()
    try:
        return tuple(formula(net))
    except EdgewiseError:
        return ()
