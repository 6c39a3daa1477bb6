"""A formula as Python source that builds its sympy expression."""

from __future__ import annotations

import keyword

from edgewise.exporting.text import check_identifier
from edgewise.forms.tree import Apply, Node, Number, Variable, names_in, render
from edgewise.symbolic import Formula
from edgewise.symbolic.expressions.source import identifiers

_CAPITALS = {"abs": "Abs", "step": "Heaviside", "max": "Max", "min": "Min", "mod": "Mod"}


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
    check_identifier(name, "to_sympy_source")
    tree = formula.tree
    used = set(names_in(tree))
    known = [*(each for each in formula.names if each in used), *sorted(used - set(formula.names))]
    # Neither the module nor the result may be a column's name.
    named = dict(zip(known, identifiers(known, {*keyword.kwlist, "sympy", name}), strict=True))
    lines = [
        f"{new} = " + (f"sympy.Symbol({old!r})" if old in formula.names else "sympy.pi")
        for old, new in named.items()
    ]
    text = render(_in_sympy(tree, named)).replace("^", "**")
    # A lone number would stay one of Python's.
    value = f"sympy.sympify({text})" if isinstance(tree, Number) else text
    return "\n".join(["import sympy", "", *lines, f"{name} = {value}", ""])


def _in_sympy(node: Node, names: dict[str, str]) -> Node:
    """The tree with sympy's functions, in names that Python takes, without divisions of two numbers."""
    if isinstance(node, Number):
        return node
    if isinstance(node, Variable):
        return Variable(names[node.name])
    ratio = _ratio(node)
    if ratio is not None:
        return Apply("sympy.Rational", ratio)
    arguments = tuple(_in_sympy(each, names) for each in node.arguments)
    if node.function in ("+", "*", "^", "neg", "inv"):
        return Apply(node.function, arguments)
    if node.function == "step":
        # The value at the jump.
        arguments = (*arguments, Number(1))
    return Apply(f"sympy.{_CAPITALS.get(node.function, node.function)}", arguments)


def _ratio(node: Apply) -> tuple[Number, Number] | None:
    """Numerator and denominator of 2/3, which Python would make a float."""
    if node.function != "*" or len(node.arguments) != 2:
        return None
    above, below = node.arguments
    if isinstance(above, Number) and isinstance(below, Apply) and below.function == "inv":
        under = below.arguments[0]
        return (above, under) if isinstance(under, Number) else None
    return None
