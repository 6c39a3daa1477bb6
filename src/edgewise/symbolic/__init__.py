"""Formulas: snapping edges to closed forms, composing, refitting and searching them.

An edge is compared with a library of closed forms on a fixed-size curve (`suggest`, `fit_curve`), a network of closed
forms is one expression per output (`formula`), and `find_formula` goes the whole way from a table.
"""

from edgewise._core.lazy import attach

__getattr__, __dir__ = attach(__name__)
