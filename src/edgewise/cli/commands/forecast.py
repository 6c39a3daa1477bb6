"""`edgewise forecast`: a table with a column of times in; the values to come out."""

from __future__ import annotations

from pathlib import Path

from edgewise.cli.answer import Answer
from edgewise.cli.options import Data, Force, Request, Seed, Target, Work, column, file, option, picture
from edgewise.cli.terminal import tell


class ForecastRequest(Request, group="Learn and predict", place=12):
    """Forecast a column from its past, the calendar and a trend.

    Forecasts of the past, each by a model that had seen nothing later, choose
    the model and determine how wide the intervals are. Other columns are left out:
    they are not known ahead.

    Examples:

    - `edgewise forecast passengers.csv -t passengers --time month -n 24 --plot ahead.png`

    - `edgewise forecast load.parquet -t megawatt --time hour -n 48 --horizon 48 -o tomorrow.csv`
    """

    data: Data
    target: Target
    time: str = column("The column of times: dates or numbers, evenly spaced.", default=...)
    steps: int | None = option(
        "How many values to forecast; changes nothing of the model.",
        "-n",
        min=1,
        max=100_000,
        show_default="the horizon",
    )
    horizon: int | None = option(
        "Judge and choose the model by forecasts of the past up to so many steps ahead.",
        min=1,
        max=100_000,
        show_default="a season, or 12",
    )
    interval: float = option(
        "Share of values that shall lie in their interval; 0 for none.", default=0.9, min=0.0, max=0.999
    )
    out: Path | None = file(
        "The table to write: .csv, .parquet, .xlsx, ...", "-o", show_default="CSV on standard output"
    )
    plot: Path | None = picture("Draw it here: .png, .svg or .pdf.")
    work: Work = "normal"
    seed: Seed = 0
    force: Force = False

    def run(self) -> Answer:
        """Fit a forecaster to a column and write what it forecasts."""
        import pyarrow as pa

        from edgewise.cli.inputs import find, numbers_of
        from edgewise.data import provenance, read_frame, write_frame
        from edgewise.data.write import check_table_name

        if self.file is not None:
            check_table_name(self.file)
        frame = read_frame(self.data)
        tell(provenance(frame).notes([self.time, self.target]), quiet=self.quiet)
        series, when = find(frame, self.target), find(frame, self.time)
        values = numbers_of(frame, series, " to be forecast")
        from edgewise.estimators.forecasting.forecaster import KANForecaster

        there = values == values
        kept = frame.filter(pa.array(there))
        model = self.call(KANForecaster, time=when, random_state=self.seed)
        model.fit(kept.select([when]), pa.table({series: values[there]}))
        ahead = model.forecast(self.steps, return_interval=self.interval or None)
        columns = {when: ahead.times, series: ahead.values}
        if ahead.low is not None:
            columns |= {"low": ahead.low, "high": ahead.high}
        table = pa.table(columns)
        if self.file is not None:
            write_frame(table, self.file)
        tested = model.backtest_
        error, share = sum(tested.mae) / len(tested.mae), 100 * tested.relative
        design = {"base": model.design_.base, "log": model.design_.log}
        return Answer(
            {**ahead.to_dict(), "horizon": model.horizon_, "backtest": tested.to_dict(), **design},
            table=table if self.file is None else None,
            files=() if self.file is None else (self.file,),
            figure=lambda: model.plot(ahead),
            remark=f"{len(ahead)} values ahead. From {tested.origins} past moments, 1 to {model.horizon_} steps ahead, "
            f"the error was {error:.4g}, {share:.0f} % of that of the better of the last value and the last season.",
        )
