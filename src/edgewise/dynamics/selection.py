"""Which terms the equations are made of, judged by solutions along the whole courses.

A model is fitted by shooting; around its solution, every other term's effect is linear in its factor, so that one table
tells what adding, dropping and exchanging terms would gain. The most promising are fitted in earnest, and the best taken
while the criterion falls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edgewise._core.work import Meter, charge
from edgewise.dynamics.model import free
from edgewise.dynamics.shooting import Fit, Pieces, Point, Shooting, fitted
from edgewise.dynamics.terms import Library, Term
from edgewise.pde.discovery.subsets import Normal, best_subsets, normal

Floats = NDArray[np.float64]
Chosen = tuple[tuple[int, Term], ...]
# Below this share of a state's spread, what is left is the solver's rounding.
_ROUNDING = 1e-7
# Models fitted after each table, and tables at most.
_TRIALS, _ROUNDS = 5, 20
# What a table promises is worth a fit where it lacks no more than this of the criterion.
_HOPE = 12.0
_GAP = 1e-2


@dataclass(frozen=True, eq=False)
class Judged:
    """A fitted choice of terms and its criterion."""

    chosen: Chosen
    fit: Fit
    criterion: float


@dataclass(eq=False)
class Selection:
    """The search over choices of terms for one set of courses.

    Attributes
    ----------
    pieces : Pieces
    noise : ndarray, shape (d,)
        A first estimate of the noise of each state; every fit is then judged by the noise that it leaves itself.
    smooth : ndarray, shape (rows, d)
        The states, smoothed.
    pool : tuple of Term
    meter : Meter
        The search ends where its work is spent.
    best : Judged or None
        Of all that were judged.
    """

    pieces: Pieces
    noise: Floats
    smooth: Floats
    pool: tuple[Term, ...]
    meter: Meter
    best: Judged | None = None
    tried: set[frozenset[object]] = field(default_factory=set[frozenset[object]])

    def __post_init__(self) -> None:
        self.states = self.smooth.shape[1]
        self.floor = np.square(_ROUNDING * self.pieces.values.std(0))
        sizes = sorted(term.nodes for term in {term.key: term for term in self.pool}.values())
        self._sizes = np.array(sizes)

    def price(self, term: Term) -> float:
        """What a term must gain: what Schwarz's criterion asks for its constants, and its choice among those no longer."""
        among = max(int((self._sizes <= term.nodes).sum()), 2)
        constants = 2 if term.has_inner else 1
        return constants * math.log(self.pieces.values.size) + 2 * math.log(among)

    def criterion(self, fit: Fit, prices: float) -> float:
        """Twice the negative logarithm of the likelihood for noise of any size in each state, and the prices."""
        n = len(self.pieces.values)
        return float(n * np.log(fit.squares / n + self.floor).sum()) + prices

    def is_exact(self, judged: Judged) -> bool:
        """Whether only rounding is left."""
        return bool((judged.fit.squares / len(self.pieces.values) <= 100 * self.floor).all())

    def judged(self, chosen: Chosen, factors: Sequence[float], near: Judged | None = None) -> Judged | None:
        """A choice of terms, fitted; None where its solutions blow up or it has been tried."""
        key = frozenset((e, term.key) for e, term in chosen)
        if key in self.tried or len(key) < len(chosen):
            return None
        self.tried.add(key)
        model = free(self.states, [term for _, term in chosen], [e for e, _ in chosen], factors)
        starts = self.smooth[self.pieces.first] if near is None else near.fit.point.starts
        noise = self.noise if near is None else self.left(near)
        found = fitted(self.pieces, model, noise, starts, warm=near is not None)
        if found is None:
            return None
        return self._of(found, chosen)

    def left(self, judged: Judged) -> Floats:
        """The noise that a fit leaves, no less than rounding."""
        return np.sqrt(judged.fit.squares / len(self.pieces.values) + self.floor)

    def _of(self, fit: Fit, chosen: Chosen) -> Judged:
        _, inner = fit.model.numbers(fit.point.constants)
        now = tuple(
            (e, replace(term, inner=float(k)) if term.has_inner else term)
            for (e, term), k in zip(chosen, inner, strict=True)
        )
        judged = Judged(now, fit, self.criterion(fit, sum(self.price(term) for _, term in now)))
        if math.isfinite(judged.criterion) and (self.best is None or judged.criterion < self.best.criterion):
            self.best = judged
        return judged

    def improved(self, start: Judged) -> Judged:
        """The best choice that exchanges of terms lead to."""
        best = start
        for _ in range(_ROUNDS):
            if self.meter.left <= 0:
                break
            if self.is_exact(best):
                best = self._dropped(best)
                break
            found = [
                each
                for chosen, factors in self._proposed(best)
                if (each := self.judged(chosen, factors, best)) is not None
            ]
            better = min(found, key=lambda each: each.criterion, default=None)
            if better is None or better.criterion >= best.criterion:
                break
            best = better
        return best

    def _dropped(self, best: Judged) -> Judged:
        """Without the terms that it does as well without."""
        while True:
            factors = list(best.fit.model.numbers(best.fit.point.constants)[0])
            found = []
            for at in range(len(best.chosen)):
                fewer = best.chosen[:at] + best.chosen[at + 1 :]
                judged = self.judged(fewer, factors[:at] + factors[at + 1 :], best)
                if judged is not None and judged.criterion < best.criterion:
                    found.append(judged)
            if not found:
                return best
            best = min(found, key=lambda each: each.criterion)

    def _proposed(self, now: Judged) -> list[tuple[Chosen, list[float]]]:
        """The choices near one that promise most, with the factors to start from."""
        model, point = now.fit.model, now.fit.point
        factors, _ = model.numbers(point.constants)
        noise = self.left(now)
        own = [term for _, term in now.chosen if term.has_inner]
        more = Library((*self.pool, *own))
        residual, table = Shooting(self.pieces, model, noise, _GAP).matrix(
            Point(point.starts, point.constants), more
        )
        starts, constants = point.starts.size, len(point.constants)
        columns = table[:, starts + constants :]
        options: list[tuple[int, Term]] = [(e, term) for e in range(self.states) for term in more.terms]
        usable = np.isfinite(columns).all(0) & (np.abs(columns).max(0) < 1e100) & (np.abs(columns).max(0) > 0)
        place = {(e, term): at for at, (e, term) in enumerate(options)}
        current = [place[each] for each in now.chosen]
        if not usable[current].all() or not np.isfinite(table[:, : starts + constants]).all():
            return []
        left = residual + columns[:, current] @ factors
        aside = np.column_stack([table[:, :starts], table[:, starts + len(factors) : starts + constants]])
        kept = np.flatnonzero(usable)
        back = {int(at): n for n, at in enumerate(kept)}
        basis, _ = np.linalg.qr(aside / np.maximum(np.sqrt(np.square(aside).sum(0)), 1e-300))
        both = np.column_stack([columns[:, kept], left])
        both = both - basis @ (basis.T @ both)
        charge(len(both) * both.shape[1] * (both.shape[1] + aside.shape[1]) / 2e9)
        equations = normal(both[:, :-1], both[:, -1])
        chosen = tuple(back[at] for at in current)
        prices = np.array([self.price(options[at][1]) for at in kept])
        found: list[tuple[Chosen, list[float]]] = []
        for subset in self._promising(equations, chosen, prices, len(left)):
            solved = np.linalg.lstsq(both[:, list(subset)], both[:, -1], rcond=None)[0]
            found.append((tuple(options[kept[at]] for at in subset), [float(v) for v in solved]))
        return found

    def _promising(
        self, of: Normal, now: tuple[int, ...], prices: Floats, rows: int
    ) -> list[tuple[int, ...]]:
        def score(subset: tuple[int, ...]) -> float:
            rest = of.rest(subset) / rows
            return rows * math.log(rest + 1e-12 * of.square / rows + 1e-300) + float(
                prices[list(subset)].sum()
            )

        def added(subset: tuple[int, ...], most: int) -> list[tuple[int, ...]]:
            gains = of.gains(subset)
            order = np.argsort(-gains, kind="stable")[:most]
            return [tuple(sorted((*subset, int(at)))) for at in order if gains[at] > 0]

        with np.errstate(all="ignore"):
            near: set[tuple[int, ...]] = set(added(now, 8))
            for out in now:
                fewer = tuple(at for at in now if at != out)
                near.add(fewer)
                near.update(added(fewer, 4))
            near.update(best_subsets(of, min(len(now) + 3, len(prices))))
            near.discard(tuple(sorted(now)))
            scored: list[tuple[float, tuple[int, ...]]] = []
            for subset in sorted(near):
                try:
                    scored.append((score(subset), subset))
                except np.linalg.LinAlgError:
                    continue
            limit = score(now) + _HOPE
        return [subset for value, subset in sorted(scored)[:_TRIALS] if value <= limit]
