"""Problems that ship with the package, each a TOML file to solve, to read and to copy."""

from __future__ import annotations

from pathlib import Path

from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise.pde.problem.text import ProblemFile, problem_from_toml

_FOLDER = Path(__file__).with_name("gallery_files")


def gallery_names() -> tuple[str, ...]:
    """Names of the problems of the gallery."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.toml")))


def gallery_text(name: str) -> str:
    """The TOML file of a problem of the gallery.

    Raises
    ------
    InputError
        Where there is no such problem.
    """
    known = gallery_names()
    if not isinstance(name, str) or name not in known:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            argument="name",
            expected=f"be a problem of it: {among(known)}",
            got=f"{short(name, 40)}{did_you_mean(name, known)}",
        )
    return (_FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def gallery(name: str) -> ProblemFile:
    """A problem of the gallery.

    Parameters
    ----------
    name : str
        One of `gallery_names()`.

    Returns
    -------
    ProblemFile

    Raises
    ------
    InputError
        Where there is no such problem.

    Examples
    --------
    >>> found = gallery("burgers")
    >>> found.problem.names, found.tolerance
    (('u',), 1e-07)
    """
    return problem_from_toml(gallery_text(name), name)
