"""Datasets read in batches: the same rows wherever they lie, in one order, from any batch on, in constant memory."""

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise._core.errors import FileError, InputError
from edgewise.data import learn_encoding
from edgewise.data.datasets import is_dataset
from edgewise.data.streaming import source as reading
from edgewise.data.streaming.columns import RANK_ERROR, Numbers, Sample, Target, Words
from edgewise.data.streaming.counting import Counting, Roles
from edgewise.data.streaming.draw import drawn
from edgewise.data.streaming.encode import learned, masses
from edgewise.data.streaming.source import ROWS_OF_BATCH, open_source
from edgewise.data.streaming.spool import dataset

pytest.importorskip("datasketches")


def table(n: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    words = rng.choice(["oak", "elm", "ash", "yew"], n, p=[0.5, 0.3, 0.15, 0.05])
    a = np.where(rng.random(n) < 0.05, np.nan, rng.normal(size=n))
    return pa.table(
        {
            "a": pa.array(a, from_pandas=True),
            "few": rng.integers(0, 9, n),
            "sort": pa.array([None if r < 0.1 else w for r, w in zip(rng.random(n), words, strict=True)]),
            "same": np.ones(n),
            "again": pa.array(a, from_pandas=True),
            "y": rng.normal(size=n) + (words == "oak"),
            "w": rng.uniform(0.5, 2, n),
        }
    )


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "rows"
    place.mkdir()
    for k in range(3):
        pa.parquet.write_table(table(1000, k), place / f"part-{k}.parquet", row_group_size=400)
    return place


def rows_in(source, columns=("a", "y"), start=0):
    return pa.concat_tables(source.batches(columns, start)).combine_chunks()


def test_every_way_to_name_them_gives_the_same_rows(folder):
    import polars as pl

    expected = pa.concat_tables(table(1000, k) for k in range(3)).select(["a", "y"]).combine_chunks()
    files = sorted(str(path) for path in folder.glob("*.parquet"))
    texts = folder.parent / "texts"
    texts.mkdir()
    for k, path in enumerate(files):
        pa.csv.write_csv(pa.parquet.read_table(path), texts / f"{k}.csv")
    inner = pa.fs.SubTreeFileSystem(str(folder), pa.fs.LocalFileSystem())
    for data, filesystem in (
        (str(folder / "*.parquet"), None),
        (files, None),
        (pa.dataset.dataset(files), None),
        (pl.scan_parquet(files), None),
        (iter([table(1000, k).to_pandas() for k in range(3)]), None),
        ([table(1000, k) for k in range(3)], None),
        (texts, None),
        ("", inner),
    ):
        with dataset(data, filesystem) as source:
            found = rows_in(source)
        for name in ("a", "y"):
            np.testing.assert_allclose(
                found[name].to_numpy(), expected[name].to_numpy(), rtol=1e-14, err_msg=str(data)
            )


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_batches_can_be_had_from_any_of_them_on(folder, suffix, monkeypatch):
    monkeypatch.setattr(reading, "ROWS_OF_BATCH", 150)
    monkeypatch.setattr(reading, "BLOCK", 10_000)
    if suffix == "csv":
        for path in folder.glob("*.parquet"):
            pa.csv.write_csv(pa.parquet.read_table(path), path.with_suffix(".csv"))
    source = open_source(str(folder / f"*.{suffix}"))
    every = list(source.batches(["y"]))
    for start in range(len(every) + 1):
        later = list(source.batches(["y"], start))
        assert len(later) == len(every) - start
        assert all(a.equals(b) for a, b in zip(later, every[start:], strict=True))


def test_reading_does_not_accumulate(tmp_path):
    with pa.parquet.ParquetWriter(tmp_path / "long.parquet", pa.schema({"x": pa.float64()})) as writer:
        for k in range(40):
            rng = np.random.default_rng(k)
            writer.write_table(pa.table({"x": rng.normal(size=ROWS_OF_BATCH)}))
    source, before, most = open_source(tmp_path / "long.parquet"), pa.total_allocated_bytes(), 0
    for _ in source.batches(["x"]):
        most = max(most, pa.total_allocated_bytes() - before)
    # Of 21 MB in 40 row groups never more than a few are held.
    assert most < 6 * 8 * ROWS_OF_BATCH


def test_a_name_of_nothing_is_said(tmp_path):
    with pytest.raises(FileError, match=r"There is no file .*nothing"):
        open_source(str(tmp_path / "nothing*.parquet"))


def test_a_broken_file_is_named(folder):
    path = folder / "part-1.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileError, match=r"part-1.parquet cannot be read: .*leave it out"):
        open_source(str(folder / "*.parquet"))


def test_a_file_broken_in_its_middle_is_named(folder):
    path = folder / "part-2.parquet"
    whole = bytearray(path.read_bytes())
    whole[4:2000] = bytes(1996)
    path.write_bytes(whole)
    with pytest.raises(FileError, match=r"part-2.parquet cannot be read: .*leave it out"):
        list(open_source(str(folder / "*.parquet")).batches(["a", "sort", "y"]))


def test_files_that_hold_something_else_are_named(folder):
    other = table(10).drop_columns(["a"])
    pa.parquet.write_table(other, folder / "q.parquet")
    with pytest.raises(FileError, match=r"q.parquet must have the columns of .*without 'a'"):
        open_source(str(folder / "*.parquet"))
    pa.parquet.write_table(other.append_column("a", pa.array(["x"] * 10)), folder / "q.parquet")
    with pytest.raises(
        FileError, match=r"Column 'a' must hold numbers in every file.*Got texts in .*q.parquet"
    ):
        open_source(str(folder / "*.parquet"))


def test_damage_that_only_sums_of_pages_tell_is_named(tmp_path):
    pa.parquet.write_table(
        table(2_000),
        tmp_path / "a.parquet",
        compression="none",
        use_dictionary=False,
        write_page_checksum=True,
    )
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[3_000] ^= 1
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(FileError, match=r"a\.parquet cannot be read"):
        list(open_source(tmp_path).batches(["a"]))


def test_drawn_rows_do_not_depend_on_the_batches(folder, monkeypatch):
    whole = pa.concat_tables(open_source(folder).batches(["a", "few", "sort", "y", "w"]))
    found = drawn(folder, most=50, seed=3, number=777)
    assert (found.table.num_rows, found.rows) == (50, whole.num_rows)
    assert found.row.to_pylist()[0]["w"] == whole["w"][777].as_py()
    # All columns of a row come from one row, in the order of the dataset, and no row twice.
    places = [whole["w"].to_pylist().index(weight) for weight in found.table["w"].to_pylist()]
    assert places == sorted(set(places))
    assert [whole["sort"][k].as_py() for k in places] == found.table["sort"].to_pylist()
    monkeypatch.setattr(reading, "ROWS_OF_BATCH", 70)
    again = drawn(folder, most=50, seed=3, number=777)
    assert again.table["w"].to_pylist() == found.table["w"].to_pylist()
    every = drawn(folder)
    assert every.remark is None
    assert every.table["w"].to_pylist() == whole["w"].to_pylist()
    with pytest.raises(InputError, match="must be one of the"):
        drawn(folder, number=whole.num_rows)


def test_what_is_no_dataset_is_refused():
    for data in (3, table(3), np.zeros((2, 2)), None):
        assert not is_dataset(data)
        with pytest.raises(InputError, match="must be a path"), dataset(data):
            pass
    frames = iter([{"a": [1.0]}, {"b": [1.0]}])
    with pytest.raises(InputError, match="Frame 2 of the dataset must have the columns"), dataset(frames):
        pass
    with pytest.raises(InputError, match="must have rows"), dataset(iter([])):
        pass


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["normal", "rising", "heavy", "zeros", "falling"]),
    st.integers(6_000, 60_000),
    st.integers(1, 7),
)
def test_the_sketch_keeps_its_bound(seed, kind, n, cuts):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    x = {
        "normal": x,
        "rising": np.sort(x),
        "falling": np.sort(x)[::-1],
        "heavy": np.exp(4 * x),
        "zeros": np.where(rng.random(n) < 0.6, 0.0, x),
    }[kind]
    column = Numbers("number")
    for part in np.array_split(x, cuts):
        column.add(part.copy(), np.ones(len(part)), np.ones(len(part), dtype=bool), "x")
    if column.digest is None:
        values, counts = np.unique(x, return_counts=True)
        np.testing.assert_array_equal(column.values, values)
        np.testing.assert_array_equal(column.mass[0], counts)
        return
    ordered, share = np.sort(x), (np.arange(97) + 0.5) / 97
    found = column.quantiles(97)
    low, high = (np.searchsorted(ordered, found, side) / n for side in ("left", "right"))
    assert np.maximum(low - share, share - high).max() < RANK_ERROR
    assert column.range.tolist() == [x.min(), x.max()]


