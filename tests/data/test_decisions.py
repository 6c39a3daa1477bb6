"""What a file's text is taken for, and that it is told: numbers, dates, headers, units, comments, encodings."""

import datetime as dt
import decimal
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise import InputError, read_table
from edgewise.data import learn_encoding, provenance, read_frame, to_table, write_frame
from edgewise.data.words import read_words


def read(content, folder, name="t.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_frame(path)


def column(cells, folder):
    """A column of a CSV file of words, each in quotes, and what was said of it."""
    lines = "".join(f'"{cell}",{place}\n' for place, cell in enumerate(cells))
    frame = read(f"a,n\n{lines}", folder)
    told = [decision.text for decision in provenance(frame).decisions if decision.column == "a"]
    return frame.column("a").to_pylist(), told[0] if told else ""


AMOUNTS = st.lists(st.integers(0, 10**9).map(lambda n: n / 100), min_size=2, max_size=6, unique=True)


@given(AMOUNTS, st.sampled_from(["$", "€", "£", "USD ", ""]), st.sampled_from(["", " kg", "%", " EUR"]))
def test_numbers_are_read_however_people_write_them(tmp_path_factory, values, before, after):
    if bool(before) == bool(after):
        before, after = "$", ""
    cells = [f"{before}{value:,.2f}{after}" for value in values]
    found, told = column(cells, tmp_path_factory.mktemp("n"))
    assert found == values
    assert "read as numbers" in told
    # The same with points between thousands and a comma for decimals, and with blanks.
    swapped = [cell.translate(str.maketrans(",.", ".,")) for cell in cells]
    assert column(swapped, tmp_path_factory.mktemp("n"))[0] == values
    blanks = [cell.replace(",", "\u202f") for cell in cells]
    assert column(blanks, tmp_path_factory.mktemp("n"))[0] == values


@pytest.mark.parametrize(
    ("cells", "values", "told"),
    [
        (["12%", "3.5 %", ""], [12, 3.5, None], "looks like percentages ('12%'): read as numbers (12)"),
        (["$1,100.50", "($20)", "NA"], [1100.5, -20, None], "looks like amounts of money"),
        (["-$5", "$-6", "$0"], [-5, -6, 0], "amounts of money"),
        (["$5", "0", "$7"], [5, 0, 7], "amounts of money"),
        (["€ 1.100", "€ 2.250"], [1100, 2250], "amounts of money"),
        (["€1.100", "€12,50"], [1100, 12.5], "amounts of money"),
        (["$1,100", "$2,250"], [1100, 2250], "amounts of money"),
        (["$5.25", "$7"], [5.25, 7], "amounts of money"),
        (["1,100", "23"], [1100, 23], "commas in thousands ('1,100'): read as numbers (1100)"),
        (["1'100.5", "2'000"], [1100.5, 2000], "apostrophes"),
        (["1,5", "2,25"], [1.5, 2.25], "decimal commas"),
        (["12 kg", "3.5 kg"], [12, 3.5], "the unit 'kg'"),
        (["20 °C", "-3 °C"], [20, -3], "the unit '°C'"),
        (["36 months", "60 months"], [36, 60], "the unit 'months'"),
    ],
)
def test_what_columns_look_like_is_told(cells, values, told, tmp_path):
    found, said = column(cells, tmp_path)
    assert found == values
    assert told in said


@pytest.mark.parametrize(
    "cells",
    [
        ["$5", "€6"],
        ["5 kg", "6 lb"],
        ["1 week", "2 weeks"],
        ["Q1", "Q2"],
        ["A1", "A2"],
        ["1.2.3", "1.2.4"],
        ["1st", "2nd"],
        ["5 kg", "5 kg"],
        ["($5", "$6)"],
        ["12a", "13a"],
        ["010 200 300", "010 200 301"],
        ["31.02.2010", "01.02.2010"],
        ["13/13/2010", "01/02/2010"],
        ["01/02/2010", "2010/02/01"],
        ["May be 12", "June 5, 2010"],
        ["2009-10", "2010-11", "1999-00"],
        ["2009-10", "2010-11", "2011-12"],
        ["2015Q5", "2015Q1"],
        ["12:00 pm or so", "x"],
    ],
)
def test_words_stay_words(cells, tmp_path):
    assert column(cells, tmp_path) == (cells, "")


DAYS = st.dates(dt.date(1969, 1, 1), dt.date(2068, 12, 31))
WRITINGS = {
    "%d.%m.%Y": "day first",
    "%d.%m.%y": "two digits",
    "%Y/%m/%d": "year first",
    "%d %b %Y": "read as dates",
    "%B %d, %Y": "read as dates",
    "%d-%b-%y": "two digits",
}


@given(st.lists(DAYS, min_size=1, max_size=6), st.sampled_from(list(WRITINGS)))
def test_dates_are_read_however_people_write_them(tmp_path_factory, days, writing):
    found, told = column([day.strftime(writing) for day in days], tmp_path_factory.mktemp("d"))
    assert found == days
    assert WRITINGS[writing] in told


@given(st.lists(DAYS, min_size=1, max_size=6), st.sampled_from([1, 3]))
def test_months_and_quarters_are_their_first_days(tmp_path_factory, days, months):
    firsts = [day.replace(day=1, month=1 + (day.month - 1) // months * months) for day in days]
    words = [f"{d:%Y-%m}" if months == 1 else f"{d.year}-Q{1 + d.month // 3}" for d in firsts]
    found, told = column(words, tmp_path_factory.mktemp("d"))
    spans = all((day.year + 1) % 100 == day.month for day in firsts)  # from one year to the next
    assert (found, "first days" in told) == ((words, False) if months == 1 and spans else (firsts, True))


def test_months_may_head_columns(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("2015-01,2015-02,2015-Q1\n1.5,2.5,3.5\n4.5,5.5,6.5\n")
    assert read_table(path).names == ("2015-01", "2015-02", "2015-Q1")


@given(st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)), min_size=1, max_size=5))
def test_times_of_day_come_along(tmp_path_factory, moments):
    found, _ = column(
        [moment.strftime("%d.%m.%Y %I:%M:%S %p") for moment in moments], tmp_path_factory.mktemp("d")
    )
    assert found == [moment.replace(microsecond=0) for moment in moments]


@pytest.mark.parametrize(
    ("cells", "first", "told"),
    [
        (["13/02/2010", "01/02/2010"], dt.date(2010, 2, 13), "day first"),
        (["02/13/2010", "01/02/2010"], dt.date(2010, 2, 13), "month first"),
        (["1/2/2010", "1/3/2010", "1/4/2011"], dt.date(2010, 1, 2), "no date shows whether"),
        (
            ["1/2/2010", "5/2/2010", "2/3/2010"],
            dt.date(2010, 2, 1),
            "day first, for so the rows are in order",
        ),
        (
            ["2/1/2010", "2/5/2010", "3/2/2010"],
            dt.date(2010, 2, 1),
            "month first, for so the rows are in order",
        ),
        (["5/5/2010"], dt.date(2010, 5, 5), "month first"),
    ],
)
def test_the_order_of_day_and_month_is_found_or_doubted(cells, first, told, tmp_path):
    found, said = column(cells, tmp_path)
    assert found[0] == first
    assert told in said
    assert ("no date shows" in said) == (told == "no date shows whether")


@pytest.mark.parametrize(
    ("text", "names", "first"),
    [
        ("oak,12,3.5\nelm,13,4\n", ["x1", "x2", "x3"], ["oak", 12, 3.5]),
        ("2010-01-01,5\n2010-01-02,6\n", ["x1", "x2"], [dt.date(2010, 1, 1), 5]),
        ("12%,a\n13%,b\n", ["x1", "x2"], [12.0, "a"]),
        ("oak,red\nelm,blue\noak,blue\nelm,red\n", ["x1", "x2"], ["oak", "red"]),
        ("kind,n\noak,1\n", ["kind", "n"], ["oak", 1]),
        ("land,1990,1991,1992\nA,5,6,7\nB,7,8,9\n", ["land", "1990", "1991", "1992"], ["A", 5, 6, 7]),
        ("kind,colour\noak,red\nelm,blue\n", ["kind", "colour"], ["oak", "red"]),
        ("1.5,2\n3,4\n", ["x1", "x2"], [1.5, 2]),
        ("name\noak\nelm\n", ["name"], ["oak"]),
    ],
)
def test_a_header_is_told_from_data(text, names, first, tmp_path):
    frame = read(text, tmp_path)
    assert frame.column_names == names
    assert list(frame.to_pylist()[0].values()) == first
    assert ("no header" in provenance(frame).dialect) == (names[0] == "x1")


@pytest.mark.parametrize(
    ("row", "units"),
    [
        ("kg,m/s,", {"m": "kg", "v": "m/s"}),
        ("[kg],(m s^-1),-", {"m": "kg", "v": "m s^-1"}),
        ("%,km/h,[]", {"m": "%", "v": "km/h"}),
        ("°C,1,", {}),
        ("low,high,", None),
        ("NA,?,oak", None),
        ("kg,m/s,oak", None),
        ("9**9**9**9,m,", None),
    ],
)
def test_a_row_of_units_is_kept_as_such(row, units, tmp_path):
    frame = read(f"m,v,kind\n{row}\n1.5,2,elm\n2.5,3,ash\n", tmp_path)
    if units:
        assert provenance(frame).units == units
        assert frame.column("m").to_pylist() == [1.5, 2.5]
        assert "a row of units" in provenance(frame).dialect
    else:
        assert frame.num_rows == 3
        assert provenance(frame).units == {}


@pytest.mark.parametrize(
    "text",
    [
        "x   y  kind\n1.5 2    oak\n 3  4.5  elm\n",
        "x\ty kind\n1.5 \t 2 oak\n3 4.5 elm\n",
        '"x" "y" "kind"\n1.5 2 "oak"\n3 4.5 elm\n',
        "# a table\nx y kind\n1.5 2 oak\n3 4.5 elm\n",
        "# a table\n# x y kind\n1.5 2 oak\n3 4.5 elm\n",
        "#x,y,kind\n1.5,2,oak\n# in between\n3,4.5,elm\n",
    ],
)
def test_blanks_and_comments(text, tmp_path):
    frame = read(text, tmp_path)
    assert frame.to_pylist() == [{"x": 1.5, "y": 2, "kind": "oak"}, {"x": 3, "y": 4.5, "kind": "elm"}]
    said = provenance(frame).dialect
    assert ("white space" in said) == ("," not in text)
    assert ("comments" in said) == ("#" in text)


def test_what_r_and_numpy_write(tmp_path):
    frame = read('"x" "y"\n"1" 0.5 2\n"2" 1.5 3\n', tmp_path)
    assert frame.column_names == ["column_1", "x", "y"]
    assert frame.column("x").to_pylist() == [0.5, 1.5]
    values = np.random.default_rng(0).normal(size=(5, 3))
    np.savetxt(tmp_path / "a.txt", values, header="a b c")
    table = read_table(tmp_path / "a.txt")
    np.testing.assert_allclose(table.matrix(["a", "b", "c"]), values)
    assert "white space" in table.notes[0]


@pytest.mark.parametrize("text", ["text\nHello there\nGood bye\n", "name\nJohn Smith\n", "a b\n1\n2\n"])
def test_sentences_are_not_cut(text, tmp_path):
    assert read(text, tmp_path).num_columns == 1


def test_codes_of_colours_are_no_comments(tmp_path):
    frame = read("colour,x\n#ff0000,1\n#00ff00,2\nred,3\n", tmp_path)
    assert frame.column("colour").to_pylist() == ["#ff0000", "#00ff00", "red"]
    assert read("#ff0000,1\n#00ff00,2\n#0000ff,4\n", tmp_path).num_rows == 3


@pytest.mark.parametrize("place", ["header", "first row", "row 70000"])
def test_latin_1_is_read_and_told(place, tmp_path):
    rows = ["größe,n", *(f"eins,{k}" for k in range(70_000 if "7" in place else 3))]
    rows = [row.replace("größe", "g") if place != "header" else row for row in rows]
    rows += ["Köln,5"]
    frame = read("\n".join(rows).encode("cp1252"), tmp_path)
    assert frame.column(0).to_pylist()[-1] == "Köln"
    assert frame.column_names[0] == ("größe" if place == "header" else "g")
    assert "Latin-1" in provenance(frame).dialect


def test_a_cell_of_one_accented_letter_is_latin_1(tmp_path):
    frame = read('a;n\né;1\nà;2\n"ö";3\n'.encode("latin-1"), tmp_path)
    assert frame.column(0).to_pylist() == ["é", "à", "ö"]
    assert provenance(frame).notes()[0] == (
        "t.csv is read so: Latin-1 (Windows-1252) rather than UTF-8, separated by semicolons."
    )


@pytest.mark.parametrize("damaged", ["a,n\n1,2\né".encode()[:-1], b"a,n\n1,\xff\n", b"a,n\n\xe9\xe8,1\n"])
def test_what_is_no_cell_of_one_letter_is_refused_with_the_word_latin_1(damaged, tmp_path):
    with pytest.raises(InputError, match="nor words in Latin-1"):
        read(damaged, tmp_path)


@pytest.mark.parametrize("word", [b"20 \xb0C", b"\x80 5", b"na\xefve", b"\xc4rger"])
def test_what_latin_1_has_is_plausible(word, tmp_path):
    assert read(b"a,n\n" + word + b",1\n", tmp_path).num_rows == 1
    with pytest.raises(InputError, match="UTF-8 text"):
        read(b"a,n\n1,\xff\xfe\n", tmp_path)


def test_damaged_utf8_is_refused(tmp_path):
    with pytest.raises(InputError) as refused:
        read("größe,n\neins,1\n".encode() + b"K\xf6ln,2\n", tmp_path)
    assert refused.value.expected == "be UTF-8 text"
    assert refused.value.got == "bytes in line 3 that are neither UTF-8 nor words in Latin-1"


def test_whole_numbers_that_a_float_rounds_are_told(tmp_path):
    frame = read(f"id,x\n{2**53 + 1},1\n5,2\n", tmp_path)
    assert frame.column("id").to_pylist()[0] == 2**53 + 1
    assert "beyond 2^53" in provenance(frame).decisions[0].text


def test_whole_numbers_that_a_float_rounds_are_read_everywhere(tmp_path):
    read(f"id,x\n{2**53 + 1},1\n5,2\n,3\n", tmp_path)
    values = read_table(tmp_path / "t.csv").columns["id"]
    np.testing.assert_array_equal(values, [float(2**53), 5, np.nan])
    encoding = learn_encoding(read_frame(tmp_path / "t.csv"), [1.0, 2.0, 3.0])
    assert np.isfinite(encoding.apply(read_frame(tmp_path / "t.csv"))).all()


def test_thousands_in_a_file_of_decimal_commas(tmp_path):
    frame = read("a;b\n1.100;1,5\n2.250;2,5\n", tmp_path)
    assert frame.column("a").to_pylist() == [1100, 2250]
    assert "thousands" in provenance(frame).decisions[0].text


CELLS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.dates(dt.date(1901, 1, 1)),
    st.text(st.characters(categories=["L"]), min_size=1, max_size=5).map(lambda word: f"w {word}"),
)


