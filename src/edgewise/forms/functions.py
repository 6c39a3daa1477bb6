"""The one catalogue of the named functions a formula may call: adding a function is adding an entry.

What can be said of a function in a line stands here. Elsewhere stand bounds over intervals (`verifying.bounds.enclosure`),
operators of ONNX (`exporting.onnx_operators`), helpers in C (`symbolic.expressions.source`) and rules of the algebra.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edgewise.forms import elementwise as on
from edgewise.forms.elementwise import Elementwise

# Where other functions stand than those with a place.
_LAST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function of x, or of x and y.

    Attributes
    ----------
    value : Elementwise
        Of tensors, arrays and nodes.
    slopes : callable
        The derivative in x (in x and in y) from the arguments and the value: of arrays a number or an array, of nodes a
        number or a node. At a jump or a kink it is that of one side: slopes of steps are zero everywhere.
    arity : int
    spellings : tuple of str
        Other names people type.
    inverse : str
        The inverse as a formula in x, where there is one.
    low, high, closed
        The arguments that have a value: an interval, with its ends or without.
    parity : int
        1 of an even function, -1 of an odd one, 0 of others.
    periodic, kink, jump : bool
        A jump is no kink. Between jumps slopes determine a function, at jumps they do not exist.
    nats : float
        What it takes to be written down, about minus the logarithm of how often laws of handbooks hold it.
    work : float
        Of an entry of a column, in nanoseconds.
    place : int
        Where it stands in sums and products.
    written : str
        The same in other functions and powers, where no other package knows it.
    numpy, sympy, torch, c : str
        Its name in source of that language, or a format of its arguments; empty where it is the function's.
    """

    value: Elementwise
    slopes: Callable[..., Any]
    arity: int = 1
    spellings: tuple[str, ...] = ()
    inverse: str = ""
    low: float = -math.inf
    high: float = math.inf
    closed: bool = True
    parity: int = 0
    periodic: bool = False
    kink: bool = False
    jump: bool = False
    nats: float = 4.0
    work: float = 8.0
    place: int = _LAST
    written: str = ""
    numpy: str = ""
    sympy: str = ""
    torch: str = ""
    c: str = ""

    @property
    def name(self) -> str:
        """As formulas write it."""
        return self.value.name

    def derivatives(self, *arguments: Any, value: Any) -> tuple[Any, ...]:
        """The derivative in every argument."""
        slopes = self.slopes(*arguments, value)
        return slopes if self.arity > 1 else (slopes,)

    def contains(self, x: float) -> bool:
        """Whether it has a value at x."""
        return self.low <= x <= self.high if self.closed else self.low < x < self.high

    def in_language(self, language: str, otherwise: str = "{}") -> str:
        """Its name in the source of a language: its own there, or one made of its name by a format."""
        return getattr(self, language) or otherwise.format(self.name)


