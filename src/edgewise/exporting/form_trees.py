"""Closed forms as trees in x that lose no digits."""

from __future__ import annotations

from edgewise.forms import form_from_text
from edgewise.forms.parser import read
from edgewise.forms.tree import Apply, Node, Variable

_X = Variable("x")
# Written otherwise than a reader would: the plain text of these forms loses digits or overflows for some x.
_STABLE: dict[str, Node] = {
    "planck": Apply("*", (_X, Apply("inv", (Apply("expm1", (_X,)),)))),
    "sigmoid": Apply("sigmoid", (_X,)),
}


def form_tree(form: str) -> Node:
    """The tree of a form of `edgewise.forms` in the variable x; it may use `expm1` beside the functions of formulas."""
    named = form_from_text(form)
    return _STABLE.get(named.name) or read(named.text, ("x",))
