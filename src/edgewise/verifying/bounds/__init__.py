"""Certified bounds: exact piecewise polynomials, Lagrangian programs, chained slopes and intervals."""
