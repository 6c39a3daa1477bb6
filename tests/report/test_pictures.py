"""The page of a classifier of pictures: what it shows, what it keeps to itself, and that nothing is in anyone's way."""

from __future__ import annotations

import base64
import io
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewise import InputError
from edgewise.report.content.pictures import HELD_OUT, LEARNED, PictureContent
from edgewise.report.sections.pictures import render_pictures
from edgewise.vision import ImageClassifier
from tests.report.conftest import EVIL, HANGS

image = pytest.importorskip("PIL.Image")


@cache
def trained(kind: str = "patches") -> tuple[ImageClassifier, Any, Any]:
    """Dark and light pictures with a square in the corner of the light ones."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 60, (60, 12, 12), dtype=np.uint8)
    y = np.where(np.arange(60) % 2, EVIL, "dark")
    X[1::2, :3, :3] = 240
    settings = {"patch": 5, "shift": 0, "rate": 1e-2}
    return ImageClassifier(kind, 1500, epochs=6, validation=0.0, settings=settings).fit(X, y), X, y


def content(kind: str = "patches", **changes: Any) -> PictureContent:
    model, X, y = trained(kind)
    fields = {"model": model, "pictures": X, "labels": y, "source": f"{EVIL} set", "known": HELD_OUT}
    return PictureContent(**(fields | changes))


@pytest.mark.slow
def test_the_page_shows_figures_maps_features_and_examples() -> None:
    page = render_pictures(content())
    model, X, y = trained()
    told = float((model.predict(X) == y).mean())
    assert f"<b>{'100 %' if told == 1 else f'{100 * told:.0f} %'}</b>" in page
    assert page == render_pictures(content())
    for part in ("where", "features", "examples", "accuracy"):
        assert f'id="{part}"' in page
    assert "<script>alert" not in page
    assert EVIL.replace("<", "&lt;").replace(">", "&gt;") in page
    assert "img-src data:; " in page
    sums = re.findall(r"<figcaption>[^<]*: ([−\d.]+) ([+−]) ([\d.]+) = ([−\d.]+)</figcaption>", page)
    assert sums
    for constant, sign, total, logit in sums:
        a, b, c = (float(text.replace("−", "-")) for text in (constant, total, logit))
        np.testing.assert_allclose(a + (b if sign == "+" else -b), c, atol=0.02 * (1 + abs(b)))
    # The corner that tells the classes apart is suspected.
    assert "lies at one place near the border" in page


def test_pictures_in_the_page_are_those_given() -> None:
    _, X, _ = trained()
    page = render_pictures(content())
    found = [
        np.asarray(image.open(io.BytesIO(base64.b64decode(match)))).astype(float)
        for match in re.findall(r'src="data:image/png;base64,([^"]+)" alt="picture \d', page)
    ]
    assert found
    for item in found:
        scaled = [(x - x.min()) / (x.max() - x.min()) * 255 for x in X.astype(float)]
        assert min(np.abs(item[..., 0] - x).max() for x in scaled) <= 1


@pytest.mark.slow
def test_private_pictures_stay_private() -> None:
    page = render_pictures(content(rows=False))
    assert 'alt="picture' not in page
    assert 'alt="Patch of' not in page
    assert 'id="examples"' not in page
    assert 'id="where"' in page  # means over many
    few = content(rows=False, pictures=trained()[1][:6], labels=trained()[2][:6])
    assert "data:image" not in render_pictures(few)


def test_other_kinds_say_that_their_evidence_does_not_add_up() -> None:
    page = render_pictures(content("cnn", known=LEARNED))
    assert "--kind patches" in page
    assert "It has seen these pictures" in page
    assert 'id="features"' not in page


def test_what_is_no_content_is_one_sentence() -> None:
    model, X, y = trained()
    for changes, message in (
        ({"labels": y[:3]}, "one for each"),
        ({"labels": ["cow"] * len(X)}, "classes of the model"),
        ({"pictures": X[:, :5]}, "must hold pictures"),
        ({"names": ("a",)}, "one for each"),
    ):
        with pytest.raises(InputError, match=message):
            content(**changes)
    with pytest.raises(InputError, match="a PictureContent"):
        render_pictures(model)  # pyright: ignore[reportArgumentType]


@pytest.mark.slow
def test_nothing_is_in_the_way_of_anyone(browser: Any, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    path = tmp_path / "page.html"
    path.write_text(render_pictures(content()), encoding="utf-8")
    for scheme in ("light", "dark"):
        context = browser.new_context(
            offline=True, color_scheme=scheme, viewport={"width": 1280, "height": 900}
        )
        context.set_default_timeout(HANGS)
        page = context.new_page()
        seen = list[str]()
        page.on("request", lambda request, seen=seen: seen.append(request.url))
        page.on("console", lambda message, seen=seen: seen.append(message.text))
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert (
                page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                <= 0
            )
        found = axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("[...document.images].every((part) => part.naturalWidth > 0)")
        assert [name for name in seen if not name.startswith("data:")] == [path.as_uri()]
        context.close()
