"""Solutions as VTK files: what a grid is given, and one sentence without pyvista."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import ClassVar
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import trimesh

from edgewise import FileError, InputError, pde
from tests.pde.problem_set import kovasznay


class Grid:
    """As pyvista's, as far as it is used: places of each coordinate, and values by name."""

    made: ClassVar[list[Grid]] = []

    def __init__(self, *places):
        self.places, self.point_data = places, {}
        self.made.append(self)

    def save(self, path):
        with open(path, "w") as file:
            file.write("grid")


@pytest.fixture
def grids(monkeypatch):
    monkeypatch.setattr(Grid, "made", [])
    monkeypatch.setitem(sys.modules, "pyvista", SimpleNamespace(RectilinearGrid=Grid))
    return Grid.made


@pytest.mark.slow
def test_values_and_velocities_with_the_first_coordinate_fastest(grids, tmp_path):
    solution = pde.solve(kovasznay()[0], 1e-2)
    assert solution.to_vtk(tmp_path / "k.vtr", points=5) == (tmp_path / "k.vtr",)
    (grid,) = grids
    x, y = grid.places
    assert grid.point_data["u"][1] == pytest.approx(solution(x[1], y[0], unknown="u"))
    assert grid.point_data["velocity"][7] == pytest.approx(
        [solution(x[2], y[1], unknown="u"), solution(x[2], y[1], unknown="v"), 0]
    )


def test_a_file_for_each_time(grids, tmp_path):
    (x,), t = pde.coordinates("x"), pde.time()
    u, rod = pde.unknown("u", x, t), pde.box({x: (0, 1), t: (0, 0.1)}, periodic=x)
    start = pde.on(rod.boundary["start"], u == pde.sin(2 * pde.pi * x))
    solution = pde.solve(pde.Problem(rod, [pde.dx(u, t) == pde.dx(u, x, 2)], start), 1e-2)
    first, *files = solution.to_vtk(tmp_path / "rod.pvd", points=9, times=3)
    entries = list(ET.parse(first).getroot().iter("DataSet"))
    assert [float(entry.get("timestep")) for entry in entries] == [0, 0.05, 0.1]
    assert [tmp_path / entry.get("file") for entry in entries] == files
    assert all(file.exists() for file in files)
    assert np.allclose(grids[2].point_data["u"], solution(grids[2].places[0], 0.1))
    for path, error in (("rod.vtr", InputError), ("none/rod.pvd", FileError)):
        with pytest.raises(error):
            solution.to_vtk(tmp_path / path)


class Triangles(Grid):
    @classmethod
    def from_regular_faces(cls, places, faces):
        return cls(places, faces)


def test_surfaces_through_time_have_a_file_for_each_time(monkeypatch, grids, tmp_path):
    x, y, z = pde.coordinates("x", "y", "z")
    t = pde.time()
    w = pde.unknown("w", x, y, z, t)
    ball = pde.surface(trimesh.creation.icosphere(subdivisions=0), (x, y, z)).during({t: (0, 0.1)})
    problem = pde.Problem(ball, [pde.dt(w) == -w], pde.on(ball.boundary["start"], w == z))
    solution = pde.solve(problem, 1e-2)
    monkeypatch.setitem(sys.modules, "pyvista", SimpleNamespace(RectilinearGrid=Grid, PolyData=Triangles))
    first, *files = solution.to_vtk(tmp_path / "ball.pvd", times=2)
    assert [file.name for file in files] == ["ball_0000.vtp", "ball_0001.vtp"]
    assert all(file.exists() for file in files)
    assert len(list(ET.parse(first).getroot().iter("DataSet"))) == 2
    for grid, fall in zip(grids, (1, np.exp(-0.1)), strict=True):
        assert np.allclose(grid.point_data["w"], fall * grid.places[0][:, 2], atol=1e-2)


def test_without_pyvista_it_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyvista", None)
    (x,) = pde.coordinates("x")
    u, line = pde.unknown("u", x), pde.box({x: (0, 1)})
    solution = pde.solve(pde.Problem(line, [pde.dx(u, x, 2) == 0], pde.on(line.boundary["walls"], u == 1)))
    with pytest.raises(InputError, match=r"edgewise\[vtk\]"):
        solution.to_vtk(tmp_path / "a.vtr")
