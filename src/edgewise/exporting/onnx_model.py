"""A model as an ONNX graph of standard operators.

All edges of a layer are one matrix product: the features of every source (see `edgewise.programs.program`) are laid out for
the whole batch, (n, S, F), by a Cox-de Boor recursion that a few elementwise operators carry out for all sources at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice
from edgewise._core.extras import need
from edgewise._core.version import __version__
from edgewise.exporting.onnx_operators import (
    BOOL,
    FLOAT32,
    FLOAT64,
    INT64,
    STRING,
    Graph,
    asinh_value,
    basis_values,
    tree_value,
)
from edgewise.exporting.text import utf8
from edgewise.forms.tree import Node
from edgewise.programs.program import (
    Column,
    EdgeBlock,
    FormEdge,
    Formulas,
    LevelInput,
    Network,
    NumberInput,
    Program,
    ProgramLayer,
    Unused,
    program_of,
)

# Read by every onnxruntime since 1.8 (2021) and by most other runtimes.
OPSET, ML_OPSET, IR_VERSION = 13, 2, 7
# Beyond so many small products a large one with zeros in it is done sooner.
MOST_PRODUCTS = 64
_TYPES = {"float64": FLOAT64, "float32": FLOAT32}


def to_onnx(model: Any, *, dtype: str = "float64", units: Mapping[str, str] | None = None) -> bytes:
    """An ONNX model that predicts as the model does.

    Parameters
    ----------
    model : KAN, Formula, or fitted KANRegressor or KANClassifier
    dtype : "float64" or "float32"
        Type of the numbers that go in and come out. In between all is computed in double precision.
    units : mapping of str to str, optional
        Units of inputs and outputs by name, kept in the metadata.

    Returns
    -------
    bytes
        Input "X", shape (n, inputs), and output "y", shape (n, outputs). An estimator's model has one input of shape (n, 1)
        a column instead, named like it, of numbers (NaN where missing; an infinite one makes the outputs NaN) or strings
        ("" where missing); a classifier's gives
        "label", shape (n,), and "probabilities", shape (n, classes). Equal models give equal bytes.

    Raises
    ------
    InputError
        If the model is none of these, is not fitted, or holds numbers that are not finite, or if the package onnx is not
        installed.

    Examples
    --------
    >>> import onnx
    >>> from edgewise.network import KAN
    >>> graph = onnx.load_from_string(to_onnx(KAN([2, 3, 1], seed=0))).graph
    >>> graph.input[0].name, graph.output[0].name
    ('X', 'y')
    """
    check_choice(dtype, "dtype", tuple(_TYPES))
    need("onnx", "onnx", "ONNX files")
    program = program_of(model, units)
    columns = column_inputs(program)
    results = _results(program, {name for name, _ in columns})
    g = Graph([*(name for name, _ in columns), *results])
    number_type = _TYPES[dtype]
    make = g.onnx.helper.make_tensor_value_info
    if columns:
        inputs = [make(name, STRING if words else number_type, ["n", 1]) for name, words in columns]
        x = encoded(g, program, number_type)
    else:
        inputs = [make("X", number_type, ["n", len(program.inputs)])]
        x = "X" if number_type == FLOAT64 else g.op("Cast", "X", to=FLOAT64)
    body = program.body
    y = _network(g, body, x) if isinstance(body, Network) else _formulas(g, body, x, program)
    odd = _of_infinite(g, [name for name, words in columns if not words])
    y = g.op("Add", y, odd) if odd else y
    if program.classes is None:
        # Through a node of its own: the value may be the input itself.
        g.op("Cast", y, output=results[0], to=number_type)
        outputs = [make(results[0], number_type, ["n", len(program.outputs)])]
    else:
        label_type = classified(g, program, y, number_type, results[0], results[1], odd)
        outputs = [make(results[0], label_type, ["n"])]
        outputs.append(make(results[1], number_type, ["n", len(program.classes)]))
    return _serialised(g, inputs, outputs, program)


def _results(program: Program, taken: set[str]) -> list[str]:
    """Names of the outputs that no column has."""
    found: list[str] = []
    for name in ["y"] if program.classes is None else ["label", "probabilities"]:
        while name in taken:
            name += "_out"
        found.append(name)
    return found


def _serialised(g: Graph, inputs: list[Any], outputs: list[Any], program: Program) -> bytes:
    helper = g.onnx.helper
    graph = helper.make_graph(g.nodes, "edgewise", inputs, outputs, g.constants)
    words = any(node.domain for node in g.nodes)
    model = helper.make_model(
        graph,
        opset_imports=[
            helper.make_opsetid("", OPSET),
            *([helper.make_opsetid("ai.onnx.ml", ML_OPSET)] if words else []),
        ],
        ir_version=IR_VERSION,
        producer_name="edgewise",
        producer_version=__version__,
        doc_string=f"Made by edgewise {__version__} from {utf8(program.origin)}.",
    )
    helper.set_model_props(model, {"edgewise": json.dumps(_description(program))})
    return bytes(model.SerializeToString(deterministic=True))


def _description(program: Program) -> dict[str, Any]:
    inputs = [
        {"name": variable.name}
        | ({} if variable.low is None else {"low": variable.low, "high": variable.high})
        | ({"unit": program.units[variable.name]} if variable.name in program.units else {})
        for variable in program.inputs
    ]
    outputs = [
        {"name": name} | ({"unit": program.units[name]} if name in program.units else {})
        for name in program.outputs
    ]
    return {"inputs": inputs, "outputs": outputs}


def _formulas(g: Graph, body: Formulas, x: str, program: Program) -> str:
    columns = {
        variable.name: g.op("Gather", x, g.indices([k]), axis=1) for k, variable in enumerate(program.inputs)
    }
    # A formula may be a constant: the sum with zeros gives it one row for each of x.
    zero = g.zeros(x, 1)
    parts = [g.op("Add", zero, tree_value(g, tree, columns)) for tree in body.trees]
    return parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=1)


def _network(g: Graph, body: Network, x: str) -> str:
    h = g.op("Div", g.op("Sub", x, g.constant(body.input_shift)), g.constant(body.input_scale))
    trees = body.form_trees()
    for layer in body.layers:
        parts = [*_numeric(g, layer, h), *_symbolic(g, layer, h, trees)]
        bias = g.constant(layer.bias)
        z = g.op("Add", g.gathered(parts, layer.n_sums, h) if parts else g.zeros(h, layer.n_sums), bias)
        h = _products(g, layer, z)
    return g.op("Add", g.op("Mul", h, g.constant(body.output_scale)), g.constant(body.output_shift))


def _products(g: Graph, layer: ProgramLayer, z: str) -> str:
    """Node values from sums."""
    if not layer.products:
        return z
    parts: list[tuple[str, Sequence[int]]] = []
    if layer.sums:
        parts.append((g.columns(z, range(layer.sums), layer.n_sums), range(layer.sums)))
    starts = layer.sums + np.cumsum([0, *layer.products])
    for arity in dict.fromkeys(layer.products):
        which = [k for k, other in enumerate(layer.products) if other == arity]
        factors = [g.columns(z, [int(starts[k]) + j for k in which], layer.n_sums) for j in range(arity)]
        total = factors[0]
        for factor in factors[1:]:
            total = g.op("Mul", total, factor)
        parts.append((total, [layer.sums + k for k in which]))
    return g.gathered(parts, layer.n_nodes, z)


def _symbolic(g: Graph, layer: ProgramLayer, h: str, trees: dict[str, Node]) -> list[tuple[str, list[int]]]:
    groups: dict[str, list[FormEdge]] = {}
    for edge in layer.forms:
        groups.setdefault(edge.form, []).append(edge)
    parts: list[tuple[str, list[int]]] = []
    for form, edges in groups.items():
        a, b, c, d = (g.constant(column) for column in np.transpose([edge.affine for edge in edges]))
        x = g.op("Gather", h, g.indices([edge.source for edge in edges]), axis=1)
        value = tree_value(g, trees[form], {"x": g.op("Add", g.op("Mul", x, b), c)})
        parts.append((g.op("Add", g.op("Mul", value, a), d), [edge.target for edge in edges]))
    return parts


def _numeric(g: Graph, layer: ProgramLayer, h: str) -> list[tuple[str, tuple[int, ...]]]:
    """One matrix product for each group of blocks."""
    groups = _groups(layer.blocks)
    if not groups:
        return []
    blocks = [block for group in groups for block in group]
    sources = [source for block in blocks for source in block.sources]
    x = g.op("Unsqueeze", g.columns(h, sources, layer.n_inputs), g.indices([2]))
    domain = np.concatenate([block.domain for block in blocks])
    low, high = g.constant(domain[:, :1]), g.constant(domain[:, 1:])
    inside = g.op("Min", g.op("Max", x, low), high)
    grid = np.concatenate([block.grid for block in blocks])
    zero = g.constant(0.0)
    parts = [*basis_values(g, layer, inside, grid), g.op("Min", g.op("Sub", x, low), zero)]
    parts.append(g.op("Max", g.op("Sub", x, high), zero))
    if layer.has_base:
        parts.append(g.op("Mul", x, g.op("Sigmoid", x)))
    features = g.op("Concat", *parts, axis=2)
    found: list[tuple[str, tuple[int, ...]]] = []
    start = 0
    for group in groups:
        targets, coef = _merged(group)
        share = features
        if len(groups) > 1:
            stop = start + len(coef)
            share = g.op("Slice", features, *map(g.indices, ([start], [stop], [1])))
            start = stop
        flat = g.op("Reshape", share, g.indices([0, coef.shape[0] * coef.shape[1]]))
        found.append((g.op("MatMul", flat, g.constant(coef.reshape(-1, len(targets)))), targets))
    return found


def _groups(blocks: tuple[EdgeBlock, ...]) -> list[list[EdgeBlock]]:
    """Blocks that share one matrix product: those whose targets meet, unless it would be zeros for the most part."""
    found: list[list[EdgeBlock]] = []
    for component in _components(blocks):
        edges = sum(len(block.sources) * len(block.targets) for block in component)
        whole = sum(len(block.sources) for block in component) * len(
            {t for b in component for t in b.targets}
        )
        apart = edges < 0.5 * whole and len(component) <= MOST_PRODUCTS
        found += [[block] for block in component] if apart else [component]
    return found


def _components(blocks: tuple[EdgeBlock, ...]) -> list[list[EdgeBlock]]:
    """Blocks gathered so that no target is shared between two components, in order of first appearance."""
    components: list[tuple[set[int], list[EdgeBlock]]] = []
    for block in blocks:
        mine = [component for component in components if component[0] & set(block.targets)]
        apart = [component for component in components if not component[0] & set(block.targets)]
        joined = set(block.targets).union(*(targets for targets, _ in mine))
        components = [*apart, (joined, [*(one for _, found in mine for one in found), block])]
    return [found for _, found in components]


def _merged(blocks: list[EdgeBlock]) -> tuple[tuple[int, ...], Floats]:
    """Targets of a component and its coefficients (S, F, T), zero where an edge is dead."""
    targets = sorted({target for block in blocks for target in block.targets})
    place = {target: k for k, target in enumerate(targets)}
    n_sources = sum(len(block.sources) for block in blocks)
    coef = np.zeros((n_sources, blocks[0].coef.shape[1], len(targets)))
    start = 0
    for block in blocks:
        stop = start + len(block.sources)
        coef[start:stop, :, [place[target] for target in block.targets]] = block.coef
        start = stop
    return tuple(targets), coef


def column_inputs(program: Program) -> list[tuple[str, bool]]:
    """Name of every column that the network reads, and whether it holds words."""
    return [
        (_name(column), isinstance(column, LevelInput))
        for column in program.columns
        if not isinstance(column, Unused)
    ]


def _name(column: Column) -> str:
    return utf8(column.name) or "(no name)"


def encoded(g: Graph, program: Program, number_type: int) -> str:
    """Inputs of the network, (n, inputs), from one graph input (n, 1) a column."""
    parts: list[str] = []
    for column in program.columns:
        name = _name(column)
        if isinstance(column, NumberInput):
            x = name if number_type == FLOAT64 else g.op("Cast", name, to=FLOAT64)
            missing = g.op("IsNaN", x)
            codes = [g.op("Equal", x, g.constant(code)) for code in column.codes]
            value = _limited(g, _transformed(g, column, x), column.low, column.high)
            for there in (missing, *codes):
                value = g.op("Where", there, g.constant(column.fill), value)
            parts.append(value)
            parts += [g.op("Cast", there, to=FLOAT64) for there in (*[missing][: column.flagged], *codes)]
        elif isinstance(column, LevelInput):
            parts.append(_level_codes(g, column, name))
    return parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=1)


def _transformed(g: Graph, column: NumberInput, x: str) -> str:
    if column.transform == "identity":
        return x
    scaled = g.op("Div", x, g.constant(column.scale))
    t = _limited(g, g.op("Sub", scaled, g.constant(column.centre / column.scale)), -1e300, 1e300)
    return asinh_value(g, t) if column.transform == "asinh" else t


def _limited(g: Graph, x: str, low: float, high: float) -> str:
    return g.op("Min", g.op("Max", x, g.constant(low)), g.constant(high))


def _level_codes(g: Graph, column: LevelInput, name: str) -> str:
    words = [*column.levels, *([] if "" in column.levels else [""])]
    codes = [*range(len(column.levels)), column.missing][: len(words)]
    found = g.op(
        "LabelEncoder",
        name,
        domain="ai.onnx.ml",
        keys_strings=[word.encode("utf-8", "surrogatepass") for word in words],
        values_floats=[float(code) for code in codes],
        default_float=float(column.unseen),
    )
    return g.op("Cast", found, to=FLOAT64)


def _of_infinite(g: Graph, names: Sequence[str]) -> str:
    """NaN in rows where one of these inputs is infinite, which is no number to predict from, else 0; "" of no inputs."""
    odd = ""
    for name in names:
        here = g.op("Where", g.op("IsInf", name), g.constant(np.nan), g.constant(0.0))
        odd = g.op("Add", odd, here) if odd else here
    return odd


def classified(
    g: Graph, program: Program, z: str, number_type: int, label: str, probabilities: str, odd: str = ""
) -> int:
    """Adds the outputs `label`, (n,), and `probabilities`, (n, classes); the type of the labels."""
    classes = program.classes or ()
    if len(classes) == 1:
        shares = g.op("Add", odd or g.zeros(z, 1), g.constant(1.0))
        best = g.op("ArgMax", shares, axis=1, keepdims=0)
    elif len(classes) == 2:
        opposite = g.op("Neg", z)
        shares = g.op("Concat", g.op("Sigmoid", opposite), g.op("Sigmoid", z), axis=1)
        best = g.op("ArgMax", g.op("Concat", opposite, z, axis=1), axis=1, keepdims=0)
    else:
        shares, best = g.op("Softmax", z, axis=1), g.op("ArgMax", z, axis=1, keepdims=0)
    table, kind = _labels(classes)
    g.op("Gather", g.constant(table, table.dtype), best, axis=0, output=label)
    g.op("Cast", shares, output=probabilities, to=number_type)
    return kind


def _labels(classes: tuple[Any, ...]) -> tuple[Any, int]:
    if all(type(class_name) is str for class_name in classes):
        return np.array([utf8(class_name) for class_name in classes], dtype=object), STRING
    table = np.array(classes)
    kind = {"b": BOOL, "i": INT64, "f": FLOAT64}.get(table.dtype.kind)
    return (
        (table, kind)
        if kind is not None
        else (np.array([utf8(str(class_name)) for class_name in classes], dtype=object), STRING)
    )
