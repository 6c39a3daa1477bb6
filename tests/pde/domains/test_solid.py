"""Solids: what files hold, what is wrong with them, patches by name, and the tetrahedra that fill them."""

import numpy as np
import pytest
import trimesh

from edgewise import InputError, pde
from edgewise._core.errors import FileError
from edgewise.pde.domains.facets import distances
from edgewise.pde.domains.tetrahedra import fill

XYZ = pde.coordinates("x", "y", "z")
MAKE = trimesh.creation
NOWHERE = np.zeros((0, 3)), np.zeros(0)


def hollow():
    inner = MAKE.box(extents=(0.5, 0.5, 0.5))
    inner.invert()
    return trimesh.util.concatenate([MAKE.box(), inner])


def turned(mesh):
    mesh = mesh.copy()
    mesh.apply_transform(trimesh.transformations.rotation_matrix(0.7, [1, 2, 3]))
    return mesh


SHAPES = {
    "box": MAKE.box(),
    "cylinder": MAKE.cylinder(1, 3, sections=12),
    "pipe": MAKE.annulus(0.5, 1, 1, sections=16),
    "ball": MAKE.icosphere(subdivisions=1),
    "hollow": hollow(),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), [*((name, "file") for name in SHAPES), ("ball", "mesh")])
def test_tetrahedra_fill_exactly_what_the_facets_bound(name, kind, tmp_path):
    mesh = SHAPES[name]
    source = mesh
    if kind == "file":
        # Seven digits a number: corners in one plane are off it by rounding.
        source = tmp_path / "part.stl"
        mesh = turned(mesh)
        mesh.export(source)
    solid = pde.solid(source, XYZ)
    assert solid.volume == pytest.approx(mesh.volume, rel=1e-6)
    filled = fill(solid, solid.size, *NOWHERE)
    corners = filled.points[filled.simplices]
    volume = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])).sum() / 6
    assert volume == pytest.approx(solid.volume, rel=1e-6)
    # Faces that one tetrahedron has alone are the boundary's triangles, each near a facet of its patch.
    faces = np.sort(filled.simplices[:, [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]].reshape(-1, 3), axis=1)
    faces, counts = np.unique(faces, axis=0, return_counts=True)
    assert counts.max() == 2
    np.testing.assert_array_equal(faces[counts == 1], np.unique(np.sort(filled.sides, axis=1), axis=0))
    facet, apart = distances(filled.points[filled.sides].mean(1), solid.places, solid.facets)
    assert apart.max() < 1e-6 * solid.size
    np.testing.assert_array_equal(solid.patch[facet], filled.part)


@pytest.mark.slow
def test_the_same_facets_give_the_same_tetrahedra():
    solid = pde.solid(SHAPES["ball"], XYZ)
    one, other = (fill(solid, 2.0, np.zeros((1, 3)), np.array([0.3])) for _ in range(2))
    np.testing.assert_array_equal(one.points, other.points)
    np.testing.assert_array_equal(one.simplices, other.simplices)


@pytest.mark.parametrize("kind", ["stl", "obj", "ply", "off"])
def test_files_of_each_kind_hold_the_same_solid(kind, tmp_path):
    SHAPES["pipe"].export(tmp_path / f"part.{kind}")
    solid = pde.solid(tmp_path / f"part.{kind}", XYZ, scale=2.0)
    assert len(solid.facets) == len(SHAPES["pipe"].faces)
    assert solid.volume == pytest.approx(8 * SHAPES["pipe"].volume, rel=1e-6)


def test_text_stl_is_read_like_binary(tmp_path):
    SHAPES["box"].export(tmp_path / "part.stl", file_type="stl_ascii")
    assert pde.solid(tmp_path / "part.stl", XYZ).volume == pytest.approx(1.0)


def test_patches_have_names_by_places_and_directions():
    solid = pde.solid(
        SHAPES["pipe"], XYZ, names={"bore": (0.5, 0, 0), "ends": ["+z", "-z"], "shell": (1, 0, 0.2)}
    )
    assert set(solid.boundary) >= {"bore", "ends", "shell", "walls", "patch 1"}
    assert len(solid.boundary["ends"].faces) == 2
    assert "rest" not in tuple(solid.boundary)
    smooth = pde.solid(SHAPES["ball"], XYZ)
    assert smooth.names == ("patch 1",)
    assert len(pde.solid(SHAPES["ball"], XYZ, angle=5.0).names) == len(SHAPES["ball"].faces)


