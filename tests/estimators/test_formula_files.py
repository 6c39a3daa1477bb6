"""Formula regressors in files: the same predictions to the bit, and a damaged file is one sentence."""

from __future__ import annotations

import pathlib
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgewise as ew
from edgewise import FileError, FormulaRegressor, InputError
from edgewise.cli import main
from edgewise.forms import parse
from edgewise.forms.tree import Apply, Node, Number, Variable
from edgewise.forms.tree_json import from_json, to_json
from edgewise.network.container import read_container, write_container
from edgewise.symbolic import Formula, GroupedFormula, fit_partial

LEAVES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(Number),
    st.integers(-(10**6), 10**6).map(Number),
    st.sampled_from(["x1", "a b", "pi"]).map(Variable),
)


def operations(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    one = st.tuples(st.sampled_from(["neg", "inv", "sin", "step"]), inner).map(lambda p: Apply(p[0], (p[1],)))
    two = st.tuples(st.sampled_from(["^", "max", "mod"]), inner, inner).map(lambda p: Apply(p[0], p[1:]))
    many = st.tuples(st.sampled_from(["+", "*"]), st.lists(inner, min_size=1, max_size=4))
    return st.one_of(one, two, many.map(lambda p: Apply(p[0], tuple(p[1]))))


@given(st.recursive(LEAVES, operations, max_leaves=20))
def test_a_tree_comes_back(tree: Node) -> None:
    assert from_json(to_json(tree)) == tree


@pytest.mark.parametrize(
    "value",
    [[], ["eval", "x"], ["sin", "x", "y"], ["^", 1], ["+"], {"x": 1}, None, True, [["+"], 1]],
)
def test_what_is_no_tree_is_refused(value: Any) -> None:
    with pytest.raises(InputError):
        from_json(value)


def test_nesting_without_end_is_refused() -> None:
    value: Any = "x"
    for _ in range(500):
        value = ["sin", value]
    with pytest.raises(InputError):
        from_json(value)


@pytest.fixture(scope="module")
def swings() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(1, 3, (200, 2)), columns=["the mass", "pi"])
    y = 2.5 * X["the mass"] / X["pi"] ** 2 + 0.01 * rng.standard_normal(200)
    return X, y.to_numpy()


@pytest.fixture(scope="module")
def model(swings: tuple[pd.DataFrame, np.ndarray]) -> FormulaRegressor:
    return FormulaRegressor(0.01, exclude_functions=["tan"], random_state=3).fit(*swings)


@pytest.mark.slow
def test_a_model_predicts_the_same_bits(
    model: FormulaRegressor, swings: tuple[pd.DataFrame, np.ndarray], tmp_path: pathlib.Path
) -> None:
    X, _ = swings
    assert len(model.front_) > 1
    ew.save(model, tmp_path / "law.kan")
    again = ew.load(tmp_path / "law.kan")
    for at, law in enumerate(model.front_):
        ew.save(law, tmp_path / "bare.kan")
        bare = ew.load(tmp_path / "bare.kan")
        assert (bare.predict(X) == cast(Formula, law).predict(X)).all()
        assert (bare, bare.text, bare.constants) == (law, law.text, cast(Formula, law).constants)
        assert (again.predict(X, at=at) == model.predict(X, at=at)).all()
    assert str(model.result_).startswith(str(again.result_))
    assert again.formula_.constants == cast(Formula, model.formula_).constants
    assert again.get_params() == {**model.get_params(), "exclude_functions": ("tan",)}
    assert again.feature_names_in_.tolist() == ["the mass", "pi"]
    with pytest.raises(InputError, match="the mass"):
        again.predict(X[["pi"]])


def test_groups_keep_their_constants_and_learn_new_ones(tmp_path: pathlib.Path) -> None:
    t = np.tile(np.linspace(0, 5, 30), 2)
    X = pd.DataFrame({"t": t, "vessel": np.repeat([1, 2], 30)})
    rate = np.where(X["vessel"] == 1, 0.9, 0.25)
    y = 20 + 60 * np.exp(-rate * t)
    model = FormulaRegressor("quick", groups="vessel").fit(X, y)
    ew.save(model, tmp_path / "cooling.kan")
    again = ew.load(tmp_path / "cooling.kan")
    assert (again.predict(X) == model.predict(X)).all()
    assert str(again.result_) == str(model.result_)
    assert again.formula_.own == cast(GroupedFormula, model.formula_).own
    new = X[:30].assign(vessel=7)
    again.refit_group(new, 20 + 60 * np.exp(-0.5 * new["t"]))
    assert again.formula_.own[7]["a"].value == pytest.approx(0.5)


