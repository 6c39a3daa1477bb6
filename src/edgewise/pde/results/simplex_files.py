"""Solids and surfaces, and solutions on them, as a description and as numbers, for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.arrays import Ints
from edgewise._core.errors import InputError
from edgewise.network.container import Table
from edgewise.pde.discretisation.simplex_elements import SimplexField, SimplexNumbering
from edgewise.pde.discretisation.simplex_mesh import SimplexMesh
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.results.simplex_pieces import SimplexPieces
from edgewise.pde.terms.symbols import Coordinate, Equation
from edgewise.pde.terms.text import read_term, write_term

_MOST = 100_000_000
_NONE = "its elements are none."


def written_simplices(
    domain: Solid | TriangleSurface, pieces: SimplexPieces
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A solid or a surface and what is on its elements, as a description and as numbers."""
    mesh = pieces.mesh
    tensors = {
        "domain.places": domain.places,
        "domain.facets": domain.facets,
        "mesh.points": mesh.points,
        "mesh.nodes": mesh.nodes,
        "mesh.curve": mesh.curve,
    }
    described: dict[str, Any] = {
        "kind": "solid" if isinstance(domain, Solid) else "surface",
        "names": list(domain.names),
        "corners": len(domain.places),
        "facets": len(domain.facets),
        "points": len(mesh.points),
        "elements": mesh.count,
        "reach": mesh.reach,
        "degrees": [each.numbering.degree for each in pieces.fields],
        "coefficients": [len(each.values) for each in pieces.fields],
    }
    if isinstance(domain, Solid):
        tensors["domain.patch"] = domain.patch
    else:
        if len(domain.sides):
            tensors |= {"domain.sides": domain.sides, "domain.part": domain.part}
        smooth = domain.smooth
        described |= {
            "sides": len(domain.sides),
            "smooth": None if smooth is None else [write_term(smooth.left), write_term(smooth.right)],
            "bend": 0 if mesh.bend is None else mesh.bend.shape[1],
            "bend_degree": mesh.bend_degree,
        }
        if mesh.bend is not None:
            tensors["mesh.bend"] = mesh.bend
    tensors |= {f"values.{f}": each.values for f, each in enumerate(pieces.fields)}
    return described, {name: torch.tensor(np.ascontiguousarray(each)) for name, each in tensors.items()}


def promised_simplices(document: Mapping[str, Any]) -> Table:
    """The tensors that a solid or a surface of this description has."""
    sizes = [document[key] for key in ("corners", "facets", "points", "elements")]
    if not all(type(each) is int and 1 <= each <= _MOST for each in (*sizes, *document["coefficients"])):
        raise InputError(_NONE)
    if not all(type(each) is int and 1 <= each <= 20 for each in document["degrees"]):
        raise InputError(_NONE)
    corners, facets, points, elements = sizes
    solid = document["kind"] == "solid"
    width = 4 if solid else 3
    table: Table = {
        "domain.places": ("F64", (corners, 3)),
        "domain.facets": ("I64", (facets, 3)),
        "mesh.points": ("F64", (points, 3)),
        "mesh.nodes": ("I64", (elements, width)),
        "mesh.curve": ("I64", (elements, width)),
    }
    if solid:
        table["domain.patch"] = ("I64", (facets,))
    else:
        sides, bend = document["sides"], document["bend"]
        if not all(type(each) is int and 0 <= each <= _MOST for each in (sides, bend)):
            raise InputError(_NONE)
        if sides:
            table |= {"domain.sides": ("I64", (sides, 2)), "domain.part": ("I64", (sides,))}
        if bend:
            table["mesh.bend"] = ("F64", (elements, bend, 3))
    return table | {f"values.{f}": ("F64", (n,)) for f, n in enumerate(document["coefficients"])}


def solid_or_surface(
    document: Mapping[str, Any], tensors: Mapping[str, Tensor], coordinates: Sequence[Coordinate]
) -> Solid | TriangleSurface:
    """The solid or the surface of a description and numbers."""
    names = tuple(map(str, document["names"]))
    places = tensors["domain.places"].numpy()
    facets = _within(tensors["domain.facets"], 0, len(places))
    if len(coordinates) != 3 or not np.isfinite(places).all():
        raise InputError("its domain is none.")
    given = tuple(coordinates)
    if document["kind"] == "solid":
        return Solid(given, places, facets, _within(tensors["domain.patch"], 0, len(names)), names)
    smooth = document["smooth"]
    if smooth is not None:
        known = {each.name: each for each in given}
        left, right = (read_term(str(side), known) for side in smooth)
        smooth = Equation(left, right)
    sides, part = np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64)
    if document["sides"]:
        sides = _within(tensors["domain.sides"], 0, len(places))
        part = _within(tensors["domain.part"], 0, len(names))
    return TriangleSurface(given, places, facets, sides, part, names, smooth)


def simplices_of(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> SimplexPieces:
    """What is on the elements of a description and numbers."""
    points = tensors["mesh.points"].numpy()
    nodes = _within(tensors["mesh.nodes"], 0, len(points))
    bend = tensors["mesh.bend"].numpy() if document.get("bend") else None
    finite = np.isfinite(points).all() and (bend is None or np.isfinite(bend).all())
    if not finite or (np.diff(nodes, axis=1) <= 0).any():
        raise InputError(_NONE)
    degree = int(document.get("bend_degree", 1))
    if bend is not None and bend.shape[1] != (degree + 1) * (degree + 2) // 2:
        raise InputError(_NONE)
    curve = _within(tensors["mesh.curve"], -1, len(document["names"]))
    mesh = SimplexMesh(points, nodes, curve, bend, degree, float(document["reach"]))
    fields: list[SimplexField] = []
    for f, order in enumerate(document["degrees"]):
        numbering, values = SimplexNumbering(mesh, order), tensors[f"values.{f}"].numpy()
        if numbering.count != len(values):
            raise InputError("its values are not as many as its elements have places.")
        fields.append(SimplexField(numbering, values))
    return SimplexPieces(tuple(fields))


def _within(numbers: Tensor, low: int, high: int) -> Ints:
    found = numbers.numpy()
    if ((found < low) | (found >= high)).any():
        raise InputError("its elements have corners or faces that there are none of.")
    return found
