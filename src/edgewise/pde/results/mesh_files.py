"""Solutions on meshes as a description and as numbers, for files: shapes, solids and surfaces, and slabs of time on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.arrays import Floats, Ints
from edgewise._core.errors import InputError
from edgewise.network.container import Table
from edgewise.pde.discretisation.blocks import Blocks
from edgewise.pde.discretisation.elements import Elements, MeshField, Numbering
from edgewise.pde.discretisation.quadrilaterals import Quadrilaterals, mesh_of
from edgewise.pde.discretisation.simplices import Simplices
from edgewise.pde.domains.curves import Curve
from edgewise.pde.domains.region import Region
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.mesh_slabs import MeshSlabs
from edgewise.pde.terms.symbols import Coordinate, Equation
from edgewise.pde.terms.text import read_term, write_term

_MOST = 100_000_000
_NONE = "its shape is none."
# Numbers of a curve: center, both axes, angles, and 1 for a segment.
_NUMBERS = 9
_NO_ELEMENTS = "its elements are none."
_MOST_COEFFICIENTS = 1 << 40


def written_region(pieces: MeshPieces) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A shape and what is on its elements, as a description and as numbers."""
    assert isinstance(pieces.mesh, Quadrilaterals)
    blocks, layers = pieces.mesh.blocks, pieces.mesh.layers
    region = blocks.region
    sides = [curve for pair in zip(blocks.low, blocks.left, strict=True) for curve in pair]
    kept = [n for n, curve in enumerate(sides) if curve is not None]
    which = np.full(len(sides), -1, dtype=np.int64)
    which[kept] = np.arange(len(kept))
    tensors = {
        "region.curves": _numbers(region.curves),
        "blocks.points": blocks.points,
        "blocks.quads": blocks.quads,
        "blocks.sides": _numbers([curve for curve in sides if curve is not None]),
        "blocks.which": which.reshape(-1, 2),
        "blocks.numbers": blocks.numbers,
    }
    tensors |= {f"values.{f}": each.values for f, each in enumerate(pieces.fields)}
    described = {
        "loops": [[curve.name for curve in loop] for loop in region.loops],
        "points": len(blocks.points),
        "blocks": len(blocks.quads),
        "sides": len(kept),
        "layers": [[int(point), int(n)] for point, n in layers.items()],
        "degrees": [each.numbering.degree for each in pieces.fields],
        "coefficients": [len(each.values) for each in pieces.fields],
    }
    return described, {name: torch.tensor(np.ascontiguousarray(each)) for name, each in tensors.items()}


def promised_region(document: Mapping[str, Any]) -> Table:
    """The tensors that a shape of this description has."""
    sizes = [document[key] for key in ("points", "blocks", "sides")]
    if not all(type(each) is int and 1 <= each <= _MOST for each in (*sizes, *document["coefficients"])):
        raise InputError(_NONE)
    if not all(type(each) is int and 1 <= each <= 50 for each in document["degrees"]):
        raise InputError(_NONE)
    points, blocks, sides = sizes
    table: Table = {
        "region.curves": ("F64", (sum(map(len, document["loops"])), _NUMBERS)),
        "blocks.points": ("F64", (points, 2)),
        "blocks.quads": ("I64", (blocks, 4)),
        "blocks.sides": ("F64", (sides, _NUMBERS)),
        "blocks.which": ("I64", (blocks, 2)),
        "blocks.numbers": ("I64", (blocks, 2)),
    }
    return table | {f"values.{f}": ("F64", (n,)) for f, n in enumerate(document["coefficients"])}


def region_from(
    document: Mapping[str, Any], tensors: Mapping[str, Tensor], coordinates: Sequence[Coordinate]
) -> Region:
    """The shape of a description and numbers."""
    names = [str(name) for loop in document["loops"] for name in loop]
    curves = iter(_curves(tensors["region.curves"].numpy(), names))
    loops = tuple(tuple(next(curves) for _ in loop) for loop in document["loops"])
    first, second = coordinates
    return Region((first, second), loops)


