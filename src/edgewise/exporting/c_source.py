"""A model as C99 that needs nothing but the mathematics of the standard library."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.exporting.text import called, check_identifier, head_lines, integers, numbers, quoted
from edgewise.programs.program import (
    EdgeBlock,
    Formulas,
    LevelInput,
    Network,
    NumberInput,
    Program,
    ProgramLayer,
    program_of,
)
from edgewise.splines.global_bases import GaussianRBF
from edgewise.symbolic.expressions.source import C_HELPERS, C, literal, source_of


@dataclass(frozen=True)
class CSource:
    """A C file and the header that declares its functions; the file does not need the header."""

    source: str
    header: str


def to_c_source(model: Any, *, name: str = "predict", units: Mapping[str, str] | None = None) -> CSource:
    """C99 source that predicts as the model does; it allocates nothing and keeps no state.

    Parameters
    ----------
    model : KAN, Formula, or fitted KANRegressor or KANClassifier
    name : str
        Name of the function for one row, `void name(const double *x, double *y)`; `name_batch` takes many.
    units : mapping of str to str, optional
        Units of inputs and outputs by name, stated in the comment that opens the source.

    Returns
    -------
    CSource
        Its `source` compiles without warnings under -std=c99 -Wall -Wextra -pedantic. Equal models give equal text.

    Raises
    ------
    InputError
        If the model is none of these, is not fitted, or holds numbers that are not finite, or if the name is no plain
        identifier.

    Examples
    --------
    >>> from edgewise.network import KAN
    >>> "void predict(const double *x, double *y)" in to_c_source(KAN([2, 3, 1], seed=0)).source
    True
    """
    check_identifier(name)
    program = program_of(model, units)
    head = _comment(head_lines(program, _does(program, name)))
    body = program.body
    parts = _network_parts(body) if isinstance(body, Network) else _formula_parts(body, program)
    parts += encoding_parts(program) if program.columns else []
    inside = "\n\n".join(parts)
    if re.search(rf"\b{name}(_batch|_level)?\b", inside):
        raise InputError(
            argument="name",
            expected="not be a name that the source itself uses",
            got=short(name),
            advice="choose a longer one",
        )
    functions = _functions(program, name) + ([level_function(program, name)] if _has_levels(program) else [])
    includes = ["math.h", "stddef.h", *(["string.h"] if _has_levels(program) else [])]
    opening = "\n".join(f"#include <{include}>" for include in includes)
    source = [head, opening, _prototypes(program, name), inside, *functions]
    return CSource("\n\n".join(source) + "\n", _header(program, name, head))


def _does(program: Program, name: str) -> str:
    text = f"{name}(x, y) takes one row and fills in the outputs; {name}_batch takes rows that follow one another."
    if program.columns:
        text += " A missing cell is NAN; an infinite number makes the outputs NAN. The output is " + (
            "one probability a class." if program.classes is not None else "what the model predicts."
        )
    if _has_levels(program):
        text += (
            f" For a column of words x holds {name}_level(column, word): the word's place in the list below, "
            "without blanks of ASCII around it."
        )
    return text


def _has_levels(program: Program) -> bool:
    return any(isinstance(column, LevelInput) for column in program.columns)


def _sizes(program: Program) -> tuple[int, int]:
    """Numbers in a row of inputs and of outputs."""
    return len(program.columns or program.inputs), len(program.classes or program.outputs)


def _comment(lines: list[str]) -> str:
    return "\n".join(["/*", *(f" * {_harmless(line)}".rstrip() for line in lines), " */"])


def _harmless(text: str) -> str:
    """Text that cannot end or open a comment, in ASCII."""
    plain = text.encode("ascii", "backslashreplace").decode("ascii")
    plain = plain.replace("*/", "*\\/").replace("/*", "/\\*")
    return re.sub(r"\?(?=\?)", r"?\\", plain)


def _prototypes(program: Program, name: str) -> str:
    lines = [f"void {name}(const double *x, double *y);"]
    lines.append(f"void {name}_batch(const double *x, size_t rows, double *y);")
    if _has_levels(program):
        lines.append(f"double {name}_level(int column, const char *word);")
    return "\n".join(lines)


def _header(program: Program, name: str, head: str) -> str:
    upper = name.upper()
    inputs, outputs = _sizes(program)
    return "\n".join(
        [
            head,
            f"#ifndef EDGEWISE_{upper}_H",
            f"#define EDGEWISE_{upper}_H",
            "",
            "#include <stddef.h>",
            "",
            f"#define {upper}_INPUTS {inputs}",
            f"#define {upper}_OUTPUTS {outputs}",
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
            _prototypes(program, name),
            "",
            "#ifdef __cplusplus",
            "}",
            "#endif",
            "",
            "#endif",
            "",
        ]
    )


def _functions(program: Program, name: str) -> list[str]:
    inputs, outputs = _sizes(program)
    lines: list[str] = []
    row, result = "x", "y"
    if program.columns:
        lines, row = [f"    double h[{len(program.inputs)}];"], "h"
    if program.classes is not None:
        lines, result = [*lines, f"    double z[{len(program.outputs)}];"], "z"
    if numbers := [k for k, column in enumerate(program.columns) if isinstance(column, NumberInput)]:
        infinite = " || ".join(f"isinf(x[{k}])" for k in numbers)
        lines += ["    int k;", f"    if ({infinite}) {{", f"        for (k = 0; k < {outputs}; k++)"]
        lines += ["            y[k] = NAN;", "        return;", "    }"]
    lines += ["    encode(x, h);"] if program.columns else []
    lines.append(f"    run_model({row}, {result});")
    lines += ["    probabilities(z, y);"] if program.classes is not None else []
    link = ["static void probabilities(const double *z, double *y)", "{", *link_lines(program), "}"]
    one = [f"void {name}(const double *x, double *y)", "{", *lines, "}"]
    many = [
        f"void {name}_batch(const double *x, size_t rows, double *y)",
        "{",
        "    size_t row;",
        "    for (row = 0; row < rows; row++)",
        f"        {name}(x + row * {inputs}, y + row * {outputs});",
        "}",
    ]
    return ["\n".join(item) for item in ([link] if program.classes is not None else []) + [one, many]]


def _table(name: str, values: Any) -> str:
    return f"static const double {name}[] = {{\n{numbers(values)}\n}};"


def _indices(name: str, values: tuple[int, ...]) -> str:
    return f"static const int {name}[] = {{\n{integers(values)}\n}};"


def _formula_parts(body: Formulas, program: Program) -> list[str]:
    columns = {variable.name: f"x[{k}]" for k, variable in enumerate(program.inputs)}
    lines = [f"    y[{k}] = {source_of(tree, columns, C)};" for k, tree in enumerate(body.trees)]
    return [*called(C_HELPERS, body.trees), _model(["    (void)x;", *lines])]


def _model(lines: list[str]) -> str:
    return "\n".join(["static void run_model(const double *x, double *y)", "{", *lines, "}"])


def _network_parts(body: Network) -> list[str]:
    forms = body.form_trees()
    parts = called(C_HELPERS, forms.values())
    callee: dict[str, str] = {}
    for k, (form, tree) in enumerate(forms.items()):
        callee[form] = f"form_{k}"
        value = source_of(tree, {"x": "x"}, C)
        parts.append(f"static double form_{k}(double x)\n{{\n    return {value};\n}}")
    numeric = [layer for layer in body.layers if layer.blocks]
    used = sorted({layer.basis for layer in numeric})
    parts += dict.fromkeys(text for name in used for text in BASIS_SOURCE[name])
    if numeric:
        live = max(_live(layer) for layer in numeric)
        targets = max(len(block.targets) for layer in numeric for block in layer.blocks)
        parts.append(ADD_EDGES.replace("{live}", str(live)).replace("{targets}", str(targets)))
    inputs, outputs = len(body.input_shift), len(body.output_shift)
    tables = [_table("input_shift", body.input_shift), _table("input_scale", body.input_scale)]
    lines = [
        f"    double h[{max([inputs, *(layer.n_nodes for layer in body.layers)])}];",
        f"    double z[{max(layer.n_sums for layer in body.layers)}];",
        "    int k;",
        f"    for (k = 0; k < {inputs}; k++)",
        "        h[k] = (x[k] - input_shift[k]) / input_scale[k];",
    ]
    for at, layer in enumerate(body.layers, start=1):
        tables.append(_table(f"bias_{at}", layer.bias))
        lines += _layer_lines(layer, at, callee, tables)
    tables += [_table("output_shift", body.output_shift), _table("output_scale", body.output_scale)]
    lines.append(f"    for (k = 0; k < {outputs}; k++)")
    lines.append("        y[k] = output_shift[k] + output_scale[k] * h[k];")
    return [*parts, "\n".join(tables), _model(lines)]


def _live(layer: ProgramLayer) -> int:
    """Functions of a basis that do not vanish at a point."""
    return layer.degree + 1 if layer.basis == "bspline" else layer.size


def _layer_lines(layer: ProgramLayer, at: int, callee: dict[str, str], tables: list[str]) -> list[str]:
    lines = [f"    for (k = 0; k < {layer.n_sums}; k++)", f"        z[k] = bias_{at}[k];"]
    for k, block in enumerate(layer.blocks, start=1):
        lines.append(_block_line(layer, block, f"{at}_{k}", tables))
    for edge in layer.forms:
        a, b, c, d = map(literal, edge.affine)
        lines.append(
            f"    z[{edge.target}] += {a} * {callee[edge.form]}({b} * h[{edge.source}] + {c}) + {d};"
        )
    lines += [f"    for (k = 0; k < {layer.sums}; k++)", "        h[k] = z[k];"] if layer.sums else []
    for k, factors in enumerate(layer.factors, layer.sums):
        lines.append(f"    h[{k}] = {' * '.join(f'z[{j}]' for j in factors)};")
    return lines


def _block_line(layer: ProgramLayer, block: EdgeBlock, tag: str, tables: list[str]) -> str:
    """Adds a block's tables; the line that adds its edges to the sums."""
    tables += [_indices(f"from_{tag}", block.sources), _indices(f"to_{tag}", block.targets)]
    tables += [_table(f"grid_{tag}", block.grid), _table(f"coef_{tag}", block.coef)]
    margin = layer.degree if layer.basis == "bspline" else 0
    tables.append(
        f"static const Block block_{tag} = {{{layer.basis}, {len(block.sources)}, {len(block.targets)}, "
        f"{block.grid.shape[1]}, {margin}, {layer.size}, {_live(layer)}, {int(layer.has_base)},\n"
        f"    from_{tag}, to_{tag}, grid_{tag}, coef_{tag}}};"
    )
    return f"    add_edges(&block_{tag}, h, z);"


