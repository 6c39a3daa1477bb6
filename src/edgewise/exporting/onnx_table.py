"""The parts of an ONNX graph that read raw columns and turn logits into probabilities and labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgewise.exporting.columns import Column, LevelInput, NumberInput, Unused
from edgewise.exporting.onnx_graph import Graph
from edgewise.exporting.onnx_trees import asinh_value
from edgewise.exporting.program import Program
from edgewise.exporting.text import utf8

FLOAT64, FLOAT32, INT64, STRING, BOOL = 11, 1, 7, 8, 9  # ONNX's numbers of the types


def column_inputs(program: Program) -> list[tuple[str, bool]]:
    """Name of every column that the network reads, and whether it holds words."""
    return [
        (_name(each), isinstance(each, LevelInput))
        for each in program.columns
        if not isinstance(each, Unused)
    ]


def _name(column: Column) -> str:
    return utf8(column.name) or "(no name)"


def encoded(g: Graph, program: Program, number_type: int) -> str:
    """Inputs of the network, (n, inputs), from one graph input (n, 1) a column."""
    parts: list[str] = []
    for each in program.columns:
        name = _name(each)
        if isinstance(each, NumberInput):
            x = name if number_type == FLOAT64 else g.op("Cast", name, to=FLOAT64)
            missing = g.op("IsNaN", x)
            codes = [g.op("Equal", x, g.constant(code)) for code in each.codes]
            value = _limited(g, _transformed(g, each, x), each.low, each.high)
            for there in (missing, *codes):
                value = g.op("Where", there, g.constant(each.fill), value)
            parts.append(value)
            parts += [g.op("Cast", there, to=FLOAT64) for there in (*[missing][: each.flagged], *codes)]
        elif isinstance(each, LevelInput):
            parts.append(_codes(g, each, name))
    return parts[0] if len(parts) == 1 else g.op("Concat", *parts, axis=1)


def _transformed(g: Graph, column: NumberInput, x: str) -> str:
    if column.transform == "identity":
        return x
    scaled = g.op("Div", x, g.constant(column.scale))
    t = _limited(g, g.op("Sub", scaled, g.constant(column.centre / column.scale)), -1e300, 1e300)
    return asinh_value(g, t) if column.transform == "asinh" else t


def _limited(g: Graph, x: str, low: float, high: float) -> str:
    return g.op("Min", g.op("Max", x, g.constant(low)), g.constant(high))


def _codes(g: Graph, column: LevelInput, name: str) -> str:
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


def classified(g: Graph, program: Program, z: str, number_type: int, label: str, probabilities: str) -> int:
    """Adds the outputs `label`, (n,), and `probabilities`, (n, classes); the type of the labels."""
    classes = program.classes or ()
    if len(classes) == 1:
        shares = g.op("Add", g.zeros(z, 1), g.constant(1.0))
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
    if all(type(each) is str for each in classes):
        return np.array([utf8(each) for each in classes], dtype=object), STRING
    table = np.array(classes)
    kind = {"b": BOOL, "i": INT64, "f": FLOAT64}.get(table.dtype.kind)
    return (
        (table, kind)
        if kind is not None
        else (np.array([utf8(str(each)) for each in classes], dtype=object), STRING)
    )
