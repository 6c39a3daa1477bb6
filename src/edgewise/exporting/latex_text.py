"""Numbers, names, sums and formulas as LaTeX mathematics."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import sympy

from edgewise.symbolic.expressions.steps import printable

# Within \mathrm: what LaTeX would take for a command. Anything that does not print becomes a question mark.
_MATH = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "_": r"\_", "%": r"\%", "$": r"\$", "#": r"\#", "&": r"\&",
    "^": r"\wedge ", "~": r"\sim ", "`": "'", '"': "''", " ": r"\ ",
}  # fmt: skip
# Within \text, which letters beyond ASCII need.
_TEXT = _MATH | {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", " ": " ",
}  # fmt: skip


def latex_name(name: str) -> str:
    """A name for use in mathematics: x1 as x with an index, all else upright, nothing in it a command.

    Examples
    --------
    >>> latex_name("x12"), latex_name("cement (kg)")
    ('x_{12}', '\\\\mathrm{cement\\\\ (kg)}')
    """
    if short := re.fullmatch(r"([A-Za-z])_?(\d{0,9})", name, flags=re.ASCII):
        return f"{short[1]}_{{{short[2]}}}" if short[2] else short[1]
    return _upright(name)


def latex_names(names: Iterable[str]) -> list[str]:
    """Distinct names stay distinct: x_1 beside x1 is written upright and in full."""
    found: list[str] = []
    for name in names:
        plain = latex_name(name)
        unique = plain if plain not in found else _upright(name)
        while unique in found:
            unique += "'"
        found.append(unique)
    return found


def words(text: str) -> str:
    """Any text, set as text within mathematics."""
    return rf"\text{{{''.join(_TEXT.get(c, c) for c in _printed(text))}}}"


def _upright(name: str) -> str:
    printed = _printed(name)
    return rf"\mathrm{{{''.join(_MATH.get(c, c) for c in printed)}}}" if printed.isascii() else words(name)


def _printed(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def number(value: float, digits: int | None) -> str:
    """A number to so many significant digits, or with all that distinguish it from its neighbours."""
    text = repr(value) if digits is None else f"{value:.{digits}g}"
    mantissa, _, exponent = text.removesuffix(".0").partition("e")
    if not exponent:
        return mantissa
    mantissa = mantissa.removesuffix(".0")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def shown(value: float, digits: int | None) -> float:
    """The number as `number` shows it."""
    return value if digits is None else float(f"{value:.{digits}g}")


def added(terms: Iterable[tuple[float, str]], digits: int | None) -> str:
    """A sum of numbers times factors ("" for none); terms that show as zero are left out."""
    text = ""
    for value, factor in terms:
        rounded = shown(value, digits)
        if rounded == 0:
            continue
        size = "" if abs(rounded) == 1 and factor else number(abs(value), digits)
        term = f"{size} {factor}".strip()
        sign = "-" if rounded < 0 else "+"
        text = f"{text} {sign} {term}" if text else f"-{term}" if rounded < 0 else term
    return text or "0"


def shifted(name: str, origin: float, digits: int | None) -> str:
    """x - origin, in brackets unless the origin is zero."""
    if shown(origin, digits) == 0:
        return name
    sign = "-" if origin > 0 else "+"
    return rf"({name} {sign} {number(abs(origin), digits)})"


def expression(value: Any, digits: int | None, names: dict[str, str] | None = None) -> str:
    """A sympy expression, its floats to so many digits, its symbols named safely."""
    known = names or {}
    symbols = {s: known.get(str(s.name)) or latex_name(str(s.name)) for s in value.free_symbols}
    rounded = value.xreplace({each: _rounded(each, digits) for each in value.atoms(sympy.Float)})
    return str(sympy.latex(printable(rounded), symbol_names=symbols))


def _rounded(value: Any, digits: int | None) -> Any:
    plain = shown(float(value), digits)
    if plain.is_integer() and abs(plain) < 1e6:
        return sympy.Integer(int(plain))
    return sympy.Float(plain, 17 if digits is None else max(digits, 2))
