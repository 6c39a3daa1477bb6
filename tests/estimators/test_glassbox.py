"""Interactions, constraints and surrogates as people ask for them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier

import edgewise as ew


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    n = 700
    X = pd.DataFrame(
        {
            "income": random.lognormal(3, 1.5, n),
            "age": random.uniform(18, 80, n),
            "kind": random.choice(list("abc"), n),
            "first": random.normal(size=n),
            "second": random.normal(size=n),
        }
    )
    y = np.log(X["income"]) + ((X["age"] - 45) / 20) ** 2 + 1.5 * X["first"] * X["second"]
    return X, (y + 0.2 * random.normal(size=n)).to_numpy()


def swept(X, name, values):
    rows = pd.concat([X.iloc[[0]]] * len(values), ignore_index=True)
    rows[name] = values
    return rows


@pytest.mark.slow
def test_auto_finds_the_pair_and_saves_it(table, tmp_path):
    X, y = table
    model = ew.KANRegressor(interactions="auto", members=2).fit(X, y)
    assert set(model.interactions_[0]) == {"first", "second"}
    assert len(model.interactions_) <= 3
    assert model.score(X, y) > 0.9
    ew.save(model, tmp_path / "m.kan")
    assert ew.load(tmp_path / "m.kan").interactions_ == model.interactions_


def test_auto_finds_no_pair_where_there_is_none():
    random = np.random.default_rng(1)
    X = random.uniform(-1, 1, (500, 4))
    y = X[:, 0] ** 2 + X[:, 1] + 0.5 * random.normal(size=500)
    model = ew.KANRegressor(interactions="auto", members=2).fit(X, y)
    assert model.interactions_ == ()
    assert len(model.network_.shape) == 2


@pytest.mark.slow
def test_none_at_all_and_so_many(table):
    X, y = table
    none = ew.KANRegressor(interactions=0).fit(X, y)
    assert none.interactions_ == ()
    assert len(none.network_.shape) == 2
    two = ew.KANRegressor(interactions=2, members=2).fit(X, y)
    assert len(two.interactions_) == 2


def test_constraints_by_column_names(table, tmp_path):
    X, y = table
    wishes = {
        "monotone": {"income": "increasing"},
        "convex": {"age": "convex"},
        "bounds": {"kind": (-0.1, 0.1)},
    }
    model = ew.KANRegressor(interactions=0, **wishes).fit(X, -y)
    low, high = X["income"].min(), X["income"].max()
    assert np.diff(model.predict(swept(X, "income", np.linspace(low, high, 2000)))).min() > 0
    bends = np.diff(model.predict(swept(X, "age", np.linspace(0, 100, 1000))), 2)
    assert bends[200:800].min() > -1e-10
    words = model.predict(swept(X, "kind", [*"abc", "new"]))
    assert np.ptp(words) <= 0.2 + 1e-12
    ew.save(model, tmp_path / "m.kan")
    again = ew.load(tmp_path / "m.kan")
    assert (again.predict(X) == model.predict(X)).all()
    assert again.monotone == wishes["monotone"]
    assert clone(model).get_params() == model.get_params()


def test_columns_with_long_tails_are_convex_in_their_own_units(table):
    X, y = table
    model = ew.KANRegressor(interactions=0, convex={"income": "concave"}).fit(X, y)
    assert "income" in model.get_feature_names_out()
    grid = np.linspace(X["income"].min(), X["income"].max(), 3000)
    assert np.diff(model.predict(swept(X, "income", grid)), 2).max() < 1e-10


def test_columns_by_place_and_going_on():
    random = np.random.default_rng(2)
    X = random.uniform(-1, 1, (300, 2))
    y = X[:, 0] > 0.2
    model = ew.KANClassifier(interactions=0, monotone={0: "decreasing"})
    model.partial_fit(X[:150], y[:150], classes=[False, True])
    model.partial_fit(X[150:], y[150:])
    grid = np.column_stack([np.linspace(-2, 2, 999), np.zeros(999)])
    assert np.diff(model.decision_function(grid)).max() <= 0


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"monotone": {"incom": "increasing"}}, "did you mean 'income'"),
        ({"monotone": {"kind": "increasing"}}, "must hold numbers"),
        ({"monotone": {"age": "up"}}, "must be one of 'increasing'"),
        ({"monotone": 3}, "must be a dictionary"),
        ({"monotone": ["age"]}, "increasing\\(column\\)"),
        ({"monotone": ["monotone(age, up)"]}, "in place of 'up'"),
        ({"bounds": {"age": (1, 2)}}, "low < 0 < high"),
        ({"bounds": {"age": (-1, 2)}, "convex": {"age": "convex"}}, "Column 'age'"),
        ({"interactions": -1}, "interactions"),
        ({"interactions": 3, "mode": "additive"}, "interactions"),
        ({"interactions": "all"}, "interactions"),
    ],
)
def test_wishes_that_cannot_be(table, wish, said):
    X, y = table
    with pytest.raises(ew.InputError, match=said):
        ew.KANRegressor(**wish).fit(X, y)


@pytest.mark.slow
def test_a_surrogate_states_its_fidelity(table):
    X, _ = table
    numbers = X[["income", "age", "first", "second"]]
    easy = ew.surrogate(lambda rows: rows["age"] ** 2 / 100, numbers, interactions=0)
    assert easy.kind == "number"
    assert easy.fidelity > 0.999
    hard = ew.surrogate(lambda rows: np.sign(rows["first"] * rows["second"]), numbers, interactions=0)
    assert hard.fidelity < 0.2
    assert "covers" in str(hard)
    assert hard.to_dict()["held_out"] == round(0.25 * len(X))


def test_surrogates_of_classifiers(table):
    X, y = table
    numbers, rich = X[["income", "age", "first"]], np.where(y > np.median(y), "rich", "poor")
    trees = HistGradientBoostingClassifier(max_iter=30).fit(numbers, rich)
    copy = ew.surrogate(trees, numbers, interactions=0)
    assert copy.kind == "log-odds"
    held = numbers.iloc[ew.data.split(len(X), 0.25, seed=0)[1]]
    alike = float(np.mean(copy.predict(held) == trees.predict(held)))
    assert copy.agreement == pytest.approx(alike)
    assert copy.agreement > 0.85
    labels = ew.surrogate(
        DecisionTreeClassifier(max_depth=3).fit(numbers, rich).predict, numbers, interactions=0
    )
    assert labels.kind == "class"
    assert labels.fidelity is None
    assert labels.agreement > 0.85
    with pytest.raises(ew.InputError, match="black_box"):
        ew.surrogate(3, numbers)
