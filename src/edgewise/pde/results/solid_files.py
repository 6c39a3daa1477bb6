"""Solids and solutions in them as a description and as numbers, for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.arrays import Ints
from edgewise._core.errors import InputError
from edgewise.network.container import Table
from edgewise.pde.discretisation.tetra_elements import TetraField, TetraMesh, TetraNumbering
from edgewise.pde.domains.solid import Solid
from edgewise.pde.results.tetra_pieces import TetraPieces
from edgewise.pde.terms.symbols import Coordinate

_MOST = 100_000_000


def written_solid(solid: Solid, pieces: TetraPieces) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A solid and what is on its tetrahedra, as a description and as numbers."""
    mesh = pieces.mesh
    tensors = {
        "solid.places": solid.places,
        "solid.facets": solid.facets,
        "solid.patch": solid.patch,
        "mesh.points": mesh.points,
        "mesh.nodes": mesh.nodes,
        "mesh.curve": mesh.curve,
    }
    tensors |= {f"values.{f}": each.values for f, each in enumerate(pieces.fields)}
    described = {
        "names": list(solid.names),
        "corners": len(solid.places),
        "facets": len(solid.facets),
        "points": len(mesh.points),
        "elements": mesh.count,
        "degrees": [each.numbering.degree for each in pieces.fields],
        "coefficients": [len(each.values) for each in pieces.fields],
    }
    return {"solid": described}, {
        name: torch.tensor(np.ascontiguousarray(each)) for name, each in tensors.items()
    }


def promised_solid(document: Mapping[str, Any]) -> Table:
    """The tensors that a solid of this description has."""
    sizes = [document[key] for key in ("corners", "facets", "points", "elements")]
    if not all(type(each) is int and 4 <= each <= _MOST for each in (*sizes, *document["coefficients"])):
        raise InputError("its solid is none.")
    if not all(type(each) is int and 1 <= each <= 20 for each in document["degrees"]):
        raise InputError("its tetrahedra are none.")
    corners, facets, points, elements = sizes
    table: Table = {
        "solid.places": ("F64", (corners, 3)),
        "solid.facets": ("I64", (facets, 3)),
        "solid.patch": ("I64", (facets,)),
        "mesh.points": ("F64", (points, 3)),
        "mesh.nodes": ("I64", (elements, 4)),
        "mesh.curve": ("I64", (elements, 4)),
    }
    return table | {f"values.{f}": ("F64", (n,)) for f, n in enumerate(document["coefficients"])}


def solid_of(
    document: Mapping[str, Any], tensors: Mapping[str, Tensor], coordinates: Sequence[Coordinate]
) -> Solid:
    """The solid of a description and numbers."""
    names = tuple(map(str, document["names"]))
    places = tensors["solid.places"].numpy()
    facets = _within(tensors["solid.facets"], 0, len(places))
    if len(coordinates) != 3 or not np.isfinite(places).all():
        raise InputError("its solid is none.")
    return Solid(tuple(coordinates), places, facets, _within(tensors["solid.patch"], 0, len(names)), names)


def tetra_pieces_of(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> TetraPieces:
    """What is on the tetrahedra of a description and numbers."""
    points = tensors["mesh.points"].numpy()
    nodes = _within(tensors["mesh.nodes"], 0, len(points))
    if not np.isfinite(points).all() or (np.diff(nodes, axis=1) <= 0).any():
        raise InputError("its tetrahedra are none.")
    mesh = TetraMesh(points, nodes, _within(tensors["mesh.curve"], -1, len(document["names"])))
    fields: list[TetraField] = []
    for f, degree in enumerate(document["degrees"]):
        numbering, values = TetraNumbering(mesh, degree), tensors[f"values.{f}"].numpy()
        if numbering.count != len(values):
            raise InputError("its values are not as many as its tetrahedra have places.")
        fields.append(TetraField(numbering, values))
    return TetraPieces(tuple(fields))


def _within(numbers: Tensor, low: int, high: int) -> Ints:
    found = numbers.numpy()
    if ((found < low) | (found >= high)).any():
        raise InputError("its tetrahedra have corners or faces that there are none of.")
    return found
