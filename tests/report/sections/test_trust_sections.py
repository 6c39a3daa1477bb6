"""Explanations and proofs on the page: what it says is what the results say, and what the model does."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import edgewise as ew
from edgewise.plots.explain_shapes import MOST_LEVELS
from edgewise.report import render_report, write_report
from edgewise.report.content import estimator
from edgewise.report.sections.explanations import answer_view, explain_view
from edgewise.report.sections.network import effect_section, importance_of
from edgewise.report.sections.proofs import proofs_view
from edgewise.report.text.numbers import number, signed
from edgewise.verifying.checker import check
from tests.report.conftest import EVIL, HANGS
from tests.report.test_page import Page


@dataclass(frozen=True)
class Told:
    """A model, its table, and a content with all sections."""

    model: object
    X: pd.DataFrame
    y: np.ndarray
    content: object


def people(n=500):
    rng = np.random.default_rng(5)
    X = pd.DataFrame(
        {
            "income": rng.lognormal(3, 1.5, n).round(1),
            "age": rng.integers(18, 80, n).astype(float),
            EVIL: rng.choice(["red", EVIL, "blue & co"], n),
            "town": rng.choice([f"town {k}" for k in range(14)], n),
            "seen": pd.to_datetime("2015-01-01") + pd.to_timedelta(rng.integers(0, 3000, n), unit="D"),
        }
    )
    X.loc[::7, "age"] = np.nan
    odds = 0.8 * np.log(X["income"] / 20) + 1.2 * (X[EVIL] == "red") + 0.02 * X["age"].fillna(70)
    y = np.where(odds - 1.5 + rng.logistic(0, 0.5, n) > 0, "yes", "no")
    return X, y


def content_of(model, X, y, **changes):
    made = ew.report.content_from_estimator(
        model, X[:400], y[:400], X[400:], y[400:], source="t.csv", target="paid"
    )
    return replace(made, **changes)


@pytest.fixture(scope="module")
def told():
    X, y = people()
    model = ew.KANClassifier(interactions=0).fit(X[:400], y[:400])
    proofs = tuple(
        ew.verify(model, claim) for claim in ("range(-100, 100)", f"never_flips(`{EVIL}`)", "range(-100, 0)")
    )
    answers = (ew.explain(model, X[:400], row=3, y=y[:400], output="yes"),)
    return Told(model, X, y, content_of(model, X, y, answers=answers, proofs=proofs))


@pytest.fixture(scope="module")
def joint():
    rng = np.random.default_rng(2)
    X = pd.DataFrame(
        {"a": rng.uniform(-1, 1, 400), "b": rng.uniform(-1, 1, 400), "c": rng.choice(["u", "v"], 400)}
    )
    y = (X["a"] * X["b"] + 0.3 * (X["c"] == "u")).to_numpy()
    model = ew.KANRegressor(mode="deep", hidden=4, members=1, work="quick").fit(X, y)
    return model, X, y, ew.explain(model, X)


@pytest.mark.slow
def test_sections_stand_where_there_is_something_to_say(told):
    both = render_report(told.content)
    ids = re.findall(r'<h2 id="([^"]+)"', both)
    assert ids.index("shapes") < ids.index("explanation") < ids.index("accuracy") < ids.index("proofs")
    neither = render_report(replace(told.content, explanation=None, answers=(), proofs=()))
    for name in ("explanation", "proofs"):
        assert f'href="#{name}"' in both
        assert f'id="{name}"' not in neither
        assert f'href="#{name}"' not in neither
    only = render_report(replace(told.content, explanation=None, proofs=()))
    assert "Why it answers so" in only
    assert "What it has learned" not in only


def test_the_page_is_whole_and_names_stay_words(told):
    text = render_report(told.content)
    page = Page(text)
    assert EVIL not in text
    assert page.text.count(EVIL) >= 8
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(str(a["aria-label"]).strip() for a in page.named("svg") if a.get("role") == "img")
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_importances_are_what_the_model_does(told):
    """Of an additive model: the deviation of the output when a column alone takes the values of all rows."""
    X, model = told.X[:400], told.model
    rows = {row.column: row for row in explain_view(told.content).importances}
    for name in ("income", EVIL, "age"):
        one = pd.concat([X.iloc[[0]]] * len(X), ignore_index=True)
        one[name] = X[name].to_numpy()
        assert rows[name].value == number(float(model.decision_function(one).std()), 3)
    sizes = [float(row.value) for row in rows.values()]
    assert sizes == sorted(sizes, reverse=True)
    widths = [float(re.search(r'width="([\d.]+)"', str(row.bar))[1]) for row in rows.values()]
    assert np.allclose(np.array(widths) / widths[0], np.array(sizes) / sizes[0], atol=0.01)


def test_the_picture_of_an_answer_tells_every_contribution(told):
    answer = told.content.answers[0]
    svg = str(answer_view(answer, "k").picture)
    shown = [one for one in answer.contributions if one.effect][:6]
    for one in shown:
        assert f"{one.column} = {one.value} {signed(one.effect)}" in html.unescape(svg)
    texts = [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)<", svg)]
    assert sum(text.startswith(("+", "-")) for text in texts) == len(
        [o for o in answer.contributions if o.effect]
    )


def test_an_answer_says_its_numbers(told):
    answer = told.content.answers[0]
    view = answer_view(answer, "k")
    assert view.title == f"Row 3: {told.model.predict(told.X[3:4])[0]}"
    assert number(float(told.model.decision_function(told.X[3:4])[0])) in view.lead
    assert len(view.neighbours) == len(answer.neighbours)
    assert "truly" in view.neighbours[0].answer


def test_shapes_read_in_the_units_of_the_table(told):
    shapes = {shape.column: shape for shape in told.content.explanation.shapes}
    view = explain_view(told.content)
    cards = {card.name: card for card in (*view.first, *view.rest)}
    assert shapes["income"].bend is not None
    assert re.search(r">(50|100|200)<", str(cards["income"].svg))
    years = re.findall(r">(20\d\d)<", str(cards["seen"].svg))
    assert len(years) >= 2
    assert {int(year) for year in years} <= set(range(2015, 2024))
    towns = re.findall(r">(town \d+)<", str(cards["town"].svg))
    assert len(towns) == MOST_LEVELS
    assert shapes["town"].labels[int(shapes["town"].y.argmax())] in towns
    assert f"{14 - MOST_LEVELS} more levels" in cards["town"].words
    assert "where missing" in cards["age"].words


@pytest.mark.slow
def test_an_additive_network_folds_what_the_page_has_already(told):
    assert explain_view(told.content).folded
    assert not explain_view(replace(told.content, network=None)).folded


@pytest.mark.slow
def test_what_columns_do_together(joint):
    model, X, y, found = joint
    content = ew.report.content_from_estimator(model, X, y, X[:50], y[:50], target="score")
    view = explain_view(content)
    assert not view.folded
    assert view.pairs[0].columns == "a \u00d7 b"
    assert view.pairs[0].value == number(float(found.interactions.strength.max()), 3)
    assert "score" in view.lead
    assert "95 % band" in view.first[0].words
    cards = effect_section(content, importance_of(content)).cards
    assert len(cards) >= 2
    # The band of single rows; of words a line a bar.
    assert all(("opacity: 0.14" in card.svg) != ("bars" in card.svg) for card in cards)
    answer = answer_view(ew.explain(model, X, row=0), "k")
    # A deep model's answer is explained by columns, too.
    assert answer.reasons
    assert all(reason.startswith(tuple(X.columns)) for reason in answer.reasons)


@pytest.mark.slow
def test_estimators_are_explained_where_it_is_quick(told, joint, monkeypatch):
    X, y = told.X, told.y
    assert told.content.explanation.n_rows == 400
    three = np.where(X["age"] > 60, "old", y)
    model = ew.KANClassifier(mode="additive", members=1, work="quick").fit(X[:400], three[:400])
    assert content_of(model, X, three).explanation is None
    monkeypatch.setattr(estimator, "MOST_EXPLAINED", 2)
    deep, table, target, _ = joint
    assert ew.report.content_from_estimator(deep, table, target, table, target).explanation is None
    assert content_of(told.model, X, y).explanation is not None


def test_proofs_say_what_was_decided(told, tmp_path):
    proofs = told.content.proofs
    view = proofs_view(proofs)
    assert (
        [row.status for row in view.rows]
        == [one.status for one in proofs]
        == ["proved", "refuted", "refuted"]
    )
    assert view.lead == "3 properties: 1 proved and 2 refuted."
    # The digest on the page is that of a file which the checker accepts for this model.
    ew.save(told.model, tmp_path / "model.kan")
    proofs[0].certificate.save(tmp_path / "proof.json")
    assert check(tmp_path / "proof.json", tmp_path / "model.kan").accepted
    assert f'"digest": "{view.rows[0].digest}"' in (tmp_path / "proof.json").read_text()
    assert view.rows[0].digest in render_report(told.content)


def test_a_witness_shows_what_the_model_says(told):
    flip, beyond = proofs_view(told.content.proofs).rows[1:]
    assert flip.witness.heads == ("one row", "the other")
    assert [row.name for row in flip.witness.columns if row.differs] == [EVIL]
    decisions = next(row for row in flip.witness.answers if row.name == "decision")
    assert set(decisions.cells) == {"yes", "no"}
    assert beyond.witness.heads == ("the row",)
    assert not any(row.differs for row in beyond.witness.columns)
    for case, said in zip(told.content.proofs[1].cases, decisions.cells, strict=True):
        row = pd.DataFrame([case.row]).astype({"seen": "datetime64[ns]"})
        assert told.model.predict(row)[0] == said


def test_what_stays_open_is_said():
    from edgewise.verifying.results.verdicts import Undecided

    late = Undecided("range(0, 1)", "every row", -0.25, 0.5, 3.0, "the time was up", ew.StopReason.TIME_LIMIT)
    row = proofs_view([late]).rows[0]
    assert (row.status, row.digest, row.witness) == ("undecided", "", None)
    assert "at most 0.5" in row.text
    assert "0.25 to spare" in row.text
    assert "may differ from run to run" in row.text
    assert proofs_view(()) is None


@pytest.mark.slow
def test_everybody_can_read_it_on_every_screen(told, tmp_path, browser):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    path = write_report(tmp_path / "page.html", told.content)
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.set_default_timeout(HANGS)
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            room = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(room) <= 0
            found = axe.Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        page.close()
