"""Between raw columns and domains: what an encoding can give, what conditions leave of it, rows in raw units and words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.data.encoding import none_of
from edgewise.data.encoding_columns import (
    REACH,
    EncodedColumn,
    LevelColumn,
    NumberColumn,
    as_word,
    numbers_of,
)
from edgewise.data.encoding_raw import as_table, raw_table
from edgewise.network.fitted import Fitted
from edgewise.verifying.domain.conditions import Between, Condition, Missing, OneOf, ends_of
from edgewise.verifying.domain.conditions import number as number_text
from edgewise.verifying.domain.domain import Cell, Domain, Group, Interval
from edgewise.verifying.domain.raw_values import beyond, cells_of, code_of, codes_of, date_of, shown

# The subject of refusals of the column that a property names; who knows the property names it, too.
COLUMN = "The column"


@dataclass(frozen=True, eq=False)
class Columns:
    """The raw columns of a model and the groups of inputs that they become.

    Parameters
    ----------
    view : Fitted
    conditions : tuple of Condition
        What the rows asked about fulfil. Numbers that the encoding takes for one are written as those asked about.

    Examples
    --------
    >>> import edgewise as ew
    >>> from edgewise.network.fitted import fitted
    >>> from edgewise.verifying.domain.conditions import Between
    >>> columns = Columns(fitted(ew.KAN([2, 1], input_names=["mass", "length"], seed=0)))
    >>> columns.domain([Between("mass", 0.0, 0.5)]).groups[0].cells
    (((0.0, 0.5),),)
    """

    view: Fitted
    conditions: tuple[Condition, ...] = ()

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
                tensor.detach().cpu().double().numpy()
                for tensor in (net.layers[0].domain, net.input_shift, net.input_scale)
            )
            box = (grids * scale[:, None] + shift[:, None]).tolist()
            groups = [
                Group(name, (i,), (((low, high),),), ("",))
                for i, (name, (low, high)) in enumerate(zip(self.names, box, strict=True))
            ]
            return Domain(tuple(groups))
        groups = [
            Group(name, inputs, *cells_of(self.view.encoding.columns[k]))
            for k, name, inputs in zip(self.used, self.names, self.inputs, strict=True)
        ]
        return Domain(tuple(groups), whole=True)

    def encoded(self, group: int) -> EncodedColumn | None:
        """How a column becomes inputs; None of a plain network, which reads numbers as they are."""
        encoding = self.view.encoding
        return None if encoding is None else encoding.columns[self.used[group]]

    def number_column(self, group: int) -> NumberColumn | None:
        """The same of a column of numbers; None of others."""
        column = self.encoded(group)
        return column if isinstance(column, NumberColumn) else None

    def group(self, name: str) -> int:
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
                subject=COLUMN,
                expected="be one that the model uses",
                got=(
                    f"{short(name, 40)}, which it leaves out ({reason}), so that its output does not "
                    "depend on it"
                ),
            )
        known = ", ".join(short(item, 24) for item in self.names[:8]) + (
            ", ..." if len(self.names) > 8 else ""
        )
        raise InputError(
            subject=COLUMN,
            expected=f"be one of {known}",
            got=f"{short(name, 40)}{did_you_mean(name, self.names)}",
        )

    def is_numbers(self, group: int) -> bool:
        """Whether the column holds numbers of more than two values."""
        return any(low < high for cell in self.whole.groups[group].cells for low, high in cell)

    def scale(self, group: int) -> tuple[str, float]:
        """How numbers become the input: the transform and the raw units in one unit of the input (at the centre)."""
        column = self.number_column(group)
        if column is None or column.transform == "identity":
            return "identity", 1.0
        return column.transform, column.scale

    def centre(self, group: int) -> float:
        """The raw number at which the input is 0."""
        column = self.number_column(group)
        return 0.0 if column is None or column.transform == "identity" else column.centre

    def span(self, group: int) -> float:
        """Width of the training range on the input's scale."""
        column = self.number_column(group)
        low, high = self.whole.groups[group].cells[0][0] if column is None else (column.low, column.high)
        return high - low

    def familiar(self, domain: Domain) -> Domain:
        """The part of a domain within the training range, where there is one."""
        if self.view.encoding is None:
            return domain
        return Domain(tuple(map(self._familiar, domain.groups)))

    def _familiar(self, group: Group) -> Group:
        # Of several columns together, which are words, none has that name.
        column = self.number_column(self.names.index(group.name)) if group.name in self.names else None
        if column is None:
            return group
        cells = list[Cell]()
        for (low, high), *flags in group.cells:
            near = max(low, column.low), min(high, column.high)
            cells.append((near if low < high and near[0] <= near[1] else (low, high), *flags))
        return replace(group, cells=tuple(cells))

    # ---- domains

    def domain(self, conditions: Iterable[Condition] = ()) -> Domain:
        """What the conditions leave of the whole domain.

        Raises
        ------
        InputError
            If a condition names no column, does not fit its values, or leaves nothing.
        """
        conditions = list(conditions)
        groups, narrowed = list(self.whole.groups), False
        if self.view.encoding is None:
            groups = [self._widened(g, group, conditions) for g, group in enumerate(groups)]
        for condition in conditions:
            g = self.group(condition.column)
            pairs = ((self._cut(g, cell, label, condition), label) for cell, label in groups[g].labelled)
            kept = groups[g].of((cell, label) for cell, label in pairs if cell is not None)
            if not kept.cells:
                raise InputError(
                    subject=f"The condition {str(condition)!r}",
                    expected="leave some rows",
                    got=f"a column that can be {self.described(g)} only",
                )
            narrowed |= kept.cells != groups[g].cells
            groups[g] = kept
        return Domain(tuple(groups), whole=self.whole.whole and not narrowed)

    def _widened(self, g: int, group: Group, conditions: Sequence[Condition]) -> Group:
        """An input of a plain network as far as conditions go: beyond its grid edges go on as straight lines.

        Where they leave a side open, the grid ends it.
        """
        ends = [ends_of(condition) for condition in conditions if condition.column == group.name]
        ((low, high),) = group.cells[0]
        low = max((self.number(g, end) for end, _ in ends if end is not None), default=low)
        high = min((self.number(g, end) for _, end in ends if end is not None), default=high)
        return replace(group, cells=(((low, high),),)) if low <= high else group

    def _cut(self, g: int, cell: Cell, label: str, condition: Condition) -> Cell | None:
        """What a condition leaves of one cell."""
        column = self.encoded(g)
        if isinstance(column, LevelColumn):
            if isinstance(condition, Between):
                raise InputError(
                    subject=f"Column {short(condition.column, 40)}",
                    expected="be narrowed by its words",
                    got=f"the range {str(condition)!r}",
                    advice=f"list words, as in {condition.column} in {{{', '.join(column.levels[:2])}}}",
                )
            if isinstance(condition, Missing):
                # Without a code of their own, missing cells share one with words, which are not missing.
                here = cell[0][0] == column.missing
                return cell if (here if condition.missing else not (here and column.gap)) else None
            return cell if cell[0][0] in codes_of(column, condition) else None
        missing, code = label == "missing", code_of(column, cell)
        if isinstance(condition, Missing):
            if column is None and condition.missing:
                return None
            return cell if missing == condition.missing else None
        if missing:
            return None
        if code is not None:
            return cell if self._holds(g, condition, code) else None
        ends = (
            [(condition.low, condition.high)]
            if isinstance(condition, Between)
            else [(v, v) for v in condition.values]
        )
        if isinstance(column, NumberColumn) and isinstance(condition, OneOf):
            # What is a code is not among the ordinary numbers.
            ends = [pair for pair in ends if self.number(g, pair[0]) not in column.codes]
        pieces = [self.interval(g, low, high) for low, high in ends]
        pieces = [(max(low, cell[0][0]), min(high, cell[0][1])) for low, high in pieces]
        pieces = [(low, high) for low, high in pieces if low <= high]
        if not pieces:
            return None
        if len(pieces) > 1 and cell[0][0] < cell[0][1]:
            raise InputError(
                subject=f"Column {short(condition.column, 40)}",
                expected="be narrowed to one range or one number",
                got=f"{len(pieces)} numbers",
                advice="ask once for each",
            )
        return (pieces[0] if cell[0][0] < cell[0][1] else cell[0], *cell[1:])

    def _holds(self, g: int, condition: Between | OneOf, number: float) -> bool:
        """Whether a raw number meets a condition."""
        if isinstance(condition, OneOf):
            return any(self.number(g, value) == number for value in condition.values)
        return self.number(g, condition.low, -math.inf) <= number <= self.number(g, condition.high, math.inf)

    def lost(self, g: int, cell: Cell, label: str) -> bool:
        """Whether a cell of the whole domain is that of missing values alone."""
        column = self.encoded(g)
        if isinstance(column, LevelColumn):
            return column.gap and cell[0][0] == column.missing
        return label == "missing"

    def interval(self, g: int, low: Any, high: Any) -> Interval:
        """A range of raw numbers as the inputs they become, followed as far as the encoding follows."""
        column = self.number_column(g)
        ends = [self.number(g, low, -math.inf), self.number(g, high, math.inf)]
        if ends[0] > ends[1]:
            raise InputError(
                subject=f"The range of {short(self.names[g], 40)}",
                expected="begin with its lower end",
                got=f"{short(low)} above {short(high)}",
            )
        if column is None:
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
        column = self.number_column(g)
        if column is None:
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
        column = self.number_column(g)
        if column is None:
            return at - reach, at + reach
        number = self.raw_number(g, at)
        low, high = self.interval(g, number - reach, number + reach)
        return min(low, at), max(high, at)

    def clipped(self, g: int, at: Floats, other: Floats, reach: float) -> Floats:
        """Inputs brought to within `reach` of others in raw numbers, (n,)."""
        column = self.number_column(g)
        if column is None:
            return np.clip(other, at - reach, at + reach)
        number = column.decode(at)
        near = column.transformed(number - reach), column.transformed(number + reach)
        return np.clip(other, np.minimum(near[0], at), np.maximum(near[1], at))

    def raw_number(self, g: int, at: float) -> float:
        """The raw number whose input is `at`."""
        column = self.number_column(g)
        return float(column.decode(np.array([at]))[0]) if column is not None else at

    def described(self, g: int, group: Group | None = None) -> str:
        """What a group may hold, in raw words: ends of ranges are numbers of the range, to the last digit."""
        group = group or self.whole.groups[g]
        codes = {code_of(self.encoded(g), cell) for cell in group.cells}
        column, parts = self.number_column(g), list[str]()
        for cell, label in group.labelled:
            low, high = cell[0]
            if label == "missing" or code_of(column, cell) is not None or low == high:
                parts.append("missing" if label == "missing" else self._value(g, cell))
                continue
            ends = [self._end(g, cell[0], up) for up in (1, -1)]
            apart = [
                code
                for code in getattr(column, "codes", ())
                if ends[0] <= code <= ends[1] and code not in codes
            ]
            but = f" ({none_of([as_word(code) for code in apart])})" if apart else ""
            parts.append(" to ".join(self._said(column, end) for end in ends) + but)
        return ", ".join(parts)

    def _value(self, g: int, cell: Cell) -> str:
        value = self.raw(g, [low for low, _ in cell])
        return (
            self._said(None, self._end(g, cell[0], 1))
            if type(value) is float and not any(cell[1:])
            else shown(value)
        )

    def _said(self, column: NumberColumn | None, number: float) -> str:
        dated = column is not None and column.kind == "date"
        return shown(date_of(number)) if dated else number_text(number)

    def _end(self, g: int, cell: Interval, up: int) -> float:
        """The raw number at the lower end (up = 1) or upper end (-1) of a cell, or within beside it: one short to write."""
        column, end = self.number_column(g), cell[0] if up > 0 else cell[1]
        if column is None:
            return end
        number = self.raw_number(g, end)
        room = 1e-12 * (abs(number) + abs(column.scale))
        for near in (float(f"{number:.{digits}g}") for digits in range(6, 18)):
            if abs(near - number) <= room and cell[0] <= column.transformed(np.array([near]))[0] <= cell[1]:
                return near
        return number + up * room

    # ---- rows

    def raw(self, g: int, values: Sequence[float]) -> Any:
        """The raw value of a column whose inputs have these values: a number, word, truth, date, or None if missing."""
        column = self.encoded(g)
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
        for condition in self.conditions:
            if isinstance(condition, Between) and condition.column == self.names[g]:
                low, high = self.number(g, condition.low, -math.inf), self.number(g, condition.high, math.inf)
                number = min(max(number, low), high)
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
        column = self.number_column(g)
        codes = () if column is None else column.codes
        for digits in range(3, 17):  # fewer would hide where a row lies
            rounded = float(f"{value:.{digits}g}")
            if rounded in codes:
                continue
            moved = x.copy()
            moved[self.inputs[g][0]] = self.interval(g, rounded, rounded)[0]
            if tidy(moved):
                return rounded, moved
        return value, x

    def encode(self, row: Any) -> Floats:
        """The inputs of one row given as a mapping, a table of one row, or a plain sequence of numbers, shape (inputs,).

        Raises
        ------
        InputError
            If it is no such row.
        """
        found = self.table(as_table(row), "row")
        if len(found) != 1:
            raise InputError(argument="row", expected="be one row", got=f"{len(found):,}")
        return found[0]

    def table(self, rows: Any, name: str = "X") -> Floats:
        """The inputs of a table of raw rows, shape (n, inputs); columns the model leaves out may be absent."""
        table, view = raw_table(rows, name), self.view
        if view.encoding is None:
            if not table.named:
                return view.inputs(rows)
            columns = table.select(view.columns).columns
            return np.column_stack([numbers_of(column, column.name, "number") for column in columns])
        if table.named:
            cells = {column.name: column for column in table.columns}
            absent = [c.name for c in view.encoding.columns if c.dropped and c.name not in cells]
            if absent:
                filled = raw_table({name: np.full(table.n_rows, np.nan) for name in absent})
                cells |= {column.name: column for column in filled.columns}
                columns = tuple(cells[name] for name in view.encoding.column_names if name in cells)
                table = type(table)(columns, table.n_rows, True)
        return view.encoding.apply(table)

    def numbers(self, rows: Any, g: int) -> Floats:
        """What a column of numbers holds in a table of raw rows, (n,); NaN where it is missing."""
        table = raw_table(rows, "rows")
        place = table.names.index(self.names[g]) if table.named else self.used[g]
        return numbers_of(table.columns[place], self.names[g], getattr(self.encoded(g), "kind", "number"))
