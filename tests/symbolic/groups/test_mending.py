"""Formulas one step away from one that nearly holds in all groups, and the steps to the law."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise.forms import parse
from edgewise.forms.tree import Node, Number, names_in, render, replaced
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.groups.constants import Tied, apart, refitted, residuals
from edgewise.symbolic.groups.edits import edits, places
from edgewise.symbolic.groups.mending import mended, written
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import tie
from edgewise.symbolic.groups.structure_pool import StructurePool
from edgewise.symbolic.groups.template import template

Law = Callable[[np.ndarray, np.ndarray], np.ndarray]
COLUMNS = ["x", "z"]
TEXTS = ["a*exp(-x) + z", "a/(b + x^2*z)", "sqrt(x + z)*a", "a*sin(b*x)/(c + z)", "a - b*exp(-(x^2))", "x"]


def grouped(law: Law, own: np.ndarray, noise: float, seed: int = 0) -> GroupedRows:
    """Eight groups of thirty rows in one column."""
    random = np.random.default_rng(seed)
    x, group = random.uniform(0.5, 3, 240), np.repeat(np.arange(8), 30)
    y = law(x, own[group])
    return GroupedRows(("x",), x[:, None], y + noise * y.std() * random.normal(size=240), group, 8)


def fitted(text: str, rows: GroupedRows) -> Tied:
    model = apart(template(parse(text, rows.columns).tree, rows.columns), rows, 0)
    assert model is not None
    return tie(model, rows)


@settings(max_examples=20)
@given(st.sampled_from(TEXTS), st.integers(0, 1000))
def test_a_step_that_adds_constants_starts_from_the_formula_itself(text: str, seed: int) -> None:
    tree = parse(text, [*COLUMNS, "a", "b", "c"]).tree
    X = np.random.default_rng(seed).uniform(0.5, 2, (6, 2))
    given_ = {"a": Number(1.3), "b": Number(2.1), "c": Number(0.7)}
    before = replaced(tree, given_)
    wanted = Tape(before, COLUMNS).value(Tape(before, COLUMNS).start, X)
    for step in edits(tree, COLUMNS):
        assert any(name in COLUMNS for name in names_in(step.tree))
        new = {name: Number(value) for name, value in {**step.own, **step.shared}.items()}
        if not new:
            continue
        after = replaced(step.tree, {**given_, **new})
        np.testing.assert_allclose(
            Tape(after, COLUMNS).value(Tape(after, COLUMNS).start, X), wanted, rtol=1e-12
        )


@settings(max_examples=20)
@given(st.floats(0.3, 2), st.floats(-3, 3), st.floats(-3, 3))
def test_two_exponentials_tend_to_one_times_a_line_as_their_rates_become_one(
    rate: float, value: float, slope: float
) -> None:
    """(value + slope*x)*exp(-rate*x), from (value + slope/d)*exp(-rate*x) - slope/d*exp(-(rate + d)*x)."""
    tree = parse("a*exp(-b*x) - c*exp(-d*x)", ["x", "a", "b", "c", "d"]).tree
    limits = [
        step.tree for step in edits(tree, ["x"]) if render(step.tree).startswith("(a*1 - c*x)*exp(-b*x)")
    ]
    assert len(limits) == 1
    x, apart_by = np.linspace(0, 2, 9)[:, None], 1e-6

    def values(of: Node, a: float, b: float, c: float, d: float) -> np.ndarray:
        made = replaced(of, {k: Number(v) for k, v in zip("abcd", (a, b, c, d), strict=True)})
        return Tape(made, ["x"]).value(Tape(made, ["x"]).start, x)

    near = values(tree, value + slope / apart_by, rate, slope / apart_by, rate + apart_by)
    np.testing.assert_allclose(values(limits[0], value, rate, -slope, 0.0), near, atol=1e-4)


@pytest.mark.parametrize("text", TEXTS)
def test_steps_are_different_formulas_and_none_is_the_one_they_start_from(text: str) -> None:
    tree = parse(text, [*COLUMNS, "a", "b", "c"]).tree
    made = [render(edit.tree) for edit in edits(tree, COLUMNS)]
    assert render(tree) not in made
    assert len(list(places(tree))) >= 1 + len(set(names_in(tree))) - 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("near", "law", "count"),
    [
        ("2*x^3 + 1", "a*x^2 + b", 2),  # another power
        ("2*exp(-x)", "a*exp(-b*x)", 2),  # a rate that is not 1
        ("2*exp(-x) + 0.1*x", "a*exp(-x)", 1),  # a term too many
        ("2/(x + 0.1)", "a/(b + x)", 2),  # nothing to do
    ],
)
def test_a_law_is_reached_from_a_formula_near_it(near: str, law: str, count: int) -> None:
    random = np.random.default_rng(1)
    a, b = random.uniform(2, 4, 8), random.uniform(0.4, 1.6, 8)
    laws = {
        "a*x^2 + b": lambda x, k: k[:, 0] * x**2 + k[:, 1],
        "a*exp(-b*x)": lambda x, k: k[:, 0] * np.exp(-k[:, 1] * x),
        "a*exp(-x)": lambda x, k: k[:, 0] * np.exp(-x),
        "a/(b + x)": lambda x, k: k[:, 0] / (k[:, 1] + x),
    }
    own = np.column_stack([a, b])
    rows, plain = grouped(laws[law], own, 0.02), grouped(laws[law], own, 0.0)
    best = mended([fitted(near, rows)], rows, StructurePool(rows, 0).rank, 0)[0]
    # Whatever its writing, the law itself describes values without noise and has no constant too many.
    equal = refitted(best, plain)
    assert equal is not None
    assert equal.rss <= 1e-18 * float(plain.y @ plain.y)
    assert len(best.own) == count


@pytest.mark.slow
@settings(max_examples=4)
@given(st.integers(0, 1000))
def test_writing_changes_no_value_and_leaves_no_sign_to_a_constant_that_is_always_negative(seed: int) -> None:
    own = np.random.default_rng(seed).uniform(0.5, 2, (8, 2))
    rows = grouped(lambda x, k: 20 + 3 * k[:, 0] * np.exp(-k[:, 1] * x), own, 0.02, seed)
    model = fitted("3*exp(-1.1*x) + 20", rows)
    made = written(model, rows.columns)
    one, other = residuals(model, rows), residuals(made, rows)
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one, other, atol=1e-12 * np.abs(rows.y).max())
    assert not any((values < 0).all() for values, _ in made.own.values())


@pytest.mark.parametrize(
    ("text", "plain"), [("a/(3 - b + x)", "a/(b + x)"), ("a*exp(-x) + 2 + b", "a*exp(-x) + b")]
)
def test_a_number_added_to_a_constant_is_part_of_it(text: str, plain: str) -> None:
    own = np.random.default_rng(2).uniform(0.5, 2, (8, 2))
    rows = grouped(lambda x, k: k[:, 0] / (k[:, 1] + x), own, 0.02)
    model = apart((parse(text, ["x", "a", "b"]).tree, ("a", "b"), (1.0, 2.0)), rows, 0)
    assert model is not None
    made = written(model, rows.columns)
    one, other = residuals(model, rows), residuals(made, rows)
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one, other, atol=1e-12 * np.abs(rows.y).max())
    assert render(made.tree).replace(" - ", " + ") == plain


def test_searches_end_once_nothing_is_left_or_more_of_them_change_nothing() -> None:
    own = np.random.default_rng(0).uniform(0.5, 2, (8, 2))

    def law(x: np.ndarray, k: np.ndarray) -> np.ndarray:
        return 3 * k[:, 0] * np.exp(-k[:, 1] * x)

    structures = [template(parse(text, ["x"]).tree, ["x"]) for text in ("2*x + 1", "3*exp(-1.1*x)", "2/x")]
    pool = StructurePool(grouped(law, own, 0.0), 0)
    assert not pool.settled_by(structures[:1])
    assert pool.settled_by(structures[1:2])
    assert render(pool.tied[0].tree) == "a*exp(b*x)"
    pool = StructurePool(grouped(law, own, 0.05), 0)
    assert [pool.settled_by([structure]) for structure in structures] == [False, False, False]
    assert pool.settled_by([])
    pool = StructurePool(grouped(lambda x, k: np.sin(6 * x), own, 0.01), 0)
    assert not any(pool.settled_by(structures[:1]) for _ in range(6))  # a wave is left
