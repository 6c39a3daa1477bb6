"""Waves that turn too fast to be followed: closed forms of linear equations, and a splitting method beside the others."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise import InputError, pde
from edgewise._core.errors import FileError
from edgewise.pde.discretisation.faces import face_conditions
from edgewise.pde.problem.jets import compile_equations
from edgewise.pde.solvers.wave_march import turns_fast, wave_system

HALF, END = 5.0, 0.8


def schroedinger(strength: float, start, end: float = END):
    """i h_t + h_xx / 2 + strength |h|^2 h = 0, h = a + i b, on a circle."""
    (x,), t = pde.coordinates("x"), pde.time()
    a, b = pde.unknown("a", x, t), pde.unknown("b", x, t)
    ring = pde.box({x: (-HALF, HALF), t: (0, end)}, periodic=x)
    size = strength * (a**2 + b**2)
    equations = [
        pde.dx(a, t) == -pde.dx(b, x, 2) / 2 - size * b,
        pde.dx(b, t) == pde.dx(a, x, 2) / 2 + size * a,
    ]
    return pde.Problem(ring, equations, pde.on(ring.boundary["start"], a == start(x), b == 0))


def system_of(problem):
    symbols = [coordinate.tree for coordinate in problem.domain.coordinates]
    inside = compile_equations([equation.residual for equation in problem.equations], problem.fields, symbols)
    return wave_system(problem.domain, inside, face_conditions(problem), problem.domain.time)


def values(solution, x, t):
    return solution.grid(x, t, unknown="a") + 1j * solution.grid(x, t, unknown="b")


def by_splitting(start, modes: int, steps: int, times: int):
    """h at equally spaced times: Strang's splitting, put together to fourth order (H. Yoshida 1990)."""
    fine = 1 << 16
    sampled = np.fft.fft(start(-HALF + 2 * HALF * np.arange(fine) / fine)) / fine
    number = np.fft.fftfreq(modes, 1 / modes).astype(int)
    c, k = sampled[number] * modes, np.pi / HALF * number
    h, one = END / steps, 1 / (2 - 2 ** (1 / 3))
    found = [np.fft.ifft(c)]
    for n in range(1, steps + 1):
        for share in (one, 1 - 2 * one, one):
            half = np.exp(-0.25j * k**2 * share * h)
            u = np.fft.ifft(half * c)
            c = half * np.fft.fft(u * np.exp(1j * share * h * np.abs(u) ** 2))
        if n % (steps // times) == 0:
            found.append(np.fft.ifft(c))
    return np.array(found).T


@pytest.fixture(scope="module")
def breather():
    return pde.solve(schroedinger(1.0, lambda x: 2 / pde.cosh(x)), tolerance=1e-4)


def test_a_kink_where_data_repeat_costs_no_digits(breather):
    # The breather is at its narrowest then: finer waves than the start has are taken in.
    modes, times = 512, 10
    wanted = by_splitting(lambda x: 2 / np.cosh(x), modes, 1000, times)
    x = -HALF + 2 * HALF * np.arange(modes) / modes
    error = np.linalg.norm(values(breather, x, np.linspace(0, END, times + 1)) - wanted) / np.linalg.norm(
        wanted
    )
    assert breather.solved
    assert breather.road == "waves"
    assert error < 1e-4
    assert error / 3 < breather.error < 5 * error


def test_without_other_terms_it_is_exact():
    # A triangle, 1 - |x| / 5: all its waves are known, and how they turn.
    solution = pde.solve(schroedinger(0.0, lambda x: 1 - abs(x) / HALF), tolerance=1e-4)
    x, t = np.linspace(-HALF, HALF, 57), np.array([0.0, 0.31, END])
    n = np.arange(1, 40_001, 2)
    k = np.pi * n / HALF
    # At the kink itself all waves add up: fewer digits are right there than in the mean of squares.
    turning = np.exp(-0.5j * k[:, None] ** 2 * t)
    wanted = 0.5 + np.cos(np.outer(x, k)) @ (4 / (np.pi * n[:, None]) ** 2 * turning)
    assert np.abs(values(solution, x, t) - wanted).max() < 1e-3
    assert np.linalg.norm(values(solution, x, t[1:]) - wanted[:, 1:]) < 1e-4 * np.linalg.norm(wanted)


def test_places_grids_and_derivatives_agree(breather):
    x, t = np.array([-4.0, 0.3, 2.2]), np.array([0.1, 0.55])
    grid = breather.grid(x, t, unknown="a")
    assert np.allclose(breather(x[:, None], t, unknown="a"), grid, rtol=0, atol=1e-13)
    step = 1e-5
    for name, moved in (("x", (step, 0.0)), ("t", (0.0, step))):
        ahead, behind = (breather(x + s * moved[0], 0.4 + s * moved[1], unknown="b") for s in (1, -1))
        slope = breather(x, np.full(3, 0.4), unknown="b", derivative={name: 1})
        assert np.allclose((ahead - behind) / (2 * step), slope, atol=1e-5)


def test_what_can_be_followed_is():
    smooth = system_of(schroedinger(1.0, lambda x: 1 + 0.5 * pde.cos(2 * np.pi * x / 10)))
    kinked = system_of(schroedinger(1.0, lambda x: 2 / pde.cosh(x)))
    assert smooth is not None
    assert kinked is not None
    assert not turns_fast(smooth, 1e-6)
    assert turns_fast(kinked, 1e-6)
    # Diffusion takes a kink away: there is nothing that turns.
    (x,), t = pde.coordinates("x"), pde.time()
    u, ring = pde.unknown("u", x, t), pde.box({x: (-1, 1), t: (0, 1)}, periodic=x)
    heat = pde.Problem(ring, [pde.dx(u, t) == pde.dx(u, x, 2)], pde.on(ring.boundary["start"], u == abs(x)))
    system = system_of(heat)
    assert system is not None
    assert not turns_fast(system, 1e-6)
    # Weights that vary along the circle belong to the other terms, at the highest derivative too.
    varying = pde.Problem(
        ring,
        [pde.dx(u, t) == (2 + pde.cos(pde.pi * x)) * pde.dx(u, x)],
        pde.on(ring.boundary["start"], u == 0),
    )
    found = system_of(varying)
    assert found is not None
    assert not found.still


def test_files_hold_it_to_the_bit(breather, tmp_path):
    breather.save(tmp_path / "b.kan")
    again = pde.Solution.load(tmp_path / "b.kan")
    x, t = np.linspace(-HALF, HALF, 9), np.linspace(0, END, 5)
    assert np.array_equal(values(again, x, t), values(breather, x, t))
    assert again.error == breather.error
    whole = (tmp_path / "b.kan").read_bytes()
    (tmp_path / "b.kan").write_bytes(whole[:-100])
    with pytest.raises(FileError, match="damaged"):
        pde.Solution.load(tmp_path / "b.kan")


def test_what_it_cannot_do_is_said(breather):
    with pytest.raises(InputError, match="network"):
        breather.network("a")
    with pytest.raises(InputError, match="steady"):
        breather.integral(1)
    assert breather.error_of(lambda s: s(0.0, END, unknown="a")) < 1e-3


def test_ended_early_it_says_where_and_is_of_use():
    seen = []

    def stop(record):
        seen.append(record)
        return len(seen) > 4

    part = pde.solve(schroedinger(1.0, lambda x: 2 / pde.cosh(x)), tolerance=1e-4, callbacks=stop)
    assert not part.solved
    assert "ended at time" in part.message
    assert abs(part(0.0, 0.0, unknown="a") - 2) < 1e-3
    assert seen[-1].stage == "waves"
    assert 0 <= seen[-1].share < 1


def test_ended_before_the_first_slab_the_start_is_held():
    held = pde.solve(schroedinger(1.0, lambda x: 2 / pde.cosh(x)), tolerance=1e-4, seconds=1e-9)
    x = np.linspace(-HALF, HALF, 41)
    assert held.road == "waves"
    assert held.error == np.inf
    assert np.allclose(held(x, 0.5, unknown="a"), 2 / np.cosh(x), atol=1e-3)
    assert held.stop_reason == "time_limit"
