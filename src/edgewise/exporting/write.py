"""export: a model to a file, in the language of the file's suffix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from edgewise._core.checks import check_bool, check_choice, short
from edgewise._core.errors import InputError
from edgewise._core.files import PathLike, as_path, check_place, write_file
from edgewise.exporting.c_source import to_c_source
from edgewise.exporting.json_program import to_json
from edgewise.exporting.latex import to_latex
from edgewise.exporting.numpy_source import to_numpy_source
from edgewise.exporting.onnx_model import to_onnx
from edgewise.exporting.torch_onnx import is_module, module_of, torch_to_onnx
from edgewise.exporting.torch_source import to_torch_source

TARGETS = ("numpy", "c", "onnx", "latex", "json", "torch")
_SUFFIXES = {".py": "numpy", ".c": "c", ".onnx": "onnx", ".tex": "latex", ".json": "json"}


def export(
    model: Any,
    path: PathLike,
    *,
    to: str | None = None,
    overwrite: bool = False,
    units: Mapping[str, str] | None = None,
    example: Tensor | None = None,
) -> tuple[Path, ...]:
    """Write a model as source code that runs without edgewise, or as mathematics.

    Parameters
    ----------
    model : KAN, Formula, or fitted KANRegressor, KANClassifier or ImageClassifier
        With ``to="torch"`` or ONNX also a torch module with layers of functions in it. Of an ImageClassifier, which has
        these two only, its network is written: logits of pictures (n, channels, height, width) with values from 0 to 1.
    path : str or path
        Where to write. C comes with a header beside it, of the same name but for the suffix .h.
    to : "numpy", "c", "onnx", "latex", "json" or "torch", optional
        What to write; by default the suffix decides: .py (numpy), .c, .onnx, .tex or .json.
    overwrite : bool
        Whether a file that exists may be replaced.
    units : mapping of str to str, optional
        Units of inputs and outputs by name.
    example : Tensor, optional
        Rows that a torch module takes, by which its sizes are known for ONNX; all but their number stay.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    InputError
        If the model cannot be exported or nothing states what to write.
    FileError
        If a file exists or cannot be written.

    Examples
    --------
    >>> from edgewise.network import KAN
    >>> [each.name for each in export(KAN([2, 3, 1], seed=0), "model.c", overwrite=True)]
    ['model.c', 'model.h']
    """
    check_bool(overwrite, "overwrite")
    target = as_path(path)
    kind = _kind(target, to)
    if is_module(model) and kind == "onnx":
        files = {target: torch_to_onnx(model, example)}
    elif is_module(model) and kind != "torch":
        raise InputError(
            argument="to",
            expected='be "torch" or "onnx" for a torch module or a classifier of pictures',
            got=short(kind),
        )
    else:
        files = _files(model, target, kind, units)
    for file in files:
        check_place(file, overwrite=overwrite)
    return tuple(write_file(name, data, overwrite=overwrite) for name, data in files.items())


def _kind(path: Path, to: object) -> str:
    if to is not None:
        return check_choice(to, "to", TARGETS)
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise InputError(
            argument="path",
            expected=f"end in {', '.join(_SUFFIXES)}, or 'to' must name what to write",
            got=short(str(path)),
        )
    return kind


def _files(model: Any, path: Path, kind: str, units: Mapping[str, str] | None) -> dict[Path, bytes]:
    """What the files of a kind hold."""
    if kind == "onnx":
        return {path: to_onnx(model, units=units)}
    if kind == "c":
        header = path.with_suffix(".h")
        if header == path:
            raise InputError(
                argument="path", expected="not end in .h, for the header goes there", got=short(str(path))
            )
        found = to_c_source(model, units=units)
        return {path: found.source.encode(), header: found.header.encode()}
    if kind == "numpy":
        text = to_numpy_source(model, units=units)
    elif kind == "latex":
        text = to_latex(model, document=True, units=units)
    elif kind == "json":
        text = to_json(model, units=units)
    else:
        text = to_torch_source(module_of(model))
    return {path: text.encode()}
