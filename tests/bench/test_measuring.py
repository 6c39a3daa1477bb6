"""Timing in turn, ratios with quartiles, the dense reference, and what is read off the machine."""

import gc
import json
import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from edgewise.bench import Comparison, NotMeasured, Results, machine, timing
from edgewise.bench.dense import DenseKANLinear
from edgewise.bench.layers import LayerCase, perceptron
from edgewise.bench.results import compare


class Clock:
    """Time that passes where a piece of work says so."""

    def __init__(self):
        self.now = 0.0

    def work(self, takes, done=lambda: None):
        def run():
            self.now += takes
            done()

        return run


@pytest.fixture
def clock(monkeypatch):
    fake = Clock()
    monkeypatch.setattr(timing, "clock", lambda threads: lambda: fake.now)
    return fake


def test_rivals_are_measured_in_turn_without_the_collector(clock):
    calls = []
    works = [clock.work(0.01, lambda name=name: calls.append((name, gc.isenabled()))) for name in "ab"]
    first, second = timing.alternately(works, seconds=0, least=4)
    assert [*first, *second] == pytest.approx([0.01] * 8)
    assert [name for name, collecting in calls if not collecting] == ["a", "b"] * 4
    assert next(name for name, collecting in calls if collecting) == "a"  # warmed up
    assert gc.isenabled()


def test_quick_work_is_repeated_until_the_clock_can_tell(clock):
    count = []
    (times,) = timing.alternately([clock.work(1e-6, lambda: count.append(1))], seconds=0, least=3)
    assert len(count) >= 3 * 2e-3 / 1e-6
    assert times == pytest.approx([1e-6] * 3)


@pytest.mark.parametrize(("one", "other"), [(1e-6, 3e-6), (1e-6, 0.5), (0.004, 0.001)])
@pytest.mark.parametrize(("seconds", "least"), [(0.0, 5), (2.0, 3), (1000.0, 3)])
def test_work_is_measured_until_the_time_is_spent(clock, one, other, seconds, least):
    first, second = timing.alternately([clock.work(one), clock.work(other)], seconds=seconds, least=least)
    assert len(first) == len(second) >= least
    assert [b / a for a, b in zip(first, second, strict=True)] == pytest.approx([other / one] * len(first))
    assert len(first) in (least, 200) or clock.now >= seconds


def test_the_clock_of_one_thread_is_that_of_the_processor():
    assert (timing.clock(1), timing.clock(2)) == (time.process_time, time.perf_counter)


positive = st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3)), min_size=2, max_size=30)


@given(positive)
def test_the_ratio_is_the_median_of_pairs(pairs):
    ours, theirs = zip(*pairs, strict=True)
    found = compare("t", {"G": 5}, "pass", "rival", ours, theirs, most=2.0)
    expected = np.percentile(np.divide(ours, theirs), [25, 50, 75])
    np.testing.assert_allclose([found.low, found.ratio, found.high], expected, rtol=1e-12)
    assert found.met == (found.ratio <= 2.0)


def test_aims_from_above_and_from_below():
    assert compare("t", {}, "", "", [3.0], [4.0], least=0.7).met is True
    assert compare("t", {}, "", "", [2.0], [4.0], least=0.7).met is False
    assert compare("t", {}, "", "", [2.0], [4.0]).met is None


def test_results_survive_json():
    made = compare("layers", {"in": 8}, "pass", "rival", [1.0, 2.0], [1.0, 1.0], extra={"bound by": "memory"})
    results = Results("a machine", 2, True, (made,), (NotMeasured("peers", "pykan", "not installed"),))
    assert Results.from_json(json.loads(json.dumps(results.to_json()))) == results
    assert results.of("layers") == (made,)
    assert isinstance(results.of("layers")[0], Comparison)


@pytest.mark.parametrize(("intervals", "degree"), [(5, 3), (32, 3), (4, 1), (7, 5)])
def test_the_dense_formulation_is_a_spline(intervals, degree):
    layer = DenseKANLinear(3, 2, intervals=intervals, degree=degree).double()
    x = np.random.default_rng(0).uniform(-0.999, 0.999, (40, 3))
    knots = -1 + 2 / intervals * np.arange(-degree, intervals + degree + 1)
    coef = layer.weight.detach().numpy().reshape(2, 3, -1)
    expected = sum(BSpline(knots, coef[:, i].T, degree)(x[:, i]) for i in range(3))
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach().numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("cell", [LayerCase(64, 64, 1, 5), LayerCase(784, 64, 1, 32)])
def test_the_perceptron_has_as_many_parameters(cell):
    ours = cell.inputs * cell.outputs * (cell.intervals + 3) + cell.outputs
    theirs = sum(parameter.numel() for parameter in perceptron(cell).parameters())
    assert abs(theirs - ours) <= cell.inputs + cell.outputs + 1


def test_caches_grow_with_their_level():
    sizes = list(machine.caches().values())
    assert sizes == sorted(sizes)
    assert sizes[0] >= 1 << 12


@pytest.mark.skipif(machine.resident_bytes() is None, reason="the system does not tell")
def test_the_peak_is_that_of_memory_since_given_back():
    if not machine.forget_peak():
        pytest.skip("the system does not allow it")
    before = machine.peak_bytes()
    block = np.ones(100_000_000 // 8)  # too large to be made of memory that was freed before
    del block
    assert 90e6 < machine.peak_bytes() - before < 130e6
