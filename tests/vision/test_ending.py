"""A training of pictures that is ended from outside stops at once, and what is left can be used and gone on with."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgewise import StopReason
from edgewise._core.work import Meter, StopError, charge
from edgewise.training.modules.descent import Descent, Recipe
from edgewise.vision import ImageClassifier
from edgewise.vision import features as features_module
from edgewise.vision import training as training_module
from edgewise.vision.training import finished

from .test_classifier import marks, quick

X, Y = marks(240)
FRESH, TRUTH = marks(80, seed=1)
FEW = 64


@pytest.fixture(autouse=True)
def few_are_fewer_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_module, "FEW", FEW)


class Ctrl:
    """Presses Ctrl-C inside the call of a function, at its n-th time; counts calls before and after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, at: int) -> None:
        self.calls, inner = 0, getattr(owner, name)

        def pressed(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if self.calls == at:
                raise KeyboardInterrupt
            return inner(*args, **kwargs)

        monkeypatch.setattr(owner, name, pressed)


def usable(model: ImageClassifier) -> None:
    """Everything stands that a whole fit leaves, and the network judges well."""
    assert model.stop_reason_ is StopReason.INTERRUPTED
    assert not any(part.training for part in model.network_.modules())
    assert all(p.grad is None for p in model.network_.parameters())
    norms = [m for m in model.network_.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert all(m.momentum is not None for m in norms)
    assert model.validation_score_ is not None
    assert model.score(FRESH, TRUTH) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["kan", "patches", "cnn"])
def test_no_step_and_few_pictures_more_after_an_interruption(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Ctrl(monkeypatch, Descent, "step", at=80)
    looked = list[tuple[int, int]]()
    augmented = training_module.augmented

    def counted(x: torch.Tensor, *rest: Any) -> torch.Tensor:
        looked.append((steps.calls, len(x)))
        return augmented(x, *rest)

    monkeypatch.setattr(training_module, "augmented", counted)
    model = quick(kind=kind, features=3 if kind == "patches" else None, epochs=50).fit(X, Y)
    assert steps.calls == 80
    assert len(model.history_) == 79 // math.ceil(len(X) * 0.9 / 16)
    assert sum(count for step, count in looked if step == 80) <= 16 + FEW
    if kind == "patches":
        assert int(model.patches_of().body[-1].patch.mask.sum(0).max()) <= 3
    usable(model)


FEATURES: dict[str, Any] = {"kind": "patches", "features": 3, "epochs": 6}


@pytest.fixture(scope="module")
def whole() -> Any:
    return quick(**FEATURES).fit(X, Y).logits(FRESH)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("owner", "name", "at"),
    [
        (Descent, "averaged", 3),  # while an epoch is judged
        (training_module, "settled", 3),
        (training_module, "logits_of", 3),
        (Descent, "_follow", 60),  # in the middle of a step
        (training_module._Run, "store", 3),
        (training_module, "settled", 7),  # after the last step
        (features_module, "_refit", 1),
        (features_module, "_mean_basis", 2),
    ],
)
def test_wherever_it_is_pressed(
    owner: Any, name: str, at: int, whole: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "state"
    with monkeypatch.context() as patch:
        Ctrl(patch, owner, name, at)
        broken = quick(**FEATURES, checkpoint=place).fit(X, Y)
    usable(broken)
    resumed = quick(**FEATURES, checkpoint=place).fit(X, Y)
    assert resumed.stop_reason_ == StopReason.MOST_STEPS
    np.testing.assert_array_equal(whole, resumed.logits(FRESH))


def test_with_patience_it_is_the_best_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    Ctrl(monkeypatch, Descent, "step", at=60)
    seen = list[dict[str, torch.Tensor]]()
    advance = training_module._Run.advance

    def watched(run: Any) -> None:
        advance(run)
        seen.append(run.best_state)

    monkeypatch.setattr(training_module._Run, "advance", watched)
    model = quick(patience=3, epochs=50).fit(X, Y)
    assert model.stop_reason_ is StopReason.INTERRUPTED
    held = model.network_.state_dict()
    assert seen[-1]
    assert all(torch.equal(held[name], tensor) for name, tensor in seen[-1].items())


@pytest.mark.slow
def test_a_checkpoint_holds_the_epoch_that_a_callback_ended(tmp_path: Path) -> None:
    place = tmp_path / "state"

    def press(record: Any) -> None:
        if record.step == 4:
            raise StopError(StopReason.INTERRUPTED)

    usable(quick(checkpoint=place, epochs=6, callbacks=[press]).fit(X, Y))
    told = list[int]()
    quick(checkpoint=place, epochs=6, callbacks=[lambda record: told.append(record.step)]).fit(X, Y)
    assert told[0] >= 4  # the last record may come again


def test_an_interruption_before_the_first_step_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    Ctrl(monkeypatch, Descent, "step", at=1)
    model = quick().fit(X, Y)
    assert model.stop_reason_ is StopReason.INTERRUPTED
    assert model.history_ == ()
    assert np.isfinite(model.logits(FRESH)).all()


def test_an_outer_limit_is_not_taken_for_ones_own() -> None:
    outer = Meter()

    def over(most: int | None) -> int:
        raise StopError(StopReason.TIME_LIMIT, outer)

    with pytest.raises(StopError):
        finished(over, StopReason.MOST_STEPS, Meter())


def test_callbacks_that_asked_to_stop_are_not_asked_again() -> None:
    def beat() -> None:
        raise StopError(StopReason.CALLBACK)

    meter = Meter(beat=beat)
    meter._next = -math.inf

    def work(most: int | None) -> int | None:
        charge(1.0)
        return most

    assert finished(work, StopReason.CALLBACK, meter) == (None, StopReason.CALLBACK)
    assert finished(work, StopReason.MOST_STEPS, meter) == (FEW, StopReason.CALLBACK)


def test_the_mean_of_a_run_is_taken_without_touching_it() -> None:
    line = torch.nn.Linear(2, 1)
    run, x = Descent(line, 40, Recipe(average=0.5)), torch.randn(30, 2)
    for _ in range(20):
        run.step(lambda: line(x).square().mean(), 0.0)
    before = [p.detach().clone() for p in line.parameters()]
    made = run.averaged()
    assert all(torch.equal(p, kept) for p, kept in zip(line.parameters(), before, strict=True))
    run.finish()
    for p, q, kept in zip(line.parameters(), made.parameters(), before, strict=True):
        assert torch.equal(p, q)
        assert not torch.equal(p, kept)
