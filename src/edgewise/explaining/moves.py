"""What a counterfactual must reach, another class or a number beyond a bound, and the moves that may lead there.

A move changes one column. A number may go to any value that the rows of the table span, at the resolution they are written
in; a level to any level that at least one row in 200 has. A step of one median absolute deviation of the column costs 1
(S. Wachter, B. Mittelstadt and C. Russell, "Counterfactual explanations without opening the black box", 2018,
arXiv:1711.00399), and so does another level.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arguments import as_mapping
from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple, check_float, short
from edgewise._core.errors import InputError
from edgewise.data.encoding_columns import LevelColumn, NumberColumn
from edgewise.explaining.columns import Cell, Column, ModelRows, number_text, place_of
from edgewise.explaining.subject import output_of
from edgewise.network.calibration import Calibration
from edgewise.network.fitted import Fitted

# A decision is changed only where its margin is this clear, so that rounding cannot change it back.
CLEAR = 1e-9


@dataclass(frozen=True)
class OutputGoal:
    """A set of outputs.

    Attributes
    ----------
    words : str
        What is wanted.
    weights : tuple of float or None
        The margin is `weights @ outputs + constant` where it is linear; else that of class `place` over the best other.
    constant : float
    place : int
    label : object
        The class that is wanted; None for numbers.
    calibration : Calibration or None
        What outputs become before classes are compared, where the largest output need not win.
    """

    words: str
    weights: tuple[float, ...] | None
    constant: float
    place: int
    label: Any
    calibration: Calibration | None = None

    def margin(self, outputs: Floats) -> Floats:
        """By how much outputs reach the goal: (n, outputs) -> (n,), reached where at least `clear`."""
        if self.weights is not None:
            return outputs @ np.array(self.weights) + self.constant
        if self.calibration is not None:
            outputs = self.calibration.probabilities(outputs)
        others = np.delete(outputs, self.place, axis=1)
        return outputs[:, self.place] - others.max(axis=1)

    def clear(self, outputs: Floats) -> float:
        """The least margin that counts, for outputs of this size."""
        return CLEAR * (1.0 + float(np.abs(outputs).max(initial=0.0)))


def goal_of(
    model: Fitted, outputs: Floats, target: Any, above: float | None, below: float | None
) -> OutputGoal:
    """What is wanted instead of what the model answers for a row with these outputs (1, outputs).

    Raises
    ------
    InputError
        If a class is wanted where numbers are predicted, or the other way round, or the row has it already.
    """
    if not model.classes:
        return _bound(model, outputs, target, above, below)
    if above is not None or below is not None:
        raise InputError(
            subject="The 'above' and 'below' arguments of counterfactuals",
            expected="be left out for a classifier",
            got="a bound",
            advice="name the class that is wanted as target",
        )
    if len(model.classes) == 1:
        raise InputError(
            argument="model", expected="know at least two classes", got="one that knows only one"
        )
    binary = outputs.shape[1] == 1
    now = int(model.decided(outputs)[0])
    through = None if model.calibration is None or model.calibration.carried else model.calibration
    if target is None:
        # Of more than two classes the runner-up is the nearest change.
        ranked = outputs if through is None else through.probabilities(outputs)
        place = 1 - now if binary else int(np.argsort(-ranked[0], kind="stable")[1])
    else:
        place = output_of(model, target).place
    if place == now:
        raise InputError(
            argument="target",
            expected="be another class than the row has",
            got=f"{short(model.classes[now])}, which it is already",
        )
    label = model.classes[place]
    if binary:
        sign = 1.0 if place else -1.0
        words = f"{label} instead of {model.classes[now]}"
        return OutputGoal(words, (sign,), -sign * model.threshold, place, label)
    return OutputGoal(f"{label} instead of {model.classes[now]}", None, 0.0, place, label, through)


def _bound(
    model: Fitted, outputs: Floats, target: Any, above: float | None, below: float | None
) -> OutputGoal:
    if target is not None:
        raise InputError(
            argument="target",
            expected="be left out for a model of numbers",
            got="one",
            advice="give above= or below=",
        )
    if (above is None) == (below is None):
        raise InputError(
            subject="Exactly one of 'above' and 'below' of counterfactuals",
            expected="be given for a model of numbers, as above=200_000",
            got=f"{('both' if above is not None else 'neither')}",
        )
    output = output_of(model)
    sign = 1.0 if above is not None else -1.0
    bound = check_float(above if above is not None else below, "above" if above is not None else "below")
    word = "above" if above is not None else "below"
    goal = OutputGoal(
        f"{output.name} {word} {number_text(bound)}",
        tuple(sign * weight for weight in output.weights),
        -sign * bound,
        output.place,
        None,
    )
    if goal.margin(outputs)[0] > 0:
        raise InputError(
            argument=word,
            expected="not hold of the row yet",
            got=(
                f"{number_text(bound)}, and the model answers "
                f"{number_text(float(output.of(outputs)[0]))} already"
            ),
        )
    return goal


# A column with at most so many values on its lattice offers all of them; others this many, spread by rows and evenly.
MOST_VALUES, SPREAD = 128, 32
MOST_DECIMALS = 6
# A level is offered where at least this share of the rows has it: rare levels are not asked of anyone.
RAREST = 0.005


@dataclass(frozen=True, eq=False)
class Moves:
    """What one column may become.

    Attributes
    ----------
    column : Column
    before : float, str or None
        The row's cell.
    cells : list
    cost : array of shape (m,)
    numeric : bool
        Whether values between the cells are allowed too, at `decimals` places.
    decimals : int
    scale : float
        What a number's change is divided by.
    whole : bool
        Whether the cells are all there are, so that a search over them misses nothing.
    """

    column: Column
    before: Cell
    cells: list[Cell]
    cost: Floats
    numeric: bool
    decimals: int
    scale: float
    whole: bool

    def cost_of(self, cell: Cell) -> float:
        """What a change to a cell costs."""
        if self.numeric and isinstance(cell, float) and isinstance(self.before, float):
            return abs(cell - self.before) / self.scale
        return 1.0


@dataclass(frozen=True)
class ChangeLimits:
    """What may change, and how.

    Attributes
    ----------
    fixed, increase, decrease : frozenset of int
        Numbers of columns that may not change, only rise, only fall.
    within : dict of int to (float, float)
        Ranges of values for columns of numbers.
    """

    fixed: frozenset[int]
    increase: frozenset[int]
    decrease: frozenset[int]
    within: dict[int, tuple[float, float]]


def limits_of(
    columns: tuple[Column, ...],
    fixed: Any,
    increase: Any,
    decrease: Any,
    where: Mapping[str, Any] | None,
) -> ChangeLimits:
    """Check what may change.

    Raises
    ------
    InputError
        For a name that no column has, a direction of a column of levels, or a range that is none.
    """
    still = _places(columns, fixed, "fixed")
    up, down = _places(columns, increase, "increase"), _places(columns, decrease, "decrease")
    for places, argument in ((up, "increase"), (down, "decrease")):
        for k in places:
            if columns[k].kind == "levels":
                raise InputError(
                    argument=argument,
                    expected="name columns of numbers",
                    got=f"{short(columns[k].name, 40)}, which holds words",
                    advice="make it fixed",
                )
    ranges: dict[int, tuple[float, float]] = {}
    for name, ends in as_mapping(where, "where", "columns to two numbers each").items():
        k = place_of(columns, name, "where")
        pair = as_tuple(ends, "where", "two numbers")
        if len(pair) != 2 or columns[k].kind == "levels":
            raise InputError(
                argument="where",
                expected="give two numbers for a column of numbers",
                got=f"{short(ends)} for {short(name, 40)}",
            )
        ranges[k] = check_float(pair[0], "where"), check_float(pair[1], "where")
    return ChangeLimits(still, up, down, ranges)


def _places(columns: tuple[Column, ...], names: Any, argument: str) -> frozenset[int]:
    listed = (names,) if isinstance(names, str) else as_tuple(names, argument, "names of columns")
    return frozenset(place_of(columns, name, argument) for name in listed)


def moves_of(
    columns: Sequence[Column],
    rows: ModelRows,
    cells: Sequence[Cell],
    limits: ChangeLimits,
    only: Collection[int],
) -> dict[int, Moves]:
    """The moves of every column that may change and matters to the output (`only`)."""
    found: dict[int, Moves] = {}
    for k, column in enumerate(columns):
        if k in limits.fixed or k not in only:
            continue
        made = (
            _level_moves(column, rows, cells[k])
            if column.kind == "levels"
            else _number_moves(
                column, rows, cells[k], k in limits.increase, k in limits.decrease, limits.within.get(k)
            )
        )
        if made.cells:
            found[k] = made
    return found


# Words that say that nothing is known: to become unknown is no advice.
_UNKNOWN = re.compile(
    r"[\W_]*(unk|unkn|unknown|missing|na|n a|nan|none|null|nil|nicht bekannt|not (known|stated|given|available|reported)|"
    r"unspecified|undisclosed|undefined|undetermined|no (answer|data|information|response)|refused|blank|empty)?[\W_]*"
)


def is_unknown(word: str) -> bool:
    """Whether a level says that its cell is not known."""
    return _UNKNOWN.fullmatch(re.sub(r"[\W_]+", " ", word).lower().strip()) is not None


def _level_moves(column: Column, rows: ModelRows, before: Cell) -> Moves:
    cells_there = Counter(cell for cell in rows.raw.columns[column.place].cells() if cell is not None)
    least = RAREST * len(rows)
    words = [str(word) for word, count in cells_there.items() if count >= least and not is_unknown(str(word))]
    if isinstance(column.encoded, LevelColumn):
        # Another word is to the model what "other" or a missing cell is: no aim.
        words = [word for word in words if word in column.encoded.levels or word in column.encoded.pooled]
    cells: list[Cell] = [word for word in words if word != before]
    return Moves(column, before, cells, np.ones(len(cells)), False, 0, 1.0, True)


def _number_moves(
    column: Column, rows: ModelRows, before: Cell, up: bool, down: bool, within: tuple[float, float] | None
) -> Moves:
    there = rows.raw.columns[column.place].cells()
    codes = column.codes
    values = np.array(
        [cell for cell in there if isinstance(cell, float) and cell not in codes], dtype=np.float64
    )
    before = before if isinstance(before, float) and before not in codes else None
    if not len(values):
        return Moves(column, before, [], np.zeros(0), False, 0, 1.0, True)
    low, high = within or _known_range(column, values)
    if before is not None:
        low = max(low, before) if up else low
        high = min(high, before) if down else high
    distinct = np.unique(values)
    discrete = column.discrete or len(distinct) <= 2
    decimals = _decimals(distinct)
    if discrete:
        grid, whole = distinct, True
    else:
        lattice = (high - low) * 10.0**decimals
        whole = lattice <= MOST_VALUES
        if whole:
            grid = np.round(np.arange(round(lattice) + 1) / 10.0**decimals + low, decimals)
        else:
            spread = np.quantile(values, np.linspace(0, 1, SPREAD))
            grid = np.unique(np.round(np.concatenate([spread, np.linspace(low, high, SPREAD)]), decimals))
    grid = grid[(grid >= low) & (grid <= high)]
    grid = grid[~np.isin(grid, [*codes, *([] if before is None else [before])])]
    scale = _deviation(values)
    cost = np.ones(len(grid)) if before is None or discrete else np.abs(grid - before) / scale
    cells: list[Cell] = grid.tolist()
    return Moves(column, before, cells, cost, not discrete and before is not None, decimals, scale, whole)


def _known_range(column: Column, values: Floats) -> tuple[float, float]:
    """What both the rows and the training range span; the rows alone where these have nothing in common."""
    low, high = float(values.min()), float(values.max())
    if not isinstance(column.encoded, NumberColumn):
        return low, high
    # A hair more, which a transform may have taken.
    least, most = (float(end) for end in column.decode(np.array([column.encoded.low, column.encoded.high])))
    slack = 1e-9 * (most - least)
    near = max(low, least - slack), min(high, most + slack)
    return near if near[0] <= near[1] else (low, high)


def _decimals(values: Floats) -> int:
    """How many decimal places the values are written with."""
    for places in range(MOST_DECIMALS):
        if np.allclose(values, np.round(values, places), rtol=1e-12, atol=0):
            return places
    size = float(np.abs(values).max())
    if size >= 1 or size == 0:
        return MOST_DECIMALS
    # Powers of ten end at 308: what is smaller still counts as 0.
    return min(MOST_DECIMALS - int(np.floor(np.log10(size))), 300)


def _deviation(values: Floats) -> float:
    """The median absolute deviation; where half of the rows share one value the mean one."""
    away = np.abs(values - np.median(values))
    spread = float(np.median(away)) or float(away.mean())
    return spread or 1.0
