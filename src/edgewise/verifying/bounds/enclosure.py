"""Enclosures of a formula's values over boxes: its tree in interval arithmetic.

numpy's elementary functions are accurate to 4 units in the last place; theirs are widened by 16. Where a formula has no
value in part of a box its enclosure is unbounded, whatever is made of that value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.forms.functions import CONSTANTS
from edgewise.forms.tree import Apply, Node, Number, Variable
from edgewise.verifying.bounds.intervals import Intervals, outward, point

_ULPS = 16
_TWO_PI = 2 * math.pi


def enclose(node: Node, values: Mapping[str, Intervals]) -> Intervals:
    """Enclosure of a formula's values where each variable lies in its interval.

    Parameters
    ----------
    node
        The tree of a formula, as `edgewise.forms` reads it.
    values
        An interval for each variable, of one shape.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> x = Intervals(np.array([-1.0]), np.array([2.0]))
    >>> found = enclose(parse("x^2", ["x"]).tree, {"x": x})
    >>> round(float(found.low[0]), 6), round(float(found.high[0]), 6)
    (0.0, 4.0)
    """
    shape = next(iter(values.values())).low.shape
    with np.errstate(all="ignore"):
        return _walk(node, values, shape)


def _walk(node: Node, values: Mapping[str, Intervals], shape: tuple[int, ...]) -> Intervals:
    if isinstance(node, Number):
        exact = point(np.full(shape, float(node.value)))
        return exact if float(node.value) == node.value else outward(exact.low, exact.high)
    if isinstance(node, Variable):
        if node.name in values:
            return values[node.name]
        constant = np.full(shape, CONSTANTS[node.name])
        return outward(constant, constant)
    parts = [_walk(argument, values, shape) for argument in node.arguments]
    # What an argument has no value for has none either, though the function itself be bounded: tanh(log(x)), max(log(x), 0).
    lost = np.logical_or.reduce([part.unbounded for part in parts])
    return _applied(node, parts).open_where(lost)


def _applied(node: Apply, parts: Sequence[Intervals]) -> Intervals:
    total = parts[0]
    if node.function == "^":
        return _power(total, parts[1])
    if node.function == "+":
        for part in parts[1:]:
            total = total + part
        return total
    if node.function == "*":
        for k, part in enumerate(parts[1:], 1):
            same = node.arguments[k] == node.arguments[k - 1] and k == 1
            total = _whole_power(total, 2) if same else total * part
        return total
    if node.function == "neg":
        return -total
    return total.inverse() if node.function == "inv" else _FUNCTIONS[node.function](*parts)


def _power(base: Intervals, power: Intervals) -> Intervals:
    fixed = float(power.low.flat[0]) if power.low.size else 0.0
    middle = round(fixed)
    if (
        bool((np.maximum(np.abs(power.low - middle), np.abs(power.high - middle)) == 0).all())
        and abs(middle) < 512
    ):
        whole = _whole_power(base, abs(middle))
        return whole.inverse() if middle < 0 else whole
    # Any other power is that of a positive number; zero to a positive power is zero.
    undefined = base.low < 0
    lifted = Intervals(np.maximum(base.low, 0.0), np.maximum(base.high, 0.0))
    made = _exp(power * _log_of_nonnegative(lifted))
    low = np.where((lifted.low == 0) & (power.low > 0), 0.0, made.low)
    return Intervals(np.maximum(low, 0.0), made.high).open_where(undefined)


def _whole_power(base: Intervals, power: int) -> Intervals:
    ends = outward(base.low**power, base.high**power, _ULPS)
    other = outward(base.high**power, base.low**power, _ULPS)
    if power % 2:
        return ends
    falling, across = base.high <= 0, (base.low < 0) & (base.high > 0)
    low = np.where(falling, other.low, ends.low)
    high = np.where(falling, other.high, ends.high)
    low = np.where(across, float(power == 0), np.maximum(low, 0.0))
    return Intervals(low, np.where(across, np.maximum(ends.high, other.high), high))


def _rising(
    f: Callable[[Floats], Floats], low: float = -np.inf, high: float = np.inf
) -> Callable[[Intervals], Intervals]:
    """A function that rises, with values in [low, high]."""

    def enclosure(x: Intervals) -> Intervals:
        made = outward(f(x.low), f(x.high), _ULPS)
        return Intervals(np.maximum(made.low, low), np.minimum(made.high, high))

    return enclosure


def _partial(
    f: Callable[[Intervals], Intervals], low: float, high: float
) -> Callable[[Intervals], Intervals]:
    """A function of [low, high] only: unbounded where the argument may lie outside."""

    def enclosure(x: Intervals) -> Intervals:
        outside = (x.low < low) | (x.high > high)
        made = f(Intervals(np.clip(x.low, low, high), np.clip(x.high, low, high)))
        return made.open_where(outside)

    return enclosure


def _log_of_nonnegative(x: Intervals) -> Intervals:
    return outward(np.log(x.low), np.log(x.high), _ULPS)


def _log(x: Intervals) -> Intervals:
    made = _log_of_nonnegative(Intervals(np.maximum(x.low, 0.0), np.maximum(x.high, 0.0)))
    return made.open_where(x.low <= 0)


def _wave(shift: float, f: Callable[[Floats], Floats]) -> Callable[[Intervals], Intervals]:
    """sin or cos: the top is reached at `shift` and every turn from there, the bottom half a turn later."""

    def enclosure(x: Intervals) -> Intervals:
        ends = np.stack([f(x.low), f(x.high)])
        made = outward(ends.min(0), ends.max(0), _ULPS)

        def reached(at: float) -> NDArray[np.bool_]:
            # Places of the tops are known to rounding only; one that is nearly inside counts.
            slack = 1e-9 + 1e-14 * x.size
            return np.floor((x.high + slack - at) / _TWO_PI) >= np.ceil((x.low - slack - at) / _TWO_PI)

        low = np.where(reached(shift + math.pi), -1.0, np.maximum(made.low, -1.0))
        high = np.where(reached(shift), 1.0, np.minimum(made.high, 1.0))
        unknown = ~np.isfinite(x.size)
        return Intervals(np.where(unknown, -1.0, low), np.where(unknown, 1.0, high))

    return enclosure


def _tan(x: Intervals) -> Intervals:
    made = outward(np.tan(x.low), np.tan(x.high), _ULPS)
    slack = 1e-9 + 1e-14 * x.size
    turns = np.floor((x.high + slack - math.pi / 2) / math.pi) >= np.ceil(
        (x.low - slack - math.pi / 2) / math.pi
    )
    return made.open_where(turns | ~np.isfinite(x.size))


def _even(f: Callable[[Floats], Floats], least: float) -> Callable[[Intervals], Intervals]:
    """An even function that rises from `least` at zero."""

    def enclosure(x: Intervals) -> Intervals:
        inner = np.where((x.low <= 0) & (x.high >= 0), 0.0, np.minimum(np.abs(x.low), np.abs(x.high)))
        made = outward(f(inner), f(x.size), _ULPS)
        return Intervals(np.maximum(made.low, least), made.high)

    return enclosure


def _sigmoid(x: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-x))


def _exactly(f: Callable[..., Floats]) -> Callable[..., Intervals]:
    """A function that falls in no argument and is computed without rounding; it may jump."""
    return lambda *x: Intervals(f(*(value.low for value in x)), f(*(value.high for value in x)))


def _step(x: Floats) -> Floats:
    return np.where(x >= 0, 1.0, 0.0)


def _mod(a: Intervals, b: Intervals) -> Intervals:
    """a - b*floor(a/b): on one branch where the quotient stays between two whole numbers, else anything from 0 to b."""
    turns = _exactly(np.floor)(a * b.inverse())
    branch = a - b * turns
    one = (turns.low == turns.high) & np.isfinite(turns.low)
    found = branch.open_where(~one).meet(Intervals(np.minimum(b.low, 0.0), np.maximum(b.high, 0.0)))
    return found.open_where((b.low <= 0) & (b.high >= 0))


_exp = _rising(np.exp, 0.0)
_FUNCTIONS: dict[str, Callable[..., Intervals]] = {
    "exp": _exp,
    "log": _log,
    "sqrt": _partial(_rising(np.sqrt, 0.0), 0.0, np.inf),
    "sin": _wave(math.pi / 2, np.sin),
    "cos": _wave(0.0, np.cos),
    "tan": _tan,
    "asin": _partial(_rising(np.arcsin), -1.0, 1.0),
    "acos": _partial(
        lambda x: (
            -_rising(np.arcsin)(x)
            + Intervals(np.full_like(x.low, math.pi / 2), np.full_like(x.low, np.nextafter(math.pi / 2, 2)))
        ),
        -1.0,
        1.0,
    ),
    "atan": _rising(np.arctan),
    "sinh": _rising(np.sinh),
    "cosh": _even(np.cosh, 1.0),
    "tanh": _rising(np.tanh, -1.0, 1.0),
    "asinh": _rising(np.arcsinh),
    "acosh": _partial(_rising(np.arccosh, 0.0), 1.0, np.inf),
    "atanh": _partial(_rising(np.arctanh), -1.0, 1.0),
    "abs": _even(np.abs, 0.0),
    "sign": _exactly(np.sign),
    "step": _exactly(_step),
    "floor": _exactly(np.floor),
    "max": _exactly(np.maximum),
    "min": _exactly(np.minimum),
    "mod": _mod,
    "sigmoid": _rising(_sigmoid, 0.0, 1.0),
    "gaussian": lambda x: _exp(-_even(np.square, 0.0)(x)),
}
