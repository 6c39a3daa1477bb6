"""What a report is made of: plain results, gathered by whoever ran the job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import among, check_matrix, check_names, check_vector, short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason

if TYPE_CHECKING:
    from edgewise.auditing.result import AuditResult
    from edgewise.estimators.relativities import Relativities
    from edgewise.explaining import Conformal, GlobalExplanation, LocalExplanation
    from edgewise.network import KAN
    from edgewise.network.edits import EditRecord
    from edgewise.programs.program import Program
    from edgewise.symbolic import Formula, FormulaResult
    from edgewise.symbolic.results.alternatives import Alternative
    from edgewise.training import Record
    from edgewise.verifying.results.verdicts import ProofResult


@dataclass(frozen=True)
class AccuracyRow:
    """One model on the held-out rows.

    Attributes
    ----------
    model : str
        What predicted, in words.
    rmse : float
        Root mean square error in the units of the target.
    r2 : float
        Share of the target's variance explained; NaN where the target is constant.
    mae : float, optional
        Mean absolute error.
    size : str
        How much there is to read ("3 edge functions", "100 trees").
    seconds : float, optional
        Time it took to make.
    ours : bool
        Whether it is edgewise's own, to set it apart from what it is compared with.
    predicted : array of shape (m,) or (m, classes), optional
        Its predictions of the held-out rows; for classes their probabilities. With them the page measures the model itself
        and states how sure that measure is; the three errors above are then not looked at.
    """

    model: str
    rmse: float = float("nan")
    r2: float = float("nan")
    mae: float | None = None
    size: str = ""
    seconds: float | None = None
    ours: bool = False
    predicted: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Origin:
    """How to make the same results again.

    Attributes
    ----------
    command : str
        What was typed; empty where the report was made from Python.
    seed : int, optional
        Seed of the job.
    versions : tuple of (str, str)
        Packages and their versions.
    data_hash : str
        SHA-256 of the data file, in hexadecimal.
    date : str
        When, as text; left empty, the page is the same every time.
    machine : str
        On what, in words.
    """

    command: str = ""
    seed: int | None = None
    versions: tuple[tuple[str, str], ...] = ()
    data_hash: str = ""
    date: str = ""
    machine: str = ""


@dataclass(frozen=True)
class InputView:
    """How an input of the network reads in the table it came from.

    Attributes
    ----------
    name : str
        The network's name for it.
    column : str
        The column of the table.
    levels : tuple of str
        For a coded column what the codes 0, 1, ... stand for; empty for numbers.
    scale : tuple of (float, float)
        For numbers that were transformed: increasing pairs (value the network sees, value in the table); empty where both
        are the same.

    Examples
    --------
    >>> InputView("income", "income", scale=((0.0, 1.0), (1.0, 10.0), (2.0, 100.0))).in_table(np.array([0.5, 2.0])).tolist()
    [5.5, 100.0]
    """

    name: str
    column: str
    levels: tuple[str, ...] = ()
    scale: tuple[tuple[float, float], ...] = ()

    @property
    def label(self) -> str:
        """What a drawing calls it: the column where the axis reads in the column's own numbers, else the input."""
        return self.column if self.scale else self.name

    def in_table(self, values: Floats) -> Floats:
        """Values of the network in the units of the table, linear between the pairs and beyond them."""
        if len(self.scale) < 2:
            return values
        seen, raw = np.asarray(self.scale, dtype=np.float64).T
        inner = np.interp(values, seen, raw)
        below, above = np.minimum(values - seen[0], 0.0), np.maximum(values - seen[-1], 0.0)
        with np.errstate(over="ignore"):
            # In halves: the way between two finite numbers need not be finite.
            first = (raw[1] / 2 - raw[0] / 2) / (seen[1] - seen[0])
            last = (raw[-1] / 2 - raw[-2] / 2) / (seen[-1] - seen[-2])
            beyond = first * below + last * above
        most = np.finfo(np.float64).max / 4
        return 2 * (np.clip(inner / 2, -most, most) + np.clip(beyond, -most, most))


