"""Where names stand that stood at the top of the package once, or were called otherwise."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable

from edgewise._core.checks import did_you_mean

_BY_MODULE = {
    "auditing": "Frontier flatten_columns limit_flip",
    "data": "read_frame split to_table write_frame write_table",
    "edits": """EditRecord EditResult Scores canonical edge_scores mask_edges merge_equal prune refine regrid remove_inputs
        remove_nodes rename scale_to_data set_edge set_numeric set_symbolic swap_nodes""",
    "estimators": "Surrogate",
    "explaining": """AdverseReasons CalibratedKAN Conformal Counterfactuals EditedModel Explainer GlobalExplanation
        LocalExplanation OutOfRange Reliability ShapeEdit adverse_reasons out_of_range reliability""",
    "exporting": "CSource to_c_source to_latex to_numpy_source to_onnx to_sympy_source",
    "forms": "FORMS Form form_from_text",
    "network": "KANSpec",
    "plots": """figure_svg plot_audit plot_contributions plot_counterfactuals plot_edges plot_front plot_frontier
        plot_interactions plot_network plot_parity plot_proxies plot_shapes plot_surfaces plot_training save_figure""",
    "report": "AccuracyRow Origin ReportContent baseline_rows content_from_estimator render_report",
    "symbolic": """FittedConstants NumericEdgesError PartialResult Suggestion Verdict compile_formula form_from_sympy
        one_variable pareto parse_formula suggest""",
    "training": "Record",
    "verifying": "MinimalCounterfactual",
}
# By room: what was called otherwise, and what it is called.
RENAMED = {
    "auditing": {"flatten_columns": "neutralize_columns", "limit_flip": "bound_flip"},
    "forms": {"Domain": "FormDomain"},
    "symbolic": {"Found": "FittedForm"},
}
MOVED = {
    name: f"edgewise.{module}.{RENAMED.get(module, {}).get(name, name)}"
    for module, names in _BY_MODULE.items()
    for name in names.split()
}


def no_such_name(name: str, public: Iterable[str]) -> str:
    """The sentence that answers `edgewise.name`, where there is no such name."""
    if name in MOVED:
        return f"edgewise has no {name!r}; it is {MOVED[name]} now"
    hint = "" if name.startswith("_") else did_you_mean(name, [*public, *MOVED])
    found = re.search(r"'(\w+)'", hint)
    if found and found[1] in MOVED:
        hint = f" (did you mean {MOVED[found[1]]}?)"
    return f"module 'edgewise' has no attribute {name!r}{hint}"


def no_such_name_in(package: str, name: str, public: Iterable[str]) -> str:
    """The sentence that answers `package.name`, where there is no such name."""
    renamed = RENAMED.get(package.rpartition(".")[2], {})
    if name in renamed:
        return f"{package} has no {name!r}; it is {package}.{renamed[name]} now"
    hint = "" if name.startswith("_") else did_you_mean(name, public)
    return f"module {package!r} has no attribute {name!r}{hint}"


def answer_old_names(package: str) -> Callable[[str], object]:
    """`__getattr__` of a room in which something was called otherwise."""

    def no_such(name: str) -> object:
        public = vars(sys.modules[package]).get("__all__", ())
        raise AttributeError(no_such_name_in(package, name, public), name=name, obj=None)

    return no_such
