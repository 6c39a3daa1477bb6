"""Constraints as people state them, by raw columns, and as training knows them, by inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from edgewise._core.checks import check_choice, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.data import Encoding
from edgewise.data.encoding_columns import NumberColumn
from edgewise.forms.directions import MONOTONE, read_direction
from edgewise.forms.reader import Reader
from edgewise.training.additive.shape_constraints import ShapeConstraint
from edgewise.training.tabular.output_edge import ends_of

DIRECTIONS = {"increasing": 1, "decreasing": -1}
CURVATURES = {"convex": 1, "concave": -1}

Column = str | int


@dataclass(frozen=True)
class Wishes:
    """What the functions of some columns shall be.

    Parameters
    ----------
    monotone, convex : mapping of columns to 1 or -1
    bounds : mapping of columns to (low, high)
    """

    monotone: Mapping[Column, int]
    convex: Mapping[Column, int]
    bounds: Mapping[Column, tuple[float, float]]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns that are named, once each."""
        return tuple(dict.fromkeys((*self.monotone, *self.convex, *self.bounds)))

    def of(self, place: int, name: str) -> tuple[int, int, tuple[float, float]]:
        """Direction, curvature and range of one column, which may go by its name or its place."""
        found = [key for key in self.columns if key in (name, place)]
        pick = found[0] if found else name
        return (
            self.monotone.get(pick, 0),
            self.convex.get(pick, 0),
            self.bounds.get(pick, (-math.inf, math.inf)),
        )

    def check(self, names: tuple[str, ...]) -> None:
        """Whether all columns that are named are there."""
        for key in self.columns:
            if key in names or (isinstance(key, int) and 0 <= key < len(names)):
                continue
            hint = did_you_mean(key, names) if isinstance(key, str) else ""
            raise InputError(
                subject="The constraints", expected="name columns of the table", got=f"{short(key)}{hint}"
            )


NO_WISHES = Wishes({}, {}, {})


def wishes_of(monotone: Any, convex: Any, bounds: Any) -> Wishes:
    """The parameters of an estimator, checked.

    Raises
    ------
    InputError
        If one of them is no mapping of columns, or holds a word or a range that it does not know.
    """
    directions = {
        key: DIRECTIONS[check_choice(value, f"monotone[{short(key, 40)}]", tuple(DIRECTIONS))]
        for key, value in directions_of(monotone).items()
    }
    curvatures = {
        key: CURVATURES[check_choice(value, f"convex[{short(key, 40)}]", tuple(CURVATURES))]
        for key, value in _mapping(convex, "convex").items()
    }
    ranges = {key: _range(value, key) for key, value in _mapping(bounds, "bounds").items()}
    return Wishes(directions, curvatures, ranges)


def directions_of(given: Any) -> Mapping[Any, Any]:
    """Columns and their directions: a dictionary, or texts as proofs and the search for formulas read them."""
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, (list, tuple)):
        return _mapping(given, "monotone")
    found = dict[str, str]()
    for text in cast("Sequence[Any]", given):
        reader = Reader.of(text, "The direction {text} cannot be read", "Each text of 'monotone'")
        if reader.head.text not in (*DIRECTIONS, MONOTONE) or reader.after().text != "(":
            raise reader.unexpected("increasing(column) or decreasing(column)")
        column, way = read_direction(reader)
        reader.need(")")
        reader.end("the end")
        found[column] = way
    return found


def _mapping(value: Any, name: str) -> Mapping[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(
        isinstance(key, (str, int)) for key in cast("Mapping[Any, Any]", value)
    ):
        raise InputError(
            argument=name, expected="be a dictionary of columns, by name or place", got=short(value)
        )
    return cast("Mapping[Any, Any]", value)


def _range(value: Any, key: Any) -> tuple[float, float]:
    low, high = ends_of(value)
    if not low < 0 < high:
        raise InputError(
            argument=f"bounds[{key!r}]",
            expected=(
                "be a pair (low, high) with low < 0 < high (None for no limit): the range of the "
                "column's function about its mean, which is zero"
            ),
            got=short(value),
        )
    return low, high


def in_raw_units(encoding: Encoding, wishes: Wishes) -> Encoding:
    """The encoding in which convex columns are straight: convex in asinh(x) is not convex in x."""
    columns = list(encoding.columns)
    for k, column in enumerate(columns):
        curved = wishes.of(k, column.name)[1] != 0
        if curved and isinstance(column, NumberColumn) and column.transform == "asinh":
            low, high, fill = column.decode(np.array([column.low, column.high, column.fill])).tolist()
            straight = replace(
                column, transform="linear", centre=(low + high) / 2, scale=(high - low) / 2 or 1.0
            )
            low, high, fill = straight.transformed(np.array([low, high, fill])).tolist()
            columns[k] = replace(straight, low=low, high=high, fill=fill)
    return replace(encoding, columns=tuple(columns))


def constraints_of(encoding: Encoding, wishes: Wishes, size: float) -> dict[int, ShapeConstraint]:
    """Constraints by inputs, in units of targets divided by `size`.

    Raises
    ------
    InputError
        If order is asked of words.
    """
    out: dict[int, ShapeConstraint] = {}
    at = 0
    for k, column in enumerate(encoding.columns):
        monotone, convex, (low, high) = wishes.of(k, column.name)
        if not column.dropped:
            if (monotone or convex) and not isinstance(column, NumberColumn):
                raise InputError(
                    subject="A column",
                    expected="hold numbers to be monotone or convex",
                    got=f"{short(column.name, 40)}, which holds words",
                    advice="give numbers in the order that is meant",
                )
            try:
                one = ShapeConstraint(monotone, convex, low / size, high / size)
            except InputError as error:
                raise InputError(f"Column {short(column.name, 40)}: {error}") from None
            if not one.free:
                out[at] = one
        at += len(column.input_names)
    return out


def unbound_sentence(encoding: Encoding, wishes: Wishes) -> str:
    """Which cells of columns under constraints these do not bind, in a sentence; empty where there are none."""
    parts = [
        f"{column.name} ({', '.join(column.marks)})"
        for k, column in enumerate(encoding.columns)
        if isinstance(column, NumberColumn)
        and column.marks
        and wishes.of(k, column.name) != (0, 0, (-math.inf, math.inf))
    ]
    if not parts:
        return ""
    return f"Constraints bind numbers; cells that stand for no number have effects beside them: {'; '.join(parts)}."
