"""A model as LaTeX: the exact pieces of every edge function, or the formula."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from edgewise._core.checks import check_bool, check_int
from edgewise.exporting.latex_table import class_equations, column_equations, input_symbol, logit_symbols
from edgewise.exporting.latex_text import added, expression, latex_names, number, shifted, shown
from edgewise.exporting.pieces import Piece, end_values, spline_pieces
from edgewise.exporting.program import EdgeBlock, FormEdge, Formulas, Network, Program, ProgramLayer
from edgewise.exporting.read import program_of
from edgewise.exporting.text import head_lines
from edgewise.forms import form_from_text
from edgewise.forms.parser import read
from edgewise.splines.rbf import GaussianRBF
from edgewise.symbolic.expressions.parse import to_sympy

# Terms of a sum that stand on one line.
_TERMS = 5
_OPENING = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{amsmath}
\usepackage[margin=2cm]{geometry}
\allowdisplaybreaks
\begin{document}"""


def to_latex(
    model: Any, *, digits: int | None = 6, document: bool = False, units: Mapping[str, str] | None = None
) -> str:
    """The mathematics of a model: node by node and edge by edge for a network, one equation for a formula.

    Parameters
    ----------
    model : KAN, Formula, or fitted KANRegressor or KANClassifier
    digits : int or None
        Significant digits of the numbers, 1 to 17; terms too small to show at so many are left out. None for all digits, so
        that the text describes the whole model.
    document : bool
        Whether to write a whole document that compiles by itself, or equations to be included in one with amsmath. Names in
        scripts other than Latin ask for XeLaTeX or LuaLaTeX.
    units : mapping of str to str, optional
        Units of inputs and outputs by name, stated in the comment that opens the text.

    Returns
    -------
    str
        Equal models give equal text.

    Raises
    ------
    InputError
        If the model is none of these, is not fitted, or holds numbers that are not finite.

    Examples
    --------
    >>> import sympy
    >>> from edgewise.symbolic import Formula
    >>> x = sympy.Symbol("x1")
    >>> print(to_latex(Formula(2.5 * sympy.sin(x), ("x1",))).splitlines()[-2])
    y &= 2.5 \\sin{\\left(x_{1} \\right)}
    """
    if digits is not None:
        check_int(digits, "digits", low=1, high=17)
    check_bool(document, "document")
    return latex_text(program_of(model, units), digits, document)


def latex_text(program: Program, digits: int | None, document: bool) -> str:
    """The text of a program."""
    head = [f"% {line}".rstrip().encode("ascii", "backslashreplace").decode() for line in _head(program)]
    body = program.body
    lines = (
        _formulas(program, body, digits) if isinstance(body, Formulas) else _network(program, body, digits)
    )
    parts = [*head, *([_OPENING] if document else []), *lines, *([r"\end{document}"] if document else [])]
    return "\n".join(parts) + "\n"


def _head(program: Program) -> list[str]:
    return head_lines(program, "The equations need the package amsmath.")


def _aligned(equations: list[str]) -> list[str]:
    return [r"\begin{align*}", *(f"{each} \\\\" for each in equations[:-1]), equations[-1], r"\end{align*}"]


def _formulas(program: Program, body: Formulas, digits: int | None) -> list[str]:
    columns = [each.name for each in program.inputs]
    names = latex_names([*columns, *program.outputs])
    written = dict(zip(columns, names, strict=False))
    equations = [
        f"{name} &= {expression(to_sympy(tree, columns), digits, written)}"
        for name, tree in zip(names[len(columns) :], body.trees, strict=True)
    ]
    return _aligned(equations)


def _network(program: Program, body: Network, digits: int | None) -> list[str]:
    lines: list[str] = []
    names = latex_names([each.name for each in program.inputs])
    if program.columns:
        lines += [r"\paragraph{Columns}", *_aligned(column_equations(program, digits))]
        names = [input_symbol(k) for k in range(len(names))]
    lines += [r"\paragraph{Inputs}", *_aligned(_input_equations(body, names, digits))]
    for at, layer in enumerate(body.layers, start=1):
        functions = list(_edge_equations(layer, at, digits))
        functions += [_form_equation(edge, at, digits) for edge in layer.forms]
        functions.sort()
        lines += [rf"\paragraph{{Layer {at}}}", *_aligned(_node_equations(layer, at, digits))]
        if functions:
            lines += _aligned([equation for _, _, equation in functions])
    outputs = latex_names([*(each.name for each in program.inputs), *program.outputs])[len(names) :]
    if program.classes is not None:
        outputs = logit_symbols(len(outputs))
    lines += [r"\paragraph{Outputs}", *_aligned(_output_equations(body, outputs, digits))]
    if program.classes is not None:
        lines += [r"\paragraph{Probabilities}", *_aligned(class_equations(program))]
    return lines


