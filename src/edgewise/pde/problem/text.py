"""Problems as text: equations and conditions in words of mathematics, and whole problems as TOML files.

A file means what the same words would in Python:

    title = "A wave that steepens to a front"
    tolerance = 1e-6
    unknowns = ["u"]
    equations = ["dx(u, t) + u*dx(u, x) = nu*dx(u, x, 2)"]

    [domain]
    x = [-1, 1]
    t = [0, 1]

    [constants]
    nu = "0.01/pi"

    [conditions]
    walls = "u = 0"
    start = "u = -sin(pi*x)"

Plane shapes stand in [shapes] (`shape_text`), solids and surfaces in files of their own (`solid_text`); `t = [0, 1]` in
[domain] takes them through time.
`eigenvalue = "lam"` names the number that the equations leave open, and `count = 5` sets how many of them are asked for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from edgewise._core.arguments import as_mapping, check_is, check_text
from edgewise._core.checks import among, check_bool, check_float, check_int, did_you_mean, short
from edgewise._core.errors import FileError, InputError
from edgewise._core.files import PathLike, as_path, said_clearly, shown
from edgewise.pde.domains.box import Box, box
from edgewise.pde.domains.parts import Part
from edgewise.pde.domains.region import Region
from edgewise.pde.domains.solid import Solid
from edgewise.pde.domains.space_time import SpaceTime
from edgewise.pde.domains.surface import TriangleSurface
from edgewise.pde.problem.problem import Condition, Domain, Problem, on
from edgewise.pde.problem.shape_text import SOLID, SURFACE, number_in, shape_of, solid_in
from edgewise.pde.terms.symbols import Coordinate, Equation, Unknown
from edgewise.pde.terms.symbols import eigenvalue as eigenvalue_symbol
from edgewise.pde.terms.text import read_equations, read_term

_TIME = "t"
_KEYS = (
    "title",
    "tolerance",
    "jumps",
    "unknowns",
    "equations",
    "domain",
    "shapes",
    "constants",
    "conditions",
    "eigenvalue",
    "count",
)
_NEEDED = ("domain", "unknowns", "equations")
_PERIODIC, _TIME_KEY, _PARAMETERS = "periodic", "time", "parameters"
_PLANE, _SHAPE = "plane", "shape"


@dataclass(frozen=True, eq=False)
class ProblemFile:
    """A problem with what its file states beside.

    Attributes
    ----------
    problem : Problem
    title : str
        What it is about, in a line.
    tolerance : float
        Relative L2 error to ask for.
    text : str
        The file.
    count : int
        How many eigenvalues to ask for, where the equations have one.
    """

    problem: Problem
    title: str
    tolerance: float
    text: str
    count: int = 5


def problem_from_text(
    domain: Domain | Any,
    unknowns: Sequence[str] | str,
    equations: Sequence[str] | str,
    conditions: Mapping[str, Sequence[str] | str] | None = None,
    constants: Mapping[str, Any] | None = None,
    *,
    jumps: bool = False,
    eigenvalue: str | None = None,
) -> Problem:
    """A problem whose equations and conditions are texts.

    Parameters
    ----------
    domain : Box, Region, TriangleSurface, Solid or SpaceTime
    unknowns : sequence of str
        Names of the functions to be determined, each of all coordinates.
    equations : sequence of str
        As "dx(u, t) + u*dx(u, x) = nu*dx(u, x, 2)"; vectors as "vector(u, v)".
    conditions : mapping of str to (sequence of) str
        By the name of a part of the boundary, or several with `|` between them: {"left | right": "u = 0"}.
    constants : mapping of str to number or str
        What further names stand for: numbers, or terms that may use coordinates, unknowns and the names before.
    jumps : bool
        Whether conditions may jump where parts of the boundary meet, as at a sliding lid.
    eigenvalue : str, optional
        The name of the number that the equations leave open, for `eigen`.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        Where a text cannot be read, or the problem is none.

    Examples
    --------
    >>> from edgewise.pde import box, coordinates
    >>> x, y = coordinates("x", "y")
    >>> square = box({x: (0, 1), y: (0, 1)})
    >>> problem_from_text(square, ["u"], ["lap(u) = -a"], {"walls": "u = 0"}, {"a": 2}).equations
    (Derivative(u(x, y), (x, 2)) + Derivative(u(x, y), (y, 2)) == -2,)
    """
    check_is(
        domain,
        (Box, Region, Solid, TriangleSurface, SpaceTime),
        "domain",
        "a Box, a Region, a TriangleSurface, a Solid or one of these through time",
    )
    names: dict[str, Any] = {coordinate.name: coordinate for coordinate in domain.coordinates}
    for name in _texts(unknowns, "unknowns"):
        _refuse_taken(name, names)
        names[name] = Unknown(name, *domain.coordinates)
    if eigenvalue is not None:
        _refuse_taken(check_text(eigenvalue, "eigenvalue"), names)
        names[eigenvalue] = eigenvalue_symbol(eigenvalue)
    for name, value in as_mapping(constants, "constants", "names to numbers").items():
        _refuse_taken(name, names)
        names[name] = _constant(name, value, names)
    found: list[Equation] = []
    for text in _texts(equations, "equations"):
        found += read_equations(text, names)
    held: list[Condition] = []
    for part, texts in as_mapping(conditions, "conditions", "parts of the boundary to texts").items():
        for text in _texts(texts, part):
            held += on(_part(domain, part), read_equations(text, names))
    problem = Problem(domain, found, held, jumps=check_bool(jumps, "jumps"))
    wanted = [name for name, unknown in names.items() if isinstance(unknown, Unknown)]
    if idle := sorted(set(wanted) - set(problem.names)):
        raise InputError(f"The unknown {among(idle)} is in no equation; leave it out of 'unknowns'.")
    return problem


def problem_from_toml(text: str, where: str = "the text", folder: PathLike = ".") -> ProblemFile:
    """A problem from the text of a TOML file.

    Parameters
    ----------
    text : str
    where : str
        What it is called in errors.
    folder : path
        Where files of solids lie that it names.

    Returns
    -------
    ProblemFile

    Raises
    ------
    InputError
        Where the text is no TOML, has a key that is not known, or the problem is none.

    Examples
    --------
    >>> found = problem_from_toml('''
    ... title = "A loaded membrane"
    ... unknowns = ["u"]
    ... equations = ["lap(u) = -1"]
    ... [domain]
    ... x = [0, 1]
    ... y = [0, 1]
    ... [conditions]
    ... walls = "u = 0"
    ... ''')
    >>> found.title, found.tolerance, found.problem.names
    ('A loaded membrane', 1e-06, ('u',))
    """
    try:
        check_text(where, "where")
        document = tomllib.loads(check_text(text, "text"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InputError(f"{where} is not TOML: {reason}.") from None
    for key in document:
        if key not in _KEYS:
            raise InputError(
                f"{where} has the key {short(key)}, which means nothing in a problem{did_you_mean(key, _KEYS)}; "
                f"the keys are {', '.join(_KEYS)}."
            )
    for key in _NEEDED:
        if key not in document:
            raise InputError(f"{where} lacks '{key}'; a problem has {', '.join(_NEEDED)} at least.")
    title = document.get("title", "")
    if not isinstance(title, str):
        raise InputError(argument="title", expected="be a text", got=short(title))
    tolerance = check_float(document.get("tolerance", 1e-6), "tolerance", low=1e-13, high=0.1)
    eigenvalue = document.get("eigenvalue")
    if eigenvalue is not None and not isinstance(eigenvalue, str):
        raise InputError(argument="eigenvalue", expected='be a name, such as "lam"', got=short(eigenvalue))
    problem = problem_from_text(
        _domain(_table(document, "domain"), _table(document, "shapes"), Path(as_path(folder, "folder"))),
        document["unknowns"],
        document["equations"],
        _table(document, "conditions"),
        _table(document, "constants"),
        jumps=check_bool(document.get("jumps", False), "jumps"),
        eigenvalue=eigenvalue,
    )
    count = check_int(document.get("count", 5), "count", low=1)
    return ProblemFile(problem, title, tolerance, text, count)


def load_problem(path: PathLike) -> ProblemFile:
    """A problem from a TOML file.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    ProblemFile

    Raises
    ------
    FileError
        Where the file cannot be read.
    InputError
        Where it is no problem.
    """
    file = Path(as_path(path))
    with said_clearly(file, "read"):
        content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileError(f"The file {shown(file)} is no text in UTF-8.") from None
    return problem_from_toml(text, f"The file {shown(file)}", file.parent)


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key, {})
    if not isinstance(found, dict):
        raise InputError(
            subject=f"'{key}'", expected=f"be a table, [{key}] on a line of its own", got=short(found)
        )
    return cast("Mapping[str, Any]", found)


def _domain(table: Mapping[str, Any], shapes: Mapping[str, Any], folder: Path) -> Domain:
    """x = [-1, 1] and so on; `periodic` and `parameters` name some of them; `time` that of time, t by default.

    Or a `shape` of the `plane`, or a `solid` or `surface` of a file in the folder, each with a range of time or without.
    """
    if any(key in table for key in (SOLID, SURFACE, _SHAPE, _PLANE)):
        clock = table.get(_TIME_KEY, _TIME)
        if _TIME_KEY in table and (not isinstance(clock, str) or clock not in table):
            raise InputError(
                subject="'time' of [domain]",
                expected="name the coordinate of time, which has a range, t = [0, 1]",
                got=short(clock),
            )
        shape = _still(
            {key: value for key, value in table.items() if key not in (_TIME_KEY, clock)}, shapes, folder
        )
        if clock not in table:
            return shape
        span = {Coordinate(clock, time=True): _range(clock, table[clock])}
        return shape.during(span)
    if shapes:
        raise InputError(
            "[shapes] need a 'shape' in [domain] that names which of them to take, \"plate - pipe\"."
        )
    ranges = {key: value for key, value in table.items() if key not in (_PERIODIC, _TIME_KEY, _PARAMETERS)}
    clock = table.get(_TIME_KEY, _TIME)
    if _TIME_KEY in table and clock not in ranges:
        raise InputError(
            subject="'time' of [domain]", expected=f"name a coordinate, {among(ranges)}", got=short(clock)
        )
    around, families = (_named(table, key, ranges) for key in (_PERIODIC, _PARAMETERS))
    made: dict[Any, tuple[float, float]] = {}
    for name, ends in ranges.items():
        made[Coordinate(name, name == clock, name in families)] = _range(name, ends)
    return box(made, periodic=tuple(item for item in made if item.name in around))


def _still(
    table: Mapping[str, Any], shapes: Mapping[str, Any], folder: Path
) -> Box | Region | Solid | TriangleSurface:
    """What [domain] means without time, where it is no table of ranges."""
    if SOLID in table or SURFACE in table:
        return solid_in(table, folder)
    if strange := [key for key in table if key not in (_SHAPE, _PLANE)]:
        raise InputError(
            f"[domain] has a 'shape', and {short(strange[0])} beside it, which means nothing there; a range of time is "
            "called t, or as 'time' names it."
        )
    return shape_of(table.get(_SHAPE), _texts(table.get(_PLANE, ["x", "y"]), _PLANE), shapes)


def _range(name: str, ends: Any) -> tuple[float, float]:
    if not isinstance(ends, list) or len(cast("list[Any]", ends)) != 2:
        raise InputError(
            subject=f"The range of '{name}' in [domain]",
            expected=f"be two numbers, {name} = [0, 1]",
            got=short(ends),
        )
    low, high = (_number(name, end) for end in cast("list[Any]", ends))
    return low, high


def _named(table: Mapping[str, Any], key: str, ranges: Mapping[str, Any]) -> list[str]:
    """Coordinates that a key of [domain] names."""
    found = _texts(table.get(key, []), key)
    if strange := [name for name in found if name not in ranges]:
        raise InputError(
            subject=f"'{key}' of [domain]",
            expected=f"name coordinates, {among(ranges)}",
            got=f"{short(strange[0])}{did_you_mean(strange[0], ranges)}",
        )
    return found


def _number(name: str, value: Any) -> float:
    """A number, or a text such as "pi/2"."""
    if (number := number_in(value)) is None:
        raise InputError(
            subject=f"The range of '{name}' in [domain]", expected="be numbers", got=short(value)
        )
    return number


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _texts(value: Any, what: str) -> list[str]:
    """One text, or a list of texts."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(text, str) for text in cast("Any", found)):
        raise InputError(subject=f"'{what}'", expected="be a text or a list of texts", got=short(value))
    return list(cast("Sequence[str]", found))


def _refuse_taken(name: str, names: Mapping[str, Any]) -> None:
    if name in names:
        raise InputError(f"The name '{name}' stands for two things; rename one of them.")


def _constant(name: str, value: Any, names: Mapping[str, Any]) -> Any:
    if not isinstance(name, str) or not name.isidentifier():  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            subject="The name of a constant", expected="be a word of letters, digits and '_'", got=short(name)
        )
    if isinstance(value, str):
        return read_term(value, names)
    if not _is_number(value):
        raise InputError(
            subject=f"The constant '{name}'",
            expected="be a number, or a text such as '0.01/pi'",
            got=short(value),
        )
    return value


def _part(domain: Domain, name: str) -> Part:
    first, *rest = (domain.boundary[part.strip()] for part in name.split("|"))
    for other in rest:
        first = first | other
    return first
