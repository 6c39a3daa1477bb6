"""`edgewise audit`: how a saved model treats groups of people; exit code 1 where a limit is exceeded."""

from __future__ import annotations

from pathlib import Path

from edgewise.cli.options import (
    Data,
    Force,
    Model,
    Request,
    Seconds,
    Seed,
    TargetOfModel,
    Weight,
    Work,
    file,
    option,
    picture,
)


class AuditRequest(Request, group="Judge", place=52, whole_table=True):
    """Measure how a model treats the groups of protected attributes.

    Rates, errors and calibration of every group and combination of groups,
    with demographic parity and equalised odds side by side; what changing
    the attribute alone does; which other columns give it away. Exit code 1: a
    limit is exceeded. 3: cut short, so a limit may not have been measured.

    Examples:

    - `edgewise audit model.kan data.csv --protected sex`

    - `edgewise audit model.kan data.csv -p sex -p age --cut age=25,60`

    - `edgewise audit model.kan data.csv -p sex --fail-on 'dp>0.1' --fail-on 'eo>0.1'`
    """

    model: Model
    data: Data
    protected: list[str] = option(
        "A protected attribute, by its column; give it several times.", "-p", default=...
    )
    target: TargetOfModel = None
    fail_on: list[str] | None = option(
        "A limit: 'dp>0.1', 'eo@sex>0.05', 'dp_ratio<0.8', 'flips>0'; exit code 1 where it is exceeded."
    )
    positive: str | None = option("The class a decision supports.", show_default="the second of two")
    threshold: float | None = option(
        "Decided for above this probability.", min=0.0, max=1.0, show_default="0.5"
    )
    weight: Weight = None
    cut: list[str] | None = option("Where to cut a column of numbers: 'age=25,60'.", show_default="quarters")
    bootstrap: int = option("Resamples behind the intervals; 0 for none.", default=500, min=0)
    proxies: bool = option(
        "Look for columns that give an attribute away.", "--proxies/--no-proxies", default=True
    )
    html: Path | None = file("Write a page to this file.")
    plot: Path | None = picture("Draw the first attribute's groups to this .png or .svg file.")
    work: Work = "normal"
    seconds: Seconds = None
    seed: Seed = 0
    force: Force = False
