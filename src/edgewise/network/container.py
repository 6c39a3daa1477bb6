"""One file of tensors beside one JSON document: safetensors, written atomically, read with suspicion.

The document and a checksum stand in the metadata of the safetensors header, so any safetensors reader can open the file. Our
own reader checks every size against the file and against what the document promises before it allocates anything, and runs
no code from the file: its content is numbers and JSON.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors.torch import save as to_safetensors
from torch import Tensor

from edgewise._core.checks import short
from edgewise._core.errors import FileError, InputError
from edgewise._core.files import PathLike as PathLike
from edgewise._core.files import as_path, said_clearly, shown, write_file

# Files hold a later format where older versions must not overlook what they hold: maps behind a network.
FORMAT, LATER = 1, {"CalibratedKAN": 2}
NEWEST = max(FORMAT, *LATER.values())
MAX_HEADER = 1 << 25
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "BOOL": torch.bool,
}
_CODES = {dtype: code for code, dtype in DTYPES.items()}

# Name -> code of the dtype and shape: what a file must hold, no more and no less.
Table = dict[str, tuple[str, tuple[int, ...]]]


def write_container(
    path: PathLike, document: Mapping[str, Any], tensors: Mapping[str, Tensor], overwrite: bool
) -> None:
    """Write all or nothing: a temporary file beside the target takes its place only when it is complete on disk."""
    target = as_path(path)
    write_file(target, packed(document, tensors, target), overwrite=overwrite)


def packed(
    document: Mapping[str, Any], tensors: Mapping[str, Tensor], target: Path = Path("model.kan")
) -> bytes:
    """The bytes of a file, the same whenever it holds the same."""
    whole = {"format": _format_of(document.get("kind")), **document}
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    raw = {name: _bytes_of(tensor) for name, tensor in plain.items()}
    # One entry only: safetensors writes several in no fixed order, and equal networks shall give equal files.
    text = json.dumps({"sha256": _digest(whole, _table_of(plain), raw), **whole})
    data = to_safetensors(plain, {"edgewise": text})
    if int.from_bytes(data[:8], "little") > MAX_HEADER:
        raise FileError(
            f"The file {shown(target)} cannot be written: the description of the model is too long."
        )
    return data


def kind_of(path: PathLike) -> str | None:
    """What a file states that it holds; None where that cannot be read."""
    target = as_path(path)
    try:
        if not stat.S_ISREG(target.stat().st_mode):
            return None
        with target.open("rb") as file:
            header, _ = _read_header(file, target)
        found = json.loads(_metadata(header, target)).get("kind")
    except (OSError, ValueError, AttributeError, RecursionError, FileError):
        return None
    return found if isinstance(found, str) else None


def read_container(
    path: PathLike, kind: str, expected: Callable[[Mapping[str, Any]], Table], *, finite: bool = True
) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
    """The document and the tensors of a file of one kind, as `read_any_of` reads them."""
    return read_any_of(path, {kind: expected}, finite=finite)


def read_any_of(
    path: PathLike, kinds: Mapping[str, Callable[[Mapping[str, Any]], Table]], *, finite: bool = True
) -> tuple[Mapping[str, Any], dict[str, Tensor]]:
    """The document and the tensors; `kinds` gives, for each kind of file, which tensors a document promises.

    `finite` is False of states of training, which may hold NaN and infinity; a model with such numbers is none.

    Raises
    ------
    FileError
        If the file is missing, not ours, of a newer format, of another kind, or damaged anywhere.
    """
    target = as_path(path)
    with said_clearly(target, "read"):
        # A pipe would be waited on without end, so the kind of file comes before opening it.
        if not stat.S_ISREG(target.stat().st_mode):
            raise FileError(
                f"The file {shown(target)} cannot be read: it is a folder or a device, not a .kan file."
            )
        with target.open("rb") as file:
            header, size = _read_header(file, target)
            document = _read_document(_metadata(header, target), kinds, target, finite)
            checksum = document.pop("sha256", None)
            entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
            table = _promised(document, kinds[document["kind"]], target)
            places = _check_table(entries, table, size, target)
            raw = {name: bytearray(file.read(places[name])) for name in places}
    if any(len(raw[name]) != places[name] for name in places):
        raise FileError(f"The file {shown(target)} is damaged: it ends too early.")
    if _digest(document, table, raw) != checksum:
        raise FileError(
            f"The file {shown(target)} is damaged: its checksum does not fit its content; use another copy."
        )
    tensors = {name: _to_tensor(raw[name], *table[name], target) for name in table}
    for name, tensor in tensors.items():
        if finite and tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise FileError(
                f"The file {shown(target)} is damaged: {name} holds numbers that are NaN or infinite."
            )
    return document, tensors


def _read_header(file: BinaryIO, path: Path) -> tuple[dict[str, Any], int]:
    """The JSON header of a safetensors file, and how many bytes of numbers follow it."""
    total = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if total < 10 or not 2 <= length <= min(MAX_HEADER, total - 8):
        raise FileError(
            f"The file {shown(path)} is not a .kan file, or it is cut off or damaged at its beginning."
        )
    try:
        header = json.loads(file.read(length).decode("utf-8"))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise FileError(f"The file {shown(path)} is not a .kan file, or its header is damaged.")
    return header, total - 8 - length


def _metadata(header: Mapping[str, Any], path: Path) -> str:
    metadata = header.get("__metadata__")
    value = metadata.get("edgewise") if isinstance(metadata, dict) else None
    if not isinstance(value, str):
        raise FileError(
            f"The file {shown(path)} was not written by edgewise: its header says nothing about a model."
        )
    return value


def _read_document(text: str, kinds: Collection[str], path: Path, finite: bool) -> dict[str, Any]:
    try:
        document = json.loads(text)
        endless = finite and not _finite(document)
    except (ValueError, RecursionError):
        document, endless = None, False
    if endless:
        raise FileError(
            f"The file {shown(path)} is damaged: its description holds numbers that are NaN or infinite."
        )
    if not isinstance(document, dict) or type(document.get("format")) is not int:
        raise FileError(f"The file {shown(path)} is damaged: the description of the model cannot be read.")
    if document["format"] > NEWEST:
        raise FileError(
            f"The file {shown(path)} was written by a newer edgewise (format {short(document['format'])}; this one reads up "
            f"to format {NEWEST}): upgrade edgewise to read it."
        )
    if document["format"] < 1:
        raise FileError(f"The file {shown(path)} is damaged: there is no format {short(document['format'])}.")
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        advice = (
            "; open it with edgewise.load"
            if kind in ("KANRegressor", "KANClassifier", "CalibratedKAN", "Solution")
            else ""
        )
        raise FileError(
            f"The file {shown(path)} does not hold a {' or '.join(kinds)} but {short(kind)}{advice}."
        )
    if document["format"] != _format_of(kind):
        raise FileError(
            f"The file {shown(path)} is damaged: a {kind} is of format {_format_of(kind)}, not {document['format']}."
        )
    return document


def _finite(value: Any) -> bool:
    """Whether all numbers of a document are finite."""
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    return (
        all(map(_finite, value))
        if isinstance(value, list)
        else not isinstance(value, float) or math.isfinite(value)
    )


def cause(error: Exception) -> str:
    """What is wrong with a document, in words."""
    return f"{error} is missing" if isinstance(error, KeyError) else short(str(error), 60)


def _format_of(kind: object) -> int:
    return LATER.get(kind, FORMAT) if isinstance(kind, str) else FORMAT


def _promised(
    document: Mapping[str, Any], expected: Callable[[Mapping[str, Any]], Table], path: Path
) -> Table:
    try:
        return expected(document)
    except InputError as error:
        raise FileError(f"The file {shown(path)} is damaged: {error}") from error
    except KeyError as error:
        raise FileError(
            f"The file {shown(path)} is damaged: in its description {error} is missing."
        ) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise FileError(f"The file {shown(path)} is damaged: its description cannot be read.") from error


def _check_table(entries: Mapping[str, Any], table: Table, size: int, path: Path) -> dict[str, int]:
    """Bytes of every tensor in the order of the file; the entries must be just those of the table and fill the file."""
    for name in [*table, *entries]:
        if name not in entries:
            raise FileError(f"The file {shown(path)} is damaged: the numbers of {short(name)} are missing.")
        if name not in table:
            raise FileError(
                f"The file {shown(path)} is damaged: nothing is known of the numbers {short(name)}."
            )
    places: dict[str, tuple[int, int]] = {}
    for name, (code, shape) in table.items():
        entry = entries[name]
        wanted = {"dtype": code, "shape": list(shape)}
        got = {key: entry.get(key) for key in wanted} if isinstance(entry, dict) else {}
        if got != wanted:
            raise FileError(
                f"The file {shown(path)} is damaged: {name} must be {short(wanted)}. Got {short(got)} instead."
            )
        ends = entry.get("data_offsets")
        if not isinstance(ends, list) or [type(end) for end in ends] != [int, int]:
            raise FileError(
                f"The file {shown(path)} is damaged: it does not say where the numbers of {name} are."
            )
        places[name] = (ends[0], ends[1])
    sizes, reached = dict[str, int](), 0
    for name in sorted(places, key=lambda name: places[name]):
        begin, end = places[name]
        code, shape = table[name]
        if begin != reached or end - begin != math.prod(shape) * DTYPES[code].itemsize:
            raise FileError(
                f"The file {shown(path)} is damaged: the numbers of {name} are not where they should be."
            )
        sizes[name], reached = end - begin, end
    if reached != size:
        raise FileError(
            f"The file {shown(path)} is cut off or damaged: it holds {size:,} bytes of numbers, {reached:,} were expected."
        )
    return sizes


def _table_of(tensors: Mapping[str, Tensor]) -> Table:
    return {name: (_CODES[tensor.dtype], tuple(tensor.shape)) for name, tensor in tensors.items()}


def _digest(document: Mapping[str, Any], table: Table, raw: Mapping[str, bytes | bytearray]) -> str:
    """Checksum of everything that is read. It shows damage, not malice: who forges a file can forge it too."""
    digest = hashlib.sha256(json.dumps(document).encode())
    for name in sorted(table):
        digest.update(f"\n{name} {table[name]} ".encode())
        digest.update(raw[name])
    return digest.hexdigest()


def _bytes_of(tensor: Tensor) -> bytes:
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


def _to_tensor(raw: bytearray, code: str, shape: tuple[int, ...], path: Path) -> Tensor:
    if code == "BOOL" and not set(raw) <= {0, 1}:
        raise FileError(f"The file {shown(path)} is damaged: a mask may hold 0 and 1 only.")
    if not raw:
        return torch.empty(shape, dtype=DTYPES[code])
    return torch.frombuffer(raw, dtype=DTYPES[code]).reshape(shape)
