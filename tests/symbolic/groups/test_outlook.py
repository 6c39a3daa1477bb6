"""What is foretold of constants that are tied or joined is what the fits then give."""

import math
from dataclasses import replace

import numpy as np
import pytest

from edgewise.forms import parse
from edgewise.forms.tree import render
from edgewise.symbolic.groups import structure_pool
from edgewise.symbolic.groups.constants import Tied, apart
from edgewise.symbolic.groups.outlook import Join, Outlook, foretold
from edgewise.symbolic.groups.relations import related
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import tie, with_shared
from edgewise.symbolic.groups.structure_pool import StructurePool
from edgewise.symbolic.groups.template import template
from tests.tiers import slow

GROUP = np.repeat(np.arange(8), 40)
T = np.tile(np.linspace(0, 12, 40), 8)
DOSE = "7*exp(-0.2*x) - 7*exp(-1.4*x)"


def doses(noise: float, seed: int = 0) -> GroupedRows:
    """What is taken up and broken down: the two amplitudes are minus each other."""
    random = np.random.default_rng(seed)
    a, b, c = (random.uniform(*ends, 8)[GROUP] for ends in ((4, 10), (0.1, 0.3), (0.8, 2)))
    y = a * (np.exp(-b * T) - np.exp(-c * T))
    return GroupedRows(("x",), T[:, None], y + noise * y.std() * random.normal(size=320), GROUP, 8)


def model_of(text: str, rows: GroupedRows) -> Tied:
    model = apart(template(parse(text, ["x"]).tree, ["x"]), rows, 0)
    assert model is not None
    return model


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *slow(1, 2)])
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_what_joining_saves_is_foretold(noise: float, seed: int) -> None:
    rows = doses(noise, seed)
    model = model_of(DOSE, rows)
    joined = related(tie(model, rows), rows, StructurePool(rows, 0).rank)
    assert len(joined.own) == 3
    # Without noise the sum of squares itself is rounding; that one of the two amplitudes goes is known. Under noise their
    # ratio besides becomes the number -1.
    saved = model.criterion - joined.criterion if noise else rows.own_price - math.log(320)
    assert foretold(model, rows) == pytest.approx(saved, abs=math.log(320) if noise else 0.5)


@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_what_tying_adds_is_foretold_and_nothing_is_saved_where_all_differ(noise: float) -> None:
    random = np.random.default_rng(3)
    a, b = random.uniform(2, 2.02, 8)[GROUP], random.uniform(1, 3, 8)[GROUP]
    y = a * T + 12 * b
    rows = GroupedRows(("x",), T[:, None], y + noise * y.std() * random.normal(size=320), GROUP, 8)
    model = model_of("2*x + 24", rows)
    outlook = Outlook.of(model, rows)
    assert outlook is not None
    for name in ("a", "b"):
        join = next(item for item in outlook.joins() if item.name == name and not item.powers)
        shared = with_shared(model, name, rows)
        assert shared is not None
        assert join.saved == pytest.approx(model.criterion - shared.criterion, abs=1e-6)
        after = outlook.after(join)
        assert after is not None
        again = next(item for item in after.joins() if item.name != name and not item.powers)
        one = with_shared(shared, again.name, rows)
        assert one is not None
        assert again.saved == pytest.approx(shared.criterion - one.criterion, rel=1e-6)
    y = (random.uniform(1, 5, 8)[GROUP] * T + random.uniform(10, 40, 8)[GROUP]) * 1.0
    assert foretold(model_of("2*x + 24", replace(rows, y=y)), replace(rows, y=y)) == 0


def test_a_law_that_joining_makes_short_is_not_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apart it has eight constants more than a formula that is nearly as close."""
    rows = doses(0.1, 1)
    structures = [template(parse(text, ["x"]).tree, ["x"]) for text in (DOSE, "4*x/(1 + x^2)")]
    for name in ("TIED_STRUCTURES", "TAKEN_FORMULAS"):
        monkeypatch.setattr(structure_pool, name, 1)
    pool = StructurePool(rows, 0)
    pool.settled_by(structures)
    assert len(pool.tied) == 1
    assert len(pool.tied[0].own) == 3
    assert render(pool.tied[0].tree).count("exp") == 2


def test_a_constant_that_changes_sign_is_no_multiple_and_none_is_beyond_all_numbers() -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=8)[GROUP] * T + random.uniform(1, 2, 8)[GROUP]
    rows = GroupedRows(("x",), T[:, None], y + 0.01 * random.normal(size=320), GROUP, 8)
    outlook = Outlook.of(model_of("2*x + 24", rows), rows)
    assert outlook is not None
    found: list[Join] = [join for join in outlook.joins() if join.powers]
    assert len(found) == 4
    assert all(join.added == math.inf and join.saved == -math.inf for join in found)


def test_nothing_is_foretold_of_what_is_beyond_all_numbers() -> None:
    rows = doses(0.1)
    model = model_of(DOSE, rows)
    outlook = Outlook.of(model, rows)
    assert outlook is not None
    join = next(outlook.joins())
    assert outlook.after(join) is not None
    for value in (np.nan, np.inf):
        with np.errstate(invalid="ignore"):
            assert replace(outlook, covariance=np.full_like(outlook.covariance, value)).after(join) is None
    far = {name: (np.full(8, 1e308), errors) for name, (_, errors) in model.own.items()}
    assert foretold(replace(model, own=far), rows) == 0
