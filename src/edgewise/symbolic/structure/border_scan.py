"""Where a table breaks, under noise: steps, kinks and teeth along one column or a line through two, beside a smooth model.

Every border of a grid is tried at once: of steps, kinks and teeth, alone and times each column, only the part counts that
no polynomial of the columns follows, and what that part explains of the rest is one small system of equations for each.
The best is refined and kept where its place is sharp: a border a little beside it must explain less by more than chance, or
it only mends a polynomial that is too short for a smooth law.

References
----------
Breiman (1993), Hinging hyperplanes for regression, classification, and function approximation. IEEE Transactions on
Information Theory 39(3). doi:10.1109/18.256506
Friedman (1991), Multivariate adaptive regression splines. Annals of Statistics 19(1). doi:10.1214/aos/1176347963
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node, Number, Variable, apply, substitute, summed
from edgewise.symbolic.costs import FACTORED, ROUTINE
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.simple_numbers import number, simplest
from edgewise.symbolic.structure.stairs import equal_jumps

# Columns of a table at most, and rows that are looked at.
_MOST_COLUMNS = 4
_ROWS = 800
# The largest of the polynomials beside a break, for a column, for two, and so on; rows for a term of these.
_DEGREES = (8, 4, 3, 2)
ROWS_A_TERM = 8.0
# Directions between two columns in a right angle, places along each, and the share of the rows beyond the outermost.
_TURNS = 6
_PLACES = 21
_EDGE_SHARE = 0.06
# Teeth in the range of a column from few to many, how many more the next grid has, starts of a tooth, and the rows that a
# tooth needs.
_MOST_TEETH = 48.0
_FEWEST_TEETH = 2.0
_TEETH_STEP = 0.2
_PHASES = 8
_ROWS_A_TOOTH = 4.0
# Lines whose waves explain most, which are tried for teeth.
_TOOTHED_LINES = 24
# The best borders of the grid that are refined; grids around each, half as wide as the one before, and places a side.
_REFINED_BORDERS = 3
_REFINEMENTS = 7
_FINER_PLACES = 7
# Twice the logarithm of how much likelier a break must be than formulas, polynomials and a smooth model.
_LIKELIER = 40.0
# How many times the variance of the noise it must explain: the best of some thousand borders in noise explains about thirty.
_VARIANCES_EXPLAINED = 50.0
# The border moved by this share of the rows must explain less by so many times the variance of the noise.
_BESIDE_SHARE = 0.05
_SHARP_VARIANCES = 15.0

_SHAPES: dict[str, Callable[[Floats], Floats]] = {
    "step": lambda u: (u >= 0).astype(np.float64),
    "max": lambda u: np.maximum(u, 0.0),
    "floor": lambda u: u - np.floor(u),
}
_WAVES: tuple[Callable[[Floats], Floats], ...] = (
    lambda u: np.cos(2 * np.pi * u),
    lambda u: np.sin(2 * np.pi * u),
)


@dataclass(frozen=True, eq=False)
class Border:
    """A step at, a kink at or teeth along u = weights @ x - place.

    Parameters
    ----------
    kind
        "step", "max" or "floor".
    weights, place
        Of u in the columns as they are; the teeth of a "floor" have the length one.
    names
        The columns.
    error, constants
        The root mean square of what polynomials leave with such a break, by the degrees of freedom that are left, and how
        many constants these have.
    """

    kind: str
    weights: Floats
    place: float
    names: tuple[str, ...]
    error: float
    constants: int

    @property
    def rank(self) -> float:
        """The error, a little more for breaks that can be others: a step times columns kinks, and few teeth are steps."""
        return self.error * _MORE[self.kind]

    def side(self, X: Floats) -> Floats:
        """u on rows (n, d)."""
        return X @ self.weights - self.place

    def trees(self, X: Floats) -> dict[str, Node]:
        """Its shapes by the functions that they call; a step lies at the simplest place that moves no row."""
        used = np.flatnonzero(self.weights)
        if self.kind == "floor":
            return {"floor": self._teeth(X[:, used[0]], used)}
        if self.kind == "max":
            line = self._line(used)
            return {name: apply(name, line, *zero) for name, zero in _KINKS.items()}
        if len(used) > 1:
            return {"step": apply("step", self._line(used))}
        column = X[:, used[0]]
        below, above = column[column < self.place], column[column >= self.place]
        place = simplest(float(below.max()), float(above.min()))
        value = number(-place)
        line = Variable(self.names[used[0]])
        return {"step": apply("step", line + value if place else line)}

    def _teeth(self, column: Floats, used: NDArray[np.intp]) -> Node:
        """Whole parts by the simplest period and start that leave every row in its tooth, where there are such."""
        ordered = np.sort(column)
        turns = np.floor(self.weights[used[0]] * ordered - self.place)
        jumps = np.flatnonzero(np.diff(turns))
        if len(jumps) > 1 and (np.diff(turns)[jumps] == 1).all():
            found = equal_jumps(ordered[jumps], ordered[jumps + 1])
            if found is not None:
                return substitute(found, "x", Variable(self.names[used[0]]))
        return apply("floor", self._line(used))

    def _line(self, used: NDArray[np.intp]) -> Node:
        scaled = [
            Variable(self.names[at])
            if self.weights[at] == 1
            else float(self.weights[at]) * Variable(self.names[at])
            for at in used
        ]
        place = self.place - round(self.place) if self.kind == "floor" else self.place
        return summed([*scaled, Number(-float(place))])


_MORE = {"max": 1.0, "step": 1.02, "floor": 1.04}
_KINKS: dict[str, tuple[Node, ...]] = {"abs": (), "max": (Number(0),), "min": (Number(0),)}


def borders(rows: SplitRows, error: float) -> list[Border]:
    """The breaks with which polynomials of the columns leave much less than an error, the best of each kind, the best first.

    Parameters
    ----------
    rows
        The table.
    error
        What the best formula without a break leaves, as the root of a mean square.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, z = X = rng.uniform(0, 4, (2, 400))
    >>> rows = SplitRows.split(("x", "z"), X.T, z + np.maximum(x - 1.5, 0) + 0.01 * rng.standard_normal(400), 0.2, 0)
    >>> best = borders(rows, 0.2)[0]
    >>> best.kind, best.weights.tolist(), round(best.place, 1)
    ('max', [1.0, 0.0], 1.5)
    """
    found: list[Border] = []
    known = polynomials(rows)
    for smooth in known:
        for kind in _SHAPES:
            best = smooth.best(kind)
            border = None if best is None else smooth.judged(kind, *best)
            if border is not None and border.error < min(
                smooth.wave,
                clearly_below(error, rows.count),
                *(clearly_below(name.error, name.count, name.constants - border.constants) for name in known),
            ):
                found.append(border)
    found.sort(key=lambda item: item.rank)
    return [item for at, item in enumerate(found) if item.kind not in {one.kind for one in found[:at]}]


def clearly_below(error: float, count: int, more: int = 0) -> float:
    """The error that is below another one on so many rows by more than chance and the choice among many borders.

    Errors count the constants that were fitted; the criterion of Schwarz counts `more` of them for a little more.
    """
    needed = _LIKELIER - max(math.log(count) - 2, 0.0) * max(more, 0)
    return error * math.exp(-max(needed, _LIKELIER / 8) / (2 * count))


def polynomials(rows: SplitRows) -> list[Smooth]:
    """Smooth models of few degrees; none of tables that are too short or too wide to show a break."""
    if len(rows.names) > _MOST_COLUMNS or rows.short:
        return []
    most = _DEGREES[min(len(rows.names), len(_DEGREES)) - 1]
    models = [Smooth.of(rows.thinned(_ROWS), item) for item in sorted({1, max(most // 2, 1), most})]
    return [model for model in models if model is not None]


def products(Z: Floats, degree: int) -> Floats:
    """Products of whole powers of the columns up to a degree in all, (n, count)."""
    powers = itertools.product(range(degree + 1), repeat=Z.shape[1])
    return np.stack(
        [np.prod(Z ** np.array(power), axis=1) for power in powers if sum(power) <= degree], axis=1
    )


@dataclass(frozen=True, eq=False)
class Smooth:
    """Polynomials of the standardised columns as an orthonormal base, and what they leave of y."""

    rows: SplitRows
    Z: Floats
    middle: Floats
    spread: Floats
    base: Floats
    left: Floats

    @classmethod
    def of(cls, rows: SplitRows, degree: int) -> Smooth | None:
        """Of one degree; None where a column is constant or the rows are too few."""
        spread = rows.X.std(axis=0)
        if not (spread > 0).all():
            return None
        middle = rows.X.mean(axis=0)
        Z = (rows.X - middle) / spread
        design = products(Z, degree)
        if design.shape[1] > len(Z) / ROWS_A_TERM:
            return None
        charge(ROUTINE + FACTORED * design.size * design.shape[1])
        base, _ = np.linalg.qr(design)
        return cls(rows, Z, middle, spread, base, rows.y - base @ (base.T @ rows.y))

    @property
    def count(self) -> int:
        """Rows."""
        return len(self.left)

    @property
    def constants(self) -> int:
        """How many polynomials there are."""
        return self.base.shape[1]

    @property
    def error(self) -> float:
        """What the polynomials leave, by the degrees of freedom that are left."""
        return float(np.linalg.norm(self.left)) / math.sqrt(len(self.left) - self.base.shape[1])

    def best(self, kind: str) -> tuple[float, Floats, float] | None:
        """The break that explains most, along one column unless a line through two explains more by more than chance."""
        scanned = sorted(self.scanned(kind), key=lambda item: -item[0])
        tried: list[tuple[float, Floats, float]] = []
        for count in (1, 2):
            own = [item for item in scanned if np.count_nonzero(item[1]) == count][:_REFINED_BORDERS]
            tried += (
                [max((self.refined(kind, *item) for item in own), key=lambda item: item[0])] if own else []
            )
        if len(tried) < 2:
            return tried[0] if tried else None
        one, two = tried
        noise = max(float(self.left @ self.left) - two[0], 0.0) / len(self.left)
        return two if two[0] - one[0] > _SHARP_VARIANCES * noise else one

    def scanned(self, kind: str) -> Iterator[tuple[float, Floats, float]]:
        """What breaks along all lines explain, with the weights and the place in standardised columns."""
        for weights in self._toothed() if kind == "floor" else self._lines():
            along = self.Z @ weights
            places = (
                np.arange(_PHASES) / _PHASES
                if kind == "floor"
                else np.quantile(along, np.linspace(_EDGE_SHARE, 1 - _EDGE_SHARE, _PLACES))
            )
            gains = self.gains(kind, np.tile(along, (len(places), 1)), places)
            best = int(np.argmax(gains))
            yield float(gains[best]), weights, float(places[best])

    def _toothed(self) -> Iterator[Floats]:
        """Lines whose teeth may explain much: so do the waves that are most of them."""
        lines, gains = self.waves
        yield from (lines[at] for at in np.argsort(-gains, kind="stable")[:_TOOTHED_LINES])

    def gains(self, kind: str, along: Floats, places: Floats) -> Floats:
        """How much of the rest each break explains (c,), from u before its place (c, n)."""
        return self._explained(_SHAPES[kind](along - places[:, None]))

    def _explained(self, *shapes: Floats) -> Floats:
        """How much of the rest some shapes (c, n) explain together (c,), alone and times each column."""
        block = np.stack(
            [item for shape in shapes for item in (shape, *(shape * column for column in self.Z.T))], axis=2
        )
        charge(ROUTINE + FACTORED * block.size * self.base.shape[1])
        block = block - self.base @ (self.base.T @ block)
        across = block.transpose(0, 2, 1)
        gram = across @ block
        size = np.diagonal(gram, axis1=1, axis2=2)
        # Teeth and kinks at the edge resemble polynomials; what is left of them then is rounding.
        gram = gram + (1e-9 * size + 1e-12 * len(self.left))[:, None, :] * np.eye(gram.shape[1])
        right = across @ self.left
        return np.sum(right * np.linalg.solve(gram, right[:, :, None])[:, :, 0], axis=1)

    @cached_property
    def waves(self) -> tuple[list[Floats], Floats]:
        """The lines of all teeth, and how much of the rest a wave along each explains."""
        lines = list(self._teeth())
        return lines, np.array([self._of_waves(line[None])[0] for line in lines])

    @cached_property
    def wave(self) -> float:
        """What the polynomials leave with the best wave of a column: breaks would only imitate it."""
        lines, gains = self.waves
        gain, slope = 0.0, _TEETH_STEP
        for _ in range(_REFINEMENTS if lines else 0):
            gain, best = float(gains.max()), lines[int(np.argmax(gains))]
            turns = np.linspace(-slope, slope, _FINER_PLACES)
            lines, slope = [self._turned("floor", best, turn) for turn in turns], slope / 2
            gains = np.array([self._of_waves(line[None])[0] for line in lines])
        left = max(float(self.left @ self.left) - gain, 0.0)
        return math.sqrt(left / max(self.count - self.constants - 3 - 2 * self.Z.shape[1], 1))

    def _of_waves(self, weights: Floats) -> Floats:
        """How much of the rest a wave along each of some lines explains (c,)."""
        along = weights @ self.Z.T
        return self._explained(*(wave(along) for wave in _WAVES))

    def refined(self, kind: str, gain: float, weights: Floats, place: float) -> tuple[float, Floats, float]:
        """The best line near one, on grids that become finer."""
        slope, reach = self._steps(kind, weights)
        for _ in range(_REFINEMENTS):
            turns = np.linspace(-slope, slope, _FINER_PLACES) if slope else np.zeros(1)
            shifts = np.linspace(-reach, reach, _FINER_PLACES)
            tried = [(self._turned(kind, weights, turn), place + shift) for turn in turns for shift in shifts]
            gains = self.gains(
                kind, np.stack([self.Z @ item for item, _ in tried]), np.array([item for _, item in tried])
            )
            best = int(np.argmax(gains))
            if gains[best] > gain:
                gain, (weights, place) = float(gains[best]), tried[best]
            slope, reach = slope / 2, reach / 2
        return gain, weights, place

    def judged(self, kind: str, gain: float, weights: Floats, place: float) -> Border | None:
        """The break in the columns as they are, where it is sharp."""
        constants = self.constants + 1 + self.Z.shape[1] + 2
        free = self.count - constants
        left = max(float(self.left @ self.left) - gain, 1e-24 * float(self.rows.y @ self.rows.y))
        reached = math.sqrt(left / free)
        if gain < _VARIANCES_EXPLAINED * left / free:
            return None
        along = self.Z @ weights
        if kind == "floor":
            beside = np.array([place - 0.1, place + 0.1])
        else:
            rank = float(np.mean(along < place))
            beside = np.quantile(along, np.clip([rank - _BESIDE_SHARE, rank + _BESIDE_SHARE], 0, 1))
        lost = gain - self.gains(kind, np.tile(along, (2, 1)), beside)
        if float(lost.min()) < _SHARP_VARIANCES * left / free:
            return None
        raw = weights / self.spread
        first = 1.0 if kind == "floor" else float(raw[np.flatnonzero(raw)[0]])
        return Border(
            kind, raw / first, float(place + self.middle @ raw) / first, self.rows.names, reached, constants
        )

    def _lines(self) -> Iterator[Floats]:
        """Along each column, and between two in every direction."""
        count = self.Z.shape[1]
        yield from np.eye(count)
        for one, other in itertools.combinations(range(count), 2):
            for turn in range(1, 2 * _TURNS):
                if turn != _TURNS:
                    angle = math.pi * turn / (2 * _TURNS)
                    weights = np.zeros(count)
                    weights[[one, other]] = math.cos(angle), math.sin(angle)
                    yield weights

    def _teeth(self) -> Iterator[Floats]:
        """Each column in teeth from half of its range to those that its rows can just resolve."""
        for at, column in enumerate(self.Z.T):
            extent = float(np.ptp(column))
            most = min(_MOST_TEETH, len(np.unique(column)) / _ROWS_A_TOOTH)
            # Between two of them teeth fall out of step by less than one at the far end.
            for turns in np.arange(_FEWEST_TEETH, most, _TEETH_STEP):
                weights = np.zeros(self.Z.shape[1])
                weights[at] = turns / extent
                yield weights

    def _steps(self, kind: str, weights: Floats) -> tuple[float, float]:
        """How far the slope of a line and its place may be off on the grid."""
        if kind == "floor":
            return _TEETH_STEP, 1 / _PHASES
        reach = float(np.ptp(self.Z @ weights)) / _PLACES
        return (math.pi / (2 * _TURNS) if np.count_nonzero(weights) > 1 else 0.0), reach

    def _turned(self, kind: str, weights: Floats, turn: float) -> Floats:
        used = np.flatnonzero(weights)
        if kind == "floor":
            extent = float(np.ptp(self.Z[:, used[0]]))
            return weights + turn / extent * (weights != 0)
        if len(used) == 1:
            return weights
        angle = math.atan2(weights[used[1]], weights[used[0]]) + turn
        turned = np.zeros_like(weights)
        turned[used] = math.cos(angle), math.sin(angle)
        return turned
