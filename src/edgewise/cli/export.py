"""`edgewise export`: a model as code or mathematics that needs no edgewise."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edgewise._core.errors import InputError
from edgewise.cli.answer import Answer
from edgewise.cli.models import load_model
from edgewise.cli.outcome import STANDARD_OUTPUT, refuse_to_overwrite, to_standard_output
from edgewise.cli.pictures import is_of_pictures
from edgewise.cli.requests import ExportFormat, ExportRequest

_SUFFIXES = {
    ExportFormat.numpy: ".py",
    ExportFormat.c: ".c",
    ExportFormat.onnx: ".onnx",
    ExportFormat.latex: ".tex",
}


def run(asked: ExportRequest) -> Answer:
    """Write a model, or print it where no file is named."""
    pictures, out = is_of_pictures(asked.model), asked.out
    form = _format(asked.to, out, pictures=pictures)
    to_standard_output(out, json=asked.json)
    if out is not None and out != STANDARD_OUTPUT:
        refuse_to_overwrite([out, out.with_suffix(".h") if form is ExportFormat.c else None], asked.force)
    from edgewise.exporting import export
    from edgewise.vision.files import load

    model = load(asked.model) if pictures else load_model(asked.model).held
    if out is None or out == STANDARD_OUTPUT:
        if form is ExportFormat.onnx:
            return Answer(content=_as_onnx(model))
        text = _as_text(model, form)
        return Answer({"format": form.value, "text": text}, lambda: _print(text))
    written = list(export(model, out, to=form.value, overwrite=True))
    files = [{"file": str(path), "bytes": path.stat().st_size} for path in written]
    return Answer({"format": form.value, "files": files}, files=() if asked.json else written)


def _print(text: str) -> None:
    sys.stdout.write(text)


def _format(to: ExportFormat | None, out: Path | None, *, pictures: bool) -> ExportFormat:
    if to is None:
        found = [kind for kind, suffix in _SUFFIXES.items() if out is not None and out.suffix == suffix]
        if not found:
            names = ", ".join(kind.value for kind in ExportFormat)
            raise InputError(
                subject="The format", expected=f"be one of {names}", got="none", advice="name it with --to"
            )
        return ExportFormat.torch if pictures and found[0] is ExportFormat.numpy else found[0]
    if to is ExportFormat.onnx and out is None:
        raise InputError(
            subject="ONNX",
            expected="go to a file, for it is no text",
            got="none",
            advice="name it with --out; - is standard output",
        )
    return to


def _as_text(model: Any, form: ExportFormat) -> str:
    from edgewise.exporting import to_c_source, to_latex, to_numpy_source, to_torch_source
    from edgewise.exporting.torch_onnx import is_module, module_of

    if is_module(model) and form is not ExportFormat.torch:
        raise InputError(
            subject="The format", expected="be torch or onnx for a classifier of pictures", got=form.value
        )
    if form is ExportFormat.torch:
        return to_torch_source(module_of(model))
    if form is ExportFormat.c:
        made = to_c_source(model)
        return f"{made.header}\n{made.source}"
    return to_latex(model) if form is ExportFormat.latex else to_numpy_source(model)


def _as_onnx(model: Any) -> bytes:
    from edgewise.exporting import to_onnx, torch_to_onnx
    from edgewise.exporting.torch_onnx import is_module

    return torch_to_onnx(model) if is_module(model) else to_onnx(model)
