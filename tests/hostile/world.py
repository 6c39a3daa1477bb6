"""What an attempt may not change: the process around it, the caller's objects, and the files of its folder."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch


def world() -> dict[str, Any]:
    """The state of the process that belongs to the caller."""
    numpy_state: Any = np.random.get_state(legacy=True)  # noqa: NPY002 - the global state is what is watched
    return {
        "random": random.getstate(),
        "numpy.random": (numpy_state[0], numpy_state[1].tobytes(), *numpy_state[2:]),
        "torch random": torch.get_rng_state().numpy().tobytes(),
        "working folder": os.getcwd(),
        "environment": dict(os.environ),
        "warnings filters": tuple(map(repr, warnings.filters)),
        "numpy errors": tuple(sorted(np.geterr().items())),
        "print options": repr(np.get_printoptions()),
        "torch dtype": torch.get_default_dtype(),
        "torch gradients": torch.is_grad_enabled(),
        "torch threads": torch.get_num_threads(),
        "torch determinism": torch.are_deterministic_algorithms_enabled(),
        "recursion limit": sys.getrecursionlimit(),
        "Ctrl-C": signal.getsignal(signal.SIGINT),
        "path": tuple(sys.path),
        "hooks": (sys.excepthook, sys.displayhook),
        "standard streams": (id(sys.stdin), id(sys.stdout), id(sys.stderr)),
    }


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of what differs."""
    return [name for name, value in before.items() if value != after[name]]


def digest(value: Any) -> str:
    """A digest of a caller's object: what it holds to the bit, its type and layout."""
    return hashlib.sha256(repr(_seen(value, 0)).encode("utf-8", "surrogatepass")).hexdigest()


def files(folder: Path) -> dict[str, str]:
    """Every file under a folder with a digest of its content."""
    found: dict[str, str] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            key = str(path.relative_to(folder))
            found[key] = f"link to {os.readlink(path)}" if path.is_symlink() else _content(path)
    return found


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "special"
    except OSError as error:
        return str(error.errno)


def _seen(value: Any, depth: int) -> Any:
    if depth > 6:
        return type(value).__name__
    if isinstance(value, torch.Tensor):
        head = (str(value.dtype), tuple(value.shape), value.requires_grad, value._version, value.grad is None)
        plain = value.layout == torch.strided and value.device.type == "cpu"
        return (*head, hashlib.sha256(_bytes(value)).hexdigest() if plain else "")
    if isinstance(value, torch.nn.Module):
        return value.training, {
            name: _seen(t, depth + 1) for name, t in value.state_dict(keep_vars=True).items()
        }
    if isinstance(value, np.ndarray):
        content = repr(value.tolist()) if value.dtype.hasobject else value.tobytes()
        return str(value.dtype), value.shape, value.strides, value.flags.writeable, content
    if hasattr(value, "to_arrow") or hasattr(value, "to_pydict"):  # Polars and Arrow
        return str(getattr(value, "schema", "")), str(getattr(value, "shape", "")), repr(_plain(value))
    if hasattr(value, "dtypes") and hasattr(value, "index"):  # pandas
        return (
            repr(value.dtypes),
            repr(list(value.index)),
            repr(value.to_dict() if value.ndim == 1 else _columns(value)),
        )
    if isinstance(value, Mapping):
        return [(_seen(key, depth + 1), _seen(entry, depth + 1)) for key, entry in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [_seen(entry, depth + 1) for entry in value]
    if isinstance(value, (str, bytes, int, float, complex, bool, type(None))):
        return repr(value)
    return type(value).__name__


def _plain(value: Any) -> Any:
    if hasattr(value, "to_pydict"):
        return value.to_pydict()
    return value.to_dict(as_series=False) if hasattr(value, "columns") else value.to_list()


def _columns(frame: Any) -> list[list[Any]]:
    return [frame.iloc[:, place].tolist() for place in range(frame.shape[1])]


def _bytes(tensor: torch.Tensor) -> bytes:
    flat = tensor.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
