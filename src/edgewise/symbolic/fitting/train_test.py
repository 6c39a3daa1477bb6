"""The rows a formula is fitted on and the rows it is judged on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.seeds import numpy_generator
from edgewise.symbolic.expressions.complexity import node_count, surcharge
from edgewise.symbolic.expressions.nodes import Expr
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.least_squares import Refit
from edgewise.symbolic.fitting.measurements import Measurements

# Shorter tables are judged by leaving out a row at a time: the few held out would be no reliable judge.
_SHORT_TABLE = 60


@dataclass(frozen=True)
class SplitRows:
    """A table split in two; where it is too short for that, every row is judged by a fit to all others.

    Parameters
    ----------
    names
        The columns.
    X, y
        The rows to fit.
    X_held, y_held
        The rows to judge on; the same ones where `short`.
    short
        Judge by leaving out one row at a time.
    weight, weight_held
        How much each row counts, one on average over all; None where all count alike.
    variance
        The variance of the noise in y of a row of weight one, where it is known.
    costs
        Functions that count as more nodes than one, each with that number.
    """

    names: tuple[str, ...]
    X: Floats
    y: Floats
    X_held: Floats
    y_held: Floats
    short: bool = False
    weight: Floats | None = None
    weight_held: Floats | None = None
    variance: float | None = None
    costs: tuple[tuple[str, int], ...] = ()

    @classmethod
    def split(
        cls,
        names: tuple[str, ...],
        X: Floats,
        y: Floats,
        held: float,
        seed: int | None,
        weight: Floats | None = None,
        variance: float | None = None,
    ) -> SplitRows:
        """Hold out a share of the rows, or none where fewer than 40 would be left to judge a formula fairly."""
        from edgewise.data import split

        if len(y) < _SHORT_TABLE:
            return cls(names, X, y, X, y, True, weight, weight, variance)
        train, test = split(len(y), held, seed)
        both = (None, None) if weight is None else (weight[train], weight[test])
        return cls(names, X[train], y[train], X[test], y[test], False, *both, variance)

    @classmethod
    def whole(cls, names: tuple[str, ...], rows: Measurements) -> SplitRows:
        """All rows to fit, each judged by a fit to all others."""
        return cls(names, rows.X, rows.y, rows.X, rows.y, True, rows.weight, rows.weight, rows.variance)

    def held_error(self, fit: Refit) -> float:
        """Root mean squared error on rows the formula was not fitted to."""
        if self.short:
            return fit.leave_one_out if math.isfinite(fit.leave_one_out) else math.inf
        tape = Tape(fit.tree, self.names)
        return self.error(tape.value(tape.start, self.X_held))

    def error(self, predicted: Floats) -> float:
        """Root mean squared error of predictions on the rows to judge on."""
        with np.errstate(all="ignore"):
            total = _mean(np.square(predicted - self.y_held), self.weight_held)
        return math.sqrt(total) if math.isfinite(total) else math.inf

    @property
    def everything(self) -> tuple[Floats, Floats, Floats | None]:
        """X, y and the weights of all rows."""
        if self.short:
            return self.X, self.y, self.weight
        weight = (
            None if self.weight is None or self.weight_held is None else np.r_[self.weight, self.weight_held]
        )
        return np.vstack([self.X, self.X_held]), np.r_[self.y, self.y_held], weight

    @cached_property
    def alike(self) -> SplitRows:
        """The most informative rows, all of weight one: those of small weight would only blur the law.

        With weights that are the inverse variances of the rows, the mean of the k best has the variance that the mean of
        1/weight over them gives, divided by k: the k for which that is least are taken.
        """
        if self.weight is None or self.weight_held is None:
            return self
        fit = _best(self.weight)
        held = fit if self.short else _best(self.weight_held)
        return replace(
            self,
            X=self.X[fit],
            y=self.y[fit],
            X_held=self.X_held[held],
            y_held=self.y_held[held],
            weight=None,
            weight_held=None,
            variance=None,
        )

    @cached_property
    def known_noise(self) -> float | None:
        """The error that the given noise leaves on equally weighted rows, on all of a short table; None if not given."""
        if self.variance is None:
            return None
        if self.short or self.weight is None:
            return math.sqrt(self.variance)
        return math.sqrt(self.variance * float(np.mean(1 / self.weight[_best(self.weight)])))

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.y) if self.short else len(self.y) + len(self.y_held)

    def size(self, expression: Expr) -> int:
        """The nodes of an expression, with what functions cost."""
        return node_count(expression) + surcharge(expression, dict(self.costs))

    @property
    def rounding_error(self) -> float:
        """The error that floating point itself makes on y."""
        return 4e-15 * float(np.abs(self.y).max() + 1e-300)

    @cached_property
    def positive(self) -> frozenset[str]:
        """The columns that are positive on every row."""
        everywhere = np.asarray((self.X > 0).all(axis=0) & (self.X_held > 0).all(axis=0))
        return frozenset(name for name, good in zip(self.names, everywhere, strict=True) if good)

    @property
    def spread(self) -> float:
        """The standard deviation of y on the rows to judge on."""
        if self.weight_held is None:
            return float(self.y_held.std())
        centre = _mean(self.y_held, self.weight_held)
        return math.sqrt(_mean(np.square(self.y_held - centre), self.weight_held))

    def columns(self, chosen: NDArray[np.intp]) -> SplitRows:
        """The rows of some columns."""
        names = tuple(self.names[int(at)] for at in chosen)
        return (
            self
            if names == self.names
            else replace(self, names=names, X=self.X[:, chosen], X_held=self.X_held[:, chosen])
        )

    def named(self, names: tuple[str, ...]) -> SplitRows:
        """The rows of the columns of these names."""
        return self.columns(np.array([self.names.index(name) for name in names], dtype=np.intp))

    def sampled(self, most: int, most_held: int, seed: int | None) -> SplitRows:
        """At random so many rows to fit, and to judge on, where there are more; the same ones for the same seed."""
        if self.short or (len(self.y) <= most and len(self.y_held) <= most_held):
            return self
        random = numpy_generator(seed)
        fit, held = (
            np.sort(random.choice(len(y), min(len(y), count), replace=False))
            for y, count in ((self.y, most), (self.y_held, most_held))
        )
        few = replace(self, X=self.X[fit], y=self.y[fit], X_held=self.X_held[held], y_held=self.y_held[held])
        if self.weight is None or self.weight_held is None:
            return replace(few, weight=None, weight_held=None)
        return replace(few, weight=self.weight[fit], weight_held=self.weight_held[held])

    def thinned(self, most: int) -> SplitRows:
        """Evenly chosen rows to fit, where there are more than `most`."""
        if len(self.y) <= most:
            return self
        chosen = np.linspace(0, len(self.y) - 1, most).astype(np.intp)
        weight = None if self.weight is None else self.weight[chosen]
        return replace(self, X=self.X[chosen], y=self.y[chosen], weight=weight)


def _mean(values: Floats, weight: Floats | None) -> float:
    return float(np.mean(values)) if weight is None else float(weight @ values / weight.sum())


def _best(weight: Floats) -> NDArray[np.intp]:
    order = np.argsort(-weight, kind="stable")
    count = np.arange(1, len(weight) + 1)
    variance = np.cumsum(1 / weight[order]) / np.square(count)
    return np.sort(order[: int(np.argmin(variance)) + 1])
