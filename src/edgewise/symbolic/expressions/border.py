"""The border: formulas come in as text, trees or sympy expressions, and leave as text and sympy expressions.

Everything within works on `Expr`. Sympy is imported only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from edgewise._core.arguments import all_are
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms import parse
from edgewise.forms.tree import Apply, Number, Variable, render
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.nodes import UNDEFINED, Expr
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.writing import from_tree, text, to_tree

if TYPE_CHECKING:
    import sympy


def canonical(expression: Any, columns: Iterable[str] = ()) -> Expr:
    """An expression of the algebra from one, a tree or a sympy expression; `columns` are those that pi and e may be.

    Raises
    ------
    InputError
        Where a sympy expression holds something that edgewise does not know.
    """
    if isinstance(expression, Expr):
        return expression
    if isinstance(expression, (Number, Variable, Apply)):
        return from_tree(expression, tuple(columns))
    import sympy

    from edgewise.symbolic.expressions.parse import from_sympy, is_real

    _check_expression(expression)
    expression = sympy.sympify(expression)
    if not is_real(expression):
        return UNDEFINED
    return from_tree(from_sympy(expression), [symbol.name for symbol in expression.free_symbols])


def _check_expression(expression: object) -> None:
    """No text: sympy would run it as code."""
    import sympy

    if not isinstance(expression, (sympy.Basic, int, float)):
        raise InputError(
            argument="expression",
            expected="be a sympy expression",
            got=short(expression),
            advice="text is read by parse_formula",
        )


def as_sympy(expression: Expr) -> sympy.Expr:
    """The sympy expression over plain symbols with the columns' names."""
    from edgewise.symbolic.expressions.parse import to_sympy

    return to_sympy(to_tree(expression), tuple(expression.symbols))


def parse_formula(text: str, names: Iterable[str]) -> sympy.Expr:
    """Read a formula from text as a sympy expression, without evaluating it as code.

    Parameters
    ----------
    text
        The formula, in the language of `edgewise.forms.parse`: + - * / ^, exp, log, sqrt, the trigonometric and
        hyperbolic functions and their inverses, abs, sign, step, floor, max(a, b), min(a, b), mod(a, b).
    names
        The columns it may use.

    Returns
    -------
    sympy.Expr
        Over plain symbols with the columns' names.

    Raises
    ------
    InputError
        Where the text is not a formula in these columns.

    Examples
    --------
    >>> from edgewise.symbolic import parse_formula
    >>> parse_formula("2*exp(-x^2) + 1/2", ["x"])
    1/2 + 2*exp(-x**2)
    """
    from edgewise.symbolic.expressions.parse import to_sympy

    expression = parse(text, names)
    return to_sympy(expression.tree, expression.columns)


def formula_text(expression: sympy.Expr | Expr, digits: int | None = None) -> str:
    """Write an expression in the language that `parse_formula` reads.

    Parameters
    ----------
    expression
        An expression of real functions that edgewise knows.
    digits
        Significant digits of the floats; by default all that are needed to read back the same number. Factors that are
        one to these digits are left out.

    Returns
    -------
    str

    Raises
    ------
    InputError
        Where the expression holds something that edgewise does not know.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import formula_text
    >>> x = sympy.Symbol("x")
    >>> formula_text(2 * sympy.exp(-(x**2)) + sympy.Rational(1, 2))
    '2*exp(-x^2) + 1/2'
    """
    if isinstance(expression, Expr):
        return text(expression, digits)
    import sympy

    from edgewise.symbolic.expressions.parse import from_sympy, without_ones

    _check_expression(expression)
    known: Any = sympy.sympify(expression)
    shown = known if digits is None else without_ones(known, digits)
    return render(from_sympy(shown, digits))


def simplify_expression(expression: sympy.Expr, positive: Collection[str] = ()) -> sympy.Expr:
    """The shortest of a formula's canonical writings, in bounded time.

    Parameters
    ----------
    expression
        A real formula with integer, rational or float constants.
    positive
        Names of columns that are positive throughout, so that sqrt(x^2) is x.

    Returns
    -------
    sympy.Expr
        Equal to it wherever it has a value and these columns are positive; in the symbols that it came with.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import simplify_expression
    >>> x, y = sympy.symbols("x y")
    >>> simplify_expression(sympy.exp(2 * sympy.log(x) - 3 * sympy.log(y)))
    x**2/y**3
    """
    import sympy

    positive = all_are(positive, str, "positive", "names of columns")
    found: Any = as_sympy(shortest(canonical(expression), positive))
    return found.xreplace(
        {sympy.Symbol(str(symbol)): symbol for symbol in sympy.sympify(expression).free_symbols}
    )


def complexity(expression: sympy.Expr) -> int:
    """The number of operators, functions, columns and constants.

    A sign costs nothing, and a constant costs one however it is written: 0.5, pi/2 and 3/4 alike. A wave or a hyperbolic
    function of another one costs three more, a measured exponent two: hardly any law is written so, and as approximations
    they come in droves.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import complexity
    >>> x = sympy.Symbol("x")
    >>> complexity(x), complexity(2 * x), complexity(1 / x), complexity(sympy.exp(-x) + sympy.pi / 2)
    (1, 3, 3, 4)
    >>> complexity(sympy.sin(sympy.sqrt(x))), complexity(sympy.sin(sympy.cos(x)))
    (3, 6)
    """
    return node_count(canonical(expression))
