"""The order of a search and what each stage is left with."""

import numpy as np
import pytest

import edgewise as ew
from edgewise._core.work import charge
from edgewise.symbolic.search import recipe

pytestmark = pytest.mark.slow


def test_sums_of_other_terms_get_their_turn_when_mending_spends_all_the_work(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 3, (300, 2))
    y = X[:, 0] ** (2 / 3) * X[:, 1] - X[:, 1] ** 2 / X[:, 0] + 0.3 * rng.standard_normal(300)
    searches, called = [], []

    def structured(search, state, *, sums):
        searches.append(search)
        return iter(())

    def spend(formulas):
        charge(max(searches[0].left, 0.0))
        return iter(())

    def exchange(rows, seed):
        called.append(len(rows.names))
        return iter(())

    monkeypatch.setattr(recipe, "structured", structured)
    monkeypatch.setattr(recipe, "resummed", spend)
    monkeypatch.setattr(recipe, "sums_by_exchange", exchange)
    ew.find_formula(X, y, work=0.02, seed=0)
    assert called
