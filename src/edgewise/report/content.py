"""What a report is made of: plain results, gathered by whoever ran the job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import check_matrix, check_names, check_vector
from edgewise._core.errors import InputError

if TYPE_CHECKING:
    from edgewise.network import KAN
    from edgewise.network.edits import EditRecord
    from edgewise.symbolic import Formula
    from edgewise.training import Record

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AccuracyRow:
    """One model's errors on the held-out rows.

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
    """

    model: str
    rmse: float
    r2: float
    mae: float | None = None
    size: str = ""
    seconds: float | None = None
    ours: bool = False


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
    """

    command: str = ""
    seed: int | None = None
    versions: tuple[tuple[str, str], ...] = ()
    data_hash: str = ""
    date: str = ""


@dataclass(frozen=True, eq=False)
class ReportContent:
    """Everything the page shows; parts left out are sections left out.

    Attributes
    ----------
    title : str
    source : str
        Where the table came from ("yacht.csv").
    names : tuple of str
        The columns predicted from, in the order of X.
    target : str
        The column predicted.
    X, y : arrays of shape (n, d) and (n,)
        Rows fitted on.
    X_test, y_test : arrays of shape (m, d) and (m,)
        Rows held out.
    network : KAN, optional
        The network to draw (the simplified one); its inputs are called by a subset of `names`.
    formula : Formula, optional
        The headline.
    front : tuple of Formula
        Candidates, error against complexity.
    accuracy : tuple of AccuracyRow
    history : tuple of Record
        What training reported, all phases in order.
    edits : tuple of EditRecord
        What was dropped or replaced, in order.
    notes : tuple of str
        Messages of the stages (why training stopped, what the search tried).
    known : str
        The law that is known for these data, to compare the formula with.
    origin : Origin

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
    front: tuple[Formula, ...] = ()
    accuracy: tuple[AccuracyRow, ...] = ()
    history: tuple[Record, ...] = ()
    edits: tuple[EditRecord, ...] = ()
    notes: tuple[str, ...] = ()
    known: str = ""
    origin: Origin = field(default_factory=Origin)

    def __post_init__(self) -> None:
        names = check_names(self.names, "names", of="ReportContent")
        for X, y, rows in (("X", "y", 1), ("X_test", "y_test", 0)):
            table = check_matrix(getattr(self, X), X, columns=len(names), min_rows=rows, of="ReportContent")
            object.__setattr__(self, X, table)
            vector = check_vector(getattr(self, y), y, length=len(table), min_length=rows, of="ReportContent")
            object.__setattr__(self, y, vector)
        inputs = () if self.network is None else self.network.input_names
        columns = () if self.formula is None else self.formula.names
        for argument, wanted in (("network", inputs), ("formula", columns)):
            if unknown := [name for name in wanted if name not in names]:
                raise InputError(
                    f"The '{argument}' of ReportContent must take columns among {list(names)}. Got {unknown[0]!r} instead; "
                    "give the names it was made with."
                )

    @property
    def n_rows(self) -> int:
        """Rows fitted on and held out together."""
        return len(self.y) + len(self.y_test)

    def columns(self, X: Floats, wanted: Sequence[str]) -> Floats:
        """The columns of X called so, in this order."""
        return X[:, [self.names.index(name) for name in wanted]]
