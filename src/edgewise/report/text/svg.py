"""SVG as text: elements, lines and words; colours and fonts come from the page's style sheet."""

from __future__ import annotations

import math
import unicodedata

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from edgewise._core.arrays import Floats

# Height of the small text of charts in CSS pixels.
TEXT = 11.0
# Widths of characters in ems, as in the widest of the usual interface fonts.
_WIDTHS = (("il.,:;'|!jI", 0.33), ("frt()[]/\\ -", 0.42), ("mwMW%@−+<>=", 0.9))
_EMS = {c: wide for letters, wide in _WIDTHS for c in letters}


def tag(element: str, *inner: str | Markup, **attributes: object) -> Markup:
    """One element; underscores in attribute names become hyphens, None leaves an attribute out.

    Examples
    --------
    >>> str(tag("g", tag("path", d="M0 0"), class_="a b"))
    '<g class="a b"><path d="M0 0"/></g>'
    """
    words = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_short(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    body = Markup("").join(inner)
    return Markup(f"<{element}{words}>{body}</{element}>" if inner else f"<{element}{words}/>")


def text_width(text: str, size: float = TEXT) -> float:
    """About how wide a text will be in the reader's font."""
    return size * sum(_ems(c) for c in text)


def _ems(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    return _EMS.get(character, 0.72 if character.isupper() else 0.62)


def label(x: float, y: float, words: str, anchor: str = "start", kind: str | None = None) -> Markup:
    """A line of text."""
    return tag(
        "text",
        escape(words),
        x=trimmed(x),
        y=trimmed(y),
        text_anchor=None if anchor == "start" else anchor,
        class_=kind,
    )


def curves(x: Floats, y: Floats) -> str:
    """Bézier points in pixels, each (pieces, 4), as the `d` of a path; pieces that are not finite leave a gap."""
    words: list[str] = []
    pen = False
    for across, up in zip(x.tolist(), np.clip(y, -1e5, 1e5).tolist(), strict=True):
        if not all(map(math.isfinite, up)):
            pen = False
            continue
        corners = [f"{trimmed(a, 2)} {trimmed(b, 2)}" for a, b in zip(across, up, strict=True)]
        words.append(("" if pen else f"M{corners[0]}") + "C" + " ".join(corners[1:]))
        pen = True
    return "".join(words)


def picture(width: float, height: float, *inner: Markup, words: str, kind: str = "chart") -> Markup:
    """A whole drawing with its words for screen readers."""
    return tag(
        "svg",
        *inner,
        class_=kind,
        viewBox=f"0 0 {trimmed(width)} {trimmed(height)}",
        role="img",
        aria_label=words,
        style=f"--wide:{round(width)}px",
    )


def few(count: int, most: int) -> NDArray[np.int64]:
    """Row numbers at even steps, at most so many: the same rows every time."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(np.int64)


def _short(value: object) -> object:
    return trimmed(value) if isinstance(value, float) else value


def trimmed(value: float, digits: int = 1) -> str:
    """One decimal of a pixel is finer than any screen."""
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
