"""Constraints hold by construction: exactly, on every piece and in the tails, whatever the data say."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import LinearConstraint, minimize

from edgewise import InputError
from edgewise.splines import BSpline
from edgewise.splines.pieces import make_pieces
from edgewise.training.additive.quadratic_program import solve_qp
from edgewise.training.additive.shape_constraints import ShapeConstraint, inequalities
from edgewise.training.bag.members import rising
from edgewise.training.config import TableConfig
from edgewise.training.tabular.fit_table import fit_table

WISHES = {
    0: ShapeConstraint(monotone=1),
    1: ShapeConstraint(convex=1),
    2: ShapeConstraint(monotone=-1),
    3: ShapeConstraint(low=-0.2, high=0.3),
}


@pytest.fixture(scope="module")
def rows():
    """Data that contradict every one of the wishes."""
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (500, 5))
    y = np.sin(5 * X[:, 0]) - X[:, 1] ** 2 + np.sin(4 * X[:, 2]) + X[:, 3] + X[:, 0] * X[:, 4]
    return X, y + 0.2 * random.normal(size=500)


@pytest.fixture(scope="module", params=["squared", "logistic"])
def additive(request, rows):
    X, y = rows
    y = y if request.param == "squared" else (y > 0).astype(float)
    return fit_table(X, y, loss=request.param, mode="additive", constraints=WISHES).network


def derivatives(net, i, order):
    """Values at the ends of every piece of a derivative that is linear or quadratic there, and at its turning point."""
    layer = net.layers[0]
    basis = BSpline(layer.grid[i : i + 1].detach(), 3)
    pieces = make_pieces(basis.breaks, 3)
    coef = layer.coef[i, :, 0].detach()
    found = []
    for p in range(basis.intervals + 2):
        first = min(max(p, 1), basis.intervals) - 1
        power = coef[first : first + 4] @ pieces.table[0, p]
        polynomial = np.polynomial.Polynomial(power.numpy()).deriv(order)
        at = [0.0, 1.0, *[r.real for r in polynomial.deriv().roots() if 0 < r.real < 1 and order < 3]]
        found += [float(polynomial(u)) for u in at]
    return np.array(found)


def test_the_first_derivative_of_every_piece_has_the_right_sign(additive):
    assert derivatives(additive, 0, 1).min() > 0
    assert derivatives(additive, 2, 1).max() < 0


def test_the_second_derivative_of_every_piece_has_the_right_sign(additive):
    # By rounding only: coefficients are of size one, and their second differences are taken here.
    assert derivatives(additive, 1, 2).min() > -1e-13


def test_free_functions_are_free(additive):
    slopes = derivatives(additive, 4, 1)
    assert np.isfinite(slopes).all()


def test_the_range_holds_on_the_whole_line(additive):
    x = np.zeros((4001, 5))
    x[:, 3] = np.linspace(-50, 50, 4001)
    out = additive.predict(x)[:, 0]
    assert out.max() - out.min() <= 0.5
    flat = out[np.abs(x[:, 3]) > 1.1]
    assert len(np.unique(np.round(flat, 12))) == 2


def test_the_range_is_about_the_mean(rows):
    X, y = rows
    net = fit_table(X, y, mode="additive", constraints=WISHES).network
    part = np.zeros_like(X)
    part[:, 3] = X[:, 3]
    values = net.predict(part)[:, 0]
    values -= values.mean()
    # The data would have it go from -1 to 1, so a limit is met.
    assert values.min() == pytest.approx(-0.2, abs=0.005)
    assert 0.15 < values.max() < 0.305


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["deep", "pairwise"])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_joint_networks_hold_them_by_finite_differences(rows, mode, loss):
    X, y = rows
    y = y if loss == "squared" else (y > 0).astype(float)
    options = {"interactions": 4} if mode == "pairwise" else {"mode": "deep"}
    fit = fit_table(X, y, loss=loss, constraints=WISHES, members=2, config=TableConfig(epochs=15), **options)
    assert fit.mode == mode
    net = fit.network
    z = np.random.default_rng(1).uniform(-3, 3, (20_000, 5))
    for i, sign in ((0, 1), (2, -1)):
        step = np.zeros(5)
        step[i] = 0.01
        assert (sign * (net.predict(z + step) - net.predict(z))).min() > 0
    step = np.zeros(5)
    step[1] = 0.05
    bend = net.predict(z + step) + net.predict(z - step) - 2 * net.predict(z)
    assert bend.min() > -1e-12


def test_a_network_that_is_free_breaks_them(rows):
    X, y = rows
    net = fit_table(X, y, mode="additive").network
    assert derivatives(net, 0, 1).min() < -0.1
    assert derivatives(net, 1, 2).min() < -0.01


def test_constraints_that_the_data_meet_cost_nothing():
    random = np.random.default_rng(2)
    X = random.uniform(-1, 1, (600, 2))
    y = np.exp(X[:, 0]) + X[:, 1] + 0.1 * random.normal(size=600)
    free = fit_table(X, y, mode="additive")
    bound = fit_table(X, y, mode="additive", constraints={0: ShapeConstraint(monotone=1, convex=1)})
    assert bound.validation_error < 1.02 * free.validation_error


@pytest.mark.parametrize("seed", range(4))
def test_quadratic_programs_against_scipy(seed):
    random = np.random.default_rng(seed)
    root = random.normal(size=(8, 6))
    H, g = root.T @ root, random.normal(size=6)
    A, b = random.normal(size=(5, 6)), random.normal(size=5) - 1
    z = solve_qp(*(torch.from_numpy(part) for part in (H, g, A, b))).numpy()
    found = minimize(
        lambda v: 0.5 * v @ H @ v - g @ v,
        np.zeros(6),
        jac=lambda v: H @ v - g,
        constraints=LinearConstraint(A, b, np.inf),
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    assert (A @ z - b).min() > -1e-8
    assert 0.5 * z @ H @ z - g @ z == pytest.approx(found.fun, abs=1e-6)


def test_inequalities_say_what_the_spline_does():
    """Coefficients that meet them, drawn at random, give such functions; those that break them by a lot do not always."""
    breaks = torch.tensor([-1.0, -0.7, -0.1, 0.0, 0.4, 1.0], dtype=torch.float64)
    random = torch.Generator().manual_seed(0)
    x = torch.linspace(-2, 2, 2001, dtype=torch.float64)[:, None]
    values = BSpline(breaks[None], 3).values(x)[:, 0]
    for constraint, order in (
        (ShapeConstraint(monotone=1), 1),
        (ShapeConstraint(convex=-1), 2),
        (ShapeConstraint(monotone=-1), 1),
    ):
        turn, A, b = inequalities(breaks, constraint)
        for _ in range(5):
            wish = torch.randn(turn.shape[1], generator=random, dtype=torch.float64)
            c = turn @ solve_qp(torch.eye(len(wish), dtype=torch.float64), wish, A, b)
            sign = constraint.monotone + constraint.convex
            assert float((sign * (values @ c).diff(n=order)).min()) > -1e-12


def test_rising_rises_and_keeps_large_rises():
    c = torch.tensor([0.0, 5.0, -1e6, 3.0], dtype=torch.float64)[None, :, None]
    up = rising(c, 1)[0, :, 0].diff()
    assert bool((up > 0).all())
    assert float(up[0]) == pytest.approx(5.0, abs=1e-6)


@pytest.mark.parametrize("wish", [{"low": 0.1, "high": 1.0}, {"low": -1.0, "convex": 1}])
def test_wishes_that_cannot_be(wish):
    with pytest.raises(InputError, match="must"):
        ShapeConstraint(**{"high": math.inf, **wish})


def test_classes_of_which_there_are_more_cannot_be_ordered(rows):
    X, _ = rows
    y = np.arange(500) % 3
    with pytest.raises(InputError, match="two classes"):
        fit_table(X, y, loss="cross_entropy", constraints=WISHES)
    with pytest.raises(InputError, match="inputs 0 to 4"):
        fit_table(X, X[:, 0], constraints={7: ShapeConstraint(monotone=1)})
