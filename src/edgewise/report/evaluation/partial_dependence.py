"""What each input does to the prediction, all else as in the data: the reading of a network with hidden nodes.

Partial dependence: J. H. Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics 29
(2001) 1189, doi:10.1214/aos/1013203451. The band is of the single rows' curves (A. Goldstein, A. Kapelner, J. Bleich,
E. Pitkin, "Peeking inside the black box", 2015, doi:10.1080/10618600.2014.907095): where it is wide, other inputs decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise._core.histograms import histogram
from edgewise.network import KAN
from edgewise.report.content.content import InputView, ReportContent
from edgewise.report.evaluation.leaderboard import probabilities
from edgewise.report.text.svg import few
from edgewise.report.text.words import curve_words, level_words

POINTS = 33
FEWEST_ROWS, MOST_ROWS = 24, 160
# Edge functions times rows times points that one input may cost.
MOST_VALUES = 2_500_000
MOST_LEVELS = 40
BINS = 32


@dataclass(frozen=True, eq=False)
class Effect:
    """How the prediction moves with one input.

    Attributes
    ----------
    name : str
    axis : str
        The name with its unit.
    x : array (k,)
        Values of the input as the network sees it; codes for a column of levels.
    y, low, high : arrays (k,)
        Mean change of the prediction, and the band that holds 80 % of single rows.
    data : array
        Counts of the data, in equal steps or per level.
    span : (low, high)
        Range of the data.
    size : float
        Standard deviation of y over the data.
    view : InputView
    words : str
    """

    name: str
    axis: str
    x: Floats
    y: Floats
    low: Floats
    high: Floats
    data: Floats
    span: tuple[float, float]
    size: float
    view: InputView
    words: str


def effects(content: ReportContent, inputs: tuple[int, ...]) -> tuple[Effect, ...]:
    """The effects of some of the network's inputs, for a target of numbers or two classes; strongest first."""
    net = content.network
    assert net is not None
    X = content.columns(content.X, net.input_names)
    edges = sum(int(layer.mask.sum()) for layer in net.layers)
    most = min(max(MOST_VALUES // (POINTS * max(edges, 1)), FEWEST_ROWS), MOST_ROWS)
    rows = X[few(len(X), most)]
    found = [_effect(content, net, X[:, k], rows, k) for k in inputs]
    return tuple(sorted(found, key=lambda one: -one.size))


def _effect(content: ReportContent, net: KAN, data: Floats, rows: Floats, k: int) -> Effect:
    name = net.input_names[k]
    view = content.view(name)
    if view.levels:
        x = np.arange(min(len(view.levels), MOST_LEVELS), dtype=np.float64)
        codes = np.clip(data.round(), 0, len(x) - 1).astype(np.int64)
        counts = np.bincount(codes, minlength=len(x)).astype(np.float64)
        low, high = 0.0, float(len(x) - 1)
    else:
        low, high = float(data.min()), float(data.max())
        span = (low, high) if high > low else (low - 0.5, high + 0.5)
        x = np.linspace(*span, POINTS)
        # Where half of the rows share few values, even points alone would miss them.
        counts, _ = histogram(data, *span, BINS)
        low, high = span
    table = np.repeat(rows[None], len(x), axis=0)
    table[:, :, k] = x[:, None]
    with torch.no_grad():
        out = (
            net(torch.from_numpy(table.reshape(-1, rows.shape[1])).to(net.output_shift))
            .to(torch.float64)
            .cpu()
            .numpy()
        )
    values = (probabilities(out)[:, 1] if content.classes else out[:, 0]).reshape(len(x), len(rows))
    weight = counts if view.levels else np.interp(x, np.linspace(low, high, len(counts)), counts)
    weight = weight / weight.sum() if weight.sum() > 0 else np.full(len(x), 1.0 / len(x))
    values = values - (weight @ values)[None]
    y = values.mean(1)
    band = np.percentile(values, [10.0, 90.0], axis=1)
    words = level_words(view.levels, y) if view.levels else curve_words(view.in_table(x), y)
    size = float(np.sqrt(weight @ (y - weight @ y) ** 2))
    return Effect(
        name, content.labelled(name), x, y, band[0], band[1], counts, (low, high), size, view, words
    )
