"""Random problems like those of the published tables, for figures that no tuning on a table can flatter.

`generate(seed, count, family)` gives rows in the judge's format. Family "kinds" draws laws of the kinds that the tables
hold: products of powers, functions of dimensionless groups, distances, relativistic factors, radiation, angles, lenses and
reduced masses, polynomials, rates of growth. Family "trees" draws expression trees of 5 to 15 nodes. What is drawn is kept
only where it is a fair question: finite all over its box, without near poles, not nearly constant, no faster than points
can follow, and every column matters.

`python benchmarks/random_laws.py kinds 0 20` prints some.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from sympy import Rational, acos, asin, atan, cos, exp, log, pi, sin, sqrt, tanh

from edgewise.symbolic import complexity

Span = tuple[float, float]
# A column must carry this share of the spread of y, and y must vary by this share of its size.
MATTERS, VARIES = 0.01, 0.005
# The largest distance of y from its mean in standard deviations; near a pole it is far greater.
TAIL = 20.0
# A hundredth of the box along every column must not change y by more than this share of its spread.
STEP = 0.3
POINTS = 4000
FIVE, THREE, TWO, UNIT, TURN = (1.0, 5.0), (1.0, 3.0), (1.0, 2.0), (-1.0, 1.0), (0.0, 6.0)


@dataclass
class Draft:
    """A law in the making: columns are added as it asks for them."""

    rng: np.random.Generator
    low: list[float] = field(default_factory=list[float])
    high: list[float] = field(default_factory=list[float])

    def column(self, span: Span | None = None) -> Any:
        """A new column; physical quantities are positive and vary by a few times unless told otherwise."""
        low, high = self.pick([FIVE, FIVE, THREE, TWO]) if span is None else span
        self.low.append(low)
        self.high.append(high)
        return sympy.Symbol(f"x{len(self.low)}")

    def pick(self, choices: Sequence[Any], weights: Sequence[float] | None = None) -> Any:
        share = None if weights is None else np.array(weights) / np.sum(weights)
        return choices[int(self.rng.choice(len(choices), p=share))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def count(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def decimal(self, low: float, high: float, digits: int = 1) -> Any:
        """A number of a few digits, exactly."""
        return Rational(round(self.rng.uniform(low, high) * 10**digits), 10**digits)


def power(d: Draft, low: int, high: int, span: Span | None = None) -> Any:
    """A product of columns to small powers."""
    exponents = [1, -1, 2, -2, Rational(1, 2), Rational(3, 2), 3, -3, 4]
    weights = [50, 25, 10, 7, 2, 1, 2, 2, 1]
    return sympy.Mul(*(d.column(span) ** d.pick(exponents, weights) for _ in range(d.count(low, high))))


def factor(d: Draft) -> Any:
    """A number as laws of physics have it."""
    numbers = [1, Rational(1, 2), 2, -1, 1 / (4 * pi), 1 / (2 * pi), 4 * pi, Rational(3, 2), Rational(1, 3)]
    return d.pick([sympy.sympify(number) for number in numbers], [50, 10, 8, 5, 10, 8, 4, 3, 2])


def front(d: Draft, low: int = 0, high: int = 3) -> Any:
    return factor(d) * power(d, low, high)


def group(d: Draft) -> Any:
    """A ratio of products, as what stands in a function usually is."""
    span = d.pick([TWO, THREE])
    over = sympy.Mul(*(d.column(span) for _ in range(d.count(1, 2))))
    under = sympy.Mul(*(d.column(span) for _ in range(d.count(1, 2))))
    return over / under


# --- kinds: physics -------------------------------------------------------------------------------------------------


def product(d: Draft) -> Any:
    return front(d, 2, 5)


def of_group(d: Draft) -> Any:
    u = group(d)
    forms: list[Callable[[Any], Any]] = [
        lambda u: exp(-u),
        lambda u: exp(u) - 1,
        lambda u: 1 / (exp(u) - 1),
        lambda u: 1 / (exp(u) + 1),
        lambda u: 1 - exp(-u),
        tanh,
        lambda u: log(1 + u),
        lambda u: 1 / (1 + u),
        lambda u: 1 + u,
        lambda u: sqrt(1 + u),
        lambda u: u / (1 + u),
        lambda u: exp(-(u**2) / 2),
        atan,
    ]
    return front(d) * d.pick(forms)(u)


def distance(d: Draft) -> Any:
    """A length from coordinates, and what falls off with it."""
    pairs = [(d.column(TWO), d.column((3.0, 4.0))) for _ in range(d.count(1, 3))]
    square = sympy.Add(*((b - a) ** 2 for a, b in pairs))
    return front(d, 0, 3) * square ** d.pick([Rational(1, 2), -1, Rational(-1, 2), Rational(-3, 2)])


def magnitude(d: Draft) -> Any:
    """Squares under a root."""
    squares = [d.column() ** 2 for _ in range(d.count(2, 3))]
    if d.chance(0.3):
        squares[0] = squares[0] * d.column() ** 2
    return front(d, 0, 2) * sqrt(sympy.Add(*squares))


def relativity(d: Draft) -> Any:
    v, c = d.column(TWO), d.column((3.0, 10.0))
    gamma = 1 / sqrt(1 - v**2 / c**2)
    t, x = d.column(), d.column((5.0, 10.0))
    forms = [gamma, v * gamma, c**2 * (gamma - 1), 1 / (1 - v / c), (1 - v / c) * gamma, x * gamma - t]
    forms += [(x - v * t) * gamma, (v + t) / (1 + v * t / c**2), sqrt((1 + v / c) / (1 - v / c))]
    return front(d, 0, 2) * d.pick(forms)


def radiation(d: Draft) -> Any:
    h, w, k, T = (d.column(d.pick([THREE, FIVE])) for _ in range(4))
    u = h * w / (k * T)
    return front(d, 0, 1) * w ** d.count(0, 3) / (exp(u / d.pick([1, 2 * pi])) - 1)


def angle(d: Draft) -> Any:
    t = d.column(d.pick([FIVE, TURN, THREE]))
    a, b, s = d.column(), d.column(), d.column(d.pick([FIVE, TURN]))
    e = d.column(d.pick([(0.1, 0.9), THREE]))
    forms = [a * cos(t), a * b * sin(t), a * (1 + e * cos(t)), a * (1 - cos(b * t)), a * sin(t / 2) ** 2]
    forms += [sqrt(a**2 + b**2 - 2 * a * b * cos(t)), sqrt(a**2 + b**2 - 2 * a * b * cos(t - s))]
    forms += [a + b + 2 * sqrt(a * b) * cos(t), a * (1 - e**2) / (1 + e * cos(t)), a + b * cos(t) ** 2]
    forms += [a * sin(t) + b * cos(t), a * (cos(s * t) + e * cos(s * t) ** 2), a * sin(t) * cos(t)]
    return front(d, 0, 2) * d.pick(forms)


def refraction(d: Draft) -> Any:
    share, t = d.column((0.0, 1.0)), d.column(d.pick([FIVE, TURN]))
    a, b = d.column(TWO), d.column((2.0, 5.0))
    return d.pick([asin(share * sin(t)), acos(share * cos(t)), asin(a / b), acos(a / (b * d.column(THREE)))])


def diffraction(d: Draft) -> Any:
    n, t = d.column(FIVE), d.column(d.pick([THREE, FIVE]))
    x = t / 2
    return front(d, 0, 1) * d.pick([(sin(n * x) / sin(x)) ** 2, (sin(x) / x) ** 2, sin(n * x) / x])


def rational(d: Draft) -> Any:
    """Lenses, reduced masses, centres of mass."""
    a, b, n, m = (d.column() for _ in range(4))
    forms = [1 / (1 / a + 1 / b), 1 / (1 / a + n / b), a * b / (a + b), (a * n + b * m) / (a + b)]
    forms += [(a + b) / (1 + a * b), n / (a + b), n * (1 / a - 1 / b), a / (1 + n * b), (a - b) / (a + b)]
    forms += [n * (a - b) / m, (a - 1) / (a + 2) * n, 1 / (1 / a + 1 / b + 1 / n)]
    return front(d, 0, 2) * d.pick(forms)


def sums(d: Draft) -> Any:
    """Energies and works added up."""
    terms = [power(d, 1, 3) * d.pick([1, 1, Rational(1, 2), 2]) for _ in range(d.count(2, 3))]
    return d.pick([sympy.Add(*terms), front(d, 1, 2) * sympy.Add(*terms[:2])])


def resonance(d: Draft) -> Any:
    w, v = d.column(TWO), d.column((3.0, 5.0))
    forms = [1 / (v**2 - w**2), w**2 / (v**2 - w**2), w**4 / (w**2 - v**2) ** 2, sqrt(v**2 - w**2)]
    return front(d, 1, 3) * d.pick(forms)


def logarithm(d: Draft) -> Any:
    a, b = d.column(), d.column()
    return front(d, 0, 3) * d.pick([log(a / b), log(1 + a / b), log(a) / b])


def bell(d: Draft) -> Any:
    s, x = d.column(THREE), d.column(d.pick([THREE, UNIT]))
    middle = d.pick([0, d.column(THREE)])
    return exp(-(((x - middle) / s) ** 2) / 2) / d.pick([1, sqrt(2 * pi) * s])


# --- kinds: dimensionless, classics, rates --------------------------------------------------------------------------


def dimensionless(d: Draft) -> Any:
    a, b = d.column((0.0, 1.0)), d.column(d.pick([UNIT, (0.5, 2.0)]))
    t, s = d.column((0.0, 6.2)), d.column((-0.8, 0.8))
    forms = [1 + b * sin(t), a * cos(t) + b, b * exp(-a), (1 - b) / sqrt(1 - s**2), 1 / (1 + a * exp(b))]
    forms += [
        sqrt(1 + a**2 + b**2),
        1 + a + 2 * sqrt(a) * cos(t),
        (a + s) / (1 + a * s),
        b / (exp(a) + exp(-a)),
    ]
    forms += [
        asin(a * sin(t)),
        b * (1 + a * cos(t)),
        1 + a * b / (1 - a * b / 3),
        a + b * s,
        b * sqrt(a**2 + s**2),
    ]
    return d.pick(forms)


def polynomial(d: Draft) -> Any:
    x = d.column(d.pick([UNIT, (-3.0, 3.0), (0.0, 2.0)]))
    top = d.count(2, 6)
    numbers: list[Callable[[], Any]] = [lambda: 1, lambda: d.count(-4, 4), lambda: d.decimal(-3, 3)]
    number = d.pick(numbers)
    terms = [number() * x**k for k in range(top + 1) if k == top or d.chance(0.7)]
    if d.chance(0.3):
        y = d.column(UNIT)
        terms += [number() * y ** d.count(1, 3), number() * x * y]
    return sympy.Add(*terms)


def classic(d: Draft) -> Any:
    """One column, at most two, and elementary functions of it."""
    x, z = d.column(d.pick([UNIT, (0.1, 2.0), (0.5, 4.0)])), d.column(d.pick([UNIT, (0.1, 2.0)]))
    a, b, c = d.decimal(0.5, 3), d.decimal(0.2, 3), d.decimal(-3, 3)
    u, v = (d.pick([x, x, z, x**2, x + x**2, b * x, x + c]) for _ in range(2))
    inner = [sin, cos, exp, lambda u: log(1 + u**2), lambda u: sqrt(1 + u**2), lambda u: exp(-(u**2))]
    f, g = d.pick(inner), d.pick(inner)
    forms = [
        a * f(u) + g(v),
        f(u) * g(v),
        f(u) * g(v) + c,
        a * f(u),
        x * f(u),
        x ** d.decimal(0.2, 3),
        a / (1 + u**2),
    ]
    forms += [
        (x**3 + c) / (x**2 + x + 1),
        x**2 * z**2 / (x**2 + z**2 + 1),
        1 / (1 + x**-4),
        f(u) / (b + v**2),
    ]
    return d.pick(forms)


def rate(d: Draft) -> Any:
    """Right-hand sides of small systems of differential equations."""
    x, y = d.column((0.1, 8.0)), d.column((0.1, 5.0))
    a, b, c = d.decimal(1, 10, 0), d.decimal(0.1, 2), d.decimal(0.05, 1, 2)
    forms = [
        x * (a - b * x - y),
        x * (a - x - y / (1 + x)),
        y * (x / (1 + x) - c * y),
        a - x - x * y / (1 + c * x**2),
    ]
    forms += [a * (y - (x**3 / 3 - x)), b * sin(x - y) - sin(x), -c * x**2 - sin(y), x - cos(y) / x]
    forms += [
        (cos(y) ** 2 + c * sin(y) ** 2) * sin(x),
        a * x * (1 - x / b) - c * x * y,
        x * y / (b + x) - c * x,
    ]
    return d.pick(forms)


# About the mixture of the tables: three fifths physics, a quarter classics, the rest dimensionless laws and rates.
KINDS: dict[Callable[[Draft], Any], float] = {
    product: 9,
    of_group: 12,
    distance: 4,
    magnitude: 4,
    relativity: 8,
    radiation: 3,
    angle: 10,
    refraction: 2,
    diffraction: 2,
    rational: 8,
    sums: 7,
    resonance: 3,
    logarithm: 2,
    bell: 3,
    dimensionless: 12,
    polynomial: 12,
    classic: 20,
    rate: 6,
}


def a_kind(d: Draft) -> tuple[Any, str]:
    kind = d.pick(list(KINDS), list(KINDS.values()))
    return kind(d), kind.__name__


# --- trees ----------------------------------------------------------------------------------------------------------

LEAST, MOST = 5, 15
# Boxes of the trees; all columns of a tree share one.
BOXES: tuple[Span, ...] = ((-1.0, 1.0), (-3.0, 3.0), (0.1, 2.0), (1.0, 3.0), (1.0, 5.0))
UNARY: dict[str, tuple[Callable[[Any], Any], float]] = {
    "sin": (sin, 4),
    "cos": (cos, 4),
    "exp": (exp, 3),
    "log": (log, 3),
    "sqrt": (sqrt, 3),
    "square": (lambda u: u**2, 4),
    "cube": (lambda u: u**3, 1),
    "tanh": (tanh, 1),
}
# Waves within waves and exponentials within exponentials are riddles, not formulas.
TRIG, GROWTH = {"sin", "cos"}, {"exp", "log", "tanh"}


def a_tree(d: Draft) -> tuple[Any, str]:
    span, size = d.pick(BOXES), d.count(LEAST, MOST)
    columns = [d.column(span) for _ in range(min(d.count(1, 5), (size + 1) // 3))]
    return _tree(d, columns, size, frozenset()), "tree"


def _tree(d: Draft, columns: Sequence[Any], size: int, within: frozenset[str], number: bool = False) -> Any:
    """A tree of so many nodes; `within` names the functions around it, `number` lets it be a constant."""
    if size == 1:
        if number and d.chance(0.4):
            return d.pick([d.decimal(0.1, 5), sympy.Integer(d.count(1, 5)), pi], [6, 3, 1])
        return d.pick(columns)
    if size == 2 or d.chance(0.3):
        barred = {name for one in (TRIG, GROWTH) if one & within for name in one}
        names = [name for name in UNARY if name not in barred]
        name = d.pick(names, [UNARY[item][1] for item in names])
        return UNARY[name][0](_tree(d, columns, size - 1, within | {name}))
    # Constants stand on the left alone: a number in a function, or of a number, is only another number.
    left = d.count(1, size - 2)
    a, b = _tree(d, columns, left, within, number=True), _tree(d, columns, size - 1 - left, within)
    return d.pick([a + b, a - b, b - a, a * b, a / b, b / a], [3, 1, 1, 4, 1, 1])


# --- what is kept ---------------------------------------------------------------------------------------------------

FAMILIES: dict[str, Callable[[Draft], tuple[Any, str]]] = {"kinds": a_kind, "trees": a_tree}


def generate(seed: int, count: int, family: str = "kinds") -> list[dict[str, Any]]:
    """So many rows in the judge's format; the same seed gives the same rows, and more of them begin with the fewer."""
    if family not in FAMILIES:
        raise SystemExit(
            f"There is no family of random laws called {family!r}; take one of {', '.join(FAMILIES)}."
        )
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    attempt = 0
    while len(rows) < count:
        attempt += 1
        d = Draft(np.random.default_rng([seed, list(FAMILIES).index(family), attempt]))
        made = _made(d, family)
        if made is not None and made["formula"] not in seen:
            seen.add(made["formula"])
            rows.append(made | {"id": f"{made['note']}-{seed}-{len(rows) + 1}"})
    return rows


