"""A model as one Python file that needs nothing but NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewise.exporting.numpy_parts import BASIS_SOURCE, FEATURES, FORM_HELPERS
from edgewise.exporting.numpy_table import table_parts
from edgewise.exporting.program import EdgeBlock, Formulas, Network, Program, ProgramLayer
from edgewise.exporting.read import program_of
from edgewise.exporting.text import head_lines, integers, numbers, quoted
from edgewise.symbolic.expressions.source import NUMPY, calls_in, literal, source_of

# Numbers that the largest temporary of a chunk of rows may hold: what stays in a processor's cache is done sooner.
CHUNK = 1 << 18


def to_numpy_source(model: Any, *, units: Mapping[str, str] | None = None) -> str:
    """Source of a Python module that predicts as the model does and imports NumPy only.

    Parameters
    ----------
    model : KAN, Formula, or fitted KANRegressor or KANClassifier
    units : mapping of str to str, optional
        Units of inputs and outputs by name, stated in the comment that opens the source.

    Returns
    -------
    str
        A module with `predict(X)`, with INPUTS, OUTPUTS and RANGES, and `outside(X)` where training ranges are known. Equal
        models give equal text.

    Raises
    ------
    InputError
        If the model is none of these, is not fitted, or holds numbers that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.network import KAN
    >>> source = to_numpy_source(KAN([2, 3, 1], seed=0))
    >>> module = {}
    >>> exec(source, module)
    >>> module["predict"](np.zeros((4, 2))).shape
    (4, 1)
    """
    return numpy_text(program_of(model, units))


def numpy_text(program: Program) -> str:
    """The source of a program."""
    does = (
        "predict(X) takes rows of the inputs, shape (n, inputs), and gives the outputs, shape (n, outputs)."
    )
    if program.columns:
        does = "predict(table) takes raw columns: a mapping, a data frame, or a matrix of them in order."
    head = "\n".join(f"# {line}".rstrip() for line in head_lines(program, does))
    body = program.body
    parts = _network_parts(body) if isinstance(body, Network) else _formula_parts(body, program)
    parts.append(_run(program))
    parts += (
        table_parts(program) if program.columns else [_PREDICT, *([_OUTSIDE] if _has_ranges(program) else [])]
    )
    return "\n\n\n".join([f"{head}\n\nimport numpy as np\n\n{_constants(program)}", *parts]) + "\n"


def _has_ranges(program: Program) -> bool:
    return all(each.low is not None for each in program.inputs)


def _constants(program: Program) -> str:
    """The names and ranges that a reader may want to use."""
    lines: list[str] = []
    if program.columns:
        lines.append(_tuple("COLUMNS", [quoted(each.name) for each in program.columns]))
    else:
        lines.append(_tuple("INPUTS", [quoted(each.name) for each in program.inputs]))
        if _has_ranges(program):
            lines.append(_tuple("RANGES", [f"({each.low!r}, {each.high!r})" for each in program.inputs]))
    if program.classes is None:
        lines.append(_tuple("OUTPUTS", [quoted(name) for name in program.outputs]))
    else:
        lines.append(f"CLASSES = np.array([{', '.join(map(repr, program.classes))}])")
    return "\n".join(lines)


def _tuple(name: str, items: list[str]) -> str:
    return f"{name} = (\n" + "".join(f"    {item},\n" for item in items) + ")"


def _array(name: str, values: Any, shape: tuple[int, ...]) -> str:
    tail = "" if len(shape) == 1 else f".reshape({', '.join(map(str, shape))})"
    return f"{name} = np.array([\n{numbers(values)}\n]){tail}"


def _indices(name: str, values: tuple[int, ...]) -> str:
    return f"{name} = np.array([\n{integers(values)}\n])"


def _run(program: Program) -> str:
    """The model in chunks of rows."""
    body = program.body
    widest = 1
    if isinstance(body, Network):
        blocks = [len(b.sources) * layer.n_features for layer in body.layers for b in layer.blocks]
        widest = max([1, *blocks, *(layer.n_sums for layer in body.layers)])
    return _RUN.format(outputs=len(program.outputs), rows=max(16, CHUNK // widest))


_RUN = """\
def _run(x):
    y = np.empty((len(x), {outputs}))
    with np.errstate(all="ignore"):
        for start in range(0, len(x), {rows}):
            y[start:start + {rows}] = _model(x[start:start + {rows}])
    return y"""

_PREDICT = '''\
def predict(X):
    """Outputs, shape (n, outputs), of every row of X, shape (n, inputs). NaN stays NaN."""
    return _run(_rows(X))


def _rows(X):
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or X.shape[1] != len(INPUTS):
        raise ValueError(f"X must have shape (rows, {len(INPUTS)}). Got {X.shape} instead.")
    return X'''

_OUTSIDE = '''\
def outside(X):
    """Which entries of X lie outside the ranges the model was trained on."""
    low, high = np.array(RANGES).T
    slack = 1e-6 * (high - low)
    X = _rows(X)
    return (X < low - slack) | (X > high + slack)'''


def _formula_parts(body: Formulas, program: Program) -> list[str]:
    columns = {each.name: f"x[:, {k}]" for k, each in enumerate(program.inputs)}
    calls = set[str]().union(*(calls_in(tree) for tree in body.trees))
    lines = [f"    y[:, {k}] = {source_of(tree, columns, NUMPY)}" for k, tree in enumerate(body.trees)]
    model = "\n".join(
        ["def _model(x):", f"    y = np.empty((len(x), {len(body.trees)}))", *lines, "    return y"]
    )
    return [*_helpers(calls), model]


def _helpers(calls: set[str]) -> list[str]:
    return [text for name, text in FORM_HELPERS.items() if name in calls]


def _network_parts(body: Network) -> list[str]:
    forms = body.form_trees()
    calls = set[str]().union(*(calls_in(tree) for tree in forms.values()))
    parts = _helpers(calls)
    callee: dict[str, str] = {}
    for k, (form, tree) in enumerate(forms.items()):
        callee[form] = f"_form_{k}"
        parts.append(f"def _form_{k}(x):\n    return {source_of(tree, {'x': 'x'}, NUMPY)}")
    used = {layer.basis for layer in body.layers if layer.blocks}
    parts += dict.fromkeys(text for name in sorted(used) for text in BASIS_SOURCE[name])
    parts += [FEATURES] if used else []
    tables = [
        _array("_INPUT_SHIFT", body.input_shift, body.input_shift.shape),
        _array("_INPUT_SCALE", body.input_scale, body.input_scale.shape),
    ]
    lines = ["def _model(x):", "    h = (x - _INPUT_SHIFT) / _INPUT_SCALE"]
    for at, layer in enumerate(body.layers, start=1):
        tables.append(_array(f"_BIAS_{at}", layer.bias, layer.bias.shape))
        lines += _layer_lines(layer, at, callee, tables)
    tables.append(_array("_OUTPUT_SHIFT", body.output_shift, body.output_shift.shape))
    tables.append(_array("_OUTPUT_SCALE", body.output_scale, body.output_scale.shape))
    lines.append("    return _OUTPUT_SHIFT + _OUTPUT_SCALE * h")
    return [*parts, "\n".join(tables), "\n".join(lines)]


def _layer_lines(layer: ProgramLayer, at: int, callee: dict[str, str], tables: list[str]) -> list[str]:
    lines = ["", f"    z = np.tile(_BIAS_{at}, (len(h), 1))"]
    for k, block in enumerate(layer.blocks, start=1):
        lines.append(_block_line(layer, block, f"{at}_{k}", tables))
    for edge in layer.forms:
        a, b, c, d = map(literal, edge.affine)
        value = f"{a} * {callee[edge.form]}({b} * h[:, {edge.source}] + {c}) + {d}"
        lines.append(f"    z[:, {edge.target}] += {value}")
    if not layer.products:
        return [*lines, "    h = z"]
    lines.append(f"    h = np.empty((len(z), {layer.n_nodes}))")
    lines.append(f"    h[:, :{layer.sums}] = z[:, :{layer.sums}]")
    start = layer.sums
    for k, arity in enumerate(layer.products):
        factors = " * ".join(f"z[:, {start + j}]" for j in range(arity))
        lines.append(f"    h[:, {layer.sums + k}] = {factors}")
        start += arity
    return lines


def _block_line(layer: ProgramLayer, block: EdgeBlock, tag: str, tables: list[str]) -> str:
    """Adds a block's tables; the line that adds its edges to the sums."""
    n_sources, n_targets = len(block.sources), len(block.targets)
    tables.append(_array(f"_GRID_{tag}", block.grid, block.grid.shape))
    tables.append(_array(f"_COEF_{tag}", block.coef, (n_sources * layer.n_features, n_targets)))
    source, target = "h", "z"
    if block.sources != tuple(range(layer.n_inputs)):
        tables.append(_indices(f"_FROM_{tag}", block.sources))
        source = f"h[:, _FROM_{tag}]"
    if block.targets != tuple(range(layer.n_sums)):
        tables.append(_indices(f"_TO_{tag}", block.targets))
        target = f"z[:, _TO_{tag}]"
    detail = {"bspline": f", {layer.degree}, margin={layer.degree}", "rbf": ""}.get(
        layer.basis, f", {layer.size}"
    )
    base = ", base=True" if layer.has_base else ""
    features = f"_features({source}, _{layer.basis}, _GRID_{tag}{detail}{base})"
    return f"    {target} += {features} @ _COEF_{tag}"
