"""Other functions in the places of a formula, which all groups together tell apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise import StopReason
from edgewise.forms import parse
from edgewise.forms.tree import Number, names_in, render, replaced
from edgewise.symbolic import find_formula
from edgewise.symbolic.expressions.functions_used import functions_in
from edgewise.symbolic.groups import search_groups
from edgewise.symbolic.groups.constants import FEW_STARTS, Tied
from edgewise.symbolic.groups.other_shapes import other_shapes
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.search_groups import reshaped
from edgewise.symbolic.groups.structure_pool import StructurePool
from edgewise.symbolic.groups.template import template

COLUMNS = ("x", "z")
TEXTS = [
    "a*(x^2 + b)*z",
    "a*sqrt(x)/z + b*z^2",
    "a*exp(-x)*sin(x + z)",
    "tan(a - b/x)",
    "a/(b + x^2*z) - z^3",
]


def rows_of(y: np.ndarray, x: np.ndarray, groups: int = 8) -> GroupedRows:
    return GroupedRows(("x",), x[:, None], y, np.repeat(np.arange(groups), len(x) // groups), groups)


@settings(max_examples=20)
@given(
    st.sampled_from(TEXTS),
    st.sampled_from([None, frozenset({"exp"}), frozenset({"sqrt", "tanh"}), frozenset()]),
)
def test_shapes_differ_hold_their_constants_and_use_what_is_allowed(
    text: str, allowed: frozenset[str] | None
) -> None:
    tree, before = (
        parse(text, [*COLUMNS, "a", "b"]).tree,
        functions_in(parse(text, [*COLUMNS, "a", "b"]).tree),
    )
    found = list(other_shapes(tree, COLUMNS, np.full((5, 2), 2.0), allowed))
    texts = [render(shape[0]) for shape in found]
    assert len(set(texts)) == len(texts)
    assert found
    for made, names, starts in found:
        assert tuple(dict.fromkeys(name for name in names_in(made) if name not in COLUMNS)) == names
        assert len(names) == len(starts)
        if allowed is not None:
            plain = replaced(made, {name: Number(1.3) for name in names})
            assert functions_in(plain) <= allowed | before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "wanted"), [("a*x^2*(x + b)", "a*exp(b/x)"), ("a - b/x", "a*(1/(1 + b/x))")]
)
def test_all_groups_together_tell_the_shape_that_one_does_not(start: str, wanted: str) -> None:
    random = np.random.default_rng(3)
    x, size = random.uniform(0.5, 6, 320), np.repeat(random.uniform(2, 8, 8), 40)
    inside = np.repeat(random.uniform(0.5, 2, 8), 40)
    y = size * np.exp(-inside / x) if "exp" in wanted else size / (1 + inside / x)
    rows = rows_of(y + 0.05 * y.std() * random.normal(size=320), x)
    pool = StructurePool(rows, 0)
    text = start.replace("a", "1.5").replace("b", "0.7")
    pool.settled_by([template(parse(text, ["x"]).tree, rows.columns)])
    before = pool.rank(pool.tied[0])
    pool.settled_by(reshaped(pool.tied, rows, None), FEW_STARTS)
    assert pool.rank(pool.tied[0]) < before
    assert render(pool.tied[0].tree) == wanted


@pytest.mark.slow
def test_functions_that_are_excluded_come_back_in_no_group() -> None:
    random = np.random.default_rng(0)
    T, rate = random.uniform(1, 4, 160), np.repeat(random.uniform(1, 4, 8), 20)
    y = 3 * np.exp(-rate / T) + 0.02 * random.normal(size=160)
    found = find_formula(
        T[:, None], y, groups=np.repeat(np.arange(8), 20), exclude_functions=["exp"], work=0.002
    )
    assert all("exp" not in rival.text for rival in (found.best, *found.rivals))


@pytest.mark.slow
def test_ctrl_c_while_formulas_are_improved_leaves_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    x, group = random.uniform(1, 4, 160), np.repeat(np.arange(8), 20)
    y = np.repeat(random.uniform(1, 4, 8), 20) * x + 0.1 * random.normal(size=160)

    def interrupted(*_: object) -> list[Tied]:
        raise KeyboardInterrupt

    monkeypatch.setattr(search_groups, "mended", interrupted)
    found = find_formula(x[:, None], y, groups=group, names=["x"], work=0.02)
    assert found.stop_reason == StopReason.INTERRUPTED
    assert found.best.text == "a*x"
