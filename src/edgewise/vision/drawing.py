"""Evidence drawn over the picture it was found in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgewise._core.arguments import check_is
from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple, check_int, short
from edgewise._core.errors import InputError
from edgewise.plots.mathtext import drawable, shorten
from edgewise.plots.style import SIZE_SMALL, ShownFigure, bare_axes, new_figure, padded, text_style, theme_of
from edgewise.vision.evidence import Evidence
from edgewise.vision.features import FeatureUse

# Inches of a panel; the strongest colour of the evidence covers the picture by so much.
SIDE, COVER = 2.4, 0.8
# Of a panel of a series, in inches.
SERIES, HIGH = 6.4, 1.5
# Of the channels of a series.
STYLES = ("-", "--", ":", "-.")
# Letters of a class's name, as many as stand above a panel.
LONGEST = 26
# Beneath evidence a picture is a pale grey, so that colours show where it is dark.
PALE = 0.6
# Of a curve: left, bottom, width, height in inches.
CURVE = (0.58, 0.42, 1.75, 1.05)
FOR, AGAINST = np.array([0.84, 0.12, 0.12]), np.array([0.12, 0.32, 0.80])


def plot_evidence(evidence: Evidence, labels: Iterable[Any] | None = None, *, most: int = 4) -> Figure:
    """What is for (red) and against (blue) each class rather than the others, pixel by pixel over the picture.

    Of a series, a picture of height 1, each panel is its curve, and the colours stand behind it. The colours of all panels
    share one scale, and the title of each adds up: the constant and the sum of what is drawn are how far the logit lies
    above the mean of all logits, on which alone probabilities depend.

    Parameters
    ----------
    evidence : Evidence
    labels : iterable, optional
        Classes to draw; by default those of the largest logits.
    most : int
        Of them, at most so many.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        For a class that is not there.
    """
    check_is(evidence, Evidence, "evidence", "what `ImageClassifier.evidence` gives")
    check_int(most, "most", low=1)
    classes = evidence.classes.tolist()
    if labels is None:
        chosen = [int(k) for k in np.argsort(-evidence.logits)[:most]]
    else:
        asked = as_tuple(labels, "labels", "classes of the model")
        if not asked:
            raise InputError(argument="labels", expected="name at least one class", got="none")
        missing = [name for name in asked if name not in classes]
        if missing:
            raise InputError(argument="labels", expected="be classes of the model", got=short(missing[0]))
        chosen = [classes.index(name) for name in asked[:most]]
    evidence = evidence.centred()
    largest = float(np.abs(evidence.pixels[chosen]).max())
    if evidence.picture.shape[0] == 1:
        figure = ShownFigure(figsize=(SERIES, HIGH * len(chosen) + 0.4), layout="constrained")
        for axes, k in zip(figure.subplots(len(chosen), 1, squeeze=False)[:, 0], chosen, strict=True):
            _series(axes, evidence, k, largest)
            _name(axes, evidence, k)
    else:
        figure, panels = _panels(evidence.picture, len(chosen) + 1)
        panels[0].imshow(plain(evidence.picture), interpolation="nearest")
        panels[0].set_title("picture", fontsize=8.5)
        for axes, k in zip(panels[1:], chosen, strict=True):
            axes.imshow(overlay(evidence, k, largest), interpolation="nearest")
            _name(axes, evidence, k)
    figure.supxlabel("red: for the class, blue: against it; all less the mean over the classes", fontsize=8)
    return figure


def _panels(picture: Floats, count: int) -> tuple[Figure, list[Axes]]:
    """A row of panels as wide as titles need, without axes; a layout of matplotlib's own would cut titles off."""
    below, above, gap = 0.35, 0.45, 0.08
    high = SIDE * min(max(picture.shape[0] / picture.shape[1], 0.4), 2.5)
    width, height = count * (SIDE + gap) + gap, below + high + above
    figure = ShownFigure(figsize=(width, height))
    lefts = [gap + k * (SIDE + gap) for k in range(count)]
    panels = [figure.add_axes((left / width, below / height, SIDE / width, high / height)) for left in lefts]
    for axes in panels:
        axes.set_axis_off()
    return figure, panels


