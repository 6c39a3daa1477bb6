"""Courses cut into pieces, in each of which a solution is started."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import DOP853
from scipy.interpolate import CubicSpline

from edgewise._core.arrays import Floats, Ints
from edgewise.dynamics.courses import Courses


@dataclass(frozen=True, eq=False)
class CoursePieces:
    """Courses cut into pieces of about the same number of times.

    Attributes
    ----------
    first : ndarray, shape (S,)
        The row that each piece starts at.
    length : ndarray, shape (S,)
        Intervals of each.
    follows : ndarray, shape (S,)
        Whether the piece goes on from the one before.
    step : ndarray, shape (S, L)
        Lengths of the intervals; 0 beyond the end.
    inputs : ndarray, shape (L, parts, stages, S, m)
        Inputs at the stages of every step.
    values : ndarray, shape (rows, d)
        Measured states of all courses.
    parts : int
        Steps of an interval.
    """

    first: Ints
    length: Ints
    follows: NDArray[np.bool_]
    step: Floats
    inputs: Floats
    values: Floats
    parts: int

    @cached_property
    def seen(self) -> tuple[Ints, Ints]:
        """For every row its piece, and the interval it ends (0: it starts the piece)."""
        piece, place = np.zeros((2, len(self.values)), dtype=np.int64)
        for s, (at, many) in enumerate(zip(self.first, self.length, strict=True)):
            last = many if s + 1 == len(self.first) or not self.follows[s + 1] else many - 1
            piece[at : at + last + 1] = s
            place[at : at + last + 1] = np.arange(last + 1)
        return piece, place


def cut(courses: Courses, intervals: int, parts: int) -> CoursePieces:
    """The courses in pieces of so many intervals, each taken in so many steps."""
    first: list[int] = []
    length: list[int] = []
    follows: list[bool] = []
    steps: list[Floats] = []
    starts: list[tuple[int, float]] = []
    row = 0
    for number, course in enumerate(courses.experiments):
        n = len(course.t) - 1
        edges = np.unique(np.round(np.linspace(0, n, max(round(n / intervals), 1) + 1)).astype(int))
        for low, high in itertools.pairwise(edges):
            first.append(row + int(low))
            length.append(int(high - low))
            follows.append(bool(low > 0))
            steps.append(np.diff(course.t[low : high + 1]))
            starts.append((number, float(course.t[low])))
        row += n + 1
    most = max(length)
    table = np.array([np.pad(step, (0, most - len(step))) for step in steps])
    m = len(courses.inputs)
    acting = np.zeros((most, parts, len(DOP853.C), len(first), m))
    if m:
        splines = [CubicSpline(course.t, course.inputs) for course in courses.experiments]
        for s, (number, begin) in enumerate(starts):
            edges = begin + np.concatenate([[0.0], np.cumsum(table[s])])
            for j in range(most):
                for part in range(parts):
                    at = edges[j] + (part + np.asarray(DOP853.C)) * table[s, j] / parts
                    acting[j, part, :, s] = splines[number](at)
    values = np.vstack([course.states for course in courses.experiments])
    return CoursePieces(np.array(first), np.array(length), np.array(follows), table, acting, values, parts)


# Of a spline of fourth order through every other time the error is so many times that of the one through all.
_COARSER = 16.0


def between_times(courses: Courses) -> float:
    """How far wrong the integrals of inputs may be, not known between times, as a share of how much these change."""
    shares = [0.0]
    for course in courses.experiments if courses.inputs else ():
        fine, coarse = (
            CubicSpline(course.t[::step], course.inputs[::step]).antiderivative()(course.t[::2])
            for step in (1, 2)
        )
        changes = fine.std(0)
        apart = (fine - coarse).std(0)[changes > 0] / changes[changes > 0]
        shares.extend((apart / _COARSER).tolist())
    return max(shares)
