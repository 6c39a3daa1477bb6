"""Types of what edgewise writes to JSON, made from its dataclasses: `python web/write_types.py > web/src/program.ts`."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgewise.network import calibration
from edgewise.programs import program
from edgewise.report.live import page_data

HEAD = """\
// A model, and the page's data about it, as edgewise writes them to JSON; made from its dataclasses by web/write_types.py.

import type { Tree } from "./trees";
"""
# What the dataclasses do not state: axes of arrays, kinds that distinguish unions' members, and what stands for trees.
AXES = {"grid": 2, "domain": 2, "coef": 3}
KINDS = {
    "NumberInput": "number",
    "LevelInput": "level",
    "Unused": "unused",
    "Network": "network",
    "Formulas": "formulas",
    "Logistic": "logistic",
    "RisingPolyline": "points",
}
INSTEAD = {("Formulas", "trees"): "Tree[]", ("Program", "units"): "Record<string, string>"}
MORE = {
    "Network": ["forms: Record<string, Tree>", "rbf_width: number"],
    "NumberInput": ["cells: string"],
    "Program": ["version: number"],
}
MADE = (
    *(
        program.ProgramInput,
        program.EdgeBlock,
        program.FormEdge,
        program.ProgramLayer,
        program.Network,
        program.Formulas,
    ),
    *(program.NumberInput, program.LevelInput, program.Unused),
    *(calibration.Logistic, calibration.RisingPolyline, calibration.Calibration, program.Program),
    *(page_data.EdgeMark, page_data.InputControl, page_data.LiveRow, page_data.AnswerInterval),
    *(page_data.LiveFormula, page_data.LiveData),
)
SIMPLE = {float: "number", int: "number", str: "string", bool: "boolean", type(None): "null"}


def main() -> None:
    print(HEAD)
    print("export type Column = NumberInput | LevelInput | Unused;\n")
    print("\n".join(text for each in MADE for text in interface(each)), end="")


def interface(made: type) -> Iterator[str]:
    """A dataclass as an interface."""
    hints = typing.get_type_hints(made)
    yield f"export interface {made.__name__} {{"
    if made.__name__ in KINDS:
        yield f'  kind: "{KINDS[made.__name__]}";'
    for field in dataclasses.fields(made):
        if field.name == "kind" and made.__name__ in KINDS:
            continue
        written = INSTEAD.get((made.__name__, field.name)) or typescript(hints[field.name], field.name)
        yield f"  {field.name}: {written};"
    for line in MORE.get(made.__name__, []):
        yield f"  {line};"
    yield "}\n"


def typescript(hint: Any, name: str) -> str:
    """A type in TypeScript."""
    if hint in SIMPLE:
        return SIMPLE[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is np.ndarray:
        return "number" + "[]" * AXES.get(name, 1)
    if origin is tuple:
        of = {typescript(each, name) for each in arguments if each is not ...}
        one = " | ".join(sorted(of))
        return f"({one})[]" if " | " in one else f"{one}[]"
    if origin in (types.UnionType, typing.Union):
        return " | ".join(typescript(each, name) for each in arguments)
    if dataclasses.is_dataclass(hint):
        return typing.cast(type, hint).__name__
    raise TypeError(f"No type for {hint}.")


if __name__ == "__main__":
    main()
