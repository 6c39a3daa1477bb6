"""`edgewise export`: a model as code or mathematics that needs no edgewise."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from edgewise._core.errors import InputError
from edgewise.cli.answer import Answer
from edgewise.cli.options import Force, Model, Request, option
from edgewise.cli.outcome import refuse_to_overwrite, to_standard_output

Format = Literal["numpy", "c", "onnx", "latex", "torch"]
_SUFFIXES: dict[str, Format] = {".py": "numpy", ".c": "c", ".onnx": "onnx", ".tex": "latex"}


class ExportRequest(Request, group="Carry elsewhere", place=60):
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

    model: Model
    to: Format | None = option("What to write.", show_default="seen from the file's name")
    out: Path | None = option(
        "The file to write; - is standard output.", "-o", show_default="standard output, for text"
    )
    force: Force = False

    def run(self) -> Answer:
        """Write a model, or print it where no file is named."""
        from edgewise.cli.models import load_any

        to_standard_output(self.out, json=self.json)
        model, pictures = load_any(self.model, "ImageClassifier")
        form = self._format(pictures=pictures)
        if self.file is not None:
            refuse_to_overwrite([self.file, self.file.with_suffix(".h") if form == "c" else None], self.force)
            from edgewise.exporting import export

            written = list(export(model, self.file, to=form, overwrite=True))
            listed = [{"file": str(path), "bytes": path.stat().st_size} for path in written]
            return Answer({"format": form, "files": listed}, files=() if self.json else written)
        content = _as_onnx(model) if form == "onnx" else _as_text(model, form).encode()
        if self.json:
            return Answer({"format": form, "text": content.decode()})
        return Answer(content=content)

    def _format(self, *, pictures: bool) -> Format:
        if self.to is None:
            form = _SUFFIXES.get("" if self.out is None else self.out.suffix)
            if form is None:
                raise InputError(
                    subject="The format",
                    expected=f"be one of {', '.join(get_args(Format))}",
                    got="none",
                    advice="name it with --to",
                )
            return "torch" if pictures and form == "numpy" else form
        if self.to == "onnx" and self.out is None:
            raise InputError(
                subject="ONNX",
                expected="go to a file, for it is no text",
                got="none",
                advice="name it with --out; - is standard output",
            )
        return self.to


def _as_text(model: Any, form: Format) -> str:
    from edgewise.exporting import to_c_source, to_latex, to_numpy_source, to_torch_source
    from edgewise.exporting.torch_onnx import is_module, module_of

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


def _as_onnx(model: Any) -> bytes:
    from edgewise.exporting import to_onnx, torch_to_onnx
    from edgewise.exporting.torch_onnx import is_module

    return torch_to_onnx(model) if is_module(model) else to_onnx(model)
