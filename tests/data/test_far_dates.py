"""Dates beyond what microseconds count to are refused, in whatever unit and kind of table they come."""

import datetime as dt

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import edgewise as ew
from edgewise.data.encoding_columns import numbers_of
from edgewise.data.encoding_raw import raw_table

SECONDS = {
    "Y": 31_556_952,
    "M": 2_629_746,
    "W": 604_800,
    "D": 86_400,
    "h": 3600,
    "m": 60,
    "s": 1,
    "ms": 0.001,
}
REACH = 2**63 / 1e6  # seconds that a signed count of microseconds holds


def days(cells):
    return raw_table({"when": cells}).columns[0].numbers


@pytest.mark.parametrize("unit", SECONDS)
@pytest.mark.parametrize("kind", "mM")
def test_far_dates_are_refused_in_every_unit(unit: str, kind: str) -> None:
    # Python's whole numbers are the oracle: they do not wrap.
    rng, size = np.random.default_rng(0), SECONDS[unit]
    for share in [*rng.uniform(-0.99, 0.99, 6), *rng.uniform(1.01, 9, 6), -1.01, -3.0]:
        count = int(share * REACH / size)
        if abs(count) >= 2**63:
            continue
        cells = np.array([0, count], dtype=f"{kind}8[{unit}]")
        if abs(share) < 1:
            assert days(cells)[1] == pytest.approx(count * size / 86_400, rel=1e-4)
        else:
            with pytest.raises(ew.InputError, match="when") as error:
                days(cells)
            assert error.value.rows == (1,)


def test_fine_units_and_gaps_stay() -> None:
    for unit in ("us", "ns", "ps"):
        ends = np.array([2**63 - 1, -(2**63) + 1, 0], dtype="i8").view(f"M8[{unit}]")
        assert np.isfinite(days(ends)).all()
    assert np.isnan(days(np.array(["NaT"], dtype="M8[Y]"))).all()


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series("when", [5_000_000_00], dtype=pl.Int32).cast(pl.Date),
        pa.array([500_000_000], pa.date32()),
        pa.array([10**14], pa.timestamp("s")),
        [np.datetime64("300000-01-01"), dt.date(2020, 1, 1)],
        ["300000-01-01"],
    ],
    ids=["polars", "date32", "seconds", "objects", "words"],
)
def test_so_are_those_of_frames_objects_and_words(cells) -> None:
    table = pa.table({"when": cells}) if isinstance(cells, pa.Array) else {"when": cells}
    table = pl.DataFrame(table) if isinstance(cells, pl.Series) else table
    with pytest.raises(ew.InputError, match="when"):
        numbers_of(raw_table(table).columns[0], "when", "date")


def test_no_word_means_another_day_tomorrow() -> None:
    with pytest.raises(ew.InputError):
        numbers_of(raw_table({"when": ["today"]}).columns[0], "when", "date")
