"""A network edited by hand: messages in, state out; what a notebook shows of it stands above."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import UNREADABLE, as_tuple, short
from edgewise._core.errors import EdgewiseError, InputError
from edgewise.explaining.edit_shape import decisions_of, measures_of, with_network
from edgewise.network import KAN
from edgewise.network.fitted import Fitted, fitted
from edgewise.report.drawings.edge_functions import edge_name
from edgewise.report.editing.call import Edge, EditCall, read_call
from edgewise.symbolic.networks.suggestions import form_key, living_edge, suggest
from edgewise.symbolic.univariate.closed_forms import Suggestion
from edgewise.verifying import verify


@dataclass(frozen=True, eq=False)
class Version:
    """One network, the edit that led to it, and how well it does on the rows to judge by."""

    network: KAN
    parent: int | None = None
    call: EditCall | None = None
    measures: tuple[tuple[str, float], ...] = ()
    note: str = ""

    @property
    def digest(self) -> str:
        """Of everything the network is."""
        digest = hashlib.sha256(json.dumps(self.network.spec.to_json(), sort_keys=True).encode())
        for name, tensor in self.network.state_dict().items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class History:
    """All versions, where one is, and what was undone last."""

    versions: tuple[Version, ...]
    at: int = 0
    undone: tuple[int, ...] = field(default=())

    @property
    def now(self) -> Version:
        """The version one is at."""
        return self.versions[self.at]

    def added(self, version: Version) -> History:
        """One more version after the current one, which becomes the current one."""
        return History((*self.versions, replace(version, parent=self.at)), len(self.versions))

    def back(self) -> History:
        """One edit undone."""
        parent = self.now.parent
        if parent is None:
            raise InputError(
                subject="There", expected="be an edit to undo", got="the network as it was given"
            )
        return History(self.versions, parent, (*self.undone, self.at))

    def forth(self) -> History:
        """What was undone last done again."""
        if not self.undone:
            raise InputError(subject="There", expected="be an undone edit to do again", got="none")
        return History(self.versions, self.undone[-1], self.undone[:-1])

    def gone(self, number: object) -> History:
        """At another version, of whatever branch."""
        if type(number) is not int or not 0 <= number < len(self.versions):
            raise InputError(
                argument="version",
                expected=f"be a number from 0 to {len(self.versions) - 1}",
                got=short(number),
            )
        return History(self.versions, number)

    def noted(self, note: str) -> History:
        """With a reason for the current version."""
        named = tuple(
            replace(version, note=note) if k == self.at else version
            for k, version in enumerate(self.versions)
        )
        return replace(self, versions=named)

    def path(self) -> tuple[Version, ...]:
        """From the network as it was given to the current one."""
        found: list[Version] = []
        at: int | None = self.at
        while at is not None:
            found.append(self.versions[at])
            at = self.versions[at].parent
        return tuple(reversed(found))


# Closed forms offered for an edge, rows named that an edit moves most, characters of a reason.
SUGGESTED, NAMED, LONGEST_NOTE = 8, 5, 500
# Versions whose answers are kept: an edit, the one before, and a preview.
KNOWN = 3
# A row whose output moves by less than this share of the outputs' size has moved by rounding.
ROUNDING = 1e-9
_X = re.compile(r"\bx\b")


@dataclass(frozen=True)
class Affected:
    """What an edit does to the rows that are judged by.

    Attributes
    ----------
    rows, of : int
        Rows whose output moves by more than rounding, of so many.
    largest : float
        The largest move, in units of the output.
    decided : int or None
        Rows that are decided otherwise; None where numbers are predicted.
    most : tuple of (int, float, float)
        Rows that move most: number, output before and after.
    """

    rows: int
    of: int
    largest: float
    decided: int | None
    most: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True, eq=False)
class Kept:
    """A result about one version: a proof, a calibration, an audit."""

    result: Any
    words: str
    digest: str


class Session:
    """What is known of a network that is edited, and how it goes on.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
        Left as it was.
    X : table
        Rows that edits look at: where curves are used, what pruned edges add on average.
    y : array of shape (n,) or (n, outputs)
    validation : (table, array), optional
        Rows to judge by; by default X and y.
    results : sequence
        Proofs, calibrations and audits of the model, which an edit makes stale.
    """

    def __init__(
        self, model: Any, X: Any, y: Any, validation: Any = None, results: Sequence[Any] = ()
    ) -> None:
        self._seen: Fitted = fitted(model)
        if self._seen.calibration is not None:
            raise InputError(
                argument="model",
                expected="not be calibrated, for its maps belong to the network as it is",
                got="a CalibratedKAN",
                advice="view the model behind it, its .model, and name the calibrated one in 'results'",
            )
        self.X = self._seen.inputs(X)
        self.own_rows = validation is not None
        judged = (X, y)
        if validation is not None:
            if not isinstance(validation, (tuple, list)) or len(cast("Sequence[Any]", validation)) != 2:
                raise InputError(
                    argument="validation", expected="be a pair of a table and its y", got=short(validation)
                )
            judged = (validation[0], validation[1])
        self._rows, self._truth = self._seen.inputs(judged[0]), judged[1]
        if not len(self.X) or not len(self._rows):
            raise InputError(
                argument="X", expected="have at least one row, and 'validation', too", got="none"
            )
        try:
            entries = len(np.atleast_1d(np.asarray(judged[1], dtype=object)))
        except UNREADABLE:
            entries = 0
        if entries != len(self._rows):
            raise InputError(
                argument="y", expected=f"have one entry a row, {len(self._rows):,}", got=f"{entries:,}"
            )
        self.looks = 0
        self._known: tuple[tuple[KAN, Floats], ...] = ()
        first = Version(self._seen.network, measures=self._judged(self._seen.network))
        self.history = History((first,))
        self.kept = tuple(
            Kept(result, _words(result), first.digest) for result in as_tuple(results, "results", "results")
        )
        self.suggestions: tuple[Edge, tuple[dict[str, Any], ...]] | None = None
        self.preview: dict[str, Any] | None = None
        self.edge: Edge | None = None
        self.message = ""

    # ---- what is asked

    @property
    def network(self) -> KAN:
        """The network as it is now."""
        return self.history.now.network

    @property
    def model(self) -> Any:
        """The model as it is now, of the kind it was given as."""
        return with_network(self._seen.held, self.network, self.X)

    def apply(self, call: EditCall) -> None:
        """Make an edit."""
        made = call.apply(self.network, self.X)
        self.history = self.history.added(Version(made, call=call, measures=self._judged(made)))
        self.preview = self.suggestions = None

    def look(self, call: EditCall) -> None:
        """Say what an edit would do, without making it."""
        made = call.apply(self.network, self.X)
        measures = self._judged(made)
        affected = self.affected(self.network, made)
        self.preview = {
            "words": self._named(call),
            "edges": _edges(made),
            "measures": dict(measures),
            "affected": _plain(affected),
        }

    def suggest(self, edge: Any) -> None:
        """Closed forms that an edge could be, the simplest right one first, with their fit."""
        given = cast("Sequence[Any]", edge) if isinstance(edge, (list, tuple)) else ()
        alive = living_edge(self.network, tuple(given))
        found = suggest(self.network, *alive, X=self.X, top=SUGGESTED)
        self.suggestions = (
            alive,
            tuple(
                {
                    "form": form_key(suggestion.form),
                    "affine": [float(v) for v in (suggestion.a, suggestion.b, suggestion.c, suggestion.d)],
                    "text": _written(suggestion),
                    "r2": float(suggestion.r2),
                    "complexity": int(suggestion.complexity),
                }
                for suggestion in found
            ),
        )

    def open(self, edge: Any) -> None:
        """Choose the edge that is drawn large."""
        given = cast("Sequence[Any]", edge) if isinstance(edge, (list, tuple)) else ()
        self.edge = living_edge(self.network, tuple(given))

    def again(self) -> None:
        """Prove anew what was proved of another version."""
        now = self.history.now.digest
        self.kept = tuple(
            replace(item, result=verify(self.model, _property(item.result)), digest=now)
            if item.digest != now and _property(item.result)
            else item
            for item in self.kept
        )
        self.kept = tuple(replace(item, words=_words(item.result)) for item in self.kept)

    def affected(self, before: KAN, after: KAN) -> Affected:
        """Whose answers change between two networks."""
        old, new = self._outputs(before), self._outputs(after)
        moved = np.abs(new - old).max(axis=1)
        order = np.argsort(-moved, kind="stable")[:NAMED]
        flips = None
        if len(self._seen.classes) > 1:
            flips = int((decisions_of(old) != decisions_of(new)).sum())
        least = ROUNDING * (1.0 + float(np.abs(old).max()))
        at = np.abs(new - old).argmax(axis=1)
        return Affected(
            int((moved > least).sum()),
            len(moved),
            float(moved.max()),
            flips,
            tuple((int(k), float(old[k, at[k]]), float(new[k, at[k]])) for k in order if moved[k] > least),
        )

    def script(self) -> str:
        """Python that makes the same edits, to the last bit."""
        lines = [
            '"""Edits made by hand; `network` and `X` are the network and the inputs that the view was given."""',
            "",
            "import edgewise as ew",
            "",
            "",
            "def edited(network, X):",
        ]
        for version in self.history.path()[1:]:
            assert version.call is not None
            if version.note:
                lines.append(f"    # {' '.join(version.note.split())}")
            lines.append(f"    {version.call.code}")
        return "\n".join([*lines, "    return network", ""])

    # ---- messages in, state out

    def receive(self, message: Any) -> None:
        """Do what a front end asks; what cannot be done is stated in `message`, and nothing changes."""
        self.message = ""
        if not isinstance(message, Mapping):
            self.message = f"A message to the view must be a dictionary. Got {short(message)} instead."
            return
        asked = cast("Mapping[str, Any]", message)
        act = self._acts().get(str(asked.get("do")))
        if act is None:
            acts = ", ".join(self._acts())
            self.message = (
                f"The 'do' of a message must be one of {acts}. Got {short(asked.get('do'))} instead."
            )
            return
        try:
            act(asked)
        except EdgewiseError as error:
            self.message = str(error)

    def _acts(self) -> dict[str, Callable[[Mapping[str, Any]], None]]:
        return {
            "apply": lambda message: self.apply(read_call(message)),
            "preview": lambda message: self.look(read_call(message)),
            "open": lambda message: self.open(message.get("edge")),
            "suggest": lambda message: self.suggest(message.get("edge")),
            "undo": lambda _: self._turn(self.history.back()),
            "redo": lambda _: self._turn(self.history.forth()),
            "go": lambda message: self._turn(self.history.gone(message.get("version"))),
            "note": lambda message: self._note(message.get("text")),
            "prove": lambda _: self.again(),
        }

    def _turn(self, history: History) -> None:
        self.history, self.preview, self.suggestions = history, None, None

    def _note(self, text: Any) -> None:
        if type(text) is not str or len(text) > LONGEST_NOTE:
            raise InputError(
                argument="text", expected=f"be a text of at most {LONGEST_NOTE} characters", got=short(text)
            )
        self.history = self.history.noted(text.strip())

    def state(self) -> dict[str, Any]:
        """All that a front end shows besides the drawing, as plain values."""
        history, now = self.history, self.history.now
        parent = None if now.parent is None else history.versions[now.parent]
        digest = now.digest
        return {
            "at": history.at,
            "undo": now.parent is not None,
            "redo": bool(history.undone),
            "versions": [
                {
                    "parent": version.parent,
                    "words": "as given" if version.call is None else self._named(version.call),
                    "note": version.note,
                    "edges": _edges(version.network),
                    "measures": dict(version.measures),
                }
                for version in history.versions
            ],
            "looks": self.looks,
            "judged": f"{len(self._rows):,} held-out rows"
            if self.own_rows
            else f"the {len(self._rows):,} rows given",
            "affected": None if parent is None else _plain(self.affected(parent.network, now.network)),
            "results": [
                {"words": item.words, "stale": item.digest != digest, "again": bool(_property(item.result))}
                for item in self.kept
            ],
            "suggestions": None
            if self.suggestions is None
            else {"edge": list(self.suggestions[0]), "forms": list(self.suggestions[1])},
            "preview": self.preview,
            "message": self.message,
            "script": self.script(),
        }

    def _named(self, call: EditCall) -> str:
        """What an edit does, its edge by the names of its ends."""
        net = self._seen.network
        given = dict(call.arguments)
        edges = given.get("edges", [])
        edge = given.get("edge") or (edges[0] if len(edges) == 1 else None)
        if edge is None:
            return call.words
        return call.words.replace(str(edge), edge_name(net, edge), 1)

    def _judged(self, net: KAN) -> tuple[tuple[str, float], ...]:
        """Errors on the rows to judge by, each time one look more."""
        measures = measures_of(self._seen, self._outputs(net), self._truth)
        self.looks += 1
        return tuple(measures.items())

    def _outputs(self, net: KAN) -> Floats:
        """What a network answers on the rows to judge by; known of the last few."""
        for known, outputs in self._known:
            if known is net:
                return outputs
        found = net.predict(self._rows)
        self._known = ((net, found), *self._known[: KNOWN - 1])
        return found


def _property(result: Any) -> str:
    claim = getattr(result, "property", "")
    return claim if isinstance(claim, str) and hasattr(result, "proved") else ""


def _words(result: Any) -> str:
    """A result in a few words."""
    claim = _property(result)
    if claim:
        return f"{claim}: {result.status}"
    name = type(result).__name__
    return {"CalibratedKAN": "calibration", "Conformal": "intervals", "AuditResult": "audit"}.get(name, name)


def _written(found: Suggestion) -> str:
    """A fitted closed form as people write it."""
    if found.a == 0:
        return f"{found.d:.4g}"
    inner = "x" if found.b == 1 else f"{found.b:.4g}*x"
    inner += f" {_term(found.c)}" if found.c else ""
    body = found.form.text.replace("(x)", f"({inner})")
    if body == found.form.text:
        body = _X.sub(inner if inner == "x" else f"({inner})", body)
    return f"{found.a:.4g}*{body}" + (f" {_term(found.d)}" if found.d else "")


def _term(value: float) -> str:
    return f"{'-' if value < 0 else '+'} {abs(value):.4g}"


def _edges(net: KAN) -> int:
    return sum(int(layer.mask.sum()) for layer in net.layers)


def _plain(affected: Affected) -> dict[str, Any]:
    return {
        "rows": affected.rows,
        "of": affected.of,
        "largest": affected.largest,
        "decided": affected.decided,
        "most": [list(item) for item in affected.most],
    }
