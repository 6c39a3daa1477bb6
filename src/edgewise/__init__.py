"""edgewise: Kolmogorov-Arnold networks a person can read.

Every edge of the network carries a learnable function of one variable, every node only adds (or, where asked,
multiplies) what arrives. `find_formula` goes the whole way from a table to a formula; `KAN`, `fit`, `simplify`,
`snap` and `formula` are its steps.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from edgewise._core.errors import EdgewiseError as EdgewiseError
    from edgewise._core.errors import FileError as FileError
    from edgewise._core.errors import InputError as InputError
    from edgewise._core.errors import NumericEdgesError as NumericEdgesError
    from edgewise._core.stopping import StopReason as StopReason
    from edgewise.auditing import AuditResult as AuditResult
    from edgewise.auditing import Frontier as Frontier
    from edgewise.auditing import audit as audit
    from edgewise.auditing import flatten_columns as flatten_columns
    from edgewise.auditing import limit_flip as limit_flip
    from edgewise.auditing import mitigate as mitigate
    from edgewise.data import Table as Table
    from edgewise.data import load_example as load_example
    from edgewise.data import read_frame as read_frame
    from edgewise.data import read_table as read_table
    from edgewise.data import split as split
    from edgewise.data import to_table as to_table
    from edgewise.data import write_frame as write_frame
    from edgewise.data import write_table as write_table
    from edgewise.estimators import FormulaRegressor as FormulaRegressor
    from edgewise.estimators import KANClassifier as KANClassifier
    from edgewise.estimators import KANRegressor as KANRegressor
    from edgewise.estimators import load as load
    from edgewise.estimators import save as save
    from edgewise.estimators.surrogate import Surrogate as Surrogate
    from edgewise.estimators.surrogate import surrogate as surrogate
    from edgewise.explaining import AdverseReasons as AdverseReasons
    from edgewise.explaining import Counterfactuals as Counterfactuals
    from edgewise.explaining import Explainer as Explainer
    from edgewise.explaining import GlobalExplanation as GlobalExplanation
    from edgewise.explaining import LocalExplanation as LocalExplanation
    from edgewise.explaining import adverse_reasons as adverse_reasons
    from edgewise.explaining import counterfactuals as counterfactuals
    from edgewise.explaining import explain as explain
    from edgewise.explaining.calibrate import CalibratedKAN as CalibratedKAN
    from edgewise.explaining.calibrate import calibrate as calibrate
    from edgewise.explaining.conformal import Conformal as Conformal
    from edgewise.explaining.conformal import conformal as conformal
    from edgewise.explaining.edit_shape import EditedModel as EditedModel
    from edgewise.explaining.edit_shape import edit_shape as edit_shape
    from edgewise.explaining.out_of_range import OutOfRange as OutOfRange
    from edgewise.explaining.out_of_range import out_of_range as out_of_range
    from edgewise.explaining.reliability import Reliability as Reliability
    from edgewise.explaining.reliability import reliability as reliability
    from edgewise.explaining.shape_edits import ShapeEdit as ShapeEdit
    from edgewise.exporting import CSource as CSource
    from edgewise.exporting import export as export
    from edgewise.exporting import to_c_source as to_c_source
    from edgewise.exporting import to_latex as to_latex
    from edgewise.exporting import to_numpy_source as to_numpy_source
    from edgewise.exporting import to_onnx as to_onnx
    from edgewise.exporting.sympy_source import to_sympy_source as to_sympy_source
    from edgewise.forms import FORMS as FORMS
    from edgewise.forms import Form as Form
    from edgewise.forms import form_from_text as form_from_text
    from edgewise.layers import KANLinear as KANLinear
    from edgewise.network import KAN as KAN
    from edgewise.network import EditRecord as EditRecord
    from edgewise.network import EditResult as EditResult
    from edgewise.network import KANSpec as KANSpec
    from edgewise.network import Nodes as Nodes
    from edgewise.network import mask_edges as mask_edges
    from edgewise.network import refine as refine
    from edgewise.network import regrid as regrid
    from edgewise.network import remove_inputs as remove_inputs
    from edgewise.network import remove_nodes as remove_nodes
    from edgewise.network import rename as rename
    from edgewise.network import scale_to_data as scale_to_data
    from edgewise.network import set_edge as set_edge
    from edgewise.network import set_numeric as set_numeric
    from edgewise.network import set_symbolic as set_symbolic
    from edgewise.network import swap_nodes as swap_nodes
    from edgewise.plots import figure_svg as figure_svg
    from edgewise.plots import plot_contributions as plot_contributions
    from edgewise.plots import plot_counterfactuals as plot_counterfactuals
    from edgewise.plots import plot_edges as plot_edges
    from edgewise.plots import plot_front as plot_front
    from edgewise.plots import plot_interactions as plot_interactions
    from edgewise.plots import plot_network as plot_network
    from edgewise.plots import plot_parity as plot_parity
    from edgewise.plots import plot_shapes as plot_shapes
    from edgewise.plots import plot_surfaces as plot_surfaces
    from edgewise.plots import plot_training as plot_training
    from edgewise.plots import save_figure as save_figure
    from edgewise.plots.audit_frontier import plot_frontier as plot_frontier
    from edgewise.plots.audit_groups import plot_audit as plot_audit
    from edgewise.plots.audit_proxies import plot_proxies as plot_proxies
    from edgewise.report import AccuracyRow as AccuracyRow
    from edgewise.report import Origin as Origin
    from edgewise.report import ReportContent as ReportContent
    from edgewise.report import baseline_rows as baseline_rows
    from edgewise.report import content_from_estimator as content_from_estimator
    from edgewise.report import render_report as render_report
    from edgewise.report import write_report as write_report
    from edgewise.simplifying import Scores as Scores
    from edgewise.simplifying import SimplifyResult as SimplifyResult
    from edgewise.simplifying import canonical as canonical
    from edgewise.simplifying import edge_scores as edge_scores
    from edgewise.simplifying import merge_equal as merge_equal
    from edgewise.simplifying import prune as prune
    from edgewise.simplifying import simplify as simplify
    from edgewise.symbolic import FittedConstants as FittedConstants
    from edgewise.symbolic import Formula as Formula
    from edgewise.symbolic import FormulaResult as FormulaResult
    from edgewise.symbolic import PartialResult as PartialResult
    from edgewise.symbolic import Suggestion as Suggestion
    from edgewise.symbolic import Verdict as Verdict
    from edgewise.symbolic import check_structure as check_structure
    from edgewise.symbolic import compile_formula as compile_formula
    from edgewise.symbolic import find_formula as find_formula
    from edgewise.symbolic import fit_constants as fit_constants
    from edgewise.symbolic import fit_partial as fit_partial
    from edgewise.symbolic import form_from_sympy as form_from_sympy
    from edgewise.symbolic import formula as formula
    from edgewise.symbolic import one_variable as one_variable
    from edgewise.symbolic import pareto as pareto
    from edgewise.symbolic import parse_formula as parse_formula
    from edgewise.symbolic import snap as snap
    from edgewise.symbolic import suggest as suggest
    from edgewise.training import FitResult as FitResult
    from edgewise.training import Record as Record
    from edgewise.training import fit as fit
    from edgewise.verifying import MinimalCounterfactual as MinimalCounterfactual
    from edgewise.verifying import Proved as Proved
    from edgewise.verifying import Refuted as Refuted
    from edgewise.verifying import Undecided as Undecided
    from edgewise.verifying import minimal_counterfactual as minimal_counterfactual
    from edgewise.verifying import properties as properties
    from edgewise.verifying import verify as verify

# Loaded on first use: importing torch and sympy takes seconds, and `edgewise --help` needs neither.
_HOMES = {
    "edgewise._core.errors": (
        "EdgewiseError",
        "FileError",
        "InputError",
        "NumericEdgesError",
    ),
    "edgewise._core.stopping": ("StopReason",),
    "edgewise.auditing": (
        "AuditResult",
        "Frontier",
        "audit",
        "flatten_columns",
        "limit_flip",
        "mitigate",
    ),
    "edgewise.data": (
        "Table",
        "load_example",
        "read_frame",
        "read_table",
        "split",
        "to_table",
        "write_frame",
        "write_table",
    ),
    "edgewise.estimators": (
        "FormulaRegressor",
        "KANClassifier",
        "KANRegressor",
        "load",
        "save",
    ),
    "edgewise.explaining": (
        "AdverseReasons",
        "Counterfactuals",
        "Explainer",
        "GlobalExplanation",
        "LocalExplanation",
        "adverse_reasons",
        "counterfactuals",
        "explain",
    ),
    "edgewise.estimators.surrogate": ("Surrogate", "surrogate"),
    "edgewise.explaining.calibrate": ("CalibratedKAN", "calibrate"),
    "edgewise.explaining.conformal": ("Conformal", "conformal"),
    "edgewise.explaining.edit_shape": ("EditedModel", "edit_shape"),
    "edgewise.explaining.out_of_range": ("OutOfRange", "out_of_range"),
    "edgewise.explaining.reliability": ("Reliability", "reliability"),
    "edgewise.explaining.shape_edits": ("ShapeEdit",),
    "edgewise.exporting": (
        "CSource",
        "export",
        "to_c_source",
        "to_latex",
        "to_numpy_source",
        "to_onnx",
    ),
    "edgewise.exporting.sympy_source": ("to_sympy_source",),
    "edgewise.forms": (
        "FORMS",
        "Form",
        "form_from_text",
    ),
    "edgewise.layers": ("KANLinear",),
    "edgewise.network": (
        "EditRecord",
        "EditResult",
        "KAN",
        "KANSpec",
        "Nodes",
        "mask_edges",
        "refine",
        "regrid",
        "remove_inputs",
        "remove_nodes",
        "rename",
        "scale_to_data",
        "set_edge",
        "set_numeric",
        "set_symbolic",
        "swap_nodes",
    ),
    "edgewise.plots": (
        "figure_svg",
        "plot_contributions",
        "plot_counterfactuals",
        "plot_edges",
        "plot_front",
        "plot_interactions",
        "plot_network",
        "plot_parity",
        "plot_shapes",
        "plot_surfaces",
        "plot_training",
        "save_figure",
    ),
    "edgewise.plots.audit_frontier": ("plot_frontier",),
    "edgewise.plots.audit_groups": ("plot_audit",),
    "edgewise.plots.audit_proxies": ("plot_proxies",),
    "edgewise.report": (
        "AccuracyRow",
        "Origin",
        "ReportContent",
        "baseline_rows",
        "content_from_estimator",
        "render_report",
        "write_report",
    ),
    "edgewise.simplifying": (
        "Scores",
        "SimplifyResult",
        "canonical",
        "edge_scores",
        "merge_equal",
        "prune",
        "simplify",
    ),
    "edgewise.symbolic": (
        "Formula",
        "FormulaResult",
        "Suggestion",
        "find_formula",
        "FittedConstants",
        "PartialResult",
        "Verdict",
        "check_structure",
        "compile_formula",
        "fit_constants",
        "fit_partial",
        "one_variable",
        "form_from_sympy",
        "formula",
        "pareto",
        "parse_formula",
        "snap",
        "suggest",
    ),
    "edgewise.training": (
        "FitResult",
        "Record",
        "fit",
    ),
    "edgewise.verifying": (
        "MinimalCounterfactual",
        "Proved",
        "Refuted",
        "Undecided",
        "minimal_counterfactual",
        "properties",
        "verify",
    ),
}
_EXPORTS = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_EXPORTS)]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    home = _EXPORTS.get(name)
    if home is None:
        from edgewise._core.checks import did_you_mean

        hint = did_you_mean(name, _EXPORTS)
        raise AttributeError(f"module 'edgewise' has no attribute {name!r}{hint}", name=name, obj=None)
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
