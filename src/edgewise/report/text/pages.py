"""What all pages are made with: the templates, and the looks that they share."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from edgewise._core.checks import plural
from edgewise._core.files import as_path, write_file
from edgewise.plots.style import DARK, LIGHT
from edgewise.report.text import numbers

TEMPLATES = Path(__file__).parents[1] / "templates"


# What templates may call on a value.
_FILTERS = ("number", "r2", "seconds", "percent", "signed")


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
    filters.update({name: getattr(numbers, name) for name in _FILTERS}, counted=plural)
    return made


# Where the template leaves room for the hash of the style sheet, which is known once the page is.
STYLE_HASH = "{style-hash}"
# Text is escaped before it comes here, so that only a tag can look like one, and no attribute holds a quotation mark.
_TAG = re.compile(r"<[A-Za-z][^<>]*>")
_STYLE = re.compile(r' style="([^"]*)"')
_SHEET = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_SCRIPT = "<script"


def policy(scripts: Iterable[str], *, images: bool = False) -> str:
    """The policy of a page with these scripts, complete but for the hash of its style sheet; images only inside the page."""
    pictures = "img-src data:; " if images else ""
    allowed = " ".join(f"'{digest(text)}'" for text in scripts) or "'none'"
    return (
        f"default-src 'none'; {pictures}"
        f"style-src '{STYLE_HASH}'; script-src {allowed}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def digest(text: str) -> str:
    """The hash by which a policy names what it allows."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8', errors='replace')).digest()).decode('ascii')}"


def without_inline_styles(page: str) -> str:
    """The page with every style attribute moved into its style sheet, whose hash then stands in the policy.

    Parameters
    ----------
    page : str
        A document with one `<style>` and `STYLE_HASH` before it.
    """
    head, script, scripts = page.partition(_SCRIPT)
    places: dict[str, int] = {}

    def named(tag: re.Match[str]) -> str:
        return _STYLE.sub(lambda found: f' data-s="{places.setdefault(found[1], len(places))}"', tag[0])

    head = _TAG.sub(named, head)
    rules = "".join(f'[data-s="{k}"]{{{style.replace("&#34;", chr(34))}}}\n' for style, k in places.items())
    sheet = _SHEET.search(head)
    assert sheet is not None
    whole = sheet[1] + rules
    head = f"{head[: sheet.start(1)]}{whole}{head[sheet.end(1) :]}"
    return head.replace(STYLE_HASH, digest(whole), 1) + script + scripts
