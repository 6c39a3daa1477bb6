"""Names that are markup, scripts, control characters and marks of direction, in every view: nothing runs, nothing breaks."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
import torch

import edgewise as ew
from edgewise.network import KAN
from edgewise.report import ReportContent, content_from_estimator, write_report
from edgewise.report.notebook import HTML
from edgewise.symbolic import Formula
from tests.report.conftest import HANGS
from tests.report.editing.notebook_cell import shown

pytestmark = pytest.mark.slow

PARTS = (
    "<script>window.ran=1</script>",
    "<img src=x onerror='window.ran=1'>",
    "</script><script>window.ran=1</script>",
    '"><svg onload=window.ran=1>',
    "</style><script>window.ran=1</script>",
    "]]><!--",
    "&lt;b&gt;&#x3c;i&#62;",
    "javascript:window.ran=1",
    "${window.ran=1}{{7*7}}{%raw%}",
    "'+(window.ran=1)+'",
    "\u202eright to left\u202c",
    "\u2067isolated",
    "a\u0000b\u0007c\u001b[31m",
    "line\u2028break\u2029\u0085",
    "$\\frac{x_{$",
    "\\u003cscript\\u003e",
    "\ud83d\ude00 \u0301\u0302\u0303 z\u0336a\u0336",
    "__proto__",
    "constructor",
    "=cmd|'/c calc'!A0",
)
NAMES = tuple(f"{PARTS[k % len(PARTS)]} {k}" if k >= len(PARTS) else PARTS[k] for k in range(200))


@pytest.fixture(scope="module")
def many():
    """A network of 200 columns with such names, a classifier whose levels and classes have them, and a formula."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (60, 200))
    net = KAN([200, 1], seed=0, dtype=torch.float64, input_names=NAMES, output_names=(PARTS[0],))
    levels = rng.choice(np.array(PARTS, dtype=object), 160)
    table = {PARTS[1]: rng.normal(size=160), PARTS[3]: levels}
    y = np.where(table[PARTS[1]] > 0, PARTS[0], PARTS[10])
    model = ew.KANClassifier(mode="additive", members=1, work=0.01).fit(table, y)
    return X, net, table, y, model


@pytest.fixture
def look(browser, tmp_path):
    """Opens a page with a script or without its policy's help, and hears of everything that runs or complains."""
    contexts = []

    def go(html: str | None = None, path=None, bypass: bool = False):
        if html is not None:
            path = tmp_path / f"{len(contexts)}.html"
            path.write_text(
                f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>t</title><body>{html}",
                "utf-8",
                "replace",
            )
        context = browser.new_context(
            offline=True, bypass_csp=bypass, viewport={"width": 1200, "height": 900}
        )
        context.set_default_timeout(HANGS)
        page, told = context.new_page(), []
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("dialog", lambda dialog: told.append(dialog.message))
        page.on("request", lambda request: told.append(request.url))
        page.goto(path.as_uri())
        contexts.append((context, page, told, path.as_uri()))
        return page

    yield go
    for context, page, told, url in contexts:
        known = (url, "about:srcdoc", "Expected copy-paste icon")
        assert [entry for entry in told if not entry.startswith(known)] == []
        assert all(frame.evaluate("window.ran") is None for frame in page.frames)
        context.close()


def report(many, which: str) -> ReportContent:
    X, net, table, y, model = many
    if which == "classes":
        return content_from_estimator(
            model,
            table,
            y,
            table,
            y,
            target=PARTS[4],
            title=PARTS[2],
            source=PARTS[5],
            units={PARTS[1]: PARTS[0]},
        )
    target = net.predict(X)[:, 0]
    return ReportContent(
        PARTS[2], PARTS[3], NAMES, PARTS[0], X[:40], target[:40], X[40:], target[40:], network=net
    )


# Without the policy a name that got through as markup would run: the escaping alone has to hold.
@pytest.mark.parametrize("which", ["numbers", "classes"])
def test_the_report(many, look, tmp_path, which):
    content = report(many, which)
    page = look(path=write_report(tmp_path / "page.html", content), bypass=True)
    page.locator("#live-row").select_option("0")
    for summary in page.locator("summary").all():
        summary.evaluate("each => { each.parentElement.open = true; }")
    for open_ in ("button.enlarge", ".live-open:not([disabled])"):
        page.locator(open_).first.evaluate("each => each.click()")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Escape")
    if page.locator("#live-find").count():
        page.locator("#live-find").fill("script")
        assert page.locator(".live-input:not([hidden]) label", has_text="<script>").count() > 0
    if page.locator("#live-find-edge").count():
        page.locator("#live-find-edge").fill("ran=1")
        assert page.locator("svg.net a.edge:not(.dim)").count() > 0
    if page.get_by_role("button", name="Set it to the nearest row").is_visible():
        page.get_by_role("button", name="Set it to the nearest row").click()
    assert page.locator("script").count() == 3
    assert page.locator("main script, main img, main iframe, main style").count() == 0
    assert page.locator("h1").inner_text() == PARTS[2]


def test_a_notebook(many, look):
    _, net, _, _, model = many
    small = KAN([3, 1], seed=0, input_names=PARTS[:3], output_names=PARTS[3:4])
    formula = Formula(sympy.Symbol(PARTS[0]) ** 2 + sympy.sin(sympy.Symbol(PARTS[1])), PARTS[:2])
    page = look(HTML["KAN"](small) + HTML["KAN"](net) + HTML["Formula"](formula), bypass=True)
    page.frame_locator("iframe").first.locator(".live-number").wait_for()
    assert page.locator("script").count() == 0
    # scikit-learn's own drawing of an estimator brings one script, which looks for a part that is not there.
    assert look(model._repr_html_(), bypass=True).locator("script").count() == 1
    page = look(HTML["KANClassifier"](model), bypass=True)
    page.frame_locator("iframe").locator(".live-number").wait_for()
    assert page.locator("script").count() == 1
    assert PARTS[0] in page.frame_locator("iframe").locator(".live-classes").inner_text()


def test_a_view_that_edits(many, browser, tmp_path):
    X, net, _, _, _ = many
    view = ew.view(net, X, net.predict(X)[:, 0], results=(ew.verify(net, "range(-1e6, 1e6)"),))
    view.receive({"do": "apply", "edit": "shape", "edge": [0, 0, 0], "to": "smooth"})
    view.receive({"do": "note", "text": PARTS[2]})
    page, told = shown(browser, view, tmp_path, bypass_csp=True)
    assert PARTS[0] in page.locator(".edit-large figcaption").inner_text()
    page.locator("#edit-find").fill("onerror")
    assert "<img" in page.locator("#edit-edge option").first.inner_text()
    assert page.locator("div.frame script, div.frame img").count() == 0
    assert page.evaluate("window.ran") is None
    assert told == []
    compile(view.script(), "script", "exec")
    page.context.close()


def test_figures_on_a_page(look):
    few = KAN([len(PARTS), 1], seed=0, input_names=PARTS, output_names=("y",))
    figure = ew.plots.plot_network(few)
    page = look(ew.plots.figure_svg(figure, prefix="f"), bypass=True)
    assert page.locator("svg").count() == 1
