"""What all pages are made with: the templates, and the looks that they share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from edgewise._core.files import as_path, write_file
from edgewise.plots.style import DARK, LIGHT
from edgewise.report.text import numbers
from edgewise.report.text.policy import policy, without_inline_styles

TEMPLATES = Path(__file__).parents[1] / "templates"


# What templates may call on a value.
_FILTERS = ("number", "r2", "seconds", "percent", "signed", "counted")


def whole_page(template: str, *, scripts: Iterable[str] = (), images: bool = False, **content: Any) -> str:
    """A page as text, complete in one file: a template filled, with the looks of all pages and a policy of its own.

    Parameters
    ----------
    template : str
        Its name; what it names and is not given is an error.
    scripts : iterable of str
        The scripts on the page; no others may run on it.
    images : bool
        Whether it holds pictures.
    **content
        What the template names.
    """
    texts = list(scripts)
    made = _environment().get_template(template)
    page = made.render(
        **content,
        light=asdict(LIGHT),
        dark=asdict(DARK),
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        scripts=[Markup(text) for text in texts],
        policy=Markup(policy(texts, images=images)),
    )
    return without_inline_styles(page)


def page_script() -> str:
    """What makes a page quicker to use; all can be read without it."""
    return (TEMPLATES / "page.js").read_text(encoding="utf-8").strip()


def write_page(path: str | os.PathLike[str], page: str, *, overwrite: bool) -> Path:
    """Write a page, whole or not at all."""
    target = as_path(path)
    # A name may hold half a surrogate pair, which no encoding knows.
    write_file(target, page.encode("utf-8", errors="replace"), overwrite=overwrite)
    return target


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = made.filters
    filters.update({name: getattr(numbers, name) for name in _FILTERS})
    return made
