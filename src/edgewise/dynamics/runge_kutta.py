"""Solutions in all pieces side by side, and their slopes in starts, constants and factors of more terms.

Steps are those of the Runge-Kutta method of order 8 of Dormand and Prince, whose coefficients are scipy's. The slopes are
exact ones of the steps, not of the equations. Backwards through its stages a step tells how much of each stage's rate
reaches its end (Hager 2000, Runge-Kutta methods in optimal control and the transformed adjoint system,
doi:10.1007/s002110000178): what terms gain is then summed over the stages of all steps at once, and only the steps, small
matrices, are multiplied one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.integrate import DOP853

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.dynamics.model import TermModel
from edgewise.dynamics.pieces import CoursePieces
from edgewise.dynamics.terms import RateTerm, table

_A, _B = (np.asarray(item, dtype=float) for item in (DOP853.A, DOP853.B))
_STAGES = len(_B)
# Multiplications in a unit of work.
_RATE = 2e9
# Units of work of a stage, however few pieces there are; terms charge for themselves.
_STAGE = 7e-6
# Numbers of a table of slopes that are held at once.
_HELD = 4_000_000


@dataclass(frozen=True, eq=False)
class PieceSolution:
    """States at the ends of all intervals (S, L + 1, d), and the points at which rates were taken (steps, stages, m, S)."""

    states: Floats
    points: Floats


def solution(pieces: CoursePieces, model: TermModel, constants: Floats, starts: Floats) -> PieceSolution:
    """From starts (S, d); states are not numbers where it blows up."""
    S, d = starts.shape
    rates = model.rates(constants)
    L, parts = pieces.step.shape[1], pieces.parts
    points = np.empty((L * parts, _STAGES, d + pieces.inputs.shape[-1], S))
    points[:, :, d:] = pieces.inputs.reshape(L * parts, _STAGES, S, -1).transpose(0, 1, 3, 2)
    states = np.full((L + 1, d, S), np.nan)
    states[0] = x = starts.T
    taken = np.empty((_STAGES, d * S))
    charge(L * parts * _STAGES * _STAGE)
    for n, at in enumerate(points):
        h = pieces.step[:, n // parts] / parts
        for stage in range(_STAGES):
            at[stage, :d] = x + h * (_A[stage, :stage] @ taken[:stage]).reshape(d, S)
            taken[stage] = rates(at[stage]).ravel()
        x = np.where(h > 0, x + h * (_B @ taken).reshape(d, S), x)
        if (n + 1) % parts == 0:
            if not np.isfinite(x).all():
                states[:] = np.nan
                break
            states[(n + 1) // parts] = x
    return PieceSolution(states.transpose(2, 0, 1), points)


def solved(pieces: CoursePieces, model: TermModel, constants: Floats, starts: Floats) -> Floats:
    """States at the ends of all intervals (S, L + 1, d), from starts (S, d); not numbers where a solution blows up."""
    return solution(pieces, model, constants, starts).states


def slopes(
    pieces: CoursePieces,
    model: TermModel,
    constants: Floats,
    of: PieceSolution,
    more: Sequence[RateTerm] = (),
) -> Floats:
    """Of a solution's states in the starts of their piece, in the constants and, where more terms are given, in the factors
    that these, and their slopes in a constant inside, would have in each equation: (S, L + 1, d, d + constants + d x 2 x
    terms)."""
    S, _, d = of.states.shape
    steps = len(of.points)
    extra = 2 * len(more)
    width = d + len(constants) + d * extra
    found = np.full((S, pieces.step.shape[1] + 1, d, width), np.nan)
    if not np.isfinite(of.states).all():
        return found
    charge(_STAGES * steps * S * d * d * width * 2 / _RATE)
    Z = np.zeros((S, d, width))
    Z[:, :, :d] = np.eye(d)
    found[:, 0] = Z
    block = max(_HELD // (_STAGES * S * (extra + d * (d + len(constants)))), 1)
    for first in range(0, steps, block):
        taken = range(first, min(first + block, steps))
        h = (pieces.step[:, [n // pieces.parts for n in taken]] / pieces.parts).T
        onward, gained = _steps(of.points[first : taken.stop], h, model, constants, more)
        for n in taken:
            Z = onward[n - first] @ Z
            Z[:, :, d:] += gained[n - first]
            if (n + 1) % pieces.parts == 0:
                found[:, (n + 1) // pieces.parts] = Z
    return found


def _steps(
    points: Floats, h: Floats, model: TermModel, constants: Floats, more: Sequence[RateTerm]
) -> tuple[Floats, Floats]:
    """For steps of lengths (steps, S): the slopes of their ends in where they begin (steps, S, d, d), and in the constants
    and the factors of more terms (steps, S, d, constants + d x 2 terms)."""
    (steps, S), d, c = h.shape, model.states, len(constants)
    many = steps * S
    # The points of a stage stand together.
    at = points.transpose(1, 0, 3, 2).reshape(_STAGES * many, -1)
    _, inward, aside = model.slopes(at, constants)
    inward = inward.reshape(_STAGES, many, d, d)
    length = h.reshape(many, 1, 1)
    reaches = np.empty((_STAGES, many, d, d))
    onward = np.empty((_STAGES, many * d * d))
    for stage in reversed(range(_STAGES)):
        later = (_A[stage + 1 :, stage] @ onward[stage + 1 :]).reshape(many, d, d)
        reaches[stage] = _B[stage] * np.eye(d) + length * later
        onward[stage] = (reaches[stage] @ inward[stage]).ravel()
    weights = reaches.transpose(1, 2, 0, 3) * length[:, :, :, None]
    gained = weights.reshape(many, d, -1) @ aside.reshape(_STAGES, many, d, c).transpose(1, 0, 2, 3).reshape(
        many, _STAGES * d, c
    )
    if more:
        values = np.hstack(table(more, at)).reshape(_STAGES, many, -1).transpose(1, 0, 2)
        by_term = weights.transpose(0, 1, 3, 2).reshape(many, d * d, _STAGES) @ values
        gained = np.concatenate([gained, by_term.reshape(many, d, -1)], axis=2)
    moves = length > 0
    whole = np.where(moves, np.eye(d) + length * onward.sum(0).reshape(many, d, d), np.eye(d))
    return whole.reshape(steps, S, d, d), np.where(moves, gained, 0.0).reshape(steps, S, d, -1)
