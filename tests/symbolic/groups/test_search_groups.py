"""One law over many groups: constants come back, shared ones are told from others, new groups are learned."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewise._core.errors import InputError
from edgewise._core.work import Meter, running
from edgewise.forms import parse
from edgewise.forms.tree import render, replaced
from edgewise.plots import plot_groups
from edgewise.symbolic import GroupedResult, find_formula, fit_groups
from edgewise.symbolic.costs import SEARCH_WORK_UNITS
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.groups.constants import apart
from edgewise.symbolic.groups.rows import GroupedRows
from edgewise.symbolic.groups.sharing import tie
from edgewise.symbolic.groups.template import loosened, template

RATES = np.array([0.9, 0.5, 0.25, 0.7])
HEIGHTS = np.array([60.0, 41.0, 52.0, 75.0])
T = np.tile(np.linspace(0, 5, 30), 4)
BODY = np.repeat(["cup", "pot", "bath", "pond"], 30)


def cooling(noise: float = 0.0, seed: int = 0) -> np.ndarray:
    plain = 20 + np.repeat(HEIGHTS, 30) * np.exp(-np.repeat(RATES, 30) * T)
    return plain + noise * np.random.default_rng(seed).standard_normal(len(T))


@pytest.fixture(scope="module")
def found() -> GroupedResult:
    return find_formula(T[:, None], cooling(), groups=BODY, names=["t"], work=0.02)


@pytest.mark.slow
def test_the_law_and_its_constants_come_back(found: GroupedResult) -> None:
    assert found.best.text == "a*exp(-b*t) + 20"
    for at, body in enumerate(["cup", "pot", "bath", "pond"]):
        assert found.best.own[body]["a"].value == pytest.approx(HEIGHTS[at], rel=1e-8)
        assert found.best.own[body]["b"].value == pytest.approx(RATES[at], rel=1e-8)
    np.testing.assert_allclose(found.best.predict(T[:, None], BODY), cooling(), rtol=1e-9)
    assert found.best.of("pot") == "41*exp(-0.5*t) + 20"
    assert "shared: 1 constant" in found.message
    assert "pond" in str(found)


@pytest.mark.slow
def test_results_are_plain_data_and_repeat_bit_for_bit(found: GroupedResult) -> None:
    again = find_formula(T[:, None], cooling(), groups=BODY, names=["t"], work=0.02)
    one, other = found.to_dict(), again.to_dict()
    one.pop("seconds"), other.pop("seconds")
    assert json.dumps(one) == json.dumps(other)


@pytest.mark.slow
def test_the_order_of_rows_and_the_names_of_groups_do_not_matter(found: GroupedResult) -> None:
    order = np.random.default_rng(4).permutation(len(T))
    other = find_formula(
        T[order][:, None], cooling()[order], groups=BODY[order] == "cup", names=["t"], work=0.002
    ).best
    assert set(other.own) == {True, False}
    mixed = find_formula(T[order][:, None], cooling()[order], groups=BODY[order], names=["t"], work=0.02).best
    assert mixed.text == found.best.text
    assert mixed.own["bath"]["b"].value == pytest.approx(0.25)


def test_a_new_group_is_learned_with_the_shared_constants_as_they_are(found: GroupedResult) -> None:
    t = np.linspace(0, 4, 12)
    wider = found.best.with_group("lake", t[:, None], 20 + 33 * np.exp(-0.1 * t))
    assert wider.own["lake"]["a"].value == pytest.approx(33, rel=1e-6)
    assert "lake" not in found.best.own
    with pytest.raises(InputError, match="with_group"):
        found.best.predict(t[:, None], "lake")


def test_a_row_for_each_constant_leaves_the_noise_in_their_errors() -> None:
    """One row tells one constant as closely as y is measured, however well the law passes through it."""
    x = np.tile(np.linspace(1, 3, 30), 3)
    name, noise = np.repeat(["a", "b", "c"], 30), np.random.default_rng(0).normal(0, 0.1, 90)
    best = fit_groups(x[:, None], np.repeat([2.0, 3.0, 4.0], 30) * x + noise, "k*x", name, names=["x"])
    one = best.with_group("d", [[2.0]], [6.1]).own["d"]["k"]
    assert one.standard_error == pytest.approx(0.05, rel=0.3)
    assert one.value == pytest.approx(3.05, abs=0.05)


def test_a_group_of_few_rows_lies_between_them_and_the_other_groups(found: GroupedResult) -> None:
    """One row says one thing of two constants; the rest is likely, and the errors say so."""
    once = found.best.with_group("lake", [[1.0]], [45.0])
    assert once.predict([[1.0]], "lake")[0] == pytest.approx(45.0, abs=1e-4)
    for name, known in {"a": HEIGHTS, "b": RATES}.items():
        constant = once.own["lake"][name]
        assert known.min() - known.std() < constant.value < known.max() + known.std()
        assert 0.02 * known.std() < constant.standard_error < 1.2 * known.std()


def test_groups_of_one_row_and_missing_cells_take_nothing_from_the_law() -> None:
    t = np.concatenate([T, [2.0, 1.0, 3.0]])
    y = np.concatenate([cooling(), [20 + 50 * np.exp(-1.0), np.nan, 30.0]])
    t[5] = np.nan
    groups = [*BODY, "pan", "jug", "jug"]
    result = find_formula(t[:, None], y, groups=groups, names=["t"], work=0.02)
    assert result.best.text == "a*exp(-b*t) + 20"
    assert list(result.best.own) == ["cup", "pot", "bath", "pond", "pan", "jug"]
    assert result.best.own["cup"]["b"].value == pytest.approx(0.9)
    assert result.best.predict([[2.0]], "pan")[0] == pytest.approx(20 + 50 * np.exp(-1.0), rel=1e-4)
    assert "2 groups" in result.message


@pytest.mark.slow
def test_shared_constants_are_told_from_others_under_noise() -> None:
    """Of a known law: the level is one for all; heights and rates are not. Noise alone makes levels differ now and then."""
    tree, names, starts = template(parse("50*exp(-0.5*t) + 18", ["t"]).tree, ["t"])
    told = 0
    for seed in range(10):
        rows = GroupedRows(("t",), T[:, None], cooling(0.5, seed), np.repeat(np.arange(4), 30), 4)
        free = apart((tree, names, starts), rows, 0)
        assert free is not None
        tied = tie(free, rows)
        assert tied.rss >= free.rss * (1 - 1e-9)
        assert {"a", "b"} <= set(tied.own)
        told += set(tied.own) == {"a", "b"}
    assert told >= 8


def test_the_tied_fit_is_the_least_squares_of_all_rows() -> None:
    """Against scipy, whose Jacobian is of finite differences."""
    from scipy.optimize import least_squares

    y = cooling(0.5, 3)
    rows = GroupedRows(("t",), T[:, None], y, np.repeat(np.arange(4), 30), 4)
    tree, names, starts = template(parse("50*exp(-0.5*t) + 18.5", ["t"]).tree, ["t"])
    tied = tie(apart((tree, names, starts), rows, 0), rows)  # pyright: ignore[reportArgumentType]
    level = None if "c" in tied.plain else "c"
    at = rows.group

    def left(p: np.ndarray) -> np.ndarray:
        return p[at] * np.exp(-p[4 + at] * T) + (p[8] if level else 20) - y

    oracle = least_squares(left, [*HEIGHTS, *RATES, *([20.0] if level else [])], xtol=1e-14, ftol=1e-14)
    assert tied.rss == pytest.approx(2 * oracle.cost, rel=1e-6)


@given(st.sampled_from(["2*x^2 + exp(-x/3)", "x*y/(1 + 4*x)", "sin(3*x + 1)", "x^1.5/y - 2", "sqrt(x) + y"]))
def test_a_template_with_its_numbers_is_the_formula(text: str) -> None:
    tree = parse(text, ["x", "y"]).tree
    X = np.random.default_rng(0).uniform(1, 2, (20, 2))
    for item in (tree, loosened(tree, ["x", "y"])):
        made, names, values = template(item, ["x", "y"])
        from edgewise.forms.tree import Number

        filled = replaced(made, {name: Number(value) for name, value in zip(names, values, strict=True)})
        one, other = Tape(filled, ["x", "y"]), Tape(item, ["x", "y"])
        np.testing.assert_allclose(one.value(one.start, X), other.value(other.start, X), rtol=1e-12)
        assert all(name not in ("x", "y", "e", "pi") for name in names)
        assert "x^" not in render(tree) or "x^" in render(made)


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (["a"] * 10, "a group for each of 120 rows"),
        ([None, *["a"] * 119], "Got none in row 0"),
        ([float("nan"), *["a"] * 119], "Got none in row 0"),
        (pd.Series([pd.NA, *["a"] * 119], dtype="string"), "Got none in row 0"),
        (pd.Series([pd.NaT, *[pd.Timestamp(2020, 1, 1)] * 119]), "Got none in row 0"),
        (list(range(120)), "at least 8 rows"),
    ],
)
def test_bad_groups_end_in_a_sentence(groups: list, words: str) -> None:
    with pytest.raises(InputError, match=words):
        find_formula(T[:, None], cooling(), groups=groups, names=["t"], work="quick")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["us", "ns", "pandas", "datetime"])
def test_days_name_groups(kind: str) -> None:
    """Whatever holds them; the table shows them whole, and plain data are plain."""
    days = np.repeat(np.array(["2020-01-01", "2020-02-01", "2020-03-01", "2020-04-01"], "M8[us]"), 30)
    groups = {"us": days, "ns": days.astype("M8[ns]"), "pandas": pd.Series(days), "datetime": days.tolist()}[
        kind
    ]
    result = find_formula(T[:, None], cooling(), groups=groups, names=["t"], work=0.02)
    assert "2020-03-01  " in str(result)
    assert json.loads(json.dumps(result.to_dict()))["best"]["own"][1]["group"] == "2020-02-01T00:00:00"
    np.testing.assert_allclose(result.best.predict(T[:, None], groups), cooling(), rtol=1e-9)
    assert [
        axes.get_title(loc="left") for axes in plot_groups(result.best, T[:, None], cooling(), groups).axes
    ][3] == "2020-04-01"


def test_a_single_group_is_an_ordinary_search_and_rows_left_out_are_told() -> None:
    y = cooling()[:30].copy()
    y[7] = np.nan
    result = find_formula(T[:30, None], y, groups=["cup"] * 30, names=["t"], work=0.02)
    assert result.best.of("cup") == "60*exp(-0.9*t) + 20"
    assert "One law over 1 group and 29 rows" in result.message
    assert "1 row of 30 left out: cells are missing in 'y' (1)." in result.message


def test_a_constant_that_is_nothing_in_one_group_is_nothing() -> None:
    """Not rounding with its error; the formula of that group does without the term."""
    slope = np.repeat([2.0, 0.0, 1.5, 3.0], 30)
    x = np.tile(np.linspace(0.5, 5, 30), 4)
    best = find_formula(x[:, None], slope * x + 4 * np.sqrt(x), groups=BODY, names=["x"], work=0.03).best
    assert best.own["pot"]["a"].value == 0
    assert best.of("pot") == "4*sqrt(x)"
    assert "e-" not in best.of("cup")
    again = best.with_group("pot", x[30:60, None], 4 * np.sqrt(x[30:60]))
    assert again.own["pot"]["a"].value == 0


def test_a_constant_that_noise_hides_stays_with_its_error() -> None:
    slope = np.repeat([2.0, 0.0, 1.5, 3.0], 30)
    x = np.tile(np.linspace(0.5, 5, 30), 4)
    y = slope * x + 4 * np.sqrt(x) + 0.1 * np.random.default_rng(0).normal(size=120)
    best = fit_groups(x[:, None], y, "a*x + c*sqrt(x)", BODY, shared=["c"], names=["x"])
    assert 0 < abs(best.own["pot"]["a"].value) < 4 * best.own["pot"]["a"].standard_error


@pytest.mark.slow
def test_a_search_spends_no_more_than_the_work_that_it_was_given() -> None:
    with running(Meter()) as meter:
        find_formula(T[:, None], cooling(0.5), groups=BODY, names=["t"], work=0.02)
    assert meter.spent < 2 * 0.02 * SEARCH_WORK_UNITS


@pytest.mark.slow
@pytest.mark.parametrize("words", [False, True])
def test_whoever_ends_one_search_ends_all(words: bool) -> None:
    told = list[object]()

    def stop(record: object) -> bool:
        told.append(record)
        return True

    y = cooling(0.5)
    if words:
        result = find_formula(pd.DataFrame({"body": BODY, "t": T}), y, callbacks=[stop])
    else:
        result = find_formula(T[:, None], y, groups=BODY, callbacks=[stop])
    assert result.stop_reason == "callback"
    assert len(told) == 1
    assert np.isfinite(result.best.rmse)
