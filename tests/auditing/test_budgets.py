"""Budgets count work; a time limit, a callback or Ctrl-C leaves what is there, and bounds are bounds whatever ends them."""

import json

import numpy as np
import pytest

import edgewise as ew
from edgewise import StopReason
from edgewise.auditing.certify import CHAINED, PROVED, certified_flip
from edgewise.auditing.groups import KnownRows, groupings
from edgewise.auditing.penalty import fair_fit
from edgewise.data.encoding_raw import raw_table
from edgewise.network import KAN
from edgewise.network.fitted import fitted


@pytest.fixture(scope="module")
def net():
    """A network whose first column, of three values in the rows, acts together with the others."""
    made = KAN([4, 8, 1], seed=3, input_names=["sex", "a", "b", "c"])
    rows = np.random.default_rng(0).uniform(-1, 1, (300, 4))
    rows[:, 0] = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], 300)
    return made, rows


def moved(model, rows):
    outputs = [model.predict(np.column_stack([np.full(len(rows), v), rows[:, 1:]])) for v in (-1, 0, 1)]
    return float(np.ptp(outputs, axis=0).max())


@pytest.mark.slow
def test_more_work_never_widens_a_certified_flip(net):
    model, rows = net
    bounds = [certified_flip(fitted(model), "sex", seen=rows[:, 0], work=w) for w in (0.004, 0.05)]
    for found in bounds:
        assert found.reached <= moved(model, rows) * (1 + 1e-6) or found.reached <= found.bound
        assert moved(model, rows) <= found.bound
        assert json.loads(json.dumps(found.to_dict()))["stop_reason"] == found.stop_reason
    assert bounds[0].stop_reason is StopReason.WORK_SPENT
    assert bounds[1].bound <= bounds[0].bound
    assert bounds[1].method == PROVED


def test_out_of_time_a_flip_is_bounded_by_slopes_and_functions_are_drawn_in_all_the_same(net, clock):
    model, rows = net
    clock(0.01)
    found = certified_flip(fitted(model), "sex", seen=rows[:, 0], seconds=0.5)
    assert (found.method, found.stop_reason) == (CHAINED, StopReason.TIME_LIMIT)
    assert moved(model, rows) <= found.bound
    made = ew.auditing.bound_flip(model, "sex", 0.1, rows, seconds=0.5)
    assert made.stop_reason is StopReason.TIME_LIMIT
    assert moved(made.model, rows) <= made.certificates[0].bound <= 0.1


@pytest.mark.slow
def test_training_keeps_the_best_until_it_is_stopped(biased, clock):
    X, actual = biased.X, (biased.y == "yes").astype(float)
    part = groupings(["sex"], raw_table(X))[0]
    clock(0.01)

    def gap(model):
        decided = model.predict(X) == "yes"
        return abs(decided[part.codes == 0].mean() - decided[part.codes == 1].mean())

    options = {"criterion": "dp", "strength": 100.0}
    rows = KnownRows(X, actual, part, np.ones(len(X)))
    short, long = (fair_fit(biased.model, rows, seconds=s, **options) for s in (0.1, 1e6))
    assert short.stop_reason is StopReason.TIME_LIMIT
    assert long.stop_reason in (StopReason.CONVERGED, StopReason.WORK_SPENT)
    assert max(gap(short.model), gap(long.model)) < 0.5 * gap(biased.model)


def test_an_audit_out_of_time_says_what_is_missing(biased, clock):
    clock(0.05)
    stages = []
    found = ew.audit(biased.model, biased.X, biased.y, "sex", seconds=1.0, callbacks=stages.append)
    assert found.stop_reason is StopReason.TIME_LIMIT
    assert found.of("sex").demographic_parity.difference > 0.1
    assert "proxies of sex" in found.notes[-1]
    assert "may differ from run to run" in str(found)
    assert found.to_dict()["stop_reason"] == "time_limit"
    seconds = [stage.seconds for stage in stages]
    assert np.diff(seconds).max() < 1.0
    assert stages[-1].done < stages[-1].stages


@pytest.mark.slow
def test_a_callback_and_ctrl_c_leave_an_audit_with_its_tables(biased):
    def interrupt(stage):
        if stage.name.startswith("proxies"):
            raise KeyboardInterrupt

    first = ew.audit(
        biased.model, biased.X, biased.y, "sex", bootstrap=40, callbacks=lambda s: s.name == "flips of sex"
    )
    assert (first.stop_reason, first.draws, first.flips) == (StopReason.CALLBACK, 40, ())
    second = ew.audit(biased.model, biased.X, biased.y, "sex", bootstrap=40, callbacks=[interrupt])
    assert (second.stop_reason, len(second.flips), second.proxies) == (StopReason.INTERRUPTED, 1, ())
    assert second.of("sex").to_dict() == first.of("sex").to_dict()


@pytest.mark.slow
def test_what_mitigate_has_made_stays(biased, clock):
    options = {"methods": ["flip", "surgery"], "max_changes": [0.5, 0.1]}
    whole = ew.mitigate(biased.model, biased.X, biased.y, "sex", **options)
    assert whole.stop_reason is StopReason.DECIDED
    assert len(whole.points) == 4

    def part(callback):
        return ew.mitigate(biased.model, biased.X, biased.y, "sex", callbacks=callback, **options)

    def interrupt(stage):
        if stage.name == "flip by 0.1 at most":
            raise KeyboardInterrupt

    for callback, reason in (
        (lambda stage: stage.name == "flip by 0.1 at most", StopReason.CALLBACK),
        (interrupt, StopReason.INTERRUPTED),
    ):
        found = part(callback)
        assert found.stop_reason is reason
        assert [p.to_dict() | {"certificates": []} for p in found.points] == [
            p.to_dict() | {"certificates": []} for p in whole.points[:2]
        ]
        assert "without sex" in found.notes[-1]
    clock(0.2)
    late = ew.mitigate(biased.model, biased.X, biased.y, "sex", seconds=1.0)
    assert late.stop_reason is StopReason.TIME_LIMIT
    assert late.before.certificates[0].bound > 0
    assert json.loads(json.dumps(late.to_dict()))["stop_reason"] == "time_limit"


@pytest.mark.slow
def test_a_short_time_leaves_a_model_for_each_bound_of_a_deep_one(deep, clock):
    """Without time for proofs slopes bound what is left; with it the same models are less changed."""
    options = {"methods": ["flip"], "max_changes": [0.5, 0.1], "work": 0.01}
    whole = ew.mitigate(deep.model, deep.X, deep.y, "sex", **options)
    clock(0.001)
    late = ew.mitigate(deep.model, deep.X, deep.y, "sex", seconds=0.05, **options)
    assert late.stop_reason is StopReason.TIME_LIMIT
    assert [point.method for point in late.points] == ["before", "flip", "flip"]
    for max_change, found, proved in zip(
        options["max_changes"], late.points[1:], whole.points[1:], strict=True
    ):
        assert found.certificates[0].bound <= max_change
        assert proved.certificates[0].bound <= max_change
        assert found.certificates[0].method == CHAINED
        assert proved.certificates[0].method == PROVED
