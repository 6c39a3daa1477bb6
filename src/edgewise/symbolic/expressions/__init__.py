"""Formulas as trees, text, sympy and straight lists of operations, and how they are rewritten."""

# Whatever is taken from this folder, its functions have entered their rules.
from edgewise.symbolic.expressions import elementary as elementary
