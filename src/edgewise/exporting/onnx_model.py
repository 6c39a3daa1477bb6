"""A model as an ONNX graph of standard operators.

All edges of a layer are one matrix product: the features of every source (see `edgewise.exporting.program`) are laid out for
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
from edgewise.exporting.onnx_bases import basis_values
from edgewise.exporting.onnx_graph import Graph
from edgewise.exporting.onnx_table import FLOAT32, FLOAT64, STRING, classified, column_inputs, encoded
from edgewise.exporting.onnx_trees import tree_value
from edgewise.exporting.program import EdgeBlock, FormEdge, Formulas, Network, Program, ProgramLayer
from edgewise.exporting.read import program_of
from edgewise.exporting.text import utf8
from edgewise.forms.tree import Node

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
        a column instead, named like it, of numbers (NaN where missing) or strings ("" where missing); a classifier's gives
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
    return onnx_bytes(program_of(model, units), dtype)


def onnx_bytes(program: Program, dtype: str) -> bytes:
    """The serialised model of a program."""
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
    if program.classes is None:
        # Through a node of its own: the value may be the input itself.
        g.op("Cast", y, output=results[0], to=number_type)
        outputs = [make(results[0], number_type, ["n", len(program.outputs)])]
    else:
        label_type = classified(g, program, y, number_type, *results)
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
        {"name": each.name}
        | ({} if each.low is None else {"low": each.low, "high": each.high})
        | ({"unit": program.units[each.name]} if each.name in program.units else {})
        for each in program.inputs
    ]
    outputs = [
        {"name": name} | ({"unit": program.units[name]} if name in program.units else {})
        for name in program.outputs
    ]
    return {"inputs": inputs, "outputs": outputs}


def _formulas(g: Graph, body: Formulas, x: str, program: Program) -> str:
    columns = {each.name: g.op("Gather", x, g.indices([k]), axis=1) for k, each in enumerate(program.inputs)}
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
        mine = [each for each in components if each[0] & set(block.targets)]
        apart = [each for each in components if not each[0] & set(block.targets)]
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
