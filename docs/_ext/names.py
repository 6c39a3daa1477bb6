"""The default role: `KAN` in a docstring links to KAN where there is one, and is code everywhere."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

import edgewise
from edgewise._core.moved import MOVED


class Name(SphinxRole):
    """`fit`, `edgewise.fit` or any other piece of code."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        code = nodes.literal(self.rawtext, self.text, classes=["py"])
        name = self.text.removeprefix("ew.").removeprefix("edgewise.").removesuffix("()")
        place = MOVED.get(name.split(".")[-1])
        if place is None or name not in {place.split(".")[-1], place.removeprefix("edgewise.")}:
            if name not in edgewise.__all__ or name == "__version__":
                return [code], []
            place = f"edgewise.{name}"
        link = pending_xref(
            self.rawtext,
            code,
            refdomain="py",
            reftype="obj",
            reftarget=place,
            refdoc=self.env.docname,
            refexplicit=True,
        )
        return [link], []


# Names such as `classes_` end like a link of reStructuredText; in plain prose of a docstring they are no links.
_TRAILING = re.compile(r"(?<![`\w*|_])([a-zA-Z]\w*_)(?![\w`*])")


def escape_trailing(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Escape them, outside of code."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...", "..")):
            parts = re.split(r"(`+[^`]*`+)", line)
            lines[number] = "".join(
                part if part.startswith("`") else _TRAILING.sub(lambda m: m[1][:-1] + r"\_", part)
                for part in parts
            )


def describe_forms(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """The library of closed forms as a table, read off itself."""
    if name != "edgewise.forms.FORMS":
        return
    lines[:] = [
        "The closed forms that an edge can become, by name: `suggest`, `snap` and `find_formula` choose among them.",
        "",
        "A name or a formula in x, `form_from_text`, makes one more.",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - name",
        "     - f(x)",
        "     - complexity",
    ]
    for form in edgewise.forms.FORMS.values():
        lines += [f"   * - {form.name}", f"     - ``{form.text}``", f"     - {form.complexity}"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role and the repair."""
    app.add_role("name", Name())
    app.connect("autodoc-process-docstring", describe_forms)
    app.connect("autodoc-process-docstring", escape_trailing, priority=900)
    return {"parallel_read_safe": True}
