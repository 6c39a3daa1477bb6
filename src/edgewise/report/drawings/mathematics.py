"""Formulas as inline SVG that takes the colour and size of the text around it, needs no font and breaks between terms."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from markupsafe import Markup, escape
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath, text_to_path
from sympy import Symbol
from sympy.printing.mathml import mathml

from edgewise.plots.mathtext import expression_mathtext, name_mathtext, terms_of
from edgewise.plots.style import FONT, MATH_FONT
from edgewise.report.text.svg import trimmed

# Units to the em; one decimal of them is finer than any screen.
EM = 100.0
# With it, for a notebook has no sheet of ours; the page moves it into its own.
_HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"
_PLACE = "name{}q"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LETTERS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}


def formula_html(expression: Any, text: str, *, left: str = "", digits: int = 5) -> Markup:
    """A sympy expression as a row of drawings, one a term, so that a long sum wraps on a narrow screen.

    Parameters
    ----------
    expression : sympy expression
    text : str
        The same formula in plain characters, for screen readers.
    left : str
        Name of what the formula is for; written before an equals sign.
    digits : int
        Significant digits of decimal numbers.
    """
    parts: list[str] = []
    for k, term in enumerate(terms_of(expression)):
        minus = term.could_extract_minus_sign()
        body = expression_mathtext(-term if minus else term, digits=digits, display=True)
        sign = "- " if minus and k == 0 else "" if k == 0 else r"{} - " if minus else r"{} + "
        opening = f"{name_mathtext(left)} = " if left and k == 0 else ""
        parts.append(_drawing(f"{opening}{sign}{body}"))
    label = f"{left} = {text}" if left else text
    return Markup('<span class="math" role="math" aria-label="{}">{}{}</span>').format(
        label, _mathml(expression, left), Markup(" ").join(parts)
    )


def _mathml(expression: Any, left: str) -> Markup:
    """The formula as hidden MathML, for whoever copies it and for whatever reads it.

    sympy writes names as they are, markup and all: it is given names of letters only, and ours are put in their place.
    """
    names = {
        symbol: _PLACE.format("".join("abcdefghij"[int(d)] for d in str(k)))
        for k, symbol in enumerate(sorted(expression.free_symbols, key=str))
    }
    body = mathml(expression.xreplace({s: Symbol(n) for s, n in names.items()}), printer="presentation")
    for symbol, name in names.items():
        body = body.replace(f"<mi>{name}</mi>", f"<mi>{escape(_plain(str(symbol)))}</mi>")
    if left:
        body = f"<mrow><mi>{escape(_plain(left))}</mi><mo>=</mo>{body}</mrow>"
    return Markup(f'<math style="{_HIDDEN}">{body}</math>')


def _plain(text: str) -> str:
    return _CONTROL.sub("", text)


@cache
def _drawing(mathtext: str) -> Markup:
    """One piece of mathematics as an `<svg>` standing on the baseline."""
    font = FontProperties(family=FONT, size=EM, math_fontfamily=MATH_FONT)
    path = TextPath((0.0, 0.0), f"${mathtext}$", prop=font)
    width, _, _ = text_to_path.get_text_width_height_descent(f"${mathtext}$", font, ismath=True)
    box = path.get_extents()
    bottom, top = min(float(box.y0), 0.0) - 2, max(float(box.y1), 0.0) + 2
    left, right = min(float(box.x0), 0.0) - 1, max(float(box.x1), float(width)) + 1
    view = f"{trimmed(left)} {trimmed(-top)} {trimmed(right - left)} {trimmed(top - bottom)}"
    size = f"width:{(right - left) / EM:.3f}em;height:{(top - bottom) / EM:.3f}em;vertical-align:{bottom / EM:.3f}em"
    return Markup(
        f'<svg viewBox="{view}" style="{size}" aria-hidden="true"><path d="{_outline(path)}"/></svg>'
    )


def _outline(path: Path) -> str:
    """A path in SVG's words, y downward."""
    words: list[str] = []
    for points, code in path.iter_segments(simplify=False, curves=True):
        if code == Path.CLOSEPOLY:
            words.append("Z")
        elif code in _LETTERS:
            numbers = [trimmed(-v if k % 2 else v) for k, v in enumerate(float(p) for p in points)]
            words.append(_LETTERS[code] + " ".join(numbers))
    return "".join(words)
