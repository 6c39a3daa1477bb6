"""Surfaces on the page: one a pair, and names cannot break it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from edgewise import KAN, explain
from edgewise.explaining.surfaces import Surface, SurfaceAxis
from edgewise.plots.explain_surfaces import surface_figure
from edgewise.report import ReportContent
from edgewise.report.drawings.charts import drawn
from edgewise.report.sections.explanations import explain_view
from tests.explaining.models import product_net
from tests.report.conftest import EVIL


@pytest.fixture(scope="module")
def found():
    return explain(product_net([(0, 1)], 2), np.random.default_rng(0).uniform(-2, 2, (500, 2)))


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


def test_names_cannot_break_the_page(found):
    levels = (EVIL, "red", "blue & co")
    a = SurfaceAxis(EVIL, "levels", np.arange(3.0), levels)
    b = SurfaceAxis("seen", "date", np.linspace(10_000.0, 14_000.0, 9), (), unit="<b>")
    z = np.outer([-1.0, 0.0, 1.0], np.linspace(-1, 1, 9))
    rows = np.column_stack([np.repeat(np.arange(3.0), 5), np.tile(np.linspace(10_000, 14_000, 5), 3)])
    surface = Surface(a, b, exact=False, z=z, near=np.ones_like(z), rows=rows, strength=1.0, words=EVIL)
    svg = str(drawn(surface_figure(surface, 1.0), EVIL, "s"))
    assert EVIL not in svg
    assert "<b>" not in svg
    assert re.findall(r">(2\d\d\d|199\d)<", svg)  # years
    for name in levels[1:]:
        assert f">{name.replace('&', '&amp;')}<" in svg
