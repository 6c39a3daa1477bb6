"""A formula as a result: its text, how well it does, how sure its constants are."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from edgewise._core.arguments import all_are, check_table
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float
from edgewise.forms.tree import Node
from edgewise.symbolic.expressions.border import as_sympy, canonical
from edgewise.symbolic.expressions.complexity import node_count, surcharge
from edgewise.symbolic.expressions.source import c_source, python_source
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.expressions.writing import text, to_tree
from edgewise.symbolic.provenance import marked
from edgewise.symbolic.results.outside import Outside
from edgewise.symbolic.results.trust import Trust

if TYPE_CHECKING:
    import sympy

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Constant:
    """A measured constant of a formula and its standard error (infinite where the data do not determine it).

    `unit` is the one that it carries where units were given, "1" for none; None where they were not.
    """

    value: float
    standard_error: float
    unit: str | None = None

    def __str__(self) -> str:
        unit = "" if self.unit in (None, "1") else f" {self.unit}"
        if not math.isfinite(self.standard_error):
            return f"{self.value:.6g}{unit} (not determined by the data)"
        if not 0 < self.standard_error < abs(self.value):
            return f"{self.value:.6g} ± {self.standard_error:.2g}{unit}"
        digits = 2 + math.floor(math.log10(abs(self.value))) - math.floor(math.log10(self.standard_error))
        return f"{self.value:.{min(digits, 15)}g} ± {self.standard_error:.2g}{unit}"


@dataclass(frozen=True)
class Formula:
    """A formula in the columns of a table, with its accuracy on rows it was not fitted to.

    Parameters
    ----------
    expression
        The formula over symbols named as the columns, of which a sympy expression makes one too. Exact numbers are exact,
        measured constants floats.
    names
        All columns of the table, in order.
    error
        Root mean squared error on held-out rows, in the units of y; in a short table each row is left out in turn.
    r2
        Coefficient of determination on the same rows.
    constants
        The measured constants in the order of the formula.
    network_deviation
        Root mean squared difference from the network the formula was read from, on the same rows; None where there
        was no network.
    trust
        How far it can be trusted, where that was looked into.
    costs
        Functions that count as more nodes than one in its complexity, each with that number.
    origin
        The parts of the search that it came through, the last one first; empty for a formula that no search found.
    outside
        How it does on ends of the table to which its constants were not fitted, where that was looked into.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> x = sympy.Symbol("x")
    >>> law = Formula(2.5 * x**2, names=("x", "z"), error=0.1, r2=0.99)
    >>> law.text, law.latex, law.complexity, law.predict([[2.0, 0.0]]).tolist()
    ('2.5*x^2', '2.5 x^{2}', 5, [10.0])
    """

    expression: Any
    names: tuple[str, ...]
    error: float = math.nan
    r2: float = math.nan
    constants: tuple[Constant, ...] = ()
    network_deviation: float | None = None
    trust: Trust | None = field(default=None, repr=False, compare=False)
    costs: tuple[tuple[str, int], ...] = field(default=(), repr=False, compare=False)
    origin: tuple[str, ...] = field(default=(), repr=False, compare=False)
    outside: Outside | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", canonical(self.expression, self.names))

    @property
    def judged(self) -> str:
        """What `error` is, as far as it is known: "held-out", or "leave-one-out" in a short table."""
        return "leave-one-out" if self.trust is not None and self.trust.leave_one_out else "held-out"

    @cached_property
    def sympy(self) -> sympy.Expr:
        """The expression in sympy, over plain symbols named as the columns."""
        return as_sympy(self.expression)

    @cached_property
    def tree(self) -> Node:
        """The expression as the tree that is fitted, evaluated and printed."""
        return marked(to_tree(self.expression), *self.origin)

    @cached_property
    def complexity(self) -> int:
        """The number of operators, functions, columns and constants; functions with a cost of their own count that."""
        return node_count(self.expression) + surcharge(self.expression, dict(self.costs))

    @cached_property
    def text(self) -> str:
        """The formula as `parse_formula` reads it, floats to six significant digits."""
        return text(self.expression, _DIGITS)

    @cached_property
    def exact_text(self) -> str:
        """The formula as text with every digit of its constants."""
        return text(self.expression)

    @cached_property
    def latex(self) -> str:
        """The formula as LaTeX mathematics, floats to six significant digits."""
        import sympy

        from edgewise.symbolic.expressions.steps import printable

        expression: Any = self.sympy
        symbols = {symbol: latex_name(symbol.name) for symbol in expression.free_symbols}
        short = expression.xreplace({value: _short(value) for value in expression.atoms(sympy.Float)})
        return str(sympy.latex(printable(short), symbol_names=symbols))

    def __str__(self) -> str:
        return self.text

    def predict(self, X: Any) -> Floats:
        """The formula at every row of a matrix, list or data frame.

        Parameters
        ----------
        X
            The columns `names`, (n, d).

        Returns
        -------
        ndarray
            (n,); not finite where the formula has no value.

        Raises
        ------
        InputError
            Where the columns do not fit.
        """
        rows = check_table(X, self.names)
        return self._tape.value(self._tape.start, rows).copy()

    def python(self, name: str = "formula") -> str:
        """The source of a Python function of the columns, for floats and numpy arrays."""
        return python_source(self.tree, self.names, name)

    def c(self, name: str = "formula") -> str:
        """The source of a C99 function of the columns, `double name(double x, ...)`, with nothing but <math.h>.

        Parameters
        ----------
        name
            Name of the function.

        Returns
        -------
        str
            Columns whose names C does not allow are renamed, and comments say so.

        Raises
        ------
        InputError
            Where the name is no plain identifier.

        Examples
        --------
        >>> import sympy
        >>> from edgewise.symbolic import Formula
        >>> print(Formula(2.5 * sympy.exp(-sympy.Symbol("x")), ("x",)).c("decay"))
        #include <math.h>
        <BLANKLINE>
        double decay(double x)
        {
            return (2.5 * exp((-x)));
        }
        <BLANKLINE>
        """
        return c_source(self.tree, self.names, name)

    def to_dict(self) -> dict[str, Any]:
        """Everything about the formula, for JSON; numbers that are not finite as None."""
        return {
            "text": self.text,
            "exact_text": self.exact_text,
            "latex": self.latex,
            "python": self.python(),
            "c": self.c(),
            "complexity": self.complexity,
            "error": _finite(self.error),
            "r2": _finite(self.r2),
            "network_deviation": None if self.network_deviation is None else _finite(self.network_deviation),
            "constants": [
                {
                    "value": constant.value,
                    "standard_error": _finite(constant.standard_error),
                    **({} if constant.unit is None else {"unit": constant.unit}),
                }
                for constant in self.constants
            ],
            "names": list(self.names),
            "origin": list(self.origin),
            "trust": None if self.trust is None else self.trust.to_dict(),
            "outside": None if self.outside is None else self.outside.to_dict(),
        }

    @cached_property
    def units_told(self) -> str:
        """The constants that carry units, in a sentence; empty where none does, or no units were given."""
        carried = [
            f"{constant.value:.6g} in {constant.unit}"
            for constant in self.constants
            if constant.unit not in (None, "1")
        ]
        return f"Constants carry units: {', '.join(carried)}." if carried else ""

    def __repr__(self) -> str:
        return (
            f"Formula({self.text!r}, complexity={self.complexity}, error={self.error:.4g}, r2={self.r2:.6g})"
        )

    @property
    def constants_told(self) -> str:
        """The measured constants, each with its standard error, in a sentence; empty where there are none."""
        return (
            f"Constants, ± one standard error: {'; '.join(map(str, self.constants))}."
            if self.constants
            else ""
        )

    def json(self) -> str:
        """Everything about the formula as one JSON object."""
        return json.dumps(self.to_dict(), allow_nan=False, ensure_ascii=False)

    @cached_property
    def _tape(self) -> Tape:
        return Tape(self.tree, self.names)


def pareto(formulas: Iterable[Formula], slack: float = 0.0) -> tuple[Formula, ...]:
    """The formulas that no simpler one equals, from the simplest to the most accurate.

    Parameters
    ----------
    formulas
        Candidates judged on the same rows.
    slack
        The share of error by which a longer formula must be better to stay.

    Returns
    -------
    tuple of Formula

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula, pareto
    >>> x = sympy.Symbol("x")
    >>> short, long = Formula(x, ("x",), error=0.1), Formula(x + x**2, ("x",), error=0.2)
    >>> [each.text for each in pareto([long, short])]
    ['x']
    """
    front: list[Formula] = []
    slack = check_float(slack, "slack", low=0.0)
    formulas = all_are(formulas, Formula, "formulas", "formulas")
    for formula in sorted(formulas, key=lambda one: (one.complexity, one.error)):
        if math.isfinite(formula.error) and (not front or formula.error < front[-1].error * (1 - slack)):
            front.append(formula)
    return tuple(front)


def with_formula(front: Sequence[Formula], formula: Formula) -> tuple[Formula, ...]:
    """A front with a formula in its place, if it is not there."""
    if any(item.expression == formula.expression for item in front):
        return tuple(front)
    return tuple(sorted((*front, formula), key=lambda item: item.complexity))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _short(value: Any) -> Any:
    import sympy

    rounded = float(f"{float(value):.{_DIGITS}g}")
    return (
        sympy.Integer(int(rounded))
        if rounded.is_integer() and abs(rounded) < 1e6
        else sympy.Float(rounded, 15)
    )


def latex_name(name: str) -> str:
    """x1 as sympy writes it; words upright, with LaTeX's own characters escaped."""
    if re.fullmatch(r"[A-Za-z]_?\d*", name):
        letter, digits = name[0], name[1:].lstrip("_")
        return f"{letter}_{{{digits}}}" if digits else letter
    escaped = "".join(_ESCAPES.get(character, character) for character in name)
    return rf"\mathrm{{{escaped}}}"


_ESCAPES = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "_": r"\_", "%": r"\%", "$": r"\$", "#": r"\#", "&": r"\&",
    "^": r"\hat{}", "~": r"\sim ", " ": r"\ ", "\n": r"\ ", "\r": r"\ ",
}  # fmt: skip
