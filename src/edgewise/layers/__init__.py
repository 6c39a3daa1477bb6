"""Layers: a learnable function on every edge, sums and products in the nodes."""

from edgewise.layers.linear import KANLinear as KANLinear
from edgewise.layers.products import multiply as multiply
from edgewise.layers.products import pull_back as pull_back
from edgewise.layers.symbolic_edges import SymbolicEdge as SymbolicEdge

__all__ = [
    "KANLinear",
    "SymbolicEdge",
    "multiply",
    "pull_back",
]
