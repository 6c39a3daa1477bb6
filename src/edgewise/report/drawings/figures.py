"""Figures of `edgewise.plots` as parts of the page."""

from __future__ import annotations

from markupsafe import Markup, escape
from matplotlib.figure import Figure

from edgewise.plots.save import inline_svg
from edgewise.plots.style import LIGHT

# Pixels of the page to an inch of a figure: its words are as large as the page's small print.
SCALE = 116.0


def drawn(figure: Figure, words: str, key: str, *, kind: str = "chart") -> Markup:
    """A figure in the page's colours and font.

    Parameters
    ----------
    figure : Figure
        Drawn in the light theme; its colours follow the page.
    words : str
        What it shows, for screen readers.
    key : str
        Of this drawing alone on its page.
    kind : str
        Classes of the style sheet.
    """
    figure.set_facecolor("none")
    wide = round(SCALE * float(figure.get_figwidth()))
    attributes = f'class="{kind}" role="img" aria-label="{escape(words)}" style="--wide:{wide}px"'
    return Markup(inline_svg(figure, attributes, prefix=key, variables=LIGHT))
