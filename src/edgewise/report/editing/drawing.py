"""What a view draws of a network: the diagram, what its script reads, every edge by name, and the formula it may be."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import EdgewiseError
from edgewise.exporting.read import program_of
from edgewise.network import KAN
from edgewise.network.fitted import Fitted
from edgewise.report.content.content import ReportContent
from edgewise.report.content.estimator import views_of
from edgewise.report.drawings.edge_functions import form_of, node_name, sum_name
from edgewise.report.drawings.mathematics import formula_html
from edgewise.report.sections.network import importance_of, network_section
from edgewise.symbolic import formula

# Edges that a reader can choose from a list, and closed forms that together are still a formula to be read.
MOST_LISTED, MOST_FORMS = 2_000, 40


def drawn(seen: Fitted, model: Any, net: KAN, X: Floats) -> dict[str, Any]:
    """The network as a front end draws it, as plain values."""
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
    return {
        "svg": "" if section is None else str(section.first.svg),
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
        "formula": _formula(net),
    }


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


def _formula(net: KAN) -> str:
    """The formula where every edge is a closed form, drawn; empty where it is none."""
    numeric = sum(int(layer.mask.sum()) - len(layer.symbolic) for layer in net.layers)
    if numeric > 0 or sum(len(layer.symbolic) for layer in net.layers) > MOST_FORMS:
        return ""
    try:
        found = formula(net)
    except EdgewiseError:
        return ""
    return "".join(f"<div>{formula_html(each.sympy, each.text, digits=4)}</div>" for each in found)
