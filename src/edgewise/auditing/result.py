"""What an audit finds: data first, then text that a regulator can read."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arguments import check_text
from edgewise._core.checks import did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields, lines_of
from edgewise._core.stopping import StopReason
from edgewise.auditing.flips import Flips
from edgewise.auditing.gaps import Gap
from edgewise.auditing.groups import CRITERIA
from edgewise.auditing.metrics import GroupTable
from edgewise.auditing.proxies import Proxies
from edgewise.auditing.text import flips_text, groups_text, proxies_text, verdicts
from edgewise.forms.reader import Reader

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_LIMIT = "A limit must read like 'dp > 0.1', 'dp_ratio < 0.8' or 'eo@sex > 0.05'. Got {text} instead"
# Gaps between groups, by the names that limits and tables use.
GAPS = {
    **CRITERIA,
    "tpr": "true positive rate",
    "fpr": "false positive rate",
    "fnr": "false negative rate",
    "ppv": "precision (PPV)",
    "fdr": "false discovery rate",
    "accuracy": "accuracy",
    "auc": "area under the ROC curve",
    "calibration": "observed / expected",
    "ece": "calibration error",
    "brier": "Brier score",
    "expected": "mean prediction",
    "error": "mean error",
    "absolute_error": "mean absolute error",
    "rmse": "root mean square error",
}
OTHERS = ("dp_ratio", "eo_ratio", "flips", "flip", "certified", "proxy")
JOINT = "intersection"


@dataclass(frozen=True)
class ExceededLimit:
    """A limit that is exceeded.

    Attributes
    ----------
    limit : str
        As it was given.
    attribute : str
    value : float
    text : str
        In one sentence.
    """

    limit: str
    attribute: str
    value: float
    text: str


@dataclass(frozen=True, eq=False)
class AuditResult:
    """What `audit` found.

    Attributes
    ----------
    model : str
        What was audited, in words.
    kind : "classes" or "numbers"
    positive : str
        The class that a decision supports; empty for numbers.
    threshold : float or None
        A row is decided for it above this probability.
    rows : int
    overall : GroupTable
        All rows as one group.
    tables : tuple of GroupTable
        One for each protected attribute, then one for their intersection.
    flips : tuple of Flips
        For the attributes that the model reads.
    proxies : tuple of Proxies
    warnings : tuple of str
    notes : tuple of str
    draws : int
        Bootstrap samples behind the intervals.
    seconds : float
    stop_reason : StopReason
        "decided" where everything was measured; else what ended it, and `notes` say what is missing.
    """

    model: str
    kind: str
    positive: str
    threshold: float | None
    rows: int
    overall: GroupTable
    tables: tuple[GroupTable, ...]
    flips: tuple[Flips, ...]
    proxies: tuple[Proxies, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    draws: int = 0
    seconds: float = 0.0
    stop_reason: StopReason = StopReason.DECIDED

    @property
    def message(self) -> str:
        """Why it ended, in a sentence."""
        return self.stop_reason.advice

    def of(self, attribute: str) -> GroupTable:
        """The table of an attribute; "intersection" for that of their combinations.

        Raises
        ------
        InputError
            If it was not audited.
        """
        check_text(attribute, "attribute")
        for table in self.tables:
            if attribute == table.name or (attribute == JOINT and len(table.attributes) > 1):
                return table
        names = [table.name for table in self.tables]
        raise InputError(
            argument="attribute",
            expected=f"be one that was audited, {', '.join(map(repr, names))}",
            got=f"{short(attribute)}{did_you_mean(attribute, names)}",
        )

    def value(self, criterion: str, attribute: str) -> float:
        """One number of the audit; NaN where it was not measured.

        Parameters
        ----------
        criterion : str
            A gap between groups ("dp", "eo", "tpr", "fpr", "fnr", "ppv", "fdr", "accuracy", "auc", "calibration", "ece",
            "brier"; for numbers "expected", "error", "absolute_error", "rmse"), "dp_ratio", "eo_ratio", "flips" (share of
            decisions that flip), "flip" (largest change of the score found), "certified" (bound of the change of the output)
            or "proxy" (area under the curve of the strongest proxy).
        attribute : str

        Raises
        ------
        InputError
            If there is no such criterion or attribute.
        """
        check_text(criterion, "criterion")
        table = self.of(attribute)
        if criterion in GAPS:
            gap = _gap(table, criterion)
            return float("nan") if gap is None else gap.difference
        if criterion in ("dp_ratio", "eo_ratio"):
            gap = _gap(table, criterion[:2])
            return float("nan") if gap is None else gap.ratio
        if criterion == "proxy":
            own = next((proxy for proxy in self.proxies if proxy.attribute == table.name), None)
            return float("nan") if own is None else max((proxy.auc for proxy in own.found), default=0.5)
        if criterion not in OTHERS:
            raise InputError(
                subject="The criterion",
                expected=f"be one of {', '.join([*GAPS, *OTHERS])}",
                got=f"{short(criterion)}{did_you_mean(criterion, [*GAPS, *OTHERS])}",
            )
        flip = next((item for item in self.flips if item.attribute == table.name), None)
        if flip is None:
            return float("nan")
        if criterion == "certified":
            return float("nan") if flip.certified is None else flip.certified.bound
        return flip.largest if criterion == "flip" else float("nan") if flip.share is None else flip.share

    def breaches(self, *limits: str) -> tuple[ExceededLimit, ...]:
        """The limits that are exceeded.

        Parameters
        ----------
        *limits : str
            What is not to be, as "dp > 0.1", "dp_ratio < 0.8", "eo@sex > 0.05" or "dp@intersection > 0.2". Without an
            attribute a limit holds for each of them, not for intersections.

        Raises
        ------
        InputError
            If a limit cannot be read.
        """
        found = list[ExceededLimit]()
        for limit in limits:
            criterion, attribute, sign, number = read_limit(check_text(limit, "limits"))
            names = [table.name for table in self.tables if len(table.attributes) == 1]
            for name in names if attribute is None else [self.of(attribute).name]:
                value = self.value(criterion, name)
                if not np.isnan(value) and _COMPARISONS[sign](value, number):
                    text = f"{criterion} of {name} is {value:.4g} ({sign} {number:g})."
                    found.append(ExceededLimit(limit, name, value, text))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {
            **fields(self, "model", "kind", "positive", "threshold", "rows"),
            "overall": self.overall.to_dict(),
            "tables": [table.to_dict() for table in self.tables],
            "flips": [flip.to_dict() for flip in self.flips],
            "proxies": [proxy.to_dict() for proxy in self.proxies],
            **fields(self, "warnings", "notes", "draws", "seconds", "stop_reason", "message"),
        }

    @property
    def heading(self) -> str:
        """What was audited, in a line or two."""
        what = f"Audit of {self.model} on {self.rows:,} rows."
        if self.kind == "classes":
            what += f" Decision: {self.positive!r} above a probability of {self.threshold:g}."
        if self.draws:
            what += f" In brackets: 95 % intervals (Wilson's for rates, else {self.draws} bootstrap samples)."
        return what

    def __str__(self) -> str:
        lines = [self.heading, ""]
        for table in self.tables:
            groups = groups_text(table, self.overall, numbers=self.kind == "numbers")
            lines += [f"== {table.name} ==", "", *groups, ""]
            flips = next((flip for flip in self.flips if flip.attribute == table.name), None)
            proxies = next((proxy for proxy in self.proxies if proxy.attribute == table.name), None)
            lines += [*verdicts(table), *([] if flips is None else flips_text(flips, self.positive))]
            lines += [*([] if proxies is None else proxies_text(proxies)), ""]
        if self.warnings:
            lines += ["Warnings", *(f"- {text}" for text in self.warnings), ""]
        if self.notes:
            lines += ["Notes", *(f"- {text}" for text in self.notes), ""]
        return lines_of(lines).rstrip() + "\n"


def read_limit(text: str) -> tuple[str, str | None, str, float]:
    """Criterion, attribute, comparison and number of a limit such as "eo@sex > 0.05".

    Raises
    ------
    InputError
        If it cannot be read.

    Examples
    --------
    >>> read_limit("dp>0.1")
    ('dp', None, '>', 0.1)
    """
    known = [*GAPS, *OTHERS]
    reader = Reader.of(text, _LIMIT, "A limit")
    criterion = reader.name("the name of a gap")
    attribute = reader.name_before(*_COMPARISONS) if reader.take("@") else None
    sign = reader.take(*_COMPARISONS)
    if not sign or attribute == "":
        raise reader.unexpected("an attribute" if attribute == "" else "<, <=, > or >=")
    number = reader.number()
    reader.end("the end")
    if criterion not in known:
        raise InputError(
            subject="A limit",
            expected=f"name one of {', '.join(known)}",
            got=f"{short(criterion)}{did_you_mean(criterion, known)}",
        )
    return criterion, attribute, sign, number


def _gap(table: GroupTable, criterion: str) -> Gap | None:
    if criterion == "dp":
        return table.demographic_parity
    return table.equalised_odds if criterion == "eo" else table.gaps.get(criterion)
