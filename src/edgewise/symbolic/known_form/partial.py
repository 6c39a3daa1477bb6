"""From a partly known formula to the unknown functions in it: y = f(x1/x2)*g(x3) + x4 gives f and g.

Known parts stay exactly as written. Each unknown function becomes a spline, all are learned together, and each is then
compared with the library of closed forms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgewise._core.arguments import column_names
from edgewise._core.arrays import Floats
from edgewise._core.checks import (
    among,
    check_int,
    check_matrix,
    check_vector,
    did_you_mean,
    short,
)
from edgewise._core.errors import InputError
from edgewise._core.plain import fields
from edgewise._core.seeds import derive
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.data import split
from edgewise.symbolic.config import SearchConfig, config_of
from edgewise.symbolic.fitting.measurements import measured
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.known_form.fit import FitTask, Freedom, Learned, learn
from edgewise.symbolic.known_form.model import PartialModel, Spline
from edgewise.symbolic.known_form.snap import whole_formulas
from edgewise.symbolic.known_form.text import read_partial
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.univariate.closed_forms import Suggestion, fit_curve


@dataclass(frozen=True, eq=False)
class UnknownFunction:
    """A learned function of one variable.

    Parameters
    ----------
    name
        As in the text.
    x, y
        The curve over all the function was called with.
    normalised
        What was fixed because the data cannot determine it, in words; empty where they can.
    suggestions
        Closed forms a*f(b*x + c) + d, the most likely first.
    """

    name: str
    x: Floats
    y: Floats
    normalised: str
    suggestions: tuple[Suggestion, ...]
    _spline: Spline

    def __call__(self, x: ArrayLike) -> Floats:
        """The function at x; beyond the curve's ends it goes on straight."""
        values = np.asarray(x, dtype=np.float64)
        return self._spline(values.ravel()).reshape(values.shape)


