"""Rows that sentences name."""

from edgewise._core.rows import data_rows, row_numbers


def test_rows_are_told_by_number() -> None:
    assert row_numbers([4]) == "row 4 (counted from 0)"
    assert row_numbers(range(3)) == "rows 0, 1 and 2 (counted from 0)"
    assert row_numbers(range(1007)) == "rows 0, 1, 2, 3, 4 and 1,002 more (counted from 0)"
    assert data_rows([4]) == "data row 4"
