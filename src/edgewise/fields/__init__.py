"""Splines of several coordinates, measured fields through them, and the rows of laws in the weak form."""
