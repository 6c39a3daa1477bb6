"""Encoding: raw columns of every kind become finite inputs, the same from every kind of table, and travel as JSON."""

from __future__ import annotations

import datetime as dt
import json
import math

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import InputError
from edgewise.data import DroppedColumn, Encoding, LevelColumn, NumberColumn, learn_encoding, to_table
from edgewise.data.encoding_columns import REACH
from edgewise.data.encoding_raw import raw_table


def mixed_table(n: int = 60) -> dict[str, list[object]]:
    rng = np.random.default_rng(0)
    return {
        "size": [None if k % 7 == 0 else float(v) for k, v in enumerate(rng.normal(size=n))],
        "kind": [None if k % 11 == 0 else ("oak", "elm", "ash")[k % 3] for k in range(n)],
        "alive": [bool(v) for v in rng.integers(0, 2, n)],
        "planted": [dt.date(2020, 1, 1) + dt.timedelta(days=int(v)) for v in rng.integers(0, 900, n)],
        "count": [int(v) for v in rng.integers(0, 9, n)],
    }


Y = np.random.default_rng(1).normal(size=60)


def test_each_kind_of_column_becomes_what_it_should() -> None:
    encoding = learn_encoding(mixed_table(), Y, fewest=1)
    assert encoding.names == ("size", "size is missing", "kind", "alive", "planted", "count")
    assert encoding.levels == (0, 2, 4, 2, 0, 0)
    assert encoding.sources == (0, 0, 1, 2, 3, 4)
    X = encoding.apply(mixed_table())
    assert X.dtype == np.float64
    raw = mixed_table()
    known = np.array([v for v in raw["size"] if v is not None], dtype=float)
    expected = [np.median(known) if v is None else v for v in raw["size"]]
    assert X[:, 0] == pytest.approx(
        expected, abs=abs(np.diff(np.sort(known))).max()
    )  # a median of its own kind
    assert X[:, 1].tolist() == [float(v is None) for v in raw["size"]]
    assert X[:, 3].tolist() == [float(v) for v in raw["alive"]]
    assert X[:, 4].tolist() == [(v - dt.date(1970, 1, 1)).days for v in raw["planted"]]


