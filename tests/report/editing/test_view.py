"""The view as whoever edits a network meets it: in a real browser, its messages answered by Python."""

from __future__ import annotations

import gzip
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

import edgewise as ew
from tests.report.conftest import EVIL, NAMES
from tests.report.editing.notebook_cell import SOURCE, answered, shown

pytestmark = pytest.mark.slow

X = np.random.default_rng(0).uniform(-1, 1, (150, 2))
Y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2


SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def made(names=("u", "v")):
    net = ew.KAN([2, 3, 1], seed=0, dtype=torch.float64, input_names=names, output_names=("y",))
    return ew.view(net, X, Y, results=(ew.verify(net, "range(-1000, 1000)"),))


@SCHEMES
def test_edge_by_edge(browser, tmp_path, scheme):
    """Open, ranked closed forms, snap, error, undo, another choice, the formula follows, the script repeats it."""
    net = ew.KAN([2, 1], seed=0, dtype=torch.float64, input_names=("u", "v"), output_names=("y",))
    view = ew.view(net, X, Y)
    page, told = shown(browser, view, tmp_path, color_scheme=scheme)
    page.locator("a.edge .frame").first.click()
    answered(page, 1)
    key = page.locator("a.edge").first.get_attribute("data-edge").split("-")
    assert page.locator(".edit-large svg.chart").is_visible()
    assert "spline" in page.locator(".edit-large figcaption").inner_text()
    page.get_by_role("button", name="Suggest closed forms").click()
    answered(page, 2)
    assert page.locator(".edit-forms li").count() > 3
    assert "R²" in page.locator(".edit-forms li").first.inner_text()
    page.locator(".edit-forms button").nth(1).click()
    answered(page, 3)
    edge = tuple(map(int, key))
    assert view.network.layers[edge[0]].kind(*edge[1:]) == "symbolic"
    assert "closed form" in page.locator(".edit-large figcaption").inner_text()
    assert "→" in page.locator(".edit-status").inner_text()
    page.get_by_role("button", name="Undo").click()
    answered(page, 4)
    assert view.network.layers[edge[0]].kind(*edge[1:]) == "numeric"
    done = 4
    for at in ([0, 0, 0], [0, 1, 0]):
        listed = [item["edge"] for item in view.drawing()["edges"]]
        page.locator("#edit-edge").select_option(str(listed.index(at)))
        answered(page, done + 1)
        page.get_by_role("button", name="Suggest closed forms").click()
        answered(page, done + 2)
        page.locator(".edit-forms button").first.click()
        answered(page, done + 3)
        done += 3
    assert page.locator(".edit-formula .math").count() == 1
    page.locator("#edit-note").fill("reads as a law")
    page.locator("#edit-note").press("Enter")
    answered(page, done + 1)
    page.get_by_text("The edits as Python").click()
    script = page.locator("pre").inner_text()
    assert "# reads as a law" in script
    room: dict = {}
    exec(compile(script, "script", "exec"), room)
    again = room["edited"](net, X)
    assert all(
        torch.equal(a, b)
        for a, b in zip(again.state_dict().values(), view.network.state_dict().values(), strict=True)
    )
    assert told == []
    page.context.close()


def test_the_chosen_curve_is_copied(browser, tmp_path):
    view = made()
    page, told = shown(browser, view, tmp_path, permissions=["clipboard-read", "clipboard-write"])
    for name, head in (("CSV", '"'), ("SVG", "<svg"), ("Python", "import numpy as np")):
        page.get_by_role("button", name=f"Copy as {name}").click()
        page.wait_for_function(f"navigator.clipboard.readText().then((text) => text.startsWith({head!r}))")
    assert page.locator(".copies [role=status]").inner_text() == "Copied."
    layer, source, target = view.drawing()["opened"]["edge"]
    room: dict = {}
    exec(compile(page.evaluate("navigator.clipboard.readText()"), "copied", "exec"), room)
    x = np.linspace(-2, 2, 41)
    inner = torch.from_numpy(x)
    if layer == 0:
        inner = (inner - view.network.input_shift[source]) / view.network.input_scale[source]
    height = 1.0 if layer == 0 else float(view.network.output_scale[target])
    want = height * view.network.layers[layer].edge(source, target, inner).detach().numpy()
    got = room[f"edge_{layer}_{source}_{target}"](x)
    np.testing.assert_allclose(got - got[20], want - want[20], rtol=0, atol=1e-12)
    assert told == []
    page.context.close()


@SCHEMES
def test_monotone_on_a_range_and_points_by_keyboard_alone(browser, tmp_path, scheme):
    view = made()
    page, told = shown(browser, view, tmp_path, color_scheme=scheme)
    press = page.keyboard.press

    def go(name: str) -> None:
        for _ in range(60):
            press("Tab")
            inner = "let a = document.activeElement; while (a.shadowRoot?.activeElement) a = a.shadowRoot.activeElement;"
            if page.evaluate(f"() => {{ {inner} return a.id || a.textContent; }}") == name:
                return
        raise AssertionError(f"{name} is not reached by the tab key")

    go("edit-from")
    page.keyboard.type("−0,5")
    press("Tab")
    page.keyboard.type("0.5")
    go("Rising")
    press("Enter")
    answered(page, 1)
    layer, source, target = view.history.path()[1].call.arguments[0][1]
    x = torch.linspace(-0.5, 0.5, 200, dtype=torch.float64)
    if layer == 0:
        x = (x - view.network.input_shift[source]) / view.network.input_scale[source]
    assert float(view.network.layers[layer].edge(source, target, x).detach().diff().min()) >= -1e-12
    go("edit-points")
    page.keyboard.type("-0,2 0.1\n0.4; 0.3")
    go("Through these points")
    press("Enter")
    answered(page, 2)
    assert dict(view.history.now.call.arguments)["edit"] == {-0.2: 0.1, 0.4: 0.3}
    assert told == []
    page.context.close()


