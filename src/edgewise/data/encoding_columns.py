"""How one raw column becomes inputs of a network: frozen descriptions that apply themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import RawColumn, column_error, days_of
from edgewise.data.table import MISSING

# How far beyond the training range an input is followed, in widths of that range; from there on it stays where it is. Room
# for the round numbers at which people end ranges: curves followed further are far off where nothing was learned.
REACH = 0.01
# Beyond this a number divided by its scale means no more than "huge"; asinh of it is still finite.
_HUGE = 1e300

_TRUTHS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "t": 1.0, "f": 0.0, "1": 1.0, "0": 0.0}


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, truth values or dates (as days since 1970).

    Parameters
    ----------
    name : str
    kind : "number", "bool" or "date"
    transform : "identity", "linear" or "asinh"
        x, (x - centre) / scale or asinh((x - centre) / scale).
    centre, scale : float
    low, high : float
        Range of the transformed training data. An input is followed a hundredth of that range's width beyond it and
        no further.
    fill : float
        What a missing cell becomes (the transformed median).
    flagged : bool
        Whether a second input states that the cell is missing.
    two_valued : bool
        The column knows two values only; they become 0 and 1.
    whole : bool
        Whether all its training values are whole numbers (of days, where they are dates).
    codes : tuple of float
        Raw numbers that stand for words (-9 for "no record"): they become `fill`, and an input for each marks where it is.
    """

    name: str
    kind: str
    transform: str
    centre: float
    scale: float
    low: float
    high: float
    fill: float
    flagged: bool = False
    two_valued: bool = False
    whole: bool = False
    codes: tuple[float, ...] = ()

    TYPE: ClassVar[str] = "number"
    dropped: ClassVar[bool] = False

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs it becomes."""
        name = self.name or "(no name)"
        first = f"asinh({name})" if self.transform == "asinh" else name
        return (first, *(f"{name} is {mark}" for mark in self.marks))

    @property
    def marks(self) -> tuple[str, ...]:
        """What a cell can be instead of an ordinary number, in words, one for each input after the first."""
        return (*(("missing",) if self.flagged else ()), *map(as_word, self.codes))

    @property
    def input_levels(self) -> tuple[int, ...]:
        """For each input, how many codes it knows; 0 for numbers."""
        return (2 if self.two_valued else 0, *(2 for _ in self.marks))

    def encode(self, raw: RawColumn) -> Floats:
        """Inputs of a raw column, shape (n, inputs)."""
        return self.inputs(numbers_of(raw, self.name, self.kind))

    def inputs(self, x: Floats) -> Floats:
        """Inputs of finite numbers, NaN where missing, shape (n, inputs)."""
        missing = np.isnan(x)
        coded = [x == code for code in self.codes]
        value = self.transformed(x)
        reach = 0.0 if self.two_valued else REACH * (self.high - self.low)
        np.clip(value, self.low - reach, self.high + reach, out=value)
        for extraordinary in (missing, *coded):
            if extraordinary.any():
                value[extraordinary] = self.fill
        marks = [*([missing] if self.flagged else []), *coded]
        return np.column_stack([value, *marks]) if marks else value[:, None]

    def marked(self, mark: int) -> float | None:
        """The raw number of one of the marks; None for that of missing cells."""
        return None if self.flagged and mark == 0 else self.codes[mark - self.flagged]

    def transformed(self, x: Floats) -> Floats:
        """A fresh array of x on the scale of the network's input, without limits."""
        if self.transform == "identity":
            return x.astype(np.float64, copy=True)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            # Divided first: the difference of two huge numbers may overflow, their ratios to the scale do not.
            t = x / self.scale - self.centre / self.scale
        np.clip(t, -_HUGE, _HUGE, out=t)
        return np.arcsinh(t) if self.transform == "asinh" else t

    def decode(self, value: NDArray[Any]) -> Floats:
        """Raw numbers that become the given values of the (first) input."""
        value = np.asarray(value, dtype=np.float64)
        if self.transform == "identity":
            return value.copy()
        with np.errstate(over="ignore"):
            return self.centre + self.scale * (np.sinh(value) if self.transform == "asinh" else value)


