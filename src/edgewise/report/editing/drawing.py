"""What a view draws of a network: the diagram, what its script reads, every edge by name, and the formula it may be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.exporting.read import program_of
from edgewise.network import KAN
from edgewise.network.fitted import Fitted
from edgewise.plots.choice import relative
from edgewise.report.content.closed_form import closed_form
from edgewise.report.content.content import ReportContent
from edgewise.report.content.estimator import views_of
from edgewise.report.drawings.edge_functions import (
    Edge,
    edge_view,
    form_of,
    node_name,
    source_values,
    sum_name,
)
from edgewise.report.drawings.mathematics import formula_html
from edgewise.report.drawings.panels import panel
from edgewise.report.evaluation.importance import Importance
from edgewise.report.sections.network import importance_of, network_section

# Edges that a reader can choose from a list.
MOST_LISTED = 2_000


@dataclass(frozen=True)
class Drawing:
    """A version as a front end draws it, and what single edges of it are drawn from."""

    parts: Mapping[str, Any]
    content: ReportContent
    scores: Importance

    def opened(self, edge: Edge | None) -> dict[str, Any] | None:
        """An edge drawn large over its rows: that one where it is alive, else the strongest."""
        alive = [tuple(each["edge"]) for each in self.parts["edges"]]
        if not alive:
            return None
        layer, *ends = edge if edge in alive else alive[0]
        score, at = self.scores.edges[layer], (ends[0], ends[1])
        values = source_values(self.content)
        view = edge_view(self.content, values, (layer, *at), float(score[at]), float(relative(score)[at]))
        return {
            "edge": [layer, *at],
            "svg": str(panel(view)),
            "kind": view.kind,
            "words": view.caption,
        }


def drawn(seen: Fitted, model: Any, net: KAN, X: Floats) -> Drawing:
    """The network as a front end draws it."""
    content = _content(seen, model, net, X)
    scores = importance_of(content)
    section = network_section(content, scores, functions=False)
    assert scores is not None
    alive = [
        (float(scores.edges[layer][s, t]), (layer, int(s), int(t)))
        for layer, module in enumerate(net.layers)
        for s, t in module.mask.nonzero().tolist()
    ]
    alive.sort(key=lambda each: (-each[0], each[1]))
    live = None if section is None else section.live
    more = None if section is None else section.second
    parts = {
        "svg": "" if section is None else str(section.first.svg),
        "more": "" if more is None else str(more.svg),
        "live": None if live is None else json.loads(live.to_json()),
        "alive": len(alive),
        "edges": [
            {
                "edge": list(edge),
                "name": f"{node_name(net, edge[0], edge[1])} → {sum_name(net, edge[0], edge[2])}",
                "form": form_of(net, *edge) or "",
                "score": score,
            }
            for score, edge in alive[:MOST_LISTED]
        ],
        "formula": "".join(
            f"<div>{formula_html(each.sympy, each.text, digits=4)}</div>" for each in closed_form(net)
        ),
    }
    return Drawing(parts, content, scores)


def _content(seen: Fitted, model: Any, net: KAN, X: Floats) -> ReportContent:
    """A page about the network alone, on the rows that edits look at."""
    y = net.predict(X)[:, 0]
    coded = seen.encoding
    return ReportContent(
        f"A KAN {list(net.shape)}",
        "a notebook",
        net.input_names,
        net.output_names[0] if coded is None else seen.target,
        X,
        np.zeros(len(y)) if seen.classes else y,
        X[:0],
        y[:0],
        network=net,
        classes=tuple(str(each) for each in seen.classes),
        inputs=() if coded is None else views_of(coded.columns, coded.names, coded.sources),
        program=None if coded is None else program_of(model),
        rows=False,
    )
