"""What a view draws of a network: the diagram, what its script reads, every edge by name, and the formula it may be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgewise._core.arrays import Floats
from edgewise.network import KAN
from edgewise.network.fitted import Fitted
from edgewise.plots.choice import relative
from edgewise.report.content.alone import alone, closed_form
from edgewise.report.content.content import ReportContent
from edgewise.report.drawings.edge_functions import (
    ROUNDING,
    Edge,
    edge_name,
    edge_view,
    form_of,
    source_values,
)
from edgewise.report.drawings.mathematics import formula_html
from edgewise.report.drawings.panels import panel
from edgewise.report.evaluation.importance import NetworkImportance
from edgewise.report.live.build import mark
from edgewise.report.sections.network import importance_of, network_section

# Edges that a reader can choose from a list.
MOST_LISTED = 2_000


@dataclass(frozen=True)
class Drawing:
    """A version as a front end draws it, and what single edges of it are drawn from."""

    parts: Mapping[str, Any]
    content: ReportContent
    scores: NetworkImportance

    def opened(self, edge: Edge | None) -> dict[str, Any] | None:
        """An edge drawn large over its rows: that one where it is alive, else the strongest."""
        alive = [tuple(item["edge"]) for item in self.parts["edges"]]
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
            "mark": asdict(mark(view)),
        }


def drawn(seen: Fitted, model: Any, net: KAN, X: Floats) -> Drawing:
    """The network as a front end draws it."""
    content = alone(seen, model, net, X)
    scores = importance_of(content)
    section = network_section(content, scores, functions=False)
    assert scores is not None
    alive = [
        (float(scores.edges[layer][s, t]), (layer, int(s), int(t)))
        for layer, module in enumerate(net.layers)
        for s, t in module.mask.nonzero().tolist()
    ]
    alive.sort(key=lambda item: (-item[0], item[1]))
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
                "name": edge_name(net, edge),
                "form": form_of(net, *edge) or "",
                "score": score if score > ROUNDING * alive[0][0] else 0.0,
            }
            for score, edge in alive[:MOST_LISTED]
        ],
        "formula": "".join(
            f"<div>{formula_html(formula.sympy, formula.text, digits=4)}</div>"
            for formula in closed_form(net)
        ),
    }
    return Drawing(parts, content, scores)
