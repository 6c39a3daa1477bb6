"""Between raw columns and domains: what an encoding can give, what conditions leave of it, rows in raw units and words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_columns import REACH, EncodedColumn, LevelColumn, NumberColumn, numbers_of
from edgewise.data.encoding_raw import raw_table
from edgewise.network.fitted import Fitted
from edgewise.verifying.domain.domain import Domain, Group, Interval
from edgewise.verifying.domain.narrowing import narrow, widen
from edgewise.verifying.domain.raw_rows import encoded, encoded_table
from edgewise.verifying.domain.raw_values import Cell, beyond, cells_of, date_of, shown
from edgewise.verifying.language.conditions import Condition


@dataclass(frozen=True, eq=False)
class Columns:
    """The raw columns of a model and the groups of inputs that they become.

    Parameters
    ----------
    view : Fitted

    Examples
    --------
    >>> import edgewise as ew
    >>> from edgewise.network.fitted import fitted
    >>> from edgewise.verifying.language.conditions import Between
    >>> columns = Columns(fitted(ew.KAN([2, 1], input_names=["mass", "length"], seed=0), of="verify"))
    >>> columns.domain([Between("mass", 0.0, 0.5)]).groups[0].cells
    (((0.0, 0.5),),)
    """

    view: Fitted

    @cached_property
    def used(self) -> tuple[int, ...]:
        """Places of the raw columns that become inputs, in order."""
        return tuple(k for k, _ in groupby(self.view.sources))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Their names, one for each group of the domain."""
        return tuple(self.view.columns[k] for k in self.used)

    @cached_property
    def inputs(self) -> tuple[tuple[int, ...], ...]:
        """Their inputs of the network."""
        return tuple(tuple(i for i, s in enumerate(self.view.sources) if s == k) for k in self.used)

    @cached_property
    def whole(self) -> Domain:
        """Every row the encoding can give; of a plain network the range that its grids cover, which is not everything."""
        if self.view.encoding is None:
            net = self.view.network
            # In float64, as `predict` reads rows, whatever the network's own floats are.
            grids, shift, scale = (
                each.detach().cpu().double().numpy()
                for each in (net.layers[0].domain, net.input_shift, net.input_scale)
            )
            box = (grids * scale[:, None] + shift[:, None]).tolist()
            groups = [
                Group(name, (i,), (((low, high),),), ("",))
                for i, (name, (low, high)) in enumerate(zip(self.names, box, strict=True))
            ]
            return Domain(tuple(groups))
        groups = [
            Group(name, inputs, *cells_of(self._column(g)))
            for g, (name, inputs) in enumerate(zip(self.names, self.inputs, strict=True))
        ]
        return Domain(tuple(groups), whole=True)

    def encoded(self, group: int) -> EncodedColumn | None:
        """How a column becomes inputs; None of a plain network, which reads numbers as they are."""
        return None if self.view.encoding is None else self._column(group)

    def _column(self, group: int) -> EncodedColumn:
        assert self.view.encoding is not None
        return self.view.encoding.columns[self.used[group]]

    def group(self, name: str, of: str) -> int:
        """The group of a column.

        Raises
        ------
        InputError
            If the model has no such column, or does not use it.
        """
        if name in self.names:
            return self.names.index(name)
        encoding = self.view.encoding
        if encoding is not None and name in encoding.column_names:
            column = encoding.columns[encoding.column_names.index(name)]
            reason = getattr(column, "reason", "")
            raise InputError(
                subject=f"The column of {of}",
                expected="be one that the model uses",
                got=(
                    f"{short(name, 40)}, which it leaves out ({reason}), so that its output does not "
                    "depend on it"
                ),
            )
        known = ", ".join(short(each, 24) for each in self.names[:8]) + (
            ", ..." if len(self.names) > 8 else ""
        )
        raise InputError(
            subject=f"The column of {of}",
            expected=f"be one of {known}",
            got=f"{short(name, 40)}{did_you_mean(name, self.names)}",
        )

    def is_numbers(self, group: int) -> bool:
        """Whether the column holds numbers of more than two values."""
        return any(low < high for cell in self.whole.groups[group].cells for low, high in cell)

    def scale(self, group: int) -> tuple[str, float]:
        """How numbers become the input: the transform and the raw units in one unit of the input (at the centre)."""
        column = None if self.view.encoding is None else self._column(group)
        if not isinstance(column, NumberColumn) or column.transform == "identity":
            return "identity", 1.0
        return column.transform, column.scale

    def centre(self, group: int) -> float:
        """The raw number at which the input is 0."""
        column = None if self.view.encoding is None else self._column(group)
        return column.centre if isinstance(column, NumberColumn) and column.transform != "identity" else 0.0

    def span(self, group: int) -> float:
        """Width of the training range on the input's scale."""
        if self.view.encoding is not None:
            column = cast(NumberColumn, self._column(group))
            return column.high - column.low
        low, high = self.whole.groups[group].cells[0][0]
        return high - low

    def familiar(self, domain: Domain) -> Domain:
        """The part of a domain within the training range, where there is one."""
        if self.view.encoding is None:
            return domain
        groups = list[Group]()
        for group in domain.groups:
            if group.name not in self.names:  # several columns together, which are words
                groups.append(group)
                continue
            column, cells = self._column(self.names.index(group.name)), list[Cell]()
            for cell in group.cells:
                low, high = cell[0]
                if isinstance(column, NumberColumn) and low < high:
                    near = max(low, column.low), min(high, column.high)
                    low, high = near if near[0] <= near[1] else (low, high)
                cells.append(((low, high), *cell[1:]))
            groups.append(Group(group.name, group.inputs, tuple(cells), group.labels))
        return Domain(tuple(groups))

    # ---- domains

    def domain(self, conditions: Iterable[Condition] = (), of: str = "a condition") -> Domain:
        """What the conditions leave of the whole domain.

        Raises
        ------
        InputError
            If a condition names no column, does not fit its values, or leaves nothing.
        """
        conditions = list(conditions)
        groups, narrowed = list(self.whole.groups), False
        if self.view.encoding is None:
            groups = [widen(self, g, group, conditions) for g, group in enumerate(groups)]
        for condition in conditions:
            g = self.group(condition.column, of)
            kept = narrow(self, g, groups[g], condition)
            if not kept.cells:
                raise InputError(
                    subject=f"The condition {str(condition)!r}",
                    expected="leave some rows",
                    got=f"a column that can be {self.described(g)} only",
                )
            narrowed |= kept.cells != groups[g].cells
            groups[g] = kept
        return Domain(tuple(groups), whole=self.whole.whole and not narrowed)

    def lost(self, g: int, cell: Cell, label: str) -> bool:
        """Whether a cell of the whole domain is that of missing values alone."""
        column = None if self.view.encoding is None else self._column(g)
        if isinstance(column, LevelColumn):
            return column.gap and cell[0][0] == column.missing
        return label == "missing"

    def interval(self, g: int, low: Any, high: Any) -> Interval:
        """A range of raw numbers as the inputs they become, followed as far as the encoding follows."""
        column = None if self.view.encoding is None else self._column(g)
        ends = [self.number(g, low, -math.inf), self.number(g, high, math.inf)]
        if ends[0] > ends[1]:
            raise InputError(
                subject=f"The range of {short(self.names[g], 40)}",
                expected="begin with its lower end",
                got=f"{short(low)} above {short(high)}",
            )
        if not isinstance(column, NumberColumn):
            return ends[0], ends[1]
        reach = 0.0 if column.two_valued else REACH * (column.high - column.low)
        limits = column.low - reach, column.high + reach
        made = [
            limits[side]
            if math.isinf(end)
            else float(np.clip(column.transformed(np.array([end]))[0], *limits))
            for side, end in enumerate(ends)
        ]
        if column.transform == "asinh" and made[0] < made[1]:
            # Its float values need not grow with the number to the last bit; a point is what the encoding makes of it.
            made = [beyond(made[0], -math.inf), beyond(made[1], math.inf)]
        return float(np.clip(made[0], *limits)), float(np.clip(made[1], *limits))

    def number(self, g: int, value: Any, default: float = math.nan) -> float:
        """The raw number that a condition writes so; the default where it leaves an end open."""
        if value is None:
            return default
        column = None if self.view.encoding is None else self._column(g)
        if not isinstance(column, NumberColumn):
            return check_float(value, self.names[g])
        raw = raw_table({column.name: [value]}).columns[0]
        found = float(numbers_of(raw, column.name, column.kind)[0])
        if math.isnan(found):
            raise InputError(
                subject=f"Column {short(column.name, 40)}",
                expected="be narrowed by numbers",
                got=short(value),
            )
        return found

    def around(self, g: int, at: float, reach: float) -> Interval:
        """The inputs of raw numbers within `reach` of the one whose input is `at`."""
        if reach == 0.0:
            return at, at
        column = None if self.view.encoding is None else self._column(g)
        if not isinstance(column, NumberColumn):
            return at - reach, at + reach
        number = self.raw_number(g, at)
        low, high = self.interval(g, number - reach, number + reach)
        return min(low, at), max(high, at)

    def clipped(self, g: int, at: Floats, other: Floats, reach: float) -> Floats:
        """Inputs brought to within `reach` of others in raw numbers, (n,)."""
        column = None if self.view.encoding is None else self._column(g)
        if not isinstance(column, NumberColumn):
            return np.clip(other, at - reach, at + reach)
        number = column.decode(at)
        near = column.transformed(number - reach), column.transformed(number + reach)
        return np.clip(other, np.minimum(near[0], at), np.maximum(near[1], at))

    def raw_number(self, g: int, at: float) -> float:
        """The raw number whose input is `at`."""
        column = None if self.view.encoding is None else self._column(g)
        return float(column.decode(np.array([at]))[0]) if isinstance(column, NumberColumn) else at

    def described(self, g: int, group: Group | None = None) -> str:
        """What a group may hold, in raw words."""
        group = group or self.whole.groups[g]
        parts = list[str]()
        for cell, label in zip(group.cells, group.labels, strict=True):
            low, high = (shown(self.raw(g, (end, *(each[0] for each in cell[1:])))) for end in cell[0])
            parts.append(
                "missing" if label == "missing" else low if cell[0][0] == cell[0][1] else f"{low} to {high}"
            )
        return ", ".join(parts)

    # ---- rows

    def raw(self, g: int, values: Sequence[float]) -> Any:
        """The raw value of a column whose inputs have these values: a number, word, truth, date, or None if missing."""
        column = None if self.view.encoding is None else self._column(g)
        if column is None:
            return float(values[0])
        if isinstance(column, LevelColumn):
            return column.levels[round(values[0])]
        assert isinstance(column, NumberColumn)
        for mark, there in enumerate(values[1:]):
            if there >= 0.5:
                return column.marked(mark)
        if column.two_valued and values[0] not in (column.low, column.high):
            return None
        number = float(column.decode(np.array([values[0]]))[0])
        if column.kind == "bool":
            return number >= 0.5
        if column.whole and abs(number - round(number)) <= 1e-9 * max(1.0, abs(number)):
            # What a transform leaves of a whole number is off by rounding.
            number = float(round(number))
        if number in column.codes:
            number = math.nextafter(number, math.inf)  # the number itself would be read as the code
        return date_of(number) if column.kind == "date" else number

    def raw_row(self, x: Floats, *, tidy: Callable[[Floats], bool] | None = None) -> dict[str, Any]:
        """A row of inputs in the columns' own units and words.

        Parameters
        ----------
        x : array of shape (inputs,)
        tidy : callable, optional
            Whether a row of inputs still serves; numbers are then written with as few digits as it allows.
        """
        row, at = dict[str, Any](), np.asarray(x, dtype=np.float64)
        for g, name in enumerate(self.names):
            value = self.raw(g, [float(at[i]) for i in self.inputs[g]])
            ordinary = not any(at[i] for i in self.inputs[g][1:])
            if tidy is not None and type(value) is float and ordinary and self.is_numbers(g):
                value, at = self._tidied(g, value, at, tidy)
            row[name] = value
        return row

    def _tidied(
        self, g: int, value: float, x: Floats, tidy: Callable[[Floats], bool]
    ) -> tuple[float, Floats]:
        column = self.encoded(g)
        codes = column.codes if isinstance(column, NumberColumn) else ()
        for digits in range(1, 17):
            rounded = float(f"{value:.{digits}g}")
            if rounded in codes:
                continue
            moved = x.copy()
            moved[self.inputs[g][0]] = self._encoded_number(g, rounded)
            # At least three digits; fewer would hide where a row lies.
            if digits >= 3 and tidy(moved):
                return rounded, moved
        return value, x

    def _encoded_number(self, g: int, value: float) -> float:
        return self.interval(g, value, value)[0]

    def encode(self, row: Any, of: str) -> Floats:
        """The inputs of one row given as a mapping, a table of one row, or a plain sequence of numbers, shape (inputs,).

        Raises
        ------
        InputError
            If it is no such row.
        """
        return encoded(self.view, row, of)

    def table(self, rows: Any) -> Floats:
        """The inputs of a table of raw rows, shape (n, inputs)."""
        return encoded_table(self.view, rows)
