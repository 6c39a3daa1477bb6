"""Equations with time on shapes, surfaces and in solids: modes by Bessel functions, spherical harmonics and sines, waves,
closed forms that are not linear, what flows out, and sentences for what cannot be."""

import math

import numpy as np
import pytest
import trimesh
from scipy.special import j1, jn_zeros, jv

from edgewise import InputError, pde

X, Y, Z = XYZ = pde.coordinates("x", "y", "z")
T = pde.time()
U, V, W = pde.unknown("u", X, Y, T), pde.unknown("v", X, Y, T), pde.unknown("w", X, Y, Z, T)
DISK = pde.disk((X, Y))
K = float(jn_zeros(0, 1)[0])


def bessel(k, terms=12):
    """J0(k r) as a polynomial: the rest is below rounding."""
    weights = [(-1) ** n * (k / 2) ** (2 * n) / math.factorial(n) ** 2 for n in range(terms)]
    return sum((w * (X**2 + Y**2) ** n for n, w in enumerate(weights)), 0 * X)


def through(shape, span, equations, walls, start):
    """The problem with conditions on the walls and at the start, made by the parts of the boundary."""
    domain = shape.during({T: span})
    parts = domain.boundary
    held = [pde.on(parts["walls"], *walls)] if walls else []
    return pde.Problem(domain, equations, [*held, pde.on(parts["start"], *start)])


def apart(solution, exact, unknown=None):
    """Relative L2 distance from a function of places and time, by places at random."""
    domain = solution.problem.domain
    at = domain.somewhere(2000, np.random.default_rng(0)).T
    wanted = exact(*at)
    return float(np.sqrt(((solution(*at, unknown=unknown) - wanted) ** 2).mean() / (wanted**2).mean()))


def told(solution, exact, unknown=None):
    """The true error, which the stated one must be near."""
    true = apart(solution, exact, unknown)
    assert solution.solved, solution.message
    stated = solution.error if unknown is None else solution.errors[unknown]
    assert stated / 5 < true < 3 * stated
    return true


@pytest.fixture(scope="module")
def cooling():
    problem = through(DISK, (0, 0.1), [pde.dt(U) == pde.lap(U)], [U == 0], [bessel(K) == U])
    return pde.solve(problem, 1e-6)


@pytest.mark.slow
def test_heat_on_a_disk_decays_as_its_mode(cooling):
    assert told(cooling, lambda x, y, t: jv(0, K * np.hypot(x, y)) * np.exp(-K * K * t)) < 1e-6
    assert cooling.road == "mesh march"
    x, y, t = cooling.problem.domain.somewhere(50, np.random.default_rng(1)).T
    r, decay = np.hypot(x, y), np.exp(-K * K * t)
    np.testing.assert_allclose(cooling(x, y, t, derivative={T: 1}), -K * K * jv(0, K * r) * decay, atol=2e-4)
    np.testing.assert_allclose(cooling(x, y, t, derivative={X: 1}), -K * x / r * j1(K * r) * decay, atol=1e-5)
    assert max(cooling.residual(100).values()) < 1e-3


def test_integrals_at_a_time(cooling):
    t = 0.03
    heat = 2 * np.pi * j1(K) / K * np.exp(-K * K * t)
    assert cooling.integral(U, at={T: t}) == pytest.approx(heat, rel=1e-8)
    # All heat that is lost flows out, to the digits of values: by balance.
    out = cooling.integral(pde.dn(U), "rim", at={"t": t})
    assert out == pytest.approx(-K * K * heat, rel=1e-7)
    assert cooling.integral(pde.dt(U), at={T: t}) == pytest.approx(out, rel=1e-7)
    for wrong in ({}, {"x": 0.1}, {T: 0.2}):
        with pytest.raises(InputError) as error:
            cooling.integral(U, at=wrong)
        assert error.value.argument == "at"


