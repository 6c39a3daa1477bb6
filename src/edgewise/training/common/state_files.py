"""States of training as files: nested dictionaries, lists, numbers and tensors, to the bit and without pickle."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import short
from edgewise._core.errors import FileError, InputError
from edgewise._core.plain import article
from edgewise.network.container import DTYPES, PathLike, Table, cause, read_container, write_container

_CODES = {dtype: code for code, dtype in DTYPES.items()}


def fingerprint_of(settings: object, tensors: Iterable[Tensor]) -> str:
    """What a stored state must share with a run to be continued: settings, by what `repr` gives, rows and networks."""
    digest = hashlib.sha256(repr(settings).encode())
    for tensor in tensors:
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def check_same_fit(path: PathLike, stored: object, fingerprint: str) -> None:
    """Refuse the state of another fit.

    Raises
    ------
    FileError
        If its fingerprint is another.
    """
    if stored != fingerprint:
        raise FileError(
            f"The checkpoint {path} belongs to a fit of other rows, settings or another network; "
            "remove it or choose another file."
        )


def write_tree(path: PathLike, kind: str, tree: Any) -> None:
    """Write a tree of dict, list, tuple, str, int, float, bool, None and tensors; all or nothing.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    packed = _pack(tree, tensors)
    table = {name: [_CODES[tensor.dtype], list(tensor.shape)] for name, tensor in tensors.items()}
    write_container(path, {"kind": kind, "tree": packed, "table": table}, tensors, overwrite=True)


def is_there(path: PathLike) -> bool:
    """Whether a file of this name exists.

    Raises
    ------
    FileError
        If no file can have this name.
    """
    try:
        os.stat(path)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise FileError(f"The checkpoint {short(str(path), 60)} cannot be read ({why}).") from error
    return True


def read_tree(path: PathLike, kind: str) -> Any:
    """Read what `write_tree` wrote.

    Raises
    ------
    FileError
        If the file is missing, of another kind, or damaged anywhere.
    """
    document, tensors = read_container(path, kind, _table, finite=False)
    try:
        return _unpack(document["tree"], tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(
            f"The file {path} is damaged: the state of the fit cannot be read ({cause(error)})."
        ) from error


def _table(document: Mapping[str, Any]) -> Table:
    try:
        return {
            str(name): (DTYPES[code] and code, tuple(shape))
            for name, (code, shape) in document["table"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            subject="The table of tensors",
            expected="hold dtypes and shapes",
            got=f"a damaged one ({cause(error)})",
        ) from error


def _pack(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """JSON for a tree; every container becomes a pair [type, content], every tensor a name."""
    if isinstance(tree, Tensor):
        name = f"t{len(tensors)}"
        # A copy: two views of one memory may not share a safetensors file.
        tensors[name] = tree.detach().to(device="cpu", copy=True).contiguous()
        return ["tensor", name]
    if isinstance(tree, dict):
        return ["dict", [[_pack(key, tensors), _pack(value, tensors)] for key, value in tree.items()]]
    if isinstance(tree, (list, tuple)):
        return ["tuple" if isinstance(tree, tuple) else "list", [_pack(entry, tensors) for entry in tree]]
    if tree is None or isinstance(tree, (str, int, float)):
        return tree
    raise InputError(
        subject="A state of training", expected="be made of plain values and tensors", got=article(type(tree))
    )


def _unpack(packed: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if not isinstance(packed, list):
        return packed
    kind, content = packed
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {_unpack(key, tensors): _unpack(value, tensors) for key, value in content}
    if kind not in ("list", "tuple"):
        raise ValueError(f"unknown part {kind!r}")
    entries = [_unpack(entry, tensors) for entry in content]
    return tuple(entries) if kind == "tuple" else entries
