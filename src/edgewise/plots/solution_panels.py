"""What drawings of solutions show: curves and maps over one or two coordinates, the others at places of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from edgewise._core.arguments import as_mapping
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice, check_float, short
from edgewise._core.errors import InputError
from edgewise.pde import Problem, Solution
from edgewise.pde.problem.jets import compile_equations

_PLACES = 201
_SLICES = 3


@dataclass(frozen=True, eq=False)
class DrawnQuantity:
    """Something to draw, by its values on grids.

    Attributes
    ----------
    name : str
    grid : callable
        One array of places for each coordinate -> values on the grid of all combinations, nan outside the domain.
    logarithmic : bool
        Sizes, to be drawn as powers of ten.
    """

    name: str
    grid: Callable[[Sequence[Floats]], Floats]
    logarithmic: bool = False


@dataclass(frozen=True, eq=False)
class PanelView:
    """One or two coordinates that run, and where the others stand."""

    axes: tuple[int, ...]
    fixed: tuple[tuple[int, float], ...]

    def places(self, bounds: Sequence[tuple[float, float]], count: int = _PLACES) -> list[Floats]:
        """Places of every coordinate."""
        held = dict(self.fixed)
        return [
            np.array([held[axis]]) if axis in held else np.linspace(*bounds[axis], count)
            for axis in range(len(bounds))
        ]

    def values(
        self, quantity: DrawnQuantity, bounds: Sequence[tuple[float, float]], count: int = _PLACES
    ) -> Floats:
        """Values, first along what is drawn to the right."""
        table = quantity.grid(self.places(bounds, count))
        table = table.squeeze(tuple(axis for axis, _ in self.fixed))
        return table.T if len(self.axes) == 2 and self.axes[0] > self.axes[1] else table


def quantities(solution: Solution, unknown: str | None, show: str, reference: Any) -> list[DrawnQuantity]:
    """What is to be drawn."""
    if show == "residual":
        return _residuals(solution)
    names = [unknown] if unknown is not None else list(solution.names)
    for name in names:
        check_choice(name, "unknown", solution.names)
    made = [_values(solution, name) for name in names]
    if show == "values":
        return made
    known = references(reference, names)
    return [
        DrawnQuantity(f"error of {name}", _apart(own, known[name]), logarithmic=True)
        for name, own in zip(names, made, strict=True)
    ]


def _values(solution: Solution, name: str) -> DrawnQuantity:
    return DrawnQuantity(name, lambda at: solution.grid(*at, unknown=name))


def references(
    reference: Any, names: Sequence[str], *, at_places: bool = False
) -> dict[str, Callable[..., Any]]:
    """What errors are drawn from, one function of the coordinates an unknown: on grids, or at places."""
    if isinstance(reference, Solution):
        if at_places:
            return {name: partial(reference, unknown=name) for name in names}
        return {name: _on_grid(reference, name) for name in names}
    found = reference if isinstance(reference, Mapping) else {names[0]: reference}
    if set(found) < set(names) or not all(callable(found[name]) for name in names):
        raise InputError(
            argument="reference",
            expected="be another solution, or a function of the coordinates for each unknown",
            got=short(reference),
        )
    return dict(found)


def _on_grid(solution: Solution, name: str) -> Callable[..., Any]:
    return lambda *mesh: solution.grid(
        *(np.moveaxis(part, axis, 0).reshape(part.shape[axis], -1)[:, 0] for axis, part in enumerate(mesh)),
        unknown=name,
    )


def _apart(own: DrawnQuantity, reference: Callable[..., Any]) -> Callable[[Sequence[Floats]], Floats]:
    return lambda at: np.abs(own.grid(at) - reference(*np.meshgrid(*at, indexing="ij")))


def _residuals(solution: Solution) -> list[DrawnQuantity]:
    """What each equation misses."""
    problem = solution.problem
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]

    def of(residual: Any) -> Callable[[Sequence[Floats]], Floats]:
        compiled = compile_equations([residual], problem.fields, symbols)

        def grid(at: Sequence[Floats]) -> Floats:
            mesh = np.meshgrid(*at, indexing="ij")
            jets = [solution.pieces.grid(f, list(at), orders) for f, orders in compiled.jets]
            return np.abs(compiled.residuals(mesh, jets)[0])

        return grid

    many = len(problem.equations) > 1
    return [
        DrawnQuantity(
            f"residual of equation {n + 1}" if many else "residual", of(equation.residual), logarithmic=True
        )
        for n, equation in enumerate(problem.equations)
    ]


def views(problem: Problem, at: Mapping[Any, float] | None) -> list[PanelView]:
    """Which coordinates run: all of one or two; of more, planes through the middle or times from start to end."""
    domain = problem.domain
    names = [coordinate.name for coordinate in domain.coordinates]
    held: dict[int, float] = {}
    for key, value in as_mapping(at, "at", "coordinates to places").items():
        axis = names.index(check_choice(getattr(key, "name", key), "at", names))
        low, high = domain.bounds[axis]
        held[axis] = check_float(value, "at", low=low, high=high)
    free = [axis for axis in range(len(names)) if axis not in held]
    if not free:
        raise InputError(argument="at", expected="leave one or two coordinates free")
    if len(free) > 3:
        clock = domain.time if domain.time in free else free[-1]
        assert clock is not None
        held[clock] = domain.bounds[clock][1]
        free.remove(clock)
    fixed = tuple(held.items())
    if len(free) <= 2:
        # Time runs to the right, as in books.
        ordered = sorted(free, key=lambda axis: not domain.coordinates[axis].time)
        return [PanelView(tuple(ordered), fixed)]
    if domain.time in free:
        rest = tuple(axis for axis in free if axis != domain.time)
        times = np.linspace(*domain.bounds[domain.time], _SLICES)
        return [PanelView(rest, (*fixed, (domain.time, float(time)))) for time in times]
    return [
        PanelView(
            tuple(item for item in free if item != axis),
            (*fixed, (axis, float(np.mean(domain.bounds[axis])))),
        )
        for axis in reversed(free)
    ]


def title(quantity: DrawnQuantity, view: PanelView, problem: Problem) -> str:
    """What a panel shows, and where."""
    names = [coordinate.name for coordinate in problem.domain.coordinates]
    where = ", ".join(f"{names[axis]} = {value:.3g}" for axis, value in view.fixed)
    return f"{quantity.name} at {where}" if where else quantity.name