@dataclass(frozen=True)
class LevelColumn:
    """A column of words (levels) as codes 0, 1, ..., in an order in which neighbours have much the same effect.

    Parameters
    ----------
    name : str
    levels : tuple of str
        The word of each code. Rare words share the code named "other"; missing cells have one named "missing" where there
        were enough of them.
    unseen : int
        The code of words that are not listed: "other" where there is one, else the level in the middle.
    missing : int
        The code of missing cells.
    pooled : tuple of str
        The words that went into "other", as far as they were few enough to list.
    gap : bool
        Whether the code of missing cells is theirs alone; a word may be called as it is.
    """

    name: str
    levels: tuple[str, ...]
    unseen: int
    missing: int
    pooled: tuple[str, ...] = ()
    gap: bool = False

    TYPE: ClassVar[str] = "levels"
    dropped: ClassVar[bool] = False

    @property
    def input_names(self) -> tuple[str, ...]:
        """The column's own name."""
        return (self.name or "(no name)",)

    @property
    def input_levels(self) -> tuple[int, ...]:
        """How many codes the input knows."""
        return (len(self.levels),)

    @cached_property
    def _code(self) -> dict[str, int]:
        return {word: code for code, word in enumerate(self.levels)}

    def encode(self, raw: RawColumn) -> Floats:
        """Codes of a raw column, shape (n, 1)."""
        raw = as_words(raw)
        codes = [self.missing if word == "" else self._code.get(word, self.unseen) for word in raw.words]
        return np.array([*codes, self.missing], dtype=np.float64)[cast(Any, raw.codes)][:, None]


@dataclass(frozen=True)
class DroppedColumn:
    """A column the network does not see, and why.

    Parameters
    ----------
    name : str
    reason : str
    """

    name: str
    reason: str

    TYPE: ClassVar[str] = "dropped"
    dropped: ClassVar[bool] = True
    input_names: ClassVar[tuple[str, ...]] = ()
    input_levels: ClassVar[tuple[int, ...]] = ()

    def encode(self, raw: RawColumn) -> Floats:
        """No inputs, shape (n, 0)."""
        return np.empty((len(raw), 0))


EncodedColumn = NumberColumn | LevelColumn | DroppedColumn


def numbers_of(raw: RawColumn, name: str, kind: str) -> Floats:
    """The numbers of a raw column, NaN where missing; words are read as numbers where every one of them is one."""
    x = raw.numbers
    if x is None:
        table = np.array([*(_as_number(word, name, kind) for word in raw.words), np.nan])
        x = table[cast(Any, raw.codes)]
    refuse_infinite(x, name)
    return x


def refuse_infinite(x: Floats, name: str, first: int = 0) -> None:
    """One sentence about an infinity among the numbers of a column; `first` is the row of the first of them."""
    if np.isinf(x).any():
        where = int(np.flatnonzero(np.isinf(x))[0])
        raise column_error(
            name,
            "hold finite numbers",
            got=f"{x[where]} (infinity)",
            rows=[first + where],
            advice="correct it or make it a missing value",
        )


def _as_number(word: str, name: str, kind: str) -> float:
    if word in MISSING:
        return np.nan
    if kind == "bool" and word.lower() in _TRUTHS:
        return _TRUTHS[word.lower()]
    try:
        if kind == "date":
            if word[:1].isalpha():  # "today" is another day tomorrow
                raise ValueError
            return float(days_of(np.array([np.datetime64(word)]), name)[0])
        return float(word)
    except InputError:
        raise
    except (ValueError, TypeError):
        what = {"date": "dates", "bool": "True or False"}.get(kind, "numbers")
        raise column_error(
            name,
            f"hold {what}, as it did when the model was fitted",
            got=short(word),
            advice="correct it or make it a missing value",
        ) from None


def as_words(raw: RawColumn) -> RawColumn:
    """A column that holds words elsewhere, where it happens to hold numbers or nothing here."""
    if raw.codes is not None:
        return raw
    values, codes = np.unique(cast(Any, raw.numbers), return_inverse=True)
    words = tuple(as_word(value, raw.kind) for value in values.tolist())
    gaps = np.array([word == "" for word in words])
    codes = np.where(gaps[codes], -1, codes) if len(words) else codes
    return RawColumn(raw.name, "text", codes=codes.astype(np.int64), words=words)


def as_word(value: float, kind: str = "number") -> str:
    """A number where words were expected, written as words are."""
    if value != value:
        return ""
    if kind == "bool":
        return str(bool(value))
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
