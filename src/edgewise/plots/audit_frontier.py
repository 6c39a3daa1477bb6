"""What fairness costs: accuracy against each gap, one point a model."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from edgewise._core.arguments import check_is
from edgewise.auditing.frontier import Frontier
from edgewise.plots.style import SIZE_SMALL, SIZE_TEXT, bare_axes, new_figure, text_style, theme_of

# A marker for each method, so that colour is not needed to distinguish them.
MARKERS = {"before": "*", "penalty": "o", "flip": "s", "surgery": "X", "thresholds": "D"}
TITLES = {"dp": "demographic parity difference", "eo": "equalised odds difference"}
WIDTH, HEIGHT, LEFT, BOTTOM, GAP, TOP, RIGHT = 3.3, 2.7, 0.7, 0.5, 0.35, 0.25, 1.25


def plot_frontier(frontier: Frontier, *, theme: str = "light") -> Figure:
    """Draw the accuracy of every model against both of its gaps between groups; the best trade-offs are joined.

    Parameters
    ----------
    frontier : Frontier
        What `edgewise.mitigate` gives.
    theme : "light" or "dark"

    Returns
    -------
    Figure

    Examples
    --------
    >>> from edgewise.auditing.frontier import Frontier, FrontierPoint
    >>> points = (
    ...     FrontierPoint("before", "as it was", None, 0.9, 0.95, 0.3, 0.2, 0.5),
    ...     FrontierPoint("surgery", "without sex", None, 0.88, 0.94, 0.1, 0.1, 0.8),
    ... )
    >>> len(plot_frontier(Frontier("sex", points, 700, 300)).axes)
    2
    """
    check_is(frontier, Frontier, "frontier", "what mitigate gives")
    colours = theme_of(theme)
    figure = new_figure(LEFT + 2 * WIDTH + GAP + RIGHT, BOTTOM + HEIGHT + TOP, colours)
    label = text_style(colours, SIZE_TEXT, colours.muted)
    drawn: dict[str, object] = {}
    for k, criterion in enumerate(("dp", "eo")):
        axes = bare_axes(figure, (LEFT + k * (WIDTH + GAP), BOTTOM, WIDTH, HEIGHT), colours, grid="both")
        front = frontier.front(criterion)
        axes.plot(
            [getattr(point, criterion) for point in front],
            [point.accuracy for point in front],
            color=colours.faint,
            linewidth=0.9,
            drawstyle="steps-post",
            zorder=1,
            gid=f"front-{criterion}",
        )
        for method, marker in MARKERS.items():
            own = [point for point in frontier.points if point.method == method]
            if not own:
                continue
            x = np.array([getattr(point, criterion) for point in own])
            y = np.array([point.accuracy for point in own])
            (line,) = axes.plot(
                x,
                y,
                linestyle="none",
                marker=marker,
                markersize=10 if method == "before" else 6,
                color=colours.symbolic if method == "before" else colours.numeric,
                markeredgecolor=colours.ground,
                markeredgewidth=0.8,
                zorder=4 if method == "before" else 3,
                label=method,
                gid=f"{method}-{criterion}",
            )
            drawn[method] = line
        axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        axes.set_xlabel(TITLES[criterion], labelpad=4, **label)
        if k == 0:
            axes.set_ylabel("accuracy", labelpad=5, **label)
        else:
            axes.tick_params(labelleft=False)
        if k == 1:
            axes.legend(
                handles=list(drawn.values()),  # pyright: ignore[reportArgumentType]
                loc="center left",
                bbox_to_anchor=(1.02, 0.5),
                frameon=False,
                labelcolor=colours.ink,
                prop={"family": "DejaVu Sans", "size": SIZE_SMALL},
            )
    low = min(point.accuracy for point in frontier.points)
    high = max(point.accuracy for point in frontier.points)
    room = max(0.08 * (high - low), 0.002)
    for axes in figure.axes:
        axes.set_ylim(low - room, high + room)
    return figure
