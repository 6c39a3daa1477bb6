"""A formula within epsilon of its network, by branch and bound on interval enclosures.

On a box with middle m the difference D = formula - output lies in its plain enclosure; by the mean value theorem in
D(m) + sum_i dD/dx_i(box) (x_i - m_i); and where nothing has kinks in D(m) + sum_i dD/dx_i(m) (x_i - m_i) + half the sum
of the second derivatives over the box times the products of the steps. The excess of the last over the true range falls
with the cube of the box's width, which is why boxes need not be cut to dust. All derivatives are enclosed too: the
formula's in closed form, the network's through exact ranges of its polynomials.

References
----------
R. E. Moore, R. B. Kearfott and M. J. Cloud, "Introduction to Interval Analysis", 2009, doi:10.1137/1.9780898717716.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import among, short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError
from edgewise.forms import parse
from edgewise.forms.tree import Apply, Node, Number, Variable, names_in, substitute
from edgewise.symbolic.expressions.parse import from_sympy
from edgewise.symbolic.results.formula import Formula
from edgewise.verifying.bounds.intervals import Intervals
from edgewise.verifying.claims.tasks import has_numbers, output_of, without_missing
from edgewise.verifying.config import DEFAULT, ProverConfig
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Domain, drawn, place
from edgewise.verifying.entry_points.formula_difference import Difference
from edgewise.verifying.language.calibrated import check_carried
from edgewise.verifying.language.conditions import Condition
from edgewise.verifying.language.properties import FormulaWithin
from edgewise.verifying.results.verdicts import ProofResult, Proved, Refuted, Undecided, ended_by
from edgewise.verifying.results.witness import GoalEvaluator, case


def formula_outcome(
    prop: FormulaWithin,
    columns: Columns,
    conditions: Sequence[Condition],
    domain_words: str,
    *,
    meter: Meter,
    rows: Any = None,
    tell: Callable[[float, float, int], None] = lambda upper, lower, leaves: None,
    config: ProverConfig = DEFAULT,
) -> ProofResult:
    """Whether a formula stays within epsilon of an output everywhere on a domain.

    Parameters
    ----------
    prop : FormulaWithin
    columns : Columns
    conditions : sequence of Condition
    domain_words : str
        The domain in words.
    meter : Meter
        The running meter, which limits the work.
    rows : table, optional
        Rows to try first.
    tell : callable
        Told the certain bound of the excess, the largest found, and how many boxes are done.
    config : ProverConfig

    Raises
    ------
    InputError
        If the formula's columns are not numbers of the model, or too many inputs vary.
    """
    check_carried(prop, columns.view)
    output = output_of(columns.view, prop.output)
    domain = columns.domain(conditions)
    tree, domain = _in_inputs(prop.formula, columns, domain)
    varying = sum(
        any(low < high for low, high in _input_cells(domain, i)) for i in range(columns.view.network.shape[0])
    )
    if varying > config.formula_inputs:
        raise InputError(
            f"A formula can be compared where at most {config.formula_inputs} inputs vary. Got {varying} instead; narrow "
            "the others to one value with where."
        )
    difference = Difference.of(columns.view.network, output, tree)
    text, evaluator, epsilon = str(prop), GoalEvaluator((columns.view.network,)), prop.epsilon

    def refuted(x: Floats) -> ProofResult:
        found = case(evaluator, columns.view, columns, x)
        at = difference.at(x[None])
        low, high = float(at.low[0]), float(at.high[0])
        if not np.isfinite([low, high]).all():
            reason, excess = "At this row the formula has no value.", np.inf
        else:
            gap = (low + high) / 2
            reason = (
                f"At this row the formula is {abs(gap):.6g} {'above' if gap > 0 else 'below'} the output."
            )
            excess = max(low, -high) - epsilon
        return Refuted(text, domain_words, (found,), float(excess), reason, meter.seconds)

    sample = drawn(domain, config.formula_rows, np.random.default_rng(0))
    if rows is not None:
        given = columns.table(rows)
        sample = np.vstack([given[place(domain, given)], sample])
    boxes = _Boxes(difference, _boxes(domain, config.formula_cells), epsilon, config)

    def inform() -> None:
        tell(boxes.upper - epsilon, boxes.lower - epsilon, boxes.leaves)

    meter.beat, ended = inform, StopReason.WORK_SPENT
    try:
        boxes.look(sample)
        while boxes.witness is None and len(boxes.low) and not boxes.stuck and meter.left > 0:
            boxes.cut()
            inform()
    except StopError as stop:
        ended = meter.own(stop)
    except KeyboardInterrupt:
        ended = StopReason.INTERRUPTED
    if boxes.witness is not None:
        return refuted(boxes.witness)
    if boxes.upper <= epsilon:
        return Proved(text, domain_words, None, epsilon - boxes.upper, meter.seconds, boxes.leaves)
    ended = StopReason.TIED if boxes.stuck else ended
    lower, upper = boxes.lower - epsilon, boxes.upper - epsilon
    return Undecided(text, domain_words, lower, upper, meter.seconds, ended_by(ended), ended)


class _Boxes:
    """Boxes that are cut, the worst first, until each is within epsilon or a row is not.

    Attributes
    ----------
    low, high : arrays of shape (boxes, inputs)
        Those that are not certain yet.
    size : array of shape (boxes,)
        Bounds of the difference over them.
    lower : float
        Largest difference that is certain to be reached.
    leaves : int
        Boxes that are certain.
    witness : array of shape (inputs,) or None
        A row that is not within epsilon.
    stuck : bool
        Whether rounding leaves no way to cut further.
    """

    def __init__(
        self, difference: Difference, boxes: Intervals, epsilon: float, config: ProverConfig
    ) -> None:
        self.difference, self.epsilon, self.config = difference, epsilon, config
        self.low, self.high = boxes.low, boxes.high
        self.size = np.full(len(self.low), np.inf)
        self.span = np.maximum(self.high.max(0) - self.low.min(0), 1e-300)
        self.lower, self.done, self.leaves, self.stuck = 0.0, 0.0, 0, False
        self.witness: Floats | None = None

    @property
    def upper(self) -> float:
        """Certain bound of the difference."""
        return max(self.done, float(self.size.max(initial=0.0)))

    def look(self, rows: Floats) -> None:
        """See whether some rows are within epsilon."""
        values = self.difference.at(rows)
        least = np.maximum(values.low, -values.high)  # |D| is at least this
        undefined = ~np.isfinite(values.size)
        worst = int(np.argmax(undefined if undefined.any() else least))
        if undefined[worst] or least[worst] > self.epsilon:
            self.witness = rows[worst]
        self.lower = max(self.lower, float(least[worst]))

    def cut(self) -> None:
        """Bound the worst boxes, and halve those that are not certain."""
        order = np.argsort(-self.size, kind="stable")
        order = order[::-1] if len(order) > self.config.formula_boxes else order
        head, rest = np.split(order, [self.config.formula_together])
        box = Intervals(self.low[head], self.high[head])
        found, middle, spread = self.difference.over(box)
        centre = self.difference.at(middle)
        least = np.maximum(centre.low, -centre.high)
        worst = int(np.argmax(least))
        undefined = (centre.low == -np.inf) & (centre.high == np.inf)
        if least[worst] > self.epsilon or undefined.any():
            self.witness = middle[worst if least[worst] > self.epsilon else int(np.argmax(undefined))]
            return
        size = np.minimum(found.size, self.size[head])
        keep = size > self.epsilon
        side = np.argmax(
            np.where(box.low < box.high, spread + 1e-300 * (box.high - box.low) / self.span, -1.0), axis=1
        )
        at = np.arange(len(head))
        tiny = (box.high - box.low)[at, side] <= self.config.formula_narrowest * self.span[side]
        cut = middle[at, side]
        first_high, second_low = box.high.copy(), box.low.copy()
        first_high[at, side], second_low[at, side] = cut, cut
        self.lower = max(self.lower, float(least[worst]))
        self.leaves += int((~keep).sum())
        self.done = max(self.done, float(size[~keep].max(initial=0.0)))
        self.size[head] = size
        self.stuck = bool((keep & tiny).any())
        if not self.stuck:
            self.low = np.vstack([self.low[rest], box.low[keep], second_low[keep]])
            self.high = np.vstack([self.high[rest], first_high[keep], box.high[keep]])
            self.size = np.concatenate([self.size[rest], size[keep], size[keep]])


def _boxes(domain: Domain, most: int) -> Intervals:
    """The domain as boxes, one for each choice of cells."""
    count = int(np.prod([float(len(group.cells)) for group in domain.groups]))
    if count > most:
        raise InputError(
            f"A formula can be compared over at most {most:,} combinations of words. Got {count:,} "
            "instead; narrow the columns of words with where."
        )
    inputs = sum(len(group.inputs) for group in domain.groups)
    low, high = np.empty((count, inputs)), np.empty((count, inputs))
    for k, chosen in enumerate(itertools.product(*(group.cells for group in domain.groups))):
        for group, cell in zip(domain.groups, chosen, strict=True):
            for i, (a, b) in zip(group.inputs, cell, strict=True):
                low[k, i], high[k, i] = a, b
    return Intervals(low, high)


def _input_cells(domain: Domain, i: int) -> list[tuple[float, float]]:
    group = next(group for group in domain.groups if i in group.inputs)
    return [cell[group.inputs.index(i)] for cell in group.cells]


def _in_inputs(formula: Any, columns: Columns, domain: Domain) -> tuple[Node, Domain]:
    """The formula's tree in the inputs of the network, on the rows where its columns are not missing."""
    tree = _tree(formula, columns)
    groups = list(domain.groups)
    for name in columns_of(formula, columns):
        g = columns.group(name, "formula_within")
        if not has_numbers(columns, g):
            raise InputError(
                subject="The columns of a formula",
                expected="hold numbers",
                got=f"{short(name, 40)}, which holds words",
            )
        groups[g] = without_missing(groups[g])
        tree = substitute(tree, name, _decoded(columns, g))
    return tree, Domain(tuple(groups))


def columns_of(formula: Any, columns: Columns) -> tuple[str, ...]:
    """The columns that a formula names, in its order.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    return tuple(name for name in dict.fromkeys(names_in(_tree(formula, columns))) if name in columns.names)


def _decoded(columns: Columns, g: int) -> Node:
    """A raw column as a formula in its input."""
    own: Node = Variable(str(columns.inputs[g][0]))
    transform, scale = columns.scale(g)
    if transform == "identity":
        return own
    if transform == "asinh":
        own = Apply("sinh", (own,))
    return Apply("+", (Number(columns.centre(g)), Apply("*", (Number(scale), own))))


def _tree(formula: Any, columns: Columns) -> Node:
    if isinstance(formula, str):
        return parse(formula, columns.names).tree
    expression = formula.sympy if isinstance(formula, Formula) else formula
    if not hasattr(expression, "free_symbols"):
        raise InputError(
            argument="formula", expected="be a Formula, a sympy expression or text", got=short(formula)
        )
    names = {str(symbol) for symbol in expression.free_symbols}
    if unknown := sorted(names - set(columns.names)):
        raise InputError(
            subject="The formula",
            expected=f"be in the columns {among(columns.names)}",
            got=short(unknown[0], 40),
        )
    return from_sympy(expression)
