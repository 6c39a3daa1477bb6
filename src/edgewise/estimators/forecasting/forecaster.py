"""KANForecaster: a series in time as a glass box of its own past, the calendar and a trend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from edgewise._core.arguments import check_is, check_text
from edgewise._core.arrays import Floats, Ints
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import as_tuple, check_float, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields, plain
from edgewise._core.stopping import StopReason
from edgewise._core.work import check_work
from edgewise.data.encoding_raw import RawColumn, RawTable
from edgewise.estimators.forecasting.backtest import (
    REFITS,
    Backtest,
    Predict,
    ahead,
    backtest,
    first_origin,
    rows_to_learn,
)
from edgewise.estimators.forecasting.lagged import (
    Base,
    LagDesign,
    autocorrelation_period,
    cells_of,
    spread_out,
    windows,
)
from edgewise.estimators.forecasting.time_axis import TimeAxis, even_axis, rows_at, time_column
from edgewise.estimators.names import table_to_fit
from edgewise.estimators.regressor import KANRegressor
from edgewise.estimators.targets import regression_target, target_names
from edgewise.training import Callback


@dataclass(frozen=True, eq=False)
class Forecast:
    """Values to come.

    Attributes
    ----------
    times : array of shape (steps,)
        Dates, or numbers.
    values : array of shape (steps,)
        In the units of the series; medians where logarithms were predicted.
    low, high : array of shape (steps,) or None
        Ends of the intervals.
    level : float or None
        Share of values that shall lie between them.
    inputs : dict of str to array (steps,)
        What each value was predicted from: a table for `edgewise.explain` and the forecaster's `model_`.
    name : str
        Of the series.
    """

    times: NDArray[Any]
    values: Floats
    low: Floats | None
    high: Floats | None
    level: float | None
    inputs: dict[str, NDArray[Any]]
    name: str

    def __len__(self) -> int:
        return len(self.values)

    def __str__(self) -> str:
        rows = [
            f"{time!s:>20} {value:>14.6g}" + end
            for time, value, end in zip(self.times, self.values, self._ends(), strict=True)
        ]
        return "\n".join([f"{'time':>20} {self.name:>14}", *rows])

    def _ends(self) -> list[str]:
        if self.low is None or self.high is None:
            return [""] * len(self)
        return [f"  {low:.6g} to {high:.6g}" for low, high in zip(self.low, self.high, strict=True)]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        times = [str(time) if isinstance(time, np.datetime64) else plain(time) for time in self.times]
        return {"times": times, **fields(self, "name", "values", "low", "high", "level")}


# Of the work, what each fit of the choice between designs may do.
_TRIAL = 0.1
# Values that are learned from at the least.
_FEWEST = 8
# Each is a call of the model, one after the other; beyond, a forecast is its own limit or its own error.
_MOST_STEPS = 100_000
# A column for each; more do not stand in any table.
_MOST_LAGS = 10_000


class KANForecaster(BaseEstimator):
    """Forecasts of a series by an additive Kolmogorov-Arnold network of lags, calendar and trend.

    Forecasts of the past, `backtest_`, each by a model that had seen nothing later, decide what a value is measured from
    (nothing but a trend, the last value, or the value a season ago), whether on a logarithmic scale, and how wide intervals
    are.

    Parameters
    ----------
    time : str, optional
        The column of X with the times, or the name of its index: dates, periods of pandas, numbers, or words that read as
        dates (2010-01-31, 2010-01, 2010-Q1); evenly spaced, in any order, with gaps or not. Without it an index of dates or
        periods of X or y is taken; where there is none, the rows are taken as they come.
    horizon : int, optional
        Steps ahead that the model is judged by; by default a season, or 12.
    lags : "auto", int or list of int
        Earlier values that a value may follow: so many, or these. "auto" takes the last two, and those about a season ago.
    period : "auto", int or None
        Steps of a season; "auto" takes that of the calendar, or finds one in the values.
    work : "quick", "normal", "thorough" or float
        As of `KANRegressor`.
    random_state : int
        Seed.
    callbacks : function or list of functions, optional
        As of `KANRegressor`.

    Attributes
    ----------
    model_ : KANRegressor
        What predicts the next value; `edgewise.explain` and `verify` take it.
    design_ : LagDesign
        What it predicts it from.
    backtest_ : Backtest
        How good forecasts of the past were, and those of two rules without a model.
    series_ : ndarray
        The values at the places of the axis; NaN in gaps.
    horizon_ : int
        Steps ahead that the model was judged by.
    known_ahead_ : tuple of str
        Columns that a forecast asks for.

    References
    ----------
    Hyndman, Athanasopoulos (2021), Forecasting: principles and practice, third edition, chapters 5 and 7. otexts.com/fpp3

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.estimators import KANForecaster
    >>> month = np.arange("2018-01", "2023-01", dtype="datetime64[M]")
    >>> t = np.arange(60)
    >>> sales = 100 + 0.5 * t + 10 * np.sin(2 * np.pi * t / 12)
    >>> model = KANForecaster(time="month", work="quick").fit({"month": month}, sales)
    >>> coming = model.forecast(2, return_interval=0.9)
    >>> coming.times.tolist()
    [datetime.date(2023, 1, 1), datetime.date(2023, 2, 1)]
    >>> bool(abs(coming.values[0] - 130) < 1)
    True
    """

    model_: KANRegressor
    design_: LagDesign
    backtest_: Backtest
    series_: Floats
    horizon_: int
    known_ahead_: tuple[str, ...]

    def __init__(
        self,
        time: str | None = None,
        horizon: int | None = None,
        lags: str | int | Sequence[int] = "auto",
        period: str | int | None = "auto",
        work: str | float = "normal",
        random_state: int = 0,
        callbacks: Any = None,
    ) -> None:
        self.time, self.horizon, self.lags, self.period = time, horizon, lags, period
        self.work, self.random_state, self.callbacks = work, random_state, callbacks

    @own_settings
    def fit(self, X: Any, y: Any) -> Self:
        """Learn a series.

        Parameters
        ----------
        X : data frame, mapping of columns or None
            The column of times, and any columns that will be known ahead. None for a series without times, or with them in
            the index of y.
        y : array of shape (n,), or a table of one column, whose name is kept

        Returns
        -------
        self

        Raises
        ------
        InputError
            If times cannot be read, are doubled or uneven, or there are too few values to forecast and to judge.
        """
        of = type(self).__name__
        work = check_work(self.work)
        target, _ = regression_target(y, of)
        target = target[:, 0] if target.ndim == 2 and target.shape[1] == 1 else target
        if target.ndim != 1:
            raise InputError(argument="y", expected="be one series", got=f"{target.shape[1]} columns")
        table = None if X is None else table_to_fit(X)
        if table is not None:
            check_consistent_length(range(table.n_rows), target)
        axis, places, columns = self._read(table, X, y, len(target))
        total = int(places.max()) + 1
        values = np.full(total, np.nan)
        values[places] = target
        more = spread_out(columns, places, total)

        def known(places: Ints) -> dict[str, NDArray[Any]]:
            return {name: cells[places] for name, cells in more.items()}

        name = (target_names(y) or ("value",))[0]
        period = self._season(axis, values)
        horizon = min(period or 12, max(1, total // 4))
        horizon = horizon if self.horizon is None else _steps(self.horizon, "horizon")
        lags = self._lags(period, total)
        # Logarithms are tried where values are positive and differ by more than a half.
        scales = (False, True) if target.min() > 0 and target.max() > 1.5 * target.min() else (False,)
        bases: tuple[Base, ...] = ("none", "last") if period is None else ("none", "last", "season")
        designs = [LagDesign(axis, name, lags, period, base, log, total) for log in scales for base in bases]
        _check_enough(designs, values, horizon)
        learner = self._learner(_TRIAL * work / REFITS)
        tried = [(design, backtest(design, learner, values, horizon, known)) for design in designs]
        design, tested = min(tried, key=lambda one: (one[1].relative, designs.index(one[0])))
        model = self._model(work).fit(*rows_to_learn(design, design.scaled(values), total, known))
        # All at once: an interruption leaves what was learned before.
        self.series_, self.known_ahead_ = values, tuple(column.name for column in columns)
        self.horizon_, self.design_, self.backtest_, self.model_ = horizon, design, tested, model
        return self

    def forecast(
        self, steps: int | None = None, X: Any = None, return_interval: float | None = None
    ) -> Forecast:
        """The values that follow the last one.

        Parameters
        ----------
        steps : int, optional
            How many; by default the horizon, at most 100,000. Each is predicted from those before, about a millisecond each.
        X : data frame or mapping of columns, optional
            The columns beside the times, for these steps; needed where the fit had such columns. Rows are found by their
            times where they have some, and are taken in their order otherwise.
        return_interval : float, optional
            Share of values that shall lie in their interval, in (0, 1).

        Returns
        -------
        Forecast

        Raises
        ------
        InputError
            If columns or times are missing, steps are too many, or the errors of the past are too few for such intervals.
        """
        check_is_fitted(self, "model_")
        design = self.design_
        steps = self.horizon_ if steps is None else _steps(steps, "steps")
        total = len(self.series_)
        more = self._ahead(X, steps)
        past = windows(design.scaled(self.series_), np.array([total]), design.reach)
        course = ahead(design, self.model_.predict, past, np.array([total]), steps, more)[0]
        places = total + np.arange(steps)
        before = np.concatenate([past[0], course])
        inputs = design.columns(
            np.lib.stride_tricks.sliding_window_view(before, design.reach)[:steps], places, more(places)
        )
        low = high = None
        if return_interval is not None:
            level = check_float(return_interval, "return_interval", low=0.0, high=1.0, closed=False)
            half = self.backtest_.half_widths(steps, level)
            if not np.isfinite(half).all():
                raise InputError(
                    argument="return_interval",
                    expected=(
                        f"be lower for this series: {len(self.backtest_.scores)} errors of the past are too "
                        "few for a share as high"
                    ),
                    got=f"{level:g}",
                )
            low, high = design.unscaled(course - half), design.unscaled(course + half)
        return Forecast(
            design.axis.dates(places),
            design.unscaled(course),
            low,
            high,
            return_interval,
            inputs,
            design.name,
        )

    def plot(
        self, forecast: Forecast, *, recent: int | None = None, actual: Any = None, theme: str = "light"
    ) -> Any:
        """Draw the series and a forecast.

        Parameters
        ----------
        forecast : Forecast
        recent : int, optional
            How many of the last values to draw; by default five times as many as are forecast.
        actual : array of shape (steps,), optional
            What came.
        theme : "light" or "dark"

        Returns
        -------
        matplotlib Figure
        """
        from edgewise.plots.forecast import plot_forecast

        check_is_fitted(self, "model_")
        check_is(forecast, Forecast, "forecast", "a Forecast")
        recent = 5 * len(forecast) if recent is None else check_int(recent, "recent", low=1)
        total = len(self.series_)
        places = np.arange(max(0, total - recent), total)
        return plot_forecast(
            self.design_.axis.dates(places),
            self.series_[places],
            forecast.times,
            forecast.values,
            low=forecast.low,
            high=forecast.high,
            level=forecast.level,
            actual=actual,
            name=forecast.name,
            theme=theme,
        )

    # ---- reading

    def _read(
        self, table: RawTable | None, X: Any, y: Any, n: int
    ) -> tuple[TimeAxis, Ints, tuple[RawColumn, ...]]:
        """The axis, each row's place on it, and the other columns."""
        time = None if self.time is None else check_text(self.time, "time")
        column = time_column(table, time, X, y)
        others = () if table is None else tuple(item for item in table.columns if item.name != time)
        if column is None or column.numbers is None:
            return TimeAxis("numbers", 0.0, 1.0), np.arange(n), others
        axis = even_axis(np.sort(column.numbers), column.kind == "date")
        return axis, axis.places(column.numbers), others

    def _season(self, axis: TimeAxis, values: Floats) -> int | None:
        if self.period is None:
            return None
        if isinstance(self.period, str):
            _check_auto(self.period, "period", "a number, None")
            found = axis.period or autocorrelation_period(values)
            return found if found is not None and 3 * found <= len(values) else None
        return check_int(self.period, "period", low=2)

    def _lags(self, period: int | None, total: int) -> tuple[int, ...]:
        if isinstance(self.lags, str):
            _check_auto(self.lags, "lags", "numbers")
            wanted = (1, 2, 3) if period is None else (1, 2, period, period + 1)
            return tuple(sorted({lag for lag in wanted if 4 * lag <= total} | {1}))
        if isinstance(self.lags, (int, np.integer)):
            return tuple(range(1, check_int(self.lags, "lags", low=1, high=_MOST_LAGS) + 1))
        listed = as_tuple(self.lags, "lags", "numbers")
        return tuple(sorted({check_int(lag, "lags", low=1, high=_MOST_LAGS) for lag in listed}))

    # ---- learning

    def _model(self, work: float) -> KANRegressor:
        callbacks = cast("Callback | None", self.callbacks)
        return KANRegressor(mode="additive", work=work, random_state=self.random_state, callbacks=callbacks)

    def _learner(self, work: float) -> Any:
        def learn(table: dict[str, NDArray[Any]], target: Floats) -> Predict:
            model = self._model(work).fit(table, target)
            if model.fit_.stop_reason is StopReason.INTERRUPTED:
                raise KeyboardInterrupt  # a choice between designs is made of all of them or not at all
            return model.predict

        return learn

    def _ahead(self, X: Any, steps: int) -> Any:
        """The other columns at the places to come, which X gives in their order."""
        total = len(self.series_)
        wanted = list(self.known_ahead_)
        if not wanted:
            return lambda places: {}
        table = None if X is None else table_to_fit(X)
        absent = wanted if table is None else [name for name in wanted if name not in table.names]
        if table is None or absent or table.n_rows < steps:
            rows = "none" if table is None else f"{table.n_rows} rows"
            got = f"no {short(absent[0], 40)}" if table is not None and absent else rows
            raise InputError(
                argument="X", expected=f"hold {', '.join(wanted)} for each of the {steps} steps", got=got
            )
        column = time_column(table, self.time if self.time in table.names else None, X, None)
        rows = np.arange(steps) if column is None else rows_at(self.design_.axis, column, total, steps)
        cells = {item.name: cells_of(item)[rows] for item in table.columns if item.name in wanted}
        return lambda places: {name: cells[name][np.minimum(places - total, steps - 1)] for name in wanted}


def _steps(value: Any, name: str) -> int:
    return check_int(value, name, low=1, high=_MOST_STEPS)


def _check_auto(word: str, name: str, others: str) -> None:
    if word != "auto":
        raise InputError(argument=name, expected=f"be {others} or 'auto'", got=short(word))


def _check_enough(designs: list[LagDesign], values: Floats, horizon: int) -> None:
    reach = max(design.reach for design in designs)
    start = first_origin(len(values), horizon, reach)
    there = int(np.isfinite(values[reach:start]).sum())
    if there < _FEWEST or start >= len(values):
        raise InputError(
            argument="y",
            expected=f"leave {_FEWEST} values to learn from once {reach} lie before each and the later part judges",
            got=f"{max(there, 0)} of {len(values)}",
            advice="give more, or a shorter horizon",
        )
    if horizon > len(values) - start:
        raise InputError(
            argument="horizon",
            expected=(
                f"be at most {len(values) - start}, the values of the later part, by which it is judged"
            ),
            got=horizon,
            advice="forecasts may go further",
        )
