"""Solutions on surfaces, and on those of solids, from two sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import check_choice
from edgewise.pde import Solution
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.results.simplex_pieces import SimplexPieces, skin
from edgewise.plots.solution_panels import DrawnQuantity, references
from edgewise.plots.style import SIZE_TITLE, Theme, new_figure, text_style, write_at

# Inches: one look at it, the scale, above.
_SIDE, _BAR, _TOP = 3.0, 0.9, 0.35
_ELEVATION, _SIDES = 25.0, (-60.0, 120.0)
_LIGHT, _DARKEST = np.array([0.3, -0.4, 0.866]), 0.78
# About so many triangles are drawn.
_TRIANGLES = 20_000

Valued = Callable[[Ints, Floats, Floats], Floats]


def plot_on_surface(
    solution: Solution,
    unknown: str | None,
    show: str,
    reference: Any,
    look: Theme,
    scale: Callable[..., Any],
    bar: Callable[..., None],
) -> Figure:
    """A row for each quantity: the surface as seen from two sides, and the scale of its colours.

    Parameters
    ----------
    solution : Solution
    unknown : str or None
    show : "values", "residual", "error" or "surface"
    reference : Solution, callable, mapping or None
    look : Theme
    scale, bar : callable
        That give a quantity its colours, and draw their scale.
    """
    pieces = solution.pieces
    assert isinstance(pieces, SimplexPieces)
    made = _quantities(solution, pieces, unknown, show, reference)
    element, local, places = skin(pieces.mesh, _TRIANGLES)
    tall = _TOP + _SIDE
    figure = new_figure(2 * _SIDE + _BAR, len(made) * tall, look)
    wide, high = figure.get_size_inches()
    middle = (places.min((0, 1)) + places.max((0, 1))) / 2
    half = np.ptp(places.reshape(-1, 3), axis=0).max() / 2
    shade = _shade(places)[:, None]
    for row, (name, logarithmic, valued) in enumerate(made):
        below = high - (row + 1) * tall
        flat = np.repeat(element, 3), local.reshape(-1, local.shape[2]), places.reshape(-1, 3)
        values = valued(*flat).reshape(-1, 3).mean(1)
        quantity = DrawnQuantity(name, lambda at: np.zeros(0), logarithmic)
        norm, shades = scale(quantity, [np.maximum(values, 1e-300) if logarithmic else values], look)
        image = ScalarMappable(norm, shades)
        colours = np.array(image.to_rgba(np.maximum(values, norm.vmin) if logarithmic else values))
        colours[:, :3] *= shade
        for n, azimuth in enumerate(_SIDES):
            place = (n * _SIDE / wide, below / high, _SIDE / wide, _SIDE / high)
            axes: Any = figure.add_axes(place, projection="3d")
            # Edges of the same colour close the gaps between triangles.
            # Thousands of paths would make pages slow: they are one picture in an SVG.
            axes.add_collection3d(
                Poly3DCollection(
                    places, facecolors=colours, edgecolors=colours, linewidths=0.3, rasterized=True
                )
            )
            for axis, at in zip("xyz", middle, strict=True):
                getattr(axes, f"set_{axis}lim")(at - 0.75 * half, at + 0.75 * half)
            axes.set_box_aspect((1, 1, 1))
            axes.view_init(_ELEVATION, azimuth)
            axes.set_axis_off()
            axes.patch.set_alpha(0.0)
        bar(figure, image, (2 * _SIDE, below + 0.3, _SIDE - 0.6), look)
        write_at(figure, 0.15, (row + 1) * tall - _SIDE - 0.12, name, text_style(look, SIZE_TITLE))
    return figure


def _shade(places: Floats) -> Floats:
    """How bright triangles are in a light from above."""
    across = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    length = np.maximum(np.linalg.norm(across, axis=1), 1e-300)
    return _DARKEST + (1 - _DARKEST) * np.abs(across @ _LIGHT) / length


def _quantities(
    solution: Solution, pieces: SimplexPieces, unknown: str | None, show: str, reference: Any
) -> list[tuple[str, bool, Valued]]:
    """Name, whether powers of ten are drawn, and values by element, weights and place."""
    problem = solution.problem
    if show == "residual":
        symbols = [each.tree for each in problem.domain.coordinates]
        found: list[tuple[str, bool, Valued]] = []
        for n, each in enumerate(problem.equations):
            compiled = compile_equations([each.residual], problem.fields, symbols)

            def missed(element: Ints, local: Floats, at: Floats, compiled: Any = compiled) -> Floats:
                jets = [pieces.at(f, element, local, orders) for f, orders in compiled.jets]
                return np.abs(compiled.residuals(list(at.T), jets)[0])

            many = len(problem.equations) > 1
            found.append((f"residual of equation {n + 1}" if many else "residual", True, missed))
        return found
    names: Sequence[str] = solution.names if unknown is None else [unknown]
    for name in names:
        check_choice(name, "unknown", solution.names, of="plot_solution")

    def value(name: str) -> Valued:
        f = solution.names.index(name)
        return lambda element, local, at: pieces.at(f, element, local, (0, 0, 0))

    if show != "error":
        return [(name, False, value(name)) for name in names]
    known = references(reference, names, at_places=True)

    def apart(name: str) -> Valued:
        own = value(name)
        return lambda element, local, at: np.abs(own(element, local, at) - known[name](*at.T))

    return [(f"error of {name}", True, apart(name)) for name in names]
