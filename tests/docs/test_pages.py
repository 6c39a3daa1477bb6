"""Every code block of the documentation does what it says."""

import ast
import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
import typer.main

from edgewise.cli.app import build

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/coming-from").glob("*.md")),
    *sorted((ROOT / "docs/reference").glob("*.md")),
]


def blocks(page, language):
    """The code blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def pages_with(language, *, without=(), slow=()):
    """As parameters of a test; those whose stems are in `slow` carry that marker."""
    return [
        pytest.param(page, id=page.stem, marks=[pytest.mark.slow] if page.stem in slow else [])
        for page in PAGES
        if blocks(page, language) and page.name not in without
    ]


# What these pages teach takes more than a second.
LONG = {
    *(
        "auditing",
        "deepxde",
        "equations",
        "equations-data",
        "equations-more",
        "experiments",
        "explaining",
        "fairlearn",
        "forecasting",
        "interpretml",
    ),
    *(
        "lifelines",
        "pykan",
        "pysr",
        "pytorch",
        "scikit-learn",
        "sequences",
        "start",
        "tables",
        "transformers",
    ),
}


# README.md is a journey of its own.
@pytest.mark.parametrize("page", pages_with("python", without=["README.md"], slow=LONG))
def test_python_runs_and_prints_what_it_promises(page):
    """`print(...)  # text` promises the text; the blocks of a page are run in turn."""
    space = {"__name__": "page"}
    promises = 0
    for block in blocks(page, "python"):
        lines = block.splitlines()
        for statement in ast.parse(block).body:
            code = ast.Module([statement], type_ignores=[])
            with contextlib.redirect_stdout(io.StringIO()) as said:
                exec(compile(code, f"{page.name}: {lines[statement.lineno - 1]}", "exec"), space)
            promise = re.fullmatch(r"print\(.*\)  # (.*)", lines[statement.end_lineno - 1])
            if promise:
                promises += 1
                assert said.getvalue().rstrip() == promise[1], lines[statement.lineno - 1]
    assert promises


@pytest.mark.parametrize("page", pages_with("py"))
def test_code_of_other_packages_is_at_least_python(page):
    for block in blocks(page, "py"):
        ast.parse(block)


@pytest.mark.parametrize("page", pages_with("sh"))
def test_shell_lines_are_commands_there_are(page):
    group = typer.main.get_command(build())
    makefile = (ROOT / "Makefile").read_text()
    for line in "\n".join(blocks(page, "sh")).splitlines():
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words = words[1:]
        if not words:
            continue
        if words[0] == "edgewise":
            edgewise_understands(group, words[1:])
        elif words[0] == "make":
            assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in words[1:]), line
        else:
            assert words[0] in ("pip", "python", "git"), line


def edgewise_understands(group, words):
    """The real parser takes the words; nothing is run."""
    if words[0].startswith("-"):
        assert words[0] in ("--help", "--version", "--install-completion", "--show-completion"), words
        return
    command = group.commands[words[0]]
    assert command.make_context(words[0], list(words[1:]))


def test_the_parser_would_object():
    group = typer.main.get_command(build())
    with pytest.raises(Exception, match=r"(?i)no such option"):
        edgewise_understands(group, ["fit", "data.csv", "--target", "y", "--wrong"])


def test_what_pages_point_to_exists():
    for page in PAGES:
        text = re.sub(r"\$\$.*?\$\$", "", page.read_text(), flags=re.DOTALL)
        targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)", text)
        for target in targets:
            there = page.parent / target
            generated = (there.with_suffix(".md"), there.parent / f"{there.name}.py")
            example = ROOT / "examples" / f"{there.name}.py"
            known = any(path.exists() for path in (there, *generated, example))
            assert known or target == "gallery/index", f"{page.name}: {target}"
