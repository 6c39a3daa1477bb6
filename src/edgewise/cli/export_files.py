"""A loaded model handed to the writers of `edgewise.exporting`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgewise._core.errors import InputError
from edgewise.exporting import (
    export,
    to_c_source,
    to_latex,
    to_numpy_source,
    to_onnx,
    to_torch_source,
    torch_to_onnx,
)
from edgewise.exporting.torch_onnx import is_module, module_of


def text_of(model: Any, form: str) -> str:
    """The model as text."""
    if is_module(model) and form != "torch":
        raise InputError(
            subject="The format", expected="be torch or onnx for a classifier of pictures", got=form
        )
    if form == "torch":
        return to_torch_source(module_of(model))
    if form == "c":
        made = to_c_source(model)
        return f"{made.header}\n{made.source}"
    return to_latex(model) if form == "latex" else to_numpy_source(model)


def binary_of(model: Any) -> bytes:
    """The model as ONNX."""
    return torch_to_onnx(model) if is_module(model) else to_onnx(model)


def write_export(model: Any, form: str, out: Path) -> list[Path]:
    """Write the model to a file; the files written."""
    return list(export(model, out, to=form, overwrite=True))
