"""The live network of a report: how many bytes it takes, and what moving a slider costs the browser.

Milliseconds are those that Chromium's own counters give for script, style and layout, a slider event each, without
painting, which a machine without a screen does not do as a reader's does. Needs Chromium.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
from _common import Report, Run, begin

import edgewise as ew
from edgewise.report import ReportContent, write_report
from edgewise.report.live import page_data

SHAPES = ([2, 5, 1], [10, 10, 5, 1], [50, 20, 10, 1])
EVENTS = 200
COUNTED = ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
# Moves a slider to and fro; reading a size makes the browser lay the page out at once.
MOVE = """(count) => {
  const slider = document.querySelector(".live input[type=range]");
  const [low, high] = [Number(slider.min), Number(slider.max)];
  for (let k = 0; k < count; k++) {
    slider.value = String(low + (high - low) * (0.5 + 0.5 * Math.sin(k)));
    slider.dispatchEvent(new Event("input"));
    document.querySelector("svg.net").getBoundingClientRect();
  }
}"""


def page(shape: list[int], folder: Path) -> tuple[Path, int, int]:
    """A report with such a network: its file, its size compressed, and its size without the live network."""
    net = ew.KAN(shape, seed=0)
    low, high = net.input_range().double().numpy().T
    X = np.random.default_rng(0).uniform(low, high, (400, shape[0]))
    y = net.predict(X)[:, 0]
    content = ReportContent(
        "A network", "table.csv", net.input_names, "y", X[:300], y[:300], X[300:], y[300:], network=net
    )
    path = write_report(folder / f"{'-'.join(map(str, shape))}.html", content)
    text = path.read_text(encoding="utf-8")
    start = text.index('<script type="application/json" id="live-data">')
    end = text.index("</script>", start)
    bundle = (Path(str(files(page_data.__package__))) / "live.js").read_text(encoding="utf-8").strip()
    without = text[:start] + text[end:].replace(bundle, "")
    return path, len(gzip.compress(text.encode(), 9)), len(gzip.compress(without.encode(), 9))


def pages(run: Run) -> None:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    bundle = Path(str(files(page_data.__package__))) / "live.js"
    print("## pages\n")
    report = Report(run, "pages", ["shape", "edges", "kB", "of it live, kB", "ms an event", *COUNTED])
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for shape in SHAPES:
            path, whole, without = page(shape, Path(name))
            one = browser.new_page()
            one.goto(path.as_uri())
            one.evaluate(MOVE, 20)  # compiled by then
            session = one.context.new_cdp_session(one)
            session.send("Performance.enable")
            before, after = _counters(session), {}
            one.evaluate(MOVE, EVENTS)
            after = _counters(session)
            each = [1000 * (after[k] - before[k]) / EVENTS for k in COUNTED]
            edges = sum(a * b for a, b in pairwise(shape))
            report.add(str(shape), edges, whole / 1000, (whole - without) / 1000, sum(each), *each)
            one.close()
        browser.close()
    size = len(gzip.compress(bundle.read_bytes(), 9)) / 1000
    report.note(
        f"The script is {size:.1f} kB compressed (aim: at most 25); an event is to cost at most 6 ms."
    )
    report.save()


def _counters(session) -> dict[str, float]:
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


if __name__ == "__main__":
    pages(begin("live_page", "The live network of a report"))
