"""The live network as a reader meets it: in a real browser, from disk, offline."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import sympy
import torch

from edgewise import KANClassifier, KANRegressor, calibrate, conformal
from edgewise._core.errors import InputError
from edgewise.network import KAN, set_symbolic
from edgewise.programs.program import program_of
from edgewise.report import AccuracyRow, ReportContent, content_from_estimator, render_report, write_report
from edgewise.report.live.build import live_data
from edgewise.symbolic import Formula
from tests.programs.estimators import table
from tests.report.conftest import EVIL, HANGS, build, build_classes
from tests.report.live.evaluator import BUNDLE


@pytest.fixture
def page(browser, tmp_path):
    """Opens a page offline; nothing may complain or ask for anything."""
    opened = []

    def go(content: ReportContent, **options):
        path = write_report(tmp_path / f"{len(opened)}.html", content)
        context = browser.new_context(offline=True, viewport={"width": 1200, "height": 900}, **options)
        context.set_default_timeout(HANGS)
        one, told = context.new_page(), []
        one.on("console", lambda message: told.append(message.text))
        one.on("pageerror", lambda error: told.append(str(error)))
        one.on("request", lambda request: told.append(request.url))
        one.goto(path.as_uri())
        opened.append((context, told, path.as_uri()))
        return one

    yield go
    for context, told, url in opened:
        assert told == [url]
        context.close()


SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def plain(names=("u", "v")) -> tuple[ReportContent, KAN]:
    X = np.random.default_rng(0).uniform(-1, 1, (80, 2))
    net = KAN([2, 3, 1], seed=0, input_names=names, output_names=["y"], dtype=torch.float64)
    y = net.predict(X)[:, 0]
    return ReportContent("t", "t.csv", names, "y", X[:50], y[:50], X[50:], y[50:], network=net), net


def number(page) -> float:
    return float(page.locator(".live-number").inner_text().split(" ")[0].replace("−", "-"))


@pytest.mark.slow
@SCHEMES
def test_the_number_follows_what_is_typed(page, scheme):
    content, net = plain()
    one = page(content, color_scheme=scheme)
    for typed, value in (("0.25", 0.25), ("−0,5", -0.5), ("3", 3.0)):
        one.get_by_label("u", exact=True).nth(1).fill(typed)
        one.keyboard.press("Enter")
        one.get_by_label("v", exact=True).nth(1).fill("0.1")
        one.keyboard.press("Enter")
        assert number(one) == pytest.approx(float(net.predict([[value, 0.1]])[0, 0]), rel=1e-5)
    assert one.locator(".live-note:not([hidden])").count() == 1
    one.get_by_label("u", exact=True).nth(1).fill("no number")
    one.keyboard.press("Enter")
    assert one.get_by_label("u", exact=True).nth(1).get_attribute("aria-invalid") == "true"


@pytest.mark.slow
@SCHEMES
def test_a_slider_moves_dots_wires_and_values_by_keyboard(page, scheme):
    content, _net = plain()
    one = page(content, color_scheme=scheme)
    places = "Array.from(document.querySelectorAll('.live-dot'), (dot) => dot.getAttribute('cx')).join()"
    before = one.evaluate(places), number(one), one.locator(".live-value").first.text_content()
    one.get_by_label("u", exact=True).first.focus()
    for _ in range(60):
        one.keyboard.press("ArrowRight")
    assert one.evaluate(places) != before[0]
    assert number(one) != before[1]
    assert one.locator(".live-value").first.text_content() != before[2]
    assert one.locator("#live-row").input_value() == ""
    assert one.locator(".wire.push-up").count() + one.locator(".wire.push-down").count() > 0


@pytest.mark.slow
def test_a_row_is_the_row_of_the_table_and_its_parts_add_up(page):
    content, net = plain()
    one = page(content)
    one.locator("#live-row").select_option(label="held-out row 7")
    assert number(one) == pytest.approx(float(net.predict(content.X_test[[6]])[0, 0]), rel=1e-5)
    assert "Observed: " in one.locator(".live-truth").inner_text()
    told = one.locator(".live-sum").inner_text().replace("−", "-")
    base = float(told.split("It is ")[1].split(" on average")[0])
    parts = [
        float(constraint.inner_text().replace("−", "-"))
        for constraint in one.locator(".live-sum .size").all()
    ]
    assert base + sum(parts) == pytest.approx(number(one), abs=2e-2)


@pytest.mark.slow
def test_the_formula_stands_beside_the_network_and_answers_for_the_same_row(page):
    content, _net = plain()
    u, v = sympy.symbols("u v")
    one = page(dataclasses.replace(content, formula=Formula(sympy.sin(u) + v**2 / 3, ("u", "v"))))
    assert one.locator("section").first.locator("#formula .math, #live svg.net").count() == 2
    assert one.locator("#formula math").count() == 1
    one.get_by_label("u", exact=True).nth(1).fill("0,5")
    one.keyboard.press("Enter")
    one.get_by_label("v", exact=True).nth(1).fill("-2")
    one.keyboard.press("Enter")
    assert f"The formula gives {np.sin(0.5) + 4 / 3:.6g}." in one.locator(".live-answer").inner_text()


@pytest.mark.slow
def test_edges_are_found_by_name_form_and_shape(page):
    names = ("speed", "mass", "time")
    X = np.random.default_rng(0).uniform(-1, 1, (80, 3))
    net = set_symbolic(KAN([3, 5, 1], seed=0, input_names=names), (0, 1, 2), "sin").network
    y = net.predict(X)[:, 0]
    one = page(ReportContent("t", "t.csv", names, "y", X[:50], y[:50], X[50:], y[50:], network=net))
    lit = one.locator("svg.net").first.locator("a.edge:not(.dim)")
    assert lit.count() == 20
    one.locator("#live-find-edge").fill("MASS")
    assert lit.count() == 5
    assert one.locator(".live-edges [role=status]").inner_text() == "5 found; Enter opens the first"
    one.locator("#live-find-edge").fill("mass sin")
    assert lit.count() == 1
    one.keyboard.press("Enter")
    assert "mass" in one.locator("#large-title").inner_text()
    one.keyboard.press("Escape")
    one.locator("#live-find-edge").fill("no such edge")
    assert lit.count() == 0


@pytest.mark.slow
def test_one_of_many_words_is_typed_and_one_without_a_level_is_said_to_be(page):
    rng = np.random.default_rng(0)
    words = np.array([f"town {k:04d}" for k in range(1000)], dtype=object)
    often = np.where(rng.uniform(size=6000) < 0.8, rng.integers(0, 40, 6000), rng.integers(0, 1000, 6000))
    data = {"town": words[often], "size": rng.uniform(0, 1, 6000)}
    y = data["size"] + often % 10
    model = KANRegressor(mode="additive", members=1, work=0.01).fit(data, y)
    column = model.encoding_.columns[0]
    one = page(content_from_estimator(model, data, y, data, y, target="rent"))
    one.set_default_timeout(30_000)
    field = one.get_by_label("town", exact=True)
    known = next(level for level in column.levels if level.startswith("town"))
    for word, note in ((known, False), ("town 0999", True), ("nowhere", True), ("", False)):
        field.fill(word)
        field.press("Tab")
        size = one.get_by_label("size", exact=True).nth(1).input_value()
        want = model.predict({"town": [word or None], "size": [float(size)]})[0]
        assert number(one) == pytest.approx(want, rel=1e-3)
        assert one.get_by_text("no level of its own: read as").is_visible() == note


@pytest.mark.slow
def test_a_part_of_the_sum_opens_its_curve(page):
    one = page(plain()[0])
    one.locator(".live-open").first.click()
    assert one.locator("#large").is_visible()


@pytest.mark.slow
def test_raw_cells_of_an_estimator_missing_ones_and_classes(page):
    data = table(120, 3)
    y = np.where(np.array(data["flag"]) ^ (np.array(data["size"]) > 5), "yes 'q'", "nö")
    model = KANClassifier(mode="additive", members=1, work=0.01).fit(data, y)
    content = content_from_estimator(model, data, y, data, y, target="tree")
    one = page(content)
    shown = one.locator(".live-number").inner_text()
    assert shown.startswith(("nö, ", "yes 'q', "))
    one.locator("#live-row").select_option(label="held-out row 8")
    odds = model.predict_proba({name: cells[7:8] for name, cells in data.items()})[0]
    told = [float(t.inner_text().strip("<> %")) / 100 for t in one.locator(".live-classes .size").all()]
    assert told == pytest.approx(odds.tolist(), abs=6e-4)
    one.get_by_label("kind", exact=True).select_option(label="missing")
    data["kind"] = [None] * 120
    odds = model.predict_proba({name: cells[7:8] for name, cells in data.items()})[0]
    told = [float(t.inner_text().strip("<> %")) / 100 for t in one.locator(".live-classes .size").all()]
    assert told == pytest.approx(odds.tolist(), abs=6e-4)


def granted():
    rng = np.random.default_rng(0)
    data = {"income": rng.uniform(0, 100, 400).round(1), "member": rng.choice(["yes", "no"], 400)}
    y = np.where(0.1 * (data["income"] - 50) + 2.0 * (data["member"] == "yes") > 0, "granted", "refused")
    return data, y, KANClassifier(mode="additive", members=1, work=0.01).fit(data, y)


@pytest.mark.slow
@SCHEMES
def test_a_row_is_set_to_its_nearest_change_and_compared_with_itself(page, scheme):
    data, y, model = granted()
    content = content_from_estimator(model, data, y, data, y, target="loan")
    assert sum(way is not None for way in content.ways) == 8
    one = page(content, color_scheme=scheme)
    rows = one.locator("#live-row optgroup").first.locator("option")
    assert rows.count() == 8
    one.locator("#live-row").select_option(rows.nth(3).get_attribute("value"))
    before = one.locator(".live-number").inner_text().split(",")[0]
    one.get_by_role("button", name="Set it to the nearest row").click()
    after = one.locator(".live-number").inner_text().split(",")[0]
    assert {before, after} == {"granted", "refused"}
    place = int(rows.nth(3).inner_text().removeprefix("held-out row ")) - 1
    way = content.ways[content.cell_rows.index(place)]
    assert one.locator(".live-status").inner_text() == f"Changed: {way.words}"
    changed = dict(zip(("income", "member"), ([cell] for cell in way.cells), strict=True))
    assert model.predict(changed)[0] == after
    table_text = one.locator(".live-side table").inner_text()
    assert f"held-out row {place + 1}" in table_text
    assert "the nearest change" in table_text
    assert before in table_text
    one.get_by_role("button", name="Stop comparing").click()
    assert one.locator(".live-side table").count() == 0
    one.get_by_role("button", name="Keep this row").click()
    one.locator("#live-row").select_option("0")
    assert "held-out row 1" in one.locator(".live-side table").inner_text()


@pytest.mark.slow
def test_calibrated_classes_with_sets_and_numbers_with_intervals(page):
    data, y, model = granted()
    better = calibrate(model, data, y)
    sure = conformal(better, data, y, alpha=0.2)
    content = content_from_estimator(better, data, y, data, y, target="loan", intervals=sure)
    one = page(content)
    one.locator("#live-row").select_option(label="held-out row 1")
    first = {name: cells[:1] for name, cells in data.items()}
    told = [float(t.inner_text().strip("<> %")) / 100 for t in one.locator(".live-classes .size").all()]
    assert told == pytest.approx(better.predict_proba(first)[0].tolist(), abs=1.1e-3)
    (left,) = sure.predict_set(first)
    assert f"Cannot be excluded: {', '.join(left)}. " in one.locator(".live-answer").inner_text()

    target = 0.1 * data["income"] * np.random.default_rng(1).uniform(0.5, 1.5, 400)
    numbers = KANRegressor(mode="additive", members=1, work=0.01).fit(data, target)
    for local in (False, True):
        sure = conformal(numbers, data, target, local=local)
        one = page(content_from_estimator(numbers, data, target, data, target, intervals=sure))
        one.locator("#live-row").select_option(label="held-out row 1")
        low, high = sure.predict_interval(first)[0]
        middle, half = one.locator(".live-number").inner_text().replace("−", "-").split(" ± ")
        assert float(half) == pytest.approx((high - low) / 2, rel=6e-3)
        assert float(middle) == pytest.approx((high + low) / 2, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["zoom", "forced", "calm"])
def test_nothing_is_lost_at_400_percent_in_forced_colours_and_without_motion(page, way):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    data, y, model = granted()
    options = (
        {"forced_colors": "active"}
        if way == "forced"
        else {"reduced_motion": "reduce"}
        if way == "calm"
        else {}
    )
    one = page(content_from_estimator(model, data, y, data, y, target="loan"), **options)
    if way == "zoom":  # 1280 by 1024 pixels, enlarged four times
        one.set_viewport_size({"width": 320, "height": 256})
    one.locator("#live-row").select_option("0")
    one.get_by_role("button", name="Set it to the nearest row").click()
    assert one.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for part in (".live-number", ".live-status", ".live-side table", "svg.net"):
        assert one.locator(part).first.is_visible()
    found = axe.Axe().run(one)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.slow
def test_bars_tell_up_from_down_in_forced_colours(page):
    data, y, model = granted()
    one = page(content_from_estimator(model, data, y, data, y, target="loan"), forced_colors="active")
    seen = {".fill:not(.down)": set(), ".fill.down": set(), ".track": set()}
    for row in range(8):
        one.locator("#live-row").select_option(str(row))
        for part, colours in seen.items():
            colours.update(
                constraint.evaluate("part => getComputedStyle(part).backgroundColor")
                for constraint in one.locator(f".live-sum .live-bar {part}").all()
            )
    assert [len(colours) for colours in seen.values()] == [1, 1, 1], seen
    assert len(set.union(*seen.values())) == 3, seen


@pytest.mark.slow
def test_a_decision_is_turned_by_keyboard_alone(page):
    data, y, model = granted()
    one = page(content_from_estimator(model, data, y, data, y, target="loan"))
    one.locator("#live-row").focus()
    one.keyboard.press("ArrowDown")
    one.keyboard.press("ArrowDown")
    before = one.locator(".live-number").inner_text().split(",")[0]
    for _ in range(40):
        one.keyboard.press("Tab")
        if "nearest row" in one.evaluate("document.activeElement.textContent").strip()[:60]:
            break
    one.keyboard.press("Enter")
    assert one.locator(".live-number").inner_text().split(",")[0] != before


@pytest.mark.slow
def test_a_screen_reader_is_told_what_everything_is(page):
    data, y, model = granted()
    one = page(content_from_estimator(model, data, y, data, y, target="loan"))
    told = one.locator("#live").aria_snapshot()
    for part in (
        'combobox "Row"',
        'slider "income"',
        'textbox "income"',
        'combobox "member"',
        "status",
        'region "Network diagram"',
        'link "income to log-odds of refused, ',
        'button "Keep this row beside the next"',
    ):
        assert part in told, part
    one.get_by_label("income", exact=True).first.focus()
    one.keyboard.press("ArrowRight")
    field = one.get_by_label("income", exact=True).nth(1).input_value()
    assert one.get_by_label("income", exact=True).first.get_attribute("aria-valuetext") == field


@pytest.mark.slow
def test_hostile_names_stay_words(page):
    one = page(build())
    assert EVIL in one.locator(".live").inner_text()
    assert one.locator("#live script, #live img").count() == 0


@pytest.mark.slow
def test_without_a_script_the_drawing_stands(page):
    content, _ = plain()
    one = page(content, java_script_enabled=False)
    assert one.locator("svg.net").first.is_visible()
    assert one.locator("#live input, #live select, #live button").count() == 0


def test_a_network_of_coded_columns_without_its_encoding_is_not_live():
    content = build_classes()
    assert content.inputs
    assert live_data(content, ()) is None


def test_the_bundle_is_small():
    import gzip

    assert len(gzip.compress(BUNDLE.read_bytes(), 9)) < 25_000


@pytest.mark.slow
def test_a_curve_is_copied_as_a_table_and_as_a_drawing(page):
    content, net = plain()
    one = page(content, permissions=["clipboard-read", "clipboard-write"])
    one.locator("figure[data-edge='0-0-1'] button.enlarge").click()
    one.get_by_role("button", name="Copy as CSV").click()
    one.locator("#large [role='status']:has-text('Copied.')").wait_for()
    head, *lines = one.evaluate("navigator.clipboard.readText()").splitlines()
    assert head == '"u","function"'
    x, y = np.array([[float(v) for v in line.split(",")] for line in lines]).T
    assert (len(x), x[0], x[-1]) == (201, content.X[:, 0].min(), content.X[:, 0].max())
    inner = (x - float(net.input_shift[0])) / float(net.input_scale[0])
    want = net.layers[0].edge(0, 1, torch.from_numpy(inner)).detach().numpy()
    np.testing.assert_allclose(y - y[0], want - want[0], rtol=0, atol=1e-12)
    one.get_by_role("button", name="Copy as Python").click()
    one.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('import numpy'))")
    room: dict = {}
    exec(compile(one.evaluate("navigator.clipboard.readText()"), "copied", "exec"), room)
    wide = np.linspace(-3, 3, 301)
    inner = (wide - float(net.input_shift[0])) / float(net.input_scale[0])
    far = net.layers[0].edge(0, 1, torch.from_numpy(inner)).detach().numpy()
    got = room["edge_0_0_1"](wide)
    np.testing.assert_allclose(got - got[150], far - far[150], rtol=0, atol=1e-12)
    one.get_by_role("button", name="Copy as SVG").click()
    one.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('<svg'))")


@pytest.mark.slow
def test_rows_stay_out_of_the_page_where_they_are_not_allowed():
    """Neither as cells, nor as points of drawings, nor as lines of tables."""
    content, _ = plain()
    u, v = sympy.symbols("u v")
    front = (Formula(u + v, ("u", "v"), error=1.0, r2=0.5), Formula(u**2 - v, ("u", "v"), error=0.5, r2=0.6))
    own = AccuracyRow("KAN", ours=True, predicted=content.network.predict(content.X_test)[:, 0])
    full = dataclasses.replace(content, formula=front[1], front=front, accuracy=(own,))
    shut = dataclasses.replace(full, rows=False)
    data = live_data(shut, ())
    assert data.rows == ()
    assert data.start == tuple(np.median(content.X, axis=0))
    open_page, page = render_report(full), render_report(shut)
    for part in ("Scatter of predicted", "The rows missed most", "What is left over</b>"):
        assert part in open_page
        assert part not in page
    # Five digits of any cell but those at the ends of a column, which are the training range.
    cells = np.concatenate([content.X, content.X_test]).ravel().tolist() + content.y_test.tolist()
    ends = {*content.X.min(0).tolist(), *content.X.max(0).tolist(), *data.start}
    told = [f"{abs(cell):.5f}"[:7] for cell in cells if cell not in ends]
    assert any(entry in open_page for entry in told)
    assert not any(entry in page for entry in told)


def test_a_program_of_another_network_is_refused():
    content, _ = plain()
    other = program_of(KAN([2, 4, 1], seed=0, input_names=["u", "v"]))
    with pytest.raises(InputError, match="'program' argument must be that of its network"):
        dataclasses.replace(content, program=other)
