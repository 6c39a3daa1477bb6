"""Solutions of differential equations: curves and maps, residuals and errors, streamlines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure

from edgewise._core.arguments import check_is
from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple, check_choice, short
from edgewise._core.errors import InputError
from edgewise.pde import Problem, Solid, Solution, SpaceTime, TriangleSurface
from edgewise.pde.problem.problem import velocities
from edgewise.plots.solution_panels import DrawnQuantity, PanelView, quantities, title, views
from edgewise.plots.solution_surface import moments_on_surface, plot_on_surface
from edgewise.plots.style import (
    SIZE_SMALL,
    SIZE_TITLE,
    Theme,
    bare_axes,
    new_figure,
    text_style,
    theme_of,
    write_at,
)

# Inches: panels, between them, around them; of a scale with its labels.
_SIDE, _GAP, _LEFT, _TOP, _LOW, _BAR = 2.9, 0.35, 0.6, 0.5, 0.55, 0.55
_FLATTEST, _TALLEST = 0.3, 1.6
_IN_A_ROW = 3
_DECADES = 6
_TICKS = 5
# Sizes below are drawn as this one.
_NOTHING = 1e-100
_LEVELS = 9
_SPEED = "speed"
SHOWN = ("values", "residual", "error", "surface")


def plot_solution(
    solution: Solution,
    unknown: str | None = None,
    *,
    show: str = "values",
    at: Mapping[Any, float] | None = None,
    streamlines: Sequence[str] | bool | None = None,
    reference: Any = None,
    theme: str = "light",
) -> Figure:
    """Draw a solution: curves over one coordinate, maps over two, maps at three times or on three planes over more;
    surfaces from two sides, at three times where there is time.

    Parameters
    ----------
    solution : Solution
    unknown : str, optional
        Which unknown; all of them by default.
    show : "values", "residual", "error" or "surface"
        What the unknowns are, what the equations miss, or how far they are from the reference; of solids, what the unknowns
        are on the boundary.
    at : mapping of coordinate to float, optional
        Where coordinates stand that are not to run: {"t": 0.5}.
    streamlines : (str, str), optional
        The two velocities of a plane whose streamlines are drawn over their speed; by default those that the equations
        state to have no divergence. False draws none.
    reference : Solution, callable, or mapping of str to callable
        For `show="error"`: another solution, or functions of the coordinates.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Where a name is not known, or the reference is missing.

    Examples
    --------
    >>> from edgewise import pde
    >>> (x,) = pde.coordinates("x")
    >>> v, line = pde.unknown("v", x), pde.box({x: (0, 1)})
    >>> solution = pde.solve(pde.Problem(line, [pde.dx(v, x, 2) == -2], pde.on(line.boundary["walls"], v == 0)))
    >>> len(plot_solution(solution).axes)
    1
    """
    check_is(solution, Solution, "solution", "a Solution")
    look = theme_of(theme)
    check_choice(show, "show", SHOWN)
    domain = solution.problem.domain
    shape = domain.shape if isinstance(domain, SpaceTime) else domain
    if isinstance(shape, TriangleSurface) or (show == "surface" and isinstance(shape, Solid)):
        moments = moments_on_surface(domain, at)
        return plot_on_surface(solution, unknown, show, reference, moments, look, scale, draw_scale_bar)
    if show == "surface":
        raise InputError(
            argument="show",
            expected="be 'values', 'residual' or 'error', for there is no surface",
            got=short(show),
        )
    drawn = quantities(solution, unknown, show, reference)
    seen = views(solution.problem, at)
    flow = None if show != "values" or unknown is not None else _flow(solution, streamlines)
    if flow is not None and len(seen[0].axes) == 2:
        drawn.append(speed(solution, flow))
    if len(seen) == 1:
        panels = [(quantity, seen[0]) for quantity in drawn]
        across = 2 if len(panels) == 4 else _IN_A_ROW
        grid = [panels[n : n + across] for n in range(0, len(panels), across)]
    else:
        grid = [[(quantity, view) for view in seen] for quantity in drawn]
    return _figure(solution, grid, flow, look)


def _flow(solution: Solution, streamlines: Sequence[str] | bool | None) -> tuple[str, str] | None:
    if streamlines is False:
        return None
    if streamlines is None or streamlines is True:
        return velocities(solution.problem)
    given = as_tuple(streamlines, "streamlines", "two velocities")
    names = [check_choice(entry, "streamlines", solution.names) for entry in given]
    space = [coordinate for coordinate in solution.problem.domain.coordinates if not coordinate.time]
    if len(names) != 2 or len(space) != 2:
        raise InputError(
            argument="streamlines",
            expected="be two velocities of a plane",
            got=f"{len(names)} in {len(space)} coordinates of space",
        )
    return names[0], names[1]


def speed(solution: Solution, flow: tuple[str, str]) -> DrawnQuantity:
    """Size of the velocity."""
    u, v = flow
    return DrawnQuantity(
        _SPEED, lambda at: np.hypot(solution.grid(*at, unknown=u), solution.grid(*at, unknown=v))
    )


def _figure(
    solution: Solution,
    grid: Sequence[Sequence[tuple[DrawnQuantity, PanelView]]],
    flow: tuple[str, str] | None,
    look: Theme,
) -> Figure:
    problem = solution.problem
    bounds = problem.domain.bounds
    shared = len(grid[0]) > 1 and grid[0][0][0] is grid[0][1][0]
    tall = _SIDE * max(_ratio(problem, view) for row in grid for _, view in row)
    curves = all(len(view.axes) == 1 for row in grid for _, view in row)
    bar = 0.0 if curves else _BAR
    wide = max(len(row) for row in grid)
    width = _LEFT + wide * (_SIDE + _GAP) + ((wide - 1) * (0.0 if shared else bar + 0.25)) + bar + 0.1
    if curves:
        width += (wide - 1) * 0.4
    height = len(grid) * (_TOP + tall + _LOW)
    figure = new_figure(width, height, look)
    for r, row in enumerate(grid):
        tables = [view.values(quantity, bounds) for quantity, view in row]
        below = height - (r + 1) * (_TOP + tall + _LOW) + _LOW
        left = _LEFT
        image = None
        for n, ((quantity, view), values) in enumerate(zip(row, tables, strict=True)):
            box = (left, below, _SIDE, tall if curves else _SIDE * _ratio(problem, view))
            axes = bare_axes(figure, box, look, grid="both" if curves else "")
            if curves:
                draw_curve(axes, quantity, view, values, problem, look)
                left += _SIDE + _GAP + 0.4
            else:
                moves = flow is not None and quantity.name == _SPEED
                colours = scale(quantity, tables if shared else [values], look)
                image = draw_map(axes, view, values, colours, problem, look, levels=0 if moves else _LEVELS)
                if flow is not None and moves:
                    draw_streamlines(axes, solution, flow, view, look)
                left += _SIDE + _GAP
                if not shared or n == len(row) - 1:
                    draw_scale_bar(figure, image, (left - 0.2, below, box[3]), look)
                    left += 0.0 if shared else bar + 0.25
            if not shared or n == 0 or len({view.axes for _, view in row}) > 1:
                axes.set_ylabel(_label(view, problem, quantity), **text_style(look, SIZE_SMALL, look.muted))
            words = title(quantity, view, problem)
            write_at(figure, box[0], height - (below + box[3]) - 0.22, words, text_style(look, SIZE_TITLE))
    return figure


def _ratio(problem: Problem, view: PanelView) -> float:
    """Height of a panel over its width: true to scale where both coordinates are of space."""
    if len(view.axes) == 1:
        return 0.65
    if any(problem.domain.coordinates[axis].time for axis in view.axes):
        return 0.8
    spans = [problem.domain.bounds[axis][1] - problem.domain.bounds[axis][0] for axis in view.axes]
    return float(np.clip(spans[1] / spans[0], _FLATTEST, _TALLEST))


def _label(view: PanelView, problem: Problem, quantity: DrawnQuantity) -> str:
    return problem.domain.coordinates[view.axes[1]].name if len(view.axes) == 2 else quantity.name


def draw_curve(
    axes: Axes, quantity: DrawnQuantity, view: PanelView, values: Floats, problem: Problem, look: Theme
) -> None:
    """A quantity over one coordinate."""
    places = view.places(problem.domain.bounds)[view.axes[0]]
    axes.plot(
        places,
        np.maximum(values, _NOTHING) if quantity.logarithmic else values,
        color=look.numeric,
        linewidth=1.6,
    )
    axes.locator_params(nbins=_TICKS)
    if quantity.logarithmic:
        axes.set_yscale("log")
    axes.set_xlabel(problem.domain.coordinates[view.axes[0]].name, **text_style(look, SIZE_SMALL, look.muted))


def scale(
    quantity: DrawnQuantity, tables: Sequence[Floats], look: Theme
) -> tuple[Normalize, LinearSegmentedColormap]:
    """Colours of values: two of them where values have both signs, powers of ten of what is a size."""
    low = min(float(np.nanmin(table)) for table in tables)
    high = max(float(np.nanmax(table)) for table in tables)
    if quantity.logarithmic:
        top = max(high, _NOTHING)
        colours = LinearSegmentedColormap.from_list("edgewise", [look.ground, look.symbolic])
        return LogNorm(max(low, top * 10.0**-_DECADES), top * 1.0000001), colours
    both = low < 0 < high and min(-low, high) > 1e-9 * max(-low, high)
    top = max(abs(low), abs(high), 1e-300)
    shades = [look.symbolic, look.ground, look.numeric] if both else [look.ground, look.numeric]
    colours = LinearSegmentedColormap.from_list("edgewise", shades)
    if high - low <= 1e-12 * top:
        return Normalize(low - 0.5 * top, high + 0.5 * top), colours
    return (Normalize(-top, top) if both else Normalize(low, high)), colours


def draw_map(
    axes: Axes,
    view: PanelView,
    values: Floats,
    colours: tuple[Normalize, LinearSegmentedColormap],
    problem: Problem,
    look: Theme,
    levels: int = _LEVELS,
) -> Any:
    """A quantity over two coordinates, with lines of equal value."""
    right, up = view.axes
    norm, shades = colours
    logarithmic = isinstance(norm, LogNorm)
    bounds = problem.domain.bounds
    image = axes.imshow(
        (np.maximum(values, norm.vmin or 0.0) if logarithmic else values).T,
        origin="lower",
        extent=(*bounds[right], *bounds[up]),
        aspect="auto",
        cmap=shades,
        norm=norm,
        interpolation="bilinear" if np.isfinite(values).all() else "nearest",
    )
    places = view.places(bounds, len(values))
    spread = float(np.nanmax(values) - np.nanmin(values))
    # What lies below the scale of the colours is rounding.
    least = 1e-9 * max(float(np.nanmax(np.abs(values))), (norm.vmax or 0.0) - (norm.vmin or 0.0))
    if levels and not logarithmic and spread > least:
        axes.contour(places[right], places[up], values.T, levels=levels, colors=[look.muted], linewidths=0.4)
    axes.locator_params(nbins=_TICKS)
    axes.set_xlabel(problem.domain.coordinates[right].name, **text_style(look, SIZE_SMALL, look.muted))
    return image


def draw_streamlines(
    axes: Axes, solution: Solution, flow: tuple[str, str], view: PanelView, look: Theme
) -> None:
    """Lines along two velocities."""
    bounds = solution.problem.domain.bounds
    places = view.places(bounds, 101)
    right, up = view.axes
    along, across = (
        view.values(DrawnQuantity(name, lambda at, item=name: solution.grid(*at, unknown=item)), bounds, 101)
        for name in flow
    )
    lines = axes.streamplot(
        places[right],
        places[up],
        along.T,
        across.T,
        color=look.ink,
        linewidth=0.6,
        arrowsize=0.6,
        density=1.1,
    )
    lines.lines.set_alpha(0.8)
    axes.set_xlim(*bounds[right])
    axes.set_ylim(*bounds[up])


def draw_scale_bar(figure: Figure, image: Any, place: tuple[float, float, float], look: Theme) -> None:
    """The scale of an image's colours, by its left end, low end and height."""
    left, below, tall = place
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, below / height, 0.12 / width, tall / height))
    figure.colorbar(image, cax=axes).outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    axes.tick_params(length=0, labelsize=SIZE_SMALL, labelcolor=look.muted)
    axes.minorticks_off()
