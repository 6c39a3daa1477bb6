"""What a formula lacks shows in all residuals together, and noise lacks nothing."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from edgewise.forms.tree import Node
from edgewise.symbolic import Formula
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.search.missing_term import with_missing_term

NAMES = ("a", "b", "c")
a, b, c = sympy.symbols(NAMES)


def completed(law, known: sympy.Expr, noise: float, seed: int) -> tuple[list[Node], SplitRows]:
    rng = np.random.default_rng(seed)
    X = rng.uniform(1, 3, (500, 3)) * [1, -1, 1]
    rows = SplitRows.split(NAMES, X, law(*X.T) + noise * rng.standard_normal(500), 0.2, 0)
    return list(with_missing_term([Formula(known, NAMES)], rows)), rows


@pytest.mark.parametrize("seed", range(4))
def test_a_term_below_the_noise_of_single_rows_is_found(seed: int) -> None:
    noise = 0.3
    (found,), rows = completed(lambda a, b, c: a**2 * b + 0.2 * b * c / a, a**2 * b, noise, seed)
    tape = Tape(found, NAMES)
    left = tape.value(tape.start, rows.X) - (rows.X[:, 0] ** 2 * rows.X[:, 1])
    truth = 0.2 * rows.X[:, 1] * rows.X[:, 2] / rows.X[:, 0]
    assert np.corrcoef(left, truth)[0, 1] > 0.9
    assert truth.std() < noise


def test_noise_lacks_nothing() -> None:
    found = [completed(lambda a, b, c: a**2 * b, a**2 * b, 0.3, seed)[0] for seed in range(20)]
    assert sum(map(len, found)) <= 1


def test_what_constants_can_follow_is_not_missing() -> None:
    (alone, _) = completed(lambda a, b, c: 3.0 * a * c, 2.9 * a * c, 0.1, 0)
    assert alone == []


def test_a_wave_far_below_a_line_is_found() -> None:
    x = np.random.default_rng(0).uniform(0, 3, (300, 1))
    rows = SplitRows.split(("x",), x, x[:, 0] + 1e-9 * np.sin(50 * x[:, 0]), 0.2, 0)
    (found,) = with_missing_term([Formula(sympy.Symbol("x"), rows.names)], rows)
    tape = Tape(found, rows.names)
    left = tape.value(tape.start, rows.X) - rows.X[:, 0]
    assert np.corrcoef(left, rows.y - rows.X[:, 0])[0, 1] > 0.9
