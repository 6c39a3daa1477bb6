"""The live network of a report: its bytes, when it is first seen, what moving a slider costs the browser, and how soon
held-out errors follow an edit in a notebook. Needs Chromium.

Milliseconds of a slider event are those of the page's main thread in a trace of Chromium, processor time: script, style and
layout, without painting, which a machine without a screen does not do as a reader's does.
"""

from __future__ import annotations

import gzip
import json
import shutil
import tempfile
import time
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from _common import Report, Run, begin

import edgewise as ew
from edgewise.report import ReportContent, write_report
from edgewise.report.editing import View, style

SHAPES = ([2, 5, 1], [9, 5, 1], [10, 10, 5, 1], [50, 20, 10, 1])
EVENTS, PAINTS, EDITS, HELD_OUT = 120, 7, 20, 1000
# One event a frame, as a slider that is dragged sends them; the times of the frames come back.
MOVE = """async (count) => {
  const slider = document.querySelector(".live input[type=range]");
  const [low, high] = [Number(slider.min), Number(slider.max)];
  const frames = [];
  for (let k = 0; k < count; k++) {
    frames.push(await new Promise(requestAnimationFrame));
    slider.value = String(low + (high - low) * (0.5 + 0.5 * Math.sin(k)));
    slider.dispatchEvent(new Event("input"));
  }
  return frames.slice(1).map((at, k) => at - frames[k]);
}"""
PAINTED = """() => new Promise((done) => new PerformanceObserver((list) => {
  const first = list.getEntriesByName("first-contentful-paint")[0];
  if (first) done(first.startTime);
}).observe({ type: "paint", buffered: true }))"""
STYLE, LAYOUT, EVENT = ("UpdateLayoutTree", "RecalculateStyles"), ("Layout",), "EventDispatch"
# A view in a page of its own: errors are shown as soon as they are told, the drawing when it comes.
VIEW = """async ({ source, parts }) => {
  const { render } = (await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })))).default;
  const heard = {};
  const model = {
    get: (name) => parts[name], on: (name, act) => { heard[name] = act; }, off() {},
    send: async (message) => {
      const shown = (name) => {
        const began = performance.now();
        heard[name]();
        document.body.getBoundingClientRect();
        return performance.now() - began;
      };
      parts.state = await window.edit(message);
      const told = shown("change:state");
      parts.drawing = await window.drawing();
      window.times.push([told, shown("change:drawing")]);
    },
  };
  window.times = [];
  window.ask = (message) => model.send(message);
  render({ model, el: document.querySelector("#cell") });
}"""


def page(shape: list[int], folder: Path) -> tuple[Path, int, int]:
    """A report with such a network: its file, its size compressed, and its size without the live network."""
    net = ew.KAN(shape, seed=0)
    X = rows(net, 400)
    y = net.predict(X)[:, 0]
    content = ReportContent(
        "A network", "table.csv", net.input_names, "y", X[:300], y[:300], X[300:], y[300:], network=net
    )
    path = write_report(folder / f"{'-'.join(map(str, shape))}.html", content)
    text = path.read_text(encoding="utf-8")
    start = text.index('<script type="application/json" id="live-data">')
    end = text.index("</script>", start)
    without = text[:start] + text[end:].replace(bundle("report.live", "live.js"), "")
    return path, compressed(text), compressed(without)


def rows(net: ew.KAN, count: int) -> np.ndarray:
    low, high = net.input_range().double().numpy().T
    return np.random.default_rng(0).uniform(low, high, (count, net.shape[0]))


def bundle(room: str, name: str) -> str:
    return Path(str(files(f"edgewise.{room}"))).joinpath(name).read_text(encoding="utf-8").strip()


def compressed(text: str) -> int:
    return len(gzip.compress(text.encode(), 9))


def pages(run: Run, browser: Any) -> None:
    print("## pages\n")
    parts = ["script", "style", "layout"]
    columns = [
        "shape",
        "edges",
        "kB",
        "of it live, kB",
        "ms an event",
        "95 %",
        *parts,
        "frame, ms",
        "frame, 95 %",
    ]
    report = Report(run, "pages", [*columns, "first paint, ms"])
    events = 20 if run.quick else EVENTS
    with tempfile.TemporaryDirectory() as name:
        for shape in SHAPES:
            path, whole, without = page(shape, Path(name))
            paint = float(np.median([painted(browser, path) for _ in range(PAINTS)]))
            one = browser.new_page()
            one.goto(path.as_uri())
            one.evaluate(MOVE, 20)  # compiled by then
            browser.start_tracing(
                page=one, categories=["devtools.timeline", "disabled-by-default-devtools.timeline"]
            )
            frames = np.array(one.evaluate(MOVE, events))
            each = costs(json.loads(browser.stop_tracing()))
            one.close()
            whole_event = each.sum(axis=1)
            edges = sum(a * b for a, b in pairwise(shape))
            report.add(
                str(shape),
                edges,
                whole / 1000,
                (whole - without) / 1000,
                float(whole_event.mean()),
                float(np.percentile(whole_event, 95)),
                *map(float, each.mean(axis=0)),
                float(np.median(frames)),
                float(np.percentile(frames, 95)),
                paint,
            )
    sizes = [
        compressed(bundle(*item)) / 1000
        for item in (("report.live", "live.js"), ("report.editing", "view.js"))
    ]
    report.note(
        f"The scripts are {sizes[0]:.1f} kB (report) and {sizes[1]:.1f} kB (notebook) compressed (aim: at most 25); "
        "a report of 50 edges is to grow by at most 60 kB, an event to cost at most 6 ms, the first paint to come in 300 ms."
    )
    report.save()


