"""Laws over groups where their constants were not fitted."""

from __future__ import annotations

import numpy as np
import pytest

from edgewise.forms.parser import read
from edgewise.symbolic import find_formula
from edgewise.symbolic.groups.constants import Tied, apart
from edgewise.symbolic.groups.grouped_formula import GroupedFormula
from edgewise.symbolic.groups.outside import outside
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import with_shared


def _rows(count: int, size: int, noise: float) -> GroupedRows:
    rng = np.random.default_rng(3)
    t = np.tile(np.linspace(0.1, 4, size), count)
    group = np.repeat(np.arange(count), size)
    y = rng.uniform(2, 5, count)[group] * np.exp(-0.8 * t) + noise * rng.normal(size=len(t))
    return GroupedRows(("t",), t[:, None], y, group, count)


def _fitted(text: str, names: tuple[str, ...], shared: tuple[str, ...], rows: GroupedRows) -> Tied:
    model = apart((read(text, ("t", *names)), names, (1.0,) * len(names)), rows, 0)
    assert model is not None
    for name in shared:
        model = with_shared(model, name, rows)
        assert model is not None
    return model


def test_ends_and_groups_are_predicted_as_numpy_does() -> None:
    rows = _rows(4, 20, 0.1)
    model = _fitted("a*t + b", ("a", "b"), ("a",), rows)
    found = outside(model, rows, "ABCD", ("t",), 4)
    assert found is not None
    table = np.column_stack([rows.X[:, 0], np.eye(4)[rows.group]])
    t, errors, squares = rows.X[:, 0], dict[str, float](), list[np.ndarray]()
    for name, end in (("lowest", t <= np.quantile(t, 0.2)), ("highest", t >= np.quantile(t, 0.8))):
        solution = np.linalg.lstsq(table[~end], rows.y[~end], rcond=None)[0]
        squares.append(np.square(table @ solution - rows.y)[end])
        errors[f"the {name} fifth of t in every group"] = np.sqrt(squares[-1].mean())
    for at, label in enumerate("ABCD"):
        there = rows.group == at
        slope = np.linalg.lstsq(np.delete(table, at + 1, axis=1)[~there], rows.y[~there], rcond=None)[0][0]
        left = (rows.y - slope * t)[there]
        squares.append(np.square(left[1::2] - left[::2].mean()))
        errors[f"the group {label}"] = np.sqrt(squares[-1].mean())
    worst = max(errors, key=lambda region: errors[region])
    assert found.region == worst
    assert found.error == pytest.approx(errors[worst], rel=1e-6)
    assert found.typical == pytest.approx(np.sqrt(np.concatenate(squares).mean()), rel=1e-6)


def test_a_law_goes_on_and_a_polynomial_does_not() -> None:
    rows = _rows(5, 30, 0.02)
    law = outside(_fitted("a*exp(-b*t)", ("a", "b"), ("b",), rows), rows, "ABCDE", ("t",), 8)
    cubic = outside(
        _fitted("a + b*t + c*t^2 + d*t^3", ("a", "b", "c", "d"), (), rows), rows, "ABCDE", ("t",), 4
    )
    assert law is not None
    assert cubic is not None
    assert law.error < 0.06
    assert cubic.error > 5 * law.error
    assert "fifth of t in every group" in cubic.region


def test_groups_of_few_rows_judge_nothing() -> None:
    rows = _rows(3, 5, 0.02)
    assert outside(_fitted("a*exp(-b*t)", ("a", "b"), ("b",), rows), rows, "ABC", ("t",), 6) is None


@pytest.mark.slow
def test_a_search_shows_the_errors_of_every_rival() -> None:
    rows = _rows(4, 25, 0.05)
    found = find_formula(rows.X, rows.y, groups=np.array(list("ABCD"))[rows.group], names=["t"], work="quick")
    shown = [rival for rival in (found.best, *found.rivals) if isinstance(rival, GroupedFormula)]
    assert shown
    assert all(item.outside is not None for item in shown)
    assert isinstance(found.best, GroupedFormula)
    assert "outside" in str(found)
    assert found.best.to_dict()["outside"]["region"]
