"""docs/architecture.md says what the code and the import contracts say."""

import ast
import re
import tomllib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest
from tests.wings import wings

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "edgewise"
TEXT = (ROOT / "docs" / "architecture.md").read_text()
SECTIONS = {part.partition("\n")[0]: part for part in TEXT.split("\n## ")[1:]}
CONTRACTS = {
    contract["containers"][0]: [re.findall(r"\w+", layer) for layer in contract["layers"]]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    if contract["type"] == "layers"
}
ROOMS = CONTRACTS["edgewise"]
TAKEN_OFF = {wing.name for wing in wings() if not (SOURCE / wing.source[0]).exists()}
HOLDS = re.findall(r"^\| `([\w/]+)` \| (.+) \|$", SECTIONS["Rooms"], flags=re.MULTILINE)
WAYS = ["How a formula is found", "How a classifier is fitted", "How a property is proved"]
SURFACES = re.findall(r"^- `(\w+)`: ((?:.|\n  )+)", SECTIONS["Surfaces"], flags=re.MULTILINE)


@cache
def tree(path):
    return ast.parse(path.read_text())


def defined(path):
    """Functions and classes of a file."""
    return {node.name for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def named(path):
    """All that a file gives a name: functions, classes, arguments, attributes."""
    names = set[str]()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            names.add(node.value)  # a buffer's name
    return names


def modules(folder):
    """Modules and packages of a folder by name, hidden ones aside."""
    files = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}
    return files | {path.parent.name for path in folder.glob("*/__init__.py")}


def test_it_can_be_read_in_one_sitting():
    assert len(TEXT.splitlines()) <= 225


def test_the_drawing_is_the_contract():
    drawn = re.findall(r"│ (.+?) *│(?:   |$)", SECTIONS["Rooms"], flags=re.MULTILINE)
    assert [re.split(r" +│ +", line) for line in drawn] == ROOMS


def test_every_room_and_folder_is_there_in_the_order_of_the_contracts():
    expected = list[str]()
    for room in chain(*ROOMS):
        expected.append(room)
        expected += [f"{room}/{folder}" for folder in chain(*CONTRACTS.get(f"edgewise.{room}", []))]
    assert [name for name, _ in HOLDS] == expected
    assert all(len(said) > 5 for _, said in HOLDS)


@pytest.mark.parametrize("container", CONTRACTS)
def test_the_contracts_are_the_folders_there_are(container):
    folder = SOURCE.joinpath(*container.split(".")[1:])
    there = {name for name in modules(folder) if name != "__main__"}
    assert there == {name for name in chain(*CONTRACTS[container]) if name not in TAKEN_OFF}


@pytest.mark.parametrize(("room", "said"), SURFACES)
def test_surfaces_name_what_the_rooms_have(room, said):
    names = set[str]().union(*map(named, (SOURCE / room).rglob("*.py"))) | modules(SOURCE / room)
    told = re.findall(r"`(\w+)`", said)
    assert told, room
    assert not [name for name in told if name not in names]


@pytest.mark.parametrize("way", WAYS)
def test_the_ways_name_functions_where_they_are(way):
    files = {}
    for path in SOURCE.rglob("*.py"):
        files.setdefault(path.stem, []).append(path)
    told = re.findall(r"`(?:\w+\.)?(\w+)`\s+\((\w+)\)", SECTIONS[way])
    assert len(told) > 10
    for name, file in told:
        assert any(name in defined(path) for path in files.get(file, [])), (name, file)


def modules_in(folder):
    """Names of modules and packages below a folder, and their files; a lazy package's stub says what it hands on."""
    files = {}
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.pyi")]):
        place = path.relative_to(folder.parent).with_suffix("")
        name = ".".join(place.parent.parts if place.name == "__init__" else place.parts)
        files.setdefault(name, []).append(path)
    return files


