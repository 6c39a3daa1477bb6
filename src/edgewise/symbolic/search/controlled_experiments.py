"""Experiments that take a law apart: some columns change while the others are held, where measurements have no noise.

    columns that the law sees only together (x/v^2, a + b): the ratio of its slopes in them is the same at two places
    a term or a factor of one column: shown by what an exchange of this column between two places changes
    the term or the factor itself: a search along this column, everything else held
    A(t) h(z) + B(t): a law along z, and what its two ends do as t changes

Each test is made on y, and on its logarithm, inverse, square... Such tests on data need thousands of rows or a network that
was fitted to them (S.-M. Udrescu, M. Tegmark 2020, doi:10.1126/sciadv.aay2631); where one may measure at will a few do (N.
Jiang, Y. Xue 2023, arXiv:2306.08057). What is found counts only for a law that in the end leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgewise.symbolic.search.affine_in_one import affine
from edgewise.symbolic.search.coordinates import Coordinates
from edgewise.symbolic.search.laboratory import Laboratory
from edgewise.symbolic.search.seen_together import in_powers, together
from edgewise.symbolic.search.terms_and_factors import separated

# Ways of writing a law in fewer products of powers that are searched.
_ALTERNATIVES = 4


def views(lab: Laboratory) -> Iterator[Coordinates]:
    """The columns taken apart further and further, with the measurements that are left."""
    positive = [name for name, low in zip(lab.rows.names, lab.low, strict=True) if low > 0]
    found = start = Coordinates.of(lab.rows.names, positive)
    pair = lab.pair()
    if pair is None:
        return
    failed = set[tuple[int, ...]]()
    while found.entries:
        more = together(lab, found, *pair)
        if more is None and (others := in_powers(lab, found, pair)):
            yield from others[1:_ALTERNATIVES]
            more = others[0]
        if more is None:
            if found != start:
                yield found
            more = separated(lab, found, *pair, failed) or affine(lab, found, *pair)
        if more is None:
            return
        found = more
    yield found
