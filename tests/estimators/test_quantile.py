"""Several quantiles at once: those of a law that is known, never crossing, in files, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.estimator_checks import parametrize_with_checks

import edgewise as ew
from edgewise._core.errors import FileError, InputError
from edgewise.estimators import KANQuantile
from edgewise.estimators.quantile import check_levels, pinball_loss

LEVELS = (0.05, 0.5, 0.95)
# Those of the standard normal distribution.
NORMAL = np.array([-1.6449, 0.0, 1.6449])


def law(rows: int, seed: int) -> tuple[Any, Any, Any]:
    """A mean that bends, a spread that grows fivefold; the quantiles (n, 3)."""
    random = np.random.default_rng(seed)
    X = random.uniform(-1, 1, (rows, 2))
    mean, spread = np.sin(2 * X[:, 0]), 0.3 + 0.2 * X[:, 0]
    return X, mean + spread * random.normal(size=rows), mean[:, None] + spread[:, None] * NORMAL


@pytest.fixture(scope="module")
def model() -> KANQuantile:
    X, y, _ = law(2000, 0)
    return KANQuantile(mode="additive", members=4).fit({"x": X[:, 0], "idle": X[:, 1]}, y)


def table(X: Any) -> dict[str, Any]:
    return {"x": X[:, 0], "idle": X[:, 1]}


def test_quantiles_are_those_of_the_law(model: KANQuantile) -> None:
    X, y, truth = law(20_000, 1)
    found = model.predict(table(X))
    assert found.shape == (20_000, 3)
    assert (np.sqrt(np.mean((found - truth) ** 2, axis=0)) < [0.12, 0.08, 0.12]).all()
    assert np.abs(np.mean(y[:, None] <= found, axis=0) - LEVELS).max() < 0.02
    best = pinball_loss(y, truth, np.array(LEVELS)).mean()
    assert pinball_loss(y, found, np.array(LEVELS)).mean() < 1.05 * best


def test_score_is_the_share_of_the_loss_of_constants(model: KANQuantile) -> None:
    from sklearn.metrics import mean_pinball_loss

    X, y, _ = law(500, 2)
    found = model.predict(table(X))
    left = sum(mean_pinball_loss(y, found[:, k], alpha=level) for k, level in enumerate(LEVELS))
    whole = sum(
        mean_pinball_loss(y, np.full(500, np.quantile(y, level, method="inverted_cdf")), alpha=level)
        for level in LEVELS
    )
    assert model.score(table(X), y) == pytest.approx(1 - left / whole)
    weight = np.repeat([1.0, 2.0], 250)
    twice = np.concatenate([np.arange(500), np.arange(250, 500)])
    assert model.score(table(X), y, weight) == pytest.approx(model.score(table(X[twice]), y[twice]))
    assert model.score(table(X[:1]), y[:1]) <= 0


def test_the_middle_is_explained_and_proved(model: KANQuantile) -> None:
    X, _, _ = law(200, 3)
    middle = model.model_
    assert middle is model.models_[0.5]
    assert middle.quantile == 0.5
    assert ew.explain(middle, table(X)).additive
    assert ew.verify(middle, "output <= 10 where x in [-1, 1], idle in [-1, 1]").status == "proved"


def test_the_middle_is_drawn(model: KANQuantile) -> None:
    assert model.model_.plot(table(law(50, 3)[0])).axes


def test_every_quantile_keeps_to_constraints() -> None:
    X, y, _ = law(600, 7)
    model = KANQuantile((0.1, 0.9), mode="additive", members=2, monotone={0: "increasing"}).fit(X, y)
    line = np.column_stack([np.linspace(-2, 2, 200), np.zeros(200)])
    assert (np.diff(model.predict(line), axis=0) >= -1e-9).all()
    assert np.abs(np.mean(y[:, None] <= model.predict(X), axis=0) - [0.1, 0.9]).max() < 0.03
    assert all(ew.verify(own, "increasing(x1)").status == "proved" for own in model.models_.values())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.one_of(st.none(), st.floats(-1e9, 1e9))] * 2), min_size=1, max_size=20))
def test_no_two_cross_anywhere(model: KANQuantile, cells: list[tuple[float | None, ...]]) -> None:
    X = np.array([[np.nan if cell is None else cell for cell in row] for row in cells])
    found = model.predict(table(X))
    assert (np.diff(found, axis=1) >= 0).all()
    whole = np.column_stack([own.predict(table(X)) for own in model.models_.values()])
    assert (np.sort(whole, axis=1) == found).all()


def test_a_file_gives_the_same_bits(model: KANQuantile, tmp_path: Any) -> None:
    X, y, _ = law(300, 4)
    path = tmp_path / "quantiles.kan"
    ew.save(model, path)
    again = ew.load(path)
    assert type(again) is KANQuantile
    assert (again.predict(table(X)) == model.predict(table(X))).all()
    assert repr(again) == repr(model)
    assert list(again.feature_names_in_) == ["x", "idle"]
    assert again.score(table(X), y) == model.score(table(X), y)
    first = path.read_bytes()
    ew.save(again, path)
    assert path.read_bytes() == first
    with pytest.raises(FileError, match="exists"):
        ew.save(model, path, overwrite=False)
    path.write_bytes(first[:-8])
    with pytest.raises(FileError, match="damaged"):
        ew.load(path)
    with pytest.raises(InputError, match=r"model.*fitted"):
        ew.save(KANQuantile(), path)


def test_the_same_rows_give_the_same_quantiles() -> None:
    X, y, _ = law(120, 5)
    few = KANQuantile((0.2, 0.8), mode="additive", members=2, work=0.05)
    order = np.random.default_rng(0).permutation(120)
    first, other = few.fit(X, y).predict(X), few.fit(X[order], y[order]).predict(X)
    assert (first == other).all()
    assert few.model_ is few.models_[0.2]


def test_what_is_all_alike_is_its_quantiles() -> None:
    model = KANQuantile(mode="additive").fit([[0.0], [1.0], [2.0]], [4.0, 4.0, 4.0])
    assert (model.predict([[7.0]]) == 4.0).all()
    assert model.score([[0.0], [1.0]], [4.0, 4.0]) == 1.0
    assert model.score([[0.0], [1.0]], [5.0, 5.0]) == 0.0


@pytest.mark.parametrize(
    ("levels", "sentence"),
    [
        (0.5, r"'levels' argument must be a sequence of numbers between 0 and 1\. Got 0\.5"),
        ("0.5", r"'levels' argument must be a sequence of numbers between 0 and 1"),
        ((), r"'levels' argument must hold rising numbers"),
        ((0.9, 0.1), r"'levels' argument must hold rising numbers\. Got \(0\.9, 0\.1\)"),
        ((0.5, 0.5), r"'levels' argument must hold rising numbers"),
        ((0.1, 1.0), r"'levels' argument must be .*1"),
        ((0.1, float("nan")), r"'levels' argument must be"),
    ],
)
def test_levels_that_are_none_are_refused(levels: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check_levels(levels)
    with pytest.raises(InputError, match=sentence):
        KANQuantile(levels).fit([[0.0], [1.0]], [0.0, 1.0])


def test_other_bad_input_is_refused_in_a_sentence(model: KANQuantile) -> None:
    X, y, _ = law(60, 6)
    with pytest.raises(InputError, match=r"'y' argument must hold one number for every row\. Got 2 columns"):
        KANQuantile().fit(X, np.column_stack([y, y]))
    with pytest.raises(InputError, match="'seconds'"):
        KANQuantile(seconds=-1.0).fit(X, y)
    with pytest.raises(InputError, match="'mode'"):
        KANQuantile(mode="tree").fit(X, y)
    with pytest.raises(ValueError, match="inconsistent"):
        KANQuantile().fit(X, y[:50])
    with pytest.raises(ValueError, match="feature names"):
        model.predict({"x": X[:, 0]})


# They ask for answers of the shape of y; these have a column for each level.
OF_ONE_COLUMN = dict.fromkeys(
    ("check_regressors_train", "check_estimator_sparse_array", "check_estimator_sparse_matrix"),
    "answers have a column for each level",
)


@pytest.mark.slow
@parametrize_with_checks(
    [KANQuantile((0.25, 0.5), mode="additive", members=1, work=0.01)],
    expected_failed_checks=lambda _: OF_ONE_COLUMN,
)
def test_scikit_learn_check(estimator: Any, check: Any) -> None:
    check(estimator)
