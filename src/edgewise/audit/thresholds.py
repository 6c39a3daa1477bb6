"""Thresholds for each group, by Fairlearn: the scores stay, decisions are made alike on average."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import check_choice, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import numpy_generator
from edgewise.audit.groups import Grouping
from edgewise.audit.metrics import plain
from edgewise.audit.subject import Subject

Floats = NDArray[np.float64]

CONSTRAINTS = {"dp": "demographic_parity", "eo": "equalized_odds"}


@dataclass(frozen=True)
class Rule:
    """How the rows of a group are decided: with chance `share[k]` above (or below) `at[k]`; with chance
    `constant_share` a coin of chance `constant` decides instead.

    Attributes
    ----------
    at : tuple of float
        Probabilities; infinite where a threshold is never passed.
    above : tuple of bool
    share : tuple of float
    constant, constant_share : float
    """

    at: tuple[float, ...]
    above: tuple[bool, ...]
    share: tuple[float, ...]
    constant: float = 0.0
    constant_share: float = 0.0

    def chance(self, scores: Floats) -> Floats:
        """Chance of a positive decision, shape (n,)."""
        told = np.zeros(len(scores))
        for at, above, share in zip(self.at, self.above, self.share, strict=True):
            told += share * (scores > at if above else scores < at)
        return self.constant_share * self.constant + (1 - self.constant_share) * told


@dataclass(frozen=True, eq=False)
class GroupThresholds:
    """A model whose decisions take a threshold of their own in each group.

    The law may forbid that a decision depends on the group itself; this is a measure of what equality costs as well as
    a remedy.

    Attributes
    ----------
    subject : Subject
    criterion : "dp" or "eo"
    attribute : str
    rules : dict of group to Rule
    """

    subject: Subject
    criterion: str
    attribute: str
    rules: dict[str, Rule]

    def chance(self, scores: Floats, groups: Any) -> Floats:
        """Chance that each row is decided for, shape (n,).

        Raises
        ------
        InputError
            If a row's group has no rule.
        """
        labels = np.asarray(groups, dtype=object)
        out = np.zeros(len(scores))
        for label in dict.fromkeys(labels.tolist()):
            if label not in self.rules:
                raise InputError(
                    f"The 'groups' argument must hold {', '.join(map(repr, self.rules))}. Got {short(label)} instead."
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
        rules = {group: plain(asdict(rule)) for group, rule in self.rules.items()}
        return {"criterion": self.criterion, "attribute": self.attribute, "rules": rules}


def _given() -> Any:
    """Scores in the place of a model, as Fairlearn wants one."""
    from sklearn.base import BaseEstimator

    class Given(BaseEstimator):
        def fit(self, X: Any, y: Any) -> Any:
            return self

        def predict(self, X: Any) -> Any:
            return np.asarray(X, dtype=np.float64).reshape(-1)

    return Given()


def group_thresholds(
    subject: Subject,
    scores: Floats,
    actual: Floats,
    grouping: Grouping,
    *,
    criterion: str = "eo",
    weight: Floats | None = None,
) -> GroupThresholds:
    """Thresholds for each group that meet a criterion on the rows given, at the greatest accuracy.

    Parameters
    ----------
    subject : Subject
    scores, actual : array, shape (n,)
        Rows that the model did not learn from, where the decisions are to hold for new ones.
    grouping : Grouping
        Every group must have outcomes of both kinds.
    criterion : "dp" or "eo"
    weight : array, shape (n,), optional

    References
    ----------
    M. Hardt, E. Price and N. Srebro, "Equality of opportunity in supervised learning", 2016, arXiv:1610.02413.
    """
    from fairlearn.postprocessing import ThresholdOptimizer

    check_choice(criterion, "criterion", tuple(CONSTRAINTS), of="group_thresholds")
    for g, group in enumerate(grouping.groups):
        own = actual[grouping.codes == g]
        if not 0 < own.sum() < len(own):
            raise InputError(
                f"Each group must have outcomes of both kinds for thresholds of its own. Got {short(group)} without "
                "instead; put small groups together."
            )
    optimiser: Any = ThresholdOptimizer(
        estimator=_given(),
        constraints=cast(Any, CONSTRAINTS[criterion]),
        prefit=True,
        predict_method="predict",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks scikit-learn whether the scores are a fitted model
        extra = {} if weight is None else {"sample_weight": weight}
        optimiser.fit(scores[:, None], actual.astype(np.int64), sensitive_features=grouping.labels, **extra)
    rules = dict[str, Rule]()
    for group, entry in optimiser.interpolated_thresholder_.interpolation_dict.items():
        operations = [entry["operation0"], entry["operation1"]]
        rules[str(group)] = Rule(
            tuple(float(each._threshold) for each in operations),
            tuple(each._operator == ">" for each in operations),
            (float(entry["p0"]), float(entry["p1"])),
            float(entry.get("prediction_constant", 0.0)),
            float(entry.get("p_ignore", 0.0)),
        )
    return GroupThresholds(subject, criterion, grouping.name, rules)
