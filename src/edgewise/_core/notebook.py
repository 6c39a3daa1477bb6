"""Registers with notebooks, by name and without loading anything, how to show what edgewise makes."""

from __future__ import annotations

import sys
from typing import Any

from edgewise._core.views import VIEWS

_SHOWN = {
    "KAN": "edgewise.network.module",
    "KANRegressor": "edgewise.estimators.regressor",
    "KANClassifier": "edgewise.estimators.classifier",
    "CalibratedKAN": "edgewise.explaining.calibrate",
    "FitResult": "edgewise.training.common.results",
    "SimplifyResult": "edgewise.simplifying.schedule",
    "EditResult": "edgewise.network.edits",
    "Formula": "edgewise.symbolic.results.formula",
    "FormulaResult": "edgewise.symbolic.results.search_result",
    "GroupedResult": "edgewise.symbolic.groups.grouped_result",
    "LocalExplanation": "edgewise.explaining.local",
    "GlobalExplanation": "edgewise.explaining.overview",
    "Counterfactuals": "edgewise.explaining.counterfactuals",
    "Proved": "edgewise.verifying.results.verdicts",
    "Refuted": "edgewise.verifying.results.verdicts",
    "Undecided": "edgewise.verifying.results.verdicts",
    "AuditResult": "edgewise.auditing.result",
    "Dynamics": "edgewise.dynamics.result",
    "Solution": "edgewise.pde.results.solution",
}


def register() -> None:
    """Register the HTML of results with the notebook that runs, if one does."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    formatter = getattr(shell, "display_formatter", None)
    if formatter is None:
        return
    for name, module in _SHOWN.items():
        formatter.formatters["text/html"].for_type_by_name(module, name, _html(name))


def _html(name: str) -> Any:
    return lambda value: VIEWS["html"](name, value)
