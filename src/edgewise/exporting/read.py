"""From any model that can be exported to the program it computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise.data import Encoding
from edgewise.exporting.columns import columns_of
from edgewise.exporting.program import Formulas, Label, Program, Variable, network_program
from edgewise.network import KAN
from edgewise.symbolic import Formula
from edgewise.symbolic.expressions.parse import from_sympy


def program_of(model: Any, units: Mapping[str, str] | None = None, *, of: str = "export") -> Program:
    """The program of a network, a formula or a fitted estimator."""
    told = _check_units(units, of)
    if isinstance(model, KAN):
        inputs, body = network_program(model)
        return Program(_told(model), inputs, model.output_names, body, units=told)
    if isinstance(model, Formula):
        inputs = tuple(Variable(name) for name in model.names)
        origin = f"the formula {short(model.text)}"
        return Program(
            origin, inputs, (_output(model.names),), Formulas((from_sympy(model.sympy),)), units=told
        )
    if getattr(model, "calibration_", None) is not None:
        raise InputError(
            f"The 'model' argument of {of} must not be calibrated, for programs do not hold the maps. Got {short(model)} "
            "instead; export the model behind it, its .model, which answers otherwise."
        )
    net, encoding = getattr(model, "network_", None), getattr(model, "encoding_", None)
    # Known by what they carry: the estimators stand above this room.
    if isinstance(net, KAN) and isinstance(encoding, Encoding):
        return _estimator_program(model, net, encoding, told, of)
    unfitted = hasattr(model, "fit") and not hasattr(model, "network_")
    raise InputError(
        f"The 'model' argument of {of} must be a KAN, a Formula or a fitted KANRegressor or KANClassifier. "
        f"Got {short(model)} instead{', which is not fitted: call fit first' if unfitted else ''}."
    )


def _estimator_program(
    model: Any, net: KAN, encoding: Encoding, units: Mapping[str, str], of: str
) -> Program:
    inputs, body = network_program(net)
    classes = getattr(model, "classes_", None)
    return Program(
        f"a {type(model).__name__}: {_told(net)}",
        inputs,
        net.output_names,
        body,
        columns_of(encoding),
        None if classes is None else tuple(_label(each, of) for each in classes.tolist()),
        bool(getattr(model, "_single", False)),
        units,
    )


def _told(net: KAN) -> str:
    edges = sum(int(layer.mask.sum()) for layer in net.layers)
    return f"a KAN {list(net.shape)} of {plural(edges, 'edge')}"


def _output(columns: tuple[str, ...]) -> str:
    """A name for what a formula gives that no column has."""
    name = "y"
    while name in columns:
        name += "'"
    return name


def _label(value: Any, of: str) -> Label:
    if type(value) not in (str, int, float, bool):
        raise InputError(
            f"The classes of the 'model' of {of} must be strings, numbers or truth values. Got {short(value)} instead; "
            "convert them before the fit."
        )
    return cast(Label, value)


def _check_units(units: object, of: str) -> dict[str, str]:
    if units is None:
        return {}
    given = cast("Mapping[Any, Any]", units) if isinstance(units, Mapping) else None
    if given is None or not all(type(each) is str for pair in given.items() for each in pair):
        raise InputError(
            f"The 'units' parameter of {of} must be a dictionary of names and their units, as in {{'mass': 'kg'}}. "
            f"Got {short(units)} instead."
        )
    return dict(given)
