"""From a known formula to the network that computes it: the way back from `formula`.

The expression is laid out in levels. A node is a sum of functions of single nodes one level down, or a product of such
sums; what is needed further up is carried along identity edges. A part that uses one column only is a single edge,
however it is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy
import torch
from torch import Tensor

from edgewise._core.checks import among, check_matrix, check_names, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.forms import FORMS, form_from_text
from edgewise.layers import SymbolicEdge
from edgewise.layers.symbolic_edges import MAX_FORM
from edgewise.network import KAN, Nodes, regrid, scale_to_data
from edgewise.network.state import LayerState, put_together, take_apart
from edgewise.symbolic.expressions.border import formula_text, parse_formula
from edgewise.symbolic.expressions.parse import from_sympy
from edgewise.symbolic.expressions.steps import step

_X = sympy.Dummy("x", real=True)
_INTERVALS = 10
_MARGIN = 0.02
_MOST_NODES = 2000
_NO_VALUE = (sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I)


def compile_formula(formula: Any, names: Iterable[str], X: Any = None) -> KAN:
    """Build the network of closed forms that computes a formula.

    Parameters
    ----------
    formula
        Text as `parse_formula` reads it, or a sympy expression over symbols named as the columns.
    names
        The columns, in order; those the formula does not use become inputs without edges.
    X
        Rows, (n, d). The network's scalings and grids are laid over them: give them to go on training, or to make
        edges numeric again.

    Returns
    -------
    KAN
        In float64, with every living edge symbolic; `fit` refines its constants, `set_numeric` frees an edge.

    Raises
    ------
    InputError
        Where the formula holds something no edge can be, or has no value on a row of X.

    Examples
    --------
    >>> from edgewise.symbolic.expressions.to_network import compile_formula
    >>> net = compile_formula("x1*sin(2*x2) + x3^2", ["x1", "x2", "x3"])
    >>> net.shape, round(float(net.predict([[3.0, 0.5, 2.0]])[0, 0]), 6)
    ((3, 2, 1), 6.524413)
    """
    columns = check_names(names, "names")
    if not columns:
        raise InputError(argument="names", expected="hold at least one column", got="none")
    expression = _read(formula, columns)
    layout = _laid_out(expression, [sympy.Symbol(name) for name in columns])
    shape = [len(columns), *(level.nodes for level in layout)]
    bare = KAN(shape, intervals=_INTERVALS, input_names=columns, seed=0, dtype=torch.float64)
    if X is None:
        return _filled(bare, layout)
    rows = check_matrix(X, "X", columns=len(columns), min_rows=2)
    net = _filled(scale_to_data(bare, rows).network, layout)
    with torch.no_grad():
        values = net.activations(torch.from_numpy(rows))
    finite = np.logical_and.reduce([value.isfinite().all(dim=1).numpy() for value in values])
    if not finite.all():
        raise InputError(
            argument="formula",
            expected="have a value on every row of X",
            got=f"none on row {int(np.flatnonzero(~finite)[0])}",
            advice="a logarithm, root, power or division leaves its domain there",
        )
    return regrid(net, rows, margin=_MARGIN).network


def _read(formula: Any, columns: tuple[str, ...]) -> Any:
    if isinstance(formula, str):
        expression: Any = parse_formula(formula, columns)
    elif isinstance(formula, sympy.Expr):
        expression = formula
    else:
        raise InputError(argument="formula", expected="be a text or a sympy expression", got=short(formula))
    unknown = sorted({symbol.name for symbol in expression.free_symbols} - set(columns))
    if unknown:
        raise InputError(
            argument="formula",
            expected=f"use the columns {among(columns, 5)}",
            got=f"{short(unknown[0])} in it{did_you_mean(unknown[0], columns)}",
        )
    if expression.has(*_NO_VALUE):
        raise InputError(
            argument="formula", expected="be a real, finite formula", got=short(str(expression), 60)
        )
    # Symbols with assumptions of their own would not be those of the columns; this also refuses unknown functions.
    plain = expression.xreplace({symbol: sympy.Symbol(symbol.name) for symbol in expression.free_symbols})
    from_sympy(plain)
    return _of_single_nodes(plain)


def _of_single_nodes(expression: Any) -> Any:
    """Functions of two things that vary written with functions of one: edges have one end to read from."""
    if expression.is_Atom:
        return expression
    arguments = [_of_single_nodes(argument) for argument in expression.args]
    if isinstance(expression, (sympy.Max, sympy.Min)) and len(expression.free_symbols) > 1:
        sign = 1 if isinstance(expression, sympy.Max) else -1
        # Numbers first: the kinks of the others are then those of single nodes.
        first, *others = sorted(arguments, key=lambda argument: not argument.is_number)
        for other in others:
            first = first / 2 + other / 2 + sign * sympy.Abs(first - other) / 2
        return first
    if isinstance(expression, sympy.Mod) and len(expression.free_symbols) > 1:
        a, b = arguments
        return a - b * sympy.floor(a / b)
    return expression.func(*arguments)


# What a node adds: functions (of _X) by source, and a constant.
@dataclass(frozen=True)
class _SumNode:
    functions: Mapping[Any, Any]
    constant: Any


@dataclass(frozen=True)
class _NodeLevel:
    """The nodes of one level, sums before products, with what feeds each."""

    sources: list[Any]
    sums: list[_SumNode]
    nodes: Nodes


def _laid_out(root: Any, columns: list[Any]) -> list[_NodeLevel]:
    """Levels from the first hidden one to the output."""
    heights: dict[Any, int] = {}
    top = max(_height(root, heights), 1)
    wanted: list[list[Any]] = [[] for _ in range(top)] + [[root]]
    parts: list[list[tuple[_SumNode, ...]]] = [[] for _ in range(top + 1)]
    for level in range(top, 0, -1):
        # Multiplication nodes come last.
        made = [(name, _factors(name, heights, level)) for name in dict.fromkeys(wanted[level])]
        made.sort(key=lambda pair: len(pair[1]) > 1)
        wanted[level] = [item for item, _ in made]
        parts[level] = [factors for _, factors in made]
        for factors in parts[level]:
            for factor in factors:
                wanted[level - 1] += list(factor.functions)
        if sum(map(len, wanted)) > _MOST_NODES:
            raise InputError(
                argument="formula", expected=f"fit into {_MOST_NODES:,} nodes", got="a longer one"
            )
    wanted[0] = columns
    return [
        _NodeLevel(
            wanted[level - 1],
            [factor for factors in parts[level] for factor in factors],
            Nodes(
                sum(1 for factors in parts[level] if len(factors) == 1),
                tuple(len(factors) for factors in parts[level] if len(factors) > 1),
            ),
        )
        for level in range(1, top + 1)
    ]


def _height(node: Any, heights: dict[Any, int]) -> int:
    """The lowest level on which an expression can be a node."""
    if node.is_Symbol:
        return 0
    if node not in heights:
        sources = [source for factor in _own_factors(node) for source in factor.functions]
        heights[node] = 1 + max((_height(source, heights) for source in sources), default=0)
    return heights[node]


def _factors(node: Any, heights: dict[Any, int], level: int) -> tuple[_SumNode, ...]:
    """The sums a node multiplies (one for a plain sum); a node from further down is carried."""
    if _height(node, heights) < level:
        return (_SumNode({node: _X}, sympy.Integer(0)),)
    return _own_factors(node)


def _own_factors(node: Any) -> tuple[_SumNode, ...]:
    if not node.is_Mul or len(node.free_symbols) < 2:
        return (_added(node),)
    coefficient, groups = sympy.Integer(1), dict[Any, Any]()
    for factor in node.args:
        if factor.is_number:
            coefficient *= factor
            continue
        # Factors of one column are one function of it.
        key = next(iter(factor.free_symbols)) if len(factor.free_symbols) == 1 else factor
        groups[key] = groups.get(key, sympy.Integer(1)) * factor
    sums = [_added(factor) for factor in groups.values()]
    if len(sums) == 1:
        return (_scaled(sums[0], coefficient),)
    return (_scaled(sums[0], coefficient), *sums[1:])


def _scaled(given: _SumNode, by: Any) -> _SumNode:
    return _SumNode(
        {source: by * function for source, function in given.functions.items()}, by * given.constant
    )


def _added(expression: Any) -> _SumNode:
    """An expression as functions of single nodes."""
    functions: dict[Any, Any] = {}
    constant: Any = sympy.Integer(0)
    for term in sympy.Add.make_args(expression):
        if term.is_number:
            constant += term
            continue
        source, function = _as_function(term)
        functions[source] = functions.get(source, sympy.Integer(0)) + function
    return _SumNode(functions, constant)


def _as_function(term: Any) -> tuple[Any, Any]:
    """A term as a function (of _X) of one node."""
    if len(term.free_symbols) == 1:
        column = next(iter(term.free_symbols))
        return column, term.xreplace({column: _X})
    coefficient, core = term.as_coeff_Mul()
    if coefficient != 1:
        source, function = _as_function(core)
        return source, coefficient * function
    if core.is_Mul:
        return core, _X
    if core.is_Pow and not core.exp.is_number and not core.base.is_number:
        # Real where the base is positive, as the power itself is in general.
        return core.exp * sympy.log(core.base), sympy.exp(_X)
    inner = core.exp if core.is_Pow and core.base.is_number else core.args[0]
    node, line = _as_line(inner)
    if core.is_Pow:
        return node, line**core.exp if inner is not core.exp else core.base**line
    if isinstance(core, sympy.Heaviside):
        return node, step(line)
    if len(core.args) != 1:
        raise InputError(
            argument="formula",
            expected="be made of functions of one argument, sums, products and powers",
            got=short(str(core), 60),
        )
    return node, core.func(line)


def _as_line(expression: Any) -> tuple[Any, Any]:
    """node, b*_X + c: constants stand on the edge, not in the node."""
    constant, rest = expression.as_coeff_Add()
    coefficient, node = rest.as_coeff_Mul()
    return node, coefficient * _X + constant


def _filled(bare: KAN, layout: Sequence[_NodeLevel]) -> KAN:
    """The network with the edges and biases of a layout."""
    states = take_apart(bare)
    for at, level in enumerate(layout):
        places = {source: place for place, source in enumerate(level.sources)}
        bias = torch.tensor([_number(total.constant) for total in level.sums], dtype=torch.float64)
        state = replace(states[at], mask=torch.zeros_like(states[at].mask), bias=bias)
        for target, total in enumerate(level.sums):
            for source, function in total.functions.items():
                place = places[source]
                shift = float(bare.input_shift[place]) if at == 0 else 0.0
                scale = float(bare.input_scale[place]) if at == 0 else 1.0
                state = _with_edge(state, place, target, function, shift, scale)
        states[at] = state
    return put_together(bare, states)


def _with_edge(
    state: LayerState, source: int, target: int, function: Any, shift: float, scale: float
) -> LayerState:
    form, (a, b, c, d) = edge_form(function)
    row: Tensor = torch.tensor([a, b * scale, c + b * shift, d], dtype=torch.float64)
    return state.with_symbolic(SymbolicEdge(source, target, form), row)


def edge_form(function: Any) -> tuple[str, tuple[float, float, float, float]]:
    """A function of `_X` as a named form or a text in x, and its constants a, b, c, d."""
    d, rest = function.as_independent(_X, as_Add=True)
    a, core = rest.as_independent(_X, as_Add=False)
    b, c = sympy.Integer(1), sympy.Integer(0)
    if core.is_Add:
        # A bracket that did not come apart, as in 2*(x + x^2).
        inner = core
    elif core.is_Pow and core.exp.is_number:
        inner = core.base
    else:
        inner = core.args[0] if len(core.args) == 1 else core
    slope = inner.diff(_X)
    if inner is not core and slope.is_number:
        b, c = slope, inner.xreplace({_X: sympy.Integer(0)})
        core = core.xreplace({inner: _X})
    text = formula_text(core.xreplace({_X: sympy.Symbol("x")}))
    if len(text) > MAX_FORM:
        raise InputError(
            subject="The parts of the 'formula' of compile_formula that use one column",
            expected=f"have at most {MAX_FORM:,} characters",
            got=short(text, 60),
            advice="spread it over several columns or terms",
        )
    form = form_from_text(text)
    return form.name if form.name in FORMS else form.text, (_number(a), _number(b), _number(c), _number(d))


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(
            subject="The constants of the 'formula' of compile_formula",
            expected="be real numbers within the range of floats",
            got=short(str(value), 60),
        )
    return number
