"""Solutions against closed forms: within the tolerance, and with an error that is told about right."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from edgewise import InputError, StopReason, pde
from edgewise.pde import (
    Problem,
    Solution,
    SolverConfig,
    box,
    coordinates,
    dn,
    dx,
    exp,
    lap,
    on,
    pi,
    sin,
    solve,
    tanh,
    time,
    unknown,
)
from tests.pde.problem_set import burgers, kovasznay, mixed, poisson, relative, wave


@pytest.mark.slow
@pytest.mark.parametrize(("make", "tolerance"), [(poisson, 1e-8), (mixed, 1e-8), (wave, 1e-6)])
def test_one_unknown_meets_its_closed_form(make, tolerance):
    problem, exact = make()
    solution = solve(problem, tolerance)
    true = relative(solution, exact)
    assert solution.solved
    assert true <= tolerance
    assert solution.error >= true / 5
    again = solve(problem, tolerance)
    assert all(
        np.array_equal(a.coefficients, b.coefficients)
        for one, two in zip(solution.pieces.fields, again.pieces.fields, strict=True)
        for a, b in zip(one, two, strict=True)
    )


def test_three_coordinates_of_space():
    x, y, z = coordinates("x", "y", "z")
    u = unknown("u", x, y, z)
    cube = box({x: (-1, 1), y: (-1, 1), z: (0, 1)})
    wanted = sin(2 * pi * x) * sin(pi * y) * exp(z)
    problem = Problem(cube, [lap(u) + u == (2 - 5 * pi**2) * wanted], on(cube.boundary["walls"], u == wanted))
    solution = solve(problem, 1e-6)
    true = relative(solution, lambda x, y, z: np.sin(2 * np.pi * x) * np.sin(np.pi * y) * np.exp(z), count=21)
    assert solution.solved
    assert true <= 1e-6
    assert solution.error >= true / 5


@pytest.mark.slow
def test_a_flow_of_three_unknowns():
    problem, exact = kovasznay()
    solution = solve(problem, 1e-6)
    assert solution.solved
    for name, function in exact.items():
        assert relative(solution, function, name) <= 3e-6
    assert max(solution.residual(200).values()) < 1e-4


@pytest.mark.slow
def test_a_front_is_followed_through_time():
    problem, exact = burgers(0.02, 0.6)
    solution = solve(problem, 1e-6)
    true = relative(solution, exact)
    assert solution.road == "march"
    assert solution.solved
    assert true <= 1e-6
    assert true / 5 <= solution.error


def test_derivatives_of_the_solution():
    problem, _ = poisson()
    solution = solve(problem, 1e-8)
    slope = solution(0.3, 0.4, derivative={"x": 1})
    assert slope == pytest.approx(np.pi * np.cos(0.3 * np.pi) * np.sin(np.pi * 0.16), rel=1e-6)
    with pytest.raises(InputError, match="lie outside"):
        solution(2.0, 0.0)


def line():
    (x,) = coordinates("x")
    return x, unknown("v", x), box({x: (0, 1)})


def square():
    x, y = coordinates("x", "y")
    return x, y, unknown("u", x, y), box({x: (0, 1), y: (0, 1)})


def unbalanced():
    _, _, u, domain = square()
    return Problem(domain, [lap(u) == 1], on(domain.boundary["walls"], dn(u) == 0))


def missing():
    _, _, u, domain = square()
    return Problem(domain, [lap(u) == -1], on(domain.boundary["left"], u == 0))


def corners():
    _, _, u, domain = square()
    b = domain.boundary
    return Problem(
        domain, [lap(u) == 0], [on(b["left"], u == 1), on(b["right"] | b["top"] | b["bottom"], u == 0)]
    )


def resonance():
    x, y, u, domain = square()
    wave = sin(pi * x) * sin(pi * y)
    return Problem(domain, [lap(u) + 2 * pi**2 * u == wave], on(domain.boundary["walls"], u == 0))


def beyond_the_fold():
    x, v, domain = line()
    return Problem(domain, [dx(v, x, 2) + 4 * exp(v) == 0], on(domain.boundary["walls"], v == 0))


def wave_with_its_end():
    (x,), t = coordinates("x"), time()
    u, strip = unknown("u", x, t), box({x: (0, 1), t: (0, 1)})
    parts = strip.boundary
    walls = on(parts["walls"], u == 0)
    start = on(parts["start"], u == sin(2 * pi * x), dx(u, t) == 0)
    end = on(parts["end"], u == sin(pi * x), dx(u, t) == 0)
    return Problem(strip, [dx(u, t, 2) == dx(u, x, 2)], [walls, start, end])


def diffusion_that_changes_sign():
    x, v, domain = line()
    return Problem(domain, [dx((x - 0.4) * dx(v, x), x) == 1], on(domain.boundary["walls"], v == 0))


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        unbalanced,
        missing,
        corners,
        resonance,
        beyond_the_fold,
        wave_with_its_end,
        diffusion_that_changes_sign,
    ],
)
def test_broken_problems_are_flagged(make):
    solution = solve(make(), 1e-6, work="quick")
    assert not solution.solved
    assert solution.warnings
    assert solution.message.startswith("This is not a solution to rely on.")


def test_heat_does_not_go_back():
    (x,), t = coordinates("x"), time()
    u = unknown("u", x, t)
    rod = box({x: (0, 1), t: (0, 1)})
    problem = Problem(
        rod,
        [dx(u, t) == -dx(u, x, 2)],
        [on(rod.boundary["walls"], u == 0), on(rod.boundary["start"], u == x * (1 - x))],
    )
    with pytest.raises(InputError, match=r"No first slab of time.*ill-posed"):
        solve(problem, 1e-6, work=0.05, config=SolverConfig(most_failures=10))


def test_callbacks_and_time_limits_leave_a_usable_state():
    problem, _ = poisson()
    seen = []

    def stop(progress):
        seen.append(progress)
        return len(seen) == 3

    solution = solve(problem, 1e-10, callbacks=stop)
    assert solution.stop_reason is StopReason.CALLBACK
    assert len(seen) == 3
    assert np.isfinite(solution(0.5, 0.5))
    assert not solution.solved
    with pytest.raises(InputError, match="first grid"):
        solve(problem, 1e-10, seconds=1e-9)


def struck(progress):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"seconds": 1e-9}, StopReason.TIME_LIMIT),
        ({"callbacks": struck}, StopReason.INTERRUPTED),
        ({"callbacks": lambda progress: True}, StopReason.CALLBACK),
    ],
)
def test_ended_before_the_first_slab_a_march_holds_the_start(options, reason, tmp_path):
    problem, _ = burgers(nu=0.05)
    solution = solve(problem, 1e-8, **options)
    assert solution.stop_reason is reason
    assert not solution.solved
    assert solution.error == np.inf
    assert "before the first slab" in solution.message
    x = np.linspace(-1, 1, 41)
    for moment in (0.0, 0.4, 1.0):
        assert np.allclose(solution(x, moment), -np.sin(np.pi * x), atol=1e-5)
    solution.save(tmp_path / "held.kan")
    assert Solution.load(tmp_path / "held.kan")(0.3, 0.2) == solution(0.3, 0.2)


def test_periodic_problems_repeat():
    (x,), t = coordinates("x"), time()
    u = unknown("u", x, t)
    ring = box({x: (0, 2), t: (0, 1)}, periodic=x)
    start = sin(pi * x)
    solution = solve(
        Problem(ring, [dx(u, t) + 2 * dx(u, x) == 0], on(ring.boundary["start"], u == start)), 1e-6
    )
    at = np.linspace(0, 2, 33)
    assert np.allclose(solution(at, 1.0), np.sin(np.pi * (at - 2)), atol=1e-5)
    assert solution(2.5, 0.3) == pytest.approx(solution(0.5, 0.3))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"tolerance": 0}, "tolerance"),
        ({"tolerance": 1}, "tolerance"),
        ({"work": "much"}, "work"),
        ({"seconds": -1}, "seconds"),
    ],
)
def test_arguments_out_of_range(arguments, words):
    problem, _ = poisson()
    with pytest.raises(InputError, match=words):
        solve(problem, **arguments)


def test_two_answers_on_one_face_are_refused_and_one_given_twice_is_not():
    _, _, u, domain = square()
    walls, left = domain.boundary["walls"], domain.boundary["left"]
    with pytest.raises(InputError, match="on 'left' contradict each other"):
        solve(Problem(domain, [lap(u) == 1], [on(walls, u == 0), on(left, 2 * u == 1)]), 1e-3)
    twice = solve(Problem(domain, [lap(u) == 1], [on(walls, u == 0), on(left, 2 * u == 0)]), 1e-3)
    assert twice.solved


@pytest.mark.slow
def test_conditions_that_cannot_be_built_in_are_met_in_the_mean_or_flagged():
    x, _, u, domain = square()
    b = domain.boundary
    sides = on(b["left"] | b["right"] | b["bottom"], u == 0)
    slope = on(b["top"], dx(u, x) == pi * (x * 0 + 1) * 0 + pi * sin(pi * (x + 0.5)))
    solution = solve(Problem(domain, [lap(u) == 0], [sides, slope]), 1e-6)
    assert solution.solved
    at = np.linspace(0, 1, 9)
    assert np.allclose(solution(at, 0.5), np.sin(np.pi * at) * np.sinh(np.pi / 2) / np.sinh(np.pi), atol=1e-5)
    broken = solve(Problem(domain, [lap(u) == 0], [sides, on(b["top"], dx(u, x) == 1)]), 1e-6, work="quick")
    assert not broken.solved


@pytest.mark.slow
@pytest.mark.parametrize("nu", [0.05, 0.2])
def test_the_error_of_a_march_is_neither_hidden_nor_overstated(nu):
    # Cole and Hopf's travelling front.
    (x,), t = pde.coordinates("x"), pde.time()
    u, strip = pde.unknown("u", x, t), pde.box({x: (-1, 1), t: (0, 0.5)})

    def front(x, t, room):
        return 1 / (1 + room.exp((x - t / 2) / (2 * nu)))

    parts = strip.boundary
    problem = pde.Problem(
        strip,
        [pde.dx(u, t) + u * pde.dx(u, x) == nu * pde.dx(u, x, 2)],
        [pde.on(parts[name], u == front(x, t, pde)) for name in ("walls", "start")],
    )
    solution = pde.solve(problem, tolerance=1e-7)
    at, when = np.linspace(-1, 1, 101), np.linspace(0, 0.5, 51)
    wanted = front(at[:, None], when, np)
    error = np.linalg.norm(solution.grid(at, when) - wanted) / np.linalg.norm(wanted)
    assert solution.solved
    assert error / 3 < solution.error < 5 * error
    # Of what is computed from it, too: the value at the middle of the end.
    apart = abs(solution(0.0, 0.5) - front(0.0, 0.5, np))
    assert solution.error_of(lambda s: s(0.0, 0.5)) < 10 * max(apart, 1e-9)


def test_only_answers_of_a_solver_tell_the_error_of_a_quantity(tmp_path):
    (x,) = pde.coordinates("x")
    u, line = pde.unknown("u", x), pde.box({x: (0, 1)})
    problem = pde.Problem(line, [pde.dx(u, x, 2) == -u], pde.on(line.boundary["walls"], u == 1))
    solution = pde.solve(problem, tolerance=1e-4)
    true = (np.cos(0.5) + np.sin(0.5) * np.tan(0.5)) ** 3
    estimated = solution.error_of(lambda s: s(0.5) ** 3)
    assert abs(solution(0.5) ** 3 - true) <= 5 * max(estimated, 1e-14)
    assert solution.error_of(lambda s: s(np.array([0.2, 0.4]))).shape == (2,)
    solution.save(tmp_path / "s.kan")
    with pytest.raises(InputError, match="another grid"):
        pde.Solution.load(tmp_path / "s.kan").error_of(lambda s: s(0.5))


@pytest.mark.slow
def test_the_stated_error_is_that_of_the_worst_unknown():
    problem, exact = kovasznay()
    for road in ("auto", "products"):
        solution = solve(problem, 1e-6, road=road)
        assert solution.error == pytest.approx(max(solution.errors.values()))
        worst = max(relative(solution, function, name) for name, function in exact.items())
        assert worst <= solution.error <= 1e-6


@pytest.mark.slow
def test_a_start_that_jumps_is_refused_with_what_helps():
    (x,), t = coordinates("x"), time("t")
    u = unknown("u", x, t)
    rod = box({x: (0, 1)}).during({t: (0, 0.1)})

    def solved(start, jumps):
        conditions = [on(rod.boundary["walls"], u == 0), on(rod.boundary["start"], u == start)]
        return solve(Problem(rod, [dx(u, t) == dx(u, x, 2)], conditions, jumps=jumps), 1e-3)

    for jumps in (False, True):
        with pytest.raises(InputError, match="steep but smooth"):
            solved(1, jumps)
    helped = solved(tanh(x / 0.01) * tanh((1 - x) / 0.01), jumps=False)
    assert helped.solved
    k = np.arange(1, 99, 2)
    exact = (4 / (np.pi * k) * np.sin(np.pi * k / 2) * np.exp(-((np.pi * k) ** 2) * 0.1)).sum()
    assert helped(0.5, 0.1) == pytest.approx(exact, rel=0.05)


@pytest.mark.slow
def test_a_long_course_of_second_order_is_solved_in_parts():
    (t,) = coordinates("t")
    u = unknown("u", t)

    def course(end):
        line = box({t: (0, end)})
        start = on(line.boundary["t low"], u == 2, dx(u, t) == 0)
        return solve(Problem(line, [dx(u, t, 2) == 2 * (1 - u**2) * dx(u, t) - u], start), 1e-6)

    long = course(20.0)
    assert not long.solved
    assert "do not determine" not in long.message
    part = course(4.0)
    assert part.solved, part.message
    steps = solve_ivp(
        lambda _, s: [s[1], 2 * (1 - s[0] ** 2) * s[1] - s[0]], (0, 4), [2, 0], rtol=1e-10, atol=1e-10
    )
    assert part(4.0) == pytest.approx(steps.y[0, -1], abs=1e-5)
