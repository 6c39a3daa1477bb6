"""`edgewise export`: a model as code or mathematics that needs no edgewise."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from edgewise._core.errors import InputError
from edgewise.cli import options
from edgewise.cli.outcome import refuse_to_overwrite, to_standard_output
from edgewise.cli.terminal import print_bytes, print_json, tell_files


class ExportFormat(StrEnum):
    """What to write."""

    numpy = "numpy"
    c = "c"
    onnx = "onnx"
    latex = "latex"
    torch = "torch"


_SUFFIXES = {
    ExportFormat.numpy: (".py",),
    ExportFormat.c: (".c",),
    ExportFormat.onnx: (".onnx",),
    ExportFormat.latex: (".tex",),
}


def export(
    model: options.Model,
    to: Annotated[
        ExportFormat | None,
        typer.Option("--to", help="What to write.", show_default="seen from the file's name"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The file to write; - is standard output.",
            show_default="standard output, for text",
        ),
    ] = None,
    force: options.Force = False,
    *,
    quiet: bool,
    json: bool,
) -> None:
    """Write a model as NumPy source, C source, ONNX or LaTeX that stands alone.

    The exact piecewise polynomials are written, not an approximation. C source
    that goes to a file has its header beside it. Of a model of pictures the
    network is written, as ONNX or as plain torch: logits of pictures
    (n, channels, height, width) with values from 0 to 1.

    Examples:

    - `edgewise export model.kan --to numpy -o predict.py`

    - `edgewise export model.kan --to c -o model.c`

    - `edgewise export model.kan --to latex`

    - `edgewise export pictures.kan -o pictures.onnx`
    """
    from edgewise.cli.pictures import is_of_pictures

    pictures = is_of_pictures(model)
    chosen = _format(to, out, pictures=pictures)
    printed = to_standard_output(out, json=json)
    if out is not None and not printed:
        refuse_to_overwrite([out, out.with_suffix(".h") if chosen is ExportFormat.c else None], force)
    from edgewise.cli.models import load_model
    from edgewise.cli.summary import to_json
    from edgewise.exporting import export as write
    from edgewise.vision.files import load

    held = load(model) if pictures else load_model(model).held
    if out is None or printed:
        if chosen is ExportFormat.onnx:
            print_bytes(_as_onnx(held))
            return
        text = _as_text(held, chosen)
        if json:
            print_json(to_json({"format": chosen.value, "text": text}))
        else:
            sys.stdout.write(text)
        return
    written = list(write(held, out, to=chosen.value, overwrite=True))
    if json:
        files = [{"file": str(path), "bytes": path.stat().st_size} for path in written]
        print_json(to_json({"format": chosen.value, "files": files}))
    else:
        tell_files(written, quiet=quiet)


def _format(to: ExportFormat | None, out: Path | None, *, pictures: bool) -> ExportFormat:
    if to is None:
        found = [kind for kind, suffixes in _SUFFIXES.items() if out is not None and out.suffix in suffixes]
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
