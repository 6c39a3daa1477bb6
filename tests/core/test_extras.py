"""How to install is said in one way: by errors, the doctor, the README and the documentation."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from edgewise import InputError
from edgewise._core.extras import how_to_install, need

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("src/**/*.py")]


def test_a_missing_package_comes_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(
        InputError, match=r"^ONNX files need the package onnx, .* pip install 'edgewise\[onnx\]'\.$"
    ):
        need("onnx", "onnx", "ONNX files")


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
