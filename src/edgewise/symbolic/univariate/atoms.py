"""Functions with fitted constants inside, such as exp(b*x) or (x + c)^p: values, derivatives, starts and trees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms import Form
from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.tree import Node, Number, substitute
from edgewise.symbolic.univariate.atom_starts import (
    damped_starts,
    edge_starts,
    monomial_starts,
    pole_starts,
    power_starts,
    rate_starts,
    span_of,
    step_starts,
    waves,
)
from edgewise.symbolic.univariate.library import LibraryColumn
from edgewise.symbolic.univariate.trees import add, call, multiply, power

Values = tuple[Floats, tuple[Floats, ...]]


@dataclass(frozen=True)
class Atom:
    """prefactor(x) * f(u(x); constants).

    Parameters
    ----------
    name
        For reading.
    evaluate
        From u (n,) and constants (m, k): values (m, n) and the derivative in each constant.
    starts
        From u: starts of the constants, (m, k).
    tree
        From the constants and the tree of u: the tree of f.
    nodes
        What it costs to read.
    u
        The inner column.
    prefactor
        What the function is multiplied with.
    inward
        The derivative in u, from u, the constants and what `evaluate` gives.
    """

    name: str
    evaluate: Callable[[Floats, Floats], Values]
    starts: Callable[[Floats], Floats]
    tree: Callable[[Sequence[float], Node], Node]
    nodes: int
    u: LibraryColumn
    prefactor: LibraryColumn | None = None
    inward: Callable[[Floats, Floats, Values], Floats] | None = None

    def values(self, constants: Floats) -> Values:
        """Values and derivatives on the points, times the prefactor."""
        with np.errstate(all="ignore"):
            value, slopes = self.evaluate(self.u.values, constants)
        if self.prefactor is None:
            return value, slopes
        factor = self.prefactor.values
        return value * factor, tuple(slope * factor for slope in slopes)

    def formula(self, constants: Sequence[float]) -> Node:
        """The tree with its constants."""
        inner = self.tree(constants, self.u.tree)
        return inner if self.prefactor is None else multiply(self.prefactor.tree, inner)


def _affine(
    f: Callable[[Floats], Floats], slope: Callable[[Floats, Floats], Floats]
) -> Callable[[Floats, Floats], Values]:
    """f(b*u + c)."""

    def evaluate(u: Floats, constants: Floats) -> Values:
        z = constants[:, :1] * u + constants[:, 1:2]
        value = f(z)
        down = slope(z, value)
        return value, (down * u, down)

    return evaluate


def _named(name: str) -> Callable[[Floats, Floats], Values]:
    return _affine(FUNCTIONS[name].value.array, FUNCTIONS[name].slopes)


def _exponential(u: Floats, constants: Floats) -> Values:
    value = np.exp(np.clip(constants[:, :1] * u, -700.0, 300.0))
    return value, (value * u,)


def _power(sign: float) -> Callable[[Floats, Floats], Values]:
    def evaluate(u: Floats, constants: Floats) -> Values:
        z = sign * u + constants[:, :1]
        p = constants[:, 1:2]
        log = np.log(z)
        value = np.exp(p * log)
        return value, (p * value / z, value * log)

    return evaluate


def _monomial(u: Floats, constants: Floats) -> Values:
    log = np.log(u)[None, :]
    value = np.exp(constants[:, :1] * log)
    return value, (value * log,)


def _pole(order: int) -> Callable[[Floats, Floats], Values]:
    def evaluate(u: Floats, constants: Floats) -> Values:
        z = u + constants[:, :1]
        value = z**-order
        return value, (-order * value / z,)

    return evaluate


def _logarithm(sign: float) -> Callable[[Floats, Floats], Values]:
    def evaluate(u: Floats, constants: Floats) -> Values:
        z = sign * u + constants[:, :1]
        return np.log(z), (1 / z,)

    return evaluate


def _coth(u: Floats, constants: Floats) -> Values:
    value = 1 / np.tanh(constants[:, :1] * u)
    return value, (u * (1 - value * value),)


def _damped(u: Floats, constants: Floats) -> Values:
    decay = np.exp(np.clip(constants[:, :1] * u, -700.0, 300.0))
    z = constants[:, 1:2] * u + constants[:, 2:3]
    sine, cosine = decay * np.sin(z), decay * np.cos(z)
    return sine, (sine * u, cosine * u, cosine)


def _in_affine(u: Floats, constants: Floats, both: Values) -> Floats:
    return constants[:, :1] * both[1][1]


def _in_shift(sign: float) -> Callable[[Floats, Floats, Values], Floats]:
    return lambda u, constants, both: sign * both[1][0]


def _in_coth(u: Floats, constants: Floats, both: Values) -> Floats:
    return constants[:, :1] * (1 - both[0] * both[0])


def _in_exponential(u: Floats, constants: Floats, both: Values) -> Floats:
    return constants[:, :1] * both[0]


def _sum_tree(function: Callable[[Node], Node]) -> Callable[[Sequence[float], Node], Node]:
    def tree(constants: Sequence[float], u: Node) -> Node:
        inner = add(multiply(Number(float(constants[0])), u), Number(float(constants[1])))
        return function(inner)

    return tree


def _shift(sign: float, constants: Sequence[float], u: Node) -> Node:
    return add(u if sign > 0 else call("neg", u), Number(float(constants[0])))


def _square(node: Node) -> Node:
    return power(node, 2)


def atoms(
    u: LibraryColumn, allowed: frozenset[str], *, prefactor: LibraryColumn | None = None, short: bool = False
) -> list[Atom]:
    """The library's functions of one inner column; `short` leaves only the commonest."""
    extra = 0 if prefactor is None else 2
    found: list[Atom] = []

    def put(
        name: str,
        evaluate: Callable[[Floats, Floats], Values],
        starts: Callable[[Floats], Floats],
        tree: Callable[[Sequence[float], Node], Node],
        nodes: int,
        inward: Callable[[Floats, Floats, Values], Floats] | None = _in_affine,
    ) -> None:
        found.append(Atom(name, evaluate, starts, tree, nodes + extra, u, prefactor, inward))

    if "exp" in allowed:
        put(
            "exp",
            _exponential,
            rate_starts,
            lambda c, z: call("exp", multiply(Number(float(c[0])), z)),
            4,
            _in_exponential,
        )
    if "sin" in allowed or "cos" in allowed:
        name = "sin" if "sin" in allowed else "cos"
        shift = 0.0 if name == "sin" else -np.pi / 2
        put(
            "sin",
            _named("sin"),
            waves,
            _sum_tree(lambda z: call(name, add(z, Number(shift)) if shift else z)),
            6,
        )
    if short:
        return found
    low = float(u.values.min())
    if low > 0:
        put("x^p", _monomial, monomial_starts, lambda c, z: power_of(z, c[0]), 3, None)
    for sign in (1.0, -1.0):
        put(
            "power",
            _power(sign),
            power_starts(sign),
            lambda c, z, s=sign: power_of(_shift(s, c, z), c[1]),
            5,
            _in_shift(sign),
        )
        if "log" in allowed:
            put(
                "log",
                _logarithm(sign),
                edge_starts(sign),
                lambda c, z, s=sign: call("log", _shift(s, c, z)),
                4,
                _in_shift(sign),
            )
    put("1/x", _pole(1), pole_starts, lambda c, z: call("inv", _shift(1.0, c, z)), 5, _in_shift(1.0))
    put(
        "1/x^2",
        _pole(2),
        pole_starts,
        lambda c, z: call("inv", _square(_shift(1.0, c, z))),
        6,
        _in_shift(1.0),
    )
    if {"exp", "sin"} <= allowed:
        put(
            "damped",
            _damped,
            damped_starts,
            lambda c, z: multiply(
                call("exp", multiply(Number(float(c[0])), z)),
                call("sin", add(multiply(Number(float(c[1])), z), Number(float(c[2])))),
            ),
            10,
            None,
        )
    if "tanh" in allowed:
        put(
            "tanh",
            _named("tanh"),
            step_starts,
            _sum_tree(lambda z: call("tanh", z)),
            6,
        )
        put(
            "coth",
            _coth,
            lambda u: rate_starts(u)[: len(rate_starts(u)) // 2],
            lambda c, z: call("inv", call("tanh", multiply(Number(float(c[0])), z))),
            6,
            _in_coth,
        )
    if "atan" in allowed:
        put(
            "atan",
            _named("atan"),
            step_starts,
            _sum_tree(lambda z: call("atan", z)),
            6,
        )
    if "exp" in allowed:
        put(
            "gaussian",
            _named("gaussian"),
            step_starts,
            _sum_tree(lambda z: call("exp", call("neg", _square(z)))),
            7,
        )
    put(
        "lorentzian",
        _affine(lambda z: 1 / (1 + z * z), lambda z, f: -2 * z * f * f),
        step_starts,
        _sum_tree(lambda z: call("inv", add(_square(z), Number(1)))),
        9,
    )
    if "sqrt" in allowed:
        put(
            "hyperbola",
            _affine(lambda z: np.sqrt(1 + z * z), lambda z, f: z / f),
            step_starts,
            _sum_tree(lambda z: call("sqrt", add(_square(z), Number(1)))),
            9,
        )
    return found


def power_of(base: Node, exponent: float) -> Node:
    """base^p with p a constant to fit."""

    return base ** float(exponent)


def fast_waves(sine: Atom, x: Floats) -> Atom:
    """A sine that starts from all frequencies up to the highest that the points can follow, half a turn from each to the
    next: a wave that turns often looks like noise to everything else."""
    return replace(sine, starts=lambda u: waves(u, max(60.0, 0.9 * np.pi * len(x))))


def square_atom(u: LibraryColumn) -> Atom:
    """(u + c)^2: with a function around it, any quadratic inside."""

    def evaluate(u: Floats, constants: Floats) -> Values:
        z = u + constants[:, :1]
        return z * z, (2 * z,)

    def starts(u: Floats) -> Floats:
        low, high, width = span_of(u)
        return -np.linspace(low - width, high + width, 13)[:, None]

    return Atom(
        "square", evaluate, starts, lambda c, z: _square(_shift(1.0, c, z)), 5, u, None, _in_shift(1.0)
    )


def form_atom(form: Form, u: LibraryColumn) -> Atom:
    """A form given by the caller, f(b*u + c)."""

    def evaluate(u: Floats, constants: Floats) -> Values:
        z = constants[:, :1] * u + constants[:, 1:2]
        down = form.slope_at(z)
        return form.at(z), (down * u, down)

    def starts(u: Floats) -> Floats:
        both = step_starts(u)
        low, _, width = span_of(u)
        plain = np.array(
            [[1.0, 0.0], [-1.0, 0.0], [2.0, 0.0], [0.5, 0.0], [1.0, 1.0], [1.0, -low + 0.1 * width]]
        )
        return np.concatenate([both, both * [[-1.0, -1.0]], plain])

    tree = form.tree()
    return Atom(
        form.name,
        evaluate,
        starts,
        lambda c, z: substitute(tree, "x", add(multiply(Number(float(c[0])), z), Number(float(c[1])))),
        form.complexity + 4,
        u,
    )
