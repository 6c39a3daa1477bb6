"""How to install is said in one way: by errors, the doctor, the README and the documentation."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from edgewise import InputError
from edgewise._core.extras import how_to_install, need

ROOT = Path(__file__).parents[2]
# Modules that are not named like the package that brings them.
BROUGHT_BY = {"sklearn": "scikit-learn", "markupsafe": "jinja2", "mpl_toolkits": "matplotlib"}
PAGES = [*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("src/**/*.py")]


def test_a_missing_package_comes_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(
        InputError, match=r"^ONNX files need the package onnx, .* pip install 'edgewise\[onnx\]'\.$"
    ):
        need("onnx", "onnx", "ONNX files")


def test_the_source_imports_what_a_plain_installation_brings_and_no_more_is_brought():
    """Packages of extras are asked for by `need`; Triton's programs are loaded only where Triton is."""
    found = set[str]()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    wanted = {BROUGHT_BY.get(name, name) for name in found - {"edgewise", *sys.stdlib_module_names}}
    brought = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert wanted - {"triton"} == {re.match(r"[\w-]+", line)[0] for line in brought}


def test_pages_name_extras_that_there_are_the_way_errors_do():
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    named = []
    for page in PAGES:
        for command in re.findall(r"pip install ['\"]?(?:edgewise|\.)\[[^`\n]*?\]['\"]?", page.read_text()):
            names = re.search(r"\[(.*)\]", command)[1]
            if "{" not in names:
                named.append((page.name, command, names.split(",")))
    wrong = [(page, command) for page, command, names in named if command != how_to_install(*names)]
    assert not wrong
    assert {name for _, _, names in named for name in names} <= extras
    assert len(named) >= 4


def test_pages_and_messages_install_edgewise_itself_in_one_way():
    told = {
        page.name: re.findall(r"pip install ['\"]?(?:edgewise|\.)(?![\[\w])", page.read_text())
        for page in PAGES
    }
    assert {command for commands in told.values() for command in commands} == {how_to_install()}
    assert {"README.md", "start.md", "dependencies.md", "extras.py"} <= {
        page for page, found in told.items() if found
    }
