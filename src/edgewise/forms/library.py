"""The named closed forms an edge can become, and forms made from a user's text.

An edge is symbolic when its function is `a*f(b*x + c) + d`. The library therefore holds one form per affine family
where that costs no clarity; `cos` and `sigmoid` are shifts of `sin` and `tanh`, kept because people know them by name
(`shift_of` states how, so that a search need not fit a curve twice).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms import elementwise as on
from edgewise.forms.elementwise import Values
from edgewise.forms.expression import Expression, parse
from edgewise.forms.tree import Apply, Node, Number

Function = Callable[[Values], Values]
Family = Literal["linear", "power", "exponential", "general"]


@dataclass(frozen=True, slots=True)
class FormDomain:
    """Where a form is finite and smooth: an interval, less a pole that may repeat with a period.

    Examples
    --------
    >>> from edgewise.forms import FORMS
    >>> bool(FORMS["reciprocal"].domain.admits(-1.0, 1.0)), bool(FORMS["log"].domain.admits(0.5, 1.0))
    (False, True)
    """

    low: float = -math.inf
    high: float = math.inf
    closed: bool = True
    pole: float | None = None
    period: float | None = None

    def contains(self, z: Values) -> Values:
        """Elementwise: may the form be evaluated at z?"""
        inside = (z >= self.low) & (z <= self.high) if self.closed else (z > self.low) & (z < self.high)
        if self.pole is None:
            return inside
        away = z - self.pole
        if self.period is not None:
            away = on.remainder(away, self.period)
        return inside & (away != 0)

    def admits(self, low: ArrayLike, high: ArrayLike) -> NDArray[np.bool_]:
        """Is the form smooth on the whole interval [low, high]? Broadcasts."""
        lower, upper = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
        left, right = (np.greater_equal, np.less_equal) if self.closed else (np.greater, np.less)
        good = left(lower, self.low) & right(upper, self.high)
        if self.pole is not None:
            lower, upper = lower - self.pole, upper - self.pole
            if self.period is None:
                good &= (lower > 0) | (upper < 0)
            else:
                good &= np.floor(lower / self.period) == np.floor(upper / self.period)
        return good


@dataclass(frozen=True, slots=True)
class Form:
    """A closed form f of one variable.

    Parameters
    ----------
    name
        What people call it.
    text
        The formula in x, readable by `edgewise.forms.parse`.
    value, derivative
        f and f' on tensors, elementwise and differentiable to any order.
    arrays
        Whether they take NumPy arrays, too.
    domain
        Where f may be evaluated.
    complexity
        What the form costs a reader, in nodes.
    family
        Which of the constants in a*f(b*x + c) + d are redundant: `power` forms absorb b, `exponential` ones c,
        `linear` both; `general` none.
    shift_of
        For a form that is an affine image of another, (name, scale, b, c, offset):
        f(x) = scale * other(b*x + c) + offset.

    Examples
    --------
    >>> import torch
    >>> from edgewise.forms import FORMS
    >>> FORMS["square"].value(torch.tensor([1.0, 2.0]))
    tensor([1., 4.])
    """

    name: str
    text: str
    value: Function
    derivative: Function
    domain: FormDomain = FormDomain()
    complexity: int = 1
    family: Family = "general"
    shift_of: tuple[str, float, float, float, float] | None = None
    arrays: bool = False

    def tree(self) -> Node:
        """The formula in x, as a tree of its own: a shared literal would be one constant for all who use it."""
        return parse(FORMS[self.name].text if self.name in FORMS else self.text, ("x",)).tree

    def at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """f of an array; what is no number is nan or infinite."""
        return self._on_array(self.value, x)

    def slope_at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """f' of an array."""
        return self._on_array(self.derivative, x)

    def _on_array(self, function: Function, x: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.arrays:
            with np.errstate(all="ignore"):
                return np.asarray(function(x), dtype=np.float64)
        import torch

        return function(torch.from_numpy(np.ascontiguousarray(x))).numpy()


_ANY = FormDomain()
_NOT_ZERO = FormDomain(pole=0.0)
_POSITIVE = FormDomain(low=0.0, closed=False)
_NOT_NEGATIVE = FormDomain(low=0.0)


def _power(name: str, exponent: float, text: str, complexity: int) -> Form:
    whole = exponent == int(exponent)
    domain = (
        (_ANY if exponent > 0 else _NOT_ZERO) if whole else (_NOT_NEGATIVE if exponent > 0 else _POSITIVE)
    )
    # An int exponent keeps both libraries on an exact path for small powers.
    p = int(exponent) if whole else exponent
    return Form(
        name, text, lambda x: on.power(x, p), lambda x: p * on.power(x, p - 1), domain, complexity, "power"
    )


_FORMS = (
    Form("identity", "x", lambda x: x, on.ones_like, complexity=1, family="linear"),
    _power("square", 2, "x^2", 2),
    _power("cube", 3, "x^3", 3),
    _power("fourth", 4, "x^4", 4),
    _power("fifth", 5, "x^5", 5),
    _power("reciprocal", -1, "1/x", 2),
    _power("inverse square", -2, "1/x^2", 3),
    _power("inverse cube", -3, "1/x^3", 4),
    Form("sqrt", "sqrt(x)", on.sqrt, lambda x: 0.5 / on.sqrt(x), _NOT_NEGATIVE, 2, "power"),
    Form("inverse sqrt", "1/sqrt(x)", on.rsqrt, lambda x: -0.5 * x**-1.5, _POSITIVE, 3, "power"),
    _power("cube root", 1 / 3, "x^(1/3)", 4),
    _power("two thirds", 2 / 3, "x^(2/3)", 4),
    _power("three halves", 3 / 2, "x^(3/2)", 4),
    _power("five halves", 5 / 2, "x^(5/2)", 5),
    _power("inverse three halves", -3 / 2, "1/x^(3/2)", 5),
    _power("inverse cube root", -1 / 3, "1/x^(1/3)", 5),
    Form("abs", "abs(x)", on.absolute, on.sign, complexity=3, family="power"),
    Form("log", "log(x)", on.log, on.reciprocal, _POSITIVE, 2, "power"),
    Form("exp", "exp(x)", on.exp, on.exp, complexity=2, family="exponential"),
    Form("sin", "sin(x)", on.sin, on.cos, complexity=2),
    Form(
        "cos",
        "cos(x)",
        on.cos,
        lambda x: -on.sin(x),
        complexity=2,
        shift_of=("sin", 1.0, 1.0, math.pi / 2, 0.0),
    ),
    Form(
        "tan",
        "tan(x)",
        on.tan,
        lambda x: 1 + on.tan(x) ** 2,
        FormDomain(pole=math.pi / 2, period=math.pi),
        3,
    ),
    Form("tanh", "tanh(x)", on.tanh, lambda x: 1 - on.tanh(x) ** 2, complexity=3),
    Form(
        "sigmoid",
        "1/(1 + exp(-x))",
        on.sigmoid,
        lambda x: on.sigmoid(x) * on.sigmoid(-x),
        complexity=4,
        shift_of=("tanh", 0.5, 0.5, 0.0, 0.5),
    ),
    Form("arctan", "atan(x)", on.atan, lambda x: 1 / (1 + x * x), complexity=3),
    Form("arcsin", "asin(x)", on.asin, lambda x: 1 / on.sqrt(1 - x * x), FormDomain(-1.0, 1.0), 3),
    Form("sinh", "sinh(x)", on.sinh, on.cosh, complexity=3),
    Form("cosh", "cosh(x)", on.cosh, on.sinh, complexity=3),
    Form("gaussian", "exp(-x^2)", on.gaussian, lambda x: -2 * x * on.gaussian(x), complexity=4),
    Form(
        "lorentzian",
        "1/(1 + x^2)",
        lambda x: 1 / (1 + x * x),
        lambda x: -2 * x / (1 + x * x) ** 2,
        complexity=4,
    ),
    Form(
        "arc",
        "sqrt(1 - x^2)",
        lambda x: on.sqrt(1 - x * x),
        lambda x: -x / on.sqrt(1 - x * x),
        FormDomain(-1.0, 1.0),
        5,
    ),
    Form(
        "hyperbola",
        "sqrt(1 + x^2)",
        lambda x: on.sqrt(1 + x * x),
        lambda x: x / on.sqrt(1 + x * x),
        complexity=5,
    ),
    Form(
        "inverse arc",
        "1/sqrt(1 - x^2)",
        lambda x: (1 - x * x) ** -0.5,
        lambda x: x * (1 - x * x) ** -1.5,
        FormDomain(-1.0, 1.0, closed=False),
        6,
    ),
    Form(
        "inverse hyperbola",
        "1/sqrt(1 + x^2)",
        lambda x: (1 + x * x) ** -0.5,
        lambda x: -x * (1 + x * x) ** -1.5,
        complexity=6,
    ),
    Form("x log x", "x*log(x)", lambda x: x * on.log(x), lambda x: 1 + on.log(x), _POSITIVE, 5),
    Form("x exp x", "x*exp(x)", lambda x: x * on.exp(x), lambda x: (1 + x) * on.exp(x), complexity=5),
    Form(
        "planck",
        "x/(exp(x) - 1)",
        lambda x: x / on.expm1(x),
        lambda x: (1 + x / on.expm1(-x)) / on.expm1(x),
        _NOT_ZERO,
        7,
    ),
)

_TABLE = tuple(replace(form, arrays=True) for form in _FORMS)
FORMS: Mapping[str, Form] = MappingProxyType({form.name: form for form in _TABLE})


def form_from_text(text: str) -> Form:
    """A form from the library by its name, or a new one from a formula in x.

    Parameters
    ----------
    text
        A name among `FORMS`, or a formula of one variable x such as "x*exp(-x)".

    Returns
    -------
    Form
        For a formula, the derivative is closed-form too and the domain is wherever the value is finite.

    Raises
    ------
    InputError
        Where the text is neither, or does not use x.

    Examples
    --------
    >>> import torch
    >>> from edgewise.forms import form_from_text
    >>> bump = form_from_text("x*exp(-x)")
    >>> bump.derivative(torch.tensor(1.0))
    tensor(0.)
    >>> form_from_text("sin").text
    'sin(x)'
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(argument="text", expected="be the name of a form or a formula in x", got=short(text))
    known = FORMS.get(text) or _by_text().get(text)
    return known if known is not None else _from_formula(text)


@cache
def _by_text() -> Mapping[str, Form]:
    return {form.text: form for form in _TABLE}


@cache
def _from_formula(text: str) -> Form:
    expression = parse(text, ("x",))
    if not expression.variables:
        raise InputError(argument="text", expected="be a formula that uses x", got=short(text))
    slope = expression.derivative("x")
    return Form(
        expression.text,
        expression.text,
        _callable(expression),
        _callable(slope),
        complexity=_size(expression.tree),
        arrays=True,
    )


def _callable(expression: Expression) -> Function:
    # The sum with zeros gives a constant derivative the shape and dtype of x.
    return lambda x: expression.evaluate({"x": x}) + on.zeros_like(x)


def _size(node: Node) -> int:
    """The number of nodes, signs and inverses not counted."""
    if isinstance(node, Apply):
        own = (
            0
            if node.function in ("neg", "inv")
            else len(node.arguments) - 1
            if node.function in ("+", "*")
            else 1
        )
        return own + sum(_size(argument) for argument in node.arguments)
    return 0 if isinstance(node, Number) and abs(node.value) == 1 else 1
