"""Models as NumPy source, C source, ONNX, LaTeX and JSON, all from one intermediate program; modules as torch source."""

from edgewise.exporting.c_source import CSource as CSource
from edgewise.exporting.c_source import to_c_source as to_c_source
from edgewise.exporting.json_program import to_json as to_json
from edgewise.exporting.latex import to_latex as to_latex
from edgewise.exporting.numpy_source import to_numpy_source as to_numpy_source
from edgewise.exporting.onnx_model import to_onnx as to_onnx
from edgewise.exporting.sympy_source import to_sympy_source as to_sympy_source
from edgewise.exporting.torch_onnx import torch_to_onnx as torch_to_onnx
from edgewise.exporting.torch_source import to_torch_source as to_torch_source
from edgewise.exporting.write import export as export

__all__ = [
    "CSource",
    "export",
    "to_c_source",
    "to_json",
    "to_latex",
    "to_numpy_source",
    "to_onnx",
    "to_sympy_source",
    "to_torch_source",
    "torch_to_onnx",
]
