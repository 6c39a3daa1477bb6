"""What solutions hold as a description and as numbers, for files: splines, what is on the elements of shapes, solids and
surfaces, slabs of time on these, and waves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.arrays import Floats, Ints
from edgewise._core.errors import InputError
from edgewise.fields.field import Field, widest
from edgewise.fields.space import Space
from edgewise.network.container import Table
from edgewise.pde.discretisation.blocks import Blocks
from edgewise.pde.discretisation.elements import Elements, MeshField, Numbering
from edgewise.pde.discretisation.quadrilaterals import Quadrilaterals, mesh_of
from edgewise.pde.discretisation.simplices import Simplices
from edgewise.pde.domains.curves import Curve
from edgewise.pde.domains.region import Region
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.problem.problem import Problem
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.mesh_slabs import MeshSlabs
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.tables import Tables
from edgewise.pde.results.waves import Waves
from edgewise.pde.terms.symbols import Coordinate, Equation
from edgewise.pde.terms.text import read_term, write_term

_MOST = 100_000_000
_NONE = "its shape is none."
# Numbers of a curve: center, both axes, angles, and 1 for a segment.
_NUMBERS = 9
_NO_ELEMENTS = "its elements are none."
_MOST_COEFFICIENTS = 1 << 40
Written = tuple[dict[str, Any], dict[str, Tensor]]
Tensors = Mapping[str, Tensor]


def written(pieces: Tables, shape: Any = None) -> Written:
    """Tables as a description and as numbers; of what is on elements `shape` is the shape without time."""
    if isinstance(pieces, MeshSlabs):
        described, tensors = written(pieces.start, shape)
        described["slabs"], more = _written_slabs(pieces)
        return described, tensors | more
    if isinstance(pieces, Waves):
        return _written_waves(pieces)
    if isinstance(pieces, Pieces):
        return _written_pieces(pieces)
    simplices = isinstance(pieces.mesh, Simplices)
    own, arrays = _written_simplices(shape, pieces.mesh) if simplices else _written_region(pieces.mesh)
    own["degrees"] = [field.numbering.degree for field in pieces.fields]
    own["coefficients"] = [len(field.values) for field in pieces.fields]
    arrays |= {f"values.{f}": field.values for f, field in enumerate(pieces.fields)}
    return {"simplices" if simplices else "region": own}, _tensors(arrays)


def promised(document: Mapping[str, Any], problem: Mapping[str, Any]) -> Table:
    """The tensors that tables of this description have, for a problem of that description."""
    kinds = {"region": _promised_region, "simplices": _promised_simplices, "slabs": _promised_slabs}
    found: Table = {}
    for key, promise in kinds.items():
        found |= promise(document[key]) if key in document else {}
    if "waves" in document:
        found |= _promised_waves(document["waves"], len(problem["unknowns"]))
    return found or _promised_pieces(document, problem)


def tables_of(document: Mapping[str, Any], tensors: Tensors, problem: Problem) -> Tables:
    """The tables of a description and numbers."""
    if "waves" in document:
        return _waves_of(document["waves"], tensors)
    if not ("simplices" in document or "region" in document):
        return pieces_of(document, tensors, problem)
    domain: Any = problem.domain
    still = (
        _simplices_of(document["simplices"], tensors)
        if "simplices" in document
        else _region_pieces(document["region"], tensors, domain.shape)
    )
    return still if domain.time is None else _slabs_from(document["slabs"], tensors, still, domain.span)


def shape_of(
    document: Mapping[str, Any], tensors: Tensors, coordinates: Sequence[Coordinate]
) -> Region | Solid | TriangleSurface | None:
    """The shape without time of a description and numbers; None where the domain is a box."""
    if "simplices" in document:
        return _solid_or_surface(document["simplices"], tensors, coordinates)
    return _region_from(document["region"], tensors, coordinates) if "region" in document else None


def _tensors(arrays: Mapping[str, Any]) -> dict[str, Tensor]:
    # Slabs share their grids, and tensors of a file must not: these are copies.
    return {name: torch.tensor(np.ascontiguousarray(array)) for name, array in arrays.items()}


def _sizes(document: Mapping[str, Any], keys: Sequence[str], top: int, said: str) -> list[int]:
    """Some sizes of a description, checked as its coefficients and degrees are."""
    sizes = [document[key] for key in keys]
    counts = all(type(size) is int and 1 <= size <= _MOST for size in (*sizes, *document["coefficients"]))
    if not counts or not all(type(degree) is int and 1 <= degree <= top for degree in document["degrees"]):
        raise InputError(said)
    return sizes


def _values(document: Mapping[str, Any]) -> Table:
    return {f"values.{f}": ("F64", (n,)) for f, n in enumerate(document["coefficients"])}


def _written_region(mesh: Elements) -> tuple[dict[str, Any], dict[str, Any]]:
    """A plane shape and its elements."""
    assert isinstance(mesh, Quadrilaterals)
    blocks, layers = mesh.blocks, mesh.layers
    region = blocks.region
    sides = [curve for pair in zip(blocks.low, blocks.left, strict=True) for curve in pair]
    kept = [n for n, curve in enumerate(sides) if curve is not None]
    which = np.full(len(sides), -1, dtype=np.int64)
    which[kept] = np.arange(len(kept))
    arrays: dict[str, Any] = {
        "region.curves": _numbers(region.curves),
        "blocks.points": blocks.points,
        "blocks.quads": blocks.quads,
        "blocks.sides": _numbers([curve for curve in sides if curve is not None]),
        "blocks.which": which.reshape(-1, 2),
        "blocks.numbers": blocks.numbers,
    }
    described = {
        "loops": [[curve.name for curve in loop] for loop in region.loops],
        "points": len(blocks.points),
        "blocks": len(blocks.quads),
        "sides": len(kept),
        "layers": [[int(point), int(n)] for point, n in layers.items()],
    }
    return described, arrays


def _promised_region(document: Mapping[str, Any]) -> Table:
    points, blocks, sides = _sizes(document, ("points", "blocks", "sides"), 50, _NONE)
    return {
        "region.curves": ("F64", (sum(map(len, document["loops"])), _NUMBERS)),
        "blocks.points": ("F64", (points, 2)),
        "blocks.quads": ("I64", (blocks, 4)),
        "blocks.sides": ("F64", (sides, _NUMBERS)),
        "blocks.which": ("I64", (blocks, 2)),
        "blocks.numbers": ("I64", (blocks, 2)),
    } | _values(document)


def _region_from(document: Mapping[str, Any], tensors: Tensors, coordinates: Sequence[Coordinate]) -> Region:
    """The shape of a description and numbers."""
    names = [str(name) for loop in document["loops"] for name in loop]
    curves = iter(_curves(tensors["region.curves"].numpy(), names))
    loops = tuple(tuple(next(curves) for _ in loop) for loop in document["loops"])
    first, second = coordinates
    return Region((first, second), loops)


def _region_pieces(document: Mapping[str, Any], tensors: Tensors, region: Region) -> MeshPieces:
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


def _pieces(document: Mapping[str, Any], tensors: Tensors, mesh: Elements) -> MeshPieces:
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


def _written_simplices(
    domain: Solid | TriangleSurface, mesh: Elements
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A solid or a surface and its elements."""
    assert isinstance(mesh, Simplices)
    arrays: dict[str, Any] = {
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
    }
    if isinstance(domain, Solid):
        arrays["domain.patch"] = domain.patch
    else:
        if len(domain.sides):
            arrays |= {"domain.sides": domain.sides, "domain.part": domain.part}
        smooth = domain.smooth
        described |= {
            "sides": len(domain.sides),
            "smooth": None if smooth is None else [write_term(smooth.left), write_term(smooth.right)],
            "bend": 0 if mesh.bend is None else mesh.bend.shape[1],
            "bend_degree": mesh.bend_degree,
        }
        if mesh.bend is not None:
            arrays["mesh.bend"] = mesh.bend
    return described, arrays


