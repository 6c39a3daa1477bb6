"""Interval arithmetic on arrays, rounded outward: formulas and spline networks over many boxes at once.

Sums, products, quotients and roots are correctly rounded in IEEE arithmetic, so that one step outward encloses them. numpy's
elementary functions are accurate to 4 units in the last place; theirs are widened by 16. Where a formula has no value in
part of a box its enclosure is unbounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.work import charge
from edgewise.forms.functions import CONSTANTS
from edgewise.forms.tree import Apply, Node, Number, Variable
from edgewise.verify.curves import Curves
from edgewise.verify.exact import ExactModel

Floats = NDArray[np.float64]

_ULPS = 16
# Sums of products and polynomials in floats: relative to the sum of the terms' sizes. The longest has a few thousand.
_SUMMED = 1e-12
_TWO_PI = 2 * math.pi
# Units of work of an operation, and for each interval; of a cubic's range, several times as much.
_STEP, _NUMBER, _CUBIC = 4e-5, 4e-8, 4


@dataclass(frozen=True, eq=False)
class Intervals:
    """Closed intervals [low, high] of one shape; ends may be infinite."""

    low: Floats
    high: Floats

    def __add__(self, other: Intervals) -> Intervals:
        return _out(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Intervals) -> Intervals:
        return _out(self.low - other.high, self.high - other.low)

    def __neg__(self) -> Intervals:
        return Intervals(-self.high, -self.low)

    def __mul__(self, other: Intervals) -> Intervals:
        ends = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        # Zero times an end at infinity is zero: infinity only says that there is no bound.
        products = np.stack([np.where(np.isnan(end), 0.0, end) for end in ends])
        return _out(products.min(0), products.max(0))

    def inverse(self) -> Intervals:
        """1 / x; unbounded where zero is inside."""
        with np.errstate(divide="ignore"):
            made = _out(1.0 / self.high, 1.0 / self.low)
        across = (self.low <= 0) & (self.high >= 0)
        return Intervals(np.where(across, -np.inf, made.low), np.where(across, np.inf, made.high))

    def meet(self, other: Intervals) -> Intervals:
        """What two enclosures of the same value leave."""
        return Intervals(np.maximum(self.low, other.low), np.minimum(self.high, other.high))

    @property
    def size(self) -> Floats:
        """The largest absolute value inside."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def point(x: Floats) -> Intervals:
    """Intervals of one number each."""
    return Intervals(x, x)


def _out(low: Floats, high: Floats, ulps: int = 1) -> Intervals:
    """A step outward; what is no number has no bound."""
    charge(_STEP + _NUMBER * np.size(low))
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = (
            np.where(np.isfinite(end), end + side * ulps * np.spacing(np.abs(end)), end)
            for end, side in ((low, -1), (high, 1))
        )
    return Intervals(np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high))


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
    >>> import numpy as np
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
        return exact if float(node.value) == node.value else _out(exact.low, exact.high)
    if isinstance(node, Variable):
        if node.name in values:
            return values[node.name]
        constant = np.full(shape, CONSTANTS[node.name])
        return _out(constant, constant)
    parts = [_walk(argument, values, shape) for argument in node.arguments]
    # What an argument has no value for has none either, though the function itself be bounded: tanh(log(x)), max(log(x), 0).
    lost = np.logical_or.reduce([(part.low == -np.inf) & (part.high == np.inf) for part in parts])
    found = _applied(node, parts)
    return Intervals(np.where(lost, -np.inf, found.low), np.where(lost, np.inf, found.high))


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
    return Intervals(
        np.where(undefined, -np.inf, np.maximum(low, 0.0)), np.where(undefined, np.inf, made.high)
    )


def _whole_power(base: Intervals, power: int) -> Intervals:
    ends = _out(base.low**power, base.high**power, _ULPS)
    other = _out(base.high**power, base.low**power, _ULPS)
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
        made = _out(f(x.low), f(x.high), _ULPS)
        return Intervals(np.maximum(made.low, low), np.minimum(made.high, high))

    return enclosure


def _partial(
    f: Callable[[Intervals], Intervals], low: float, high: float
) -> Callable[[Intervals], Intervals]:
    """A function of [low, high] only: unbounded where the argument may lie outside."""

    def enclosure(x: Intervals) -> Intervals:
        outside = (x.low < low) | (x.high > high)
        made = f(Intervals(np.clip(x.low, low, high), np.clip(x.high, low, high)))
        return Intervals(np.where(outside, -np.inf, made.low), np.where(outside, np.inf, made.high))

    return enclosure


def _log_of_nonnegative(x: Intervals) -> Intervals:
    return _out(np.log(x.low), np.log(x.high), _ULPS)


def _log(x: Intervals) -> Intervals:
    made = _log_of_nonnegative(Intervals(np.maximum(x.low, 0.0), np.maximum(x.high, 0.0)))
    undefined = x.low <= 0
    return Intervals(np.where(undefined, -np.inf, made.low), np.where(undefined, np.inf, made.high))


