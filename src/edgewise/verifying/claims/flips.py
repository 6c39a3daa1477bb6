"""What other values of some columns do: they never change the decision, or change the output by at most so much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, permutations, product
from typing import Any

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise.forms.tree import quote
from edgewise.network.fitted import Fitted
from edgewise.verifying.claims.calibrated import carried_change, carried_threshold
from edgewise.verifying.claims.claimed import Claimed, end_in_words
from edgewise.verifying.claims.property import Property, output_argument
from edgewise.verifying.claims.tasks import Task, bounded, output_of
from edgewise.verifying.claims.two_rows import Pairs, two_rows
from edgewise.verifying.domain.columns import COLUMN, Columns
from edgewise.verifying.domain.conditions import number
from edgewise.verifying.domain.goals import Goal, OutputBounds, OutputTerm
from edgewise.verifying.results.witness import Case

# What makes of an output and a weight the term for one of two rows that are compared.
_Term = Callable[[int, float], OutputTerm]


@dataclass(frozen=True)
class NeverFlips(Property):
    """Changing these columns alone never changes the decision; made by `never_flips`."""

    features: tuple[str, ...]
    threshold: float | None = None
    output: Any = None
    others: tuple[tuple[str, float], ...] = ()

    claims = ("never_flips", "same_class", "never_flips_within", "same_class_within")

    def __str__(self) -> str:
        names = ", ".join(map(quote, self.features))
        threshold = "" if self.threshold is None else f", {number(self.threshold)}"
        near = ", ".join(f"{quote(name)} within {number(size)}" for name, size in self.others)
        return (
            f"never_flips({names}{threshold}{output_argument(self.output)}){' with ' + near if near else ''}"
        )

    @property
    def of_decision(self) -> bool:
        """Whether it is about the model's decision, and not about an output and a threshold."""
        return self.threshold is None and self.output is None

    @property
    def compared(self) -> tuple[str, ...]:
        """All columns that may change."""
        return (*self.features, *(name for name, _ in self.others))

    def moved_nearby(self, columns: Columns) -> Sequence[str] | None:
        """Those that move a little."""
        return [name for name, _ in self.others]

    def task(self, columns: Columns, start: Task, rows: Any) -> Task:
        """No two values of the column, or no two rows, are decided differently."""
        view, of_classes = columns.view, self.of_decision and len(columns.view.classes) > 2
        feature, *more = self.features
        if more or self.others:
            start, moves = two_rows(self.features, self.others, columns, start)
            suffix, of_group, of_moves, g = "_within", {}, {"moves": moves}, None
            pairs = [(partial(OutputTerm, model=0), partial(OutputTerm, model=1))]
        else:
            g, cells = _values(columns, start, feature)
            suffix, of_group, of_moves = "", {"group": g}, {}
            # That two values are decided as two classes says the same for either order of both.
            pairs = [_moved(g, a, b) for a, b in (combinations if of_classes else permutations)(cells, 2)]
        if of_classes:
            count = len(view.classes)
            goals = [
                _one_class(count, classes, pair)
                for pair, classes in product(pairs, permutations(range(count), 2))
            ]
            claim = {"type": f"same_class{suffix}", **of_group, **of_moves}
            return start.showing(claim, goals, "pair", g)
        threshold, o = self._threshold(view), output_of(view, self.output)
        goals = [
            OutputBounds(((first(o, 1.0),), (second(o, -1.0),)), (threshold, -threshold))
            for first, second in pairs
        ]
        claim = {"type": f"never_flips{suffix}", "output": o, **of_group, "threshold": threshold, **of_moves}
        return start.showing(claim, goals, "pair", g)

    def _threshold(self, view: Fitted) -> float:
        """The output of the network above which the decision that is asked about is another."""
        if self.threshold is not None:
            return carried_threshold(view, self.threshold)
        if view.binary:
            return view.threshold
        if len(view.classes) > 2:
            raise InputError(
                argument="threshold",
                expected="be the value above which the output decides",
                got="none",
                advice=(
                    f"ask never_flips({self.features[0]}) without an output for the decision among all "
                    f"{len(view.classes)} classes"
                ),
            )
        raise InputError(
            argument="threshold",
            expected="be the output above which the decision is made, for this model predicts numbers",
            got="None",
            advice="give threshold=",
        )

    def pairs(self, task: Task, columns: Columns) -> Pairs:
        """The pairs of rows that the rows of its task stand for."""
        return Pairs(task, self.others, columns, partial(self._differ, columns.view))

    def _differ(self, view: Fitted, pair: tuple[Case, Case]) -> bool:
        """Whether two rows are decided differently."""
        if self.threshold is None:
            return pair[0].decision != pair[1].decision
        o = output_of(view, self.output)
        above = [[*row.outputs.values()][o] > self.threshold for row in pair]
        return above[0] != above[1]

    @classmethod
    def claim_in_words(cls, claimed: Claimed) -> str:
        """What decides, and what may be otherwise in the second row."""
        view, threshold = claimed.columns.view, claimed.claim.get("threshold")
        of_decision = threshold is None or (view.binary and threshold == view.threshold)
        across = "" if threshold is None else number(threshold)
        if "moves" in claimed.claim:
            what = (
                "the decision is the same"
                if of_decision
                else f"{claimed.output} is on the same side of {across}"
            )
            return f"{what} in two rows that differ in {claimed.moves_in_words}"
        what = "changes the decision" if of_decision else f"takes {claimed.output} across {across}"
        return f"no change of {claimed.group} alone {what}"


