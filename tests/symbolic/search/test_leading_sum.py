"""When a sum of terms ends a search under noise."""

from __future__ import annotations

import numpy as np

from edgewise._core.work import Meter
from edgewise.forms import parse
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.search.leading_sum import known, leads
from edgewise.symbolic.search.search_space import Limits
from edgewise.symbolic.search.search_state import Search

NAMES = ("x", "t")
LAW = "1.93*x*t - 1.3*x*exp(-2.73*t) - 0.39*sin(2.16*t)"


def search() -> Search:
    rng = np.random.default_rng(0)
    X = rng.uniform(0.2, 4.0, (1000, 2))
    y = 1.93 * X[:, 0] * X[:, 1] - 1.3 * X[:, 0] * np.exp(-2.73 * X[:, 1]) - 0.39 * np.sin(2.16 * X[:, 1])
    rows = SplitRows.split(NAMES, X, y + 0.01 * y.std() * rng.standard_normal(1000), 0.2, 0)
    made = Search(rows, Limits.read(NAMES), (), Meter(), np.inf)
    made.floor = 0.01 * float(y.std())
    return made


def added(made: Search, *texts: str) -> frozenset[str]:
    before = known(made)
    made.add([parse(text, list(NAMES)).tree for text in texts], None)
    return known(made) - before


def test_the_law_leads_and_what_falls_short_does_not() -> None:
    made = search()
    short = added(made, "1.9*x*t - 1.3*x")
    assert not leads(made, short)
    assert leads(made, added(made, LAW))


def test_nothing_leads_that_another_kind_of_formula_equals() -> None:
    made = search()
    added(made, LAW)
    assert not leads(made, added(made, LAW + " + 0.01"))
    assert not leads(made, frozenset())
