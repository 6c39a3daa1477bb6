"""Solutions on a mesh through time as a description and as numbers, for files: the mesh at the start, then slabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.errors import InputError
from edgewise.network.container import Table
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.mesh_slabs import MeshSlabs
from edgewise.pde.results.simplex_pieces import SimplexPieces

_MOST = 1 << 40


def written_slabs(pieces: MeshSlabs) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The slabs, as a description and as numbers."""
    tensors = {f"slab.{n}.{f}": table for n, slab in enumerate(pieces.slabs) for f, table in enumerate(slab)}
    tensors["slab.edges"] = pieces.edges
    described = {
        "degrees": [[len(table) - 1 for table in slab] for slab in pieces.slabs],
        "coefficients": [table.shape[1] for table in pieces.slabs[0]],
    }
    return described, {name: torch.tensor(np.ascontiguousarray(each)) for name, each in tensors.items()}


def promised_slabs(document: Mapping[str, Any]) -> Table:
    """The tensors that slabs of this description have."""
    degrees, counts = document["degrees"], document["coefficients"]
    fits = bool(degrees) and all(len(slab) == len(counts) for slab in degrees)
    if not fits or not all(type(d) is int and 0 <= d <= 50 for slab in degrees for d in slab):
        raise InputError("its slabs of time are none.")
    if not all(type(n) is int and 1 <= n < _MOST for n in counts):
        raise InputError("its slabs of time are too large.")
    table: Table = {"slab.edges": ("F64", (len(degrees) + 1,))}
    for n, slab in enumerate(degrees):
        for f, (degree, count) in enumerate(zip(slab, counts, strict=True)):
            table[f"slab.{n}.{f}"] = ("F64", (degree + 1, count))
    return table


def slabs_from(
    document: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    start: MeshPieces | SimplexPieces,
    span: Sequence[float],
) -> MeshSlabs:
    """The slabs of a description and numbers, on a mesh with the unknowns at the start."""
    edges = tensors["slab.edges"].numpy()
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all() and np.allclose(edges[[0, -1]], span)):
        raise InputError("the times at which its slabs meet do not go from the start to the end.")
    slabs = tuple(
        tuple(tensors[f"slab.{n}.{f}"].numpy() for f in range(len(slab)))
        for n, slab in enumerate(document["degrees"])
    )
    if [len(each.values) for each in start.fields] != [table.shape[1] for table in slabs[0]]:
        raise InputError("its slabs of time do not fit its elements.")
    return MeshSlabs(start, edges, slabs)
