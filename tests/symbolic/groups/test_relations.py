"""Constants of the groups' own that go together are written so, and others are not."""

from dataclasses import replace

import numpy as np
import pytest

from edgewise.forms import parse
from edgewise.symbolic.groups.constants import Tied, apart
from edgewise.symbolic.groups.relations import related
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import tie
from edgewise.symbolic.groups.structure_pool import StructurePool
from edgewise.symbolic.groups.template import template
from tests.tiers import slow

RANDOM = np.random.default_rng(0)
A, B = RANDOM.uniform(1, 3, 8), RANDOM.uniform(0.3, 0.9, 8)
GROUP = np.repeat(np.arange(8), 30)
X = RANDOM.uniform(0.5, 4, 240)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.02, *slow(0.0)])
@pytest.mark.parametrize(
    ("text", "law", "own"),
    [
        ("2*tanh(0.5*x)", lambda a, b: a * np.tanh(1.3 * X / a), 1),  # a product is one for all
        ("2*exp(-0.4*x)", lambda a, b: a * np.exp(-0.7 * a * X), 1),  # a quotient is
        ("1.1 + 0.6*x + 0.7*x^2", lambda a, b: a + b * X + a * b * X**2, 2),  # the product of two is a third
        ("2*cos(2.1*x + 0.3) + 3", lambda a, b: a * np.cos(2 * X + b) + a + 0.7, 2),  # a difference is
        ("2*exp(-0.4*x)", lambda a, b: a * np.exp(-b * X), 2),  # nothing is
    ],
)
def test_as_many_constants_are_each_groups_own_as_were_drawn(text: str, law, own: int, noise: float) -> None:
    y = law(A[GROUP], B[GROUP])
    y = y + noise * y.std() * np.random.default_rng(1).normal(size=240)
    rows = GroupedRows(("x",), X[:, None], y, GROUP, 8)
    model = apart(template(parse(text, ["x"]).tree, ["x"]), rows, 0)
    assert model is not None
    pool = StructurePool(rows, 0)
    tied = tie(model, rows)
    found = related(tied, rows, pool.rank)
    assert len(found.own) == own
    assert pool.rank(found) <= pool.rank(tied)
    assert found.rss <= max(tied.rss * 1.2, 1e-20 * float(y @ y))


def test_calculating_with_constants_is_paid_for() -> None:
    """A relation is no shorter for its numbers becoming one once the constants are known."""
    rows = GroupedRows(("x",), X[:, None], A[GROUP] * X, GROUP, 8)
    pool, tree = StructurePool(rows, 0), parse("a*x", ["x", "a"]).tree
    plain = Tied(tree, ("a",), {}, {"a": (A, A)}, {}, 0.0, 0.0)
    others = [
        replace(plain, tree=parse(text, ["x", "a"]).tree)
        for text in ("(a + 3)*x", "(2*a + 1)*x", "2*a*(a + 3)*x")
    ]
    prices = [pool.rank(other) - pool.rank(plain) for other in others]
    assert prices == sorted(prices)
    assert min(prices) > 0
