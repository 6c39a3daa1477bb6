"""Models as NumPy source, C source, ONNX and LaTeX, from one intermediate program that every writer reads."""

from edgewise.exporting.c_source import CSource as CSource
from edgewise.exporting.c_source import to_c_source as to_c_source
from edgewise.exporting.latex import to_latex as to_latex
from edgewise.exporting.numpy_source import to_numpy_source as to_numpy_source
from edgewise.exporting.onnx_model import to_onnx as to_onnx
from edgewise.exporting.write import export as export
