"""What a proof ends in: Proved with its certificate, Refuted with a row, or Undecided with the bounds reached."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from edgewise._core.errors import InputError
from edgewise._core.plain import fields, lines_of, visible
from edgewise._core.stopping import StopReason
from edgewise.verifying.domain.raw_values import exact, shown
from edgewise.verifying.results.certificate import Certificate
from edgewise.verifying.results.witness import Case

# The results have a field called property.
_computed = property


@dataclass(frozen=True, eq=False)
class Proved:
    """The property holds at every row of the domain.

    Attributes
    ----------
    property : str
        What was asked, in the short text form.
    domain : str
        Of which rows, in words.
    certificate : Certificate or None
        Evidence that `edgewise check` accepts; None for formulas, which it does not know.
    margin : float
        How much room is certain to be left, in the units of the claim; 0 where that is not known, as of calibrated models.
    seconds : float
    leaves : int
        Parts into which the domain was divided.
    remarks : tuple of str
        What else is to be known of the answer, such as which values of a column are meant.
    vacuous : str
        Why the claim could not fail, where it could not; empty otherwise.
    """

    property: str
    domain: str
    certificate: Certificate | None
    margin: float
    seconds: float
    leaves: int = 1
    remarks: tuple[str, ...] = ()
    vacuous: str = ""
    status: str = field(default="proved", init=False)
    stop_reason: StopReason = field(default=StopReason.DECIDED, init=False)

    @_computed
    def proved(self) -> bool:
        """True: whether the property is proved."""
        return True

    @_computed
    def message(self) -> str:
        """What was proved, in a sentence."""
        return f"It holds for {self.domain}."

    def __bool__(self) -> bool:
        return True

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; the certificate goes to a file of its own."""
        names = (
            "status",
            "property",
            "domain",
            "margin",
            "leaves",
            "remarks",
            "vacuous",
            "message",
            "stop_reason",
        )
        digest = None if self.certificate is None else self.certificate.digest
        return {**fields(self, *names), "seconds": round(self.seconds, 3), "certificate": digest}

    def __str__(self) -> str:
        lines = [f"Proved: {self.property}", f"  for {self.domain}."]
        lines += [f"  Vacuous: {self.vacuous}"] if self.vacuous else []
        lines += [f"  {remark}" for remark in self.remarks]
        parts = "one step" if self.leaves == 1 else f"{self.leaves:,} parts"
        lines.append(f"  {_seconds(self.seconds)}, {parts}.")
        if self.certificate is not None:
            lines.append(
                f"  The certificate ({_bytes(self.certificate.size)}) can be saved and checked by a program of its own."
            )
        return lines_of(lines)


@dataclass(frozen=True, eq=False)
class Refuted:
    """The property fails, and here is where.

    Attributes
    ----------
    property, domain : str
    cases : tuple of Case
        The row, or two rows that differ in one column, with the model's answers.
    excess : float
        By how much the bound is broken there.
    message : str
        What the rows show, in one sentence.
    seconds : float
    remarks : tuple of str
        What else is to be known of the answer.
    """

    property: str
    domain: str
    cases: tuple[Case, ...]
    excess: float
    message: str
    seconds: float
    remarks: tuple[str, ...] = ()
    status: str = field(default="refuted", init=False)
    stop_reason: StopReason = field(default=StopReason.DECIDED, init=False)

    @_computed
    def witness(self) -> dict[str, Any]:
        """The row, by column, in raw units and words."""
        return self.cases[0].row

    @_computed
    def proved(self) -> bool:
        """False: whether the property is proved."""
        return False

    def __bool__(self) -> bool:
        return False

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        names = ("status", "property", "domain", "excess", "message", "remarks", "stop_reason")
        cases = [case.to_dict() for case in self.cases]
        return {**fields(self, *names), "cases": cases, "seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        lines = [
            f"Refuted: {self.property}",
            f"  among {self.domain}; found in {_seconds(self.seconds)}.",
            f"  {self.message}",
            *(f"  {remark}" for remark in self.remarks),
        ]
        return lines_of([*lines, *table_of(self.cases)])


