"""What a search for equations ends with: constants settled, errors of them, what is conserved, and a sentence on it all."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import plural
from edgewise._core.stopping import StopReason
from edgewise.dynamics.choice import shortest
from edgewise.dynamics.conserved import conserved
from edgewise.dynamics.constants import constants_in, covariance, of_numbers, polished
from edgewise.dynamics.courses import Courses
from edgewise.dynamics.probability import probability
from edgewise.dynamics.result import Conserved, Dynamics, FittedCourse
from edgewise.dynamics.runge_kutta import solved
from edgewise.dynamics.search import DynamicsSearch, longest
from edgewise.symbolic import Constant, Formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.structure_left import follows_columns
from edgewise.symbolic.results.probability import likely

# Systems whose constants are made plain, and of which the shortest is taken.
_RIVALS = 8
# Inputs further than this share of their spread off a smooth curve are named.
_ROUGH_INPUT = 0.01

# Constants by which an equation of a single state may follow other laws to rounding.
_IMITATING = 3
# What is left counts as noise where the solver may be wrong by so much of it.
_ABOVE_FLOOR = 2.0


def outcome(search: DynamicsSearch, reason: StopReason | None, seed: int) -> Dynamics:
    """The equations with their constants made plain, how well their solution follows the courses, and what was reached."""
    courses, selection, meter = search.courses, search.selection, search.meter
    # What was interrupted is told at once, and where only rounding is left nothing is as likely.
    hurried = reason is not None or selection.is_exact(selection.near(1)[0])
    best, lead = shortest(selection, 1 if hurried else _RIVALS)
    fit = polished(selection.pieces, best.fit, selection.left(best.judged))
    noise = np.sqrt(fit.squares / courses.rows + selection.floor)
    spread = covariance(selection.pieces, fit, noise)
    errors = of_numbers(fit.model, spread)
    numbers = fit.model.offset + fit.model.spread @ fit.point.constants
    xs = solved(selection.pieces, fit.model, fit.point.constants, fit.point.starts)
    piece, place = selection.pieces.seen
    solution = xs[piece, place]
    measured = selection.pieces.values
    trees = fit.model.trees(fit.point.constants)
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
                origin=(best.judged.step,),
            )
        )
    kept: tuple[Conserved, ...] = ()
    moves = bool(fit.model.terms)
    if moves and not courses.inputs:
        kept = tuple(
            Conserved(formula, _drift(formula, measured))
            for item in conserved(fit.model, fit.point.constants, courses.names, measured, seed)
            for formula in [Formula(item, names=courses.names)]
        )
    ends = np.cumsum([len(course.t) for course in courses.experiments])[:-1]
    beside = tuple(
        FittedCourse(course.t, course.states, own, course.inputs, course.label)
        for course, own in zip(courses.experiments, np.split(solution, ends), strict=True)
    )
    exact = selection.is_exact(best.judged)
    explained = search.is_explained(noise)
    # What noise leaves does not know the row before. What the solver gets wrong does.
    seen: list[int] = np.flatnonzero(noise > _ABOVE_FLOOR * np.sqrt(selection.floor)).tolist()
    curved = (
        None
        if exact
        else next((courses.states[at] for at in seen if _is_curve(courses, measured, solution, at)), None)
    )
    explained = explained and curved is None
    ended = reason or (
        StopReason.EXACT
        if exact
        else StopReason.EXPLAINED
        if explained
        else StopReason.WORK_SPENT
        if meter.left <= 0
        else StopReason.EXHAUSTED
    )
    left_over = {(e, term.key) for e, term in zip(fit.model.equation, fit.model.terms, strict=True)}
    chosen = tuple((e, term) for e, term in best.judged.chosen if (e, term.key) in left_over)
    stability = search.stability(chosen, seed)
    # The regression is of systems with terms.
    imitates = exact and len(courses.states) == 1 and longest(chosen) > _IMITATING
    known = moves and (exact or explained) and not imitates
    sure = probability(equations, stability, lead) if known else None
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
        " ".join(
            [
                _message(courses, moves, exact, explained, curved, noise, search.noise, kept, sure, ended),
                *_noisy_inputs(search),
            ]
        ),
        ended,
        meter.seconds,
        lead,
        sure,
    )


def _is_curve(courses: Courses, measured: Floats, solution: Floats, state: int) -> bool:
    """Whether in some course what the solution leaves of a state is correlated from row to row."""
    ends = np.cumsum([len(course.t) for course in courses.experiments])[:-1]
    left = np.split(measured[:, state] - solution[:, state], ends)
    return any(
        follows_columns(course.t[:, None], own) for course, own in zip(courses.experiments, left, strict=True)
    )


def _drift(formula: Formula, measured: Floats) -> float:
    values = formula.predict(measured)
    size = float(np.abs(values - np.median(values)).max() + np.abs(values).mean())
    return float(values.std() / size) if size else 0.0


def _noisy_inputs(search: DynamicsSearch) -> Iterator[str]:
    """What to do about inputs that are no smooth curves, since solutions follow them as they are."""
    spread = search.courses.values[:, search.states :].std(0)
    for name, noise, size in zip(search.courses.inputs, search.input_noise, spread, strict=True):
        if noise > _ROUGH_INPUT * size:
            yield (
                f"The input '{name}' is taken as exact, though it lies about {noise:.2g} off a smooth curve: if that is "
                "noise, smooth it first."
            )


def _message(
    courses: Courses,
    moves: bool,
    exact: bool,
    explained: bool,
    curved: str | None,
    left: Floats,
    noise: Floats,
    kept: tuple[Conserved, ...],
    sure: float | None,
    ended: StopReason,
) -> str:
    many = len(courses.experiments)
    sentences = [f"From {courses.rows} rows" + (f" of {many} courses" if many > 1 else "") + ":"]
    if exact:
        sentences.append("the solution follows every state to rounding.")
    elif explained:
        sentences.append("the solution leaves of every state what a smooth curve leaves: noise.")
    elif curved is not None:
        sentences.append(
            f"what the solution leaves of '{curved}' is no noise, for it goes on from row to row: terms may be missing from "
            "the library."
        )
    else:
        worst = int((left / noise).argmax())
        sentences.append(
            f"the solution leaves {left[worst] / noise[worst]:.2g} times as much of '{courses.states[worst]}' as a smooth "
            "curve does: terms may be missing from the library."
        )
    if not moves:
        sentences.append("No state changes by more than that.")
    elif exact and sure is None:
        sentences.append(
            "So many constants may follow another law of a single state as closely: give courses from other starts."
        )
    if sure is not None:
        sentences.append(f"The probability that these are the true terms is {likely(sure)}.")
    if courses.left_out:
        verb = "is" if courses.left_out == 1 else "are"
        sentences.append(f"{plural(courses.left_out, 'row')} with missing cells {verb} left out.")
    if kept:
        sentences.append(f"Conserved: {'; '.join(formula.formula.text for formula in kept)}.")
    if not ended.repeatable or ended is StopReason.WORK_SPENT:
        sentences.append(ended.advice)
    return " ".join(sentences)
