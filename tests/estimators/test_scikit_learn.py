"""The scikit-learn contract, no check expected to fail: whole for two models, for others what depends on the fit."""

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgewise import KANClassifier, KANRegressor
from tests.estimators.tables import check_array_api

# How arguments are read is the same for all models: these are the checks whose answer lies in what was fitted.
OF_THE_FIT = (
    "check_classifiers_classes",
    "check_classifiers_train",
    "check_dict_unchanged",
    "check_estimators_pickle",
    "check_fit2d_1feature",
    "check_fit2d_1sample",
    "check_fit_idempotent",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_n_features_in_after_fitting",
    "check_regressor_multioutput",
    "check_regressors_train",
    "check_sample_weight_equivalence_on_dense_data",
)


def checks_of_the_fit(*models: Any) -> pytest.MarkDecorator:
    whole = parametrize_with_checks(list(models))
    arguments, pairs = whole.args
    # With arguments, a check is one that is here already, on memory of another kind.
    kept = [pair for pair in pairs if pair[1].func.__name__ in OF_THE_FIT and not pair[1].keywords]
    assert len(kept) >= 9 * len(models)
    return pytest.mark.parametrize(arguments, kept, **whole.kwargs)


@parametrize_with_checks([KANRegressor(mode="additive", members=1, work=0.01)])
def test_scikit_learn_check(estimator, check):
    check(estimator)


@checks_of_the_fit(KANClassifier(mode="additive", members=1, work=0.01))
def test_scikit_learn_check_of_an_additive_classifier(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [KANClassifier(mode="deep", hidden=2, members=1, work=0.01, class_weight="balanced")]
)
def test_scikit_learn_check_of_a_deep_classifier(estimator, check):
    check(estimator)


@pytest.mark.slow
@checks_of_the_fit(
    KANRegressor(hidden=2, members=2, work=0.01),
    KANRegressor(mode="pairwise", members=2, work=0.01),
    KANClassifier(hidden=2, members=2, work=0.01),
)
def test_scikit_learn_check_of_other_models(estimator, check):
    check(estimator)


@pytest.mark.slow
def test_the_check_that_needs_another_environment():
    check_array_api(
        "ew.KANRegressor(mode='additive', members=1, work=0.01)",
        "ew.KANClassifier(mode='additive', members=1, work=0.01)",
        "ew.FormulaRegressor(work=3e-4)",
    )