def roles():
    return Roles(("a", "few", "sort", "same", "again"), Target("y", False), "w")


def test_going_on_from_a_file_changes_no_bit(monkeypatch):
    monkeypatch.setattr("edgewise.data.streaming.columns.MOST_VALUES", 500)
    kinds = ("number", "number", "text", "number", "number")
    straight, broken = (Counting(roles(), kinds, 300, 7) for _ in range(2))
    for k in range(12):
        straight.add(straight.prepared((k // 2, table(700, k))))
        broken.add(broken.prepared((k // 2, table(700, k))))
        broken = Counting(roles(), kinds, 300, 7, broken.state())
    one, other = straight.state(), broken.state()
    assert one.keys() == other.keys()
    assert all(one[key].tobytes() == other[key].tobytes() for key in one)


def test_the_encoding_is_that_of_the_table_in_memory():
    whole = pa.concat_tables(table(700, k) for k in range(3))
    counting = Counting(roles(), ("number", "number", "text", "number", "number"), 5_000, 0)
    for k in range(3):
        counting.add(counting.prepared((k, table(700, k))))
    statistics = counting.finished()
    X = whole.select(["a", "few", "sort", "same", "again"])
    expected = learn_encoding(X, whole["y"].to_numpy(), sample_weight=whole["w"].to_numpy())
    found = learned(statistics)
    assert [c.dropped for c in found.columns] == [c.dropped for c in expected.columns]
    np.testing.assert_allclose(found.apply(X), expected.apply(X), rtol=1e-12)
    for column, (values, counts) in zip(expected.apply(X).T, masses(found, statistics), strict=True):
        exact, often = np.unique(column, return_counts=True)
        np.testing.assert_allclose(values, exact, rtol=1e-12)
        np.testing.assert_array_equal(counts, often)


def test_a_sample_is_uniform_and_does_not_depend_on_the_batches():
    def drawn(sizes, seed=0):
        sample, first = Sample(200, seed), 0
        for size in sizes:
            chosen, hashes = sample.chosen(first, size)
            numbers = first + np.flatnonzero(chosen)
            sample.add(hashes[chosen], numbers, numbers[:, None].astype(float))
            first += size
        return np.sort(sample.settle().numbers)

    one = drawn([5_000])
    assert len(one) == 200
    np.testing.assert_array_equal(one, drawn([1, 199, 300, 4_500]))
    counts = sum(np.histogram(drawn([5_000], seed), 10, (0, 5_000))[0] for seed in range(20))
    assert np.abs(counts - 400).max() < 5 * 20


def test_a_name_of_the_row_is_not_counted(monkeypatch):
    monkeypatch.setattr("edgewise.data.streaming.columns.MOST_WORDS", 100)
    counting = Counting(Roles(("id", "x"), Target("y", False), None), ("text", "number"), 50, 0)
    for k in range(3):
        ids = [f"{k}-{i}" for i in range(60)]
        counting.add(
            counting.prepared((0, pa.table({"id": ids, "x": np.arange(60.0), "y": np.arange(60.0)})))
        )
    statistics = counting.finished()
    assert learned(statistics).columns[0].dropped
    assert isinstance(statistics.columns[0], Words)
    assert not statistics.columns[0].places


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"x": [1.0, 2.0], "y": [1.0, None]}, "'y' must hold the target of every row. Got 1 row"),
        ({"x": [1.0, np.inf], "y": [1.0, 2.0]}, "'x' must hold finite numbers"),
        ({"x": [1.0, 2.0], "y": ["a", "b"]}, "'y' must hold numbers. Got words"),
    ],
)
def test_cells_that_cannot_be_are_said(frame, said):
    counting = Counting(Roles(("x",), Target("y", False), None), ("number",), 50, 0)
    with pytest.raises(InputError, match=said):
        counting.add(counting.prepared((0, pa.table(frame))))


@pytest.mark.slow
@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_any_number_of_workers_counts_the_same(tmp_path, classes, suffix, monkeypatch):
    monkeypatch.setattr("edgewise.data.streaming.columns.MOST_VALUES", 500)
    monkeypatch.setattr(reading, "ROWS_OF_LEAF", 900)
    monkeypatch.setattr(reading, "ROWS_OF_BATCH", 250)
    for k in range(5):
        own = table(1_100, k)
        if classes:  # each file begins with another class
            told = [f"c{(k + i % 3) % 4}" for i in range(1_100)]
            own = own.set_column(own.column_names.index("y"), "y", pa.array(told))
        # Some rows of no weight, which are not counted.
        own = own.set_column(own.column_names.index("w"), "w", pa.array(np.arange(1_100) % 5 / 2.0))
        path = tmp_path / f"{k}.{suffix}"
        if suffix == "csv":
            pa.csv.write_csv(own, path)
        else:
            pa.parquet.write_table(own, path, row_group_size=300)
    source = open_source(str(tmp_path / f"*.{suffix}"))
    asked = Roles(("a", "few", "sort", "same", "again"), Target("y", classes), "w")
    kinds = ("number", "number", "text", "number", "number")

    def counted(workers):
        parts = []
        for rank in range(workers):
            part = Counting(asked, kinds, 300, 7)
            for at, batch in enumerate(source.counted(asked.read, 0, rank, workers)):
                part.add(part.prepared(batch))
                # Going on from any batch gives the same ones.
                if at % 4 == 1:
                    again = next(iter(source.counted(asked.read, at, rank, workers)))
                    assert again[0] == batch[0]
                    assert again[1].equals(batch[1])
            parts.append(Counting(asked, kinds, 300, 7, part.state()))
        while len(parts) > 1:  # neighbours, two at a time
            pairs = [parts[k : k + 2] for k in range(0, len(parts), 2)]
            parts = [own[0].merge(own[1]) if len(own) > 1 else own[0] for own in pairs]
        return parts[0].finished()

    one = counted(1)
    assert one.rows == 4_400
    assert len(one.sample.numbers) == 300
    assert one.columns[0].digest is not None
    encoding = learned(one)
    for workers in (2, 3, 7):
        other = counted(workers)
        assert other.rows == one.rows
        np.testing.assert_array_equal(other.sample.numbers, one.sample.numbers)
        np.testing.assert_array_equal(other.sample.cells, one.sample.cells)
        for a, b in zip((*one.columns, one.target), (*other.columns, other.target), strict=True):
            if isinstance(a, Words):
                assert list(a.places) == list(b.places)
                # About the mean of another batch.
                np.testing.assert_allclose(a.moments[:, :2], b.moments[:, :2], rtol=1e-12)
            else:
                assert {k: v.tobytes() for k, v in a.state().items()} == {
                    k: v.tobytes() for k, v in b.state().items()
                }
        assert learned(other) == encoding
        for (a, n), (b, m) in zip(masses(encoding, one), masses(learned(other), other), strict=True):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_array_equal(n, m)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["normal", "rising", "heavy"]), st.integers(2, 60))
