"""The network diagram shows what is there, and only that."""

from __future__ import annotations

import re

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.text import Text

from edgewise import InputError
from edgewise.network import KAN, Nodes, mask_edges, set_symbolic
from edgewise.plots import figure_svg, plot_network
from edgewise.plots.mathtext import label_mathtext
from edgewise.plots.style import DARK, LIGHT

SHAPES = [[2, 1, 1], [2, 5, 1], [4, 8, 3], [8, 5, 1], [2, [2, 2], 1], [3, Nodes(1, (2, 3)), 2], [1, 1]]


def make(shape, **options):
    return KAN(shape, seed=0, dtype=torch.float64, **options)


def rows(net, n=50):
    return np.random.default_rng(0).uniform(-1, 1, (n, net.shape[0]))


def marks(figure: Figure, kind: str) -> set[str]:
    """Group ids of one kind of artist."""
    ids = (str(artist.get_gid()) for artist in figure.axes[0].get_children())
    return {name for name in ids if name.startswith(f"{kind}-")}


def alive(net):
    return {
        f"{k}-{s}-{t}"
        for k, layer in enumerate(net.layers)
        for s, t in zip(*np.nonzero(layer.mask.numpy()), strict=True)
    }


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_alive_edge_is_drawn_once(shape):
    net = make(shape)
    figure = plot_network(net, rows(net))
    assert {m.removeprefix("edge-") for m in marks(figure, "edge")} == alive(net)
    assert {m.removeprefix("curve-") for m in marks(figure, "curve")} == alive(net)


def test_dead_edges_and_nodes_are_not_drawn():
    net = mask_edges(make([2, 3, 1]), [(0, 0, 1), (0, 1, 1), (1, 1, 0), (0, 0, 2)]).network
    figure = plot_network(net, rows(net))
    assert {m.removeprefix("edge-") for m in marks(figure, "edge")} == alive(net)
    assert marks(figure, "sum") == {"sum-0-0", "sum-0-2", "sum-1-0"}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_nodes_are_shown_as_what_they_are(shape):
    net = make(shape)
    figure = plot_network(net)
    products = {
        f"product-{k}-{s.nodes.sums + p}"
        for k, s in enumerate(net.spec.layers)
        for p in range(len(s.nodes.products))
    }
    sums = {f"sum-{k}-{n}" for k, s in enumerate(net.spec.layers) for n in range(s.nodes.sums)}
    assert marks(figure, "product") == products
    assert marks(figure, "sum") == sums
    assert len(marks(figure, "factor")) == sum(sum(s.nodes.products) for s in net.spec.layers)
    assert len(marks(figure, "input")) == net.shape[0]


def test_names_stand_at_both_ends_and_fit_on_the_page():
    names = ["Z", "cement (kg/m³)", "<script>$x_{", "alpha"]
    net = make([4, 2, 2], input_names=names, output_names=["energy of the ground state", "y2"])
    figure = plot_network(net)
    texts = {text.get_text(): text for text in figure.findobj(Text)}
    for name in (*names, *net.output_names):
        extent = texts[label_mathtext(name if len(name) <= 26 else name[:25] + "…")].get_window_extent()
        assert extent.x0 >= 0
        assert extent.x1 <= figure.bbox.width


def test_words_do_not_overlap_thumbnails():
    net = make([3, 4, 1])
    for edge, form in [((0, 0, 0), "sin"), ((0, 1, 0), "inverse hyperbola"), ((1, 2, 0), "x*exp(-x)")]:
        net = set_symbolic(net, edge, form).network
    figure = plot_network(net)
    figure.draw_without_rendering()
    frames = [a.get_window_extent() for a in figure.axes[0].patches if str(a.get_gid()).startswith("edge-")]
    words = [t.get_window_extent() for t in figure.axes[0].texts if t.get_text()]
    assert len(words) == 3 + 1 + 3
    for k, word in enumerate(words):
        for other in (*frames, *words[k + 1 :]):
            apart = (
                word.x1 <= other.x0
                or other.x1 <= word.x0
                or word.y1 <= other.y0 + 0.5
                or other.y1 <= word.y0 + 0.5
            )
            assert apart


