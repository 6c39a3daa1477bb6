"""Versions of a network and the edits between them: a tree, for an edit after an undo begins a branch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace

import numpy as np

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.network import KAN
from edgewise.report.editing.call import EditCall


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
                "There must be an edit to undo. Got none instead: this is the network as it was given."
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
            replace(each, note=note) if k == self.at else each for k, each in enumerate(self.versions)
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
