"""FormulaRegressor: the scikit-learn contract, names, other members of the front, and what it refuses."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sympy
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from edgewise import FormulaRegressor, InputError, find_formula

RNG = np.random.default_rng(0)
X = RNG.uniform(1, 3, (120, 2))
LAW = 2 * X[:, 0] / X[:, 1] ** 2


def fitted(table: Any = X, y: Any = LAW, **parameters: Any) -> FormulaRegressor:
    return FormulaRegressor(**parameters).fit(table, y)


# ---- scikit-learn


@pytest.mark.slow
@parametrize_with_checks([FormulaRegressor(work=3e-4)])
def test_scikit_learn_check(estimator, check):
    check(estimator)


def test_it_finds_what_the_function_finds() -> None:
    model = fitted()
    found = find_formula(X, LAW)
    assert model.formula_.text == found.best.text
    assert model.result_.best is model.formula_
    assert model.front_ == model.result_.front
    assert np.allclose(model.predict(X), LAW, rtol=1e-9)
    assert model.score(X, LAW) == pytest.approx(1.0, abs=1e-12)


def test_every_parameter_is_one_of_the_search() -> None:
    """A parameter that the search lacks would only fail once it is used."""
    import inspect

    known = set(inspect.signature(find_formula).parameters)
    own = set(FormulaRegressor().get_params())
    assert own - {"random_state", "verbose"} <= known
    # What is told of single rows goes to `fit`.
    assert known - own == {"X", "y", "seed", "sample_weight", "sigma", "x_sigma"}


def test_a_clone_and_a_pickle_predict_the_same() -> None:
    model = fitted(work=0.003)
    assert np.array_equal(clone(model).fit(X, LAW).predict(X), model.predict(X))
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), model.predict(X))
    assert again.formula_.text == model.formula_.text
    assert np.array_equal(again.predict(X, at=0), model.predict(X, at=0))


@pytest.mark.slow
def test_it_works_in_pipelines_and_validation() -> None:
    pipeline = make_pipeline("passthrough", FormulaRegressor())
    scores = cross_val_score(pipeline, X, LAW, cv=3)
    assert scores.min() > 1 - 1e-9


@pytest.mark.slow
def test_the_same_seed_gives_the_same_formula() -> None:
    noisy = LAW + 0.01 * RNG.normal(size=len(LAW))
    first = fitted(y=noisy, work=0.003, random_state=3)
    second = fitted(y=noisy, work=0.003, random_state=3)
    assert first.formula_.exact_text == second.formula_.exact_text


# ---- names


@pytest.mark.slow
@pytest.mark.parametrize("build", [pd.DataFrame, pl.DataFrame, pa.table])
def test_the_names_of_a_frame_are_in_the_formula(build: Any) -> None:
    frame = build({"mass": X[:, 0], "two words": X[:, 1]})
    model = fitted(frame)
    assert model.feature_names_in_.tolist() == ["mass", "two words"]
    assert {symbol.name for symbol in model.formula_.sympy.free_symbols} == {"mass", "two words"}
    assert np.allclose(model.predict(frame), LAW)
    if isinstance(frame, pd.DataFrame):
        # scikit-learn asks for this refusal; frames of others are read by their names.
        with pytest.raises(InputError):
            model.predict(frame[["two words", "mass"]])
    else:
        assert np.allclose(model.predict(frame.select(["two words", "mass"])), LAW)


@pytest.mark.slow
def test_an_array_may_be_given_names() -> None:
    assert fitted(names=["m", "r"]).formula_.names == ("m", "r")
    assert fitted().formula_.names == ("x1", "x2")
    # A frame brings its own.
    assert fitted(pd.DataFrame(X, columns=["a", "b"]), names=["m", "r"]).formula_.names == ("a", "b")
    with pytest.raises(InputError, match=r"must hold 2 names\. Got 1"):
        fitted(names=["m"])


# ---- the front


@pytest.mark.slow
def test_another_member_of_the_front_predicts() -> None:
    noisy = LAW + 0.05 * RNG.normal(size=len(LAW))
    model = FormulaRegressor(work=0.02).fit(X, noisy)
    symbols = sympy.symbols("x1 x2")
    for place, formula in enumerate(model.front_):
        truth = sympy.lambdify(symbols, formula.sympy, "numpy")(X[:, 0], X[:, 1])
        assert np.allclose(model.predict(X, at=place), truth, rtol=1e-9)
    assert np.array_equal(model.predict(X, at=-1), model.front_[-1].predict(X))
    count = len(model.front_)
    for wrong in (count, -count - 1, 0.5, "best"):
        with pytest.raises(InputError, match=r"'at' argument must be an int"):
            model.predict(X, at=wrong)  # pyright: ignore[reportArgumentType]


def test_a_score_outside_the_domain_says_so() -> None:
    model = fitted(X, np.log(X[:, 0]))
    outside = X.copy()
    outside[:4, 0] = -1.0
    assert np.isnan(model.predict(outside)[:4]).all()
    assert np.isfinite(model.predict(outside)[4:]).all()
    with pytest.raises(InputError, match=r"none on 4 rows of 120: log\(x1\) leaves its domain"):
        model.score(outside, LAW)


# ---- refusals


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"callbacks": [1]}, "'callbacks' argument must list functions"),
        ({"random_state": "x"}, "'random_state' argument must be an int"),
        ({"verbose": -1}, "'verbose' argument must be an int"),
        ({"validation": 0.9}, "'validation' argument"),
        ({"seconds": 0}, "must be a finite number"),
    ],
)
def test_bad_parameters_end_in_a_sentence(parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        FormulaRegressor(**parameters).fit(X, LAW)


def test_bad_tables_end_in_a_sentence() -> None:
    words = pd.DataFrame({"kind": ["1", "b"] * 60, "mass": X[:, 0]})
    for table in (words, words[["kind"]]):
        with pytest.raises(InputError, match=r"Column 'kind' must hold numbers\. Got words such as '1'"):
            fitted(table)
    gap = X.copy()
    gap[7, 1] = np.inf
    with pytest.raises(
        InputError,
        match=r"Column 'x2' must hold finite numbers\. Got inf \(infinity\) in row 7",
    ):
        fitted(gap)
    with pytest.raises(InputError, match=r"must be one column\. Got 2 instead; wrap it in"):
        fitted(y=X)
    with pytest.raises(InputError, match="minimum of 5 is required"):
        fitted(X[:4], LAW[:4])


@pytest.mark.slow
def test_rows_with_missing_cells_are_left_out() -> None:
    gap, target = X.copy(), LAW.copy()
    gap[7, 1], target[3] = np.nan, np.nan
    model = fitted(gap, target)
    kept = np.delete(np.arange(len(X)), [3, 7])
    assert model.formula_ == fitted(X[kept], LAW[kept]).formula_
    predicted = model.predict(gap)
    assert np.flatnonzero(np.isnan(predicted)).tolist() == [7]
    assert np.array_equal(predicted[kept], model.predict(X)[kept])
    assert f"2 rows of {len(X)} left out: cells are missing in 'x2' (1), 'y' (1)." in model.result_.message


@pytest.mark.slow
def test_weights_and_gross_errors_are_handed_on() -> None:
    target = LAW.copy()
    target[[5, 9]] += 1e4 * np.ptp(LAW)
    weight = np.ones(len(X))
    weight[[5, 9]] = 0
    plain = FormulaRegressor(work=0.02).fit(X, target, sample_weight=weight)
    robust = FormulaRegressor(work=0.02, loss="robust").fit(X, target, sigma=0.1)
    assert plain.formula_.text == robust.formula_.text == fitted().formula_.text
    assert robust.result_.gross_errors == (5, 9)
    assert robust.result_.reduced_chi_square is not None


def test_the_callers_arrays_are_untouched() -> None:
    table, target = X.copy(), LAW.copy()
    fitted(table, target)
    assert np.array_equal(table, X)
    assert np.array_equal(target, LAW)


def test_progress_is_written_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    fitted()
    assert capsys.readouterr() == ("", "")
    fitted(verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "formula" in err
