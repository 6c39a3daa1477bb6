"""The measurements that a function has returned so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.symbolic.results.pure_error import PureError, pure_error

Measure = Callable[[dict[str, float]], float]


class MeasuredRows:
    """Rows from a function that measures.

    Parameters
    ----------
    measure : callable
        Takes a value for each column, and returns y.
    names : sequence of str
    most : int
        Measurements that may be made.
    settable : callable, optional
        Moves places (n, d) to those at which it can be measured.

    Attributes
    ----------
    X, y : ndarray, shapes (n, d) and (n,)
        Measurements that gave a number.
    searched : ndarray, shape (n,)
        Which of them formulas are sought in: all but those beside others, which only show a slope.
    count : int
        Measurements made.
    """

    def __init__(
        self,
        measure: Measure,
        names: Sequence[str],
        most: int,
        settable: Callable[[Floats], Floats] | None = None,
    ) -> None:
        self.settable = settable
        self.measure, self.names, self.most, self.count = measure, tuple(names), most, 0
        self.X, self.y, self.searched = np.zeros((0, len(names))), np.zeros(0), np.zeros(0, dtype=bool)
        self._known: dict[bytes, float] = {}

    @property
    def left(self) -> int:
        """Measurements that may still be made."""
        return self.most - self.count

    def at(self, places: Floats, *, searched: bool = True) -> tuple[Floats, Floats]:
        """Measurements at some places, those that gave no number left out; they are added to the others."""
        places = places if self.settable is None else self.settable(places)
        y = np.array([self._measured(place) for place in places])
        self.count += len(places)
        for place, value in zip(places, y, strict=True):
            self._known.setdefault(place.tobytes(), float(value))
        kept = np.isfinite(y)
        self.X, self.y = np.vstack([self.X, places[kept]]), np.concatenate([self.y, y[kept]])
        self.searched = np.concatenate([self.searched, np.full(int(kept.sum()), searched)])
        return places[kept], y[kept]

    def known(self, places: Floats, *, keep: int, searched: bool = True) -> Floats | None:
        """Values at some places, (n,), NaN where there is none; what is known is not measured again.

        None where fewer than `keep` measurements would be left.
        """
        places = np.ascontiguousarray(places)
        new = [place for place in np.unique(places, axis=0) if place.tobytes() not in self._known]
        if len(new) > self.left - keep:
            return None
        if new:
            self.at(np.array(new), searched=searched)
        return np.array([self._known[place.tobytes()] for place in places])

    def value(self, place: Floats) -> float:
        """What was measured at a place."""
        return self._known[place.tobytes()]

    def again(self, repeats: int) -> PureError:
        """The noise, estimated by measuring the first place again, and others where that gives another value."""
        X, y = self.X.copy(), self.y.copy()
        pairs = np.zeros((2, 0))
        for k in range(min(repeats, len(y), self.left)):
            _, again = self.at(X[k : k + 1])
            pairs = np.hstack([pairs, [y[k : k + 1], again]]) if len(again) else pairs
            if pairs.shape[1] and (pairs[0] == pairs[1]).all():
                return PureError(0.0)
        return pure_error(*pairs) if pairs.shape[1] else PureError(0.0)

    def _measured(self, place: Floats) -> float:
        value = self.measure(dict(zip(self.names, map(float, place), strict=True)))
        try:
            return float(value)
        except (TypeError, ValueError):
            raise InputError(
                f"The 'measure' parameter of ask must return a number. Got {type(value).__name__}."
            ) from None
