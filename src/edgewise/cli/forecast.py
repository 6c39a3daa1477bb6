"""`edgewise forecast`: a table with a column of times in; the values to come out."""

from __future__ import annotations

import pyarrow as pa
import typer

from edgewise.cli.answer import Answer
from edgewise.cli.inputs import find, numbers
from edgewise.cli.requests import ForecastRequest
from edgewise.cli.terminal import print_table, tell
from edgewise.data import provenance, read_frame, write_frame
from edgewise.data.write import check_table_name


def run(asked: ForecastRequest) -> Answer:
    """Fit a forecaster to a column and write what it forecasts."""
    if asked.file is not None:
        check_table_name(asked.file)
    frame = read_frame(asked.data)
    tell(provenance(frame).notes([asked.time, asked.target]), quiet=asked.quiet)
    series, when = find(frame, asked.target), find(frame, asked.time)
    values = numbers(frame.column(series))
    if values is None:
        raise typer.BadParameter(
            f"The column {series!r} must hold numbers to be forecast.", param_hint="--target"
        )
    from edgewise.estimators.forecaster import KANForecaster

    there = values == values
    kept = frame.filter(pa.array(there))
    model = KANForecaster(time=when, horizon=asked.horizon, work=asked.work, random_state=asked.seed)
    model.fit(kept.select([when]), pa.table({series: values[there]}))
    ahead = model.forecast(asked.steps, return_interval=asked.interval or None)
    columns = {when: ahead.times, series: ahead.values}
    if ahead.low is not None:
        columns |= {"low": ahead.low, "high": ahead.high}
    table = pa.table(columns)
    if asked.plot is not None:
        from edgewise.plots.save import save_figure

        save_figure(model.plot(ahead), asked.plot)
    if asked.file is not None:
        write_frame(table, asked.file)
    tested, files = model.backtest_, [str(path) for path in (asked.file, asked.plot) if path is not None]
    error, share = sum(tested.mae) / len(tested.mae), 100 * tested.relative
    return Answer(
        {
            **ahead.to_dict(),
            "horizon": model.horizon_,
            "backtest": tested.to_dict(),
            "base": model.design_.base,
            "log": model.design_.log,
        },
        (lambda: print_table(table)) if asked.file is None else "",
        remark=f"{len(ahead)} values ahead. From {tested.origins} past moments, 1 to {model.horizon_} steps ahead, the "
        f"error was {error:.4g}, {share:.0f} % of that of the better of the last value and the last season."
        + (f" Written to {' and '.join(files)}." if files else ""),
    )
