"""The page is whole, safe, self-contained, and says what the results say."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
import torch

from edgewise import FileError, InputError, StopReason
from edgewise.edits import EditRecord
from edgewise.network import KAN, scale_to_data
from edgewise.report import Origin, ReportContent, render_report, write_report
from edgewise.report.text.numbers import number
from tests.report.conftest import EVIL, NAMES, build, build_classes

VOID = {"meta", "br", "img", "hr", "link", "input"}
SILENT = {"style", "script"}


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
        if self.open and self.open[-1] not in SILENT:
            self.text += data

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(content):
    return render_report(content)


@pytest.fixture(scope="module")
def parsed(page):
    return Page(page)


@pytest.mark.slow
def test_hostile_names_stay_words(page, parsed):
    assert EVIL not in page
    assert "<b>y" not in page
    assert {tag for tag, _ in parsed.tags}.isdisjoint(
        {"img", "iframe", "object", "link", "embed", "base", "form"}
    )
    assert parsed.named("script") == [{"type": "application/json", "id": "live-data"}, {}, {}]
    assert not any(name.startswith("on") for _, attributes in parsed.tags for name in attributes)
    assert parsed.text.count(EVIL) >= 10
    assert "<img src=x onerror=alert(2)>.csv" in parsed.text


@pytest.mark.slow
def test_only_the_page_s_own_script_may_run(page, parsed):
    policy = next(
        a["content"] for a in parsed.named("meta") if a.get("http-equiv") == "Content-Security-Policy"
    )
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert "script-src " + " ".join(f"'sha256-{digest}'" for digest in digests) + ";" in policy
    assert policy.startswith("default-src 'none'")
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    (sheet,) = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert (
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()}';" in policy
    )
    assert "unsafe" not in policy
    assert not any("style" in attributes for _, attributes in parsed.tags)


def test_nothing_comes_from_outside(page, parsed):
    for _, attributes in parsed.tags:
        for name, value in attributes.items():
            if name in ("src", "href", "xlink:href", "action", "srcset", "data"):
                assert value is not None
                assert value.startswith("#")
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))
    assert re.findall(r"\w+://", page) == []
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
    drawings = [a for a in parsed.named("svg") if a.get("role") == "img"]
    # 6 + 2 edge functions, 3 effects, parity and what is left, training, 5 columns; of each of 2 candidates the fit and
    # what is left along 4 inputs, and the one measured constant that there is.
    assert len(drawings) == 8 + 3 + 2 + 1 + 5 + 2 * (1 + 4) + 1
    assert all(str(a["aria-label"]).strip() for a in drawings)
    # Parts that only clip what is inside them are no drawings of their own.
    rest = [a for a in parsed.named("svg") if a.get("role") != "img" and a.get("overflow") != "hidden"]
    assert all(a.get("aria-hidden") == "true" or (a.get("role") == "group" and a["aria-label"]) for a in rest)
    formulas = [a for tag, a in parsed.tags if a.get("role") == "math"]
    assert len(formulas) == 1 + 2
    assert "sin" in str(formulas[0]["aria-label"])


def test_headings_descend_one_by_one(parsed):
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


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
    assert f"{number(rmse)} held-out RMSE (<i>m</i>)" in parsed.text
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
    rows = words.split("The data")[-1]
    assert re.search(re.escape(NAMES[0]) + r" number .* none network, formula", rows)
    assert re.search(r"unused number [^<]* none not used", rows)


def test_what_was_dropped_says_why(parsed):
    assert f"says nothing {EVIL}" in parsed.text


@pytest.mark.slow
def test_steps_taken_back_are_set_apart(content):
    kept = EditRecord("prune", "pruned edge (0, 0, 0); kept, held-out error 1 against 1", 0.1, "a", "b")
    refused = EditRecord("prune", "pruned edge (0, 1, 0); refused on a coarse grid", 0.1, "a", "b")
    for edits, marked in (((kept,), 0), ((kept, refused), 1)):
        page = render_report(build(edits=edits))
        assert page.count('class="refused"') == marked
        assert ("Grey steps were taken back." in page) == bool(marked)


@pytest.mark.slow
def test_the_known_law_stands_by_the_formula():
    assert "Known law: E = m c^2 &lt;b&gt;" in render_report(build(known="E = m c^2 <b>"))
    assert "Known law" not in render_report(build())


@pytest.mark.slow
def test_same_content_same_page(page):
    assert render_report(build()) == page


def test_parts_left_out_are_sections_left_out(content):
    bare = ReportContent("t", "s", NAMES, "y", content.X, content.y, content.X_test[:0], content.y_test[:0])
    parsed = Page(render_report(bare))
    headings = {a["id"] for a in parsed.named("h2") if a["id"] != "large-title"}
    assert headings == {"data", "again"}
    assert {a["class"] for a in parsed.named("svg")} == {"spark"}


@pytest.mark.slow
@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", EVIL)])
def test_a_page_of_classes(classes):
    parsed = Page(render_report(build_classes(classes)))
    words = " ".join(parsed.text.split())
    for expected in (
        "AUC",
        "Brier score",
        "log loss",
        "Which classes it takes for which",
        "recall",
        "log-odds",
    ):
        assert expected in words
    assert words.count(classes[-1]) >= 3
    assert "RMSE" not in words


@pytest.mark.slow
def test_many_rows_stay_under_the_limit():
    rng = np.random.default_rng(0)
    names = tuple(f"column number {k}" for k in range(30))
    X = rng.normal(size=(20_000, 30))
    net = KAN([30, 24, 1], seed=0, dtype=torch.float64, input_names=names)
    y = X[:, 0] + rng.normal(size=20_000)
    net = scale_to_data(net, X, y).network
    content = ReportContent("t", "s", names, "y", X[:16_000], y[:16_000], X[16_000:], y[16_000:], network=net)
    assert len(render_report(content).encode()) < 2_000_000


def test_more_columns_than_anyone_reads_are_folded_away():
    X = np.random.default_rng(0).normal(size=(30, 500))
    names = tuple(f"c{k}" for k in range(500))
    parsed = Page(render_report(ReportContent("t", "s", names, "y", X, X[:, 0], X[:0], X[:0, 0])))
    assert "101 more columns not listed" in parsed.text
    assert "Show 370 more columns" in parsed.text


@pytest.mark.slow
def test_names_that_no_encoding_knows(tmp_path):
    path = write_report(tmp_path / "report.html", build(title="half \ud800 a pair\x00\n"))
    assert "half ? a pair" in path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_titles_and_sources_may_be_empty():
    content = build(title="", source="", notes=(), origin=Origin())
    assert "<title>&lt;b&gt;y&lt;/b&gt;</title>" in render_report(content)
    assert render_report(replace(content, front=(), history=(), edits=())).count("<section") == 9


@pytest.mark.slow
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
    for argument, made in (
        ("X", lambda: build(X=np.ones((3, 2)))),
        ("y", lambda: build(y=np.zeros(3))),
        ("network", lambda: build(names=("a", "b", "c", "d"), formula=None)),
        ("formula", lambda: build(names=("a", "b", "c", "d"), network=None)),
        ("y", lambda: build_classes(y=np.full(150, 2.0))),
    ):
        with pytest.raises(InputError) as refused:
            made()
        assert refused.value.argument == argument
    with pytest.raises(InputError, match="ReportContent"):
        render_report("content")  # type: ignore[arg-type]


@pytest.mark.slow
def test_files(content, tmp_path):
    path = write_report(tmp_path / "report.html", content)
    assert path.read_text(encoding="utf-8") == render_report(content)
    with pytest.raises(FileError, match="exists already"):
        write_report(path, content)
    write_report(path, content, overwrite=True)
    with pytest.raises(FileError, match="does not exist"):
        write_report(tmp_path / "no" / "report.html", content)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.slow
@pytest.mark.parametrize("reason", [None, *StopReason])
def test_a_result_that_does_not_repeat_says_so_above_everything_else(reason):
    small = {"stop_reason": reason, "network": None, "front": (), "history": ()}
    html = render_report(build(**small))
    head = Page(html[: html.index("<nav")] + "</body></html>").text
    cut_short = reason is not None and not reason.repeatable
    assert ("cut-short" in html[: html.index("<nav")].split("</style>")[1]) is cut_short
    assert not cut_short or reason.advice in head
    other = render_report(build(**small, advice="Give it more."))
    assert ("Give it more." in other) is cut_short