def _made(d: Draft, family: str) -> dict[str, Any] | None:
    expression, kind = FAMILIES[family](d)
    expression = sympy.sympify(expression)
    # A law may have left columns unused, from forms that were not picked.
    used = sorted(expression.free_symbols, key=lambda one: int(one.name[1:]))
    if not used or expression.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I):
        return None
    if family == "trees" and not LEAST <= complexity(expression) <= MOST:
        return None
    at = [int(symbol.name[1:]) - 1 for symbol in used]
    names = [f"x{k + 1}" for k in range(len(used))]
    expression = expression.xreplace(dict(zip(used, map(sympy.Symbol, names), strict=True)))
    low, high = [d.low[k] for k in at], [d.high[k] for k in at]
    if not is_fair(expression, names, low, high):
        return None
    return {
        "set": f"random_{family}",
        "id": "",
        "formula": str(expression),
        "output": "y",
        "n_vars": len(names),
        "vars": names,
        "low": low,
        "high": high,
        "units": None,
        "out_units": None,
        "sampler": "U",
        "source": "benchmarks/random_laws.py",
        "note": kind,
        "extra": {},
    }


def is_fair(expression: Any, names: Sequence[str], low: Sequence[float], high: Sequence[float]) -> bool:
    """Finite, without near poles, not nearly constant, and no column idle."""
    value = sympy.lambdify([sympy.Symbol(name) for name in names], expression, "numpy")
    rng = np.random.default_rng(0)
    X = rng.uniform(low, high, (POINTS, len(names)))
    with np.errstate(all="ignore"):
        y = np.broadcast_to(np.asarray(value(*X.T), dtype=complex), (POINTS,))
        if not np.isfinite(y).all() or np.abs(y.imag).max() > 0 or np.abs(y.real).max() > 1e8:
            return False
        y = y.real
        spread, size = y.std(), np.abs(y).max()
        if spread <= VARIES * size or spread < 1e-8 or np.abs(y - y.mean()).max() > TAIL * spread:
            return False
        step = rng.uniform(-0.01, 0.01, X.shape) * (np.array(high) - np.array(low))
        moved = np.asarray(value(*np.clip(X + step, low, high).T), dtype=complex) - y
        if not np.isfinite(moved).all() or np.sqrt(np.mean(np.abs(moved) ** 2)) > STEP * spread:
            return False
        for k in range(len(names)):
            other = X.copy()
            other[:, k] = rng.permutation(X[:, k])
            change = np.asarray(value(*other.T), dtype=float) - y
            if not np.isfinite(change).all() or np.sqrt(np.mean(change**2) / 2) <= MATTERS * spread:
                return False
    return True


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit("Use: python benchmarks/random_laws.py FAMILY SEED COUNT")
    for row in generate(int(sys.argv[2]), int(sys.argv[3]), sys.argv[1]):
        boxes = " ".join(f"[{a:g}, {b:g}]" for a, b in zip(row["low"], row["high"], strict=True))
        print(f"{row['id']:24s} {row['formula']}   {boxes}")
