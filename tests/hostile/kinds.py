"""All kinds of attempts, registered by importing them."""

from __future__ import annotations

import importlib

from . import kinds_answers as kinds_answers
from . import kinds_calls as kinds_calls
from . import kinds_commands as kinds_commands
from . import kinds_estimators as kinds_estimators
from . import kinds_files as kinds_files
from . import kinds_formulas as kinds_formulas
from . import kinds_methods as kinds_methods
from . import kinds_networks as kinds_networks
from .attempts import KINDS as KINDS

# Libraries that change the process when they are first imported; that is theirs to answer for, and done beforehand.
_HEAVY = (
    "sklearn.ensemble",
    "sklearn.linear_model",
    "matplotlib.figure",
    "sympy",
    "pandas",
    "polars",
    "torch._dynamo",
)


def warm_up() -> None:
    """Load what is loaded lazily, so that attempts are watched without it."""
    for name in _HEAVY:
        importlib.import_module(name)
