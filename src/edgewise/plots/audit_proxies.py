"""Proxies as functions: what each column predicts of a protected attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from edgewise._core.errors import InputError
from edgewise.plots.layout import panel_grid
from edgewise.plots.style import SIZE_SMALL, SIZE_TEXT, Theme, bare_axes, new_figure, text_style, theme_of

if TYPE_CHECKING:
    from edgewise.auditing.proxies import Proxies, Proxy, ProxyPair

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 2.0, 1.45, 1.0, 0.1, 0.5, 0.45
COLUMNS, MOST, MOST_LEVELS, LONGEST = 3, 9, 10, 16


def plot_proxies(proxies: Proxies, *, theme: str = "light") -> Figure:
    """Draw for each proxy the log-odds of the group that it gives away, over the column's values; pairs as maps.

    Parameters
    ----------
    proxies : Proxies
        As in `AuditResult.proxies`; at least one was found.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no proxy to draw.

    Examples
    --------
    >>> from edgewise.auditing.proxies import Proxies, Proxy, ProxyCurve
    >>> found = Proxy("height", "m", 0.8, 0.75, 0.85, 1e-9, True, ProxyCurve((150.0, 170.0, 190.0), (-2.0, 0.0, 2.0)))
    >>> len(plot_proxies(Proxies("sex", (found,), (), 0.8, "m", 500)).axes)
    1
    """
    colours = theme_of(theme)
    drawn: list[Any] = [*[proxy for proxy in proxies.found if proxy.shape is not None], *proxies.pairs][:MOST]
    if not drawn:
        raise InputError(argument="proxies", expected="hold a proxy that was found", got="none")
    grid = panel_grid(len(drawn), COLUMNS, (WIDTH, HEIGHT), (LEFT, BOTTOM, RIGHT, TOP))
    figure = new_figure(grid.width, grid.height, colours)
    for one, box in zip(drawn, grid.boxes, strict=True):
        axes = bare_axes(figure, box, colours)
        if hasattr(one, "columns"):
            _map(axes, one, colours)
        else:
            _curve(axes, one, colours)
    return figure


def _curve(axes: Axes, proxy: Proxy, colours: Theme) -> None:
    assert proxy.shape is not None
    x, y = proxy.shape.x, np.array(proxy.shape.y)
    if x and isinstance(x[0], str):
        order = np.argsort(-np.abs(y))[:MOST_LEVELS]
        order = order[np.argsort(y[order])]
        places = np.arange(len(order))
        axes.barh(places, y[order], color=colours.numeric, height=0.62)
        axes.set_yticks(places, [_short(str(x[k])) for k in order])
        axes.axvline(0.0, color=colours.faint, linewidth=0.8)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(
            f"log-odds of {_short(proxy.group)}", labelpad=3, **text_style(colours, SIZE_SMALL, colours.muted)
        )
    else:
        numbers = np.array(x, dtype=np.float64)
        if len(numbers) <= 2:
            axes.plot(numbers, y, "o", color=colours.numeric, markersize=5)
        axes.plot(numbers, y, color=colours.numeric, linewidth=1.6)
        axes.axhline(0.0, color=colours.faint, linewidth=0.8)
        axes.set_ylabel(
            f"log-odds of {_short(proxy.group)}", labelpad=3, **text_style(colours, SIZE_SMALL, colours.muted)
        )
        axes.locator_params(nbins=4)
    for tick in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        tick.set(parse_math=False)
    title = f"{proxy.column}: AUC {proxy.auc:.2f}"
    axes.set_title(title, pad=5, loc="left", **text_style(colours, SIZE_TEXT))


def _map(axes: Axes, pair: ProxyPair, colours: Theme) -> None:
    surface = np.array(pair.surface)
    most = float(np.abs(surface).max()) or 1.0
    shades = LinearSegmentedColormap.from_list("audit", [colours.symbolic, colours.panel, colours.numeric])
    axes.imshow(surface.T, origin="lower", aspect="auto", cmap=shades, vmin=-most, vmax=most)
    for axis, values in ((axes.xaxis, pair.x), (axes.yaxis, pair.y)):
        shown = np.unique(np.linspace(0, len(values) - 1, min(len(values), 4)).astype(int))
        axis.set_ticks(shown.tolist(), [_written(values[k]) for k in shown])
        for tick in axis.get_ticklabels():
            tick.set(parse_math=False)
    axes.set_xlabel(_short(pair.columns[0]), labelpad=3, **text_style(colours, SIZE_SMALL, colours.muted))
    axes.set_ylabel(_short(pair.columns[1]), labelpad=3, **text_style(colours, SIZE_SMALL, colours.muted))
    title = f"both: AUC {pair.auc:.2f} for {_short(pair.group)}"
    axes.set_title(title, pad=5, loc="left", **text_style(colours, SIZE_TEXT))


def _written(value: Any) -> str:
    return _short(value) if isinstance(value, str) else f"{value:.3g}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