def _promised_simplices(document: Mapping[str, Any]) -> Table:
    keys = ("corners", "facets", "points", "elements")
    corners, facets, points, elements = _sizes(document, keys, 20, _NO_ELEMENTS)
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
        if not all(type(item) is int and 0 <= item <= _MOST for item in (sides, bend)):
            raise InputError(_NO_ELEMENTS)
        if sides:
            table |= {"domain.sides": ("I64", (sides, 2)), "domain.part": ("I64", (sides,))}
        if bend:
            table["mesh.bend"] = ("F64", (elements, bend, 3))
    return table | _values(document)


def _solid_or_surface(
    document: Mapping[str, Any], tensors: Tensors, coordinates: Sequence[Coordinate]
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
        known = {entry.name: entry for entry in given}
        left, right = (read_term(str(side), known) for side in smooth)
        smooth = Equation(left, right)
    sides, part = np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64)
    if document["sides"]:
        sides = _within(tensors["domain.sides"], 0, len(places))
        part = _within(tensors["domain.part"], 0, len(names))
    return TriangleSurface(given, places, facets, sides, part, names, smooth)


def _simplices_of(document: Mapping[str, Any], tensors: Tensors) -> MeshPieces:
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


def _written_slabs(pieces: MeshSlabs) -> Written:
    """The slabs, as a description and as numbers."""
    arrays = {f"slab.{n}.{f}": table for n, slab in enumerate(pieces.slabs) for f, table in enumerate(slab)}
    arrays["slab.edges"] = pieces.edges
    described = {
        "degrees": [[len(table) - 1 for table in slab] for slab in pieces.slabs],
        "coefficients": [table.shape[1] for table in pieces.slabs[0]],
    }
    return described, _tensors(arrays)


