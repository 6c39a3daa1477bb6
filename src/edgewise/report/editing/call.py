"""An edit as data: the same words make the edit and the line of Python that repeats it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from edgewise import edits
from edgewise._core.arrays import Floats
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.explaining import edit_edge
from edgewise.network import KAN

Edge = tuple[int, int, int]

_PLAIN = re.compile(r"(\w+)(?:\(([^()]*)\))?")
_NAMES = {"increasing": "rising", "decreasing": "falling", "constant": "flat", "smooth": "smoothed"}
MOST_EDGES, MOST_POINTS, MOST_TEXT = 100_000, 1_000, 1_000


@dataclass(frozen=True)
class EditCall:
    """One edit.

    Attributes
    ----------
    name : str
        Of the function below `edgewise` that makes it.
    arguments : tuple of (str, value)
        What it is given besides the network and the rows, by name: plain numbers, words, tuples, lists and dictionaries.
    words : str
        What it does; an edge stands in it by its three numbers.
    """

    name: str
    arguments: tuple[tuple[str, Any], ...]
    words: str

    def apply(self, net: KAN, X: Floats) -> KAN:
        """The edited network."""
        return _CALLS[self.name](net, X=X, **dict(self.arguments)).network

    @property
    def code(self) -> str:
        """The line of Python that does so; numbers to the last bit."""
        written = "".join(f"{name}={value!r}, " for name, value in self.arguments)
        return f"network = ew.{self.name}(network, {written}X=X).network"


_CALLS: Mapping[str, Callable[..., Any]] = {
    "edits.prune": edits.prune,
    "edits.set_symbolic": edits.set_symbolic,
    "edits.set_numeric": edits.set_numeric,
    "explaining.edit_edge": edit_edge,
}


def prune(edges: Any = (), threshold: Any = None) -> EditCall:
    """Turn edges off: those named, and those whose score is below a share of the outputs' spread."""
    chosen = [_edge(item) for item in _list(edges, "edges", MOST_EDGES)]
    text = f"prune {len(chosen)} {'edge' if len(chosen) == 1 else 'edges'}"
    if threshold is None:
        if not chosen:
            raise InputError(argument="edges", expected="name at least one edge", got="none")
        return EditCall(
            "edits.prune", (("edges", chosen),), text if len(chosen) > 1 else f"prune {chosen[0]}"
        )
    least = _number(threshold, "threshold")
    words = f"prune edges below {least:g} of the spread"
    return EditCall("edits.prune", (("edges", chosen), ("threshold", least)), words)


def snap(edge: Any, form: Any, affine: Any) -> EditCall:
    """Make an edge a closed form."""
    numbers = [_number(item, "affine") for item in _list(affine, "affine", 4)]
    arguments = (("edge", _edge(edge)), ("form", _text(form, "form")), ("affine", numbers))
    return EditCall("edits.set_symbolic", arguments, f"snap {_edge(edge)} to {form}")


def numeric(edge: Any) -> EditCall:
    """Make a closed form a spline again."""
    return EditCall("edits.set_numeric", (("edge", _edge(edge)),), f"make {_edge(edge)} a spline")


def shape(edge: Any, edit: Any) -> EditCall:
    """Change a curve: a text as "increasing(0, 1)", or pairs of numbers it shall pass through."""
    if isinstance(edit, str):
        asked: Any = _text(edit, "edit")
        words = _in_words(asked)
        if words == _NAMES["constant"]:
            # Flat everywhere is off, its mean in the bias: then it is a constant to the last bit, for proofs, too.
            return EditCall("edits.prune", (("edges", [_edge(edge)]),), f"{_edge(edge)}: {words}")
    else:
        pairs = [_list(item, "edit", 2) for item in _list(edit, "edit", MOST_POINTS)]
        if any(len(pair) != 2 for pair in pairs):
            raise InputError(argument="edit", expected="be pairs [x, y]", got="others")
        asked = {_number(x, "edit"): _number(y, "edit") for x, y in pairs}
        words = f"through {len(asked)} {'point' if len(asked) == 1 else 'points'}"
    return EditCall(
        "explaining.edit_edge", (("edge", _edge(edge)), ("edit", asked)), f"{_edge(edge)}: {words}"
    )


def _in_words(edit: str) -> str:
    """An edit of a curve in words, where it is a plain one on a range."""
    found = _PLAIN.fullmatch(edit.strip())
    if found is None or found[1] not in _NAMES:
        return edit
    numbers = [part.strip() for part in (found[2] or "").split(",") if part.strip()]
    ends = numbers[1:] if found[1] == "smooth" else numbers
    low, high = [*ends, "None", "None"][:2]
    limits = [f"{word} {end}" for word, end in (("from", low), ("to", high)) if end != "None"]
    return " ".join([_NAMES[found[1]], *limits])


def read_call(message: Mapping[str, Any]) -> EditCall:
    """An edit as a front end sends it: {"edit": "prune" | "snap" | "numeric" | "shape", ...}."""
    kind = message.get("edit")
    if kind == "prune":
        return prune(message.get("edges", ()), message.get("threshold"))
    if kind == "snap":
        return snap(message.get("edge"), message.get("form"), message.get("affine"))
    if kind == "numeric":
        return numeric(message.get("edge"))
    if kind == "shape":
        return shape(message.get("edge"), message.get("to"))
    raise InputError(argument="edit", expected="be prune, snap, numeric or shape", got=short(kind))


def _list(value: Any, name: str, most: int) -> list[Any]:
    if not isinstance(value, (list, tuple)) or len(cast("Sequence[Any]", value)) > most:
        raise InputError(argument=name, expected=f"be a list of at most {most:,} entries", got=short(value))
    return list(cast("Sequence[Any]", value))


def _edge(value: Any) -> Edge:
    entries = _list(value, "edge", 3)
    if len(entries) != 3 or not all(type(entry) is int for entry in entries):
        raise InputError(
            argument="edge", expected="be three whole numbers: layer, source, target", got=short(value)
        )
    return entries[0], entries[1], entries[2]


def _number(value: Any, name: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise InputError(argument=name, expected="hold finite numbers", got=short(value))
    return float(value)


def _text(value: Any, name: str) -> str:
    if type(value) is not str or not 0 < len(value) <= MOST_TEXT:
        raise InputError(
            argument=name, expected=f"be a text of at most {MOST_TEXT:,} characters", got=short(value)
        )
    return value
