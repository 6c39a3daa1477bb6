"""Models as NumPy source, C source, ONNX and LaTeX, from one intermediate program that every writer reads."""

from edgewise.export.c_source import CSource as CSource
from edgewise.export.c_source import to_c_source as to_c_source
from edgewise.export.latex import to_latex as to_latex
from edgewise.export.numpy_source import to_numpy_source as to_numpy_source
from edgewise.export.onnx_model import to_onnx as to_onnx
from edgewise.export.write import export as export
