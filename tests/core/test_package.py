"""The package's front door: light, lazy, complete."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import edgewise as ew
from edgewise._core.moved import MOVED, RENAMED

# Names of a module on purpose: `ew.properties.monotone(...)` reads better than a dozen names at the top.
NAMESPACES = {"properties"}


def test_every_export_exists_and_is_no_module():
    for name in ew.__all__:
        assert isinstance(getattr(ew, name), ModuleType) == (name in NAMESPACES), name
    assert set(ew.__all__) <= set(dir(ew))


def test_the_surface_is_small_sorted_and_documented():
    assert ew.__all__ == sorted(set(ew.__all__))
    assert len(ew.__all__) <= 50
    for name in set(ew.__all__) - {"__version__"}:
        assert getattr(ew, name).__doc__, name


@pytest.mark.slow
def test_every_module_of_the_surface_is_there_at_once_and_says_what_it_has():
    home = Path(ew.__file__).parent
    rooms = {path.parent.name for path in home.glob("*/__init__.py")} - {"_core", "cli"} | {"edits"}
    code = f"import edgewise as ew; [getattr(ew, room).__doc__ for room in {sorted(rooms)}]; ew.properties.monotone"
    subprocess.run([sys.executable, "-c", code], check=True)
    modules = set(dir(ew)) - set(ew.__all__) - set(vars(ew)) - {"__all__"}
    assert rooms <= modules | set(vars(ew))
    for name in {home.split(".")[1] for home in MOVED.values()}:
        module = getattr(ew, name)
        assert module.__doc__, name
        assert all(hasattr(module, item) for item in module.__all__), name


def test_help_leads_to_every_function_estimator_and_module():
    doc = ew.__doc__ or ""
    for name in ew.__all__:
        made_by_others = isinstance(getattr(ew, name), type) and (
            re.search(r"Result$|Error$|^Formula$|^Table$", name) or name in ("Proved", "Refuted", "Undecided")
        )
        assert name == "__version__" or made_by_others or re.search(rf"\bew\.{name}\b", doc), name
    for path in Path(ew.__file__).parent.glob("*/__init__.py"):
        name = path.parent.name
        assert name in ("_core", "cli") or f"``ew.{name}``" in doc, name


def test_a_star_brings_the_surface():
    space = {}
    exec("from edgewise import *", space)
    assert set(ew.__all__) <= set(space)


@pytest.mark.parametrize("name", sorted(MOVED))
def test_a_name_that_has_moved_is_answered_with_its_place(name):
    with pytest.raises(AttributeError, match=rf"edgewise has no '{name}'; it is {MOVED[name]} now"):
        getattr(ew, name)
    _, room, last = MOVED[name].split(".")
    module = import_module(f"edgewise.{room}")
    assert hasattr(module, last)
    assert last in module.__all__


def test_the_page_lists_what_has_moved():
    page = (Path(__file__).parents[2] / "docs" / "coming-from" / "earlier-edgewise.md").read_text()
    rows = re.findall(r"^\| `ew\.(\w+)` \| (.+) \|$", page, flags=re.MULTILINE)
    listed = {
        name: f"edgewise.{room}.{name}" for room, names in rows for name in re.findall(r"`(\w+)`", names)
    }
    renamed = {
        old: f"edgewise.{room}.{new}"
        for room, old, new in re.findall(
            r"^\| `ew\.(\w+)\.(\w+)` \| `ew\.\1\.(\w+)` \|$", page, flags=re.MULTILINE
        )
    }
    assert renamed == {
        old: f"edgewise.{room}.{new}" for room, names in RENAMED.items() for old, new in names.items()
    }
    assert listed == {name: home for name, home in MOVED.items() if name not in renamed}
    assert {name: home for name, home in MOVED.items() if name in renamed}.items() <= renamed.items()


@pytest.mark.parametrize(("room", "old"), [(room, old) for room, names in RENAMED.items() for old in names])
def test_a_name_that_has_changed_is_answered_with_the_new_one(room, old):
    module = import_module(f"edgewise.{room}")
    with pytest.raises(AttributeError, match=rf"edgewise\.{room}\.{RENAMED[room][old]} now"):
        getattr(module, old)
    with pytest.raises(AttributeError, match=r"did you mean 'audit'"):
        getattr(ew.auditing, "audits")  # noqa: B009


def test_no_name_stands_for_a_function_and_a_module():
    home = Path(ew.__file__).parent
    inside = {path.stem for path in home.glob("*.py")} | {
        path.parent.name for path in home.glob("*/__init__.py")
    }
    assert not inside & set(ew.__all__)


@pytest.mark.slow
def test_importing_the_package_imports_nothing_heavy():
    heavy = [
        "torch",
        "numpy",
        "scipy",
        "sympy",
        "sklearn",
        "matplotlib",
        "pyarrow",
        "narwhals",
        "typer",
        "rich",
    ]
    code = f"import sys, edgewise; loaded = set({heavy!r}) & set(sys.modules); assert not loaded, loaded"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_misspelled_name_is_answered():
    with pytest.raises(AttributeError, match=r"no attribute 'KANLiner' \(did you mean 'KANLinear'\?\)"):
        getattr(ew, "KANLiner")  # noqa: B009


def test_a_near_miss_of_a_name_that_has_moved_is_answered_too():
    with pytest.raises(AttributeError, match=r"did you mean edgewise\.plots\.plot_network\?"):
        getattr(ew, "plot_networks")  # noqa: B009
