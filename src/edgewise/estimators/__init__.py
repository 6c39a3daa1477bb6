"""KANRegressor, KANClassifier and FormulaRegressor behind the scikit-learn interface; surrogates; files of models.

scikit-learn is imported with the first estimator, so that loading a plain network does not wait for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from edgewise.estimators.files import load as load
from edgewise.estimators.files import save as save

if TYPE_CHECKING:
    from edgewise.estimators.classifier import KANClassifier as KANClassifier
    from edgewise.estimators.forecast import Forecast as Forecast
    from edgewise.estimators.forecaster import KANForecaster as KANForecaster
    from edgewise.estimators.formula_regressor import FormulaRegressor as FormulaRegressor
    from edgewise.estimators.regressor import KANRegressor as KANRegressor
    from edgewise.estimators.screen import ScreeningWarning as ScreeningWarning
    from edgewise.estimators.surrogates import Surrogate as Surrogate
    from edgewise.estimators.surrogates import surrogate as surrogate

_HOMES = {
    "Forecast": "forecast",
    "KANForecaster": "forecaster",
    "FormulaRegressor": "formula_regressor",
    "KANClassifier": "classifier",
    "KANRegressor": "regressor",
    "ScreeningWarning": "screen",
    "Surrogate": "surrogates",
    "surrogate": "surrogates",
}

__all__ = [
    "Forecast",
    "KANForecaster",
    "FormulaRegressor",
    "KANClassifier",
    "KANRegressor",
    "ScreeningWarning",
    "Surrogate",
    "load",
    "save",
    "surrogate",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
