"""Which wings there are, by the table of docs/architecture.md, and which modules belong to them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgewise._core.lazy import homes

ROOT = Path(__file__).resolve().parents[1]
SOURCE, TESTS = ROOT / "src" / "edgewise", ROOT / "tests"


@dataclass(frozen=True)
class Wing:
    """A part that comes off: its places below src/edgewise and below tests."""

    name: str
    source: tuple[str, ...]
    tests: tuple[str, ...]

    def covers(self, module: str) -> bool:
        """Whether a module stands in this wing."""
        homes = ["edgewise." + place.removesuffix(".py").replace("/", ".") for place in self.source]
        return any(f"{module}.".startswith(f"{home}.") for home in homes)

    def has(self, path: Path) -> bool:
        """Whether a file stands in this wing."""
        places = [*(SOURCE / place for place in self.source), *(TESTS / place for place in self.tests)]
        return any(path.is_relative_to(place) for place in places)


def wings() -> list[Wing]:
    """All of them, in the order of the table."""
    text = (ROOT / "docs" / "architecture.md").read_text().split("\n## Wings\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", text, flags=re.MULTILINE)
    places = [[re.findall(r"`([^`]+)`", cell) for cell in row[1:]] for row in rows]
    return [
        Wing(row[0], tuple(source), tuple(tests)) for row, (source, tests) in zip(rows, places, strict=True)
    ]


@cache
def imported(path: Path, *, inside: bool = True) -> tuple[str, ...]:
    """What a file imports where it runs, types aside; without `inside`, when it is loaded."""
    return tuple(_imports(ast.parse(path.read_text()).body, inside))


def _whole(module: str, name: str) -> str:
    """What `from module import name` loads: of a name that a package hands on, its home."""
    package = SOURCE.parent / module.replace(".", "/") / "__init__.pyi"
    found = homes(module).get(name, module) if package.exists() else module
    return f"{found}.{name}"


def _imports(body: list[ast.stmt], inside: bool) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield from (_whole(statement.module or "", alias.name) for alias in statement.names)
        elif isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            continue
        elif inside or not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            for name in ("body", "orelse", "finalbody"):
                yield from _imports(getattr(statement, name, []), inside)
            for handler in getattr(statement, "handlers", []):
                yield from _imports(handler.body, inside)
