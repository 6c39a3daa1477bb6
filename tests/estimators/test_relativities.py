"""Factor tables: against the law, against a generalised linear model, and totals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import edgewise as ew
from edgewise.estimators.relativities import Relativities, relativities

RANDOM = np.random.default_rng(0)
ROWS = 4000
KIND = RANDOM.choice(["bus", "car", "van"], ROWS, p=[0.2, 0.5, 0.3])
AGE = RANDOM.uniform(18, 80, ROWS)
AGE[:40] = np.nan
YEARS = RANDOM.uniform(0.2, 2, ROWS)
FACTOR = {"bus": 2.0, "car": 1.0, "van": 0.5}
RATE = 0.4 * np.array([FACTOR[kind] for kind in KIND]) * np.exp(-0.02 * (np.nan_to_num(AGE, nan=50.0) - 45))
CLAIMS = RANDOM.poisson(YEARS * RATE).astype(float)
TABLE: dict[str, Any] = {"kind": KIND, "age": AGE}


@pytest.fixture(scope="module")
def model() -> ew.KANRegressor:
    return ew.KANRegressor(loss="poisson", mode="additive", work="quick").fit(TABLE, CLAIMS, exposure=YEARS)


@pytest.fixture(scope="module")
def found(model: ew.KANRegressor) -> Relativities:
    return model.relativities(TABLE, CLAIMS, exposure=YEARS)


def test_levels_have_the_factors_of_the_law(found: Relativities, model: ew.KANRegressor) -> None:
    kinds = next(table for table in found.factors if table.column == "kind")
    assert kinds.levels == ("bus", "car", "van")
    assert kinds.levels[kinds.base] == "car"
    assert kinds.relativity == pytest.approx([2.0, 1.0, 0.5], rel=0.15)
    assert kinds.glm == pytest.approx(kinds.relativity, rel=0.15)
    assert ((kinds.low < [2.0, 1.0, 0.5]) & (kinds.high > [2.0, 1.0, 0.5])).all()
    # Of a model that is a product, predictions keep the ratio at every age.
    bus, car = (model.predict({"kind": [kind] * 3, "age": [20.0, 45.0, 70.0]}) for kind in ("bus", "car"))
    assert bus / car == pytest.approx(kinds.relativity[0], rel=1e-6)


def test_every_row_counts_once_in_every_column(found: Relativities, model: ew.KANRegressor) -> None:
    expected = model.predict(TABLE, exposure=YEARS)
    for table in found.factors:
        assert table.exposure.sum() == pytest.approx(YEARS.sum())
        assert table.observed.sum() == pytest.approx(CLAIMS.sum())
        assert table.expected.sum() == pytest.approx(expected.sum())
    ages = next(table for table in found.factors if table.column == "age")
    assert ages.levels[-1] == "missing"
    assert ages.exposure[-1] == pytest.approx(YEARS[:40].sum())
    assert len(ages.levels) == 11
    some = KIND == "van"
    kinds = next(table for table in found.factors if table.column == "kind")
    assert kinds.observed[2] == CLAIMS[some].sum()
    assert kinds.off[2] == pytest.approx(expected[some].sum() / CLAIMS[some].sum() - 1)


def test_totals_that_are_missed_are_named(found: Relativities) -> None:
    for column, level, off in found.totals_missed:
        table = next(table for table in found.factors if table.column == column)
        assert table.off[table.levels.index(level)] == pytest.approx(off)
    assert "Totals are met within 0.1 %" in str(found)
    assert len(list(found.rows())) == sum(len(table.levels) for table in found.factors)


def test_intervals_are_those_of_the_rows_of_a_level(found: Relativities) -> None:
    """A level that nothing else is learned of: its interval is that of a Poisson count."""
    random = np.random.default_rng(1)
    flat = ew.KANRegressor(loss="poisson", mode="additive", work="quick").fit(
        {"kind": KIND}, random.poisson(YEARS).astype(float), exposure=YEARS
    )
    counted = random.poisson(YEARS).astype(float)
    table = relativities(flat, {"kind": KIND}, counted, exposure=YEARS, glm=False).factors[0]
    width = np.log(table.high / table.low) / (2 * 1.96)
    assert width == pytest.approx(1 / np.sqrt(table.expected), rel=0.1)
    assert table.glm is None


@pytest.mark.parametrize("bins", [1, 2.5])
def test_bins_are_whole_numbers(model: ew.KANRegressor, bins: Any) -> None:
    with pytest.raises(ew.InputError, match="bins"):
        model.relativities(TABLE, CLAIMS, exposure=YEARS, bins=bins)


def test_models_of_other_numbers_are_refused() -> None:
    plain = ew.KANRegressor(mode="additive", work="quick").fit({"age": AGE}, CLAIMS)
    with pytest.raises(ew.InputError, match="products of factors"):
        plain.relativities({"age": AGE}, CLAIMS)
