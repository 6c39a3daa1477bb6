"""Bézier pieces are the curve: exactly for splines, as closely as can be seen for anything else."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from edgewise.network import KAN
from edgewise.report import ReportContent
from edgewise.report.drawings.edge_functions import CLOSE, close_pieces, edge_view, source_values
from edgewise.report.drawings.panels import thumbnail

SHARE = np.linspace(0, 1, 13)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_splines_are_exact(degree):
    net = KAN([2, 3, 1], seed=degree, degree=degree, dtype=torch.float64)
    X = np.random.default_rng(0).uniform(-0.9, 0.7, (50, 2))
    content = ReportContent("t", "t", net.input_names, "y", X, X[:, 0], X[:0], X[:0, 0], network=net)
    for edge in [(0, 1, 2), (1, 2, 0)]:
        view = edge_view(content, source_values(content), edge, 1.0, 1.0)
        x, y = view.pieces.at(SHARE)
        assert view.pieces.ends[[0, -1]].tolist() == [view.low, view.high]
        inner = x if edge[0] else (x - float(net.input_shift[1])) / float(net.input_scale[1])
        true = net.layers[edge[0]].edge(*edge[1:], torch.from_numpy(inner.ravel())).detach().numpy()
        np.testing.assert_allclose(y.ravel(), view.height * (true - view.mean), atol=1e-13)
        d = re.search(r' d="([^"]*)"', thumbnail(view, 10, 20, 80, 50))[1]
        assert d.count("C") == len(view.pieces.points)
        assert d.count("M") == 1


@pytest.mark.parametrize("curve", [np.sin, np.exp, lambda x: 1 / (1 + 25 * x**2), np.sqrt])
def test_anything_else_is_as_close_as_can_be_seen(curve):
    low = 0.0 if curve is np.sqrt else -3.0
    made = close_pieces(curve, low, 3.0)
    x, y = made.at(SHARE)
    assert np.abs(y - curve(x)).max() <= 3 * CLOSE * np.ptp(curve(x))


def test_a_jump_is_steep_and_never_overshoots_and_gaps_stay_gaps():
    made = close_pieces(np.sign, -1.0, 1.3)
    _, y = made.at(SHARE)
    assert np.abs(y).max() <= 1 + 1e-12
    with np.errstate(all="ignore"):
        made = close_pieces(np.log, -1.0, 1.0)
    assert np.isnan(made.points[0]).all()
    assert np.isfinite(made.points[-1]).all()