FRAMES = {
    "pandas": lambda d: pd.DataFrame(d),
    "pandas objects": lambda d: pd.DataFrame(d).astype(object),
    "pandas categories": lambda d: pd.DataFrame(d).astype({"kind": "category"}),
    "pandas nullable": lambda d: pd.DataFrame(d).astype(
        {"size": "Float64", "count": "Int64", "alive": "boolean"}
    ),
    "polars": lambda d: pl.DataFrame(d),
    "polars categories": lambda d: pl.DataFrame(d).with_columns(pl.col("kind").cast(pl.Categorical)),
    "arrow": lambda d: pa.table(d),
    "arrow dictionaries": lambda d: pa.table({**d, "kind": pa.array(d["kind"]).dictionary_encode()}),
    "mapping of arrays": lambda d: {key: np.array(value, dtype=object) for key, value in d.items()},
    "array of objects": lambda d: np.array(list(zip(*d.values(), strict=True)), dtype=object),
    "list of rows": lambda d: [list(row) for row in zip(*d.values(), strict=True)],
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_kind_of_table_is_encoded_alike(kind: str) -> None:
    reference = learn_encoding(mixed_table(), Y, fewest=1)
    frame = FRAMES[kind](mixed_table())
    assert np.array_equal(reference.apply(frame), reference.apply(mixed_table()))
    learned = learn_encoding(frame, Y, fewest=1)
    if kind in ("array of objects", "list of rows"):
        assert learned.column_names == ("x1", "x2", "x3", "x4", "x5")
    else:
        assert learned == reference
    assert np.array_equal(learned.apply(frame), reference.apply(mixed_table()))


def test_a_table_read_by_edgewise_works_too() -> None:
    table = to_table({"a": [1.0, 2.0, 3.0], "b": ["u", "v", "u"]})
    assert learn_encoding(table, [1, 2, 1], fewest=1).apply(table)[:, 1].tolist() == [0.0, 1.0, 0.0]


def test_columns_are_found_by_name_and_others_passed_over() -> None:
    encoding = learn_encoding(mixed_table(), Y)
    frame = pd.DataFrame(mixed_table())
    shuffled = frame[list(reversed(frame.columns))].assign(extra=1)
    assert np.array_equal(encoding.apply(shuffled), encoding.apply(frame))
    with pytest.raises(InputError) as refused:
        encoding.apply(frame.rename(columns={"kind": "kin"}))
    assert refused.value.got == "one without 'kind' (did you mean 'kin'?)"
    with pytest.raises(InputError, match="5 columns"):
        encoding.apply(np.zeros((3, 4)))


# ---- numbers


@pytest.mark.parametrize(
    ("values", "transform"),
    [
        (np.random.default_rng(0).normal(size=1000), "identity"),
        (np.random.default_rng(0).exponential(size=1000), "identity"),
        (np.random.default_rng(0).uniform(1e9, 1e9 + 1, size=1000), "identity"),
        (np.exp(2 * np.random.default_rng(0).normal(size=1000)), "asinh"),
        (np.random.default_rng(0).standard_cauchy(size=1000), "asinh"),
        (np.r_[np.zeros(900), np.random.default_rng(0).exponential(size=100)], "identity"),
        (np.r_[np.zeros(900), np.exp(3 * np.random.default_rng(0).normal(size=100))], "asinh"),
        (np.random.default_rng(0).normal(size=1000) * 1e200, "linear"),
        (np.random.default_rng(0).normal(size=1000) * 1e-200, "linear"),
    ],
)
def test_only_long_tails_and_extreme_sizes_are_transformed(values: np.ndarray, transform: str) -> None:
    column = learn_encoding({"x": values}, values / np.abs(values).max()).columns[0]
    assert isinstance(column, NumberColumn)
    assert column.transform == transform
    inputs = column.encode(raw_table({"x": values}).columns[0])[:, 0]
    assert np.isfinite(inputs).all()
    order = np.argsort(values, kind="stable")
    assert (np.diff(inputs[order]) >= 0).all()  # a monotone transform loses nothing but ties of rounding
    assert np.unique(inputs).size > 0.9 * np.unique(values).size
    assert np.allclose(column.decode(inputs), values, rtol=1e-9, atol=1e-9 * np.median(np.abs(values)))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=False, allow_subnormal=True), min_size=1, max_size=30),
    st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=1, max_size=5),
)
def test_no_number_there_is_makes_an_input_that_is_not_finite_or_far_off(
    seen: list[float], new: list[float]
) -> None:
    encoding = learn_encoding({"x": seen, "z": list(range(len(seen)))}, np.arange(len(seen)))
    trained, later = encoding.apply({"x": seen, "z": seen}), encoding.apply({"x": new, "z": new})
    for X in (trained, later):
        assert np.isfinite(X).all()
    for column in encoding.columns:
        if isinstance(column, NumberColumn) and not column.two_valued:
            at = encoding.names.index(column.input_names[0])
            reach = REACH * (column.high - column.low)
            assert later[:, at].min() >= column.low - reach * (1 + 1e-12)
            assert later[:, at].max() <= column.high + reach * (1 + 1e-12)


def test_two_values_become_zero_and_one() -> None:
    encoding = learn_encoding({"x": [3.0, 5.0, 5.0, 3.0]}, [0, 1, 1, 0])
    assert encoding.levels == (2,)
    assert encoding.apply({"x": [3.0, 5.0, 4.0, 900.0, -900.0]})[:, 0].tolist() == [0, 1, 0.5, 1, 0]


def test_missing_cells_where_training_had_none_are_filled_quietly() -> None:
    encoding = learn_encoding({"x": [1.0, 2.0, 9.0]}, [0, 1, 2])
    assert encoding.names == ("x",)
    assert encoding.apply({"x": [None, math.nan, 2.0]})[:, 0].tolist() == [2.0, 2.0, 2.0]


def test_infinities_and_words_among_numbers_are_refused_by_name() -> None:
    encoding = learn_encoding({"x": [1.0, 2.0, 9.0]}, [0, 1, 2])
    with pytest.raises(InputError, match=r"Column 'x' must hold finite numbers. Got -inf .* in row 1"):
        encoding.apply({"x": [1.0, -math.inf]})
    with pytest.raises(InputError, match=r"Column 'x' must hold numbers, .* Got 'many' instead"):
        encoding.apply({"x": ["1", "many"]})
    assert encoding.apply({"x": ["1.5", "NA", " 2e0 "]})[:, 0].tolist() == [1.5, 2.0, 2.0]
    with pytest.raises(InputError, match=r"must be a string or a real number. Got \{'a': 1\}"):
        learn_encoding({"x": [1.0, {"a": 1}]}, [0, 1])
    with pytest.raises(InputError, match="Complex data not supported"):
        learn_encoding({"x": np.array([1j, 2.0])}, [0, 1])


# ---- words


def test_levels_stand_in_the_order_of_the_target() -> None:
    words = ["low"] * 40 + ["high"] * 40 + ["middle"] * 40
    y = np.r_[np.zeros(40), np.ones(40) * 2, np.ones(40)] + np.random.default_rng(0).normal(size=120) * 0.1
    column = learn_encoding({"w": words}, y).columns[0]
    assert isinstance(column, LevelColumn)
    assert column.levels == ("low", "middle", "high")
    assert column.unseen == 1
    assert column.missing == 1


