"""Strict reading: JSON without surprises, and values of a given form; anything else is refused."""

import json
from fractions import Fraction as Q
from typing import Any

FORMAT, VERSION = "edgewise-certificate", 2


class Refused(Exception):  # noqa: N818
    """Why a file is no proof of its claim."""


def printed(text: str) -> str:
    """Text in which nothing but what is seen stands: escapes, new lines and marks of direction as their codes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quoted(name: str) -> str:
    """A name as it is where it is a plain word, else in quotes, so that none reads as more of a sentence."""
    return name if all(c.isalnum() or c in "_.()" for c in name) else json.dumps(name, ensure_ascii=False)


def need(condition: Any, reason: str) -> None:
    """Refuse unless a condition holds."""
    if not condition:
        raise Refused(reason)


def parse(text: Any, otherwise: str) -> Any:
    """JSON without NaN, infinities or a key that stands twice; refused with the other reason where it is none."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len(dict(pairs)) == len(pairs), "a key stands twice in an object")
        return dict(pairs)

    def constant(name: str) -> None:
        raise Refused(f"it holds {name}")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=constant)
    except ValueError:
        raise Refused(otherwise) from None


def read(value: Any, form: Any) -> Any:
    """A value of a form: Q a number, int a count, [..] a list, (..) one of as many, (None, ..) that or null."""
    kind, wanted, exact = type(value), type(form), form is Q
    if exact and kind in (int, float) and abs(value) < 1 << 1024:
        return Q(value)
    if any(form is x for x in (int, str, bool, dict)) and kind is form and not (kind is int and value < 0):
        return value
    if wanted is tuple and form[0] is None:
        return None if value is None else read(value, form[1])
    if kind is list and (wanted is list or (wanted is tuple and len(form) == len(value))):
        return [
            read(x, f) for x, f in zip(value, form if wanted is tuple else form * len(value), strict=True)
        ]
    if kind is dict and wanted is dict and set(value) == set(form):
        return {key: read(value[key], f) for key, f in form.items()}
    raise Refused(f"{str(value)[:40]} stands where something else must")


_KEYS: dict[str, Any] = {  # the form of the value behind each key
    "at bound cost direction epsilon limit mu rate tau threshold weight": Q,
    "cell class copy group input model node output version": int,
    "digest format edgewise name side type": str,
    "models labels": [str],
    "moves tree terms": [dict],
    "low high": (None, Q),
    "whole": bool,
    "claim": dict,
    "inputs": [int],
    "lambda slopes": [Q],
    "moved": (None, (int, int)),
    "paired": [[(None, int)]],
}
_FORMS = {key: form for keys, form in _KEYS.items() for key in keys.split()}


def form(keys: str, **more: Any) -> dict[str, Any]:
    """The form of an object with these keys, and of more keys with forms of their own."""
    return {key: _FORMS[key] for key in keys.split()} | more


LEAVES: Any = [form("lambda slopes mu"), form("paired")]
SPLITS: Any = [form("input at"), form("node at"), form("group", cells=[int])]
_BUDGET: Any = form("limit", costs=[form("input at rate")], cells=[form("group cell cost")])
_GROUP: Any = form("name inputs labels", cells=[[(Q, Q)]])
_PROOF: Any = form("tree", lemmas=[form("node side bound slopes mu")])
_DOMAIN: Any = form("whole", groups=[_GROUP], budget=(None, _BUDGET))
FILE: Any = form("format version edgewise models claim digest", domain=_DOMAIN, proofs=[_PROOF])