@dataclass(frozen=True)
class ChangesAtMost(Property):
    """Changing this column alone never changes the output by more than `max_change`; made by `changes_at_most`."""

    feature: str
    max_change: float
    output: Any = None

    claims = ("changes_at_most",)
    maps = "straight"

    def __str__(self) -> str:
        return (
            f"changes_at_most({quote(self.feature)}, {number(self.max_change)}{output_argument(self.output)})"
        )

    def task(self, columns: Columns, start: Task, rows: Any) -> Task:
        """The outputs at two values are at most so far apart, in either order."""
        g, cells = _values(columns, start, self.feature)
        o, tau = output_of(columns.view, self.output), carried_change(columns.view, self.max_change)
        pairs = [_moved(g, a, b) for a, b in permutations(cells, 2)]
        goals = [bounded((first(o, 1.0), second(o, -1.0)), tau) for first, second in pairs]
        return start.showing(
            {"type": "changes_at_most", "output": o, "group": g, "tau": tau}, goals, "pair", g
        )

    @classmethod
    def claim_in_words(cls, claimed: Claimed) -> str:
        """The largest change."""
        most = end_in_words(claimed.claim["tau"], 1)
        return f"no change of {claimed.group} alone changes {claimed.output} by more than {most}"


def _values(columns: Columns, start: Task, feature: str) -> tuple[int, range]:
    """The group of a column of words or of two values, and the places of its values."""
    g = columns.group(feature)
    group = start.domain.groups[g]
    if len(group.points) < len(group.cells):
        raise InputError(
            subject=COLUMN,
            expected="hold words or two values",
            got=f"{short(feature, 40)}, which holds numbers",
            advice=(
                f"ask monotone({feature}, increasing), lipschitz({feature}, ...) or "
                f"robust(row 0, {{{feature}: ...}}) instead"
            ),
        )
    if len(group.cells) < 2:
        raise InputError(
            subject=COLUMN,
            expected="be left with two values or more",
            got=f"{short(feature, 40)} = {columns.described(g, group)} only",
        )
    return g, range(len(group.cells))


def _moved(g: int, a: int, b: int) -> tuple[_Term, _Term]:
    """The row with one value of a group, and with another."""
    return partial(OutputTerm, moved=(g, a)), partial(OutputTerm, moved=(g, b))


def _one_class(count: int, classes: tuple[int, int], pair: tuple[_Term, _Term]) -> Goal:
    """That two rows are not decided as two classes, by the largest of the outputs.

    For classes j and k: some output is not beaten that would have to be for "class j in the first row and class k in the
    second". The rows of j and k themselves come first: where nothing differs they add up to nothing.
    """
    (j, k), (first, second) = classes, pair
    rows = [(j, k, first), (k, j, second)]
    rows += [row for i in range(count) if i not in classes for row in ((j, i, first), (k, i, second))]
    terms = tuple((term(c, 1.0), term(i, -1.0)) for c, i, term in rows)
    return OutputBounds(terms, (0.0,) * len(terms))
