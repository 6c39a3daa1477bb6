"""Excel workbooks in, as the CSV that the reader of text goes on from, and out; by the packages of the extra `excel`."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

from edgewise._core.checks import among, plural, short
from edgewise._core.errors import FileError, InputError
from edgewise._core.extras import need
from edgewise.data.arrow import Frame

EXTRA = "excel"
# First bytes of workbooks: zipped ones, and old ones.
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# What a sheet holds at most.
MOST_ROWS, MOST_COLUMNS, MOST_CHARACTERS = 1_048_576, 16_384, 32_767
LARGEST = 9.99e307
_FORMATS = {dt.date: "yyyy-mm-dd", dt.datetime: "yyyy-mm-dd hh:mm:ss", dt.time: "hh:mm:ss"}


def text_of_workbook(content: bytes, name: str) -> tuple[bytes, str]:
    """The first sheet that holds anything, as CSV, and notes on it.

    Raises
    ------
    InputError
        If the workbook cannot be read or is empty, or the package that reads it is not installed.
    """
    calamine = need("python_calamine", EXTRA, f"{name} is an Excel workbook: those")
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = {
            sheet: book.get_sheet_by_name(sheet).to_python(skip_empty_area=True) for sheet in book.sheet_names
        }
    except (KeyboardInterrupt, SystemExit):
        raise
    except (
        BaseException
    ) as error:  # whatever a damaged workbook makes of the package; a panic is no Exception
        words = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            subject=name,
            expected="be a complete Excel workbook",
            got=f"one that cannot be read: {short(words.rstrip('.'))}",
        ) from None
    filled = [sheet for sheet, rows in sheets.items() if rows]
    if not filled:
        raise InputError(subject=name, expected="hold a table", got="a workbook of empty sheets")
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(
        [[_written(cell) for cell in row] for row in sheets[filled[0]]]
    )
    others = f"; {among(filled[1:])} {'is' if len(filled) == 2 else 'are'} not read" if filled[1:] else ""
    return stream.getvalue().encode("utf-8", "replace"), f"sheet {short(filled[0], 40)} of a workbook{others}"


def _written(cell: Any) -> str:
    """A cell as text files have it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, dt.timedelta):
        return repr(cell / dt.timedelta(days=1))
    return cell.isoformat(sep=" ") if isinstance(cell, dt.datetime) else str(cell)


def workbook_of(frame: Frame) -> bytes:
    """A workbook of one sheet; gaps are empty cells, infinities text.

    Raises
    ------
    InputError
        If the package that writes it is not installed.
    FileError
        If a sheet cannot hold the table.
    """
    xlsxwriter = need("xlsxwriter", EXTRA, "Excel workbooks")
    if frame.num_rows >= MOST_ROWS or frame.num_columns > MOST_COLUMNS:
        raise FileError(
            f"An Excel sheet holds {MOST_ROWS - 1:,} rows of {MOST_COLUMNS:,} columns at most. Got "
            f"{plural(frame.num_rows, 'row')} of {frame.num_columns:,} instead; write CSV or Parquet."
        )
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(
        stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    # The same table gives the same bytes.
    book.set_properties({"created": dt.datetime(2000, 1, 1)})
    sheet = book.add_worksheet()
    formats = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
    for place, (name, column) in enumerate(zip(frame.column_names, frame.columns, strict=True)):
        sheet.write_string(0, place, name[:MOST_CHARACTERS])
        for row, cell in enumerate(column.to_pylist(), start=1):
            _put(sheet, row, place, cell, formats)
    book.close()
    return stream.getvalue()


def _put(sheet: Any, row: int, place: int, cell: Any, formats: dict[type, Any]) -> None:
    if cell is None or cell != cell:
        return
    if isinstance(cell, bool):
        sheet.write_boolean(row, place, cell)
    elif (isinstance(cell, (int, float)) and abs(cell) <= 2**53) or (
        isinstance(cell, float) and abs(cell) <= LARGEST
    ):
        sheet.write_number(row, place, cell)
    elif (
        type(cell) in formats
        and getattr(cell, "year", 1900) >= 1900
        and getattr(cell, "tzinfo", None) is None
    ):
        sheet.write_datetime(row, place, cell, formats[type(cell)])
    else:  # words, integers that a sheet would round, moments it does not know
        sheet.write_string(row, place, str(cell)[:MOST_CHARACTERS])
