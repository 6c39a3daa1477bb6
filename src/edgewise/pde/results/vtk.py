"""Solutions for ParaView and its like: values on a grid, or on a surface, as VTK files, by pyvista."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice, check_int
from edgewise._core.errors import InputError
from edgewise._core.extras import need
from edgewise._core.files import PathLike, as_path, said_clearly, write_file
from edgewise.pde.discretisation.simplices import skin
from edgewise.pde.problem.problem import Problem, velocities
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.mesh_slabs import MeshSlabs
from edgewise.pde.results.tables import Tables

ONE, SERIES, SURFACE = ".vtr", ".pvd", ".vtp"
# Triangles of a surface that are written, about.
_TRIANGLES = 50_000


def write_vtk(
    problem: Problem,
    pieces: Tables,
    path: PathLike,
    points: int,
    times: int,
) -> tuple[Path, ...]:
    """A solution as one file, or one for each of some times and one that lists them."""
    target = as_path(path)
    domain = problem.domain
    clock = domain.time
    on_surface = domain.on_surface
    one = SURFACE if on_surface else ONE
    ends = one if clock is None else SERIES
    check_choice(target.suffix.lower(), "path", (ends,))
    check_int(points, "points", low=2, high=1000)
    check_int(times, "times", low=1, high=10_000)
    pyvista = need("pyvista", "vtk", "VTK files")
    if clock is None:
        made = (
            _triangles(pyvista, problem, pieces)
            if isinstance(pieces, MeshPieces) and on_surface
            else _grid(pyvista, problem, pieces, points, None)
        )
        return (_saved(made, target),)
    if len(domain.coordinates) == 1:
        raise InputError("Solution.to_vtk needs a coordinate of space; there is time alone.")
    moments = [float(value) for value in np.linspace(*domain.bounds[clock], times)]
    files = [target.with_name(f"{target.stem}_{n:04d}{one}") for n in range(times)]
    for moment, file in zip(moments, files, strict=True):
        if isinstance(pieces, MeshSlabs) and on_surface:
            _saved(_triangles(pyvista, problem, pieces.at_time(moment)), file)
        else:
            _saved(_grid(pyvista, problem, pieces, points, moment), file)
    rows = "".join(
        f'<DataSet timestep="{moment!r}" file="{file.name}"/>'
        for moment, file in zip(moments, files, strict=True)
    )
    text = f'<VTKFile type="Collection" version="0.1"><Collection>{rows}</Collection></VTKFile>'
    write_file(target, text.encode(), overwrite=True)
    return (target, *files)


def _grid(
    pyvista: Any,
    problem: Problem,
    pieces: Tables,
    points: int,
    time: float | None,
) -> Any:
    domain = problem.domain
    at = [
        np.array([time]) if coordinate.time else np.linspace(low, high, points)
        for coordinate, (low, high) in zip(domain.coordinates, domain.bounds, strict=True)
    ]
    space = [a for a, coordinate in zip(at, domain.coordinates, strict=True) if not coordinate.time]
    grid = pyvista.RectilinearGrid(*space)

    def flat(name: str) -> Floats:
        # VTK lets the first coordinate run fastest.
        return np.asarray(pieces.grid(problem.names.index(name), at)).ravel(order="F")

    for name in problem.names:
        grid.point_data[name] = flat(name)
    flow = velocities(problem)
    if flow is not None:
        along, across = (flat(velocity) for velocity in flow)
        grid.point_data["velocity"] = np.stack([along, across, np.zeros_like(along)], axis=1)
    return grid


def _triangles(pyvista: Any, problem: Problem, pieces: MeshPieces) -> Any:
    element, local, places = skin(pieces.mesh, _TRIANGLES)
    numbers = np.arange(3 * len(element)).reshape(-1, 3)
    found = pyvista.PolyData.from_regular_faces(places.reshape(-1, 3), numbers)
    for f, name in enumerate(problem.names):
        found.point_data[name] = pieces.at(f, np.repeat(element, 3), local.reshape(-1, 2), (0, 0, 0))
    return found


def _saved(grid: Any, path: Path) -> Path:
    with said_clearly(path, "written"):
        if not path.parent.is_dir():
            raise FileNotFoundError
        grid.save(str(path))
    return path