def test_grids_are_nan_outside_and_single_places_are_refused(cooling):
    grid = cooling.grid(np.array([0.0, 0.9]), np.array([0.0, 0.9]), np.array([0.0, 0.05, 0.1]))
    assert np.isnan(grid[1, 1]).all()
    assert np.isfinite(grid[0]).all()
    assert grid[0, 1, 2] == pytest.approx(cooling(0.0, 0.9, 0.1), abs=1e-14)
    with pytest.raises(InputError, match="outside the domain"):
        cooling(0.9, 0.9, 0.05)
    with pytest.raises(InputError, match=r"'t' from 0 to 0\.1"):
        cooling(0.0, 0.0, 0.2)


def test_a_drum_swings():
    problem = through(DISK, (0, 1), [pde.dt(U, 2) == pde.lap(U)], [U == 0], [bessel(K) == U, pde.dt(U) == 0])
    solution = pde.solve(problem, 1e-4)
    assert told(solution, lambda x, y, t: jv(0, K * np.hypot(x, y)) * np.cos(K * t)) < 1e-4
    # What was given at the start is there.
    assert solution(0.3, 0.2, 0.0, derivative={T: 1}) == pytest.approx(0, abs=1e-2)


@pytest.mark.slow
def test_a_wave_of_the_first_order_in_time_is_the_same():
    problem = through(
        DISK, (0, 1), [pde.dt(U) == V, pde.dt(V) == pde.lap(U)], [U == 0], [bessel(K) == U, V == 0]
    )
    solution = pde.solve(problem, 1e-3)
    assert apart(solution, lambda x, y, t: jv(0, K * np.hypot(x, y)) * np.cos(K * t), "u") < 1e-3


@pytest.mark.slow
def test_harmonics_on_a_sphere():
    ball = pde.surface(trimesh.creation.icosphere(subdivisions=0), XYZ, smooth=X**2 + Y**2 + Z**2 == 1)
    problem = through(ball, (0, 0.2), [pde.dt(W) == pde.lap(W)], [], [X * Y * Z + Z == W])
    solution = pde.solve(problem, 1e-3)
    told(solution, lambda x, y, z, t: x * y * z * np.exp(-12 * t) + z * np.exp(-2 * t))
    assert solution.integral(W * W, at={T: 0.1}) == pytest.approx(
        4 * np.pi * (np.exp(-2.4) / 105 + np.exp(-0.4) / 3), rel=1e-3
    )


@pytest.mark.slow
@pytest.mark.parametrize(("order", "course"), [(1, lambda s: np.exp(-s * s)), (2, lambda s: np.cos(s))])
def test_sines_in_a_cube(order, course):
    part = pde.solid(trimesh.creation.box(extents=(1, 1, 1)), XYZ)
    shape = pde.cos(pde.pi * X) * pde.cos(pde.pi * Y) * pde.cos(pde.pi * Z)
    start = [shape == W] if order == 1 else [shape == W, pde.dt(W) == 0]
    solution = pde.solve(through(part, (0, 0.05), [pde.dt(W, order) == pde.lap(W)], [W == 0], start), 1e-2)
    rate = np.sqrt(3) * np.pi

    def exact(x, y, z, t):
        values = np.cos(np.pi * x) * np.cos(np.pi * y) * np.cos(np.pi * z)
        return values * course(rate * (np.sqrt(t) if order == 1 else t))

    assert told(solution, exact) < 1e-2


@pytest.mark.slow
def test_an_equation_that_is_not_linear_with_walls_that_move():
    plate = pde.box({X: (0, 2), Y: (0, 1)}) - pde.disk((X, Y), (0.7, 0.5), 0.25)
    wanted = pde.sin(2 * X + T) * pde.exp(-Y) * (1 + T**2)
    source = pde.dt(wanted) - pde.dx(wanted, X, 2) - pde.dx(wanted, Y, 2) + wanted**3
    problem = through(
        plate, (0, 0.5), [pde.dt(U) == pde.lap(U) - U**3 + source], [wanted == U], [wanted == U]
    )
    told(pde.solve(problem, 1e-4), lambda x, y, t: np.sin(2 * x + t) * np.exp(-y) * (1 + t * t))


