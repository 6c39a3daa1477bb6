"""Parts of a formula are read anew from what the rest leaves for them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy

from edgewise.symbolic import Formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.search.backfitting import backfitted

a, b, c = sympy.symbols("a b c")


def best(law, imitation: sympy.Expr, noise: float = 0.002) -> float:
    """The error of the best candidate against the law itself, as a share of that of the imitation."""
    rng = np.random.default_rng(5)
    X = rng.uniform(1, 2, (300, 3)) + np.array([0.0, 0.0, 1.5])
    clean = law(*X.T)
    y = clean + noise * clean.std() * rng.standard_normal(len(X))
    rows = SplitRows.split(("a", "b", "c"), X, y, 0.2, 0)
    formula = Formula(imitation, rows.names)
    with np.errstate(all="ignore"):
        tapes = [Tape(tree, rows.names) for tree in backfitted([formula], rows, math.inf)]
    errors = [float(np.sqrt(np.mean((tape.value(tape.start, X) - clean) ** 2))) for tape in tapes]
    return min(errors, default=math.inf) / float(np.sqrt(np.mean((formula.predict(X) - clean) ** 2)))


CASES = {
    "a factor": (lambda a, b, c: a * np.sqrt(1 - (b / c) ** 2), a * (1.005 - 0.574 * b**2 / c**2)),
    "below a sum": (lambda a, b, c: a / (b + np.exp(-c)), a / (b + 0.25 - 0.063 * c)),
    "of a difference": (
        lambda a, b, c: b + 3 * np.cos(c - a),
        b + 2.96 - 1.3 * (c - a) ** 2 + 0.07 * (c - a) ** 4,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_part_that_was_imitated_is_found(name: str) -> None:
    law, imitation = CASES[name]
    assert best(law, imitation) < 0.2


def test_multiples_of_powers_have_nothing_to_read() -> None:
    assert best(lambda a, b, c: 2.5 * a / b, 2.501 * a / b) == math.inf
