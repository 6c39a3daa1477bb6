"""SVG as text: elements, axes with round ticks, lines and dots; colours and fonts come from the page's style sheet."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from edgewise.report.text.numbers import alike

Floats = NDArray[np.float64]
Range = tuple[float, float]

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


def fit_text(text: str, width: float, size: float = TEXT) -> str:
    """The text, cut with an ellipsis where it would be wider."""
    if text_width(text, size) <= width:
        return text
    kept = text
    while kept and text_width(kept + "\u2026", size) > width:
        kept = kept[:-1]
    return kept.rstrip() + "\u2026"


def ticks(low: float, high: float, count: int = 5) -> tuple[float, ...]:
    """Round numbers within the range, about so many.

    Examples
    --------
    >>> ticks(0.0, 9.7, 5)
    (0.0, 2.0, 4.0, 6.0, 8.0)
    """
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(high - low) and high > low):
        return (low,) if math.isfinite(low) else ()
    rough = (high - low) / count
    if rough < 1e-290:
        return (low, high)
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((s * power for s in (1.0, 2.0, 2.5, 5.0, 10.0)), key=lambda s: abs(math.log(s / rough)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # Steps near the resolution of floats fall on each other.
    found = {round(k * step, 12) if step > 1e-9 else k * step for k in range(first, last + 1)}
    return tuple(sorted(found))


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Powers of ten within the range, with 2 and 5 between them where there are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    few = last - first <= 3
    step = max((last - first) // 6, 1)
    every = [m * 10.0**k for k in range(first, last + 1, step) for m in ((1, 2, 5) if few else (1,))]
    found = tuple(v for v in every if low * 0.999 <= v <= high * 1.001)
    return found if len(found) >= 2 else ticks(low, high, 3)


@dataclass(frozen=True)
class Axes:
    """A plotting area with its scales.

    Attributes
    ----------
    width, height : float
        Of the whole drawing.
    across, up : (low, high)
        Values at the ends of the axes.
    left, right, top, bottom : float
        Margins.
    logarithmic : bool
        Whether the vertical axis is.
    """

    width: float
    height: float
    across: Range
    up: Range
    left: float = 44.0
    right: float = 10.0
    top: float = 10.0
    bottom: float = 36.0
    logarithmic: bool = False

    @property
    def inner_width(self) -> float:
        """Width of the plotting area."""
        return self.width - self.left - self.right

    @property
    def inner_height(self) -> float:
        """Height of the plotting area."""
        return self.height - self.top - self.bottom

    def x(self, values: Floats | float) -> Floats:
        """Pixels from the left."""
        low, high = self.across
        return self.left + (np.asarray(values, dtype=np.float64) - low) / (high - low) * self.inner_width

    def y(self, values: Floats | float) -> Floats:
        """Pixels from the top."""
        low, high = self.up
        shown = np.asarray(values, dtype=np.float64)
        if self.logarithmic:
            low, high, shown = math.log10(low), math.log10(high), np.log10(np.maximum(shown, 1e-300))
        return self.top + (high - shown) / (high - low) * self.inner_height

    def frame(
        self,
        label_x: str = "",
        label_y: str = "",
        *,
        count: tuple[int, int] = (5, 4),
        marks: tuple[tuple[float, str], ...] | None = None,
    ) -> Markup:
        """Grid lines, tick labels and the names of the axes; `marks` are places and labels instead of round numbers."""
        up = log_ticks(*self.up) if self.logarithmic else ticks(*self.up, count[1])
        base = self.top + self.inner_height
        if marks is None:
            across = ticks(*self.across, count[0])
            across, names = _apart(across, alike(across), [float(self.x(v)) for v in across])
        else:
            across, names = tuple(at for at, _ in marks), tuple(name for _, name in marks)
        parts = [
            tag(
                "path",
                class_="grid",
                d="".join(
                    f"M{_n(self.left)} {_n(float(self.y(v)))}H{_n(self.width - self.right)}" for v in up
                ),
            ),
            tag("path", class_="axis", d=f"M{_n(self.left)} {_n(base)}H{_n(self.width - self.right)}"),
        ]
        for value, name in zip(across, names, strict=True):
            at = float(self.x(value))
            parts.append(tag("path", class_="axis", d=f"M{_n(at)} {_n(base)}v3"))
            parts.append(label(at, base + 14, name, "middle"))
        for value, name in zip(up, [plain(v) for v in up] if self.logarithmic else alike(up), strict=True):
            parts.append(label(self.left - 6, float(self.y(value)) + 3.5, name, "end"))
        if label_x:
            middle = self.left + self.inner_width / 2
            shown = fit_text(label_x, self.width - 8)
            # A long name is wider than the axis: it then stands in the middle of the drawing.
            middle = middle if text_width(shown) <= self.inner_width else self.width / 2
            parts.append(label(middle, self.height - 4, shown, "middle", "name"))
        if label_y:
            middle = self.top + self.inner_height / 2
            shown = fit_text(label_y, 2 * min(middle, self.height - middle) - 8)
            turn = f"translate(11 {_n(middle)}) rotate(-90)"
            parts.append(tag("text", escape(shown), class_="name", transform=turn, text_anchor="middle"))
        return Markup("").join(parts)

    def line(self, x: Floats, y: Floats, kind: str) -> Markup:
        """A line that leaves gaps where values are not finite; clipped to the plotting area."""
        return self.clip(tag("path", class_=kind, d=path(self.x(x) - self.left, self.y(y) - self.top)))

    def clip(self, *inner: Markup) -> Markup:
        """Drawings in pixels from the upper left of the plotting area, cut at its border."""
        return tag(
            "svg",
            *inner,
            x=_n(self.left),
            y=_n(self.top),
            width=_n(self.inner_width),
            height=_n(self.inner_height),
            overflow="hidden",
        )


def label(x: float, y: float, words: str, anchor: str = "start", kind: str | None = None) -> Markup:
    """A line of text."""
    return tag(
        "text",
        escape(words),
        x=_n(x),
        y=_n(y),
        text_anchor=None if anchor == "start" else anchor,
        class_=kind,
    )


def path(x: Floats, y: Floats) -> str:
    """Pixels as the `d` of a path; values that are not finite leave a gap."""
    words: list[str] = []
    pen = False
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if not (math.isfinite(a) and math.isfinite(b)):
            pen = False
            continue
        words.append(f"{'L' if pen else 'M'}{_n(a)} {_n(max(min(b, 1e5), -1e5))}")
        pen = True
    return "".join(words)


def curves(x: Floats, y: Floats) -> str:
    """Bézier points in pixels, each (pieces, 4), as the `d` of a path; pieces that are not finite leave a gap."""
    words: list[str] = []
    pen = False
    for across, up in zip(x.tolist(), np.clip(y, -1e5, 1e5).tolist(), strict=True):
        if not all(map(math.isfinite, up)):
            pen = False
            continue
        told = [f"{_fine(a)} {_fine(b)}" for a, b in zip(across, up, strict=True)]
        words.append(("" if pen else f"M{told[0]}") + "C" + " ".join(told[1:]))
        pen = True
    return "".join(words)


def _fine(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def left_margin(up: Range, *, count: int = 4, logarithmic: bool = False, named: bool = True) -> float:
    """Room for the labels of a vertical axis."""
    values = log_ticks(*up) if logarithmic else ticks(*up, count)
    names = [plain(v) for v in values] if logarithmic else alike(values)
    return max((text_width(name) for name in names), default=0.0) + (26.0 if named else 10.0)


def picture(width: float, height: float, *inner: Markup, words: str, kind: str = "chart") -> Markup:
    """A whole drawing with its words for screen readers."""
    return tag(
        "svg",
        *inner,
        class_=kind,
        viewBox=f"0 0 {_n(width)} {_n(height)}",
        role="img",
        aria_label=words,
        style=f"--wide:{round(width)}px",
    )


def few(count: int, most: int) -> NDArray[np.int64]:
    """Row numbers at even steps, at most so many: the same rows every time."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).round().astype(np.int64)


def _apart(
    values: Sequence[float], names: Sequence[str], places: Sequence[float]
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Every tick, or every second one where the labels would touch."""
    wide = max((text_width(name) for name in names), default=0.0) + 6
    step = 1
    if len(places) > 1:
        gap = abs(places[1] - places[0])
        step = max(1, math.ceil(wide / gap)) if gap > 0 else 1
    return tuple(values[::step]), tuple(names[::step])


def plain(value: float) -> str:
    """A number by itself on an axis."""
    return alike((value,))[0] if 1e-4 <= value < 1e6 else alike((0.0, value))[1]


def _short(value: object) -> object:
    return _n(value) if isinstance(value, float) else value


def _n(value: float) -> str:
    """One decimal of a pixel is finer than any screen."""
    text = f"{value:.1f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