# Of f(x), and of f(x, y), the derivatives are written in the arguments and the value f.
_CATALOGUE = (
    Function(value=on.exp, slopes=lambda x, f: f, inverse="log(x)", nats=1.5, place=10),
    Function(
        value=on.log, slopes=lambda x, f: 1 / x, inverse="exp(x)", low=0.0, closed=False, nats=1.5, place=11,
        spellings=("ln",),
    ),
    Function(value=on.sqrt, slopes=lambda x, f: 1 / (2 * f), inverse="x^2", low=0.0, work=2.0, written="x^(1/2)"),
    Function(value=on.sin, slopes=lambda x, f: on.cos(x), inverse="asin(x)", parity=-1, periodic=True, nats=2.5, place=20),
    Function(value=on.cos, slopes=lambda x, f: -on.sin(x), inverse="acos(x)", parity=1, periodic=True, nats=2.5, place=21),
    Function(value=on.tan, slopes=lambda x, f: 1 + f**2, inverse="atan(x)", parity=-1, periodic=True, nats=2.5, place=22),
    Function(
        value=on.asin, slopes=lambda x, f: 1 / on.sqrt(1 - x**2), inverse="sin(x)", low=-1.0, high=1.0, parity=-1,
        spellings=("arcsin",), numpy="np.arcsin",
    ),
    Function(
        value=on.acos, slopes=lambda x, f: -1 / on.sqrt(1 - x**2), inverse="cos(x)", low=-1.0, high=1.0,
        spellings=("arccos",), numpy="np.arccos",
    ),
    Function(
        value=on.atan, slopes=lambda x, f: 1 / (1 + x**2), inverse="tan(x)", parity=-1, spellings=("arctan",),
        numpy="np.arctan",
    ),
    Function(value=on.sinh, slopes=lambda x, f: on.cosh(x), inverse="asinh(x)", parity=-1, place=30),
    Function(value=on.cosh, slopes=lambda x, f: on.sinh(x), inverse="acosh(x)", parity=1, place=31),
    Function(value=on.tanh, slopes=lambda x, f: 1 - f**2, inverse="atanh(x)", parity=-1, place=32),
    Function(
        value=on.asinh, slopes=lambda x, f: 1 / on.sqrt(1 + x**2), inverse="sinh(x)", parity=-1,
        spellings=("arcsinh",), numpy="np.arcsinh",
    ),
    Function(
        value=on.acosh, slopes=lambda x, f: 1 / on.sqrt(x**2 - 1), inverse="cosh(x)", low=1.0,
        spellings=("arccosh",), numpy="np.arccosh",
    ),
    Function(
        value=on.atanh, slopes=lambda x, f: 1 / (1 - x**2), inverse="tanh(x)", low=-1.0, high=1.0, closed=False, parity=-1,
        spellings=("arctanh",), numpy="np.arctanh",
    ),
    Function(
        value=on.absolute, slopes=lambda x, f: on.sign(x), parity=1, kink=True, work=1.0, spellings=("Abs",), sympy="Abs",
        c="fabs",
    ),
    Function(value=on.sign, slopes=lambda x, f: 0, parity=-1, jump=True, c="sign_of"),
    Function(
        value=on.step, slopes=lambda x, f: 0, jump=True, work=1.0, spellings=("heaviside", "Heaviside"),
        sympy="Heaviside", numpy="np.heaviside({}, 1.0)", torch="_step({})", c="step_of",
    ),
    Function(value=on.floor, slopes=lambda x, f: 0, jump=True, work=1.0),
    Function(
        value=on.maximum, slopes=lambda x, y, f: (on.step(x - y), 1 - on.step(x - y)), arity=2, kink=True, work=1.0,
        spellings=("maximum", "Max"), sympy="Max", numpy="np.maximum", torch="_call(torch.maximum, {}, {})", c="max_of",
    ),
    Function(
        value=on.minimum, slopes=lambda x, y, f: (on.step(y - x), 1 - on.step(y - x)), arity=2, kink=True, work=1.0,
        spellings=("minimum", "Min"), sympy="Min", numpy="np.minimum", torch="_call(torch.minimum, {}, {})", c="min_of",
    ),
    # The exact remainder of the two floats, with the sign of the second.
    Function(
        value=on.remainder, slopes=lambda x, y, f: (1, -on.floor(x / y)), arity=2, jump=True, periodic=True, nats=2.5,
        spellings=("Mod",), sympy="Mod", torch="_call(torch.remainder, {}, {})", c="mod_of",
    ),
    Function(
        value=on.sigmoid, slopes=lambda x, f: f * (1 - f), inverse="-log(1/x - 1)", written="1/(1 + exp(-x))",
        numpy="_sigmoid", c="sigmoid_of",
    ),
    Function(
        value=on.gaussian, slopes=lambda x, f: -2 * x * f, parity=1, written="exp(-x^2)", spellings=("gauss",),
        numpy="_gaussian", torch="_call(torch.exp, -(({}) ** 2))", c="gaussian_of",
    ),
)  # fmt: skip
FUNCTIONS: Mapping[str, Function] = MappingProxyType({function.name: function for function in _CATALOGUE})
JUMPS = frozenset(name for name, function in FUNCTIONS.items() if function.jump)
BREAKS = JUMPS | {name for name, function in FUNCTIONS.items() if function.kink}
# Formulas are written back with the first spelling.
SPELLINGS: Mapping[str, str] = MappingProxyType(
    {spelling: name for name, function in FUNCTIONS.items() for spelling in function.spellings}
)
CONSTANTS: Mapping[str, float] = MappingProxyType({"pi": math.pi, "e": math.e, "E": math.e})
