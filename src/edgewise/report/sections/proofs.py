"""Proofs on the page: a table of properties with their verdicts, the rows that refute, the digests of certificates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgewise._core.checks import plural
from edgewise.report.text.numbers import listed, number
from edgewise.verifying.domain.raw_values import shown
from edgewise.verifying.results.verdicts import ProofResult, Proved, Refuted
from edgewise.verifying.results.witness import Case

MARKS = {"proved": "\u2713", "refuted": "\u2717", "undecided": "?"}


@dataclass(frozen=True)
class WitnessRow:
    """A column of the table in the row, or the two rows, that refute; whether these differ in it."""

    name: str
    cells: tuple[str, ...]
    differs: bool


@dataclass(frozen=True)
class Witness:
    """The rows that refute, and the model's answers."""

    heads: tuple[str, ...]
    columns: tuple[WitnessRow, ...]
    answers: tuple[WitnessRow, ...]


@dataclass(frozen=True)
class ProofRow:
    """One property and what became of it."""

    key: str
    property: str
    status: str
    mark: str
    domain: str
    text: str
    digest: str
    size: str
    witness: Witness | None


@dataclass(frozen=True)
class ProofsView:
    """The section as the template takes it."""

    lead: str
    rows: tuple[ProofRow, ...]
    certified: bool


def proofs_view(proofs: Sequence[ProofResult]) -> ProofsView | None:
    """The proofs as the page shows them; None where there are none.

    Parameters
    ----------
    proofs : sequence of Proved, Refuted and Undecided
    """
    if not proofs:
        return None
    rows = tuple(_row(one, f"proof-{k}") for k, one in enumerate(proofs))
    counts = {status: sum(row.status == status for row in rows) for status in MARKS}
    statuses = listed([f"{count:,} {status}" for status, count in counts.items() if count])
    return ProofsView(
        f"{plural(len(rows), 'property', 'properties')}: {statuses}.", rows, any(row.digest for row in rows)
    )


def _row(one: ProofResult, key: str) -> ProofRow:
    certificate = one.certificate if isinstance(one, Proved) else None
    return ProofRow(
        key=key,
        property=one.property,
        status=one.status,
        mark=MARKS[one.status],
        domain=one.domain,
        text=_text(one),
        digest="" if certificate is None else certificate.digest,
        size="" if certificate is None else f"{certificate.size / 1000:,.1f} kB",
        witness=_witness(one.cases) if isinstance(one, Refuted) else None,
    )


def _text(one: ProofResult) -> str:
    """What is known, in one sentence."""
    if isinstance(one, Proved):
        parts = "in one step" if one.leaves == 1 else f"in {one.leaves:,} parts"
        # A margin of rounding is none.
        room = (
            f"; at least {number(one.margin, 3)} to spare"
            if one.margin > 1e-9 and math.isfinite(one.margin)
            else ""
        )
        empty = f"Vacuous: {one.vacuous}" if one.vacuous else ""
        return " ".join(filter(None, [f"Holds at every such row, shown {parts}{room}.", empty, *one.remarks]))
    if isinstance(one, Refuted):
        return " ".join([one.message, *one.remarks])
    sentences = [f"Neither proved nor refuted: {one.message}."]
    if math.isfinite(one.upper):
        sentences.append(f"The bound is exceeded by at most {number(one.upper, 3)} anywhere.")
    if math.isfinite(one.lower):
        sentences.append(
            f"The worst row found keeps it with {number(-one.lower, 3)} to spare."
            if one.lower <= 0
            else f"The worst row found exceeds it by {number(one.lower, 3)}, which may be rounding."
        )
    late = [] if one.stop_reason.repeatable else [one.stop_reason.advice]
    return " ".join([*sentences, *late, *one.remarks])


def _witness(cases: tuple[Case, ...]) -> Witness | None:
    if not cases:
        return None
    first = cases[0]
    columns = tuple(_cells(name, [shown(case.row[name]) for case in cases]) for name in first.row)
    answers = [_cells(name, [number(case.outputs[name]) for case in cases]) for name in first.outputs]
    if first.decision is not None:
        answers.append(_cells("decision", [_word(case.decision) for case in cases]))
    heads = ("the row",) if len(cases) == 1 else ("one row", "the other")
    return Witness(heads, columns, tuple(answers))


def _cells(name: str, cells: list[str]) -> WitnessRow:
    return WitnessRow(name, tuple(cells), len(set(cells)) > 1)


def _word(value: Any) -> str:
    return shown(value.item() if hasattr(value, "item") else value)
