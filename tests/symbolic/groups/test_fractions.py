"""Laws over groups as sums of partial fractions: the same values, fewer or as many constants."""

import numpy as np
import pytest

from edgewise.forms import parse
from edgewise.forms.tree import render
from edgewise.symbolic.groups.constants import Tied, apart, residuals
from edgewise.symbolic.groups.fractions import in_fractions
from edgewise.symbolic.groups.mending import written
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import tie
from edgewise.symbolic.groups.structure_pool import StructurePool


def model_of(text: str, names: list[str], starts: list[float], noise: float) -> tuple[Tied, GroupedRows]:
    """Van der Waals' gas in eight vessels, in some writing."""
    random = np.random.default_rng(0)
    T, V = random.uniform(280, 400, 240), random.uniform(0.4, 3, 240)
    size, pull = np.repeat(random.uniform(0.02, 0.09, 8), 30), np.repeat(random.uniform(1, 8, 8), 30)
    y = 0.0831446 * T / (V - size) - pull / V**2
    y += noise * random.normal(size=240)
    rows = GroupedRows(("T", "V"), np.column_stack([T, V]), y, np.repeat(np.arange(8), 30), 8)
    model = apart((parse(text, ["T", "V", *names]).tree, tuple(names), tuple(starts)), rows, 0)
    assert model is not None
    return tie(model, rows), rows


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_factors_of_several_constants_become_one(noise: float) -> None:
    model, rows = model_of("c*(T - a/(V*b) + a/V^2)/(V - b)", ["a", "b", "c"], [3.0, 0.05, 0.08], noise)
    rank = StructurePool(rows, 0).rank
    made = in_fractions(model, rows, rank)
    assert rank(made) < rank(model)
    assert len(made.own) <= len(model.own)
    left, before = residuals(made, rows), residuals(model, rows)
    assert left is not None
    assert before is not None
    np.testing.assert_allclose(left, before, atol=1e-6 * np.abs(rows.y).max())
    text = render(written(made, rows.columns).tree)
    assert text.count("a") == text.count("b") == 1, text


@pytest.mark.parametrize("text", ["a*T/(V - b)", "a*exp(T/300)/V + b", "a*T + b*V"])
def test_what_is_no_sum_of_fractions_stays(text: str) -> None:
    model, rows = model_of(text, ["a", "b"], [0.1, 0.05], 0.01)
    assert in_fractions(model, rows, StructurePool(rows, 0).rank) is model
