"""Formulas as values: parsed from text without eval, evaluated on tensors or arrays, differentiated in closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgewise._core.arguments import as_mapping, check_text
from edgewise._core.checks import check_names, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.forms import elementwise as on
from edgewise.forms.derivative import differentiate
from edgewise.forms.elementwise import Values
from edgewise.forms.functions import CONSTANTS, FUNCTIONS
from edgewise.forms.parser import read
from edgewise.forms.tree import Apply, Node, Number, Variable, names_in, render


@dataclass(frozen=True)
class Expression:
    """A formula as an immutable tree.

    Parameters
    ----------
    tree
        The root node.
    columns
        The variables the formula may use; a name among them hides the constant of the same name.

    Examples
    --------
    >>> import torch
    >>> from edgewise.forms import parse
    >>> law = parse("2*x^2 + sin(pi*y)", ["x", "y"])
    >>> law.evaluate({"x": torch.tensor([1.0, 3.0]), "y": torch.tensor([0.5, 0.5])})
    tensor([ 3., 19.])
    >>> law.derivative("x").text
    '4*x'
    """

    tree: Node
    columns: tuple[str, ...]

    @cached_property
    def text(self) -> str:
        """The formula as text; parsing it gives the formula back."""
        return render(self.tree)

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The columns the formula uses, in reading order."""
        return tuple(dict.fromkeys(name for name in names_in(self.tree) if name in self.columns))

    def __str__(self) -> str:
        return self.text

    def evaluate(self, values: Mapping[str, Values]) -> Values:
        """The formula's value, differentiable to any order.

        Parameters
        ----------
        values
            A tensor for every variable, of shapes that broadcast; the result has their dtype. Or an array for every one.

        Returns
        -------
        Tensor or array
            The broadcast shape, or a float64 scalar where the formula has no variables.

        Raises
        ------
        InputError
            Where a variable has no value.
        """
        values = as_mapping(values, "values", "variables to tensors")
        for name in self.variables:
            if name not in values:
                raise InputError(
                    argument="values",
                    expected=f"give every variable of {self.text!r} a tensor",
                    got=f"none for {name!r}{did_you_mean(name, values)}",
                )
            if not isinstance(values[name], (int, float, np.ndarray, np.number)) and not hasattr(
                values[name], "detach"
            ):
                raise InputError(
                    argument="values",
                    expected=f"give every variable of {self.text!r} a tensor",
                    got=f"{short(values[name])} for {name!r}",
                )
        known: dict[str, Values] = {
            **CONSTANTS,
            **{name: values[name] for name in self.columns if name in values},
        }
        with np.errstate(all="ignore"):
            result = _evaluate(self.tree, known)
        if not isinstance(result, float):
            return result
        if any(isinstance(value, np.ndarray) for value in values.values()):
            return np.asarray(result)
        import torch

        return torch.tensor(result, dtype=torch.float64)

    def derivative(self, name: str) -> Expression:
        """The closed-form derivative with respect to a variable."""
        return Expression(differentiate(self.tree, check_text(name, "name")), self.columns)


def parse(text: str, variables: Iterable[str]) -> Expression:
    """Read a formula from text, safely: the text is never evaluated as code.

    Parameters
    ----------
    text
        Numbers, the variables, + - * / ^ (or **), brackets and calls such as `exp(-x)` and `max(x, y)`. A name that is
        not an identifier is written in backticks.
    variables
        The names the formula may use. `pi` and `e` are known where no variable has that name.

    Returns
    -------
    Expression

    Raises
    ------
    InputError
        Where the text is anything but such a formula.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> parse("exp(-x**2) / `flow rate`", ["x", "flow rate"]).text
    'exp(-x^2)/`flow rate`'
    """
    names = check_names(variables, "variables")
    return Expression(read(text, names), names)


def _evaluate(node: Node, values: Mapping[str, Values]) -> Values:
    """Numbers stay Python floats until they meet a tensor, so that the result has the variables' own dtype."""
    if isinstance(node, Number):
        return float(node.value)
    if isinstance(node, Variable):
        return values[node.name]
    head = node.function
    if head in ("+", "*"):
        return _chain(head, node.arguments, values)
    first, *rest = (_evaluate(argument, values) for argument in node.arguments)
    if head == "neg":
        return -first
    if head == "inv":
        return _divided(1.0, first)
    if head == "^":
        return _power(first, rest[0])
    return _called(FUNCTIONS[head].value, first, *rest)


def _chain(head: str, arguments: tuple[Node, ...], values: Mapping[str, Values]) -> Values:
    """A sum or product, left to right, with true subtractions and divisions."""
    total = _evaluate(arguments[0], values)
    for argument in arguments[1:]:
        inverted = isinstance(argument, Apply) and argument.function == ("neg" if head == "+" else "inv")
        inner = argument.arguments[0] if isinstance(argument, Apply) and inverted else argument
        value = _evaluate(inner, values)
        if head == "+":
            total = total - value if inverted else total + value
        else:
            total = _divided(total, value) if inverted else total * value
    return total


def _divided(above: Values, below: Values) -> Values:
    both = isinstance(above, float) and isinstance(below, float)
    return _called(np.divide, above, below) if both else above / below


def _power(base: Values, exponent: Values) -> Values:
    # A Python exponent lets torch use its fast and exact small powers.
    if isinstance(base, float):
        return (
            _called(np.power, base, exponent)
            if isinstance(exponent, float)
            else _like(base, exponent) ** exponent
        )
    return on.power(base, exponent) if isinstance(exponent, float) else base**exponent


def _called(function: Callable[..., Values], *arguments: Values) -> Values:
    """Of numbers alone the value is a number, infinite or none where it has to be."""
    varying = next((argument for argument in arguments if not isinstance(argument, float)), None)
    if varying is not None:
        return function(
            *(_like(argument, varying) if isinstance(argument, float) else argument for argument in arguments)
        )
    return float(function(*(np.float64(argument) for argument in arguments)))


def _like(number: float, values: Values) -> Values:
    """The number as something that the library of the values takes; of no dimension, it does not widen their dtype."""
    library = on.library(values)
    return number if library is np else library.tensor(number, dtype=library.float64)
