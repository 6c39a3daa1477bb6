"""Mathematics as matplotlib draws it: names and sympy expressions as mathtext that always parses."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import sympy
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.mathtext import MathTextParser
from matplotlib.textpath import text_to_path
from sympy.printing.latex import LatexPrinter

from edgewise.plots.style import FONT, MATH_FILE, MATH_FONT
from edgewise.symbolic.expressions.steps import printable

_LOWER = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
)
_LOWER += ("nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega")
_UPPER = ("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega")
_GREEK = frozenset((*_LOWER, *_UPPER))
LONGEST_EXPONENT = 4
_SHORT_NAME = re.compile(r"([A-Za-z]+)_?(\d{0,3})")
# Characters that mean something to mathtext, as escapes or as look-alikes that mean nothing.
_SPECIAL = {
    **{c: f"\\{c}" for c in "${}_%"},
    "#": "\u266f",
    '"': "\u201d",
    "\\": "\u2216",
    "^": "\u02c6",
    "~": "\u223c",
    "'": "\u2019",
    "`": "\u2018",
    "*": "\u2217",
    "-": "\u2010",
    " ": r"\ ",
}


def name_mathtext(name: str) -> str:
    """A column's name for use between dollars: x1 as x with an index, Greek words as letters, all else upright words.

    Examples
    --------
    >>> name_mathtext("x1"), name_mathtext("theta"), name_mathtext("cement (kg)")
    ('x_{1}', '\\\\theta', '\\\\mathrm{cement\\\\ (kg)}')
    """
    short = _SHORT_NAME.fullmatch(name)
    if short and (len(short[1]) == 1 or short[1] in _GREEK):
        letter = short[1] if len(short[1]) == 1 else f"\\{short[1]}"
        return f"{letter}_{{{short[2]}}}" if short[2] else letter
    words = "".join(_SPECIAL.get(c, c) for c in drawable(name, math=True))
    return f"\\mathrm{{{words}}}"


def label_mathtext(name: str) -> str:
    """A name between dollars, ready for a text that parses mathematics."""
    return f"${name_mathtext(name)}$"


def expression_mathtext(expression: Any, *, digits: int = 4, display: bool = False) -> str:
    """A sympy expression for use between dollars, its decimal numbers shown to `digits` significant digits.

    `display` asks for tall fractions.
    """
    shown = expression.xreplace(
        {number: _rounded(number, digits) for number in expression.atoms(sympy.Float)}
    )
    symbols = {s: name_mathtext(str(s.name)) for s in shown.free_symbols}
    text = " ".join(_Printer(symbols).doprint(printable(shown)).split())
    # Rare constructs (cases, matrices) are beyond mathtext: then the words of the formula, which always can be drawn.
    text = text if parses(text) else name_mathtext(str(shown))
    return text.replace(r"\frac", r"\dfrac") if display else text


def terms_of(expression: Any) -> list[Any]:
    """The terms of a sum in reading order; anything else is its own only term."""
    return list(_Printer({})._as_ordered_terms(expression)) if expression.is_Add else [expression]


class _Printer(LatexPrinter):
    """Sympy's LaTeX with a thin space between factors, and sums that open without a minus where they can."""

    def __init__(self, symbols: dict[Any, str]) -> None:
        super().__init__(
            {
                "symbol_names": symbols,
                "inv_trig_style": "full",
                "mul_symbol": r" \, ",
                "fold_frac_powers": True,
            }
        )
        self._settings["mul_symbol_latex_numbers"] = r" \cdot "

    def _print_ExpBase(self, expr: Any, exp: Any = None) -> str:  # noqa: N802
        # An exponent of more than a few signs is too small to read raised.
        inner = self._print(expr.args[0])
        short = expr.args[0].count_ops() <= LONGEST_EXPONENT
        return self._do_exponent(f"e^{{{inner}}}" if short else rf"\exp{{\left({inner}\right)}}", exp)

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Any]:
        terms = list(super()._as_ordered_terms(expr, order))
        first = next((k for k, term in enumerate(terms) if not term.could_extract_minus_sign()), 0)
        return [terms[first], *terms[:first], *terms[first + 1 :]]


def _rounded(number: Any, digits: int) -> Any:
    value = float(f"{float(number):.{digits}g}")
    return (
        sympy.Integer(int(value)) if value.is_integer() and abs(value) < 1e6 else sympy.Float(number, digits)
    )


def parses(mathtext: str) -> bool:
    """Whether matplotlib can draw it."""
    try:
        _parse(mathtext)
    except ValueError:
        return False
    return True


def text_size(text: str, size: float, *, math: bool) -> tuple[float, float]:
    """Width and height in inches of a text as the drawings set it."""
    font = FontProperties(family=FONT, size=size, math_fontfamily=MATH_FONT)
    width, height, _ = text_to_path.get_text_width_height_descent(text, font, math)
    return float(width) / 72, float(height) / 72


@cache
def _parse(mathtext: str) -> object:
    font = FontProperties(family=FONT, size=10, math_fontfamily=MATH_FONT)
    return MathTextParser("path").parse(f"${mathtext}$", 72, font)


def drawable(text: str, *, math: bool = False) -> str:
    """The text with every character that the font lacks (or that does not print) shown as a question mark."""
    known = _characters(MATH_FILE if math else FONT)
    return "".join(c if ord(c) in known and c.isprintable() else "?" for c in text)


def shorten(text: str, length: int) -> str:
    """A text cut to at most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}\u2026"


@cache
def _characters(family: str) -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=family))).get_charmap())
