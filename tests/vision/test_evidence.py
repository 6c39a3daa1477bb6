"""Evidence adds up to the logit, comes from nowhere else than its patch, and lies where the class is."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from edgewise import InputError
from edgewise.vision import Evidence, ImageClassifier, ImageConfig, build, plot_evidence
from edgewise.vision.evidence import evidence_of
from edgewise.vision.networks import Patches, reach


@pytest.mark.parametrize("side", [8, 15, 28])
@pytest.mark.parametrize("patch", [3, 9, 13])
def test_patches_and_pixels_add_up_to_the_logits(side: int, patch: int) -> None:
    network = build(ImageConfig(side, side, 3, 4, "patches", base=3, patch=patch), seed=0).eval()
    assert isinstance(network, Patches)
    with torch.no_grad():
        network.constant.copy_(torch.tensor([0.5, -1.0, 0.0, 2.0]))
    picture = torch.rand(3, side, side, generator=torch.Generator().manual_seed(0))
    found = evidence_of(network, picture, np.arange(4))
    for parts in (found.patches, found.pixels):
        np.testing.assert_allclose(parts.sum((1, 2)) + found.constants, found.logits, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.logits, network(picture[None]).detach()[0].numpy(), atol=1e-6)
    assert reach(network)[0] <= patch


@pytest.mark.parametrize("side", [9, 28])
def test_a_patch_sees_its_square_and_no_more(side: int) -> None:
    network = build(ImageConfig(side, side, 1, 3, "patches", base=3), seed=0).eval()
    assert isinstance(network, Patches)
    picture = torch.rand(1, side, side, generator=torch.Generator().manual_seed(0))
    before = evidence_of(network, picture, np.arange(3))
    for i, j in ((0, 0), (1, 2), (before.patches.shape[1] - 1, before.patches.shape[2] - 1)):
        rows, columns = before.square(i, j)
        outside = torch.rand(1, side, side, generator=torch.Generator().manual_seed(1))
        outside[:, rows, columns] = picture[:, rows, columns]
        after = evidence_of(network, outside, np.arange(3))
        np.testing.assert_allclose(after.patches[:, i, j], before.patches[:, i, j], rtol=1e-5, atol=1e-7)
        for edge in (rows.start, rows.stop - 1):  # every edge of the square is seen
            inside = picture.clone()
            inside[:, edge, columns] += 1.0
            moved = evidence_of(network, inside, np.arange(3)).patches[:, i, j]
            assert np.abs(moved - before.patches[:, i, j]).max() > 1e-7


@pytest.mark.parametrize("kind", ["kan", "cnn", "patches"])
def test_sequences_are_pictures_of_height_one(kind: str) -> None:
    """Kernels and pools run along them only, and evidence adds up as well."""
    network = build(ImageConfig(1, 40, 1, 3, kind, base=4), seed=0).eval()
    x = torch.rand(2, 1, 1, 40, generator=torch.Generator().manual_seed(0))
    assert network(x).shape == (2, 3)
    assert all(part.kernel_size[0] == 1 for part in network.modules() if hasattr(part, "kernel_size"))
    if isinstance(network, Patches):
        found = evidence_of(network, x[0], np.arange(3))
        np.testing.assert_allclose(found.pixels.sum((1, 2)) + found.constants, found.logits, atol=1e-5)


@cache
def spotted() -> tuple[ImageClassifier, Any, Any, Any]:
    """A classifier of pictures with a ring or a cross somewhere, and where it is."""
    rng = np.random.default_rng(0)
    ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
    cross = np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]])
    X, y, place = rng.integers(0, 60, (180, 12, 12), dtype=np.uint8), np.arange(180) % 2, []
    for k in range(180):
        i, j = rng.integers(0, 9, 2)
        X[k, i : i + 3, j : j + 3] += (150 * (ring if y[k] else cross)).astype(np.uint8)
        place.append((i + 1, j + 1))
    settings = {"patch": 9, "depth": 2, "shift": 0, "rate": 1e-2}
    model = ImageClassifier("patches", 1500, epochs=14, seed=0, settings=settings).fit(X[:140], y[:140])
    return model, X[140:], y[140:], np.array(place[140:])


@pytest.mark.slow
def test_evidence_lies_where_the_class_is() -> None:
    model, X, y, place = spotted()
    assert model.score(X, y) > 0.9
    hits = 0
    for picture, label, (i, j) in zip(X, y, place, strict=True):
        found = model.evidence(picture)
        other = found.pixels[label] - found.pixels[1 - label]
        a, b = np.unravel_index(np.argmax(other), other.shape)
        hits += abs(int(a) - i) <= 4 and abs(int(b) - j) <= 4
    assert hits / len(X) > 0.8  # by chance less than half


def test_the_strongest_patches_come_first() -> None:
    model, X, _, _ = spotted()
    found = model.evidence(X[0])
    top = found.strongest(1, 3)
    assert [item[2] for item in top] == sorted(found.patches[1].ravel(), reverse=True)[:3]
    i, j, value = top[0]
    assert found.patches[1, i, j] == value


def test_centring_changes_no_probability_and_still_adds_up() -> None:
    rng = np.random.default_rng(0)
    patches, pixels, constants = rng.normal(size=(3, 2, 2)), rng.normal(size=(3, 4, 4)), rng.normal(size=3)
    logits = constants + patches.sum((1, 2))
    found = Evidence(np.zeros((4, 4, 1)), np.arange(3), logits, constants, patches, pixels, 2, 2, 0).centred()
    np.testing.assert_allclose(found.constants + found.patches.sum((1, 2)), found.logits)
    np.testing.assert_allclose(found.patches.sum(0), 0, atol=1e-12)
    np.testing.assert_allclose(
        np.exp(found.logits) / np.exp(found.logits).sum(), np.exp(logits) / np.exp(logits).sum()
    )


def test_the_drawing_adds_up_and_colours_what_speaks_for_a_class() -> None:
    pixels = np.zeros((2, 4, 4))
    pixels[0, 1, 1], pixels[1, 2, 2] = 2.0, -1.0
    found = Evidence(
        np.zeros((4, 4, 1)), np.array(["cat", "dog"]), np.array([2.5, -0.5]), np.array([0.5, 0.5]),
        pixels, pixels, 1, 1, 0,
    )  # fmt: skip
    figure = plot_evidence(found)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [
        "picture",
        "cat: +1.50\nconstant +0.00, evidence +1.50",
        "dog: −1.50\nconstant +0.00, evidence −1.50",
    ]
    cat, dog = (np.asarray(axes.images[0].get_array()) for axes in figure.axes[1:])
    assert cat[1, 1, 0] > cat[1, 1, 2] + 0.3
    assert dog[2, 2, 2] > dog[2, 2, 0] + 0.1
    assert len(set(cat[0, 0].tolist())) == 1  # grey
    assert len(plot_evidence(found, ["dog"]).axes) == 2
    figure.canvas.draw()
    frame = figure.bbox
    for axes in figure.axes:
        box = axes.title.get_window_extent()
        assert frame.y0 <= box.y0
        assert box.y1 <= frame.y1
    # Letters that no font here has are no boxes, and long names stay above their panel.
    named = plot_evidence(replace(found, classes=np.array(["字" * 9, "x" * 99])), most=2)
    assert [axes.get_title().split(":")[0] for axes in named.axes[1:]] == ["?" * 9, "x" * 25 + "…"]
    with pytest.raises(InputError, match=r"must be classes of the model\. Got 'cow'"):
        plot_evidence(found, ["cow"])
    for options, message in (
        ({"most": 0}, "'most' argument"),
        ({"labels": "dog"}, "'labels' argument must be a list of classes"),
        ({"labels": []}, "at least one class"),
    ):
        with pytest.raises(InputError, match=message):
            plot_evidence(found, **options)


def test_a_series_is_drawn_as_a_curve_before_its_colours() -> None:
    rng = np.random.default_rng(0)
    series, pixels = rng.normal(size=(1, 30, 2)), np.zeros((2, 1, 30))
    pixels[0, 0, 7], pixels[1, 0, 7] = 1.0, -1.0
    found = Evidence(
        series, np.array(["$a", "$b"]), np.array([1.0, -1.0]), np.zeros(2), pixels, pixels, 1, 1, 0
    )
    figure = plot_evidence(found)
    assert [axes.get_title().split(":")[0] for axes in figure.axes] == ["$a", "$b"]
    for axes, red in zip(figure.axes, (0, 2), strict=True):
        assert [line.get_linestyle() for line in axes.lines] == ["-", "--"]
        drawn = [np.asarray(line.get_ydata()) for line in axes.lines]
        np.testing.assert_array_equal(np.array(drawn).T, series[0])
        behind = np.asarray(axes.images[0].get_array())
        assert behind[0, 7, red] > behind[0, 7, 2 - red] + 0.3
        assert (np.delete(behind, 7, 1) == 1).all()
    figure.canvas.draw()
