"""Solutions as files: the problem as text, the splines as numbers, in one .kan file that is read without running code."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from edgewise._core.checks import check_bool
from edgewise._core.errors import FileError, InputError
from edgewise._core.files import PathLike
from edgewise._core.stopping import StopReason
from edgewise._core.version import __version__
from edgewise.network.container import read_container, write_container
from edgewise.pde.domains.box import Box
from edgewise.pde.domains.parts import Face, Part
from edgewise.pde.domains.region import Region, Rim
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.space_time import SpaceTime
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.problem.problem import Condition, Problem
from edgewise.pde.results.energy import EnergyBound
from edgewise.pde.results.table_files import promised, shape_of, tables_of, written
from edgewise.pde.terms.symbols import Coordinate, Equation, Unknown
from edgewise.pde.terms.text import read_term, write_term

KIND = "Solution"
_PLAIN = ("error", "how", "tolerance", "road", "seconds", "coefficients")


def save_solution(known: Mapping[str, Any], path: PathLike, *, overwrite: bool = True) -> None:
    """Write what a `Solution` holds, its problem and its error included, to one file."""
    check_bool(overwrite, "overwrite")
    problem, pieces = known["problem"], known["pieces"]
    described, tensors = written(pieces, problem.domain.shape)
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


def load_solution(path: PathLike) -> dict[str, Any]:
    """What a file holds, as `Solution` takes it."""
    # An error of which nothing is known is infinite; numbers of the solution are not.
    document, tensors = read_container(
        path, KIND, lambda document: promised(document, document["problem"]), finite=False
    )
    with damaged(path):
        if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
            raise ValueError("numbers that are NaN or infinite")
        problem = problem_of(
            document["problem"], lambda coordinates: shape_of(document, tensors, coordinates)
        )
        energy = document.get("energy")
        return {
            **{name: document[name] for name in _PLAIN},
            "slope_error": document.get("slope_error"),
            "energy": None if energy is None else EnergyBound(*map(float, energy)),
            "problem": problem,
            "pieces": tables_of(document, tensors, problem),
            "errors": {name: float(document["errors"][name]) for name in problem.names},
            "stop_reason": StopReason(document["stop_reason"]),
            "warnings": tuple(map(str, document["warnings"])),
        }
    raise FileError(f"The file {path} is damaged.")


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


def problem_document(problem: Problem) -> dict[str, Any]:
    """A problem as JSON takes it."""
    domain = problem.domain
    return {
        "coordinates": [
            {"name": coordinate.name, "time": coordinate.time, "parameter": coordinate.parameter}
            for coordinate in domain.coordinates
        ],
        "bounds": [list(bound) for bound in domain.bounds],
        "periodic": list(domain.periodic),
        "unknowns": [
            [name, *map(str, field.args)] for name, field in zip(problem.names, problem.fields, strict=True)
        ],
        "jumps": problem.jumps,
        "equations": [_sides(equation) for equation in problem.equations],
        "conditions": [
            {
                "part": condition.part.name,
                "faces": [
                    [face.name, face.axis, face.high] if isinstance(face, Face) else [face.name, face.number]
                    for face in condition.part.faces
                ],
                "equation": _sides(condition.equation),
            }
            for condition in problem.conditions
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
        Coordinate(
            coordinate["name"],
            time=bool(coordinate["time"]),
            parameter=bool(coordinate.get("parameter", False)),
        )
        for coordinate in document["coordinates"]
    )
    names: dict[str, Any] = {coordinate.name: coordinate for coordinate in coordinates}
    for name, *places in document["unknowns"]:
        names[name] = Unknown(name, *(names[place] for place in places))
    bounds = tuple((float(low), float(high)) for low, high in document["bounds"])
    clocks = [coordinate for coordinate in coordinates if coordinate.time]
    made = shape([coordinate for coordinate in coordinates if not coordinate.time])
    if made is not None and clocks:
        domain = SpaceTime(made, clocks[0], bounds[-1])
    else:
        domain = made or Box(coordinates, bounds, tuple(map(bool, document["periodic"])))

    def equation(sides: Sequence[str]) -> Equation:
        left, right = (read_term(side, names) for side in sides)
        return Equation(left, right)

    conditions = [
        Condition(
            Part(condition["part"], tuple(_face(domain, *face) for face in condition["faces"])),
            equation(condition["equation"]),
        )
        for condition in document["conditions"]
    ]
    jumps = bool(document.get("jumps", False))
    return Problem(domain, [equation(item) for item in document["equations"]], conditions, jumps=jumps)


def _face(domain: Any, name: str, number: int, high: bool | None = None) -> Face | Rim:
    if domain.on_grid or (domain.time is not None and high is not None):
        return Face(name, int(number), bool(high))
    if not 0 <= int(number) < len(domain.rim_names):
        raise InputError("its conditions are on no part of the boundary.")
    return Rim(name, int(number))