def test_levels_that_only_noise_tells_apart_stand_in_alphabetical_order() -> None:
    rng = np.random.default_rng(3)
    words = rng.choice(list("dcba"), size=2000).tolist()
    counts = {word: words.count(word) for word in "abcd"}
    y = rng.normal(size=2000)
    means = {w: y[[v == w for v in words]].mean() for w in counts}
    assert sorted(means, key=lambda w: means[w]) != list("abcd")
    assert max(means.values()) - min(means.values()) < 0.2
    assert learn_encoding({"w": words}, y).columns[0].levels == tuple("abcd")


def test_rare_words_share_a_code_and_unseen_ones_join_them() -> None:
    words = ["oak"] * 50 + ["elm"] * 50 + ["ash", "fir", "yew"] * 4
    encoding = learn_encoding({"w": words}, np.arange(112.0), fewest=5)
    column = encoding.columns[0]
    assert isinstance(column, LevelColumn)
    assert set(column.levels) == {"oak", "elm", "other"}
    assert column.pooled == ("ash", "fir", "yew")
    codes = encoding.apply({"w": ["ash", "palm", None, "oak"]})[:, 0]
    assert codes[0] == codes[1] == codes[2] == column.unseen == column.levels.index("other")
    assert codes[3] == column.levels.index("oak")


def test_a_level_called_other_or_missing_is_kept_apart() -> None:
    words = (["other", "missing", None, "oak"] * 30) + ["rare1", "rare2"]
    column = learn_encoding({"w": words}, np.arange(122) % 4 + 0.0).columns[0]
    assert isinstance(column, LevelColumn)
    assert set(column.levels) == {"other", "missing", "oak", "(missing)", "(other)"}
    assert column.levels[column.missing] == "(missing)"
    assert column.levels[column.unseen] == "(other)"


def test_many_levels_are_bounded_and_words_of_their_own_row_dropped() -> None:
    rng = np.random.default_rng(0)
    table = {"zip": [f"z{k}" for k in rng.integers(0, 100, 5000)], "id": [f"u{k}" for k in range(5000)]}
    encoding = learn_encoding(table, rng.normal(size=5000))
    assert len(encoding.columns[0].levels) == 30
    assert isinstance(encoding.columns[1], DroppedColumn)
    assert encoding.columns[1].reason == "none of its 5,000 values is in 20 rows or more"


def test_classes_order_levels_by_their_main_direction() -> None:
    words = ["a"] * 30 + ["b"] * 30 + ["c"] * 30
    classes = np.repeat([0, 1, 2], 30)
    classes[::10] = 1
    column = learn_encoding({"w": words}, np.eye(3)[classes]).columns[0]
    assert set(column.levels) == {"a", "b", "c"}


def test_numbers_where_words_were_are_read_as_words() -> None:
    encoding = learn_encoding({"w": ["1", "2", "2", "1"]}, [0, 1, 1, 0], fewest=1)
    assert encoding.apply({"w": [2, 1, 2.0]})[:, 0].tolist() == [1, 0, 1]


# ---- whole tables


def test_columns_that_say_nothing_are_dropped_with_a_reason() -> None:
    table = {
        "x": [1.0, 2.0, 3.0],
        "one": [7, 7, 7],
        "none": [None] * 3,
        "again": [1.0, 2.0, 3.0],
        "w": ["a"] * 3,
    }
    columns = learn_encoding(table, [0, 1, 2]).columns
    assert [getattr(column, "reason", "") for column in columns] == [
        "",
        "constant",
        "all its cells are missing",
        "the same as 'x'",
        "constant",
    ]


def test_a_table_that_says_nothing_still_has_an_input() -> None:
    for table in ({"x": [1.0, 1.0]}, {"w": ["a", "a"]}, {"x": [None, None]}, {"w": [None, None]}):
        encoding = learn_encoding(table, [0.0, 1.0])
        assert len(encoding.names) == 1
        assert np.ptp(encoding.apply(table)) == 0
        assert np.isfinite(encoding.apply({key: ["3", None] for key in table})).all()


def test_names_of_inputs_stay_distinct() -> None:
    table = {
        "a": [1.0, None, 3.0],
        "a is missing": [1.0, 2.0, 5.0],
        "asinh(b)": [1.0, 2.0, 3.5],
        "": [1.0, 5.0, 2.0],
    }
    encoding = learn_encoding(table, [1, 2, 3])
    assert len(set(encoding.names)) == len(encoding.names) == 5
    assert all(name.strip() for name in encoding.names)


