"""What a notebook shows: networks that answer, formulas as mathematics, explanations and audits drawn, proofs in words."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from markupsafe import escape
from matplotlib.figure import Figure

from edgewise._core.arrays import Floats
from edgewise.estimators.html import html_of
from edgewise.network import KAN
from edgewise.network.fitted import fitted
from edgewise.plots import (
    plot_audit,
    plot_contributions,
    plot_counterfactuals,
    plot_dynamics,
    plot_network,
    plot_shapes,
    plot_solution,
)
from edgewise.report.content.alone import alone
from edgewise.report.drawings.mathematics import formula_html
from edgewise.report.page import render_network

# Rows drawn from the range of the grids.
ROWS = 512
# CSS pixels: the width from which on a frame has two columns; all about the drawing; an answer with its margins; a control,
# an edge of the fullest layer, and a part of the sum.
WIDE, DRAWING, ANSWER, CONTROL, EDGE, PART = 832, 290, 190, 64, 66, 29
MOST_CONTROLS, MOST_EDGES, MOST_PARTS = 8, 14, 8
STILL_INCHES, STILL_DPI = 7.0, 110
_MARKS = {"proved": "#2a9d5c", "refuted": "#c8553d", "undecided": "#8a8a8a"}


def network_html(model: Any) -> str:
    """A frame in which a network answers, over a still picture for hosts that run no scripts.

    The frame loads nothing, may reach nothing outside itself, and stays alive in a saved file and without a kernel.

    Parameters
    ----------
    model : KAN or fitted estimator
        An estimator's network is asked in the columns of its table.

    Returns
    -------
    str
        HTML to put into a page.

    Examples
    --------
    >>> "<iframe" in network_html(KAN([2, 3, 1], seed=0))
    True
    """
    seen = fitted(model, of="a notebook")
    net = seen.network
    content = alone(seen, seen.held, net, _rows(net))
    title = escape(content.title)
    wide, narrow = _heights(net, len(seen.columns))
    # Where the frame is too narrow for two columns, it is higher.
    height = f"clamp({wide}px, ({WIDE}px - 100cqw)*1000, {narrow}px)"
    return (
        '<div style="container-type:inline-size">'
        f'<div style="position:relative;min-height:{narrow}px;min-height:{height}">'
        f"{_picture(_still(net), f'{content.title}, drawn with its edge functions')}"
        f'<iframe title="{title}" sandbox="allow-scripts" srcdoc="{escape(render_network(content))}" loading="lazy" '
        'style="position:absolute;left:0;top:0;width:100%;height:100%;border:0;background:Canvas"></iframe></div></div>'
    )


def _rows(net: KAN) -> Floats:
    """Rows even over the range of its grids, for no table says what the inputs are like."""
    low, high = net.input_range().detach().cpu().double().numpy().T
    return np.random.default_rng(0).uniform(low, high, (ROWS, len(low)))


def _heights(net: KAN, columns: int) -> tuple[int, int]:
    """CSS pixels of the frame where drawing and inputs stand beside each other, and where they do not."""
    controls, folded = min(columns, MOST_CONTROLS), columns > MOST_CONTROLS
    edges = min(max(int(layer.mask.sum()) for layer in net.layers), MOST_EDGES)
    parts = min(int(net.layers[-1].mask[:, 0].sum()), MOST_PARTS)
    drawn = DRAWING + EDGE * max(edges, 2) + PART * parts
    inputs = ANSWER + 2 * CONTROL * folded
    return max(drawn, inputs + CONTROL * controls), drawn + inputs + CONTROL * -(-controls // 2)


def _still(net: KAN) -> bytes:
    figure = plot_network(net)
    width, height = figure.get_size_inches()
    figure.set_size_inches(STILL_INCHES, STILL_INCHES * height / width)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=STILL_DPI)
    return buffer.getvalue()


def _picture(png: bytes, alt: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}" style="max-width:100%">'


def _drawn(draw: Callable[[Any], Figure], what: str) -> Callable[[Any], str]:
    """A picture of a result, and all that it says in a fold below."""

    def html(found: Any) -> str:
        words = f"<details><summary>In words</summary>{_words(found)}</details>"
        return f"<div>{_picture(_png(draw(found)), what)}{words}</div>"

    return html


def _verdict(found: Any) -> str:
    first, *others = str(found).split("\n")
    return (
        f'<div style="border-left:.4em solid {_MARKS[found.status]};padding-left:.8em"><strong>{escape(first)}</strong>'
        f"{_words(chr(10).join(others))}</div>"
    )


def _words(found: Any) -> str:
    return f'<pre style="overflow-x:auto">{escape(str(found))}</pre>'


def _counterfactuals(found: Any) -> str:
    return (
        _drawn(plot_counterfactuals, f"What would have to change: {found.wanted}")(found)
        if found.items
        else _words(found)
    )


def _result(found: Any) -> str:
    return f"<p>{escape(found.message)}</p>{network_html(found.network)}"


def _formula(found: Any) -> str:
    return f"<div>{formula_html(found.sympy, found.text)}<pre>{escape(found.text)}</pre></div>"


def _formulas(found: Any) -> str:
    rows = "".join(
        f"<tr><td>{'★' if each is found.best else ''}</td><td>{each.complexity}</td><td>{each.error:.3g}</td>"
        f'<td style="text-align:left">{formula_html(each.sympy, each.text, digits=4)}</td></tr>'
        for each in found.front
    )
    head = "<tr><th></th><th>complexity</th><th>error</th><th>formula</th></tr>"
    return f"<p>{escape(found.message)}</p><table>{head}{rows}</table>"


def _estimator(model: Any) -> str:
    return html_of(model, network_html(model)) if hasattr(model, "network_") else html_of(model)


HTML: Mapping[str, Callable[[Any], str]] = {
    "KAN": network_html,
    "KANRegressor": _estimator,
    "KANClassifier": _estimator,
    "CalibratedKAN": network_html,
    "FitResult": _result,
    "SimplifyResult": _result,
    "EditResult": lambda found: network_html(found.network),
    "Formula": _formula,
    "FormulaResult": _formulas,
    "GroupedResult": _words,
    "LocalExplanation": _drawn(plot_contributions, "What each column adds to the answer"),
    "GlobalExplanation": _drawn(plot_shapes, "What the model has learned, column by column"),
    "Counterfactuals": _counterfactuals,
    "Proved": _verdict,
    "Refuted": _verdict,
    "Undecided": _verdict,
    "AuditResult": _drawn(plot_audit, "Measures by group, with their intervals"),
    "Dynamics": _drawn(plot_dynamics, "Measured courses and the solutions of the equations"),
    "Solution": _drawn(plot_solution, "The solution"),
}
"""How a notebook shows each type, by its name: see `edgewise._core.notebook`."""
