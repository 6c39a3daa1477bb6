"""Errors in the columns: each counts in y as much as the slope of the formula makes of it, so the search is done again."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np

from edgewise._core.arguments import dimensions
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice, check_float, check_vector, short
from edgewise._core.errors import InputError
from edgewise._core.work import Meter, check_seconds, check_work
from edgewise.symbolic.fitting.measurements import read_rows
from edgewise.symbolic.results.row_noise import row_noise, slopes_of
from edgewise.symbolic.results.search_result import FormulaResult
from edgewise.symbolic.search.constraints import ConstraintWarning

# Shares of the work of the searches, and the change of a standard deviation below which none is done again.
_SHARES, _SETTLED = (0.4, 0.4, 0.2), 0.05


def with_column_errors(
    search: Callable[..., FormulaResult],
    X: Any,
    y: Any,
    *,
    names: Iterable[str] | None,
    sigma: Any,
    x_sigma: Any,
    work: str | float,
    seconds: float | None,
) -> FormulaResult:
    """Formulas for y where columns are measured with errors, by the method of effective variance.

    Parameters
    ----------
    search
        Finds formulas: called with X and y, and with names, sigma, work and seconds.
    X, y
        Table (n, d) and target (n,).
    names, work, seconds
        As of `find_formula`; for all searches together.
    sigma
        The standard deviation of y, a number or one a row; None for one that does not matter beside the others.
    x_sigma
        The standard deviations of columns, by name: each a number or one a row.
    of
        Who asks, for messages.

    References
    ----------
    J. Orear, "Least squares when both variables have uncertainties", American Journal of Physics 50, 912 (1982),
    doi:10.1119/1.12972.
    """
    meter = Meter(seconds=(limit := check_seconds(seconds)))
    factor = check_work(work)
    table, columns = read_rows(X, y, names, sigma=sigma)
    count = int(np.shape(np.asarray(y))[0])
    errors = _deviations(x_sigma, columns, count)
    kept, held = table.numbers, {name: error[table.numbers] for name, error in errors.items()}
    own = None if sigma is None else np.broadcast_to(np.asarray(sigma, dtype=np.float64), (count,))[kept]

    def deviations(slopes: Mapping[str, Floats]) -> Floats:
        """Of every row in y; rows that are left out get the usual one."""
        noise = row_noise(slopes, own, held)
        whole = np.full(count, math.sqrt(float(np.mean(np.square(noise)))))
        whole[kept] = noise
        return np.maximum(whole, 1e-12 * float(np.std(table.y)))

    spread = deviations(_straight(table.X, table.y, columns))
    found: FormulaResult | None = None
    for share in _SHARES:
        left = None if limit is None else max((limit - meter.seconds) / 2, 0.1)
        with warnings.catch_warnings():
            # Each search would say it again: whoever asked for all of them says it once, of the last.
            warnings.simplefilter("ignore", ConstraintWarning)
            found = search(X, y, names=columns, sigma=spread, work=factor * share, seconds=left)
        before, spread = spread, deviations(slopes_of(found.best, table.X, held))
        if float(np.max(np.abs(spread / before - 1))) < _SETTLED or not found.stop_reason.repeatable:
            break
    assert found is not None
    note = f"Errors in {', '.join(errors)} count in y through the slopes of the formula."
    return replace(
        found, seconds=meter.seconds, message=f"{found.message} {note}", remarks=(*found.remarks, note)
    )


def _deviations(given: Any, columns: tuple[str, ...], count: int) -> dict[str, Floats]:
    if not isinstance(given, Mapping) or not given:
        raise InputError(
            argument="x_sigma",
            expected=f"map columns to standard deviations, as {{{columns[0]!r}: 0.1}}",
            got=short(given),
        )
    found = dict[str, Floats]()
    for name, value in cast("Mapping[Any, Any]", given).items():
        check_choice(name, "x_sigma", columns)
        if dimensions(value) == 0:
            number = check_float(value, "x_sigma", low=0.0)
            if not math.isfinite(number):
                raise InputError(
                    argument="x_sigma", expected="be finite", got=f"{number} for {short(name, 40)}"
                )
            found[name] = np.full(count, number)
        else:
            found[name] = check_vector(value, "x_sigma", length=count)
            if (found[name] < 0).any():
                row = int(np.argmin(found[name]))
                raise InputError(
                    argument="x_sigma",
                    expected="hold standard deviations",
                    got=f"{found[name][row]:g} for {short(name, 40)}",
                    rows=[row],
                )
    return found


def _straight(X: Floats, y: Floats, columns: tuple[str, ...]) -> dict[str, Floats]:
    """The slopes of a linear model, the same in every row: to begin with."""
    spread = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    design = np.column_stack([(X - X.mean(axis=0)) / spread, np.ones(len(X))])
    slopes = np.linalg.lstsq(design, y, rcond=None)[0][:-1] / spread
    return {name: np.full(len(X), slope) for name, slope in zip(columns, slopes, strict=True)}
