"""A model as JSON: its program as plain numbers, for evaluators in other languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from edgewise.programs.as_data import program_data
from edgewise.programs.program import program_of


def to_json(model: Any, *, units: Mapping[str, str] | None = None) -> str:
    """A model as JSON that holds every number to the last bit.

    Parameters
    ----------
    model : KAN, Formula, or fitted KANRegressor, KANClassifier or CalibratedKAN
    units : mapping of str to str, optional
        Units of inputs and outputs by name.

    Returns
    -------
    str
        One object: ``version``, ``inputs``, ``outputs``, ``columns``, ``classes`` and the ``body``, whose layers hold
        breaks, coefficients and closed forms; and the ``calibration``, rising maps to probabilities. Equal
        models give equal text.

    Raises
    ------
    InputError
        If the model is none of these, is not fitted, or holds numbers that are not finite.

    Examples
    --------
    >>> import json
    >>> from edgewise.network import KAN
    >>> made = json.loads(to_json(KAN([2, 3, 1], seed=0)))
    >>> made["version"], len(made["body"]["layers"])
    (1, 2)
    """
    return json.dumps(
        program_data(program_of(model, units, maps=True)),
        allow_nan=False,
        separators=(",", ":"),
    )
