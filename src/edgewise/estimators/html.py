"""How an estimator shows itself in a notebook: scikit-learn's own picture and, once fitted, the network."""

from __future__ import annotations

import html
from typing import Any

from sklearn.utils import estimator_html_repr

from edgewise._core.checks import plural
from edgewise.plots import figure_svg, plot_network

# A picture in a notebook is glanced at; plot() draws the rest.
_MOST_EDGES = 40
_MOST_COLUMNS = 5
_LEAST_SHARE = 0.005


def html_of(model: Any, network: str = "") -> str:
    """HTML of an estimator; names from the data are escaped.

    Parameters
    ----------
    model : estimator
    network : str
        HTML that shows its network; by default a picture.
    """
    known = estimator_html_repr(model)
    if not hasattr(model, "network_"):
        return known
    facts = "".join(f"<li>{html.escape(fact)}</li>" for fact in _facts(model))
    return (
        f'{known}<figure class="edgewise-network" style="margin:.5em 0">{network or _picture(model)}'
        f"<figcaption><ul>{facts}</ul></figcaption></figure>"
    )


def _picture(model: Any) -> str:
    net = model.network_
    drawn = sum(int(layer.mask.sum()) for layer in net.layers) > 0
    svg = figure_svg(plot_network(net, max_edges=_MOST_EDGES), prefix=f"ew{id(model):x}") if drawn else ""
    svg = svg.replace("<svg ", '<svg style="max-width:100%;max-height:28em;height:auto" ', 1)
    return f'<div role="img" aria-label="The fitted network" style="max-width:48em">{svg}</div>'


def _facts(model: Any) -> list[str]:
    net, fit = model.network_, model.fit_
    edges = sum(int(layer.mask.sum()) for layer in net.layers)
    size = f"{plural(edges, 'edge')}, {plural(net.n_parameters, 'parameter')}"
    facts = [f"{fit.mode.capitalize()} network of shape {list(net.shape)}: {size}."]
    shares = [
        (share, column.name)
        for share, column in zip(model.feature_importances_.tolist(), model.encoding_.columns, strict=True)
        if share >= _LEAST_SHARE
    ]
    if shares:
        top = sorted(shares, key=lambda pair: -pair[0])[:_MOST_COLUMNS]
        facts.append("Moves most: " + ", ".join(f"{name} ({share:.0%})" for share, name in top) + ".")
    if fit.validation_error is not None:
        facts.append(f"Error on held-out rows: {fit.validation_error:.4g}.")
    facts.append(fit.message if fit.seconds is None else f"{fit.message} ({fit.seconds:.1f} s)")
    return facts
