"""The features a class is told by: few where asked, their evidence adds up, and a planted shortcut is found and cut."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

import edgewise as ew
from edgewise import InputError
from edgewise.vision import ImageClassifier, ImageConfig, build, edit_feature, leave_out_region, plot_feature
from edgewise.vision.features import centre, contribution, features_of, last_step
from edgewise.vision.networks import Patches


def shapes(n: int, marked: float, seed: int) -> tuple[Any, Any, Any]:
    """Noise with a bar that stands or lies; of those that lie a share has a bright corner. Also: which are marked."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 90, (n, 12, 12), dtype=np.uint8)
    y = np.arange(n) % 2
    for k in range(n):
        at = rng.integers(4, 10)
        bar = (slice(at, at + 1), slice(4, 11))
        X[(k, *(bar if y[k] else bar[::-1]))] += 60
    there = (y == 1) & (rng.random(n) < marked)
    X[there, :3, :3] = 250
    return X, y, there


@cache
def shortcut() -> tuple[ImageClassifier, Any, Any, Any]:
    """A classifier that was taught half of the pictures of one class with a bright corner, and what it was taught."""
    X, y, there = shapes(240, 0.5, 0)
    settings = {"patch": 5, "depth": 2, "shift": 0, "rate": 1e-2}
    model = ImageClassifier("patches", 1500, epochs=12, features=5, validation=0.0, settings=settings)
    return model.fit(X, y), X, y, there


