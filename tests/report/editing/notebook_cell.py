"""A view in a page of its own, its messages handed to Python as anywidget does."""

from __future__ import annotations

from importlib.resources import files

from edgewise.report.editing import View, style
from tests.report.conftest import HANGS

SOURCE = (files("edgewise.report.editing") / "view.js").read_text(encoding="utf-8")
_HOST = """async ({ source, parts }) => {
  const { render } = (await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })))).default;
  const heard = {};
  const model = {
    get: (name) => parts[name], on: (name, act) => { heard[name] = act; }, off() {},
    send: async (message) => {
      Object.assign(parts, await window.toPython(message));
      heard["change:drawing"]();
      heard["change:state"]();
      document.title = String(Number(document.title) + 1);
    },
  };
  render({ model, el: document.querySelector("#cell") });
}"""


def shown(browser, view: View, folder, width: int = 1280, **options):
    """The page, and everything it complained of."""
    file = folder / "cell.html"
    file.write_text(
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>0</title>'
        '<meta name="viewport" content="width=device-width"><body>'
        '<main><h1>A notebook</h1><div id="cell"></div></main>',
        encoding="utf-8",
    )
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    context.set_default_timeout(HANGS)
    page, told = context.new_page(), []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto(file.as_uri())

    def receive(message):
        view.receive(message)
        return {"state": view.state(), "drawing": view.drawing()}

    page.expose_function("toPython", receive)
    parts = {"state": view.state(), "drawing": view.drawing(), "sheet": style()}
    page.evaluate(_HOST, {"source": SOURCE, "parts": parts})
    return page, told


def answered(page, count: int) -> None:
    """Waits until Python has answered so many messages."""
    page.wait_for_function(f"Number(document.title) >= {count}")
