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
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError
from edgewise.forms.derivative import differentiate
from edgewise.forms.functions import JUMPS
from edgewise.forms.tree import Node, Variable, apply, substitute
from edgewise.network import KAN
from edgewise.symbolic.expressions.source import calls_in
from edgewise.verifying.bounds.enclosure import enclose
from edgewise.verifying.bounds.exact import ExactModel, exact_model
from edgewise.verifying.bounds.intervals import Intervals, point, side_by_side
from edgewise.verifying.bounds.network_ranges import CurveDerivatives, enclose_network
from edgewise.verifying.claims.formula_within import FormulaWithin
from edgewise.verifying.claims.property import check_carried
from edgewise.verifying.claims.tasks import has_numbers, of_numbers, output_of
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.conditions import Condition
from edgewise.verifying.domain.domain import Domain, drawn, place
from edgewise.verifying.results.verdicts import ProofResult, Proved, Refuted, Undecided, ended_by
from edgewise.verifying.results.witness import GoalEvaluator, case
from edgewise.verifying.search.answers import Step, Tell


@dataclass(frozen=True, eq=False)
class Difference:
    """A formula minus an output of a network, with its derivatives.

    Parameters
    ----------
    model : ExactModel
    derivatives : CurveDerivatives
    output : int
    tree : Node
        In the inputs of the network, called "0", "1", ...
    gradient : tuple of Node
        Empty where the formula jumps, so that slopes prove nothing.
    hessian : tuple of tuple of Node
        Empty where the formula or an edge has kinks.
    """

    model: ExactModel
    derivatives: CurveDerivatives
    output: int
    tree: Node
    gradient: tuple[Node, ...]
    hessian: tuple[tuple[Node, ...], ...]

    @classmethod
    def of(cls, network: KAN, output: int, tree: Node) -> Difference:
        """The difference and the derivatives it has."""
        model = exact_model(network)
        names = [str(i) for i in range(len(model.shift))]
        gradient = () if calls_in(tree) & JUMPS else tuple(differentiate(tree, name) for name in names)
        smooth = bool(gradient) and not any(calls_in(item) & JUMPS for item in gradient)
        smooth &= min(layer.degree for layer in network.layers) >= 2
        hessian = (
            tuple(tuple(differentiate(item, name) for name in names) for item in gradient) if smooth else ()
        )
        return cls(model, CurveDerivatives.of(model), output, tree, gradient, hessian)

    def at(self, x: Floats) -> Intervals:
        """Enclosures of the difference at rows, (n, inputs) -> (n,)."""
        network = enclose_network(self.model, self.derivatives, self.output, point(x))
        return enclose(self.tree, _named(point(x))) - network.value

    def over(self, x: Intervals, middle: Floats) -> tuple[Intervals, Floats]:
        """Tight enclosures over boxes (B,) with these middles (B, inputs), and what each input adds to the width, too."""
        width = x.high - x.low
        network = enclose_network(self.model, self.derivatives, self.output, x, second=bool(self.hessian))
        found = enclose(self.tree, _named(x)) - network.value
        if not self.gradient:
            return found, width
        # Slopes of zero prove nothing where there may be no value: the mean value theorem is about functions that have one.
        lost = found.unbounded
        step = x - point(middle)
        slopes = _gathered(self.gradient, x) - network.slopes
        found = found.meet(_summed_with(self.at(middle), slopes * step, width > 0))
        spread = slopes.size * width
        if network.bends is not None:
            here = enclose_network(self.model, self.derivatives, self.output, point(middle))
            level = _gathered(self.gradient, point(middle)) - here.slopes
            bends = side_by_side([_gathered(row, x) for row in self.hessian]) - network.bends
            half = point(np.full_like(bends.low, 0.5))
            pairs = step[:, :, None] * step[:, None]
            own = np.eye(width.shape[1], dtype=bool)
            pairs = Intervals(np.where(own, 0.0, pairs.low), pairs.high)
            parts = half * bends * pairs
            moving = (width[:, :, None] > 0) & (width[:, None] > 0)
            second = Intervals(np.where(moving, parts.low, 0.0), np.where(moving, parts.high, 0.0))
            total = _summed_with(self.at(middle), level * step, width > 0)
            for i in range(width.shape[1]):
                total = _summed_with(total, second[:, i], moving[:, i])
            found = found.meet(total)
            spread = np.minimum(spread, level.size * width + (bends.size * width[:, None]).sum(2) * width / 4)
        found = found.open_where(lost)
        spread = np.where(width > 0, spread, 0.0)
        return found, np.nan_to_num(spread, nan=0.0, posinf=1e300)


