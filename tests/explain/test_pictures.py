"""Pictures of explanations: they draw what the data say, on either ground, without touching pyplot."""

import itertools

import numpy as np
import pytest

from edgewise import (
    InputError,
    counterfactuals,
    explain,
    figure_svg,
    plot_contributions,
    plot_counterfactuals,
    plot_interactions,
    plot_shapes,
)
from tests.explain.models import classifier, random_net


def words(figure):
    return " ".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["additive", "deep"])
def test_every_picture_is_drawn(mode, theme):
    model, table, _ = classifier(mode)
    overall, one = explain(model, table), explain(model, table, row=3)
    changes = counterfactuals(model, 3, table, immutable=["age"])
    figures = (
        plot_shapes(overall, theme=theme),
        plot_interactions(overall, theme=theme),
        plot_contributions(one, theme=theme),
        plot_counterfactuals(changes, theme=theme),
    )
    for figure in figures:
        assert figure_svg(figure).startswith("<svg")
    assert "income" in words(figures[0])
    assert str(one.prediction) in words(figures[2])
    assert changes.wanted in words(figures[3])


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


@pytest.mark.parametrize("draw", [plot_shapes, plot_interactions, plot_contributions, plot_counterfactuals])
def test_other_things_are_refused(draw):
    with pytest.raises(InputError):
        draw("something")
