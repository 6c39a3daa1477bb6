"""Additive networks from rows that are never in memory together: normal equations, summed batch by batch."""
