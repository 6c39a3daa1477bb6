"""Edits of curves do what they say, where they say it, and nowhere else."""

import numpy as np
import pytest

import edgewise as ew
from edgewise.training import TableConfig


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    X = {
        "age": random.uniform(20, 70, 500),
        "kind": random.choice(["a", "b", "c"], 500),
        "z": random.normal(size=500),
    }
    return X, np.sin(X["age"] / 6) + (X["kind"] == "a") + 0.5 * X["z"] + 0.1 * random.normal(size=500)


@pytest.fixture(scope="module")
def model(data):
    return ew.KANRegressor(interactions=0).fit(*data)


def curve(model, ages):
    n = len(ages)
    return model.predict({"age": np.asarray(ages), "kind": np.array(["a"] * n), "z": np.zeros(n)})


def test_constant_is_constant_inside_and_changes_nothing_outside(model, data):
    X, y = data
    edited = ew.edit_shape(model, "age", "constant(30, 40)", X, y)
    inside, outside = np.linspace(30, 40, 200), np.r_[np.linspace(15, 28.9, 200), np.linspace(41.1, 80, 200)]
    assert np.ptp(curve(edited.model, inside)) < 1e-12
    assert curve(edited.model, outside) == pytest.approx(curve(model, outside), abs=1e-10)
    assert edited.after["rmse"] > edited.before["rmse"]
    assert edited.record.seconds < 1
    assert edited.old is model


def test_values_are_about_the_mean_of_the_curve(model, data):
    X, _ = data
    edited = ew.edit_shape(model, "age", "constant(30, 40, 0.25)", X)
    mean = np.mean(curve(model, X["age"]))
    assert curve(edited.model, [35.0])[0] - mean == pytest.approx(0.25, abs=1e-9)
    assert edited.before == {}


def test_shift_moves_by_so_much(model, data):
    X, y = data
    edited = ew.edit_shape(model, "age", "shift(-0.5, 30, None)", X, y).model
    right, left = np.linspace(30, 90, 100), np.linspace(10, 28.9, 100)
    assert curve(edited, right) == pytest.approx(curve(model, right) - 0.5, abs=1e-10)
    assert curve(edited, left) == pytest.approx(curve(model, left), abs=1e-10)


@pytest.mark.parametrize("way", ["increasing", "decreasing"])
def test_monotone_is(model, data, way):
    edited = ew.edit_shape(model, "age", way, *data).model
    steps = np.diff(curve(edited, np.linspace(0, 100, 5000)))
    assert (steps if way == "increasing" else -steps).min() >= -1e-12


def test_smooth_bends_less(model, data):
    ages = np.linspace(21, 69, 400)
    bends = [
        np.abs(np.diff(curve(one, ages), 2)).sum()
        for one in (model, *(ew.edit_shape(model, "age", f"smooth({k})", *data).model for k in (1, 4)))
    ]
    assert bends[0] > bends[1] > bends[2]


def test_points_are_passed_through_and_words_set(model, data):
    X, y = data
    mean = np.mean(curve(model, X["age"]))
    edited = ew.edit_shape(model, "age", {30: 0.2, 50.5: -0.7}, X, y).model
    assert curve(edited, [30.0, 50.5]) - mean == pytest.approx([0.2, -0.7], abs=1e-8)

    def words(one):
        return one.predict({"age": [40.0] * 3, "kind": ["a", "b", "c"], "z": [0.0] * 3})

    before = words(model)
    after = words(ew.edit_shape(model, "kind", {"b": 0.4}, X, y).model)
    assert after[[0, 2]] == pytest.approx(before[[0, 2]], abs=1e-9)
    assert abs(after[1] - before[1]) > 0.1


def test_joint_networks_carry_curves_too(data):
    X, y = data
    model = ew.KANClassifier(mode="pairwise", interactions=1, members=2, config=TableConfig(epochs=15)).fit(
        X, y > 0.5
    )
    edited = ew.edit_shape(model, "age", "shift(1, None, 40)", X, y > 0.5)
    young = {"age": [30.0], "kind": ["b"], "z": [0.3]}
    assert edited.model.decision_function(young) == pytest.approx(
        model.decision_function(young) + 1, abs=1e-6
    )
    assert set(edited.after) == {"auc", "accuracy", "log_loss", "brier"}
    assert edited.record.flipped_rows > 0
    assert edited.model.feature_importances_.sum() == pytest.approx(1)


def test_the_old_model_is_left_alone(model, data, tmp_path):
    X, y = data
    before = model.predict(X)
    edited = ew.edit_shape(model, "age", "smooth", X, y)
    assert (model.predict(X) == before).all()
    ew.save(edited.model, tmp_path / "m.kan")
    assert (ew.load(tmp_path / "m.kan").predict(X) == edited.model.predict(X)).all()
    asked = edited.reverified(lambda one, prop: (one is edited.model, prop), ["monotone(age, increasing)"])
    assert asked == ((True, "monotone(age, increasing)"),)
    assert "age" in str(edited)


@pytest.mark.parametrize(
    ("column", "edit", "said"),
    [
        ("agee", "smooth", "did you mean 'age'"),
        ("age", "smoth", "did you mean 'smooth'"),
        ("age", "constant(40, 30)", "low < high"),
        ("age", "shift", "how much"),
        ("age", "constant(1, 2, 3, 4)", "at most 3"),
        ("kind", "constant(1, 2)", "mapping of its words"),
        ("kind", {"q": 1.0}, "words it knows"),
        ("age", {}, "points"),
        ("age", 3, "must be a text"),
    ],
)
def test_edits_that_cannot_be(model, data, column, edit, said):
    with pytest.raises(ew.InputError, match=said):
        ew.edit_shape(model, column, edit, *data)


def test_a_network_without_curves_of_its_own(data):
    X = np.column_stack([data[0]["age"], data[0]["z"]])
    with pytest.raises(ew.InputError, match="function of its own"):
        ew.edit_shape(ew.KAN([2, 3, 1], seed=0), "x1", "smooth", X)
