"""The page as a reader meets it: in a real browser, offline, by pointer, keyboard and screen reader, on paper."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgewise.report import write_report
from tests.report.conftest import EVIL, HANGS, build, build_classes, build_wide

pytestmark = pytest.mark.slow

axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

# What a reader's screens are: a small phone, a tablet, a laptop, a very wide desk.
WIDTHS = (360, 768, 1440, 2560)
POINTS_PER_MM = 72 / 25.4


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Files of the reports that are looked at."""
    folder = tmp_path_factory.mktemp("pages")
    contents = {
        "numbers": build(),
        "classes": build_classes(),
        "many": build_classes(("a", "b", EVIL)),
        "wide": build_wide(),
    }
    return {name: write_report(folder / f"{name}.html", one) for name, one in contents.items()}


class Visit:
    """A page that is open, and everything it asked for or complained of."""

    def __init__(self, browser, path: Path, **options) -> None:
        self.context = browser.new_context(offline=True, **options)
        self.context.set_default_timeout(HANGS)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())
        self.url = path.as_uri()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def edge(self, k: int):
        return self.page.locator("svg.net").first.locator("a.edge").nth(k)

    def focused(self, what: str) -> str:
        return self.page.evaluate(f"document.activeElement.{what}")


@pytest.fixture
def visit(browser, pages):
    """Opens a page; every visit must end without a request or a complaint."""
    visits: list[Visit] = []

    def go(name: str = "numbers", **options) -> Visit:
        visits.append(Visit(browser, pages[name], **({"viewport": {"width": 1280, "height": 900}} | options)))
        return visits[-1]

    yield go
    for one in visits:
        assert one.requests == [one.url]
        assert one.complaints == []
        one.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "widths"),
    [("numbers", WIDTHS[:3]), ("classes", WIDTHS[:3]), ("many", WIDTHS[:1]), ("wide", WIDTHS[1:2])],
)
def test_nothing_is_in_the_way_of_anyone(visit, name, widths, scheme):
    one = visit(name, color_scheme=scheme)
    for width in WIDTHS:
        one.page.set_viewport_size({"width": width, "height": 900})
        assert sideways(one) <= 0
        if width in widths:
            found = axe_module.Axe().run(one.page)
            assert found.violations_count == 0, found.generate_report()


def sideways(one) -> int:
    return one.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def test_the_widest_screen_and_everything_open(visit):
    one = visit("numbers")
    one.page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    for width in WIDTHS:
        one.page.set_viewport_size({"width": width, "height": 900})
        assert sideways(one) <= 0
    assert axe_module.Axe().run(one.page).violations_count == 0


def test_pointing_at_an_edge_shows_its_function(visit):
    one = visit()
    card = one.page.locator(".card")
    assert card.is_hidden()
    one.edge(1).locator(".frame").hover()
    assert card.is_visible()
    key = one.edge(1).get_attribute("data-edge")
    title = one.page.locator(f"#fn-{key} .ends").inner_text()
    assert card.locator(".ends").inner_text() == title
    assert card.locator("svg.chart path").count() > 3
    assert "score" in card.inner_text()
    box = card.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    one.page.mouse.move(2, 2)
    assert card.is_hidden()


def test_a_click_opens_it_large_and_escape_closes_it(visit):
    one = visit()
    dialog = one.page.locator("#large")
    edge = one.edge(2)
    edge.locator(".frame").click()
    assert dialog.is_visible()
    assert one.page.locator(".card").is_hidden()
    svg = dialog.locator("svg.chart").bounding_box()
    assert svg["width"] > 400
    first = one.page.locator("#large-title").inner_text()
    one.page.keyboard.press("ArrowRight")
    assert one.page.locator("#large-title").inner_text() != first
    one.page.locator("#large-before").click()
    assert one.page.locator("#large-title").inner_text() == first
    assert axe_module.Axe().run(one.page).violations_count == 0
    one.page.keyboard.press("Escape")
    assert dialog.is_hidden()
    assert one.focused("dataset.edge") == edge.get_attribute("data-edge")
    assert one.page.evaluate("location.hash") == ""


