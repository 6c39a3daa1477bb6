"""Predicted against measured."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edgewise._core.arguments import check_text
from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, check_bool, check_vector, short
from edgewise._core.errors import InputError
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import (
    SIZE_SMALL,
    SIZE_TEXT,
    SIZE_TITLE,
    bare_axes,
    new_figure,
    text_style,
    theme_of,
    write_at,
)

# More points than this only make the drawing heavy; rows are then taken at even steps, errors from all of them.
MOST_POINTS = 800
SIDE = 2.9


def plot_parity(
    y: Any,
    predictions: Any,
    *,
    held_out: Any = None,
    residuals: bool = False,
    name: str = "y",
    title: str = "",
    theme: str = "light",
) -> Figure:
    """Draw predictions against measured values, rows held out apart from rows trained on.

    Parameters
    ----------
    y, predictions : array-like of shape (n,)
    held_out : array-like of bool (n,), or of row numbers, optional
        Which rows no training has seen; the errors written in the corner are theirs. Without it, all rows are alike.
    residuals : bool
        Draw prediction less measured value instead of the prediction: where a fit is close, parity is only a diagonal.
    name : str
        What is predicted.
    title : str
        What predicted it.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If the lengths differ or a row number does not exist.

    Examples
    --------
    >>> figure = plot_parity([1.0, 2.0, 3.0], [1.1, 2.0, 2.9], held_out=[2])
    >>> figure.axes[0].get_xlabel()
    'measured y'
    """
    colours = theme_of(theme)
    truth = check_vector(y, "y")
    guess = check_vector(predictions, "predictions", length=len(truth))
    check_text(name, "name")
    check_text(title, "title")
    outside = _as_mask(held_out, len(truth))
    judged = outside if outside.any() else np.ones_like(outside)
    if check_bool(residuals, "residuals"):
        shown, across, up = guess - truth, _ends(truth), _ends(guess - truth, truth - guess)
        perfect = (0.0, 0.0)
    else:
        shown, across = guess, _ends(truth, guess)
        up = perfect = across

    figure = new_figure(SIDE + 0.85, SIDE + 1.05, colours)
    axes = bare_axes(figure, (0.68, 0.52, SIDE, SIDE), colours)
    axes.set_xlim(across)
    axes.set_ylim(up)
    axes.plot(across, perfect, color=colours.faint, linewidth=0.8, zorder=1)
    dots: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 3.4, "markeredgewidth": 0.7}
    rows = _few(np.flatnonzero(~outside))
    if outside.any() and len(rows):
        hollow: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": colours.faint}
        axes.plot(truth[rows], shown[rows], **dots, **hollow, zorder=2, label="trained on", gid="train")
    rows = _few(np.flatnonzero(judged))
    full: dict[str, Any] = {
        "markerfacecolor": colours.numeric,
        "markeredgecolor": colours.ground,
        "alpha": 0.85,
    }
    label = "held out" if outside.any() else "all rows"
    axes.plot(
        truth[rows],
        shown[rows],
        **{**dots, "markeredgewidth": 0.3},
        **full,
        zorder=3,
        label=label,
        gid="held-out",
    )

    style = text_style(colours, SIZE_TEXT, colours.muted)
    axes.set_xlabel(drawable(f"measured {shorten(name, 30)}"), labelpad=4, **style)
    vertical = "predicted less measured" if residuals else f"predicted {shorten(name, 30)}"
    axes.set_ylabel(drawable(vertical), labelpad=4, **style)
    axes.locator_params(nbins=5)
    axes.ticklabel_format(axis="both", scilimits=(-3, 5))
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_offset_text().set(color=colours.muted, size=SIZE_SMALL)
    write_at(figure, 0.68, 0.23, drawable(shorten(title, 22)), text_style(colours, SIZE_TITLE), va="bottom")
    rmse, r2 = errors(truth[judged], guess[judged])
    words = f"{label}: RMSE {rmse:.4g}" + (f", R\u00b2 {r2_text(r2)}" if np.isfinite(r2) else "")
    write_at(figure, 0.68, 0.41, words, text_style(colours, SIZE_SMALL, colours.muted), va="bottom")
    if outside.any():
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0 + 0.26 / SIDE),
            ncols=2,
            columnspacing=0.8,
            frameon=False,
            handletextpad=0.0,
            borderaxespad=0.0,
            borderpad=0.0,
            labelcolor=colours.muted,
            prop={"family": text_style(colours)["family"], "size": SIZE_SMALL},
        )
    return figure


def errors(y: Floats, predictions: Floats) -> tuple[float, float]:
    """Root mean square error and R2 (NaN where y is constant)."""
    miss = float(np.sum((predictions - y) ** 2))
    spread = float(np.sum((y - y.mean()) ** 2))
    return float(np.sqrt(miss / len(y))), 1.0 - miss / spread if spread > 0 else float("nan")


def r2_text(r2: float) -> str:
    """R2 with as many nines as it has: 0.95, 0.99987; never a 1 that is not one."""
    gap = 1.0 - r2
    if -5e-4 < r2 < 0:
        return "0.000"
    if r2 < 0:
        return (f"{r2:.3f}" if r2 > -10 else f"{r2:.3g}").replace("-", "\u2212")
    if gap <= 1e-12:
        return "1"
    digits = min(max(3, 1 - int(np.floor(np.log10(gap)))), 12)
    return f"{r2:.{digits}f}"


def _ends(*values: Floats) -> tuple[float, float]:
    """Limits of an axis that shows all of them, never of no width."""
    low, high = float(min(v.min() for v in values)), float(max(v.max() for v in values))
    room = 0.04 * (high - low) or 0.5 * max(abs(high), 1.0)
    return low - room, high + room


def _as_mask(held_out: Any, count: int) -> NDArray[np.bool_]:
    mask = np.zeros(count, dtype=np.bool_)
    if held_out is None:
        return mask
    try:
        given = np.asarray(held_out)
    except UNREADABLE:
        raise InputError(
            argument="held_out", expected=f"be {count} booleans or row numbers", got=short(held_out)
        ) from None
    if given.dtype == np.bool_ and given.shape == (count,):
        return given.copy()
    whole = given.ndim == 1 and (given.size == 0 or np.issubdtype(given.dtype, np.integer))
    if not whole or (given.size and not (given.min() >= 0 and given.max() < count)):
        raise InputError(
            argument="held_out",
            expected=f"be {count} booleans or row numbers from 0 to {count - 1}",
            got=f"an array of {given.dtype} of shape {given.shape}",
        )
    mask[given.astype(np.int64)] = True
    return mask


def _few(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[:: max(-(-len(rows) // MOST_POINTS), 1)]
