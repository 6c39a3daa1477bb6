"""An unknown function of several columns inside a known formula: y = x3*f(x1, x2) + x4 gives f.

Where the function is called once the formula can be undone around it, row by row, which gives what the function was there;
what noise in y is of that is shown by the slope. The search for formulas does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from edgewise._core.arguments import check_words
from edgewise._core.arrays import Floats
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_float, did_you_mean, plural, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise.forms import parse
from edgewise.forms.derivative import differentiate
from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.parser import Grammar
from edgewise.forms.reader import Reader
from edgewise.forms.tree import OPERATORS, Apply, Node, Variable, names_in, render, replaced
from edgewise.symbolic.config import SearchConfig
from edgewise.symbolic.expressions.named_constants import names_alone, right_side
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.fitting.measurements import read_rows
from edgewise.symbolic.fitting.rounding import fit_expression
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.results.formula import Formula
from edgewise.symbolic.results.search_result import FormulaResult, as_formula
from edgewise.symbolic.search.find_formula import find_formula
from edgewise.symbolic.units.rules import constant_value

_MOST = 60
# Rows that the undone formula has no value on, as a share; more would leave out a part of the law.
_LOST = 0.5
# Rows whose slope is far above the usual one say almost all; they are held to so many times it.
_HEAVIEST = 1e4
_REFUSAL = (
    "The 'text' argument must be a formula that calls one unknown function once, as in x3*f(x1, x2) + x4. "
    "Got {text} instead"
)


@dataclass(frozen=True, eq=False)
class FoundFunction:
    """An unknown function of a known formula.

    Attributes
    ----------
    name : str
        As in the text.
    function : FormulaResult
        Formulas for it in its arguments.
    formula : Formula
        The whole formula with the best of them in it, its constants fitted to y.
    message : str
    stop_reason : StopReason
    seconds : float
    """

    name: str
    function: FormulaResult
    formula: Formula
    message: str
    stop_reason: StopReason
    seconds: float

    def __str__(self) -> str:
        return f"{self.function}\n{self.message}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            **fields(self, "name", "message", "stop_reason", "seconds"),
            "function": self.function.to_dict(),
            "formula": self.formula.to_dict(),
        }


@own_settings
def find_function(
    X: Any,
    y: Any,
    text: str,
    *,
    names: Iterable[str] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int | None = 0,
    validation: float = 0.2,
    config: SearchConfig | None = None,
) -> FoundFunction:
    """Find an unknown function, of one or several columns, in a formula that is known but for it.

    Parameters
    ----------
    X
        Matrix or data frame, (n, d).
    y
        Vector, (n,).
    text
        The formula. A name that is called and is neither a column nor a known function is the unknown one, called once,
        with columns or formulas of them: "x3*f(x1, x2) + x4", "exp(-x1*g(x2/x3, x4))". What stands around it must have an
        inverse; of sines and cosines the principal one is taken, of even powers the positive root.
    names
        Names of the columns; by default those of the data frame, or x1, x2, ...
    work, seconds, seed, validation, config
        As of `find_formula`.

    Returns
    -------
    FoundFunction

    Raises
    ------
    InputError
        Where the text does not call one unknown function once, cannot be undone around it, or has no value on most rows.

    Notes
    -----
    Rows count by the square of the slope of the formula in the function: what noise in y is of its values.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic import find_function
    >>> X = np.random.default_rng(0).uniform(1, 3, (200, 4))
    >>> y = X[:, 2] * (X[:, 0] / X[:, 1] ** 2) + X[:, 3]
    >>> found = find_function(X, y, "x3*f(x1, x2) + x4")
    >>> found.function.best.text, found.formula.text
    ('x1/x2^2', 'x1*x3/x2^2 + x4')
    """
    table, columns = read_rows(X, y, names)
    share = check_float(validation, "validation", low=0.05, high=0.5)
    call, root, label = _read(text, columns)
    known = (*columns, label)
    with np.errstate(all="ignore"), one_thread():
        Z = np.column_stack([_values(argument, columns, table.X) for argument in call.arguments])
        value = _undone(root, label, table.y, columns, table.X)
        slope = _values(differentiate(root, label), known, np.column_stack([table.X, value]))
    complete = np.isfinite(Z).all(axis=1) & np.isfinite(value) & np.isfinite(slope) & (slope != 0)
    if complete.mean() < _LOST:
        raise InputError(
            argument="text",
            expected="be a formula that can be undone on most rows",
            got=(
                f"{short(text)}, which gives no value of {call.function} on {int((~complete).sum())} "
                f"of {len(complete)} rows"
            ),
        )
    weight = np.square(slope[complete])
    weight = np.minimum(weight / np.median(weight), _HEAVIEST)
    labels = [
        argument.name if isinstance(argument, Variable) else render(argument) for argument in call.arguments
    ]
    found = find_formula(
        Z[complete], value[complete], names=labels, work=work, seconds=seconds, seed=seed, validation=validation,
        config=config, sample_weight=None if np.ptp(weight) <= 1e-9 else weight,
    )  # fmt: skip
    inner = replaced(found.best.tree, dict(zip(labels, call.arguments, strict=True)))
    whole = from_tree(replaced(root, {label: inner}), columns)
    rows = SplitRows.split(columns, table.X[complete], table.y[complete], share, seed)
    with np.errstate(all="ignore"), one_thread():
        formula = as_formula(fit_expression(whole, rows), rows, None)
    lost = int((~complete).sum())
    note = f" {plural(lost, 'row')} left out: the formula cannot be undone there." if lost else ""
    message = " ".join([f"{found.message}{note}", *table.notes])
    return FoundFunction(call.function, found, formula, message, found.stop_reason, found.seconds)


def _read(text: object, columns: tuple[str, ...]) -> tuple[Apply, Node, str]:
    """The call of the unknown function, the formula around it, and the name its value has there."""
    reader = Reader.of(check_words(text, "text"), _REFUSAL, "The 'text' argument")
    if free := [name for name in names_alone(reader) if name not in columns]:
        raise reader.fail(
            f"{short(free[0], 40)} is no column{did_you_mean(free[0], columns)}; constants in it must be numbers, for a "
            "factor of the function or a term beside it is a part of it, and fit_partial fits others beside functions of "
            "one column"
        )
    tree = right_side(reader, columns, Grammar(unknown=True, arguments=_MOST))
    calls = list(_calls(tree))
    if len(calls) != 1:
        raise reader.fail(
            "every function in it is known" if not calls else f"it calls unknown functions {len(calls)} times"
        )
    call, label = calls[0], render(calls[0])
    if not all(set(names_in(argument)) & set(columns) for argument in call.arguments):
        raise reader.fail(f"the function {call.function!r} is not called with columns")
    return call, _with_label(tree, call, label), label


def _calls(node: Node) -> Iterator[Apply]:
    if isinstance(node, Apply):
        if node.function not in FUNCTIONS and node.function not in OPERATORS:
            yield node
        for argument in node.arguments:
            yield from _calls(argument)


def _with_label(node: Node, call: Apply, label: str) -> Node:
    if node is call:
        return Variable(label)
    if isinstance(node, Apply):
        return Apply(node.function, tuple(_with_label(argument, call, label) for argument in node.arguments))
    return node


def _undone(node: Node, label: str, y: Floats, columns: tuple[str, ...], X: Floats) -> Floats:
    """What the variable must be for the formula to be y, row by row; NaN where nothing is."""
    while isinstance(node, Apply):
        at = next(k for k, argument in enumerate(node.arguments) if label in names_in(argument))
        others = [_values(argument, columns, X) for k, argument in enumerate(node.arguments) if k != at]
        if node.function == "+":
            y = y - np.sum(others, axis=0)
        elif node.function == "*":
            y = y / np.prod(others, axis=0)
        elif (
            node.function == "^"
            and at == 0
            and not any(name in columns for name in names_in(node.arguments[1]))
        ):
            power = Fraction(constant_value(node.arguments[1])).limit_denominator(1000)
            odd = power.numerator % 2 == 1 and power.denominator % 2 == 1
            root = np.abs(y) ** float(1 / power)
            y = np.sign(y) * root if odd else np.where(y >= 0, root, np.nan)
        elif node.function == "^":
            y = y ** (1 / others[0]) if at == 0 else np.log(y) / np.log(others[0])
        elif node.function in ("neg", "inv") or FUNCTIONS[node.function].inverse:
            y = _argument_of(node.function, y)
        else:
            raise InputError(
                argument="text",
                expected="be a formula that can be undone around the unknown function",
                got=f"one in which it stands inside {node.function}",
            )
        node = node.arguments[at]
    return y


def _argument_of(function: str, y: Floats) -> Floats:
    """What a sign, an inverse or a function was taken of."""
    if function in ("neg", "inv"):
        return -y if function == "neg" else 1 / y
    y = np.where(y >= 0, y, np.nan) if function == "sqrt" else y
    return parse(FUNCTIONS[function].inverse, ("x",)).evaluate({"x": y})


def _values(node: Node, columns: tuple[str, ...], X: Floats) -> Floats:
    tape = Tape(node, columns)
    return np.broadcast_to(tape.value(tape.start, X), (len(X),)).astype(np.float64)