# What a compiler of C99 must take, less a reserve.
_LONGEST = 4000
_TRANSFORMS = {"identity": 0, "linear": 1, "asinh": 2}

_NUMBER = """\
/* A number on the scale of the network's input, kept near its training range. */
static double number_input(double x, int transform, double centre, double scale, double low, double high, double fill)
{
    double t = x;
    if (x != x)
        return fill;
    if (transform > 0) {
        t = x / scale - centre / scale;
        t = t < -1e300 ? -1e300 : t > 1e300 ? 1e300 : t;
    }
    if (transform > 1)
        t = asinh(t);
    return t < low ? low : t > high ? high : t;
}"""

_LEVEL = """\
/* The number of a word; words that are not listed and missing ones have numbers of their own. */
static double level_input(double x, int count, int unseen, int missing)
{
    if (x != x)
        return missing;
    return x >= 0.0 && x < count && x == floor(x) ? x : unseen;
}"""


def encoding_parts(program: Program) -> list[str]:
    """`encode`, from a row of raw columns to the inputs of the network."""
    kinds = {type(column) for column in program.columns}
    parts = [text for kind, text in ((NumberInput, _NUMBER), (LevelInput, _LEVEL)) if kind in kinds]
    lines = ["static void encode(const double *x, double *h)", "{"]
    at = 0
    for k, column in enumerate(program.columns):
        if isinstance(column, NumberInput):
            numbers = (column.centre, column.scale, column.low, column.high, column.fill)
            values = ", ".join(map(literal, numbers))
            x = f"x[{k}]"
            if column.codes:
                x = f"{' || '.join(f'{x} == {literal(code)}' for code in column.codes)} ? NAN : {x}"
            lines.append(f"    h[{at}] = number_input({x}, {_TRANSFORMS[column.transform]}, {values});")
            if column.flagged:
                lines.append(f"    h[{at + 1}] = x[{k}] != x[{k}];")
            first = at + 1 + column.flagged
            lines += [f"    h[{first + j}] = x[{k}] == {literal(c)};" for j, c in enumerate(column.codes)]
        elif isinstance(column, LevelInput):
            numbers = f"{len(column.levels)}, {column.unseen}, {column.missing}"
            lines.append(f"    h[{at}] = level_input(x[{k}], {numbers});")
        at += column.width
    return [*parts, "\n".join([*lines, "}"])]