@SCHEMES
def test_a_column_is_flattened_and_those_it_decides_for_are_told(browser, tmp_path, scheme):
    """A refusal less: who changes is said, the proof of the model before is stale, and the new one is proved."""
    rng = np.random.default_rng(0)
    table = {"income": rng.uniform(0, 100, 300).round(1), "status": rng.choice(["wed", "single"], 300)}
    y = np.where(0.1 * (table["income"] - 50) + 2.0 * (table["status"] == "wed") > 0, "granted", "refused")
    model = ew.KANClassifier(mode="additive", members=1, work=0.01).fit(table, y)
    claims = ("never_flips(status)", "monotone(income, decreasing)")
    before = [ew.verify(model, claim) for claim in claims]
    assert [item.status for item in before] == ["refuted", "proved"]
    view = ew.view(model, table, y, results=before)
    page, told = shown(browser, view, tmp_path, color_scheme=scheme)
    page.get_by_role("button", name="status", exact=False).first.click()
    answered(page, 1)
    assert "status" in page.locator(".edit-large figcaption").inner_text()
    page.get_by_role("button", name="Flat", exact=True).click()
    answered(page, 2)
    flips = int((model.predict(table) != view.model.predict(table)).sum())
    assert flips > 10
    assert f"{flips} decided otherwise" in page.locator(".edit-status").inner_text()
    assert "status → " in page.locator("#edit-version option").last.inner_text()
    assert page.locator(".edit-results .stale").count() == 2
    page.get_by_role("button", name="Prove again").click()
    answered(page, 3)
    assert page.locator(".edit-results .stale").count() == 0
    assert f"{claims[0]}: proved" in page.locator(".edit-results").inner_text()
    assert told == []
    page.context.close()


def test_what_was_proved_goes_stale_and_is_proved_again(browser, tmp_path):
    view = made()
    page, told = shown(browser, view, tmp_path)
    page.locator("#edit-least").fill("0,05")
    page.get_by_role("button", name="Preview").click()
    answered(page, 1)
    assert "Would prune edges below 0.05" in page.locator(".edit-preview").inner_text()
    assert len(view.history.versions) == 1
    page.get_by_role("button", name="Prune this edge").click()
    answered(page, 2)
    assert "stale" in page.locator(".edit-results").inner_text()
    assert "looked at 3 times" in page.locator(".edit-status").inner_text()
    page.get_by_role("button", name="Prove again").click()
    answered(page, 3)
    assert "stale" not in page.locator(".edit-results").inner_text()
    page.locator("#edit-from").fill("no number")
    page.get_by_role("button", name="Flat", exact=True).click()
    assert page.locator("#edit-from").get_attribute("aria-invalid") == "true"
    assert len(view.history.versions) == 2
    assert told == []
    page.context.close()


@SCHEMES
def test_nothing_is_in_the_way_of_anyone(browser, tmp_path, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    view = made((EVIL, NAMES[1]))
    view.receive({"do": "apply", "edit": "prune", "edges": [[0, 1, 0]]})
    view.receive({"do": "suggest", "edge": [0, 0, 0]})
    page, told = shown(browser, view, tmp_path, color_scheme=scheme)
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.locator("div.frame script").count() == 0
    assert EVIL in page.locator("div.frame").inner_text()
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert told == []
    page.context.close()


def test_the_script_of_the_view_is_small():
    assert len(gzip.compress(SOURCE.encode(), 9)) < 25_000


def test_with_anywidget_messages_come_back_and_without_it_the_network_is_shown(monkeypatch):
    view = made()
    monkeypatch.setattr("edgewise.report.editing.find_spec", lambda _: None)
    bundle = view._repr_mimebundle_()
    assert "<iframe" in bundle["text/html"]
    assert "edgewise[notebook]" in bundle["text/html"]

    class Trait:
        def tag(self, sync):
            assert sync
            return self

    class Widget:
        def __init__(self, state, drawing):
            self.state, self.drawing = state, drawing

        def on_msg(self, act):
            self.act = act

        def _repr_mimebundle_(self):
            return {"widget": self.state["at"]}

    names = {
        "anywidget": SimpleNamespace(AnyWidget=Widget),
        "traitlets": SimpleNamespace(Unicode=lambda _: Trait(), Dict=Trait),
    }
    for name, stand_in in names.items():
        module = ModuleType(name)
        module.__dict__.update(vars(stand_in))
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr("edgewise.report.editing.find_spec", lambda _: True)
    assert view._repr_mimebundle_() == {"widget": 0}
    view.widget.act(view.widget, {"do": "apply", "edit": "prune", "edges": [[0, 1, 0]]}, [])
    assert view.widget.state["at"] == 1
    assert len(view.widget.drawing["edges"]) == 8
