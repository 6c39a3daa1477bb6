"""Sums of like terms, of decays, of waves or of peaks on a decay: grown term by term, all refitted after each.

In pairs of all functions such sums are the hardest to see, for each term alone explains little, and any smooth function
explains part of it. Among terms of one kind the next one is where the rest is largest (orthogonal matching pursuit).

References
----------
Mallat, Zhang (1993), Matching pursuits with time-frequency dictionaries. IEEE Trans. Signal Process. 41(12).
doi:10.1109/78.258082
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgewise.forms.tree import Node
from edgewise.symbolic.fitting.variable_projection import settled
from edgewise.symbolic.univariate.atoms import atoms, fast_waves
from edgewise.symbolic.univariate.curve import CurvePoints
from edgewise.symbolic.univariate.library import LibraryColumn
from edgewise.symbolic.univariate.pursuit import SINGLE_STARTS, Pursuit
from edgewise.symbolic.univariate.trees import X

# Terms of a kind: of a sum at most; starts of the first, sums that go on to the next, and starts of that.
_MOST_TERMS = 4
_FIRST_STARTS = 6
_SUMS_KEPT = 4
_NEXT_STARTS = 3
# A term that takes off less than this share of what remains ends its sum.
_LEAST_GAIN = 0.05

# Functions, and whether a constant is part of the sum: one that is not there hides in a slow decay.
_KINDS = ((("exp",), True), (("exp",), False), (("exp", "gaussian"), True), (("sin",), True))


def like_sums(points: CurvePoints, allowed: frozenset[str]) -> Iterator[Node]:
    """Sums of two to four terms of one kind, from short to long, settled on the points.

    Parameters
    ----------
    points
        The curve.
    allowed
        The functions that may be used.
    """
    named = {atom.name: atom for atom in atoms(LibraryColumn(X, points.x), allowed)}
    if "sin" in named:
        named["sin"] = fast_waves(named["sin"], points.x)
    for kind, constant in _KINDS:
        if all(name in named for name in kind):
            chosen = [named[name] for name in kind]
            pursuit = Pursuit(chosen, points.y, points.weight, constant=constant)
            yield from _grown(pursuit, points)


def _grown(pursuit: Pursuit, points: CurvePoints) -> Iterator[Node]:
    fits = pursuit.singles(_FIRST_STARTS, _SUMS_KEPT, SINGLE_STARTS[2])
    for _ in range(1, _MOST_TERMS):
        if not fits or fits[0].unexplained <= points.exact**2:
            return
        before = fits[0].unexplained
        fits = pursuit.grown(fits[:_SUMS_KEPT], _SUMS_KEPT, per_atom=_NEXT_STARTS, most=_MOST_TERMS)
        if not fits or fits[0].unexplained > (1 - _LEAST_GAIN) * before:
            return
        for tree in pursuit.trees(fits[:1]):
            # Decays of near rates lie in a long valley, in which the steps of the pursuit come to rest early.
            yield settled(tree, ("x",), points.x[:, None], points.y, np.sqrt(points.weight))