def test_weight_two_is_the_row_twice() -> None:
    table = pd.DataFrame(mixed_table())
    weight = np.arange(60) % 3 + 1
    twice = table.loc[np.repeat(np.arange(60), weight)]
    encoding = learn_encoding(table, Y, sample_weight=weight, fewest=3)
    assert encoding == learn_encoding(twice, np.repeat(Y, weight), fewest=3)


@pytest.mark.parametrize(
    "table", [mixed_table(), {"x": [1e300, 1.0, 2.0, -1e300], "d": [1e-320, 2e-320, 0.0, 5e-324]}]
)
def test_json_brings_it_back(table: dict[str, list[object]]) -> None:
    encoding = learn_encoding(table, np.arange(len(next(iter(table.values())))), fewest=1)
    again = Encoding.from_json(json.loads(json.dumps(encoding.to_json(), allow_nan=False)))
    assert again == encoding
    assert np.array_equal(again.apply(table), encoding.apply(table))


def test_damaged_descriptions_are_refused() -> None:
    good = learn_encoding(mixed_table(), Y, fewest=1).to_json()
    for place, key, value in [
        (0, "type", "other"),
        (0, "scale", 0),
        (0, "scale", "1"),
        (0, "fill", math.nan),
        (0, "low", 99.0),
        (0, "transform", "exp"),
        (0, "flagged", 1),
        (1, "unseen", 4),
        (1, "missing", -1),
        (1, "levels", ["a", "a", "b", "c"]),
        (1, "levels", [1, 2, 3, 4]),
        (1, "levels", "abcd"),
    ]:
        bad = json.loads(json.dumps(good))
        bad["columns"][place][key] = value
        with pytest.raises(InputError, match="Got a damaged one"):
            Encoding.from_json(bad)
    for bad in (
        {},
        {"columns": None},
        {"columns": [None]},
        [],
        {"columns": [{**good["columns"][0], "more": 1}]},
    ):
        with pytest.raises(InputError):
            Encoding.from_json(bad)  # type: ignore[arg-type]


def test_bad_tables_are_refused_in_a_sentence() -> None:
    for data, words in [
        (np.zeros(3), "must be a table of shape"),
        (np.zeros((0, 2)), "at least one row"),
        (np.zeros((2, 0)), "at least one column"),
        ([[1, 2], [3]], "rows of different lengths|table of shape"),
        ({"a": [1, 2], "b": [1]}, "equal length"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "distinct column names"),
        (None, "must be a table"),
        (torch.empty(2, 2, device="meta"), "dense tensor"),
        (torch.eye(2).to_sparse(), "dense tensor"),
        (pl.LazyFrame({"a": [1, 2]}), r"pass X\.collect"),
        ("words", "must be a table"),
    ]:
        with pytest.raises(InputError, match=words):
            learn_encoding(data, np.zeros(2))
    with pytest.raises(InputError, match="'y' argument must be of shape"):
        learn_encoding(np.zeros((3, 1)), np.zeros(2))


def test_the_table_is_left_alone() -> None:
    X = np.array([[1.0, np.nan], [2.0, 5.0], [4.0, -0.0]])
    before = X.copy()
    encoding = learn_encoding(X, np.zeros(3))
    encoding.apply(X)
    assert np.array_equal(X, before, equal_nan=True)
    X.flags.writeable = False
    learn_encoding(X, np.zeros(3)).apply(X)[:] = 0.0


def test_narwhals_frames_are_frames() -> None:
    frame = nw.from_native(pl.DataFrame(mixed_table()), eager_only=True)
    assert np.array_equal(
        learn_encoding(frame, Y).apply(frame), learn_encoding(mixed_table(), Y).apply(mixed_table())
    )


def test_the_order_of_many_levels_says_little_where_there_is_nothing_to_say() -> None:
    """Squared correlation of noise with the codes of 25 words, times the rows: one by chance alone, 24 in full order."""
    told = list[float]()
    for seed in range(20):
        random = np.random.default_rng(seed)
        words, y = random.integers(0, 25, 600), random.normal(size=600)
        frame = {"w": [f"v{k:02d}" for k in words]}
        code = learn_encoding(frame, y).apply(frame)[:, 0]
        told.append(600 * np.corrcoef(code, y)[0, 1] ** 2)
    assert np.mean(told) < 4


def test_words_that_are_half_a_character_are_words() -> None:
    """A lone surrogate, as broken text files leave it, has no UTF-8."""
    table = {"w": ["a\ud800", "a\ud801", "b"] * 20}
    encoding = learn_encoding(table, np.arange(60.0) % 3)
    assert len(np.unique(encoding.apply(table))) == 3
