"""Networks: the frozen spec, the KAN module, pure edits, files."""

from edgewise.network.edits import EditRecord as EditRecord
from edgewise.network.edits import EditResult as EditResult
from edgewise.network.edits import describe as describe
from edgewise.network.edits import drop_dead as drop_dead
from edgewise.network.edits import mask_edges as mask_edges
from edgewise.network.edits import order_nodes as order_nodes
from edgewise.network.edits import remove_inputs as remove_inputs
from edgewise.network.edits import remove_nodes as remove_nodes
from edgewise.network.edits import rename as rename
from edgewise.network.edits import set_edge as set_edge
from edgewise.network.edits import set_symbolic as set_symbolic
from edgewise.network.edits import swap_nodes as swap_nodes
from edgewise.network.feed_forward import KANFeedForward as KANFeedForward
from edgewise.network.feed_forward import as_kan as as_kan
from edgewise.network.feed_forward import functions_of as functions_of
from edgewise.network.feed_forward import with_functions as with_functions
from edgewise.network.files import load as load
from edgewise.network.files import save as save
from edgewise.network.grids import refine as refine
from edgewise.network.grids import regrid as regrid
from edgewise.network.grids import scale_to_data as scale_to_data
from edgewise.network.grids import set_numeric as set_numeric
from edgewise.network.module import KAN as KAN
from edgewise.network.spec import KANSpec as KANSpec
from edgewise.network.spec import LayerSpec as LayerSpec
from edgewise.network.spec import Nodes as Nodes
from edgewise.network.taylor import laplacian as laplacian
from edgewise.network.taylor import partial_derivative as partial_derivative
from edgewise.network.taylor import taylor as taylor

__all__ = [
    "EditRecord",
    "EditResult",
    "KAN",
    "KANFeedForward",
    "KANSpec",
    "LayerSpec",
    "Nodes",
    "as_kan",
    "describe",
    "drop_dead",
    "functions_of",
    "load",
    "mask_edges",
    "order_nodes",
    "laplacian",
    "partial_derivative",
    "refine",
    "regrid",
    "remove_inputs",
    "remove_nodes",
    "rename",
    "save",
    "scale_to_data",
    "set_edge",
    "set_numeric",
    "set_symbolic",
    "swap_nodes",
    "taylor",
    "with_functions",
]
