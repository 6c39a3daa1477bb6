"""Pure error: the noise of measurements, estimated from those made at one place, whatever the law may be.

Where a formula leaves more than that, something is missing in it (the test for lack of fit; N. R. Draper, H. Smith, "Applied
Regression Analysis", 1998, section 2.1, doi:10.1002/9781118625590).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from edgewise._core.arrays import Floats


@dataclass(frozen=True)
class PureError:
    """The standard deviation of a measurement, and how well it is known.

    Attributes
    ----------
    sigma : float
    freedom : float
        Degrees of freedom; infinite where the noise is known.
    """

    sigma: float
    freedom: float = math.inf

    def room(self, deviations: float) -> float:
        """What so many standard deviations come to where the deviation itself is an estimate (Student's t)."""
        if self.sigma == 0 or math.isinf(self.freedom):
            return deviations * self.sigma
        return float(stats.t.isf(stats.norm.sf(deviations), self.freedom)) * self.sigma

    def lacks_fit(self, left: Floats, constants: int, level: float) -> bool:
        """Whether what a formula of so many constants leaves of all measurements is more than noise (F test)."""
        if self.sigma == 0:
            return False
        degrees = max(len(left) - constants, 1)
        ratio = float(np.sum(np.square(left))) / degrees / self.sigma**2
        return bool(stats.f.sf(ratio, degrees, self.freedom) < level)


# A pair this many times as far apart as the median pair holds a slip of whoever measured: of noise alone, normal and of
# few pairs, the largest is hardly ever thirty times as far.
_SLIP = 1000.0
# The last digit of coarse readings is what the closest of them differ by at least; noise that most of them do not show is
# not this many times as large.
_UNITS = 30.0


def pure_error(first: Floats, again: Floats) -> PureError:
    """The noise estimated from pairs of measurements, each pair made at one place; a pair that holds a slip is left out.

    Examples
    --------
    >>> import numpy as np
    >>> found = pure_error(np.array([1.0, 2.0]), np.array([1.5, 2.0]))
    >>> found.sigma, found.freedom
    (0.25, 2)
    """
    apart = np.square(again - first) / 2
    most = np.square(_SLIP) * np.median(apart)
    if most == 0 and apart.any():
        # Where most readings are the same to the last digit, those that are not show how coarse these are.
        most = np.square(_UNITS * np.diff(np.unique([first, again])).min()) / 2
    kept = apart[apart <= most]
    return PureError(float(np.sqrt(np.mean(kept))), len(kept))
