"""Which columns and rows an estimator takes: by name, sparse, numbered, given away; rows that belong together."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import InputError
from edgewise.data.encoding_raw import raw_table
from edgewise.estimators.suspects import giveaways, identifiers
from edgewise.training import TableConfig
from tests.estimators.tables import classifier, regressor

N = 60
RANDOM = np.random.default_rng(0)
TABLE = {"a": RANDOM.normal(size=N), "b": RANDOM.choice(["u", "v"], N), "c": RANDOM.integers(0, 9, N)}
Y = TABLE["a"] + TABLE["c"] + RANDOM.normal(size=N)


@pytest.fixture(scope="module")
def fitted():
    return regressor().fit(pd.DataFrame(TABLE), Y)


@settings(max_examples=6)
@given(order=st.permutations([*TABLE, "more"]), vessel=st.sampled_from([dict, pl.DataFrame, pd.DataFrame]))
def test_columns_are_found_by_name_and_others_passed_over(fitted, order, vessel):
    wanted = fitted.predict(pd.DataFrame(TABLE))
    other = {**TABLE, "more": np.arange(N)}
    table = vessel({name: other[name] for name in order})
    assert np.array_equal(fitted.predict(table), wanted)


def test_a_pandas_frame_in_another_order_is_refused_as_scikit_learn_has_it_and_an_absent_column_anywhere(
    fitted,
):
    with pytest.raises(InputError, match="same order"):
        fitted.predict(pd.DataFrame(TABLE)[["b", "a", "c"]])
    for vessel in (dict, pl.DataFrame, pd.DataFrame):
        with pytest.raises(InputError, match="now missing"):
            fitted.predict(vessel({"a": TABLE["a"], "c": TABLE["c"], "more": TABLE["a"]}))


def test_a_sparse_table_is_its_dense_one_and_a_huge_one_is_refused():
    dense = RANDOM.normal(size=(N, 4)) * (RANDOM.random((N, 4)) < 0.4)
    wanted = regressor().fit(dense, Y).predict(dense)
    for kind in (scipy.sparse.csr_matrix, scipy.sparse.coo_array):
        assert np.array_equal(regressor().fit(kind(dense), Y).predict(kind(dense)), wanted)
    with pytest.raises(InputError) as error:
        raw_table(scipy.sparse.csr_matrix((10**6, 10**4)))
    assert error.value.argument == "X"


@pytest.mark.parametrize(
    "name", ["customer_id", "PolicyNumber", "id", "ID", "Unnamed: 0", "customerid", "loan", "index"]
)
def test_whole_numbers_that_their_name_calls_marks_number_the_rows(name):
    assert identifiers(raw_table({name: RANDOM.permutation(N) + 1000, "x": TABLE["a"]})) == (name,)


def test_numbers_of_rows_are_left_out_and_said_unless_asked_for():
    name, marks = "customer_id", RANDOM.permutation(N) + 1000
    table = {name: marks, "x": TABLE["a"]}
    model = regressor().fit(table, marks / 10.0 + TABLE["a"])
    assert model.feature_importances_[0] == 0
    assert any(name in text for text in model.fit_.events)
    asked = regressor(config=TableConfig(identifier_rows=N + 1)).fit(table, marks / 10.0 + TABLE["a"])
    assert asked.feature_importances_[0] > 0.5
    bound = regressor(monotone={name: "increasing"}).fit(table, marks / 10.0 + TABLE["a"])
    assert bound.feature_importances_[0] > 0.5


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("income", RANDOM.permutation(10**6)[:N]),
        ("year", np.arange(N) + 1900),
        ("atomic_number", np.arange(N) + 1),
        ("number of rooms", np.arange(N)),
        ("humidity", np.arange(N)),
        ("paid", np.arange(N)),
        ("customer_id", RANDOM.permutation(N) // 2),
        ("customer_id", np.arange(N) + 0.5),
        ("body mass index", np.arange(N)),
    ],
)
def test_numbers_that_may_be_measured_stay(name, numbers):
    assert identifiers(raw_table({name: numbers})) == ()


def test_an_identifier_is_one_where_rows_are_given_twice():
    table = {"id": np.arange(N), "x": TABLE["a"]}
    twice = regressor().fit({name: np.repeat(cells, 2) for name, cells in table.items()}, np.repeat(Y, 2))
    once = regressor().fit(table, Y, sample_weight=np.full(N, 2.0))
    assert np.array_equal(twice.predict(table), once.predict(table))
    assert twice.feature_importances_[0] == once.feature_importances_[0] == 0


@settings(max_examples=20)
@given(
    curve=st.sampled_from([np.exp, np.negative, np.arctan, lambda y: 3 * y + 1]), seed=st.integers(0, 2**20)
)
def test_what_the_target_follows_without_exception_is_named_and_nothing_else(curve, seed):
    random = np.random.default_rng(seed)
    y = random.normal(size=40)
    near = curve(y)
    near[0] = near[1:].max() + near[1:].min() - near[0]
    frame = {
        "leak": curve(y),
        "near": np.where(np.arange(40) == 3, curve(y)[4], curve(y)),
        "x": random.normal(size=40),
    }
    assert giveaways(raw_table(frame), y) == ("leak",)
    classes = random.integers(0, 3, 40).astype(float)
    words = np.array(["low", "mid", "high"])[classes.astype(int)]
    other = np.where(np.arange(40) == 7, "low", "mid")
    assert giveaways(raw_table({"words": words, "other": other}), classes) == (
        ("words",) if len(set(classes)) > 1 else ()
    )


def test_a_leak_is_told_by_estimators():
    model = regressor().fit({**TABLE, "leak": 2 * Y}, Y)
    assert any("leak" in text for text in model.fit_.events)
    assert not any("'a'" in text for text in model.fit_.events)


@pytest.mark.parametrize("kind", [str, int])
def test_rows_of_a_group_are_left_out_together(kind):
    random = np.random.default_rng(1)
    group = np.repeat(np.arange(20), 6)
    place = np.repeat(random.normal(size=20), 6)
    y = np.repeat(random.normal(size=20), 6) + 0.01 * random.normal(size=120)
    labels = np.array([kind(k) for k in group])
    table = {"place": place, "x": random.normal(size=120)}
    apart = regressor().fit(table, y).fit_.validation_error
    model = regressor().fit(table, y, groups=labels)
    # Of a row whose group is known the target is known; of a new group nothing is.
    assert apart < 0.1 < 0.5 < model.fit_.validation_error
    order = random.permutation(120)
    again = regressor().fit({k: v[order] for k, v in table.items()}, y[order], groups=labels[order])
    assert np.array_equal(again.predict(table), model.predict(table))
    weight = (np.arange(120) % 5 > 0).astype(float)
    assert regressor().fit(table, y, weight, groups=labels).fit_.validation_error > 0.5


def test_neighbours_in_time_are_left_out_together():
    time = pd.Series(pd.date_range("2020-01-01", periods=200))
    levels = np.repeat(np.random.default_rng(2).normal(size=20), 10)
    table = {"week": np.repeat(np.random.default_rng(3).normal(size=20), 10), "x": np.arange(200.0) % 7}
    apart, together = (
        regressor().fit(table, levels, **ways).fit_.validation_error for ways in ({}, {"time": time})
    )
    assert apart < 0.1 < 0.5 < together


@pytest.mark.parametrize(
    ("ways", "argument"),
    [
        ({"groups": np.arange(7)}, "groups"),
        ({"groups": np.zeros(N)}, "groups"),
        ({"groups": [None] * N}, "groups"),
        ({"time": ["yesterday", "today"] * (N // 2)}, "time"),
    ],
)
def test_groups_and_times_that_are_none(ways, argument):
    with pytest.raises(InputError) as error:
        regressor().fit(TABLE, Y, **ways)
    assert error.value.argument == argument
    with pytest.raises(InputError):
        regressor().fit(TABLE, Y, groups=TABLE["b"], time=TABLE["a"])


def test_a_series_in_the_order_of_other_rows_and_one_class_are_warned_of():
    frame = pd.DataFrame(TABLE)
    with pytest.warns(UserWarning, match="another order"):
        regressor().fit(frame, pd.Series(Y).sample(frac=1, random_state=0))
    regressor().fit(frame, pd.Series(Y))
    with pytest.warns(UserWarning, match="one class"):
        classifier().fit(frame, ["yes"] * N)


@settings(max_examples=20)
@given(row=st.integers(0, 5), cell=st.sampled_from(["x", "1,5", "n/a", [1.0], 10**400]))
def test_the_first_cell_of_a_target_that_is_no_number_is_named(row, cell):
    y = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    words = pd.Series([*y[:row], cell, *y[row:]], dtype=object)
    with pytest.raises(InputError) as error:
        regressor().fit(np.zeros((7, 1)), words)
    assert error.value.argument == "y"
    assert f"row {row} " in error.value.got


def test_few_rows_for_many_functions_are_told():
    def told(n):
        X = RANDOM.normal(size=(n, 6))
        return any(
            "single curve" in text
            for text in regressor().fit(X, X.sum(1) + RANDOM.normal(size=n)).fit_.events
        )

    assert told(15)
    assert not told(200)
