"""Tables in words: whatever library they come from, the same summary."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from edgewise import InputError
from edgewise.report import summarise
from edgewise.report.content.columns import summarise_classes, summarise_numbers

DATA = {
    "age": [31, 45, None, 31, 60, 22],
    "pay": [1.5, 2.5, 3.25, 1e6, 2.0, 0.0],
    "job": ["smith", "baker", None, "smith", "smith", "clerk"],
    "member": [True, False, True, True, False, True],
    "since": [dt.date(2020, 1, k + 1) for k in range(6)],
    "still": [7.0] * 6,
    "gone": [float("nan")] * 6,
}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, dict])
def test_every_library_gives_the_same(make):
    age, pay, job, member, since, still, gone = summarise(make(DATA))
    assert (age.kind, age.low, age.median, age.high) == ("whole number", 22.0, 31.0, 60.0)
    assert age.missing == pytest.approx(1 / 6)
    assert age.histogram == (1, 2, 1, 1)
    assert pay.kind == "number"
    assert (sum(pay.histogram), pay.histogram[-1]) == (6, 1)
    assert (job.kind, job.levels[0], job.distinct) == ("category", ("smith", 3), 3)
    assert job.missing == pytest.approx(1 / 6)
    assert (member.kind, member.levels) == ("yes or no", (("yes", 4), ("no", 2)))
    assert (since.kind, since.levels) == ("date", (("from 2020-01-01", 1), ("to 2020-01-06", 1)))
    assert (still.kind, still.low) == ("constant", 7.0)
    assert (gone.kind, gone.missing) == ("empty", 1.0)


def test_text_is_told_from_categories():
    (text,) = summarise({"note": [f"remark {k}" for k in range(200)]})
    assert (text.kind, text.distinct, len(text.levels)) == ("text", 200, 12)


@pytest.mark.parametrize("scale", [1e-300, 1.0, 8e307])
def test_ranges_of_every_size(scale):
    (one,) = summarise_numbers(("x",), np.array([[-2.0], [-1.0], [0.5], [2.0]]) * scale)
    assert sum(one.histogram) == 4


def test_targets_of_classes():
    one = summarise_classes("y", ("a", "b", "c"), np.array([0.0, 2.0, 2.0]))
    assert (one.kind, one.levels, one.distinct) == ("category", (("c", 2), ("a", 1)), 2)


def test_what_is_no_table():
    with pytest.raises(InputError, match="'frame'"):
        summarise(3)