@pytest.mark.slow
def test_formulas_that_follow_words_are_kept_and_learn_new_words(tmp_path: pathlib.Path) -> None:
    t = np.linspace(0, 5, 90)
    X = pd.DataFrame({"metal": ["iron", "copper", "wax"] * 30, "t": t})
    cooling = 20 + 60 * np.exp(-np.where(X["metal"] == "iron", 0.9, 0.25) * t)
    for y, own in (
        (cooling, True),
        (np.where(X["metal"] == "wax", 3 * t**2 + 1, cooling), True),
        (2 * t, False),
    ):
        model = FormulaRegressor(0.05).fit(X, y)
        assert model.score(X, y) == pytest.approx(1)
        assert model.range_.tolist() == [[0], [5]]
        ew.save(model, tmp_path / "words.kan")
        again = ew.load(tmp_path / "words.kan")
        assert (again.predict(X) == model.predict(X)).all()
        assert str(again.result_) == str(model.result_)
        for law in model.front_:
            ew.save(law, tmp_path / "bare.kan")
            bare = ew.load(tmp_path / "bare.kan")
            assert type(bare) is type(law)
            assert (bare.predict(X) == law.predict(X)).all()
            assert str(bare) == str(law)
        gap = X[:2].assign(metal=[None, "wax"])
        assert np.isnan(again.predict(gap)).tolist() == [own, False]
        new = X[:30].assign(metal="tin")
        if own:
            with pytest.raises(InputError, match="Got 'tin' instead"):
                again.predict(new)
            again.refit_group(new, 20 + 60 * np.exp(-0.5 * new["t"]))
            assert again.formula_.own["tin"]["a"].value == pytest.approx(0.5)
        else:
            np.testing.assert_allclose(again.predict(new), 2 * t[:30], atol=1e-9)
            with pytest.raises(InputError, match="or whose constants follow words"):
                again.refit_group(new, t[:30])


def test_formulas_keep_what_functions_cost_in_them(tmp_path: pathlib.Path) -> None:
    law = Formula(parse("sin(x)", ["x"]).tree, ("x",), costs=(("sin", 7),))
    ew.save(law, tmp_path / "law.kan")
    assert ew.load(tmp_path / "law.kan").complexity == law.complexity


@pytest.mark.slow
def test_what_cannot_be_saved_is_told_what_can(model: FormulaRegressor, tmp_path: pathlib.Path) -> None:
    x = np.linspace(1, 3, 60)
    partly = fit_partial(x[:, None], x**2, "f(x1)", work=0.05)
    for thing, advice in (
        (None, ""),
        (model.result_, "; save its .best"),
        (partly, "; save its .formula"),
        (np.zeros(3), ""),
    ):
        with pytest.raises(
            InputError,
            match=rf"a KANForecaster, .* a formula or what find_dynamics found\. Got .* instead{advice}\.$",
        ):
            ew.save(thing, tmp_path / "no.kan")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [["predict"], ["explain"], ["export", "--to", "c"]])
def test_commands_say_what_a_formula_by_itself_is(
    model: FormulaRegressor, command: list[str], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, table = tmp_path / "law.kan", tmp_path / "rows.csv"
    ew.save(model.formula_, path)
    table.write_text("the mass,pi\n1,2\n")
    name, *rest = command
    with pytest.raises(SystemExit) as left:
        main([name, str(path), *([] if name == "export" else [str(table)]), *rest])
    assert left.value.code == 2
    assert "a formula by itself" in " ".join(capsys.readouterr().err.split())


def test_a_formula_of_another_kind_than_stated_is_refused(
    model: FormulaRegressor, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "law.kan"
    ew.save(model.formula_, path)
    document, tensors = read_container(path, "Formula", lambda _: {})
    for kind in ("GroupedFormula", "BranchedFormula", "KAN"):
        write_container(path, {**document, "kind": kind}, tensors, overwrite=True)
        with pytest.raises(FileError):
            ew.load(path)


def test_an_array_of_objects_may_hold_words() -> None:
    t = np.linspace(1, 5, 60)
    rows = np.empty((60, 2), dtype=object)
    rows[:, 0], rows[:, 1] = ["p", "q"] * 30, t
    y = np.where(rows[:, 0] == "p", 2.0, 5.0) * t
    model = FormulaRegressor(0.05).fit(rows, y)
    assert model.predict(rows) == pytest.approx(y)
    assert model.formula_.of("q") == "5*x2"


def test_what_cannot_be_saved_says_so(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="call its fit"):
        ew.save(FormulaRegressor(), tmp_path / "law.kan")


def test_a_damaged_document_is_one_sentence(model: FormulaRegressor, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "law.kan"
    ew.save(model, path)
    document, _ = read_container(path, "FormulaRegressor", lambda _: {})
    for change in (
        {"parameters": {"device": 1}}, {"front": [{}]}, {"n_features": 3}, {"feature_names": ["a"]},
        {"formula": {**document["formula"], "tree": ["open", "x"]}},
        {"result": {**document["result"], "stop_reason": "bored"}},
    ):  # fmt: skip
        write_container(path, {**document, **change}, {}, overwrite=True)
        with pytest.raises(FileError, match="is damaged"):
            ew.load(path)
