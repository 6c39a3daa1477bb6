"""One network of products for the whole box, against closed forms."""

import numpy as np
import pytest

from edgewise import InputError, StopReason, pde
from tests.pde.problem_set import burgers, kovasznay, mixed, poisson, relative


def front():
    """A front that steepens."""
    return burgers(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("make", "tolerance"), [(poisson, 1e-8), (mixed, 1e-7), (front, 1e-4)])
def test_a_sum_of_products_meets_the_closed_form(make, tolerance):
    problem, exact = make()
    solution = pde.solve(problem, tolerance, road="products")
    true = relative(solution, exact)
    assert solution.solved, str(solution)
    assert solution.road == "products"
    assert true <= tolerance
    assert solution.error >= true / 5


def test_the_same_to_the_bit_again():
    problem, _ = poisson()
    one, two = (pde.solve(problem, 1e-6, road="products") for _ in range(2))
    pairs = zip(one.pieces.fields[0], two.pieces.fields[0], strict=True)
    assert all(np.array_equal(a.coefficients, b.coefficients) for a, b in pairs)


@pytest.mark.slow
def test_a_flow_of_three_unknowns_has_networks_of_few_products():
    problem, exact = kovasznay()
    solution = pde.solve(problem, 1e-5, road="products")
    assert solution.solved, str(solution)
    assert all(relative(solution, exact[name], name) <= 1e-5 for name in exact)
    network = solution.network("u", tolerance=1e-4)
    assert network.shape[0] == 2


def test_it_ends_early_with_an_answer():
    problem, _ = front()
    seen = []
    solution = pde.solve(problem, 1e-9, road="products", callbacks=lambda p: seen.append(p) or len(seen) == 3)
    assert solution.stop_reason is StopReason.CALLBACK
    assert len(seen) == 3
    assert all(p.stage == "products" and p.residual > 0 for p in seen)
    assert not solution.solved


def test_few_factors_end_it_and_it_says_so():
    problem, _ = front()
    solution = pde.solve(problem, 1e-9, road="products", config=pde.SolverConfig(most_factors=200))
    assert solution.stop_reason is StopReason.EXHAUSTED
    assert not solution.solved
    assert solution.coefficients <= 200


def test_what_is_no_box_of_two_coordinates_is_refused():
    x, y, z = pde.coordinates("x", "y", "z")
    u, cube = pde.unknown("u", x, y, z), pde.box({x: (0, 1), y: (0, 1), z: (0, 1)})
    solid = pde.Problem(cube, [pde.lap(u) == 1], pde.on(cube.boundary["walls"], u == 0))
    with pytest.raises(InputError, match="a box of 3 coordinates"):
        pde.solve(solid, road="products")
    v, disk = pde.unknown("v", x, y), pde.disk((x, y))
    plate = pde.Problem(disk, [pde.lap(v) == 1], pde.on(disk.boundary["rim"], v == 0))
    with pytest.raises(InputError, match="Got a shape"):
        pde.solve(plate, road="products")
    with pytest.raises(InputError, match="'road' argument"):
        pde.solve(poisson()[0], road="straight")


def test_a_missing_condition_is_told():
    x, y = pde.coordinates("x", "y")
    u, square = pde.unknown("u", x, y), pde.box({x: (0, 1), y: (0, 1)})
    sides = square.boundary["left"] | square.boundary["right"]
    problem = pde.Problem(square, [pde.lap(u) == 1], pde.on(sides, u == 0))
    solution = pde.solve(problem, 1e-4, road="products")
    assert not solution.solved
    assert any("do not determine the unknowns" in warning for warning in solution.warnings)
