"""What a notebook shows of a network, of a result that holds one, and of a formula."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from markupsafe import escape

from edgewise.network import KAN
from edgewise.plots.network import plot_network
from edgewise.report.content.content import ReportContent
from edgewise.report.drawings.mathematics import formula_html
from edgewise.report.page import render_network

# Rows drawn from the range of the grids, where no table says what the inputs are like.
ROWS = 512
# CSS pixels of the frame: head and margins, each control above the drawing, each edge of the fullest layer in it.
HEAD, CONTROL, EDGE = 290, 62, 66
MOST_CONTROLS, MOST_EDGES = 8, 14
STILL_INCHES, STILL_DPI = 7.0, 110


def network_html(net: KAN) -> str:
    """A frame in which the network answers, over a still picture for hosts that run no scripts.

    The frame loads nothing, may reach nothing outside itself, and stays alive in a saved file and without a kernel.

    Parameters
    ----------
    net : KAN

    Returns
    -------
    str
        HTML to put into a page.

    Examples
    --------
    >>> "<iframe" in network_html(KAN([2, 3, 1], seed=0))
    True
    """
    title = f"A KAN {list(net.shape)}"
    page = render_network(_content(net, title))
    still = f"data:image/png;base64,{base64.b64encode(_still(net)).decode('ascii')}"
    return (
        f'<div style="position:relative;min-height:{_height(net)}px">'
        f'<img src="{still}" alt="{escape(title)}, drawn with its edge functions" style="max-width:100%">'
        f'<iframe title="{escape(title)}" sandbox="allow-scripts" srcdoc="{escape(page)}" loading="lazy" '
        'style="position:absolute;left:0;top:0;width:100%;height:100%;border:0;background:Canvas"></iframe></div>'
    )


def _content(net: KAN, title: str) -> ReportContent:
    """A page about the network alone: rows even over the range of its grids."""
    low, high = net.input_range().detach().cpu().double().numpy().T
    X = np.random.default_rng(0).uniform(low, high, (ROWS, len(low)))
    y = net.predict(X)[:, 0]
    held = X[:0], y[:0]
    return ReportContent(title, "a notebook", net.input_names, net.output_names[0], X, y, *held, network=net)


def _height(net: KAN) -> int:
    inputs = net.shape[0]
    controls = min(inputs, MOST_CONTROLS) + 2 * (inputs > MOST_CONTROLS)
    edges = min(max(int(layer.mask.sum()) for layer in net.layers), MOST_EDGES)
    return HEAD + CONTROL * max(controls, 3) + EDGE * max(edges, 3)


def _still(net: KAN) -> bytes:
    figure = plot_network(net)
    buffer = io.BytesIO()
    width, height = figure.get_size_inches()
    figure.set_size_inches(STILL_INCHES, STILL_INCHES * height / width)
    figure.savefig(buffer, format="png", dpi=STILL_DPI)
    return buffer.getvalue()


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


HTML: Mapping[str, Callable[[Any], str]] = {
    "KAN": network_html,
    "FitResult": _result,
    "SimplifyResult": _result,
    "EditResult": lambda found: network_html(found.network),
    "Formula": _formula,
    "FormulaResult": _formulas,
}
"""How a notebook shows each type, by its name: see `edgewise._core.notebook`."""