def _node(layer: int, node: int) -> str:
    return f"h_{{{layer},{node + 1}}}"


def _edge(layer: int, source: int, target: int) -> str:
    return rf"\phi_{{{layer},{source + 1},{target + 1}}}"


def _input_equations(body: Network, names: list[str], digits: int | None) -> list[str]:
    found: list[str] = []
    for k, name in enumerate(names):
        shift, scale = float(body.input_shift[k]), float(body.input_scale[k])
        value = shifted(name, shift, digits)
        value = value if scale == 1 else rf"{value} / {_factor(scale, digits)}"
        found.append(f"{_node(0, k)} &= {value}")
    return found


def _factor(value: float, digits: int | None) -> str:
    text = number(value, digits)
    return f"({text})" if value < 0 or "cdot" in text else text


def _output_equations(body: Network, names: list[str], digits: int | None) -> list[str]:
    last = len(body.layers)
    return [
        f"{name} &= "
        + added([(float(body.output_scale[k]), _node(last, k)), (float(body.output_shift[k]), "")], digits)
        for k, name in enumerate(names)
    ]


def _node_equations(layer: ProgramLayer, at: int, digits: int | None) -> list[str]:
    """Every node as sums of edge functions, or products of sums."""
    edges = [(t, s) for block in layer.blocks for s in block.sources for t in block.targets]
    edges += [(edge.target, edge.source) for edge in layer.forms]
    edges.sort()
    sums: list[list[tuple[float, str]]] = [[] for _ in range(layer.n_sums)]
    for target, source in edges:
        sums[target].append((1.0, f"{_edge(at, source, target)}({_node(at - 1, source)})"))
    for target, bias in enumerate(layer.bias):
        sums[target].append((float(bias), ""))
    found = [f"{_node(at, k)} &= {_broken(sums[k], digits)}" for k in range(layer.sums)]
    start = layer.sums
    for k, arity in enumerate(layer.products):
        factors = [rf"\left( {added(sums[start + j], digits)} \right)" for j in range(arity)]
        found.append(f"{_node(at, layer.sums + k)} &= " + (" \\\\\n&\\quad \\cdot ".join(factors)))
        start += arity
    return found


def _broken(terms: list[tuple[float, str]], digits: int | None) -> str:
    """A sum in lines of a few terms."""
    kept = [term for term in terms if shown(term[0], digits) != 0]
    lines = [added(kept[k : k + _TERMS], digits) for k in range(0, len(kept), _TERMS)] or ["0"]
    text = lines[0]
    for line in lines[1:]:
        text += " \\\\\n&\\quad " + (line.replace("-", "- ", 1) if line.startswith("-") else f"+ {line}")
    return text


def _form_equation(edge: FormEdge, at: int, digits: int | None) -> tuple[int, int, str]:
    a, b, c, d = edge.affine
    inner = added([(b, "x"), (c, "")], digits)
    plain = read(form_from_text(edge.form).text, ("x",))
    value = expression(to_sympy(plain, ["x"]), digits, {"x": "u"})
    outer = added([(a, "f(u)"), (d, "")], digits)
    text = rf"{_edge(at, edge.source, edge.target)}(x) &= {outer}, \quad f(u) = {value}, \quad u = {inner}"
    return edge.source, edge.target, text


def _edge_equations(layer: ProgramLayer, at: int, digits: int | None) -> Iterator[tuple[int, int, str]]:
    for block in layer.blocks:
        bodies = _splines(layer, block, digits) if layer.basis == "bspline" else _others(layer, block, digits)
        for (s, source), cases in zip(enumerate(block.sources), bodies, strict=True):
            for (t, target), body in zip(enumerate(block.targets), cases, strict=True):
                base = float(block.coef[s, layer.size + 2, t]) if layer.has_base else 0.0
                silu = added([(base, r"\frac{x}{1 + e^{-x}}")], digits) if base else ""
                silu = f" {silu.replace('-', '- ', 1)}" if base < 0 else f" + {silu}" if base else ""
                yield source, target, f"{_edge(at, source, target)}(x) &= {body}{silu}"


def _cases(branches: list[tuple[str, str]]) -> str:
    lines = " \\\\\n".join(f"{value} & {where}" for value, where in branches)
    return f"\\begin{{cases}}\n{lines}\n\\end{{cases}}"


