"""The whole scikit-learn contract, with no check expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgewise import KANClassifier, KANRegressor
from tests.estimators.tables import check_array_api


@parametrize_with_checks(
    [
        KANRegressor(mode="additive", members=1, work=0.01),
        KANClassifier(mode="additive", members=1, work=0.01),
    ]
)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        KANRegressor(hidden=2, members=2, work=0.01),
        KANRegressor(mode="pairwise", members=2, work=0.01),
        KANClassifier(hidden=2, members=2, work=0.01),
        KANClassifier(mode="deep", hidden=2, members=2, work=0.01, class_weight="balanced"),
    ]
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
