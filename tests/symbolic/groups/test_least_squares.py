"""Least squares by blocks give what least squares of the whole give: constants, errors and sum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import least_squares

from edgewise.forms import parse
from edgewise.forms.tree import Apply, Node, Number, Variable, replaced
from edgewise.symbolic.fitting.least_squares import refit
from edgewise.symbolic.groups.least_squares import GroupedFit, GroupedProblem, fit_together
from edgewise.symbolic.groups.rows import GroupedRows

LAWS = {
    "a*exp(-b*x) + c": (("a", "b"), ("c",)),
    "a*x + b*x^2": (("a",), ("b",)),
    "a*sin(b*x + c)": (("a", "c"), ("b",)),
    "a/(b + x)": ((), ("a", "b")),
    "a*x^b": (("a", "b"), ()),
}


def rows_of(sizes: list[int], seed: int) -> GroupedRows:
    random = np.random.default_rng(seed)
    group = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    X = random.uniform(0.5, 3, (len(group), 1))
    return GroupedRows(("x",), X, random.normal(size=len(group)), group, len(sizes))


def with_law(text: str, rows: GroupedRows, noise: float, seed: int) -> tuple[Node, GroupedRows, dict, dict]:
    random, (own, shared) = np.random.default_rng(seed), LAWS[text]
    drawn = {name: random.uniform(0.8, 1.6, rows.count) for name in own}
    ones = {name: float(random.uniform(0.8, 1.6)) for name in shared}
    tree = parse(text, ["x", *own, *shared]).tree
    problem = GroupedProblem.of(tree, own, shared, rows)
    value = problem.jacobian(problem.joined(drawn, ones))[0]
    y = value + noise * random.normal(size=len(value))
    return tree, GroupedRows(rows.columns, rows.X, y, rows.group, rows.count), drawn, ones


def whole(tree: Node, own: dict, shared: dict, rows: GroupedRows) -> tuple[NDArray, NDArray, float]:
    """The same by indicators of groups as columns: one formula of numbers."""
    flags = [f"_{at}" for at in range(rows.count)]
    values: dict[str, Node] = {name: Number(item) for name, item in shared.items()}
    for name, item in own.items():
        terms = tuple(
            Apply("*", (Number(float(value)), Variable(flag)))
            for value, flag in zip(item, flags, strict=True)
        )
        values[name] = Apply("+", terms) if len(terms) > 1 else terms[0]
    X = np.concatenate([rows.X, np.eye(rows.count)[rows.group]], axis=1)
    found = refit(replaced(tree, values), [*rows.columns, *flags], X, rows.y)
    return np.sort(found.constants), np.sort(found.standard_errors), found.rss


def together(fit: GroupedFit) -> tuple[NDArray, NDArray]:
    constants = np.concatenate([*fit.own.values(), np.array(list(fit.shared.values()))])
    return np.sort(constants), np.sort(
        np.concatenate([*fit.own_errors.values(), np.array(list(fit.shared_errors.values()))])
    )


@settings(max_examples=25, deadline=None)
@given(
    text=st.sampled_from(list(LAWS)),
    sizes=st.lists(st.integers(6, 60), min_size=1, max_size=6),
    noise=st.sampled_from([0.0, 0.01]),
    seed=st.integers(0, 1000),
)
def test_blocks_and_the_whole_agree(text: str, sizes: list[int], noise: float, seed: int) -> None:
    tree, rows, own, shared = with_law(text, rows_of(sizes, seed), noise, seed)
    start = {name: 1.03 * item for name, item in own.items()}
    ones = {name: 0.98 * item for name, item in shared.items()}
    fit = fit_together(tree, start, ones, rows)
    constants, errors, rss = whole(tree, start, ones, rows)
    assert fit.rss == pytest.approx(rss, rel=1e-6, abs=1e-20)
    mine, mine_errors = together(fit)
    assert mine == pytest.approx(constants, rel=1e-5)
    if noise:
        assert mine_errors == pytest.approx(errors, rel=1e-3)


def test_it_is_the_minimum_that_scipy_finds() -> None:
    tree, rows, own, shared = with_law("a*exp(-b*x) + c", rows_of([20, 9, 41], 5), 0.05, 2)
    fit = fit_together(tree, own, shared, rows)
    problem = GroupedProblem.of(tree, tuple(own), tuple(shared), rows)
    start = problem.joined(own, shared)
    found = least_squares(lambda point: problem.jacobian(point)[0] - rows.y, start, xtol=1e-12, ftol=1e-12)
    assert 2 * found.cost == pytest.approx(fit.rss, rel=1e-8)
    assert problem.joined(fit.own, fit.shared) == pytest.approx(found.x, rel=1e-4)


def test_slopes_are_those_of_finite_differences() -> None:
    tree, rows, own, shared = with_law("a*sin(b*x + c)", rows_of([12, 30], 3), 0.0, 1)
    problem = GroupedProblem.of(tree, tuple(own), tuple(shared), rows)
    point = problem.joined(own, shared)
    exact = problem.spread(problem.jacobian(point)[1])
    for at, step in enumerate(1e-6 * np.eye(len(point))):
        slope = (problem.jacobian(point + step)[0] - problem.jacobian(point - step)[0]) / 2e-6
        assert exact[:, at] == pytest.approx(slope, abs=1e-8)


def test_constants_that_nothing_determines_have_no_error_and_stay_finite() -> None:
    rows = rows_of([20, 20], 0)
    y = 2 * rows.X[:, 0] + 0.01 * rows.y
    rows = GroupedRows(rows.columns, rows.X, y, rows.group, 2)
    tree = parse("a*b*x", ["x", "a", "b"]).tree
    fit = fit_together(tree, {"a": np.array([1.0, 1.5])}, {"b": 1.0}, rows)
    assert np.isfinite([*fit.own["a"], fit.shared["b"]]).all()
    assert math.isinf(fit.shared_errors["b"])
    assert np.isinf(fit.own_errors["a"]).all()


def test_a_formula_without_a_value_has_an_infinite_sum() -> None:
    rows = rows_of([10, 10], 0)
    fit = fit_together(parse("a*log(x - b)", ["x", "a", "b"]).tree, {"a": np.ones(2)}, {"b": 2.0}, rows)
    assert math.isinf(fit.rss)


def test_a_jump_has_the_error_of_the_rows_beside_it() -> None:
    """Slopes are zero there: its place is known to within the next row's."""
    group, x = np.repeat([0, 1], 50), np.tile(np.linspace(0, 1, 50), 2)
    y = np.where(x >= np.where(group == 0, 0.3, 0.6), 2.0, 0.0) + 0.01 * np.sin(99 * x)
    rows = GroupedRows(("x",), x[:, None], y, group, 2)
    tree = parse("a*step(x - b)", ["x", "a", "b"]).tree
    fit = fit_together(tree, {"b": np.array([0.3, 0.6])}, {"a": 1.9}, rows)
    assert fit.shared["a"] == pytest.approx(2, abs=0.01)
    assert (fit.own_errors["b"] > 0).all()
    assert (fit.own_errors["b"] < 1 / 49).all()
