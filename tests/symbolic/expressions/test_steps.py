"""Remainders and steps in sympy, at the edges of floats."""

from __future__ import annotations

import sympy

from edgewise.symbolic import parse_formula


def test_a_remainder_by_what_is_zero_as_a_float_is_none() -> None:
    assert parse_formula("mod(1e-3, (1e200)^-2)", []) is sympy.nan
