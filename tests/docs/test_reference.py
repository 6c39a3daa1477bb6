"""The reference holds all there is, and nothing else."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

import edgewise
from edgewise._core.moved import MOVED
from edgewise.cli.app import build

pytest.importorskip("sphinx", reason="the docs extra is not installed")
pytest.importorskip("latex2mathml", reason="the docs extra is not installed")

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS / "_ext"))


def listed(page):
    """(module, name) of every entry of a page."""
    module = ""
    for line in (DOCS / "reference" / page).read_text().splitlines():
        if found := re.fullmatch(r"\.\. currentmodule:: (\S+)", line):
            module = found[1]
        elif found := re.fullmatch(r"   (\w+)", line):
            yield module, found[1]


def test_every_public_name_has_its_entry_once():
    names = [f"{module}.{name}" for module, name in listed("index.md")]
    assert len(names) == len(set(names))
    assert set(names) == {f"edgewise.{name}" for name in edgewise.__all__ if name != "__version__"} | set(
        MOVED.values()
    )


def test_every_entry_exists_and_is_documented():
    for module, name in (*listed("index.md"), *listed("rooms.md")):
        value = getattr(import_module(module), name)
        assert value.__doc__ or name == "FORMS", (module, name)


def test_the_command_line_page_has_every_command_and_option():
    commands = import_module("commands")
    text = "\n".join(commands.page())
    found = commands.commands(build())
    assert found
    for name, command in found.items():
        section = text.split(f"## edgewise {name}\n")[1].split("\n## edgewise")[0]
        for parameter in command.params:
            if parameter.param_type_name == "option" and not parameter.hidden:
                assert any(f"`{word}" in section for word in parameter.opts), (name, parameter.opts)


def test_the_gallery_has_every_example_in_its_place():
    way = import_module("order").WAY
    assert {path.name for path in (DOCS.parent / "examples").glob("*.py")} == set(way)


def test_examples_open_with_a_title_and_leave_no_files():
    for path in (DOCS.parent / "examples").glob("*.py"):
        text = path.read_text()
        title, line = text.split("\n")[1:3]
        assert set(line) == {"="}, path.name
        assert len(line) >= len(title), path.name
        # A worked story may be long; the others answer one question.
        assert len(text.splitlines()) < (300 if path.stem.endswith("_story") else 200), path.name
        saved = re.findall(r"ew\.(?:save|export)\w*\(\w+, (\w+)", text)
        assert set(saved) <= {"folder"}, path.name


def test_mathematics_becomes_mathml():
    mathml = import_module("mathematics").mathml
    assert "<mi>x</mi>" in mathml(r"x \le 2", display=False)
    assert 'display="block"' in mathml("x", display=True)
    assert '<mi>sin</mi><mspace width="0.17em"/>' in mathml(r"\sin x", display=False)
    assert "mspace" not in mathml(r"\sin(x)", display=False)


def test_pictures_have_a_text_and_take_the_colours_of_the_page():
    figures = import_module("figures")
    drawn = figures.in_page(
        edgewise.plots.plot_network(edgewise.KAN([2, 1], input_names=["mass", "b<c"], seed=0)), "one"
    )
    assert 'role="img"' in drawn
    assert "mass" in drawn.split('aria-label="')[1].split('"')[0]
    assert "var(--ew-numeric" in drawn
    assert "b<c" not in drawn


def test_names_in_docstrings_are_no_links_of_rest():
    lines = ["classes_ : array of shape (n_features_in_,)", "``network_`` and `fit_`", ">>> model.network_"]
    import_module("names").escape_trailing(None, "class", "x", None, None, lines)
    assert lines == [
        r"classes\_ : array of shape (n_features_in\_,)",
        "``network_`` and `fit_`",
        ">>> model.network_",
    ]


def test_code_can_be_reached_by_keyboard():
    context = {"body": "<pre>x</pre>", "furo_navigation_tree": '<p role="heading">'}
    import_module("access").complete(None, "", "", context, None)
    assert context == {
        "body": '<pre tabindex="0">x</pre>',
        "furo_navigation_tree": '<p role="heading" aria-level="2">',
    }
