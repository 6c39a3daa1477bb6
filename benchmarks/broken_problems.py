"""Problems that have no answer, or not one: each has to be refused or flagged in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from _common import Clock, Report, begin

from edgewise import InputError, pde

COLUMNS = ("problem", "refused", "flagged", "CPU s", "sentence")


def _square() -> tuple[Any, Any, Any, Any]:
    x, y = pde.coordinates("x", "y")
    return x, y, pde.unknown("u", x, y), pde.box({x: (0, 1), y: (0, 1)})


def _strip(end: float = 1.0) -> tuple[Any, Any, Any, Any]:
    (x,), t = pde.coordinates("x"), pde.time()
    return x, t, pde.unknown("u", x, t), pde.box({x: (0, 1), t: (0, end)})


def _solved(problem: pde.Problem) -> Any:
    return pde.solve(problem, 1e-6, work="quick")


def neumann_out_of_balance() -> Any:
    _, _, u, domain = _square()
    return _solved(pde.Problem(domain, [pde.lap(u) == 1], pde.on(domain.boundary["walls"], pde.dn(u) == 0)))


def condition_missing() -> Any:
    _, _, u, domain = _square()
    return _solved(pde.Problem(domain, [pde.lap(u) == -1], pde.on(domain.boundary["left"], u == 0)))


def corners_that_contradict() -> Any:
    _, _, u, domain = _square()
    parts = domain.boundary
    others = pde.on(parts["right"] | parts["top"] | parts["bottom"], u == 0)
    return _solved(pde.Problem(domain, [pde.lap(u) == 0], [pde.on(parts["left"], u == 1), others]))


def backward_heat() -> Any:
    x, t, u, domain = _strip()
    parts = domain.boundary
    known = [pde.on(parts["walls"], u == 0), pde.on(parts["start"], u == x * (1 - x))]
    return _solved(pde.Problem(domain, [pde.dx(u, t) == -pde.dx(u, x, 2)], known))


def beyond_the_fold() -> Any:
    (x,) = pde.coordinates("x")
    u, domain = pde.unknown("u", x), pde.box({x: (0, 1)})
    walls = pde.on(domain.boundary["walls"], u == 0)
    return _solved(pde.Problem(domain, [pde.dx(u, x, 2) + 4 * pde.exp(u) == 0], walls))


def resonance() -> Any:
    x, y, u, domain = _square()
    mode = pde.sin(pde.pi * x) * pde.sin(pde.pi * y)
    walls = pde.on(domain.boundary["walls"], u == 0)
    return _solved(pde.Problem(domain, [pde.lap(u) + 2 * pde.pi**2 * u == mode], walls))


def too_few_values() -> Any:
    x, t, u, domain = _strip(0.5)
    k = pde.constant("k", guess=0.3, bounds=(0.01, 10))
    r = np.random.default_rng(0)
    at, when = r.uniform(0, 1, 5), r.uniform(0, 0.5, 5)
    seen = np.exp(-0.1 * np.pi**2 * when) * np.sin(np.pi * at) + 0.01 * r.standard_normal(5)
    problem = pde.Problem(domain, [pde.dx(u, t) == k * pde.dx(u, x, 2)])
    return pde.identify(problem, pde.data(u, {x: at, t: when}, seen, sigma=0.01), work="quick")


def wave_with_its_end() -> Any:
    x, t, u, domain = _strip()
    parts = domain.boundary
    end = pde.on(parts["end"], u == pde.sin(pde.pi * x), pde.dx(u, t) == 0)
    start = pde.on(parts["start"], u == pde.sin(2 * pde.pi * x), pde.dx(u, t) == 0)
    walls = pde.on(parts["walls"], u == 0)
    return _solved(pde.Problem(domain, [pde.dx(u, t, 2) == pde.dx(u, x, 2)], [walls, start, end]))


def wave_from_its_end() -> Any:
    x, t, u, domain = _strip()
    parts = domain.boundary
    ends = [pde.on(parts["start"], u == pde.sin(pde.pi * x)), pde.on(parts["end"], u == pde.sin(pde.pi * x))]
    walls = pde.on(parts["walls"], u == 0)
    return _solved(pde.Problem(domain, [pde.dx(u, t, 2) == pde.dx(u, x, 2)], [walls, *ends]))


def diffusion_that_changes_sign() -> Any:
    x, _, u, domain = _square()
    walls = pde.on(domain.boundary["walls"], u == 0)
    return _solved(pde.Problem(domain, [pde.div((x - 0.4) * pde.grad(u)) == 1], walls))


def net_inflow() -> Any:
    x, y = pde.coordinates("x", "y")
    u, v, p = (pde.unknown(name, x, y) for name in "uvp")
    domain = pde.box({x: (0, 1), y: (0, 1)})
    flow, parts = pde.Vector(u, v), domain.boundary
    equations = [pde.lap(u) == pde.dx(p, x), pde.lap(v) == pde.dx(p, y), pde.div(flow) == 0]
    walls = pde.on(parts["right"] | parts["top"] | parts["bottom"], u == 0, v == 0)
    return _solved(pde.Problem(domain, equations, [walls, pde.on(parts["left"], u == y * (1 - y), v == 0)]))


CASES: dict[str, Callable[[], Any]] = {
    "Neumann data that do not balance": neumann_out_of_balance,
    "a condition is missing": condition_missing,
    "contradicting corner values": corners_that_contradict,
    "backward heat": backward_heat,
    "Bratu beyond its fold": beyond_the_fold,
    "Helmholtz at resonance": resonance,
    "too few values for a constant": too_few_values,
    "a wave with start and end": wave_with_its_end,
    "a wave by its places at two times": wave_from_its_end,
    "diffusion that changes sign": diffusion_that_changes_sign,
    "incompressible flow with a net inflow": net_inflow,
}


def main() -> None:
    run = begin("broken_problems", "Problems without an answer")
    report = Report(run, "broken", COLUMNS, (38, 8, 8, 8, 60))
    for name, case in CASES.items():
        clock, refused, sentence = Clock(), False, ""
        try:
            sentence = " ".join(case().warnings)
        except InputError as error:
            refused, sentence = True, str(error)
        report.add(name, refused, bool(sentence) and not refused, clock.seconds, sentence)
    report.save()


if __name__ == "__main__":
    main()