def _wave(shift: float, f: Callable[[Floats], Floats]) -> Callable[[Intervals], Intervals]:
    """sin or cos: the top is reached at `shift` and every turn from there, the bottom half a turn later."""

    def enclosure(x: Intervals) -> Intervals:
        ends = np.stack([f(x.low), f(x.high)])
        made = _out(ends.min(0), ends.max(0), _ULPS)

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
    made = _out(np.tan(x.low), np.tan(x.high), _ULPS)
    slack = 1e-9 + 1e-14 * x.size
    turns = np.floor((x.high + slack - math.pi / 2) / math.pi) >= np.ceil(
        (x.low - slack - math.pi / 2) / math.pi
    )
    broken = turns | ~np.isfinite(x.size)
    return Intervals(np.where(broken, -np.inf, made.low), np.where(broken, np.inf, made.high))


def _even(f: Callable[[Floats], Floats], least: float) -> Callable[[Intervals], Intervals]:
    """An even function that rises from `least` at zero."""

    def enclosure(x: Intervals) -> Intervals:
        inner = np.where((x.low <= 0) & (x.high >= 0), 0.0, np.minimum(np.abs(x.low), np.abs(x.high)))
        made = _out(f(inner), f(x.size), _ULPS)
        return Intervals(np.maximum(made.low, least), made.high)

    return enclosure


def _sigmoid(x: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-x))


def _exactly(f: Callable[..., Floats]) -> Callable[..., Intervals]:
    """A function that falls in no argument and is computed without rounding; it may jump."""
    return lambda *x: Intervals(f(*(each.low for each in x)), f(*(each.high for each in x)))


def _step(x: Floats) -> Floats:
    return np.where(x >= 0, 1.0, 0.0)


def _mod(a: Intervals, b: Intervals) -> Intervals:
    """a - b*floor(a/b): on one branch where the quotient stays between two whole numbers, else anything from 0 to b."""
    turns = _exactly(np.floor)(a * b.inverse())
    branch = a - b * turns
    one = (turns.low == turns.high) & np.isfinite(turns.low)
    found = Intervals(np.where(one, branch.low, -np.inf), np.where(one, branch.high, np.inf))
    found = found.meet(Intervals(np.minimum(b.low, 0.0), np.maximum(b.high, 0.0)))
    undefined = (b.low <= 0) & (b.high >= 0)
    return Intervals(np.where(undefined, -np.inf, found.low), np.where(undefined, np.inf, found.high))


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


# ---- networks


def curve_ranges(curves: Curves, x: Intervals) -> Intervals:
    """Ranges of all functions over intervals of their sites, (B, S) -> (B, S, n), up to outward rounding."""
    site = np.arange(curves.origin.shape[0])
    left, right = curves.limits
    first, last = curves.locate(x.low), curves.locate(x.high)
    low = np.full((*x.low.shape, curves.count), np.inf)
    high = np.full_like(low, -np.inf)
    # From the piece of the lower end to that of the upper one; most boxes soon lie in a piece or two.
    for step in range(int((last - first).max(initial=0)) + 1):
        rows = ((first + step) <= last).any(1)
        if not rows.any():
            break
        piece = np.minimum(first[rows] + step, last[rows])
        origin, width = curves.origin[site, piece], curves.width[site, piece]
        a = np.maximum((x.low[rows] - origin) / width, left[site, piece])
        b = np.minimum((x.high[rows] - origin) / width, right[site, piece])
        made = _cubic_ranges(curves.by_piece[site, piece], np.minimum(a, b)[..., None], b[..., None])
        low[rows] = np.minimum(low[rows], made.low)
        high[rows] = np.maximum(high[rows], made.high)
    return Intervals(low, high)


def _cubic_ranges(c: Floats, a: Floats, b: Floats) -> Intervals:
    """Ranges of cubics c (..., 4, n) over [a, b] (..., 1), up to outward rounding."""
    c0, c1, c2, c3 = (c[..., r, :] for r in range(4))
    charge(_CUBIC * (_STEP + _NUMBER * c0.size))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        # Where they turn, drawn into the interval: 3 c3 u^2 + 2 c2 u + c1 = 0.
        p = 3 * c3
        root = np.sqrt(np.maximum(c2 * c2 - p * c1, 0.0))
        s = -(c2 + np.where(c2 >= 0, root, -root))
        turns = [np.clip(np.nan_to_num(u, nan=0.0, posinf=0.0, neginf=0.0), a, b) for u in (s / p, c1 / s)]
        ends = np.stack([((c3 * u + c2) * u + c1) * u + c0 for u in (a, b, *turns)])
        far = np.maximum(np.abs(a), np.abs(b))
        size = ((np.abs(c3) * far + np.abs(c2)) * far + np.abs(c1)) * far + np.abs(c0)
    return Intervals(ends.min(0) - _SUMMED * size, ends.max(0) + _SUMMED * size)


