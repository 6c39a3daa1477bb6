"""Solutions as files: the problem as text, the splines as numbers, in one .kan file that is read without running code."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.checks import check_bool
from edgewise._core.errors import FileError, InputError
from edgewise._core.files import PathLike
from edgewise._core.stopping import StopReason
from edgewise._core.version import __version__
from edgewise.network.container import Table, read_container, write_container
from edgewise.pde.discretisation.field import Field, widest
from edgewise.pde.discretisation.simplices import Simplices
from edgewise.pde.discretisation.space import Space
from edgewise.pde.domains.box import Box
from edgewise.pde.domains.parts import Face, Part
from edgewise.pde.domains.region import Region, Rim
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.space_time import SpaceTime
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.problem.problem import Condition, Problem
from edgewise.pde.results.energy import EnergyBound
from edgewise.pde.results.mesh_files import (
    promised_region,
    promised_simplices,
    promised_slabs,
    region_from,
    region_pieces,
    simplices_of,
    slabs_from,
    solid_or_surface,
    written_region,
    written_simplices,
    written_slabs,
)
from edgewise.pde.results.mesh_pieces import MeshPieces
from edgewise.pde.results.mesh_slabs import MeshSlabs
from edgewise.pde.results.pieces import Pieces
from edgewise.pde.results.tables import Tables
from edgewise.pde.results.waves import Waves
from edgewise.pde.terms.symbols import Coordinate, Equation, Unknown
from edgewise.pde.terms.text import read_term, write_term

KIND = "Solution"
_PLAIN = ("error", "how", "tolerance", "road", "seconds", "coefficients")


def save_solution(known: Mapping[str, Any], path: PathLike, *, overwrite: bool = True) -> None:
    """Write what a `Solution` holds, its problem and its error included, to one file."""
    check_bool(overwrite, "overwrite")
    problem, pieces = known["problem"], known["pieces"]
    domain = problem.domain
    if isinstance(pieces, MeshSlabs):
        described, tensors = _on_shape(domain.shape, pieces.start)
        described["slabs"], more = written_slabs(pieces)
        tensors |= more
    elif isinstance(pieces, MeshPieces):
        described, tensors = _on_shape(domain, pieces)
    elif isinstance(pieces, Waves):
        described, tensors = written_waves(pieces)
    else:
        assert isinstance(pieces, Pieces)
        described, tensors = written(pieces)
    document = {
        "kind": KIND,
        "written_by": __version__,
        "problem": problem_document(problem),
        **described,
        **{name: known[name] for name in _PLAIN},
        "slope_error": known["slope_error"],
        "energy": None if known["energy"] is None else [known["energy"].bound, known["energy"].norm],
        "errors": dict(known["errors"]),
        "stop_reason": str(known["stop_reason"]),
        "warnings": list(known["warnings"]),
    }
    write_container(path, document, tensors, overwrite)


def _on_shape(shape: Any, pieces: MeshPieces) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A shape and what is on its elements."""
    if isinstance(pieces.mesh, Simplices):
        own, tensors = written_simplices(shape, pieces)
        return {"simplices": own}, tensors
    own, tensors = written_region(pieces)
    return {"region": own}, tensors


def load_solution(path: PathLike) -> dict[str, Any]:
    """What a file holds, as `Solution` takes it."""
    # An error of which nothing is known is infinite; numbers of the solution are not.
    document, tensors = read_container(path, KIND, promised, finite=False)
    with damaged(path):
        if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
            raise ValueError("numbers that are NaN or infinite")
        problem = problem_of(document["problem"], lambda coordinates: _domain(document, tensors, coordinates))
        energy = document.get("energy")
        return {
            **{name: document[name] for name in _PLAIN},
            "slope_error": document.get("slope_error"),
            "energy": None if energy is None else EnergyBound(*map(float, energy)),
            "problem": problem,
            "pieces": _pieces(document, tensors, problem),
            "errors": {name: float(document["errors"][name]) for name in problem.names},
            "stop_reason": StopReason(document["stop_reason"]),
            "warnings": tuple(map(str, document["warnings"])),
        }
    raise FileError(f"The file {path} is damaged.")


