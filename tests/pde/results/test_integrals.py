"""Integrals over domains and boundaries: beside closed forms, balances, and the benchmark of a channel with a cylinder."""

import numpy as np
import pytest

from edgewise import InputError, pde

x, y = pde.coordinates("x", "y")
u = pde.unknown("u", x, y)
wanted = pde.exp(x) * pde.sin(2 * y) + x * y


def poisson(domain, at=None):
    force = -pde.dx(wanted, x, 2) - pde.dx(wanted, y, 2)
    at = at or domain.boundary["walls"]
    return pde.solve(pde.Problem(domain, [-pde.lap(u) == force], pde.on(at, u == wanted)), 1e-5)


@pytest.mark.slow
def test_what_flows_out_is_what_sources_make():
    plate = pde.box({x: (0, 3), y: (0, 2)}) - pde.disk((x, y), (1, 1), 0.3, name="pipe")
    solution = poisson(plate)
    made = solution.integral(-pde.dx(wanted, x, 2) - pde.dx(wanted, y, 2))
    # Test functions that add up to one balance to rounding, however coarse the mesh is.
    assert abs(solution.integral(-pde.dn(u), "walls") - made) < 1e-10 * abs(made)
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    a, b = 1 + 0.3 * np.cos(angle), 1 + 0.3 * np.sin(angle)
    slope = (np.exp(a) * np.sin(2 * b) + b) * np.cos(angle) + (2 * np.exp(a) * np.cos(2 * b) + a) * np.sin(
        angle
    )
    out = -0.3 * 2 * np.pi * slope.mean()
    balance = abs(solution.integral(pde.dn(u), "pipe") - out)
    n = pde.normal(x, y)
    plain = abs(solution.integral(pde.dx(u, x) * n[0] + pde.dx(u, y) * n[1], plate.boundary["pipe"]) - out)
    assert balance < 1e-7 * abs(out)
    assert 10 * balance < plain < 1e-3 * abs(out)


def test_parts_of_loops_and_boxes_are_summed_place_by_place():
    box = pde.box({x: (0, 1), y: (0, 2)})
    inside = (np.e - 1) * (1 - np.cos(4)) / 2 + 1
    right = np.e * (1 - np.cos(4)) / 2 + 2
    for domain in (box, box | box):
        solution = poisson(domain)
        assert abs(solution.integral(u) - inside) < 1e-5
        assert abs(solution.integral(pde.dn(u), "right") - right) < 1e-3
        assert abs(solution.integral(u * pde.normal(x, y)[0], "right") - (right)) < 1e-4


def test_what_has_no_value_is_refused():
    solution = poisson(pde.box({x: (0, 1), y: (0, 1)}))
    with pytest.raises(InputError) as error:
        solution.integral(pde.dn(u))
    assert (error.value.argument, error.value.expected) == ("term", "have a value inside the domain")
    with pytest.raises(InputError) as error:
        solution.integral(pde.unknown("v", x, y), "left")
    assert (error.value.argument, error.value.expected) == ("term", "have a value on its boundary")
    with pytest.raises(InputError, match="no part 'lid'"):
        solution.integral(u, "lid")


@pytest.mark.slow
def test_drag_lift_and_pressure_of_a_cylinder_in_a_channel():
    """DFG 2D-1: M. Schaefer and S. Turek 1996, doi:10.1007/978-3-322-89849-4_39; digits by Nabh 1998."""
    a, b, p = (pde.unknown(name, x, y) for name in "abp")
    channel = pde.box({x: (0, 2.2), y: (0, 0.41)}) - pde.disk((x, y), (0.2, 0.2), 0.05, name="cylinder")
    flow, nu, n, parts = pde.Vector(a, b), 1e-3, pde.normal(x, y), channel.boundary
    problem = pde.Problem(
        channel,
        [pde.advect(flow, flow) + pde.grad(p) == nu * pde.lap(flow), pde.div(flow) == 0],
        [
            pde.on(parts["left"], a == 1.2 * y * (0.41 - y) / 0.41**2, b == 0),
            pde.on(parts["top"] | parts["bottom"] | parts["cylinder"], a == 0, b == 0),
            pde.on(parts["right"], nu * pde.dn(a) == p * n[0], nu * pde.dn(b) == p * n[1]),
        ],
    )
    solution = pde.solve(problem, tolerance=1e-3)
    assert solution.solved, solution.message
    drag, lift = (
        500 * solution.integral(p * n[k] - nu * pde.dn(item), "cylinder") for k, item in enumerate(flow)
    )
    fall = solution(0.15, 0.2, unknown="p") - solution(0.25, 0.2, unknown="p")
    assert drag == pytest.approx(5.57953523384, rel=1e-4)
    assert lift == pytest.approx(0.010618948146, rel=1e-2)
    assert fall == pytest.approx(0.11752016697, rel=1e-3)
    assert abs(solution.integral(a, "right") - solution.integral(a, "left")) < 1e-6
