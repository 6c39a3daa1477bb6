"""The trilinear kernels of an edge layer, with autograd closed under differentiation."""

from edgewise.kernels import operators as operators
from edgewise.kernels.backends import Backend as Backend
from edgewise.kernels.backends import backend as backend
from edgewise.kernels.layer_sum import layer_sum as layer_sum
from edgewise.kernels.moments import EdgeMoments as EdgeMoments
from edgewise.kernels.moments import edge_moments as edge_moments
from edgewise.kernels.trilinear import spline_edges as spline_edges
from edgewise.kernels.trilinear import spline_sum as spline_sum

__all__ = [
    "Backend",
    "EdgeMoments",
    "backend",
    "edge_moments",
    "layer_sum",
    "operators",
    "spline_edges",
    "spline_sum",
]
