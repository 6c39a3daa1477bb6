"""Pages of fitted estimators, on tables as people have them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from edgewise import InputError, KANClassifier, KANRegressor
from edgewise.report import baseline_rows, content_from_estimator, render_report

N = 260
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "size": np.where(RNG.uniform(size=N) < 0.1, np.nan, RNG.normal(size=N)),
        "pay": np.exp(2.5 * RNG.normal(size=N)) * 1000,
        "größe 测": RNG.integers(0, 2, N).astype(bool),
        "kind": RNG.choice(["oak", "elm", "<b>ash</b>"], N),
        "same": "x",
    }
)
PRICE = TABLE["size"].fillna(0).to_numpy() + (TABLE["kind"] == "oak").to_numpy() + 0.1 * RNG.normal(size=N)
ANSWER = np.where(PRICE > 0.3, "yes", "no")
CUT = 200


def page(model, y, table=TABLE, **options):
    model.fit(table[:CUT], y[:CUT])
    return content_from_estimator(model, table[:CUT], y[:CUT], table[CUT:], y[CUT:], **options)


@pytest.fixture(scope="module")
def numbers():
    return page(
        KANRegressor(mode="additive", work="quick"),
        PRICE,
        target="price",
        units={"price": "€"},
        source="trees.csv",
    )


@pytest.fixture(scope="module")
def classes():
    return page(KANClassifier(mode="additive", work="quick"), ANSWER, target="answer")


def test_inputs_read_in_the_words_of_the_table(numbers):
    views = {view.column: view for view in numbers.inputs if not view.name.endswith("is missing")}
    assert set(views["kind"].levels) == {"oak", "elm", "<b>ash</b>"}
    pay = views["pay"]
    assert pay.scale
    assert pay.label == "pay"
    back = pay.in_table(numbers.columns(numbers.X, [pay.name])[:, 0])
    given = TABLE["pay"].to_numpy()[:CUT]
    inside = (given > np.quantile(given, 0.05)) & (given < np.quantile(given, 0.95))
    assert back[inside] == pytest.approx(given[inside], rel=0.02)
    assert [view.levels for view in numbers.inputs if view.name == "size is missing"] == [
        ("there", "missing")
    ]


def test_the_model_stands_in_the_accuracy_table(numbers):
    own = numbers.accuracy[-1]
    assert own.ours
    assert own.predicted.shape == (N - CUT,)
    assert "edge function" in own.size


def test_columns_left_out_are_told(numbers):
    assert [name for name, _ in numbers.dropped] == ["same"]
    assert [column.name for column in numbers.table] == ["price", *TABLE.columns]
    assert numbers.table[1].missing == pytest.approx(TABLE["size"][:CUT].isna().mean())


def test_classes_are_numbered_as_the_model_does(classes):
    assert classes.classes == ("no", "yes")
    assert classes.y_test.tolist() == (ANSWER[CUT:] == "yes").astype(float).tolist()
    assert classes.accuracy[-1].predicted.sum(1) == pytest.approx(1.0)


@pytest.mark.parametrize("which", ["numbers", "classes"])
def test_the_page_of_an_estimator(which, request):
    content = request.getfixturevalue(which)
    content = dataclasses.replace(content, accuracy=(*baseline_rows(content), *content.accuracy))
    text = render_report(content)
    for words in (
        "&lt;b&gt;ash&lt;/b&gt;",
        "größe 测",
        "size is missing",
        "gradient boosting",
        "95 % interval",
    ):
        assert words in text
    assert "<b>ash" not in text
    assert "asinh(" not in text.split("<script")[0]


def test_baselines_predict_every_row_and_class(classes, numbers):
    names = [row.model for row in baseline_rows(classes)]
    assert names == ["class shares", "logistic regression", "gradient boosting"]
    assert all(row.predicted.shape == (N - CUT, 2) for row in baseline_rows(classes))
    assert [row.model for row in baseline_rows(numbers)] == ["the mean", "linear model", "gradient boosting"]
    single = dataclasses.replace(classes, y=np.zeros(CUT))
    assert len(baseline_rows(single)) == 1


@pytest.mark.slow
def test_arrays_repeats_and_formulas():
    X = RNG.uniform(0, 1, (120, 2))
    X[:, 1] = np.exp(9 * X[:, 1])
    y = 2 * X[:, 0] + 1
    model = KANRegressor(mode="additive", work="quick").fit(X[:90], y[:90])
    other = KANRegressor(mode="additive", work="quick", random_state=1).fit(X[:90], y[:90])
    found = model.formula(X[:90], y[:90], work="quick")
    content = content_from_estimator(model, X[:90], y[:90], X[90:], y[90:], found=found, repeats=(other,))
    assert content.repeats[0].shape == (30,)
    rows = content.formula_rows(found.best.names)
    assert found.best.predict(rows) == pytest.approx(y[90:], rel=1e-6)
    assert "The formula" in render_report(content)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="'model' argument must be a fitted"):
        content_from_estimator(KANRegressor(), TABLE, PRICE, TABLE, PRICE)
    model = KANClassifier(mode="additive", work="quick").fit(TABLE[["size"]], ANSWER)
    with pytest.raises(InputError, match=r"'test_y' .* must hold the classes"):
        content_from_estimator(model, TABLE[["size"]], ANSWER, TABLE[["size"]], np.full(N, "perhaps"))
    two = KANRegressor(mode="additive", work="quick").fit(TABLE[["size"]], np.column_stack([PRICE, PRICE]))
    with pytest.raises(InputError, match="one number or class a row"):
        content_from_estimator(two, TABLE[["size"]], PRICE, TABLE[["size"]], PRICE)


def test_a_fit_that_a_limit_ended_says_so_on_its_page():
    model = KANRegressor(mode="additive", callbacks=[lambda record: True]).fit(TABLE, PRICE)
    content = content_from_estimator(model, TABLE, PRICE, TABLE[:0], PRICE[:0])
    assert content.stop_reason == model.fit_.stop_reason == "callback"
    found = KANRegressor(mode="additive", work="quick").fit(TABLE, PRICE)
    assert content_from_estimator(found, TABLE, PRICE, TABLE[:0], PRICE[:0]).stop_reason.repeatable
