"""Drawings of solutions show their values, with time to the right."""

import numpy as np
import pytest

from edgewise import InputError
from edgewise.pde import Problem, box, coordinates, dx, lap, on, sin, solve, time, unknown
from edgewise.plots import figure_svg, plot_solution
from tests.pde.problem_set import burgers, kovasznay


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_map_shows_the_values_with_time_to_the_right(theme):
    solution = solve(burgers(0.1, 0.3)[0], 1e-4)
    axes = plot_solution(solution, theme=theme).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("t", "x")
    (image,) = axes.get_images()
    drawn = np.asarray(image.get_array())
    at = [
        np.linspace(low, high, n)
        for (low, high), n in zip(solution.problem.domain.bounds, drawn.shape, strict=True)
    ]
    assert np.allclose(drawn, solution.grid(*at))


def test_a_curve_and_maps_at_three_times():
    (x,) = coordinates("x")
    v, line = unknown("v", x), box({x: (0, 1)})
    curve = plot_solution(solve(Problem(line, [dx(v, x, 2) == -2], on(line.boundary["walls"], v == 0))))
    (drawn,) = curve.axes[0].lines
    assert np.allclose(drawn.get_ydata(), drawn.get_xdata() * (1 - drawn.get_xdata()), atol=1e-10)
    x, y = coordinates("x", "y")
    t = time()
    u, block = unknown("u", x, y, t), box({x: (0, 1), y: (0, 1), t: (0, 0.02)}, periodic=(x, y))
    start = sin(2 * np.pi * x) * sin(2 * np.pi * y)
    heat = solve(Problem(block, [dx(u, t) == lap(u)], on(block.boundary["start"], u == start)), 1e-2)
    figure = plot_solution(heat)
    assert sum(bool(axes.get_images()) for axes in figure.axes) >= 3
    assert "<svg" in figure_svg(figure)


def test_which_unknown_is_asked_for():
    with pytest.raises(InputError, match="unknown"):
        plot_solution(solve(kovasznay()[0], 1e-2))
