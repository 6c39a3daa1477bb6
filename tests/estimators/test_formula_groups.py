"""FormulaRegressor over groups: the column that names them, new groups, and what has no meaning beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from edgewise import FormulaRegressor, InputError

RATES = {"cup": 0.9, "pot": 0.5, "bath": 0.2}


def table(rates: dict[str, float], rows: int = 30) -> tuple[pd.DataFrame, np.ndarray]:
    t = np.tile(np.linspace(0, 5, rows), len(rates))
    body = np.repeat(list(rates), rows)
    return pd.DataFrame({"vessel": body, "t": t}), 20 + 60 * np.exp(
        -np.repeat(list(rates.values()), rows) * t
    )


@pytest.fixture(scope="module")
def model() -> FormulaRegressor:
    return FormulaRegressor("quick", groups="vessel").fit(*table(RATES))


def test_one_law_is_found_and_predicts_known_groups(model: FormulaRegressor) -> None:
    assert model.formula_.text == "60*exp(-a*t) + 20"
    X, y = table(RATES, 7)
    np.testing.assert_allclose(model.predict(X), y, rtol=1e-8)
    assert model.score(X, y) == pytest.approx(1)
    X.loc[3, "t"], X.loc[5, "vessel"] = np.nan, None
    assert np.isnan(model.predict(X)).tolist() == [at in (3, 5) for at in range(21)]


def test_a_new_group_is_refused_until_its_constants_are_learned(model: FormulaRegressor) -> None:
    X, y = table({"lake": 0.05}, 4)
    with pytest.raises(InputError, match="with_group"):
        model.predict(X)
    wider = FormulaRegressor("quick", groups="vessel")
    wider.__dict__.update(model.__dict__)
    wider.refit_group(X, y)
    np.testing.assert_allclose(wider.predict(X), y, rtol=1e-6)
    assert "lake" not in model.formula_.own


@pytest.mark.slow
def test_places_of_columns_and_numbers_name_groups_too() -> None:
    X, y = table(RATES)
    numbers = np.column_stack([X["t"], np.repeat([1, 2, 3], 30)])
    assert clone(FormulaRegressor("quick", groups=-1)).fit(numbers, y).predict(numbers) == pytest.approx(y)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"groups": "vesel"}, "did you mean 'vessel'"),
        ({"groups": 2}, "its place"),
        ({"groups": "vessel", "units": {"t": "s"}}, "'units'"),
        ({"groups": "vessel", "loss": "robust"}, "'loss'"),
    ],
)
def test_what_has_no_meaning_is_refused(options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        FormulaRegressor("quick", **options).fit(*table(RATES))
