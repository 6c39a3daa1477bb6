"""Plane shapes and eigenvalues in TOML files: what Python says, and one sentence for each that is none."""

import numpy as np
import pytest

from edgewise import InputError
from edgewise.pde import Box, Region, SpaceTime, coordinates, disk, ellipse, polygon, problem_from_toml
from edgewise.pde.problem.shape_text import shape_of

X, Y = coordinates("x", "y")
SHAPES = {
    "plate": {"box": [[0, 4], [0, "2"]]},
    "pipe": {"disk": [1, 1], "radius": 0.3},
    "slot": {"ellipse": [3, 1], "radii": [0.5, 0.2], "angle": "pi/6"},
    "gable": {"polygon": [[0.1, 1.5], [3.9, 1.5], [2, 3]], "edges": ["sill", "right slope", "left slope"]},
}
PLATE = """
unknowns = ["w"]
equations = ["lap(w) = 0"]
[domain]
shape = "plate - pipe"
[shapes]
plate = {box = [[0, 4], [0, 2]]}
pipe = {disk = [1, 1], radius = 0.3}
[conditions]
pipe = "w = 1"
outer = "dn(w) + 2*w = 0"
"""


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("pipe", disk((X, Y), (1, 1), 0.3)),
        ("slot", ellipse((X, Y), (3, 1), (0.5, 0.2), angle=np.pi / 6)),
        ("(plate | gable) - pipe - slot", None),
        ("gable & gable", polygon((X, Y), [(0.1, 1.5), (3.9, 1.5), (2, 3)])),
    ],
)
def test_shapes_are_those_of_python(text, made):
    found = shape_of(text, ["x", "y"], SHAPES)
    assert isinstance(found, Region)
    if made is None:
        assert {"pipe", "slot", "left slope", "left", "outer"} <= set(found.boundary)
    else:
        assert np.allclose(found.bounds, made.bounds)
    assert isinstance(shape_of("plate", ["x", "y"], SHAPES), Box)


def test_a_whole_file():
    found = problem_from_toml(PLATE)
    assert set(found.problem.domain.boundary) >= {"pipe", "outer", "left"}
    drum = problem_from_toml(
        'unknowns = ["u"]\nequations = ["-lap(u) = mu*u"]\neigenvalue = "mu"\ncount = 3\n[domain]\nshape = "d"\n'
        '[shapes]\nd = {disk = [0, 0]}\n[conditions]\nwalls = "u = 0"\n'
    )
    assert str(drum.problem.eigenvalue) == "mu"
    assert drum.count == 3


def test_shapes_and_boxes_of_shapes_go_through_time():
    timed = PLATE.replace('shape = "plate - pipe"', 't = [0, "pi"]\nshape = "plate - pipe"')
    timed = timed.replace("[conditions]", '[conditions]\nstart = "w = 0"').replace("lap(w)", "dt(w) + lap(w)")
    domain = problem_from_toml(timed).problem.domain
    assert isinstance(domain, SpaceTime)
    assert domain.span == (0, np.pi)
    assert {"pipe", "outer", "start", "end"} <= set(domain.boundary)
    whole = timed.replace('"plate - pipe"', '"plate"').replace("t = [0", 'time = "s"\ns = [0')
    box = problem_from_toml(whole.replace('pipe = "w = 1"', 'left = "w = 1"').replace("outer", "right"))
    assert isinstance(box.problem.domain, Box)
    assert box.problem.domain.time == 2


@pytest.mark.parametrize(
    ("text", "shapes", "sentence"),
    [
        ("plate - pipes", SHAPES, "did you mean 'pipe'"),
        ("plate + pipe", SHAPES, "names of .shapes. with"),
        ("plate -", SHAPES, "names of .shapes. with"),
        ("plate.area", SHAPES, "names of .shapes. with"),
        ("print(1)", SHAPES, "names of .shapes. with"),
        (3, SHAPES, "must be a text"),
        ("(" * 9000, SHAPES, "names of .shapes. with"),
        ("a", {"a": 3}, "must be one of"),
        ("a", {"a": {"disk": [0, 0], "box": []}}, "must be one of"),
        ("a", {"a": {"disk": [0, 0], "size": 3}}, "means nothing for a disk"),
        ("a", {"a": {"disk": [0]}}, "2 entries"),
        ("a", {"a": {"disk": ["x", 0]}}, "x"),
        ("a", {"a": {"disk": [0, 0], "radius": True}}, "must have numbers"),
        ("a", {"a": {"polygon": 3}}, "lists of numbers"),
        ("a", {"a": {"polygon": [[0, 0], [1, 0], [0, 1]], "edges": 3}}, "list of names"),
        ("a", {"a": {"box": [[0, 1], 2]}}, "2 entries"),
    ],
)
def test_what_is_no_shape_gets_a_sentence(text, shapes, sentence):
    with pytest.raises(InputError, match=sentence):
        shape_of(text, ["x", "y"], shapes)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('shape = "plate - pipe"', 'plane = ["x"]\nshape = "plate"', "two coordinates"),
        ('shape = "plate - pipe"', 'x = [0, 1]\nshape = "plate"', "beside it"),
        ('shape = "plate - pipe"', "x = [0, 1]\ny = [0, 1]", "names which of them"),
        ('shape = "plate - pipe"', 'time = "s"\nshape = "plate"', "must name the coordinate of time"),
        ('shape = "plate - pipe"', 't = 3\nshape = "plate"', "two numbers"),
        ('shape = "plate - pipe"', 't = [1, 0]\nshape = "plate - pipe"', "to a larger one"),
        ('unknowns = ["w"]', 'unknowns = ["w"]\neigenvalue = 3', "must be a name"),
        ('unknowns = ["w"]', 'unknowns = ["w"]\ncount = 0', "count"),
        ('unknowns = ["w"]', 'unknowns = ["w"]\neigenvalue = "x"', "two things"),
    ],
)
def test_files_that_are_none_get_a_sentence(old, new, sentence):
    with pytest.raises(InputError, match=sentence):
        problem_from_toml(PLATE.replace(old, new))
