"""Simplify: scores, prune, merge, canonical form and the schedule that uses them."""

from edgewise.simplifying.canonical import canonical as canonical
from edgewise.simplifying.merge import merge_equal as merge_equal
from edgewise.simplifying.prune import prune as prune
from edgewise.simplifying.schedule import SimplifyResult as SimplifyResult
from edgewise.simplifying.schedule import simplify as simplify
from edgewise.simplifying.scores import Scores as Scores
from edgewise.simplifying.scores import edge_scores as edge_scores

__all__ = [
    "Scores",
    "SimplifyResult",
    "canonical",
    "edge_scores",
    "merge_equal",
    "prune",
    "simplify",
]
