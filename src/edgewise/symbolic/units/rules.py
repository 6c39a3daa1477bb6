"""How dimensions pass through a formula: the rules of sums, products, powers and functions.

A quantity of dimension d is multiplied by s^d where the units of measurement shrink by s; its logarithm is shifted by
d log s. Both are kept, so that log(a) - log(b) is as good as log(a/b). Every constant of a formula stands in one place
only, so letting each carry the dimension its place asks for decides exactly whether there is an assignment at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

import numpy as np

from edgewise.forms.tree import Apply, Node, Number, Variable, names_in, render
from edgewise.symbolic.expressions.tape import Tape

Exponents = tuple[Fraction, ...]
# A power that is a ratio of small numbers to this accuracy is that ratio: 0.333333333333 means a cube root.
_CLOSE = 1e-9
_LARGEST_DENOMINATOR = 64


class MismatchError(Exception):
    """A formula with inconsistent units; the text names where."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """How a value changes with the units: by a factor with these exponents and a shift with those.

    Either is None where a constant takes whatever its place asks for.
    """

    factor: Exponents | None
    shift: Exponents | None

    @property
    def has_unit(self) -> bool:
        """Is it surely no mere number?"""
        return self.factor is not None and any(self.factor)

    @property
    def shifts(self) -> bool:
        """Is it surely the logarithm of something with a unit?"""
        return self.shift is not None and any(self.shift)

    def raised(self, power: Fraction) -> Quantity:
        """A power of something that does not shift."""
        factor = None if self.factor is None else tuple(item * power for item in self.factor)
        return Quantity(factor, _zeros(self.shift))


@dataclass(frozen=True)
class Rules:
    """The dimensions of the columns, and whether constants may carry one.

    Parameters
    ----------
    columns
        A vector of exponents of the base dimensions for every name.
    bases
        The symbols of the base units, for messages.
    free_constants
        Let a float carry any dimension.
    """

    columns: Mapping[str, Exponents]
    bases: tuple[str, ...]
    free_constants: bool = False

    def quantity(self, node: Node) -> Quantity:
        """The dimension of an expression, or a `MismatchError`."""
        if isinstance(node, Number):
            # Nothing at all is nothing of anything.
            free = node.value == 0 or (self.free_constants and isinstance(node.value, float))
            return Quantity(None if free else self._none, self._none)
        if isinstance(node, Variable):
            return Quantity(self.columns.get(node.name, self._none), self._none)
        if node.function == "^":
            return self._power(node)
        parts = [self.quantity(argument) for argument in node.arguments]
        if node.function == "+":
            return self._sum(node, parts)
        if node.function == "*":
            return reduce(
                lambda left, right: self._product(node, left, right),
                zip(parts, node.arguments, strict=True),
            )[0]
        if node.function in ("max", "min", "mod"):
            return self._compared(node, parts)
        return self._function(node, parts[0])

    def unit(self, exponents: Sequence[Fraction]) -> str:
        """A vector of exponents as a unit: kg*m^2/s^2, or "1"."""
        return unit_text(exponents, self.bases)

    @property
    def _none(self) -> Exponents:
        return (Fraction(0),) * len(self.bases)

    def _sum(self, node: Apply, parts: Sequence[Quantity]) -> Quantity:
        total = Quantity(self._common(node, parts, "added"), self._shift_of_sum(node, parts))
        if total.shifts and total.has_unit:
            raise MismatchError(f"{written(node)} depends on the units in which its logarithms are taken")
        return Quantity(total.factor, self._none) if total.has_unit else total

    def _common(self, node: Apply, parts: Sequence[Quantity], done: str) -> Exponents | None:
        """The unit that all arguments have, as far as they have one."""
        known = [
            (part, item.factor)
            for item, part in zip(parts, node.arguments, strict=True)
            if item.factor is not None
        ]
        for part, factor in known[1:]:
            first_part, first = known[0]
            if factor != first:
                raise MismatchError(
                    f"{written(first_part)} in {self.unit(first)} and {written(_bare(part))} in {self.unit(factor)} "
                    f"cannot be {done}"
                )
        return known[0][1] if known else None

    def _compared(self, node: Apply, parts: Sequence[Quantity]) -> Quantity:
        """The larger or smaller of two quantities, or what is left of one after the other: in their own unit."""
        factor = self._common(node, parts, "compared")
        # A constant beside a logarithm takes up any shift, as in a sum; a remainder of what shifts is none of it.
        shifts = {
            item.shift
            for item, part in zip(parts, node.arguments, strict=True)
            if item.shift is not None
            and not (self.free_constants and item.factor is None and self._is_constant(part))
        }
        if len(shifts) > 1 or (node.function == "mod" and any(part.shifts for part in parts)):
            raise MismatchError(f"{written(node)} depends on the units in which its logarithms are taken")
        return Quantity(factor, shifts.pop() if shifts else None)

    def _shift_of_sum(self, node: Apply, parts: Sequence[Quantity]) -> Exponents | None:
        total = self._none
        for item, part in zip(parts, node.arguments, strict=True):
            # A constant that is added takes up any shift: log(x) + c is log(x/x0).
            if item.shift is None or (
                self.free_constants and item.factor is None and self._is_constant(part)
            ):
                return None
            total = tuple(a + b for a, b in zip(total, item.shift, strict=True))
        return total

    def _product(
        self, node: Apply, left: tuple[Quantity, Node], right: tuple[Quantity, Node]
    ) -> tuple[Quantity, Node]:
        """One more factor, with the product so far as a node."""
        shift: Exponents | None = self._none
        for (one, part), (other, rest) in ((left, right), (right, left)):
            if one.shift is None and self._is_constant(rest):
                shift = None
            if one.shifts and (other.shifts or not self._is_constant(rest)):
                raise MismatchError(
                    f"{written(node)} depends on the unit in which {written(part)} is measured"
                )
            if one.shift is not None and one.shifts:
                value = as_fraction(constant_value(rest))
                shift = tuple(item * value for item in one.shift)
        factor = None
        if left[0].factor is not None and right[0].factor is not None:
            factor = tuple(a + b for a, b in zip(left[0].factor, right[0].factor, strict=True))
        return Quantity(factor, shift), left[1] * right[1]

    def _power(self, node: Apply) -> Quantity:
        base, exponent = node.arguments
        self._check_pure(self.quantity(exponent), exponent, node)
        quantity = self.quantity(base)
        if quantity.shifts or not self._is_constant(exponent):
            self._check_pure(quantity, base, node)
            return Quantity(self._none, self._none)
        return quantity.raised(as_fraction(constant_value(exponent)))

    def _function(self, node: Apply, part: Quantity) -> Quantity:
        name, argument = node.function, node.arguments[0]
        if name == "neg":
            return Quantity(part.factor, None if part.shift is None else tuple(-item for item in part.shift))
        if name == "exp" and not part.has_unit:
            # The exponential of a logarithm is the quantity again.
            return Quantity(part.shift, self._none)
        if name == "log" and not part.shifts:
            return Quantity(self._none, part.factor)
        if name in _POWERS and not part.shifts:
            return part.raised(_POWERS[name])
        if name in ("sign", "step") and not part.shifts:
            return Quantity(self._none, self._none)
        self._check_pure(part, argument, node)
        return Quantity(self._none, self._none)

    def _check_pure(self, quantity: Quantity, node: Node, inside: Node) -> None:
        """The expression is a mere number."""
        if quantity.factor is not None and quantity.has_unit:
            raise MismatchError(
                f"{written(inside)} needs a number without unit where {written(node)} is in {self.unit(quantity.factor)}"
            )
        if quantity.shifts:
            raise MismatchError(f"{written(inside)} depends on the unit in which {written(node)} is measured")

    def _is_constant(self, node: Node) -> bool:
        return not any(name in self.columns for name in names_in(node))


_POWERS = {"inv": Fraction(-1), "sqrt": Fraction(1, 2), "abs": Fraction(1)}


def as_fraction(value: float) -> Fraction:
    """The simple ratio that a float stands for, or the float itself as a ratio."""
    near = Fraction(value).limit_denominator(_LARGEST_DENOMINATOR)
    return near if abs(float(near) - value) <= _CLOSE * max(1.0, abs(value)) else Fraction(value)


def constant_value(node: Node) -> float:
    """The value of an expression without columns."""
    tape = Tape(node, ())
    value = float(tape.value(tape.start, np.zeros((1, 0)))[0])
    if not np.isfinite(value):
        raise MismatchError(f"{written(node)} has no finite value")
    return value


def unit_text(exponents: Sequence[Fraction], bases: Sequence[str]) -> str:
    """A vector of exponents as a unit.

    Examples
    --------
    >>> from fractions import Fraction
    >>> unit_text([Fraction(1), Fraction(2), Fraction(-2), Fraction(1, 2)], ["kg", "m", "s", "A"])
    'kg*m^2*A^(1/2)/s^2'
    """
    above = [
        _factor_text(base, exponent) for base, exponent in zip(bases, exponents, strict=True) if exponent > 0
    ]
    below = [
        _factor_text(base, -exponent) for base, exponent in zip(bases, exponents, strict=True) if exponent < 0
    ]
    return "/".join(["*".join(above) or "1", *below])


def written(node: Node) -> str:
    """The text of an expression for messages, floats to six digits."""
    return render(_shortened(node))


def _factor_text(base: str, exponent: Fraction) -> str:
    if exponent == 1:
        return base
    if exponent.denominator > _LARGEST_DENOMINATOR:  # of a measured power
        return f"{base}^{float(exponent):.6g}"
    return f"{base}^{exponent}" if exponent.denominator == 1 else f"{base}^({exponent})"


def _shortened(node: Node) -> Node:
    if isinstance(node, Number) and isinstance(node.value, float):
        return Number(float(f"{node.value:.6g}"))
    if isinstance(node, Apply):
        return Apply(node.function, tuple(_shortened(argument) for argument in node.arguments))
    return node


def _bare(node: Node) -> Node:
    return node.arguments[0] if isinstance(node, Apply) and node.function == "neg" else node


def _zeros(shift: Exponents | None) -> Exponents | None:
    # A shift that could be anything is taken to be none.
    return None if shift is None else tuple(Fraction(0) for _ in shift)
