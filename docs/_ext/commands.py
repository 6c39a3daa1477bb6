"""The `commands` directive: the command line's reference, read off the Typer application itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer
import typer.main
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_REMARKS = re.compile(r"\[((?:default|required|env|[\d.]+<|x[<>]).*)\]$")

# What Typer calls a type: "<list[str]>", "<int range>".
_TYPES = re.compile(r"<(?:list\[)?(\w+)(?:\]| range)>")


class Commands(SphinxDirective):
    """One section a command: what it does, its usage, arguments and options."""

    def run(self) -> list[nodes.Node]:
        # The page is only as fresh as the modules it is read from.
        self.env.note_reread()
        return self.parse_text_to_nodes("\n".join(page()), allow_section_headings=True)


def page() -> Iterator[str]:
    """The reference as Markdown."""
    from edgewise.cli.app import build

    for name, command in commands(build()).items():
        yield from _section(name, command)


def commands(app: typer.Typer) -> dict[str, Any]:
    """The commands shown in the help, in its order.

    Newer versions of Typer bring a click of their own, so the classes have no name that holds for all of them.
    """
    return dict(_shown("", typer.main.get_command(app)))


def _shown(before: str, group: Any) -> Iterator[tuple[str, Any]]:
    """The commands of a group, each followed by its own."""
    for name, command in getattr(group, "commands", {}).items():
        if not command.hidden:
            yield before + name, command
            yield from _shown(f"{before}{name} ", command)


def _section(name: str, command: Any) -> Iterator[str]:
    context = typer.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f"## edgewise {name}", "", *_prose(command.help or ""), "")
    yield from ("```text", f"edgewise {name} {usage}", "```", "")
    for kind in ("argument", "option"):
        for each in command.get_params(context):
            record = each.get_help_record(context) if each.param_type_name == kind else None
            if record and each.name != "help":
                words, help_text = record
                words = _TYPES.sub(r"<\1>", words)
                yield from (
                    ", ".join(f"`{word.strip()}`" for word in words.split(", ")),
                    f": {_sentence(help_text)}",
                    "",
                )


def _prose(text: str) -> Iterator[str]:
    """The help text; blocks that Typer keeps as they are (after a backspace character) become code."""
    for block in text.replace("\f", "").split("\n\n"):
        if block.startswith("\b"):
            yield from ("```text", *(line.strip() for line in block.strip("\b\n").splitlines()), "```", "")
        else:
            yield from (*block.splitlines(), "")


def _sentence(text: str) -> str:
    """The help of an option, the remarks in its brackets ("[default: 60.0; x>=0.1]") as sentences."""
    text = " ".join(text.split())
    remarks = _REMARKS.search(text)
    if remarks is None:
        return text or "-"
    return " ".join([text[: remarks.start()], *filter(None, map(_remark, remarks[1].split("; ")))]).strip()


def _remark(remark: str) -> str:
    kind, _, value = remark.partition(": ")
    if kind == "required":
        return "Required."
    if kind == "default":
        return f"Default: {value[1:-1]}." if value.startswith("(") else f"Default: `{value}`."
    # A bound that only says how large a whole number can be says nothing.
    return "" if len(remark) > 20 else f"Range: `{remark.replace('<=', ' <= ').replace('>=', ' >= ')}`."


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
