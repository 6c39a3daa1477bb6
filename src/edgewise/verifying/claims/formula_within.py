"""A formula differs from the output by at most so much. `edgewise.verifying.entry_points.formula` proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgewise._core.checks import among, short
from edgewise._core.errors import InputError
from edgewise.forms import parse
from edgewise.forms.tree import Node, names_in
from edgewise.symbolic.expressions.parse import from_sympy
from edgewise.symbolic.results.formula import Formula
from edgewise.verifying.claims.property import Property, output_argument
from edgewise.verifying.claims.tasks import Task
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import number, word


@dataclass(frozen=True, eq=False)
class FormulaWithin(Property):
    """A formula differs from the output by at most `epsilon`; made by `formula_within`."""

    formula: Any
    epsilon: float
    output: Any = None

    maps = "none"
    certified = False

    def __str__(self) -> str:
        text = getattr(self.formula, "text", self.formula)
        return f"formula({word(str(text))}, {number(self.epsilon)}{output_argument(self.output)})"

    def task(self, columns: Columns, start: Task, rows: Any) -> Task:
        """None: intervals bound the difference, and no certificate states it."""
        raise TypeError("formulas are compared by edgewise.verifying.entry_points.formula")

    def weighed(self, columns: Columns) -> tuple[str, ...]:
        """The columns that the formula names, in its order.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        return tuple(name for name in dict.fromkeys(names_in(self.tree(columns))) if name in columns.names)

    def tree(self, columns: Columns) -> Node:
        """The formula in raw columns."""
        if isinstance(self.formula, str):
            return parse(self.formula, columns.names).tree
        expression = self.formula.sympy if isinstance(self.formula, Formula) else self.formula
        if not hasattr(expression, "free_symbols"):
            raise InputError(
                argument="formula",
                expected="be a Formula, a sympy expression or text",
                got=short(self.formula),
            )
        names = {str(symbol) for symbol in expression.free_symbols}
        if unknown := sorted(names - set(columns.names)):
            raise InputError(
                subject="The formula",
                expected=f"be in the columns {among(columns.names)}",
                got=short(unknown[0], 40),
            )
        return from_sympy(expression)
