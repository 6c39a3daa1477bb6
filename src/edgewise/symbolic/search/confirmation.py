"""Whether a formula had foreseen new measurements, slips of whoever measured set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.rows import row_numbers
from edgewise.symbolic.results.pure_error import PureError
from edgewise.symbolic.results.search_result import FormulaResult
from edgewise.symbolic.search.measured_rows import MeasuredRows

# A measurement is as predicted within so many standard deviations of the noise and this share of its value.
_DEVIATIONS = 4.0
_VALUE_SHARE = 1e-6
# Where slips are set aside, up to this share of a turn's measurements is measured once more where it is not as predicted: of
# more, the formula is at fault.
_SLIP_SHARE = 0.25
# A formula that leaves more than noise by chance in fewer cases lacks something.
_LEVEL = 0.01


def confirms(
    result: FormulaResult,
    X: Floats,
    y: Floats,
    asking: MeasuredRows,
    aside: Sequence[int] | None,
    noise: PureError,
) -> bool:
    """Whether new measurements are as predicted, up to noise and rounding, and all together leave only noise.

    Where slips are possible, the few that are not are made once more: a slip is not made twice, and is set aside.

    Parameters
    ----------
    result : FormulaResult
        What was found before them.
    X, y : ndarray, shapes (n, d) and (n,)
        The new measurements.
    asking : MeasuredRows
        All of them.
    aside : sequence of int or None
        Rows of `asking` in which `result` sees slips; None where every measurement counts.
    noise : PureError

    Returns
    -------
    bool
    """
    if not len(y):
        return False
    best, size = result.best, 1e-3 * np.std(asking.y)

    def far(places: Floats, values: Floats) -> NDArray[np.bool_]:
        with np.errstate(all="ignore"):
            off = np.abs(np.asarray(best.predict(places), dtype=float) - values)
        return ~(off <= noise.room(_DEVIATIONS) + _VALUE_SHARE * np.maximum(np.abs(values), size))

    missed = far(X, y)
    if missed.any():
        if aside is None or missed.mean() > _SLIP_SHARE:
            return False
        again, values = asking.at(X[missed])
        if len(values) < missed.sum() or far(again, values).any():
            return False
        asking.set_aside(X[missed], y[missed])
    with np.errstate(all="ignore"):
        left = np.asarray(best.predict(asking.X), dtype=float) - asking.y
    left = np.delete(left, np.union1d(asking.slips, np.array(aside or (), dtype=np.intp)))
    if not np.isfinite(left).all():
        return False
    return result.exact if noise.sigma == 0 else not noise.lacks_fit(left, len(best.constants), _LEVEL)


def with_slips(result: FormulaResult, asking: MeasuredRows) -> FormulaResult:
    """The result with the measurements named that were set aside beside those that it sees by itself."""
    if not len(asking.slips):
        return result
    remark = f"Set aside as slips, which were not made a second time: {row_numbers(asking.slips)}."
    every = np.union1d(asking.slips, np.array(result.gross_errors, dtype=np.intp))
    return replace(
        result,
        gross_errors=tuple(every.tolist()),
        slips=tuple(asking.slips.tolist()),
        remarks=(*result.remarks, remark),
    )
