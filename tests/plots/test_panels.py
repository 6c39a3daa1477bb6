"""Shape functions, parity, training and front: what they draw is what the numbers say."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sympy
import torch
from matplotlib.text import Text

from edgewise import InputError
from edgewise.network import KAN, mask_edges, scale_to_data, set_symbolic
from edgewise.plots import figure_svg, plot_edges, plot_front, plot_parity, plot_training
from edgewise.plots.edges import edge_panels
from edgewise.plots.explain_axes import date_ticks
from edgewise.plots.parity import errors, r2_text
from edgewise.plots.style import new_figure, theme_of
from edgewise.symbolic.results.formula import Formula
from edgewise.training import Record


def texts(figure):
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def overlapping(figure, words):
    """Pairs among these texts whose boxes share an area."""
    figure.draw_without_rendering()
    boxes = [t.get_window_extent() for t in words]
    return [
        (words[a].get_text(), words[b].get_text())
        for a in range(len(boxes))
        for b in range(a + 1, len(boxes))
        if boxes[a].overlaps(boxes[b])
    ]


@pytest.fixture
def scaled():
    generator = torch.Generator().manual_seed(0)
    X = torch.rand(80, 2, generator=generator, dtype=torch.float64) * torch.tensor([2.0, 400.0]) + 10
    y = (X[:, :1] - 10) * 100 + torch.sin(X[:, 1:] / 50)
    net = KAN(
        [2, 3, 1], seed=0, dtype=torch.float64, input_names=["width", "cost ($)"], output_names=["price"]
    )
    return scale_to_data(net, X, y).network, X.numpy()


class TestEdges:
    @pytest.mark.slow
    def test_one_panel_an_alive_edge(self, scaled):
        net, X = scaled
        pruned = mask_edges(net, [(0, 0, 1), (0, 1, 2)]).network
        assert len(plot_edges(pruned, X, 0).axes) == 4
        assert len(plot_edges(pruned, X, 1).axes) == 3
        assert len(plot_edges(net, X, 0, max_edges=2).axes) == 2

    def test_axes_are_in_the_units_of_the_inputs(self, scaled):
        net, X = scaled
        for panel in edge_panels(net, X, 0):
            column = X[:, panel.edge[1]]
            assert panel.values.min() == pytest.approx(column.min())
            assert panel.values.max() == pytest.approx(column.max())
            assert panel.x[0] < column.min()
            assert panel.x[-1] > column.max()

    def test_last_layer_is_in_the_units_of_the_output(self, scaled):
        net, X = scaled
        panels = edge_panels(net, X, 1)
        total = sum(np.interp(p.values, p.x, p.y) for p in panels)
        truth = net.predict(X)[:, 0]
        assert total - total.mean() == pytest.approx(truth - truth.mean(), abs=2e-3 * np.ptp(truth))

    def test_beyond_the_data_the_curve_is_dashed(self, scaled):
        net, X = scaled
        axes = plot_edges(net, X, 0).axes[0]
        lines = {str(line.get_gid()).split("-")[0]: line for line in axes.lines}
        assert lines["beyond"].is_dashed()
        assert np.isnan(lines["curve"].get_xdata()).any()
        assert not any(line.is_dashed() for line in plot_edges(net, None, 0).axes[0].lines)

    def test_order_and_titles(self, scaled):
        net, X = scaled
        net = set_symbolic(net, (0, 0, 0), "sin", (50.0, 1.0, 0.0, 0.0)).network
        panels = edge_panels(net, X, 0)
        assert panels[0].form == "sin"
        assert [p.share for p in panels] == sorted((p.share for p in panels), reverse=True)
        assert "sin \u00b7 score 1.00" in texts(plot_edges(net, X, 0))
        assert "cost ($) \u2192 node 1" in texts(plot_edges(net, X, 0))

    def test_a_pole_does_not_spoil_the_picture(self, scaled):
        net, _ = scaled
        pole = set_symbolic(net, (0, 0, 0), "reciprocal").network
        figure = plot_edges(pole, None, 0)
        assert all(np.all(np.isfinite(axes.get_ylim())) for axes in figure.axes)

    def test_a_layer_without_edges(self):
        net = mask_edges(KAN([1, 1], seed=0), [(0, 0, 0)]).network
        assert texts(plot_edges(net)) == ["no edge is alive in this layer"]

    def test_one_row_and_constant_columns(self, scaled):
        net, _ = scaled
        assert len(plot_edges(net, np.full((1, 2), 11.0)).axes) == 6

    def test_no_such_layer(self, scaled):
        with pytest.raises(InputError, match="'layer' argument"):
            plot_edges(scaled[0], None, 2)


class TestParity:
    def test_errors_are_those_of_the_held_out_rows(self):
        y, p = np.arange(10.0), np.arange(10.0) + np.r_[np.full(8, 5.0), 0.1, -0.1]
        assert any("held out: RMSE 0.1" in t for t in texts(plot_parity(y, p, held_out=[8, 9])))

    def test_rows_are_apart(self):
        y = np.arange(10.0)
        lines = {str(line.get_gid()): line for line in plot_parity(y, y, held_out=y > 6).axes[0].lines}
        assert lines["train"].get_xdata().tolist() == list(range(7))
        assert lines["held-out"].get_xdata().tolist() == [7, 8, 9]

    def test_residuals_are_what_the_predictions_miss(self):
        y, p = np.arange(10.0), np.arange(10.0) + 0.01 * np.arange(10.0) ** 2
        figure = plot_parity(y, p, held_out=y > 6, residuals=True)
        lines = {str(line.get_gid()): line for line in figure.axes[0].lines}
        np.testing.assert_allclose(lines["train"].get_ydata(), (p - y)[:7])
        np.testing.assert_allclose(lines["held-out"].get_ydata(), (p - y)[7:])
        low, high = figure.axes[0].get_ylim()
        assert low == pytest.approx(-high)
        assert high > 0.81
        assert figure.axes[0].get_ylabel() == "predicted less measured"

    def test_errors_equal_scikit_learn(self):
        from sklearn.metrics import r2_score, root_mean_squared_error

        rng = np.random.default_rng(0)
        y, p = rng.normal(size=50), rng.normal(size=50)
        assert errors(y, p) == pytest.approx((root_mean_squared_error(y, p), r2_score(y, p)))

    def test_many_rows_stay_light(self):
        y = np.linspace(0, 1, 100_000)
        line = next(line for line in plot_parity(y, y).axes[0].lines if line.get_gid() == "held-out")
        assert len(line.get_xdata()) <= 800

    @pytest.mark.parametrize("value", [0.0, 1e300, -1e-300])
    def test_constants_draw(self, value):
        plot_parity([value] * 3, [value] * 3).draw_without_rendering()

    def test_r2_never_rounds_to_one(self):
        assert r2_text(0.99999912) == "0.99999912"[: len(r2_text(0.99999912))]
        assert r2_text(0.5) == "0.500"
        assert r2_text(-0.0002) == "0.000"
        assert r2_text(-0.25) == "\u22120.250"
        assert not r2_text(1 - 1e-9).startswith("1")
        assert r2_text(1.0) == "1"

    @pytest.mark.parametrize("held_out", [[10], [-1], [0.5], [[1]], [True]])
    def test_bad_rows(self, held_out):
        with pytest.raises(InputError, match="held_out"):
            plot_parity(np.arange(3.0), np.arange(3.0), held_out=held_out)

    def test_lengths_must_fit(self):
        with pytest.raises(InputError, match="predictions"):
            plot_parity([1.0, 2.0], [1.0])


def history(*rounds):
    return [
        Record(
            phase=phase, step=k, loss=10.0**-k, validation=10.0 ** (-k / 2), seconds=0.0, intervals=intervals
        )
        for phase, intervals, steps in rounds
        for k in range(steps)
    ]


@pytest.mark.slow
def test_ids_of_every_drawing_are_unique(scaled):
    net, X = scaled
    y = net.predict(X)[:, 0]
    drawings = [
        plot_edges(net, X),
        plot_parity(y, y, held_out=[1, 2]),
        plot_training(history(("fit", 3, 4), ("fit", 6, 4), ("refit", 6, 1))),
        plot_front(front([5.0, 2.0, 1.0])),
    ]
    for figure in drawings:
        ids = re.findall(r'\bid="([^"]+)"', figure_svg(figure))
        assert len(ids) == len(set(ids)) > 0


class TestTraining:
    def test_rounds_are_marked(self):
        figure = plot_training(history(("fit", 3, 30), ("fit", 6, 30), ("simplify", 6, 30)))
        assert sum(str(line.get_gid()).startswith("round-") for line in figure.axes[0].lines) == 2
        shown = texts(figure)
        assert {"fit", "simplify", "3 intervals", "6 intervals"} <= set(shown)

    def test_values_are_the_history(self):
        steps = history(("fit", 3, 5))
        lines = {str(line.get_gid()): line for line in plot_training(steps).axes[0].lines}
        assert lines["loss-0"].get_ydata().tolist() == [s.loss for s in steps]
        assert lines["validation-0"].get_ydata().tolist() == [s.validation for s in steps]

    def test_labels_never_overlap(self):
        many = history(*[(f"phase {k}", 2**k, 3) for k in range(12)])
        figure = plot_training(many)
        words = [t for t in figure.axes[0].texts if t.get_text()]
        assert not overlapping(figure, words)

    @pytest.mark.parametrize("loss", [0.0, float("nan"), float("inf"), -1.0])
    def test_values_a_logarithm_lacks(self, loss):
        steps = [
            Record(phase="fit", step=k, loss=loss, validation=None, seconds=0.0, intervals=1)
            for k in range(3)
        ]
        plot_training(steps).draw_without_rendering()

    def test_one_step_is_a_dot(self):
        lines = {str(line.get_gid()): line for line in plot_training(history(("fit", 3, 1))).axes[0].lines}
        assert lines["loss-0"].get_marker() == "o"

    def test_nothing_to_draw(self):
        with pytest.raises(InputError, match="at least one step"):
            plot_training([])


x, z = sympy.symbols("x z")
FORMULAS = [sympy.Float(2.5) * x, x + z, x**2 + z, sympy.exp(x) * z + 1, sympy.sin(x * z) / (1 + z**2)]


def front(errors):
    return [Formula(f, ("x", "z"), error=e, r2=0.9) for f, e in zip(FORMULAS, errors, strict=False)]


class TestFront:
    def test_points_are_the_front(self):
        found = front([5.0, 2.0, 1.0, 0.1, 0.01])
        line = next(line for line in plot_front(found).axes[0].lines if line.get_gid() == "front")
        assert line.get_xdata().tolist() == sorted(f.complexity for f in found)
        assert sorted(line.get_ydata().tolist()) == sorted(f.error for f in found)

    @pytest.mark.parametrize("values", [[5.0, 2.0, 1.0, 0.1, 0.01], [1.0, 0.999, 0.998, 0.997, 0.996], [3.0]])
    def test_labels_never_overlap(self, values):
        figure = plot_front(front(values))
        words = [t for t in figure.axes[0].texts if t.get_text()]
        assert len(words) == len(values)
        assert not overlapping(figure, words)
        for word in words:
            box = word.get_window_extent()
            assert box.x1 <= figure.bbox.x1
            assert box.y0 >= 0
            assert box.y1 <= figure.bbox.y1

    def test_numbers_follow_the_callers_order(self):
        found = [*front([5.0, float("nan"), 1.0])]
        assert {"1", "3"} <= set(texts(plot_front(found, numbered=True)))
        assert "2" not in [t.get_text() for t in plot_front(found, numbered=True).axes[0].texts]

    def test_an_exact_formula_has_a_place(self):
        plot_front(front([1.0, 0.0])).draw_without_rendering()
        plot_front(front([0.0])).draw_without_rendering()

    def test_nothing_to_draw(self):
        with pytest.raises(InputError, match="finite error"):
            plot_front(front([float("nan")]))


@pytest.mark.parametrize("hours", [0.01, 40, 500, 3288, 10_000, 300_000])
def test_axes_of_dates_have_few_ticks_whatever_they_span(hours):
    axes = new_figure(3.0, 2.0, theme_of("light")).add_subplot()
    axes.plot(np.datetime64("2001-03-05T07", "s") + np.array([0, int(3600 * hours)]).astype("m8[s]"), [0, 1])
    for most, fewest in ((4, 5), (8, 4)):
        date_ticks(axes.xaxis, most=most, fewest=fewest)
        low, high = axes.get_xlim()
        assert 1 <= sum(low <= tick <= high for tick in axes.get_xticks()) <= most + 1
