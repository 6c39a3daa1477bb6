"""Smooth models of many columns: right slopes, and work in proportion to what there is to do."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from edgewise._core.work import Meter, running
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.structure.chebyshev_surrogate import (
    HIGHEST_DEGREE,
    _below,
    _counted,
    design,
    landscape,
    terms,
    weighted_terms,
)
from edgewise.symbolic.structure.linear_relations import relations


@pytest.mark.parametrize("columns", [1, 2, 7, 20])
def test_slopes_are_those_of_finite_differences(columns: int) -> None:
    rng = np.random.default_rng(columns)
    X = rng.uniform(0.5, 2, (30 * columns, columns))
    model = landscape(X, np.sin(X[:, 0]) + X.sum(axis=1) + X[:, 0] * X[:, -1])
    assert model is not None
    value, slopes = model.gradient(X[:5])
    np.testing.assert_allclose(value, model.value(X[:5]), rtol=1e-12)
    step = 1e-6 * np.eye(columns)
    for at in range(columns):
        central = (model.value(X[:5] + step[at]) - model.value(X[:5] - step[at])) / 2e-6
        np.testing.assert_allclose(slopes[:, at], central, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("weights", [np.ones(2), np.array([1.0, 1.7, 2.5])])
def test_weighted_terms_are_all_of_those_below_a_bound(weights: np.ndarray) -> None:
    powers, _ = weighted_terms(weights, 40)
    bound = float((powers @ weights).max())
    every = itertools.product(range(math.ceil(bound) + 1), repeat=len(weights))
    below = {combination for combination in every if float(np.dot(combination, weights)) <= bound + 1e-9}
    assert {tuple(row) for row in powers.tolist()} == below
    assert len(powers) <= 40


def test_terms_of_many_columns_are_counted_no_further_than_they_are_wanted() -> None:
    powers, _ = weighted_terms(np.ones(60), 100)
    assert len(powers) == 61


@pytest.mark.parametrize("columns", [1, 3, 30])
def test_terms_are_counted_as_they_are_written(columns: int) -> None:
    rng = np.random.default_rng(columns)
    for bound in (1.0, 2.0, 3.7):
        weights = (1 + rng.integers(0, 4, columns) / 2).tolist()
        written = len(list(itertools.islice(_below(weights, bound, HIGHEST_DEGREE), 101)))
        assert _counted(weights, bound, 101) == written


@pytest.mark.parametrize("columns", [1, 3, 57])
def test_products_are_those_of_cosines(columns: int) -> None:
    angles = np.random.default_rng(columns).uniform(0, np.pi, (9, columns))
    powers, _ = terms(columns, 90, HIGHEST_DEGREE)
    exact = np.prod(np.cos(powers * angles[:, None]), axis=2)
    np.testing.assert_allclose(design(np.cos(angles), powers), exact, atol=1e-9)


def test_every_small_fit_of_a_relation_is_charged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of fewer rows than terms every target lies in their span, so that all of them are looked at."""
    rng, fits, lstsq = np.random.default_rng(0), 0, np.linalg.lstsq

    def counted(*arguments: object, **options: object) -> object:
        nonlocal fits
        fits += 1
        return lstsq(*arguments, **options)  # pyright: ignore

    monkeypatch.setattr(np.linalg, "lstsq", counted)
    rows = SplitRows.split(tuple("abcd"), rng.normal(size=(40, 4)), rng.normal(size=40), 0.2, 0)
    with running(Meter()) as meter:
        list(relations(rows, plain=True))
    assert fits > 0
    assert meter.spent > 2e-5 * fits
