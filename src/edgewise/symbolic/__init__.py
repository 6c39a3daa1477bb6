"""Formulas: snapping edges to closed forms, composing, refitting and searching them.

An edge is compared with a library of closed forms on a fixed-size curve (`suggest`, `fit_curve`), a network of closed
forms is one expression per output (`formula`), and `find_formula` goes the whole way from a table.
"""

from edgewise.symbolic.alternatives import Alternative as Alternative
from edgewise.symbolic.compiled import compile_formula as compile_formula
from edgewise.symbolic.complexity import complexity as complexity
from edgewise.symbolic.constants import FittedConstants as FittedConstants
from edgewise.symbolic.constants import fit_constants as fit_constants
from edgewise.symbolic.curve import Suggestion as Suggestion
from edgewise.symbolic.curve import fit_curve as fit_curve
from edgewise.symbolic.extract import formula as formula
from edgewise.symbolic.formula import Constant as Constant
from edgewise.symbolic.formula import Formula as Formula
from edgewise.symbolic.formula import pareto as pareto
from edgewise.symbolic.groups import Groups as Groups
from edgewise.symbolic.hypothesis import Verdict as Verdict
from edgewise.symbolic.hypothesis import check_structure as check_structure
from edgewise.symbolic.parse import formula_text as formula_text
from edgewise.symbolic.parse import parse_formula as parse_formula
from edgewise.symbolic.partial import PartialResult as PartialResult
from edgewise.symbolic.partial import UnknownFunction as UnknownFunction
from edgewise.symbolic.partial import fit_partial as fit_partial
from edgewise.symbolic.result import FormulaResult as FormulaResult
from edgewise.symbolic.search import find_formula as find_formula
from edgewise.symbolic.single import Found as Found
from edgewise.symbolic.single import one_variable as one_variable
from edgewise.symbolic.suggest import snap as snap
from edgewise.symbolic.suggest import suggest as suggest
from edgewise.symbolic.tidy import simplify_expression as simplify_expression
from edgewise.symbolic.trust import Trust as Trust
from edgewise.symbolic.trust import trust as trust
from edgewise.symbolic.units import Dimensions as Dimensions
from edgewise.symbolic.user_forms import form_from_sympy as form_from_sympy

__all__ = [
    "Alternative",
    "Constant",
    "Dimensions",
    "Formula",
    "FormulaResult",
    "FittedConstants",
    "Found",
    "Groups",
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