@pytest.mark.slow
def test_weights_and_exchange_that_change_with_time():
    wanted = pde.cos(X + 2 * Y) * pde.exp(-T) * (1 + X)
    n = pde.normal(X, Y)
    weight = 1 + X**2 + T
    source = weight * pde.dt(wanted) - pde.dx(wanted, X, 2) - pde.dx(wanted, Y, 2)
    flow = n[0] * pde.dx(wanted, X) + n[1] * pde.dx(wanted, Y)
    problem = through(
        DISK,
        (0, 1),
        [weight * pde.dt(U) == pde.lap(U) + source],
        [pde.dn(U) + (1 + T) * U == flow + (1 + T) * wanted],
        [wanted == U],
    )
    told(pde.solve(problem, 1e-4), lambda x, y, t: np.cos(x + 2 * y) * np.exp(-t) * (1 + x))


@pytest.mark.slow
def test_a_flow_beside_a_hole():
    # Taylor's and Green's vortices, cut by a hole: velocities are given, the pressure up to a constant.
    square = pde.box({X: (0, 1), Y: (0, 1)}) - pde.disk((X, Y), (0.5, 0.5), 0.2)
    a, nu, p = np.pi, 0.05, pde.unknown("p", X, Y, T)
    fall = pde.exp(-2 * nu * pde.pi**2 * T)
    first = -pde.cos(pde.pi * X) * pde.sin(pde.pi * Y) * fall
    second = pde.sin(pde.pi * X) * pde.cos(pde.pi * Y) * fall
    flow = pde.Vector(U, V)
    problem = through(
        square,
        (0, 0.3),
        [pde.dt(flow) + pde.advect(flow, flow) + pde.grad(p) == nu * pde.lap(flow), pde.div(flow) == 0],
        [first == U, second == V],
        [first == U, second == V],
    )
    solution = pde.solve(problem, 1e-2)
    assert solution.solved, solution.message
    assert "a constant of 'p' open" in solution.how

    def exact(x, y, t):
        return -np.cos(a * x) * np.sin(a * y) * np.exp(-2 * nu * a * a * t)

    assert apart(solution, exact, "u") < 1e-2
    assert solution.integral(p, at={T: 0.2}) == pytest.approx(0, abs=1e-12)


def test_waves_leave_through_a_wall_that_absorbs_them():
    # In one direction dn(u) + dt(u) = 0 lets a wave out whole: nothing is left.
    strip = pde.polygon((X, Y), [(0, 0), (4, 0), (4, 1), (0, 1)], names=["low", "right", "high", "left"])
    domain = strip.during({T: (0, 4)})
    sides = domain.boundary
    pulse = pde.exp(-10 * (X - 2) ** 2)
    problem = pde.Problem(
        domain,
        [pde.dt(U, 2) == pde.lap(U)],
        [
            pde.on(sides["low"] | sides["high"], pde.dn(U) == 0),
            pde.on(sides["left"] | sides["right"], pde.dn(U) + pde.dt(U) == 0),
            pde.on(sides["start"], pulse == U, pde.dt(U) == 0),
        ],
    )
    solution = pde.solve(problem, 1e-3)
    assert solution.solved, solution.message
    assert solution(2.5, 0.5, 0.5) == pytest.approx(0.5 + 0.5 * np.exp(-10), abs=1e-3)
    assert abs(solution(2.0, 0.5, 4.0)) < 2e-3


@pytest.mark.slow
def test_data_that_do_not_fit_are_told_and_can_be_meant():
    domain = DISK.during({T: (0, 0.1)})
    parts = domain.boundary
    told_of = [pde.on(parts["rim"], U == 0), pde.on(parts["start"], U == 1)]
    equations = [pde.dt(U) == pde.lap(U)]
    solution = pde.solve(pde.Problem(domain, equations, told_of), 1e-2)
    assert not solution.solved
    assert "contradict" in solution.message
    meant = pde.solve(pde.Problem(domain, equations, told_of, jumps=True), 1e-2)
    assert meant.solved, meant.message
    zeros = jn_zeros(0, 60)
    exact = (2 / (zeros * j1(zeros)) * np.exp(-(zeros**2) * 0.05)).sum()
    assert meant(0.0, 0.0, 0.05) == pytest.approx(exact, rel=1e-2)


