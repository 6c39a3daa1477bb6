"""Formulas of which a part is known: constants to fit, or functions to learn."""
