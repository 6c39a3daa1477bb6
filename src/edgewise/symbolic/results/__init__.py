"""Formulas as results: the Pareto front, alternatives, and how far each can be trusted."""
