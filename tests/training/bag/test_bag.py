"""Bags: the batched training network and the one network that it becomes."""

import numpy as np
import pytest
import torch

from edgewise.kernels.native import hidden as native
from edgewise.splines import BSpline, uniform_grid
from edgewise.training.additive.design import DEGREE, make_design, smoother
from edgewise.training.bag.hidden_layers import REACH, hidden_basis, hidden_sum
from edgewise.training.bag.members import Bag, BagShape
from edgewise.training.bag.run import BagRecipe, TableRows, deal, make_problem, train_bag
from edgewise.training.common.losses import Squared
from edgewise.training.tabular.assembly import Ends, to_network


def problem_of(n=300, inputs=3, seed=0):
    random = np.random.default_rng(seed)
    X = torch.from_numpy(random.uniform(-1, 1, (n, inputs)))
    y = torch.sin(3 * X[:, :1] * X[:, 1:2])
    return make_problem(TableRows(X, y, torch.ones(n, dtype=torch.float64)), 10, 4, 0)


def filled(bag, seed=0):
    random = torch.Generator().manual_seed(seed)
    bag.copy_from([0.5 * torch.randn(p.shape, generator=random) for p in bag.parameters])
    if bag.links is not None:
        bag.copy_from([bag.weights[0] * bag.links, *bag.parameters[1:]])
    return bag


def test_hidden_splines_are_b_splines_with_linear_tails():
    h = torch.linspace(-3 * REACH, 3 * REACH, 401, dtype=torch.float64)
    ours = hidden_basis(h, 5)
    theirs = BSpline(uniform_grid(-REACH, REACH, 5), DEGREE).values(h[:, None])[:, 0]
    assert torch.allclose(ours, theirs, atol=1e-12)


@pytest.fixture(params=["torch", "native"])
def way(request, monkeypatch):
    """Either way to a hidden sum."""
    if request.param == "torch":
        monkeypatch.setattr(native, "serves", lambda h, intervals: False)
    elif not native.serves(torch.zeros(1), 4):
        pytest.skip("needs the native kernels")


