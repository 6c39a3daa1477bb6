"""Additive networks solved by penalised reweighted least squares."""

import itertools

import numpy as np
import pytest
import torch

from edgewise._core import work
from edgewise._core.work import Meter, StopReason, running
from edgewise.training import fit_table
from edgewise.training.additive.design import make_design
from edgewise.training.additive.irls import solve_additive, without_nothing
from edgewise.training.common.losses import CrossEntropy, Squared

PLAIN = torch.full((400,), -1)


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    X = torch.from_numpy(random.uniform(-1, 1, (400, 3)))
    return X, torch.sin(3 * X[:, :1]) + X[:, 1:2] ** 2


def design_of(X, weight=None):
    weight = torch.ones(len(X), dtype=torch.float64) if weight is None else weight
    design = make_design(X, weight, 12, 1.0, 0)
    return design, design.rows(X)


def test_it_finds_the_functions_and_drops_what_says_nothing(rows):
    X, y = rows
    noisy = y + 0.1 * torch.from_numpy(np.random.default_rng(1).normal(size=y.shape))
    design, table = design_of(X)
    found = solve_additive(table, design.owner, noisy, torch.ones(400, dtype=torch.float64), Squared(), PLAIN)
    fitted = table.double() @ found.theta + found.bias
    assert float((fitted - y).std()) < 0.04
    own = [
        float((table[:, design.owner == i].double() @ found.theta[design.owner == i]).std()) for i in range(3)
    ]
    assert own[2] < 0.05 * min(own[:2])


def test_the_gradient_of_the_penalised_likelihood_vanishes(rows):
    """Independent of how it was reached: at the solution data pull and penalty cancel, so the bias's residual is zero."""
    X, y = rows
    target = (y > 0.3).to(torch.float64)
    design, table = design_of(X)
    weight = torch.from_numpy(np.random.default_rng(2).uniform(0.5, 1.5, 400))
    found = solve_additive(table, design.owner, target, weight, CrossEntropy(), PLAIN)
    p = torch.sigmoid(table.double() @ found.theta + found.bias)
    assert abs(float(((p - target)[:, 0] * weight).sum())) < 1e-2


def test_a_weight_of_two_is_the_row_twice(rows):
    X, y = rows
    y = y + 0.1 * torch.from_numpy(np.random.default_rng(3).normal(size=y.shape))
    weight = torch.ones(400, dtype=torch.float64)
    weight[:100] = 2
    design, table = design_of(X)
    once = solve_additive(table, design.owner, y, weight, Squared(), PLAIN)
    index = torch.cat([torch.arange(400), torch.arange(100)])
    twice = solve_additive(
        table[index],
        design.owner,
        y[index],
        torch.ones(500, dtype=torch.float64),
        Squared(),
        torch.full((500,), -1),
    )
    assert torch.allclose(once.theta, twice.theta, atol=1e-8)


def test_solutions_without_a_fold_do_not_know_it(rows):
    X, y = rows
    fold = torch.full((400,), -1)
    fold[:50], fold[50:100] = 0, 1
    design, table = design_of(X)
    weight = torch.ones(400, dtype=torch.float64)
    plain = solve_additive(table, design.owner, y, weight, Squared(), fold)
    # The penalties come from all rows; with wild targets in the fold they may differ, but not the rows learned from.
    assert plain.fold_theta.shape == (2, table.shape[1], 1)
    outputs = plain.outputs(table)
    for k in range(2):
        inside = fold == k
        assert float((outputs[k] - y)[inside].std()) < 0.05
        direct = table.double() @ plain.fold_theta[k] + plain.fold_bias[k]
        assert torch.allclose(outputs[k], direct)