def test_places_are_inside_where_the_surface_goes_around_them():
    solid = pde.solid(SHAPES["hollow"], XYZ)
    at = np.random.default_rng(0).uniform(-0.7, 0.7, (500, 3))
    most = np.abs(at).max(1)
    np.testing.assert_array_equal(solid.contains(at), (most < 0.5) & (most > 0.25))
    assert solid.bounds == ((-0.5, 0.5),) * 3


def test_the_sagitta_is_about_how_far_facets_are_off_the_ball():
    # Facets of a unit ball are off it by 1 minus the distance of their middles.
    for mesh in (MAKE.icosphere(subdivisions=2), MAKE.icosphere(subdivisions=3)):
        off = 1 - np.linalg.norm(mesh.triangles_center, axis=1).min()
        assert 0.7 * off < pde.solid(mesh, XYZ).sagitta < 1.5 * off
    cylinder = pde.solid(MAKE.cylinder(1, 3, sections=40), XYZ)
    assert cylinder.sagitta == pytest.approx(1 - np.cos(np.pi / 40), rel=0.05)
    assert pde.solid(SHAPES["box"], XYZ).sagitta == 0


def broken(what):
    mesh = MAKE.box()
    if what == "open":
        mesh.update_faces(np.arange(12) > 0)
    elif what == "one turned":
        mesh.faces[0] = mesh.faces[0][::-1].copy()
    elif what == "inverted":
        mesh.invert()
    elif what == "crossing":
        other = MAKE.box()
        other.apply_translation([0.5, 0.3, 0.2])
        mesh = trimesh.util.concatenate([mesh, other])
    elif what == "two bodies":
        other = MAKE.box()
        other.apply_translation([3, 0, 0])
        mesh = trimesh.util.concatenate([mesh, other])
    elif what == "flat":
        mesh.apply_scale([1, 1, 0])
    elif what == "not finite":
        mesh.vertices[0, 0] = np.nan
    elif what == "empty":
        mesh = trimesh.Trimesh()
    return mesh


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("open", "not watertight: 3 edges"),
        ("one turned", "turned against each other"),
        ("inverted", "point inward"),
        ("crossing", "crosses itself near"),
        ("two bodies", "bounds 2 bodies"),
        ("flat", "More than two facets|no area|watertight|inward"),
        ("not finite", "not finite"),
        ("empty", "no facets"),
    ],
)
def test_a_surface_that_bounds_no_solid_is_told_in_one_sentence(what, said):
    with pytest.raises(InputError, match=said):
        pde.solid(broken(what), XYZ)


@pytest.mark.parametrize("content", [b"", b"solid nothing\nendsolid\n", b"\x00" * 200, b"hello " * 40])
def test_a_file_that_is_none_is_told_in_one_sentence(content, tmp_path):
    path = tmp_path / "part.stl"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"is no STL file with triangles; export"):
        pde.solid(path, XYZ)


def test_other_wrong_arguments_are_told(tmp_path):
    box = SHAPES["box"]
    with pytest.raises(FileError, match="there is no such file"):
        pde.solid(tmp_path / "none.stl", XYZ)
    with pytest.raises(InputError, match=r"end in '.stl'"):
        pde.solid(tmp_path / "part.step", XYZ)
    with pytest.raises(InputError, match="path of a file"):
        pde.solid(3, XYZ)
    with pytest.raises(InputError, match="three coordinates of space"):
        pde.solid(box, XYZ[:2])
    with pytest.raises(InputError, match="scale"):
        pde.solid(box, XYZ, scale=0)
    with pytest.raises(InputError, match=r"lies 4.5 off the boundary"):
        pde.solid(box, XYZ, names={"inlet": (5, 0, 0)})
    with pytest.raises(InputError, match="for one patch"):
        pde.solid(box, XYZ, names={"a": "+x", "b": (0.5, 0, 0)})
    with pytest.raises(InputError, match="must be three numbers"):
        pde.solid(box, XYZ, names={"a": (1, 2)})
    with pytest.raises(InputError, match="must be one of"):
        pde.solid(box, XYZ, names={"a": "up"})
    with pytest.raises(InputError, match="names of its own"):
        pde.solid(box, XYZ, names={"walls": "+x"})
    with pytest.raises(InputError, match="has no part 'inlet'"):
        pde.solid(box, XYZ).boundary["inlet"]


def test_without_the_extra_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "trimesh", None)
    with pytest.raises(InputError, match=r"pip install 'edgewise\[solids\]'"):
        pde.solid("part.stl", XYZ)
