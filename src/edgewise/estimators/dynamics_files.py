"""Equations found behind courses as .kan files: every digit of them, and the courses beside their solutions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from edgewise._core.errors import InputError
from edgewise._core.plain import plain
from edgewise._core.stopping import StopReason
from edgewise.dynamics import Conserved, Dynamics, FittedCourse
from edgewise.estimators.formula_files import as_number, formula_document, label_of, read_formula
from edgewise.estimators.written import damaged
from edgewise.network.container import PathLike, Table, read_any_of, write_container

KIND = "Dynamics"
_PLAIN = ("message", "noise", "stability", "seconds", "lead", "probability")
_ARRAYS = ("t", "measured", "solution", "inputs")


def save(model: Dynamics, path: PathLike, *, overwrite: bool = True) -> None:
    """Write what `find_dynamics` returned; its equations and solutions are the same to the bit when it is read again."""
    document = {
        "kind": KIND,
        "states": list(model.states),
        "inputs": list(model.inputs),
        "equations": [formula_document(equation) for equation in model.equations],
        "conserved": [
            {"formula": formula_document(formula.formula), "drift": plain(formula.drift)}
            for formula in model.conserved
        ],
        "courses": [
            {"label": label_of(course.label, "courses"), "rows": len(course.t)} for course in model.courses
        ],
        "stop_reason": str(model.stop_reason),
        # An endless lead is none: JSON has no infinity.
        **plain({name: getattr(model, name) for name in _PLAIN}),
    }
    tensors = {
        f"{at}.{name}": torch.tensor(getattr(course, name), dtype=torch.float64)
        for at, course in enumerate(model.courses)
        for name in _ARRAYS
    }
    write_container(path, document, tensors, overwrite)


def load(path: PathLike) -> Dynamics:
    """Read what `save` wrote."""
    document, tensors = read_any_of(path, {KIND: _promised})
    with damaged(path, "equations"):
        return _dynamics(document, tensors)


def _promised(document: Mapping[str, Any]) -> Table:
    states, acting, table = len(document["states"]), len(document["inputs"]), Table()
    for at, course in enumerate(document["courses"]):
        rows = course["rows"]
        if type(rows) is not int or rows < 0:
            raise InputError("a course does not say how many rows it has.")
        shapes = dict(zip(_ARRAYS, [(rows,), (rows, states), (rows, states), (rows, acting)], strict=True))
        table |= {f"{at}.{name}": ("F64", shapes[name]) for name in _ARRAYS}
    return table


def _dynamics(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Dynamics:
    states, inputs = (tuple(map(str, document[name])) for name in ("states", "inputs"))
    equations = tuple(map(read_formula, document["equations"]))
    kept = tuple(
        Conserved(read_formula(item["formula"]), as_number(item["drift"])) for item in document["conserved"]
    )
    if len(equations) != len(states):
        raise InputError("it has another number of equations than of states.")
    if any(equation.names != (*states, *inputs) for equation in [*equations, *(one.formula for one in kept)]):
        raise InputError("its equations are in other columns than its states and inputs.")
    noise, stability = (
        MappingProxyType({name: as_number(document[key][name]) for name in states})
        for key in ("noise", "stability")
    )
    courses = tuple(
        FittedCourse(
            **{name: tensors[f"{at}.{name}"].numpy() for name in _ARRAYS},
            label=label_of(course["label"], "courses"),
        )
        for at, course in enumerate(document["courses"])
    )
    lead, sure = document["lead"], document["probability"]
    return Dynamics(
        equations, states, inputs, kept, noise, stability, courses, str(document["message"]),
        StopReason(document["stop_reason"]), float(document["seconds"]),
        math.inf if lead is None else float(lead), None if sure is None else float(sure),
    )  # fmt: skip
