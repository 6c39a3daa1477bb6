"""What a notebook shows: networks that answer, formulas as mathematics, explanations and audits drawn, proofs in words."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from markupsafe import escape
from matplotlib.figure import Figure

from edgewise import plots
from edgewise._core.arrays import Floats
from edgewise.estimators.html import html_of
from edgewise.network import KAN
from edgewise.network.fitted import fitted
from edgewise.report.content.alone import alone
from edgewise.report.drawings.mathematics import formula_html
from edgewise.report.page import render_network
from edgewise.report.sections.network import NetworkSection, importance_of, network_section

# Rows drawn from the range of the grids.
ROWS = 512
# CSS pixels of the frame: the width from which on it has two columns, that of the second one in a wide notebook, the width
# to which small drawings grow and the height beyond which they do not.
WIDE, BESIDE, GROWN, TALL = 832, 700, 640, 384
# An answer with its margins, a control, a formula, a part of the sum, one more line, and all else about the drawing.
ANSWER, CONTROL, FORMULA, PART, LINE, ABOUT = 170, 64, 110, 29, 45, 270
MOST_CONTROLS, MOST_PARTS, FOUND_FROM = 8, 8, 15
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
    seen = fitted(model)
    net = seen.network
    content = alone(seen, seen.held, net, _rows(net))
    section = network_section(content, importance_of(content))
    title, page = escape(content.title), escape(render_network(content, section))
    wide, narrow = _heights(section, net, len(seen.columns), content.formula is not None)
    # Where the frame is too narrow for two columns, it is higher.
    height = f"clamp({wide}px, ({WIDE}px - 100cqw)*1000, {narrow}px)"
    return (
        '<div style="container-type:inline-size">'
        f'<div style="position:relative;min-height:{narrow}px;min-height:{height}">'
        f"{_picture(_still(net), f'{content.title}, drawn with its edge functions')}"
        f'<iframe title="{title}" sandbox="allow-scripts" srcdoc="{page}" loading="lazy" '
        'style="position:absolute;left:0;top:0;width:100%;height:100%;border:0;background:Canvas"></iframe></div></div>'
    )


def _rows(net: KAN) -> Floats:
    """Rows even over the range of its grids, for no table shows what the inputs are like."""
    low, high = net.input_range().detach().cpu().double().numpy().T
    return np.random.default_rng(0).uniform(low, high, (ROWS, len(low)))


def _heights(section: NetworkSection | None, net: KAN, columns: int, formula: bool) -> tuple[int, int]:
    """CSS pixels of the frame where drawing and inputs stand beside each other, and where they do not."""
    controls, folded = min(columns, MOST_CONTROLS), columns > MOST_CONTROLS
    inputs = ANSWER + 2 * CONTROL * folded
    if section is None:
        alone = inputs + ABOUT + CONTROL * controls
        return alone, alone
    drawing = section.first
    parts = min(int(net.layers[-1].mask[:, 0].sum()), MOST_PARTS + 1)
    lines = (drawing.shown < drawing.alive) + (section.second is not None) + 2 * (drawing.shown >= FOUND_FROM)
    about = ABOUT + FORMULA * formula + PART * parts + LINE * lines

    def drawn(room: int) -> int:
        # As large as the style sheet makes it.
        across = min(room, max(drawing.width, min(GROWN, 1.35 * drawing.width)))
        high = drawing.height * max(across / drawing.width, 0.7)
        return about + round(min(high, max(drawing.height, TALL)))

    return max(drawn(BESIDE), inputs + CONTROL * controls), drawn(WIDE) + inputs + CONTROL * -(-controls // 2)


def _still(net: KAN) -> bytes:
    figure = plots.plot_network(net)
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


def _drawn(plot: str, what: str) -> Callable[[Any], str]:
    """A picture of a result by a function of `plots`, and its text in a fold below."""

    def html(found: Any) -> str:
        draw: Callable[[Any], Figure] = getattr(plots, plot)
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
        _drawn("plot_counterfactuals", f"What would have to change: {found.wanted}")(found)
        if found.items
        else _words(found)
    )


def _result(found: Any) -> str:
    return f"<p>{escape(found.message)}</p>{network_html(found.network)}"


def _formula(found: Any) -> str:
    return f"<div>{formula_html(found.sympy, found.text)}<pre>{escape(found.text)}</pre></div>"


# The law, and what predicts best.
_STARS = {"*": "★", "+": "+", " ": ""}


def _formulas(found: Any) -> str:
    rows = "".join(
        f"<tr><td>{_STARS[found.mark(formula)]}</td><td>{formula.complexity}</td><td>{formula.error:.3g}</td>"
        f"<td>{'' if formula.outside is None else f'{formula.outside.error:.3g}'}</td>"
        f'<td style="text-align:left">{formula_html(formula.sympy, formula.text, digits=4)}</td></tr>'
        for formula in found.front
    )
    head = "<tr><th></th><th>complexity</th><th>error</th><th>outside</th><th>formula</th></tr>"
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
    "LocalExplanation": _drawn("plot_contributions", "What each column adds to the answer"),
    "GlobalExplanation": _drawn("plot_shapes", "What the model has learned, column by column"),
    "Counterfactuals": _counterfactuals,
    "Proved": _verdict,
    "Refuted": _verdict,
    "Undecided": _verdict,
    "AuditResult": _drawn("plot_audit", "Measures by group, with their intervals"),
    "Dynamics": _drawn("plot_dynamics", "Measured courses and the solutions of the equations"),
    "Solution": _drawn("plot_solution", "The solution"),
}
"""How a notebook shows each type, by its name: see `edgewise._core.notebook`."""


def html(name: str, value: Any) -> str:
    """What a notebook shows of a value whose type has this name."""
    return HTML[name](value)
