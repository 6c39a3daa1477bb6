"""A formula as a straight list of numpy operations, with the exact Jacobian of its constants in one backward sweep.

The constants are the tree's float literals; integers, ratios of them, pi and e stay as they are. A literal object that
stands in several places of the tree is one constant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.functions import CONSTANTS, FUNCTIONS, JUMPS
from edgewise.forms.tree import Apply, Node, Number, Variable

# A column, or a scalar where no column is involved.
Values = NDArray[np.float64] | np.float64
# One number for each constant, or one for each row.
Constants = Floats | Sequence[Values]
# The value of an operator of one operand or a function, and the derivatives from operands and value.
_VALUES: Mapping[str, Callable[..., Any]] = {
    "neg": np.negative,
    "inv": np.reciprocal,
    **{name: function.value.array for name, function in FUNCTIONS.items()},
}
_SLOPES: Mapping[str, Callable[..., Any]] = {
    "neg": lambda x, f: np.float64(-1.0),
    "inv": lambda x, f: -f * f,
    **{name: function.slopes for name, function in FUNCTIONS.items()},
}
_OF_TWO = {name for name, function in FUNCTIONS.items() if function.arity == 2}
_ANGLES = {name for name, function in FUNCTIONS.items() if function.periodic and function.arity == 1}


# Half of the distance between 1 and the next number.
_UNIT = 2.0**-53

# Units of work: an operation on a column, and on one of its entries, by kind.
_CALL, _ENTRY = 1.5e-6, 1e-9
_DEAR = {"^": 20.0, "+": 1.0, "-": 1.0, "*": 1.0, "/": 1.5, "neg": 1.0, "inv": 1.5}
_DEAR |= {name: function.work for name, function in FUNCTIONS.items()}


@dataclass(frozen=True, slots=True)
class _Step:
    """slot = operation(left, right); unary operations have right = -1."""

    operation: str
    left: int
    right: int = -1


class Tape:
    """A formula compiled for repeated evaluation with changing constants.

    Parameters
    ----------
    tree
        The formula.
    columns
        The names of the columns of X, in order.
    """

    def __init__(self, tree: Node, columns: Sequence[str]) -> None:
        self.tree = tree
        self.columns = tuple(columns)
        self._slots: list[_Step | int | float | str] = []
        self._seen: dict[int, int] = {}
        self._numbers: list[int] = []
        self.start = np.zeros(0)
        values: list[float] = []
        self._root = self._compile(tree, values)
        self.start = np.array(values, dtype=np.float64)
        steps = [step.operation for step in self._slots if isinstance(step, _Step)]
        self._calls = len(self._slots)
        self._entries = sum(_DEAR[step] for step in steps)

    @property
    def size(self) -> int:
        """The number of constants."""
        return len(self.start)

    @property
    def operations(self) -> int:
        """The number of columns, numbers and operations."""
        return len(self._slots)

    @property
    def exponents(self) -> frozenset[int]:
        """Which constants are powers."""
        powers = {step.right for step in self._slots if isinstance(step, _Step) and step.operation == "^"}
        return frozenset(at for at, slot in enumerate(self._numbers) if slot in powers)

    @property
    def jumps(self) -> bool:
        """Whether the formula jumps anywhere."""
        return any(isinstance(step, _Step) and step.operation in JUMPS for step in self._slots)

    @property
    def angles(self) -> frozenset[int]:
        """Which constants stand inside the argument of a sine, cosine or tangent."""
        waiting = [step.left for step in self._slots if isinstance(step, _Step) and step.operation in _ANGLES]
        inside: set[int] = set()
        while waiting:
            slot = waiting.pop()
            if slot < 0 or slot in inside:
                continue
            inside.add(slot)
            step = self._slots[slot]
            if isinstance(step, _Step):
                waiting += [step.left, step.right]
        return frozenset(at for at, slot in enumerate(self._numbers) if slot in inside)

    def value(self, constants: Constants, X: Floats) -> Floats:
        """The formula at every row of X, (n, d) -> (n,)."""
        return np.broadcast_to(self._forward(constants, X)[self._root], (len(X),))

    def jacobian(self, constants: Constants, X: Floats) -> tuple[Floats, Floats]:
        """The value (n,) and its exact derivative in every constant (n, constants)."""
        value, _, result = self.gradient(constants, X)
        return value, result

    def gradient(self, constants: Constants, X: Floats) -> tuple[Floats, Floats, Floats]:
        """The value (n,) and its exact derivatives in every column (n, d) and in every constant (n, constants)."""
        values, slopes = self._backward(constants, X)
        columns, numbers = np.zeros(X.shape), np.zeros((len(X), self.size))
        places = {slot: at for at, slot in enumerate(self._numbers)}
        for slot, (step, slope) in enumerate(zip(self._slots, slopes, strict=True)):
            if slope is None:
                continue
            if slot in places:
                numbers[:, places[slot]] = slope
            elif isinstance(step, str):
                columns[:, self.columns.index(step)] += slope
        return np.broadcast_to(values[self._root], (len(X),)), columns, numbers

    def rounding(self, constants: Floats, X: Floats) -> Floats:
        """What rounding every number, column and operation once may change of the value, to first order, (n,).

        References
        ----------
        Higham (2002), Accuracy and Stability of Numerical Algorithms, section 3.1. doi:10.1137/1.9780898718027
        """
        values, slopes = self._backward(constants, X)
        total = np.zeros(len(X))
        with np.errstate(all="ignore"):
            for value, slope in zip(values, slopes, strict=True):
                if slope is not None:
                    total += np.abs(slope * value)
        return _UNIT * total

    def _backward(self, constants: Constants, X: Floats) -> tuple[list[Values], list[Values | None]]:
        """The values of all slots, and the derivative of the formula in each."""
        with np.errstate(all="ignore"):
            values = self._forward(constants, X)
            slopes: list[Values | None] = [None] * len(values)
            slopes[self._root] = np.ones(len(X))
            charge(_CALL * self._calls + _ENTRY * self._entries * len(X))
            # A slot is only ever used by later slots.
            for slot in range(len(values) - 1, -1, -1):
                step, slope = self._slots[slot], slopes[slot]
                if slope is None or not isinstance(step, _Step):
                    continue
                for target, partial in self._partials(step, values, slot):
                    part = slope * partial
                    held = slopes[target]
                    slopes[target] = part if held is None else held + part
        return values, slopes

    def with_constants(self, constants: Sequence[float | Node]) -> Node:
        """The tree with its constants replaced, by numbers or by exact trees such as pi/2."""
        new = [value if isinstance(value, Node) else Number(float(value)) for value in constants]
        slots = {slot: at for at, slot in enumerate(self._numbers)}
        return self._rebuilt(self.tree, slots, new, {})

    def _rebuilt(self, node: Node, slots: dict[int, int], new: Sequence[Node], done: dict[int, Node]) -> Node:
        if id(node) in done:
            return done[id(node)]
        result = node
        if isinstance(node, Number) and isinstance(node.value, float):
            result = new[slots[self._seen[id(node)]]]
        elif isinstance(node, Apply):
            result = Apply(
                node.function, tuple(self._rebuilt(argument, slots, new, done) for argument in node.arguments)
            )
        done[id(node)] = result
        return result

    def _compile(self, node: Node, values: list[float]) -> int:
        if id(node) in self._seen:
            return self._seen[id(node)]
        slot = self._compiled(node, values)
        self._seen[id(node)] = slot
        return slot

    def _compiled(self, node: Node, values: list[float]) -> int:
        if isinstance(node, Number):
            if isinstance(node.value, float):
                values.append(node.value)
                self._numbers.append(len(self._slots))
                return self._push(len(values) - 1)
            return self._push(float(node.value))
        if isinstance(node, Variable):
            hidden = node.name not in self.columns
            return self._push(CONSTANTS[node.name] if hidden else node.name)
        if node.function in ("+", "*"):
            total = self._compile(node.arguments[0], values)
            inverse, plain, inverted = ("neg", "+", "-") if node.function == "+" else ("inv", "*", "/")
            for argument in node.arguments[1:]:
                if isinstance(argument, Apply) and argument.function == inverse:
                    total = self._push(_Step(inverted, total, self._compile(argument.arguments[0], values)))
                else:
                    total = self._push(_Step(plain, total, self._compile(argument, values)))
            return total
        slots = [self._compile(argument, values) for argument in node.arguments]
        return self._push(_Step(node.function, *slots))

    def _push(self, step: _Step | int | float | str) -> int:
        self._slots.append(step)
        return len(self._slots) - 1

    def _forward(self, constants: Constants, X: Floats) -> list[Values]:
        values: list[Values] = []
        charge(_CALL * self._calls + _ENTRY * self._entries * len(X))
        with np.errstate(all="ignore"):
            for step in self._slots:
                if isinstance(step, _Step):
                    left = values[step.left]
                    right = values[step.right] if step.right >= 0 else left
                    values.append(_apply(step.operation, left, right))
                elif isinstance(step, str):
                    values.append(X[:, self.columns.index(step)])
                else:
                    values.append(np.float64(constants[step] if isinstance(step, int) else step))
        return values

    def _partials(self, step: _Step, values: list[Values], slot: int) -> list[tuple[int, Values]]:
        one = np.float64(1.0)
        left = values[step.left]
        if step.right < 0:
            return [(step.left, _SLOPES[step.operation](left, values[slot]))]
        right = values[step.right]
        if step.operation == "+":
            return [(step.left, one), (step.right, one)]
        if step.operation == "-":
            return [(step.left, one), (step.right, -one)]
        if step.operation == "*":
            return [(step.left, right), (step.right, left)]
        if step.operation == "/":
            return [(step.left, 1 / right), (step.right, -values[slot] / right)]
        if step.operation in _SLOPES:
            slopes = _SLOPES[step.operation](left, right, values[slot])
            return list(zip((step.left, step.right), slopes, strict=True))
        slopes = [(step.left, right * left ** (right - 1))]
        if isinstance(self._slots[step.right], float):
            return slopes
        return [*slopes, (step.right, np.where(left > 0, values[slot] * np.log(np.abs(left)), 0.0))]


def _apply(operation: str, left: Values, right: Values) -> Values:
    if operation == "+":
        return left + right
    if operation == "-":
        return left - right
    if operation == "*":
        return left * right
    if operation == "/":
        return left / right
    if operation == "^":
        return _power(left, right)
    function = _VALUES[operation]
    return function(left, right) if operation in _OF_TWO else function(left)


def _power(left: Values, right: Values) -> Values:
    # numpy's pow is slow in general and exact where it multiplies.
    if np.ndim(right) == 0 and right in (2.0, 3.0):
        return left * left if right == 2.0 else left * left * left
    return left**right
