"""Commands are found where they stand and know nothing of each other; defaults are those of the library."""

import ast
import inspect
from operator import attrgetter
from pathlib import Path

import pytest

import edgewise as ew
from edgewise.cli import app, commands
from edgewise.cli.options import worded

FOLDER = Path(commands.__path__[0])
NAMES = sorted(
    path.stem for path in FOLDER.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
)
NAMES.remove("__init__")


def test_every_file_and_folder_is_a_command():
    found = {request.__module__.rpartition(".")[2] for request in app.requests()}
    assert found == set(NAMES)
    assert all(request.group and request.place for request in app.requests())
    places = [request.place for request in app.requests()]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("name", NAMES)
def test_without_a_command_the_others_are_there(edgewise, tmp_path, monkeypatch, name):
    for path in FOLDER.iterdir():
        if path.stem != name:
            (tmp_path / path.name).symlink_to(path)
    monkeypatch.setattr(commands, "__path__", [str(tmp_path)])
    shown = edgewise("--help")
    assert shown.code == 0
    listed = {line.split()[1] for line in shown.out.splitlines() if line.startswith("│ ") and line[2] != " "}
    assert {text.replace("_", "-") for text in NAMES} - {name.replace("_", "-")} <= listed
    assert name.replace("_", "-") not in listed
    assert "No such command" in edgewise(name.replace("_", "-")).err


def test_no_command_is_imported_from_outside_its_place():
    for path in FOLDER.parent.rglob("*.py"):
        inside = path.relative_to(FOLDER).parts[0].removesuffix(".py") if path.is_relative_to(FOLDER) else ""
        tree = ast.parse(path.read_text())
        for_types = [
            node
            for block in ast.walk(tree)
            if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
            for node in ast.walk(block)
        ]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node not in for_types:
                _, _, name = (node.module or "").partition("edgewise.cli.commands.")
                assert name.split(".")[0] in ("", inside), (path, name)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("formula", "find_formula"),
        ("dynamics", "dynamics.find_dynamics"),
        ("ask", "symbolic.ask"),
        ("audit", "auditing.audit"),
        ("verify", "verify"),
        ("pde", "pde.solve"),
        ("fit_images", "vision.ImageClassifier"),
        ("fit", "KANRegressor"),
    ],
)
def test_defaults_are_those_of_the_library(name, function):
    (request,) = (item for item in app.requests() if item.__module__.endswith(f".{name}"))
    arguments = inspect.signature(attrgetter(function)(ew)).parameters
    shared = [field for field in worded(request) if field.name in arguments and field.default is not None]
    assert shared
    for item in shared:
        default = arguments[item.name].default
        assert item.default == default or default is inspect.Parameter.empty, item.name
