"""From raw columns to what a model learns from."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from edgewise import InputError
from edgewise.cli import inputs as cli_inputs
from edgewise.cli.inputs import ColumnRoles, as_names, find, matrix, numbers
from edgewise.data import read_frame, write_frame

N = 40


def prepare(frame, target, *, drop_missing=False, task=None, **roles):
    return cli_inputs.prepare(frame, ColumnRoles(target, **roles), drop_missing=drop_missing, task=task)


def table(**columns):
    base = {"x": np.linspace(0, 1, N), "kind": ["oak", "elm"] * (N // 2), "y": np.linspace(1, 2, N)}
    return pa.table({**base, **columns})


def test_columns_may_be_listed_or_repeated_and_may_hold_commas():
    assert as_names(["a, b", "c"], ["a", "b", "c"]) == ("a", "b", "c")
    assert as_names(["height, cm", "c"], ["height, cm", "c"]) == ("height, cm", "c")
    assert as_names(None, []) is None
    assert as_names([], []) is None


def test_all_other_columns_are_used_in_order():
    inputs = prepare(table(z=range(N)), "y")
    assert inputs.names == ("x", "kind", "z")
    assert inputs.task == "regression"
    assert inputs.notes == ()
    np.testing.assert_array_equal(inputs.y, np.linspace(1, 2, N))


def test_chosen_dropped_and_weighing_columns():
    frame = table(w=np.ones(N), z=range(N))
    assert prepare(frame, "y", columns=["z,x"]).names == ("z", "x")
    inputs = prepare(frame, "y", drop=["kind"], weight="w")
    assert inputs.names == ("x", "z")
    np.testing.assert_array_equal(inputs.weight, np.ones(N))


@pytest.mark.parametrize(
    ("target", "task", "word"),
    [
        (["no", "yes"] * (N // 2), "classification", "takes 2 values"),
        ([True, False] * (N // 2), "classification", "takes 2 values"),
        ([0, 1] * (N // 2), "classification", "--task regression"),
        ([1.0, 2.0, 3.0, 4.0] * (N // 4), "classification", "4 whole numbers"),
        (list(range(N)), "regression", ""),
        ([0.5, 1.5] * (N // 2), "regression", ""),
    ],
)
def test_what_to_predict_is_seen_from_the_target_and_said(target, task, word):
    inputs = prepare(table(y=target), "y")
    assert inputs.task == task
    assert word in " ".join(inputs.notes)
    assert (inputs.y.dtype.kind == "f") is (task == "regression")
    other = "classification" if task == "regression" else "regression"
    if isinstance(target[0], str) or len(set(target)) > N // 2:
        with pytest.raises(InputError):
            prepare(table(y=target), "y", task=other)
    else:
        assert prepare(table(y=target), "y", task=other).task == other


def test_rows_without_a_target_are_left_out_and_counted():
    y = np.linspace(1, 2, N)
    y[:3] = np.nan
    inputs = prepare(table(y=pa.array(y)), "y")
    assert inputs.n_rows == N - 3
    assert "3 rows of 40 left out" in inputs.notes[0]


def test_rows_with_gaps_stay_unless_told_otherwise():
    x = pa.array([None, *np.linspace(0, 1, N - 1)])
    assert prepare(table(x=x), "y").n_rows == N
    assert prepare(table(x=x), "y", drop_missing=True).n_rows == N - 1


def test_columns_that_teach_nothing_are_left_out_and_said():
    frame = pa.table({"column_1": range(N), **dict(zip(table().column_names, table().columns, strict=True))})
    frame = frame.append_column("label", pa.array([f"row{n}" for n in range(N)]))
    frame = frame.append_column("void", pa.nulls(N, pa.float64()))
    frame = frame.append_column("list", pa.array([[1]] * N))
    inputs = prepare(frame, "y")
    assert inputs.names == ("x", "kind")
    assert [name for name, _ in inputs.dropped] == ["column_1", "label", "void", "list"]
    assert len(inputs.notes) == 4
    assert prepare(frame, "y", columns=["label", "x"]).names == ("label", "x")


def test_a_few_stray_words_among_numbers_are_pointed_out():
    cells = [str(n) for n in range(N)]
    cells[7] = "n.k."
    write_frame(table(x=pa.array(cells), z=range(N)), "t.csv")
    notes = " ".join(prepare(read_frame("t.csv"), "y", columns=["x", "z"]).notes)
    assert "'x' is taken as words, because 1 cell among its numbers" in notes
    assert "n.k." in notes


@pytest.mark.parametrize(
    ("columns", "options", "word"),
    [
        ({}, {"target": "Y"}, r"did you mean 'y'\?"),
        ({}, {"columns": ["kidn"]}, r"did you mean 'kind'\?"),
        ({}, {"columns": ["x", "y"]}, "must not be among"),
        ({}, {"columns": ["x,x"]}, "more than once"),
        ({}, {"drop": ["x,kind"]}, "at least one column"),
        ({"y": [1.0] * N}, {}, "more than one value"),
        ({"y": pa.nulls(N, pa.float64())}, {}, "at least one row with a value"),
        ({"y": [*([1.0] * (N - 1)), np.inf]}, {}, "1 infinite"),
        ({"y": [f"c{n}" for n in range(N)]}, {}, "classes that several rows share"),
        ({"y": [dt.date(2020, 1, 1), dt.date(2020, 1, 2)] * (N // 2)}, {}, "numbers or words"),
        ({"y": ["a", "b"] * (N // 2)}, {"task": "regression"}, "must hold numbers for regression"),
        ({"w": [-1.0] * N}, {"weight": "w"}, "not negative"),
        ({"w": [0.0] * N}, {"weight": "w"}, "zeros only"),
        ({"w": [*([1.0] * (N - 1)), None]}, {"weight": "w"}, "a missing cell"),
        ({"w": ["a"] * N}, {"weight": "w"}, "must be numbers"),
        ({"w": [1.0] * N}, {"weight": "w", "columns": ["w"]}, "weight 'w' must not be among"),
    ],
)
def test_what_cannot_be_learned_from_ends_in_one_sentence(columns, options, word):
    with pytest.raises(InputError, match=word) as caught:
        prepare(table(**columns), options.pop("target", "y"), **options)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_numbers_of_every_kind_become_floats():
    for cells, kind in (([1, None], pa.int32()), ([True, None], pa.bool_()), ([1.0, None], pa.float32())):
        values = numbers(pa.chunked_array([pa.array(cells, kind)]))
        assert values.dtype == np.float64
        np.testing.assert_array_equal(values, [1.0, np.nan])
    assert numbers(pa.chunked_array([pa.array(["a"])])) is None


@pytest.mark.parametrize("seed", range(5))
def test_no_class_is_held_out_that_nothing_was_learned_of(seed):
    inputs = prepare(table(y=["a"] * (N - 3) + ["b", "c", "d"]), "y")
    train, held_out = inputs.halves(0.2, seed)
    assert sorted([*train, *held_out]) == list(range(N))
    assert set(inputs.y[held_out]) <= set(inputs.y[train])
    assert len(held_out) >= 5


def test_none_or_all_rows_may_be_held_out():
    inputs = prepare(table(), "y")
    assert [len(half) for half in inputs.halves(0, 0)] == [N, 0]
    assert [len(half) for half in inputs.halves(1, 0)] == [N, N]
    assert [len(half) for half in inputs.halves(0.25, 0)] == [30, 10]


def test_times_of_day_become_hours_and_lengths_of_time_days():
    times = pa.array([5400, None] * (N // 2), pa.int32()).cast(pa.time32("s"))
    lengths = pa.array([dt.timedelta(hours=36), None] * (N // 2))
    frame = prepare(table(at=times, long=lengths), "y").frame
    assert frame.column("at").to_pylist()[:2] == [1.5, None]
    assert frame.column("long").to_pylist()[:2] == [1.5, None]


def test_a_matrix_wants_finite_numbers_throughout():
    assert matrix(pa.table({"a": [1, 2], "b": [0.5, 1.5]})).tolist() == [[1.0, 0.5], [2.0, 1.5]]
    assert matrix(pa.table({"a": [1, None]})) is None
    assert matrix(pa.table({"a": [np.inf, 1.0]})) is None
    assert matrix(pa.table({"a": ["u", "v"]})) is None


@pytest.mark.parametrize("column", ["x", "y"])
def test_the_row_of_an_infinity_is_that_of_the_file(column):
    cells = np.linspace(0, 1, N)
    cells[[4, 20]] = np.inf
    gaps = pa.array([None, *np.linspace(1, 2, N - 1)])
    write_frame(table(**{"y": gaps, column: cells}), "t.csv")
    frame = read_frame("t.csv")
    with pytest.raises(
        InputError, match=rf"'{column}' of t\.csv .* Got inf in data row 5 \(2 infinite in all\)"
    ):
        prepare(frame, "y", drop_missing=True)


def test_numbers_too_large_to_be_squared_make_no_matrix():
    """A table model bends them; a search for formulas would overflow."""
    frame = pa.table({"x": np.linspace(0, 1, N), "z": np.r_[1e300, np.ones(N - 1)]})
    assert matrix(frame) is None
    assert matrix(frame.select(["x"])).shape == (N, 1)


def test_a_name_that_a_table_without_a_header_lacks_is_explained(tmp_path):
    (tmp_path / "t.csv").write_text("0.5,1\n0.25,2\n")
    with pytest.raises(InputError, match=r"'x1', 'x2' \(it is read so: no header"):
        prepare(read_frame(tmp_path / "t.csv"), "y")


def test_a_column_is_found_without_the_unit_in_its_header(tmp_path):
    (tmp_path / "t.csv").write_text("E [J],v (m/s),v [km/h],m (old),E0 [J],t [s]\n1,2,3,4,5,6\n2,3,4,5,6,8\n")
    frame = read_frame(tmp_path / "t.csv")
    assert [find(frame, name) for name in ("E", "E0", "t [s]", " t ")] == [
        "E [J]",
        "E0 [J]",
        "t [s]",
        "t [s]",
    ]
    # Two that it may be, and one whose brackets hold no unit.
    for name in ("v", "m", ""):
        with pytest.raises(InputError, match="has no column"):
            find(frame, name)
    assert prepare(frame, "E", columns=["t"]).names == ("t [s]",)


@pytest.mark.parametrize("seed", range(3))
def test_groups_are_held_out_whole_and_of_times_the_latest(seed):
    random = np.random.default_rng(seed)
    cells = {"g": random.integers(0, 9, N), "t": random.integers(0, 30, N), "x": random.normal(size=N)}
    frame = pa.table({**cells, "y": random.normal(size=N)})
    by_group, by_time = prepare(frame, "y", groups="g"), prepare(frame, "y", time="t")
    assert by_group.names == ("t", "x")
    assert by_time.names == ("g", "x")
    train, held_out = by_group.halves(0.3, seed)
    assert not set(cells["g"][train]) & set(cells["g"][held_out])
    assert sorted([*train, *held_out]) == list(range(N))
    assert len(held_out) >= 0.3 * N
    train, held_out = by_time.halves(0.3, seed)
    assert cells["t"][train].max() < cells["t"][held_out].min()
    assert sorted([*train, *held_out]) == list(range(N))
    for both in ({"groups": "g", "time": "t"}, {"groups": "x", "columns": ["x"]}):
        with pytest.raises(InputError):
            prepare(frame, "y", **both)


def test_identifiers_are_left_out_unless_columns_name_them():
    frame = pa.table({"customer_id": np.arange(N) + 5, "x": np.arange(N) % 7, "y": np.arange(N) / 3})
    assert prepare(frame, "y").names == ("x",)
    assert prepare(frame, "y").dropped[0][0] == "customer_id"
    assert prepare(frame, "y", columns=["customer_id", "x"]).names == ("customer_id", "x")
