"""ONNX operators under construction: a graph, formulas and the functions of the bases, in double precision throughout.

onnxruntime has no double-precision kernels for tan, sinh, cosh and the inverse functions; they are written in those it has.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from edgewise._core.arrays import Floats
from edgewise._core.extras import need
from edgewise.forms.functions import CONSTANTS
from edgewise.forms.tree import Apply, Node, Number, Variable
from edgewise.programs.program import ProgramLayer
from edgewise.splines.global_bases import GaussianRBF
from edgewise.symbolic.expressions.source import as_float

# ONNX's numbers of the types.
FLOAT32, INT64, STRING, BOOL, FLOAT64 = 1, 7, 8, 9, 11


class Graph:
    """Nodes and constants; every value is known by the name that `op` and `constant` give back.

    Parameters
    ----------
    taken : iterable of str
        Names of inputs and outputs, which no value inside may bear.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        known = tuple(taken)
        self.prefix = ""
        while any(re.fullmatch(rf"{self.prefix}[vc]\d+", name) for name in known):
            self.prefix += "_"
        self.onnx = need("onnx", "onnx", "ONNX files")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def op(self, kind: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any) -> str:
        """Append a node; the name of its output (`output`, or a new one)."""
        name = output or f"{self.prefix}v{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], domain=domain, **attributes))
        return name

    def constant(self, value: ArrayLike, dtype: Any = np.float64) -> str:
        """A constant, kept once however often it is used."""
        array = np.ascontiguousarray(value, dtype=dtype)
        content = repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes()
        key = (array.dtype.str, np.shape(value), content)
        if key not in self._known:
            name = f"{self.prefix}c{len(self.constants)}"
            self.constants.append(self.onnx.numpy_helper.from_array(array.reshape(np.shape(value)), name))
            self._known[key] = name
        return self._known[key]

    def indices(self, value: Sequence[int] | ArrayLike) -> str:
        """A constant of integers."""
        return self.constant(value, np.int64)

    def columns(self, x: str, which: Sequence[int], width: int) -> str:
        """Some of the `width` columns of a matrix."""
        return x if tuple(which) == tuple(range(width)) else self.op("Gather", x, self.indices(which), axis=1)

    def zeros(self, like: str, columns: int) -> str:
        """Zeros with as many rows as `like`."""
        rows = self.op("Slice", self.op("Shape", like), self.indices([0]), self.indices([1]))
        shape = self.op("Concat", rows, self.indices([columns]), axis=0)
        zero = self.onnx.numpy_helper.from_array(np.zeros(1))
        return self.op("ConstantOfShape", shape, value=zero)

    def gathered(self, parts: Sequence[tuple[str, Sequence[int]]], width: int, like: str) -> str:
        """Columns of all parts added up at their targets: (n, width).

        Columns are picked and added, never multiplied by zero, so that one that is not finite stays where it belongs.
        """
        places: list[list[int]] = [[] for _ in range(width)]
        order = [target for _, targets in parts for target in targets]
        for place, target in enumerate(order):
            places[target].append(place)
        names = [name for name, _ in parts]
        if len(parts) == 1 and order == list(range(width)):
            return names[0]
        most = max(1, *map(len, places)) if places else 1
        if any(len(found) < most for found in places):
            names.append(self.zeros(like, 1))
        whole = self.op("Concat", *names, axis=1) if len(names) > 1 else names[0]
        table = [found + [len(order)] * (most - len(found)) for found in places]
        if most == 1:
            return self.op("Gather", whole, self.indices([row[0] for row in table]), axis=1)
        picked = self.op("Gather", whole, self.indices(table), axis=1)
        return self.op("ReduceSum", picked, self.indices([2]), keepdims=0)


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
    rough = g.op("Cast", g.op(kind, g.op("Cast", x, to=FLOAT32)), to=FLOAT64)
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


