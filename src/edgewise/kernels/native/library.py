"""Finds and loads the native kernels.

`load()` gives the library, or None where there is none, and then `reason()` says why in one line. Environment variables:
EDGEWISE_BACKEND=torch leaves the library aside, EDGEWISE_BACKEND=native makes its absence an error, EDGEWISE_ISA=avx2
takes another instruction set than the widest of the processor.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from ctypes import c_char_p, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

import torch

from edgewise._core.checks import short
from edgewise._core.errors import EdgewiseError, InputError
from edgewise._core.extras import how_to_install

# EW_VERSION of src/edgewise.h.
_VERSION = 3
_NAME = {"win32": "edgewise.dll", "darwin": "libedgewise.dylib"}.get(sys.platform, "libedgewise.so")
# A build that fails goes on without the library unless EDGEWISE_REQUIRE_NATIVE asks for it.
_REMEDY = f"reinstall edgewise ({how_to_install()}) with EDGEWISE_REQUIRE_NATIVE=1 set, which shows why it was not built"

OK, BAD_ARGUMENT, NO_MEMORY, NOT_FINITE = 0, 1, 2, 4
_MEANING = {
    BAD_ARGUMENT: "The native kernels were called with arguments that do not fit together.",
    NO_MEMORY: "The native kernels found no memory for this batch; use smaller batches.",
    NOT_FINITE: "The native kernels met numbers that are not finite.",
}


class NativeLibrary:
    """The loaded library.

    Attributes
    ----------
    path : where it was found
    shares_threads : whether its loops run on torch's own threads
    c : the C interface of src/edgewise.h; `c["ew_forward"]`, by index, is a function object of one's own to declare
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.c = ctypes.CDLL(str(path))
        if self.c.ew_version() != _VERSION:
            raise OSError(f"version {self.c.ew_version()} instead of {_VERSION}")
        self.c.ew_isa.restype = c_char_p
        self.c.ew_use_isa.argtypes = (c_char_p,)
        self.c.ew_set_parallel.argtypes = (c_void_p,)
        self.c.ew_set_parallel.restype = None
        run = _torch_parallel()
        self.shares_threads = run is not None
        self.c.ew_set_parallel(run)
        if hasattr(os, "register_at_fork"):
            # A child has the pool's memory without its threads and would wait for them for ever.
            os.register_at_fork(after_in_child=lambda: self.c.ew_set_parallel(None))

    @property
    def isa(self) -> str:
        """The instruction set in use: "avx512", "avx2", "neon" or "portable"."""
        return self.c.ew_isa().decode()

    def use_isa(self, name: str) -> None:
        """Take another instruction set."""
        if self.c.ew_use_isa(name.encode()) != OK:
            raise InputError(
                subject="The instruction set",
                expected="be one that this processor has, such as 'portable'",
                got=short(name),
            )


def check(status: int) -> None:
    """Raise what a status of the C interface means.

    Raises
    ------
    InputError
        If arguments do not fit together.
    EdgewiseError
        For every other status but 0.
    """
    if status == BAD_ARGUMENT:
        raise InputError(_MEANING[BAD_ARGUMENT])
    if status != OK:
        raise EdgewiseError(_MEANING.get(status, f"The native kernels failed with status {status}."))


_lock = threading.Lock()
_outcome: tuple[NativeLibrary | None, str] | None = None


def load() -> NativeLibrary | None:
    """The library, loaded once; None where there is none or EDGEWISE_BACKEND=torch.

    Raises
    ------
    InputError
        If EDGEWISE_BACKEND or EDGEWISE_ISA ask for what there is not.
    """
    return (_outcome or _settle())[0]


@cache
def function_of(name: str, structure: type[ctypes.Structure]) -> Any:
    """The function of the C interface that takes one structure, or None where the library is not there or older than it."""
    library = load()
    if library is None:
        return None
    try:
        function: Any = library.c[name]
    except AttributeError:
        return None
    function.argtypes, function.restype = (ctypes.POINTER(structure),), ctypes.c_int
    return function


def reason() -> str:
    """Why `load()` gives None, with the remedy; empty where it gives the library."""
    return (_outcome or _settle())[1]


def _settle() -> tuple[NativeLibrary | None, str]:
    global _outcome
    with _lock:
        if _outcome is None:
            _outcome = find(Path(__file__).parent, os.environ.get("EDGEWISE_BACKEND", ""))
            if _outcome[0] is not None and (isa := os.environ.get("EDGEWISE_ISA", "")):
                try:
                    _outcome[0].use_isa(isa)
                except InputError:
                    _outcome = None
                    raise
        return _outcome


def find(folder: Path, wanted: str = "") -> tuple[NativeLibrary | None, str]:
    """The library in a folder, and why there is none.

    Parameters
    ----------
    folder : where it should be
    wanted : "" for whatever there is, "torch" for none, "native" for an error in place of none
    """
    if wanted not in ("", "torch", "native"):
        raise InputError(subject="EDGEWISE_BACKEND", expected="be 'native' or 'torch'", got=short(wanted))
    if wanted == "torch":
        return None, "EDGEWISE_BACKEND=torch is set; unset it for the native kernels"
    path = folder / _NAME
    try:
        if path.exists():
            return NativeLibrary(path), ""
        why = f"the library was not built; {_REMEDY}"
    except (OSError, AttributeError) as error:  # what is there cannot be loaded, or is another version
        why = f"the library cannot be loaded ({' '.join(str(error).split())[:120]}); {_REMEDY}"
    if wanted == "native":
        raise InputError(f"EDGEWISE_BACKEND=native is set, but {why}.")
    return None, why


def _torch_parallel() -> c_void_p | None:
    """The entry of the OpenMP runtime that runs torch's parallel loops.

    Looked up as the dynamic linker does it for torch itself, in the global scope and then in what torch's extension
    depends on, so that it is the same runtime even where several are loaded.
    """
    if sys.platform == "win32" or not torch.backends.openmp.is_available():
        return None
    for name in (None, torch._C.__file__):
        try:
            return ctypes.cast(ctypes.CDLL(name).GOMP_parallel, c_void_p)
        except (OSError, AttributeError):
            continue
    return None
