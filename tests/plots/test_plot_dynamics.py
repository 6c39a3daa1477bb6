"""Courses drawn: the solution is a curve between measured times too, inputs or not."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from edgewise.dynamics import find_dynamics
from edgewise.plots import plot_dynamics


def lines(figure, gid):
    return [each.get_xydata() for each in figure.axes[0].get_lines() if each.get_gid() == gid]


def test_a_solution_is_drawn_as_a_curve_through_few_points():
    t = np.linspace(0, 6, 20)
    swing = np.column_stack([np.cos(4 * t), -4 * np.sin(4 * t)])
    found = find_dynamics(t, swing, names=["x", "v"], degree=1, work=0.05)
    drawn = lines(plot_dynamics(found), "solution")[0]
    assert len(lines(plot_dynamics(found), "measured")[0]) == 20
    assert len(drawn) > 200
    assert np.abs(drawn[:, 1] - np.cos(4 * drawn[:, 0])).max() < 0.03  # straight pieces: 0.19


def test_what_acts_from_outside_bends_the_curve():
    t = np.linspace(0, 12, 60)
    push = np.cos(1.5 * t)
    x = (np.cos(1.5 * t) + 1.5 * np.sin(1.5 * t)) / 3.25 + 2 * np.exp(-t)
    found = find_dynamics(t, x, names=["x"], inputs=push, input_names=["push"], degree=1, work=0.05)
    assert found.courses[0].inputs.shape == (60, 1)
    drawn = lines(plot_dynamics(found), "solution")[0]
    assert drawn[:, 1] == pytest.approx(CubicSpline(t, x)(drawn[:, 0]), abs=0.01)


def test_names_of_courses_stand_where_these_are_apart():
    t = np.tile(np.linspace(0, 6, 20), 3)
    start = np.repeat([1.0, 6.0, 10.0], 20)
    run = np.repeat(["a", "b", "c"], 20)
    found = find_dynamics(t, start * np.exp(-0.5 * t), names=["x"], groups=run, degree=1, work=0.05)
    names = [each for each in plot_dynamics(found).axes[0].texts if each.get_text() in ("a", "b", "c")]
    assert [each.xy[0] for each in names] == [0, 0, 0]
    assert [each.xy[1] for each in names] == pytest.approx([1, 6, 10], abs=1e-3)
