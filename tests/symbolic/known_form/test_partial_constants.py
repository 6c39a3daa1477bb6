"""Constants beside unknown functions: one for all, of groups, of words, shared by several targets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from edgewise import InputError
from edgewise.symbolic import find_function
from edgewise.symbolic.known_form.categories import Categories, Category
from edgewise.symbolic.known_form.model import PartialModel, Scalar
from edgewise.symbolic.known_form.partial import fit_partial
from edgewise.symbolic.known_form.text import read_partial
from tests.symbolic.known_form.test_partial import random_splines

RNG = np.random.default_rng(5)
X = RNG.uniform(0.5, 2.5, (150, 2))
GROUPS = np.tile(["a", "b", "c"], 50)
FACTOR = np.tile([1.0, 2.0, 5.0], 50)
WORK = 0.05


def test_constants_come_back_beside_a_function() -> None:
    noise = 0.05 * np.random.default_rng(0).standard_normal(150)
    found = fit_partial(X, np.sin(3 * X[:, 0]) + 2 * X[:, 1] + noise, "f(x1) + b*x2", work=WORK)
    b = found.constants["b"]
    assert abs(b.value - 2) < 4 * b.standard_error
    # The columns are independent: b is known as well as without the function.
    assert b.standard_error == pytest.approx(0.05 / math.sqrt(150) / X[:, 1].std(), rel=0.3)
    assert "Learned f, b with" in found.message
    told = found.to_dict()
    assert told["constants"]["b"]["value"] == b.value


def test_constants_inside_a_function_that_is_known() -> None:
    y = np.exp(-0.7 * X[:, 1]) * np.sqrt(X[:, 0])
    found = fit_partial(X, y, "f(x1)*exp(-k*x2)", work=WORK)
    assert found.constants["k"].value == pytest.approx(0.7, rel=1e-3)
    assert found.formula is not None
    np.testing.assert_allclose(found.formula.predict(X), y, rtol=1e-6)


@pytest.mark.slow
def test_what_a_function_can_take_up_is_fixed_of_it() -> None:
    found = fit_partial(X, 3 * np.sqrt(X[:, 0]) + 1, "a*f(x1) + b", work=WORK)
    assert found["f"].normalised == "its mean is 0 and its mean square is 1"
    y = 3 * np.sqrt(X[:, 0])
    assert abs(found.constants["a"].value) == pytest.approx(y.std(), rel=1e-2)
    assert found.constants["b"].value == pytest.approx(y.mean() + 1, rel=1e-2)


def test_constants_that_rows_leave_open_are_told() -> None:
    found = fit_partial(X, np.sqrt(X[:, 0]) + 6 * X[:, 1], "f(x1) + a*b*x2", work=WORK)
    assert math.isinf(found.constants["a"].standard_error)
    assert "the data do not determine 'a', 'b'" in found.message


@pytest.mark.slow
def test_constants_of_groups_and_one_of_all() -> None:
    y = FACTOR * np.sqrt(X[:, 0]) + 3 * X[:, 1]
    found = fit_partial(X, y, "a*f(x1) + c*x2", groups=GROUPS, shared=["c"], work=WORK)
    own = {group: item.value for group, item in found.own["a"].items()}
    assert own["b"] / own["a"] == pytest.approx(2, rel=1e-3)
    assert own["c"] / own["a"] == pytest.approx(5, rel=1e-3)
    assert found.constants["c"].value == pytest.approx(3, rel=1e-3)
    np.testing.assert_allclose(found.predict(X, GROUPS), y, rtol=1e-3)
    assert set(found.formulas) == {"a", "b", "c"}
    assert found.formula is None
    shown = str(found).splitlines()
    assert shown[0] == "a*f(x1) + c*x2"
    assert f"b: {found.formulas['b'].text}" in shown
    assert shown[-1] == found.message
    assert f"{found.constants['c'].value:.6g} ±" in next(line for line in shown if line.startswith("c = "))
    assert len(repr(found)) < 1000
    assert len(repr(found["f"])) < 100
    there = GROUPS == "c"
    np.testing.assert_allclose(found.formulas["c"].predict(X[there]), y[there], rtol=1e-6)
    with pytest.raises(InputError, match=r"group must be one of the 3.*'z'"):
        found.predict(X, ["z"] * 150)
    with pytest.raises(InputError, match="name the group of each row"):
        found.predict(X)


@pytest.mark.slow
def test_words_have_a_constant_each() -> None:
    table = pd.DataFrame({"metal": GROUPS, "x": X[:, 0], "z": X[:, 1]})
    y = np.sin(X[:, 0]) + FACTOR
    found = fit_partial(table, y, "f(x) + h(metal)", work=WORK)
    own = {word: item.value for word, item in found.own["h"].items()}
    assert own["b"] - own["a"] == pytest.approx(1, abs=1e-3)
    assert own["c"] - own["a"] == pytest.approx(4, abs=1e-3)
    assert found["f"].normalised == "its mean is 0"
    np.testing.assert_allclose(found.predict(table), y, atol=1e-3)
    np.testing.assert_allclose(found.predict(table[["z", "metal", "x"]]), y, atol=1e-3)


def test_targets_share_functions_and_constants() -> None:
    Y = np.column_stack([200 * np.sqrt(X[:, 0]), np.sqrt(X[:, 0]) + 3 * X[:, 1]])
    Y[5, 0] = np.nan
    found = fit_partial(X, Y, ["a*f(x1)", "f(x1) + b*x2"], work=WORK)
    assert found.constants["a"].value == pytest.approx(200, rel=1e-3)
    assert found.constants["b"].value == pytest.approx(3, rel=1e-3)
    assert found.predict(X).shape == (150, 2)
    assert set(found.formulas) == {0, 1}
    np.testing.assert_allclose(found.formulas[1].predict(X), Y[:, 1], rtol=1e-6)
    assert "1 row of 300 left out" in found.message


def test_the_jacobian_equals_differences_in_constants_too() -> None:
    metal, groups = Category("word", ("u", "v")), Category("group", ("g", "h"))
    categories = Categories({"metal": metal}, groups)
    partial = read_partial("a*f(k*x1) + h(metal)*x2^b", ["x1", "x2"], categories=categories, shared=["k"])
    assert partial.functions == ("f",)
    model = PartialModel(partial)
    codes = np.random.default_rng(0).integers(0, 2, (20, 2))
    rows = categories.table(X[:20], codes)
    values = np.random.default_rng(1).uniform(0.5, 1.5, len(partial.constants))
    splines = random_splines(model, rows, 1)
    splines |= {label: Scalar.of(value) for label, value in zip(partial.constants, values, strict=True)}
    _, jacobian = model.jacobian(splines, rows)
    for label in partial.constants:
        moved = [
            model.run({**splines, label: Scalar.of(splines[label].coef[0] + step)}, rows).value
            for step in (1e-6, -1e-6)
        ]
        np.testing.assert_allclose(jacobian[label][:, 0], (moved[0] - moved[1]) / 2e-6, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("f(x1, x2)", {}, "find_function finds one of several columns"),
        ("a*x1 + b", {}, "fit_constants, fit_groups and fit_targets fit constants alone"),
        ("f(x1) + metal", {}, r"holds words; h\(metal\) is a constant for each"),
        ("f(x1) + f(metal)", {}, "must use a name for one thing. Got 'f'"),
        ("f(x1) + h(metal) + h(stuff)", {}, "one column of words"),
        ("h(metal)*x1", {}, "called with words alone"),
        ("f(x1) + a", {"shared": ["aa"]}, "did you mean 'a'"),
        ("f(x1) + a", {"start": {"b": 1}}, "must name constants of the formula, 'a'"),
        (["f(x1)"], {}, "must be a matrix|rows and columns|2 dimensions|must be"),
        ("f(a)", {}, "not called with a column"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(text: Any, options: dict[str, Any], said: str) -> None:
    words = {"metal": GROUPS, "stuff": GROUPS[::-1]}
    table = pd.DataFrame({"x1": X[:, 0], "x2": X[:, 1], **words})
    with pytest.raises(InputError, match=said):
        fit_partial(table, X[:, 0], text, work=WORK, **options)


def test_a_function_of_several_columns_takes_no_constants() -> None:
    with pytest.raises(InputError, match=r"'a' is no column.*fit_partial fits others"):
        find_function(X, X[:, 0], "a*f(x1, x2)", work=WORK)


@pytest.mark.slow
def test_a_constant_named_like_an_unused_column_is_told() -> None:
    names = ["mass", "radius"]
    y = np.sqrt(X[:, 1]) + 3
    found = fit_partial(X, y, "f(radius) + mas", names=names, work=WORK)
    assert "'mas' is no column and was fitted as a constant (did you mean 'mass'?)." in found.message
    far = fit_partial(X, y, "f(radius) + radius0*0 + shift", names=names, work=WORK)
    assert "is no column" not in far.message
    with pytest.raises(InputError, match=r"'f' is not called with a column \(did you mean 'mass'"):
        fit_partial(X, y, "f(mas) + radius", names=names)
