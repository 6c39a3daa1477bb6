"""A table with special codes through everything that reads an encoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import edgewise as ew
from edgewise import KANRegressor
from edgewise.data import NumberColumn
from edgewise.verifying.checker import check


@pytest.fixture(scope="module")
def rows() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    age, debt = rng.integers(20, 80, 600).astype(float), rng.normal(size=600)
    y = np.where(debt > 0, 1.0, 0.5) * debt + age / 20
    for code, effect in ((-9.0, 8.0), (-8.0, -3.0)):
        there = rng.random(600) < 0.15
        age[there] = code
        y[there] = effect + debt[there]
    return pd.DataFrame({"age": age, "debt": debt}), y + 0.05 * rng.normal(size=600)


@pytest.fixture(scope="module")
def model(rows: tuple[pd.DataFrame, np.ndarray]) -> KANRegressor:
    return KANRegressor(mode="additive", random_state=0).fit(*rows)


def test_the_model_tells_its_codes_and_knows_their_effects(model, rows) -> None:
    column = model.encoding_.columns[0]
    assert isinstance(column, NumberColumn)
    assert column.codes == (-9.0, -8.0)
    assert column.low >= 20
    assert any("-9, -8 in age" in event for event in model.fit_.events)
    assert model.predict(pd.DataFrame({"age": [-9.0, -8.0], "debt": [0.0, 0.0]})) == pytest.approx(
        [8.0, -3.0], abs=0.3
    )
    shape = next(s for s in ew.explain(model, rows[0]).shapes if s.column == "age")
    marks = {mark.name: mark for mark in shape.marks}
    assert marks["-9"].effect - marks["-8"].effect == pytest.approx(11.0, abs=0.4)
    assert marks["-9"].rows == int((rows[0]["age"] == -9).sum())
    assert shape.x.min() >= 20
    assert shape.missing is None
    assert ew.explain(model, rows[0]).additive_share == pytest.approx(1.0, abs=1e-6)


def test_proofs_speak_of_codes(model, tmp_path: Path) -> None:
    near = "debt in [-2, 2]"
    found = ew.verify(model, ew.properties.output_range(low=5.0), where=f"age = -9, {near}")
    assert found.status == "proved"
    refuted = ew.verify(model, ew.properties.output_range(high=7.0), where=near)
    assert refuted.status == "refuted"
    assert refuted.cases[0].row["age"] == -9.0
    ordinary = ew.verify(model, ew.properties.output_range(high=7.0), where=f"age in [20, 79], {near}")
    assert ordinary.status == "proved"
    within = ew.verify(model, ew.properties.output_range(high=7.0), where=f"age in [-8.5, 79], {near}")
    assert within.status == "proved"
    # The independent checker knows the cells of all rows that the encoding gives.
    everywhere = ew.verify(model, ew.properties.output_range(-100.0, 100.0))
    assert everywhere.status == "proved"
    ew.save(model, tmp_path / "m.kan")
    everywhere.certificate.save(tmp_path / "proof.json")
    assert check(str(tmp_path / "proof.json"), str(tmp_path / "m.kan")).accepted


def test_constraints_and_claims_along_the_column_name_its_codes(rows) -> None:
    held = KANRegressor(mode="additive", monotone={"age": "increasing"}, random_state=0, work="quick").fit(
        *rows
    )
    assert any("Constraints bind numbers" in event and "age (-9, -8)" in event for event in held.fit_.events)
    for text in ("monotone(age, increasing)", "lipschitz(age, 3)"):
        answer = ew.verify(held, text)
        assert answer.status == "proved"
        assert "neither -9 nor -8" in answer.domain
        assert any("age (-9, -8)" in remark for remark in answer.remarks)
        assert not answer.certificate.document["domain"]["whole"]
    # A code as near as asked is a row near it, and so are numbers near a code.
    for at, size in ((0.0, 8.0), (-9.0, 0.5), (-9.0, 1.0)):
        row, change = {"age": at, "debt": 0.0}, ew.properties.robust
        answer = ew.verify(held, change(row, {"age": size}, change=0.5))
        assert answer.status == "refuted"
        assert ew.verify(held, change(row, {"age": 0.0}, change=0.5)).status == "proved"
    with pytest.raises(ew.InputError):
        ew.verify(held, ew.properties.never_flips("debt", others={"age": 2.0}, threshold=0.0))


def test_counterfactuals_tell_that_codes_stay(rows) -> None:
    X, y = rows
    judge = ew.KANClassifier(mode="additive", random_state=0, work="quick").fit(X, y > 2)
    found = ew.minimal_counterfactual(judge, {"age": 30.0, "debt": 0.0})
    assert any("age (-9, -8)" in remark for remark in found.remarks)
    assert found.to_dict()["remarks"] == list(found.remarks)
    # Answers print truth values as yes and no, and properties read them so.
    where = "debt in [-1, 1], age = -9"
    answers = [
        ew.verify(judge, f"decision = {word}", where=where).status for word in ("yes", "True", "no", "False")
    ]
    assert answers == ["proved", "proved", "refuted", "refuted"]


def test_it_is_saved_and_written(model, rows, tmp_path: Path) -> None:
    ew.save(model, tmp_path / "m.kan")
    again = ew.load(tmp_path / "m.kan")
    assert again.encoding_ == model.encoding_
    assert np.array_equal(again.predict(rows[0]), model.predict(rows[0]))
    assert ew.explaining.out_of_range(model, rows[0]).found == ()
    far = ew.explaining.out_of_range(model, pd.DataFrame({"age": [-7.0], "debt": [0.0]}))
    assert far.found[0].kind == "below"
