"""A table on its way to a formula: features made of the columns, and a target made of y.

The search walks from state to state: two columns become their ratio, y loses a factor. Whatever formula is found for a
state's target in its features is one for y in the columns, by substitution.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.tree import Node, Number, Variable, apply, inverse, multiplied, ratio, substitute
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import attempted, marked
from edgewise.symbolic.structure.chebyshev_surrogate import (
    MOST_TERMS,
    NOISY_ERROR,
    NOISY_TERMS_SHARE,
    ROWS_A_TERM,
    Landscape,
    landscape,
)

# Rows that relations between slopes need.
RELATION_ROWS = 30
# A shorter table shows no structure.
FEWEST_ROWS = 12

TARGET = "#y"
_TARGET = Variable(TARGET)
# A held-out error this small beside the spread of y may be that of a law: it is worth a closer look.
EXACT = 1e-9
# Beyond this size squares leave the range of floats; what is not a number is not below it either.
TOO_LARGE = 1e100


@dataclass(frozen=True)
class Move:
    """New features in the names of the old ones, and y as a formula in the new target `TARGET` and them.

    `residual` is how far the data are from what the move takes for granted; `exact` whether its numbers are,
    `source` the part of the search that suggests it.
    """

    kind: str
    features: tuple[Node, ...]
    factor: Node | None = None
    offset: Node | None = None
    residual: float = 0.0
    exact: bool = True
    source: str = ""

    def marked(self, name: str) -> Move:
        """The move, with the part of the search that suggests it."""
        return replace(self, source=name)


@dataclass(frozen=True, eq=False)
class State:
    """Rows in features, what these are in the columns, and y in the target.

    Parameters
    ----------
    rows
        Features and target; the names of made features start with a hash.
    trees
        Each feature in the columns.
    outer
        y in `TARGET` and the columns.
    depth
        Moves from the table.
    exact
        False once a measured number has gone into a feature or the target.
    story
        The kinds of the moves.
    origin
        The parts of the search that suggested them.
    reflected, odd
        Columns that stand here by their absolute values, and those whose signs the target has lost.
    """

    rows: SplitRows
    trees: tuple[Node, ...]
    outer: Node = _TARGET
    depth: int = 0
    exact: bool = True
    story: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    reflected: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()

    @classmethod
    def table(cls, rows: SplitRows) -> State:
        """The table itself."""
        return cls(rows, tuple(Variable(name) for name in rows.names))

    def marked(self, name: str) -> State:
        """The state, with the part of the search that suggests it."""
        return replace(self, origin=(*self.origin, name))

    @cached_property
    def landscape(self) -> Landscape | None:
        """The smooth model of the target."""
        with attempted("smooth model"):
            return landscape(self.rows.X, self.rows.y, thorough=self.depth == 0)
        return None

    @property
    def error(self) -> float:
        """Its share of the spread left unexplained."""
        return 1.0 if self.landscape is None else self.landscape.error

    @property
    def noisy(self) -> bool:
        """Whether the smooth model stops at noise: more terms would not predict better."""
        model = self.landscape
        most = min(MOST_TERMS, len(self.rows.y) / ROWS_A_TERM)
        return (
            model is not None and model.error > NOISY_ERROR and len(model.powers) < NOISY_TERMS_SHARE * most
        )

    @property
    def signature(self) -> tuple[str, ...]:
        """What identifies a state: values, for x*(y/z) is (x/z)*y."""
        columns = [*self.rows.X[:3].T.tolist(), self.rows.y[:3].tolist()]
        return tuple(sorted(" ".join(f"{value:.9g}" for value in column) for column in columns))

    def lift(self, tree: Node) -> Node:
        """A formula for y in the columns, from one for the target in the features."""
        return marked(substitute(self.outer, TARGET, self._in_columns(tree)), *self.origin)

    def lifts(self, tree: Node) -> Iterator[Node]:
        """The same, in all ways to write it where columns stand by their absolute values: most laws need none."""
        whole = self.lift(tree)
        yield whole
        if self.reflected:
            sizes = {name: apply("abs", Variable(name)) for name in self.reflected}
            signs = (Variable(name) / sizes[name] for name in self.odd)
            for name, size in sizes.items():
                whole = substitute(whole, name, size)
            yield product(*signs, whole)

    def _in_columns(self, tree: Node) -> Node:
        for name, made in self._made:
            tree = substitute(tree, name, made)
        return tree

    @cached_property
    def _made(self) -> list[tuple[str, Node]]:
        """The features that are no columns."""
        pairs = zip(self.rows.names, self.trees, strict=True)
        return [(name, made) for name, made in pairs if made != Variable(name)]

    def after(self, move: Move) -> State | None:
        """The state a move leads to; None where it has no values."""
        rows = self.rows
        factor, offset = self._values(move.factor, 1.0), self._values(move.offset, 0.0)
        columns = [self._values(tree, 0.0) for tree in move.features]
        with np.errstate(all="ignore"):
            y, y_held = (rows.y - offset[0]) / factor[0], (rows.y_held - offset[1]) / factor[1]
        made = [np.column_stack([column[at] for column in columns]) for at in (0, 1)] if columns else None
        if made is None or not all((np.abs(item) < TOO_LARGE).all() for item in (*made, y, y_held)):
            return None
        if (np.ptp(made[0], axis=0) <= 1e-9 * np.abs(made[0]).max(axis=0)).any():
            return None
        new: Node = _TARGET
        if move.factor is not None:
            new = product(self._in_columns(move.factor), new)
        if move.offset is not None:
            new = new + self._in_columns(move.offset)
        names = tuple(
            tree.name
            if isinstance(tree, Variable) and not tree.name.startswith("#")
            else f"#{self.depth}.{at}"
            for at, tree in enumerate(move.features)
        )
        return State(
            replace(rows, names=names, X=made[0], y=y, X_held=made[1], y_held=y_held),
            tuple(self._in_columns(tree) for tree in move.features),
            substitute(self.outer, TARGET, new),
            self.depth + 1,
            self.exact and move.exact,
            (*self.story, move.kind),
            (*self.origin, move.source or move.kind),
            self.reflected,
            self.odd,
        )

    def _values(self, tree: Node | None, default: float) -> tuple[Floats, Floats]:
        rows = self.rows
        if tree is None:
            return np.full(len(rows.y), default), np.full(len(rows.y_held), default)
        if isinstance(tree, Variable):
            at = rows.names.index(tree.name)
            return rows.X[:, at], rows.X_held[:, at]
        tape = Tape(tree, rows.names)
        return tape.value(tape.start, rows.X), tape.value(tape.start, rows.X_held)


def power(base: Node, exponent: float) -> Node:
    """base^exponent as people write it, exact for whole numbers and simple fractions."""
    size = abs(exponent)
    if size == 1.0:
        raised = base
    else:
        for bottom in (1, 2, 3, 4, 5, 6):
            top = round(size * bottom)
            if abs(size * bottom - top) < 1e-9:
                break
        else:
            return base ** float(exponent)
        raised = apply("sqrt", base) if size == 0.5 else base ** ratio(top, bottom)
    return raised if exponent > 0 else inverse(raised)


def product(*factors: Node) -> Node:
    """The product of some factors, one of them left bare."""
    kept = tuple(factor for factor in factors if factor != Number(1))
    return multiplied(kept) if kept else Number(1)


def powers(names: Sequence[Node], exponents: Sequence[float]) -> Node:
    """The product of powers."""
    return product(
        *(power(base, exponent) for base, exponent in zip(names, exponents, strict=True) if exponent)
    )
