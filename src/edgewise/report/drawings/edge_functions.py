"""Edge functions ready to be drawn and described: curve, data beneath, score and the shape in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.network import KAN
from edgewise.plots.trace import form_of
from edgewise.report.content.content import InputView, ReportContent
from edgewise.report.text.numbers import number
from edgewise.report.text.svg import few
from edgewise.report.text.words import curve_words, level_words

# Pieces of a curve that is no spline are halved until they are within this share of its height, or this often.
CLOSE, HALVINGS, FIRST = 1 / 1000, 10, 8
# From values at thirds of a piece to the ordinates of its Bézier points.
_POINTS = np.array([[6.0, 0, 0, 0], [-5, 18, -9, 2], [2, -9, 18, -5], [0, 0, 0, 6]]).T / 6
_THIRDS = np.array([0.0, 1 / 3, 2 / 3, 1.0])
_BETWEEN = np.array([1 / 6, 1 / 2, 5 / 6])


@dataclass(frozen=True, eq=False)
class BezierPieces:
    """Cubic pieces: their ends, (P + 1,), and the ordinates of their Bézier points, (P, 4); abscissae are at thirds."""

    ends: Floats
    points: Floats

    def at(self, share: Floats) -> tuple[Floats, Floats]:
        """Places and values at shares of every piece, each (P, len(share))."""
        t, s = share[None], 1 - share[None]
        p = self.points[:, :, None]
        y = s**3 * p[:, 0] + 3 * s**2 * t * p[:, 1] + 3 * s * t**2 * p[:, 2] + t**3 * p[:, 3]
        return self.ends[:-1, None] + np.diff(self.ends)[:, None] * t, y


def spline_pieces(curve: Callable[[Floats], Floats], ends: Floats) -> BezierPieces:
    """A curve that is a cubic between all ends."""
    x = ends[:-1, None] + np.diff(ends)[:, None] * _THIRDS
    with np.errstate(invalid="ignore"):  # a value that is not finite leaves a gap
        return BezierPieces(ends, curve(x.ravel()).reshape(x.shape) @ _POINTS)


def close_pieces(curve: Callable[[Floats], Floats], low: float, high: float) -> BezierPieces:
    """Any curve; where it jumps, a steep straight piece."""
    ends = np.linspace(low, high, FIRST + 1)
    for _ in range(HALVINGS):
        made = spline_pieces(curve, ends)
        far = _far(made, curve)
        if not far.any():
            return made
        middles = (ends[:-1] + ends[1:])[far] / 2
        ends = np.sort(np.concatenate([ends, middles]))
    made = spline_pieces(curve, ends)
    steep = _far(made, curve)
    first, last = made.points[:, :1], made.points[:, 3:]
    return BezierPieces(ends, np.where(steep[:, None], first + (last - first) * _THIRDS, made.points))


def _far(made: BezierPieces, curve: Callable[[Floats], Floats]) -> NDArray[np.bool_]:
    """Which pieces are further from the curve than can be seen."""
    x, y = made.at(_BETWEEN)
    true = curve(x.ravel()).reshape(x.shape)
    good = made.points[np.isfinite(made.points)]
    height = float(np.ptp(good)) if good.size else 0.0
    with np.errstate(invalid="ignore"):
        return np.abs(y - true).max(axis=1) > CLOSE * height


Edge = tuple[int, int, int]

POINTS = 121
# How far a curve is drawn beyond the data, as a share of their range.
BEYOND = 0.1
FEWEST_ROWS, MOST_ROWS = 512, 4096
# Edge functions times rows that finding the values of all nodes may cost.
MOST_VALUES = 4_000_000
BINS = 32
# A curve that leaves its mean by less than this share of its size is a constant.
ROUNDING = 1e-12
RUG = 60


@dataclass(frozen=True, eq=False)
class EdgeView:
    """One edge.

    Attributes
    ----------
    edge : (layer, source, target)
    before, after : str
        Names of the ends.
    axis : str
        Name of what runs along the horizontal axis, with its unit.
    form : str or None
        Closed form, None where the edge is a spline.
    score : float
        How far the edge typically moves the output, in the output's units.
    share : float
        The score relative to the strongest edge of the layer.
    unit : str
        Of the score.
    x, y : arrays of shape (k,)
        The curve less its mean on the data; of a coded column one entry a level.
    data : array
        Counts in equal steps over the range of the data; of a coded column one count a level.
    rug : array
        Some of the values of the data, where rows may stand in the page.
    low, high : float
        Range of the data.
    view : InputView or None
        How the horizontal axis reads in the table; None for hidden nodes.
    words : str
        What the curve does.
    mean, height : float
        The curve is the function less `mean`, times `height`.
    pieces : BezierPieces, optional
        The same as Bézier pieces over the data; None for levels.
    """

    edge: Edge
    before: str
    after: str
    axis: str
    form: str | None
    score: float
    share: float
    unit: str
    x: Floats
    y: Floats
    data: Floats
    rug: Floats
    low: float
    high: float
    view: InputView | None
    words: str
    mean: float = 0.0
    height: float = 1.0
    pieces: BezierPieces | None = None

    @property
    def key(self) -> str:
        """The edge as part of an id."""
        return "-".join(str(k) for k in self.edge)

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the levels; empty for numbers."""
        return () if self.view is None else self.view.levels

    @property
    def kind(self) -> str:
        """What the function is, in words."""
        if self.levels:
            return "levels"
        return "spline" if self.form is None else f"closed form {self.form}"

    @property
    def strength(self) -> str:
        """The score in words."""
        return f"{number(self.score, 3)}{f' {self.unit}' if self.unit else ''}"

    @property
    def caption(self) -> str:
        """What the curve does, to stand by itself under a title."""
        words = self.words.removeprefix("is ")
        return f"{words[:1].upper()}{words[1:]}."

    @property
    def sentence(self) -> str:
        """Everything a drawing of it shows."""
        return f"{self.before} to {self.after}, {self.kind}, score {self.strength}: {self.words}."


