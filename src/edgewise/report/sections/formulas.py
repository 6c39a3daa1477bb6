"""The formulas on the page: the headline, the front, and what each candidate leaves over."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import plural
from edgewise.forms.tree import names_in
from edgewise.plots.parity import errors
from edgewise.plots.residuals import fit_figure, residual_panel
from edgewise.report.checks.error_slices import worst_slice
from edgewise.report.content.content import InputView, ReportContent
from edgewise.report.drawings import charts
from edgewise.report.drawings.charts import drawn, whisker
from edgewise.report.drawings.mathematics import formula_html
from edgewise.report.evaluation.residuals import UNLIKELY, Pattern, is_rounding, pattern, scale_of, worst
from edgewise.report.text.numbers import number, percent, signed
from edgewise.symbolic import Formula
from edgewise.symbolic.provenance import in_words
from edgewise.symbolic.results.alternatives import Alternative
from edgewise.symbolic.results.box import place_text
from edgewise.symbolic.results.diagnostics import trust
from edgewise.symbolic.results.row_noise import known_noise
from edgewise.symbolic.results.trust import ConstantInterval, Trust


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
    judged: str
    # What predicts best among rows like these, where that is another formula.
    accurate: Headline | None = None


def headline(content: ReportContent) -> Headline | None:
    """The formula and its errors on the held-out rows, and the one that predicts best beside it."""
    found, best = content.formula, content.accurate
    if found is None:
        return None
    shown = _headline(content, found)
    if best is None or best.expression == found.expression:
        return shown
    return replace(shown, accurate=_headline(content, best))


def _headline(content: ReportContent, found: Formula) -> Headline:
    html = formula_html(found.sympy, found.text, left=content.target)
    rmse, r2, judged = found.error, found.r2, found.judged
    if len(content.y_test):
        # The search chose by rows of its own; these none of its candidates has seen.
        rmse, r2 = errors(content.y_test, found.predict(content.formula_rows(found.names)))
        judged = "held-out"
    return Headline(html, f"{content.target} = {found.text}", found.python(), rmse, r2, judged)


def candidates(content: ReportContent) -> tuple[FrontFormula, ...]:
    """The formulas of the front with what each does on the rows of the page."""
    chosen = _chosen(content)
    rivals = {alternative.formula.text: _rivalry(alternative) for alternative in content.alternatives}
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


MOST_MISSED = 5
MOST_PANELS = 6
# A front has many drawings: fewer points than a page's own have.
MOST_POINTS = 250
# Columns of the table of rows missed; more would not fit beside what was measured and predicted.
MOST_COLUMNS = 4


@dataclass(frozen=True, eq=False)
class FormulaRows:
    """Rows that a formula is shown on, and what they are.

    Attributes
    ----------
    X, y : arrays of shape (n, d) and (n,)
        In the order of the formula's own columns.
    held_out : bool
        Whether nothing has seen them; otherwise they are those of the search itself.
    noise : array of shape (n,), optional
        The standard deviation of y less the formula, where it is known.
    """

    X: Floats
    y: Floats
    held_out: bool
    noise: Floats | None = None


@dataclass(frozen=True)
class ErrorPanel:
    """Errors along one input, and what there is to see."""

    name: str
    svg: Markup
    caption: str
    real: bool


@dataclass(frozen=True)
class ConstantRow:
    """A constant with its 95 % interval in words and as a whisker."""

    value: str
    interval: str
    relative: str
    svg: Markup | None


@dataclass(frozen=True)
class Missed:
    """The rows that a formula misses most, as a table."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Study:
    """What a formula does on the rows of a table."""

    fit: Markup | None = None
    panels: tuple[ErrorPanel, ...] = ()
    more: int = 0
    off_scale: int = 0
    constants: tuple[ConstantRow, ...] = ()
    fails: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    beyond: str = ""
    origin: str = ""
    missed: Missed | None = None


