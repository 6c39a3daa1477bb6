"""Thresholds for each group: the scores stay, decisions are made alike on average.

Mixing thresholds by chance reaches every point of the convex hull of a group's ROC curve. There accuracy and the rates of
positive decisions are linear in the shares of the thresholds, so the most accurate decisions whose rates differ by at most
so much between groups are a linear program over the corners of all hulls.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from edgewise._core.arguments import as_labels
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice, check_float, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields, plain
from edgewise._core.seeds import numpy_generator
from edgewise.auditing.groups import CRITERIA, Grouping
from edgewise.auditing.subject import AuditedModel

# Shares of a threshold below this are rounding.
TRACE = 1e-9


@dataclass(frozen=True)
class Rule:
    """How the rows of a group are decided: with chance `share[k]` by the threshold `at[k]`.

    Attributes
    ----------
    at : tuple of float
        A row is decided for where its score is above this; infinite where none is, minus infinity where every one is.
    share : tuple of float
        They sum to one.
    """

    at: tuple[float, ...]
    share: tuple[float, ...]

    def chance(self, scores: Floats) -> Floats:
        """Chance of a positive decision, shape (n,)."""
        return np.sum([share * (scores > at) for at, share in zip(self.at, self.share, strict=True)], axis=0)


@dataclass(frozen=True, eq=False)
class GroupThresholds:
    """A model whose decisions take a threshold of their own in each group.

    The law may forbid that a decision depends on the group itself; this is a measure of what equality costs as well as
    a remedy.

    Attributes
    ----------
    subject : AuditedModel
    criterion : "dp" or "eo"
    attribute : str
    at_most : float
        By how much the groups were allowed to differ.
    rules : dict of group to Rule
    """

    subject: AuditedModel
    criterion: str
    attribute: str
    at_most: float
    rules: dict[str, Rule]

    def chance(self, scores: Floats, groups: Any) -> Floats:
        """Chance that each row is decided for, shape (n,).

        Raises
        ------
        InputError
            If a row's group has no rule.
        """
        labels = as_labels(groups, "groups", rows=len(scores)).astype(object)
        out = np.zeros(len(scores))
        for label in dict.fromkeys(labels.tolist()):
            if label not in self.rules:
                raise InputError(
                    argument="groups", expected=f"hold {', '.join(map(repr, self.rules))}", got=short(label)
                )
            rows = labels == label
            out[rows] = self.rules[label].chance(scores[rows])
        return out

    def predict(self, X: Any, groups: Any, *, seed: int = 0) -> NDArray[np.bool_]:
        """Decisions, drawn where a rule leaves them to chance."""
        chance = self.chance(self.subject.scores(X), groups)
        return numpy_generator(seed).random(len(chance)) < chance

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        rules = {group: asdict(rule) for group, rule in self.rules.items()}
        return {**fields(self, "criterion", "attribute", "at_most"), "rules": plain(rules)}


def group_thresholds(
    subject: AuditedModel,
    scores: Floats,
    actual: Floats,
    grouping: Grouping,
    *,
    criterion: str = "eo",
    at_most: float = 0.0,
    weight: Floats | None = None,
) -> GroupThresholds:
    """The most accurate thresholds by group whose rates differ by at most so much between groups on the rows given.

    Parameters
    ----------
    subject : AuditedModel
    scores, actual : array, shape (n,)
        Rows that the model did not learn from, where the decisions are to hold for new ones.
    grouping : Grouping
        For equalised odds every group must have outcomes of both kinds.
    criterion : "dp" or "eo"
        Whether selection rates, or both true and false positive rates, are to be alike.
    at_most : float
        The difference between any two groups that is allowed. Rates of new rows differ by chance besides: aim below the
        bound that has to hold.
    weight : array, shape (n,), optional

    Raises
    ------
    InputError
        If a group has no rows, or outcomes of one kind only where both are needed.

    References
    ----------
    M. Hardt, E. Price and N. Srebro, "Equality of opportunity in supervised learning", 2016, arXiv:1610.02413. F. Provost
    and T. Fawcett, "Robust classification for imprecise environments", 2001, doi:10.1023/A:1007601015854, for the hull.
    """
    check_choice(criterion, "criterion", CRITERIA)
    at_most = check_float(at_most, "at_most", low=0.0, high=1.0)
    weights = np.ones(len(scores)) if weight is None else weight
    hulls = list[_Hull]()
    for g, group in enumerate(grouping.groups):
        own = grouping.codes == g
        hulls.append(_hull(scores[own], actual[own], weights[own]))
        kinds = (float(hulls[-1].right[-1]), float(hulls[-1].wrong[-1]))
        if (min(kinds) if criterion == "eo" else max(kinds)) <= 0:
            needed = "outcomes of both kinds" if criterion == "eo" else "rows"
            raise InputError(
                subject="Each group",
                expected=f"have {needed} for thresholds of its own",
                got=f"{short(group)} without",
                advice="put small groups together",
            )
    shares = _shares(hulls, criterion, at_most)
    rules = {
        group: _rule(hull, share) for group, hull, share in zip(grouping.groups, hulls, shares, strict=True)
    }
    return GroupThresholds(subject, criterion, grouping.name, at_most, rules)


@dataclass(frozen=True, eq=False)
class _Hull:
    """Corners of a group's ROC curve: thresholds, and the weight of rows decided for rightly and wrongly."""

    at: Floats
    right: Floats
    wrong: Floats


