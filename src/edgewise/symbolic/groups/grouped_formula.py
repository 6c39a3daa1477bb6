"""A formula that holds in many groups, and what its constants are in each."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from edgewise._core.arguments import check_table, own_names
from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, among, check_matrix, check_vector, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields, plain
from edgewise.data.row_labels import label_text, plain_labels
from edgewise.forms.tree import Apply, Node, Number, names_in, ratio, replaced
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree, text
from edgewise.symbolic.fitting.word_columns import WordColumns
from edgewise.symbolic.groups.constants import exact, of_group
from edgewise.symbolic.groups.few_rows import of_few_rows
from edgewise.symbolic.results.formula import Constant
from edgewise.symbolic.results.outside import Outside

_DIGITS = 6


class _OfGroups(Protocol):
    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def words(self) -> WordColumns | None: ...

    def values(self, group: Hashable, X: Floats) -> Floats: ...

    def with_rows(self: T, group: Hashable, X: Floats, y: Floats, seed: int) -> T: ...


T = TypeVar("T", bound=_OfGroups)


class ByGroups:
    """What formulas of groups, whether one for all or several, have in common."""

    def predict(self: _OfGroups, X: Any, groups: Any = None) -> Floats:
        """Values of the formula.

        Parameters
        ----------
        X : array of shape (n, d)
            Or, without groups, a table with the columns of words that name them.
        groups : array of shape (n,), one group for all rows, or the column of a data frame that holds them

        Returns
        -------
        array of shape (n,)

        Raises
        ------
        InputError
            If a group has not been seen; `with_group` learns its constants.
        """
        table, labels = rows_and_groups(X, groups, self.words, self.columns)
        out = np.empty(len(table))
        for group in dict.fromkeys(labels.tolist()):
            there = labels == group
            out[there] = self.values(group, table[there])
        return out

    def with_group(self: T, group: Hashable, X: Any, y: Any, *, seed: int = 0) -> T:
        """The formula with one group more: its own constants fitted to its rows, the shared ones as they are.

        Where there are no more rows than constants, what these are in the other groups makes up for it: the answer then lies
        between the rows and the median group, and its standard errors show how far it is known. Of several formulas it
        joins the one that describes its rows best, in Schwarz's sense.

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
            If no formula has values on the rows.
        """
        table = check_table(X, self.columns)
        target = check_vector(y, "y", length=len(table))
        return self.with_rows(group, table, target, seed)


@dataclass(frozen=True, eq=False)
class GroupedFormula(ByGroups):
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
    words : WordColumns or None
        The columns of the table whose words name the group, where the groups came from such.
    origin : tuple of str
        The parts of the search that it came through, the last one first.
    outside : Outside or None
        Its errors where an end of a column was left out in every group, or a whole group; None where that was not looked at.
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
    words: WordColumns | None = None
    origin: tuple[str, ...] = ()
    outside: Outside | None = None

    def __str__(self) -> str:
        names = list(next(iter(self.own.values()), {}))
        if not names:
            return self.text
        head = ", ".join(self.words.words) if self.words else "group"
        labels = [label_text(group) for group in self.own]
        width = max(map(len, [head, *labels]))
        lines = [self.text, "  ".join([f"{head:>{width}}", *(f"{name:>22}" for name in names)])]
        for label, constants in zip(labels, self.own.values(), strict=True):
            cells = [f"{constants[name].value:.6g} ± {constants[name].standard_error:.2g}" for name in names]
            lines.append("  ".join([f"{label:>{width}}", *(f"{cell:>22}" for cell in cells)]))
        return "\n".join(lines)

    def of(self, group: Hashable) -> str:
        """The formula of one group, with its numbers."""
        return text(from_tree(self._filled(self._constants(group)), self.columns), _DIGITS)

    def values(self, group: Hashable, X: Floats) -> Floats:
        """Values in one group, for rows that are checked."""
        tape = Tape(self._filled(self._constants(group)), self.columns)
        with np.errstate(all="ignore"):
            return np.asarray(tape.value(tape.start, X), dtype=np.float64)

    def with_rows(self, group: Hashable, X: Floats, y: Floats, seed: int) -> GroupedFormula:
        """As `with_group`, for rows that are checked and may be none."""
        names = tuple(next(iter(self.own.values())))
        starts = [float(np.median([entry[name].value for entry in self.own.values()])) for name in names]
        tree = replaced(self.tree, {name: Number(item.value) for name, item in self.shared.items()})
        # Numbers that are not fitted must not look like constants.
        tree = fixed(tree)
        if len(y) <= len(names):
            others = np.array([[entry[name].value for name in names] for entry in self.own.values()])
            alone = False
            values, errors = of_few_rows(tree, names, others, self.rmse, self.columns, X, y)
        else:
            found = of_group((tree, names, tuple(starts)), self.columns, X, y, seed)
            if found is None:
                raise InputError(
                    argument="X",
                    expected="have rows on which the formula has values",
                    got=f"{len(y)} rows on which it has none",
                )
            values, errors, left = found
            alone = exact(left, y)
        new = {
            name: constant(float(value), float(error), alone)
            for name, value, error in zip(names, values, errors, strict=True)
        }
        return replace(self, own={**self.own, group: new})

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        own = [
            {
                "group": plain(group),
                **{name: fields(item, "value", "standard_error") for name, item in constants.items()},
            }
            for group, constants in self.own.items()
        ]
        shared = {name: fields(item, "value", "standard_error") for name, item in self.shared.items()}
        return {
            **fields(self, "text", "template", "columns", "rmse", "r2", "criterion"),
            "words": list(self.words.words) if self.words else [],
            "origin": list(self.origin),
            "outside": None if self.outside is None else self.outside.to_dict(),
            "shared": shared,
            "own": own,
        }

    def _constants(self, group: Hashable) -> dict[str, float]:
        shared = {name: item.value for name, item in self.shared.items()}
        if not self.own and self.words:  # one formula for all
            return shared
        check_known(group, self.own, self.words)
        return {**shared, **{name: entry.value for name, entry in self.own[group].items()}}

    def _filled(self, values: Mapping[str, float]) -> Node:
        numbers = {name: Number(value) for name, value in values.items()}
        return replaced(self.tree, numbers)


def constant(value: float, error: float, alone: bool) -> Constant:
    """A fitted constant; where rounding alone is left of y, what is within its errors of nothing is nothing."""
    return Constant(0.0 if alone and abs(value) <= 4 * error < math.inf else value, error)


def fixed(tree: Node) -> Node:
    """Floats as exact ratios, which are not fitted."""
    if isinstance(tree, Number) and isinstance(tree.value, float) and math.isfinite(tree.value):
        return ratio(*tree.value.as_integer_ratio())
    if isinstance(tree, Apply):
        return Apply(tree.function, tuple(fixed(argument) for argument in tree.arguments))
    return tree


def text_of(tree: Node, shared: Mapping[str, float], columns: Sequence[str]) -> str:
    """The formula with its shared constants as numbers."""
    known = [*columns, *names_in(tree)]
    return text(
        from_tree(replaced(tree, {name: Number(value) for name, value in shared.items()}), known), _DIGITS
    )


# What learns the constants of a new group.
LEARNS = "with_group(...), of an estimator refit_group(...), learns its constants from its rows"


def check_known(group: Hashable, own: Mapping[Hashable, Any], words: WordColumns | None) -> None:
    """A group that was learned, or one sentence that it was not."""
    try:
        if group in own:
            return
    except TypeError:  # what cannot be the name of anything
        pass
    if words:
        raise InputError(
            subject=f"The words of {words.named}",
            expected=f"be among the {len(own)} that were learned, {among(list(map(str, own)))}",
            got=short(group),
            advice=LEARNS,
        )
    raise InputError(
        subject="The group",
        expected=f"be one of the {len(own)} that were learned, {among(list(map(str, own)))}",
        got=short(group),
        advice=LEARNS,
    )


def column_of_groups(X: Any, groups: Any, columns: Sequence[str]) -> Any:
    """The cells of the column of a data frame that `groups` names; else `groups` as they are."""
    if isinstance(groups, str) and groups not in columns and groups in (own_names(X) or ()):
        return nw.from_native(X, eager_only=True)[groups].to_list()
    return groups


def rows_and_groups(
    X: Any, groups: Any, words: WordColumns | None, columns: Sequence[str]
) -> tuple[Floats, NDArray[Any]]:
    """A table (n, d) and the group of each row (n,), from its words where no groups are given."""
    if groups is None and words is not None:
        numbers, levels = words.read(X, columns)
        if None in levels:
            raise InputError(
                subject=f"The words of {words.named}",
                expected="not be missing",
                got="none",
                rows=[levels.index(None)],
            )
        return check_matrix(numbers, "X"), np.array(levels, dtype=object)
    table = check_table(X, columns)
    if groups is None:
        raise InputError(
            argument="groups", expected=f"name a group for each of {len(table)} rows", got="none"
        )
    groups = column_of_groups(X, groups, columns)
    try:
        labels = np.asarray(groups)
        labels = labels if labels.dtype.kind == "M" else np.asarray(groups, dtype=object)
        labels = np.full(len(table), groups, dtype=object) if labels.ndim == 0 else labels
        set(labels.tolist())
    except UNREADABLE:
        labels = np.empty(0)
    if labels.shape != (len(table),):
        got = short(groups) if labels.ndim != 1 or not len(labels) else f"{len(labels):,}"
        raise InputError(argument="groups", expected=f"name a group for each of {len(table)} rows", got=got)
    cells = np.empty(len(table), dtype=object)
    cells[:] = plain_labels(labels)
    return table, cells
