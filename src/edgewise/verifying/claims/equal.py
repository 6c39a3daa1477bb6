"""Two models of the same columns differ by at most so much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.network.fitted import Fitted, fitted
from edgewise.verifying.claims.claimed import Claimed, end_in_words
from edgewise.verifying.claims.property import Property, check_carried
from edgewise.verifying.claims.tasks import Task, bounded
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import number, word
from edgewise.verifying.domain.goals import OutputTerm


@dataclass(frozen=True, eq=False)
class Equal(Property):
    """Two models of the same columns differ by at most `epsilon`; made by `equal`."""

    other: Any = field(repr=False)
    epsilon: float

    claims = ("equal",)
    maps = "none"
    models = 2

    def __str__(self) -> str:
        other = word(self.other) if isinstance(self.other, str) else "the other model"
        return f"equal({other}, {number(self.epsilon)})"

    def with_models(self, load: Callable[[Any], Any]) -> Property:
        """The same with the other model."""
        return replace(self, other=load(self.other))

    def task(self, columns: Columns, start: Task, rows: Any) -> Task:
        """Each output differs by at most so much, either way."""
        if isinstance(self.other, str):
            raise InputError(
                subject="The other model of equal",
                expected="be a model",
                got=f"the name {short(self.other)}",
                advice="load it with edgewise.load",
            )
        view, other = columns.view, fitted(self.other)
        check_carried(self, other)
        if not read_alike(view, other):
            raise InputError(
                subject="The other model of equal",
                expected="read the same columns in the same way",
                got="one with another encoding",
                advice="fit both on the same table, or compare edited copies of one model",
            )
        count = view.network.shape[-1]
        if other.network.shape[-1] != count:
            raise InputError(
                subject="The other model of equal",
                expected=f"have {count} outputs",
                got=other.network.shape[-1],
            )
        goals = [
            bounded((OutputTerm(o, sign, 0), OutputTerm(o, -sign, 1)), self.epsilon)
            for o in range(count)
            for sign in (1.0, -1.0)
        ]
        start = replace(start, models=(view.network, other.network), views=(view, other))
        return start.showing({"type": "equal", "epsilon": self.epsilon}, goals, "level")

    @classmethod
    def claim_in_words(cls, claimed: Claimed) -> str:
        """The largest difference."""
        return f"the outputs of the two models differ by at most {end_in_words(claimed.claim['epsilon'], 1)}"


def read_alike(view: Fitted, other: Fitted) -> bool:
    """Whether two models make the same inputs of the same rows."""
    mine, theirs = (
        None
        if item.encoding is None
        else [{**column, "name": ""} for column in item.encoding.to_json()["columns"]]
        for item in (view, other)
    )
    return mine == theirs and view.network.shape[0] == other.network.shape[0]
