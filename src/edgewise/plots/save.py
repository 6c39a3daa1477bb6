"""Figures as SVG text and as files."""

from __future__ import annotations

import io
import os
import re
from dataclasses import asdict
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from edgewise._core.arguments import check_is, check_text
from edgewise._core.checks import check_choice, check_float
from edgewise._core.files import as_path, write_file
from edgewise.plots.style import FONT, Theme

FORMATS = (".svg", ".png")
_REMARKS = re.compile(r"<!--.*?-->\s*|<metadata>.*?</metadata>\s*", re.DOTALL)
_PROLOG = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)
# matplotlib's rule for every element there is: on a page it would reach the page's own drawings.
_RULE = re.compile(r"<defs>\s*<style[^>]*>\*\{(?P<rule>[^}]*)\}</style>\s*</defs>\s*")
_IDENTITY = re.compile(r'(\bid="|href="#|url\(#)')
_ID, _MEANT = re.compile(r' id="([^"]*)"'), re.compile(r'(?:href="#|url\(#)([^")]*)')
# A hundredth of a point is finer than any screen; strokes of no length are dots.
_PLACES = re.compile(r'( (?:d|x|y|transform)=")([^"]*")')
_FINE, _DOT = re.compile(r"(\d\.\d\d)\d+"), re.compile(r"M ([\d.]+) ([\d.]+) L ([\d.]+) \2(?=[ \"])")
# Attributes of a drawing's root that a page has no use for.
_ROOT = re.compile(r"<svg\b[^>]*\bviewBox=\"(?P<view>[^\"]*)\"[^>]*>")
_FONT = re.compile(r"font: ([\d.]+px) '" + FONT + r"'[^;\"]*|font-family: '" + FONT + r"'[^;\"]*; ")


def figure_svg(figure: Figure, *, prefix: str = "", variables: Theme | None = None) -> str:
    """The figure as one `<svg>` element, the same text for the same drawing.

    Texts are outlines, so the picture needs no font and looks alike everywhere; comments, dates and the document type are
    left out, so it can stand inside a page as it is.

    Parameters
    ----------
    figure : Figure
    prefix : str
        Put before every id, so that several drawings can share one page.
    variables : Theme, optional
        The theme the figure was drawn in; its colours become CSS variables (`--ew-ink`, ...) with themselves as fallback,
        so that a page can redraw them for a dark screen.

    Returns
    -------
    str

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure_svg(Figure(figsize=(2, 1)))[:4]
    '<svg'
    """
    check_text(prefix, "prefix")
    if variables is not None:
        check_is(variables, Theme, "variables", "a Theme")
    svg = _bare_svg(figure, "path")
    if rule := _RULE.search(svg):
        # Lines inherit it from the root as well.
        root = re.sub(r"([\w-]+): *([\w-]+);? *", r' \1="\2"', rule["rule"])
        svg = _RULE.sub("", svg).replace("<svg", f"<svg{root}", 1)
    if prefix:
        svg = _IDENTITY.sub(lambda match: f"{match[1]}{prefix}-", svg)
    return _themed(svg, variables) if variables else svg


def inline_svg(figure: Figure, attributes: str, *, prefix: str, variables: Theme) -> str:
    """The figure as a light `<svg>` of an HTML page, its words in the page's own font.

    Parameters
    ----------
    figure : Figure
    attributes : str
        Attributes of the `<svg>` besides its view box.
    prefix : str
        Put before ids that are referred to; others go.
    variables : Theme
        As in `figure_svg`.
    """
    svg = _themed(_RULE.sub("", _bare_svg(figure, "none")), variables)
    meant = set(_MEANT.findall(svg))
    svg = _ID.sub(lambda found: found[0] if found[1] in meant else "", svg)
    svg = _IDENTITY.sub(lambda found: f"{found[1]}{prefix}-", svg).replace("xlink:href", "href")
    svg = _FONT.sub(lambda found: f"font-size: {found[1]}" if found[1] else "", svg)
    svg = _ROOT.sub(
        lambda found: f'<svg {attributes} stroke-linejoin="round" viewBox="{found["view"]}">', svg, count=1
    )
    svg = " ".join(svg.split()).replace("> <", "><").replace("<g></g>", "")
    return _PLACES.sub(lambda found: found[1] + _DOT.sub(_as_dot, _FINE.sub(r"\1", found[2])), svg)


def _as_dot(stroke: re.Match[str]) -> str:
    """A stroke that is hardly longer than nothing, as one of no length; others as they are."""
    return f"M{stroke[1]} {stroke[2]}h0" if abs(float(stroke[3]) - float(stroke[1])) < 0.1 else stroke[0]


def _bare_svg(figure: Figure, texts: str) -> str:
    """The `<svg>` without comments and dates, texts as outlines ("path") or as they are ("none")."""
    check_is(figure, Figure, "figure", "a matplotlib Figure")
    stream = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "edgewise", "svg.fonttype": texts, "path.simplify": False}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return _REMARKS.sub("", _PROLOG.sub("", stream.getvalue())).rstrip()


def _themed(svg: str, variables: Theme) -> str:
    for name, colour in asdict(variables).items():
        svg = svg.replace(f": {colour}", f": var(--ew-{name}, {colour})")
    return svg


# Beyond, a picture of a page has more than 10^8 points.
_MOST_DPI = 2400.0


def save_figure(
    figure: Figure, path: str | os.PathLike[str], *, dpi: float = 200, overwrite: bool = True
) -> Path:
    """Write a figure as .svg or .png, whole or not at all.

    Parameters
    ----------
    figure : Figure
    path : path
        Ends in .svg or .png.
    dpi : float
        Dots an inch of a .png.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the path has another ending.
    FileError
        If the file exists and may not be replaced, or cannot be written.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> save_figure(Figure(figsize=(2, 1)), "empty.svg").name
    'empty.svg'
    """
    target = as_path(path)
    check_is(figure, Figure, "figure", "a matplotlib Figure")
    dpi = check_float(dpi, "dpi", low=1.0, high=_MOST_DPI)
    ending = check_choice(target.suffix.lower(), "path", FORMATS)
    if ending == ".svg":
        content = figure_svg(figure).encode()
    else:
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
        content = stream.getvalue()
    return write_file(target, content, overwrite=overwrite)