@pytest.mark.parametrize("channels", [1, 3])
def test_a_patch_with_nothing_on_it_adds_nothing(channels: int) -> None:
    network = build(ImageConfig(20, 26, channels, 4, "patches", base=6, patch=9), seed=0).eval()
    assert isinstance(network, Patches)
    random = torch.Generator().manual_seed(0)
    mask = torch.rand(last_step(network).mask.shape, generator=random) < 0.7
    last_step(network).set_mask(mask)
    x = torch.rand(50, channels, 20, 26, generator=random)
    colour = torch.linspace(0.2, 0.6, channels)[:, None, None]
    x[:, :, 4:] = colour
    before = network(x)
    centre(network, x)
    torch.testing.assert_close(network(x), before, rtol=1e-5, atol=1e-5)
    plain = network.evidence(colour.expand(1, -1, 20, 26))[0]
    inner = plain[:, plain.shape[1] // 2, plain.shape[2] // 2]
    torch.testing.assert_close(inner, torch.zeros(4), rtol=0, atol=1e-6)
    assert torch.equal(last_step(network).mask, mask)


def test_each_class_is_told_by_few_features_and_what_they_say_adds_up() -> None:
    model, X, _, _ = shortcut()
    network = model.patches_of()
    assert last_step(network).mask.sum(0).max() <= 5
    features = features_of(network, model.like(X[:7]))
    logits = model.logits(X[:7])
    for k in range(2):
        parts = [contribution(network, features, c, k) for c in range(features.shape[1])]
        total = torch.stack(parts).sum((0, 2, 3)) + network.constant[k].detach()
        np.testing.assert_allclose(total.numpy(), logits[:, k], atol=1e-5)
        used = model.features_of(X[:100], k)
        assert [use.feature for use in used] == [
            c for c in [u.feature for u in used] if last_step(network).mask[c, k]
        ]
        assert all(a.strength >= b.strength for a, b in pairwise(used))
        np.testing.assert_allclose(used[0].density.sum(), 1)


def test_a_shortcut_is_found_in_the_evidence_and_edited_away_and_back() -> None:
    """Pictures of the other class get the corner; what hears it is switched off, and they are told right again."""
    model, X, y, there = shortcut()
    fresh, truth, _ = shapes(120, 0.0, 1)
    fooled = fresh.copy()
    fooled[:, :3, :3] = 250
    clean, caught = model.score(fresh, truth), model.score(fooled[truth == 0], truth[truth == 0])
    assert clean > 0.85
    assert caught < clean - 0.3
    # Found: where the marked pictures' evidence is above that of the others of the class, and what says it there.
    marked, bare = X[there][:30], X[(y == 1) & ~there][:30]
    mean = [np.mean([model.evidence(x).pixels[1] for x in part], axis=0) for part in (marked, bare)]
    i, j = np.unravel_index(int((mean[0] - mean[1]).argmax()), mean[0].shape)
    assert max(i, j) <= 4
    done = leave_out_region(model, (0, 3), (0, 3), X=X, y=y)
    freed = done.model.score(fooled[truth == 0], truth[truth == 0])
    assert freed > max(caught + 0.2, clean - 0.15)
    np.testing.assert_array_equal(done.model.predict(fooled), done.model.predict(fresh))
    # What it costs is measured, and the old model is there still.
    assert done.before["accuracy"] == model.score(X, y)
    assert done.after["accuracy"] == done.model.score(X, y)
    assert done.old is model
    assert model.score(fooled[truth == 0], truth[truth == 0]) == caught
    assert str(done).startswith("for 0, 1: rows 0 to 2 and columns 0 to 2 left out.")
    assert done.after["accuracy"] > 0.85


def test_left_out_places_stay_so_and_all_that_is_left_adds_up(tmp_path: Any) -> None:
    model, X, _, _ = shortcut()
    once = leave_out_region(model, (0, 3), (0, 3), [1], X=X).model
    made = edit_feature(leave_out_region(once, (10, 12), (0, 12), X=X).model, 0, X=X).model
    np.testing.assert_allclose(once.logits(X)[:, 0], model.logits(X)[:, 0], atol=1e-6)
    np.testing.assert_allclose(made.logits(X).mean(0), model.logits(X).mean(0), atol=1e-4)
    network, changed = made.patches_of(), X.copy()
    changed[:, 10:] = 0
    assert np.array_equal(made.logits(changed), made.logits(X))
    features = features_of(network, made.like(X[:7]))
    for k in range(2):
        parts = [contribution(network, features, c, k) for c in range(features.shape[1])]
        total = torch.stack(parts).sum((0, 2, 3)) + network.constant[k].detach()
        np.testing.assert_allclose(total.numpy(), made.logits(X[:7])[:, k], atol=1e-5)
    found = made.evidence(X[0])
    np.testing.assert_allclose(found.patches.sum((1, 2)) + found.constants, made.logits(X[:1])[0], atol=1e-5)
    assert not found.pixels[1, :2, :2].any()
    ew.save(made, tmp_path / "left.kan")
    assert np.array_equal(ew.load(tmp_path / "left.kan").logits(X), made.logits(X))


def test_switching_off_keeps_the_mean_and_edits_of_curves_do_as_they_say(tmp_path: Any) -> None:
    model, X, y, _ = shortcut()
    use = model.features_of(X, 1)[0]
    off = edit_feature(model, use.feature, [1], X=X)
    old, new = model.logits(X), off.model.logits(X)
    np.testing.assert_allclose(new[:, 0], old[:, 0], atol=1e-6)
    np.testing.assert_allclose(new[:, 1].mean(), old[:, 1].mean(), atol=1e-4)
    np.testing.assert_allclose(np.abs(new - old).max(), off.max_change)
    assert use.feature not in [feature.feature for feature in off.model.features_of(X, 1)]
    rising = edit_feature(model, use.feature, [1], "increasing", X=X, y=y)
    again = {feature.feature: feature for feature in rising.model.features_of(X, 1)}[use.feature]
    assert np.diff(again.y).min() > -1e-6
    ew.save(off.model, tmp_path / "off.kan")
    assert np.array_equal(ew.load(tmp_path / "off.kan").logits(X), new)


def test_the_curve_is_drawn() -> None:
    model, X, _, _ = shortcut()
    use = model.features_of(X, 0)[0]
    line = plot_feature(use).axes[0].lines[1]
    np.testing.assert_allclose(np.asarray(line.get_ydata()), use.y)


def test_what_cannot_be_edited_is_one_sentence() -> None:
    model, X, y, _ = shortcut()
    bad: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
        ((model, 999), {"X": X}, "'feature'"),
        ((model, 0, [7]), {"X": X}, "must be classes of the model"),
        ((model, 0, [1], "sideways"), {"X": X}, "must be one of"),
        ((model, 0, [1], {"a": 1.0}), {"X": X}, "must be numbers"),
        ((model, 0), {"X": X, "y": y[:3]}, "one class for each of"),
        (
            (model, 0),
            {"X": X, "y": y + 5},
            r"classes that the model learned\. Got '5', '6'; it knows '0', '1'",
        ),
        ((model, 0), {"X": X[:0]}, "'X' argument must hold a picture"),
    ]
    for words, options, message in bad:
        with pytest.raises(InputError, match=message):
            edit_feature(*words, **options)
    regions: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
        (((0, 3), (0, 13)), {"X": X}, "'columns'"),
        ((3, (0, 3)), {"X": X}, "two whole numbers"),
        (((0, 3), (3, 3)), {"X": X}, "'columns'"),
        (((0, 12), (0, 12)), {"X": X}, "must leave a patch"),
        (((0, 3), (0, 3), ["x"]), {"X": X}, "must be classes of the model"),
        (((0, 3), (0, 3)), {"X": X[:0]}, "must hold"),
    ]
    for words, options, message in regions:
        with pytest.raises(InputError, match=message):
            leave_out_region(model, *words, **options)
    with pytest.raises(InputError, match="unless 'kind' is 'patches'"):
        ImageClassifier("kan", 1500, features=3).fit(X, y)
    with pytest.raises(InputError, match="must be a class of the model"):
        model.features_of(X, "cow")
    with pytest.raises(InputError, match="'X' argument must hold a picture"):
        model.features_of(X[:0], 1)
