"""The package's front door: light, lazy, complete."""

import subprocess
import sys
from types import ModuleType

import pytest

import edgewise as ew

# Names of a module on purpose: `ew.properties.monotone(...)` reads better than a dozen names at the top.
NAMESPACES = {"properties"}


def test_every_export_exists_and_is_no_module():
    for name in ew.__all__:
        assert isinstance(getattr(ew, name), ModuleType) == (name in NAMESPACES), name
    assert set(ew.__all__) <= set(dir(ew))


def test_the_static_and_the_lazy_exports_agree():
    from pathlib import Path

    text = Path(ew.__file__).read_text()
    static = {
        line.split(" as ")[1]
        for line in text.splitlines()
        if line.startswith("    from edgewise.") and " as " in line
    }
    assert static | {"__version__"} == set(ew.__all__)


def test_no_name_stands_for_a_function_and_a_module():
    from pathlib import Path

    home = Path(ew.__file__).parent
    inside = {path.stem for path in home.glob("*.py")} | {
        path.parent.name for path in home.glob("*/__init__.py")
    }
    assert not inside & set(ew.__all__)


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
