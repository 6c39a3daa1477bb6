"""Equations on a domain with conditions, and the numeric functions that they are."""
