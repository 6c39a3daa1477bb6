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
    before : (ndarray, ndarray), optional
        Places (n, d) and values (n,) of measurements made before. As long as the same places are asked for in the same
        order, these are the answers, as if made now; from the first other place on all are rows like those measured.

    Attributes
    ----------
    X, y : ndarray, shapes (n, d) and (n,)
        Measurements that gave a number.
    searched : ndarray, shape (n,)
        Which of them formulas are sought in: all but those beside others, which only show a slope.
    slips : ndarray of int
        Rows that were set aside.
    """

    def __init__(
        self,
        measure: Measure,
        names: Sequence[str],
        most: int,
        settable: Callable[[Floats], Floats] | None = None,
        before: tuple[Floats, Floats] | None = None,
    ) -> None:
        self.settable = settable
        self.measure, self.names, self.most = measure, tuple(names), most
        self.X, self.y, self.searched = np.zeros((0, len(names))), np.zeros(0), np.zeros(0, dtype=bool)
        self.slips = np.zeros(0, dtype=np.intp)
        self._every = list[tuple[Floats, float]]()
        self._known: dict[bytes, float] = {}
        # Made before: still to be asked for in their order, and rows that may yet be asked for.
        self._waiting = [] if before is None else [(_bare(x), float(y)) for x, y in zip(*before, strict=True)]
        self._spare: dict[bytes, list[float]] = {}

    @property
    def count(self) -> int:
        """Measurements made."""
        return len(self._every)

    @property
    def waiting(self) -> bool:
        """Whether measurements made before are no rows yet."""
        return bool(self._waiting)

    @property
    def every(self) -> tuple[Floats, Floats]:
        """Places and values of all measurements, NaN where one gave no number, those that are no rows yet included."""
        made = [*self._every, *self._waiting]
        return np.array([x for x, _ in made]).reshape(-1, len(self.names)), np.array([y for _, y in made])

    @property
    def left(self) -> int:
        """Measurements that may still be made."""
        return self.most - self.count

    def first(self, places: Floats) -> Floats:
        """Which of the places of a first design are to be measured: of those measured elsewhere before, fewer."""
        if self._waiting and not np.array_equal(self._waiting[0][0], self._moved(places)[0]):
            self._take_waiting()
            return places[: max(len(places) - self.count, 1)]
        return places

    def at(self, places: Floats, *, searched: bool = True) -> tuple[Floats, Floats]:
        """Measurements at some places, as many as may be made, those that gave no number left out."""
        places = self._moved(places)
        found = list[float]()
        for place in map(_bare, places):
            value = self._made_before(place, searched)
            if value is None:
                if self.left <= 0:
                    break
                value = self._measured(place)
                self._add(place, value, searched)
            found.append(value)
        y = np.array(found, dtype=float)
        kept = np.isfinite(y)
        return places[: len(y)][kept], y[kept]

    def known(self, places: Floats, *, keep: int, searched: bool = True) -> Floats | None:
        """Values at some places, (n,), NaN where there is none; what is known is not measured again.

        None where fewer than `keep` measurements would be left.
        """
        places = np.ascontiguousarray(places)
        new = [place for place in np.unique(places, axis=0) if _bare(place).tobytes() not in self._known]
        if len(new) > self.left - keep:
            return None
        if new:
            self.at(np.array(new), searched=searched)
        return np.array([self._known[_bare(place).tobytes()] for place in places])

    def value(self, place: Floats) -> float:
        """What was measured at a place."""
        return self._known[_bare(place).tobytes()]

    def set_aside(self, places: Floats, values: Floats) -> None:
        """Leave measurements out as slips: no formula is sought in them."""
        slips = [(x == self.X).all(1) & (self.y == y) for x, y in zip(places, values, strict=True)]
        self.slips = np.union1d(self.slips, np.flatnonzero(np.any(slips, axis=0)))
        self.searched[self.slips] = False

    def again(self, repeats: int) -> PureError:
        """The noise, estimated by measuring the first place again, and others where that gives another value."""
        X, y = self.X, self.y
        # Of places measured elsewhere not all can be set here.
        can = [at for at in _first_of_each(X) if np.array_equal(X[at], self._moved(X[at : at + 1])[0])]
        pairs = np.zeros((2, 0))
        for k in can[: max(min(repeats, self.left), 0)]:
            self._spare.pop(_bare(X[k]).tobytes(), None)
            twice = np.flatnonzero((X[k] == X).all(1))[1:2]
            again = y[twice] if len(twice) else self.at(X[k : k + 1])[1]
            pairs = np.hstack([pairs, [y[k : k + 1], again]]) if len(again) else pairs
            if pairs.shape[1] and (pairs[0] == pairs[1]).all():
                return PureError(0.0)
        return pure_error(*pairs) if pairs.shape[1] else PureError(0.0)

    def _moved(self, places: Floats) -> Floats:
        return places if self.settable is None else self.settable(places)

    def _made_before(self, place: Floats, searched: bool) -> float | None:
        if self._waiting and np.array_equal(self._waiting[0][0], place):
            _, value = self._waiting.pop(0)
            self._add(place, value, searched)
            return value
        self._take_waiting()
        spare = self._spare.get(place.tobytes())
        return spare.pop(0) if spare else None

    def _take_waiting(self) -> None:
        for place, value in self._waiting:
            self._add(place, value, searched=True)
            self._spare.setdefault(place.tobytes(), []).append(value)
        self._waiting = []

    def _add(self, place: Floats, value: float, searched: bool) -> None:
        self._every.append((place, value))
        if np.isfinite(value):
            self.X, self.y = np.vstack([self.X, place]), np.append(self.y, value)
            self.searched = np.append(self.searched, searched)
        self._known.setdefault(place.tobytes(), value)

    def _measured(self, place: Floats) -> float:
        value = self.measure(dict(zip(self.names, map(float, place), strict=True)))
        try:
            return float(value)
        except (TypeError, ValueError):
            raise InputError(
                argument="measure", expected="return a number", got=type(value).__name__
            ) from None


def _bare(place: Floats) -> Floats:
    """Without zeros of a sign, so that the same place has the same bytes."""
    return np.ascontiguousarray(place) + 0.0


def _first_of_each(X: Floats) -> list[int]:
    """The first row of each place, in their order."""
    return sorted(np.unique(X, axis=0, return_index=True)[1].tolist())
