"""Pictures of explanations: they draw what the data say, on either ground, without touching pyplot."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from scipy.interpolate import RegularGridInterpolator

from edgewise import InputError, counterfactuals, explain
from edgewise.plots import (
    figure_svg,
    plot_contributions,
    plot_counterfactuals,
    plot_interactions,
    plot_shapes,
    plot_surfaces,
)
from edgewise.plots.explain_surfaces import surface_figure
from edgewise.plots.style import LIGHT
from tests.explaining.models import classifier, product_net, random_net


def words(figure):
    return " ".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["additive", "deep"])
def test_every_picture_is_drawn(mode, theme):
    model, table, _ = classifier(mode)
    overall, one = explain(model, table), explain(model, table, row=3)
    changes = counterfactuals(model, table, 3, fixed=["age"])
    figures = (
        plot_shapes(overall, theme=theme),
        plot_interactions(overall, theme=theme),
        plot_surfaces(overall, theme=theme),
        plot_contributions(one, theme=theme),
        plot_counterfactuals(changes, theme=theme),
    )
    for figure in figures:
        assert figure_svg(figure).startswith("<svg")
    assert "income" in words(figures[0])
    assert str(one.prediction) in words(figures[3])
    assert changes.wanted in words(figures[4])


def test_the_curve_is_the_shape():
    net = random_net([2, 1], 1)
    found = explain(net, np.random.default_rng(0).normal(size=(50, 2)))
    figure = plot_shapes(found)
    for axes, shape in zip(figure.axes, found.shapes, strict=True):
        line = next(line for line in axes.lines if line.get_gid() == f"shape-{shape.column}")
        np.testing.assert_array_equal(line.get_ydata(), shape.y)


def test_arrows_lead_from_the_average_to_the_row():
    net = random_net([4, 1], 1)
    X = np.random.default_rng(0).normal(size=(50, 4))
    found = explain(net, X, row=3)
    arrows = plot_contributions(found, most=2).axes[0].patches
    assert len(arrows) == 3
    ends = [arrow.get_xy()[:, 0] for arrow in arrows]
    assert ends[0][0] == pytest.approx(found.base)
    assert ends[-1][2] == pytest.approx(found.value)
    for before, after in itertools.pairwise(ends):
        assert before[2] == pytest.approx(after[0])


def test_without_interactions_that_is_said():
    found = explain(random_net([2, 1], 1), np.random.default_rng(0).normal(size=(50, 2)))
    assert "no two columns" in words(plot_interactions(found))
    assert "no two columns" in words(plot_surfaces(found))


def test_surfaces_are_drawn_where_they_are():
    X = np.random.default_rng(0).uniform(-2, 2, (400, 3))
    found = explain(product_net([(0, 1), (1, 2)], 3), X)
    figure = plot_surfaces(found)
    assert len(figure.axes) == 2 * len(found.surfaces)
    for axes, surface in zip(figure.axes[::2], found.surfaces, strict=True):
        assert (axes.get_xlabel(), axes.get_ylabel()) == surface.columns
        dots = next(line for line in axes.lines if line.get_marker() == "o")
        np.testing.assert_array_equal(dots.get_xydata(), surface.rows)
        # Each contour line runs where the surface has the height that its number says.
        lines = next(c for c in axes.collections if c.get_linewidth()[0] == 0.5)
        # Its ends lie on the border but for rounding.
        places = (surface.a.x, surface.b.x)
        height = RegularGridInterpolator(places, surface.z, bounds_error=False, fill_value=None)
        for level, path in zip(lines.levels, lines.get_paths(), strict=True):
            np.testing.assert_allclose(height(path.vertices), level, atol=1e-6)
    # The picture of the whole model has them behind its shapes.
    assert len(plot_shapes(found).axes) == 3 + 4
    assert len(plot_shapes(found, pairs=0).axes) == 3


def test_the_colours_of_a_surface_say_how_high_it_is():
    X = np.random.default_rng(0).uniform(-2, 2, (400, 2))
    (surface,) = explain(product_net([(0, 1)], 2), X).surfaces
    axes = surface_figure(surface, surface.size).axes[0]
    filled = next(collection for collection in axes.collections if getattr(collection, "filled", False))
    blue, orange = to_rgb(LIGHT.numeric), to_rgb(LIGHT.symbolic)
    middles, colours = filled.layers, filled.get_facecolor()
    assert len(middles) == len(colours) >= 6
    shares = [
        np.sign(middle) * colour[3]
        for middle, colour in zip(middles, colours, strict=True)
        if abs(middle) > 1e-9
    ]
    for middle, colour in zip(middles, colours, strict=True):
        if abs(middle) > 1e-9:
            assert tuple(colour[:3]) == pytest.approx(blue if middle > 0 else orange)
    assert (np.diff(shares) > 0).all()


@pytest.mark.parametrize(
    "draw", [plot_shapes, plot_interactions, plot_surfaces, plot_contributions, plot_counterfactuals]
)
def test_other_things_are_refused(draw):
    with pytest.raises(InputError):
        draw("something")
