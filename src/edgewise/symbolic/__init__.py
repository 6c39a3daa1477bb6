"""Formulas: snapping edges to closed forms, composing, refitting and searching them."""

from edgewise.symbolic.complexity import complexity as complexity
from edgewise.symbolic.curve import Suggestion as Suggestion
from edgewise.symbolic.curve import fit_curve as fit_curve
from edgewise.symbolic.parse import formula_text as formula_text
from edgewise.symbolic.parse import parse_formula as parse_formula
from edgewise.symbolic.tidy import simplify_expression as simplify_expression

__all__ = ["Suggestion", "complexity", "fit_curve", "formula_text", "parse_formula", "simplify_expression"]