def region_pieces(document: Mapping[str, Any], tensors: Mapping[str, Tensor], region: Region) -> MeshPieces:
    """What is on the elements of a description and numbers."""
    points, numbers = tensors["blocks.points"].numpy(), tensors["blocks.numbers"]
    own = _within(numbers, -1, len(region.curves)).ravel()
    which = _within(tensors["blocks.which"], -1, document["sides"]).ravel()
    if not np.isfinite(points).all() or ((own < 0) != (which < 0)).any():
        raise InputError(_NONE)
    # Each side has the name of the curve that it is a piece of.
    names = [""] * int(document["sides"])
    for n, number in zip(which.tolist(), own.tolist(), strict=True):
        if n >= 0:
            names[n] = region.curves[number].name
    curves = _curves(tensors["blocks.sides"].numpy(), names)
    sides = [None if n < 0 else curves[n] for n in which.tolist()]
    quads = _within(tensors["blocks.quads"], 0, len(points))
    blocks = Blocks(region, points, quads, tuple(sides[::2]), tuple(sides[1::2]), numbers.numpy())
    layers = {int(point): int(n) for point, n in document["layers"]}
    if not all(0 <= point < len(points) and 0 <= n <= 1000 for point, n in layers.items()):
        raise InputError(_NONE)
    return _pieces(document, tensors, mesh_of(blocks, layers))


def _numbers(curves: Sequence[Curve]) -> Floats:
    return np.array(
        [[*c.center, *c.across, *c.up, c.first, c.last, float(c.straight)] for c in curves], dtype=float
    ).reshape(-1, _NUMBERS)


def _curves(numbers: Floats, names: Sequence[str]) -> list[Curve]:
    if not np.isfinite(numbers).all():
        raise InputError(_NONE)
    return [
        Curve(name, (a, b), (c, d), (e, f), first, last, bool(straight))
        for name, (a, b, c, d, e, f, first, last, straight) in zip(names, numbers.tolist(), strict=True)
    ]


def _pieces(document: Mapping[str, Any], tensors: Mapping[str, Tensor], mesh: Elements) -> MeshPieces:
    """The unknowns on elements."""
    found: list[MeshField] = []
    for f, degree in enumerate(document["degrees"]):
        numbering, values = Numbering(mesh, degree), tensors[f"values.{f}"].numpy()
        if numbering.count != len(values):
            raise InputError("its values are not as many as its elements have places.")
        found.append(MeshField(numbering, values))
    return MeshPieces(tuple(found))


def _within(numbers: Tensor, low: int, high: int) -> Ints:
    found = numbers.numpy()
    if ((found < low) | (found >= high)).any():
        raise InputError("its elements have corners, curves or faces that there are none of.")
    return found


def written_simplices(
    domain: Solid | TriangleSurface, pieces: MeshPieces
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A solid or a surface and what is on its elements, as a description and as numbers."""
    mesh = pieces.mesh
    assert isinstance(mesh, Simplices)
    tensors = {
        "domain.places": domain.places,
        "domain.facets": domain.facets,
        "mesh.points": mesh.points,
        "mesh.nodes": mesh.nodes,
        "mesh.curve": mesh.curve,
    }
    described: dict[str, Any] = {
        "kind": "surface" if domain.on_surface else "solid",
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
        raise InputError(_NO_ELEMENTS)
    if not all(type(each) is int and 1 <= each <= 20 for each in document["degrees"]):
        raise InputError(_NO_ELEMENTS)
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
            raise InputError(_NO_ELEMENTS)
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


def simplices_of(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> MeshPieces:
    """What is on the elements of a description and numbers."""
    points = tensors["mesh.points"].numpy()
    nodes = _within(tensors["mesh.nodes"], 0, len(points))
    bend = tensors["mesh.bend"].numpy() if document.get("bend") else None
    finite = np.isfinite(points).all() and (bend is None or np.isfinite(bend).all())
    if not finite or (np.diff(nodes, axis=1) <= 0).any():
        raise InputError(_NO_ELEMENTS)
    degree = int(document.get("bend_degree", 1))
    if bend is not None and bend.shape[1] != (degree + 1) * (degree + 2) // 2:
        raise InputError(_NO_ELEMENTS)
    curve = _within(tensors["mesh.curve"], -1, len(document["names"]))
    mesh = Simplices(points, nodes, curve, bend, degree, float(document["reach"]))
    return _pieces(document, tensors, mesh)


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
    if not all(type(n) is int and 1 <= n < _MOST_COEFFICIENTS for n in counts):
        raise InputError("its slabs of time are too large.")
    table: Table = {"slab.edges": ("F64", (len(degrees) + 1,))}
    for n, slab in enumerate(degrees):
        for f, (degree, count) in enumerate(zip(slab, counts, strict=True)):
            table[f"slab.{n}.{f}"] = ("F64", (degree + 1, count))
    return table


def slabs_from(
    document: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    start: MeshPieces,
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
