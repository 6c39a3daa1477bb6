"""Splines with the conditions built in, and residuals on a grid with their normal equations."""
