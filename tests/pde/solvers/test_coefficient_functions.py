"""Functions in the weights of equations, found from data with a band."""

import json

import numpy as np
import pytest
from scipy.integrate import cumulative_simpson

from edgewise import InputError
from edgewise.pde import Problem, box, coordinates, data, dx, function, identify, on, unknown
from edgewise.plots import plot_coefficient

SIGMA = 0.0005


def conductivity(x):
    return 1 + 0.5 * np.sin(2 * np.pi * x)


def rod(seed, rows=150):
    """Heat in a rod whose conductivity varies: measured temperatures, from the flux in closed form."""
    (x,) = coordinates("x")
    u, line = unknown("u", x), box({x: (0, 1)})
    k = function("k", x, (0, 1), bounds=(0.05, 20))
    problem = Problem(line, [dx(k * dx(u, x), x) == -1], on(line.boundary["walls"], u == 0))
    fine = np.linspace(0, 1, 4001)
    whole, own = (
        cumulative_simpson(w / conductivity(fine), x=fine, initial=0) for w in (np.ones_like(fine), fine)
    )
    true = own[-1] / whole[-1] * whole - own
    r = np.random.default_rng(seed)
    at = r.uniform(0, 1, rows)
    return problem, data(u, {x: at}, np.interp(at, fine, true) + SIGMA * r.standard_normal(rows), sigma=SIGMA)


@pytest.mark.slow
def test_a_conductivity_is_found_with_its_band():
    at, inside = np.linspace(0, 1, 41), []
    for seed in range(2):
        found = identify(*rod(seed))
        k = found["k"]
        assert np.abs(k(at) - conductivity(at)).max() < 0.1
        low, high = k.band(at)
        inside.append((low <= conductivity(at)) & (conductivity(at) <= high))
        assert not found.warnings
    assert np.mean(inside) > 0.8
    assert found.constants == ()
    assert found.covariance.shape == (0, 0)
    json.dumps(found.to_dict())
    assert "k(x) from" in found.message
    assert found["k"].network().predict(at[:, None]).ravel() == pytest.approx(k(at), abs=1e-4)
    axes = plot_coefficient(k, reference=conductivity).axes[0]
    assert axes.lines[0].get_ydata() == pytest.approx(k(axes.lines[0].get_xdata()))
    assert k.plot().axes
    with pytest.raises(InputError, match="must be one of"):
        found["q"]
    with pytest.raises(InputError, match="functions"):
        plot_coefficient(found)


@pytest.mark.parametrize("intervals", [1, 3, 8])
def test_the_expression_is_the_spline(intervals):
    (x,) = coordinates("x")
    k = function("k", x, (-1, 2), guess=2.5, intervals=intervals)
    weights = sorted(k.tree.free_symbols - {x.tree}, key=str)
    at = np.linspace(-1, 2, 13)
    assert len(weights) == intervals + 3
    own = weights[0].function
    assert own.basis(at) @ np.full(len(weights), 2.5) == pytest.approx(np.full(13, 2.5))
    values = np.random.default_rng(0).standard_normal(len(weights))
    given = k.tree.subs(dict(zip(weights, values, strict=True)))
    assert [float(given.subs(x.tree, a)) for a in at] == pytest.approx(list(own.basis(at) @ values))


def test_wrong_functions_get_a_sentence():
    (x,) = coordinates("x")
    with pytest.raises(InputError, match="coordinates"):
        function("k", "x", (0, 1))
    with pytest.raises(InputError, match="range of the coordinate"):
        function("k", x, (1, 1))
    with pytest.raises(InputError, match="within the bounds"):
        function("k", x, (0, 1), guess=3, bounds=(0, 2))
    with pytest.raises(InputError, match="intervals"):
        function("k", x, (0, 1), intervals=0)
