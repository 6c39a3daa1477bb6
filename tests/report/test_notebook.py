"""What a notebook shows: a frame that is alive, a picture beneath it, formulas as mathematics."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

import edgewise as ew
from edgewise import KANClassifier, calibrate, counterfactuals, explain, verify
from edgewise._core import notebook
from edgewise.network import KAN, mask_edges
from edgewise.report.notebook import HTML, network_html
from edgewise.symbolic import Formula
from edgewise.training import fit
from tests.report.conftest import EVIL, HANGS


@pytest.fixture(scope="module")
def net():
    return KAN([2, 3, 1], seed=0, input_names=[EVIL, "b"], output_names=["<b>y</b>"])


def test_the_frame_may_run_its_own_scripts_and_nothing_else(net):
    shown = network_html(net)
    assert EVIL not in shown
    (frame,) = re.findall(r"<iframe ([^>]*)>", shown)
    assert 'sandbox="allow-scripts"' in frame
    page = html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])
    assert "default-src 'none'" in page
    assert EVIL not in page
    assert re.findall(r"\w+://", page) == []
    assert re.search(r'<img src="data:image/png;base64,[^"]+"', shown)


@pytest.mark.slow
def test_it_is_alive_in_a_saved_page(net, browser, tmp_path):
    file = tmp_path / "saved.html"
    file.write_text(
        f"<!DOCTYPE html><meta charset=utf-8><title>t</title>{network_html(net)}", encoding="utf-8"
    )
    context = browser.new_context(offline=True)
    context.set_default_timeout(HANGS)
    page, told = context.new_page(), []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(file.as_uri())
    frame = page.frame_locator("iframe")
    for value in (0.5, -0.25):
        for name in (EVIL, "b"):
            frame.get_by_label(name, exact=True).nth(1).fill(str(value))
            frame.get_by_label(name, exact=True).nth(1).press("Enter")
        shown = frame.locator(".live-number").inner_text().replace("−", "-")
        assert float(shown) == pytest.approx(float(net.predict([[value, value]])[0, 0]), rel=1e-5)
    frame.locator(".live-open").first.click()
    assert frame.locator("#large").is_visible()
    assert told == []
    context.close()


def test_results_and_formulas_show_themselves():
    X = np.linspace(-1, 1, 40)[:, None]
    fitted = fit(KAN([1, 1], seed=0), X, X[:, 0] ** 2, steps=3)
    assert "<iframe" in HTML["FitResult"](fitted)
    formula = Formula(sympy.sin(sympy.Symbol(EVIL)) ** 2, (EVIL,))
    shown = HTML["Formula"](formula)
    assert "<svg" in shown
    assert EVIL not in shown


@pytest.fixture(scope="module")
def model():
    """A small table and a classifier of it, whose names and words are markup."""
    rng = np.random.default_rng(0)
    X = {EVIL: np.where(rng.uniform(size=200) > 0.5, EVIL, "b"), "n": rng.uniform(size=200)}
    y = np.where(X["n"] + (X[EVIL] == "b") + 0.3 * rng.normal(size=200) > 1, "yes", EVIL)
    return X, y, KANClassifier("additive", work="quick").fit(X, y)


@pytest.fixture(scope="module")
def found(model):
    """An explanation of each kind, proofs and an audit of it."""
    X, y, model = model
    return [
        explain(model, X),
        explain(model, X, row=0),
        counterfactuals(model, X, row=int((y != "yes").argmax())),
        verify(model, "monotone(n, increasing)"),
        verify(model, "monotone(n, decreasing)"),
        ew.audit(model, X, y, protected=EVIL),
    ]


@pytest.mark.slow
def test_estimators_answer_in_the_columns_of_their_table(model, browser, tmp_path):
    """Calibrated or not: what is typed into the frame of a saved page is what `predict_proba` says."""
    X, y, plain = model
    for one in (plain, calibrate(plain, X, y)):
        shown = HTML[type(one).__name__](one)
        assert EVIL not in shown
        file = tmp_path / "saved.html"
        file.write_text(f"<!DOCTYPE html><meta charset=utf-8><title>t</title>{shown}", encoding="utf-8")
        page = browser.new_page()
        page.set_default_timeout(HANGS)
        page.goto(file.as_uri())
        frame = page.frame_locator("iframe")
        frame.get_by_label(EVIL, exact=True).select_option(label="b")
        frame.get_by_label("n", exact=True).nth(1).fill("0,75")
        frame.get_by_label("n", exact=True).nth(1).press("Enter")
        told = [float(t.strip("<> %")) / 100 for t in frame.locator(".live-classes .size").all_inner_texts()]
        assert told == pytest.approx(one.predict_proba({EVIL: ["b"], "n": [0.75]})[0].tolist(), abs=1.1e-3)
        page.close()
    assert "<iframe" not in HTML["KANClassifier"](KANClassifier())


@pytest.mark.slow
def test_explanations_proofs_and_audits_show_themselves(found):
    shown = [HTML[type(item).__name__](item) for item in found]
    assert all(EVIL not in item for item in shown)
    assert ["<img" in item for item in shown] == [True, True, True, False, False, True]
    assert "Proved" in shown[3]
    assert "Refuted" in shown[4]


@pytest.mark.slow
def test_a_formula_is_seen_once_though_it_is_there_to_be_copied_too(browser, tmp_path):
    """A notebook has no sheet of ours, so that what is hidden has to be so by itself."""
    formula = Formula(sympy.Symbol("a") ** 2 * sympy.Symbol("b"), ("a", "b"))
    file = tmp_path / "saved.html"
    file.write_text(f"<!DOCTYPE html><meta charset=utf-8><title>t</title>{HTML['Formula'](formula)}", "utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    seen = page.locator("math").evaluate("each => each.getBoundingClientRect().width")
    assert seen <= 1
    assert page.locator(".math svg").bounding_box()["width"] > 10
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize("width", [700, 1000])
@pytest.mark.parametrize("shape", [[2, 1], [3, 4, 1], [12, 8, 1]])
def test_the_frame_is_as_high_as_what_it_shows(browser, tmp_path, shape, width):
    file = tmp_path / "saved.html"
    shown = network_html(KAN(shape, seed=0))
    file.write_text(
        f"<!DOCTYPE html><meta charset=utf-8><title>t</title><body style='margin:0'>{shown}", "utf-8"
    )
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(HANGS)
    page.goto(file.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator(".live-number").wait_for()
    high, room = frame.locator("main").evaluate("each => [each.getBoundingClientRect().height, innerHeight]")
    assert room - 420 < high <= room
    page.close()


def test_a_network_without_edges_is_still_shown():
    assert "<iframe" in network_html(mask_edges(KAN([1, 1], seed=0), [(0, 0, 0)]).network)


@pytest.mark.slow
def test_a_notebook_learns_by_name_what_to_show(monkeypatch, net):
    told = {}
    formatter = SimpleNamespace(
        for_type_by_name=lambda module, name, show: told.update({(module, name): show})
    )
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"text/html": formatter}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    notebook.register()
    assert {name for _, name in told} == set(HTML)
    for module, name in told:
        assert hasattr(sys.modules.get(module) or __import__(module, fromlist=[name]), name)
    assert told[KAN.__module__, "KAN"](net) == network_html(net)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    notebook.register()


@pytest.mark.slow
def test_importing_edgewise_loads_none_of_it():
    names = ("numpy", "torch", "edgewise.report", "edgewise._core.notebook")
    code = f"import sys, edgewise; print([m for m in {names} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
