"""From any model that can be exported to the program it computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from edgewise._core.checks import plural, short
from edgewise._core.errors import InputError
from edgewise.exporting.columns import columns_of
from edgewise.exporting.program import Formulas, Label, Program, ProgramInput, network_program
from edgewise.network import KAN
from edgewise.network.fitted import fitted
from edgewise.symbolic import Formula


def program_of(model: Any, units: Mapping[str, str] | None = None, *, maps: bool = False) -> Program:
    """The program of a network, a formula or a fitted estimator; `maps` states whether the caller can calibrate."""
    checked = _check_units(units)
    if isinstance(model, KAN):
        inputs, body = network_program(model)
        return Program(_described(model), inputs, model.output_names, body, units=checked)
    if isinstance(model, Formula):
        inputs = tuple(ProgramInput(name) for name in model.names)
        origin = f"the formula {short(model.text)}"
        return Program(origin, inputs, (_output(model.names),), Formulas((model.tree,)), units=checked)
    calibration = getattr(model, "calibration_", None)
    if calibration is not None and not maps:
        raise InputError(
            argument="model",
            expected="not be calibrated, for programs do not hold the maps",
            got=short(model),
            advice="export the model behind it, its .model, which answers otherwise",
        )
    view = fitted(model, others="a Formula")
    if isinstance(view.held, KAN) or view.encoding is None:
        return program_of(view.network, units)
    inputs, body = network_program(view.network)
    return Program(
        f"a {type(view.held).__name__}: {_described(view.network)}",
        inputs,
        view.network.output_names,
        body,
        columns_of(view.encoding),
        tuple(_label(each) for each in view.classes) or None,
        bool(getattr(view.held, "_single", False)),
        checked,
        view.calibration,
    )


def _described(net: KAN) -> str:
    edges = sum(int(layer.mask.sum()) for layer in net.layers)
    return f"a KAN {list(net.shape)} of {plural(edges, 'edge')}"


def _output(columns: tuple[str, ...]) -> str:
    """A name for what a formula gives that no column has."""
    name = "y"
    while name in columns:
        name += "'"
    return name


def _label(value: Any) -> Label:
    if type(value) not in (str, int, float, bool):
        raise InputError(
            subject="The classes of the 'model'",
            expected="be strings, numbers or truth values",
            got=short(value),
            advice="convert them before the fit",
        )
    return cast(Label, value)


def _check_units(units: object) -> dict[str, str]:
    if units is None:
        return {}
    given = cast("Mapping[Any, Any]", units) if isinstance(units, Mapping) else None
    if given is None or not all(type(each) is str for pair in given.items() for each in pair):
        raise InputError(
            argument="units",
            expected="be a dictionary of names and their units, as in {'mass': 'kg'}",
            got=short(units),
        )
    return dict(given)
