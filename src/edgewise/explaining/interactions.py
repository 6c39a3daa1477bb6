"""How strongly pairs of columns act together, from exact second derivatives.

A pair acts together where d2f/dx_i dx_j is not zero. The `strength` of a pair takes two random rows x and x' and integrates
that derivative over the rectangle between them, everything else as in x; the integral is exactly

    f(x) - f(x with x'_i) - f(x with x'_j) + f(x with both),

which serves columns of levels as well. Half its root mean square over rows is the standard deviation of the interaction
where f is a product of two independent columns, so strengths are in units of the output and can be held against
importances (J. H. Friedman and B. E. Popescu, "Predictive learning via rule ensembles", 2008, doi:10.1214/07-AOAS148, rest
on the same vanishing derivative). `local` is the derivative itself at the rows: how sharply two columns of numbers
interplay where the data are. Both vanish exactly for pairs that no hidden node joins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.seeds import derive, numpy_generator
from edgewise.explaining.derivatives import derivatives
from edgewise.explaining.subject import ExplainedModel, Output
from edgewise.explaining.terms import Term

# Pairs of rows over which strengths are averaged, and rows at which derivatives are taken.
ROWS, LOCAL_ROWS = 150, 100


@dataclass(frozen=True, eq=False)
class Interactions:
    """Strengths of pairs of columns.

    Attributes
    ----------
    columns : tuple of str
    strength : array of shape (columns, columns)
        Symmetric, zero on the diagonal, in units of the output.
    local : array of shape (columns, columns)
        Root mean square of d2f/dx_i dx_j at the rows times the standard deviations of both inputs; NaN for columns of
        levels, and for splines of degree below 2, whose second derivatives are nothing between their kinks.
    """

    columns: tuple[str, ...]
    strength: Floats
    local: Floats

    def strongest(self, most: int = 10) -> list[tuple[str, str, float]]:
        """The strongest pairs that act together at all."""
        above = np.triu(self.strength, 1)
        order = np.argsort(-above, axis=None, kind="stable")[:most]
        pairs = [divmod(int(at), len(self.columns)) for at in order]
        return [(self.columns[i], self.columns[j], float(above[i, j])) for i, j in pairs if above[i, j] > 0]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, strings and numbers."""
        local = [[None if value != value else value for value in row] for row in self.local.tolist()]
        return {"columns": list(self.columns), "strength": self.strength.tolist(), "local": local}


def interactions_of(subject: ExplainedModel, output: Output, seed: int = 0) -> Interactions:
    """Strengths of all pairs of columns."""
    count, joint = len(subject.columns), subject.terms.joint
    over, local = np.zeros((count, count)), np.zeros((count, count))
    if joint:
        X = subject.rows.inputs
        rows = X[subject.some(ROWS)]
        others = X[numpy_generator(derive(seed, 6301)).integers(0, len(X), len(rows))]
        at = rows[:: max(1, len(rows) // LOCAL_ROWS)]
        rectangles, mixed = np.zeros((len(rows), count, count)), np.zeros((len(at), count, count))
        for term in joint:
            _add_rectangles(rectangles, subject, term, output, rows, others)
            _add_derivatives(mixed, subject, term, output, at)
        over = np.sqrt((rectangles**2).mean(axis=0)) / 2
        local = np.sqrt((mixed**2).mean(axis=0))
    return Interactions(subject.names, over + over.T, local + local.T)


def _add_rectangles(
    out: Floats, subject: ExplainedModel, term: Term, output: Output, rows: Floats, others: Floats
) -> None:
    """Add the integrals of one term for every pair i < j, (n, columns, columns)."""
    base = output.of(term.values(rows))
    moved = {k: _moved(rows, others, subject.columns[k].inputs) for k in term.columns}
    alone = {k: output.of(term.values(moved[k])) for k in term.columns}
    for at, i in enumerate(term.columns):
        for j in term.columns[at + 1 :]:
            both = output.of(term.values(_moved(moved[i], others, subject.columns[j].inputs)))
            out[:, i, j] += base - alone[i] - alone[j] + both


def _add_derivatives(out: Floats, subject: ExplainedModel, term: Term, output: Output, rows: Floats) -> None:
    """Add the scaled mixed derivatives of one term for every pair i < j."""
    own = list(term.inputs)
    curved = all(
        spec.base is not None or spec.basis != "bspline" or spec.degree >= 2
        for spec in term.network.spec.layers
    )
    hessian = derivatives(term.network, rows[:, own], np.array(output.weights)).hessian if curved else None
    deviation = subject.rows.inputs.std(axis=0)
    for at, i in enumerate(term.columns):
        for j in term.columns[at + 1 :]:
            a, b = (subject.columns[k].inputs[0] for k in (i, j))
            if hessian is None or subject.columns[i].discrete or subject.columns[j].discrete:
                out[:, i, j] = np.nan
            elif a in own and b in own:
                out[:, i, j] += hessian[:, own.index(a), own.index(b)] * deviation[a] * deviation[b]


def _moved(rows: Floats, others: Floats, inputs: tuple[int, ...]) -> Floats:
    out = rows.copy()
    out[:, list(inputs)] = others[:, list(inputs)]
    return out
