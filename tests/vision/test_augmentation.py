"""Pictures changed at random: what may change and what may not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise import InputError
from edgewise.vision import ImageClassifier, ImageRecipe
from edgewise.vision.training import augmented

sides = st.tuples(st.integers(1, 12), st.integers(5, 12))


def pictures(n: int, side: tuple[int, int], seed: int) -> torch.Tensor:
    return torch.rand(n, 3, *side, generator=torch.Generator().manual_seed(seed))


def changed(x: torch.Tensor, by: ImageRecipe, seed: int = 0) -> torch.Tensor:
    return augmented(x, by, torch.Generator().manual_seed(seed))


@given(sides, st.integers(0, 5), st.floats(0.1, 1.0))
def test_a_square_of_the_mean_colour_is_laid_over(side: tuple[int, int], seed: int, share: float) -> None:
    x = pictures(6, side, seed)
    found = changed(x, ImageRecipe(shift=0, erase=share), seed)
    mean = x.mean((2, 3), keepdim=True).expand_as(x)
    same, covered = found == x, found == mean
    assert (same | covered).all()
    assert covered.flatten(1).any(1).all()
    most = [max(1, round(share * length)) for length in side]
    for row in covered.all(1):
        assert row.any(1).sum() <= most[0]
        assert row.any(0).sum() <= most[1]


@given(sides, st.integers(0, 5), st.floats(0.05, 1.0))
def test_contrast_and_brightness_move_every_number_alike(
    side: tuple[int, int], seed: int, jitter: float
) -> None:
    x = pictures(5, side, seed)
    found = changed(x, ImageRecipe(shift=0, jitter=jitter), seed)
    for before, after in zip(x.flatten(1).double(), found.flatten(1).double(), strict=True):
        centred, moved = before - before.mean(), after - after.mean()
        factor = (centred @ moved) / (centred @ centred)
        assert abs(factor - 1) <= jitter + 1e-4
        assert abs(after.mean() - before.mean()) <= jitter / 2 + 1e-4
        torch.testing.assert_close(moved, factor * centred, rtol=0, atol=1e-5)


def test_what_is_not_asked_for_leaves_the_draws_of_the_rest_as_they_are() -> None:
    x = pictures(20, (9, 9), 0)
    moved = changed(x, ImageRecipe(shift=2, flip=True))
    erased = changed(x, ImageRecipe(shift=2, flip=True, erase=0.3))
    mean = moved.mean((2, 3), keepdim=True)
    assert torch.equal(torch.where(erased == mean, moved, erased), moved)
    assert not torch.equal(moved, x)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"erase": 2.0}, "'erase' argument"),
        ({"jitter": -0.1}, "'jitter' argument"),
        ({"precision": "half"}, "'precision' argument"),
    ],
)
def test_bad_recipes_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ImageRecipe(**settings)


def test_a_network_learns_in_short_numbers_and_keeps_long_ones() -> None:
    x = pictures(60, (8, 8), 0).permute(0, 2, 3, 1).numpy() * 0.4
    y = [k % 2 for k in range(60)]
    x[1::2, 2:6, 2:6] += 0.5
    settings = {"precision": "bfloat16", "erase": 0.2, "jitter": 0.1, "last_width": 2, "last_depth": 2}
    model = ImageClassifier(parameters=3000, epochs=10, settings=settings).fit(x, y)
    assert {p.dtype for p in model.network_.parameters()} == {torch.float32}
    assert model.score(x, y) >= 0.9
