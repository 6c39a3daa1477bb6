"""Courses drawn: the solution is a curve between measured times too, inputs or not, and names do not cover each other."""

import math

import numpy as np
import pytest

from edgewise import StopReason
from edgewise.dynamics import Dynamics, FittedCourse
from edgewise.forms import parse
from edgewise.plots import plot_dynamics
from edgewise.symbolic import Formula


def system(states, inputs, equations, courses):
    names = (*states, *inputs)
    known = tuple(Formula(parse(text, names).tree, names) for text in equations)
    each = tuple(FittedCourse(t, x, x, u, label) for label, (t, x, u) in zip("abc", courses, strict=False))
    return Dynamics(known, states, inputs, (), {}, {}, each, "", StopReason.EXACT, 0.0, math.inf)


def lines(figure, gid):
    return [line.get_xydata() for line in figure.axes[0].get_lines() if line.get_gid() == gid]


def test_a_solution_is_drawn_as_a_curve_through_few_points():
    t = np.linspace(0, 6, 20)
    swing = np.column_stack([np.cos(4 * t), -4 * np.sin(4 * t)])
    figure = plot_dynamics(system(("x", "v"), (), ("v", "-16*x"), [(t, swing, np.empty((20, 0)))]))
    (measured,), (drawn,) = lines(figure, "measured"), lines(figure, "solution")
    assert np.array_equal(measured, np.column_stack([t, swing[:, 0]]))
    assert len(drawn) > 200
    assert np.abs(drawn[:, 1] - np.cos(4 * drawn[:, 0])).max() < 0.03  # straight pieces: 0.19


def test_what_acts_from_outside_bends_the_curve():
    def x(t):
        return (np.cos(1.5 * t) + 1.5 * np.sin(1.5 * t)) / 3.25 + 2 * np.exp(-t)

    t = np.linspace(0, 12, 30)
    course = (t, x(t)[:, None], np.cos(1.5 * t)[:, None])
    (drawn,) = lines(plot_dynamics(system(("x",), ("push",), ("push - x",), [course])), "solution")
    assert drawn[:, 1] == pytest.approx(x(drawn[:, 0]), abs=0.003)


def test_names_of_courses_stand_where_these_are_apart():
    t = np.linspace(0, 6, 20)
    courses = [(t, start * np.exp(-0.5 * t)[:, None], np.empty((20, 0))) for start in (1.0, 6.0, 10.0)]
    names = plot_dynamics(system(("x",), (), ("-0.5*x",), courses)).axes[0].texts
    assert [name.get_text() for name in names] == ["a", "b", "c"]
    assert [name.xy for name in names] == [(0, pytest.approx(at)) for at in (1, 6, 10)]
