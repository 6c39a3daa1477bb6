"""Plane shapes, and solutions on them, as a description and as numbers, for files."""

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
from edgewise.pde.discretisation.elements import MeshField, Numbering
from edgewise.pde.discretisation.mesh import mesh_of
from edgewise.pde.domains.curves import Curve
from edgewise.pde.domains.region import Region
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.terms.symbols import Coordinate

_MOST = 100_000_000
_NONE = "its shape is none."
# Numbers of a curve: center, both axes, angles, and 1 for a segment.
_NUMBERS = 9


def written_region(pieces: MeshPieces) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A shape and what is on its elements, as a description and as numbers."""
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
    mesh = mesh_of(blocks, layers)
    fields: list[MeshField] = []
    for f, degree in enumerate(document["degrees"]):
        numbering, values = Numbering(mesh, degree), tensors[f"values.{f}"].numpy()
        if numbering.count != len(values):
            raise InputError("its values are not as many as its elements have places.")
        fields.append(MeshField(numbering, values))
    return MeshPieces(tuple(fields))


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


def _within(numbers: Tensor, low: int, high: int) -> Ints:
    found = numbers.numpy()
    if ((found < low) | (found >= high)).any():
        raise InputError("its elements have corners or curves that there are none of.")
    return found
