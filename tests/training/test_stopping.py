"""How a fit ends before its end, and which arguments it refuses."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch

from edgewise import InputError
from edgewise.network import KAN, mask_edges, set_symbolic
from edgewise.training import Record, fit

from ..network.builders import state_bytes

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, (150, 2))
Y = np.sin(2 * X[:, 0]) * X[:, 1]


def run(**options: Any) -> Any:
    return fit(KAN([2, 2, 1], seed=0), X, Y, **{"intervals": [3, 6, 12], "steps": 10, **options})


@pytest.mark.parametrize("moment", ["start 1/2", "start 2/2", "round 1", "round 3", "refit", "done"])
def test_ctrl_c_returns_the_best_so_far(moment: str) -> None:
    seen: list[Record] = []

    def interrupt(record: Record) -> None:
        seen.append(record)
        if record.phase == moment:
            raise KeyboardInterrupt

    result = run(callbacks=(interrupt,), starts=2)
    assert result.reason == "interrupted"
    assert "interrupted" in result.message
    assert list(result.history) == seen
    # No worse than where any stage ended (within one, single steps may judge better by chance).
    ends = {r.phase: r.validation for r in seen if r.validation is not None}
    assert result.validation_error <= (1 + 1e-9) * min(ends.values())
    assert np.isfinite(result.network.predict(X)).all()


@pytest.mark.parametrize("count", [1, 3, 6])
def test_a_callback_that_returns_true_stops(count: int) -> None:
    told: list[int] = []
    result = run(callbacks=(lambda r: told.append(r.step), lambda r: r.step >= count, lambda r: "not True"))
    assert told == list(range(1, count + 1))
    assert result.reason == "callback"
    assert len(result.history) == count


def test_an_error_in_a_callback_is_not_swallowed() -> None:
    def fail(record: Record) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(callbacks=[fail])


def test_the_time_given_is_kept() -> None:
    began = time.monotonic()
    result = fit(KAN([2, 8, 1], seed=0), X, Y, starts=50, seconds=0.5)
    assert time.monotonic() - began < 4
    assert result.reason == "seconds"
    assert "raise 'seconds'" in result.message
    assert run(seconds=0).reason == "seconds"
    assert run(seconds=1e6).reason not in ("seconds", "")


def test_a_loss_without_a_value_is_told() -> None:
    net = set_symbolic(KAN([2, 1], seed=0), (0, 0, 0), "log").network
    result = fit(net, X, Y, intervals=[3])
    assert len(result.events) == 1
    assert "not finite" in result.events[0]


def test_settings_that_a_method_cannot_use_are_told() -> None:
    result = fit(KAN([2, 1], seed=0), X, Y, method="adam", steps=1, sparsity=0.1, starts=3)
    assert any("makes no use of sparsity, starts" in event for event in result.events)
    assert not fit(KAN([2, 1], seed=0), X, Y, method="adam", steps=1).events


def test_the_method_follows_the_size() -> None:
    assert fit(KAN([2, 1], seed=0), X, Y, steps=1, intervals=[3]).method == "lm"
    assert fit(KAN([2, 40, 40, 1], seed=0), X, Y, steps=1).method == "adam"


def test_bad_arguments_are_refused_in_one_sentence() -> None:
    net = KAN([2, 1], seed=0)
    nothing = mask_edges(KAN([2, 1], bias=False, seed=0), [(0, 0, 0), (0, 1, 0)]).network
    cases: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
        (("net", X, Y), {}, "'net' parameter of fit must be a KAN"),
        ((nothing, X, Y), {}, "'net' parameter of fit must have an edge or a bias"),
        ((net, X[:, :1], Y), {}, "'X' parameter of fit must have 2 columns"),
        ((net, X, Y[:-1]), {}, "'y' parameter of fit must have 150 rows"),
        ((net, X, np.stack([Y, Y], 1)), {}, "'y' of fit must have 1 column"),
        ((net, X, None), {}, "'y' parameter of fit"),
        ((net, X, [[1.0], [2.0, 3.0]] * 75), {}, "'y' parameter of fit must hold real numbers"),
        ((net, X, np.where(Y > 0.5, np.nan, Y)), {}, "'y' parameter of fit must hold finite numbers"),
        ((net, [["a", "b"]], [1.0]), {}, "'X' parameter of fit must hold real numbers"),
        ((net, np.zeros((0, 2)), []), {}, "at least 1 row"),
        ((net, X, Y), {"loss": "squred"}, "did you mean 'squared'"),
        ((net, X, Y), {"method": "lbfg"}, "did you mean 'lbfgs'"),
        ((net, X, Y), {"loss": "poisson"}, "counts, 0 or more"),
        ((net, X, Y), {"loss": "cross_entropy"}, r"lie in \[0, 1\]"),
        ((net, X, Y), {"validation": 2.0}, "'validation' parameter of fit"),
        ((net, X, Y), {"validation": (X,)}, r"a share, a pair \(X, y\) or None. Got a tuple of 1"),
        (
            (net, X, Y),
            {"validation": (X[:, :1], Y)},
            r"'X' parameter of fit \(validation\) must have 2 columns",
        ),
        ((net, X, Y), {"sample_weight": Y}, "'sample_weight' of fit must be non-negative"),
        ((net, X, Y), {"sample_weight": 0 * Y}, "positive sum"),
        ((net, X, Y), {"sample_weight": [1.0]}, "'sample_weight' parameter of fit must have 150 entries"),
        ((net, X, Y), {"steps": 0}, "'steps' parameter of fit must be an int"),
        ((net, X, Y), {"seconds": -1}, "'seconds' parameter of fit"),
        ((net, X, Y), {"intervals": 5}, "'intervals' parameter of fit must be a list of ints"),
        ((net, X, Y), {"intervals": []}, "at least one grid. Got an empty list"),
        ((net, X, Y), {"intervals": [5, 0]}, "'intervals' parameter of fit must be an int"),
        ((net, X, Y), {"roughness": "automatic"}, "'roughness' parameter of fit must be one of 'auto'"),
        ((net, X, Y), {"roughness": -1.0}, "'roughness' parameter of fit"),
        ((net, X, Y), {"sparsity": float("nan")}, "'sparsity' parameter of fit"),
        ((net, X, Y), {"starts": 1.5}, "'starts' parameter of fit"),
        ((net, X, Y), {"patience": -1}, "'patience' parameter of fit"),
        ((net, X, Y), {"seed": -1}, "'seed' parameter of fit"),
        ((net, X, Y), {"callbacks": print}, "'callbacks' parameter of fit must be a list of functions"),
        ((net, X, Y), {"callbacks": [3]}, "'callbacks' parameter of fit must list functions"),
        ((net, X, Y), {"checkpoint": 7}, "'checkpoint' parameter of fit must be the path"),
        # Settings of another method are read all the same.
        ((net, X, Y), {"roughness": "x", "method": "adam"}, "'roughness' parameter"),
    ]
    before = state_bytes(net)
    for arguments, options, message in cases:
        with pytest.raises(InputError, match=message) as caught:
            fit(*arguments, **options)
        assert "\n" not in str(caught.value)
    assert state_bytes(net) == before
    assert torch.is_grad_enabled()