def _named(x: Intervals) -> dict[str, Intervals]:
    return {str(i): x[:, i] for i in range(x.low.shape[1])}


def _gathered(nodes: Sequence[Node], x: Intervals) -> Intervals:
    """Enclosures of several formulas, (B, n)."""
    return side_by_side([enclose(node, _named(x)) for node in nodes])


def _summed_with(total: Intervals, parts: Intervals, moving: Any) -> Intervals:
    """A sum with the parts (B, n) of the inputs that move."""
    for i in range(parts.low.shape[1]):
        own = np.where(moving[:, i], parts.low[:, i], 0.0), np.where(moving[:, i], parts.high[:, i], 0.0)
        total = total + Intervals(*own)
    return total


# Most inputs that may vary, and most combinations of words; rows that are tried before.
_MOST_INPUTS, _MOST_CELLS, _ROWS = 8, 4096, 4096


def formula_outcome(
    prop: FormulaWithin,
    columns: Columns,
    conditions: Sequence[Condition],
    domain_words: str,
    *,
    meter: Meter,
    rows: Any = None,
    tell: Tell,
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
        Told a `Step` whose leaves are the boxes that are done.

    Raises
    ------
    InputError
        If the formula's columns are not numbers of the model, or too many inputs vary.
    """
    check_carried(prop, columns.view)
    output = output_of(columns.view, prop.output)
    domain = columns.domain(conditions)
    tree, domain = _in_inputs(prop, columns, domain)
    varying = sum(
        any(low < high for low, high in _input_cells(domain, i)) for i in range(columns.view.network.shape[0])
    )
    if varying > _MOST_INPUTS:
        raise InputError(
            subject="A formula",
            expected=f"be compared where at most {_MOST_INPUTS} inputs vary",
            got=varying,
            advice="narrow the others to one value with where",
        )
    difference = Difference.of(columns.view.network, output, tree)
    sample, epsilon = drawn(domain, _ROWS, np.random.default_rng(0)), prop.epsilon
    if rows is not None:
        given = columns.table(rows)
        sample = np.vstack([given[place(domain, given)], sample])
    boxes = _Boxes(difference, _boxes(domain), epsilon)

    def inform() -> None:
        bounds = boxes.upper - epsilon, boxes.lower - epsilon, boxes.leaves
        tell(Step(1, 1, *bounds, meter.seconds, meter.share))

    meter.beat, ended = inform, StopReason.WORK_SPENT
    try:
        boxes.look(sample)
        while boxes.witness is None and len(boxes.low) and not boxes.stuck and meter.left > 0:
            boxes.cut(boxes.bounded, epsilon)
            inform()
    except (StopError, KeyboardInterrupt) as stop:
        ended = meter.own(stop)
    text = str(prop)
    if boxes.witness is not None:
        x = boxes.witness
        found = case(GoalEvaluator((columns.view.network,)), columns.view, columns, x)
        at = difference.at(x[None])
        if not np.isfinite([at.low[0], at.high[0]]).all():
            reason, excess = "At this row the formula has no value.", np.inf
        else:
            gap = float(at.low[0] + at.high[0]) / 2
            side = "above" if gap > 0 else "below"
            reason = f"At this row the formula is {abs(gap):.6g} {side} the output."
            excess = float(at.least[0]) - epsilon
        return Refuted(text, domain_words, (found,), float(excess), reason, meter.seconds)
    if boxes.upper <= epsilon:
        return Proved(text, domain_words, None, epsilon - boxes.upper, meter.seconds, boxes.leaves)
    ended = StopReason.TIED if boxes.stuck else ended
    lower, upper = boxes.lower - epsilon, boxes.upper - epsilon
    return Undecided(text, domain_words, lower, upper, meter.seconds, ended_by(ended), ended)


# Boxes that wait, beyond which those nearest to being certain go first, so that memory does not grow.
MOST_BOXES = 2_000_000
# Boxes that are bounded together.
_TOGETHER = 1024
# Boxes so narrow, as a share of the domain, are not cut: rounding would decide.
_NARROWEST = 1e-11


class WaitingBoxes:
    """Boxes (low, high) that are not certain yet with bounds of what is enclosed over them, and of those that are certain
    their number (leaves) and largest bound (done); stuck where rounding leaves no way to cut further."""

    def __init__(self, boxes: Intervals) -> None:
        self.low, self.high = boxes.low, boxes.high
        self.size = np.full(len(self.low), np.inf)
        self.span = np.maximum(self.high.max(0) - self.low.min(0), 1e-300)
        self.done, self.leaves, self.stuck = -np.inf, 0, False

    def cut(
        self, bounded: Callable[[Ints, Intervals, Floats], tuple[Floats, Floats] | None], limit: float
    ) -> None:
        """Bound the worst boxes, and halve those whose bounds are not within a limit.

        Their places, they and their middles give bounds and what each input adds to these, (B, inputs); None ends the cut.
        """
        order = np.argsort(-self.size, kind="stable")
        order = order[::-1] if len(order) > MOST_BOXES else order
        head, rest = np.split(order, [_TOGETHER])
        box = Intervals(self.low[head], self.high[head])
        middle = np.clip((box.low + box.high) / 2, box.low, box.high)
        found = bounded(head, box, middle)
        if found is None:
            return
        (size, spread), width = found, box.high - box.low
        certain = size <= limit
        self.done = max(self.done, float(size[certain].max(initial=-np.inf)))
        self.leaves += int(certain.sum())
        side = np.argmax(np.where(width > 0, spread + width / self.span * 1e-300, -1.0), axis=1)
        at, keep = np.arange(len(head)), ~certain
        self.stuck = bool((keep & (width[at, side] <= _NARROWEST * self.span[side])).any())
        if self.stuck:
            return
        first_high, second_low = box.high.copy(), box.low.copy()
        first_high[at, side] = second_low[at, side] = middle[at, side]
        self.low = np.vstack([self.low[rest], box.low[keep], second_low[keep]])
        self.high = np.vstack([self.high[rest], first_high[keep], box.high[keep]])
        self.size = np.concatenate([self.size[rest], size[keep], size[keep]])


class _Boxes(WaitingBoxes):
    """Boxes that are cut, the worst first, until each is within epsilon or a row is not.

    Attributes
    ----------
    lower : float
        Largest difference that is certain to be reached.
    witness : array of shape (inputs,) or None
        A row that is not within epsilon.
    """

    def __init__(self, difference: Difference, boxes: Intervals, epsilon: float) -> None:
        super().__init__(boxes)
        self.difference, self.epsilon, self.lower = difference, epsilon, 0.0
        self.witness: Floats | None = None

    @property
    def upper(self) -> float:
        """Certain bound of the difference."""
        return max(self.done, float(self.size.max(initial=0.0)))

    def look(self, rows: Floats) -> None:
        """See whether some rows are within epsilon."""
        values = self.difference.at(rows)
        least = values.least
        undefined = ~np.isfinite(values.size)
        worst = int(np.argmax(undefined if undefined.any() else least))
        if undefined[worst] or least[worst] > self.epsilon:
            self.witness = rows[worst]
        self.lower = max(self.lower, float(least[worst]))

    def bounded(self, places: Ints, box: Intervals, middle: Floats) -> tuple[Floats, Floats] | None:
        """Largest differences over boxes, and what each input adds to them; None where a row is not within epsilon."""
        found, spread = self.difference.over(box, middle)
        centre = self.difference.at(middle)
        least, undefined = centre.least, centre.unbounded
        worst = int(np.argmax(least))
        if least[worst] > self.epsilon or undefined.any():
            self.witness = middle[worst if least[worst] > self.epsilon else int(np.argmax(undefined))]
            return None
        self.lower = max(self.lower, float(least[worst]))
        self.size[places] = np.minimum(found.size, self.size[places])
        return self.size[places], spread


def _boxes(domain: Domain) -> Intervals:
    """The domain as boxes, one for each choice of cells."""
    count = int(np.prod([float(len(group.cells)) for group in domain.groups]))
    if count > _MOST_CELLS:
        raise InputError(
            subject="A formula",
            expected=f"be compared over at most {_MOST_CELLS:,} combinations of words",
            got=f"{count:,}",
            advice="narrow the columns of words with where",
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


def _in_inputs(prop: FormulaWithin, columns: Columns, domain: Domain) -> tuple[Node, Domain]:
    """The formula's tree in the inputs of the network, on the rows where its columns are not missing."""
    tree = prop.tree(columns)
    for name in prop.weighed(columns):
        g = columns.group(name)
        if not has_numbers(columns, g):
            raise InputError(
                subject="The columns of a formula",
                expected="hold numbers",
                got=f"{short(name, 40)}, which holds words",
            )
        domain = of_numbers(domain, g)
        tree = substitute(tree, name, _decoded(columns, g))
    return tree, domain


def _decoded(columns: Columns, g: int) -> Node:
    """A raw column as a formula in its input."""
    own: Node = Variable(str(columns.inputs[g][0]))
    transform, scale = columns.scale(g)
    if transform == "identity":
        return own
    if transform == "asinh":
        own = apply("sinh", own)
    return columns.centre(g) + scale * own
