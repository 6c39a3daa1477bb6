"""Which constants of a formula are worth being each group's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms import parse
from edgewise.forms.tree import Apply, Node, Number, Variable
from edgewise.symbolic.groups.constants import Tied, apart, distinct
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import differ, made_plain, released, tie, with_shared
from edgewise.symbolic.groups.template import template


def line(own: np.ndarray, seed: int, rows: int = 40) -> tuple[Tied, Tied, GroupedRows]:
    """A line through the origin in each group with its own slope, fitted apart and with one slope."""
    random = np.random.default_rng(seed)
    x = random.uniform(1, 2, len(own) * rows)
    y = np.repeat(own, rows) * x + 0.1 * random.normal(size=len(x))
    table = GroupedRows(("x",), x[:, None], y, np.repeat(np.arange(len(own)), rows), len(own))
    free = apart((parse("a*x", ["x", "a"]).tree, ("a",), (1.0,)), table, 0)
    assert free is not None
    one = with_shared(free, "a", table)
    assert one is not None
    return free, one, table


@pytest.mark.slow
def test_constants_are_each_groups_own_where_they_spread_beyond_their_errors() -> None:
    """The error of a slope is about .01: equal ones are taken for one, and a spread of three errors is seen."""
    alike = [differ(*line(np.full(8, 2.0), seed)) for seed in range(60)]
    spread = [
        differ(*line(2 + 0.03 * np.random.default_rng(seed).normal(size=8), seed)) for seed in range(60)
    ]
    assert sum(alike) <= 2
    assert sum(spread) >= 50


@settings(max_examples=10)
@given(st.integers(2, 40), st.integers(0, 100))
def test_the_law_of_one_constant_survives_many_groups(groups: int, seed: int) -> None:
    free, _, rows = line(np.full(groups, 2.0), 1000 * groups + seed)
    assert len(tie(free, rows).own) in (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 6, 12])
def test_constants_are_shared_that_another_could_make_up_for(seed: int) -> None:
    """Of a*(x - b)^c an exponent seems each group's own until b is one for all."""
    random = np.random.default_rng(seed)
    x, own = random.uniform(25, 95, 320), random.uniform(0.5, 4, 8)
    group = np.repeat(np.arange(8), 40)
    y = own[group] * (x - 20) ** 1.25
    rows = GroupedRows(("x",), x[:, None], y + 0.1 * y.std() * random.normal(size=320), group, 8)
    free = apart((parse("a*(x - b)^c", ["x", "a", "b", "c"]).tree, ("a", "b", "c"), (2.0, 20, 1.2)), rows, 0)
    assert free is not None
    tied = tie(free, rows)
    assert set(tied.own) == {"a"}
    assert tied.criterion <= min(
        trial.criterion for name in "abc" if (trial := with_shared(free, name, rows)) is not None
    )


def test_a_constant_that_was_made_one_is_set_free_again_where_groups_differ() -> None:
    """What is set free is fitted as well as it was from the start."""
    random = np.random.default_rng(5)
    free, one, rows = line(random.uniform(1, 3, 8), 0)
    again = released(one, rows)
    assert set(again.own) == {"a"}
    np.testing.assert_allclose(again.own["a"][0], free.own["a"][0], rtol=1e-6)
    _, alike, rows = line(np.full(8, 2.0), 1)
    assert set(released(alike, rows).shared) == {"a"}


def test_another_writing_of_a_formula_is_not_judged_again() -> None:
    free, one, rows = line(np.linspace(1, 3, 4), 0)
    other = apart((parse("-(a*x)", ["x", "a"]).tree, ("a",), (1.0,)), rows, 0)
    assert other is not None
    assert distinct([free, other, one]) == [free, one]


def test_exponents_and_signs_that_are_floats_are_no_constants_to_be_fitted() -> None:
    x = Variable("x")
    square: Node = Apply("^", (x, Number(2.0)))
    tree = Apply("+", (Apply("*", (Number(3.0), square)), Apply("*", (Number(-1.0), x))))
    _, _, rows = line(np.linspace(1, 3, 4), 0)
    made, names, values = template(tree, ["x"])
    free = apart((made, names, values), rows, 0)
    assert free is not None
    assert names == ("a",)
    assert with_shared(free, "a", rows) is not None


@pytest.mark.parametrize(("plain", "low", "high"), [(True, 0.75, 1.0), (False, 0.0, 0.3)])
def test_numbers_are_plain_where_they_are_and_few_others_by_chance(
    plain: bool, low: float, high: float
) -> None:
    """Known to a twentieth, a constant that may be any number is seldom made the next whole number or half."""
    random, made = np.random.default_rng(8), 0
    group, x = np.repeat(np.arange(4), 20), np.tile(np.linspace(-1, 1, 20), 4)
    tree, names, _ = template(parse("2.5*x + 7.3", ["x"]).tree, ["x"])
    for _ in range(60):
        level = 7.0 if plain else random.uniform(2, 20)
        y = random.uniform(1, 3, 4)[group] * x + level + 0.45 * random.normal(size=80)
        rows = GroupedRows(("x",), x[:, None], y, group, 4)
        model = apart((tree, names, (2.0, level)), rows, 0)
        assert model is not None
        shared = with_shared(model, "b", rows)
        assert shared is not None
        made += bool(made_plain(shared, rows).plain)
    assert low <= made / 60 <= high


@pytest.mark.parametrize(("text", "noise", "plain"), [("2*x^3.1", 3.0, True), ("2*x + 3.1", 0.7, False)])
def test_exponents_are_plain_more_often_than_what_is_measured(text: str, noise: float, plain: bool) -> None:
    """Three, known to a sixth: likely as an exponent, and as a level just one of many numbers."""
    random = np.random.default_rng(1)
    group, x = np.repeat(np.arange(4), 30), np.tile(np.linspace(0.5, 2, 30), 4)
    factor = random.uniform(1.5, 3, 4)[group]
    y = factor * x**3 if plain else factor * x + 3
    rows = GroupedRows(("x",), x[:, None], y + noise * random.normal(size=120), group, 4)
    tree, names, _ = template(parse(text, ["x"]).tree, ["x"])
    model = apart((tree, names, (2.0, 3.1)), rows, 0)
    assert model is not None
    shared = with_shared(model, "b", rows)
    assert shared is not None
    value, error = shared.shared["b"]
    assert abs(value - 3) < error
    assert 0.14 < error < 0.25
    assert bool(made_plain(shared, rows).plain) == plain