@dataclass(frozen=True, eq=False)
class Undecided:
    """Neither a proof nor a row that breaks the property was found with the work that was allowed.

    Attributes
    ----------
    property, domain : str
    lower, upper : float
        The largest excess over the bound that was found, and that which is certain not to be exceeded: the property holds if
        the true one is at most 0, and would be proved with bounds that much wider.
    seconds : float
    message : str
        Why it ended, in words.
    stop_reason : StopReason
        The same as data, with advice.
    remarks : tuple of str
        What else is to be known of the answer.
    """

    property: str
    domain: str
    lower: float
    upper: float
    seconds: float
    message: str
    stop_reason: StopReason
    remarks: tuple[str, ...] = ()
    status: str = field(default="undecided", init=False)

    @_computed
    def proved(self) -> bool:
        """False: whether the property is proved."""
        return False

    def __bool__(self) -> bool:
        raise InputError(
            subject="An answer that is asked for a truth value",
            expected="be decided",
            got="an Undecided, which is neither true nor false",
            advice="compare with answer.proved, or isinstance(answer, edgewise.Undecided)",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        names = ("status", "property", "domain", "lower", "upper", "message", "remarks", "stop_reason")
        return {**fields(self, *names), "seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        lines = [
            f"Undecided: {self.property}",
            f"  for {self.domain}; {self.message} after {_seconds(self.seconds)}.",
        ]
        if math.isfinite(self.upper):
            lines.append(f"  Certain: the bound is exceeded by at most {self.upper:.4g} anywhere.")
        if math.isfinite(self.lower):
            word = "kept with" if self.lower <= 0 else "exceeded by"
            room = " to spare" if self.lower <= 0 else " (within rounding)"
            lines.append(f"  Found: at the worst row it is {word} {abs(self.lower):.4g}{room}.")
        lines.append(f"  {self.stop_reason.advice}")
        lines.append("  A smaller domain or a wider bound may decide it.")
        lines += [f"  {remark}" for remark in self.remarks]
        return lines_of(lines)


ProofResult = Proved | Refuted | Undecided

_ENDED = {
    StopReason.WORK_SPENT: "the work that was allowed was done",
    StopReason.TIME_LIMIT: "the time was up",
    StopReason.CALLBACK: "stopped by a callback",
    StopReason.INTERRUPTED: "interrupted",
    StopReason.TIED: "the largest excess equals its bound up to rounding",
    StopReason.EXHAUSTED: "nothing was left to divide",
}


def ended_by(reason: StopReason, parts: tuple[int, int] = (0, 1)) -> str:
    """What ended a search, in words; `parts` are those that were proved, and all."""
    done, goals = parts
    return _ENDED[reason] + (f" with {done} of {goals} parts proved" if goals > 1 else "")


def table_of(cases: tuple[Case, ...]) -> list[str]:
    """The rows beside each other, a line a column; what differs is marked."""
    names = list(cases[0].row)
    lines = [(name, *(exact(case.row[name]) for case in cases)) for name in names]
    for name in cases[0].outputs:
        lines.append((name, *(f"{case.outputs[name]:.6g}" for case in cases)))
    if cases[0].decision is not None:
        lines.append(("decision", *(shown(case.decision) for case in cases)))
    lines = [tuple(map(visible, line)) for line in lines]
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    table = list[str]()
    for k, line in enumerate(lines):
        mark = "*" if len(cases) == 2 and line[1] != line[2] else " "
        if k == len(names):
            table.append("    " + "-" * (sum(widths) + 2 * len(widths) - 2))
        table.append(
            f"  {mark} "
            + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        )
    return table


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def _bytes(size: int) -> str:
    return f"{size / 1000:,.1f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"
