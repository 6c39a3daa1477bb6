"""What a property is: all that the prover, its answers and its certificates ask of one. Each kind has a file in this folder.

Adding a kind takes a class here, and in `edgewise.verifying.language` a function that makes it and the text that reads it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from edgewise._core.checks import text_of
from edgewise._core.errors import InputError
from edgewise.forms.tree import quote
from edgewise.network.fitted import Fitted
from edgewise.verifying.claims.claimed import Claimed
from edgewise.verifying.claims.tasks import LeftOut, Task
from edgewise.verifying.domain.columns import COLUMN, Columns
from edgewise.verifying.domain.conditions import Condition, word
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import Goal
from edgewise.verifying.results.witness import Case


class Property(ABC):
    """What must hold at every row of a domain. Where a kind says nothing else, it is as here.

    Attributes
    ----------
    claims : tuple of str
        The types of the claims by which certificates state it.
    maps : "rising", "straight" or "none"
        What the maps of a calibrated model have to be, so that a proof about its network carries over; "none" does.
    models : int
        How many models it is about.
    certified : bool
        Whether certificates know it.
    stronger : str
        Why the goals may ask for more than the property does.
    """

    claims: ClassVar[tuple[str, ...]] = ()
    maps: ClassVar[str] = "rising"
    models: ClassVar[int] = 1
    certified: ClassVar[bool] = True
    stronger: ClassVar[str] = "the model reads the column through asinh"

    @abstractmethod
    def task(self, columns: Columns, start: Task, rows: Any) -> Task:
        """What the prover has to show, from a task that has the domain and the model, and no goals yet.

        Parameters
        ----------
        columns : Columns
            Of the model.
        start : Task
        rows : table or None
            Whose rows the property may count.

        Raises
        ------
        InputError
            If the property does not fit the model, with what to ask instead.
        """

    @property
    def of_decision(self) -> bool:
        """Whether it is about the model's decision, and not about an output."""
        return False

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns whose effect it is about: that of a kind which names one as its `feature`."""
        feature: str | None = getattr(self, "feature", None)
        return () if feature is None else (feature,)

    @property
    def rows_in_words(self) -> str:
        """The rows that it is about by itself; empty where conditions alone state them."""
        return ""

    def weighed(self, columns: Columns) -> tuple[str, ...]:
        """The columns whose numbers themselves it weighs."""
        del columns
        return ()

    def moved_nearby(self, columns: Columns) -> Sequence[str] | None:
        """The columns of which near numbers are compared, so that missing cells stay missing; None where none are."""
        del columns
        return None

    def left_out(self, columns: Columns, asked_of: Domain, task: Task) -> LeftOut:
        """Columns, and which of their cells it leaves out of the rows that it is asked of, in raw words.

        A claim that moves or weighs a number is about numbers: a missing cell is none, and a code stands for a word. Nothing
        is left out where claims compare all cells of a column, or move none.
        """
        names = self.moved_nearby(columns)
        if names is None:
            lacking = [
                (before.name, tuple(label for cell, label in before.labelled if cell not in after.cells))
                for before, after in zip(asked_of.groups, task.domain.groups, strict=True)
            ]
        else:
            # Cells near a number are compared with it, codes among them; a missing cell is near none.
            places = [g for g in map(columns.group, names) if columns.is_numbers(g)]
            groups = [asked_of.groups[g] for g in places]
            lacking = [
                (group.name, tuple(label for label in group.labels if label == "missing")) for group in groups
            ]
        return tuple((name, labels) for name, labels in lacking if labels)

    def with_models(self, load: Callable[[Any], Any]) -> Property:
        """The same with other models that it names made by a function."""
        del load
        return self

    def constraints(self, target: str) -> list[str]:
        """The same as constraints of a formula for `target`; empty where these cannot state it."""
        del target
        return []

    def vacuous(self, task: Task) -> str:
        """Why it could not fail, by the numbers of its task alone, in a sentence; empty where it could."""
        del task
        return ""

    def broken_by(self, goal: Goal, cases: Sequence[Case]) -> bool:
        """Whether rows that break a goal which asks for more break the property as well, as the model answers them."""
        del goal, cases
        return True

    def kept_by(self, cases: Sequence[Case], view: Fitted) -> bool:
        """Whether it holds at rows as the model computes their outputs, where without rounding a goal is broken."""
        del cases, view
        return False

    def breach_in_words(self, excess: Callable[[], float]) -> str:
        """What a row that goes beyond the bound by so much shows; empty where the outputs themselves are to be shown."""
        del excess
        return ""

    @classmethod
    def claim_in_words(cls, claimed: Claimed) -> str:
        """The claim of a certificate in the words and units of the model."""
        raise NotImplementedError


def task_of(prop: Property, columns: Columns, conditions: Sequence[Condition] = (), rows: Any = None) -> Task:
    """What the prover has to show.

    Parameters
    ----------
    prop : Property
        Any that certificates know.
    columns : Columns
        Of the model.
    conditions : sequence of Condition
    rows : table, optional
        Whose rows `robust` may count.

    Raises
    ------
    InputError
        If the property does not fit the model, with what to ask instead.
    """
    view = columns.view
    try:
        domain = columns.domain(conditions)
        check_carried(prop, view)
        return prop.task(columns, Task({}, domain, (), (view.network,), (view,)), rows)
    except InputError as error:
        if error.subject != COLUMN:
            raise
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(prop).__name__).lower()
        raise error.about(subject=f"{COLUMN} of {name}") from None


def check_carried(prop: Property, view: Fitted) -> None:
    """Refuse what cannot be distinguished from the network before the maps of a calibrated model.

    Raises
    ------
    InputError
        In one sentence, with what to ask instead.
    """
    maps = view.calibration
    if maps is None:
        return
    instead = "ask it of the model behind the maps, its .model"
    kind = type(prop).__name__
    if prop.maps == "none":
        raise InputError(
            "Of a calibrated model decisions, ranges, directions and robustness can be proved. "
            f"Got a claim of the kind {kind}, which the maps do not carry; {instead}."
        )
    if prop.maps == "straight" and maps.line is None:
        raise InputError(
            "How far a calibrated output changes can be proved where its map is one straight line of the log-odds. "
            f"Got a claim of the kind {kind} and a map that bends; {instead}."
        )
    if maps.threshold is None and not (prop.of_decision and maps.carried):
        raise InputError(
            "Of a calibrated model of more than two classes its decision can be proved, where one temperature is all there "
            f"is to its maps. Got maps of the method {maps.method!r} and a claim of the kind {kind}; {instead}."
        )


def output_argument(output: Any) -> str:
    """An output that is named, as the last argument of a property's text."""
    return "" if output is None else f", output={word(output)}"


def output_name(output: Any) -> str:
    """An output as comparisons name it."""
    return "output" if output is None else quote(text_of(output))
