"""Formulas as trees, text, sympy and straight lists of operations, and how they are rewritten."""
