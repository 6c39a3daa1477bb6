"""Covariances of what is drawn to zero, and to the first answer, against repeats of linear problems."""

import numpy as np

from edgewise.pde.solvers.joint_system import covariance, twiced

COUNT, DRAWN, REPEATS = 40, 12, 4000


def problem():
    """Rows of thirteen numbers, of which the last is not drawn and leans on all others."""
    r = np.random.default_rng(0)
    rows = r.standard_normal((COUNT, DRAWN + 1))
    rows[:, DRAWN] += rows[:, :DRAWN].sum(1)
    sizes = 3.0 * 0.5 ** np.arange(DRAWN)
    free = np.append(1 / sizes**2, 0.0)
    return r, rows, sizes, free, covariance(rows.T @ rows + np.diag(free))


def answers(spread, free, rows, values):
    """(first, second): each drawn to zero and to the first, by the normal equations themselves."""
    first = values @ rows @ spread
    return first, (values @ rows + free * first) @ spread


def test_the_mean_square_error_is_that_of_repeats():
    r, rows, sizes, free, spread = problem()
    true = np.append(sizes, 1.0) * r.standard_normal((REPEATS, DRAWN + 1))
    values = true @ rows.T + r.standard_normal((REPEATS, COUNT))
    first, second = answers(spread, free, rows, values)
    told, response = twiced(spread, free)
    assert np.allclose(values @ rows @ response, second)
    for found, stated in ((first, spread), (second, told)):
        off = (found - true).T @ (found - true) / REPEATS
        assert np.allclose(off, stated, atol=0.06 * np.sqrt(np.outer(np.diag(stated), np.diag(stated))))


def test_a_start_that_leans_one_way_no_longer_draws_the_constant_along():
    r, rows, sizes, free, spread = problem()
    true = np.append(sizes, 1.0)
    values = rows @ true + r.standard_normal((REPEATS, COUNT))
    told, _ = twiced(spread, free)
    bias, held = [], []
    for found, stated in zip(answers(spread, free, rows, values), (spread, told), strict=True):
        scores = (found[:, -1] - 1) / np.sqrt(stated[-1, -1])
        bias.append(abs(float(scores.mean())))
        held.append(float((np.abs(scores) < 1.96).mean()))
    assert bias[0] > 1.7 * bias[1]
    assert held[0] < 0.91 < 0.92 < held[1]
    assert told[-1, -1] < 1.2 * spread[-1, -1]
