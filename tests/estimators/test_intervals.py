"""Intervals of predictions from out-of-bag errors: they cover what they say, are saved, and refused where there are none."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgewise as ew
from edgewise.cli.models import LoadedModel
from edgewise.cli.predictions import with_predictions
from edgewise.explaining.conformal import KEPT, out_of_bag_misses


def rows(n: int, seed: int):
    random = np.random.default_rng(seed)
    X = random.uniform(-1, 1, (n, 3))
    # Skewed noise: half the width is not that of a normal.
    return X, np.sin(3 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * random.exponential(size=n)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"mode": "additive"}, {"interactions": "auto"}])
def test_intervals_cover_what_they_say(options: dict[str, object]):
    shares = {0.5: [], 0.9: []}
    for seed in range(6):
        X, y = rows(2200, seed)
        model = ew.KANRegressor(random_state=seed, **options).fit(X[:200], y[:200])
        for level, found in shares.items():
            told, interval = model.predict(X[200:], return_interval=level)
            assert np.array_equal(told, model.predict(X[200:]))
            assert interval.shape == (2000, 2)
            found.append(np.mean((interval[:, 0] <= y[200:]) & (y[200:] <= interval[:, 1])))
    for level, found in shares.items():
        # A share of 200 rows errs by sqrt(p (1 - p) / 200); the mean of six by less; fewer rows make networks worse.
        error = np.sqrt(level * (1 - level) / 200 / 6)
        assert level - 3 * error < np.mean(found) < level + 3 * error + 0.05


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60),
    st.floats(0.01, 0.99),
)
def test_so_many_errors_lie_within(errors: list[float], level: float):
    truth = np.array(errors)[:, None]
    misses = out_of_bag_misses(truth, np.zeros_like(truth), np.ones(len(errors)))
    assert misses is not None
    rank = int(np.ceil((len(errors) + 1) * level - 1e-9))
    if rank > len(errors):
        with pytest.raises(ew.InputError, match="out-of-bag rows"):
            misses.half_widths(level)
    else:
        assert misses.half_widths(level)[0] == np.sort(np.abs(truth[:, 0]))[rank - 1]


@given(st.integers(0, 100), st.floats(0.01, 0.99))
@settings(max_examples=30)
def test_fewer_errors_are_kept_of_many_and_none_smaller_than_its_share(seed: int, level: float):
    errors = np.random.default_rng(seed).exponential(size=(3 * KEPT + seed, 1))
    misses = out_of_bag_misses(errors, np.zeros_like(errors), np.ones(len(errors)))
    assert misses is not None
    assert len(misses.errors) == KEPT
    assert np.mean(errors <= misses.half_widths(level)) >= level


def test_a_row_of_weight_two_counts_as_two():
    truth, weight = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([2.0, 1.0, 1.0, 1.0])
    misses = out_of_bag_misses(truth, np.zeros_like(truth), weight)
    assert misses is not None
    assert misses.errors[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_files_and_the_command_line_know_them(tmp_path):
    X, y = rows(150, 0)
    frame = {"a": X[:, 0], "b": X[:, 1]}
    model = ew.KANRegressor(mode="additive").fit(frame, y)
    ew.save(model, tmp_path / "model.kan")
    again = ew.load(tmp_path / "model.kan")
    own, other = (one.predict(frame, return_interval=0.8)[1] for one in (model, again))
    assert np.array_equal(own, other)
    table = pa.table(frame)
    told = with_predictions(LoadedModel(again, ("a", "b"), ("y",)), table, interval=0.8).frame
    assert np.allclose(np.array([told["y_low"], told["y_high"]]).T, own)


def test_several_outputs_have_intervals_of_their_own():
    X, y = rows(150, 1)
    model = ew.KANRegressor(mode="additive").fit(X, np.stack([y, 100 * y], 1))
    told, interval = model.predict(X[:7], return_interval=0.8)
    assert told.shape == (7, 2)
    assert interval.shape == (7, 2, 2)
    width = np.diff(interval, axis=-1)[0, :, 0]
    assert 50 < width[1] / width[0] < 200


def test_they_stay_within_the_output_range():
    X, y = rows(150, 2)
    model = ew.KANRegressor(mode="additive", output_range=(-3.0, None)).fit(X, y)
    assert model.predict(X, return_interval=0.95)[1].min() >= -3


def test_where_there_are_none_a_sentence_says_what_to_do():
    X, y = rows(60, 3)
    constant = ew.KANRegressor().fit(X, np.ones(60))
    with pytest.raises(ew.InputError, match=r"edgewise\.conformal"):
        constant.predict(X, return_interval=0.9)
    model = ew.KANRegressor(mode="additive").fit(X, y)
    for level in (0.0, 1.0, "wide"):
        with pytest.raises(ew.InputError, match="return_interval"):
            model.predict(X, return_interval=level)
    with pytest.raises(ew.InputError, match="out-of-bag rows"):
        model.predict(X, return_interval=0.999)
    classes = ew.KANClassifier(mode="additive").fit(X, y > 0.5)
    with pytest.raises(ew.InputError, match=r"predict_proba.*predict_set"):
        classes.predict(X, return_interval=0.9)
