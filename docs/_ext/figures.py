"""What the gallery shows: figures as SVG inside the page, coloured by its variables, light or dark; networks that answer."""

from __future__ import annotations

import html
import re
from typing import Any

from matplotlib.figure import Figure

from edgewise.network import KAN
from edgewise.network.fitted import HoldsNetwork
from edgewise.plots import figure_svg
from edgewise.plots.style import LIGHT
from edgewise.report.notebook import network_html

# Colours that matplotlib uses by itself; those of edgewise's theme are variables already.
_PLAIN = ((": #000000", ": var(--ew-ink, #000000)"), (": #ffffff", ": var(--ew-ground, #ffffff)"))
_SIZE = re.compile(r'<svg[^>]*?\bviewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>')
# CSS pixels to a point of the drawing, so that texts in pictures are about as large as texts around them.
_ZOOM = 1.45


class Pictures:
    """Shows the figure, the figures or the network that a block of an example ends with."""

    _last: object = None

    def __getstate__(self) -> dict[str, object]:
        # Stored with the configuration; the last figure, which need not pickle, is no part of it.
        return {}

    def __repr__(self) -> str:
        # Part of the stored environment: an address in it would rebuild everything every time.
        return "Pictures()"

    def __call__(self, block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
        """As reStructuredText; each figure is also kept as .png, for thumbnails."""
        value = block_vars["example_globals"].get("___")
        if value is None or value is self._last:
            return ""
        self._last = value
        if isinstance(value, (KAN, HoldsNetwork)):
            return _raw(f'<div class="ew-network">{network_html(value)}</div>')
        figures = [each for each in _several(value) if isinstance(each, Figure)]
        return "".join(_drawing(figure, block_vars["image_path_iterator"]) for figure in figures)


def _several(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _drawing(figure: Figure, paths: Any) -> str:
    path = str(next(paths))
    figure.savefig(path, dpi=200)
    name = re.sub(r"\W+", "-", path.rsplit("/", 1)[-1].removesuffix(".png"))
    return _raw(in_page(figure, name))


def _raw(text: str) -> str:
    return ".. raw:: html\n\n    " + text.replace("\n", "\n    ") + "\n\n"


def in_page(figure: Figure, name: str) -> str:
    """The figure as HTML that scales down with the page and has a text for those who do not see it."""
    svg = figure_svg(figure, prefix=name, variables=LIGHT)
    for colour, variable in _PLAIN:
        svg = svg.replace(colour, variable)
    size = _SIZE.search(svg)
    assert size is not None
    width, height = float(size[1]), float(size[2])
    label = html.escape(described(figure), quote=True)
    head = f'<svg role="img" aria-label="{label}" viewBox="0 0 {width:g} {height:g}" xmlns:xlink="http://www.w3.org/1999/xlink">'
    svg = head + svg[size.end() :]
    return f'<div class="ew-figure" style="--ew-width: {width * _ZOOM:.0f}px">{svg}</div>'


def described(figure: Figure) -> str:
    """What is written in the picture, shortly."""
    texts = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        texts += [
            axes.get_title(),
            axes.get_xlabel(),
            axes.get_ylabel(),
            *(text.get_text() for text in axes.texts),
        ]
    plain = [re.sub(r"[$\\{}]|mathrm|operatorname", "", text).strip() for text in texts]
    words = list(dict.fromkeys(text for text in plain if text))
    shown = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")
    return f"Picture with the words: {shown}" if shown else "Picture"
