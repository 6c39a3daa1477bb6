"""A solution as a network: as near as asked, saved and loaded, and a proper sum of products."""

import json

import numpy as np
import pytest

import edgewise as ew
from edgewise.pde import solve
from edgewise.pde.results.products import separate
from tests.pde.problem_set import burgers, kovasznay, poisson


def test_products_sum_to_the_table():
    r = np.random.default_rng(0)
    weights = [r.uniform(0.5, 2, n) for n in (7, 8, 5)]
    table = sum(np.einsum("i,j,k->ijk", *(r.normal(size=n) for n in (7, 8, 5))) for _ in range(3))
    products = separate(table, weights, 1e-12)
    assert np.allclose(sum(np.einsum("i,j,k->ijk", *product) for product in products), table)
    rough = separate(table, weights, 0.5)
    assert len(rough) < len(products)


@pytest.mark.parametrize("make", [lambda: poisson()[0], lambda: burgers(0.05, 0.4)[0]])
def test_the_network_is_the_solution(make, tmp_path):
    solution = solve(make(), 1e-6)
    net = solution.network(tolerance=1e-6)
    at = [np.linspace(low, high, 31) for low, high in solution.problem.domain.bounds]
    grid = np.meshgrid(*at, indexing="ij")
    X = np.stack([point.ravel() for point in grid], axis=1)
    wanted = solution.grid(*at).ravel()
    found = net.predict(X)[:, 0]
    assert np.linalg.norm(found - wanted) <= 2e-6 * np.linalg.norm(wanted)
    ew.save(net, tmp_path / "u.kan")
    assert np.array_equal(ew.load(tmp_path / "u.kan").predict(X)[:, 0], found)


@pytest.mark.slow
def test_which_unknown_is_asked_for():
    solution = solve(kovasznay()[0], 1e-3)
    with pytest.raises(ew.InputError) as error:
        solution(0.0, 0.0)
    assert error.value.argument == "unknown"
    assert solution.network("p", 1e-3).output_names == ("p",)
    json.dumps(solution.to_dict())
