"""The last choice: of the systems that are about as likely, the one that is shortest with its constants made plain.

During the search every constant counts as a free number. In the end some are whole and some are shared by two equations,
and each of these takes less to be written (minimum description length; J. Rissanen 1978, Modeling by shortest data
description, doi:10.1016/0005-1098(78)90005-5). What imitates the true terms rarely has such constants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgewise.dynamics.constants import settled
from edgewise.dynamics.model import TermModel
from edgewise.dynamics.selection import Judged, TermSelection
from edgewise.dynamics.shooting import ShootingFit

# Twice the nats of a factor that is one of the three plain numbers, or another's or its negative.
_PLAIN_PRICE = 2.2


@dataclass(frozen=True, eq=False)
class Settled:
    """A choice of terms with its constants made plain.

    Attributes
    ----------
    judged : Judged
        As the search left it.
    fit : ShootingFit
    length : float
        Twice the nats that the rows and the equations take to be written.
    """

    judged: Judged
    fit: ShootingFit
    length: float


def shortest(selection: TermSelection, most: int) -> tuple[Settled, float]:
    """The shortest of at most so many choices near the best, and by how many nats it is shorter than any that was tried and
    lacks one of its terms."""
    constant = math.log(selection.pieces.values.size)
    least, found = math.inf, list[Settled]()
    for judged in selection.near(most):
        if found and selection.meter.left <= 0:
            break
        # No constant can become more than plain.
        saved = len(judged.fit.point.constants) * max(constant - _PLAIN_PRICE, 0.0)
        if judged.criterion - saved < least:
            found.append(settle(judged, selection))
            least = min(least, found[-1].length)
    best = min(found, key=lambda item: item.length)
    lengths = {key: reached for key, (_, reached) in selection.tried.items()}
    lengths |= {item.judged.fit.model.keys: item.length for item in found}
    lengths |= {item.fit.model.keys: item.length for item in found}
    own = best.fit.model.keys
    rivals = [length for key, length in lengths.items() if not own <= key]
    return best, (min(rivals, default=math.inf) - best.length) / 2


def settle(judged: Judged, selection: TermSelection) -> Settled:
    """The choice with its constants made plain."""

    fit = settled(selection.pieces, judged.fit, selection.left(judged), selection.criterion)
    return Settled(judged, fit, selection.criterion(fit) + _PLAIN_PRICE * plain(fit.model))


def plain(model: TermModel) -> int:
    """Factors that are plain numbers, or another factor or its negative, and inner constants that are plain numbers; powers
    that are ratios are two whole numbers."""
    free, inner = np.split(model.spread, [len(model.terms)])
    values = model.offset[len(model.terms) :]
    fixed = [
        (place, value, power)
        for place, row, value, power in zip(
            model.places, inner, values.tolist(), model.exponents, strict=True
        )
        if not row.any()
    ]
    ratios, wholes = (
        {(place, value) for place, value, is_power in fixed if is_power == power} for power in (True, False)
    )
    return len(free) - int((abs(free).sum(0) > 0).sum()) + 2 * len(ratios) + len(wholes)