def _name(axes: Axes, evidence: Evidence, k: int) -> None:
    """A class, and how what is for and against it adds up."""
    total = float(evidence.pixels[k].sum())
    parts = f"{evidence.logits[k]:+.2f}\nconstant {evidence.constants[k]:+.2f}, evidence {total:+.2f}"
    name = shorten(drawable(str(evidence.classes[k])), LONGEST)
    # A "$" in the name of a class is a dollar.
    axes.set_title(f"{name}: {parts.replace('-', '−')}", fontsize=8.5, parse_math=False)


def _series(axes: Axes, evidence: Evidence, k: int, largest: float) -> None:
    """A series, each channel a curve, before the colours of class number k."""
    values = evidence.picture[0]
    low, high = padded(values, 0.08)
    behind = tinted(np.ones((1, len(values), 3)), evidence.pixels[k], largest)
    axes.imshow(
        behind, interpolation="nearest", aspect="auto", extent=(-0.5, len(values) - 0.5, low, high), zorder=0
    )
    for channel, style in zip(values.T, STYLES, strict=False):
        axes.plot(np.arange(len(values)), channel, style, color="black", linewidth=1.0)
    axes.set_ylim(low, high)
    axes.tick_params(labelsize=SIZE_SMALL)


def plot_feature(use: FeatureUse, *, theme: str = "light") -> Figure:
    """How a class uses a feature: what a place adds to the logit over the values it takes, above how often it takes them.

    Parameters
    ----------
    use : FeatureUse
        As `ImageClassifier.features_of` gives it.
    theme : "light" or "dark"

    Returns
    -------
    Figure
    """
    check_is(use, FeatureUse, "use", "a FeatureUse")
    colours = theme_of(theme)
    left, bottom, width, height = CURVE
    figure = new_figure(left + width + 0.12, bottom + height + 0.1, colours)
    axes = bare_axes(figure, CURVE, colours)
    low, high = padded(use.y, 0.08)
    axes.axhline(0.0, color=colours.line, linewidth=0.8, zorder=0.5)
    steps = np.linspace(use.x[0], use.x[-1], len(use.density) + 1)
    top = 0.3 * (high - low) * use.density / max(float(use.density.max()), 1e-300)
    axes.stairs(low + top, steps, baseline=low, fill=True, color=colours.line, zorder=0.4)
    axes.plot(use.x, use.y, color=colours.numeric, linewidth=1.5, solid_capstyle="round")
    axes.set_xlim(*padded(use.x, 0.01))
    axes.set_ylim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.set_xlabel(
        f"feature {use.feature} at a place", labelpad=2, **text_style(colours, SIZE_SMALL, colours.muted)
    )
    axes.set_ylabel("adds", labelpad=2, **text_style(colours, SIZE_SMALL, colours.muted))
    return figure


def plain(picture: Floats) -> Floats:
    """The picture in colours from 0 to 1, (height, width, 3); of other than three channels their mean, in grey."""
    return picture.clip(0, 1) if picture.shape[2] == 3 else _grey(picture)


def overlay(evidence: Evidence, k: int, largest: float) -> Floats:
    """What is for (red) and against (blue) class number k over the pale picture, (height, width, 3) from 0 to 1.

    `largest` is the evidence of a pixel that is drawn in full colour.
    """
    return tinted(PALE + (1 - PALE) * _grey(evidence.picture), evidence.pixels[k], largest)


def tinted(grey: Floats, values: Floats, largest: float) -> Floats:
    """Colours over a picture (height, width, 3): red where values (height, width) are positive, blue where negative."""
    strength = (values / max(largest, 1e-300)).clip(-1, 1)
    colour = np.where(strength[..., None] > 0, FOR, AGAINST)
    cover = COVER * np.abs(strength)[..., None]
    return (1 - cover) * grey + cover * colour


def _grey(picture: Floats) -> Floats:
    grey = picture.mean(2)
    low, high = float(grey.min()), float(grey.max())
    return np.repeat(((grey - low) / max(high - low, 1e-12))[..., None], 3, 2)
