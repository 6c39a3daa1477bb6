"""KANRegressor, KANClassifier and FormulaRegressor behind the scikit-learn interface; surrogates; files of models.

scikit-learn is imported with the first estimator, so that loading a plain network does not wait for it.
"""

from edgewise._core.lazy import attach

__getattr__, __dir__ = attach(__name__)
