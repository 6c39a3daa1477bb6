"""A network edited by hand in a notebook, every edit undone, judged and written down as Python."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgewise._core.extras import how_to_install
from edgewise.plots.style import DARK, LIGHT
from edgewise.report.editing.drawing import Drawing, drawn
from edgewise.report.editing.session import Session
from edgewise.report.notebook import network_html

# Seconds in which a notebook's kernel sends a message from a thread of its own.
SENDING = 0.003
_HERE = Path(__file__).parent
_STYLE = _HERE.parent / "templates" / "style.css"
_MISSING = f"<p>To edit here, <code>{how_to_install('notebook')}</code> and show the view again.</p>"


class View(Session):
    """A network that is edited by hand; made by `view`.

    Standing last in a cell it shows itself. `network` and `model` are the network and model as they are now, `script()` is
    the Python that makes the same edits, and `receive` takes an edit from Python as it does from the page:
    ``view.receive({"do": "apply", "edit": "prune", "edges": [[0, 1, 0]]})``; then `message` says what was
    wrong, if anything.
    """

    def drawing(self) -> dict[str, Any]:
        """What a front end draws, as plain values."""
        digest = self.history.now.digest
        if self._drawn is None or self._drawn[0] != digest:
            self._drawn = digest, drawn(self._seen, self.model, self.network, self.X)
        drawing = self._drawn[1]
        return {**drawing.parts, "opened": drawing.opened(self.edge)}

    _drawn: tuple[str, Drawing] | None = None

    def receive(self, message: Any) -> None:
        """Do what a front end asks, and let it know."""
        super().receive(message)
        if "widget" in self.__dict__:
            # One after the other: errors are sent before the drawing is made, and the kernel's thread gets to send them.
            self.widget.state = self.state()
            time.sleep(SENDING)
            self.widget.drawing = self.drawing()

    @cached_property
    def widget(self) -> Any:
        """The view as a widget of anywidget, to place in another layout."""
        anywidget, traits = import_module("anywidget"), import_module("traitlets")
        parts = {
            "_esm": (_HERE / "view.js").read_text(encoding="utf-8"),
            # Not "style": that is a widget of its own to ipywidgets.
            "sheet": traits.Unicode(style()).tag(sync=True),
            "state": traits.Dict().tag(sync=True),
            "drawing": traits.Dict().tag(sync=True),
        }
        made: Any = type("ViewWidget", (anywidget.AnyWidget,), parts)(
            state=self.state(), drawing=self.drawing()
        )
        made.on_msg(lambda _widget, message, _buffers: self.receive(message))
        return made

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if find_spec("anywidget") is None:
            return {"text/html": network_html(self.network) + _MISSING, "text/plain": repr(self)}
        return self.widget._repr_mimebundle_(**options)

    def __repr__(self) -> str:
        shape, edits = list(self.network.shape), len(self.history.path()) - 1
        return f"A view of a KAN {shape} after {edits} {'edit' if edits == 1 else 'edits'}."


def style() -> str:
    """The style sheet of the page for a part of another page: its colours hang on the part's own root."""
    light, dark = (
        "".join(f"--ew-{name}: {value}; " for name, value in asdict(theme).items()) for theme in (LIGHT, DARK)
    )
    page = _STYLE.read_text(encoding="utf-8").replace(":root", ":host")
    return (
        f":host {{ {light}color-scheme: light; }}\n"
        "@media screen and (prefers-color-scheme: dark) "
        f"{{ :host(:not([data-theme=light])) {{ {dark}color-scheme: dark; }} }}\n"
        f":host([data-theme=dark]) {{ {dark}color-scheme: dark; }}\n"
        + page.replace(':host:not([data-theme="light"])', ':host(:not([data-theme="light"]))').replace(
            ':host[data-theme="dark"]', ':host([data-theme="dark"])'
        )
        + (_HERE / "view.css").read_text(encoding="utf-8")
    )


def view(model: Any, X: Any, y: Any, *, validation: Any = None, results: Sequence[Any] = ()) -> View:
    """Edit a network by hand in a notebook: prune, snap, reshape curves, undo, branch, and see what that costs.

    The view shows itself where it stands last in a cell; that needs ``pip install 'edgewise[notebook]'``, and without it the
    network is shown but cannot be edited. Every edit makes a new network; the model given is left as it was.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
        Fitted, and not calibrated.
    X : table
        Rows that edits look at: where a curve is used, and what a pruned edge adds on average.
    y : array of shape (n,) or (n, outputs)
    validation : (table, array), optional
        Rows to judge by that the model has not learned from; by default X and y. How often they were looked at is counted,
        for whoever looks often enough learns from them, too.
    results : sequence
        Proofs, calibrations and audits of this model: each is shown as stale once an edit has made it so.

    Returns
    -------
    View

    Raises
    ------
    InputError
        If the model is calibrated, or the rows do not fit it.

    Examples
    --------
    >>> import numpy as np
    >>> import edgewise as ew
    >>> X = np.random.default_rng(0).uniform(-1, 1, (80, 2))
    >>> net = ew.KAN([2, 3, 1], seed=0)
    >>> shown = ew.view(net, X, X[:, 0])
    >>> shown.receive({"do": "apply", "edit": "prune", "edges": [[0, 1, 0]]})
    >>> print(shown)
    A view of a KAN [2, 3, 1] after 1 edit.
    >>> print(shown.script().splitlines()[6])
        network = ew.edits.prune(network, edges=[(0, 1, 0)], X=X).network
    """
    return View(model, X, y, validation, results)
