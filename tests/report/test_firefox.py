"""The same page in another browser: Firefox, told only to take a picture of it."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from edgewise.network import KAN
from edgewise.report import ReportContent, write_report
from tests.report.conftest import HANGS

pytestmark = pytest.mark.slow

image = pytest.importorskip("PIL.Image")
PROGRAM = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
SIZE = (1200, 900)
# Places of 60 by 60 pixels, whose mean ink is compared: letters and widgets differ from browser to browser, layout does not.
PLACES = (20, 15)


def ink(path) -> np.ndarray:
    """How dark each place of the upper left of a picture is, from 0 to 1."""
    picture = np.asarray(image.open(path).convert("L"), dtype=float)[: SIZE[1], : SIZE[0]]
    assert picture.shape == SIZE[::-1]
    rows, columns = SIZE[1] // PLACES[1], SIZE[0] // PLACES[0]
    return 1 - picture.reshape(PLACES[1], rows, PLACES[0], columns).mean(axis=(1, 3)) / 255


@pytest.fixture
def page(tmp_path):
    names = ("u", "v")
    X = np.random.default_rng(0).uniform(-1, 1, (80, 2))
    net = KAN([2, 3, 1], seed=0, input_names=names, output_names=["y"])
    y = net.predict(X)[:, 0]
    content = ReportContent("t", "t.csv", names, "y", X[:50], y[:50], X[50:], y[50:], network=net)
    return write_report(tmp_path / "page.html", content)


def photographed(file, folder):
    """The page as Firefox shows it, with a profile of its own."""
    profile, picture = folder / f"profile-{file.stem}", folder / f"{file.stem}.png"
    profile.mkdir()
    size = ",".join(map(str, SIZE))
    options = ["--headless", "--profile", profile, "--window-size", size, "--screenshot", picture]
    subprocess.run([PROGRAM, *options, file.as_uri()], check=True, capture_output=True, timeout=HANGS / 1000)
    return picture


@pytest.mark.skipif(PROGRAM is None, reason="there is no Firefox on this machine")
def test_firefox_shows_the_same_page_and_its_network_answers(page, browser, tmp_path):
    # The same page whose script does not run is another one, so that the likeness means something.
    dead = tmp_path / "dead.html"
    dead.write_text(page.read_text(encoding="utf-8").replace("<script>", '<script type="none">'), "utf-8")
    pictures = {"live": photographed(page, tmp_path), "dead": photographed(dead, tmp_path)}
    context = browser.new_context(viewport={"width": SIZE[0], "height": SIZE[1]})
    one = context.new_page()
    one.set_default_timeout(HANGS)
    one.goto(page.as_uri())
    pictures["chromium"] = tmp_path / "chromium.png"
    one.screenshot(path=pictures["chromium"])
    context.close()
    seen = {kind: ink(path) for kind, path in pictures.items()}
    same = np.corrcoef(seen["live"].ravel(), seen["chromium"].ravel())[0, 1]
    other = np.corrcoef(seen["dead"].ravel(), seen["chromium"].ravel())[0, 1]
    assert same > 0.9, (same, other)
    assert other < same - 0.1, (same, other)
