"""Bounds that are ties: where no function is left, constants are compared as fractions, without rounding."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.verifying.bounds.program import (
    BoundsProgram,
)


def vanishing(program: BoundsProgram, v: Floats) -> float:
    """The bound where all functions vanish, with no rounding; inf where they do not.

    What nothing depends on is a tie, which no margin allows: a constant is compared with its bound as fractions.
    """
    plain = (program.budget and v[-1] != 0) or v[: program.nodes].any()
    blocks = [(block.curves, block.columns) for block in program.blocks]
    blocks.append((program.inputs.curves, program.inputs.columns))
    if plain or any(curves.combined(v[None, columns]).any() for curves, columns in blocks):
        return np.inf
    if any((curves.loose * v[columns, None]).any() for curves, columns in blocks):
        return np.inf
    if (program.inputs.points @ v[program.inputs.columns]).any():
        return np.inf
    total = Fraction(0)
    for weight, row in zip(v[program.nodes :], program.sums, strict=False):
        share = Fraction(float(weight))
        total -= share * Fraction(row.bound)
        for term in row.terms:
            family = program.families[term.family]
            if not family.hidden and family.group is not None:
                return np.inf  # what the moved group adds is known to rounding only
            scale, shift = (
                float(family.model.out_scale[term.output]),
                float(family.model.out_shift[term.output]),
            )
            bias = Fraction(float(family.layers[-1].bias[term.output]))
            total += share * Fraction(term.weight) * (Fraction(shift) + Fraction(scale) * bias)
    return float(total) if total <= 0 else np.inf
