"""`edgewise fit`: a table in; model.kan, report.html and, where there is one to find, a formula out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from edgewise._core.errors import InputError
from edgewise.cli.answer import Answer
from edgewise.cli.options import (
    JOB_FILES,
    Columns,
    Data,
    Drop,
    Force,
    Groups,
    Out,
    Request,
    Rows,
    Seconds,
    Seed,
    Time,
    Weight,
    Work,
    column,
    option,
)
from edgewise.cli.outcome import refuse_short
from edgewise.cli.terminal import tell

# A fifth is held out, and of the rest again a fifth by the stages themselves.
_FEWEST_ROWS = 10


class FitRequest(Request, group="Learn and predict", place=10):
    """Learn from a table: train a network, find its formula, write model.kan and report.html.

    Columns may hold numbers, words, truth values and gaps. A fifth of the rows
    is held out: no stage sees them, and the errors shown are those on them.
    A table of a few columns of numbers also gets the small network a person
    can read (network.kan) and its formula.

    Examples:

    - `edgewise fit yacht.csv --target resistance`

    - `edgewise fit visits.csv -t score --groups patient` holds out whole patients

    - `edgewise fit policies.csv -t claims --loss poisson --exposure years`

    - `edgewise fit patients.csv -t years --event died`

    - `edgewise fit credit.csv -t default --drop id --mode additive -o credit`

    - `zcat log.csv.gz | edgewise fit - -t y --work quick --json`

    - `edgewise fit 'rows/*.parquet' -t y` reads batch by batch, whatever the size
    """

    results = JOB_FILES

    data: Data
    target: str | None = column("The column to predict; with --event, how long a row was observed.", "-t")
    columns: Columns = None
    drop: Drop = None
    weight: Weight = None
    groups: Groups = None
    time: Time = None
    exposure: str | None = column(
        "What counts or amounts are of, such as years insured: what is learned is the rate.", needs=["loss"]
    )
    loss: Literal[
        "squared", "huber", "poisson", "negative_binomial", "gamma", "inverse_gaussian", "tweedie"
    ] = option(
        "The distribution of numbers: counts (poisson, negative_binomial), amounts (gamma, inverse_gaussian), "
        "amounts of which some are 0 (tweedie).",
        default="squared",
    )
    power: float | None = option(
        "Of tweedie: variances go with this power of means, between 1 and 2.",
        needs=["loss"],
        show_default="1.5",
    )
    event: str | None = column(
        "Learn hazards: whether something ended the time of a row (1, or what it was), or nothing had happened yet (0).",
        bars=["task", "loss", "exposure", "formula"],
    )
    entry: str | None = column("With --event, when a row came under observation.", needs=["event"])
    until: str | None = column(
        "With --event, of times known to an interval: by when it had happened.", needs=["event"]
    )
    task: Literal["regression", "classification"] | None = option(
        "Predict numbers or classes.", show_default="seen from the target"
    )
    mode: Literal["auto", "additive", "pairwise", "deep"] = option(
        "How far columns may act together.", default="auto"
    )
    work: Work = "normal"
    seconds: Seconds = None
    out: Out = Path()
    test: float = option("Share of the rows to hold out; 0 learns from all.", default=0.2, min=0.0, max=0.9)
    seed: Seed = 0
    hidden: int | None = option(
        "Nodes in the hidden layer.", min=1, max=1024, show_default="from the columns"
    )
    members: int | None = option("Networks to average.", min=1, max=100, show_default="from the data")
    formula: bool | None = option(
        "Look for a formula as well.",
        "--formula/--no-formula",
        show_default="for up to 10 columns of numbers",
    )
    drop_missing: bool = option("Drop rows with missing cells instead of learning from them.", default=False)
    rows: Rows = True
    force: Force = False

    def run(self) -> Answer:
        """Learn from a table, or batch by batch from a dataset of many files; hazards, where events are named."""
        if self.target is None and (self.event is None or self.time is None):
            raise InputError(
                subject="The option --target",
                expected="name the column to predict",
                got="nothing",
                advice="add -t COLUMN",
            )
        from edgewise.cli.inputs import ColumnRoles, Likelihood, prepare
        from edgewise.cli.many_files import is_dataset, streamed
        from edgewise.data import read_frame

        roles = ColumnRoles(
            self.target or "", self.columns, self.drop, self.weight, self.groups, self.time, self.exposure
        )
        if is_dataset(self.data):
            for name in ("groups", "time", "loss", "exposure", "event"):
                if name in self.given:
                    raise InputError(
                        argument=name,
                        expected="be left out where rows are read batch by batch",
                        got=getattr(self, name),
                        advice="pass one file",
                    )
            return streamed().fit(self, roles)
        if self.event is not None:
            from edgewise.cli.hazards import fit

            return fit(self)
        likelihood = Likelihood(self.loss, self.power)
        if "loss" in self.given and self.task == "classification":
            raise InputError(
                argument="loss", expected="be left out for classes", got=self.loss, advice="leave --task out"
            )
        if self.power is not None and self.loss != "tweedie":
            raise InputError(
                argument="power", expected="be given with --loss tweedie", got=f"--loss {self.loss}"
            )
        task = "regression" if "loss" in self.given else self.task
        inputs = prepare(
            read_frame(self.data), roles, drop_missing=self.drop_missing, task=task, likelihood=likelihood
        )
        refuse_short(inputs.source, inputs.n_rows, _FEWEST_ROWS)
        tell(inputs.notes, quiet=self.quiet)
        # Bad columns are reported before torch is loaded, which takes seconds.
        from edgewise.cli.job import TableTask
        from edgewise.cli.learn import carry_out

        return carry_out(self.call(TableTask, inputs), self)
