"""A partly known formula with a spline for every unknown function: values and the exact Jacobian of all coefficients.

The slots are evaluated in order; one sweep backwards carries the derivative of the whole to every slot, through known
formulas (differentiated in closed form) and through the slopes of the splines that other unknowns are nested in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise.forms.derivative import differentiate
from edgewise.forms.tree import Node, names_in
from edgewise.splines import BSpline, fit_coefficients, quantile_grid
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.known_form.text import Partial

DEGREE = 5


@dataclass(frozen=True, eq=False)
class Spline:
    """One unknown function: a B-spline basis and its coefficients.

    Parameters
    ----------
    basis
        Of one input.
    coef
        (M,).
    """

    basis: BSpline
    coef: Floats

    def values(self, x: Floats, order: int = 0) -> Floats:
        """The basis functions or their derivatives at x, (n, M)."""
        points = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64))[:, None]
        return self.basis.values(points, order)[:, 0].numpy()

    def __call__(self, x: Floats) -> Floats:
        return self.values(x) @ self.coef

    @cached_property
    def bending(self) -> Floats:
        """Rows whose squares add up to the integral of the squared second derivative, free of the units of x."""
        low, high = self.basis.domain[0].tolist()
        values, vectors = np.linalg.eigh(self.basis.gram(2)[0].numpy() * (high - low) ** 3)
        return np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T

    def laid_over(self, x: Floats, intervals: int) -> Spline:
        """The same function, as well as it can be represented, on a new grid over x."""
        grid = quantile_grid(torch.from_numpy(np.ascontiguousarray(x))[:, None], intervals, blend=0.5)
        basis = BSpline(grid, DEGREE)
        points = torch.linspace(float(grid[0, 0]), float(grid[0, -1]), 12 * basis.size, dtype=torch.float64)
        target = torch.from_numpy(self(points.numpy()))
        coef = fit_coefficients(basis, points[:, None], target[:, None])[0]
        return Spline(basis, coef.numpy())


_ONE = BSpline(torch.tensor([[-1.0, 1.0]], dtype=torch.float64), 0)


@dataclass(frozen=True, eq=False)
class Scalar(Spline):
    """A constant: a function that is the same wherever it is called."""

    @classmethod
    def of(cls, value: float) -> Scalar:
        """The constant of a value."""
        return cls(_ONE, np.array([value]))

    @property
    def bending(self) -> Floats:  # pyright: ignore[reportIncompatibleVariableOverride]
        """It never bends."""
        return np.zeros((1, 1))

    def laid_over(self, x: Floats, intervals: int) -> Scalar:
        """Itself: it needs no grid."""
        return self


Splines = Mapping[str, Spline]


def drawn(
    labels: Sequence[str], start: Mapping[str, float], decades: float, generator: np.random.Generator
) -> dict[str, Spline]:
    """Starts of constants: those that were given, others over decades about one; those of all levels begin alike."""
    found, values = dict[str, Spline](), dict(start)
    for label in labels:
        name = label.partition("[")[0]
        if name not in values:
            values[name] = 10.0 ** generator.normal(0.0, decades)
        found[label] = Scalar.of(values[name])
    return found


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One evaluation on rows: the whole, and each slot's argument and value."""

    value: Floats
    arguments: tuple[Floats, ...]
    table: Floats


class PartialModel:
    """The formula as a function of the splines.

    Parameters
    ----------
    partial
        The formula.
    """

    def __init__(self, partial: Partial) -> None:
        self.partial = partial
        labels = [slot.label for slot in partial.slots]
        # A slot's formula may use the columns and the slots before it.
        self._names = (*partial.names, *labels)
        self._arguments = [self._tape(slot.argument.tree) for slot in partial.slots]
        self._root = self._tape(partial.root.tree)
        self._root_slopes = self._slopes(partial.root.tree, labels)
        self._argument_slopes = [
            self._slopes(slot.argument.tree, labels[:at]) for at, slot in enumerate(partial.slots)
        ]

    def run(self, splines: Splines, X: Floats) -> Evaluation:
        """Evaluate on rows."""
        table = np.zeros((len(X), len(self._names)))
        table[:, : X.shape[1]] = X
        arguments: list[Floats] = []
        for at, slot in enumerate(self.partial.slots):
            arguments.append(self._value(self._arguments[at], table))
            table[:, X.shape[1] + at] = splines[slot.function](arguments[-1])
        return Evaluation(self._value(self._root, table), tuple(arguments), table)

    def jacobian(self, splines: Splines, X: Floats) -> tuple[Evaluation, dict[str, Floats]]:
        """The evaluation, and the derivative of the whole in each function's coefficients, (n, M) each."""
        run = self.run(splines, X)
        slots = self.partial.slots
        slopes = [np.zeros(len(X)) for _ in slots]
        for at, tape in self._root_slopes.items():
            slopes[at] += self._value(tape, run.table)
        found = {name: np.zeros((len(X), spline.basis.size)) for name, spline in splines.items()}
        for at in range(len(slots) - 1, -1, -1):
            spline, argument = splines[slots[at].function], run.arguments[at]
            found[slots[at].function] += slopes[at][:, None] * spline.values(argument)
            if self._argument_slopes[at]:
                steep = slopes[at] * (spline.values(argument, 1) @ spline.coef)
                for before, tape in self._argument_slopes[at].items():
                    slopes[before] += steep * self._value(tape, run.table)
        return run, found

    def slots_of(self, function: str) -> list[int]:
        """The numbers of a function's calls."""
        return [at for at, slot in enumerate(self.partial.slots) if slot.function == function]

    def _tape(self, tree: Node) -> Tape:
        return Tape(tree, self._names)

    def _slopes(self, tree: Node, labels: Sequence[str]) -> dict[int, Tape]:
        used = set(names_in(tree))
        return {
            at: self._tape(differentiate(tree, label)) for at, label in enumerate(labels) if label in used
        }

    @staticmethod
    def _value(tape: Tape, table: Floats) -> Floats:
        return np.array(tape.value(tape.start, table), dtype=np.float64)
