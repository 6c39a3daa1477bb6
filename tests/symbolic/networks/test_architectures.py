"""The small networks that formulas are read from: built, trained, thinned and read."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, running
from edgewise.network import KAN
from edgewise.symbolic.expressions.composition import living_edges
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.networks.architectures import (
    Architecture,
    TrainedNetwork,
    held_error,
    shapes,
    thinned,
    train,
)
from edgewise.symbolic.search.network_stage import read_networks
from edgewise.symbolic.search.search_space import Limits
from edgewise.symbolic.search.search_state import Search
from edgewise.training import Record

X = np.random.default_rng(0).uniform(-1, 1, (150, 2))
SINE = SplitRows.split(("a", "b"), X, np.sin(2 * X[:, 0]), 0.2, 0)


def trained_on(
    shape: Architecture, rows: SplitRows = SINE, until: float = math.inf, **more
) -> TrainedNetwork:
    return train(shape, rows, intervals=6, until=until, seed=0, **more)


@pytest.mark.parametrize("columns", [1, 2, 5])
def test_every_shape_is_a_network_of_the_columns_and_the_simplest_come_first(columns: int) -> None:
    nets = [KAN(list(shape.nodes), seed=0) for shape in shapes(columns)]
    assert all((net.shape[0], net.shape[-1]) == (columns, 1) for net in nets)
    assert len(living_edges(nets[0])) == min(len(living_edges(net)) for net in nets)


def test_the_error_is_that_of_the_held_out_rows() -> None:
    trained = trained_on(Architecture((2, 1)))
    truth = np.sqrt(np.mean((trained.network.predict(SINE.X_held)[:, 0] - SINE.y_held) ** 2))
    assert trained.error == held_error(trained.network, SINE) == pytest.approx(float(truth))
    assert trained.error < 0.01 * SINE.spread
    assert trained.stopped is None


@pytest.mark.slow
def test_a_plain_output_is_a_weighted_sum() -> None:
    trained = trained_on(Architecture((2, 2, 1), plain=True), until=0.0)
    last = trained.network.layers[-1]
    assert [last.kind(at, 0) for at in range(2)] == ["symbolic", "symbolic"]


def test_training_ends_with_its_share_of_the_work_and_is_not_called_stopped() -> None:
    with running(Meter(most=100.0)) as meter:
        trained = trained_on(Architecture((2, 2, 1)), until=0.0)
    assert trained.stopped is None
    assert meter.spent > 0
    with running(Meter(most=100.0)) as longer:
        trained_on(Architecture((2, 2, 1)))
    assert meter.spent < longer.spent


def test_a_callback_that_stops_is_told_from_work_that_is_done() -> None:
    trained = trained_on(Architecture((2, 2, 1)), callbacks=[lambda record: True])
    assert trained.stopped is StopReason.CALLBACK


def test_edges_that_say_nothing_go_and_the_error_stays() -> None:
    trained = trained_on(Architecture((2, 1)))
    thin = thinned(trained, SINE, until=math.inf)
    assert [edge[1] for edge in living_edges(thin.network)] == [0]
    assert thin.error <= max(1.05 * trained.error, 2e-3 * SINE.spread)
    with torch.no_grad():
        moved = torch.from_numpy(np.column_stack([X[:, 0], -X[:, 1]]))
        assert torch.equal(thin.network(torch.from_numpy(X)), thin.network(moved))


def test_edges_that_count_stay_and_none_is_tried_without_work() -> None:
    rows = SplitRows.split(("a", "b"), X, X[:, 0] + np.sin(3 * X[:, 1]), 0.2, 0)
    trained = trained_on(Architecture((2, 1)), rows)
    assert len(living_edges(thinned(trained, rows, until=math.inf).network)) == 2
    useless = trained_on(Architecture((2, 1)))
    with running(Meter()):
        assert thinned(useless, SINE, until=0.0).network is useless.network


def search(rows: SplitRows, most: float) -> Search:
    return Search(rows, Limits.read(rows.names), (), Meter(most=most), most)


def test_a_sum_of_curves_is_read_from_the_first_network() -> None:
    rows = SplitRows.split(("a", "b"), X, np.sin(2 * X[:, 0]) + np.tanh(3 * X[:, 1]), 0.2, 0)
    found = search(rows, 60.0)
    with np.errstate(all="ignore"), running(found.meter):
        reason = found.follow(read_networks(found, 0))
    assert reason is StopReason.EXACT
    assert len(found.trained) == 1
    beyond = np.random.default_rng(1).uniform(-1.5, 1.5, (50, 2))
    law = np.sin(2 * beyond[:, 0]) + np.tanh(3 * beyond[:, 1])
    np.testing.assert_allclose(found.laws[0].predict(beyond), law, atol=1e-9)
    assert found.networks[found.laws[0].expression] is not None


def test_reading_ends_when_the_work_is_done() -> None:
    rows = SplitRows.split(("a", "b"), X, np.random.default_rng(2).standard_normal(150), 0.2, 0)
    found = search(rows, 0.05)
    with np.errstate(all="ignore"), running(found.meter):
        assert found.follow(read_networks(found, 0)) is StopReason.WORK_SPENT
    assert found.trained


def test_a_callback_ends_the_reading_while_a_network_trains() -> None:
    found = search(SINE, 60.0)

    def stop(record: Record) -> bool:
        return record.phase != "formula"

    found.callbacks = (stop,)
    with running(found.meter), pytest.raises(StopError) as stopped:
        found.follow(read_networks(found, 0))
    assert stopped.value.reason is StopReason.CALLBACK
    assert found.trained
