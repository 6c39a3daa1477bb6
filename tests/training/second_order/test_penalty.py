"""Penalties against integrals, and the weights the evidence chooses against a direct maximisation of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize

from edgewise.layers.initialise import initial_coefficients
from edgewise.network import KAN
from edgewise.training import Squared
from edgewise.training.common.rows import TrainingRows
from edgewise.training.second_order import evidence
from edgewise.training.second_order.fit_problem import FitProblem
from edgewise.training.second_order.parameters import make_slots, pack, write
from edgewise.training.second_order.penalty import STABILISER, Weights, make_penalty, matrix, uniform_weights

DOUBLE = torch.float64


def random_network(basis: str, degree: int, seed: int = 0) -> KAN:
    return KAN([2, 2], basis=basis, degree=degree, grid=(-0.5, 2.0), intervals=4, seed=seed, dtype=DOUBLE)


@pytest.mark.parametrize(
    ("basis", "degree"), [("bspline", 2), ("bspline", 3), ("bspline", 5), ("chebyshev", 3), ("rbf", 3)]
)
def test_roughness_and_tilt_are_what_they_say(basis: str, degree: int) -> None:
    net = random_network(basis, degree)
    layer, slots = net.layers[0], make_slots(net)
    penalty, c = make_penalty(net, slots), pack(net, slots)[slots.layers[0].coef].reshape(4, -1)
    for e, (i, o) in enumerate(
        zip(*(t.tolist() for t in (slots.layers[0].sources, slots.layers[0].targets)), strict=True)
    ):

        def bend(x: float, i: int = i, o: int = o) -> float:
            return float(layer.edge(i, o, torch.tensor([x], dtype=DOUBLE), 2)) ** 2

        low, high = layer.domain[i].tolist()
        breaks = np.linspace(low, high, 5)
        with torch.no_grad():
            integral = sum(integrate.quad(bend, a, b, epsrel=1e-8)[0] for a, b in pairwise(breaks))
            ends = layer.edge(i, o, layer.domain[i])
        rough = float(c[e] @ penalty.rough[0][e] @ c[e])
        assert rough == pytest.approx((high - low) ** 3 * integral, rel=1e-6)
        assert float(penalty.tilt[0][e] @ c[e]) == pytest.approx(float(ends[1] - ends[0]), rel=1e-10)


@given(degree=st.integers(1, 5), intervals=st.integers(2, 12), seed=st.integers(0, 1000))
def test_the_fixed_part_is_blind_to_polynomials_of_the_splines_degree(
    degree: int, intervals: int, seed: int
) -> None:
    from edgewise.splines import fit_coefficients

    net = KAN([1, 1], degree=degree, intervals=intervals, seed=seed, dtype=DOUBLE)
    penalty = make_penalty(net, make_slots(net))
    powers = torch.randn(degree + 1, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)
    x = torch.linspace(-1, 1, 200, dtype=DOUBLE)[:, None]
    c = fit_coefficients(net.layers[0].basis, x, (x ** torch.arange(degree + 1)) @ powers[:, None])[0]
    steady = penalty.steady[0][0]
    assert float(c @ steady @ c) < 1e-12 * float(c @ c)
    wild = torch.randn(len(c), generator=torch.Generator().manual_seed(seed + 1), dtype=DOUBLE)
    if intervals > 3:
        assert float(wild @ steady @ wild) > 1e-4 * float(wild @ wild)


def test_the_matrix_puts_every_edge_in_its_place() -> None:
    net = KAN([2, 2, 1], seed=0, dtype=DOUBLE)
    slots = make_slots(net)
    penalty, theta = make_penalty(net, slots), pack(net, slots)
    random = torch.Generator().manual_seed(0)
    weights = Weights(
        *(tuple(torch.rand(s.n_edges, generator=random, dtype=DOUBLE) for s in slots.layers) for _ in "ab")
    )
    wanted = 0.0
    for k, slot in enumerate(slots.layers):
        c = theta[slot.coef].reshape(slot.n_edges, slot.size)
        for e in range(slot.n_edges):
            wanted += float(weights.rough[k][e] * (c[e] @ penalty.rough[k][e] @ c[e]))
            wanted += float(weights.tilt[k][e] * (penalty.tilt[k][e] @ c[e]) ** 2)
            wanted += STABILISER * float(c[e] @ penalty.steady[k][e] @ c[e])
    S = matrix(penalty, weights)
    assert float(theta @ S @ theta) == pytest.approx(wanted, rel=1e-10)
    torch.testing.assert_close(S, S.T)
    for slot in slots.layers:
        assert float(S[slot.bias].abs().max()) <= 1e-29


def linear_problem(noise: float, intervals: int = 12) -> tuple[FitProblem, torch.Tensor]:
    """One layer is linear in its numbers: the posterior is Gaussian and the evidence has a closed form."""
    random = torch.Generator().manual_seed(3)
    net = KAN([1, 1], intervals=intervals, seed=0, dtype=DOUBLE)
    X = 2 * torch.rand(150, 1, generator=random, dtype=DOUBLE) - 1
    y = torch.sin(3 * X) + noise * torch.randn(150, 1, generator=random, dtype=DOUBLE)
    weight = torch.full((150,), 1 / 150, dtype=DOUBLE)
    return FitProblem(net, TrainingRows(X, y, weight), None, Squared()), pack(net, make_slots(net))


def solved(problem: FitProblem, weights: Weights) -> torch.Tensor:
    zero = torch.zeros(problem.slots.total, dtype=DOUBLE)
    _, gradient, curvature = problem.penalised(weights).normal(zero)
    # Constants of the edge and the bias are one direction; the least solution of it will do.
    return -torch.linalg.lstsq(curvature, gradient[:, None], driver="gelsd").solution[:, 0]


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_the_fixed_point_maximises_the_evidence(noise: float) -> None:
    problem, _ = linear_problem(noise)
    weights = uniform_weights(problem.penalty, 1e-3, 0.0)
    for _ in range(60):
        told = evidence.update(problem, weights, solved(problem, weights), tilt=False)
        weights = told.weights
    chosen = float(weights.rough[0][0])

    basis = problem.net.layers[0].basis
    B = basis.values(problem.rows.X)[:, 0].numpy()
    y, n = problem.rows.y[:, 0].numpy(), len(problem.rows)
    rough, steady = (t[0][0].numpy() for t in (problem.penalty.rough, problem.penalty.steady))

    def restricted_likelihood(log_weight: float) -> float:
        """Of y = B c + noise with a Gaussian prior on the curvature of c and flat ones on lines and constants."""
        S = n * (np.exp(log_weight) * rough + STABILISER * steady)
        A = B.T @ B + S
        c = np.linalg.solve(A, B.T @ y)
        loss = float(((y - B @ c) ** 2).sum() + c @ S @ c)
        sizes = np.linalg.eigvalsh(S)[2:]
        return ((n - 2) * np.log(loss) + np.linalg.slogdet(A)[1] - np.log(sizes).sum()) / 2

    best = optimize.minimize_scalar(
        restricted_likelihood, bounds=(np.log(chosen) - 6, np.log(chosen) + 6), method="bounded"
    )
    assert chosen == pytest.approx(float(np.exp(best.x)), rel=0.05)
    assert told.noise == pytest.approx(noise, rel=0.2)
    # What the smoother's matrix says: its trace, where the constant of the edge and the bias count once.
    A = B.T @ B + n * (chosen * rough + STABILISER * steady)
    assert told.degrees == pytest.approx(float(np.trace(np.linalg.solve(A, B.T @ B))), rel=1e-3)


def test_an_update_leaves_alone_what_it_is_told_to() -> None:
    problem, theta = linear_problem(0.1)
    weights = uniform_weights(problem.penalty, 1e-3, 1e-6)
    told = evidence.update(problem, weights, theta, tilt=False, rough=False)
    assert torch.equal(told.weights.rough[0], weights.rough[0])
    assert torch.equal(told.weights.tilt[0], weights.tilt[0])
    assert float(weights.rough[0][0]) == 1e-3


def test_the_group_penalty_bounds_the_sum_of_sizes_from_above() -> None:
    """Its quadratic touches strength * size at the present numbers and lies above it elsewhere."""
    net = KAN([3, 2], seed=0, dtype=DOUBLE)
    slots = make_slots(net)
    penalty, theta = make_penalty(net, slots), pack(net, slots)

    def sizes(vector: torch.Tensor) -> torch.Tensor:
        c = vector[slots.layers[0].coef].reshape(6, -1)
        rough = torch.einsum("em,emn,en->e", c, penalty.rough[0], c)
        return (rough + (penalty.tilt[0] * c).sum(1) ** 2).sqrt()

    nothing = uniform_weights(penalty, 0.0, 0.0)
    weights = evidence.group_sparse(penalty, nothing, theta, 0.3)
    base = matrix(penalty, nothing)

    def gap(vector: torch.Tensor) -> float:
        quadratic = 0.5 * float(vector @ (matrix(penalty, weights) - base) @ vector)
        return quadratic + 0.15 * float(sizes(theta).sum()) - 0.3 * float(sizes(vector).sum())

    assert gap(theta) == pytest.approx(0.0, abs=1e-9)
    random = torch.Generator().manual_seed(0)
    for scale in (0.01, 0.3, 3.0):
        moved = theta + scale * torch.randn(len(theta), generator=random, dtype=DOUBLE)
        assert gap(moved) > 0


def test_initial_functions_are_penalised_alike_on_any_range() -> None:
    """Roughness and tilt are free of the unit of x: stretching the grid changes nothing."""
    narrow, wide = (KAN([1, 1], grid=(0.0, w), seed=0, dtype=DOUBLE) for w in (1e-3, 1e4))
    c, _ = initial_coefficients(narrow.layers[0].basis, 1, torch.Generator().manual_seed(0), False)
    for net in (narrow, wide):
        write(net, make_slots(net), torch.cat([c[0, :, 0], torch.zeros(1, dtype=DOUBLE)]))
    first, second = (make_penalty(net, make_slots(net)) for net in (narrow, wide))
    torch.testing.assert_close(first.rough[0], second.rough[0], rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(first.tilt[0], second.tilt[0], rtol=1e-9, atol=1e-12)