def _promised_slabs(document: Mapping[str, Any]) -> Table:
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


def _slabs_from(
    document: Mapping[str, Any],
    tensors: Tensors,
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
    if [len(field.values) for field in start.fields] != [table.shape[1] for table in slabs[0]]:
        raise InputError("its slabs of time do not fit its elements.")
    return MeshSlabs(start, edges, slabs)


def _written_pieces(pieces: Pieces) -> Written:
    arrays: dict[str, Any] = {}
    for n, piece in enumerate(pieces.fields):
        arrays |= {f"breaks.{n}.{axis}": space.breaks for axis, space in enumerate(widest(piece))}
        arrays |= {f"coefficients.{n}.{f}": field.coefficients for f, field in enumerate(piece)}
    described = {
        "axis": pieces.axis,
        "degrees": [[[space.degree for space in field.spaces] for field in piece] for piece in pieces.fields],
        "intervals": [[space.intervals for space in piece[0].spaces] for piece in pieces.fields],
    }
    return described, _tensors(arrays)


def _promised_pieces(document: Mapping[str, Any], problem: Mapping[str, Any]) -> Table:
    """The tensors of pieces of this description."""
    periodic = [bool(item) for item in problem["periodic"]]
    unknowns = len(problem["unknowns"])
    table: Table = {}
    for n, (degrees, intervals) in enumerate(zip(document["degrees"], document["intervals"], strict=True)):
        for f, own in enumerate(_of_each(degrees, unknowns)):
            sizes: list[int] = []
            for axis, (degree, count, around) in enumerate(zip(own, intervals, periodic, strict=True)):
                if not (type(degree) is type(count) is int and 1 <= degree <= 50 and count >= 1):
                    raise InputError("its grids are none.")
                table[f"breaks.{n}.{axis}"] = ("F64", (count + 1,))
                sizes.append(count + (0 if around else degree))
            if math.prod(sizes) > 1 << 40:
                raise InputError("its grids are too large.")
            table[f"coefficients.{n}.{f}"] = ("F64", tuple(sizes))
    return table


def _of_each(degrees: Sequence[Any], unknowns: int) -> Sequence[Sequence[int]]:
    """Degrees of every unknown, where files may have one list for all."""
    return [degrees] * unknowns if degrees and not isinstance(degrees[0], list) else degrees


def pieces_of(document: Mapping[str, Any], tensors: Tensors, problem: Problem) -> Pieces:
    """The pieces of a description and numbers."""
    unknowns, periodic = len(problem.names), problem.domain.periodic
    made: list[tuple[Field, ...]] = []
    for n, degrees in enumerate(document["degrees"]):
        per_unknown = _of_each(degrees, unknowns)
        spaces: list[Space] = []
        for axis, around in enumerate(periodic):
            breaks = tensors[f"breaks.{n}.{axis}"].numpy()
            if not (np.isfinite(breaks).all() and (np.diff(breaks) > 0).all()):
                raise InputError("the breaks of its grid do not increase.")
            spaces.append(Space(breaks, max(own[axis] for own in per_unknown), around))
        made.append(
            tuple(
                Field(
                    tuple(s.lowered(s.degree - k) for s, k in zip(spaces, per_unknown[f], strict=True)),
                    tensors[f"coefficients.{n}.{f}"].numpy(),
                )
                for f in range(unknowns)
            )
        )
    if not made:
        raise InputError("it holds no piece of a solution.")
    axis = document["axis"]
    return Pieces(tuple(made), None if axis is None else int(axis))


def _written_waves(waves: Waves) -> Written:
    """Complex numbers as pairs."""
    numbers = {"rates": waves.rates, "vectors": waves.vectors}
    numbers |= {f"slab.{n}": slab for n, slab in enumerate(waves.slabs)}
    pairs = {name: np.stack([number.real, number.imag], axis=-1) for name, number in numbers.items()}
    described = {
        "axis": waves.axis,
        "low": waves.low,
        "span": waves.span,
        "waves": len(waves.rates),
        "degrees": [len(slab) - 1 for slab in waves.slabs],
    }
    return {"waves": described}, _tensors({"edges": waves.edges, **pairs})


def _promised_waves(document: Mapping[str, Any], unknowns: int) -> Table:
    """The tensors that waves of this description have."""
    count, degrees = document["waves"], document["degrees"]
    if not (
        type(count) is int
        and count >= 1
        and len(degrees)
        and all(type(d) is int and 0 <= d <= 100 for d in degrees)
    ):
        raise InputError("its waves are none.")
    if math.prod((count, unknowns, sum(degrees) + len(degrees))) > 1 << 40:
        raise InputError("its waves are too many.")
    table: Table = {
        "edges": ("F64", (len(degrees) + 1,)),
        "rates": ("F64", (count, unknowns, 2)),
        "vectors": ("F64", (count, unknowns, unknowns, 2)),
    }
    return table | {f"slab.{n}": ("F64", (d + 1, unknowns, count, 2)) for n, d in enumerate(degrees)}


def _waves_of(document: Mapping[str, Any], tensors: Tensors) -> Waves:
    """The waves of a description and numbers."""
    edges = tensors["edges"].numpy()
    axis, low, span = int(document["axis"]), float(document["low"]), float(document["span"])
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        raise InputError("the times at which its slabs meet do not increase.")
    if axis not in (0, 1) or not (math.isfinite(low) and 0 < span < math.inf):
        raise InputError("its waves have no place.")
    slabs = tuple(_complex(tensors[f"slab.{n}"]) for n in range(len(document["degrees"])))
    return Waves(axis, low, span, edges, _complex(tensors["rates"]), _complex(tensors["vectors"]), slabs)


def _complex(pairs: Tensor) -> Any:
    return torch.view_as_complex(pairs.contiguous()).numpy()
