"""Values with their errors, Fortran's exponents, titles and units of physicists: read back exactly as written."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise.data import provenance, read_frame
from edgewise.data.frames import sigma_of
from edgewise.symbolic.units.text import unit_powers

# Whole digits, decimals, and the power of ten behind them.
VALUE = st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 8), st.integers(1, 999), st.integers(-9, 9))


def written(value: tuple[int, int, int, int], sign: str) -> tuple[str, Decimal, Decimal]:
    """A cell, the value in it and its error."""
    digits, decimals, error, power = value
    number, size = Decimal(digits).scaleb(-decimals), Decimal(error).scaleb(-decimals)
    scale = f"e{power}" if power else ""
    if sign == "()":
        return f"{number:f}({error}){scale}", number.scaleb(power), size.scaleb(power)
    if power:
        return f"({number:f}{sign}{size:f}){scale}", number.scaleb(power), size.scaleb(power)
    return f"{number:f}{sign}{size:f}", number, size


def frame_of(folder: Any, text: str) -> Any:
    path = Path(folder) / "table.csv"
    path.write_text(text, encoding="utf-8")
    return read_frame(path)


@given(
    st.lists(VALUE, min_size=1, max_size=6), st.sampled_from(["+-", "±", " ± ", " +/- ", "()"]), st.booleans()
)
def test_values_and_errors_come_back_exactly(
    tmp_path_factory: Any, values: Any, sign: str, gap: bool
) -> None:
    cells = [written(value, sign) for value in values]
    lines = [f"{k};{cell}" for k, (cell, _, _) in enumerate(cells)]
    frame = frame_of(
        tmp_path_factory.mktemp("measured"), "\n".join(["n;y", *lines, *(["9;"] if gap else [])])
    )
    sigma = sigma_of(frame, "y")
    assert sigma is not None
    found = np.array(frame.column("y").to_pylist()[: len(cells)], dtype=float)
    np.testing.assert_array_equal(found, [float(value) for _, value, _ in cells])
    np.testing.assert_array_equal(sigma[: len(cells)], [float(error) for _, _, error in cells])
    assert sigma_of(frame, "n") is None
    assert not gap or np.isnan(sigma[-1])


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6), st.sampled_from("dD")
)
def test_fortran_writes_d_for_e(tmp_path_factory: Any, values: list[float], letter: str) -> None:
    lines = [f"{k},{value:.17e}".replace("e", letter) for k, value in enumerate(values)]
    frame = frame_of(tmp_path_factory.mktemp("fortran"), "\n".join(["n,y", *lines]))
    np.testing.assert_array_equal(frame.column("y").to_numpy(), values)


@pytest.mark.parametrize(
    "words", [["2D3", "3D4"], ["2.0±0.1", "3.0"], ["a(3)", "b(4)"], ["1,234±5", "2,000±7"]]
)
def test_labels_stay_words(tmp_path: Path, words: list[str]) -> None:
    frame = frame_of(tmp_path, "\n".join(["n;y", *(f"{k};{word}" for k, word in enumerate(words))]))
    assert frame.column("y").to_pylist() == words


@given(
    st.lists(st.sampled_from(["Spectrum of 1990", "by COBE", "Data"]), min_size=0, max_size=3),
    st.sampled_from([",", ";", "\t", "|"]),
    st.booleans(),
)
def test_lines_of_a_title_are_left_out(
    tmp_path_factory: Any, titles: list[str], mark: str, units: bool
) -> None:
    heads = [["f", "I"], ["1/cm", "MJy/sr"]][: 1 + units]
    rows = [mark.join(row) for row in [*heads, ["1", "2.5"], ["2", "3.5"], ["3", "4.5"]]]
    frame = frame_of(tmp_path_factory.mktemp("title"), "\n".join([*titles, *rows]))
    assert frame.to_pydict() == {"f": [1, 2, 3], "I": [2.5, 3.5, 4.5]}
    assert dict(provenance(frame).units) == ({"f": "1/cm", "I": "MJy/sr"} if units else {})


def test_an_unknown_unit_is_named_and_the_others_count(tmp_path: Path) -> None:
    frame = frame_of(tmp_path, "t,I\ns,wibbles\n1,2\n2,3\n3,4\n")
    assert provenance(frame).units == {"t": "s", "I": "wibbles"}
    assert "wibbles" in provenance(frame).dialect


@pytest.mark.parametrize(
    ("unit", "powers"),
    [
        ("MJy/sr", {"mass": 1, "time": -2}),
        ("eV/u", {"length": 2, "time": -2}),
        ("counts/s", {"time": -1}),
        ("Msun", {"mass": 1}),
        ("Angstrom", {"length": 1}),
    ],
)
def test_units_of_physicists(unit: str, powers: dict[str, int]) -> None:
    assert unit_powers(unit, "a column") == powers
