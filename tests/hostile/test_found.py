"""Faults that random attempts have found, each as one call that ends in a clear sentence or works."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

import edgewise as ew
from edgewise import report
from edgewise.cli.app import run
from edgewise.data import to_table
from edgewise.symbolic.fitting.rounding import _likely_multiple
from edgewise.symbolic.networks.suggestions import edge_curve
from edgewise.symbolic.univariate.library import _distinct
from edgewise.training.additive.shape_constraints import ShapeConstraint

from . import kinds, kinds_calls
from .attempts import carry_out
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

REFUSED: dict[str, Callable[[], object]] = {
    "explain(model, one row)": lambda: ew.explain(ew.KAN([2, 1], seed=0), X[0]),
    "fit(X, y with a signaling NaN)": lambda: MODEL.fit(X, np.array([*Y[1:], Decimal("sNaN")], dtype=object)),
    "fit(X, y that cannot be read)": lambda: MODEL.fit(X, Raises()),
    "fit(X, y, weights that cannot be read)": lambda: MODEL.fit(X, Y, sample_weight=Raises()),
    "fit(X that cannot be read)": lambda: MODEL.fit(Raises(), Y),
    "fit(a column that cannot be read)": lambda: MODEL.fit({"a": Raises()}, Y),
    "classes that cannot be read": lambda: ew.KANClassifier().fit(X, Raises()),
    "refine(layers: a tensor without dimensions)": lambda: ew.edits.refine(ew.KAN([2, 1]), 2, layers=NUMBER),
    "mask_edges(a tensor without dimensions)": lambda: ew.edits.mask_edges(ew.KAN([2, 1]), NUMBER),
    "remove_inputs(a tensor without dimensions)": lambda: ew.edits.remove_inputs(ew.KAN([2, 1]), NUMBER),
    "fit(X: two columns without a name)": lambda: MODEL.fit(pa.table([Y, Y], names=["", ""]), Y),
    "parse(a long text)": lambda: ew.forms.parse("'" + "9" * 60 + "gaussian(" * 40 + "'", ["x"]),
    "explain(an output that cannot be written)": lambda: ew.explain(TWO, X, output=Unprintable()),
    "adverse_reasons(a class that cannot be written)": lambda: ew.explaining.adverse_reasons(
        CLASSES, X, 0, favourable=Unprintable()
    ),
    "suggest(a truth value for an edge)": lambda: ew.symbolic.suggest(ew.KAN([2, 1], seed=0), 0, True, 0),
    "fit_constants(sigma: ragged)": lambda: ew.fit_constants(
        np.ones((6, 1)), np.ones(6), "c1*a", names=["a"], sigma=[1, [2, 3]]
    ),
    "minimal_counterfactual(a class that cannot be written)": lambda: ew.minimal_counterfactual(
        CLASSES, X[0], target=Unprintable()
    ),
    "verify(an output that cannot be written)": lambda: ew.verify(
        TWO, ew.properties.output_range(0.0, output=Unprintable())
    ),
    "audit(a class that cannot be written)": lambda: ew.audit(
        CLASSES, X, Y > 1, np.arange(24) % 2, positive=Unprintable()
    ),
    "conformal(an iterator of what is no frame)": lambda: ew.conformal(CLASSES, iter([0]), Y),
    "encode(long names that stand twice)": lambda: ew.data.learn_encoding(
        pa.table([Y, Y], names=["a" * 5000] * 2), Y
    ),
    "fit_table(constraints that are none)": lambda: ew.training.fit_table(X, Y, constraints={0: np.zeros(0)}),
    "fit_table(constraints of what is no input)": lambda: ew.training.fit_table(
        X, Y, constraints={"a": ShapeConstraint(monotone=1)}
    ),
    "verify(a long text)": lambda: ew.verify(ew.KAN([2, 1]), "x*" * 20_000),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_ends_in_one_clear_sentence(what: str) -> None:
    with pytest.raises(ew.EdgewiseError) as caught:
        REFUSED[what]()
    assert why_unclear(str(caught.value)) == "", str(caught.value)


def test_a_report_needs_no_rows_held_out() -> None:
    model = ew.KANRegressor(mode="additive", members=1, work=0.01).fit(X, Y)
    content = ew.report.content_from_estimator(model, X, Y, X[:0], Y[:0])
    assert len(content.y) == len(Y)
    assert not len(content.y_test)


@pytest.mark.parametrize("value", [1.7e308, -1.7e308])
def test_a_column_of_one_value_near_the_largest_float_can_be_fitted(value: float) -> None:
    result = ew.fit(ew.KAN([1, 1], seed=0), np.full((3, 1), value), np.arange(3.0), intervals=[2], steps=2)
    assert np.isfinite(result.network.predict(np.full((1, 1), value))).all()


def test_a_column_of_values_between_which_there_are_hardly_any_floats_is_explained() -> None:
    rows = np.column_stack([np.full(5, 1e8), np.full(5, -1e16)])
    answer: Any = ew.explain(ew.KAN([2, 1], seed=0), rows)
    shapes = answer.shapes
    assert [float(shape.counts.sum()) for shape in shapes] == [5.0, 5.0]
    assert all((np.diff(shape.edges) > 0).all() for shape in shapes)


def test_columns_of_one_value_each_tell_of_no_law() -> None:
    y = np.random.default_rng(0).normal(size=150)
    found = ew.find_formula(np.tile([1.0, 0.0], (150, 1)), y, work=0.01)
    assert not found.best.sympy.free_symbols


def test_words_under_a_name_with_a_null_character_and_numbers_of_any_length_are_words() -> None:
    words = ["oak", "elm"] * 12
    assert np.isfinite(MODEL.fit(pl.DataFrame({"kind\0": words}), Y).predict({"kind\0": words})).all()
    mixed = [10**400, "elm"] * 12
    assert np.isfinite(MODEL.fit({"kind": mixed}, Y).predict({"kind": mixed})).all()


def test_long_arguments_are_not_repeated_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "m.kan", "a" * 500, "b " * 300]) == 2
    said = capsys.readouterr().err.strip()
    assert why_unclear(said) == "", said


def test_a_row_held_out_that_is_too_far_from_the_others_is_named() -> None:
    near = np.random.default_rng(0).normal(size=(150, 1))
    said = dict[int, str]()
    for row in range(0, 150, 10):
        table = near.copy()
        table[row] = 1e300
        try:
            result = ew.fit(ew.KAN([1, 1], seed=0), table, 1e300 * near[:, 0], intervals=[2], steps=2)
        except ew.InputError as error:
            said[row] = str(error)
        else:
            assert np.isfinite(result.network.predict(table)).all()
    assert said
    assert all(f"Row {row} of 'X'" in text for row, text in said.items())
    assert not any(map(why_unclear, said.values()))


def test_an_edge_over_hardly_any_floats_is_read() -> None:
    values = torch.tensor([[1e16], [1e16 + 2], [1e16 + 4]], dtype=torch.float64)
    curve = edge_curve(ew.KAN([1, 1], seed=0), (0, 0, 0), values)
    assert np.isfinite(curve.y).all()
    assert (curve.weight > 0).all()


def test_a_target_of_lists_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pq.write_table(pa.table({"x": [1.0, 2.0], "y": [[1, 2], [3]]}), tmp_path / "t.parquet")
    assert run(["fit", str(tmp_path / "t.parquet"), "--target", "y", "--out", str(tmp_path / "o")]) == 2
    assert why_unclear(capsys.readouterr().err.strip().splitlines()[-1], folder=str(tmp_path)) == ""


@pytest.mark.slow
def test_a_report_of_numbers_near_the_largest_float_is_written(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    cells = (-1e308, 1.0, 1e300, 1e-320, 9e15)
    table.write_text("x,y\n" + "".join(f"{cells[k % 5]},{k % 7 - k % 5}\n" for k in range(60)))
    asked = ["fit", str(table), "-t", "y", "--work", "0.01", "-o", str(tmp_path / "o"), "--no-formula"]
    assert run(asked) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "seed"), [("command fit", 1326513087), ("command settings", 17970116)])
def test_attempts_that_ended_with_a_warning(kind: str, seed: int) -> None:
    """Steps of a curve between the smallest floats; and a target that takes one size in most rows."""
    kinds.warm_up()
    outcome = carry_out(kind, seed)
    assert outcome.end != "fault", outcome.text


def test_every_function_that_people_call_takes_wrong_arguments() -> None:
    """None of the public functions is left out but those that another kind of attempt is about."""
    tried = {kinds_calls.CALLS[name]()[0] for name in kinds_calls.CALLS}
    elsewhere = {"fit", "save", "load", "read_table", "write_report", "export", "formula", "snap", "simplify"}
    public = {name: getattr(ew, name) for name in ew.__all__}
    functions = {name for name, item in public.items() if inspect.isfunction(item)} - elsewhere
    assert functions
    assert [name for name in sorted(functions) if public[name] not in tried] == []


CALLS: dict[str, Callable[[], object]] = {
    "verify(where: a number)": lambda: ew.verify(ew.KAN([2, 1]), "output <= 1", where=NUMBER),
    "verify(file: half a surrogate pair)": lambda: ew.verify(ew.KAN([2, 1]), "output <= 9e9", file="\ud800"),
    "explain(units: a list)": lambda: ew.explain(MODEL.fit(X, Y), X, units=NUMBER),
    "explain(y: a number)": lambda: ew.explain(MODEL.fit(X, Y), X, y=NUMBER),
    "calibrate(y: a dictionary)": lambda: ew.calibrate(CLASSES, X, {"a": 1}),
    "calibrate(y: too short)": lambda: ew.calibrate(CLASSES, X, [True, False]),
    "calibrate(weights of words)": lambda: ew.calibrate(CLASSES, X, Y > 1, sample_weight=["a"] * 24),
    "audit(bins: a list)": lambda: ew.audit(MODEL.fit(X, Y), X, Y, "0", bins=NUMBER),
    "minimal_counterfactual(weights: a number)": lambda: ew.minimal_counterfactual(
        CLASSES, X[0], weights=NUMBER
    ),
    "counterfactuals(where: a number)": lambda: ew.counterfactuals(CLASSES, X, 0, where=NUMBER),
    "plot_front(words)": lambda: ew.plots.plot_front(NUMBER),
    "plot_training(a number)": lambda: ew.plots.plot_training(NUMBER),
    "find_blocks(no model)": lambda: ew.replacing.find_blocks(NUMBER, NUMBER),
    "fit_constants(start: a list)": lambda: ew.fit_constants(X, Y, "a*x1", start=NUMBER),
    "problem_from_text(no domain)": lambda: ew.pde.problem_from_text(NUMBER, "u", "u = 1"),
    "solve(config: a mapping)": lambda: ew.pde.solve(kinds_calls.equation(), config=NUMBER),
    "to_table(a number for a column)": lambda: ew.data.to_table({"a": NUMBER}),
    "to_table(text for a column)": lambda: ew.data.to_table({"a": "oak"}),
    "learn_encoding(y: a dictionary)": lambda: ew.data.learn_encoding(X, {"a": 1}),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_wrong_argument_ends_in_one_clear_sentence(what: str) -> None:
    with pytest.raises(ew.EdgewiseError) as caught:
        CALLS[what]()
    assert why_unclear(str(caught.value)) == "", str(caught.value)


def test_data_that_a_torch_model_cannot_be_called_with_are_said_to_be_that() -> None:
    with pytest.raises(ew.InputError, match="'data' argument must be what the model can be called") as caught:
        ew.replace_mlp(
            torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)), ["b"]
        )
    assert why_unclear(str(caught.value)) == ""


@pytest.mark.parametrize("maker", [ew.KANRegressor, ew.KANClassifier, ew.FormulaRegressor])
@pytest.mark.parametrize("wrong", [Unprintable(), Raises()], ids=lambda wrong: type(wrong).__name__)
def test_no_option_of_an_estimator_is_shown_by_others(maker: Any, wrong: object) -> None:
    """What another library says of it may be more than it can bear."""
    for name in maker().get_params():
        model = maker(**{"work": 0.01, name: wrong})
        with pytest.raises(ew.EdgewiseError, match=name):
            model.fit(X, Y > 1 if maker is ew.KANClassifier else Y)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("data", np.array(3), "'data' argument must be an array of inputs or a list"),
        ("data", np.array([["a", "b"]]), "'data' argument must hold arrays of numbers"),
        ("data", [np.array([[None]])], "'data' argument must hold arrays of numbers"),
        ("score", lambda model: 0.0 if isinstance(model[0], torch.nn.Linear) else model.score, "'score' argument"),
        ("score", lambda model: "good", "'score' argument must be a function that gives a number"),
        ("loss", lambda made: made, "'loss' argument must be a function that gives a tensor"),
        ("loss", lambda made, wanted: made, "'loss' argument must be a function that gives a tensor"),
    ],
)  # fmt: skip
def test_functions_and_batches_that_fail_are_named(option: str, value: Any, words: str) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    given = {"data": torch.linspace(-1, 1, 80).reshape(40, 2), "work": 0.001, option: value}
    with pytest.raises(ew.InputError, match=words) as caught:
        ew.replace_mlp(model, **given)
    assert why_unclear(str(caught.value)) == ""


@pytest.mark.parametrize(
    "other", [0, ew.KANRegressor(), Unprintable(), CLASSES], ids=lambda other: type(other).__name__
)
def test_models_to_compare_with_are_fitted_to_the_same_target(other: object) -> None:
    table = {"a": X[:, 0], "b": X[:, 1]}
    model = ew.KANRegressor(mode="additive", members=1, work=0.01).fit(table, Y)
    with pytest.raises(ew.InputError, match="'repeats' argument must list models"):
        report.content_from_estimator(model, table, Y, table, Y, repeats=[other])


def test_a_long_word_for_a_table_is_cut() -> None:
    with pytest.raises(ew.InputError) as caught:
        to_table(-1, source="a" * 5000)
    assert why_unclear(str(caught.value), ["data frame"]) == ""


def test_numbers_whose_squares_are_none_are_no_multiples() -> None:
    assert not _likely_multiple(1e300, 10**300, 1e280, 1e285)
    assert _distinct([], 12).values.shape == (12, 0)
