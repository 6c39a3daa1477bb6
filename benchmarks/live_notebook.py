"""A network in real JupyterLab: shown alive, edited by click, saved, and opened again without a kernel.

Needs `jupyter-lab` on the path with `edgewise[notebook]` for its kernel, Playwright and Chromium. Every step ends the run
where it does not hold.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from _common import Report, Run, begin

PORT, TOKEN = 8948, "benchmark"
LAB = f"http://127.0.0.1:{PORT}"
# Milliseconds after which a step hangs, however busy the machine: a kernel first imports torch.
HANGS = 240_000
CELLS = {
    "made": "import numpy as np, edgewise as ew\n"
    "X = np.random.default_rng(0).uniform(-1, 1, (80, 2)); y = np.sin(X[:, 0])\n"
    "X_test = np.random.default_rng(1).uniform(-1, 1, (40, 2)); y_test = np.sin(X_test[:, 0])\n"
    "net = ew.KAN([2, 3, 1], seed=0)\nnet",
    "shown": "view = ew.view(net, X, y, validation=(X_test, y_test))\nview",
    "large": "net = ew.KAN([10, 10, 5, 1], seed=0)\nrows = np.random.default_rng(2).uniform(-1, 1, (1000, 10))\n"
    "large = ew.view(net, rows[:500], rows[:500, 0], validation=(rows, rows[:, 0]))\nlarge",
    "asked": "space = {}\nexec(view.script(), space)\nagain = space['edited'](net, X)\n"
    "held = np.sqrt(np.mean((view.network.predict(X_test)[:, 0] - y_test) ** 2))\n"
    "print(view, view.network is net, np.array_equal(again.predict(X_test), view.network.predict(X_test)), "
    "f'{held:.4g}', view.message or 'no message')",
}


def notebook(folder: Path) -> Path:
    blank = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [blank | {"id": name, "source": source} for name, source in CELLS.items()]
    path = folder / "edited.ipynb"
    path.write_text(
        json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})
    )
    return path


@contextmanager
def served(program: str, folder: Path):
    """JupyterLab with settings, workspaces and notebooks of its own."""
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")
    own = {name: str(folder / name.lower()) for name in (*places, "JUPYTERLAB_WORKSPACES_DIR")}
    options = [f"--port={PORT}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [program, "--no-browser", "--allow-root", *options, f"--ServerApp.root_dir={folder}"],
            env=os.environ | own,
            stdout=log,
            stderr=log,
        )
        try:
            for _ in range(HANGS // 1000):
                try:
                    api("")
                    break
                except OSError:
                    time.sleep(1)
            yield os.environ | own
        finally:
            server.terminate()
            server.wait()


def api(path: str, method: str = "GET") -> Any:
    request = urllib.request.Request(f"{LAB}/api/{path}?token={TOKEN}", method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or "null")


def run_cell(page, at: int) -> None:
    """Shift+Enter in a cell, waited for."""
    cell = page.locator(".jp-Notebook .jp-Cell").nth(at)
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    cell.locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()


def click(page, button) -> None:
    """A click of the mouse once the notebook has come to rest: it scrolls back by itself while its cells are laid out."""
    button.wait_for()
    it = button.element_handle()  # the element itself: an answer may put another in its place
    it.evaluate(
        "it => { it.hit = false; it.addEventListener('click', () => { it.hit = true; }, { once: true }); }"
    )
    while not it.evaluate("it => it.hit"):
        it.scroll_into_view_if_needed()
        before = it.bounding_box()
        page.wait_for_timeout(1000)
        at = it.bounding_box()
        if at == before and 0 < at["y"] < page.viewport_size["height"] - at["height"]:
            page.mouse.click(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)


# Milliseconds from a click to the error, and to the drawing, of what it asked for.
TIMED = """(button) => new Promise((done) => {
  const root = button.getRootNode();
  const began = performance.now();
  const after = (part, then) => {
    const seen = new MutationObserver(() => { seen.disconnect(); then(performance.now() - began); });
    seen.observe(root.querySelector(part), { childList: true });
  };
  let told = 0;
  after(".edit-status", (ms) => { told = ms; });
  after("figure.stage", (ms) => setTimeout(() => done([told, ms])));
  button.click();
})"""
EDITS = 11


def output(page, at: int) -> str:
    return page.locator(".jp-Notebook .jp-Cell").nth(at).locator(".jp-OutputArea-output pre").inner_text()


def moved(frame) -> tuple[str, str]:
    """What the still page answers before and after a number is typed."""
    number = frame.locator(".live-number")
    number.wait_for()
    before = number.inner_text()
    field = frame.get_by_label("x1", exact=True).nth(1)
    field.fill("0.5")
    field.press("Enter")
    return before, number.inner_text()


def journey(run: Run) -> None:
    program = shutil.which("jupyter-lab")
    browser_program = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if program is None or browser_program is None:
        print("skipped: jupyter-lab or Chromium is not there")
        return
    from playwright.sync_api import sync_playwright

    report = Report(run, "journey", ["step", "seen"], (40, 90))
    troubles: list[str] = []
    with (
        tempfile.TemporaryDirectory() as name,
        served(program, Path(name)) as own,
        sync_playwright() as driver,
    ):
        path = notebook(Path(name))
        browser = driver.chromium.launch(executable_path=browser_program, args=["--no-sandbox"])

        def opened(file: str):
            page = browser.new_page(viewport={"width": 1400, "height": 1300})
            page.set_default_timeout(HANGS)
            page.on("pageerror", lambda error: troubles.append(str(error)))
            page.goto(f"{LAB}/lab/tree/{file}?token={TOKEN}&reset")
            page.locator(".jp-Notebook .jp-Cell").first.wait_for()
            return page

        page = opened(path.name)
        page.get_by_text("| Idle").wait_for()  # what is run before that waits for ever
        run_cell(page, 0)
        before, after = moved(page.frame_locator(".jp-OutputArea iframe").first)
        report.add("net last in a cell, a number typed", f"{before} -> {after}")
        assert before != after

        run_cell(page, 1)
        told = page.locator(".edit-status")
        report.add("view last in a cell", told.inner_text())
        assert "40 held-out rows" in told.inner_text()
        click(page, page.get_by_role("button", name="Suggest closed forms"))
        form = page.locator(".edit-forms button").first
        form.wait_for()
        report.add("closed forms suggested", f"{page.locator('.edit-forms li').count()} forms")
        click(page, form)
        told.locator("p", has_text=re.compile("snap.*→")).wait_for()
        report.add("one taken by click", told.inner_text().splitlines()[0])
        click(page, page.get_by_role("button", name="Prune this edge"))
        told.locator("p", has_text=re.compile("prune.*→")).wait_for()
        report.add("the edge turned off by click", told.inner_text().splitlines()[0])

        run_cell(page, 3)
        said = output(page, 3).strip()
        report.add("Python: edits, same, script same, error", said)
        assert "after 2 edits. False True" in said
        assert said.split()[-3] in told.inner_text()

        run_cell(page, 2)
        large = page.locator(".jp-Notebook .jp-Cell").nth(2)
        large.locator(".edit-status").wait_for()
        times = []
        for k in range(EDITS):  # a curve made to rise, then to fall, and so on
            button = large.get_by_role("button", name=("Rising", "Falling")[k % 2])
            times.append(button.element_handle().evaluate(TIMED))
        told, drawn = (sorted(item) for item in zip(*times, strict=True))
        report.add(
            f"[10, 10, 5, 1], 1,000 held-out rows, {EDITS} edits",
            f"error told after {median(told):.0f} ms (at most {told[-1]:.0f}), drawn after {median(drawn):.0f} ms",
        )
        page.keyboard.press("Control+s")
        page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')")
        page.close()
        for session in api("sessions"):
            api(f"sessions/{session['id']}", "DELETE")
        saved = json.loads(path.read_text())
        bare = path.with_name("bare.ipynb")
        bare.write_text(json.dumps(saved | {"metadata": {}}))  # names no kernel, so none starts
        # A frame is shown in a trusted notebook only, and it is another file than the one that was run.
        subprocess.run(
            [Path(program).with_name("jupyter-trust"), bare], env=own, check=True, capture_output=True
        )
        page = opened(bare.name)
        page.locator(".jp-Dialog").get_by_role("button", name="No Kernel").click()
        before, after = moved(page.frame_locator(".jp-OutputArea iframe").first)
        report.add("saved, opened without a kernel", f"{before} -> {after}")
        assert before != after
        assert not api("kernels")
        browser.close()
    report.add("errors in the pages", "; ".join(troubles) or "none")
    assert not troubles
    report.save()


if __name__ == "__main__":
    journey(begin("live_notebook", "A network edited in JupyterLab"))
