"""Evidence drawn over the picture it was found in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.vision.evidence import Evidence

# Inches of a panel; the strongest colour of the evidence covers the picture by so much.
SIDE, COVER = 2.4, 0.75
FOR, AGAINST = np.array([0.84, 0.12, 0.12]), np.array([0.12, 0.32, 0.80])


def plot_evidence(evidence: Evidence, labels: Iterable[Any] | None = None, *, most: int = 4) -> Figure:
    """What speaks for (red) and against (blue) each class, pixel by pixel over the picture.

    The colours of all panels share one scale, and the title of each adds up: the constant and the sum of what is drawn are
    the logit.

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
    classes = evidence.classes.tolist()
    if labels is None:
        chosen = [int(k) for k in np.argsort(-evidence.logits)[:most]]
    else:
        asked = list(labels)
        missing = [each for each in asked if each not in classes]
        if missing:
            raise InputError(
                f"The 'labels' of plot_evidence must be classes of the model. Got {short(missing[0])} instead."
            )
        chosen = [classes.index(each) for each in asked[:most]]
    figure = Figure(figsize=(SIDE * (len(chosen) + 1), SIDE + 0.5), layout="constrained")
    panels = figure.subplots(1, len(chosen) + 1, squeeze=False)[0]
    grey = evidence.picture.mean(2)
    low, high = float(grey.min()), float(grey.max())
    plain = np.repeat(((grey - low) / max(high - low, 1e-12))[..., None], 3, 2)
    shown = evidence.picture if evidence.picture.shape[2] == 3 else plain
    panels[0].imshow(shown.clip(0, 1), interpolation="nearest")
    panels[0].set_title("picture", fontsize=9)
    largest = max(float(np.abs(evidence.pixels[chosen]).max()), 1e-300)
    for axes, k in zip(panels[1:], chosen, strict=True):
        strength = evidence.pixels[k] / largest
        colour = np.where(strength[..., None] > 0, FOR, AGAINST)
        cover = COVER * np.abs(strength)[..., None]
        axes.imshow((1 - cover) * plain + cover * colour, interpolation="nearest")
        total = float(evidence.pixels[k].sum())
        axes.set_title(
            f"{classes[k]}\n{evidence.constants[k]:+.2f} {total:+.2f} = {evidence.logits[k]:.2f}", fontsize=9
        )
    for axes in panels:
        axes.set_axis_off()
        axes.title.set_parse_math(False)  # a "$" in the name of a class is a dollar
    return figure
