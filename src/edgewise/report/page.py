"""The page: results in, one self-contained HTML file out."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from edgewise._core.errors import InputError
from edgewise.network import EditRecord
from edgewise.plots.parity import errors, r2_text
from edgewise.plots.save import write_whole
from edgewise.plots.style import DARK, LIGHT
from edgewise.report.content import ReportContent
from edgewise.report.figures import (
    front_picture,
    network_picture,
    parity_pictures,
    shape_pictures,
    training_picture,
)
from edgewise.report.mathematics import formula_html

_TEMPLATES = Path(__file__).parent / "templates"
# More columns than this make a table nobody reads; the network and the formula name those that matter.
MOST_COLUMNS = 40


def render_report(content: ReportContent) -> str:
    """The page as text: it needs no network, no script and no font.

    Parameters
    ----------
    content : ReportContent

    Returns
    -------
    str
        An HTML document; equal contents give equal text.

    Raises
    ------
    InputError
        If `content` is something else.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.report import ReportContent, render_report
    >>> X = np.linspace(0, 1, 8)[:, None]
    >>> content = ReportContent("A line", "line.csv", ("x",), "y", X[:6], X[:6, 0], X[6:], X[6:, 0])
    >>> render_report(content)[:15]
    '<!DOCTYPE html>'
    """
    if not isinstance(content, ReportContent):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f"The 'content' parameter of render_report must be a ReportContent. Got a {type(content).__name__} instead."
        )
    template = _environment().get_template("report.html")
    return template.render(
        content=content,
        light=asdict(LIGHT),
        dark=asdict(DARK),
        formula=_headline(content),
        network=network_picture(content),
        shapes=shape_pictures(content),
        parity=parity_pictures(content),
        training=training_picture(content),
        front=front_picture(content),
        candidates=_candidates(content),
        refused=tuple(_refused(edit) for edit in content.edits),
        columns=_columns(content)[:MOST_COLUMNS],
        more_columns=max(len(content.names) + 1 - MOST_COLUMNS, 0),
    )


def write_report(path: str | os.PathLike[str], content: ReportContent, *, overwrite: bool = False) -> Path:
    """Write the page to a file, whole or not at all.

    Parameters
    ----------
    path : path
        Where to; by custom it ends in .html.
    content : ReportContent
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    Path

    Raises
    ------
    FileError
        If the file exists and may not be replaced, or cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.report import ReportContent, write_report
    >>> X = np.linspace(0, 1, 8)[:, None]
    >>> content = ReportContent("A line", "line.csv", ("x",), "y", X[:6], X[:6, 0], X[6:], X[6:, 0])
    >>> write_report("report.html", content).name
    'report.html'
    """
    target = Path(path)
    write_whole(target, render_report(content).encode("utf-8"), overwrite=overwrite)
    return target


@dataclass(frozen=True)
class Candidate:
    """A row of the table of formulas."""

    number: int
    html: Markup
    text: str
    complexity: int
    error: float
    r2: float
    chosen: bool


@dataclass(frozen=True)
class Column:
    """A row of the table of columns."""

    name: str
    role: str
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Headline:
    """The formula on top of the page."""

    html: Markup
    text: str
    python: str
    rmse: float
    r2: float


def _headline(content: ReportContent) -> Headline | None:
    found = content.formula
    if found is None:
        return None
    html = formula_html(found.sympy, found.text, left=content.target)
    rmse, r2 = found.error, found.r2
    if len(content.y_test):
        # The search chose by rows of its own; these none of its candidates has seen.
        rmse, r2 = errors(content.y_test, found.predict(content.columns(content.X_test, found.names)))
    return Headline(html, f"{content.target} = {found.text}", found.python(), rmse, r2)


def _candidates(content: ReportContent) -> tuple[Candidate, ...]:
    chosen = content.formula.text if content.formula is not None else None
    return tuple(
        Candidate(
            k + 1,
            formula_html(f.sympy, f.text, digits=4),
            f.text,
            f.complexity,
            f.error,
            f.r2,
            f.text == chosen,
        )
        for k, f in enumerate(content.front)
    )


def _columns(content: ReportContent) -> list[Column]:
    """The columns and what became of each."""
    X = np.concatenate([content.X, content.X_test])
    y = np.concatenate([content.y, content.y_test])
    used = None if content.network is None else _used(content)
    named = None if content.formula is None else {str(s) for s in content.formula.sympy.free_symbols}
    rows: list[Column] = []
    for k, name in enumerate(content.names):
        places = [
            place
            for place, names in (("network", used), ("formula", named))
            if names is not None and name in names
        ]
        role = ", ".join(places) if places else "" if used is named is None else "not used"
        rows.append(_column(name, role, X[:, k]))
    return [_column(content.target, "predicted", y), *rows]


def _column(name: str, role: str, values: Any) -> Column:
    return Column(name, role, float(values.min()), float(np.median(values)), float(values.max()))


def _used(content: ReportContent) -> set[str]:
    """Inputs that an alive edge leaves."""
    assert content.network is not None
    alive = content.network.layers[0].mask.any(1).tolist()
    return {name for name, edge in zip(content.network.input_names, alive, strict=True) if edge}


def _refused(edit: EditRecord) -> bool:
    """Whether a step was tried and taken back, as its record says."""
    return "; refused" in edit.detail


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["r2"] = _r2
    environment.filters["seconds"] = _seconds
    return environment


def _number(value: float | None, digits: int = 4) -> str:
    """A number as people write it: four significant digits, a typographic minus."""
    if value is None or not math.isfinite(value):
        return "\u2013"
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}\u00b710{_superscript(int(exponent))}".replace("-", "\u2212")
    text = f"{value:,.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"
    return text.replace("-", "\u2212")


def _seconds(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "\u2013"
    return f"{value:,.1f}" if value >= 0.05 else "under 0.1"


def _superscript(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _r2(value: float) -> str:
    return r2_text(value) if math.isfinite(value) else "\u2013"
