"""One law over many groups, and what its constants are in each."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import as_labels
from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, check_matrix, check_vector, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields, plain
from edgewise._core.stopping import StopReason
from edgewise.forms.tree import Node, Number, names_in, replaced
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree, text
from edgewise.symbolic.results.formula import Constant
from edgewise.symbolic.search.grouped_constants import of_group
from edgewise.symbolic.search.grouped_few import of_few_rows

_DIGITS = 6


@dataclass(frozen=True, eq=False)
class GroupedFormula:
    """A formula that holds in every group, with constants that all share and constants of each group's own.

    Attributes
    ----------
    text : str
        The formula: shared constants as numbers, the others by their names.
    shared : mapping of str to Constant
        Constants that are one for all groups, by the names they have in `template`.
    own : mapping of group to mapping of str to Constant
        What the others are in each group.
    columns : tuple of str
    template : str
        The formula with names for all constants.
    rmse : float
        Root mean squared error over all rows, in the units of y.
    r2 : float
        Share of the variance of y within the groups that is explained.
    criterion : float
        Of Schwarz; lower is better.
    """

    tree: Node
    text: str
    template: str
    shared: Mapping[str, Constant]
    own: Mapping[Hashable, Mapping[str, Constant]]
    columns: tuple[str, ...]
    rmse: float
    r2: float
    criterion: float

    def __str__(self) -> str:
        names = list(next(iter(self.own.values()), {}))
        lines = [self.text]
        if names:
            lines.append("  ".join([f"{'group':>14}", *(f"{name:>22}" for name in names)]))
        for group, constants in self.own.items() if names else ():
            cells = [f"{constants[name].value:.6g} ± {constants[name].standard_error:.2g}" for name in names]
            lines.append("  ".join([f"{str(group)[:14]:>14}", *(f"{cell:>22}" for cell in cells)]))
        return "\n".join(lines)

    def of(self, group: Hashable) -> str:
        """The formula of one group, with its numbers."""
        return text(from_tree(self._filled(self._constants(group)), self.columns), _DIGITS)

    def predict(self, X: Any, groups: Any) -> Floats:
        """Values of the formula.

        Parameters
        ----------
        X : array of shape (n, d)
        groups : array of shape (n,), or one group for all rows

        Returns
        -------
        array of shape (n,)

        Raises
        ------
        InputError
            If a group has not been seen; `with_group` learns its constants.
        """
        of = "GroupedFormula.predict"
        table = check_matrix(X, "X", columns=len(self.columns), of=of)
        try:
            labels = np.asarray(groups, dtype=object)
            labels = np.full(len(table), groups, dtype=object) if labels.ndim == 0 else labels
            distinct = dict.fromkeys(labels.tolist())
        except UNREADABLE:
            labels, distinct = np.empty(0), {}
        if labels.shape != (len(table),):
            got = short(groups) if labels.ndim != 1 or not len(labels) else f"{len(labels):,}"
            raise InputError(
                f"The 'groups' argument of {of} must name a group for each of {len(table)} rows. Got {got}."
            )
        out = np.empty(len(table))
        for group in distinct:
            there = labels == group
            tape = Tape(self._filled(self._constants(group)), self.columns)
            with np.errstate(all="ignore"):
                out[there] = tape.value(tape.start, table[there])
        return out

    def with_group(self, group: Hashable, X: Any, y: Any, *, seed: int = 0) -> GroupedFormula:
        """The formula with one group more: its own constants fitted to its rows, the shared ones as they are.

        Where there are fewer rows than constants, what these are in the other groups makes up for it: the answer then lies
        between the rows and the median group, and its standard errors show how far it is known.

        Parameters
        ----------
        group : hashable
            Its name; one that is there is learned anew.
        X : array of shape (n, d)
        y : array of shape (n,)
        seed : int
            Of the starts.

        Raises
        ------
        InputError
            If the formula has no value on the rows.
        """
        of = "GroupedFormula.with_group"
        table = check_matrix(X, "X", columns=len(self.columns), of=of)
        target = check_vector(y, "y", length=len(table), of=of)
        return self.with_rows(group, table, target, seed)

    def with_rows(self, group: Hashable, X: Floats, y: Floats, seed: int) -> GroupedFormula:
        """As `with_group`, for rows that are checked and may be none."""
        names = tuple(next(iter(self.own.values())))
        starts = [float(np.median([each[name].value for each in self.own.values()])) for name in names]
        tree = replaced(self.tree, {name: Number(each.value) for name, each in self.shared.items()})
        # Numbers that are not fitted must not look like constants.
        tree = fixed(tree)
        if len(y) < len(names):
            others = np.array([[each[name].value for name in names] for each in self.own.values()])
            values, errors = of_few_rows(tree, names, others, self.rmse, self.columns, X, y)
        else:
            found = of_group(tree, names, starts, self.columns, X, y, seed)
            if found is None:
                raise InputError(
                    "The 'X' argument of GroupedFormula.with_group must have rows on which the formula has values. "
                    f"Got {len(y)} rows on which it has none."
                )
            values, errors, _ = found
        new = {
            name: Constant(float(value), float(error))
            for name, value, error in zip(names, values, errors, strict=True)
        }
        return GroupedFormula(
            self.tree, self.text, self.template, self.shared, {**self.own, group: new}, self.columns, self.rmse, self.r2,
            self.criterion,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        own = [
            {
                "group": plain(group),
                **{name: fields(each, "value", "standard_error") for name, each in constants.items()},
            }
            for group, constants in self.own.items()
        ]
        shared = {name: fields(each, "value", "standard_error") for name, each in self.shared.items()}
        return {
            **fields(self, "text", "template", "columns", "rmse", "r2", "criterion"),
            "shared": shared,
            "own": own,
        }

    def _constants(self, group: Hashable) -> dict[str, float]:
        try:
            known = group in self.own
        except TypeError:  # what cannot be the name of anything
            known = False
        if not known:
            raise InputError(
                f"The group must be one of the {len(self.own)} that were learned. Got {short(group)} instead; "
                "with_group(...) learns its constants from its rows."
            )
        return {name: each.value for name, each in {**self.shared, **self.own[group]}.items()}

    def _filled(self, values: Mapping[str, float]) -> Node:
        numbers = {name: Number(value) for name, value in values.items()}
        return replaced(self.tree, numbers)


@dataclass(frozen=True, eq=False)
class GroupedResult:
    """What a search over groups found.

    Attributes
    ----------
    best : GroupedFormula
    rivals : tuple of GroupedFormula
        Others, best first.
    message : str
    stop_reason : StopReason
    seconds : float
    """

    best: GroupedFormula
    rivals: tuple[GroupedFormula, ...]
    message: str
    stop_reason: StopReason
    seconds: float

    def __str__(self) -> str:
        return f"{self.best}\n{self.message}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        rivals = [each.to_dict() for each in self.rivals]
        return {
            **fields(self, "message", "stop_reason", "seconds"),
            "best": self.best.to_dict(),
            "rivals": rivals,
        }


def fixed(tree: Node) -> Node:
    """Floats as exact ratios, which are not fitted."""
    from fractions import Fraction

    from edgewise.forms.tree import Apply

    if isinstance(tree, Number) and isinstance(tree.value, float) and math.isfinite(tree.value):
        ratio = Fraction(tree.value)
        if ratio.denominator == 1:
            return Number(ratio.numerator)
        return Apply("*", (Number(ratio.numerator), Apply("inv", (Number(ratio.denominator),))))
    if isinstance(tree, Apply):
        return Apply(tree.function, tuple(fixed(each) for each in tree.arguments))
    return tree


def text_of(tree: Node, shared: Mapping[str, float], columns: Sequence[str]) -> str:
    """The formula with its shared constants as numbers."""
    known = [*columns, *names_in(tree)]
    return text(
        from_tree(replaced(tree, {name: Number(value) for name, value in shared.items()}), known), _DIGITS
    )


def group_labels(groups: Any, n: int, of: str) -> tuple[list[Any], NDArray[np.int64]]:
    """The distinct groups in the order they come, and the number of each row's."""
    cells: Sequence[Any] = as_labels(groups, "groups", of=of).tolist()
    if len(cells) != n:
        raise InputError(
            f"The 'groups' argument of {of} must name a group for each of {n} rows. Got {len(cells)}."
        )
    missing = [at for at, cell in enumerate(cells) if cell is None or cell != cell]
    if missing:
        raise InputError(
            f"The 'groups' argument of {of} must name a group for every row. Got none in row {missing[0]}."
        )
    known = {group: at for at, group in enumerate(dict.fromkeys(cells))}
    return list(known), np.array([known[cell] for cell in cells], dtype=np.int64)
