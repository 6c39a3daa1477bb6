"""Gauss-Newton on one grid, refinement from grid to grid, slabs of time, and the choice between them."""
