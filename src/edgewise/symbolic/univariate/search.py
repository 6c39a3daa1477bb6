"""The closed form of one curve: a sequence of searches from polynomials to sums and compositions of library functions.

Every stage brings candidates, the best of them are fitted whole on the data and join a Pareto front of complexity against
residual, and the search ends where a formula is as exact as the curve itself and no later stage could bring a simpler one.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from edgewise._core.checks import check_float, check_int
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, left, running
from edgewise.forms import Form
from edgewise.symbolic.univariate.closed_forms import check_forms
from edgewise.symbolic.univariate.curve import CurvePoints, smooth_noise
from edgewise.symbolic.univariate.curve_rows import read_curve
from edgewise.symbolic.univariate.curve_search import CurveSearch
from edgewise.symbolic.univariate.selection import FittedForm as FittedForm

# Units of work of "normal".
CURVE_WORK_UNITS = 3.0
# Rows that a curve of more than one function needs.
CURVE_ROWS = 12


def one_variable(
    x: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    accuracy: float = 1e-9,
    forms: Iterable[Form] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    top: int = 8,
) -> tuple[FittedForm, ...]:
    """Closed forms of a curve of one variable.

    Parameters
    ----------
    x, y
        The curve, (n,), from 12 points on; in any order, with noise or without.
    sample_weight
        How much each point counts, (n,); by default all the same.
    accuracy
        The curve's own relative accuracy: a formula whose residual is no larger is exact.
    forms
        The functions formulas may be made of; by default all of `FORMS`. Powers and quotients are always allowed.
    work
        How much to do: "quick", "normal", "thorough" or a factor, and no more than a search around it has left; a curve of a
        simple formula takes far less.
    seconds
        Time limit; what is found until then is the answer, and may differ from run to run.
    top
        The most formulas returned.

    Returns
    -------
    tuple of FittedForm
        From simple to accurate: each has a smaller residual than all simpler ones. Constants are as fitted.

    Raises
    ------
    InputError
        Where x, y and sample_weight are not vectors of one length of at least 12 points.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.forms.tree import render
    >>> from edgewise.symbolic.univariate.search import one_variable
    >>> x = np.linspace(0.5, 3, 200)
    >>> best = one_variable(x, x / (np.exp(x) - 1))[-1]
    >>> best.residual < 1e-12
    True
    """
    xs, ys, weights = read_curve(x, y, sample_weight, CURVE_ROWS)
    accuracy = check_float(accuracy, "accuracy", low=0.0, high=1.0)
    units = CURVE_WORK_UNITS * check_work(work)
    # A search around it lets it have no more than what is left there.
    meter = Meter(min(units, left()), check_seconds(seconds))
    top = check_int(top, "top", low=1)
    library = None if forms is None else check_forms(forms)
    kept = weights > 0
    xs, ys, weights = xs[kept], ys[kept], weights[kept] / weights[kept].mean()
    with np.errstate(all="ignore"), one_thread():
        noise = max(accuracy, smooth_noise(xs, ys, weights))
        search = CurveSearch(CurvePoints(xs, ys, weights, accuracy, noise), library, meter)
        try:
            with running(meter):
                search.run()
        except StopError as stop:
            meter.own(stop)
        return search.front.front(top)
