"""The diagram of a large network: folded to its strongest parts, whatever those are."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.network import KAN
from edgewise.report import ReportContent
from edgewise.report.sections.network import importance_of, network_section


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [[50, 20, 10, 1], [30, 25, 20, 2], [4, 3, 1]])
def test_every_network_is_folded_and_every_edge_drawn_has_its_curve(shape, seed):
    net = KAN(shape, seed=seed)
    low, high = net.input_range().detach().double().numpy().T
    X = np.random.default_rng(seed).uniform(low, high, (64, shape[0]))
    y = net.predict(X)[:, 0]
    content = ReportContent("t", "t.csv", net.input_names, "y", X, y, X[:0], y[:0], network=net)
    section = network_section(content, importance_of(content), functions=False)
    assert section is not None
    assert section.groups == ()
    drawings = [section.first, *([] if section.second is None else [section.second])]
    keys = {f"{mark.layer}-{mark.source}-{mark.target}" for mark in section.live.edges}
    for one in drawings:
        drawn = str(one.svg).split('data-edge="')[1:]
        assert len(drawn) == one.shown
        assert {part.split('"')[0] for part in drawn} <= keys
    assert section.first.shown <= section.first.alive
