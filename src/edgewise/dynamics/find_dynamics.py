"""From measured courses to the differential equations behind them.

Long because the whole way stands here: what is asked, the search step by step, and what is told of its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import as_tuple, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.dynamics.conserved import conserved
from edgewise.dynamics.constants import constants_in, covariance, of_numbers, polished, settled
from edgewise.dynamics.courses import Courses, read_courses
from edgewise.dynamics.result import Conserved, Dynamics, FittedCourse
from edgewise.dynamics.selection import Chosen, Judged, Selection
from edgewise.dynamics.shooting import Fit, Pieces, cut, solved
from edgewise.dynamics.terms import (
    FUNCTIONS,
    Library,
    Term,
    functions,
    inner_sizes,
    polynomials,
    saturating,
    saturations,
)
from edgewise.dynamics.weak import searches, smooth_values, smoothed, with_inner
from edgewise.pde.settings import DiscoveryConfig
from edgewise.symbolic import Constant, Formula
from edgewise.symbolic.expressions.tape import Tape

Floats = NDArray[np.float64]
_OF = "find_dynamics"
# Work of a search at most, in CPU seconds or so.
_MOST_WORK = 60.0
# Weighting functions per half width: one coordinate can have more than fields in space.
_DENSITY = 6.0
# Intervals of a piece; pieces of all courses at most; steps of an interval at most.
_PIECE, _MOST_PIECES, _MOST_PARTS = 10, 60, 8
# Solutions are as exact as this share of what a fit leaves, or of the spread of the states.
_EXACT_NOISE, _EXACT = 1e-2, 1e-8
# Where more is left than so many times the noise of the splines, something is missing.
_EXPLAINED = 1.5
# Choices of saturations for each state that are started from.
_TURNS = 4


def find_dynamics(
    t: Any,
    states: Any,
    names: Iterable[str] | None = None,
    inputs: Any = None,
    *,
    input_names: Iterable[str] | None = None,
    groups: Any = None,
    degree: int = 3,
    without: Iterable[str] = (),
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    callbacks: Iterable[Callable[[str], Any]] = (),
) -> Dynamics:
    """Find the differential equations behind measured courses in time.

    A first choice of terms comes from regression in the weak form, as in `edgewise.pde.discover`. Choices are then judged
    by solutions along the whole courses, all constants fitted at once; terms are added, dropped and exchanged while a
    criterion of likelihood and length falls. Last, constants become one, or plain numbers, where no row objects.

    Parameters
    ----------
    t : array of shape (n,)
        Times, rising within each course; evenly spaced or not.
    states : array or data frame of shape (n, d)
        What was measured of each state, with noise or without.
    names : iterable of str, optional
        Of the states; x0, x1, ... where left out.
    inputs : array of shape (n, m), optional
        What acts from outside, at the same times.
    input_names : iterable of str, optional
        u0, u1, ... where left out.
    groups : array of shape (n,), optional
        The course of each row, where there are several under one law.
    degree : int
        Highest degree of products of states.
    without : iterable of str
        Functions that are not wanted: among sin, cos, exp, log, abs, tanh, saturation.
    work : "quick", "normal", "thorough" or float
        How long to search, in units that do not depend on the machine.
    seconds : float, optional
        Time limit; it only interrupts, and the best until then is returned.
    seed : int
        Of the random halves of the rows by which stability is judged.
    callbacks : iterable of callable
        Called about twice a second with the best equations so far; one that returns True ends the search.

    Returns
    -------
    Dynamics

    Raises
    ------
    InputError
        Where columns do not go together, times do not rise, or a course has fewer than 12 rows.

    References
    ----------
    D. A. Messenger and D. M. Bortz, "Weak SINDy", 2021, doi:10.1137/20M1343166.
    H. G. Bock, "Recent advances in parameter identification techniques for O.D.E.", 1983, doi:10.1007/978-1-4684-7324-7_7.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.dynamics import find_dynamics
    >>> t = np.linspace(0, 8, 50)
    >>> found = find_dynamics(t, 5 / (1 + 9 * np.exp(-1.2 * t)), names=["x"])
    >>> print(found)
    x' = 1.2*x - 0.24*x^2
    """
    factor, limit = check_work(work, _OF), check_seconds(seconds, _OF)
    check_int(degree, "degree", low=1, high=5, of=_OF)
    check_int(seed, "seed", low=0, of=_OF)
    unwanted = _unwanted(without)
    told = as_tuple(callbacks, "callbacks", "functions", of=_OF)
    courses = read_courses(t, states, names, inputs, input_names, groups, _OF)
    meter = Meter(_MOST_WORK * factor, limit)
    with np.errstate(all="ignore"), one_thread(), running(meter):
        search = _Search(courses, degree, unwanted, meter)
        meter.beat = _beat(search, told)
        reason: StopReason | None = None
        try:
            search.run()
        except StopError as stop:
            reason = meter.own(stop)
        meter.beat, meter.until = None, float("inf")
        best = search.selection.best
        if best is None:
            raise InputError(
                f"{_OF} was ended before any equations were found; give more 'seconds'."
                if reason is not None
                else f"{_OF} found no equations whose solutions follow the courses; give more rows, or shorter courses."
            )
        return _told(search, best, reason, seed, meter)


def _unwanted(without: Iterable[str]) -> tuple[str, ...]:
    known = {*(name for name in FUNCTIONS if not name.startswith("hill")), "saturation"}
    found = as_tuple(without, "without", "names of functions", of=_OF)
    for name in found:
        if name not in known:
            raise InputError(
                f"The 'without' parameter of {_OF} must name functions among {', '.join(sorted(known))}. Got {short(name)}."
            )
    return found


def _beat(search: _Search, told: Sequence[Callable[[str], Any]]) -> Callable[[], object] | None:
    if not told:
        return None

    def beat() -> None:
        for each in told:
            if each(search.text()):
                raise StopError(StopReason.CALLBACK)

    return beat


@dataclass(eq=False)
class _Search:
    """The stages of a search over one set of courses, and what it has found so far."""

    courses: Courses
    degree: int
    without: tuple[str, ...]
    meter: Meter

    def __post_init__(self) -> None:
        self.config = DiscoveryConfig(density=_DENSITY)
        self.splines = smoothed(self.courses, self.config)
        self.smooth = smooth_values(self.splines)
        d = self.states = len(self.courses.states)
        self.noise = np.sqrt(np.mean([np.square(fitted.noise[:d]) for fitted, _ in self.splines], axis=0))
        pool = self._usable([*self._products(self.degree), *functions(self.smooth, self.without)])
        self.selection = Selection(
            self._pieces(1),
            self.noise,
            self.smooth[:, :d],
            tuple(pool),
            self.courses.values,
            self.meter,
        )

    def _pieces(self, parts: int) -> Pieces:
        return cut(self.courses, max(_PIECE, -(-self.courses.rows // _MOST_PIECES)), parts)

    def _products(self, degree: int) -> list[Term]:
        return polynomials(len(self.courses.names), degree)

    def _usable(self, terms: Sequence[Term]) -> list[Term]:
        """Those with values wherever the courses go, and with values of their own."""
        library = Library(tuple(terms))
        values = library.values(self.smooth, library.inner)
        good = np.isfinite(values).all(0) & (np.abs(values).max(0) < 1e12)
        return [term for term, is_good in zip(terms, good, strict=True) if is_good]

    def text(self) -> str:
        """The best equations so far, on one line."""
        best = self.selection.best
        if best is None:
            return ""
        trees = best.fit.model.trees(best.fit.point.constants, self.courses.names)
        return "; ".join(
            f"{name}' = {Formula(tree, names=self.courses.names).text}"
            for name, tree in zip(self.courses.states, trees, strict=True)
        )

    def run(self) -> None:
        """Starts from the weak form, from plain libraries to rich ones; then the exchange of terms."""
        pools = [
            self._usable(self._products(min(2, self.degree))),
            self._usable(self._products(self.degree)),
            list(self.selection.pool),
        ]
        found = [judged for pool in pools if (judged := self._started(pool)) is not None]
        plain = [each for each in found if not any(term.function for _, term in each.chosen)]
        rich = [each for each in found if each not in plain] + self._saturating()
        # Rich libraries imitate what plain ones say shortly: the best of each kind is a start.
        starts = [min(each, key=lambda one: one.criterion) for each in (plain, rich) if each]
        for start in self._with_fine_steps(starts):
            self.selection.improved(start)

    def _with_fine_steps(self, starts: list[Judged]) -> list[Judged]:
        """The starts, fitted anew where an interval takes more than one step to be solved exactly."""
        best = self.selection.best
        if best is None:
            return starts
        model, point = best.fit.model, best.fit.point
        allowed = np.maximum(
            _EXACT_NOISE * self.selection.left(best), _EXACT * self.courses.values[:, : self.states].std(0)
        )
        parts, rough = 1, solved(self.selection.pieces, model, point.constants, point.starts)
        while parts < _MOST_PARTS:
            fine = solved(self._pieces(2 * parts), model, point.constants, point.starts)
            if (np.abs(fine - rough) <= allowed).all():
                break
            parts, rough = 2 * parts, fine
        if parts == 1:
            return starts
        self.selection.begin_again(self._pieces(parts))
        again = [
            self.selection.judged(each.chosen, each.fit.model.numbers(each.fit.point.constants)[0].tolist())
            for each in starts
        ]
        return [each for each in again if each is not None]

    def _saturating(self) -> list[Judged]:
        """Systems in which equations hold a saturation: in each the best of its own, then the second best."""
        if "saturation" in self.without:
            return []
        seen = self.smooth
        m = seen.shape[1]
        families: list[list[list[Term]]] = []
        for v in range(m):
            size = float(np.abs(seen[:, v]).max())
            for name in saturating(float(seen[:, v].min()), size):
                families.append(
                    [self._usable(saturations(m, v, name, float(k))) for k in inner_sizes(size, name)]
                )
        plain = self._usable(self._products(min(2, self.degree)))
        guesses = with_inner(self.splines, plain, families, self.states, self.config)
        base = self.selection.best
        found: list[Judged] = []
        for turn in range(_TURNS):
            chosen: Chosen = ()
            factors: list[float] = []
            for state, own in enumerate(guesses):
                if turn < len(own):
                    chosen += tuple((state, term) for term in own[turn].terms)
                    factors += own[turn].factors.tolist()
                elif base is not None:
                    chosen += tuple(each for each in base.chosen if each[0] == state)
                    values, _ = base.fit.model.numbers(base.fit.point.constants)
                    factors += [float(v) for (e, _), v in zip(base.chosen, values, strict=True) if e == state]
            judged = self.selection.judged(chosen, factors)
            if judged is not None:
                found.append(judged)
        return found

    def _started(self, pool: list[Term]) -> Judged | None:
        chosen: Chosen = ()
        factors: list[float] = []
        for state, search in enumerate(
            searches(self.splines, Library(tuple(pool)), self.states, self.config)
        ):
            best = search.best()[0][0][1]
            chosen += tuple((state, pool[at]) for at in best.subset)
            factors += [float(value) for value in best.coefficients]
        return self.selection.judged(chosen, factors)

    def stability(self, chosen: Chosen, seed: int) -> dict[str, float]:
        """The least share of halves of the weak form's rows from which the terms of each equation are chosen again."""
        keys = {term.key for _, term in chosen}
        plain = [term for term in self._usable(self._products(min(2, self.degree))) if term.key not in keys]
        pool = [*dict.fromkeys(term for _, term in chosen), *plain]
        found: dict[str, float] = {}
        for state, search in enumerate(
            searches(self.splines, Library(tuple(pool)), self.states, self.config)
        ):
            own = tuple(sorted(pool.index(term) for e, term in chosen if e == state))
            rows = search.rows(own, search.plain.solve(own)) if own else search.plain
            times, _ = search.stability(rows, seed)
            found[self.courses.states[state]] = float(min((times[at] for at in own), default=1.0))
        return found


