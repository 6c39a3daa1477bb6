"""Formulas as ONNX operators, in double precision throughout.

onnxruntime has no double-precision kernels for tan, sinh, cosh and the inverse functions; they are written in those it has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from edgewise.exporting.onnx_graph import Graph
from edgewise.forms.functions import CONSTANTS
from edgewise.forms.tree import Apply, Node, Number, Variable
from edgewise.symbolic.expressions.source import as_float

_FLOAT, _DOUBLE = 1, 11  # ONNX's numbers of the two types


def tree_value(g: Graph, node: Node, values: Mapping[str, str]) -> str:
    """A formula of named values."""
    if isinstance(node, Number):
        return g.constant(as_float(node.value))
    if isinstance(node, Variable):
        return values[node.name] if node.name in values else g.constant(CONSTANTS[node.name])
    head = node.function
    if head in ("+", "*"):
        return _chain(g, node, values)
    parts = [tree_value(g, argument, values) for argument in node.arguments]
    if head == "inv":
        return g.op("Div", g.constant(1.0), parts[0])
    return g.op("Pow", *parts) if head == "^" else _FUNCTIONS[head](g, *parts)


def _chain(g: Graph, node: Apply, values: Mapping[str, str]) -> str:
    inverse, plain, inverted = ("neg", "Add", "Sub") if node.function == "+" else ("inv", "Mul", "Div")
    total = tree_value(g, node.arguments[0], values)
    for argument in node.arguments[1:]:
        if isinstance(argument, Apply) and argument.function == inverse:
            total = g.op(inverted, total, tree_value(g, argument.arguments[0], values))
        else:
            total = g.op(plain, total, tree_value(g, argument, values))
    return total


def _plain(kind: str) -> Callable[..., str]:
    return lambda g, *values: g.op(kind, *values)


def _sign(g: Graph, x: str) -> str:
    # onnxruntime takes the sign of NaN for 1.
    return g.op("Where", g.op("IsNaN", x), x, g.op("Sign", x))


def _step(g: Graph, x: str) -> str:
    zero, one = g.constant(0.0), g.constant(1.0)
    number = g.op("Where", g.op("GreaterOrEqual", x, zero), one, zero)
    return g.op("Where", g.op("IsNaN", x), x, number)


def _mod(g: Graph, x: str, y: str) -> str:
    """The remainder with the sign of y: that of C, and once more y where it has the other."""
    rest, zero = g.op("Mod", x, y, fmod=1), g.constant(0.0)
    turned = g.op("Less", g.op("Mul", g.op("Sign", rest), g.op("Sign", y)), zero)
    return g.op("Where", turned, g.op("Add", rest, y), rest)


def _gaussian(g: Graph, x: str) -> str:
    return g.op("Exp", g.op("Neg", g.op("Mul", x, x)))


def _tan(g: Graph, x: str) -> str:
    return g.op("Div", g.op("Sin", x), g.op("Cos", x))


def _cosh(g: Graph, x: str) -> str:
    both = g.op("Add", g.op("Exp", x), g.op("Exp", g.op("Neg", x)))
    return g.op("Mul", g.constant(0.5), both)


def _sinh(g: Graph, x: str) -> str:
    # The difference of two exponentials would lose the digits of small x.
    return g.op("Mul", g.op("Tanh", x), _cosh(g, x))


def _expm1(g: Graph, x: str) -> str:
    half = g.op("Tanh", g.op("Mul", g.constant(0.5), x))
    return g.op("Mul", half, g.op("Add", g.op("Exp", x), g.constant(1.0)))


def _angle(g: Graph, kind: str, x: str, sine: str, cosine: str) -> str:
    """The angle of (cosine, sine): a single-precision one and one Newton step, which squares its error."""
    rough = g.op("Cast", g.op(kind, g.op("Cast", x, to=_FLOAT)), to=_DOUBLE)
    s, c = g.op("Sin", rough), g.op("Cos", rough)
    across = g.op("Sub", g.op("Mul", sine, c), g.op("Mul", cosine, s))
    along = g.op("Add", g.op("Mul", cosine, c), g.op("Mul", sine, s))
    return g.op("Add", rough, g.op("Div", across, along))


def _atan(g: Graph, x: str) -> str:
    return _angle(g, "Atan", x, x, g.constant(1.0))


def _asin(g: Graph, x: str) -> str:
    one = g.constant(1.0)
    cosine = g.op("Sqrt", g.op("Mul", g.op("Sub", one, x), g.op("Add", one, x)))
    return _angle(g, "Asin", x, x, cosine)


def _acos(g: Graph, x: str) -> str:
    return g.op("Sub", g.constant(math.pi / 2), _asin(g, x))


def asinh_value(g: Graph, x: str) -> str:
    """The inverse hyperbolic sine of a value of any size."""
    # sqrt(x^2 + 1) without squaring a number that is large.
    size, one = g.op("Abs", x), g.constant(1.0)
    most = g.op("Max", size, one)
    a, b = g.op("Div", size, most), g.op("Div", one, most)
    root = g.op("Sqrt", g.op("Add", g.op("Mul", a, a), g.op("Mul", b, b)))
    return g.op("Mul", g.op("Sign", x), g.op("Log", g.op("Add", size, g.op("Mul", most, root))))


def _acosh(g: Graph, x: str) -> str:
    one = g.constant(1.0)
    root = g.op("Mul", g.op("Sqrt", g.op("Sub", x, one)), g.op("Sqrt", g.op("Add", x, one)))
    return g.op("Log", g.op("Add", x, root))


def _atanh(g: Graph, x: str) -> str:
    one = g.constant(1.0)
    ratio = g.op("Div", g.op("Add", one, x), g.op("Sub", one, x))
    return g.op("Mul", g.constant(0.5), g.op("Log", ratio))


_FUNCTIONS: Mapping[str, Callable[..., str]] = {
    **{
        name: _plain(name.capitalize())
        for name in (
            "exp",
            "log",
            "sqrt",
            "sin",
            "cos",
            "tanh",
            "abs",
            "sigmoid",
            "neg",
            "floor",
            "max",
            "min",
        )
    },
    "sign": _sign,
    "step": _step,
    "mod": _mod,
    "gaussian": _gaussian,
    "tan": _tan,
    "sinh": _sinh,
    "cosh": _cosh,
    "expm1": _expm1,
    "asin": _asin,
    "acos": _acos,
    "atan": _atan,
    "asinh": asinh_value,
    "acosh": _acosh,
    "atanh": _atanh,
}