def rows_of(content: ReportContent, formula: Formula) -> FormulaRows | None:
    """The held-out rows, or where there are none those of the search; None where it reads columns that are not there."""
    if len(content.y_test):
        return FormulaRows(content.formula_rows(formula.names), content.y_test, held_out=True)
    if set(formula.names) <= set(content.names):
        X = content.columns(content.X, formula.names)
        noise = known_noise(formula, X, content.sigma, content.x_sigma)
        return FormulaRows(X, content.y, held_out=False, noise=noise)
    return None


def study(content: ReportContent, formula: Formula, key: str = "formula") -> Study:
    """A formula on the rows of the page; `key` is what its drawings are called there."""
    rows = rows_of(content, formula)
    if rows is None:
        return Study()
    with np.errstate(all="ignore"):
        predicted = np.asarray(formula.predict(rows.X), dtype=np.float64)
    judged = _trust(content, formula, rows)
    known = replace(Study() if judged is None else _trusted(judged), origin=in_words(formula.origin))
    good = np.isfinite(predicted) & np.isfinite(rows.X).all(axis=1)
    without = len(good) - int(good.sum())
    fails = () if not without else (f"It has no value on {plural(without, 'row')} of {len(good):,}.",)
    if not good.any():
        return replace(known, fails=fails)
    noise = None if rows.noise is None else rows.noise[good]
    kept = FormulaRows(rows.X[good], rows.y[good], rows.held_out, noise)
    errors = predicted[good] - kept.y
    if not content.rows:  # every row would be a point, and the worst a line of a table
        return replace(known, fails=(*fails, *_weak(formula, kept, errors)))
    missed = worst(errors if noise is None else errors / noise, MOST_MISSED)
    beyond = int((np.abs(errors) > scale_of(errors)).sum())
    panels, more = _panels(content, formula, kept, errors, missed, key)
    target = content.labelled(content.target)
    return replace(
        known,
        fit=drawn(
            fit_figure(kept.y, predicted[good], target, missed=missed, most=MOST_POINTS),
            f"Predicted against measured {target} on {plural(len(kept.y), 'row')}; on the line a prediction is right.",
            f"{key}-fit",
        ),
        panels=panels,
        more=more,
        off_scale=beyond,
        fails=(*fails, *_weak(formula, kept, errors)),
        missed=_missed(content, formula, kept, predicted[good], missed),
    )


def _trust(content: ReportContent, formula: Formula, rows: FormulaRows) -> Trust | None:
    """What the search found out, or the same found out here."""
    if formula.trust is not None:
        return formula.trust
    if not (np.isfinite(rows.X).all() and len(rows.y) > 1):
        return None
    known = rows.held_out and not content.raw_test and set(formula.names) <= set(content.names)
    training = (content.columns(content.X, formula.names), content.y) if known else None
    with np.errstate(all="ignore"):
        return trust(formula, rows.X, rows.y, training=training)


def _trusted(judged: Trust) -> Study:
    shares = [_share(constant) for constant in judged.constants]
    # Whiskers of one formula are drawn to one scale, that of the least certain constant.
    scale = min(max((share for share in shares if math.isfinite(share)), default=0.0), 1.0)
    return Study(
        constants=tuple(
            _constant(constant, share, scale)
            for constant, share in zip(judged.constants, shares, strict=True)
        ),
        domain=tuple(_typeset(str(condition)) for condition in judged.leaves_domain),
        beyond=str(judged.extrapolation),
    )


def _typeset(sentence: str) -> str:
    """A sentence with comparisons as in print."""
    for plain, printed in (("!=", "\u2260"), (">=", "\u2265"), ("<=", "\u2264")):
        sentence = sentence.replace(f" {plain} ", f" {printed} ")
    return sentence


def _share(interval: ConstantInterval) -> float:
    """Half the width of an interval beside the constant."""
    half = (interval.high - interval.low) / 2
    return half / abs(interval.value) if interval.value else math.inf


