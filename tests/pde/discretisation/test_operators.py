"""Sum factorisation against the assembled band and differences; splines against SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from edgewise.fields.quadrature import gauss
from edgewise.fields.space import Space
from edgewise.pde.discretisation.assembly import Assembler, Layout, Patch, ReducedAxis, WeightingSpace
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.discretisation.lift import lift, reductions
from edgewise.pde.discretisation.operators import Operators
from edgewise.pde.problem.jets import compile_equations
from tests.pde.problem_set import burgers


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.integers(1, 9), st.integers(0, 4), st.integers(0, 100))
def test_splines_and_their_derivatives_are_those_of_scipy(intervals, degree, order, seed):
    r = np.random.default_rng(seed)
    breaks = np.cumsum(r.uniform(0.2, 1.0, intervals + 1))
    space = Space(breaks, degree)
    at = np.concatenate([r.uniform(breaks[0], breaks[-1], 20), breaks])
    every = BSpline(space.knots, np.eye(space.size), degree)
    wanted = (every.derivative(order) if order else every)(at) if order <= degree else 0 * space.design(at)
    found = space.design(at, order)
    # SciPy takes the break's other side for the last derivative, which jumps.
    inner = slice(0, 20) if order == degree else slice(None)
    assert np.allclose(found[inner], wanted[inner], atol=1e-11 * max(np.abs(wanted).max(), 1))


@pytest.fixture(scope="module")
def slab():
    problem, _ = burgers(0.1)
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    compiled = compile_equations(
        [equation.residual for equation in problem.equations], problem.fields, symbols
    )
    faces = face_conditions(problem)
    spaces = (Space(np.linspace(-1, 1, 4), 5), Space(np.array([0.0, 0.1]), 4))
    reduced = reductions(spaces, faces.built_in, 1)
    layout = Layout(
        tuple(tuple(ReducedAxis(s, item) for s, item in zip(spaces, own, strict=True)) for own in reduced)
    )
    table, _ = lift(spaces, reduced[0], faces.built_in)
    patch = Patch(compiled, tuple(gauss(s, s.degree + 1) for s in spaces))
    return layout, patch, (WeightingSpace(0, (0, 1)),), [table]


def test_residuals_are_those_of_the_assembled_equations(slab):
    layout, patch, tests, lifts = slab
    free = np.random.default_rng(0).normal(size=layout.count)
    operators = Operators(layout, patch, tests, lifts)
    wanted = Assembler(layout, [patch]).galerkin(layout.fields(free, lifts), tests).gradient[layout.rank]
    assert np.allclose(operators.residual(operators.jets(free)), wanted, rtol=1e-11, atol=1e-12)


def test_derivatives_are_differences(slab):
    layout, patch, tests, lifts = slab
    r = np.random.default_rng(1)
    free, step = r.normal(size=layout.count), r.normal(size=layout.count)
    operators = Operators(layout, patch, tests, lifts)
    small = 1e-5
    up, down = (operators.residual(operators.jets(free + sign * small * step)) for sign in (1, -1))
    found = operators.derivative(operators.slopes(operators.jets(free)), step)
    assert np.allclose(found, (up - down) / (2 * small), rtol=1e-7, atol=1e-8)
