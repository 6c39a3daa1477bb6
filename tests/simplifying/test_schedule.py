"""simplify: the smallest network that explains the data as well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from edgewise import InputError, StopReason
from edgewise.network import KAN, mask_edges
from edgewise.simplifying import SimplifyResult, canonical, simplify
from edgewise.training import Record, fit

from ..network.builders import state_bytes
from ..training.clocks import set_clock

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (200, 3))
Y = np.exp(np.sin(2 * X[:, 0]) + X[:, 2] ** 2)
NAMES = ["mass", "unused", "length"]


def rmse(net: KAN, x: Any, y: Any) -> float:
    return float(np.sqrt(np.mean((net.predict(x)[:, 0] - y) ** 2)))


@pytest.fixture(scope="module")
def trained() -> KAN:
    net = KAN([3, 3, 1], input_names=NAMES, output_names=["force"], seed=0)
    return fit(net, X, Y, intervals=[5]).network


@pytest.fixture(scope="module")
def found(trained: KAN) -> SimplifyResult:
    return simplify(trained, X, Y, starts=4)


@pytest.mark.slow
def test_the_textbook_function_comes_out_as_small_as_it_is() -> None:
    random = np.random.default_rng(0)
    x, fresh = random.uniform(-1, 1, (400, 2)), random.uniform(-0.95, 0.95, (500, 2))

    def truth(x: Any) -> Any:
        return np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)

    net = fit(KAN([2, 3, 1], seed=0), x, truth(x), seed=0, intervals=[5]).network
    result = simplify(net, x, truth(x), seed=0)
    assert result.network.shape == (2, 1, 1)
    assert all(bool(layer.mask.all()) for layer in result.network.layers)
    assert result.validation_error is not None
    assert result.validation_error < 1e-5
    assert rmse(result.network, fresh, truth(fresh)) < 1e-5


def test_an_input_that_does_nothing_is_cut_off_and_names_survive(found: SimplifyResult) -> None:
    net = found.network
    assert net.shape == (3, 1, 1)
    assert net.layers[0].mask.tolist() == [[True], [False], [True]]
    assert (net.input_names, net.output_names) == (("mass", "unused", "length"), ("force",))
    fresh = np.random.default_rng(1).uniform(-0.95, 0.95, (300, 3))
    assert rmse(net, fresh, np.exp(np.sin(2 * fresh[:, 0]) + fresh[:, 2] ** 2)) < 1e-3
    assert found.validation_error is not None
    assert found.validation_error < 1e-3


def test_it_says_what_it_did(found: SimplifyResult) -> None:
    kept = [step for step in found.steps if "; kept" in step.detail]
    refused = [step for step in found.steps if "refused" in step.detail]
    assert len(kept) >= 2
    assert refused
    assert len(kept) + len(refused) == len(found.steps)
    assert all("held-out error" in step.detail for step in kept)
    assert kept[-1].after == "[3, 1, 1], 3 edges"
    assert found.message.startswith("Every smaller shape and every further edge")
    assert found.seconds > 0
    assert found.history


def test_the_result_is_in_canonical_form_and_the_network_given_is_as_it_was(
    trained: KAN, found: SimplifyResult
) -> None:
    again = canonical(found.network, X).network
    for a, b in zip(found.network.state_dict().values(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-7, atol=1e-8)
    before, random, x = state_bytes(trained), torch.get_rng_state(), X.copy()
    simplify(trained, X, Y, starts=1, callbacks=[lambda record: True])
    assert state_bytes(trained) == before
    assert torch.equal(torch.get_rng_state(), random)
    assert np.array_equal(x, X)


def test_the_same_seed_gives_the_same_bits() -> None:
    x, y = X[:60, :2], X[:60, 0] + X[:60, 1] ** 2
    net = fit(KAN([2, 2, 1], seed=0), x, y, intervals=[3], steps=5).network
    first, again = (simplify(net, x, y, starts=2, seed=3) for _ in range(2))
    assert state_bytes(first.network) == state_bytes(again.network)
    assert first.steps == again.steps


@pytest.mark.slow
@pytest.mark.parametrize("way", ["Ctrl-C", "callback"])
@pytest.mark.parametrize("moment", [1, 30])
def test_stopping_gives_a_usable_network_at_once(
    monkeypatch: pytest.MonkeyPatch, trained: KAN, way: str, moment: int
) -> None:
    set_clock(monkeypatch, 0.0)
    told: list[Record] = []

    def stop(record: Record) -> bool:
        told.append(record)
        if len(told) < moment:
            return False
        if way == "Ctrl-C" and len(told) == moment:
            raise KeyboardInterrupt
        return way == "callback"

    result = simplify(trained, X, Y, starts=4, callbacks=[stop])
    assert len(told) == moment, "nothing further may be tried"
    assert result.stop_reason == ("interrupted" if way == "Ctrl-C" else "callback")
    assert rmse(result.network, X, Y) <= 1.1 * rmse(trained, X, Y)
    assert result.network.input_names == tuple(NAMES)
    assert told[0].phase.startswith("simplify [")


@pytest.mark.parametrize("seconds", [0.0, 20.0, 200.0])
def test_a_time_limit_interrupts_and_says_so(
    monkeypatch: pytest.MonkeyPatch, trained: KAN, seconds: float
) -> None:
    set_clock(monkeypatch, 1.0)
    result = simplify(trained, X, Y, seconds=seconds)
    assert result.stop_reason is StopReason.TIME_LIMIT
    assert "may differ from run to run" in result.message
    assert rmse(result.network, X, Y) <= 1.1 * rmse(trained, X, Y)


def test_nothing_depends_on_the_clock_or_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = X[:60, :2], X[:60, 0] + X[:60, 1] ** 2
    net = fit(KAN([2, 2, 1], seed=0), x, y, intervals=[3], steps=5).network
    told: list[tuple[Any, ...]] = []
    before = torch.get_num_threads()
    try:
        for threads, tick in ((1, 1e-6), (2, 10.0)):
            torch.set_num_threads(threads)
            set_clock(monkeypatch, tick)
            result = simplify(net, x, y, starts=2, seed=3, seconds=1e9, callbacks=[lambda record: None])
            told.append((state_bytes(result.network), result.steps, result.stop_reason))
    finally:
        torch.set_num_threads(before)
    assert told[0] == told[1]
    assert told[0][2] is StopReason.EXHAUSTED


def test_noise_is_not_learned_on_the_way() -> None:
    random = np.random.default_rng(3)
    x = random.uniform(-1, 1, (150, 2))
    clean = np.sin(2 * x[:, 0])
    y = clean + random.normal(scale=0.2, size=150)
    net = fit(KAN([2, 2, 1], seed=0), x, y, intervals=[5]).network
    result = simplify(net, x, y, starts=2)
    assert result.network.shape == (2, 1, 1)
    dense = random.uniform(-0.95, 0.95, (400, 2))
    assert rmse(result.network, dense, np.sin(2 * dense[:, 0])) < 0.1
    assert result.validation_error is not None
    assert 0.12 < result.validation_error < 0.3


def test_a_network_whose_outputs_need_different_nodes() -> None:
    """Keeping only one node would leave an output without an edge: that shape is passed over, not an error."""
    x = X[:100, :2]
    y = np.stack([np.sin(2 * x[:, 0]), x[:, 1] ** 2], 1)
    net = mask_edges(KAN([2, 2, 2], seed=0), [(0, 0, 1), (0, 1, 0), (1, 0, 1), (1, 1, 0)]).network
    trained = fit(net, x, y, intervals=[5]).network
    result = simplify(trained, x, y, starts=1)
    assert result.network.shape == (2, 2, 2)
    assert sum(int(layer.mask.sum()) for layer in result.network.layers) == 4


def test_classes() -> None:
    random = np.random.default_rng(5)
    x = random.uniform(-1, 1, (200, 2))
    y = (random.uniform(size=200) < 1 / (1 + np.exp(-8 * x[:, 0]))).astype(int)
    net = fit(KAN([2, 2, 1], seed=0), x, y, loss="cross_entropy", intervals=[3], steps=10).network
    result = simplify(net, x, y, loss="cross_entropy", starts=1)
    assert result.network.shape == (2, 1, 1)
    assert result.network.layers[0].mask.tolist() == [[True], [False]]
    assert np.mean((result.network.predict(x)[:, 0] > 0) == y) > 0.8


def test_bad_arguments_are_refused(trained: KAN) -> None:
    for options, message in (
        ({"tolerance": -0.1}, "'tolerance' argument"),
        ({"starts": 0}, "'starts' argument"),
        ({"loss": "squred"}, "did you mean 'squared'"),
        ({"seconds": -1.0}, "'seconds' argument"),
        ({"work": -1.0}, "'work' argument"),
        ({"seed": -1}, "'seed' argument"),
        ({"sample_weight": [1.0]}, "'sample_weight' argument must have 200 entries"),
    ):
        with pytest.raises(InputError, match=message):
            simplify(trained, X, Y, **options)
    with pytest.raises(InputError, match="'X' argument must have 3 columns"):
        simplify(trained, X[:, :2], Y)
    with pytest.raises(InputError, match="'y' argument must have 1 column"):
        simplify(trained, X, np.stack([Y, Y], 1))
