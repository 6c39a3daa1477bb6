"""The house in figures: lines, statements, files, config fields, long lists of parameters, now or at another commit.

    python benchmarks/house.py [--at COMMIT]

Statements are counted by `ast`, so that neither the length of lines nor docstrings change them. A config class is a
dataclass whose name ends in Config.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from _common import common_options

ROOT = Path(__file__).parent.parent
MANY = 8


def trees(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    """The text and the syntax tree of every Python file below a folder, but for what benchmarks wrote."""
    for path in sorted(folder.rglob("*.py")):
        if "out" not in path.relative_to(folder).parts:
            text = path.read_text()
            yield text, ast.parse(text)


def figures(root: Path) -> Iterator[tuple[str, int]]:
    """Every figure of a checkout with what it counts."""
    for folder in ("src", "tests", "benchmarks"):
        read = list(trees(root / folder))
        yield f"lines of {folder}", sum(text.count("\n") for text, _ in read)
        yield f"statements of {folder}", sum(isinstance(n, ast.stmt) for _, t in read for n in ast.walk(t))
        yield f"files of {folder}", len(read)
    nodes = [node for _, tree in trees(root / "src") for node in ast.walk(tree)]
    configs = [node for node in nodes if isinstance(node, ast.ClassDef) and is_config(node)]
    yield "config classes", len(configs)
    yield "config fields", sum(isinstance(assign, ast.AnnAssign) for node in configs for assign in node.body)
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    yield (
        f"functions with {MANY} or more parameters",
        sum(parameters(function) >= MANY for function in functions),
    )
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    yield "arguments of=", sum(word.arg == "of" for call in calls for word in call.keywords)


def is_config(node: ast.ClassDef) -> bool:
    return node.name.endswith("Config") and any("dataclass" in ast.unparse(d) for d in node.decorator_list)


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    own = function.args
    names = [posonlyarg.arg for posonlyarg in (*own.posonlyargs, *own.args, *own.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/house.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--at", help="a commit to count beside what is there now")
    common_options(parser)
    options = parser.parse_args()
    now = dict(figures(ROOT))
    before = dict[str, int]()
    if options.at:
        archive = subprocess.run(
            ["git", "archive", options.at, "src", "tests", "benchmarks"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(fileobj=io.BytesIO(archive)) as files:
                files.extractall(folder, filter="data")
            before = dict(figures(Path(folder)))
    for name, count in now.items():
        print(f"| {name} | {before[name]:,} | {count:,} |" if before else f"| {name} | {count:,} |")


if __name__ == "__main__":
    main()