def painted(browser: Any, path: Path) -> float:
    """Milliseconds from asking for the file to its first contents, in a context of its own."""
    context = browser.new_context()
    one = context.new_page()
    one.goto(path.as_uri())
    found = one.evaluate(PAINTED)
    context.close()
    return float(found)


def costs(trace: dict[str, Any]) -> np.ndarray:
    """Milliseconds of script, style and layout of every slider event, (events, 3), from the events of a trace."""
    told = [
        traceevent
        for traceevent in trace["traceEvents"]
        if traceevent.get("ph") == "X" and "dur" in traceevent
    ]
    inputs = [
        entry
        for entry in told
        if entry["name"] == EVENT and entry["args"].get("data", {}).get("type") == "input"
    ]
    thread = {(variable["pid"], variable["tid"]) for variable in inputs}
    own = sorted(
        (entry for entry in told if (entry["pid"], entry["tid"]) in thread), key=lambda item: item["ts"]
    )
    found: list[list[float]] = []
    for item in own:
        spent = item.get("tdur", item["dur"]) / 1000
        if item in inputs:
            found.append([spent, 0.0, 0.0])
        elif found and item["name"] in (*STYLE, *LAYOUT):
            found[-1][1 if item["name"] in STYLE else 2] += spent
    return np.array(found)


def errors(run: Run, browser: Any) -> None:
    print("## errors\n")
    columns = [
        "shape",
        "edits",
        "error: Python, CPU ms",
        "page, ms",
        "both, 95 %",
        "drawing: Python, CPU ms",
        "page, ms ",
    ]
    report = Report(run, "errors", columns, 10)
    for shape in SHAPES[2:]:
        net = ew.KAN(shape, seed=0)
        X, held = rows(net, 500), rows(net, HELD_OUT)
        view = ew.view(net, X, net.predict(X)[:, 0], validation=(held, net.predict(held)[:, 0] + 0.1))
        count = 4 if run.quick else EDITS
        each = edited(browser, view, count)
        assert len(view.history.versions) == count + 1, view.message
        python, page, drawn, laid_out = np.median(each, axis=0)
        both = float(np.percentile(each[:, :2].sum(axis=1), 95))
        report.add(str(shape), count, python, page, both, drawn, laid_out)
    report.note(
        f"{HELD_OUT:,} held-out rows; their error is to follow an edit within 50 ms. What the wire between Python and page "
        "takes is the host's; live_notebook measures it whole in JupyterLab."
    )
    report.save()


def edited(browser: Any, view: View, count: int) -> np.ndarray:
    """Curves reshaped in turn, (edits, 4): milliseconds of Python and page for the error, then for the drawing."""
    spent: dict[str, list[float]] = {"edit": [], "drawing": []}

    def timed(name: str, act: Any) -> Any:
        def answer(*given: Any) -> Any:
            began = time.process_time()
            answered = act(*given)
            spent[name].append(1000 * (time.process_time() - began))
            return answered

        return answer

    def edit(message: Any) -> Any:
        view.receive(message)
        return view.state()

    one = browser.new_page(viewport={"width": 1100, "height": 900})
    one.set_content('<!DOCTYPE html><html lang="en"><body><div id="cell"></div>')
    one.expose_function("edit", timed("edit", edit))
    one.expose_function("drawing", timed("drawing", view.drawing))
    parts = {"state": view.state(), "drawing": view.drawing(), "sheet": style()}
    one.evaluate(VIEW, {"source": bundle("report.editing", "view.js"), "parts": parts})
    for edge in view.drawing()["edges"][:count]:
        asked = {"do": "apply", "edit": "shape", "edge": edge["edge"], "to": "increasing"}
        one.evaluate("(asked) => window.ask(asked)", asked)
    told, drawn = np.array(one.evaluate("window.times")).T
    one.close()
    return np.stack([spent["edit"], told, spent["drawing"], drawn], axis=1)


def main(run: Run) -> None:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        pages(run, browser)
        errors(run, browser)
        browser.close()


if __name__ == "__main__":
    main(begin("live_page", "The live network of a report"))