def test_the_close_button_and_the_backdrop_close_it_too(visit):
    one = visit()
    enlarge = one.page.locator("figure[data-edge] button.enlarge").first
    for close in (lambda: one.page.locator("#large-close").click(), lambda: one.page.mouse.click(5, 5)):
        enlarge.click()
        assert one.page.locator("#large").is_visible()
        close()
        assert one.page.locator("#large").is_hidden()
        assert one.focused("className") == "enlarge"


def test_arrow_keys_walk_the_edges(visit):
    one = visit()
    stops = one.page.locator("svg.net a.edge[tabindex='0']")
    assert stops.count() == 1
    one.edge(0).focus()
    here = one.focused("dataset.edge")
    one.page.keyboard.press("ArrowDown")
    assert one.focused("dataset.edge") != here
    assert one.page.locator(".card").is_visible()
    one.page.keyboard.press("ArrowUp")
    assert one.focused("dataset.edge") == here
    one.page.keyboard.press("ArrowRight")
    assert one.focused("dataset.layer") == "1"
    one.page.keyboard.press("ArrowRight")
    assert one.focused("dataset.layer") == "1"
    one.page.keyboard.press("ArrowLeft")
    assert one.focused("dataset.layer") == "0"
    one.page.keyboard.press("End")
    assert one.focused("dataset.layer") == "1"
    assert stops.count() == 1
    one.page.keyboard.press("Enter")
    assert one.page.locator("#large").is_visible()
    one.page.keyboard.press("Escape")
    one.page.keyboard.press("Escape")
    assert one.page.locator(".card").is_hidden()


def test_everything_is_reached_by_tab(visit):
    one = visit()
    one.page.keyboard.press("Tab")
    assert one.focused("className") == "skip"
    one.page.keyboard.press("Enter")
    assert one.focused("id") == "top"
    seen = set()
    for _ in range(80):
        one.page.keyboard.press("Tab")
        seen.add(
            one.page.evaluate(
                "document.activeElement.getAttribute('class') || document.activeElement.tagName"
            )
        )
    for part in ("edge", "point", "enlarge", "SUMMARY", "PRE", "scroll stage"):
        assert any(part in one for one in seen), part


def test_a_point_of_the_front_opens_its_formula(visit):
    one = visit()
    first, chosen = one.page.locator("#formula-1"), one.page.locator("#formula-2")
    points = one.page.locator("a.point")
    assert chosen.get_attribute("open") is not None
    assert points.nth(1).get_attribute("aria-expanded") == "true"
    points.first.click()
    assert first.get_attribute("open") is not None
    assert chosen.get_attribute("open") is None
    assert first.locator("figure.fit svg.chart").is_visible()
    assert first.locator(".small-multiples svg.chart").first.is_visible()
    assert first.locator(".math").is_visible()
    assert first.get_by_role("heading", name="Where it fails").is_visible()
    assert one.focused("tagName") == "SUMMARY"
    one.page.wait_for_function("document.querySelectorAll('a.point.open').length === 1")
    assert points.first.get_attribute("aria-expanded") == "true"
    assert points.nth(1).get_attribute("aria-expanded") == "false"


def test_the_front_is_walked_along_by_arrow_keys(visit):
    one = visit()
    first, second = one.page.locator("#formula-1"), one.page.locator("#formula-2")
    points = one.page.locator("a.point")
    points.nth(1).focus()
    one.page.keyboard.press("ArrowLeft")
    assert first.get_attribute("open") is not None
    assert second.get_attribute("open") is None
    assert "Formula 1" in one.focused("getAttribute('aria-label')")
    one.page.keyboard.press("ArrowLeft")  # there is none before the first
    assert "Formula 1" in one.focused("getAttribute('aria-label')")
    one.page.keyboard.press("End")
    assert second.get_attribute("open") is not None
    one.page.keyboard.press("Home")
    one.page.keyboard.press(" ")
    assert first.get_attribute("open") is not None
    assert one.focused("tagName") == "SUMMARY"