def test_sketches_put_together_keep_the_bound(seed, kind, leaves):
    x = np.random.default_rng(seed).normal(size=120_000)
    x = {"normal": x, "rising": np.sort(x), "heavy": np.exp(4 * x)}[kind]
    counting = Counting(Roles(("x",), Target("y", False), None), ("number",), 50, 0)
    for leaf, part in enumerate(np.array_split(x, leaves)):
        counting.add(counting.prepared((leaf, pa.table({"x": part, "y": np.zeros(len(part))}))))
    column = counting.finished().columns[0]
    ordered, share = np.sort(x), (np.arange(97) + 0.5) / 97
    found = column.quantiles(97)
    low, high = (np.searchsorted(ordered, found, side) / len(x) for side in ("left", "right"))
    assert np.maximum(low - share, share - high).max() < RANK_ERROR


def test_of_very_many_rows_a_sketch_takes_some(monkeypatch):
    monkeypatch.setattr("edgewise.data.streaming.counting.MOST_SKETCHED", 20_000)
    x = np.sort(np.random.default_rng(0).normal(size=120_000))
    few = np.floor(x)
    asked = Roles(("x", "few"), Target("y", False), None)
    counting = Counting(asked, ("number", "number"), 50, 0, total=len(x))
    for leaf, part in enumerate(np.array_split(np.arange(len(x)), 9)):
        rows = pa.table({"x": x[part], "few": few[part], "y": np.zeros(len(part))})
        counting.add(counting.prepared((leaf, rows)))
    column, exact = counting.finished().columns
    assert 19_000 < column.digest.get_total_weight() < 21_000
    share = (np.arange(97) + 0.5) / 97
    # Massart's bound for one column in a billion, and that of the sketch.
    assert np.abs(np.searchsorted(x, column.quantiles(97)) / len(x) - share).max() < 0.0232 + RANK_ERROR
    assert column.range.tolist() == [x[0], x[-1]]
    np.testing.assert_array_equal(exact.mass[0], np.unique(few, return_counts=True)[1])
