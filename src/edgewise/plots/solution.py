"""Solutions of differential equations: curves, maps, and maps at a few times."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from edgewise._core.checks import check_choice
from edgewise._core.errors import InputError
from edgewise.pde import Solution
from edgewise.plots.style import SIZE_SMALL, SIZE_TITLE, bare_axes, new_figure, text_style, theme_of, write_at

_PLACES = 241
_SIDE = 2.9
_SLICES = 3


def plot_solution(solution: Solution, unknown: str | None = None, *, theme: str = "light") -> Figure:
    """Draw an unknown: a curve over one coordinate, a map over two, maps at three times over two and time.

    Parameters
    ----------
    solution : Solution
    unknown : str, optional
        Which unknown; not needed where there is one.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Where the unknown is not known, or depends on three coordinates of space.

    Examples
    --------
    >>> from edgewise import pde
    >>> (x,) = pde.coordinates("x")
    >>> v, line = pde.unknown("v", x), pde.box({x: (0, 1)})
    >>> solution = pde.solve(pde.Problem(line, [pde.dx(v, x, 2) == -2], pde.on(line.boundary["walls"], v == 0)))
    >>> len(plot_solution(solution).axes)
    1
    """
    look = theme_of(theme, "plot_solution")
    names = solution.names
    name = (
        names[0]
        if unknown is None and len(names) == 1
        else check_choice(unknown, "unknown", names, of="plot_solution")
    )
    domain = solution.problem.domain
    at = [np.linspace(low, high, _PLACES) for low, high in domain.bounds]
    labels = [each.name for each in domain.coordinates]
    small = text_style(look, SIZE_SMALL, look.muted)
    if len(at) == 1:
        figure = new_figure(_SIDE + 0.9, _SIDE, look)
        axes = bare_axes(figure, (0.6, 0.5, _SIDE, _SIDE - 1.0), look, grid="both")
        axes.plot(at[0], solution.grid(*at, unknown=name), color=look.numeric, linewidth=1.6)
        axes.set_xlabel(labels[0], **small)
        write_at(figure, 0.6, 0.25, f"{name}({labels[0]})", text_style(look, SIZE_TITLE))
        return figure
    across = domain.time if domain.time is not None and len(at) == 3 else None
    if len(at) > 2 and across is None:
        raise InputError(
            "plot_solution draws functions of one or two coordinates of space, and time. Got three of space; draw "
            "solution.grid(...) on a plane of your choice."
        )
    slices = [None] if across is None else list(np.linspace(*domain.bounds[across], _SLICES))
    figure = new_figure(len(slices) * (_SIDE + 0.35) + 1.3, _SIDE + 1.0, look)
    maps = []
    for time in slices:
        places = [np.array([time]) if axis == across else each for axis, each in enumerate(at)]
        values = solution.grid(*places, unknown=name)
        maps.append(values if across is None else np.take(values, 0, axis=across))
    # Time runs to the right, as in books.
    turn = across is None and domain.time == 1
    shown = [n for n in range(len(at)) if n != across]
    right, up = (shown[1], shown[0]) if turn else (shown[0], shown[1])
    low, high = min(float(np.nanmin(m)) for m in maps), max(float(np.nanmax(m)) for m in maps)
    bar = max(abs(low), abs(high), 1e-300)
    both = low < 0 < high
    colours = LinearSegmentedColormap.from_list(
        "edgewise", [look.symbolic, look.ground, look.numeric] if both else [look.ground, look.numeric]
    )
    image = None
    for n, (time, values) in enumerate(zip(slices, maps, strict=True)):
        axes = bare_axes(figure, (0.6 + n * (_SIDE + 0.35), 0.5, _SIDE, _SIDE), look)
        image = axes.imshow(
            values if turn else values.T,
            origin="lower",
            extent=(*domain.bounds[right], *domain.bounds[up]),
            aspect="auto",
            cmap=colours,
            vmin=-bar if both else low,
            vmax=bar if both else high,
            interpolation="bilinear",
        )
        axes.contour(
            at[right], at[up], values if turn else values.T, levels=9, colors=[look.muted], linewidths=0.4
        )
        axes.set_xlabel(labels[right], **small)
        if n == 0:
            axes.set_ylabel(labels[up], **small)
        words = f"{name}" if time is None or across is None else f"{name} at {labels[across]} = {time:.3g}"
        write_at(figure, 0.6 + n * (_SIDE + 0.35), 0.25, words, text_style(look, SIZE_TITLE))
    assert image is not None
    width, height = figure.get_size_inches()
    scale = figure.add_axes(
        ((0.7 + len(slices) * (_SIDE + 0.35) - 0.2) / width, 0.5 / height, 0.12 / width, _SIDE / height)
    )
    figure.colorbar(image, cax=scale).outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    scale.tick_params(length=0, labelsize=SIZE_SMALL, labelcolor=look.muted)
    return figure
