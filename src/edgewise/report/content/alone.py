"""A page about a network and nothing else: what a notebook shows of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.errors import EdgewiseError
from edgewise.network import KAN
from edgewise.network.fitted import Fitted
from edgewise.programs.program import program_of
from edgewise.report.content.content import ReportContent
from edgewise.report.content.estimator import views_of
from edgewise.symbolic import Formula, formula

# Closed forms that together are still a formula to be read.
MOST_FORMS = 40


def alone(seen: Fitted, model: Any, net: KAN, X: Floats) -> ReportContent:
    """The content of such a page.

    Parameters
    ----------
    seen : Fitted
        What is known around the network.
    model : KAN or estimator
        That holds the network.
    net : KAN
    X : array of shape (n, inputs)
        Rows in the network's own inputs, over which its curves are drawn.
    """
    coded = seen.encoding
    formulas = closed_form(net) if coded is None else ()
    return ReportContent(
        f"A KAN {list(net.shape)}",
        "a notebook",
        net.input_names,
        net.output_names[0] if coded is None else seen.target,
        X,
        np.zeros(len(X)) if seen.classes else net.predict(X)[:, 0],
        X[:0],
        np.zeros(0),
        network=net,
        formula=formulas[0] if len(formulas) == 1 else None,
        classes=tuple(str(class_name) for class_name in seen.classes),
        inputs=() if coded is None else views_of(coded.columns, coded.names, coded.sources),
        program=None if coded is None else program_of(model, maps=True),
        rows=False,
    )


def closed_form(net: KAN) -> tuple[Formula, ...]:
    """One formula for each output; none where an edge is a spline, or where there would be too much to read.

    Examples
    --------
    >>> closed_form(KAN([2, 1], seed=0))
    ()
    """
    forms = sum(len(layer.symbolic) for layer in net.layers)
    alive = sum(int(layer.mask.sum()) for layer in net.layers)
    if alive > forms or forms > MOST_FORMS:
        return ()
    try:
        return tuple(formula(net))
    except EdgewiseError:
        return ()