def test_closed_forms_are_named_in_their_colour():
    net = set_symbolic(make([2, 1, 1]), (0, 1, 0), "square").network
    for theme, colours in (("light", LIGHT), ("dark", DARK)):
        figure = plot_network(net, theme=theme)
        lines = {str(line.get_gid()): line.get_color() for line in figure.axes[0].lines}
        assert lines["curve-0-1-0"] == colours.symbolic
        assert lines["curve-0-0-0"] == colours.numeric
        assert [t.get_color() for t in figure.axes[0].texts if "square" in t.get_text()] == [colours.symbolic]


def test_weak_edges_are_faint():
    net = make([2, 1, 1])
    scores = [np.array([[1.0], [0.01]]), np.array([[3.0]])]
    lines = {str(line.get_gid()): line for line in plot_network(net, scores=scores).axes[0].lines}
    assert lines["curve-0-0-0"].get_alpha() == pytest.approx(1.0)
    assert 0.1 < lines["curve-0-1-0"].get_alpha() < 0.4


def test_curves_are_the_edge_functions_over_the_data():
    net, X = make([2, 2, 1]), np.random.default_rng(1).uniform(-0.5, 0.7, (40, 2))
    lines = {str(line.get_gid()): line for line in plot_network(net, X).axes[0].lines}
    hidden = net.activations(torch.from_numpy(X))[1].detach()
    x = torch.linspace(float(hidden[:, 1].min()), float(hidden[:, 1].max()), 81, dtype=torch.float64)
    truth = net.layers[1].edge(1, 0, x).detach().numpy()
    drawn = lines["curve-1-1-0"].get_ydata()
    assert np.corrcoef(truth, drawn)[0, 1] == pytest.approx(1.0)


def test_a_wide_network_shows_its_strongest_edges_and_says_so():
    net = make([30, 10, 1])
    figure = plot_network(net, rows(net), max_edges=40)
    assert len(marks(figure, "edge")) == 40 + 10
    assert any("of 310 edges" in t.get_text() for t in figure.axes[0].texts)


def test_a_network_without_edges_still_draws():
    net = mask_edges(make([2, 1]), [(0, 0, 0), (0, 1, 0)]).network
    assert marks(plot_network(net, rows(net)), "edge") == set()


def test_a_constant_node_keeps_its_outgoing_edge():
    net = mask_edges(make([2, 2, 1]), [(0, 0, 1), (0, 1, 1)]).network
    figure = plot_network(net, rows(net))
    assert (
        {m.removeprefix("edge-") for m in marks(figure, "edge")}
        == alive(net)
        == {"0-0-0", "0-1-0", "1-0-0", "1-1-0"}
    )
    assert "sum-0-1" in marks(figure, "sum")


def test_drawing_is_pure():
    net, X = make([2, 3, 1]), np.random.default_rng(0).uniform(-1, 1, (20, 2))
    before, settings, copy = {k: v.clone() for k, v in net.state_dict().items()}, dict(mpl.rcParams), X.copy()
    first = figure_svg(plot_network(net, X))
    assert figure_svg(plot_network(net, X)) == first
    assert dict(mpl.rcParams) == settings
    assert np.array_equal(X, copy)
    assert all(torch.equal(v, net.state_dict()[k]) for k, v in before.items())
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.slow
def test_pyplot_is_never_loaded():
    import subprocess
    import sys

    code = (
        "import sys; from edgewise import KAN; from edgewise.plots import figure_svg, plot_network;"
        "figure_svg(plot_network(KAN([2, 1], seed=0))); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"X": np.zeros((3, 5))}, "2 columns"),
        ({"X": np.full((3, 2), np.nan)}, "finite"),
        ({"scores": [np.zeros((2, 1))]}, "scores"),
        ({"scores": [np.zeros((9, 1)), np.zeros((1, 1))]}, "scores"),
        ({"theme": "drak"}, "did you mean 'dark'"),
        ({"max_edges": 0}, "max_edges"),
    ],
)
def test_bad_input_is_one_sentence(options, words):
    with pytest.raises(InputError, match=re.escape(words)):
        plot_network(make([2, 1, 1]), **options)


def test_only_networks_can_be_drawn():
    with pytest.raises(InputError, match="must be a KAN"):
        plot_network("net")  # type: ignore[arg-type]


def test_discs_are_round():
    figure = plot_network(make([2, 2, 1]))
    figure.draw_without_rendering()
    for disc in (a for a in figure.axes[0].patches if isinstance(a, Circle)):
        extent = disc.get_window_extent()
        assert extent.width == pytest.approx(extent.height, rel=0.02)
