"""Raw columns and domains: every encoded row lies in the domain, and its rows come back as raw ones."""

import datetime as dt
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import edgewise as ew
from edgewise import InputError
from edgewise.data import learn_encoding
from edgewise.network.fitted import Fitted, fitted
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import drawn, place
from edgewise.verifying.domain.raw_values import shown
from edgewise.verifying.language.text import parse_conditions

N = 300


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    gap = rng.normal(size=N)
    gap[rng.uniform(size=N) < 0.2] = np.nan
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=int(k)) for k in rng.integers(0, 700, N)]
    return pa.table(
        {
            "x": rng.normal(size=N) * 10,
            "tail": np.exp(5 * rng.normal(size=N)),
            "gap": pa.array(gap, from_pandas=True),
            "same": np.ones(N),
            "flag": rng.uniform(size=N) < 0.5,
            "two": rng.choice([3.0, 7.0], N),
            "kind": rng.choice(["oak", "elm", "ash"], N),
            "hole": pa.array([None if u < 0.2 else "b" if u < 0.6 else "c" for u in rng.uniform(size=N)]),
            "day": days,
        }
    )


@pytest.fixture(scope="module")
def columns(table):
    encoding = learn_encoding(table, np.random.default_rng(1).normal(size=N))
    net = ew.KAN([len(encoding.names), 1], seed=0)
    return Columns(Fitted(net, encoding, (), "y", net))


def test_every_row_lies_in_the_whole_domain(table, columns):
    rows = columns.table(table)
    assert place(columns.whole, rows).all()
    assert columns.whole.whole
    assert "same" not in columns.names
    far = columns.encode(
        {
            "x": 1e9,
            "tail": -1e9,
            "gap": None,
            "flag": None,
            "two": 7.0,
            "kind": "yew",
            "hole": None,
            "day": dt.date(1999, 1, 1),
        }
    )
    assert place(columns.whole, far[None]).all()


def test_rows_come_back(columns):
    rng = np.random.default_rng(2)
    for x in drawn(columns.whole, 100, rng):
        raw = columns.raw_row(x)
        again = columns.encode(raw)
        np.testing.assert_allclose(again, x, rtol=1e-9, atol=1e-9)
        assert all(shown(value) for value in raw.values())


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        ("x in [-5, 5]", lambda row: -5 <= row["x"] <= 5),
        ("tail >= 100", lambda row: row["tail"] >= 100),
        ("tail <= 0.5", lambda row: row["tail"] <= 0.5),
        ("gap <= 0", lambda row: row["gap"] is not None and row["gap"] <= 0),
        ("gap is missing", lambda row: row["gap"] is None),
        ("gap is not missing", lambda row: row["gap"] is not None),
        ("hole is missing", lambda row: row["hole"] is None),
        ("hole is not missing", lambda row: row["hole"] is not None),
        ("flag = yes", lambda row: row["flag"]),
        ("two = 7", lambda row: row["two"] == 7),
        ("two >= 4", lambda row: row["two"] == 7),
        ("kind in {oak, ash}", lambda row: row["kind"] in ("oak", "ash")),
        ('day >= "2020-06-01"', lambda row: row["day"] >= dt.date(2020, 6, 1)),
        ("x <= 3, kind = elm", lambda row: row["x"] <= 3 and row["kind"] == "elm"),
    ],
)
def test_conditions_keep_just_the_rows_they_say(table, columns, text, keeps):
    domain = columns.domain(parse_conditions(text))
    inside = place(domain, columns.table(table))
    wanted = [bool(keeps(row)) for row in table.to_pylist()]
    assert inside.tolist() == wanted
    assert 0 < sum(wanted) < N
    assert not domain.whole


def test_a_condition_that_says_nothing_leaves_the_domain_whole(columns):
    assert columns.domain(parse_conditions("x in [-1e9, 1e9], kind in {oak, elm, ash}")).whole


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("knd = oak", "did you mean 'kind'"),
        ("kind = ok", "did you mean 'oak'"),
        ("kind in [1, 2]", "must be narrowed by its words"),
        ("same = 1", "leaves out"),
        ("two = 5", "must leave some rows"),
        ("x = words", "must hold numbers"),
        ("x in {1, 2}", "one range or one number"),
    ],
)
def test_conditions_that_do_not_fit(columns, text, words):
    with pytest.raises(InputError, match=words):
        columns.domain(parse_conditions(text))


def test_numbers_are_rounded_as_far_as_it_goes(columns):
    x = columns.encode(
        {
            "x": 1.23456789,
            "tail": 2.0,
            "gap": None,
            "flag": True,
            "two": 3,
            "kind": "oak",
            "hole": "b",
            "day": dt.date(2020, 5, 5),
        }
    )
    i = columns.inputs[columns.names.index("x")][0]
    assert columns.raw_row(x, tidy=lambda row: row[i] > 1.2341)["x"] == 1.235
    assert columns.raw_row(x, tidy=lambda row: True)["x"] == 1.23
    assert columns.raw_row(x, tidy=lambda row: row[i] == x[i])["x"] == 1.23456789


def test_a_plain_network_has_the_box_of_its_grids():
    net = ew.KAN([2, 1], grid=(-2.0, 3.0), input_names=["a", "b"], seed=0)
    columns = Columns(fitted(net))
    assert [group.cells for group in columns.whole.groups] == [(((-2.0, 3.0),),)] * 2
    assert not columns.whole.whole
    assert columns.encode([1.0, 2.0]).tolist() == [1.0, 2.0]
    assert columns.encode({"b": 2.0, "a": 1.0}).tolist() == [1.0, 2.0]
    with pytest.raises(InputError, match="must be one row"):
        columns.encode([[1.0, 2.0], [3.0, 4.0]])


@given(seed=st.integers(0, 2**32 - 1))
def test_the_box_of_a_network_in_single_precision_is_that_of_its_numbers(seed):
    """`predict` reads rows in float64: a range rounded to single floats would leave rows out, or take others in."""
    rng = np.random.default_rng(seed)
    net = ew.KAN([2, 1], seed=0)
    with torch.no_grad():
        net.input_shift.copy_(torch.from_numpy(rng.normal(0, 100, 2)))
        net.input_scale.copy_(torch.from_numpy(rng.uniform(0.1, 9, 2)))
    domain = Columns(fitted(net)).domain([])
    for i, group in enumerate(domain.groups):
        ends = [Fraction(float(item)) for item in net.layers[0].domain[i]]
        shift, scale = Fraction(float(net.input_shift[i])), Fraction(float(net.input_scale[i]))
        for end, told in zip(ends, group.cells[0][0], strict=True):
            assert abs(shift + scale * end - Fraction(told)) <= 4 * Fraction(
                float(np.spacing(abs(told) + 100))
            )