@given(st.lists(CELLS, min_size=1, max_size=6))
def test_workbooks_come_back_as_they_were_written(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("x") / "t.xlsx"
    frame = pa.table({f"c{k}": pa.array([cell, None, cell]) for k, cell in enumerate(cells)})
    write_frame(frame, path)
    first = path.read_bytes()
    again = read_frame(path)
    assert again.column_names == frame.column_names
    for old, new in zip(frame.columns, again.columns, strict=True):
        assert new.null_count == 1
        wanted, got = old[0].as_py(), new[0].as_py()
        # A sheet has 16 digits.
        assert got == (pytest.approx(wanted, rel=1e-15) if isinstance(wanted, float) else wanted)
    assert "workbook" in provenance(again).dialect
    write_frame(frame, path)
    assert path.read_bytes() == first


def test_the_first_sheet_that_holds_anything_is_read_and_others_are_told(tmp_path):
    import xlsxwriter

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        book.add_worksheet("empty")
        for name in ("data", "more"):
            sheet = book.add_worksheet(name)
            sheet.write_row(2, 1, ["x", "share"])
            sheet.write_row(3, 1, [1.5, "12%"])
            sheet.write_row(4, 1, [2, "13%"])
    frame = read(stream.getvalue(), tmp_path, "anything")
    assert frame.to_pylist() == [{"x": 1.5, "share": 12}, {"x": 2, "share": 13}]
    known = provenance(frame)
    assert "sheet 'data' of a workbook; 'more' is not read" in known.dialect
    assert len(known.notes()) == 2


@pytest.mark.parametrize("content", [b"PK\x03\x04 and then nothing", b"\xd0\xcf\x11\xe0" + bytes(600)])
def test_damaged_workbooks_are_one_sentence(content, tmp_path):
    with pytest.raises(InputError, match="complete Excel workbook"):
        read(content, tmp_path)


def test_notes_are_of_the_columns_asked_for(tmp_path):
    frame = read("a;b\n12%;1,5\n13%;2,5\n", tmp_path)
    known = provenance(frame)
    assert known.notes(["b"]) == ("t.csv is read so: separated by semicolons, decimal commas.",)
    assert known.notes()[1].startswith("Column 'a' looks like percentages")
    assert provenance(frame.select(["a"])).decisions == known.decisions


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_any_words_are_read(words):
    found = read_words(pa.chunked_array([words]))
    assert len(found.column) == len(words)
    if pa.types.is_string(found.column.type):
        assert [cell or "" for cell in found.column.to_pylist()] == [
            pd.Series([word]).str.strip()[0] if word.strip() else "" for word in words
        ] or any(not word.isascii() for word in words)


def test_tables_in_memory_are_read_by_the_same_rules():
    table = to_table({"a": ["12%", None, "13%"], "b": ["$5", "€6", "x"], "c": ["1", "NA", "2"]})
    assert table.columns["a"].tolist() == pytest.approx([12, np.nan, 13], nan_ok=True)
    assert table.is_numeric("c")
    assert not table.is_numeric("b")
    assert table.notes == ("Column 'a' looks like percentages ('12%'): read as numbers (12).",)


def test_ragged_columns_are_one_sentence():
    with pytest.raises(InputError, match="Column 'c' must hold one value a row"):
        learn_encoding({"c": [[1.0], [1.0, 2.0]]}, [1.0, 2.0])


def test_a_nan_without_a_hash_is_a_missing_cell():
    cells = [decimal.Decimal("sNaN"), "a", "b", "a", "b"]
    encoding = learn_encoding({"c": cells}, [1.0, 2.0, 3.0, 2.0, 3.0], fewest=1)
    assert encoding.columns[0].levels == ("missing", "a", "b")
