"""Normal equations cell by cell are those of the whole matrix; test functions against trial functions likewise."""

import numpy as np
import pytest

from edgewise.fields.field import contract
from edgewise.fields.quadrature import gauss, radau
from edgewise.fields.space import Space
from edgewise.pde import Problem, box, coordinates, dx, on, time, unknown
from edgewise.pde.discretisation.assembly import Assembler, Layout, Patch, ReducedAxis, WeightingSpace
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.discretisation.lift import lift, reductions
from edgewise.pde.problem.jets import compile_equations


def made(periodic: bool):
    (x,), t = coordinates("x"), time()
    u, v = unknown("u", x, t), unknown("v", x, t)
    strip = box({x: (0, 2), t: (0, 1)}, periodic=x if periodic else ())
    start = on(strip.boundary["start"], u == x, v == 0)
    sides = () if periodic else on(strip.boundary["walls"], u == 2 * t, v == 0)
    problem = Problem(
        strip,
        [dx(u, t) + u * dx(v, x) == dx(u, x, 2), dx(v, t) == u**2 + dx(v, x, 2) * x],
        [start, sides],
    )
    symbols = [coordinate.tree for coordinate in strip.coordinates]
    compiled = compile_equations([e.residual for e in problem.equations], problem.fields, symbols)
    spaces = (Space(np.array([0, 0.5, 0.8, 1.4, 2.0]), 4, periodic), Space(np.array([0, 0.4, 1.0]), 3))
    faces = face_conditions(problem)
    reduced = reductions(spaces, faces.built_in, 2)
    layout = Layout(
        tuple(tuple(ReducedAxis(s, item) for s, item in zip(spaces, own, strict=True)) for own in reduced)
    )
    lifts = [
        lift(spaces, reduced[f], [face for face in faces.built_in if face.field == f])[0] for f in range(2)
    ]
    free = np.random.default_rng(0).normal(size=layout.count)
    return compiled, spaces, layout, lifts, free


def jacobian(compiled, rules, spaces, layout, fields, patch):
    """The whole matrix, by derivatives of every jet in every free coefficient."""
    slopes = compiled.derivatives(patch.places(spaces), patch.jets(fields))
    rows = [np.zeros((*patch.mass.shape, layout.count)) for _ in range(compiled.count)]
    for (e, j), slope in zip(compiled.entries, slopes, strict=True):
        f, orders = compiled.jets[j]
        designs = [
            space.design(rule.at(space), order) @ axis.reduction.free.toarray()
            for space, rule, axis, order in zip(spaces, rules, layout.axes[f], orders, strict=True)
        ]
        whole = np.einsum("ai,bj->abij", *designs).reshape(*patch.mass.shape, -1)
        rows[e][..., layout.offsets[f] : layout.offsets[f + 1]] += slope[..., None] * whole
    return rows


def ranked(layout, matrix):
    back = np.empty_like(layout.rank)
    back[layout.rank] = np.arange(len(back))
    return matrix[np.ix_(back, back)] if matrix.ndim == 2 else matrix[back]


@pytest.mark.parametrize("periodic", [False, True])
def test_least_squares_by_cells_is_that_of_the_whole_matrix(periodic):
    compiled, spaces, layout, lifts, free = made(periodic)
    rules = tuple(gauss(space, space.degree + 1) for space in spaces)
    patch = Patch(compiled, rules)
    fields = layout.fields(free, lifts)
    normal = Assembler(layout, [patch]).normal(fields)
    rows = jacobian(compiled, rules, spaces, layout, fields, patch)
    residuals = patch.residuals(fields)
    whole = sum(np.einsum("ab,abi,abj->ij", patch.mass, row, row) for row in rows)
    right = sum(np.einsum("ab,ab,abi->i", patch.mass, r, row) for r, row in zip(residuals, rows, strict=True))
    whole, right = ranked(layout, whole), ranked(layout, right)
    n = layout.count
    for below, band in enumerate(normal.band):
        assert np.allclose(band[: n - below], np.diag(whole, -below), atol=1e-9 * np.abs(whole).max())
    assert np.allclose(normal.gradient, right, atol=1e-9 * np.abs(right).max())
    assert normal.objective == pytest.approx(sum(float((patch.mass * r * r).sum()) for r in residuals))


@pytest.mark.parametrize("periodic", [False, True])
def test_galerkin_by_sums_along_coordinates_is_that_of_the_whole_matrix(periodic):
    compiled, spaces, layout, lifts, free = made(periodic)
    rules = (gauss(spaces[0], 5), radau(spaces[1], 3))
    patch = Patch(compiled, rules)
    fields = layout.fields(free, lifts)
    tests = (WeightingSpace(0, (0, 1)), WeightingSpace(1, (0, 1)))
    normal = Assembler(layout, [patch]).galerkin(fields, tests)
    rows = jacobian(compiled, rules, spaces, layout, fields, patch)
    whole, right = np.zeros((layout.count, layout.count)), np.zeros(layout.count)
    for test, row, r in zip(tests, rows, patch.residuals(fields), strict=True):
        designs = [
            space.design(rule.at(space), order) @ axis.reduction.free.toarray()
            for space, rule, axis, order in zip(
                spaces, rules, layout.axes[test.field], test.orders, strict=True
            )
        ]
        against = np.einsum("ai,bj->abij", *designs).reshape(*patch.mass.shape, -1)
        part = slice(layout.offsets[test.field], layout.offsets[test.field + 1])
        whole[part] += np.einsum("ab,abi,abj->ij", patch.mass, against, row)
        right[part] += np.einsum("ab,abi,ab->i", patch.mass, against, r)
    whole, right = ranked(layout, whole), ranked(layout, right)
    width = (len(normal.band) - 1) // 2
    found = np.zeros_like(whole)
    for shift in range(-width, width + 1):
        # Row width + i - j of the band holds entry (i, j) at column j.
        for j in range(layout.count):
            if 0 <= j + shift < layout.count:
                found[j + shift, j] = normal.band[width + shift, j]
    assert np.allclose(found, whole, atol=1e-9 * np.abs(whole).max())
    assert np.allclose(normal.gradient, right, atol=1e-9 * np.abs(right).max())


@pytest.mark.parametrize("count", [1, 2, 5, 9])
def test_radau_places_integrate_polynomials(count):
    rule = radau(Space(np.array([0.0, 1.0]), 9), count)
    assert rule.local[-1] == 1.0
    for power in range(2 * count - 1):
        assert (rule.weights[0] * rule.local**power).sum() == pytest.approx(1 / (power + 1), rel=1e-12)


def test_fields_apply_a_matrix_to_each_coordinate():
    r = np.random.default_rng(0)
    table, a, b = r.normal(size=(3, 4)), r.normal(size=(5, 3)), r.normal(size=(2, 4))
    assert np.allclose(contract(table, [a, b]), a @ table @ b.T)
