"""Formulas and formula regressors as .kan files: trees with every digit, their errors, and the constants of each group."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any, cast

import numpy as np

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.plain import plain
from edgewise._core.stopping import StopReason
from edgewise.estimators.formula_regressor import FormulaRegressor
from edgewise.estimators.written import damaged, refuse_unfitted
from edgewise.forms.tree_json import from_json, to_json
from edgewise.network.container import PathLike, read_any_of, write_container
from edgewise.symbolic import (
    BranchedFormula,
    Constant,
    Formula,
    FormulaResult,
    GroupedFormula,
    GroupedResult,
)
from edgewise.symbolic.expressions.writing import from_tree
from edgewise.symbolic.fitting.word_columns import WordColumns
from edgewise.symbolic.results.outside import Outside

KIND = "FormulaRegressor"
_BARE = {"Formula": Formula, "GroupedFormula": GroupedFormula, "BranchedFormula": BranchedFormula}
KINDS = (KIND, *_BARE)
_LABELS = (str, int, float, bool)


def save(
    model: FormulaRegressor | Formula | GroupedFormula | BranchedFormula,
    path: PathLike,
    *,
    overwrite: bool = True,
) -> None:
    """Write a formula, or a fitted formula regressor; its predictions are the same to the bit when it is read again."""
    if isinstance(model, FormulaRegressor):
        document = _regressor_document(model)
    else:
        write = formula_document if isinstance(model, Formula) else _grouped_document
        document = {"kind": type(model).__name__, "formula": write(cast(Any, model))}
    write_container(path, document, {}, overwrite)


def load(path: PathLike) -> FormulaRegressor | Formula | GroupedFormula | BranchedFormula:
    """Read what `save` wrote."""
    document, _ = read_any_of(path, dict.fromkeys(KINDS, lambda _: {}))
    with damaged(path, "formulas"):
        return _model(document) if document["kind"] == KIND else _bare(document)


def _bare(document: Mapping[str, Any]) -> Formula | GroupedFormula | BranchedFormula:
    kind = _BARE[document["kind"]]
    formula = read_formula(document["formula"]) if kind is Formula else _law(document["formula"])
    if type(formula) is not kind:
        raise InputError("its formula is of another kind than it states.")
    return formula


def _regressor_document(model: FormulaRegressor) -> dict[str, Any]:
    refuse_unfitted(model, "formula_")
    names = getattr(model, "feature_names_in_", None)
    result: Any = model.result_
    grouped = not isinstance(model.formula_, Formula)
    write = _grouped_document if grouped else formula_document
    entries = {
        "message": result.message, "stop_reason": str(result.stop_reason), "seconds": result.seconds,
        "broken": list(result.broken), "contradicted": list(result.contradicted),
    }  # fmt: skip
    if not grouped:
        entries |= {
            "noise": result.noise,
            "exact": result.exact,
            "remarks": list(result.remarks),
            "gross_errors": list(result.gross_errors),
            "reduced_chi_square": result.reduced_chi_square,
            "probability": result.probability,
            "further": next(
                (at for at, formula in enumerate(result.front) if formula == result.further), None
            ),
        }
    return {
        "kind": KIND,
        "parameters": {name: plain(param) for name, param in model.get_params().items() if _is_plain(param)},
        "n_features": model.n_features_in_,
        "target_names": list(model.target_names_),
        "range": model.range_.tolist(),
        "feature_names": None if names is None else [str(name) for name in names],
        "grouped": grouped,
        "formula": write(cast(Any, model.formula_)),
        "front": [write(cast(Any, formula)) for formula in model.front_],
        "result": plain(entries),
    }


def _model(document: Mapping[str, Any]) -> FormulaRegressor:
    parameters = cast("dict[str, Any]", document["parameters"])
    if not set(parameters) <= set(FormulaRegressor().get_params()):
        raise InputError("it has parameters that a FormulaRegressor does not take.")
    # Lists stand in the file for the tuples that are the defaults.
    tuples = {
        name: tuple(cast("list[Any]", parameter))
        for name, parameter in parameters.items()
        if isinstance(parameter, list)
    }
    model = FormulaRegressor().set_params(**(parameters | tuples))
    saved = cast("dict[str, Any]", document["result"])
    reason, seconds = StopReason(saved["stop_reason"]), float(saved["seconds"])
    # Older files have none.
    broken, against = (tuple(map(str, saved.get(name, ()))) for name in ("broken", "contradicted"))
    if document["grouped"]:
        best, *rivals = map(_law, document["front"])
        model.formula_, model.front_ = _law(document["formula"]), (best, *rivals)
        model.result_ = GroupedResult(
            best, tuple(rivals), str(saved["message"]), reason, seconds, broken, against
        )
    else:
        best, front = (
            read_formula(document["formula"]),
            tuple(read_formula(item) for item in document["front"]),
        )
        model.formula_, model.front_ = best, front
        model.result_ = FormulaResult(
            best, front, None, str(saved["message"]), seconds, reason,
            noise=None if saved["noise"] is None else float(saved["noise"]),
            exact=saved["exact"] is True,
            remarks=tuple(map(str, saved["remarks"])),
            gross_errors=tuple(map(int, saved["gross_errors"])),
            reduced_chi_square=None if saved["reduced_chi_square"] is None else float(saved["reduced_chi_square"]),
            probability=None if saved.get("probability") is None else float(saved["probability"]),
            further=None if saved.get("further") is None else front[int(saved["further"])],
            broken=broken,
            contradicted=against,
        )  # fmt: skip
    model.n_features_in_ = int(document["n_features"])
    formula = model.formula_
    columns = formula.names if isinstance(formula, Formula) else formula.columns
    words = None if isinstance(formula, Formula) else formula.words
    count = len(columns) + bool(document["grouped"]) if words is None else len(words.table)
    if count != model.n_features_in_:
        raise InputError("its formulas are of another number of columns.")
    model.target_names_ = tuple(map(str, document["target_names"]))
    model.range_ = np.asarray(document["range"], dtype=np.float64)
    if model.range_.shape != (2, len(columns)):
        raise InputError("its range is of another number of columns.")
    if document["feature_names"] is not None:
        model.feature_names_in_ = np.array([str(name) for name in document["feature_names"]], dtype=object)
        if len(model.feature_names_in_) != model.n_features_in_:
            raise InputError("it names another number of columns.")
    return model


def formula_document(formula: Formula) -> dict[str, Any]:
    """A formula as plain data, with every digit."""
    return {
        "tree": to_json(formula.tree),
        "names": list(formula.names),
        "constants": [_constant_document(constant) for constant in formula.constants],
        **({"costs": [list(cost) for cost in formula.costs]} if formula.costs else {}),
        **({"origin": list(formula.origin)} if formula.origin else {}),
        **({} if formula.outside is None else {"outside": formula.outside.to_dict()}),
        **plain({"error": formula.error, "r2": formula.r2, "network_deviation": formula.network_deviation}),
    }


def read_formula(document: Mapping[str, Any]) -> Formula:
    """What `formula_document` gave."""
    names = tuple(map(str, document["names"]))
    deviation = document["network_deviation"]
    return Formula(
        from_tree(from_json(document["tree"]), names), names, as_number(document["error"]), as_number(document["r2"]),
        tuple(_constant(constant) for constant in document["constants"]), None if deviation is None else float(deviation),
        costs=tuple((str(name), int(nodes)) for name, nodes in document.get("costs", [])),
        origin=tuple(map(str, document.get("origin", []))),
        outside=None if "outside" not in document else _outside(document["outside"]),
    )  # fmt: skip


def _outside(document: Mapping[str, Any]) -> Outside:
    found = (document[name] for name in ("error", "inside", "typical"))
    error, inside, typical = (math.inf if item is None else float(item) for item in found)
    return Outside(error, str(document["region"]), inside, typical)


def _grouped_document(formula: GroupedFormula | BranchedFormula) -> dict[str, Any]:
    if isinstance(formula, BranchedFormula):
        return {
            "branches": [_grouped_document(branch) for branch in formula.branches],
            **plain({"rmse": formula.rmse, "r2": formula.r2, "criterion": formula.criterion}),
        }
    words = formula.words
    return {
        **({} if words is None else {"table": list(words.table), "words": list(words.words)}),
        "tree": to_json(formula.tree),
        "text": formula.text,
        "template": formula.template,
        "shared": {name: _constant_document(item) for name, item in formula.shared.items()},
        "own": [
            [
                label_of(group, "groups"),
                {name: _constant_document(constant) for name, constant in constants.items()},
            ]
            for group, constants in formula.own.items()
        ],
        "columns": list(formula.columns),
        **plain({"rmse": formula.rmse, "r2": formula.r2, "criterion": formula.criterion}),
        **({} if formula.outside is None else {"outside": formula.outside.to_dict()}),
    }


def _law(document: Mapping[str, Any]) -> GroupedFormula | BranchedFormula:
    if "branches" not in document:
        return _grouped(document)
    branches = tuple(map(_grouped, document["branches"]))
    words = branches[0].words
    if words is None or any(branch.words != words for branch in branches):
        raise InputError("its branches do not follow the same words.")
    return BranchedFormula(
        branches, words, *(as_number(document[name]) for name in ("rmse", "r2", "criterion"))
    )


def _grouped(document: Mapping[str, Any]) -> GroupedFormula:
    words = WordColumns(tuple(document["table"]), tuple(document["words"])) if "words" in document else None
    own: dict[Hashable, dict[str, Constant]] = {
        label_of(group, "groups"): {str(name): _constant(constant) for name, constant in constants.items()}
        for group, constants in document["own"]
    }
    return GroupedFormula(
        from_json(document["tree"]), str(document["text"]), str(document["template"]),
        {str(name): _constant(item) for name, item in document["shared"].items()}, own,
        tuple(map(str, document["columns"])), as_number(document["rmse"]), as_number(document["r2"]),
        as_number(document["criterion"]), words,
        outside=None if "outside" not in document else _outside(document["outside"]),
    )  # fmt: skip


def _constant_document(constant: Constant) -> list[Any]:
    """Value and standard error, None for an error without end, and the unit where there is one."""
    return plain([constant.value, constant.standard_error, *([constant.unit] if constant.unit else [])])


def _constant(document: Any) -> Constant:
    value, error, *unit = document
    return Constant(
        as_number(value), math.inf if error is None else float(error), str(unit[0]) if unit else None
    )


def as_number(value: Any) -> float:
    """A number from JSON, which has none that is not finite."""
    return math.nan if value is None else float(value)


def label_of(group: Any, what: str) -> Any:
    """The name of a group, or of one of `what` else, as JSON gives it back."""
    value = group.item() if isinstance(group, np.generic) else group
    if type(value) not in _LABELS:
        raise InputError(
            subject=f"The {what} of a model to be saved",
            expected="be text, numbers or truth values",
            got=short(group),
        )
    return value


def _is_plain(value: Any) -> bool:
    """Whether JSON gives it back as it is; functions, forms of one's own and a config are not kept."""
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, cast("list[Any]", value)))
    if isinstance(value, dict):
        entries = cast("dict[Any, Any]", value)
        return all(type(key) is str and _is_plain(entry) for key, entry in entries.items())
    return type(value) in (str, int, float, bool, type(None))
