"""Surfaces on the page: colours lie where the surface is high or low, and names cannot break it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from edgewise import KAN, explain
from edgewise.explaining.surface_view import bands
from edgewise.explaining.surfaces import Surface, SurfaceAxis
from edgewise.report import ReportContent
from edgewise.report.drawings.surfaces import surface_picture
from edgewise.report.sections.explanations import explain_view
from tests.explaining.models import product_net
from tests.report.conftest import EVIL


@pytest.fixture(scope="module")
def found():
    return explain(product_net([(0, 1)], 2), np.random.default_rng(0).uniform(-2, 2, (500, 2)))


def numbers(text):
    return np.array([float(word) for word in re.findall(r"-?\d+\.?\d*", text)])


def test_colours_lie_where_the_surface_is_high_or_low(found):
    (surface,) = found.surfaces
    svg = str(surface_picture(surface, surface.size, found.output))
    steps = bands(surface.size)
    height = RegularGridInterpolator((surface.a.x, surface.b.x), surface.z)
    inner = re.search(r'<svg x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="([\d.]+)" overflow', svg)
    wide, high = (float(side) for side in inner.groups())
    seen = 0
    for kind, opacity, d in re.findall(r'<path class="(up|down)" fill-opacity="([\d.]+)" d="([^"]*)"', svg):
        px, py = numbers(d).reshape(-1, 2).T
        x = surface.a.x[0] + px / wide * np.ptp(surface.a.x)
        y = surface.b.x[-1] - py / high * np.ptp(surface.b.x)
        z = height(np.column_stack([x.clip(*surface.a.x[[0, -1]]), y.clip(*surface.b.x[[0, -1]])]))
        sign = 1 if kind == "up" else -1
        # A tenth of a pixel is what a place is rounded to.
        assert (sign * z >= steps[len(steps) // 2] - 0.05).all()
        # The stronger the colour, the higher.
        assert (sign * z).min() >= (float(opacity) / 0.85) * steps[-1] - 0.6 * np.diff(steps).min() - 0.05
        seen += 1
    assert seen >= len(steps) - 2
    assert svg.count("h0") == len(surface.rows)
    assert "nan" not in svg


def test_levels_are_strips_and_names_cannot_break_the_page():
    levels = (EVIL, "red", "blue & co")
    a = SurfaceAxis(EVIL, "levels", np.arange(3.0), levels)
    b = SurfaceAxis("seen", "date", np.linspace(10_000.0, 14_000.0, 9), (), unit="<b>")
    z = np.outer([-1.0, 0.0, 1.0], np.linspace(-1, 1, 9))
    rows = np.column_stack([np.repeat(np.arange(3.0), 5), np.tile(np.linspace(10_000, 14_000, 5), 3)])
    surface = Surface(a, b, exact=False, z=z, near=np.ones_like(z), rows=rows, strength=1.0, words=EVIL)
    svg = str(surface_picture(surface, 1.0, EVIL))
    assert EVIL not in svg
    assert "<b>" not in svg
    assert 'class="height"' not in svg  # lines of equal height mean nothing across levels
    assert re.findall(r">(2\d\d\d|199\d)<", svg)  # years
    for name in levels[1:]:
        assert name.replace("&", "&amp;") in svg


def test_the_view_has_one_card_a_pair(found):
    content = ReportContent(
        title="t",
        source="t.csv",
        names=("x1", "x2"),
        target="y",
        X=np.zeros((3, 2)),
        y=np.zeros(3),
        X_test=np.ones((1, 2)),
        y_test=np.ones(1),
        explanation=found,
    )
    view = explain_view(content)
    assert [card.name for card in view.surfaces] == ["x1 × x2"]
    assert found.surfaces[0].words in view.surfaces[0].words
    additive = explain(KAN([2, 1], seed=0), np.random.default_rng(0).uniform(-1, 1, (50, 2)))
    assert explain_view(replace(content, explanation=additive)).surfaces == ()
