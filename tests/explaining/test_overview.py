"""Shape functions and importances: exact where they claim to be, closed forms where they are averages."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise import KAN, InputError, KANRegressor, explain
from tests.explaining.models import classifier, product_net, random_net, regressor, three_classes


@given(seed=st.integers(0, 1000))
def test_shapes_of_an_additive_network_are_differences_of_its_outputs(seed):
    net = random_net([3, 1], seed)
    X = np.random.default_rng(seed).normal(size=(40, 3))
    found = explain(net, X)
    assert found.additive
    assert found.additive_share == 1
    for shape in found.shapes:
        k = int(shape.column[1:]) - 1
        assert shape.exact
        rows = np.repeat(X[:1], len(shape.x), axis=0)
        rows[:, k] = shape.x
        own = net.predict(rows)[:, 0]
        at_rows = np.repeat(X[:1], len(X), axis=0)
        at_rows[:, k] = X[:, k]
        np.testing.assert_allclose(shape.y, own - net.predict(at_rows)[:, 0].mean(), atol=1e-9)


def test_shapes_of_an_additive_estimator_are_differences_of_its_answers():
    model, table, _ = regressor("additive")
    found = explain(model, table)
    shape = found.shape("home")
    same = {name: [cells[0]] * len(shape.labels) for name, cells in table.items()}
    same["home"] = list(shape.labels)
    out = model.predict(same)
    np.testing.assert_allclose(shape.y - shape.y[0], out - out[0], atol=1e-9)
    income = found.shape("income")
    same = {name: [cells[0]] * 3 for name, cells in table.items()}
    same["income"] = [float(income.x[20]), float(income.x[90]), None]
    out = model.predict(same)
    np.testing.assert_allclose(
        [income.y[20] - income.missing, income.y[90] - income.missing], out[:2] - out[2], atol=1e-6
    )
    assert income.missing_rows == sum(value != value for value in table["income"])
    assert shape.counts.sum() == len(table["home"])


def test_accumulated_effects_follow_the_data_where_columns_hang_together():
    # f = x1 * x2. With x2 = x1 + noise the local effect at x1 is E[x2 | x1] = x1, so ALE is x1^2 / 2; partial dependence
    # would be a straight line through zero.
    random = np.random.default_rng(0)
    x1 = random.uniform(-1, 1, 4000)
    X = np.column_stack([x1, x1 + random.normal(0, 0.1, 4000), random.normal(size=4000)])
    found = explain(product_net([(0, 1)], 3), X)
    shape = found.shape("x1")
    want = shape.x**2 / 2 - (x1**2 / 2).mean()
    assert not shape.exact
    assert np.abs(shape.y - want).max() < 0.03
    inside = (shape.low - 0.03 <= want) & (want <= shape.high + 0.03)
    assert inside.all()
    assert found.shape("x3").words == "has no effect"


def test_accumulated_effects_of_independent_columns_are_exact_parts():
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, (3000, 4))
    X[:, 1] += 0.5
    found = explain(product_net([(0, 1), (2, 3)], 4), X)
    shape = found.shape("x1")  # E[x2] x1
    slope = np.polyfit(shape.x, shape.y, 1)[0]
    assert slope == pytest.approx(0.5, abs=0.05)
    # Shapes are means; what is left of a product of columns without correlation is their interaction.
    assert found.additive_share == pytest.approx(0.5**2 / (0.5**2 + 2 / 3), abs=0.08)


def test_importances_are_deviations_and_shares_sum_to_one():
    net = random_net([3, 1], 7)
    X = np.random.default_rng(1).normal(size=(300, 3))
    found = explain(net, X)
    assert sum(one.share for one in found.importances) == pytest.approx(1)
    for one in found.importances:
        k = int(one.column[1:]) - 1
        rows = np.zeros_like(X)
        rows[:, k] = X[:, k]
        assert one.value == pytest.approx(net.predict(rows)[:, 0].std(), rel=1e-9)
        assert one.low < one.value < one.high
    assert [one.value for one in found.importances] == sorted(
        (one.value for one in found.importances), reverse=True
    )


def test_intervals_hold_the_importance_of_all_rows():
    # 95 % intervals from 150 rows each must hold what all rows say nearly always.
    net = random_net([2, 1], 3)
    everyone = np.random.default_rng(0).uniform(-1, 1, (5_000, 2))
    truth = {one.column: one.value for one in explain(net, everyone).importances}
    held = 0
    for seed in range(20):
        rows = np.random.default_rng(100 + seed).choice(5_000, 150, replace=False)
        held += sum(
            one.low <= truth[one.column] <= one.high for one in explain(net, everyone[rows]).importances
        )
    assert held >= 34  # of 40


@pytest.mark.parametrize("mode", ["additive", "deep"])
def test_an_estimator_explains_itself(mode):
    model, table, _ = classifier(mode)
    found = model.explain(table)
    assert found.output == "log-odds of good"
    assert {shape.column for shape in found.shapes} == set(table)
    again = json.loads(json.dumps(found.to_dict()))
    assert again["additive"] == (mode == "additive")
    text = str(found)
    assert "age" in text
    assert len(text.splitlines()) < 40
    # The other class is the same with the sign changed.
    other = model.explain(table, output="bad")
    assert other.base == pytest.approx(-found.base)
    np.testing.assert_allclose(other.shape("age").y, -found.shape("age").y, atol=1e-9)


def test_each_class_of_many_has_its_own():
    model, X, _ = three_classes()
    bases = [model.explain(X, output=name).base for name in "abc"]
    assert sum(bases) == pytest.approx(0, abs=1e-9)  # logits against their mean
    with pytest.raises(InputError, match="output"):
        model.explain(X, output="d")


def test_without_a_table_rows_are_drawn_and_that_is_said():
    model, _, _ = classifier("additive")
    found = model.explain()
    assert "drawn" in found.notes[0]
    assert found.importances[0].low is None
    assert str(found)
    net = random_net([2, 1], 1)
    assert explain(net).n_rows == 500


def test_wrong_tables_and_models_are_refused_in_a_sentence():
    model, table, _ = classifier("additive")
    with pytest.raises(InputError, match="home"):
        model.explain({name: cells for name, cells in table.items() if name != "home"})
    with pytest.raises(InputError, match="KAN"):
        explain("model")
    with pytest.raises(InputError, match="units"):
        explain(model, table, units={"agee": "years"})
    with pytest.raises(InputError, match="column"):
        model.explain(table).shape("agee")


def test_a_lazy_frame_is_explained_by_rows_drawn_from_it():
    import polars as pl

    frame = pl.DataFrame({"a": [1.0, 2.0, 0.5], "b": [1.0, 2.0, 3.0]})
    net = KAN([2, 1], seed=0)
    assert str(explain(net, frame.lazy())) == str(explain(net, frame))


def test_what_missing_cells_and_codes_do_stands_beside_the_curve():
    rng = np.random.default_rng(0)
    age, there = rng.integers(20, 60, 400).astype(float), rng.random(400)
    y = 0.1 * age
    age[there < 0.2], y[there < 0.2] = -9, 9.0
    age[there > 0.8], y[there > 0.8] = np.nan, 1.0
    model = KANRegressor(mode="additive", members=1, work="quick").fit({"age": age}, y)
    shape = explain(model, {"age": age}).shape("age")
    assert {mark.name: mark.rows for mark in shape.marks} == {
        "missing": (there > 0.8).sum(),
        "-9": (there < 0.2).sum(),
    }
    for words in shape.besides:
        assert words in str(explain(model, {"age": age}))
    told = dict(words.rsplit(" ", 1) for words in shape.besides)
    assert float(told["code -9:"]) == pytest.approx(9 - y.mean(), abs=0.2)
    assert float(told["where missing"].replace("\u2212", "-")) == pytest.approx(1 - y.mean(), abs=0.2)
