"""Equal writings of one formula become the same writing in all groups, and values stay."""

import numpy as np
import pytest

from edgewise.forms import parse
from edgewise.symbolic.groups.constants import written_alike
from edgewise.symbolic.groups.least_squares import GroupedProblem
from edgewise.symbolic.groups.rows import GroupedRows

GROUP = np.repeat(np.arange(6), 10)
ROWS = GroupedRows(("x",), np.tile(np.linspace(0.1, 3, 10), 6)[:, None], np.zeros(60), GROUP, 6)
SIGNS = np.array([1, -1, 1, 1, -1, 1])
A, B, C = (np.random.default_rng(seed).uniform(0.5, 2, 6) for seed in range(3))


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("a*tanh(b*x)", {"a": SIGNS * A, "b": SIGNS * B}),
        ("a*sin(b*x + c)", {"a": SIGNS * A, "b": B, "c": C + np.pi * (SIGNS < 0)}),
        ("a*sin(b*x + c)", {"a": A, "b": B, "c": C + 2 * np.pi * np.arange(6)}),
        ("a*cos(b*x)", {"a": A, "b": SIGNS * B}),
    ],
)
def test_signs_are_alike_and_angles_near(text: str, own: dict) -> None:
    tree = parse(text, ["x", *own]).tree
    given = {name: item.copy() for name, item in own.items()}
    found = written_alike(tree, own, ROWS)
    problem = GroupedProblem.of(tree, tuple(own), (), ROWS)
    assert problem.value(found) == pytest.approx(problem.value(own), abs=1e-9)
    assert all(np.array_equal(own[name], given[name]) for name in own)
    assert all((array > 0).all() or (array < 0).all() for name, array in found.items() if name != "c")
    assert np.ptp(found.get("c", np.zeros(1))) < 2 * np.pi


def test_signs_that_mean_something_stay() -> None:
    own = {"a": SIGNS * A, "b": B}
    found = written_alike(parse("a*exp(-b*x)", ["x", "a", "b"]).tree, own, ROWS)
    assert all(np.array_equal(found[name], own[name]) for name in own)


def test_what_has_no_value_stays() -> None:
    own = {"a": SIGNS * A, "b": SIGNS * B}
    found = written_alike(parse("a*log(b*x)", ["x", "a", "b"]).tree, own, ROWS)
    assert all(np.array_equal(found[name], own[name]) for name in own)
