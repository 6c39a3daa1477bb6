"""Each exported language run as a user would run it."""

from __future__ import annotations

import ast
import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from edgewise.exporting import to_c_source, to_numpy_source, to_onnx

COMPILER = shutil.which("cc") or shutil.which("gcc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler on this machine")
FLAGS = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wmissing-prototypes", "-Wshadow"]


def numpy_module(model, **options):
    """The names a NumPy source defines; it must import NumPy only."""
    source = to_numpy_source(model, **options)
    statements = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert [ast.unparse(node) for node in statements] == ["import numpy as np"]
    module: dict[str, object] = {"__name__": "exported"}
    exec(compile(source.encode("utf-8"), "exported.py", "exec", dont_inherit=True), module)
    return module


def c_library(model, name: str = "predict", **options) -> ctypes.CDLL:
    """The C source compiled without a warning, and the header compiled beside it."""
    found = to_c_source(model, name=name, **options)
    folder = Path(tempfile.mkdtemp(dir=Path.cwd()))
    (folder / "model.c").write_text(f'#include "model.h"\n{found.source}', encoding="ascii")
    (folder / "model.h").write_text(found.header, encoding="ascii")
    command = [COMPILER, *FLAGS, "-shared", "-fPIC", "-o", "model.so", "model.c", "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(folder / "model.so"))


def c_predict(library: ctypes.CDLL, X, outputs: int, name: str = "predict"):
    """Rows through the batch function, and the first of them through the function for one."""
    rows = np.ascontiguousarray(X, dtype=np.float64)
    y = np.full((len(rows), outputs), -7.0)
    address = lambda a: ctypes.c_void_p(a.ctypes.data)  # noqa: E731
    getattr(library, f"{name}_batch")(address(rows), ctypes.c_size_t(len(rows)), address(y))
    if len(rows):
        one = np.empty(outputs)
        getattr(library, name)(address(rows), address(one))
        np.testing.assert_array_equal(one, y[0])
    return y


def onnx_session(model, **options):
    """An ONNX model that the checker accepts, in onnxruntime."""
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    data = to_onnx(model, **options)
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    return runtime.InferenceSession(data, providers=["CPUExecutionProvider"])


def onnx_predict(model, X, dtype: str = "float64"):
    """Rows through an ONNX model with one input and one output."""
    session = onnx_session(model, dtype=dtype)
    return session.run(None, {"X": np.asarray(X, dtype=dtype)})[0]