def _pieces(document: Mapping[str, Any], tensors: Mapping[str, Tensor], problem: Problem) -> Tables:
    if "simplices" in document or "region" in document:
        domain: Any = problem.domain
        timed = domain.time is not None
        still = (
            simplices_of(document["simplices"], tensors)
            if "simplices" in document
            else region_pieces(document["region"], tensors, domain.shape if timed else domain)
        )
        return slabs_from(document["slabs"], tensors, still, domain.span) if timed else still
    if "waves" in document:
        return waves_of(document["waves"], tensors)
    return pieces_of(document, tensors, problem)


def _domain(
    document: Mapping[str, Any], tensors: Mapping[str, Tensor], coordinates: Sequence[Coordinate]
) -> Region | Solid | TriangleSurface | None:
    if "simplices" in document:
        return solid_or_surface(document["simplices"], tensors, coordinates)
    return region_from(document["region"], tensors, coordinates) if "region" in document else None


@contextmanager
def damaged(path: PathLike) -> Generator[None]:
    """What a file lacks, or holds without sense, as one sentence."""
    try:
        yield
    except KeyError as error:
        raise FileError(f"The file {path} is damaged: of its solution {error} is missing.") from error
    except InputError as error:
        raise FileError(f"The file {path} is damaged: {error}") from error
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise FileError(f"The file {path} is damaged: its solution cannot be read.") from error


