"""Formulas as drawings: the outline is the one matplotlib draws, whole and on the baseline."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import sympy
from matplotlib.path import Path

from edgewise.report.drawings.mathematics import _outline, formula_html

x, z = sympy.symbols("x z")


def drawings(html):
    return re.findall(r"<svg.*?</svg>", str(html))


def test_one_drawing_a_term():
    assert len(drawings(formula_html(x + z**2 - 3, "x + z^2 - 3"))) == 3
    assert len(drawings(formula_html(x * z, "x*z"))) == 1


@pytest.mark.parametrize(
    "expression", [x, -x / z, sympy.sqrt(x) + 1, sympy.exp(-(x**2) / (1 + z)), sympy.Integer(3)]
)
def test_everything_drawn_lies_inside_its_picture(expression):
    for svg in drawings(formula_html(expression, "", left="mass")):
        root = ET.fromstring(svg)
        left, top, width, height = (float(v) for v in root.attrib["viewBox"].split())
        outline = next(iter(root)).attrib["d"]
        numbers = np.array([float(v) for v in re.findall(r"-?\d+\.?\d*", outline)]).reshape(-1, 2)
        assert left <= numbers[:, 0].min()
        assert numbers[:, 0].max() <= left + width
        assert top <= numbers[:, 1].min()
        assert numbers[:, 1].max() <= top + height


def test_descenders_hang_below_the_baseline():
    (flat,), (deep,) = drawings(formula_html(x, "x")), drawings(formula_html(x / z, "x/z"))
    depth = [float(re.search(r"vertical-align:(-?[\d.]+)em", svg)[1]) for svg in (flat, deep)]
    assert depth[1] < depth[0] - 0.2


def test_hidden_mathml_says_the_same():
    evil = sympy.Symbol("<script>alert(1)</script>\x00")
    html = str(formula_html(x**2 / (1 + evil), "", left="a & b"))
    (told,) = re.findall(r"<math.*?</math>", html)
    root = ET.fromstring(told)
    assert "".join(root.itertext()).startswith("a & b=")
    assert "<script>alert(1)</script>" in "".join(root.itertext())
    assert "script" not in {part.tag for part in root.iter()}


def test_labels_are_escaped():
    html = str(formula_html(x, '"><script>', left="<i>"))
    assert "<script>" not in html
    assert "<i>" not in html
    assert 'aria-label="&lt;i&gt; = &#34;&gt;&lt;script&gt;"' in html


def test_outline_keeps_every_segment():
    path = Path(
        [(0, 0), (1, 0), (2, 1), (3, 0), (4, 1), (5, 1), (6, 0), (0, 0)],
        [
            Path.MOVETO,
            Path.LINETO,
            Path.CURVE3,
            Path.CURVE3,
            Path.CURVE4,
            Path.CURVE4,
            Path.CURVE4,
            Path.CLOSEPOLY,
        ],
    )
    assert _outline(path) == "M0 0L1 0Q2 -1 3 0C4 -1 5 -1 6 0Z"