@dataclass(frozen=True, eq=False)
class PartialResult:
    """A partly known formula with its unknown functions learned.

    Parameters
    ----------
    text
        The formula as it was written.
    functions
        The unknown functions in reading order.
    error
        Root mean squared error on held-out rows, in the units of y.
    r2
        Coefficient of determination on the same rows.
    formula
        The whole formula with every unknown in closed form, where that is about as accurate; else None.
    alternatives
        Other whole formulas in closed form, as accurate or not.
    message
        What was learned, in one sentence.
    seconds
        How long it took.
    stop_reason
        Why learning ended.
    """

    text: str
    functions: tuple[UnknownFunction, ...]
    error: float
    r2: float
    formula: Formula | None
    alternatives: tuple[Formula, ...]
    message: str
    seconds: float
    stop_reason: StopReason
    _model: PartialModel

    def __getitem__(self, name: str) -> UnknownFunction:
        for each in self.functions:
            if each.name == name:
                return each
        known = [each.name for each in self.functions]
        raise InputError(
            f"The name of an unknown function must be one of {among(known)}. Got {short(name)} instead"
            f"{did_you_mean(name, known)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything but what `predict` needs, for JSON."""
        curves = [
            {
                **fields(each, "name", "x", "y", "normalised"),
                "suggestions": [one.text for one in each.suggestions],
            }
            for each in self.functions
        ]
        return {
            **fields(self, "text", "error", "r2", "message", "stop_reason", "seconds"),
            "functions": curves,
            "formula": None if self.formula is None else self.formula.to_dict(),
            "alternatives": [each.to_dict() for each in self.alternatives],
        }

    def predict(self, X: Any) -> Floats:
        """The formula with the learned functions at every row.

        Parameters
        ----------
        X
            The columns, (n, d).

        Returns
        -------
        ndarray
            (n,); not finite where the formula has no value.
        """
        rows = check_matrix(X, "X", columns=len(self._model.partial.names), of="predict")
        splines = {each.name: each._spline for each in self.functions}
        with np.errstate(all="ignore"):
            return self._model.run(splines, rows).value


def fit_partial(
    X: Any,
    y: Any,
    text: str,
    *,
    names: Iterable[str] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int | None = 0,
    sample_weight: Any = None,
    sigma: Any = None,
    config: SearchConfig | None = None,
) -> PartialResult:
    """Learn the unknown functions of a partly known formula.

    Parameters
    ----------
    X
        Matrix or data frame, (n, d), at least 60 rows.
    y
        Vector, (n,).
    text
        The formula. Any name that is called and is neither a column nor a known function is an unknown function of one
        variable: "f(x1/x2)*g(x3) + x4", "sqrt(f(x1) + x2^2)", "f(g(x1) + x2)". A function may be called several times. One
        of several columns is found by `find_function`.
    names
        Names of the columns; by default those of the data frame, or x1, x2, ...
    work
        How much to do: "quick", "normal", "thorough" or a factor.
    seconds
        Time limit; functions that are learned until then are the answer, and may differ from run to run. An error is raised
        where there are none yet.
    seed
        Seed of the split and of the starts.
    sample_weight
        How much each row counts, (n,); 0 leaves it out.
    sigma
        The standard deviation of the noise in y, a number or one a row, (n,); a row then counts 1/sigma^2.
    config
        Other thresholds, in its `known_form` and `rounding`.

    Returns
    -------
    PartialResult

    Raises
    ------
    InputError
        Where the table or the text does not fit, or the formula has no value on the rows.

    Notes
    -----
    Rows with a missing cell (NaN) are left out; the message says how many, and in which columns.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic.known_form.partial import fit_partial
    >>> X = np.random.default_rng(0).uniform(1, 2, (300, 3))
    >>> y = np.exp(-X[:, 0] / X[:, 1]) * X[:, 2] ** 2
    >>> found = fit_partial(X, y, "f(x1/x2)*g(x3)")
    >>> found.formula.text
    'x3^2*exp(-x1/x2)'
    >>> found["f"].normalised
    'its mean square is 1'
    """
    of = "fit_partial"
    settings = config_of(config, of)
    known = settings.known_form
    given = check_matrix(X, "X", min_rows=known.fewest_rows, missing=True, of=of)
    target = check_vector(y, "y", length=len(given), missing=True, of=of)
    labels = column_names(X, names, given.shape[1], of)
    table = measured(given, target, labels, sample_weight=sample_weight, sigma=sigma, of=of)
    if len(table.y) < known.fewest_rows:
        raise InputError(
            f"The table of {of} must have at least {known.fewest_rows} rows with finite numbers in every cell. Got "
            f"{len(table.y)} instead: {' '.join(table.notes)}"
        )
    meter = Meter(known.work_units * check_work(work, of), check_seconds(seconds, of))
    root = None if seed is None else check_int(seed, "seed", low=0, of=of)
    partial = read_partial(text, labels)
    rows = SplitRows.split(
        labels, table.X, table.y, known.held_out, root, table.weight, table.variance, settings
    )
    model = PartialModel(partial)
    unit = float(table.y.std()) or max(float(np.abs(table.y).max()), 1.0)

    def task(part: NDArray[np.intp]) -> FitTask:
        weight = None if rows.weight is None else rows.weight[part]
        return FitTask(model, rows.X[part], rows.y[part], unit, weight, known)

    first, second = split(len(rows.y), known.chosen_on, derive(root, 1))
    tasks = [task(part) for part in (first, second, np.arange(len(rows.y)))]
    held = FitTask(model, rows.X_held, rows.y_held, unit, rows.weight_held)
    with np.errstate(all="ignore"), one_thread(), running(meter):
        learned = learn(tasks[0], tasks[1], tasks[2], meter, derive(root, 2))
        if learned is None:
            raise InputError(
                "The 'text' argument of fit_partial must be a formula with a value on every row for some choice of its "
                f"unknown functions. Got {short(text)} instead, for which none was found; check logs, roots and divisions."
            )
        # What is learned is always reported in full, if need be without whole formulas.
        until, meter.until, reason = meter.until, math.inf, learned.stop_reason
        share = held.error(learned.splines)
        functions = _described(learned, model, rows, min(max(share, known.closest), known.loosest))
        options = {each.name: each.suggestions for each in functions}
        formulas: tuple[Formula, ...] = ()
        try:
            meter.until = until
            formulas = whole_formulas(partial, options, rows, meter.most)
        except StopError as stop:
            reason = meter.own(stop)
    error = share * unit
    formula = _accepted(formulas, error, rows)
    return PartialResult(
        text,
        functions,
        error,
        1 - (error / rows.spread) ** 2 if rows.spread > 0 else math.nan,
        formula,
        tuple(each for each in formulas if each is not formula),
        " ".join([_message(functions, error, formula, learned.undetermined), *table.notes]),
        meter.seconds,
        reason,
        model,
    )


def _described(
    learned: Learned, model: PartialModel, rows: SplitRows, accuracy: float
) -> tuple[UnknownFunction, ...]:
    config = rows.config.known_form
    run = model.run(learned.splines, rows.X)
    found: list[UnknownFunction] = []
    for name in model.partial.reading_order:
        spline = learned.splines[name]
        seen = np.concatenate([run.arguments[at] for at in model.slots_of(name)])
        x = np.linspace(seen.min(), seen.max(), config.points)
        y = spline(x)
        counts, edges = np.histogram(seen, bins=config.crowds)
        # Where few rows lie the curve is poor, but a form must hold there too.
        weight = np.interp(x, (edges[:-1] + edges[1:]) / 2, counts / counts.mean()) + config.fewest_weight
        suggestions = fit_curve(x, y, weight, accuracy=accuracy, top=config.forms)
        found.append(UnknownFunction(name, x, y, _normalised(name, learned.freedoms), suggestions, spline))
    return tuple(found)


def _normalised(name: str, freedoms: Iterable[Freedom]) -> str:
    convention = {"shift": "its mean is 0", "scale": "its mean square is 1"}
    return " and ".join(convention[kind] for function, kind in freedoms if function == name)


def _accepted(formulas: tuple[Formula, ...], error: float, rows: SplitRows) -> Formula | None:
    """The recommended formula, if the learned functions are not clearly better."""
    allowed = max(rows.config.known_form.as_good * error, 10 * rows.rounding_error)
    return formulas[0] if formulas and formulas[0].error <= allowed else None


def _message(
    functions: tuple[UnknownFunction, ...], error: float, formula: Formula | None, undetermined: bool
) -> str:
    fixed = "; ".join(f"{each.name}: {each.normalised}" for each in functions if each.normalised)
    tail = f", fixed because the data cannot tell: {fixed}" if fixed else ""
    closed = (
        f"in closed form {formula.text}"
        if formula is not None
        else "no closed form of the library does as well for all of them together"
    )
    if undetermined:
        tail += "; other functions, changed together, give the same y, so these are one choice of many"
    count = ", ".join(each.name for each in functions)
    return f"Learned {count} with an error of {error:.3g} on held-out rows; {closed}{tail}."
