"""What a formula search has found so far, and the way every candidate goes.

Constants fitted on the data, the expression brought to its shortest writing, constants rounded where the data cannot
tell, and judged on rows it has not seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from edgewise._core.stopping import StopReason, tell
from edgewise._core.work import Meter, StopError
from edgewise.forms.functions import BREAKS
from edgewise.forms.tree import Node
from edgewise.symbolic.config import DEFAULT, SearchConfig
from edgewise.symbolic.expressions.complexity import node_count
from edgewise.symbolic.expressions.functions_used import functions_in
from edgewise.symbolic.expressions.nodes import Expr
from edgewise.symbolic.expressions.rewriting import shortest
from edgewise.symbolic.expressions.writing import from_tree, to_tree
from edgewise.symbolic.fitting.negligible import straightened, without_negligible
from edgewise.symbolic.fitting.rounding import FittedFormula, fit_expression, round_constants, trim_digits
from edgewise.symbolic.fitting.square_roots import unsquared
from edgewise.symbolic.fitting.structure_left import follows_columns
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.fitting.tying import tie_constants
from edgewise.symbolic.provenance import all_marked, attempted, is_excluded, origin_of
from edgewise.symbolic.results.description_length import description
from edgewise.symbolic.results.formula import Formula, pareto
from edgewise.symbolic.results.search_result import as_formula
from edgewise.symbolic.search.constraints import Checker
from edgewise.symbolic.search.exactness import exactness, fitted_to_rounding, is_law
from edgewise.symbolic.search.search_space import Limits
from edgewise.symbolic.search.shortlist import digits_key, worth_finishing
from edgewise.symbolic.structure.chebyshev_surrogate import NOISY_ERROR
from edgewise.symbolic.structure.reflections import reflections
from edgewise.symbolic.structure.state import State
from edgewise.training.common.records import Record

if TYPE_CHECKING:
    from edgewise.network import KAN
    from edgewise.symbolic.networks.architectures import TrainedNetwork

# A formula with more measured constants that explains all but the noise may be an approximation to a shorter one.
_FEW_CONSTANTS = 1
# A formula leaves nothing but noise where the rows take so few nats more than by the floor: the least of many estimates is
# rather low, by as many nats whatever the number of rows; of few rows, where nats are a large share of the noise, by no more
# than so many for each. Where that ends the search a formula may leave less the longer it is, for of long ones there are
# more that imitate a law: so many nats, less those of its nodes.
_NOISE_NATS, _ROW_NATS = 8.0, 0.02
_END_NATS, _NODE_NATS = 12.0, 0.4
# Noise of a given standard deviation leaves an error at most so many standard errors above it.
_NOISE_ERRORS = 2.0
# A rival has at most so many times the error of the best formula, is at most so much longer; so many are looked at.
_RIVAL_ERROR = 1.25
_RIVAL_LONGER = 8
_RIVALS = 24
# Held-out errors so close may be the other way round; so many are rounded and looked at again.
_NEAR_ERROR = 1.04
_MOST_NEAR = 8
# A formula that leaves at most so many times what polynomials do with a break, with at most so many constants, is the law.
BREAK_REACHED = 1.05
_BREAK_CONSTANTS = 4
# Backfitting: what is about as close as the best formula, and formulas whose parts are read anew.
_BACKFITTING_ERROR = 1.05
_BACKFITTED = 3
# Formulas that get a term they lack have at most so many measured constants: longer ones imitate what they lack.
_LACKING_CONSTANTS = 2
_LACKING = 4

# What may be done to a candidate before it is finished, as its provenance names it.
_STRAIGHTENED, _DROPPED = "functions straightened", "negligible terms dropped"
_TIED, _SIGNED = "constants tied", "roots of squares opened"
# What a formula explains whose parts are worth another look.
_MOST = 0.9

Callback = Callable[[Record], Any]
End = TypeVar("End")


@dataclass(frozen=True, eq=False)
class Proposal:
    """Candidates that a generator makes of what is known, and the network that they were read from, if any."""

    trees: Iterable[Node]
    network: KAN | None = None

    def marked(self, name: str) -> Proposal:
        """The proposal, with the part of the search that makes it."""
        return replace(self, trees=all_marked(self.trees, name))


@dataclass
class Search:
    """What has been found so far.

    Parameters
    ----------
    rows
        The table.
    limits
        What a formula may be made of.
    callbacks
        Told after each step.
    meter
        Counts the work of the whole search.
    until
        Its count where this part of the search ends.
    config
        How large its formulas may be.
    networks
        The network that each finished formula was read from, by its expression.
    laws
        The formulas that hold exactly.
    floor
        The held-out error that noise alone leaves, as far as is known.
    straightened
        The columns of formulas in which a function was a line within the errors of the rows, by what they became.
    passed
        Candidates that a formula no longer than they are beats: the data need not be able to distinguish them from it.
    summed
        Whether a sum of terms leaves only noise, and no other formula comes near it.
    refused
        The closest of the formulas that constraints ruled out.
    """

    rows: SplitRows
    limits: Limits
    callbacks: Sequence[Callback]
    meter: Meter
    until: float
    config: SearchConfig = DEFAULT
    finished: list[Formula] = field(default_factory=list[Formula])
    networks: dict[Expr, KAN] = field(default_factory=dict[Expr, "KAN"])
    laws: list[Formula] = field(default_factory=list[Formula])
    trained: list[TrainedNetwork] = field(default_factory=list["TrainedNetwork"])
    floor: float = math.inf
    _left: dict[Expr, float] = field(default_factory=dict[Expr, float])
    _patterned: dict[Expr, bool] = field(default_factory=dict[Expr, bool])
    passed: dict[str, FittedFormula] = field(default_factory=dict[str, FittedFormula])
    summed: bool = False
    refused: Formula | None = None
    straightened: dict[Expr, tuple[str, ...]] = field(default_factory=dict[Expr, tuple[str, ...]])

    @property
    def left(self) -> float:
        return self.until - self.meter.spent

    def part(self, share: float, most: float = math.inf) -> float:
        """The count after a stage that gets a share of what is left, and at most so much."""
        return self.meter.spent + min(most, share * max(self.left, 0.0))

    @property
    def smallest(self) -> float:
        return min((formula.error for formula in self.finished), default=math.inf)

    @property
    def closest(self) -> list[Formula]:
        """The formulas of the front that come close to the best."""
        return [formula for formula in pareto(self.finished) if formula.error <= _RIVAL_ERROR * self.smallest]

    @property
    def nearly(self) -> list[Formula]:
        """The shortest formulas that are about as close as the best and explain the most of y."""
        least = _BACKFITTING_ERROR * self.smallest
        near = [formula for formula in pareto(self.finished) if formula.error <= least and formula.r2 > _MOST]
        return near[:_BACKFITTED]

    @property
    def plain(self) -> list[Formula]:
        """The closest of the formulas that explain most of y with hardly a constant."""
        near = [
            formula
            for formula in pareto(self.finished)
            if len(formula.constants) <= _LACKING_CONSTANTS and formula.r2 > _MOST
        ]
        return sorted(near, key=lambda formula: formula.error)[:_LACKING]

    @property
    def exact(self) -> bool:
        return bool(self.laws)

    @property
    def explained(self) -> bool:
        """Does a formula leave only noise that is no mere approximation, going by the constants it needs?"""
        if self.summed:
            return True
        short = [formula for formula in self.finished if len(formula.constants) <= _FEW_CONSTANTS]
        low = [
            formula
            for formula in short
            if self._leaves(formula) <= self._noise(_END_NATS - _NODE_NATS * formula.complexity)
        ]
        return bool(low) and not self._follows(min(low, key=self._leaves))

    def _noise(self, nats: float) -> float:
        """An error that may be noise alone: nearly the floor, or the most that chance makes of a given noise."""
        known = self.rows.known_noise
        chance = math.exp(min(nats / len(self.rows.alike.y), _ROW_NATS))
        found = chance * self.floor if math.isfinite(self.floor) else -math.inf
        if known is None:
            return found
        return max(found, known * (1 + _NOISE_ERRORS / math.sqrt(2 * len(self.rows.alike.y))))

    def leaves_noise(self, formula: Formula) -> bool:
        """Whether a formula leaves only noise, whatever constants that takes."""
        return self._leaves(formula) <= self._noise(_NOISE_NATS) and not self._follows(formula)

    @property
    def found_short(self) -> bool:
        """Whether a formula of as few constants as laws have leaves what polynomials with a break do, and no pattern."""
        return self.exact or any(map(self._is_short, self.finished))

    @property
    def found_break(self) -> bool:
        """Whether such a formula breaks, too; one that does not may imitate a law that is still to be looked for."""
        breaking = (formula for formula in self.finished if functions_in(formula.tree) & BREAKS)
        return self.exact or any(map(self._is_short, breaking))

    def _is_short(self, formula: Formula) -> bool:
        few = math.isfinite(self.floor) and len(formula.constants) <= _BREAK_CONSTANTS
        return few and self._leaves(formula) <= BREAK_REACHED * self.floor and not self._follows(formula)

    @cached_property
    def table(self) -> State:
        """The table as the structural search begins with it."""
        return State.table(self.rows.alike)

    @cached_property
    def reflected(self) -> tuple[State, ...]:
        """The table in absolute values of columns, where a smooth model is so much better."""
        return tuple(reflections(self.table)) if self.table.error > NOISY_ERROR else ()

    @property
    def smooth(self) -> float:
        """The error of the best smooth model of the table, in units of y."""
        return min(formula.error * float(formula.rows.y.std()) for formula in (self.table, *self.reflected))

    def _follows(self, formula: Formula) -> bool:
        """Whether what a formula leaves still follows columns."""
        if formula.expression not in self._patterned:
            rows = self.rows.alike
            self._patterned[formula.expression] = follows_columns(rows.X, formula.predict(rows.X) - rows.y)
        return self._patterned[formula.expression]

    def _leaves(self, formula: Formula) -> float:
        """The error of a formula with few constants on the rows the floor was estimated on, so that chance plays no part."""
        if self.rows.short:
            return formula.error
        if formula.expression not in self._left:
            error = formula.predict(self.rows.alike.X) - self.rows.alike.y
            self._left[formula.expression] = float(np.sqrt(np.mean(np.square(error))))
        return self._left[formula.expression]

    @property
    def solved(self) -> StopReason | None:
        """Why nothing is left to search for, if so."""
        return StopReason.EXACT if self.exact else StopReason.EXPLAINED if self.explained else None

    @property
    def exactness(self) -> float:
        return exactness(self.rows)

    def tell(self, note: str) -> None:
        error = self.smallest
        record = Record(
            phase="formula",
            step=len(self.finished),
            loss=error,
            validation=error,
            seconds=self.meter.seconds,
            intervals=0,
            note=note,
            share=self.meter.share,
        )
        if tell(self.callbacks, record):
            raise StopError(StopReason.CALLBACK)

    def pass_on(self, record: Record) -> bool:
        """Pass on a record of the training of a network, with the time and the share of the whole search."""
        return tell(self.callbacks, replace(record, seconds=self.meter.seconds, share=self.meter.share))

    def beat(self) -> None:
        """Report that the search goes on: between two formulas much time may pass."""
        self.tell("searching")

    def follow(self, proposals: Generator[Proposal, None, End]) -> End | Literal[StopReason.EXACT] | None:
        """The loop: each proposal is added before the next is made. Gives what they return, unless a formula is exact; None
        where they fail on the way."""
        while True:
            fresh = list[Proposal]()
            with attempted("the search"):
                try:
                    fresh.append(next(proposals))
                except StopIteration as end:
                    return end.value
            if not fresh:
                return None
            self.add(fresh[0].trees, fresh[0].network)
            if self.exact:
                return StopReason.EXACT

    def add(self, trees: Iterable[Node], network: KAN | None) -> None:
        """Fit, shorten and judge candidates, then finish those that no shorter one beats."""
        fresh: list[FittedFormula] = []
        for tree in trees:
            if self.left <= 0 and (fresh or self.finished):
                break
            with attempted("constants"):
                fitted = self._fitted(tree)
                if fitted is not None:
                    fresh.append(fitted)
        kept = worth_finishing(fresh, self.finished, self.rows)
        finishing = {id(formula) for formula in kept}
        self.passed |= {
            digits_key(formula.expression): formula for formula in fresh if id(formula) not in finishing
        }
        for fitted in kept:
            polished = fitted
            with attempted("constants rounded"):
                polished = self._polished(fitted)
            if fitted.expression in self.straightened:
                self.straightened[polished.expression] = self.straightened[fitted.expression]
            with attempted("judgement"):
                self.finish(polished, network)
            if self.left <= 0:
                return

    @cached_property
    def checker(self) -> Checker:
        """The check whether formulas satisfy the constraints."""
        alike = self.rows.alike
        return Checker.of(self.limits.constraints, self.rows.names, alike.X, alike.y)

    def satisfies(self, formula: Formula) -> bool:
        """Does a formula satisfy the constraints, as far as points over the box show?"""
        return not self.limits.constraints or not self.checker.broken(formula.predict, formula.error)

    def finish(self, fitted: FittedFormula, network: KAN | None, *, last: bool = False) -> None:
        """A fitted expression as one of the results, if it satisfies the constraints or is the last resort."""
        formula = as_formula(fitted, self.rows, network)
        if not (last or self.satisfies(formula)):
            if self.refused is None or formula.error < self.refused.error:
                self.refused = formula
            return
        law = is_law(formula, self.rows)
        if not law and formula.error <= self.exactness:
            finer = as_formula(fitted_to_rounding(fitted, self.rows), self.rows, network)
            if law := is_law(finer, self.rows):
                formula = replace(finer, origin=formula.origin)
        self.finished.append(formula)
        if network is not None:
            self.networks[formula.expression] = network
        if law:
            self.laws.append(formula)
        self.tell(formula.text)

    def near(self, best: Formula) -> list[Formula]:
        """What shorter formulas beat by chance, if at all, constants rounded: those that all rows speak for most."""
        if self.rows.short:
            return []
        close = [formula for formula in self.passed.values() if formula.held <= _NEAR_ERROR * best.error]
        close.sort(key=lambda item: description(as_formula(item, self.rows, None), self.rows))
        formulas = [as_formula(self._polished(item), self.rows, None) for item in close[:_MOST_NEAR]]
        return [formula for formula in formulas if self.limits.strict(formula) and self.satisfies(formula)]

    @property
    def contenders(self) -> list[Formula]:
        """All formulas of a short table, those too that one as short beats: by chance, if the rows are few."""
        passed = (as_formula(formula, self.rows, None) for formula in self.passed.values())
        return [*self.finished, *(item for item in passed if self.satisfies(item))]

    def polished(self, formula: Formula) -> Formula:
        """A formula with its constants rounded, where that was not worth while before."""
        fitted = self.passed.get(digits_key(formula.expression))
        if fitted is None or any(item is formula for item in self.finished):
            return formula
        return as_formula(self._polished(fitted), self.rows, None)

    def rivals(self, best: Formula) -> list[Formula]:
        """Formulas beside the front that come close to the best one and are not much longer, the shortest first."""
        near = [
            (size, formula)
            for formula in self.passed.values()
            if formula.held <= _RIVAL_ERROR * best.error
            and (size := self.rows.size(formula.expression)) <= best.complexity + _RIVAL_LONGER
            and formula.fit.constants.size <= len(best.constants) + 2
            and _determined(formula)
        ]
        near.sort(key=lambda pair: (pair[0], pair[1].held))
        rounded = (
            replace(as_formula(trim_digits(item, self.rows), self.rows, None), origin=item.origin)
            for _, item in near
        )
        return list(islice(filter(self.satisfies, rounded), _RIVALS))

    def _fitted(self, tree: Node) -> FittedFormula | None:
        origin = origin_of(tree)
        expression = shortest(from_tree(tree, self.rows.names), self.rows.positive)
        if not self._offered(expression):
            return None
        fitted = fit_expression(expression, self.rows)
        if not fitted.expression.real:
            return None
        straight = fitted.expression
        if not is_excluded(_STRAIGHTENED):
            straight = straightened(straight, self.rows)
        fewer = straight if is_excluded(_DROPPED) else without_negligible(straight, self.rows)
        if fewer is not fitted.expression and self._offered(fewer):
            whole, fitted = fitted.expression, fit_expression(fewer, self.rows)
            origin = (_DROPPED if fewer is not straight else _STRAIGHTENED, *origin)
            if straight is not whole:
                columns = tuple(name for name in self.rows.names if name in whole.symbols)
                self.straightened[fitted.expression] = columns
        # A formula with a constant for every third row can follow anything; three are not too many for seven.
        count = len(self.rows.y)
        few = fitted.fit.constants.size <= max(count // 3, min(3, (count - 1) // 2))
        return replace(fitted, origin=origin) if few and math.isfinite(fitted.held) else None

    def _offered(self, expression: Expr) -> bool:
        return (
            expression.real
            and node_count(expression) <= self.config.largest
            and self.limits.allow(to_tree(expression))
        )

    def _polished(self, fitted: FittedFormula) -> FittedFormula:
        """Constants rounded and tied, roots of squares opened; each only where the result may still be offered."""
        changes = list[str]()
        rounded = round_constants(fitted.expression, self.rows)
        if not self._offered(rounded.expression):
            # An exact number carries no unit, a term that went may have held a column that is required.
            rounded = fitted
        elif rounded.fit.constants.size < fitted.fit.constants.size:
            changes.append("constants rounded")
        if rounded.fit.constants.size > 1 and not is_excluded(_TIED):
            tied = tie_constants(rounded, self.rows)
            tied = tied if tied is rounded else round_constants(tied.expression, self.rows)
            if tied is not rounded and self._offered(tied.expression):
                rounded = tied
                changes.append(_TIED)
        signed = rounded.expression if is_excluded(_SIGNED) else unsquared(rounded.expression, self.rows)
        if signed != rounded.expression and self._offered(signed):
            rounded = fit_expression(signed, self.rows)
            changes.append(_SIGNED)
        trimmed = trim_digits(rounded, self.rows)
        final = trimmed if self._offered(trimmed.expression) else rounded
        return replace(final, origin=(*reversed(changes), *fitted.origin))


def _determined(fitted: FittedFormula) -> bool:
    """Whether the data determine every constant at least by its sign."""
    errors, constants = fitted.fit.standard_errors, fitted.fit.constants
    return bool((np.isfinite(errors) & (errors < np.abs(constants))).all())
