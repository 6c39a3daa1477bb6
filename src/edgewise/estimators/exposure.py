"""Exposures and offsets: a count in twice the time has twice the mean, and more to say about the rate.

The mean of a row is its exposure m times a rate. Where variances go with the power p of means, y of mean m r says as much
about r as y / m of mean r does, counted m^(2 - p) times: what is fitted is a rate, and no likelihood needs to know of
exposures.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_vector, short
from edgewise._core.errors import InputError
from edgewise._core.rows import row_numbers
from edgewise.training.common.losses import LOG_LOSSES, LogMean, log_loss, variance_power

_TAKE_EXPOSURES = tuple(name for name in LOG_LOSSES if isinstance(log_loss(name), LogMean))


def multiplier(exposure: Any, offset: Any, rows: int, loss: str) -> Floats | None:
    """What the rate of each row is multiplied with, (n,): its exposure, and the exponential of its offset; None for neither.

    Raises
    ------
    InputError
        If an exposure is negative or no number, or the loss is not one of rates.
    """
    if exposure is None and offset is None:
        return None
    name = "exposure" if exposure is not None else "offset"
    if loss not in _TAKE_EXPOSURES:
        raise InputError(
            argument=name,
            expected=f"be given with one of the losses {', '.join(_TAKE_EXPOSURES)}",
            got=f"loss={loss!r}",
            advice="of 'negative_binomial', whose variance is no power of the mean, divide y and give sample_weight"
            if loss == "negative_binomial"
            else f"leave {name!r} out, or choose such a loss",
        )
    factor = np.ones(rows)
    if exposure is not None:
        factor = check_vector(exposure, "exposure", length=rows)
        if (factor < 0).any() or not factor.any():
            bad = np.flatnonzero(factor < 0)
            got = f"{factor[bad[0]]:g} in {row_numbers(bad)}" if len(bad) else "zeros only"
            raise InputError(argument="exposure", expected="be 0 or more, and more for some row", got=got)
    if offset is not None:
        with np.errstate(over="ignore"):
            factor = factor * np.exp(check_vector(offset, "offset", length=rows))
        if not np.isfinite(factor).all():
            raise InputError(
                argument="offset", expected="be logarithms of numbers that can be written", got=short(offset)
            )
    return factor


def rates_by_exposure(y: Floats, exposure: Any, loss: str, power: float | None) -> tuple[Floats, Floats]:
    """What there was per unit of exposure (n,), and how much rows then count (n,).

    Raises
    ------
    InputError
        If an exposure is not above 0, or the loss is not one of rates.
    """
    factor = multiplier(exposure, None, len(y), loss)
    if factor is None or (factor == 0).any():
        raise InputError(
            argument="exposure",
            expected="be above 0 in every row that is judged",
            got=short(exposure),
            advice="leave the other rows out",
        )
    return y / factor, factor ** (2 - variance_power(loss, power))


def weights_of_rates(
    factor: Floats, weight: Floats | None, loss: str, power: float | None
) -> tuple[Floats, float]:
    """The weights of rates (n,), and the exposure that rates are per while they are fitted: the mean one.

    In this unit the weights of a count are, as without exposures, those of the likelihood.
    """
    own = np.ones(len(factor)) if weight is None else weight
    unit = float(own @ factor / own[factor > 0].sum())
    return own * (factor / unit) ** (2 - variance_power(loss, power)), unit


def rates(y: Floats, factor: Floats, unit: float) -> Floats:
    """Rates per unit of the targets (n,) or (n, k) of rows with some exposure."""
    share = factor / unit
    return y / (share if y.ndim == 1 else share[:, None])