def link_lines(program: Program) -> list[str]:
    """Statements that turn the logits z into probabilities y."""
    count = len(program.classes or ())
    if count == 1:
        return ["    (void)z;", "    y[0] = 1.0;"]
    if count == 2:
        return ["    y[0] = 1.0 / (1.0 + exp(z[0]));", "    y[1] = 1.0 / (1.0 + exp(-z[0]));"]
    return [
        "    double most = z[0], total = 0.0;",
        "    int k;",
        f"    for (k = 1; k < {count}; k++)",
        "        most = z[k] > most ? z[k] : most;",
        f"    for (k = 0; k < {count}; k++)",
        "        total += y[k] = exp(z[k] - most);",
        f"    for (k = 0; k < {count}; k++)",
        "        y[k] /= total;",
    ]


# What Python strips from a text of ASCII.
_BLANK = "{0} == 32 || ({0} >= 9 && {0} <= 13) || ({0} >= 28 && {0} <= 31)"


def level_function(program: Program, name: str) -> str:
    """`name_level`, the number of a word."""
    lines = [f"double {name}_level(int column, const char *word)", "{"]
    words = {k: column for k, column in enumerate(program.columns) if isinstance(column, LevelInput)}
    for k, column in words.items():
        listed = "".join(f"        {c_string(word)},\n" for word in column.levels)
        lines.append(f"    static const char *const words_{k}[] = {{\n{listed}    }};")
    lines += [
        "    const char *const *words;",
        "    int count, k;",
        "    size_t size;",
        f"    while ({_BLANK.format('*word')})",
        "        word++;",
        "    for (size = strlen(word); size; size--)",
        f"        if (!({_BLANK.format('word[size - 1]')}))",
        "            break;",
        "    if (!size)",
        "        return NAN;",
    ]
    lines.append("    switch (column) {")
    for k, column in words.items():
        lines.append(f"    case {k}: words = words_{k}; count = {len(column.levels)}; break;")
    lines += ["    default: return -1.0;", "    }", "    for (k = 0; k < count; k++)"]
    lines += [
        "        if (!strncmp(word, words[k], size) && !words[k][size])",
        "            return k;",
        "    return -1.0;",
        "}",
    ]
    return "\n".join(lines)


