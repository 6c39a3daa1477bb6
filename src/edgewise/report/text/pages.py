"""What all pages are made with: the templates, and the looks that they share."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from edgewise.plots.style import DARK, LIGHT

TEMPLATES = Path(__file__).parents[1] / "templates"


def environment() -> Environment:
    """The templates; what they name and is not given is an error."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def looks() -> dict[str, Any]:
    """The colours of both themes, and the style sheet."""
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return {"light": asdict(LIGHT), "dark": asdict(DARK), "style": style}
