"""`edgewise forecast`: a table with a column of times in; the values to come out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgewise.cli import options
from edgewise.cli.outcome import refuse_to_overwrite, to_standard_output
from edgewise.cli.terminal import print_json, print_table, say, tell


def forecast(
    data: options.Data,
    target: options.Target,
    time: Annotated[
        str, options.a_column("--time", help="The column of times: dates or numbers, evenly spaced.")
    ],
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps",
            "-n",
            help="How many values to forecast; changes nothing of the model.",
            min=1,
            max=100_000,
            show_default="the horizon",
        ),
    ] = None,
    horizon: Annotated[
        int | None,
        typer.Option(
            "--horizon",
            help="Judge and choose the model by forecasts of the past up to so many steps ahead.",
            min=1,
            max=100_000,
            show_default="a season, or 12",
        ),
    ] = None,
    interval: Annotated[
        float,
        typer.Option(
            "--interval",
            help="Share of values that shall lie in their interval; 0 for none.",
            min=0.0,
            max=0.999,
        ),
    ] = 0.9,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The table to write: .csv, .parquet, .xlsx, ...",
            show_default="CSV on standard output",
        ),
    ] = None,
    plot: Annotated[Path | None, options.unset("--plot", help="Draw it here: .png, .svg or .pdf.")] = None,
    work: options.Work = "normal",
    seed: options.Seed = 0,
    force: options.Force = False,
    *,
    quiet: bool,
    json: bool,
) -> None:
    """Forecast a column from its past, the calendar and a trend.

    Forecasts of the past, each by a model that had seen nothing later, choose
    the model and determine how wide the intervals are. Other columns are left out:
    they are not known ahead.

    Examples:

    - `edgewise forecast passengers.csv -t passengers --time month -n 24 --plot ahead.png`

    - `edgewise forecast load.parquet -t megawatt --time hour -n 48 --horizon 48 -o tomorrow.csv`
    """
    if to_standard_output(out, json=json):
        out = None
    refuse_to_overwrite([out], force, plot=plot)
    import pyarrow as pa

    from edgewise.cli.inputs import find, numbers
    from edgewise.cli.summary import to_json
    from edgewise.data import provenance, read_frame, write_frame
    from edgewise.data.write import check_table_name
    from edgewise.estimators.forecaster import KANForecaster

    if out is not None:
        check_table_name(out)
    frame = read_frame(data)
    tell(provenance(frame).notes([time, target]), quiet=quiet)
    series, when = find(frame, target), find(frame, time)
    values = numbers(frame.column(series))
    if values is None:
        raise typer.BadParameter(
            f"The column {series!r} must hold numbers to be forecast.", param_hint="--target"
        )
    there = values == values
    kept = frame.filter(pa.array(there))
    model = KANForecaster(time=when, horizon=horizon, work=work, random_state=seed)
    model.fit(kept.select([when]), pa.table({series: values[there]}))
    ahead = model.forecast(steps, return_interval=interval or None)
    columns = {when: ahead.times, series: ahead.values}
    if ahead.low is not None:
        columns |= {"low": ahead.low, "high": ahead.high}
    table = pa.table(columns)
    if plot is not None:
        from edgewise.plots.save import save_figure

        save_figure(model.plot(ahead), plot)
    if out is not None:
        write_frame(table, out)
    if json:
        result = {
            **ahead.to_dict(),
            "horizon": model.horizon_,
            "backtest": model.backtest_.to_dict(),
            "base": model.design_.base,
            "log": model.design_.log,
        }
        print_json(to_json(result))
    elif out is None:
        print_table(table)
    if not quiet:
        tested, files = model.backtest_, [str(path) for path in (out, plot) if path is not None]
        error, share = sum(tested.mae) / len(tested.mae), 100 * tested.relative
        say(
            f"{len(ahead)} values ahead. From {tested.origins} past moments, 1 to {model.horizon_} steps ahead, the error "
            f"was {error:.4g}, {share:.0f} % of that of the better of the last value and the last season."
            + (f" Written to {' and '.join(files)}." if files else ""),
            err=True,
        )
