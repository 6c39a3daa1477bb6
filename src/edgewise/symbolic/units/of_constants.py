"""The units that the constants of a formula carry, as g and k_B do: what their places ask for.

Where several constants of a product share what is asked for, the first that is a number takes all of it: in a*(b + c*x) the
bracket has no unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from edgewise.forms.tree import Apply, Node, Number
from edgewise.symbolic.units.constraints import Dimensions
from edgewise.symbolic.units.rules import (
    Exponents,
    MismatchError,
    Quantity,
    Rules,
    as_fraction,
    constant_value,
)

_COMPARED = ("+", "max", "min", "mod")
_FREE_INSIDE = ("log", "sign", "step")


def constant_units(tree: Node, dimensions: Dimensions) -> tuple[str, ...] | None:
    """The unit of every float of a formula, in the order of its tape; "1" where it has none.

    Parameters
    ----------
    tree
        A formula in the columns.
    dimensions
        Of the columns and of what the formula gives.

    Returns
    -------
    tuple of str or None
        None where the units of the formula fit for no units of its constants.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> known = Dimensions.read({"m": "kg", "h": "m", "E": "J"}, ["m", "h"], "E")
    >>> constant_units(parse("9.81*m*h", ["m", "h"]).tree, known)
    ('m/s^2',)
    >>> constant_units(parse("2.5*m*exp(-0.5*h) + 3.0*m", ["m", "h"]).tree, known)
    ('m^2/s^2', '1/m', 'm^2/s^2')
    """
    if dimensions.fault(tree, free_constants=True) is not None:
        return None
    places = _Places(dimensions.rules(free_constants=True))
    places.visit(tree, dimensions.target, places.none)
    return tuple(places.found.values())


class _Places:
    """A walk from the whole formula down to its constants, with what each place must have."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.none: Exponents = (Fraction(0),) * len(rules.bases)
        # By the identity of the literal: one that stands in several places is one constant.
        self.found: dict[int, str] = {}

    def visit(self, node: Node, factor: Exponents, shift: Exponents) -> None:
        """Go on below a place that asks for a factor, and for a shift where logarithms are taken."""
        if isinstance(node, Number) and isinstance(node.value, float):
            unit = self.rules.unit(factor)
            self.found.setdefault(id(node), f"log({self.rules.unit(shift)})" if any(shift) else unit)
        if not isinstance(node, Apply):
            return
        name, arguments = node.function, node.arguments
        parts = [self.rules.quantity(argument) for argument in arguments]
        if name == "^":
            self._power(arguments, parts, factor)
        elif name == "*":
            self._product(arguments, parts, factor)
        elif name in _COMPARED:
            self._sum(arguments, parts, factor, shift)
        elif name == "exp":
            # The exponential of a logarithm is the quantity again.
            taken = parts[0].shift is None
            self.visit(arguments[0], self.none, factor if taken else self.none)
        elif name in _FREE_INSIDE:
            self.visit(arguments[0], parts[0].factor or self.none, self.none)
        else:
            inside = {"neg": 1, "abs": 1, "inv": -1, "sqrt": 2}.get(name, 0)
            turned = -1 if name == "neg" else 0
            self.visit(arguments[0], _times(factor, inside), _times(shift, turned))

    def _power(self, arguments: Sequence[Node], parts: Sequence[Quantity], factor: Exponents) -> None:
        base, exponent = arguments
        asked = parts[0].factor
        if asked is None:
            power = Fraction(0)
            if parts[1].factor is None or not any(parts[1].factor):
                try:
                    power = as_fraction(constant_value(exponent))
                except (MismatchError, KeyError):  # a column above: the base has no unit
                    power = Fraction(0)
            asked = _times(factor, 1 / power if power else 0)
        self.visit(base, asked, self.none)
        self.visit(exponent, self.none, self.none)

    def _product(self, arguments: Sequence[Node], parts: Sequence[Quantity], factor: Exponents) -> None:
        left = factor
        for part in parts:
            left = left if part.factor is None else _plus(left, _times(part.factor, -1))
        free = [at for at, part in enumerate(parts) if part.factor is None]
        takes = next((at for at in free if isinstance(arguments[at], Number)), next(iter(free), None))
        for at, (argument, part) in enumerate(zip(arguments, parts, strict=True)):
            own = self.none if part.factor is None else part.factor
            self.visit(argument, left if at == takes else own, self.none)

    def _sum(
        self, arguments: Sequence[Node], parts: Sequence[Quantity], factor: Exponents, shift: Exponents
    ) -> None:
        common = next((part.factor for part in parts if part.factor is not None), factor)
        for part in parts:
            shift = shift if part.shift is None else _plus(shift, _times(part.shift, -1))
        # One number takes up the shift of all logarithms beside it.
        takes = next((at for at, argument in enumerate(arguments) if isinstance(argument, Number)), None)
        for at, argument in enumerate(arguments):
            self.visit(argument, common, shift if at == takes else self.none)


def _plus(left: Exponents, right: Exponents) -> Exponents:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _times(exponents: Exponents, by: Fraction | int) -> Exponents:
    return tuple(exponent * by for exponent in exponents)
