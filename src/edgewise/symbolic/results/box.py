"""The box of the training data, and points spread evenly over it and around it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edgewise._core.arrays import Floats

Place = tuple[tuple[str, float], ...]
# All corners of a box of at most this many sides.
_MOST_SIDES = 7
# How often the lowest place is looked for closer, and how many coordinates of a place are named.
_ROUNDS, _NAMED = 40, 6


@dataclass(frozen=True, eq=False)
class DataBox:
    """The smallest box that holds the data.

    Parameters
    ----------
    names
        The columns.
    low, high
        Its ends, (d,).

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic.results.box import DataBox
    >>> box = DataBox.around(("a",), np.array([[1.0], [3.0]]))
    >>> box.widened(1.5).low.tolist(), box.widened(1.5).high.tolist()
    ([0.5], [3.5])
    """

    names: tuple[str, ...]
    low: Floats
    high: Floats

    @classmethod
    def around(cls, names: Sequence[str], X: Floats) -> DataBox:
        """The box of some rows."""
        return cls(tuple(names), X.min(axis=0), X.max(axis=0))

    def widened(self, factor: float, *, keep_signs: bool = False) -> DataBox:
        """The box with each side that many times as long, about the same centre.

        With `keep_signs`, columns that are positive throughout stay so, down to their least value over the factor, and
        negative ones likewise: a mass is no evidence about negative masses.
        """
        more = (factor - 1) / 2 * (self.high - self.low)
        low, high = self.low - more, self.high + more
        if keep_signs:
            low = np.where(self.low > 0, np.maximum(low, self.low / factor), low)
            high = np.where(self.high < 0, np.minimum(high, self.high / factor), high)
        return DataBox(self.names, low, high)

    def points(self, count: int) -> Floats:
        """Points of low discrepancy inside, with the corners where these are few, (m, d)."""
        unit = np.vstack([_spread(count, len(self.names)), _corners(len(self.names))])
        return self._at(unit)

    def surface(self, count: int) -> Floats:
        """Points on the faces of the box, (m, d)."""
        unit = 2 * _spread(count, len(self.names)) - 1
        # From the centre, which is one of the points itself, through each to the face.
        reach = np.abs(unit).max(axis=1, keepdims=True)
        unit = (unit / np.where(reach > 0, reach, 1.0))[reach[:, 0] > 0]
        return self._at(np.vstack([(unit + 1) / 2, _corners(len(self.names))]))

    def near(self, point: Floats, share: float, count: int) -> Floats:
        """Points inside, no further from one than a share of each side."""
        reach = share * (self.high - self.low)
        moved = point + (2 * _spread(count, len(self.names)) - 1) * reach
        return np.clip(moved, self.low, self.high)

    def distance(self, points: Floats) -> Floats:
        """How far points are from the centre, (m,); one on the faces, in the direction that counts most."""
        half = np.maximum((self.high - self.low) / 2, 1e-300)
        return np.asarray((np.abs(points - (self.low + self.high) / 2) / half).max(axis=1), dtype=np.float64)

    def place(self, point: Floats, columns: Collection[str] | None = None) -> Place:
        """A point by the names of its columns, or of some of them; what is zero to the eye is zero."""
        size = 1e-12 * np.maximum(np.abs(self.low), np.abs(self.high))
        rounded = np.where(np.abs(point) <= size, 0.0, point)
        named = zip(self.names, rounded.tolist(), strict=True)
        return tuple((name, float(value)) for name, value in named if columns is None or name in columns)

    def _at(self, unit: Floats) -> Floats:
        return self.low + unit * (self.high - self.low)


def lowest(function: Callable[[Floats], Floats], box: DataBox, points: Floats) -> tuple[Floats, float]:
    """The place where a function is smallest, and its value there: the best of some points, sought around ever closer.

    Parameters
    ----------
    function
        Of rows (m, d) -> (m,); where it is not a number it does not count.
    box
        Where to look.
    points
        Where to start, (m, d).

    Returns
    -------
    point, value
        Infinity where the function has no value at any of the points.
    """
    values = _numbers(function(points))
    at = int(np.argmin(values))
    best, value, share = points[at], float(values[at]), 0.1
    if not np.isfinite(value):
        return best, value
    for _ in range(_ROUNDS):
        near = box.near(best, share, 64)
        values = _numbers(function(near))
        at = int(np.argmin(values))
        if values[at] < value:
            best, value = near[at], float(values[at])
        else:
            share /= 2
    return best, value


def place_text(place: Place) -> str:
    """A place in words: x = 1, y = 2."""
    # Of a large number, such as a year, all whole digits count.
    text = ", ".join(
        f"{name} = {value:{'.6g' if 1e3 <= abs(value) < 1e6 else '.4g'}}" for name, value in place[:_NAMED]
    )
    return text if len(place) <= _NAMED else f"{text}, ..."


def _numbers(values: Floats) -> Floats:
    return np.where(np.isnan(values), np.inf, values)


@lru_cache(maxsize=32)
def _spread(count: int, sides: int) -> Floats:
    """Multiples of the square roots of the first primes, but for their whole parts, from the centre on, (count, sides).

    Niederreiter (1992), Random number generation and quasi-Monte Carlo methods, section 3.
    """
    # scipy has better sequences, but its import takes longer than all the rest.
    roots = np.sqrt(_primes(sides))
    points: Floats = np.mod(0.5 + np.arange(count)[:, None] * roots, 1.0)
    points.flags.writeable = False
    return points


def _primes(count: int) -> Floats:
    """The first primes, by the sieve of Eratosthenes."""
    most = 20 + int(2 * count * np.log(count + 1))
    left = np.arange(most) > 1
    for number in range(2, int(np.sqrt(most)) + 1):
        left[2 * number :: number] = False
    return np.flatnonzero(left)[:count].astype(np.float64)


def _corners(sides: int) -> Floats:
    if not 0 < sides <= _MOST_SIDES:
        return np.zeros((0, sides))
    return np.stack(np.meshgrid(*[[0.0, 1.0]] * sides, indexing="ij"), axis=-1).reshape(-1, sides)