def imported(name, path):
    """What a file imports at any depth, in functions and for types alike, and what it asks for by a constant name."""
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            home = ".".join([*up, *filter(None, [node.module])])
            yield from ((home, alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            function = getattr(node.func, "attr", getattr(node.func, "id", ""))
            asked = getattr(node.args[0], "value", "")
            if function in ("import_module", "__import__", "room") and isinstance(asked, str):
                yield asked, ""


def imports(folder):
    """For each module below a folder those it imports."""
    files = modules_in(folder)
    found = {}
    for name, paths in files.items():
        asked = [item for path in paths for item in imported(name, path)]
        homes = {f"{home}.{own}" if f"{home}.{own}" in files else home for home, own in asked}
        found[name] = {home for home in homes if home in files} - {name}
    return found


def test_no_modules_import_each_other_in_a_circle():
    found = imports(SOURCE)
    assert len(found) > 500
    assert sum(map(len, found.values())) > 2000
    list(TopologicalSorter(found).static_order())


@pytest.mark.parametrize(
    "upward",
    [
        "def later():\n    from room.high import x",
        "if TYPE_CHECKING:\n    from room import high",
        "import_module('room.high')",
        "from . import face",
    ],
)
def test_a_circle_is_found_however_it_is_hidden(tmp_path, upward):
    for name, low in (("plain", ""), ("hidden", upward)):
        room = tmp_path / name / "room"
        room.mkdir(parents=True)
        (room / "__init__.py").write_text("")
        (room / "high.py").write_text("from room.low import y")
        (room / "face.py").write_text("import room.high")
        (room / "low.py").write_text(low)
    list(TopologicalSorter(imports(tmp_path / "plain" / "room")).static_order())
    with pytest.raises(CycleError):
        list(TopologicalSorter(imports(tmp_path / "hidden" / "room")).static_order())


@pytest.mark.slow
def test_no_room_asks_by_name_for_one_above():
    """Contracts do not see a module that is named in a string; only the package as a whole may name them all so."""
    order = {room: at for at, beside in enumerate(ROOMS) for room in beside}
    upward = [
        (name, asked)
        for name, paths in modules_in(SOURCE).items()
        for path in paths
        for asked, _ in imported(name, path)
        if name.count(".") and asked.startswith("edgewise.")
        if order.get(asked.split(".")[1], len(order)) < order.get(name.split(".")[1], 0)
    ]
    assert upward == []


def calls(path, function):
    """What a function of a file calls, or iterates over by name, in the order of the text."""
    (body,) = [item for item in tree(path).body if getattr(item, "name", "") == function]
    names = [node for node in ast.walk(body) if isinstance(node, ast.Name)]
    return [item.id for item in sorted(names, key=lambda name: (name.lineno, name.col_offset))]


def test_the_folders_of_the_search_lean_on_few_others():
    arrows = set[tuple[str, str]]()
    for path in (SOURCE / "symbolic").glob("*/*.py"):
        for node in ast.walk(tree(path)):
            told = re.match(r"edgewise\.symbolic\.(\w+)", getattr(node, "module", None) or "")
            if told and told[1] != path.parent.name:
                arrows.add((path.parent.name, told[1]))
    assert 20 < len(arrows) <= 51, sorted(arrows)


def test_the_stages_of_the_search_are_those_of_the_code_in_their_order():
    path = SOURCE / "symbolic" / "search" / "recipe.py"
    stages = {
        name.name
        for item in tree(path).body
        if isinstance(item, ast.ImportFrom)
        and re.search(r"symbolic\.(search|structure)\.", item.module or "")
        for name in item.names
        if name.name.islower()
    }
    run = list(
        dict.fromkeys(name for text in ("recipe", "run") for name in calls(path, text) if name in stages)
    )
    assert len(run) > 8
    told = dict.fromkeys(re.findall(r"`(\w+)`", SECTIONS["How a formula is found"]))
    assert [name for name in told if name in run] == run


# Each room's own trees of expressions: of columns, and of unknowns with their derivatives.
ALIKE = {"Expr"}


def test_one_name_stands_for_one_class():
    files = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                files.setdefault(node.name, []).append(path.relative_to(SOURCE).as_posix())
    assert {name: where for name, where in files.items() if len(where) > 1 and name not in ALIKE} == {}
