"""Wide tables: the columns that matter are found, and a search over thousands of them keeps its time."""

from __future__ import annotations

import time

import numpy as np
import pytest

from edgewise import InputError
from edgewise.symbolic import find_formula
from edgewise.symbolic.screen import MOST_COLUMNS, related

RANDOM = np.random.default_rng(0)
WIDE = RANDOM.normal(size=(120, 3000))


def test_few_columns_are_all_kept() -> None:
    assert related(WIDE[:, :MOST_COLUMNS], WIDE[:, 0]).tolist() == list(range(MOST_COLUMNS))


@pytest.mark.parametrize(
    "bend", [np.square, np.exp, np.abs, lambda x: -x, np.tanh, lambda x: x**3, lambda x: np.exp(20 * x)]
)
def test_a_column_is_found_through_any_plain_bend(bend: object) -> None:
    kept = related(WIDE, bend(WIDE[:, 1234]))  # type: ignore[operator]
    assert 1234 in kept
    assert len(kept) == MOST_COLUMNS
    assert (np.diff(kept) > 0).all()


def test_units_and_constant_columns_do_not_matter() -> None:
    y = WIDE[:, 7] ** 2
    scaled = WIDE * 10.0 ** RANDOM.integers(-200, 200, WIDE.shape[1])
    scaled[:, 10:20] = 3.0
    kept, plain = related(scaled, y, 5), related(WIDE, y, 5)
    assert kept[0] == plain[0] == 7
    assert not set(range(10, 20)) & set(kept.tolist())
    assert related(WIDE, np.ones(120), 5).tolist() == [0, 1, 2, 3, 4]


def test_a_law_in_a_wide_table_is_found_in_its_time_and_told_in_all_columns() -> None:
    began = time.process_time()
    names = [f"c{k}" for k in range(WIDE.shape[1])]
    found = find_formula(WIDE, 2 * WIDE[:, 1234] ** 2 + 1, names=names, seconds=5)
    assert "c1234^2" in found.best.text
    assert found.best.names == tuple(names)
    assert all(each.names == tuple(names) for each in found.front)
    np.testing.assert_allclose(found.best.predict(WIDE), 2 * WIDE[:, 1234] ** 2 + 1, rtol=1e-9)
    assert f"of 3,000 columns the {MOST_COLUMNS} that y follows most closely were searched" in found.message
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"callbacks": 3}, "'callbacks'"),
        ({"callbacks": [3]}, "'callbacks'"),
        ({"forms": 3}, "'forms'"),
        ({"X": np.zeros((9, 0))}, "at least 1 column"),
        ({"y": np.full(9, 1e300)}, "'y' parameter of find_formula must have its largest entry between"),
        ({"y": np.full(9, 1e-300)}, "'y'"),
    ],
)
def test_bad_arguments_end_in_one_sentence(options: dict[str, object], message: str) -> None:
    arguments = {"X": WIDE[:9, :2], "y": WIDE[:9, 0], "seconds": 0.5, **options}
    with pytest.raises(InputError, match=message):
        find_formula(**arguments)  # type: ignore[arg-type]
