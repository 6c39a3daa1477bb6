"""The audit on pages: the last section of a report, and tables that say what the result says."""

import re
from dataclasses import replace

import pytest

import edgewise as ew
from edgewise.report.sections.audit import audit_view, render_audit


@pytest.fixture(scope="module")
def result(biased):
    return ew.audit(biased.model, biased.X, biased.y, "sex", bootstrap=50, proxies=False)


@pytest.mark.slow
def test_it_is_the_last_section_of_a_report(biased, result):
    content = ew.report.content_from_estimator(
        biased.model,
        biased.X,
        biased.y,
        biased.X.head(200),
        biased.y[:200],
        title="Hiring",
        source="people.csv",
    )
    plain = ew.report.render_report(content)
    page = ew.report.render_report(replace(content, audit=result))
    assert 'id="audit"' not in plain
    headings = re.findall(r'<h2 id="([^"]+)"', page.split("</main>")[0])
    assert headings[-1] == "audit"
    assert 'href="#audit"' in page


def test_the_page_says_the_numbers_of_the_result(result):
    view = audit_view(result)
    gap = result.of("sex").demographic_parity
    assert view.attributes[0].verdicts[0].value == f"{gap.difference:.3f}"
    page = render_audit(result)
    for group in range(2):
        assert f"{result.of('sex').values['tpr'][group]:.3f}" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_names_cannot_break_the_page(biased):
    groups = {"<b>x</b>": ['<script>"' if sex == "m" else "f&" for sex in biased.X["sex"]]}
    found = ew.audit(biased.model, biased.X, biased.y, groups, bootstrap=0, proxies=False)
    page = render_audit(found)
    assert "<script" not in page
    assert "<b>x</b>" not in page
