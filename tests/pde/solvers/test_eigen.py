"""Eigenvalues against closed forms and those that others have proved."""

import numpy as np
import pytest
from scipy.special import jn_zeros, jnp_zeros

from edgewise import InputError
from edgewise.pde import (
    Problem,
    SolverConfig,
    box,
    coordinates,
    disk,
    dn,
    dx,
    eigen,
    eigenvalue,
    lap,
    on,
    polygon,
    solve,
    unknown,
)

x, y = coordinates("x", "y")
u, lam = unknown("u", x, y), eigenvalue()
DISK = disk((x, y))


def drum(region):
    return Problem(region, [-lap(u) == lam * u], on(region.boundary["walls"], u == 0))


def test_a_square():
    modes = eigen(drum(box({x: (0, np.pi), y: (0, np.pi)})), 5, 1e-9)
    assert modes.solved
    assert np.abs(modes.values / [2, 5, 5, 8, 10] - 1).max() <= 1e-9
    value, first = next(iter(modes))
    assert value == modes.values[0]
    assert abs(abs(first(np.pi / 2, np.pi / 2)) - 2 / np.pi) < 1e-4
    assert first.residual(100).popitem()[1] < 1e-3
    # Functions of different eigenvalues, and of the same, are orthonormal.
    at = (np.arange(40) + 0.5) / 40 * np.pi
    tables = np.array([f.grid(at, at).ravel() for f in modes.functions])
    assert np.abs(tables @ tables.T * (np.pi / 40) ** 2 - np.eye(5)).max() < 1e-6


def test_a_disk_with_the_errors_that_are_told():
    wanted = np.sort(
        np.concatenate([jn_zeros(0, 2), np.repeat(jn_zeros(1, 1), 2), np.repeat(jn_zeros(2, 1), 2)])
    )
    coarse = eigen(drum(DISK), 5, 1e-5, config=SolverConfig(mesh_degree=4))
    true = np.abs(coarse.values / wanted[:5] ** 2 - 1)
    assert (true <= 1e-5).all()
    assert (coarse.errors >= true / 3).all()
    assert (coarse.errors <= 5 * true + 1e-13).all()


@pytest.mark.slow
def test_an_ell_of_three_squares():
    region = box({x: (-1, 1), y: (-1, 1)}) - box({x: (0, 1), y: (0, 1)})
    modes = eigen(drum(region), 3, 1e-7)
    assert modes.solved
    # The first to twelve digits: L. Fox, P. Henrici and C. Moler 1967; the third is 2 pi^2.
    assert abs(modes.values[0] / 9.63972384402 - 1) < 1e-7
    assert abs(modes.values[2] / (2 * np.pi**2) - 1) < 1e-12


def test_walls_that_let_nothing_through_and_values_below_zero():
    free = Problem(DISK, [-lap(u) == lam * u], on(DISK.boundary["rim"], dn(u) == 0))
    modes = eigen(free, 3, 1e-8)
    assert modes.solved
    assert abs(modes.values[0]) < 1e-9
    assert np.abs(modes.values[1:] / jnp_zeros(1, 1)[0] ** 2 - 1).max() < 1e-8
    deep = Problem(DISK, [-lap(u) - 100 * u == lam * u], on(DISK.boundary["rim"], u == 0))
    assert abs(eigen(deep, 2, 1e-8).values[0] - (jn_zeros(0, 1)[0] ** 2 - 100)) < 1e-5
    heavy = Problem(DISK, [-lap(u) == lam * 4 * u], on(DISK.boundary["rim"], u == 0))
    assert abs(eigen(heavy, 1, 1e-8).values[0] * 4 / jn_zeros(0, 1)[0] ** 2 - 1) < 1e-8


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: eigen(Problem(DISK, [lap(u) == 1], on(DISK.boundary["rim"], u == 0))), "have an eigenvalue"),
        (lambda: solve(drum(DISK)), r"use eigen\(problem\)"),
        (
            lambda: eigen(Problem(DISK, [-lap(u) == lam * u], on(DISK.boundary["rim"], u == 1))),
            "must be met by zero",
        ),
        (
            lambda: eigen(Problem(DISK, [-lap(u) + dx(u, x) == lam * u], on(DISK.boundary["rim"], u == 0))),
            "symmetric",
        ),
        (
            lambda: eigen(Problem(DISK, [-lap(u) == lam**2 * u], on(DISK.boundary["rim"], u == 0))),
            "as a factor",
        ),
        (lambda: eigen(Problem(DISK, [-lap(u) == lam * u], on(DISK.boundary["rim"], lam * u == 0))), "lam"),
        (
            lambda: eigen(Problem(box({x: (0, 1)}), [dx(unknown("v", x), x, 2) == lam * unknown("v", x)])),
            "plane shapes",
        ),
        (lambda: eigen(drum(polygon((x, y), [(0, 0), (1, 0), (0, 1)])), 0), "count"),
    ],
)
def test_what_is_no_eigenvalue_problem_gets_a_sentence(make, message):
    with pytest.raises(InputError, match=message):
        make()
