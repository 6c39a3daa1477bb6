"""Raw columns from files: what a cell was stays what it is, in every format, or one sentence says why not."""

import bz2
import gzip
import io
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather, parquet

from edgewise import FileError, InputError
from edgewise.data import provenance, read_frame, write_frame

NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.none() | st.text(st.characters(categories=["L"]), min_size=1, max_size=5).map("w{}".format)
ROWS = st.lists(st.tuples(NUMBERS, WORDS, st.booleans()), min_size=1, max_size=8)


def table(rows):
    number, word, flag = (list(cells) for cells in zip(*rows, strict=True))
    return pa.table(
        {
            "number": pa.array(number, pa.float64()),
            "a word, quoted": pa.array(word, pa.string()),
            "flag": pa.array(flag, pa.bool_()),
        }
    )


def written(content, name="t.csv"):
    from pathlib import Path

    path = Path(name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@given(ROWS, st.sampled_from(["csv", "csv.gz", "parquet", "feather"]))
def test_what_is_written_is_read_back(tmp_path_factory, rows, kind):
    frame = table(rows)
    path = tmp_path_factory.mktemp("round") / f"t.{kind}"
    write_frame(frame, path)
    again = read_frame(path)
    assert again.column_names == frame.column_names
    number, word, flag = again.to_pydict().values()
    assert [None if cell is None else float(cell) for cell in number] == frame.column("number").to_pylist()
    if any(cell is not None for cell in frame.column(1).to_pylist()):
        assert word == frame.column(1).to_pylist()
    assert flag == frame.column("flag").to_pylist()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_content_decides_not_the_name(tmp_path):
    frame = pa.table({"a": [1.5, 2.5], "b": ["u", "v"]})
    for write, name in ((parquet.write_table, "x.csv"), (feather.write_feather, "y.dat")):
        write(frame, str(tmp_path / name))
        assert read_frame(tmp_path / name).to_pydict() == frame.to_pydict()


def test_words_stay_words_and_numbers_numbers():
    frame = read_frame(
        written("kind, price,on,when,NA\noak, 3.5,true,2020-01-31,1\n elm ,,false,2020-02-01,?\n,7,,,3\n")
    )
    assert frame.to_pydict() | {"when": None} == {
        "kind": ["oak", "elm", None],
        "price": [3.5, None, 7.0],
        "on": [True, False, None],
        "when": None,
        "NA": [1, None, 3],
    }
    assert pa.types.is_date(frame.column("when").type)


def test_a_word_for_missing_is_a_word_among_words_and_a_gap_among_numbers():
    frame = read_frame(written("country,gdp\nNA,NA\nDE,4\n"))
    assert frame.to_pydict() == {"country": ["NA", "DE"], "gdp": [None, 4]}


def test_names_are_fit_to_be_typed():
    frame = read_frame(written('"two\nlines",,"späße, née"\n1,2,3\n'))
    assert frame.column_names == ["two lines", "column_2", "späße, née"]


@pytest.mark.parametrize(
    ("content", "dialect"),
    [
        ("a;b\n1,5;x\n", "separated by semicolons, decimal commas"),
        ("a\tb\n1.5\tx\n", "separated by tabs"),
        ("1.5,2\n3,4\n", "no header (the columns are called x1, ...)"),
        ("a,b\n1,2\n", ""),
        (gzip.compress(b"a|b\n1|2\n", mtime=0), "gzip, separated by bars"),
        (bz2.compress(b"a,b\n1,2\n"), "bz2"),
    ],
)
def test_what_is_unusual_is_known(content, dialect):
    known = provenance(read_frame(written(content)))
    assert (known.source, known.dialect) == ("t.csv", dialect)


def test_a_decimal_comma_far_down_is_found():
    lines = ["a;b", *(f"{n};{n}" for n in range(500)), "3,5;7"]
    assert read_frame(written("\n".join(lines))).column("a").to_pylist()[-1] == 3.5


def test_words_with_commas_are_no_decimal_commas():
    assert read_frame(written("a;b\nx, y;1.5\nz;2\n")).to_pydict() == {"a": ["x, y", "z"], "b": [1.5, 2.0]}


def test_a_float_far_down_makes_the_column_one_of_floats():
    lines = ["a", *("1" for _ in range(400_000)), "2.5"]
    assert read_frame(written("\n".join(lines))).column("a").to_pylist()[-1] == 2.5


def test_spreadsheet_text_in_utf_16_is_read():
    content = "naïve\tb\n1\t2\n".encode("utf-16")
    assert read_frame(written(content)).to_pydict() == {"naïve": [1], "b": [2]}


@pytest.mark.slow
def test_ten_thousand_columns_without_a_header():
    line = ",".join(str(n + 0.25) for n in range(10_000))
    frame = read_frame(written(f"{line}\n{line}\n{line}\n"))
    assert (frame.num_rows, frame.num_columns) == (3, 10_000)


def test_standard_input(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(b"a,b\n1,u\n"))
    monkeypatch.setattr(sys, "stdin", stream)
    frame = read_frame("-")
    assert frame.to_pydict() == {"a": [1], "b": ["u"]}
    assert provenance(frame).source == "standard input"


def test_the_fingerprint_is_that_of_the_bytes_as_they_came():
    import hashlib

    path = written(gzip.compress(b"a,b\n1,2\n", mtime=0), "t.csv.gz")
    assert provenance(read_frame(path)).fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()


def test_types_that_files_know_and_models_do_not(tmp_path):
    import decimal

    frame = pa.table(
        {
            "money": pa.array([decimal.Decimal("1.50"), None]),
            "void": pa.nulls(2),
            "half": pa.array([np.float16(0.5), None], pa.float16()),
            "list": pa.array([[1, 2], None]),
            "sort": pa.array(["a", None]).dictionary_encode(),
        }
    )
    parquet.write_table(frame, str(tmp_path / "t.parquet"))
    again = read_frame(tmp_path / "t.parquet")
    assert again.column("money").to_pylist() == [1.5, None]
    assert again.column("half").to_pylist() == [0.5, None]
    assert again.column("void").type == pa.float64()
    assert again.column("list").to_pylist() == [[1, 2], None]
    write_frame(again, tmp_path / "t.csv")
    assert read_frame(tmp_path / "t.csv").column("sort").to_pylist() == ["a", None]


@pytest.mark.parametrize(
    ("content", "name", "word"),
    [
        (b"PK\x03\x04rest", "book.xlsx", "complete Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "book.xls", "complete Excel workbook"),
        (b"\xfd7zXZ\x00", "t.csv.xz", "unpack it"),
        (b"\x80\x04\x95rest", "t.pkl", "could run code"),
        (b"FEA1rest", "t.feather", "version 1"),
        (b"not parquet", "t.parquet", "complete Parquet"),
        (b"not feather", "t.feather", "complete Feather"),
        (b"ARROW1\x00\x00 and nothing", "t.feather", "complete Feather"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-12], "t.csv.gz", "cannot be read"),
        (gzip.compress(b"", mtime=0), "t.csv.gz", "empty file"),
        (b"a,b\n1,\xff\xfe\n", "t.csv", "UTF-8"),
        (b"a,b\n" + b"1,2\n" * 50_000 + b"3,\xff\xfe\n", "t.csv", "UTF-8"),
        (b"\xff\xfea", "t.csv", "UTF-16"),
        (b'a,b\n"open', "t.csv", "cells in every row"),
        (b"a,a\n1,2\n", "t.csv", "more than once"),
        (b"a,b\n", "t.csv", "at least one row"),
    ],
)
def test_what_is_no_table_ends_in_one_sentence(content, name, word):
    with pytest.raises(InputError, match=word) as caught:
        read_frame(written(content, name))
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert len(text) < 300


@given(st.data())
def test_a_damaged_binary_file_gives_a_table_or_a_sentence(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damage") / "t.bin"
    kind = data.draw(st.sampled_from([parquet.write_table, feather.write_feather]))
    kind(pa.table({"a": [1.5, 2.5, 3.5], "b": ["u", "v", None]}), str(path))
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        frame = read_frame(path)
    except InputError:
        return
    frame.to_pydict()


def test_places_that_cannot_be_written_are_answered_and_nothing_is_left(tmp_path):
    frame = pa.table({"x": [1.0]})
    with pytest.raises(FileError, match="cannot be written"):
        write_frame(frame, tmp_path / "no" / "such" / "folder.csv")
    with pytest.raises(FileError, match="it is a folder"):
        write_frame(frame, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", [3, 1e-320, None, b"t.csv", ["t.csv"]])
def test_what_is_no_path_is_answered(path):
    with pytest.raises(InputError, match="'path' argument must be the path"):
        read_frame(path)
    if path != b"t.csv":
        with pytest.raises(InputError, match="'path' argument must be the path"):
            write_frame(pa.table({"x": [1.0]}), path)


@pytest.mark.parametrize("path", ["\0", "a" * 300])
def test_names_no_file_can_have_are_answered(path):
    with pytest.raises(InputError, match="cannot be read"):
        read_frame(path)
    with pytest.raises(FileError, match="cannot be written"):
        write_frame(pa.table({"x": [1.0]}), path)


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    write_frame(pa.table({"x": [1.0]}), link)
    assert link.is_symlink()
    assert read_frame(real).to_pydict() == {"x": [1]}


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    path.write_text("old")
    monkeypatch.setattr(
        "os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(FileError, match="No space left"):
        write_frame(pa.table({"x": [1.0]}), path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.csv"]