_PLAIN = ("exp", "log", "sqrt", "sin", "cos", "tanh", "abs", "sigmoid", "neg", "floor", "max", "min")
_FUNCTIONS: Mapping[str, Callable[..., str]] = {
    **{name: _plain(name.capitalize()) for name in _PLAIN},
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


def basis_values(g: Graph, layer: ProgramLayer, t: str, grid: Floats) -> list[str]:
    """Parts to be joined along the last axis."""
    if layer.basis == "bspline":
        return [_bspline(g, t, grid, layer.degree)]
    u = _unit(g, t, grid)
    if layer.basis == "chebyshev":
        return _series(g, u, layer.size)
    if layer.basis == "rational":
        one = g.constant(1.0)
        return _series(g, g.op("Div", u, g.op("Sqrt", g.op("Add", one, g.op("Mul", u, u)))), layer.size)
    return [_fourier(g, u, layer.size)] if layer.basis == "fourier" else _rbf(g, t, u, grid)


def _bspline(g: Graph, t: str, knots: Floats, degree: int) -> str:
    """All B-splines: from indicators of the intervals up by the Cox-de Boor recursion."""
    intervals = knots.shape[1] - 1 - 2 * degree
    none = g.op("Mul", t, g.constant(0.0))  # NaN where t is NaN
    one = g.op("Add", none, g.constant(1.0))
    values = one
    if intervals > 1:
        inner = g.constant(knots[:, degree + 1 : degree + intervals])
        reached = g.op("Cast", g.op("GreaterOrEqual", t, inner), to=FLOAT64)
        values = g.op("Sub", g.op("Concat", one, reached, axis=2), g.op("Concat", reached, none, axis=2))
    for d in range(1, degree + 1):
        # The functions of degree d - 1 that live inside the grid start at these knots and end d knots later.
        left = knots[:, degree - d + 1 : degree + intervals]
        right = knots[:, degree + 1 : degree + intervals + d]
        share = g.op("Mul", g.op("Sub", t, g.constant(left)), g.constant(1.0 / (right - left)))
        rising = g.op("Mul", share, values)
        falling = g.op("Sub", values, rising)
        values = g.op("Add", g.op("Concat", falling, none, axis=2), g.op("Concat", none, rising, axis=2))
    return values


def _unit(g: Graph, t: str, grid: Floats) -> str:
    """Coordinate that runs from -1 to 1 over the domain, measured from the nearer end."""
    low, high = grid[:, :1], grid[:, -1:]
    slope, one = g.constant(2.0 / (high - low)), g.constant(1.0)
    from_low, from_high = g.op("Sub", t, g.constant(low)), g.op("Sub", g.constant(high), t)
    left = g.op("Sub", g.op("Mul", from_low, slope), one)
    right = g.op("Sub", one, g.op("Mul", from_high, slope))
    return g.op("Where", g.op("Less", from_low, from_high), left, right)


def _series(g: Graph, u: str, size: int) -> list[str]:
    """1, u, ... with f(n + 1) = 2 u f(n) - f(n - 1)."""
    one = g.op("Add", g.op("Mul", u, g.constant(0.0)), g.constant(1.0))
    twice, terms = g.op("Mul", u, g.constant(2.0)), [one, u]
    for _ in range(size - 2):
        terms.append(g.op("Sub", g.op("Mul", twice, terms[-1]), terms[-2]))
    return terms[:size]


def _fourier(g: Graph, u: str, size: int) -> str:
    """1, sin a, cos a, sin 2a, cos 2a, ... with a from -pi/2 to pi/2 over the domain."""
    number = np.arange(size)
    turns = g.constant((number + 1) // 2 * (math.pi / 2))
    return g.op("Sin", g.op("Add", g.op("Mul", u, turns), g.constant(np.where(number % 2, 0.0, math.pi / 2))))


def _rbf(g: Graph, t: str, u: str, grid: Floats) -> list[str]:
    """1, u and a Gaussian around every centre."""
    gaps = np.diff(grid, axis=1)
    around = np.hstack([gaps[:, :1], gaps]) + np.hstack([gaps, gaps[:, -1:]])
    inverse = g.constant(1.0 / (GaussianRBF.width / 2 * around))
    v = g.op("Mul", g.op("Sub", t, g.constant(grid)), inverse)
    one = g.op("Add", g.op("Mul", u, g.constant(0.0)), g.constant(1.0))
    return [one, u, g.op("Exp", g.op("Neg", g.op("Mul", v, v)))]