def test_a_line_of_the_list_opens_and_its_point_is_ringed(visit):
    one = visit()
    one.page.locator("#formula-1 > summary").focus()
    one.page.keyboard.press("Enter")
    assert one.page.locator("#formula-1").get_attribute("open") is not None
    one.page.wait_for_function("document.querySelectorAll('a.point.open').length === 2")


def test_light_and_dark(visit):
    one = visit(color_scheme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = one.page.evaluate(ground)
    button = one.page.locator("#theme")
    assert button.inner_text() == "Light"
    button.click()
    light = one.page.evaluate(ground)
    assert light != dark
    one.page.reload()
    one.requests = one.requests[:1]
    assert one.page.evaluate(ground) == light
    one.page.locator("#theme").click()
    assert one.page.evaluate(ground) == dark
    curve = """[...document.querySelectorAll('figure[data-edge] svg.chart path')]
        .map((part) => getComputedStyle(part).stroke).join()"""
    before = one.page.evaluate(curve)
    one.page.locator("#theme").click()
    assert one.page.evaluate(curve) != before


def test_names_are_words_and_never_code(visit):
    one = visit("many")
    assert one.page.evaluate("document.querySelectorAll('script').length") == 1
    assert EVIL in one.page.locator("main").inner_text()


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_motion_only_where_it_is_welcome(visit, motion):
    one = visit(reduced_motion=motion)
    behaviour = one.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior")
    assert (behaviour == "smooth") == (motion == "no-preference")


def test_without_a_script_it_is_still_a_page(visit):
    one = visit(java_script_enabled=False)
    page = one.page
    assert page.locator("#theme").is_hidden()
    assert page.locator("#large").is_hidden()
    assert page.locator(".enlarge").first.is_hidden()
    assert page.get_by_text("A click on a curve").is_hidden()
    for part in ("svg.net", "figure[data-edge] svg", "table", ".headline .math"):
        assert page.locator(part).first.is_visible()
    key = one.edge(0).get_attribute("data-edge")
    one.edge(0).locator(".frame").click()
    assert page.url.endswith(f"#fn-{key}")
    assert page.locator(f"#fn-{key}").is_visible()


def test_on_paper(visit, tmp_path):
    one = visit(color_scheme="dark")
    one.edge(0).locator(".frame").click()
    one.page.keyboard.press("Escape")
    target = tmp_path / "report.pdf"
    one.page.pdf(path=target, prefer_css_page_size=True)
    content = target.read_bytes()
    assert content.startswith(b"%PDF")
    boxes = re.findall(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]", content)
    assert boxes
    for box in boxes:  # browsers round the A4 that the style asks for, each in its own way
        assert [float(side) for side in box] == pytest.approx(
            [210 * POINTS_PER_MM, 297 * POINTS_PER_MM], abs=2
        )
    one.page.emulate_media(media="print")
    for part in ("nav", "#theme", "dialog", ".card", ".enlarge"):
        assert one.page.locator(part).first.is_hidden()
    assert (
        one.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    assert one.page.locator("details.printed pre").first.is_visible()
    one.page.set_viewport_size({"width": 690, "height": 1000})
    assert sideways(one) <= 0


def test_touch_opens_the_large_view_without_a_card(visit):
    one = visit(has_touch=True, viewport={"width": 390, "height": 800}, is_mobile=True)
    frame = one.edge(0).locator(".frame")
    frame.scroll_into_view_if_needed()
    frame.tap()
    assert one.page.locator("#large").is_visible()
    box = one.page.locator("#large").bounding_box()
    assert box["width"] <= 390
    assert one.page.locator(".card").is_hidden()


def test_a_wide_network_folds_what_is_weak(visit):
    one = visit("wide")
    first, second = one.page.locator("svg.net").first, one.page.locator("svg.net").nth(1)
    assert first.is_visible()
    assert second.is_hidden()
    one.page.get_by_text("Show the strongest", exact=False).click()
    assert second.is_visible()
    assert second.locator("a.edge").count() > first.locator("a.edge").count()
    # An edge that only the larger diagram shows opens large all the same.
    second.locator("a.edge .frame").last.click()
    assert one.page.locator("#large").is_visible()


def test_small_on_disk(pages):
    assert all(path.stat().st_size < 1_000_000 for path in pages.values())