@dataclass(frozen=True, eq=False)
class Enclosed:
    """Enclosures of an output (B,), of its derivatives (B, inputs), and of second ones (B, inputs, inputs) if asked for."""

    value: Intervals
    slopes: Intervals
    bends: Intervals | None = None


@dataclass(frozen=True, eq=False)
class Derivatives:
    """The curves of each layer of a network, and those of their first and second derivatives."""

    first: tuple[Curves, ...]
    second: tuple[Curves, ...]

    @classmethod
    def of(cls, model: ExactModel) -> Derivatives:
        """Made once for many boxes."""
        first = tuple(layer.curves.derivative() for layer in model.layers)
        return cls(first, tuple(curves.derivative() for curves in first))


def enclose_network(
    model: ExactModel, derivatives: Derivatives, output: int, x: Intervals, *, second: bool = False
) -> Enclosed:
    """Enclose an output over boxes of inputs.

    Parameters
    ----------
    model : ExactModel
    derivatives : Derivatives
    output : int
    x : Intervals, (B, inputs)
    second : bool
        Whether second derivatives are wanted. Where edges have kinks (degree 1) they say nothing.
    """
    shape = x.low.shape
    rate = point(np.broadcast_to(model.scale, shape)).inverse()
    h = (x - point(np.broadcast_to(model.shift, shape))) * rate
    slopes: Intervals | None = None  # (B, nodes, inputs)
    bends: Intervals | None = None  # (B, nodes, inputs, inputs)
    last = len(model.layers) - 1
    for k, layer in enumerate(model.layers):
        only = [output] if k == last else slice(None)
        values, steep = (
            curve_ranges(Curves(layer.curves.breaks, curves.table[only]), h)
            for curves in (layer.curves, derivatives.first[k])
        )
        curved = (
            curve_ranges(Curves(layer.curves.breaks, derivatives.second[k].table[only]), h)
            if second
            else None
        )
        if slopes is None:
            slopes = Intervals(steep.low.swapaxes(1, 2), steep.high.swapaxes(1, 2))
            if curved is not None:
                own = np.eye(shape[1])
                bends = Intervals(*(end.swapaxes(1, 2)[..., None] * own for end in (curved.low, curved.high)))
        else:
            if curved is not None and bends is not None:
                # (phi o h)'' = phi''(h) h' h'^T + phi'(h) h''
                bends = _summed(_deep(curved, 2) * _squares(slopes) + _deep(steep, 2) * _wide(bends))
            slopes = _summed(_deep(steep, 1) * _wide(slopes))
        h = _summed(values) + point(np.broadcast_to(layer.bias[only], (shape[0], values.low.shape[-1])))
    assert slopes is not None
    factor = point(np.full(shape[0], model.out_scale[output]))
    value = factor * _node(h) + point(np.full(shape[0], model.out_shift[output]))
    row = Intervals(factor.low[:, None], factor.high[:, None])
    if bends is not None:
        both = Intervals(rate.low[:, :, None], rate.high[:, :, None]) * Intervals(
            rate.low[:, None], rate.high[:, None]
        )
        bends = _node(bends) * both * Intervals(row.low[..., None], row.high[..., None])
    return Enclosed(value, _node(slopes) * rate * row, bends)


def _node(x: Intervals) -> Intervals:
    """Of the one node left, the output."""
    return Intervals(x.low[:, 0], x.high[:, 0])


def _wide(x: Intervals) -> Intervals:
    """(B, I, ...) -> (B, I, 1, ...), to meet edges (B, I, O)."""
    return Intervals(x.low[:, :, None], x.high[:, :, None])


def _deep(x: Intervals, more: int) -> Intervals:
    """(B, I, O) with more axes at the end."""
    shape = (*x.low.shape, *(1,) * more)
    return Intervals(x.low.reshape(shape), x.high.reshape(shape))


def _squares(slopes: Intervals) -> Intervals:
    """Products of the slopes of a node in two inputs, (B, I, 1, inputs, inputs); of one with itself never negative."""
    first = Intervals(slopes.low[:, :, None, :, None], slopes.high[:, :, None, :, None])
    second = Intervals(slopes.low[:, :, None, None], slopes.high[:, :, None, None])
    made = first * second
    own = np.eye(slopes.low.shape[-1], dtype=bool)
    across = (first.low <= 0) & (first.high >= 0)
    least = np.where(across, 0.0, np.minimum(first.low**2, first.high**2) * (1 - 1e-15))
    return Intervals(np.where(own, np.maximum(made.low, least), made.low), made.high)


def _summed(parts: Intervals) -> Intervals:
    """Sums over the second axis."""
    pad = _SUMMED * parts.size.sum(1)
    return Intervals(parts.low.sum(1) - pad, parts.high.sum(1) + pad)
