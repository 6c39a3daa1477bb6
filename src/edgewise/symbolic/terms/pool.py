"""A library on a table, in coordinates in which few numbers stand for many rows.

Smooth functions of few columns span few directions, as closely as noise lets anybody see. Without noise few rows tell all
terms apart.

References
----------
Halko, Martinsson, Tropp (2011), Finding structure with randomness. SIAM Review 53(2). doi:10.1137/090771806
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.forms.tree import Node
from edgewise.symbolic.costs import PRODUCT
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.damped_steps import squared
from edgewise.symbolic.terms.language import Library, library
from edgewise.symbolic.terms.projection import FreeTerm, Sum, SumEvidence
from edgewise.symbolic.terms.subsets import Subsets

# Directions in which many noisy rows are described, and rows that stand for themselves.
_DIRECTIONS, _FEW_ROWS = 300, 400
# The length of a column that functionals leave nothing of.
_NOTHING = 1e-300
# How far, as a factor, limited constants go beyond their grid.
_BEYOND = 1.5
# A slope of which less is across the values moves nothing but the factor.
_ACROSS = 1e-9


@dataclass(frozen=True, eq=False)
class TermPool:
    """Terms beside what a sum of them must be.

    Parameters
    ----------
    evidence
        What the sum must be, with the rows that the terms are laid out on.
    library
        The terms.
    subsets
        The same, and y, in coordinates.
    frame
        The directions that the coordinates are of, (n, r); None where they are the rows.
    limited
        Whether constants inside stay about where grids reach.
    """

    evidence: SumEvidence
    library: Library
    subsets: Subsets
    frame: Floats | None
    limited: bool = False
    _terms: dict[int, FreeTerm] = field(default_factory=dict[int, FreeTerm])

    @classmethod
    def of(
        cls,
        evidence: SumEvidence,
        most: int,
        measured: float,
        noisy: bool,
        wanted: Callable[[Node], bool] | None = None,
    ) -> TermPool:
        """The shortest terms that have values on the rows.

        Parameters
        ----------
        evidence
            What a sum must be.
        most
            How many terms.
        measured
            Nats of a measured constant.
        noisy
            Whether all rows are needed.
        wanted
            Which terms may be listed; None for all.
        """
        count = len(evidence.y)
        if not noisy:
            evidence = evidence.thinned(_FEW_ROWS)
        listed = library(evidence.rows, most, measured, wanted)
        seen = replace(listed, values=evidence.columns(listed.values), slopes=evidence.columns(listed.slopes))
        return cls.beside(evidence, seen, measured, count)

    @classmethod
    def beside(
        cls, evidence: SumEvidence, listed: Library, measured: float, count: int, limited: bool = False
    ) -> TermPool:
        """Terms that are listed already, with what the evidence sees of their values, y counting as so many rows."""
        y, unit, across, frame = evidence.y, *split(listed.values, listed.slopes), None
        if len(y) > _FEW_ROWS:
            everything = np.hstack([unit, across])
            mixed = np.random.default_rng(0).standard_normal((everything.shape[1], _DIRECTIONS))
            charge(PRODUCT * 4 * everything.size * _DIRECTIONS)
            frame = np.linalg.qr(everything @ mixed)[0]
            unit, across = split(frame.T @ unit, frame.T @ across)
        target = y if frame is None else frame.T @ y
        outside, rounding = max(squared(y) - squared(target), 0.0), len(y) * evidence.rounding**2
        price = listed.nats + measured * (1 + listed.constants)
        subsets = Subsets(unit, across, target, outside, count, rounding, price)
        return cls(evidence, listed, subsets, frame, limited)

    def shortest(self, most: int, algebraic: bool) -> NDArray[np.intp]:
        """The places of the shortest terms, of all or of those that are algebraic."""
        return np.flatnonzero(self.library.algebraic | (not algebraic))[:most]

    def sum_of(self, chosen: Iterable[int]) -> Sum:
        """The sum of some terms."""
        found = Sum((), ())
        for at in chosen:
            found = found.with_term(self.term(at))
        return found

    def with_term(self, rest: Sum, count: int) -> list[Sum]:
        """A sum with a term more: of each kind the one that promises to describe the rows in the least, the best first.

        What a shift of the sum's constants could still do is not left to further terms.
        """
        X = self.evidence.rows.X
        columns = [np.empty((len(X), 0))]
        for term, own in zip(rest.terms, rest.constants, strict=True):
            value, slopes = term.tape.jacobian(own, X)
            columns += [value[:, None], slopes]
        table = self.evidence.columns(np.hstack(columns))
        inside = table if self.frame is None else self.frame.T @ table
        scale = np.linalg.norm(inside, axis=0)
        usable = np.isfinite(scale) & (scale > 0)
        promised = self.subsets.costs_beside(np.linalg.qr(inside[:, usable] / scale[usable])[0])
        found, seen = list[Sum](), {term.kind for term in rest.terms}
        for at in np.argsort(promised, kind="stable").tolist():
            kind = int(self.library.kind[at])
            if kind not in seen:
                seen.add(kind)
                found.append(rest.with_term(self.term(at)))
                if len(found) == count:
                    break
        return found

    def term(self, at: int) -> FreeTerm:
        """A term, its constants where the library has them."""
        if at not in self._terms:
            library, names = self.library, self.evidence.rows.names
            tape, kind = Tape(library.trees[at], names), int(library.kind[at])
            limits = self._limits.get(kind) if self.limited else None
            self._terms[at] = FreeTerm(tape, float(library.nats[at]), kind, limits)
        return self._terms[at]

    @cached_property
    def _limits(self) -> dict[int, tuple[Floats, Floats]]:
        """For each kind of term the sizes of constants that its grid reaches, and a little beyond."""
        found = dict[int, list[Floats]]()
        for at in np.flatnonzero(self.library.constants).tolist():
            start = Tape(self.library.trees[at], self.evidence.rows.names).start
            found.setdefault(int(self.library.kind[at]), []).append(np.abs(start))
        return {
            kind: (np.min(sizes, axis=0) / _BEYOND, np.max(sizes, axis=0) * _BEYOND)
            for kind, sizes in found.items()
        }


def split(values: Floats, slopes: Floats) -> tuple[Floats, Floats]:
    """Values of unit length, and slopes across them of unit length, zero where there is none."""
    unit = values / np.maximum(np.linalg.norm(values, axis=0), _NOTHING)
    across = slopes - unit * (unit * slopes).sum(axis=0)
    length = np.linalg.norm(across, axis=0)
    seen = length > _ACROSS * np.linalg.norm(slopes, axis=0)
    return unit, across * np.where(seen, 1 / np.where(seen, length, 1.0), 0.0)
