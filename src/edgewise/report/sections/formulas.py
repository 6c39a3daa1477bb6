"""The formulas on the page: the headline, the front, and what each candidate leaves over."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from edgewise.plots.parity import errors
from edgewise.report.content.content import ReportContent
from edgewise.report.drawings import charts
from edgewise.report.drawings.mathematics import formula_html
from edgewise.report.sections.candidate_formula import Study, study
from edgewise.report.text.numbers import number
from edgewise.symbolic import Formula
from edgewise.symbolic.results.alternatives import Alternative
from edgewise.symbolic.results.box import place_text


@dataclass(frozen=True)
class FrontFormula:
    """A formula of the front."""

    number: int
    html: Markup
    formula: Formula
    chosen: bool
    study: Study
    # Why it may be the law as well as the chosen one; empty where the data contradict it.
    rival: str = ""

    @property
    def code(self) -> tuple[tuple[str, str], ...]:
        """The formula in every language that it is written in."""
        one = self.formula
        return (("Text", one.text), ("Python", one.python()), ("LaTeX", one.latex), ("C", one.c()))


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


def candidates(content: ReportContent) -> tuple[FrontFormula, ...]:
    """The formulas of the front with what each does on the rows of the page."""
    chosen = _chosen(content)
    rivals = {each.formula.text: _rivalry(each) for each in content.alternatives}
    return tuple(
        FrontFormula(
            k + 1,
            formula_html(formula.sympy, formula.text, digits=4),
            formula,
            k == chosen,
            study(content, formula, f"formula-{k + 1}"),
            rivals.get(formula.text, ""),
        )
        for k, formula in enumerate(content.front)
    )


def _rivalry(rival: Alternative) -> str:
    """What supports a rival of the chosen formula, and what would settle it."""
    first = f"The rows cannot distinguish it from the chosen formula (p = {rival.p_value:.2g})."
    if rival.place is None:
        return first
    place = place_text(rival.place)
    return (
        f"{first} They differ most, by {number(rival.difference, 3)}, at {place}: a measurement there would."
    )


def front_chart(content: ReportContent) -> Markup | None:
    """Error against complexity of the candidates."""
    return charts.front(content.front, _chosen(content))


def _chosen(content: ReportContent) -> int | None:
    """The place of the headline on the front."""
    text = None if content.formula is None else content.formula.text
    return next((k for k, formula in enumerate(content.front) if formula.text == text), None)
