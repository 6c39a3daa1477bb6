"""Domains through time: parts by name, and sentences for what is no time."""

import pytest

from edgewise import InputError, pde

X, Y = pde.coordinates("x", "y")
T = pde.time()
U = pde.unknown("u", X, Y, T)


def test_a_shape_through_time_has_a_start_beside_its_own_parts():
    plate = pde.box({X: (0, 4), Y: (0, 2)}) - pde.disk((X, Y), (1, 1), 0.3, name="pipe")
    domain = plate.during({T: (1, 3)})
    assert set(domain.boundary) == {*plate.boundary, "start", "end"}
    assert domain.bounds == (*plate.bounds, (1, 3))
    assert [coordinate.name for coordinate in domain.coordinates] == ["x", "y", "t"]
    assert domain.boundary["walls"].faces == plate.boundary["walls"].faces


def test_a_box_through_time_is_a_box():
    square = pde.box({X: (0, 1), Y: (0, 2)}, periodic=X)
    one, other = square.during({T: (0, 3)}), pde.box({X: (0, 1), Y: (0, 2), T: (0, 3)}, periodic=X)
    assert isinstance(one, pde.Box)
    assert (one.bounds, one.periodic, one.time) == (other.bounds, other.periodic, 2)
    assert set(one.boundary) == set(other.boundary)
    with pytest.raises(InputError, match="time 't' already"):
        one.during({pde.time("s"): (0, 1)})


@pytest.mark.parametrize(
    ("times", "sentence"),
    [
        (3, "must be a mapping"),
        ({}, "one coordinate made by time"),
        ({X: (0, 1)}, "one coordinate made by time"),
        ({T: (0, 1), pde.time("s"): (0, 1)}, "one coordinate made by time"),
        ({T: (1, 1)}, "to a larger one"),
        ({T: (0, float("inf"))}, "to a larger one"),
        ({T: 3}, "range of t"),
        ({pde.time("x"): (0, 1)}, "another name"),
    ],
)
def test_what_is_no_time_gets_a_sentence(times, sentence):
    with pytest.raises(InputError, match=sentence):
        pde.disk((X, Y)).during(times)
    with pytest.raises(InputError, match="names one of time"):
        pde.disk((X, Y), name="start").during({T: (0, 1)})


def test_derivatives_in_time_find_it():
    assert repr(pde.dt(U)) == repr(pde.dt(U, T)) == repr(pde.dx(U, T))
    assert repr(pde.dt(U, 2)) == repr(pde.dt(U, T, 2)) == repr(pde.dx(U, T, 2))
    both = pde.dt(pde.Vector(U, 2 * U))
    assert [repr(part) for part in both] == [repr(pde.dt(U)), repr(2 * pde.dt(U))]
    for wrong in (X, 3, pde.unknown("w", X)):
        with pytest.raises(InputError):
            pde.dt(wrong)
    with pytest.raises(InputError, match="order"):
        pde.dt(U, 5)


def test_networks_of_products_are_for_boxes():
    domain = pde.disk((X, Y)).during({T: (0, 1)})
    held = [pde.on(domain.boundary["walls"], U == 0), pde.on(domain.boundary["start"], U == 0)]
    with pytest.raises(InputError, match="a shape, a surface or a solid"):
        pde.solve(pde.Problem(domain, [pde.dt(U) == pde.lap(U)], held), road="products")