def _hull(scores: Floats, actual: Floats, weight: Floats) -> _Hull:
    """The upper hull, from nobody to everybody; between neighbouring scores the threshold is half-way."""
    order = np.argsort(-scores, kind="stable")
    score = scores[order]
    good = np.where(actual[order] > 0.5, weight[order], 0.0)
    ends = np.append(np.flatnonzero(np.diff(score) < 0), len(score) - 1) if len(score) else np.zeros(0, int)
    right: Floats = np.append(0.0, np.cumsum(good)[ends])
    wrong: Floats = np.append(0.0, np.cumsum(weight[order] - good)[ends])
    at = np.concatenate([[math.inf], (score[ends[:-1]] + score[ends[:-1] + 1]) / 2, [-math.inf]])
    kept = [0]
    for k in range(1, len(right)):
        # A corner on or below the line from the one before it to the next one is none.
        while len(kept) > 1 and (right[kept[-1]] - right[kept[-2]]) * (wrong[k] - wrong[kept[-2]]) <= (
            right[k] - right[kept[-2]]
        ) * (wrong[kept[-1]] - wrong[kept[-2]]):
            kept.pop()
        kept.append(k)
    return _Hull(at[: len(right)][kept], right[kept], wrong[kept])


def _shares(hulls: list[_Hull], criterion: str, at_most: float) -> list[Floats]:
    """The share of each corner: the most accurate ones whose rates lie in bands as wide as `at_most`."""
    sizes = [len(hull.at) for hull in hulls]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    total = sum(hull.right[-1] + hull.wrong[-1] for hull in hulls)
    bands = 2 if criterion == "eo" else 1
    columns = int(starts[-1]) + bands
    gain = np.zeros(columns)
    above, below = np.zeros((bands * len(hulls), columns)), np.zeros((bands * len(hulls), columns))
    whole = np.zeros((len(hulls), columns))
    for g, hull in enumerate(hulls):
        own = slice(int(starts[g]), int(starts[g + 1]))
        gain[own] = (hull.right - hull.wrong) / max(total, 1e-300)
        whole[g, own] = 1.0
        for band, rate in enumerate(_rates(hull, criterion)):
            row, low = g * bands + band, int(starts[-1]) + band
            # low <= rate <= low + at_most, where the lower end of each band is chosen, too.
            below[row, own], below[row, low] = -rate, 1.0
            above[row, own], above[row, low] = rate, -1.0
    found = linprog(
        -gain,
        A_ub=np.concatenate([below, above]),
        b_ub=np.concatenate([np.zeros(len(below)), np.full(len(above), at_most)]),
        A_eq=whole,
        b_eq=np.ones(len(hulls)),
        bounds=(0.0, 1.0),
        method="highs",
    )
    # There is an answer always: deciding for nobody keeps every bound.
    return [cast(Floats, found.x[int(starts[g]) : int(starts[g + 1])]) for g in range(len(hulls))]


def _rates(hull: _Hull, criterion: str) -> tuple[Floats, ...]:
    if criterion == "eo":
        return hull.right / hull.right[-1], hull.wrong / hull.wrong[-1]
    return ((hull.right + hull.wrong) / (hull.right[-1] + hull.wrong[-1]),)


def _rule(hull: _Hull, share: Floats) -> Rule:
    used = np.flatnonzero(share > TRACE)
    own = share[used] / share[used].sum()
    return Rule(tuple(hull.at[used].tolist()), tuple(own.tolist()))
