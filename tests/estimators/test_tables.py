"""Real tables: frames of every library, words, missing cells, weights, odd sizes and numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from edgewise import InputError, KANRegressor
from edgewise.data import Encoding
from edgewise.estimators import ScreeningWarning

from .tables import classifier, income, people, regressor


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_every_kind_of_frame_gives_the_same_model(frame: Any) -> None:
    table = people()
    y = income(table)
    reference = regressor().fit(pd.DataFrame(table), y)
    model = regressor().fit(frame(table), y)
    assert model.encoding_ == reference.encoding_
    assert np.array_equal(model.predict(frame(table)), reference.predict(pd.DataFrame(table)))
    assert list(model.feature_names_in_) == ["age", "job", "owner"]
    assert model.score(frame(table), y) > 0.99
    assert model.get_feature_names_out().tolist() == ["age", "age is missing", "job", "owner"]


@pytest.mark.slow
@pytest.mark.parametrize("series", [pd.Series, pl.Series, pa.array, list, np.array])
def test_every_kind_of_target_is_taken(series: Any) -> None:
    table = people(60)
    y = income(table)
    model = regressor().fit(pd.DataFrame(table), series(y.tolist()))
    assert np.array_equal(
        model.predict(pd.DataFrame(table)),
        regressor().fit(pd.DataFrame(table), y).predict(pd.DataFrame(table)),
    )
    kind = np.where(y > np.median(y), "rich", "poor").tolist()
    assert classifier().fit(pd.DataFrame(table), series(kind)).classes_.tolist() == ["poor", "rich"]


def test_words_that_training_never_saw_are_answered() -> None:
    table = people()
    model = regressor().fit(pd.DataFrame(table), income(table))
    new = pd.DataFrame({"age": [40.0, np.nan], "job": ["astronaut", None], "owner": [True, False]})
    assert np.isfinite(model.predict(new)).all()
    low, high = income(table).min(), income(table).max()
    assert ((model.predict(new) > low - 1) & (model.predict(new) < high + 1)).all()


def test_far_beyond_the_training_range_predictions_do_not_explode() -> None:
    X = np.random.default_rng(0).uniform(0, 1, (100, 2))
    model = regressor().fit(X, np.exp(3 * X[:, 0]))
    far = model.predict(np.array([[1e300, 0.5], [-1e300, 0.5], [1e3, 1e-320]]))
    assert (np.abs(far) < 100).all()


def test_the_order_of_the_rows_makes_no_difference() -> None:
    table = pd.DataFrame(people())
    y = income(people())
    order = np.random.default_rng(5).permutation(len(y))
    for model, target in ((regressor(), y), (classifier(), np.digitize(y, [1.5, 2.5]))):
        first = model.fit(table, target)
        again = type(first)(**first.get_params()).fit(table.iloc[order], target[order])
        assert np.array_equal(again._outputs(table), first._outputs(table))


def test_a_row_of_weight_two_is_the_row_twice() -> None:
    table = pd.DataFrame(people(80))
    y = income(people(80))
    weight = np.arange(80) % 3
    rows = np.repeat(np.arange(80), weight)
    for model, target in ((regressor(), y), (classifier(), np.digitize(y, [2.0]))):
        weighed = model.fit(table, target, sample_weight=weight)._outputs(table)
        repeated = type(model)(**model.get_params()).fit(table.iloc[rows], target[rows])._outputs(table)
        assert np.array_equal(weighed, repeated)
        assert not np.array_equal(
            weighed, type(model)(**model.get_params()).fit(table, target)._outputs(table)
        )


def test_weights_that_are_no_whole_numbers_matter() -> None:
    X = np.linspace(0, 1, 60)[:, None]
    y = np.where(np.arange(60) % 2, 1.0, 0.0)
    model = regressor().fit(X, y, sample_weight=np.where(y == 1, 3.5, 0.5))
    assert model.predict(X).mean() == pytest.approx(3.5 / 4, abs=0.05)


@pytest.mark.parametrize("size", [1e300, 1e-300, 5e-324])
def test_weights_of_any_size_are_taken(size: float) -> None:
    table = pd.DataFrame(people(80))
    y = income(people(80))
    plain = regressor().fit(table, y).predict(table)
    assert np.allclose(
        regressor().fit(table, y, sample_weight=np.full(80, size)).predict(table), plain, atol=0.05
    )


def test_importances_are_shares_of_the_raw_columns() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"strong": rng.normal(size=200), "weak": rng.normal(size=200), "none": rng.normal(size=200), "one": 1}
    )
    table.loc[::10, "weak"] = np.nan
    y = 3 * table["strong"] + 0.5 * table["weak"].fillna(2.0) + 0.1 * rng.normal(size=200)
    shares = regressor().fit(table, y).feature_importances_
    assert shares.shape == (4,)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0] > shares[1] > shares[2] >= 0
    assert shares[3] == 0


# ---- odd sizes


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
def test_few_rows_are_enough(n: int) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    y = X[:, 0] * 2
    assert np.isfinite(regressor(mode="auto").fit(X, y).predict(rng.normal(size=(9, 3)))).all()
    model = classifier(mode="auto").fit(X, np.arange(n) % 2)
    assert np.allclose(model.predict_proba(rng.normal(size=(9, 3))).sum(axis=1), 1)


def test_a_target_that_never_changes_is_predicted_as_it_is() -> None:
    X = np.random.default_rng(0).normal(size=(30, 2))
    assert (regressor().fit(X, np.full(30, 7.25)).predict(X) == 7.25).all()
    assert (regressor().fit(X, np.full((30, 2), [1.0, -2.0])).predict(X) == [1.0, -2.0]).all()
    assert regressor().fit(X, np.ones(30)).feature_importances_.tolist() == [0, 0]


def test_columns_that_say_nothing_do_no_harm() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=100)
    table = pd.DataFrame(
        {"x": x, "again": x, "one": 1.0, "none": np.nan, "id": [f"u{k}" for k in range(100)]}
    )
    model = regressor().fit(table, x**2)
    assert model.score(table, x**2) > 0.999
    assert model.get_feature_names_out().tolist() == ["x"]
    nothing = regressor().fit(table[["one", "none"]], x)
    assert nothing.predict(table[["one", "none"]]) == pytest.approx(np.full(100, x.mean()), abs=1e-6)


@pytest.mark.slow
def test_very_wide_tables_are_screened_and_it_is_said() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3_000))
    y = X[:, 1234] + X[:, 77] ** 2
    model = KANRegressor(mode="additive", members=1, max_inputs=20)
    with pytest.warns(ScreeningWarning, match="keeps the 20 of 3,000 columns"):
        model.fit(X, y)
    assert len(model.screened_out_) == 2_980
    assert model.network_.shape[0] == 20
    assert {"x1235", "x78"} <= set(model.get_feature_names_out())
    assert model.feature_importances_.argmax() in (1234, 77)
    assert model.fit_.validation_error is None
    assert np.isfinite(model.predict(X)).all()


def test_screening_keeps_words_and_their_columns_together() -> None:
    rng = np.random.default_rng(0)
    table = {f"n{k}": rng.normal(size=100) for k in range(30)}
    table["n3"][::5] = np.nan
    word = rng.choice(["a", "b", "c"], 100)
    y = np.where(word == "a", 5.0, 0.0) + np.isnan(table["n3"]) * 4.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ScreeningWarning)
        model = regressor(max_inputs=4).fit(pd.DataFrame({**table, "word": word}), y)
    assert {"word", "n3", "n3 is missing"} <= set(model.get_feature_names_out())
    assert len(model.get_feature_names_out()) <= 4


@pytest.mark.parametrize("size", [1e300, 1e-300, 1e-310])
def test_numbers_of_extreme_size_are_learned_like_others(size: float) -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (120, 2))
    y = np.sin(2 * X[:, 0]) + X[:, 1]
    plain = regressor().fit(X, y)
    model = regressor().fit(X * size, y * size)
    assert np.allclose(model.predict(X * size) / size, plain.predict(X), atol=1e-2 if size < 1e-307 else 1e-4)


def test_heavy_tails_are_drawn_in() -> None:
    rng = np.random.default_rng(0)
    X = np.exp(3 * rng.normal(size=(400, 1)))
    model = regressor().fit(X[:300], np.log(X[:300, 0]))
    assert model.get_feature_names_out().tolist() == ["asinh(x1)"]
    assert model.score(X[300:], np.log(X[300:, 0])) > 0.98


# ---- what is refused


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "addtive"}, "'mode' argument must be one of .*did you mean 'additive'"),
        ({"hidden": 0}, "'hidden' argument must be an int"),
        ({"members": "many"}, "'members' argument must be one of 'auto'"),
        ({"members": 0}, "'members' argument must be an int"),
        ({"seconds": 0}, "'seconds' argument must be a finite number"),
        ({"max_inputs": 0.5}, "'max_inputs' argument must be an int"),
        (
            {"random_state": "x"},
            "'random_state' argument must be an int, a RandomState or None",
        ),
        ({"verbose": "yes"}, "'verbose' argument"),
        ({"callbacks": 3}, "'callbacks' argument must be a list of functions"),
    ],
)
def test_bad_parameters_are_named_in_fit(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        KANRegressor(**options).fit([[0.0], [1.0]], [0.0, 1.0])


def test_bad_tables_and_targets_are_named() -> None:
    X = np.random.default_rng(0).normal(size=(20, 2))
    for x, y, words in [
        (X, X[:5, 0], "inconsistent"),
        (X, ["a"] * 20, "must hold a finite number for every row.*KANClassifier"),
        (X[:, 0], X[:, 0], "Reshape your data"),
        (np.where(X > 1, np.inf, X), X[:, 0], "must hold finite numbers"),
        (None, X[:, 0], "'X' argument must be a table"),
        (pl.LazyFrame({"a": X[:, 0]}), X[:, 0], "frame yet to be computed"),
        (pd.DataFrame(X, columns=["a", "a"]), X[:, 0], "distinct column names"),
        (X, np.zeros((20, 0)), "must be of shape|minimum of 1"),
    ]:
        with pytest.raises(ValueError, match=words):
            regressor().fit(x, y)
    with pytest.raises(InputError, match="that are not negative"):
        regressor().fit(X, X[:, 0], sample_weight=np.full(20, -1.0))
    with pytest.raises(InputError, match="one type"):
        classifier().fit(X, np.array(["a", 1] * 10, dtype=object))
    with pytest.raises(InputError, match="class of every row"):
        classifier().fit(X, np.array(["a", None] * 10, dtype=object))
    with pytest.raises(InputError, match="did you mean 'balanced'"):
        classifier(class_weight="balance").fit(X, np.arange(20) % 2)
    with pytest.raises(InputError, match="must name the classes"):
        classifier(class_weight={"a": 1.0}).fit(X, np.arange(20) % 2)


def test_a_failed_fit_leaves_the_fitted_model_as_it_was() -> None:
    X = np.random.default_rng(0).normal(size=(40, 2))
    model = regressor().fit(X, X[:, 0])
    before = model.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X, np.full(40, np.nan))
    assert np.array_equal(model.predict(X), before)
    assert isinstance(model.encoding_, Encoding)


def test_names_follow_scikit_learn() -> None:
    table = pd.DataFrame(people())
    model = regressor().fit(table, income(people()))
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        model.predict(table[["job", "age", "owner"]])
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- work\nFeature names seen .*:\n- job"):
        model.predict(table.rename(columns={"job": "work"}))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(table.to_numpy())
    with pytest.raises(TypeError, match="string names"):
        regressor().fit(pd.DataFrame([[1, 2], [3, 5]], columns=["a", 1]), [0, 1])
    with pytest.raises(InputError, match="not equal to feature_names_in_"):
        model.get_feature_names_out(["a", "b", "c"])
