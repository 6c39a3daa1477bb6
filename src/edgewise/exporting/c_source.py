"""A model as C99 that needs nothing but the mathematics of the standard library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.exporting.c_parts import ADD_EDGES, BASIS_SOURCE
from edgewise.exporting.c_table import encoding_parts, level_function, link_lines
from edgewise.exporting.columns import LevelInput
from edgewise.exporting.program import EdgeBlock, Formulas, Network, Program, ProgramLayer
from edgewise.exporting.read import program_of
from edgewise.exporting.text import check_identifier, head_lines, integers, numbers
from edgewise.symbolic.expressions.source import C_HELPERS, C, calls_in, literal, source_of


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
    return c_text(program_of(model, units), name)


def c_text(program: Program, name: str) -> CSource:
    """The source and the header of a program."""
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
    opening = "\n".join(f"#include <{each}>" for each in includes)
    source = [head, opening, _prototypes(program, name), inside, *functions]
    return CSource("\n\n".join(source) + "\n", _header(program, name, head))


def _does(program: Program, name: str) -> str:
    text = f"{name}(x, y) takes one row and fills in the outputs; {name}_batch takes rows that follow one another."
    if program.columns:
        text += " A missing cell is NAN. The output is " + (
            "one probability a class." if program.classes is not None else "what the model predicts."
        )
    if _has_levels(program):
        text += (
            f" For a column of words x holds {name}_level(column, word): the word's place in the list below."
        )
    return text


def _has_levels(program: Program) -> bool:
    return any(isinstance(each, LevelInput) for each in program.columns)


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
    return ["\n".join(each) for each in ([link] if program.classes is not None else []) + [one, many]]


def _table(name: str, values: Any) -> str:
    return f"static const double {name}[] = {{\n{numbers(values)}\n}};"


def _indices(name: str, values: tuple[int, ...]) -> str:
    return f"static const int {name}[] = {{\n{integers(values)}\n}};"


def _helpers(calls: set[str]) -> list[str]:
    return [text for name, text in C_HELPERS.items() if name in calls]


def _formula_parts(body: Formulas, program: Program) -> list[str]:
    columns = {each.name: f"x[{k}]" for k, each in enumerate(program.inputs)}
    calls = set[str]().union(*(calls_in(tree) for tree in body.trees))
    lines = [f"    y[{k}] = {source_of(tree, columns, C)};" for k, tree in enumerate(body.trees)]
    return [*_helpers(calls), _model(["    (void)x;", *lines])]


def _model(lines: list[str]) -> str:
    return "\n".join(["static void run_model(const double *x, double *y)", "{", *lines, "}"])


def _network_parts(body: Network) -> list[str]:
    forms = body.form_trees()
    parts = _helpers(set[str]().union(*(calls_in(tree) for tree in forms.values())))
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
    start = layer.sums
    for k, arity in enumerate(layer.products):
        factors = " * ".join(f"z[{start + j}]" for j in range(arity))
        lines.append(f"    h[{layer.sums + k}] = {factors};")
        start += arity
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
