"""A formula as Python source that builds its sympy expression."""

from __future__ import annotations

import keyword

from edgewise._core.arguments import check_is
from edgewise.exporting.text import check_identifier
from edgewise.forms.functions import FUNCTIONS
from edgewise.forms.tree import Apply, Node, Notation, Number, names_in, render
from edgewise.symbolic import Formula
from edgewise.symbolic.expressions.source import identifiers

# The step with its value at the jump.
_SYMPY = Notation(
    {name: f"sympy.{function.in_language('sympy')}" for name, function in FUNCTIONS.items()}
    | {"step": "sympy.Heaviside({}, 1)"},
    power="{}**{}",
)


def to_sympy_source(formula: Formula, *, name: str = "formula") -> str:
    """Python source that gives a formula as a sympy expression of the same name.

    Parameters
    ----------
    formula : Formula
    name : str
        The variable that holds the expression.

    Returns
    -------
    str
        Run, it gives `formula.sympy` with every digit of its numbers, except that sympy itself multiplies a number into
        the brackets of a sum that it meets, and takes the numbers of a remainder apart.

    Raises
    ------
    InputError
        If the name is no plain identifier.

    Examples
    --------
    >>> from edgewise.exporting.sympy_source import to_sympy_source
    >>> from edgewise.symbolic import Formula, parse_formula
    >>> print(to_sympy_source(Formula(parse_formula("2.5*m^(1/3) + sin(v)/2", ["m", "v"]), ("m", "v"))))
    import sympy
    <BLANKLINE>
    m = sympy.Symbol('m')
    v = sympy.Symbol('v')
    formula = 2.5*m**sympy.Rational(1, 3) + sympy.sin(v)/2
    <BLANKLINE>
    """
    check_identifier(name)
    check_is(formula, Formula, "formula", "a Formula")
    tree = formula.tree
    used = set(names_in(tree))
    known = [*(item for item in formula.names if item in used), *sorted(used - set(formula.names))]
    # Neither the module nor the result may be a column's name.
    named = dict(zip(known, identifiers(known, {*keyword.kwlist, "sympy", name}), strict=True))
    lines = [
        f"{new} = " + (f"sympy.Symbol({old!r})" if old in formula.names else "sympy.pi")
        for old, new in named.items()
    ]
    text = render(_with_ratios(tree), _SYMPY, named.__getitem__)
    # A lone number would stay one of Python's.
    value = f"sympy.sympify({text})" if isinstance(tree, Number) else text
    return "\n".join(["import sympy", "", *lines, f"{name} = {value}", ""])


def _with_ratios(node: Node) -> Node:
    """The tree without divisions of two numbers, which Python would make floats."""
    if not isinstance(node, Apply):
        return node
    ratio = _ratio(node)
    if ratio is not None:
        return Apply("sympy.Rational", ratio)
    return Apply(node.function, tuple(map(_with_ratios, node.arguments)))


def _ratio(node: Apply) -> tuple[Number, Number] | None:
    """Numerator and denominator of 2/3."""
    if node.function != "*" or len(node.arguments) != 2:
        return None
    above, below = node.arguments
    if isinstance(above, Number) and isinstance(below, Apply) and below.function == "inv":
        under = below.arguments[0]
        return (above, under) if isinstance(under, Number) else None
    return None
