"""Wrong arguments of methods and of what results are used for: one clear sentence each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import edgewise as ew
from edgewise import report

from . import kinds_calls, kinds_methods
from .sentence import why_unclear
from .values import Raises, Unprintable

TWO: Any = ew.edits.scale_to_data(
    ew.KAN([2, 2], seed=0), [[0.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, 1.0]]
).network
X = np.linspace(-1, 1, 24)[:, None] ** [1, 2]
Y = X.sum(1)
NUMBER: Any = torch.tensor(1)
MODEL = ew.KANRegressor(mode="additive", members=1, work=0.01)
CLASSES = ew.KANClassifier(mode="additive", members=1, work=0.01).fit(X, Y > 1)


FRAME = {"size": np.linspace(-1, 1, 24), "kind": ["oak", "elm", "elm"] * 8}


@cache
def of_words() -> Any:
    return ew.KANClassifier(mode="additive", members=1, work=0.01).fit(FRAME, np.arange(24) % 3 == 0)


def test_a_row_may_hold_a_number_where_the_model_knows_words() -> None:
    row = {"size": [0.5], "kind": [2]}
    found = ew.counterfactuals(of_words(), FRAME, row)
    assert any(change.column == "kind" for item in found.items for change in item.changes)
    assert all(item.prediction != of_words().predict(row)[0] for item in found.items)


def test_a_row_of_a_data_frame_is_a_row_everywhere() -> None:
    row = pd.DataFrame(FRAME).iloc[5]
    plain = {"size": FRAME["size"][5], "kind": FRAME["kind"][5]}
    found = [ew.minimal_counterfactual(of_words(), item, work=0.01) for item in (row, plain)]
    assert str(found[0]) == str(found[1])
    asked = [ew.verify(of_words(), ew.properties.robust(item, 0.01), work=0.01) for item in (row, plain)]
    assert asked[0].status == asked[1].status
    with pytest.raises(ew.InputError, match="2 columns"):
        ew.minimal_counterfactual(of_words(), row.to_numpy()[:1])


MLP = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
ROWS = torch.linspace(-1, 1, 80).reshape(40, 2)


@cache
def replaced() -> Any:
    return ew.replace_mlp(MLP, ROWS, work=0.001)


RESULTS: dict[str, Callable[[], object]] = {
    "fit_constants(sigma that cannot be read)": lambda: ew.fit_constants(X, Y, "a*x1", sigma=Raises()),
    "find_formula(x_sigma that cannot be read)": lambda: ew.find_formula(X, Y, x_sigma={"x1": Raises()}),
    "fit(y that cannot be read)": lambda: ew.fit(ew.KAN([2, 1], seed=0), X, Raises()),
    "adverse_reasons(protected: lists)": lambda: ew.explaining.adverse_reasons(
        of_words(), FRAME, 0, protected=[[1, 2]]
    ),
    "prune_blocks(another result)": lambda: ew.replacing.prune_blocks(MLP, NUMBER, ROWS),
    "prune_blocks(another model)": lambda: ew.replacing.prune_blocks(torch.nn.Linear(2, 2), replaced(), ROWS),
    "prune_blocks(no model)": lambda: ew.replacing.prune_blocks(NUMBER, replaced(), ROWS),
    "with_network(no network)": lambda: replaced().with_network(0, NUMBER),
}


@pytest.mark.parametrize("what", RESULTS)
def test_wrong_arguments_of_what_results_are_used_for_end_in_one_clear_sentence(what: str) -> None:
    with pytest.raises(ew.EdgewiseError) as caught:
        RESULTS[what]()
    assert why_unclear(str(caught.value)) == "", str(caught.value)


@pytest.mark.parametrize("wrong", [None, "m.kan", MODEL, 3], ids=lambda wrong: type(wrong).__name__)
def test_what_works_on_networks_says_so(wrong: Any) -> None:
    """Every edit and every way to a formula: no estimator around a network will do, and the message says what will."""
    given = {"X": X, "y": Y, "edges": [(0, 0, 0)], "edge": (0, 0, 0), "layer": 0, "nodes": [0], "order": [0]}
    given |= {
        "first": 0,
        "second": 0,
        "inputs": ["x1"],
        "form": "sin",
        "coef": [0.0],
        "source": 0,
        "target": 0,
        "x": torch.zeros(2, 1),
        "directions": torch.eye(1),
        "axes": (0,),
    }
    rooms = (ew.edits, ew.network, ew.symbolic, ew)
    asked = {getattr(room, name) for room in rooms for name in room.__all__}
    asked = {name for name in asked if inspect.isfunction(name)}
    tried = 0
    for function in sorted(asked, key=lambda name: name.__name__):
        parameters = inspect.signature(function).parameters
        if next(iter(parameters), "") == "model" and function.__name__ not in _ALSO_OF_ESTIMATORS:
            needed = {
                name for name, parameter in parameters.items() if parameter.default is parameter.empty
            } - {"model"}
            with pytest.raises(ew.EdgewiseError) as caught:
                function(wrong, **{name: given.get(name) for name in needed if name in given})
            assert why_unclear(str(caught.value)) == "", str(caught.value)
            tried += 1
    assert tried > 20


_ALSO_OF_ESTIMATORS = {
    *(
        "adverse_reasons",
        "audit",
        "calibrate",
        "conformal",
        "counterfactuals",
        "edit_shape",
        "explain",
        "export",
    ),
    *("minimal_counterfactual", "mitigate", "save", "verify", "view", "replace_mlp"),
}


@pytest.mark.parametrize(
    "read", [ew.symbolic.complexity, ew.symbolic.simplify_expression, ew.symbolic.formula_text]
)
def test_no_text_is_run_as_code(read: Any, tmp_path: Path) -> None:
    there = tmp_path / "hacked"
    with pytest.raises(ew.InputError, match="must be a sympy expression"):
        read(f"open({str(there)!r}, 'w')")
    with pytest.raises(ew.InputError, match="must be a sympy expression"):
        ew.symbolic.Formula(f"open({str(there)!r}, 'w')", ("x",))
    assert not there.exists()


SLIPS: dict[str, Callable[[], object]] = {
    "take(a row that is not there)": lambda: TABLE.take(NUMBER + 7),
    "take(rows that cannot be read)": lambda: TABLE.take(Raises()),
    "matrix(a name)": lambda: TABLE.matrix("a"),
    "matrix(a number)": lambda: TABLE.matrix(NUMBER),
    "drop_missing(a number)": lambda: TABLE.drop_missing(NUMBER),
    "features(columns: a number)": lambda: TABLE.features("a", NUMBER),
    "features(missing: no truth value)": lambda: TABLE.features("a", missing=NUMBER),
    "to_frame(no table)": lambda: ew.data.to_frame(NUMBER),
    "without(a number)": lambda: ew.data.learn_encoding(X, Y).without(NUMBER, "bias"),
    "outside(no tensor)": lambda: TWO.outside(X),
    "score(too few)": lambda: MODEL.fit(X, Y).score(X, Y[:3]),
    "score(weights that cannot be read)": lambda: MODEL.fit(X, Y).score(X, Y, Raises()),
    "shape(an array)": lambda: cast(Any, ew.explain(MODEL.fit(X, Y), X)).shape(np.zeros(0)),
    "effect(an array)": lambda: cast(Any, ew.explain(MODEL.fit(X, Y), X, row=0)).effect(np.zeros(0)),
    "breaches(None)": lambda: kinds_calls.audited().breaches(None),
    "value(an array)": lambda: kinds_calls.audited().value(NUMBER, "kind"),
    "evaluate(no mapping)": lambda: ew.forms.parse("a", ["a"]).evaluate(NUMBER),
    "evaluate(no tensor)": lambda: ew.forms.parse("a", ["a"]).evaluate({"a": "b"}),
    "python(no name)": lambda: kinds_calls.law().best.python("a b"),
    "c(no name)": lambda: kinds_calls.law().best.c(NUMBER),
    "to_sympy_source(no formula)": lambda: ew.exporting.to_sympy_source(NUMBER),
    "to_c_source(no name)": lambda: ew.exporting.to_c_source(TWO, name=Unprintable()),
    "pareto(no formulas)": lambda: ew.symbolic.pareto(NUMBER),
    "pareto(no number)": lambda: ew.symbolic.pareto([], Unprintable()),
    "find_dynamics(groups: a number)": lambda: ew.dynamics.find_dynamics(np.arange(24.0), X, groups=NUMBER),
    "write_report(path: a number)": lambda: ew.write_report(NUMBER, NUMBER),
    "baseline_rows(no content)": lambda: report.baseline_rows(NUMBER),
    "find_formula(constraints: a long text)": lambda: ew.find_formula(X, Y, constraints="a" * 999),
    "plot(no forecast)": lambda: kinds_calls.forecaster().plot(NUMBER),
    "KANForecaster(lags: too many)": lambda: ew.estimators.KANForecaster(lags=2**40).fit(None, Y),
    "content_from_estimator(y that cannot be read)": lambda: page(y=Raises()),
    "content_from_estimator(rows: no truth value)": lambda: page(rows=NUMBER),
    "content_from_estimator(intervals: anything)": lambda: page(intervals=Unprintable()),
    "replace_mlp(parameters: infinite)": lambda: ew.replace_mlp(MLP, ROWS, parameters=float("inf")),
    "replace_mlp(no blocks)": lambda: ew.replace_mlp(MLP, ROWS, blocks=()),
    "find_blocks(a call that fails)": lambda: ew.replacing.find_blocks(MLP, cast(Any, int)),
    "split(more rows than there can be)": lambda: ew.data.split(2**31),
    "problem_from_text(a constant without a name)": lambda: ew.pde.problem_from_text(
        kinds_calls.equation().domain, "u", "u = 1", constants=cast(Any, {1: 2.0})
    ),
    "plot_parity(rows that cannot be read)": lambda: ew.plots.plot_parity(Y, Y, held_out=Raises()),
    "plot_groups(no formula)": lambda: ew.plots.plot_groups(NUMBER, X, Y, Y),
    "plot_dynamics(a number)": lambda: ew.plots.plot_dynamics(NUMBER),
    "plot_frontier(a number)": lambda: ew.plots.plot_frontier(NUMBER),
    "plot_solution(a number)": lambda: ew.plots.plot_solution(NUMBER),
    "save_figure(a number)": lambda: ew.plots.save_figure(NUMBER, "f.svg"),
    "save_figure(dpi: words)": lambda: ew.plots.save_figure(ew.plots.plot_parity(Y, Y), "f.svg", dpi=NUMBER),
    "figure_svg(no theme)": lambda: ew.plots.figure_svg(ew.plots.plot_parity(Y, Y), variables=NUMBER),
    "fit(a list of folders)": lambda: MODEL.fit([Path()], "y"),
    "fit(a list of long words)": lambda: MODEL.fit(["a" * 9999], "y"),
    "fit(half a surrogate pair)": lambda: MODEL.fit(["\ud800"], "y"),
    "solution.evaluate(words)": lambda: kinds_methods.solution().evaluate(kinds_methods.height(), "a"),
    "solution.integral(a number)": lambda: kinds_methods.solution().integral(kinds_methods.height(), NUMBER),
    "solution.formula(an array)": lambda: kinds_methods.solution().formula(NUMBER),
    "solution.residual(too many)": lambda: kinds_methods.solution().residual(2**40),
    "solution.network(finer than numbers are)": lambda: kinds_methods.solution().network(tolerance=1e-320),
    "constant(no name)": lambda: ew.pde.constant(NUMBER),
    "constant(bounds: words)": lambda: ew.pde.constant("c", bounds=cast(Any, "ab")),
    "function(over: three numbers)": lambda: ew.pde.function(
        "f", kinds_methods.place(), cast(Any, (0, 1, 2))
    ),
    "box(periodic: a number)": lambda: ew.pde.box({kinds_methods.place(): (0, 1)}, periodic=NUMBER),
    "box(ranges: a number)": lambda: ew.pde.box(NUMBER),
    "polygon(holes: a number)": lambda: ew.pde.polygon(
        ew.pde.coordinates("x", "y"), [(0, 0), (1, 0), (0, 1)], holes=NUMBER
    ),
    "disk(center that cannot be read)": lambda: ew.pde.disk(
        ew.pde.coordinates("x", "y"), cast(Any, [Raises()] * 2)
    ),
    "eigen(config: a number)": lambda: ew.pde.eigen(kinds_methods.drum(), config=NUMBER),
    "identify(config: a number)": lambda: ew.pde.identify(kinds_methods.rod(), [], config=NUMBER),
    "identify(data: a number)": lambda: ew.pde.identify(kinds_methods.rod(), NUMBER),
    "read_equations(names: bytes)": lambda: ew.pde.read_equations("a = 1", cast(Any, b"x")),
    "gallery(a long name)": lambda: ew.pde.gallery("a" * 999),
    "prune_blocks(data that holds itself)": lambda: ew.replacing.prune_blocks(MLP, replaced(), itself()),
    "prune_blocks(data of another model)": lambda: ew.replacing.prune_blocks(MLP, replaced(), [(1, 2)]),
    "evidence(a picture that cannot be read)": lambda: kinds_methods.pictures().evidence(Raises()),
    "never_flips(a number)": lambda: ew.properties.never_flips(NUMBER),
    "robust(a row that is not there)": lambda: ew.verify(
        of_words(), ew.properties.robust(99, 0.1), rows=FRAME
    ),
    "quote(a number)": lambda: ew.forms.quote(NUMBER),
    "derivative(an array)": lambda: ew.forms.parse("a", ["a"]).derivative(NUMBER),
    "find_dynamics(exclude_functions: lists)": lambda: ew.dynamics.find_dynamics(
        np.arange(24.0), X, exclude_functions=cast(Any, [[1]])
    ),
    "find_dynamics(no time at all)": lambda: ew.dynamics.find_dynamics(np.arange(24.0), X, seconds=1e-320),
    "split(seed: a frame)": lambda: ew.data.split(
        9, seed=cast(Any, pd.DataFrame({"a": [0.0] * 4, "b": 0.0}))
    ),
    "solution.residual(seed: a share)": lambda: kinds_methods.solution().residual(9, cast(Any, 0.5)),
    "discover(time: an object)": lambda: ew.pde.discover(
        {"u": Y}, {"x": np.arange(24.0)}, time=cast(Any, object())
    ),
    "explain(units: mappings)": lambda: ew.explain(MODEL.fit(X, Y), X, units=cast(Any, {"x1": {"a": 1}})),
    "gallery(a frame)": lambda: ew.pde.gallery(cast(Any, pd.DataFrame({"a": [1]}))),
    "verify(white space)": lambda: ew.verify(TWO, " " * 40),
    "edit_edge(no network)": lambda: ew.explaining.edit_edge(NUMBER, (0, 0, 0), "smooth", X),
    "explain(errors in a list)": lambda: ew.explain(MODEL.fit(X, Y), X, row=cast(Any, [ValueError("x")])),
}


def itself() -> list[Any]:
    own: list[Any] = [1]
    own.append(own)
    return own


def page(y: Any = Y, **options: Any) -> Any:
    return report.content_from_estimator(MODEL.fit(X, Y), X, y, X, Y, **options)


TABLE = ew.data.to_table({"a": [1.0, 2.0], "b": [1.0, None]})


@pytest.mark.parametrize("what", SLIPS)
def test_methods_say_what_they_take(what: str) -> None:
    with pytest.raises(ew.EdgewiseError) as caught:
        SLIPS[what]()
    assert why_unclear(str(caught.value)) == "", str(caught.value)


def test_a_table_takes_rows_by_number_mask_and_slice() -> None:
    for rows in ([1], np.array([False, True]), slice(1, 2), -1 + np.zeros(1, dtype=int)):
        assert TABLE.take(cast(Any, rows)).columns["a"].tolist() == [2.0]


def test_more_changes_pairs_and_bins_than_there_are_end_as_all_of_them() -> None:
    found = [ew.counterfactuals(of_words(), FRAME, 0, most_changes=n) for n in (2, 2**40)]
    assert str(found[0]) == str(found[1])
    told = [ew.explaining.reliability(of_words(), FRAME, np.arange(24) % 3 == 0, bins=n) for n in (24, 2**40)]
    assert str(told[0]) == str(told[1])
    fits = [ew.training.fit_table(X, Y, interactions=n, members=1, work=0.01) for n in (1, 10**30)]
    assert np.array_equal(*(fit.network.predict(X) for fit in fits))


@pytest.mark.parametrize(("of_x", "of_y"), [(1e-100, 1.0), (1.0, 1e-301), (1e300, 1e300)])
def test_first_order_fits_numbers_of_any_size(of_x: float, of_y: float) -> None:
    result = ew.fit(ew.KAN([2, 1], seed=0), X * of_x, Y * of_y, steps=30, intervals=[2], method="adam")
    told = ew.fit(ew.KAN([2, 1], seed=0), X, Y, steps=30, intervals=[2], method="adam")
    assert result.train_error / of_y == pytest.approx(told.train_error, rel=0.05)
    assert np.allclose(result.network.predict(X * of_x) / of_y, told.network.predict(X), atol=0.05)


def test_a_dataset_without_a_column_of_the_model_says_which(tmp_path: Path) -> None:
    model = ew.KANRegressor(mode="additive", members=1, work=0.01).fit({"a": X[:, 0], "b": X[:, 1]}, Y)
    frame = pl.DataFrame({"a": X[:, 0], "c": X[:, 1]})
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_csv(tmp_path / "t.csv")
    for given in (frame.lazy(), tmp_path / "t.parquet", [tmp_path / "t.csv"]):
        with pytest.raises(ew.InputError, match="column 'b'") as caught:
            model.predict(given)
        assert why_unclear(str(caught.value)) == ""


def test_a_number_is_a_formula_too() -> None:
    assert ew.symbolic.formula_text(cast(Any, 2.5)) == "2.5"