def _splines(layer: ProgramLayer, block: EdgeBlock, digits: int | None) -> list[list[str]]:
    return [[_spline(edge, digits) for edge in edges] for edges in spline_pieces(layer, block)]


def _spline(edge: tuple[Piece, ...], digits: int | None) -> str:
    size = _size(edge)
    return _cases([(_polynomial(piece, edge, size, digits), _where(piece, digits)) for piece in edge])


def _size(edge: tuple[Piece, ...]) -> float:
    """A bound on what the terms of the pieces between the tails amount to."""
    return max(
        float(np.abs(piece.coefficients) @ _reach(piece, edge) ** np.arange(len(piece.coefficients)))
        for piece in edge[1:-1]
    )


def _reach(piece: Piece, edge: tuple[Piece, ...]) -> float:
    """Width of a piece; a tail counts as wide as the grid."""
    ends = (piece.low, piece.high) if math.isfinite(piece.high - piece.low) else (edge[1].low, edge[-2].high)
    return ends[1] - ends[0]


def _polynomial(piece: Piece, edge: tuple[Piece, ...], size: float, digits: int | None) -> str:
    base = shifted("x", piece.origin, digits)
    powers = ["", base, *(f"{base}^{{{r}}}" for r in range(2, len(piece.coefficients)))]
    # Rounded to a few digits, a straight piece shall look straight.
    least = 0.0 if digits is None else 0.5 * 10.0**-digits * size
    reach = _reach(piece, edge)
    terms = [
        (float(c) if abs(c) * reach**r >= least else 0.0, power)
        for r, (c, power) in enumerate(zip(piece.coefficients, powers, strict=False))
    ]
    return added(terms, digits)


def _where(piece: Piece, digits: int | None) -> str:
    low, high = number(piece.low, digits), number(piece.high, digits)
    if math.isinf(piece.low):
        return f"x < {high}"
    return rf"x \ge {low}" if math.isinf(piece.high) else rf"{low} \le x < {high}"


def _others(layer: ProgramLayer, block: EdgeBlock, digits: int | None) -> list[list[str]]:
    """Edges of a basis without pieces: one expression inside the domain, straight lines beyond it."""
    ends = end_values(layer, block)
    found: list[list[str]] = []
    for s in range(len(block.sources)):
        low, high = (float(end) for end in block.domain[s])
        functions, where = _functions(layer, block.grid[s], digits)
        cases: list[str] = []
        for t in range(len(block.targets)):
            coef = block.coef[s, :, t]
            left = [(float(ends[s, 0, t]), ""), (float(coef[layer.size]), shifted("x", low, digits))]
            right = [(float(ends[s, 1, t]), ""), (float(coef[layer.size + 1]), shifted("x", high, digits))]
            inner = added(zip(map(float, coef[: layer.size]), functions, strict=True), digits)
            first, last = number(low, digits), number(high, digits)
            branches = [(added(left, digits), f"x < {first}"), (inner, rf"{first} \le x \le {last}")]
            cases.append(_cases([*branches, (added(right, digits), f"x > {last}")]) + where)
        found.append(cases)
    return found


def _functions(layer: ProgramLayer, grid: Any, digits: int | None) -> tuple[list[str], str]:
    """The functions of a basis, and what their variable is."""
    low, high = float(grid[0]), float(grid[-1])
    slope, middle = 2.0 / (high - low), (low + high) / (high - low)
    unit = added([(slope, "x"), (-middle, "")], digits)
    if layer.basis in ("chebyshev", "rational"):
        variable = unit if layer.basis == "chebyshev" else r"v / \sqrt{1 + v^2}, \quad v = " + unit
        names = ["", "u", *(f"T_{{{n}}}(u)" for n in range(2, layer.size))][: layer.size]
        return names, rf", \quad u = {variable}"
    if layer.basis == "fourier":
        turns = [("" if m < 3 else str((m + 1) // 2)) + "u" for m in range(layer.size)]
        names = ["" if m == 0 else rf"\{'sin' if m % 2 else 'cos'}({turn})" for m, turn in enumerate(turns)]
        return names, rf", \quad u = \frac{{\pi}}{{2}} ({unit})"
    gaps = np.diff(grid)
    widths = GaussianRBF.width / 2 * (np.r_[gaps[:1], gaps] + np.r_[gaps, gaps[-1:]])
    bells = [
        rf"e^{{-{shifted('x', float(c), digits)}^2 / {_factor(float(h * h), digits)}}}"
        for c, h in zip(grid, widths, strict=True)
    ]
    return ["", "u", *bells], rf", \quad u = {unit}"
