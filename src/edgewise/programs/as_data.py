"""A program as dictionaries, lists, numbers and words, for evaluators in other languages; the page's own reads it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from edgewise.forms.functions import CONSTANTS
from edgewise.forms.tree import Apply, Node, Number, Variable
from edgewise.network.calibration import Logistic, RisingPolyline
from edgewise.programs.program import Formulas, LevelInput, Network, NumberInput, Program, Unused
from edgewise.splines.global_bases import GaussianRBF
from edgewise.symbolic.expressions.source import as_float

VERSION = 1

Tree = float | str | list[Any]
_KINDS: dict[type, str] = {
    NumberInput: "number",
    LevelInput: "level",
    Unused: "unused",
    Network: "network",
    Formulas: "formulas",
    Logistic: "logistic",
    RisingPolyline: "points",
}


def program_data(program: Program) -> dict[str, Any]:
    """A program as dictionaries, lists, numbers and words."""
    data: dict[str, Any] = {"version": VERSION, **_plain(program)}
    body = data["body"]
    if isinstance(program.body, Network):
        body["forms"] = {text: _tree(node, {"x"}) for text, node in program.body.form_trees().items()}
        body["rbf_width"] = GaussianRBF.width / 2
    else:
        names = {variable.name for variable in program.inputs}
        body["trees"] = [_tree(node, names) for node in program.body.trees]
    return data


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (Apply, Number, Variable)):
        return None  # written by whoever knows the names of the columns
    if not hasattr(value, "__dataclass_fields__"):
        return value
    kind = {"kind": _KINDS[type(value)]} if type(value) in _KINDS else {}
    if isinstance(value, NumberInput):
        kind = {"kind": "number", "cells": value.kind}
    own = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return own | kind


def _tree(node: Node, names: set[str]) -> Tree:
    """A number, the name of a column, or a list of a function and its arguments."""
    if isinstance(node, Number):
        return as_float(node.value)
    if isinstance(node, Variable):
        return node.name if node.name in names else CONSTANTS[node.name]
    return [node.function, *(_tree(argument, names) for argument in node.arguments)]
