"""What the page says of each candidate: patterns that are there, rows missed, constants, domains."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kruskal

from edgewise.report import ReportContent, render_report
from edgewise.report.evaluation.residuals import (
    FEWEST_IN_PART,
    MOST_PARTS,
    is_rounding,
    pattern,
    scale_of,
    worst,
)
from edgewise.report.sections.formulas import rows_of, study
from edgewise.symbolic import Constant, Formula
from edgewise.symbolic.results.alternatives import Alternative
from tests.report.conftest import NAMES, build

A, B = sympy.symbols("a b")


def content(formulas, rows=200, noise=0.05, held_out=80, **changes):
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 2, (rows, 2))
    y = 2 * X[:, 0] + np.sin(5 * X[:, 1]) + noise * rng.normal(size=rows)
    cut = rows - held_out
    fields = {
        "title": "t",
        "source": "t.csv",
        "names": ("a", "b"),
        "target": "y",
        "X": X[:cut],
        "y": y[:cut],
        "X_test": X[cut:],
        "y_test": y[cut:],
        "formula": formulas[0],
        "front": tuple(formulas),
    }
    return ReportContent(**(fields | changes))


# ---- patterns


@settings(max_examples=40, deadline=None)
@given(st.integers(16, 300), st.integers(0, 2**31))
def test_the_test_of_a_pattern_is_that_of_kruskal_and_wallis(rows, seed):
    rng = np.random.default_rng(seed)
    values, errors = rng.uniform(size=rows), rng.normal(size=rows)
    found = pattern(values, errors)
    parts = min(MOST_PARTS, rows // FEWEST_IN_PART)
    cuts = np.quantile(values, np.linspace(0, 1, parts + 1)[1:-1])
    groups = [errors[np.searchsorted(cuts, values, side="right") == k] for k in range(parts)]
    assert found.p_value == pytest.approx(kruskal(*groups).pvalue, rel=1e-9)
    assert np.allclose(found.y, [np.median(group) for group in groups])
    assert 0 <= found.share <= 1


def test_chance_is_rarely_called_a_pattern_and_a_pattern_always():
    rng = np.random.default_rng(1)
    false, true = 0, 0
    for _ in range(300):
        values, noise = rng.uniform(-1, 1, 150), rng.standard_t(2, 150)
        false += pattern(values, noise).real
        true += pattern(values, 2 * values**2 + 0.2 * noise).real
    assert false <= 3
    assert true == 300


def test_a_few_wild_rows_neither_make_nor_hide_a_pattern():
    rng = np.random.default_rng(2)
    values, noise = rng.uniform(-1, 1, 200), 0.1 * rng.normal(size=200)
    wild = np.where(np.arange(200) % 67 == 0, 1e3, 0.0)
    assert not pattern(values, noise + wild).real
    assert pattern(values, values + noise + wild).real


def test_few_or_equal_rows_have_no_pattern():
    for values, errors in ((np.arange(10.0), np.arange(10.0)), (np.ones(50), np.arange(50.0))):
        assert not pattern(values, errors).real
        assert not pattern(errors, np.zeros(len(errors))).real


def test_the_scale_shows_all_rows_unless_a_few_hide_the_rest():
    errors = np.random.default_rng(3).normal(size=500)
    assert scale_of(errors) > np.abs(errors).max()
    errors[0] = 1e6
    assert scale_of(errors) < 20
    assert scale_of(np.zeros(5)) > 0
    assert scale_of(np.zeros(0)) > 0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_the_worst_rows_are_the_largest_errors(errors):
    array = np.array(errors)
    found = worst(array, 5)
    assert len(found) == min(5, int((array != 0).sum()))
    rest = np.delete(np.abs(array), found)
    assert all(np.abs(array[k]) >= rest.max(initial=0.0) for k in found)


def test_rounding_is_told_from_errors():
    truth = np.random.default_rng(4).normal(size=20)
    assert is_rounding(1e-15 * truth, truth)
    assert not is_rounding(1e-3 * truth, truth)
    assert not is_rounding(np.full(20, np.nan), truth)


# ---- one candidate


def test_what_a_formula_misses_shows_along_the_input_it_misses():
    law = Formula(2 * A + sympy.sin(5 * B), ("a", "b"), 0.05, 0.99)
    short = Formula(2 * A, ("a", "b"), 0.7, 0.5)
    made = content([law, short])
    complete, partial = study(made, law), study(made, short)
    assert [panel.real for panel in complete.panels] == [False, False]
    assert {panel.name: panel.real for panel in partial.panels} == {"a": False, "b": True}
    assert partial.panels[1].caption.startswith("not in the formula; a pattern is left")


def test_the_rows_missed_most_are_those_of_the_table():
    law = Formula(2.0 * A, ("a", "b"), 0.7, 0.5)
    made = content([law])
    errors = law.predict(made.X_test) - made.y_test
    found = study(made, law).missed
    assert found is not None
    assert found.columns == ("a", "measured", "predicted", "off by")
    off = [float(row[-1].replace("\u2212", "-")) for row in found.rows]
    largest = sorted(errors, key=abs, reverse=True)[:5]
    assert off == pytest.approx(largest, rel=5e-3)


def test_constants_bring_their_intervals():
    law = Formula(1.9 * A + 0.5, ("a", "b"), 0.7, 0.5, (Constant(1.9, 0.01), Constant(0.5, np.inf)))
    made = content([law])
    rows = study(made, law).constants
    values = sorted(row.value for row in rows)
    assert values == ["0.5", "1.9"]
    sure = next(row for row in rows if row.value == "1.9")
    low, high = (float(part) for part in sure.interval.split(" to "))
    assert low < 1.9 < high
    assert low > 1.8
    assert sure.svg is not None
    unsure = next(row for row in rows if row.value == "0.5")
    assert unsure.interval == "not determined by the data"
    assert unsure.svg is None


def test_leaving_the_domain_is_told():
    law = Formula(sympy.log(A - 1.5), ("a", "b"), 1.0, 0.1)
    found = study(content([law]), law)
    assert any(re.match(r"It has no value on \d+ rows of 80\.", sentence) for sentence in found.fails)
    assert any("log(a - 1.5) needs a - 1.5 > 0" in sentence for sentence in found.domain)
    fine = Formula(A**2, ("a", "b"), 1.0, 0.1)
    assert study(content([fine]), fine).domain == ()


def test_a_formula_without_values_is_shown_without_drawings():
    law = Formula(sympy.log(-1 - A**2), ("a", "b"))
    found = study(content([law]), law)
    assert found.fit is None
    assert found.panels == ()
    assert found.fails == ("It has no value on 80 rows of 80.",)


def test_an_exact_formula_leaves_rounding():
    X = np.random.default_rng(5).uniform(1, 2, (60, 2))
    law = Formula(A * B, ("a", "b"), 0.0, 1.0)
    y = X[:, 0] * X[:, 1] * (1 + 1e-16)
    made = content([law], X=X[:40], y=y[:40], X_test=X[40:], y_test=y[40:])
    found = study(made, law)
    assert found.missed is None
    assert all(panel.caption == "rounding only" for panel in found.panels)
    assert found.fails == ("Its errors are those of rounding everywhere.",)


@pytest.mark.slow
def test_without_held_out_rows_those_of_the_search_are_shown():
    law = Formula(2 * A, ("a", "b"), 0.7, 0.5)
    made = content([law], held_out=0, X_test=np.zeros((0, 2)), y_test=np.zeros(0))
    rows = rows_of(made, law)
    assert rows is not None
    assert not rows.held_out
    assert len(rows.y) == len(made.y)
    assert study(made, law).fit is not None
    page = render_report(made)
    assert "on all rows" in page
    assert "rows that nothing has seen" not in page
    assert "on held-out rows</figcaption>" in render_report(content([law]))


def test_many_inputs_show_those_of_the_formula_first():
    names = tuple(f"x{k}" for k in range(9))
    X = np.random.default_rng(6).uniform(1, 2, (120, 9))
    law = Formula(sympy.Symbol("x7") + sympy.Symbol("x8"), names, 0.1, 0.9)
    y = X[:, 7] + X[:, 8] + 3 * X[:, 4] ** 2
    made = content([law], names=names, X=X[:40], y=y[:40], X_test=X[40:], y_test=y[40:])
    found = study(made, law)
    assert [panel.name for panel in found.panels][:3] == ["x7", "x8", "x4"]
    assert len(found.panels) == 6
    assert found.more == 3
    assert "3 more columns" in render_report(made)


def test_every_language_is_on_the_page():
    law = Formula(2 * A, ("a", "b"), 0.7, 0.5)
    page = render_report(content([law]))
    for text in ("def formula(a, b):", "double formula(double a, double b)", law.latex, law.text):
        assert text in page


@pytest.mark.slow
def test_hostile_names_stay_names():
    made = build()
    page = render_report(replace(made, units={NAMES[0]: "<u>"}))
    assert "<script>alert" not in page
    assert "<u>" not in page


def test_a_rival_of_the_chosen_formula_is_marked_with_the_measurement_that_would_tell() -> None:
    line, wave = (Formula(expression, ("a", "b"), 0.1, 0.9) for expression in (2 * A, 2 * A + 0.1 * B))
    rival = Alternative(wave, 0.4, 0.25, (("a", 1.5), ("b", 2.0)))
    page = render_report(content([line, wave], alternatives=(rival,)))
    marked = re.search(r'id="formula-2".*?</summary>', page, re.DOTALL)
    assert marked is not None
    assert "as likely" in marked[0]
    assert "as likely" not in re.search(r'id="formula-1".*?</summary>', page, re.DOTALL)[0]
    assert "by 0.25, at a = 1.5, b = 2: a measurement there would" in page