def c_string(text: str) -> str:
    """A text as a C string in UTF-8: everything but plain characters as octal numbers."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > _LONGEST:
        raise InputError(
            subject="A word of a column",
            expected=f"have at most {_LONGEST:,} bytes to be written as C",
            got=f"{quoted(text[:40])}... of {len(data):,}",
            advice="shorten it before the fit",
        )
    plain = (chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in data)
    return f'"{"".join(plain)}"'


_BLOCK = """\
/* Edges from every source to every target, and the functions of the sources that they share. */
typedef struct Block Block;
struct Block {
    /* Writes the basis functions that live at t; returns the number of the first. */
    int (*basis)(const Block *block, const double *grid, double t, double *values);
    int sources, targets, knots, margin, size, live, base;
    const int *source, *target;
    const double *grid, *coef;
};"""

_BSPLINE = """\
/* Cox-de Boor recursion on the degree + 1 B-splines that live at t. */
static int bspline(const Block *block, const double *grid, double t, double *values)
{
    int degree = block->margin, low = degree, high = block->knots - 1 - degree, d, m;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (t >= grid[middle])
            low = middle;
        else
            high = middle;
    }
    values[0] = 1.0;
    for (d = 1; d <= degree; d++) {
        double carried = 0.0;
        for (m = 0; m < d; m++) {
            double right = grid[low + 1 + m], left = grid[low + 1 + m - d];
            double rising = values[m] * ((t - left) / (right - left));
            values[m] = carried + (values[m] - rising);
            carried = rising;
        }
        values[d] = carried;
    }
    return low - degree;
}"""

_UNIT = """\
/* Coordinate that runs from -1 to 1 over the domain, measured from the nearer end. */
static double unit(const Block *block, const double *grid, double t)
{
    double low = grid[0], high = grid[block->knots - 1], slope = 2.0 / (high - low);
    return t - low < high - t ? (t - low) * slope - 1.0 : 1.0 - (high - t) * slope;
}"""

_SERIES = """\
/* 1, u, ... with f(n + 1) = 2 u f(n) - f(n - 1). */
static int series(const Block *block, double u, double *values)
{
    int m;
    values[0] = 1.0;
    if (block->size > 1)
        values[1] = u;
    for (m = 2; m < block->size; m++)
        values[m] = 2.0 * u * values[m - 1] - values[m - 2];
    return 0;
}"""

_CHEBYSHEV = """\
static int chebyshev(const Block *block, const double *grid, double t, double *values)
{
    return series(block, unit(block, grid, t), values);
}"""

_RATIONAL = """\
static int rational(const Block *block, const double *grid, double t, double *values)
{
    double u = unit(block, grid, t);
    return series(block, u / sqrt(1.0 + u * u), values);
}"""

_FOURIER = """\
/* 1, sin a, cos a, sin 2a, cos 2a, ... with a from -pi/2 to pi/2 over the domain. */
static int fourier(const Block *block, const double *grid, double t, double *values)
{
    double quarter = {quarter}, a = unit(block, grid, t) * quarter;
    int m;
    for (m = 0; m < block->size; m++)
        values[m] = sin((m + 1) / 2 * a + (m % 2 ? 0.0 : quarter));
    return 0;
}"""

_RBF = """\
/* 1, u and a Gaussian around every centre. */
static int rbf(const Block *block, const double *grid, double t, double *values)
{
    int count = block->knots, m;
    values[0] = 1.0;
    values[1] = unit(block, grid, t);
    for (m = 0; m < count; m++) {
        int l = m > 0 ? m - 1 : 0, r = m < count - 1 ? m : count - 2;
        double u = (t - grid[m]) / ({share} * ((grid[l + 1] - grid[l]) + (grid[r + 1] - grid[r])));
        values[2 + m] = exp(-u * u);
    }
    return 0;
}"""

BASIS_SOURCE = {
    "bspline": (_BLOCK, _BSPLINE),
    "chebyshev": (_BLOCK, _UNIT, _SERIES, _CHEBYSHEV),
    "rational": (_BLOCK, _UNIT, _SERIES, _RATIONAL),
    "fourier": (_BLOCK, _UNIT, _FOURIER.replace("{quarter}", repr(math.pi / 2))),
    "rbf": (_BLOCK, _UNIT, _RBF.replace("{share}", repr(GaussianRBF.width / 2))),
}

ADD_EDGES = """\
static void add(double *sums, double factor, const double *row, int count)
{
    int j;
    for (j = 0; j < count; j++)
        sums[j] += factor * row[j];
}

/* Adds all edges of a block: basis functions inside the grid, straight tails beyond it. */
static void add_edges(const Block *block, const double *h, double *z)
{
    double sums[{targets}] = {0.0}, values[{live}];
    int count = block->targets, stride = (block->size + 2 + block->base) * count, i, j, m;
    for (i = 0; i < block->sources; i++) {
        const double *grid = block->grid + i * block->knots, *coef = block->coef + i * stride;
        double v = h[block->source[i]], low = grid[block->margin], high = grid[block->knots - 1 - block->margin];
        double t = v < low ? low : v > high ? high : v;
        int first = block->basis(block, grid, t, values);
        for (m = 0; m < block->live; m++)
            add(sums, values[m], coef + (first + m) * count, count);
        if (v < low)
            add(sums, v - low, coef + block->size * count, count);
        else if (v > high)
            add(sums, v - high, coef + (block->size + 1) * count, count);
        else if (v != v)
            add(sums, v, coef, count);
        if (block->base)
            add(sums, v / (1.0 + exp(-v)), coef + (block->size + 2) * count, count);
    }
    for (j = 0; j < count; j++)
        z[block->target[j]] += sums[j];
}"""
