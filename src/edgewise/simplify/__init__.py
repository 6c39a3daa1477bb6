"""Simplify: scores, prune, merge, canonical form and the schedule that uses them."""

from edgewise.simplify.canonical import canonical as canonical
from edgewise.simplify.merge import merge_equal as merge_equal
from edgewise.simplify.prune import prune as prune
from edgewise.simplify.schedule import SimplifyResult as SimplifyResult
from edgewise.simplify.schedule import simplify as simplify
from edgewise.simplify.scores import Scores as Scores
from edgewise.simplify.scores import edge_scores as edge_scores
