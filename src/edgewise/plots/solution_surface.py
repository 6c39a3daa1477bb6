"""Solutions on surfaces, and on those of solids, from two sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import check_choice, check_float, short
from edgewise._core.errors import InputError
from edgewise.pde import Solution, SpaceTime
from edgewise.pde.discretisation.simplices import skin
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.mesh_slabs import MeshSlabs
from edgewise.plots.solution_panels import DrawnQuantity, references
from edgewise.plots.style import SIZE_TITLE, Theme, new_figure, text_style, write_at

# Inches: one look at it, the scale, above.
_SIDE, _BAR, _TOP = 3.0, 0.9, 0.35
_ELEVATION, _SIDES = 25.0, (-60.0, 120.0)
_LIGHT, _DARKEST = np.array([0.3, -0.4, 0.866]), 0.78
# About so many triangles are drawn.
_TRIANGLES = 20_000
_TIMES = 3

Valued = Callable[[Ints, Floats, Floats], Floats]


def plot_on_surface(
    solution: Solution,
    unknown: str | None,
    show: str,
    reference: Any,
    moments: Sequence[float | None],
    look: Theme,
    scale: Callable[..., Any],
    bar: Callable[..., None],
) -> Figure:
    """A row for each quantity and time: the surface as seen from two sides, and the scale of its colours.

    Parameters
    ----------
    solution : Solution
    unknown : str or None
    show : "values", "residual", "error" or "surface"
    reference : Solution, callable, mapping or None
    moments : sequence of float or None
        The times, or None alone where there is none.
    look : Theme
    scale, bar : callable
        That give a quantity its colours, and draw their scale.
    """
    pieces = solution.pieces
    assert isinstance(pieces, MeshPieces | MeshSlabs)
    quantities = [_quantities(solution, pieces, unknown, show, reference, item) for item in moments]
    made = [own for item in zip(*quantities, strict=True) for own in item]
    element, local, places = skin(pieces.mesh, _TRIANGLES)
    flat = np.repeat(element, 3), local.reshape(-1, local.shape[2]), places.reshape(-1, 3)
    tables = [valued(*flat).reshape(-1, 3).mean(1) for _, _, valued in made]
    tall = _TOP + _SIDE
    figure = new_figure(2 * _SIDE + _BAR, len(made) * tall, look)
    wide, high = figure.get_size_inches()
    middle = (places.min((0, 1)) + places.max((0, 1))) / 2
    half = np.linalg.norm(places - middle, axis=-1).max()
    shade = _shade(places)[:, None]
    for row, (name, logarithmic, _) in enumerate(made):
        below = high - (row + 1) * tall
        values = tables[row]
        quantity = DrawnQuantity(name, lambda at: np.zeros(0), logarithmic)
        # All times of a quantity have the same colours.
        first = row - row % len(moments)
        together = tables[first : first + len(moments)]
        norm, shades = scale(
            quantity, [np.maximum(table, 1e-300) if logarithmic else table for table in together], look
        )
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
        moment, clock = moments[row % len(moments)], solution.problem.domain.coordinates[-1].name
        words = name if moment is None else f"{name} at {clock} = {moment:.3g}"
        write_at(figure, 0.15, (row + 1) * tall - _SIDE - 0.12, words, text_style(look, SIZE_TITLE))
    return figure


def moments_on_surface(domain: Any, at: Mapping[Any, float] | None) -> list[float | None]:
    """The times at which a surface is drawn: start, middle and end, or where `at` holds it."""
    if not isinstance(domain, SpaceTime):
        if at:
            raise InputError(argument="at", expected="be left out for surfaces", got=short(at))
        return [None]
    given = {getattr(key, "name", key): value for key, value in dict(at or {}).items()}
    if set(given) - {domain.clock.name}:
        raise InputError(
            argument="at",
            expected=f"hold the time of surfaces alone, {{'{domain.clock.name}': 0.5}}",
            got=short(at),
        )
    low, high = domain.span
    if given:
        return [check_float(given[domain.clock.name], "at", low=low, high=high)]
    return [float(value) for value in np.linspace(low, high, _TIMES)]


def _shade(places: Floats) -> Floats:
    """How bright triangles are in a light from above."""
    across = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
    length = np.maximum(np.linalg.norm(across, axis=1), 1e-300)
    return _DARKEST + (1 - _DARKEST) * np.abs(across @ _LIGHT) / length


def _quantities(
    solution: Solution,
    pieces: MeshPieces | MeshSlabs,
    unknown: str | None,
    show: str,
    reference: Any,
    moment: float | None,
) -> list[tuple[str, bool, Valued]]:
    """Name, whether powers of ten are drawn, and values by element, weights and place."""
    problem = solution.problem

    def on(f: int, element: Ints, local: Floats, orders: Sequence[int]) -> Floats:
        if isinstance(pieces, MeshSlabs):
            return pieces.at(f, element, local, np.full(len(element), moment), orders)
        return pieces.at(f, element, local, orders)

    def places(at: Floats) -> list[Floats]:
        return [*at.T, *([] if moment is None else [np.full(len(at), moment)])]

    still = (0,) * len(problem.domain.coordinates)
    if show == "residual":
        symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
        found: list[tuple[str, bool, Valued]] = []
        for n, equation in enumerate(problem.equations):
            compiled = compile_equations([equation.residual], problem.fields, symbols)

            def missed(element: Ints, local: Floats, at: Floats, compiled: Any = compiled) -> Floats:
                jets = [on(f, element, local, orders) for f, orders in compiled.jets]
                return np.abs(compiled.residuals(places(at), jets)[0])

            many = len(problem.equations) > 1
            found.append((f"residual of equation {n + 1}" if many else "residual", True, missed))
        return found
    names: Sequence[str] = solution.names if unknown is None else [unknown]
    for name in names:
        check_choice(name, "unknown", solution.names)

    def value(name: str) -> Valued:
        f = solution.names.index(name)
        return lambda element, local, at: on(f, element, local, still)

    if show != "error":
        return [(name, False, value(name)) for name in names]
    known = references(reference, names, at_places=True)

    def apart(name: str) -> Valued:
        own = value(name)
        return lambda element, local, at: np.abs(own(element, local, at) - known[name](*places(at)))

    return [(f"error of {name}", True, apart(name)) for name in names]
