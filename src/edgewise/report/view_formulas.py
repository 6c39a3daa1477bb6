"""The formulas on the page: the headline, the front, and what each candidate leaves over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from edgewise.plots.parity import errors
from edgewise.report import charts
from edgewise.report.content import InputView, ReportContent
from edgewise.report.mathematics import formula_html
from edgewise.report.numbers import counted
from edgewise.report.weak import weak_spot

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """A formula of the front."""

    number: int
    html: Markup
    text: str
    python: str
    complexity: int
    error: float
    r2: float
    chosen: bool
    residuals: Markup | None
    fails: str


@dataclass(frozen=True)
class Headline:
    """The formula on top of the page."""

    html: Markup
    text: str
    python: str
    rmse: float
    r2: float


def headline(content: ReportContent) -> Headline | None:
    """The formula and its errors on the held-out rows."""
    found = content.formula
    if found is None:
        return None
    html = formula_html(found.sympy, found.text, left=content.target)
    rmse, r2 = found.error, found.r2
    if len(content.y_test):
        # The search chose by rows of its own; these none of its candidates has seen.
        rmse, r2 = errors(content.y_test, found.predict(content.formula_rows(found.names)))
    return Headline(html, f"{content.target} = {found.text}", found.python(), rmse, r2)


def candidates(content: ReportContent) -> tuple[Candidate, ...]:
    """The formulas of the front with what each leaves over on the held-out rows."""
    chosen = None if content.formula is None else content.formula.text
    found: list[Candidate] = []
    for k, formula in enumerate(content.front):
        left, fails = None, ""
        if len(content.y_test):
            X = content.formula_rows(formula.names)
            predicted = np.asarray(formula.predict(X), dtype=np.float64)
            good = np.isfinite(predicted)
            if good.any():
                off = predicted - content.y_test
                unit = content.unit(content.target)
                left = charts.residuals(
                    content.y_test,
                    off,
                    f"measured {content.labelled(content.target)}",
                    unit,
                    width=420.0,
                    height=220.0,
                )
                spot = weak_spot(X, tuple(InputView(name, name) for name in formula.names), off)
                fails = spot.sentence if spot else "Its errors are about as large everywhere."
            if not good.all():
                fails = f"It has no value on {counted(int((~good).sum()), 'held-out row')}. {fails}".strip()
        found.append(
            Candidate(
                k + 1,
                formula_html(formula.sympy, formula.text, digits=4),
                formula.text,
                formula.python(),
                formula.complexity,
                formula.error,
                formula.r2,
                formula.text == chosen,
                left,
                fails,
            )
        )
    return tuple(found)


def front_chart(content: ReportContent) -> Markup | None:
    """Error against complexity of the candidates."""
    chosen = None if content.formula is None else content.formula.text
    place = next((k for k, f in enumerate(content.front) if f.text == chosen), None)
    return charts.front(content.front, place)
