"""A model as LaTeX: the exact pieces of every edge function, or the formula."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
import torch

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_bool, check_int
from edgewise.exporting.text import head_lines
from edgewise.forms import form_from_text
from edgewise.forms.parser import read
from edgewise.programs.program import (
    EdgeBlock,
    FormEdge,
    Formulas,
    LevelInput,
    Network,
    NumberInput,
    Program,
    ProgramLayer,
    program_of,
)
from edgewise.splines.bspline import BSpline
from edgewise.splines.global_bases import GaussianRBF
from edgewise.splines.make import make_basis
from edgewise.splines.pieces import make_pieces
from edgewise.symbolic.expressions.parse import to_sympy
from edgewise.symbolic.expressions.steps import printable

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
    program = program_of(model, units)
    lines = head_lines(program, "The equations need the package amsmath.")
    head = [f"% {line}".rstrip().encode("ascii", "backslashreplace").decode() for line in lines]
    body = program.body
    lines = (
        _formulas(program, body, digits) if isinstance(body, Formulas) else _network(program, body, digits)
    )
    parts = [*head, *([_OPENING] if document else []), *lines, *([r"\end{document}"] if document else [])]
    return "\n".join(parts) + "\n"


def _aligned(equations: list[str]) -> list[str]:
    return [
        r"\begin{align*}",
        *(f"{equation} \\\\" for equation in equations[:-1]),
        equations[-1],
        r"\end{align*}",
    ]


def _formulas(program: Program, body: Formulas, digits: int | None) -> list[str]:
    columns = [variable.name for variable in program.inputs]
    names = latex_names([*columns, *program.outputs])
    written = dict(zip(columns, names, strict=False))
    equations = [
        f"{name} &= {expression(to_sympy(tree, columns), digits, written)}"
        for name, tree in zip(names[len(columns) :], body.trees, strict=True)
    ]
    return _aligned(equations)


def _network(program: Program, body: Network, digits: int | None) -> list[str]:
    lines: list[str] = []
    names = latex_names([variable.name for variable in program.inputs])
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
    outputs = latex_names([*(variable.name for variable in program.inputs), *program.outputs])[len(names) :]
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
    for k, group in enumerate(layer.factors, layer.sums):
        factors = [rf"\left( {added(sums[j], digits)} \right)" for j in group]
        found.append(f"{_node(at, k)} &= " + (" \\\\\n&\\quad \\cdot ".join(factors)))
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


def input_symbol(k: int) -> str:
    """The input of the network that columns become, number k from zero."""
    return f"u_{{{k + 1}}}"


def column_equations(program: Program, digits: int | None) -> list[str]:
    """One equation for each input."""
    found: list[str] = []
    at = 0
    for column, name in zip(program.columns, latex_names([c.name for c in program.columns]), strict=True):
        if isinstance(column, NumberInput):
            found.append(f"{input_symbol(at)} &= {_value(column, name, digits)}")
            if column.flagged:
                found.append(
                    rf"{input_symbol(at + 1)} &= 1 \text{{ if }} {name} \text{{ is missing, else }} 0"
                )
            for k, code in enumerate(column.codes, start=at + 1 + column.flagged):
                shown = number(code, None)
                found.append(rf"{input_symbol(k)} &= 1 \text{{ if }} {name} = {shown} \text{{, else }} 0")
        elif isinstance(column, LevelInput):
            found.append(f"{input_symbol(at)} &= {_codes(column, name)}")
        at += column.width
    return found


def _value(column: NumberInput, name: str, digits: int | None) -> str:
    value = name
    if column.transform == "asinh" or (column.centre, column.scale) != (0.0, 1.0):
        scale = number(column.scale, digits)
        value = rf"{shifted(name, column.centre, digits)} / {f'({scale})' if 'cdot' in scale else scale}"
    if column.transform == "asinh":
        value = rf"\operatorname{{arsinh}}\left({value}\right)"
    low, high = number(column.low, digits), number(column.high, digits)
    limited = rf"\min(\max({value}, {low}), {high})"
    codes = "".join(f"{number(code, None)}, " for code in column.codes)
    return rf"{limited}, {codes}\text{{ missing: }} {number(column.fill, digits)}"


def _codes(column: LevelInput, name: str) -> str:
    lines = [rf"{code} & {name} = {words(word)}" for code, word in enumerate(column.levels)]
    lines += [rf"{column.unseen} & \text{{another word}}", rf"{column.missing} & \text{{missing}}"]
    body = " \\\\\n".join(lines)
    return f"\\begin{{cases}}\n{body}\n\\end{{cases}}"


def logit_symbols(count: int) -> list[str]:
    """Symbols of the logits."""
    return ["z"] if count == 1 else [f"z_{{{k + 1}}}" for k in range(count)]


def class_equations(program: Program) -> list[str]:
    """Probabilities of the classes from the logits."""
    names = [words(str(label)) for label in program.classes or ()]
    if len(names) == 1:
        return [rf"P({names[0]}) &= 1"]
    if len(names) == 2:
        return [rf"P({names[1]}) &= \frac{{1}}{{1 + e^{{-z}}}}"]
    logits = logit_symbols(len(names))
    return [
        rf"P({name}) &= \frac{{e^{{{z}}}}}{{\sum_{{k}} e^{{z_{{k}}}}}}"
        for name, z in zip(names, logits, strict=True)
    ]


# Within \mathrm: what LaTeX would take for a command. Anything that does not print becomes a question mark.
_MATH = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "_": r"\_", "%": r"\%", "$": r"\$", "#": r"\#", "&": r"\&",
    "^": r"\wedge ", "~": r"\sim ", "`": "'", '"': "''", " ": r"\ ",
}  # fmt: skip
# Within \text, which letters beyond ASCII need.
_TEXT = _MATH | {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", " ": " ",
}  # fmt: skip


def latex_name(name: str) -> str:
    """A name for use in mathematics: x1 as x with an index, all else upright, nothing in it a command.

    Examples
    --------
    >>> latex_name("x12"), latex_name("cement (kg)")
    ('x_{12}', '\\\\mathrm{cement\\\\ (kg)}')
    """
    if short := re.fullmatch(r"([A-Za-z])_?(\d{0,9})", name, flags=re.ASCII):
        return f"{short[1]}_{{{short[2]}}}" if short[2] else short[1]
    return _upright(name)


def latex_names(names: Iterable[str]) -> list[str]:
    """Distinct names stay distinct: x_1 beside x1 is written upright and in full."""
    found: list[str] = []
    for name in names:
        plain = latex_name(name)
        unique = plain if plain not in found else _upright(name)
        while unique in found:
            unique += "'"
        found.append(unique)
    return found


def words(text: str) -> str:
    """Any text, set as text within mathematics."""
    return rf"\text{{{''.join(_TEXT.get(c, c) for c in _printed(text))}}}"


def _upright(name: str) -> str:
    printed = _printed(name)
    return rf"\mathrm{{{''.join(_MATH.get(c, c) for c in printed)}}}" if printed.isascii() else words(name)


def _printed(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def number(value: float, digits: int | None) -> str:
    """A number to so many significant digits, or with all that distinguish it from its neighbours."""
    text = repr(value) if digits is None else f"{value:.{digits}g}"
    mantissa, _, exponent = text.removesuffix(".0").partition("e")
    if not exponent:
        return mantissa
    mantissa = mantissa.removesuffix(".0")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def shown(value: float, digits: int | None) -> float:
    """The number as `number` shows it."""
    return value if digits is None else float(f"{value:.{digits}g}")


def added(terms: Iterable[tuple[float, str]], digits: int | None) -> str:
    """A sum of numbers times factors ("" for none); terms that show as zero are left out."""
    text = ""
    for value, factor in terms:
        rounded = shown(value, digits)
        if rounded == 0:
            continue
        size = "" if abs(rounded) == 1 and factor else number(abs(value), digits)
        term = f"{size} {factor}".strip()
        sign = "-" if rounded < 0 else "+"
        text = f"{text} {sign} {term}" if text else f"-{term}" if rounded < 0 else term
    return text or "0"


def shifted(name: str, origin: float, digits: int | None) -> str:
    """x - origin, in brackets unless the origin is zero."""
    if shown(origin, digits) == 0:
        return name
    sign = "-" if origin > 0 else "+"
    return rf"({name} {sign} {number(abs(origin), digits)})"


def expression(value: Any, digits: int | None, names: dict[str, str] | None = None) -> str:
    """A sympy expression, its floats to so many digits, its symbols named safely."""
    known = names or {}
    symbols = {s: known.get(str(s.name)) or latex_name(str(s.name)) for s in value.free_symbols}
    rounded = value.xreplace({atom: _rounded(atom, digits) for atom in value.atoms(sympy.Float)})
    return str(sympy.latex(printable(rounded), symbol_names=symbols))


def _rounded(value: Any, digits: int | None) -> Any:
    plain = shown(float(value), digits)
    if plain.is_integer() and abs(plain) < 1e6:
        return sympy.Integer(int(plain))
    return sympy.Float(plain, 17 if digits is None else max(digits, 2))


@dataclass(frozen=True, eq=False)
class Piece:
    """sum_r coefficients[r] * (x - origin)^r for x from low to high (infinite ends for the tails)."""

    low: float
    high: float
    origin: float
    coefficients: Floats


def spline_pieces(layer: ProgramLayer, block: EdgeBlock) -> list[list[tuple[Piece, ...]]]:
    """Pieces of every edge of a block of B-splines, by source and target, from the left tail to the right one."""
    k = layer.degree
    breaks = torch.from_numpy(block.grid[:, k : block.grid.shape[1] - k].copy())
    pieces = make_pieces(breaks, k)
    table, origin, width = (item.numpy() for item in (pieces.table, pieces.origin, pieces.width))
    n_pieces = table.shape[1]
    first = np.clip(np.arange(n_pieces), 1, n_pieces - 2) - 1
    ends = np.pad(breaks.numpy(), ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))
    found: list[list[tuple[Piece, ...]]] = []
    for s in range(len(block.sources)):
        live = block.coef[s][first[:, None] + np.arange(k + 1)]  # (pieces, k + 1, T)
        local = np.einsum("pmt,pmr->tpr", live, table[s]) / width[s][:, None] ** np.arange(k + 1)
        found.append(
            [
                tuple(
                    Piece(float(ends[s, p]), float(ends[s, p + 1]), float(origin[s, p]), one[p])
                    for p in range(n_pieces)
                )
                for one in local
            ]
        )
    return found


def end_values(layer: ProgramLayer, block: EdgeBlock) -> Floats:
    """Values of every edge at both ends of the domain, (S, 2, T), for any basis."""
    if layer.basis == "bspline":
        k = layer.degree
        basis = BSpline(torch.from_numpy(block.grid[:, k : block.grid.shape[1] - k].copy()), k)
    else:
        basis = make_basis(layer.basis, torch.from_numpy(block.grid), size=layer.size)
    values = basis.values(torch.from_numpy(block.domain.T.copy())).numpy()
    return np.einsum("esm,smt->set", values, block.coef[:, : layer.size])