def written(pieces: Pieces) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Pieces as a description and as numbers."""
    tensors: dict[str, Tensor] = {}
    for n, piece in enumerate(pieces.fields):
        for axis, space in enumerate(widest(piece)):
            tensors[f"breaks.{n}.{axis}"] = _tensor(space.breaks)
        for f, field in enumerate(piece):
            tensors[f"coefficients.{n}.{f}"] = _tensor(field.coefficients)
    described = {
        "axis": pieces.axis,
        "degrees": [[[space.degree for space in field.spaces] for field in piece] for piece in pieces.fields],
        "intervals": [[space.intervals for space in piece[0].spaces] for piece in pieces.fields],
    }
    return described, tensors


def promised(document: Mapping[str, Any]) -> Table:
    """The tensors that a solution of this description has."""
    if "simplices" in document or "region" in document:
        still = (
            promised_simplices(document["simplices"])
            if "simplices" in document
            else promised_region(document["region"])
        )
        return still | (promised_slabs(document["slabs"]) if "slabs" in document else {})
    if "waves" in document:
        return promised_waves(document["waves"], len(document["problem"]["unknowns"]))
    return promised_pieces(document, document["problem"])


def promised_pieces(document: Mapping[str, Any], problem: Mapping[str, Any]) -> Table:
    """The tensors of pieces of this description."""
    periodic = [bool(each) for each in problem["periodic"]]
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


def _tensor(values: Any) -> Tensor:
    # Slabs share their grids; tensors of a file must not.
    return torch.tensor(np.asarray(values, dtype=np.float64))


def problem_document(problem: Problem) -> dict[str, Any]:
    """A problem as JSON takes it."""
    domain = problem.domain
    return {
        "coordinates": [
            {"name": each.name, "time": each.time, "parameter": each.parameter} for each in domain.coordinates
        ],
        "bounds": [list(each) for each in domain.bounds],
        "periodic": list(domain.periodic),
        "unknowns": [
            [name, *map(str, field.args)] for name, field in zip(problem.names, problem.fields, strict=True)
        ],
        "jumps": problem.jumps,
        "equations": [_sides(each) for each in problem.equations],
        "conditions": [
            {
                "part": each.part.name,
                "faces": [
                    [face.name, face.axis, face.high] if isinstance(face, Face) else [face.name, face.number]
                    for face in each.part.faces
                ],
                "equation": _sides(each.equation),
            }
            for each in problem.conditions
        ],
    }


def _sides(equation: Equation) -> list[str]:
    return [write_term(equation.left), write_term(equation.right)]


def problem_of(
    document: Mapping[str, Any],
    shape: Callable[[Sequence[Coordinate]], Region | Solid | TriangleSurface | None] = lambda coordinates: (
        None
    ),
) -> Problem:
    """The problem that a document describes; `shape` gives its domain where that is no box."""
    coordinates = tuple(
        Coordinate(each["name"], time=bool(each["time"]), parameter=bool(each.get("parameter", False)))
        for each in document["coordinates"]
    )
    names: dict[str, Any] = {each.name: each for each in coordinates}
    for name, *places in document["unknowns"]:
        names[name] = Unknown(name, *(names[place] for place in places))
    bounds = tuple((float(low), float(high)) for low, high in document["bounds"])
    clocks = [each for each in coordinates if each.time]
    made = shape([each for each in coordinates if not each.time])
    if made is not None and clocks:
        domain = SpaceTime(made, clocks[0], bounds[-1])
    else:
        domain = made or Box(coordinates, bounds, tuple(map(bool, document["periodic"])))

    def equation(sides: Sequence[str]) -> Equation:
        left, right = (read_term(side, names) for side in sides)
        return Equation(left, right)

    conditions = [
        Condition(
            Part(each["part"], tuple(_face(domain, *face) for face in each["faces"])),
            equation(each["equation"]),
        )
        for each in document["conditions"]
    ]
    jumps = bool(document.get("jumps", False))
    return Problem(domain, [equation(each) for each in document["equations"]], conditions, jumps=jumps)


def _face(domain: Any, name: str, number: int, high: bool | None = None) -> Face | Rim:
    if domain.on_grid or (domain.time is not None and high is not None):
        return Face(name, int(number), bool(high))
    if not 0 <= int(number) < len(domain.rim_names):
        raise InputError("its conditions are on no part of the boundary.")
    return Rim(name, int(number))


def pieces_of(document: Mapping[str, Any], tensors: Mapping[str, Tensor], problem: Problem) -> Pieces:
    """The pieces of a description and numbers."""
    unknowns, periodic = len(problem.names), problem.domain.periodic
    made: list[tuple[Field, ...]] = []
    for n, degrees in enumerate(document["degrees"]):
        each = _of_each(degrees, unknowns)
        spaces: list[Space] = []
        for axis, around in enumerate(periodic):
            breaks = tensors[f"breaks.{n}.{axis}"].numpy()
            if not (np.isfinite(breaks).all() and (np.diff(breaks) > 0).all()):
                raise InputError("the breaks of its grid do not increase.")
            spaces.append(Space(breaks, max(own[axis] for own in each), around))
        made.append(
            tuple(
                Field(
                    tuple(s.lowered(s.degree - k) for s, k in zip(spaces, each[f], strict=True)),
                    tensors[f"coefficients.{n}.{f}"].numpy(),
                )
                for f in range(unknowns)
            )
        )
    if not made:
        raise InputError("it holds no piece of a solution.")
    axis = document["axis"]
    return Pieces(tuple(made), None if axis is None else int(axis))


def written_waves(waves: Waves) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Waves as a description and as numbers, complex ones as pairs."""
    tensors = {
        "edges": torch.tensor(waves.edges),
        "rates": _pairs(waves.rates),
        "vectors": _pairs(waves.vectors),
    }
    tensors |= {f"slab.{n}": _pairs(slab) for n, slab in enumerate(waves.slabs)}
    described = {
        "axis": waves.axis,
        "low": waves.low,
        "span": waves.span,
        "waves": len(waves.rates),
        "degrees": [len(slab) - 1 for slab in waves.slabs],
    }
    return {"waves": described}, tensors


def promised_waves(document: Mapping[str, Any], unknowns: int) -> Table:
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


def waves_of(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Waves:
    """The waves of a description and numbers."""
    edges = tensors["edges"].numpy()
    axis, low, span = int(document["axis"]), float(document["low"]), float(document["span"])
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        raise InputError("the times at which its slabs meet do not increase.")
    if axis not in (0, 1) or not (math.isfinite(low) and 0 < span < math.inf):
        raise InputError("its waves have no place.")
    slabs = tuple(_complex(tensors[f"slab.{n}"]) for n in range(len(document["degrees"])))
    return Waves(axis, low, span, edges, _complex(tensors["rates"]), _complex(tensors["vectors"]), slabs)


def _pairs(values: Any) -> Tensor:
    return torch.view_as_real(torch.tensor(np.ascontiguousarray(values, dtype=np.complex128)))


def _complex(pairs: Tensor) -> Any:
    return torch.view_as_complex(pairs.contiguous()).numpy()
