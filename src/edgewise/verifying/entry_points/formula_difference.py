"""The difference of a network and a formula, enclosed over boxes with its first and second derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.derivative import differentiate
from edgewise.forms.functions import JUMPS
from edgewise.forms.tree import Apply, Node
from edgewise.network import KAN
from edgewise.verifying.bounds.enclosure import enclose
from edgewise.verifying.bounds.exact import ExactModel, exact_model
from edgewise.verifying.bounds.intervals import Intervals, point
from edgewise.verifying.bounds.network_ranges import CurveDerivatives, enclose_network


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
        gradient = () if _applies(tree, JUMPS) else tuple(differentiate(tree, name) for name in names)
        smooth = bool(gradient) and not any(_applies(each, JUMPS) for each in gradient)
        smooth &= min(layer.degree for layer in network.layers) >= 2
        hessian = (
            tuple(tuple(differentiate(each, name) for name in names) for each in gradient) if smooth else ()
        )
        return cls(model, CurveDerivatives.of(model), output, tree, gradient, hessian)

    def at(self, x: Floats) -> Intervals:
        """Enclosures of the difference at rows, (n, inputs) -> (n,)."""
        network = enclose_network(self.model, self.derivatives, self.output, point(x))
        return enclose(self.tree, _named(point(x))) - network.value

    def over(self, x: Intervals) -> tuple[Intervals, Floats, Floats]:
        """Tight enclosures over boxes (B,), the middles (B, inputs), and what each input adds to the width (B, inputs)."""
        middle = np.clip((x.low + x.high) / 2, x.low, x.high)
        width = x.high - x.low
        network = enclose_network(self.model, self.derivatives, self.output, x, second=bool(self.hessian))
        found = enclose(self.tree, _named(x)) - network.value
        if not self.gradient:
            return found, middle, width
        # Slopes of zero prove nothing where there may be no value: the mean value theorem is about functions that have one.
        lost = (found.low == -np.inf) & (found.high == np.inf)
        step = x - point(middle)
        slopes = _gathered(self.gradient, x) - network.slopes
        found = found.meet(_summed_with(self.at(middle), slopes * step, width > 0))
        spread = slopes.size * width
        if network.bends is not None:
            here = enclose_network(self.model, self.derivatives, self.output, point(middle))
            level = _gathered(self.gradient, point(middle)) - here.slopes
            bends = Intervals(
                *(
                    np.stack(ends, 1)
                    for ends in zip(
                        *((p.low, p.high) for p in (_gathered(row, x) for row in self.hessian)), strict=True
                    )
                )
            )
            bends = bends - network.bends
            half = point(np.full_like(bends.low, 0.5))
            pairs = Intervals(step.low[:, :, None], step.high[:, :, None]) * Intervals(
                step.low[:, None], step.high[:, None]
            )
            own = np.eye(width.shape[1], dtype=bool)
            pairs = Intervals(np.where(own, 0.0, pairs.low), pairs.high)
            parts = half * bends * pairs
            moving = (width[:, :, None] > 0) & (width[:, None] > 0)
            second = Intervals(np.where(moving, parts.low, 0.0), np.where(moving, parts.high, 0.0))
            total = _summed_with(self.at(middle), level * step, width > 0)
            for i in range(width.shape[1]):
                total = _summed_with(total, Intervals(second.low[:, i], second.high[:, i]), moving[:, i])
            found = found.meet(total)
            spread = np.minimum(spread, level.size * width + (bends.size * width[:, None]).sum(2) * width / 4)
        found = Intervals(np.where(lost, -np.inf, found.low), np.where(lost, np.inf, found.high))
        spread = np.where(width > 0, spread, 0.0)
        return found, middle, np.nan_to_num(spread, nan=0.0, posinf=1e300)


def _named(x: Intervals) -> dict[str, Intervals]:
    return {str(i): Intervals(x.low[:, i], x.high[:, i]) for i in range(x.low.shape[1])}


def _gathered(nodes: Sequence[Node], x: Intervals) -> Intervals:
    """Enclosures of several formulas, (B, n)."""
    parts = [enclose(node, _named(x)) for node in nodes]
    return Intervals(np.stack([part.low for part in parts], 1), np.stack([part.high for part in parts], 1))


def _summed_with(total: Intervals, parts: Intervals, moving: Any) -> Intervals:
    """A sum with the parts (B, n) of the inputs that move."""
    for i in range(parts.low.shape[1]):
        own = np.where(moving[:, i], parts.low[:, i], 0.0), np.where(moving[:, i], parts.high[:, i], 0.0)
        total = total + Intervals(*own)
    return total


def _applies(node: Node, functions: frozenset[str]) -> bool:
    """Whether a formula applies one of some functions anywhere."""
    return isinstance(node, Apply) and (
        node.function in functions or any(_applies(argument, functions) for argument in node.arguments)
    )
