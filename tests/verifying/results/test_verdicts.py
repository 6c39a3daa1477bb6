"""Verdicts: what they are true of, what they say, what JSON keeps of them."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgewise import KAN, InputError, StopReason
from edgewise.verifying.domain.domain import Domain, Group
from edgewise.verifying.results.verdicts import Proved, Refuted, Undecided, ended_by, table_of
from edgewise.verifying.results.witness import Case, in_float64, moved

numbers = st.floats(-1e6, 1e6)


def test_proved_is_true_refuted_false_and_undecided_neither():
    assert Proved("p", "all", None, 0.1, 0.2)
    assert not Refuted("p", "all", (Case({"x": 1.0}, {"y": 2.0}),), 0.3, "too high", 0.2)
    with pytest.raises(InputError, match=r"answer\.proved"):
        bool(Undecided("p", "all", -1.0, 2.0, 0.2, "why", StopReason.WORK_SPENT))


@given(numbers, st.one_of(numbers, st.just(math.inf)))
def test_json_keeps_every_bound_that_is_a_number(lower, upper):
    told = Undecided("p", "all", lower, upper, 0.2, "why", StopReason.WORK_SPENT).to_dict()
    again = json.loads(json.dumps(told, allow_nan=False))
    assert again["lower"] == lower
    assert again["upper"] == (upper if math.isfinite(upper) else None)
    assert again["stop_reason"] == StopReason.WORK_SPENT.value


@pytest.mark.parametrize(("lower", "word"), [(-0.5, "kept with 0.5 to spare"), (0.25, "exceeded by 0.25")])
def test_an_undecided_says_on_which_side_the_worst_row_lies(lower, word):
    assert word in str(Undecided("p", "all", lower, 1.0, 0.2, "why", StopReason.TIED))


def test_what_differs_between_two_rows_is_marked():
    cases = (
        Case({"age": 40.0, "kind": "a"}, {"y": 1.0}, "no"),
        Case({"age": 41.0, "kind": "a"}, {"y": 2.0}, "yes"),
    )
    marked = {line.split()[1] for line in table_of(cases) if line.startswith("  *")}
    assert marked == {"age", "y", "decision"}


def test_parts_are_told_where_there_are_several():
    assert ended_by(StopReason.TIME_LIMIT) == "the time was up"
    assert ended_by(StopReason.TIME_LIMIT, (2, 5)) == "the time was up with 2 of 5 parts proved"


def test_outputs_of_a_float32_network_are_those_of_its_numbers_in_float64():
    net = KAN([3, 4, 2], seed=0)
    rows = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    assert in_float64(net, rows) == pytest.approx(net.to(torch.float64).predict(rows), rel=1e-13, abs=1e-13)


@given(st.integers(0, 2))
def test_a_group_that_is_moved_is_at_its_cell_and_the_others_stay(cell):
    levels = Group(
        "kind", (1, 2), tuple(((float(k == 1),) * 2, (float(k == 2),) * 2) for k in range(3)), ("",) * 3
    )
    domain = Domain((Group("x", (0,), (((-1.0, 1.0),),), ("",)), levels))
    rows = np.random.default_rng(1).uniform(-1, 1, (5, 3))
    there = moved(rows, domain, (1, cell))
    assert (there[:, 0] == rows[:, 0]).all()
    assert (there[:, 1:] == [cell == 1, cell == 2]).all()
    assert moved(rows, domain, None) is rows
