"""Answers say of which raw rows they are: of weighed columns a range, of two-valued ones the two."""

import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edgewise as ew
from edgewise.verifying.checker import check


@cache
def model():
    rng = np.random.default_rng(0)
    n = 400
    table = {
        "age": rng.uniform(18, 80, n).round(),
        "income": np.where(rng.random(n) < 0.1, np.nan, rng.uniform(0, 100, n).round(1)),
        "member": rng.integers(0, 2, n).astype(float),
        "day": np.datetime64("2020-01-01") + rng.integers(0, 300, n),
    }
    y = 0.1 * table["age"] + 0.02 * np.nan_to_num(table["income"]) + table["member"]
    return ew.KANRegressor(mode="additive", members=1, random_state=0).fit(table, y + rng.normal(0, 0.1, n))


def predicted(**cells):
    row = {"age": 50.0, "income": 50.0, "member": 1.0, "day": np.datetime64("2020-05-01")} | cells
    n = max(np.size(value) for value in row.values())
    return model().predict({name: np.broadcast_to(value, n) for name, value in row.items()})


@given(st.floats(-2000, 2000))
@settings(max_examples=15, deadline=None)
def test_a_weighted_sum_holds_on_the_raw_range_that_is_stated(tmp_path_factory, bound):
    answer = ew.verify(model(), ew.properties.linear({"age": 1, "output": -1}, bound))
    low, high = map(float, re.search(r"age in \[(\S+), (\S+)\]", answer.domain).groups())
    assert -14 < low < 18 < 80 < high < 112
    if answer.proved:
        ages = np.linspace(low, high, 400)
        for member in (0.0, 1.0):
            assert (ages - predicted(age=ages, member=member) <= bound).all()
        folder = tmp_path_factory.mktemp("proof")
        ew.save(model(), folder / "m.kan")
        answer.certificate.save(folder / "p.json")
        told = check(folder / "p.json", folder / "m.kan")
        assert told.accepted
        assert f"age in [[{low}, {high}]]" in told.claim
    else:
        row = answer.witness
        assert row["age"] - model().predict({name: [value] for name, value in row.items()})[0] > bound
        assert low <= row["age"] <= high


def test_the_old_counterexample_is_outside_of_what_is_said():
    """Beyond the range the model reads 1000 as an end, and the sum of the raw number breaks every bound."""
    answer = ew.verify(model(), "age - output <= 150")
    assert answer.proved
    assert "every row where age in [" in answer.domain
    assert 1000 - predicted(age=1000.0)[0] > 150
    assert not answer.certificate.document["domain"]["whole"]


def test_ranges_that_are_asked_for_are_kept_or_refused():
    near = ew.verify(model(), "age - output <= 150 where age in [20, 60]")
    assert near.domain == "every row where age in [20, 60]"
    open_ended = ew.verify(model(), "age - output <= 150 where age >= 20")
    assert re.fullmatch(r"every row where age >= 20, age in \[1\d\.\d+, 8\d\.\d+\]", open_ended.domain)
    for where in ("age in [20, 1000]", "age >= -500", "age = 300"):
        with pytest.raises(ew.InputError, match=r"must keep to .* narrow it"):
            ew.verify(model(), "age - output <= 150", where=where)
        with pytest.raises(ew.InputError, match=r"must keep to .* narrow it"):
            ew.verify(model(), 'formula("age", 500)', where=where)
    # For what the model says alone it makes no difference.
    assert ew.verify(model(), "output <= 50 where age in [20, 1000]").proved


def test_missing_cells_and_dates_and_two_values_are_spoken_of():
    answer = ew.verify(model(), "income + day + member - output <= 30000")
    assert re.search(r"income in \[\S+, \S+\], day in \[\"20\d\d-\d\d-\d\d\", \"20", answer.domain)
    assert "member in {0, 1}" in answer.domain
    formula = ew.verify(model(), 'formula("0.1*age + 0.02*income + member", 30)', where='day = "2020-05-01"')
    assert formula.proved
    assert all(f"{name} in " in formula.domain for name in ("age", "income", "member"))
    for text in ("output <= 50", "age - output <= 150", "monotone(age, increasing)"):
        assert any("member (0, 1)" in remark for remark in ew.verify(model(), text).remarks)
