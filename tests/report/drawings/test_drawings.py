"""The page's own drawings: widths, edges, panels and the diagram show what the network computes."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
import torch

from edgewise.network import KAN, Nodes, mask_edges, scale_to_data
from edgewise.plots.choice import choose
from edgewise.plots.mathtext import shorten
from edgewise.report import InputView, ReportContent
from edgewise.report.drawings.charts import front, sparkline
from edgewise.report.drawings.diagram import diagram
from edgewise.report.drawings.edge_functions import edge_view, source_values
from edgewise.report.drawings.panels import panel, scaled_ticks
from edgewise.report.evaluation.importance import importance
from edgewise.report.evaluation.partial_dependence import effects
from edgewise.report.sections.network import effect_section, importance_of, network_section
from edgewise.report.text.svg import tag
from tests.report.conftest import EVIL, build, build_classes


def parse(svg):
    return ET.fromstring(str(svg))


def links(svg):
    return [node for node in parse(svg).iter("a") if node.get("class", "").startswith("edge")]


def section_of(content):
    """The network section of a content."""
    return network_section(content, importance_of(content))


def effects_of(content):
    """The effects of a content."""
    return effect_section(content, importance_of(content))


def content_of(net, X, names, **fields):
    y = net.predict(X)[:, 0]
    return ReportContent("t", "s", names, "y", X, y, X[:30], y[:30], network=net, **fields)


def wide(inputs=30, hidden=40):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, inputs))
    names = tuple(f"x{k}" for k in range(inputs))
    net = KAN([inputs, hidden, 1], seed=0, dtype=torch.float64, input_names=names)
    return content_of(scale_to_data(net, X, X[:, :1]).network, X, names)


def test_tags_escape_what_they_are_given():
    one = str(tag("text", tag("title", EVIL.replace("<", "&lt;")), aria_label=EVIL, class_=None))
    assert EVIL not in one
    assert "class" not in one


def test_views_carry_the_edge_function():
    rng = np.random.default_rng(1)
    X = rng.uniform(-2, 5, (300, 2))
    net = KAN([2, 1], seed=3, dtype=torch.float64, input_names=("a", "b"), output_names=("y",))
    net = scale_to_data(net, X, 100 * X[:, :1]).network
    content = content_of(net, X, ("a", "b"), units={"y": "kg", "a": "m"})
    scores = importance(net, X)
    one = edge_view(content, source_values(content), (0, 0, 0), float(scores.edges[0][0, 0]), 1.0)
    at = np.column_stack([one.x, np.full(len(one.x), X[:, 1].mean())])
    moved = net.predict(at)[:, 0]
    assert one.y - one.y[0] == pytest.approx(moved - moved[0], abs=1e-9)
    # Scores are the standard deviation of what the edge does over the data.
    inner = net.predict(np.column_stack([X[:, 0], np.zeros(len(X))]))[:, 0]
    assert one.score == pytest.approx(inner.std(), rel=1e-6)
    assert (one.axis, one.unit) == ("a (m)", "kg")
    assert one.low == X[:, 0].min()


def test_the_diagram_draws_every_edge_of_a_small_network():
    content = build()
    section = section_of(content)
    assert section is not None
    found = links(section.first.svg)
    alive = sum(int(layer.mask.sum()) for layer in content.network.layers)
    assert len(found) == alive == section.first.shown
    assert section.second is None
    assert all(node.get("aria-label", "").endswith(".") for node in found)
    assert sum("symbolic" in node.get("class") for node in found) == 1
    panels = [one for group in section.groups for one in (*group.first, *group.rest)]
    assert {node.get("href") for node in found} == {f"#fn-{one.view.key}" for one in panels}


@pytest.mark.slow
def test_a_wide_network_shows_its_strongest_parts_first():
    content = wide()
    section = section_of(content)
    scores = importance(content.network, content.X)
    assert section.first.alive == 30 * 40 + 40
    assert section.first.shown <= 14 + 5
    assert section.first.shown < section.second.shown <= 60 + 16
    layer, s, t = (int(k) for k in links(section.first.svg)[0].get("data-edge").split("-"))
    assert layer == 0
    last = [node.get("data-edge") for node in links(section.first.svg) if node.get("data-layer") == "1"]
    drawn = {int(edge.split("-")[1]) for edge in last}
    assert drawn == set(np.argsort(-scores.nodes[0])[:5].tolist())
    assert (s, t) in choose(content.network, scores.edges, 5, 14, scores.nodes).edges[0]
    # What the first diagram and the second one link to is on the page.
    keys = {one.view.key for group in section.groups for one in (*group.first, *group.rest)}
    assert {node.get("data-edge") for node in links(section.second.svg)} <= keys
    assert {node.get("data-edge") for node in links(section.first.svg)} <= keys


@pytest.mark.slow
def test_nothing_in_the_diagram_overlaps_or_leaves_it():
    for content in (wide(12, 9), build(), build_classes()):
        svg = parse(section_of(content).first.svg)
        width, height = (float(v) for v in svg.get("viewBox").split()[2:])
        frames = [
            tuple(float(node.get(k)) for k in ("x", "y", "width", "height"))
            for node in svg.iter("rect")
            if node.get("class") == "frame"
        ]
        for k, (x, y, w, h) in enumerate(frames):
            assert x >= 0
            assert y >= 0
            assert x + w <= width
            assert y + h <= height
            for a, b, c, d in frames[k + 1 :]:
                assert x + w <= a or a + c <= x or y + h <= b or b + d <= y


def test_multiplication_nodes_and_dead_edges():
    X = np.random.default_rng(0).normal(size=(100, 2))
    net = KAN([2, Nodes(1, (2,)), 1], seed=0, dtype=torch.float64, input_names=("a", "b"))
    net = mask_edges(scale_to_data(net, X, X[:, :1]).network, [(0, 0, 0)]).network
    content = content_of(net, X, ("a", "b"))
    section = section_of(content)
    assert len(links(section.first.svg)) == 2 * 3 - 1 + 2
    labels = " ".join(node.get("aria-label") for node in links(section.first.svg))
    assert "factor 2 of node 2" in labels
    assert str(section.first.svg).count('class="factor"') == 2


def test_a_network_without_edges_has_no_diagram():
    X = np.random.default_rng(0).normal(size=(50, 1))
    net = mask_edges(KAN([1, 1], seed=0, dtype=torch.float64, input_names=("a",)), [(0, 0, 0)]).network
    assert section_of(content_of(net, X, ("a",))) is None


def test_levels_are_bars_with_names_and_shares():
    content = build_classes()
    section = section_of(content)
    one = next(p for g in section.groups for p in (*g.first, *g.rest) if p.view.before == "colour")
    text = "".join(parse(one.svg).itertext())
    for level in content.inputs[0].levels:
        assert shorten(level, 19) in text
    bars = [node for node in parse(one.svg).iter("path") if "fill: var(--ew-numeric" in node.get("style", "")]
    assert len(bars) == 4
    assert sum("opacity: 0.3" in node.get("style") for node in bars) == 1
    assert EVIL not in str(one.svg)


@pytest.mark.slow
def test_transformed_columns_read_in_the_numbers_of_the_table():
    content = build_classes()
    section = section_of(content)
    one = next(p for g in section.groups for p in (*g.first, *g.rest) if p.view.before == "pay")
    text = "".join(parse(one.svg).itertext())
    assert "pay (€)" in text
    assert "asinh" not in text
    view = content.view("asinh(pay)")
    marks = scaled_ticks(view, (0.0, 3.0))
    assert len(marks) >= 3
    for at, name in marks:
        assert float(name.replace(",", "")) == pytest.approx(
            float(view.in_table(np.array([at]))[0]), rel=1e-6, abs=1e-9
        )


def test_views_read_beyond_their_pairs():
    view = InputView("e", "r", scale=((0.0, 0.0), (1.0, 10.0), (2.0, 30.0)))
    assert view.in_table(np.array([-1.0, 0.5, 3.0])).tolist() == [-10.0, 5.0, 50.0]
    assert InputView("e", "r").in_table(np.array([4.0])).tolist() == [4.0]


@pytest.mark.slow
def test_constant_and_wild_edges_can_be_drawn():
    X = np.full((40, 1), 3.0)
    net = KAN([1, 1], seed=0, dtype=torch.float64, input_names=("a",))
    content = content_of(net, X, ("a",))
    one = edge_view(content, source_values(content), (0, 0, 0), 0.0, 1.0)
    assert "nan" not in str(panel(one))
    gaps = replace(one, y=np.full_like(one.y, np.nan))
    assert "nan" not in str(panel(gaps))


def test_effects_are_partial_dependence():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(150, 2))
    net = KAN([2, 3, 1], seed=1, dtype=torch.float64, input_names=("a", "b"))
    content = content_of(scale_to_data(net, X, X[:, :1]).network, X, ("a", "b"))
    (one,) = effects(content, (1,))
    at = len(one.x) // 3
    frozen = X.copy()
    moved = []
    for value in (one.x[at], one.x[2 * at]):
        frozen[:, 1] = value
        moved.append(content.network.predict(frozen)[:, 0].mean())
    assert one.y[2 * at] - one.y[at] == pytest.approx(moved[1] - moved[0], abs=1e-9)
    assert (one.low <= one.high).all()


def test_effects_of_two_classes_are_probabilities_and_of_tied_columns_are_not_shown():
    section = effects_of(build_classes())
    assert [card.name for card in section.cards]
    assert all("percentage points" in card.size for card in section.cards)
    content = wide(3, 4)
    tied = np.column_stack([content.X[:, :2], content.X[:, 0] + content.X[:, 1]])
    assert effects_of(replace(content, X=tied)).tied == "x0, x1 and x2"
    assert effects_of(build_classes(("a", "b", "c"))) is None


def test_a_column_without_rows_has_no_distribution():
    assert sparkline((), bars=True, words="w") == ""


def test_the_front_links_every_formula():
    content = build()
    svg = parse(front(content.front, 1))
    points = list(svg.iter("a"))
    assert [node.get("href") for node in points] == ["#formula-1", "#formula-2"]
    assert [node.get("class") for node in points] == ["point", "point chosen"]
    exact = [replace(content.front[0], error=0.0), content.front[1]]
    assert len(list(parse(front(exact, None)).iter("a"))) == 2
    assert front([replace(content.front[0], error=float("nan"))], None) is None


def test_diagrams_of_the_same_content_are_the_same_text():
    first, second = (str(section_of(build()).first.svg) for _ in range(2))
    assert first == second
    content = build()
    scores = importance(content.network, content.columns(content.X, content.network.input_names))
    views = {
        (0, s, t): edge_view(content, source_values(content), (0, s, t), 1.0, 1.0)
        for s in range(3)
        for t in range(2)
    }
    views |= {(1, s, 0): edge_view(content, source_values(content), (1, s, 0), 1.0, 1.0) for s in range(2)}
    assert diagram(content.network, choose(content.network, scores.edges, 9, 99), views, name="n").shown == 8