def _told(search: _Search, best: Judged, reason: StopReason | None, seed: int, meter: Meter) -> Dynamics:
    courses, selection = search.courses, search.selection
    noise = selection.left(best)
    fit = settled(selection.pieces, best.fit, noise, lambda f: selection.criterion(f, _price(f, selection)))
    fit = polished(selection.pieces, fit, noise)
    noise = np.sqrt(fit.squares / courses.rows + selection.floor)
    spread = covariance(selection.pieces, fit, noise)
    errors = of_numbers(fit.model, spread)
    numbers = fit.model.offset + fit.model.spread @ fit.point.constants
    xs = solved(selection.pieces, fit.model, fit.point.constants, fit.point.starts)
    piece, place = selection.pieces.seen
    solution = xs[piece, place]
    measured = selection.pieces.values
    trees = fit.model.trees(fit.point.constants, courses.names)
    equations: list[Formula] = []
    for state, tree in enumerate(trees):
        left = float(np.sqrt(fit.squares[state] / courses.rows))
        bare = Formula(tree, names=courses.names)
        shown = constants_in(Tape(bare.tree, courses.names).start.tolist(), numbers, errors)
        equations.append(
            Formula(
                tree,
                names=courses.names,
                error=left,
                r2=float(
                    1 - fit.squares[state] / np.square(measured[:, state] - measured[:, state].mean()).sum()
                ),
                constants=tuple(Constant(value, error) for value, error in shown),
            )
        )
    kept: tuple[Conserved, ...] = ()
    if not courses.inputs:
        kept = tuple(
            Conserved(formula, _drift(formula, solution, measured))
            for each in conserved(fit.model, fit.point.constants, courses.names, measured, seed)
            for formula in [Formula(each, names=courses.names)]
        )
    ends = np.cumsum([len(course.t) for course in courses.each])[:-1]
    beside = tuple(
        FittedCourse(course.t, course.states, own, course.label)
        for course, own in zip(courses.each, np.split(solution, ends), strict=True)
    )
    exact = selection.is_exact(best)
    explained = bool((noise <= _EXPLAINED * search.noise + np.sqrt(selection.floor)).all())
    ended = reason or (
        StopReason.EXACT
        if exact
        else StopReason.EXPLAINED
        if explained
        else StopReason.WORK_SPENT
        if meter.left <= 0
        else StopReason.EXHAUSTED
    )
    stability = search.stability(best.chosen, seed)
    return Dynamics(
        tuple(equations),
        courses.states,
        courses.inputs,
        kept,
        MappingProxyType(
            dict(zip(courses.states, np.sqrt(fit.squares / courses.rows).tolist(), strict=True))
        ),
        MappingProxyType(stability),
        beside,
        _message(courses, exact, explained, noise, search.noise, kept),
        ended,
        meter.seconds,
    )


def _price(fit: Fit, selection: Selection) -> float:
    """What the constants cost that are left; the terms stay as they are."""
    return len(fit.point.constants) * float(np.log(selection.pieces.values.size))


def _drift(formula: Formula, solution: Floats, measured: Floats) -> float:
    values = formula.predict(measured)
    size = float(np.abs(values - np.median(values)).max() + np.abs(values).mean())
    return float(values.std() / size) if size else 0.0


def _message(
    courses: Courses,
    exact: bool,
    explained: bool,
    left: Floats,
    noise: Floats,
    kept: tuple[Conserved, ...],
) -> str:
    many = len(courses.each)
    said = [f"From {courses.rows} rows" + (f" of {many} courses" if many > 1 else "") + ":"]
    if exact:
        said.append("the solution follows every state to rounding.")
    elif explained:
        said.append("the solution leaves of every state what a smooth curve leaves: noise.")
    else:
        worst = int((left / noise).argmax())
        said.append(
            f"the solution leaves {left[worst] / noise[worst]:.2g} times as much of '{courses.states[worst]}' as a smooth "
            "curve does: terms may be missing from the library."
        )
    if kept:
        said.append(f"Conserved: {'; '.join(each.formula.text for each in kept)}.")
    return " ".join(said)
