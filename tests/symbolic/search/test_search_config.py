"""Other thresholds of the search are taken by the function and the estimator, and decide what they say."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

import edgewise as ew
from edgewise import InputError
from edgewise.symbolic import SearchConfig

X = np.random.default_rng(0).uniform(1, 3, (120, 2))
LAW = X[:, 0] * X[:, 1] ** 2


@pytest.mark.slow
def test_no_formula_is_larger_than_the_config_allows():
    few = ew.find_formula(X, LAW, work=0.02, config=SearchConfig(largest=3))
    assert all(formula.complexity <= 3 for formula in few.front)
    assert not few.exact
    assert ew.find_formula(X, LAW, work=0.02).exact


@pytest.mark.slow
def test_the_defaults_are_what_no_config_means():
    noisy = LAW + 0.1 * np.random.default_rng(1).normal(size=120)
    one, two = (ew.find_formula(X, noisy, work=0.02, **more) for more in ({}, {"config": SearchConfig()}))
    assert [formula.text for formula in one.front] == [formula.text for formula in two.front]
    assert [formula.error for formula in one.front] == [formula.error for formula in two.front]


@pytest.mark.slow
def test_the_estimator_hands_its_config_on_and_keeps_it_when_cloned_and_pickled():
    config = SearchConfig(largest=3)
    model = ew.FormulaRegressor(work=0.02, config=config)
    assert model.get_params()["config"] == config
    assert clone(model).config == config
    fitted = model.fit(X, LAW)
    assert fitted.formula_.complexity <= 3
    again = pickle.loads(pickle.dumps(fitted))
    assert again.config == config
    assert (again.predict(X) == fitted.predict(X)).all()


def test_a_config_of_another_kind_is_refused():
    with pytest.raises(InputError, match="'config' argument must be a SearchConfig"):
        ew.find_formula(X, LAW, config=3)
