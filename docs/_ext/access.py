"""What the theme leaves out for keyboards and screen readers."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def complete(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Code that scrolls can be reached by keyboard, captions of the sidebar have a level, the sidebar a name."""
    if body := context.get("body"):
        context["body"] = body.replace("<pre>", '<pre tabindex="0">')
    if tree := context.get("furo_navigation_tree"):
        context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen once the theme has written its part."""
    app.connect("html-page-context", complete, priority=900)
    return {"parallel_read_safe": True}
