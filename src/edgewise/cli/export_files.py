"""A loaded model handed to the writers of `edgewise.exporting`."""

from __future__ import annotations

from pathlib import Path

from edgewise.cli.models import LoadedModel
from edgewise.exporting import export, to_c_source, to_latex, to_numpy_source, to_onnx


def text_of(model: LoadedModel, form: str) -> str:
    """The model as text."""
    if form == "c":
        made = to_c_source(model.held)
        return f"{made.header}\n{made.source}"
    return to_latex(model.held) if form == "latex" else to_numpy_source(model.held)


def binary_of(model: LoadedModel) -> bytes:
    """The model as ONNX."""
    return to_onnx(model.held)


def write_export(model: LoadedModel, form: str, out: Path) -> list[Path]:
    """Write the model to a file; the files written."""
    export(model.held, out, to=form, overwrite=True)
    header = out.with_suffix(".h")
    return [out, header] if form == "c" and header.exists() else [out]
