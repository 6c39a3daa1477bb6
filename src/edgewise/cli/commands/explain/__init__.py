"""`edgewise explain`: why a model answers what it answers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from edgewise.cli.options import Force, Model, Request, Seconds, Work, argument, option, picture

_counterfactuals = partial(option, rich_help_panel="Counterfactuals")
_reasons = partial(option, rich_help_panel="Reasons for an adverse decision")


class ExplainRequest(Request, group="Explain", place=30, whole_table=True):
    """Explain a model, or its answer for one row.

    Without --row: which columns matter and how, and which act together. With
    it: what each column added to the answer, in words, and the rows most
    alike. With --counterfactual: the least changes that would change the answer;
    --work and --seconds are those of this search. With --reasons: at most four
    reasons why the row was not decided for.

    A model of pictures takes a picture in place of the table: the class, and
    what each patch adds to the logit.

    Examples:

    - `edgewise explain model.kan data.csv`

    - `edgewise explain model.kan data.csv --row 17 --plot row17.png`

    - `edgewise explain model.kan data.csv --row 17 --counterfactual --fixed sex,age`

    - `edgewise explain model.kan data.csv --row 17 --reasons approved --protected sex`

    - `edgewise explain pets.kan new.jpg -o evidence.png`
    """

    model: Model
    data: Path | None = argument(
        "The table to compare with, best the one the model was fitted on; - reads standard input.",
        show_default="rows drawn over what the model knows",
    )
    row: int | None = option(
        "Explain the answer for this row of the table, counted from 0.", "-r", min=0, needs=["data"]
    )
    output: str | None = option("The class or output to explain.", show_default="the model's answer")
    pairs: bool = option(
        "Draw what pairs of columns do together, and nothing else.",
        default=False,
        needs=["plot"],
        bars=["row"],
    )
    plot: Path | None = picture("Draw it to this .png or .svg file.", "-o")
    counterfactual: bool = _counterfactuals(
        "Tell what would have to change in the row for another answer.", default=False, needs=["row"]
    )
    target: str | None = _counterfactuals("The class that is wanted.", "-t", show_default="the other one")
    above: float | None = _counterfactuals("For numbers: the prediction is to be above this.")
    below: float | None = _counterfactuals("For numbers: the prediction is to be below this.")
    fixed: list[str] | None = _counterfactuals(
        "Columns that cannot change: 'sex,age', or given several times."
    )
    increase: list[str] | None = _counterfactuals("Columns that can only rise.")
    decrease: list[str] | None = _counterfactuals("Columns that can only fall.")
    reasons: str | None = _reasons(
        "Name what kept the row from the class of --target, against the mean of 'approved' rows, "
        "the 'mean' of all, or the 'best' value of each column.",
        needs=["row"],
        bars=["counterfactual", "plot"],
    )
    protected: list[str] | None = _reasons(
        "Columns that may not be reasons: 'sex,age', or given several times.", needs=["reasons"]
    )
    codes: Path | None = _reasons(
        "A CSV file of the codes of reasons, with columns column, code and, if you like, statement.",
        needs=["reasons"],
    )
    work: Work = "normal"
    seconds: Seconds = None
    force: Force = False
