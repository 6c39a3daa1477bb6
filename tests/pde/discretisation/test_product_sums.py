"""Normal equations in the factors of products, against differences of the residuals themselves."""

import numpy as np
import pytest

from edgewise.fields.quadrature import gauss
from edgewise.pde.discretisation.assembly import Layout, Patch, ReducedAxis
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.discretisation.lift import lift, reductions
from edgewise.pde.discretisation.product_sums import ProductSystem, normal_equations
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.solvers.levels import first_spaces
from tests.pde.problem_set import burgers, kovasznay, poisson


def front():
    """A front that steepens."""
    return burgers(0.05)


def _system(make, degree, intervals):
    problem, _ = make()
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    inside = compile_equations([e.residual for e in problem.equations], problem.fields, symbols)
    conditions = face_conditions(problem).built_in
    spaces = first_spaces(problem.domain.bounds, problem.domain.periodic, (degree, degree), intervals)
    reduced = reductions(spaces, conditions, len(problem.names))
    axes = tuple(tuple(ReducedAxis(*item) for item in zip(spaces, own, strict=True)) for own in reduced)
    lifts = [lift(spaces, own, [c for c in conditions if c.field == f])[0] for f, own in enumerate(reduced)]
    rules = tuple(gauss(space, degree + 1) for space in spaces)
    return ProductSystem(Layout(axes), [Patch(inside, rules)], lifts)


def _apart(flat, like):
    found, at = [], 0
    for own in like:
        found.append(
            tuple(
                flat[(n := at + sum(t.size for t in own[:k])) : n + own[k].size].reshape(own[k].shape)
                for k in (0, 1)
            )
        )
        at += sum(t.size for t in own)
    return tuple(found)


@pytest.mark.parametrize(("make", "degree"), [(front, 3), (poisson, 4), (kovasznay, 3)])
def test_normal_equations_are_those_of_the_jacobian(make, degree):
    system, random = _system(make, degree, 3), np.random.default_rng(0)
    factors = tuple(tuple(random.standard_normal((a.size, 2)) for a in axes) for axes in system.layout.axes)
    flat = np.concatenate([table.ravel() for own in factors for table in own])

    def residuals(at):
        parts = system.linearised(_apart(at, factors))
        return np.concatenate([residual.ravel() for part in parts for residual in part.residuals])

    step = 1e-5
    jacobian = np.array(
        [(residuals(flat + e) - residuals(flat - e)) / (2 * step) for e in step * np.eye(len(flat))]
    ).T
    matrix, gradient = normal_equations(system.linearised(factors), factors)
    scale = np.abs(matrix).max()
    assert np.allclose(matrix, jacobian.T @ jacobian, atol=1e-8 * scale)
    assert np.allclose(gradient, jacobian.T @ residuals(flat), atol=1e-8 * np.abs(gradient).max())
    assert system.objective(factors) == pytest.approx(np.sum(residuals(flat) ** 2), rel=1e-12)


def test_of_one_coordinate_only_its_own_part_is_assembled():
    system, random = _system(front, 3, 4), np.random.default_rng(1)
    factors = tuple(tuple(random.standard_normal((a.size, 3)) for a in axes) for axes in system.layout.axes)
    parts = system.linearised(factors)
    matrix, gradient = normal_equations(parts, factors)
    own, right = normal_equations(parts, factors, (1,))
    first = factors[0][0].size
    assert np.allclose(own, matrix[first:, first:], rtol=1e-12, atol=1e-12 * np.abs(matrix).max())
    assert np.allclose(right, gradient[first:], rtol=1e-12, atol=1e-12 * np.abs(gradient).max())


def test_fields_are_the_sums_of_their_products():
    system, random = _system(poisson, 3, 4), np.random.default_rng(2)
    factors = tuple(tuple(random.standard_normal((a.size, 2)) for a in axes) for axes in system.layout.axes)
    at = [np.linspace(*bounds, 7) for bounds in ((-0.9, 0.9), (-0.8, 0.7))]
    (field,) = system.fields(factors)
    wanted = system.lifted[0].grid(at)
    for one, two in zip(*(table.T for table in factors[0]), strict=True):
        parts = [
            axis.space.design(places) @ (axis.reduction.free @ column)
            for axis, places, column in zip(system.layout.axes[0], at, (one, two), strict=True)
        ]
        wanted = wanted + np.outer(*parts)
    assert np.allclose(field.grid(at), wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())
