"""`edgewise dynamics`: courses in time in; the differential equations behind them out."""

from __future__ import annotations

from pathlib import Path

from edgewise.cli.options import (
    Columns,
    Data,
    Drop,
    Force,
    Request,
    Seconds,
    Seed,
    Work,
    column,
    folder,
    option,
    picture,
)


class DynamicsRequest(Request, group="Find the law", place=21, whole_table=True):
    """Find the differential equations behind courses in time.

    Every column besides time, inputs and courses is a state and gets its
    equation; constants are shown with their standard errors, and quantities
    that the equations keep are named. Rows with a missing cell are left out;
    dates are counted since the first, in a unit that is told. Ctrl-C ends
    the search early with the best so far and exit code 130.

    Examples:

    - `edgewise dynamics hares.csv --time year`

    - `edgewise dynamics pendulum.csv -t s --columns angle,speed --plot swing.png`

    - `edgewise dynamics reactor.csv -t min --inputs heater --groups run --json`

    - `edgewise dynamics hares.csv -t year --out hares`
    """

    results = ("dynamics.kan", "dynamics.json")

    data: Data
    time: str = column("The column of times, numbers or dates.", "-t", default=...)
    columns: Columns = None
    drop: Drop = None
    inputs: list[str] | None = option("Columns that act from outside and get no equation: 'u,v'.", "-i")
    groups: str | None = column("A column of courses: one law for all, each with its own start.")
    exclude_functions: list[str] | None = option("Functions never to use: 'sin,tan'.")
    work: Work = "normal"
    seconds: Seconds = None
    seed: Seed = 0
    out: Path | None = folder(
        "A folder: dynamics.kan, which edgewise.load reads to simulate, and dynamics.json.", "-o"
    )
    plot: Path | None = picture("Draw courses and solutions into this .png or .svg file.")
    force: Force = False
