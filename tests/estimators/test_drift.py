"""What has moved since a model learned: stability indices against their distribution, answers against what happened."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import edgewise as ew
from edgewise.estimators.drift import drift

ROWS = 1500


def drawn(seed: int, rows: int = ROWS, shift: float = 0.0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    x = random.normal(shift, 1, rows)
    x[: rows // 50] = np.nan
    return {"x": x, "kind": random.choice(["a", "b", "c"], rows), "flat": random.uniform(0, 1, rows)}


def rates(table: dict[str, Any]) -> Any:
    return 0.5 * np.exp(0.4 * np.nan_to_num(table["x"]))


@pytest.fixture(scope="module")
def model() -> ew.KANRegressor:
    table = drawn(0)
    y = np.random.default_rng(9).poisson(rates(table)).astype(float)
    return ew.KANRegressor(loss="poisson", mode="additive", work="quick").fit(table, y)


def test_rows_of_the_same_law_have_not_moved(model: ew.KANRegressor) -> None:
    """Chances of indices are even, so that few are small, and no alarm rings."""
    chances = list[float]()
    for seed in range(1, 21):
        table = drawn(seed)
        y = np.random.default_rng(seed).poisson(rates(table))
        found = drift(model, table, drawn(seed + 100), y=y)
        assert found.alarms == ()
        chances += [item.chance for item in found.columns[:3]]
    assert 0.3 < np.mean(chances) < 0.75
    assert np.mean(np.array(chances) < 0.05) < 0.15


def test_what_moves_is_named(model: ew.KANRegressor) -> None:
    table = drawn(1, shift=1.0)
    table["kind"] = np.where(np.arange(ROWS) < 200, "new", table["kind"])
    y = np.random.default_rng(2).poisson(2 * rates(table))
    found = drift(model, table, drawn(0), y=y)
    said = " ".join(found.alarms)
    assert "x has moved" in said
    assert "kind has moved" in said
    assert "flat" not in said
    assert "no longer meet" in said
    kinds = next(item for item in found.columns if item.name == "kind")
    assert kinds.outside == pytest.approx(200 / ROWS)
    (met,) = found.calibration
    assert met.observed == pytest.approx(y.mean())
    assert met.expected == pytest.approx(model.predict(table).mean())
    assert found.to_dict()["alarms"] == list(found.alarms)
    assert "x has moved" in str(found)


def test_without_the_rows_learned_from_only_what_lies_beyond_is_seen(model: ew.KANRegressor) -> None:
    assert drift(model, drawn(3)).alarms == ()
    far = drawn(3, shift=30.0)
    assert drift(model, far).alarms == ("98 % of the rows of x lie beyond what was learned.",)


def test_the_index_is_that_of_its_definition() -> None:
    plain = ew.KANRegressor(mode="additive", work="quick").fit(
        {"k": np.tile([0.0, 1.0, 2.0], 40)}, np.arange(120.0)
    )
    before = {"k": np.repeat([0.0, 1.0, 2.0], [50, 30, 20])}
    after = {"k": np.repeat([0.0, 1.0, 2.0], [20, 30, 50])}
    found = drift(plain, after, before).columns[0]
    p, q = (np.array([50.5, 30.5, 20.5]) / 101.5, np.array([20.5, 30.5, 50.5]) / 101.5)
    assert found.index == pytest.approx(((q - p) * np.log(q / p)).sum())


def test_chances_of_classes_are_held_against_their_shares() -> None:
    table = drawn(4)
    label = np.where(np.random.default_rng(4).uniform(size=ROWS) < 0.3, "yes", "no")
    model = ew.KANClassifier(mode="additive", work="quick").fit(table, label)
    (met,) = drift(model, table, y=label).calibration
    assert met.name == "the share of yes"
    assert met.chance > 0.05
    (off,) = drift(model, table, y=np.full(ROWS, "yes")).calibration
    assert off.alarm


def test_what_makes_no_sense_is_said() -> None:
    with pytest.raises(ew.InputError, match="fitted"):
        drift(ew.KANRegressor(), drawn(0))
    with pytest.raises(ew.InputError, match="fitted"):
        drift(ew.KAN([1, 1]), drawn(0))
