"""Where the problem of `edgewise pde` comes from: the gallery, a TOML file or a Python file."""

from __future__ import annotations

import json
import runpy
import traceback
from pathlib import Path

from edgewise._core.checks import among, did_you_mean, short
from edgewise._core.errors import EdgewiseError, InputError
from edgewise.cli.terminal import print_json, say
from edgewise.pde import Problem, ProblemFile, gallery, gallery_names, load_problem

_DEFAULT_TOLERANCE = 1e-6


def listed(*, as_json: bool) -> None:
    """The problems of the gallery."""
    problems = {name: gallery(name) for name in gallery_names()}
    if as_json:
        entries = [{"name": n, "title": p.title, "tolerance": p.tolerance} for n, p in problems.items()]
        print_json(json.dumps(entries, indent=2))
        return
    width = max(map(len, problems))
    say("Problems of the gallery; `edgewise pde NAME` solves one, with --show it prints its file.\n")
    for name, each in problems.items():
        say(f"  {name:{width}}  {each.title}")


def found(name: str) -> ProblemFile:
    """The problem that a word names."""
    if name in gallery_names():
        return gallery(name)
    path = Path(name)
    if path.suffix == ".py":
        return _from_python(path)
    if path.suffix == ".toml" or path.exists():
        return load_problem(path)
    raise InputError(
        f"There is no problem {short(name)}{did_you_mean(name, gallery_names())}; the gallery has "
        f"{among(gallery_names(), 20)}, and a problem of your own is a file that ends in .toml or .py."
    )


def _from_python(path: Path) -> ProblemFile:
    """What a Python file defines as `problem`, and as `tolerance` where it does."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        defined = runpy.run_path(str(path))
    except EdgewiseError:
        raise
    except FileNotFoundError:
        raise InputError(f"The file {path} cannot be read: there is no such file.") from None
    except SyntaxError as error:
        raise InputError(f"The file {path} is no Python: {error.msg}, line {error.lineno}.") from None
    except Exception as error:  # whatever a program of the user's raises
        lines = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
        ]
        where = f" in line {lines[-1]}" if lines else ""
        raise InputError(
            f"The file {path} ended with {type(error).__name__}{where}: {short(str(error), 120)}."
        ) from error
    problem, tolerance = defined.get("problem"), defined.get("tolerance", _DEFAULT_TOLERANCE)
    if not isinstance(problem, Problem):
        got = "none" if problem is None else f"one of type {type(problem).__name__}"
        raise InputError(
            subject=f"The file {path}", expected="define `problem`, an edgewise.pde.Problem", got=got
        )
    return ProblemFile(problem, str(defined.get("title", path.stem)), tolerance, text)