def _constant(interval: ConstantInterval, share: float, scale: float) -> ConstantRow:
    value, width = interval.value, interval.high - interval.low
    if not math.isfinite(width):
        return ConstantRow(number(value, 6), "not determined by the data", "", None)
    known = width > 0 and value != 0
    digits = min(max(math.ceil(math.log10(abs(value) / width)) + 2, 2), 7) if known else 6
    ends = f"{number(interval.low, digits)} to {number(interval.high, digits)}"
    if not math.isfinite(share):
        return ConstantRow(number(value, digits), ends, "", None)
    percentage = percent(share)
    relative = (
        "over 1,000 %" if share > 10 else percentage if percentage.startswith("under") else f"±{percentage}"
    )
    return ConstantRow(number(value, digits), ends, relative, whisker(share, scale))


def _panels(
    content: ReportContent,
    formula: Formula,
    rows: FormulaRows,
    errors: Floats,
    missed: NDArray[np.int64],
    key: str,
) -> tuple[tuple[ErrorPanel, ...], int]:
    """Errors along the inputs of the formula, then along those where most is left to see; how many are left out."""
    rounding = is_rounding(errors, rows.y)
    used = set(names_in(formula.tree))
    found = [(k, name, pattern(rows.X[:, k], errors)) for k, name in enumerate(formula.names)]
    found.sort(key=lambda one: (one[1] not in used, 0.0 if one[1] in used else -one[2].share))
    reach = scale_of(errors)
    panels = [
        ErrorPanel(
            content.labelled(name),
            drawn(
                residual_panel(
                    rows.X[:, k],
                    errors,
                    content.labelled(name),
                    reach=reach,
                    missed=missed,
                    median=(one.x, one.y),
                    most=MOST_POINTS,
                ),
                f"Errors against {content.labelled(name)}: their median {'follows it' if one.real else 'stays level'}.",
                f"{key}-along-{k}",
            ),
            _caption(one, name in used, rounding),
            one.real and not rounding,
        )
        for k, name, one in found[:MOST_PANELS]
    ]
    return tuple(panels), len(found) - len(panels)


def _caption(found: Pattern, used: bool, rounding: bool) -> str:
    """What there is to see, in a few words."""
    where = "" if used else "not in the formula; "
    if rounding:
        return f"{where}rounding only"
    if not found.x.size:
        return f"{where}too few rows to judge"
    if found.real:
        return f"{where}a pattern is left (p < {UNLIKELY:g})"
    return f"{where}no pattern left"


def _weak(formula: Formula, rows: FormulaRows, errors: Floats) -> tuple[str, ...]:
    if is_rounding(errors, rows.y):
        return ("Its errors are those of rounding everywhere.",)
    spot = worst_slice(rows.X, tuple(InputView(name, name) for name in formula.names), errors)
    return (spot.sentence if spot else "Its errors are about as large everywhere.",)


def _missed(
    content: ReportContent, formula: Formula, rows: FormulaRows, predicted: Floats, missed: NDArray[np.int64]
) -> Missed | None:
    """The worst rows with the columns that the formula reads."""
    if not missed.size or is_rounding(predicted - rows.y, rows.y):
        return None
    used = set(names_in(formula.tree))
    shown = [k for k, name in enumerate(formula.names) if name in used][:MOST_COLUMNS]
    names = tuple(content.labelled(formula.names[k]) for k in shown)
    cells = [_cells(rows.X[k, shown], float(rows.y[k]), float(predicted[k])) for k in missed]
    if rows.noise is None:
        return Missed((*names, "measured", "predicted", "off by"), tuple(cells))
    sigmas = ((predicted - rows.y) / rows.noise)[missed]
    return Missed(
        (*names, "measured", "predicted", "off by", "in \u03c3"),
        tuple((*cell, signed(sigma, 2)) for cell, sigma in zip(cells, sigmas.tolist(), strict=True)),
    )


def _cells(inputs: Floats, measured: float, predicted: float) -> tuple[str, ...]:
    return (
        *map(number, inputs.tolist()),
        number(measured),
        number(predicted),
        signed(predicted - measured),
    )