@pytest.mark.parametrize("outputs", [1, 2])
def test_hidden_sums_have_the_gradients_of_finite_differences(way, outputs):
    random = torch.Generator().manual_seed(0)
    h = (3 * torch.randn(2, 3, 5, generator=random, dtype=torch.float64)).requires_grad_()
    coef = torch.randn(2, 7, 3, outputs, generator=random, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(hidden_sum, (h, coef))


@pytest.mark.parametrize("intervals", [1, 4, 7])
@pytest.mark.parametrize("outputs", [1, 5])
def test_hidden_sums_are_those_of_b_splines(way, intervals, outputs):
    """Against basis values in float64, for rows that fill blocks and rows that are left over."""
    random = torch.Generator().manual_seed(0)
    h = 3 * torch.randn(2, 3, 333, generator=random)
    coef = torch.randn(2, intervals + DEGREE, 3, outputs, generator=random)
    basis = BSpline(uniform_grid(-REACH, REACH, intervals, 3), DEGREE)
    wanted = [torch.einsum("bim,mio->ob", basis.values(h[k].T.double()), coef[k].double()) for k in range(2)]
    torch.testing.assert_close(hidden_sum(h, coef).double(), torch.stack(wanted), rtol=1e-5, atol=1e-3)
    exact = hidden_sum(h.double(), coef.double())
    torch.testing.assert_close(exact, torch.stack(wanted), rtol=1e-9, atol=1e-9)


def test_members_apart_give_what_they_give_together():
    problem = problem_of()
    for links in (None, torch.eye(3, dtype=torch.bool).repeat(1, 4)):
        shape = BagShape(4, (3,), 2, 4, 1.0)
        bag = Bag(problem.design, shape, links, torch.ones(problem.table.shape[1]), 0)
        random = torch.Generator().manual_seed(0)
        bag.copy_from([torch.randn(p.shape, generator=random) for p in bag.parameters])
        some = torch.tensor([1, 3])
        assert torch.allclose(bag.forward(problem.table, some), bag.forward(problem.table)[some], atol=1e-4)


def test_nodes_of_few_inputs_sum_what_a_dense_layer_would():
    problem = problem_of(inputs=5)
    links = torch.tensor([[1, 0, 1], [0, 1, 0], [0, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=torch.bool)
    shape = BagShape(2, (3,), 1, 4, 1.0)
    bag = filled_blocks(Bag(problem.design, shape, links.repeat(1, 2), torch.ones(problem.table.shape[1]), 0))
    dense = bag.first().requires_grad_()
    assert torch.equal((dense != 0).any(1), problem.design.owner < 4)
    sums = (problem.table @ dense).T.reshape(2, 3, -1)
    found = bag._hidden(problem.table, None)
    torch.testing.assert_close(found, sums, rtol=1e-4, atol=1e-4)
    pull = torch.randn(sums.shape, generator=torch.Generator().manual_seed(2))
    (wanted,) = torch.autograd.grad((sums * pull).sum(), dense)
    (slope,) = torch.autograd.grad((found * pull).sum(), bag.weights[0])
    with torch.no_grad():
        bag.weights[0].copy_(slope)
    reads = links.repeat(1, 2)[problem.design.owner]
    torch.testing.assert_close(bag.first(), wanted * reads, rtol=1e-4, atol=1e-3)


def filled_blocks(bag):
    random = torch.Generator().manual_seed(1)
    bag.copy_from([torch.randn(p.shape, generator=random) for p in bag.parameters])
    assert bag.blocks is not None
    return bag


def test_fewer_directions_are_the_smoothest_of_all():
    problem = problem_of()
    design, table = smoother(problem.design, problem.table, [2, 99, 5])
    assert [turn.shape[1] for turn in design.maps] == [2, problem.design.maps[1].shape[1], 5]
    torch.testing.assert_close(design.rows(problem.rows.X), table)
    assert torch.equal(table[:, :2], problem.table[:, :2])


@pytest.mark.parametrize("hidden", [(5,), (4, 3)])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("based", [False, True])
def test_the_network_is_the_mean_of_the_members(hidden, outputs, based):
    problem = problem_of()
    shape = BagShape(4, hidden, outputs, 4, 1.0)
    bag = filled(Bag(problem.design, shape, None, torch.ones(problem.table.shape[1]), 0))
    random = torch.Generator().manual_seed(1)
    base = None
    if based:
        theta = torch.randn(problem.table.shape[1], outputs, generator=random, dtype=torch.float64)
        base = (theta, torch.arange(outputs, dtype=torch.float64))
    shift, scale = torch.arange(1.0, outputs + 1).double(), torch.full((outputs,), 2.0, dtype=torch.float64)
    net = to_network(bag, problem.design, Ends(None, None, shift, scale), base=base)
    X = 1.5 * problem.rows.X  # also beyond the grids
    table = problem.design.rows(X)
    with torch.no_grad():
        expected = bag.forward(table).mean(0).double()
    if base is not None:
        expected = expected + table.double() @ base[0] + base[1]
    wanted = (shift + scale * expected).numpy()
    # The bag is float32, and far beyond the grids large terms cancel.
    assert np.allclose(net.predict(X.numpy()), wanted, atol=1e-5 * (20 + abs(wanted).max()), rtol=1e-4)


def test_links_are_the_edges_there_are():
    problem = problem_of()
    links = torch.tensor([[1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 1, 1]], dtype=torch.bool)
    bag = filled(
        Bag(problem.design, BagShape(2, (2,), 1, 4, 1.0), links, torch.ones(problem.table.shape[1]), 0)
    )
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    net = to_network(bag, problem.design, Ends(None, None, zero, one))
    assert torch.equal(net.layers[0].mask, links)


def test_a_bag_learns_a_product_and_starts_from_nothing():
    problem = problem_of(600)
    seen = []
    recipe = BagRecipe(hidden=(8,), members=4, batch=64, steps=300)
    trained = train_bag(problem, recipe, Squared(), report=lambda *told: bool(seen.append(told)))
    nothing = float((problem.rows.y[problem.held] ** 2).mean() / 2)
    assert trained.error < 0.1 * nothing
    assert [told[0] for told in seen] == sorted(told[0] for told in seen)
    again = train_bag(problem, recipe, Squared())
    assert again.error == trained.error


def test_out_of_bag_outputs_come_from_members_that_left_the_row_out():
    problem = problem_of(400)
    recipe = BagRecipe(hidden=(4,), members=4, batch=64, steps=30)
    trained = train_bag(problem, recipe, Squared())
    with torch.no_grad():
        all_members = trained.bag.forward(problem.table[problem.held])
    own = problem.fold[problem.held] % 4
    expected = all_members[own, torch.arange(len(own))]
    assert torch.allclose(trained.out_of_bag, expected, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 5, 40, 1000, 100_000])
def test_folds_are_disjoint_and_leave_rows_to_learn_from(count):
    fold = deal(count, 4, 0)
    sizes = torch.bincount(fold[fold >= 0], minlength=4)
    assert len(fold) == count
    assert int(sizes.max()) <= max(1, round(0.25 * count))
    assert torch.equal(fold, deal(count, 4, 0))


def test_a_constant_column_and_a_column_of_two_values_do_no_harm():
    X = torch.stack([torch.zeros(50), torch.arange(50.0) % 2, torch.arange(50.0)], 1).double()
    design = make_design(X, torch.ones(50, dtype=torch.float64), 8, 1.0, 0)
    assert [turn.shape[1] for turn in design.maps][:2] == [1, 2]
    assert bool(design.rows(X).isfinite().all())
