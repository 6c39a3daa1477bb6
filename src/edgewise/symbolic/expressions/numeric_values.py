"""What expressions without columns are as numbers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from edgewise.forms.functions import FUNCTIONS
from edgewise.symbolic.expressions.nodes import CONSTANT, NUMBER, Expr

# Functions of the catalogue that the algebra knows, of floats: Python's where it has them.
HEADS: Mapping[str, Callable[..., Any]] = {
    name: getattr(math, name, function.value.array)
    for name, function in FUNCTIONS.items()
    if not function.written
} | {"max": max, "min": min, "mod": operator.mod}


def value_of(expression: Expr) -> float:
    """The value of an expression without columns; not a number where it has none."""
    if expression.head == NUMBER:
        try:
            return float(expression.value)
        except OverflowError:
            return math.inf
    if expression.head == CONSTANT:
        return math.pi if expression.value == "pi" else math.e
    values = [value_of(argument) for argument in expression.args]
    if not values or any(math.isnan(value) for value in values):
        return math.nan
    if expression.head == "+":
        return math.fsum(values) if all(map(math.isfinite, values)) else sum(values)
    if expression.head == "*":
        return math.prod(values)
    return value_at(expression.head, *values)


def value_at(head: str, *values: float) -> float:
    """An operator or a function of numbers; not a number where it has no value, infinite where that is too large."""
    try:
        found = values[0] ** values[1] if head == "^" else float(HEADS[head](*values))
    except (ValueError, ZeroDivisionError):
        return math.nan
    except OverflowError:
        return math.inf
    return found if isinstance(found, (int, float)) else math.nan
