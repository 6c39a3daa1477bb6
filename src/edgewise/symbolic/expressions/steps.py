"""Functions that jump or kink in sympy: steps, remainders, the larger and the smaller of two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy


class Mod(sympy.Mod):
    """a - b*floor(a/b), left as it is written.

    Sympy's own takes the constants of its arguments apart, and writes x modulo 1.0 as 1.0*x modulo 1: a formula
    would gain constants nobody measured. Sympy's printers write this one as they do that, by its name.
    """

    @classmethod
    def eval(cls, p: Any, q: Any) -> Any:
        """Of numbers the number, of anything else the remainder itself."""
        if q.is_zero or not (_is_finite(p) and _is_finite(q)):
            return sympy.nan
        if p.is_Rational and q.is_Rational:
            return p - q * sympy.floor(p / q)
        if (p.is_Float and q.is_number) or (q.is_Float and p.is_number):
            # What is no zero may be one as a float.
            return sympy.Float(float(p) % float(q)) if float(q) else sympy.nan
        return None

    def _eval_evalf(self, prec: int) -> Any:
        arguments: Any = self.args
        p, q = (argument.evalf(prec) for argument in arguments)
        return p - q * sympy.floor(p / q) if p.is_number and q.is_number else None


def step(x: Any) -> Any:
    """1 where x >= 0, else 0."""
    return applied(sympy.Heaviside, x, sympy.Integer(1))


def larger(a: Any, b: Any) -> Any:
    """max(a, b)."""
    return applied(sympy.Max, a, b)


def smaller(a: Any, b: Any) -> Any:
    """min(a, b)."""
    return applied(sympy.Min, a, b)


def printable(expression: Any) -> Any:
    """The expression with steps and remainders as plain functions of these names, which every printer writes alike."""
    step, mod = sympy.Function("step"), sympy.Function("mod")
    if not expression.has(sympy.Heaviside, sympy.Mod):
        return expression
    return expression.replace(sympy.Heaviside, lambda x, *_: step(x)).replace(
        lambda item: isinstance(item, sympy.Mod), lambda part: mod(*part.args)
    )


def applied(function: Callable[..., Any], *arguments: Any) -> Any:
    """The function of these arguments; not a number where sympy refuses them: the larger of a complex number and x."""
    try:
        return function(*arguments)
    except (ValueError, ZeroDivisionError):
        return sympy.nan


def _is_finite(value: Any) -> bool:
    return not value.has(sympy.I, sympy.nan, sympy.zoo, sympy.oo, -sympy.oo)
