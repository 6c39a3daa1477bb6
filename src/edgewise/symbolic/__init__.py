"""Formulas: snapping edges to closed forms, composing, refitting and searching them.

An edge is compared with a library of closed forms on a fixed-size curve (`suggest`, `fit_curve`), a network of closed
forms is one expression per output (`formula`), and `find_formula` goes the whole way from a table.
"""

from edgewise._core.errors import NumericEdgesError as NumericEdgesError
from edgewise.symbolic.config import SearchConfig as SearchConfig
from edgewise.symbolic.expressions.complexity import complexity as complexity
from edgewise.symbolic.expressions.parse import formula_text as formula_text
from edgewise.symbolic.expressions.parse import parse_formula as parse_formula
from edgewise.symbolic.expressions.rewriting import simplify_expression as simplify_expression
from edgewise.symbolic.expressions.to_network import compile_formula as compile_formula
from edgewise.symbolic.expressions.user_forms import form_from_sympy as form_from_sympy
from edgewise.symbolic.hypotheses.check import Verdict as Verdict
from edgewise.symbolic.hypotheses.check import check_structure as check_structure
from edgewise.symbolic.known_form.constants import FittedConstants as FittedConstants
from edgewise.symbolic.known_form.constants import fit_constants as fit_constants
from edgewise.symbolic.known_form.partial import PartialResult as PartialResult
from edgewise.symbolic.known_form.partial import UnknownFunction as UnknownFunction
from edgewise.symbolic.known_form.partial import fit_partial as fit_partial
from edgewise.symbolic.networks.suggestions import snap as snap
from edgewise.symbolic.networks.suggestions import suggest as suggest
from edgewise.symbolic.results.alternatives import Alternative as Alternative
from edgewise.symbolic.results.diagnostics import Trust as Trust
from edgewise.symbolic.results.diagnostics import trust as trust
from edgewise.symbolic.results.extract import formula as formula
from edgewise.symbolic.results.formula import Constant as Constant
from edgewise.symbolic.results.formula import Formula as Formula
from edgewise.symbolic.results.formula import pareto as pareto
from edgewise.symbolic.results.search_result import FormulaResult as FormulaResult
from edgewise.symbolic.search.find_formula import find_formula as find_formula
from edgewise.symbolic.units.buckingham import Groups as Groups
from edgewise.symbolic.units.constraints import Dimensions as Dimensions
from edgewise.symbolic.univariate.closed_forms import Suggestion as Suggestion
from edgewise.symbolic.univariate.closed_forms import fit_curve as fit_curve
from edgewise.symbolic.univariate.search import Found as Found
from edgewise.symbolic.univariate.search import one_variable as one_variable

__all__ = [
    "SearchConfig",
    "Alternative",
    "Constant",
    "Dimensions",
    "Formula",
    "FormulaResult",
    "FittedConstants",
    "Found",
    "Groups",
    "NumericEdgesError",
    "PartialResult",
    "Suggestion",
    "Trust",
    "UnknownFunction",
    "Verdict",
    "check_structure",
    "compile_formula",
    "complexity",
    "find_formula",
    "fit_constants",
    "fit_curve",
    "fit_partial",
    "form_from_sympy",
    "formula",
    "formula_text",
    "one_variable",
    "pareto",
    "parse_formula",
    "simplify_expression",
    "snap",
    "suggest",
    "trust",
]
