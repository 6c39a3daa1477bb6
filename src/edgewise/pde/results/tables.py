"""The kinds of tables that hold the unknowns of a solution."""

from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.mesh_slabs import MeshSlabs
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.waves import Waves

Tables = Pieces | MeshPieces | MeshSlabs | Waves
