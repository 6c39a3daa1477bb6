"""What is slow by nature carries the marker `slow`, so that `make test` stays short. No clock is asked."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# What a test, or a function or fixture that it uses, must not name without the marker: another Python with its
# imports, the browser of tests/report/conftest.py, a fit that is killed, joblib's other backends.
SLOW = {"executable", "browser", "kill_fit", "parallel_config"}
# The Python that these start imports nothing.
PLAIN = {
    "bench/test_jobs.py",
    "build/test_hook.py",
    "cli/test_ask.py",
    "core/test_tiers.py",
    "verifying/checker/test_checker.py",
}

Definition = ast.FunctionDef | ast.ClassDef


@cache
def lines(path: Path) -> list[str]:
    """The lines of a file."""
    return path.read_text().split("\n")


@cache
def parsed(path: Path) -> ast.Module:
    """The code of a file."""
    return ast.parse("\n".join(lines(path)))


@cache
def definitions(path: Path) -> dict[str, Definition]:
    """The functions and classes of a file by name."""
    return {node.name: node for node in parsed(path).body if isinstance(node, Definition)}


@cache
def imported(path: Path) -> dict[str, Path]:
    """The names that a file has from other files of tests/, each with the file: where it is defined, or it is it."""
    found = {}
    for node in parsed(path).body:
        if isinstance(node, ast.ImportFrom):
            base = path.parents[node.level - 1] if node.level else TESTS.parent
            base = base.joinpath(*(node.module or "").split("."))
            for alias in node.names:
                for file in (base / f"{alias.name}.py", base.with_suffix(".py")):
                    if file.is_relative_to(TESTS) and file.exists():
                        found.setdefault(alias.asname or alias.name, file)
    return found


@cache
def words(path: Path, name: str) -> frozenset[str]:
    """The words of a function or class, parameters (fixtures) included."""
    node = definitions(path)[name]
    return frozenset(re.findall(r"[A-Za-z_]\w*", "\n".join(lines(path)[node.lineno - 1 : node.end_lineno])))


@cache
def reached(path: Path, name: str) -> frozenset[tuple[Path, str]]:
    """What of tests/ a function or class uses, and what that uses."""
    found, waiting = set(), [(path, name)]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += used(*place)
    return frozenset(found)


@cache
def used(path: Path, name: str) -> list[tuple[Path, str]]:
    """What of tests/ a function or class uses itself."""
    named = words(path, name)
    files = {path, *(file for alias, file in imported(path).items() if alias in named)}
    return [(file, definition) for file in files for definition in named & definitions(file).keys()]


def why_slow(path: Path, name: str) -> set[str]:
    """Which words of SLOW a test comes to name."""
    return {word for place in reached(path, name) for word in words(*place) & SLOW}


def is_marked(path: Path, name: str) -> bool:
    """Whether a test, or its whole file, carries the marker."""
    whole = [
        assign.value
        for assign in parsed(path).body
        if isinstance(assign, ast.Assign) and ast.unparse(assign.targets[0]) == "pytestmark"
    ]
    return any(
        "mark.slow" in ast.unparse(value) for value in [*whole, *definitions(path)[name].decorator_list]
    )


def of_folder(folder: Path) -> list[tuple[Path, str]]:
    """The tests under a folder by file and name, classes of tests in one piece."""
    files = sorted(folder.rglob("test_*.py"))
    return [(path, name) for path in files for name in definitions(path) if name.lower().startswith("test")]


@pytest.mark.slow
def test_what_is_slow_by_nature_carries_the_marker() -> None:
    slow = {
        place: why
        for place in of_folder(TESTS)
        if (why := why_slow(*place)) and place[0].relative_to(TESTS).as_posix() not in PLAIN
    }
    assert len(slow) > 50
    bare = [
        f"{path.relative_to(TESTS)}::{name} ({', '.join(sorted(why))})"
        for (path, name), why in slow.items()
        if not is_marked(path, name)
    ]
    assert not bare, "These tests need @pytest.mark.slow:\n" + "\n".join(bare)


def test_every_room_has_tests_that_are_not_slow() -> None:
    rooms = {path.relative_to(TESTS).parts[0] for path, _ in of_folder(TESTS)}
    for room in rooms - {"journeys"}:
        assert not all(is_marked(*place) for place in of_folder(TESTS / room)), room
