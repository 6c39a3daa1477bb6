"""Special codes are told from ordinary numbers, and no ordinary column has any by accident."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.data import Encoding, NumberColumn, learn_encoding
from edgewise.data.encoding_learn import special_codes

ORDINARY = {
    "normal": lambda r, n: r.normal(5, 3, n),
    "signed whole numbers": lambda r, n: np.round(r.normal(4, 3, n)),
    "counts": lambda r, n: r.poisson(4, n),
    "counts with many zeros": lambda r, n: r.poisson(6, n) * (r.random(n) < 0.2),
    "counts with a long tail": lambda r, n: r.zipf(1.6, n),
    "amounts with many zeros": lambda r, n: np.round(r.lognormal(8, 2, n)) * (r.random(n) < 0.1),
    "zeros far below": lambda r, n: r.integers(5000, 8000, n) * (r.random(n) < 0.5),
    "log-normal": lambda r, n: r.lognormal(0, 2, n),
    "Cauchy": lambda r, n: r.standard_cauchy(n),
    "Cauchy in whole numbers": lambda r, n: np.round(r.standard_cauchy(n)),
    "geometric from -1": lambda r, n: r.geometric(0.4, n) - 2,
    "from -3 to 4": lambda r, n: r.integers(-3, 5, n),
    "two far values": lambda r, n: r.choice([0, 999], n),
    "grades": lambda r, n: r.integers(1, 6, n),
    "years": lambda r, n: r.integers(1900, 2020, n),
    "hundreds, signed": lambda r, n: 100 * r.integers(-2, 30, n),
    "gains and a few losses": lambda r, n: np.round(r.normal(40, 18, n)),
}


@pytest.mark.parametrize("kind", ORDINARY)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([100, 300, 3000]))
@settings(max_examples=25, deadline=None)
def test_ordinary_columns_have_no_codes(kind: str, seed: int, size: int) -> None:
    x = np.asarray(ORDINARY[kind](np.random.default_rng(seed), size), dtype=np.float64)
    assert special_codes(x, np.ones(size), max(2, min(20, size // 40))) == ()


CODED = {
    "scores": (lambda r, n: r.integers(0, 101, n), (-9.0, -8.0, -7.0)),
    "counts": (lambda r, n: r.poisson(5, n), (-9.0,)),
    "months": (lambda r, n: np.round(r.lognormal(4.5, 0.8, n)), (-8.0, -7.0)),
    "amounts": (lambda r, n: r.lognormal(0, 2, n), (-1.0,)),
    "ages": (lambda r, n: r.integers(18, 90, n), (998.0, 999.0)),
    "days since": (lambda r, n: r.integers(0, 30, n), (999.0,)),
    "temperatures": (lambda r, n: r.normal(10, 8, n), (-999.0, 9999.0)),
    "grades": (lambda r, n: r.integers(1, 6, n), (-9.0,)),
}


@pytest.mark.parametrize("kind", CODED)
@given(seed=st.integers(0, 10**6), share=st.floats(0.05, 0.7))
@settings(max_examples=25, deadline=None)
def test_codes_are_found(kind: str, seed: int, share: float) -> None:
    make, codes = CODED[kind]
    rng = np.random.default_rng(seed)
    x = np.asarray(make(rng, 1000), dtype=np.float64)
    for place, code in enumerate(codes):
        x[place :: max(2, round(len(codes) / share))] = code
    assert special_codes(x, np.ones(1000), 20) == codes
    order = rng.permutation(1000)
    assert special_codes(x[order], np.ones(1000), 20) == codes


def test_a_value_of_many_rows_next_to_the_others_is_a_code_where_it_is_negative() -> None:
    """Days since the last call, -1 where there was none."""
    rng = np.random.default_rng(0)
    x = np.where(rng.random(2000) < 0.7, -1.0, rng.integers(0, 40, 2000))
    assert special_codes(x, np.ones(2000), 20) == (-1.0,)
    x = np.where(rng.random(2000) < 0.02, -1.0, rng.integers(0, 40, 2000))
    assert special_codes(x, np.ones(2000), 20) == ()


def coded(n: int = 400) -> dict[str, list[float | None]]:
    rng = np.random.default_rng(1)
    x = rng.integers(20, 80, n).astype(float).tolist()
    return {"x": [(-9.0, -8.0, None)[k % 3] if k % 5 == 0 else v for k, v in enumerate(x)]}


def test_a_code_is_an_input_of_its_own_and_stretches_no_range() -> None:
    encoding = learn_encoding(coded(), np.zeros(400))
    assert encoding.names == ("x", "x is missing", "x is -9", "x is -8")
    assert encoding.levels == (0, 2, 2, 2)
    column = encoding.columns[0]
    assert isinstance(column, NumberColumn)
    assert (column.low, column.high) == (20.0, 79.0)
    inputs = encoding.apply({"x": [-9.0, -8.0, None, 50.0, -7.0]})
    assert inputs[:, 1:].tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert inputs[:3, 0].tolist() == [column.fill] * 3
    assert inputs[3, 0] == 50.0
    assert [column.marked(k) for k in range(3)] == [None, -9.0, -8.0]
    assert "-9, -8 in x" in encoding.codes_sentence


def test_files_with_and_without_codes_are_read() -> None:
    encoding = learn_encoding(coded(), np.zeros(400))
    told = json.loads(json.dumps(encoding.to_json()))
    assert Encoding.from_json(told) == encoding
    plain = learn_encoding({"x": np.arange(50.0)}, np.zeros(50))
    # As files were before columns knew of codes.
    assert "codes" not in plain.to_json()["columns"][0]
    assert Encoding.from_json(plain.to_json()) == plain
