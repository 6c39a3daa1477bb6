"""Columns of words: nothing follows them, or constants do, or whole formulas, and results say which."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise.forms import parse
from edgewise.symbolic import BranchedFormula, GroupedFormula, GroupedResult, find_formula
from edgewise.symbolic.fitting.word_columns import word_table
from edgewise.symbolic.groups.branches import branched, description_of
from edgewise.symbolic.groups.constants import each_group, together
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import tie
from edgewise.symbolic.groups.structure_pool import description
from edgewise.symbolic.groups.template import template

RNG = np.random.default_rng(0)
T = RNG.uniform(0, 5, 150)
METAL = np.tile(["iron", "copper", "wax"], 50)
STATE = np.repeat(["wet", "dry"], 75)
RATE = np.select([METAL == "iron", METAL == "copper"], [0.5, 1.1], 0.2)
COOLING = 20 + 60 * np.exp(-RATE * T)
TABLE = pd.DataFrame({"metal": METAL, "t": T, "state": STATE})


def found(y: np.ndarray, table: object = TABLE, **options: object) -> GroupedResult:
    result = find_formula(table, y, work=0.02, **options)  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert isinstance(result, GroupedResult)
    return result


@pytest.fixture(scope="module")
def cooling() -> GroupedResult:
    return found(COOLING)


@pytest.fixture(scope="module")
def mixed() -> GroupedResult:
    return found(np.where(METAL == "wax", 3 * T**2 + 1, COOLING))


@pytest.mark.slow
def test_constants_follow_the_words_that_matter_and_no_others(cooling: GroupedResult) -> None:
    best = cooling.best
    assert isinstance(best, GroupedFormula)
    assert best.text == "60*exp(-a*t) + 20"
    assert best.words is not None
    assert best.words.words == ("metal",)
    assert {metal: item["a"].value for metal, item in best.own.items()} == pytest.approx(
        {"iron": 0.5, "copper": 1.1, "wax": 0.2}
    )
    assert "Nothing follows the words of 'state'" in cooling.message
    np.testing.assert_allclose(best.predict(TABLE), COOLING, rtol=1e-9)
    np.testing.assert_allclose(best.predict(TABLE[["t", "metal"]]), COOLING, rtol=1e-9)
    assert "metal" in str(cooling)
    assert "copper" in str(cooling)


@pytest.mark.slow
def test_levels_of_different_laws_get_a_branch_each(mixed: GroupedResult) -> None:
    best = mixed.best
    assert isinstance(best, BranchedFormula)
    assert best.of("wax") == "3*t^2 + 1"
    assert best.of("iron") == "60*exp(-0.5*t) + 20"
    assert [set(branch.own) for branch in best.branches] == [{"iron", "copper"}, {"wax"}]
    assert best.text == "60*exp(-a*t) + 20 where metal is 'iron' or 'copper'; 3*t^2 + 1 where metal is 'wax'"
    np.testing.assert_allclose(
        best.predict(TABLE), np.where(METAL == "wax", 3 * T**2 + 1, COOLING), rtol=1e-9
    )
    assert "2 formulas" in mixed.message
    assert "where metal is 'wax':" in str(mixed)
    assert json.loads(json.dumps(mixed.to_dict()))["best"]["branches"][1]["text"] == "3*t^2 + 1"


@pytest.mark.slow
def test_words_that_nothing_follows_are_not_asked_for_again() -> None:
    result = found(3 * T**2 + 1)
    assert isinstance(result.best, GroupedFormula)
    assert result.best.text == "3*t^2 + 1"
    assert not result.best.own
    assert "'metal', 'state'" in result.message
    np.testing.assert_allclose(result.best.predict({"t": [2.0]}), 13.0)


@pytest.mark.slow
def test_a_word_never_seen_ends_in_a_sentence_until_it_is_learned(
    cooling: GroupedResult, mixed: GroupedResult
) -> None:
    t = np.linspace(0, 4, 12)
    for result in (cooling, mixed):
        with pytest.raises(InputError, match=r"must be among the 3 that were learned.*Got 'tin'"):
            result.best.predict(pd.DataFrame({"t": [1.0], "metal": ["tin"]}))
        wider = result.best.with_group("tin", t[:, None], 20 + 60 * np.exp(-0.05 * t))
        assert wider.own["tin"]["a"].value == pytest.approx(0.05, rel=1e-6)
    square = mixed.best.with_group("clay", t[:, None], 3 * t**2 + 1)
    assert square.of("clay") == "3*t^2 + 1"
    with pytest.raises(InputError, match=r"must not be missing\. Got none in row 0"):
        cooling.best.predict(pd.DataFrame({"t": [1.0], "metal": [None]}, dtype=object))


@pytest.mark.slow
def test_frames_of_any_kind_and_any_order_of_rows_say_the_same(cooling: GroupedResult) -> None:
    order = np.random.default_rng(1).permutation(len(T))
    table = TABLE[["t", "metal"]]
    assert found(COOLING, pl.DataFrame(table.to_dict("list"))).best.text == cooling.best.text
    again = found(COOLING[order], table.iloc[order].astype({"metal": "category"}))
    assert again.best.text == cooling.best.text
    assert again.best.own["wax"]["a"].value == pytest.approx(0.2)


@pytest.mark.slow
def test_rows_without_a_word_and_levels_of_few_rows_take_nothing_from_the_law() -> None:
    metal = METAL.astype(object)
    metal[3], metal[5] = None, "lead"
    result = found(COOLING, pd.DataFrame({"metal": metal, "t": T}))
    assert result.best.text == "60*exp(-a*t) + 20"
    assert set(result.best.own) == {"iron", "copper", "wax", "lead"}
    assert result.best.predict(T[5:6][:, None], "lead") == pytest.approx(COOLING[5], rel=1e-4)


def test_words_that_hardly_repeat_are_left_out_and_named() -> None:
    names = [f"sample {at}" for at in range(len(T))]
    result = found(3 * T**2 + 1, pd.DataFrame({"name": names, "t": T}))
    assert result.best.text == "3*t^2 + 1"
    assert "'name' are in too few rows" in result.message


@pytest.mark.slow
@pytest.mark.parametrize("others", [["metal"], []])
def test_a_word_that_never_changes_matters_to_nothing(others: list[str], cooling: GroupedResult) -> None:
    """Beside others it changes nothing; alone it leaves one formula for all rows, whatever their words come to be."""
    y = COOLING if others else 3 * T**2 + 1
    result = found(y, TABLE[[*others, "t"]].assign(site="north"))
    best = result.best
    assert best.words is not None
    assert best.words.words == tuple(others)
    assert best.text == (cooling.best.text if others else "3*t^2 + 1")
    assert "'site' has one word in all rows" in result.message
    assert "too few rows" not in result.message
    elsewhere = TABLE.assign(site="south")
    np.testing.assert_allclose(best.predict(elsewhere), y, rtol=1e-9)


@pytest.mark.slow
def test_a_word_that_changes_in_rare_rows_only_is_not_judged() -> None:
    site = np.array(["north"] * 149 + ["south"], dtype=object)
    result = found(COOLING, TABLE[["metal", "t"]].assign(site=site))
    assert result.best.words is not None
    assert result.best.words.words == ("metal",)
    assert "'site' are in too few rows" in result.message


@pytest.mark.slow
@settings(max_examples=3)
@given(st.integers(0, 10_000))
def test_under_noise_branches_are_told_from_one_structure(seed: int) -> None:
    """Both ways: where all levels follow one law there is no branch, where one does not there is."""
    noise = 0.3 * np.random.default_rng(seed).standard_normal(len(T))
    structures = [template(parse(text, ["t"]).tree, ["t"]) for text in ("60*exp(-0.5*t) + 20", "3*t^2 + 1")]
    number = np.tile(np.arange(3), 50)
    for y, expected in ((COOLING, 1), (np.where(METAL == "wax", 3 * T**2 + 1, COOLING), 2)):
        rows = GroupedRows(("t",), T[:, None], y + noise, number, 3)
        fits = [each_group(structure, rows, 0) for structure in structures]
        one = together(structures[0], fits[0], rows)
        assert one is not None
        alone = description(tie(one, rows))
        branches = branched(structures, fits, rows)
        parted = bool(branches) and description_of(branches, rows) < alone
        assert parted == (expected == 2)
        if parted:
            assert {branch.levels for branch in branches} == {(0, 1), (2,)}
            left = sum(
                float(np.square(branch.rows.y).sum()) for branch in branches
            )  # every row is in exactly one branch
            assert left == pytest.approx(float(np.square(rows.y).sum()))


def test_slips_among_numbers_are_not_taken_for_words() -> None:
    assert word_table(pd.DataFrame({"a": ["1", "2", "oops"], "b": [1, 2, 3]}), None) is None
    assert word_table(pd.DataFrame({"a": [1.0, 2.0]}), None) is None
    assert word_table(np.array([["a", 1.0]], dtype=object), None) is None
    with pytest.raises(InputError, match="must have a column of numbers"):
        word_table(pd.DataFrame({"a": ["p", "q"]}), None)
    with pytest.raises(InputError, match="real numbers"):
        find_formula(pd.DataFrame({"a": ["1", "2", "oops"] * 5}), np.arange(15.0))


@pytest.mark.parametrize("name", ["units", "sigma", "loss"])
def test_what_has_no_meaning_beside_words_is_refused(name: str) -> None:
    value = {"units": {"t": "s"}, "sigma": 0.1, "loss": "robust"}[name]
    with pytest.raises(InputError, match=f"'{name}'.*words such as 'metal'"):
        found(COOLING, **{name: value})