def node_name(net: KAN, column: int, node: int) -> str:
    """A node in words: an input or output by its name, a hidden one by its number."""
    if column == 0:
        return net.input_names[node]
    if column == len(net.layers):
        return net.output_names[node]
    return f"node {node + 1}" if len(net.layers) == 2 else f"node {column}.{node + 1}"


def sum_name(net: KAN, layer: int, target: int) -> str:
    """The node that a sum feeds, and which factor of it where it multiplies."""
    groups = net.spec.layers[layer].nodes.groups()
    node = next(k for k, group in enumerate(groups) if target in group)
    name = node_name(net, layer + 1, node)
    return name if len(groups[node]) == 1 else f"factor {groups[node].index(target) + 1} of {name}"


def edge_name(net: KAN, edge: Edge) -> str:
    """An edge by the names of its ends."""
    layer, source, target = edge
    return f"{node_name(net, layer, source)} → {sum_name(net, layer, target)}"


def source_values(content: ReportContent) -> tuple[Floats, ...]:
    """Values of the source nodes of every layer on the rows trained on, the first in the network's own input units."""
    net = content.network
    assert net is not None
    X = content.columns(content.X, net.input_names)
    edges = sum(int(layer.mask.sum()) for layer in net.layers)
    X = X[few(len(X), min(max(MOST_VALUES // max(edges, 1), FEWEST_ROWS), MOST_ROWS))]
    with torch.no_grad():
        hidden = net.activations(torch.from_numpy(X).to(net.output_shift))[1:-1]
    return (X, *(h.to(torch.float64).cpu().numpy() for h in hidden))


def edge_view(
    content: ReportContent, values: tuple[Floats, ...], edge: Edge, score: float, share: float
) -> EdgeView:
    """One edge of the content's network on the values of its source."""
    net = content.network
    assert net is not None
    layer, source, target = edge
    data = values[layer][:, source]
    view = content.view(net.input_names[source]) if layer == 0 else None
    coded = view is not None and len(view.levels) > 0
    low, high = float(data.min()), float(data.max())
    room = BEYOND * (high - low) or 0.5
    x = np.arange(len(view.levels), dtype=np.float64) if view and coded else _points(low, high, room)
    height = float(net.output_scale[target]) if _sums_into_output(net, layer, target) else 1.0
    mean = _mean(_curve(net, edge, data))
    raw = _curve(net, edge, x)
    y = height * (raw - mean)
    if np.abs(y).max(initial=0.0) <= ROUNDING * abs(height) * np.abs(raw).max(initial=0.0):
        y = np.zeros_like(y)  # a constant and its own rounding
    before, after = node_name(net, layer, source), sum_name(net, layer, target)
    before = before if view is None else view.label
    if view is not None and coded:
        counts = np.bincount(np.clip(data.round(), 0, len(x) - 1).astype(np.int64), minlength=len(x)).astype(
            np.float64
        )
        words = level_words(view.levels, y)
    else:
        counts = np.histogram(data, bins=BINS, range=(low, high) if high > low else (low - 0.5, high + 0.5))[
            0
        ].astype(np.float64)
        inside = (x >= low) & (x <= high) if high > low else np.ones_like(x, dtype=np.bool_)
        shown = x[inside] if view is None else view.in_table(x[inside])
        words = curve_words(shown, y[inside])
    return EdgeView(
        edge=edge,
        before=before,
        after=after,
        axis=before if view is None else content.labelled(view.name),
        form=form_of(net, layer, source, target),
        score=score,
        share=share,
        unit="log-odds" if content.classes else content.unit(content.target),
        x=x,
        y=y,
        data=counts,
        rug=np.unique(data[:: max(len(data) // RUG, 1)])[: 2 * RUG] if content.rows else np.zeros(0),
        low=low,
        high=high,
        view=view,
        words=words,
        mean=mean,
        height=height,
        pieces=None if coded else _pieces(net, edge, low, high, mean, height),
    )


def _pieces(net: KAN, edge: Edge, low: float, high: float, mean: float, height: float) -> BezierPieces:
    """The curve over the data: exact where it is a spline of degree three or less."""
    layer, source, target = edge
    module = net.layers[layer]

    def curve(x: Floats) -> Floats:
        return height * (_curve(net, edge, x) - mean)

    spline = module.basis_name == "bspline" and module.degree <= 3 and not module.base
    if not spline or module.kind(source, target) == "symbolic":
        return close_pieces(curve, low, high)
    breaks = module.grid[source].detach().cpu().double().numpy()
    if layer == 0:
        breaks = breaks * float(net.input_scale[source]) + float(net.input_shift[source])
    inside = breaks[(breaks > low) & (breaks < high)]
    return spline_pieces(curve, np.array([low, *inside.tolist(), high]))


def _points(low: float, high: float, room: float) -> Floats:
    """Even points over the data and a little beyond, the ends of the data among them."""
    inner = np.linspace(low, high, POINTS) if high > low else np.array([low])
    few = np.linspace(0.0, room, 9)[1:]
    return np.concatenate([low - few[::-1], inner, high + few])


def _curve(net: KAN, edge: Edge, x: Floats) -> Floats:
    """The edge function at values of its source; the first layer takes the units of its input."""
    layer, source, target = edge
    if layer == 0:
        x = (x - float(net.input_shift[source])) / float(net.input_scale[source])
    with torch.no_grad():
        y = net.layers[layer].edge(
            source, target, torch.from_numpy(np.ascontiguousarray(x)).to(net.output_shift)
        )
    return y.to(torch.float64).cpu().numpy()


def _mean(values: Floats) -> float:
    good = values[np.isfinite(values)]
    return float(good.mean()) if good.size else 0.0


def _sums_into_output(net: KAN, layer: int, target: int) -> bool:
    return layer == len(net.layers) - 1 and target < net.spec.layers[layer].nodes.sums
