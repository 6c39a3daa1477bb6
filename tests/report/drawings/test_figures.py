"""Figures on the page: light, in its colours and words, and unable to break it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from edgewise.plots.residuals import MOST_POINTS, fit_figure, residual_figure, residual_panel
from edgewise.plots.style import LIGHT, padded
from edgewise.plots.training import plot_training
from edgewise.report.drawings.charts import drawn
from edgewise.report.sections.results import parity_charts
from edgewise.training import Record
from tests.report.conftest import EVIL

Y = np.random.default_rng(0).normal(size=20_000)


def words(svg):
    return "".join(ET.fromstring(str(svg)).itertext())


def test_a_figure_is_one_element_in_the_colours_of_the_page():
    svg = str(drawn(fit_figure(Y[:50], Y[:50] + 0.1, EVIL), EVIL, "fit"))
    root = ET.fromstring(svg)  # no name space is left undeclared
    assert (root.tag, root.get("class"), root.get("role"), root.get("aria-label")) == (
        "svg",
        "chart",
        "img",
        EVIL,
    )
    assert "://" not in svg
    assert "DejaVu" not in svg
    assert f"var(--ew-numeric, {LIGHT.numeric})" in svg
    assert not re.findall(r"(?:fill|stroke): #", svg)
    assert "measured" in words(svg)


def test_every_id_is_referred_to_and_belongs_to_its_drawing():
    both = [str(drawn(residual_figure(Y[:50], Y[:50], "y"), "w", key)) for key in ("one", "two")]
    for svg, key in zip(both, ("one", "two"), strict=True):
        ids = re.findall(r' id="([^"]*)"', svg)
        assert ids
        assert all(name.startswith(f"{key}-") for name in ids)
        assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', svg)) == set(ids)


def test_many_rows_stay_light_and_equal():
    first, second = (str(drawn(fit_figure(Y, Y + 0.1, "y"), "w", "k")) for _ in range(2))
    assert first == second
    assert len(first) < 50_000
    assert max(path.count("M") for path in re.findall(r' d="([^"]*)"', first)) <= MOST_POINTS


def test_numbers_in_words_keep_their_digits():
    svg = str(drawn(fit_figure(Y[:9], Y[:9], "y to 0.123456"), "within 0.123456", "k"))
    assert "measured y to 0.123456" in words(svg)
    assert 'aria-label="within 0.123456"' in svg
    assert not re.search(r' d="[^"]*\d\.\d{3}', svg)


def test_lines_across_stay_lines():
    svg = str(drawn(residual_figure(Y[:40], Y[:40], "y"), "w", "k"))
    zero = [
        match
        for match in re.findall(r"M ([\d.]+) ([\d.]+) L ([\d.]+) \2 ", svg)
        if float(match[2]) - float(match[0]) > 150
    ]
    assert len(zero) >= 4  # lines of the grid, that of zero and the axis
    assert svg.count("h0") == 40


def test_rows_missed_are_drawn_whatever_the_steps():
    missed = np.array([7, 19_991])
    median = (np.array([0.0, 1.0]), np.zeros(2))
    figure = residual_panel(Y, Y**3, "y", reach=1.0, missed=missed, median=median, most=900)
    shown, apart = (line.get_xydata()[::3] for line in figure.axes[0].lines[1:3])
    np.testing.assert_array_equal(apart[:, 0], Y[missed])
    assert not np.isin(Y[missed], shown[:, 0]).any()
    assert np.abs(shown[:, 1]).max() < 1.0  # those beyond stand at the edge


def test_charts_of_numbers_survive_every_value():
    y = np.array([1.0, 1.0, 1.0])
    for predicted in (y, y + 1, np.array([np.nan, 1.0, np.inf]), np.full(3, np.nan)):
        for chart in parity_charts(y, predicted, "y", "kg"):
            assert not re.search(r"[ML ]nan", str(chart))
    assert "no spread" in str(parity_charts(y, y, "y", "")[0])


def test_limits_never_have_no_width():
    for values in (np.zeros(3), np.full(3, 5.0), np.array([np.nan]), np.array([1e-320, 2e-320])):
        low, high = padded(values)
        assert low < high


def test_training_marks_rounds_and_ends():
    steps = [
        Record(f"round {k // 5}", k, 2.0**-k, None if k > 12 else 3.0**-k, 0.1, 3 + k // 5) for k in range(15)
    ]
    text = words(drawn(plot_training(steps), "w", "t"))
    for word in ("round 0", "round 2", "held-out", "training", "step"):
        assert word in text
    alone = [Record("a", 0, 0.0, None, 0.0, 3)]
    assert "held-out" not in words(drawn(plot_training(alone), "w", "t"))


@pytest.mark.parametrize("key", ["a", "b-c"])
def test_dollars_of_a_name_are_dollars(key):
    assert "cost $ of $ it" in words(drawn(fit_figure(Y[:9], Y[:9], "cost $ of $ it"), "w", key))
