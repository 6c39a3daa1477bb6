"""Functions of y: what undoes them gives y back, and noise about zero takes none away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise.forms.tree import Variable
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.structure.transformed_targets import OUTERS, outside, transformed


@given(st.integers(0, 10_000), st.sampled_from([(0.2, 1.4), (-1.4, -0.2), (-1.0, 1.0), (3.0, 90.0)]))
def test_every_function_is_undone_by_its_outer_one(seed: int, ends: tuple[float, float]) -> None:
    y = np.random.default_rng(seed).uniform(*ends, 20)
    sign, _, targets = transformed(y)
    assert sign == (0 if ends[0] < 0 < ends[1] else np.sign(ends[0]))
    for target in targets:
        tape = Tape(outside(target.outer, Variable("v"), sign), ("v",))
        np.testing.assert_allclose(tape.value(tape.start, target.values[:, None]), y, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("astray", "sign"), [(0.0, 0), (0.2, 1)])
def test_a_turned_sign_counts_unless_noise_may_have_turned_it(astray: float, sign: int) -> None:
    y = np.array([1.0, 2.0, 30.0, 5.0, 4.0, -0.1])
    found, off, targets = transformed(y, astray=astray, about_zero=astray / 2)
    assert found == sign
    assert off.tolist() == [False] * 5 + [sign == 1]
    assert (len(targets) > len([outer for outer in OUTERS if outer.anywhere])) == (sign == 1)


def test_a_large_value_of_the_other_sign_is_no_noise() -> None:
    assert transformed(np.array([1.0, 2.0, 4.0, 5.0, 3.0, -3.0]), astray=0.2, about_zero=0.1)[0] == 0