def test_what_few_rows_say_against_each_other_is_noise():
    """Of ten rows far out, that follow nothing, little curve is made: however well all others are described."""
    weight, plain, far = torch.ones(1000, dtype=torch.float64), torch.full((1000,), -1), list[float]()
    for seed in range(4):
        random = np.random.default_rng(seed)
        x = np.concatenate([random.uniform(0, 1, 990), random.uniform(1, 4, 10)])
        noise = np.where(x > 1, 5.0, 0.05) * random.normal(size=1000)
        X, law = torch.from_numpy(x[:, None]), torch.from_numpy(np.sin(5 * np.minimum(x, 1)))[:, None]
        design, table = design_of(X)
        found = solve_additive(
            table, design.owner, law + torch.from_numpy(noise)[:, None], weight, Squared(), plain
        )
        off = (table.double() @ found.theta + found.bias - law)[:, 0]
        assert float(off[x <= 1].square().mean().sqrt()) < 0.2
        far.append(float(off[x > 1].square().mean().sqrt()))
    assert np.mean(far) < 1.9


def test_three_classes(rows):
    X, _ = rows
    label = (X[:, 0] > 0.3).long() + (X[:, 1] > 0.2).long()
    y = torch.nn.functional.one_hot(label, 3).to(torch.float64)
    design, table = design_of(X)
    found = solve_additive(
        table, design.owner, y, torch.ones(400, dtype=torch.float64), CrossEntropy(), PLAIN
    )
    guess = (table.double() @ found.theta + found.bias).argmax(1)
    assert float((guess == label).double().mean()) > 0.93


def test_degrees_of_freedom_are_the_trace_of_the_smoother():
    random = np.random.default_rng(0)
    X = torch.from_numpy(random.uniform(-1, 1, (800, 3)))
    y = torch.sin(12 * X[:, :1]) + X[:, 1:2] + 0.3 * torch.from_numpy(random.normal(size=(800, 1)))
    weight = torch.ones(800, dtype=torch.float64)
    design = make_design(X, weight, 12, 1.0, 0)
    table, owner = design.rows(X), design.owner
    solved = solve_additive(table, owner, y, weight, Squared(), torch.full((800,), -1))
    degrees = solved.degrees(table, owner, y, weight, Squared())
    rows = table.double()
    rows = rows[:, solved.penalty[:, 0] > 0]
    penalty = solved.penalty[solved.penalty[:, 0] > 0, 0]
    gram = rows.T @ rows
    trace = torch.linalg.solve(gram + penalty.diag(), gram).diagonal().sum()
    assert float(degrees.sum()) == pytest.approx(float(trace), rel=0.02)
    assert degrees[0] > 4 * degrees[1]
    assert degrees[2] < 1


@pytest.mark.parametrize("size", [0.0, 1e-9, 1e-4, 1.0])
def test_what_is_next_to_nothing_becomes_nothing(size: float):
    random = np.random.default_rng(4)
    table, owner = torch.from_numpy(random.normal(size=(300, 9))), torch.arange(3).repeat_interleave(3)
    theta = torch.from_numpy(random.normal(size=(9, 2)))
    theta[3:6, 0] *= size
    kept = without_nothing(theta, table, owner)
    same = torch.ones(9, 2, dtype=torch.bool)
    same[3:6, 0] = size >= 1e-4
    assert torch.equal(kept, torch.where(same, theta, 0.0))


def test_a_column_that_says_nothing_is_not_read():
    """Nobody need prove that it never matters to the ninth digit."""
    random = np.random.default_rng(5)
    X = np.column_stack([random.normal(size=400), random.integers(0, 2, (400, 6))])
    fit = fit_table(X, np.sin(X[:, 0]), mode="additive")
    read = fit.network.layers[0].mask[:, 0].tolist()
    assert read[0]
    assert not all(read)


def test_a_time_limit_that_is_over_leaves_a_constant(rows, monkeypatch):
    """However early it passes, what was reached is returned, with the reason."""
    X, y = rows
    design, table = design_of(X)
    ticks = itertools.count(0.0, 1.0)
    monkeypatch.setattr(work.time, "monotonic", ticks.__next__)
    for seconds in (0.5, 1.5, 2.5, 3.5, 6.5):
        with running(Meter(seconds=seconds)):
            found = solve_additive(
                table, design.owner, y, torch.ones(400, dtype=torch.float64), Squared(), PLAIN
            )
        assert found.stop is not None
        assert found.stop.reason is StopReason.TIME_LIMIT
        assert bool(torch.isfinite(found.theta).all())
        if found.steps == 0:
            assert not found.theta.any()
            assert torch.allclose(found.bias, y.mean(0))
