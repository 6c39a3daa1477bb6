"""Changes of a network: every one returns an `EditResult` with a new network and leaves the old one as it was."""

from edgewise.network import EditRecord as EditRecord
from edgewise.network import EditResult as EditResult
from edgewise.network import drop_dead as drop_dead
from edgewise.network import mask_edges as mask_edges
from edgewise.network import order_nodes as order_nodes
from edgewise.network import refine as refine
from edgewise.network import regrid as regrid
from edgewise.network import remove_inputs as remove_inputs
from edgewise.network import remove_nodes as remove_nodes
from edgewise.network import rename as rename
from edgewise.network import scale_to_data as scale_to_data
from edgewise.network import set_edge as set_edge
from edgewise.network import set_numeric as set_numeric
from edgewise.network import set_symbolic as set_symbolic
from edgewise.network import swap_nodes as swap_nodes
from edgewise.simplifying import Scores as Scores
from edgewise.simplifying import canonical as canonical
from edgewise.simplifying import edge_scores as edge_scores
from edgewise.simplifying import merge_equal as merge_equal
from edgewise.simplifying import prune as prune

__all__ = [
    "EditRecord",
    "EditResult",
    "Scores",
    "canonical",
    "drop_dead",
    "edge_scores",
    "mask_edges",
    "merge_equal",
    "order_nodes",
    "prune",
    "refine",
    "regrid",
    "remove_inputs",
    "remove_nodes",
    "rename",
    "scale_to_data",
    "set_edge",
    "set_numeric",
    "set_symbolic",
    "swap_nodes",
]
