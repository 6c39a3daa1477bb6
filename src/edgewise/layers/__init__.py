"""Layers: a learnable function on every edge, sums and products in the nodes."""

from edgewise.layers.convolution import KANConv1d as KANConv1d
from edgewise.layers.convolution import KANConv2d as KANConv2d
from edgewise.layers.convolution import channel_functions as channel_functions
from edgewise.layers.linear import KANLinear as KANLinear
from edgewise.layers.products import multiply as multiply
from edgewise.layers.products import pull_back as pull_back
from edgewise.layers.refining import refined as refined
from edgewise.layers.symbolic_edges import SymbolicEdge as SymbolicEdge

__all__ = [
    "KANConv1d",
    "KANConv2d",
    "KANLinear",
    "SymbolicEdge",
    "channel_functions",
    "multiply",
    "pull_back",
    "refined",
]
