"""A library on a table, in coordinates in which few numbers stand for many rows.

Smooth functions of few columns span few directions, as closely as noise lets anybody see. Without noise few rows tell all
terms apart.

References
----------
Halko, Martinsson, Tropp (2011), Finding structure with randomness. SIAM Review 53(2). doi:10.1137/090771806
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.symbolic.costs import PRODUCT
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.damped_steps import squared
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.terms.language import Library, library
from edgewise.symbolic.terms.projection import FreeTerm, Sum
from edgewise.symbolic.terms.subsets import Subsets

# Directions in which many noisy rows are described, and rows that stand for themselves.
_DIRECTIONS, _FEW_ROWS = 300, 400
# A slope of which less is across the values moves nothing but the factor.
_ACROSS = 1e-9


@dataclass(frozen=True, eq=False)
class TermPool:
    """Terms on rows.

    Parameters
    ----------
    rows
        The table that the terms are laid out on.
    library
        The terms.
    subsets
        The same, and y, in coordinates.
    frame
        The directions that the coordinates are of, (n, r); None where they are the rows.
    """

    rows: SplitRows
    library: Library
    subsets: Subsets
    frame: Floats | None
    _terms: dict[int, FreeTerm] = field(default_factory=dict[int, FreeTerm])

    @classmethod
    def of(
        cls, rows: SplitRows, most: int, measured: float, noisy: bool, functions: frozenset[str] | None
    ) -> TermPool:
        """The shortest terms that have values on the rows.

        Parameters
        ----------
        rows
            The table.
        most
            How many terms.
        measured
            Nats of a measured constant.
        noisy
            Whether all rows are needed.
        functions
            Those that may be called; None for all.
        """
        count = len(rows.y)
        if not noisy:
            rows = rows.thinned(_FEW_ROWS)
        listed = library(rows, most, measured, functions)
        y, unit, across, frame = rows.y, *_split(listed.values, listed.slopes), None
        if len(y) > _FEW_ROWS:
            everything = np.hstack([unit, across])
            mixed = np.random.default_rng(0).standard_normal((everything.shape[1], _DIRECTIONS))
            charge(PRODUCT * 4 * everything.size * _DIRECTIONS)
            frame = np.linalg.qr(everything @ mixed)[0]
            unit, across = _split(frame.T @ unit, frame.T @ across)
        target = y if frame is None else frame.T @ y
        outside, rounding = max(squared(y) - squared(target), 0.0), len(y) * rows.rounding_error**2
        price = listed.nats + measured * (1 + listed.constants)
        return cls(rows, listed, Subsets(unit, across, target, outside, count, rounding, price), frame)

    def shortest(self, most: int, algebraic: bool) -> NDArray[np.intp]:
        """The places of the shortest terms, of all or of those that are algebraic."""
        return np.flatnonzero(self.library.algebraic | (not algebraic))[:most]

    def sum_of(self, chosen: Iterable[int]) -> Sum:
        """The sum of some terms."""
        found = Sum((), ())
        for at in chosen:
            found = found.with_term(self._term(at))
        return found

    def with_term(self, rest: Sum, count: int) -> list[Sum]:
        """A sum with a term more: of each kind the one that promises to describe the rows in the least, the best first.

        What a shift of the sum's constants could still do is not left to further terms.
        """
        columns = [np.empty((len(self.rows.y), 0))]
        for term, own in zip(rest.terms, rest.constants, strict=True):
            value, slopes = term.tape.jacobian(own, self.rows.X)
            columns += [value[:, None], slopes]
        table = np.hstack(columns)
        inside = table if self.frame is None else self.frame.T @ table
        scale = np.linalg.norm(inside, axis=0)
        usable = np.isfinite(scale) & (scale > 0)
        promised = self.subsets.costs_beside(np.linalg.qr(inside[:, usable] / scale[usable])[0])
        found, seen = list[Sum](), {term.kind for term in rest.terms}
        for at in np.argsort(promised, kind="stable").tolist():
            kind = int(self.library.kind[at])
            if kind not in seen:
                seen.add(kind)
                found.append(rest.with_term(self._term(at)))
                if len(found) == count:
                    break
        return found

    def _term(self, at: int) -> FreeTerm:
        if at not in self._terms:
            tape = Tape(self.library.trees[at], self.rows.names)
            self._terms[at] = FreeTerm(tape, float(self.library.nats[at]), int(self.library.kind[at]))
        return self._terms[at]


def _split(values: Floats, slopes: Floats) -> tuple[Floats, Floats]:
    """Values of unit length, and slopes across them of unit length, zero where there is none."""
    unit = values / np.linalg.norm(values, axis=0)
    across = slopes - unit * (unit * slopes).sum(axis=0)
    length = np.linalg.norm(across, axis=0)
    seen = length > _ACROSS * np.linalg.norm(slopes, axis=0)
    return unit, across * np.where(seen, 1 / np.where(seen, length, 1.0), 0.0)
