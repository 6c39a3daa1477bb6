"""A function in the weights of an equation, with the band that data leave it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from edgewise._core.errors import InputError
from edgewise._core.plain import article
from edgewise.plots.mathtext import name_mathtext
from edgewise.plots.style import SIZE_SMALL, bare_axes, math_style, new_figure, text_style, theme_of

if TYPE_CHECKING:
    from edgewise.pde import FunctionEstimate

PLACES = 301
WIDTH, HEIGHT, LEFT, BOTTOM, REST = 3.6, 2.2, 0.75, 0.5, 0.2


def plot_coefficient(
    estimate: FunctionEstimate | Any, *, reference: Callable[[Any], Any] | None = None, theme: str = "light"
) -> Figure:
    """Draw a coefficient function that `pde.identify` found, with its 95 % band.

    Parameters
    ----------
    estimate : FunctionEstimate
        As in `Identification.functions`.
    reference : callable, optional
        The true function, drawn dashed beside it.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Where the estimate is no function.
    """
    look = theme_of(theme)
    if not hasattr(estimate, "band"):
        raise InputError(
            argument="estimate", expected="be one of Identification.functions", got=article(type(estimate))
        )
    own = estimate.function
    at = np.linspace(own.low, own.high, PLACES)
    low, high = estimate.band(at)
    figure = new_figure(LEFT + WIDTH + REST, BOTTOM + HEIGHT + REST, look)
    axes = bare_axes(figure, (LEFT, BOTTOM, WIDTH, HEIGHT), look, grid="y")
    axes.fill_between(at, low, high, color=look.numeric, alpha=0.2, linewidth=0)
    axes.plot(at, estimate(at), color=look.numeric, linewidth=1.6)
    if reference is not None:
        axes.plot(at, np.broadcast_to(reference(at), at.shape), color=look.ink, linewidth=0.9, linestyle="--")
    axes.set_xlim(own.low, own.high)
    axes.set_xlabel(own.coordinate, **text_style(look, SIZE_SMALL, look.muted))
    axes.set_ylabel(f"${name_mathtext(own.name)}$", **math_style(look))
    return figure