@dataclass(frozen=True)
class Way:
    """The least change of a row that is decided otherwise: the row's cells after it, and the change in words."""

    cells: tuple[float | str | None, ...]
    words: str


@dataclass(frozen=True, eq=False)
class SurvivalCheck:
    """How good chances of survival are on rows held out.

    Attributes
    ----------
    times : array of shape (m,)
    observed, predicted : arrays of shape (m,)
        The share of rows to which nothing had happened, by Kaplan and Meier, and the mean of the predicted chances.
    concordance : float
        Harrell's C.
    brier, brier_of_all : float
        Integrated Brier score of the model, and of the curve of Kaplan and Meier of the rows learned from.
    rows, events : int
    unit : str
        What the times are.
    """

    times: Floats
    observed: Floats
    predicted: Floats
    concordance: float
    brier: float
    brier_of_all: float
    rows: int
    events: int
    unit: str = "time"


@dataclass(frozen=True)
class ColumnSummary:
    """One column of the table as it came.

    Attributes
    ----------
    name : str
    kind : str
        "number", "whole number", "yes or no", "category", "date", "text", "empty" or "constant".
    missing : float
        Share of rows without a value.
    low, median, high : float, optional
        Of numbers.
    levels : tuple of (str, int)
        The most frequent values of a category and how often they occur.
    distinct : int
        Different values.
    histogram : tuple of int
        Rows in equal steps from low to high (numbers), or per level (categories).
    """

    name: str
    kind: str = "number"
    missing: float = 0.0
    low: float | None = None
    median: float | None = None
    high: float | None = None
    levels: tuple[tuple[str, int], ...] = ()
    distinct: int = 0
    histogram: tuple[int, ...] = ()


def told_on_page(found: FormulaResult) -> str:
    """How sure the headline is, in sentences, where the formula that predicts best stands below it."""
    first = found.recommended
    return found.recommendation(
        lambda formula: "This formula" if formula.expression == first.expression else "The one below"
    )


