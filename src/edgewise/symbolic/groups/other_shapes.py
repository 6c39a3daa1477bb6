"""Other functions in the places of a formula: what follows one column may follow it as an exponential, a saturation, ...

Over the narrow range and under the noise of one group a part of a law looks like a power or a polynomial. Each such part is
replaced by a function with one constant inside, and all groups decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.parser import read
from edgewise.forms.tree import Apply, Node, Variable, inverse, multiplied, names_in, replaced, substitute
from edgewise.symbolic.expressions.functions_used import functions_in
from edgewise.symbolic.groups.edits import Path, put, varies
from edgewise.symbolic.groups.template import constant_names
from edgewise.symbolic.provenance import proposes

# What a part may be, and of which powers of the column z is a multiple; each starts from z = 1 in the middle of the column.
_SHAPES = {
    "exp(z)": (1, -1, 2), "1/(1 + z)": (1, -1, 2, -2), "sqrt(1 + z)": (1, -1, 2), "log(1 + z)": (1, -1), "tanh(z)": (1, -1),
    "sin(z)": (1,), "cos(z)": (1,),
}  # fmt: skip


@proposes("groups: other shapes")
def other_shapes(
    tree: Node, columns: Sequence[str], X: Floats, allowed: frozenset[str] | None = None
) -> Iterator[tuple[Node, tuple[str, ...], tuple[float, ...]]]:
    """The formulas that have another function of a column in one place, with their constants and where these start.

    Parameters
    ----------
    tree, columns
        A formula of the columns and named constants.
    X : array (n, d)
        The rows, for where constants start.
    allowed
        The functions that may be used; None for all.

    Examples
    --------
    >>> from edgewise.forms import parse
    >>> from edgewise.forms.tree import render
    >>> tree = parse("a*(x^2 + b)*z", ["x", "z", "a", "b"]).tree
    >>> found = list(other_shapes(tree, ["x", "z"], np.ones((3, 2))))
    >>> [render(each[0]) for each in found][:4]
    ['a*z*x^b', 'a*z*exp(b*x)', 'a*z*exp(b/x)', 'a*z*exp(b*x^2)']
    """
    names = constant_names([*columns, *names_in(tree)])
    factor, inside = Variable(next(names)), Variable(next(names))
    for path, column, others in _parts(tree, columns):
        middle = float(np.median(np.abs(X[:, columns.index(column)]))) or 1.0
        rest = others if any(not varies(other, columns) for other in others) else (factor, *others)
        for shape, start in _of_column(Variable(column), inside, middle, allowed):
            made = put(tree, path, multiplied([*rest, shape]))
            yield _named(made, columns, {inside.name: start})


def _of_column(
    x: Node, inside: Variable, middle: float, allowed: frozenset[str] | None
) -> Iterator[tuple[Node, float]]:
    if allowed is None or "sqrt" in allowed:  # which a broken power counts as
        yield x**inside, 1.0
    for text, inside_of in _SHAPES.items():
        shape = read(text, ("z",))
        if allowed is not None and not functions_in(shape) <= allowed:
            continue
        for power in inside_of:
            raised = x if power == 1 else inverse(x) if power == -1 else x**power
            yield substitute(shape, "z", inside * raised), middle**-power


def _parts(
    tree: Node, columns: Sequence[str], path: Path = ()
) -> Iterator[tuple[Path, str, tuple[Node, ...]]]:
    """Where all that follows one column stands in a term, which column that is, and the term's other factors."""
    factors = tree.arguments if isinstance(tree, Apply) and tree.function == "*" else (tree,)
    for column in columns:
        mine = [
            factor for factor in factors if {name for name in names_in(factor) if name in columns} == {column}
        ]
        if mine and not all(isinstance(variable, Variable) for variable in mine):
            yield path, column, tuple(factor for factor in factors if not any(factor is one for one in mine))
    if isinstance(tree, Apply) and tree.function in ("+", "*", "neg", "inv"):
        for at, argument in enumerate(tree.arguments):
            # A factor of one column was taken out of its product already.
            if tree.function != "*" or len({name for name in names_in(argument) if name in columns}) > 1:
                yield from _parts(argument, columns, (*path, at))


def _named(
    tree: Node, columns: Sequence[str], starts: dict[str, float]
) -> tuple[Node, tuple[str, ...], tuple[float, ...]]:
    """Its constants named in the order in which they are read."""
    order = [name for name in dict.fromkeys(names_in(tree)) if name not in columns]
    new = dict(zip(order, constant_names(columns), strict=False))
    made = replaced(tree, {old: Variable(name) for old, name in new.items()})
    return made, tuple(new.values()), tuple(starts.get(name, 1.0) for name in order)
