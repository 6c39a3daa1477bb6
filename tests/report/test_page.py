"""The page is whole, safe, self-contained, and says what the results say."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from edgewise import EditRecord, FileError, InputError
from edgewise.report import ReportContent, render_report, write_report
from edgewise.report.page import _number, _seconds
from tests.report.conftest import EVIL, NAMES, build

VOID = {"meta", "br", "img", "hr", "link", "input"}


class Page(HTMLParser):
    """Tags, attributes, ids and text of a page; refuses tags that do not close in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in {tag}"
        self.tags.append((tag, dict(attrs)))
        self.text += " "
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(content):
    return render_report(content)


@pytest.fixture(scope="module")
def parsed(page):
    return Page(page)


def test_hostile_names_stay_words(page, parsed):
    assert EVIL not in page
    assert "<b>y" not in page
    assert {tag for tag, _ in parsed.tags}.isdisjoint({"script", "img", "iframe", "object", "link", "embed"})
    assert not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)
    assert parsed.text.count(EVIL) >= 6
    assert "<img src=x onerror=alert(2)>.csv" in parsed.text


def test_nothing_comes_from_outside(page, parsed):
    for _, attributes in parsed.tags:
        for name, value in attributes.items():
            if name in ("src", "href", "xlink:href", "action", "srcset", "data"):
                assert value is not None
                assert value.startswith("#")
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    elsewhere = set(re.findall(r"\w+://[^\s\"'<]+", page))
    assert elsewhere <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert len(page) < 2_000_000


def test_ids_are_unique_and_references_meet_them(page, parsed):
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    labels = [
        attributes["aria-labelledby"] for _, attributes in parsed.tags if "aria-labelledby" in attributes
    ]
    drawn = re.findall(r'href="#([^"]+)"', page) + re.findall(r"url\(#([^)]+)\)", page)
    assert labels
    assert drawn
    assert {*labels, *drawn} <= set(ids)


def test_every_drawing_has_words(parsed):
    drawings = [a for tag, a in parsed.tags if tag == "div" and a.get("role") == "img"]
    # Diagram, 6 + 2 shape functions, 2 parity plots, training, front.
    assert len(drawings) == 1 + 8 + 2 + 1 + 1
    assert all(a["aria-label"] for a in drawings)
    formulas = [a for tag, a in parsed.tags if a.get("role") == "math"]
    assert len(formulas) == 1 + 2
    assert "sin" in str(formulas[0]["aria-label"])
    assert all(a.get("aria-hidden") == "true" for a in parsed.named("svg"))


def test_the_page_is_well_made(page, parsed):
    assert page.startswith("<!DOCTYPE html>")
    assert parsed.named("html")[0]["lang"] == "en"
    assert len(parsed.named("h1")) == 1
    assert any(a.get("name") == "viewport" for a in parsed.named("meta"))
    assert all(a.get("scope") in ("col", "row") for a in parsed.named("th"))
    assert "prefers-color-scheme: dark" in page


def test_numbers_are_those_of_the_results(content, parsed):
    error = content.formula.predict(content.X_test) - content.y_test
    rmse = float(np.sqrt(np.mean(error**2)))
    assert f"{_number(rmse)} held-out RMSE" in parsed.text
    for words in (
        "edgewise fit",
        "ab" * 32,
        "edgewise 0.1.0",
        "2025-01-01",
        "60 rows",
        "0.25",
        "[3, 2, 1]",
        "0.999",
    ):
        assert words in parsed.text
    assert content.formula.text in parsed.text


def test_columns_say_what_became_of_them(parsed):
    words = " ".join(parsed.text.split())
    assert f"{NAMES[0]} network, formula" in words
    assert f"{NAMES[2]} network 0." in words
    assert "unused not used" in words


def test_steps_taken_back_are_set_apart(content):
    kept = EditRecord("prune", "pruned edge (0, 0, 0); kept, held-out error 1 against 1", 0.1, "a", "b")
    refused = EditRecord("prune", "pruned edge (0, 1, 0); refused on a coarse grid", 0.1, "a", "b")
    for edits, marked in (((kept,), 0), ((kept, refused), 1)):
        page = render_report(build(edits=edits))
        assert page.count('class="refused"') == marked
        assert ("Grey steps were taken back." in page) == bool(marked)


def test_the_known_law_stands_by_the_formula():
    assert "Known law: E = m c^2 &lt;b&gt;" in render_report(build(known="E = m c^2 <b>"))
    assert "Known law" not in render_report(build())


def test_close_fits_show_what_they_miss(content):
    y = content.formula.predict(content.X)
    y_test = content.formula.predict(content.X_test)
    exact = Page(render_report(build(network=None, y=y, y_test=y_test)))
    words = [str(a["aria-label"]) for tag, a in exact.tags if tag == "div" and a.get("role") == "img"]
    assert any("by the formula less measured against measured" in each for each in words)
    loose = Page(render_report(content))
    words = [str(a["aria-label"]) for tag, a in loose.tags if tag == "div" and a.get("role") == "img"]
    assert any("by the formula against measured" in each for each in words)


def test_same_content_same_page(page):
    assert render_report(build()) == page


def test_parts_left_out_are_sections_left_out(content):
    bare = ReportContent("t", "s", NAMES, "y", content.X, content.y, content.X_test[:0], content.y_test[:0])
    parsed = Page(render_report(bare))
    headings = {a["id"] for a in parsed.named("h2")}
    assert headings == {"data", "again"}
    assert parsed.named("svg") == []


def test_a_formula_without_values_does_not_spoil_the_page():
    import sympy

    from edgewise.symbolic import Formula

    nowhere = Formula(sympy.log(-1 - sympy.Symbol(NAMES[0]) ** 2), NAMES)
    page = render_report(build(formula=nowhere, front=(nowhere,)))
    assert "held-out RMSE" not in Page(page).text


def test_the_content_is_checked_and_copied():
    X = np.ones((3, 4))
    content = build(X=X, y=np.zeros(3))
    X[:] = 5
    assert content.X.max() == 1
    with pytest.raises(InputError, match="'X' parameter of ReportContent must have 4 columns"):
        build(X=np.ones((3, 2)))
    with pytest.raises(InputError, match="'y' parameter of ReportContent must have 40 entries"):
        build(y=np.zeros(3))
    with pytest.raises(InputError, match="'network' of ReportContent"):
        build(names=("a", "b", "c", "d"), formula=None)
    with pytest.raises(InputError, match="'formula' of ReportContent"):
        build(names=("a", "b", "c", "d"), network=None)
    with pytest.raises(InputError, match="ReportContent"):
        render_report("content")  # type: ignore[arg-type]


def test_files(content, tmp_path):
    path = write_report(tmp_path / "report.html", content)
    assert path.read_text(encoding="utf-8") == render_report(content)
    with pytest.raises(FileError, match="exists already"):
        write_report(path, content)
    write_report(path, content, overwrite=True)
    with pytest.raises(FileError, match="does not exist"):
        write_report(tmp_path / "no" / "report.html", content)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1234.5678, "1,235"),
        (-0.5, "\u22120.5"),
        (1.5e-7, "1.5\u00b710\u207b\u2077"),
        (2.5e12, "2.5\u00b710\u00b9\u00b2"),
        (123456.7, "123,457"),
        (math.nan, "\u2013"),
        (math.inf, "\u2013"),
        (None, "\u2013"),
    ],
)
def test_numbers_as_people_write_them(value, text):
    assert _number(value) == text


def test_seconds():
    assert [_seconds(v) for v in (0.001, 12.34, None)] == ["under 0.1", "12.3", "\u2013"]