@dataclass(frozen=True, eq=False)
class ReportContent:
    """Everything the page shows; parts left out are sections left out.

    Attributes
    ----------
    title : str
    source : str
        Where the table came from ("yacht.csv").
    names : tuple of str
        The columns predicted from, in the order of X (after encoding, the inputs of the network).
    target : str
        The column predicted.
    X, y : arrays of shape (n, d) and (n,)
        Rows fitted on. For classes, y holds their numbers in `classes`.
    X_test, y_test : arrays of shape (m, d) and (m,)
        Rows held out.
    network : KAN, optional
        The network to draw (the simplified one); its inputs are called by a subset of `names`.
    formula : Formula, optional
        The headline: the law, or where none is likely enough the formula that predicts best.
    accurate : Formula, optional
        The formula that predicts best, where that is another one.
    recommendation : str
        How sure the headline is, in sentences.
    front : tuple of Formula
        Candidates, error against complexity.
    alternatives : tuple of Alternative
        Those among them that the data cannot distinguish from the headline.
    accuracy : tuple of AccuracyRow
        One entry a model; the first that is `ours` and has predictions is the model the page is about.
    history : tuple of Record
        What training reported, all phases in order.
    edits : tuple of EditRecord
        What was dropped or replaced, in order.
    notes : tuple of str
        Messages of the stages (why training stopped, what the search tried).
    stop_reason : StopReason, optional
        Why training and search ended; one that does not repeat stands at the head of the page.
    advice : str
        What to do about that, in the words of the caller; by default those of `stop_reason`.
    known : str
        The law that is known for these data, to compare the formula with.
    origin : Origin
    classes : tuple of str
        Names of the classes where the target is one; empty for numbers.
    units : mapping of str to str
        Units of columns, where they are known.
    inputs : tuple of InputView
        How inputs read in the table; inputs left out read as they are.
    table : tuple of ColumnSummary
        The columns as they came; without it they are summarised from X and y.
    dropped : tuple of (str, str)
        Columns that were left out before training, and why.
    repeats : tuple of arrays like `AccuracyRow.predicted`
        Predictions of the held-out rows by the same model fitted again from other seeds.
    raw_test : mapping of str to array (m,)
        Columns of the held-out rows as they came, for formulas in columns that the network sees transformed.
    explanation : GlobalExplanation, optional
        What `edgewise.explaining(model, X)` gives: importances, shape functions and pairs, after the network.
    answers : tuple of LocalExplanation
        Single answers explained, below it.
    proofs : tuple of Proved, Refuted and Undecided
        What `edgewise.verify` gave, in the order of the page.
    audit : AuditResult, optional
        What `edgewise.audit` found; the last section of the page.
    program : Program, optional
        The model from raw columns to its answer, which the live network evaluates; without it the network itself, where its
        inputs are the columns.
    cells, cell_rows : tuple
        Some held-out rows as they came, a cell for each column of `program`, and their places in X_test.
    rows : bool
        Whether single rows may stand in the page: held-out ones for readers to start from, and rows as points of drawings.
    ways : tuple of Way or None
        For each of `cells` the nearest counterfactual, where one was looked for and found.
    intervals : Conformal, optional
        How sure the answers are.
    sigma : array (n,), optional
        The standard deviation of y in every row of X, where it is known.
    x_sigma : mapping of str to array (n,)
        Those of columns, where they are known.
    loss, power
        As of `KANRegressor`: how far answers are from counts and amounts is measured by their likelihood.
    weight, weight_test : arrays (n,) and (m,), optional
        How much rows count there: of rates, y, their exposures.
    survival : SurvivalCheck, optional
        Of hazards: how good chances of survival are.
    relativities : Relativities, optional
        Of counts and amounts: what each level of a column multiplies them with.

    Raises
    ------
    InputError
        If the arrays, the names and the network do not fit each other.

    Examples
    --------
    >>> content = ReportContent(
    ...     title="A line", source="line.csv", names=("x",), target="y",
    ...     X=np.zeros((3, 1)), y=np.zeros(3), X_test=np.ones((1, 1)), y_test=np.ones(1),
    ... )
    >>> content.n_rows
    4
    """

    title: str
    source: str
    names: tuple[str, ...]
    target: str
    X: Floats
    y: Floats
    X_test: Floats
    y_test: Floats
    network: KAN | None = None
    formula: Formula | None = None
    accurate: Formula | None = None
    recommendation: str = ""
    front: tuple[Formula, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    accuracy: tuple[AccuracyRow, ...] = ()
    history: tuple[Record, ...] = ()
    edits: tuple[EditRecord, ...] = ()
    notes: tuple[str, ...] = ()
    stop_reason: StopReason | None = None
    advice: str = ""
    known: str = ""
    origin: Origin = field(default_factory=Origin)
    classes: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[InputView, ...] = ()
    table: tuple[ColumnSummary, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    repeats: tuple[Any, ...] = ()
    raw_test: Mapping[str, Any] = field(default_factory=dict)
    explanation: GlobalExplanation | None = None
    answers: tuple[LocalExplanation, ...] = ()
    proofs: tuple[ProofResult, ...] = ()
    audit: AuditResult | None = None
    program: Program | None = None
    cells: tuple[tuple[float | str | None, ...], ...] = ()
    cell_rows: tuple[int, ...] = ()
    rows: bool = True
    ways: tuple[Way | None, ...] = ()
    intervals: Conformal | None = None
    sigma: Floats | None = None
    x_sigma: Mapping[str, Floats] = field(default_factory=dict[str, Floats])
    loss: str = "squared"
    power: float | None = None
    weight: Floats | None = None
    weight_test: Floats | None = None
    survival: SurvivalCheck | None = None
    relativities: Relativities | None = None

    def __post_init__(self) -> None:
        names = check_names(self.names, "names")
        for X, y, rows in (("X", "y", 1), ("X_test", "y_test", 0)):
            table = check_matrix(getattr(self, X), X, columns=len(names), min_rows=rows)
            object.__setattr__(self, X, table)
            vector = check_vector(getattr(self, y), y, length=len(table), min_length=rows)
            object.__setattr__(self, y, vector)
            if self.classes and not np.isin(vector, np.arange(len(self.classes))).all():
                raise InputError(
                    argument=y,
                    expected=(
                        f"hold class numbers from 0 to {len(self.classes) - 1}, as there are "
                        f"{len(self.classes)} 'classes'"
                    ),
                    got="other values",
                    advice="give the position of each row's class",
                )
        self._check_predictions()
        inputs = () if self.network is None else self.network.input_names
        columns = () if self.formula is None else self.formula.names
        known = {"network": set(names), "formula": {*names, *self.raw_test}}
        for argument, wanted in (("network", inputs), ("formula", columns)):
            if unknown := [name for name in wanted if name not in known[argument]]:
                raise InputError(
                    argument=argument,
                    expected=f"take columns among {among(names)}",
                    got=short(unknown[0]),
                    advice="give the names it was made with",
                )

        self._check_program()

    def _check_program(self) -> None:
        """The live network evaluates the program, so it must be that of the network which is drawn."""
        layers = getattr(getattr(self.program, "body", None), "layers", None)
        if self.network is None or layers is None:
            return
        wanted, got = (
            [layer.out_features for layer in self.network.layers],
            [len(layer.bias) for layer in layers],
        )
        if got != wanted:
            raise InputError(
                argument="program",
                expected=f"be that of its network, whose layers have {wanted} sums",
                got=f"one with {got}",
                advice="leave it out, or give the network that it was made of",
            )

    def _check_predictions(self) -> None:
        """Predictions must be as many as the held-out rows, and one column a class."""
        shape = (len(self.y_test), len(self.classes)) if self.classes else (len(self.y_test),)
        given = [(f"predictions of {row.model!r}", row.predicted) for row in self.accuracy]
        given += [("repeats", repeat) for repeat in self.repeats]
        for what, values in given:
            if values is not None and np.shape(values) != shape:
                raise InputError(
                    subject=f"The {what} in ReportContent",
                    expected=f"have shape {shape}, one row for each held-out row"
                    f"{' and one column for each class' if self.classes else ''}",
                    got=np.shape(values),
                )

    @property
    def n_rows(self) -> int:
        """Rows fitted on and held out together."""
        return len(self.y) + len(self.y_test)

    def columns(self, X: Floats, wanted: Sequence[str]) -> Floats:
        """The columns of X called so, in this order."""
        place = {name: k for k, name in enumerate(self.names)}
        return X[:, [place[name] for name in wanted]]

    def formula_rows(self, wanted: Sequence[str]) -> Floats:
        """The held-out rows as a formula in these columns reads them."""
        place = {name: k for k, name in enumerate(self.names)}
        rows = [
            np.asarray(self.raw_test[name], dtype=np.float64)
            if name in self.raw_test
            else self.X_test[:, place[name]]
            for name in wanted
        ]
        return np.stack(rows, axis=1) if rows else np.zeros((len(self.y_test), 0))

    def view(self, name: str) -> InputView:
        """How an input reads in the table."""
        return next((view for view in self.inputs if view.name == name), InputView(name, name))

    def unit(self, name: str) -> str:
        """The unit of a column or input, empty where none is known."""
        return self.units.get(name, "") or self.units.get(self.view(name).column, "")

    def labelled(self, name: str) -> str:
        """The name as the table has it, with its unit."""
        unit, shown = self.unit(name), self.view(name).label
        return f"{shown} ({unit})" if unit else shown
