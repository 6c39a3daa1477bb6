"""Certificates as files: the claim, the domain and the evidence, tied to the bytes of the model's own file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from edgewise._core.checks import check_bool
from edgewise._core.files import PathLike as PathLike
from edgewise._core.files import as_path, said_clearly, write_file
from edgewise._core.stopping import StopReason
from edgewise._core.version import __version__
from edgewise._core.work import Meter, StopError, charge
from edgewise.network import files
from edgewise.verifying.checker import steps
from edgewise.verifying.domain.domain import Domain

FORMAT, VERSION = "edgewise-certificate", 2
# Units of work for each number of the models: of reading them, and of a step of the checker; and of a step by itself.
_READ, _NUMBER, _STEP = 1.5e-5, 3e-6, 5e-4


@dataclass(frozen=True, eq=False)
class Certificate:
    """A certificate as `edgewise check` reads it.

    Attributes
    ----------
    document : dict
        The whole file, plain values; docs/certificates.md explains each entry.
    """

    document: Mapping[str, Any] = field(repr=False)

    @cached_property
    def text(self) -> str:
        """The file's content."""
        return json.dumps(self.document, allow_nan=False) + "\n"

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.text)

    @property
    def digest(self) -> str:
        """SHA-256 of its content."""
        return str(self.document["digest"])

    def to_dict(self) -> dict[str, Any]:
        """The whole file as plain values."""
        return dict(self.document)

    def save(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Write it to a file, whole or not at all.

        Parameters
        ----------
        path : str or path
            By custom with the suffix .json.
        overwrite : bool
            Whether a file that exists may be replaced.

        Raises
        ------
        FileError
            If the file exists, or cannot be written.
        """
        check_bool(overwrite, "overwrite")
        write_file(path, self.text.encode("ascii"), overwrite=overwrite)


def certificate(
    hashes: Sequence[str], claim: Mapping[str, Any], domain: Domain, proofs: Sequence[Mapping[str, Any]]
) -> Certificate:
    """Put a certificate together.

    Parameters
    ----------
    hashes : sequence of str
        SHA-256 of each model's file, in hex.
    claim : mapping
    domain : Domain
    proofs : sequence of mapping
        One for each goal, in order: the evidence of the prover.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "edgewise": __version__,
        "models": list(hashes),
        "claim": dict(claim),
        "domain": domain_document(domain),
        "proofs": [dict(proof) for proof in proofs],
    }
    return Certificate({**document, "digest": digest_of(document)})


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical text of a certificate without its digest."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def domain_document(domain: Domain) -> dict[str, Any]:
    """A domain as certificates write it."""
    budget = domain.budget
    return {
        "whole": domain.whole,
        "groups": [
            {
                "name": group.name,
                "inputs": list(group.inputs),
                "cells": [[[float(low), float(high)] for low, high in cell] for cell in group.cells],
                "labels": list(group.labels),
            }
            for group in domain.groups
        ],
        "budget": None
        if budget is None
        else {
            "limit": float(budget.limit),
            "costs": [asdict(cost) for cost in budget.costs],
            "cells": [asdict(cost) for cost in budget.cells],
        },
    }


def hash_of(file: bytes) -> str:
    """SHA-256 of some bytes, in hex."""
    return hashlib.sha256(file).hexdigest()


def file_of(model: Any, path: PathLike | None = None) -> bytes:
    """What a model's file holds: the one at a path, or without one what `edgewise.save` writes now; that is deterministic.

    Examples
    --------
    >>> import edgewise as ew
    >>> net = ew.KAN([1, 1], seed=0)
    >>> file_of(net) == file_of(net)
    True
    """
    if path is None:
        return files.file_of(model)
    place = as_path(path, "file")
    with said_clearly(place, "read"):
        return place.read_bytes()


def rechecked(made: Certificate, files: Sequence[bytes], meter: Meter) -> str | None:
    """Why the checker refuses a certificate of models with these files; None where it accepts it.

    Each step is charged as work, the same whether or not the checker remembers the files. It shares nothing with the
    prover, which computes in floating point: no rounding has brought about an answer that rests on its word as well.

    Raises
    ------
    StopError
        Where the meter's work is spent before the checker has come to a verdict.
    """
    numbers = sum(len(file) for file in files) / 8
    charge(_READ * numbers)
    for verdict in steps(made.text.encode("ascii"), *files):
        charge(_STEP + _NUMBER * numbers)
        if verdict is not None:
            return None if verdict.accepted else verdict.reason
        if meter.left <= 0:
            raise StopError(StopReason.WORK_SPENT, meter)
    raise AssertionError("a check ends in a verdict")