@pytest.mark.slow
def test_what_cannot_be_followed_is_told():
    back = pde.solve(through(DISK, (0, 0.1), [pde.dt(U) == -pde.lap(U)], [U == 0], [bessel(K) == U]), 1e-1)
    assert not back.solved
    assert "ill-posed" in back.message
    problem = through(
        DISK, (0, 0.1), [pde.dt(U) == pde.lap(U) + 1000 * U**2], [U == 0], [1 - X**2 - Y**2 == U]
    )
    burst = pde.solve(problem, 1e-2)
    assert not burst.solved
    assert "may end there" in burst.message


def test_ended_early_there_is_what_was_found():
    problem = through(DISK, (0, 0.1), [pde.dt(U) == pde.lap(U)], [U == 0], [1 - X**2 - Y**2 == U])
    shares = []

    def stop(progress):
        shares.append(progress.share)
        return progress.share > 0.1

    solution = pde.solve(problem, 1e-6, callbacks=stop)
    assert shares[0] <= 0.25
    assert "ended at time" in solution.message
    # The state that was reached is held.
    assert solution(0, 0, 0.1) == solution(0, 0, 0.09) < 1
    with pytest.raises(InputError, match="seconds"):
        pde.solve(problem, 1e-6, seconds=1e-6)


HEAT, WALL, START = pde.dt(U) == pde.lap(U), U == 0, 1 - X**2 - Y**2 == U


@pytest.mark.parametrize(
    ("equations", "walls", "start", "sentence"),
    [
        ([HEAT], [WALL], [], "Nothing gives 'u' at the start"),
        ([pde.dt(U, 2) == pde.lap(U)], [WALL], [START], r"Nothing gives 'dt\(u\)' at the start"),
        ([pde.dt(U, 3) == pde.lap(U)], [WALL], [START], "up to the second order"),
        ([pde.lap(U) == U], [WALL], [START], "no derivative in time"),
        ([HEAT], [WALL], [START, U == 1], "Two conditions at the start"),
        ([HEAT], [WALL], [START, pde.dt(U) == 1], "no higher derivative in time than that"),
        ([HEAT], [WALL], [pde.dx(U, X) == 1], "must give one unknown"),
        ([HEAT], [pde.dt(U) == 0], [START], "derivative in time alone"),
        ([HEAT], [], [START], "no condition for 'u'"),
        ([HEAT, pde.dt(U) == 0], [WALL], [START], "as many equations as unknowns"),
    ],
)
def test_what_is_no_problem_gets_a_sentence(equations, walls, start, sentence):
    domain = DISK.during({T: (0, 1)})
    held = [pde.on(domain.boundary["walls"], *walls)] if walls else []
    held += [pde.on(domain.boundary["start"], *start)] if start else []
    with pytest.raises(InputError, match=sentence):
        pde.solve(pde.Problem(domain, equations, held), 1e-2)


def test_conditions_at_the_end_and_shapes_without_time_get_a_sentence():
    domain = DISK.during({T: (0, 1)})
    late = [pde.on(domain.boundary["walls"], WALL), pde.on(domain.boundary["end"], START)]
    with pytest.raises(InputError, match="end of time"):
        pde.solve(pde.Problem(domain, [HEAT], late), 1e-2)
    with pytest.raises(InputError, match=r"shape\.during\(\{t: \(0, 1\)\}\)"):
        pde.Problem(DISK, [HEAT])
    drum = pde.Problem(domain, [-pde.lap(U) == pde.eigenvalue() * U])
    with pytest.raises(InputError, match="have no time"):
        pde.eigen(drum)
