"""The whole scikit-learn contract, with no check expected to fail."""

import os
import subprocess
import sys

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgewise import KANClassifier, KANRegressor


@parametrize_with_checks([KANRegressor(mode="additive"), KANClassifier(mode="additive")])
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
def test_scikit_learn_check_with_a_hidden_layer(estimator, check):
    check(estimator)


def test_the_check_that_needs_another_environment():
    """scikit-learn tests the array interface only where this variable is set before scipy is imported."""
    code = (
        "from sklearn.utils.estimator_checks import check_array_api_input as check\n"
        "import edgewise as ew\n"
        "for model in (ew.KANRegressor(mode='additive'), ew.KANClassifier(mode='additive')):\n"
        "    check(type(model).__name__, model, array_namespace='numpy', expect_only_array_outputs=False)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
