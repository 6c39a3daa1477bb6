"""Drawings of solutions show their values, with time to the right."""

import numpy as np
import pytest
import trimesh
from PIL import Image

from edgewise import InputError, pde
from edgewise.pde import Problem, box, coordinates, disk, dx, lap, on, sin, solve, time, unknown
from edgewise.plots import animate_solution, figure_svg, plot_solution
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


@pytest.mark.slow
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


@pytest.fixture(scope="module")
def flow():
    return solve(kovasznay()[0], 1e-2)


def images(figure):
    return [axes for axes in figure.axes if axes.get_images()]


@pytest.mark.slow
def test_a_flow_shows_all_unknowns_and_its_streamlines(flow):
    drawn = images(plot_solution(flow))
    titles = [text.get_text() for text in plot_solution(flow).texts]
    assert titles == ["p", "u", "v", "speed"]
    assert len(drawn) == 4
    assert drawn[3].patches  # arrow heads
    assert [text.get_text() for text in plot_solution(flow, streamlines=False).texts] == ["p", "u", "v"]
    assert [text.get_text() for text in plot_solution(flow, "u").texts] == ["u"]
    with pytest.raises(InputError, match="streamlines"):
        plot_solution(flow, streamlines=["w", "u"])


@pytest.mark.slow
def test_residuals_and_errors_are_drawn_as_they_are(flow):
    _, exact = kovasznay()
    shown = plot_solution(flow, "u", show="error", reference=exact["u"])
    (axes,) = images(shown)
    drawn = np.asarray(axes.get_images()[0].get_array())
    assert 0 < drawn.max() < 1
    residuals = images(plot_solution(flow, show="residual"))
    assert len(residuals) == 3
    worst = max(float(np.asarray(axes.get_images()[0].get_array()).max()) for axes in residuals)
    assert worst >= max(flow.residual().values())
    with pytest.raises(InputError, match="reference"):
        plot_solution(flow, show="error")
    with pytest.raises(InputError, match="show"):
        plot_solution(flow, show="errors")
    same = plot_solution(flow, "u", show="error", reference=flow)
    assert float(np.asarray(images(same)[0].get_images()[0].get_array()).max()) < 1e-12


def test_a_coordinate_may_be_held():
    solution = solve(burgers(0.1, 0.3)[0], 1e-3)
    figure = plot_solution(solution, at={"t": 0.3})
    (line,) = figure.axes[0].lines
    assert np.allclose(line.get_ydata(), solution(line.get_xdata(), 0.3))
    for at in ({"t": 2}, {"s": 0}, {"t": 0, "x": 0}):
        with pytest.raises(InputError):
            plot_solution(solution, at=at)


@pytest.mark.slow
def test_outside_a_shape_nothing_is_drawn():
    x, y = coordinates("x", "y")
    u, round_ = unknown("u", x, y), disk((x, y), (0, 0), 1)
    (axes,) = images(
        plot_solution(solve(Problem(round_, [lap(u) == -1], on(round_.boundary["walls"], u == 0)), 1e-2))
    )
    drawn = np.ma.asarray(axes.get_images()[0].get_array()).filled(np.nan)
    places = np.linspace(-1, 1, len(drawn))
    inside = places[:, None] ** 2 + places**2 < 0.98
    assert np.isfinite(drawn[inside]).all()
    assert np.isnan(drawn[~inside & (places[:, None] ** 2 + places**2 > 1.02)]).all()


def test_space_is_cut_along_three_planes():
    x, y, z = coordinates("x", "y", "z")
    u, cube = unknown("u", x, y, z), box({x: (0, 1), y: (0, 1), z: (0, 2)}, periodic=(x, y, z))
    wave = sin(2 * np.pi * x)
    figure = plot_solution(solve(Problem(cube, [lap(u) - u == wave]), 1e-1))
    assert [text.get_text() for text in figure.texts] == ["u at z = 1", "u at y = 0.5", "u at x = 0.5"]


@pytest.mark.slow
def test_motion(tmp_path):
    solution = solve(burgers(0.1, 0.3)[0], 1e-2)
    made = animate_solution(solution, tmp_path / "b.gif", frames=4, seconds=1)
    with Image.open(made) as film:
        assert (film.n_frames, film.info["duration"]) == (4, 250)
        first = np.asarray(film.convert("RGB"), dtype=int)
        film.seek(3)
        assert np.abs(np.asarray(film.convert("RGB"), dtype=int) - first).max() > 50
    assert solution.animate(tmp_path / "b.gif", frames=2) == tmp_path / "b.gif"
    assert len(solution.plot().axes) == 2
    for path, options in (("b.avi", {}), ("b.gif", {"frames": 1}), ("b.gif", {"unknown": "w"})):
        with pytest.raises(InputError):
            animate_solution(solution, tmp_path / path, **options)
    (x,) = coordinates("x")
    v, line = unknown("v", x), box({x: (0, 1)})
    steady = solve(Problem(line, [dx(v, x, 2) == -2], on(line.boundary["walls"], v == 0)))
    with pytest.raises(InputError, match="time"):
        animate_solution(steady, tmp_path / "b.gif")


def test_surfaces_through_time_are_drawn_at_three_times_in_the_same_colours():
    x, y, z = pde.coordinates("x", "y", "z")
    t = pde.time()
    w = pde.unknown("w", x, y, z, t)
    ball = pde.surface(trimesh.creation.icosphere(subdivisions=0), (x, y, z)).during({t: (0, 1)})
    problem = pde.Problem(ball, [pde.dt(w) == -w], pde.on(ball.boundary["start"], w == z))
    solution = pde.solve(problem, 1e-2)
    figure = plot_solution(solution)
    words = [text.get_text() for text in figure.texts]
    assert words == ["w at t = 0", "w at t = 0.5", "w at t = 1"]
    bars = [axes.get_ylim() for axes in figure.axes if axes.name != "3d"]
    assert len(bars) == 3
    assert len({tuple(np.round(bar, 9)) for bar in bars}) == 1
    assert len(plot_solution(solution, at={"t": 0.3}).texts) == 1
    assert len(plot_solution(solution, show="residual", at={t: 0.3}).texts) == 1
    for wrong in ({"x": 0}, {"t": 2}):
        with pytest.raises(InputError, match="at"):
            plot_solution(solution, at=wrong)
