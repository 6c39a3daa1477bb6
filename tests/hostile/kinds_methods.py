"""Attempts on every argument of what results and rooms offer: methods, properties, exports, plots, solutions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import sympy
import torch

import edgewise as ew
from edgewise import data, explaining, forms, plots, report, symbolic

from .attempts import LITTLE, Attempt, Random, kind
from .kinds_calls import (
    BRIEF,
    HIGH,
    LAW,
    MATRIX,
    ROWS,
    SQUARES,
    TABLE,
    WORDED,
    Call,
    audited,
    calibrated,
    called_wrongly,
    explained,
    forecaster,
    law,
    promised,
    trained,
)
from .kinds_estimators import fitted
from .kinds_networks import sample
from .values import pick

P = ew.properties
TIMES = np.linspace(0, 4, 40)


@cache
def grouped() -> Any:
    return ew.find_formula(MATRIX, LAW, groups=["p", "q"] * (ROWS // 2), names=["a", "b"], work=LITTLE)


@cache
def worded() -> Any:
    return ew.find_formula(WORDED, LAW, work=LITTLE)


@cache
def partial() -> Any:
    return ew.fit_partial(MATRIX, LAW, "a^2 + f(b)", names=["a", "b"], work=LITTLE)


@cache
def motion() -> Any:
    return ew.dynamics.find_dynamics(TIMES, np.exp(-TIMES)[:, None], work=LITTLE)


@cache
def content() -> Any:
    return report.content_from_estimator(fitted(0), TABLE, SQUARES, TABLE, SQUARES, rows=False)


@cache
def height() -> Any:
    """The unknown of an easy problem."""
    return ew.pde.unknown("u", place())


@cache
def place() -> Any:
    return ew.pde.coordinates("x")[0]


def posed(equations: list[Any]) -> Any:
    line = ew.pde.box({place(): (0, 1)})
    return ew.pde.Problem(line, equations, ew.pde.on(line.boundary["walls"], height() == 0))


@cache
def solution() -> Any:
    return ew.pde.solve(posed([ew.pde.dx(height(), place(), 2) == -1]), tolerance=1e-3)


@cache
def drum() -> Any:
    x, y = ew.pde.coordinates("x", "y")
    u, square = ew.pde.unknown("u", x, y), ew.pde.box({x: (0, 1), y: (0, 1)})
    return ew.pde.Problem(
        square, [-ew.pde.lap(u) == ew.pde.eigenvalue() * u], ew.pde.on(square.boundary["walls"], u == 0)
    )


@cache
def rod() -> Any:
    return posed([ew.pde.constant("k") * ew.pde.dx(height(), place(), 2) == -1])


@cache
def blocks() -> tuple[Any, Any, Any]:
    torch.manual_seed(0)
    model, X = (
        torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2)),
        torch.rand(80, 2),
    )
    return model, ew.replacing.replace_mlp(model, X, work=LITTLE), X


@cache
def snapped() -> Any:
    return ew.snap(trained().network, MATRIX).network


@cache
def pictures() -> Any:
    X = np.random.default_rng(0).uniform(size=(24, 8, 8))
    return ew.vision.ImageClassifier("patches", epochs=1).fit(X, np.arange(24) % 2)


@cache
def frontier() -> Any:
    return ew.mitigate(fitted(1), TABLE, HIGH, "kind", methods=["thresholds"], at_most=[0.1], work=LITTLE)


@cache
def encoding() -> Any:
    return data.learn_encoding(TABLE, SQUARES)


@cache
def changed() -> Any:
    return ew.counterfactuals(fitted(1), TABLE, 1, work=LITTLE)


def asked(make: Callable[..., Any], **options: Any) -> Call:
    """A property, made and proved."""
    return (lambda **given: ew.verify(fitted(1), make(**given), **BRIEF)), options


def told(make: Callable[..., Any], **options: Any) -> Call:
    return make, options


METHODS: dict[str, Callable[[], Call]] = {
    "predict a network": lambda: (sample(0).predict, {"X": MATRIX}),
    "activations": lambda: (sample(0).activations, {"x": torch.zeros(3, 2, dtype=torch.float64)}),
    "outside": lambda: (sample(0).outside, {"x": torch.zeros(3, 2, dtype=torch.float64)}),
    "predict classes": lambda: (fitted(1).predict, {"X": TABLE}),
    "probabilities": lambda: (fitted(1).predict_proba, {"X": TABLE}),
    "decision_function": lambda: (fitted(1).decision_function, {"X": TABLE}),
    "score": lambda: (fitted(0).score, {"X": TABLE, "y": SQUARES}),
    "plot a model": lambda: (fitted(0).plot, {"X": TABLE}),
    "decide calibrated": lambda: (calibrated().predict, {"X": TABLE}),
    "predict_set": lambda: (ew.conformal(fitted(1), TABLE, HIGH).predict_set, {"X": TABLE}),
    "intervals": lambda: (promised().predict_interval, {"X": TABLE}),
    "shape": lambda: (explained()[0].shape, {"column": "size"}),
    "effect": lambda: (explained()[1].effect, {"column": "size"}),
    "value of an audit": lambda: (audited().value, {"criterion": "dp", "attribute": "kind"}),
    "of an audit": lambda: (audited().of, {"attribute": "kind"}),
    "breaches": lambda: (lambda limit: audited().breaches(limit), {"limit": "dp > 0.1"}),
    "best of a frontier": lambda: (frontier().best, {"criterion": "dp", "at_most": 0.5}),
    "features of a table": lambda: (
        data.to_table({"a": [1.0, 2.0], "y": [1.0, 2.0]}).features,
        {"target": "y"},
    ),
    "matrix of a table": lambda: (data.to_table({"a": [1.0, 2.0]}).matrix, {"columns": ["a"]}),
    "rows of a table": lambda: (data.to_table({"a": [1.0, 2.0]}).take, {"rows": [0]}),
    "missing in a table": lambda: (data.to_table({"a": [1.0, 2.0]}).missing, {"name": "a"}),
    "drop_missing": lambda: (data.to_table({"a": [1.0, 2.0]}).drop_missing, {"columns": ["a"]}),
    "apply an encoding": lambda: (encoding().apply, {"frame": TABLE}),
    "without columns": lambda: (encoding().without, {"names": ["kind"], "reason": "bias"}),
    "to_frame": lambda: (data.to_frame, {"table": data.to_table({"a": [1.0, 2.0]})}),
    "find_dynamics": lambda: (
        ew.dynamics.find_dynamics,
        {"t": TIMES, "states": np.exp(-TIMES)[:, None], "work": LITTLE},
    ),
    "simulate": lambda: (motion().simulate, {"t": TIMES, "start": [1.0]}),
    "rates": lambda: (motion().rates, {"states": np.ones((3, 1))}),
    "plot a forecaster": lambda: (forecaster().plot, {"forecast": forecaster().forecast(3)}),
    "predict a part": lambda: (partial().predict, {"X": MATRIX}),
    "predict by groups": lambda: (grouped().best.predict, {"X": MATRIX, "groups": ["p", "q"] * (ROWS // 2)}),
    "predict by words": lambda: (worded().best.predict, {"X": WORDED}),
    "of a group": lambda: (grouped().best.of, {"group": "p"}),
    "python of a formula": lambda: (law().best.python, {"name": "law"}),
    "c of a formula": lambda: (law().best.c, {"name": "law"}),
    "export": lambda: (ew.export, {"model": sample(0), "path": "m.json"}),
    "to_c_source": lambda: (ew.exporting.to_c_source, {"model": fitted(0)}),
    "to_json": lambda: (ew.exporting.to_json, {"model": fitted(0)}),
    "to_latex": lambda: (ew.exporting.to_latex, {"model": sample(0)}),
    "to_numpy_source": lambda: (ew.exporting.to_numpy_source, {"model": fitted(0)}),
    "to_onnx": lambda: (ew.exporting.to_onnx, {"model": fitted(0)}),
    "to_sympy_source": lambda: (ew.exporting.to_sympy_source, {"formula": law().best}),
    "to_torch_source": lambda: (ew.exporting.to_torch_source, {"module": sample(0)}),
    "evaluate an expression": lambda: (
        forms.parse("a + b", ["a", "b"]).evaluate,
        {"values": {"a": torch.zeros(2), "b": torch.zeros(2)}},
    ),
    "derivative of an expression": lambda: (forms.parse("a^2", ["a"]).derivative, {"name": "a"}),
    "quote": lambda: (forms.quote, {"name": "a b"}),
    "monotone": lambda: told(
        lambda feature, direction="increasing", output=None: ew.verify(
            fitted(1), P.monotone(feature, direction, output=output), **BRIEF
        ),
        feature="size",
    ),
    "lipschitz": lambda: told(
        lambda feature, bound, output=None: ew.verify(
            fitted(0), P.lipschitz(feature, bound, output=output), **BRIEF
        ),
        feature="size",
        bound=3.0,
    ),
    "never_flips": lambda: told(
        lambda features, others=None, threshold=None, output=None: ew.verify(
            fitted(1), P.never_flips(features, others=others, threshold=threshold, output=output), **BRIEF
        ),
        features=["kind"],
        others={"size": 0.1},
    ),
    "changes_at_most": lambda: told(
        lambda feature, max_change, output=None: ew.verify(
            fitted(1), P.changes_at_most(feature, max_change, output=output), **BRIEF
        ),
        feature="kind",
        max_change=0.2,
    ),
    "robust": lambda: told(
        lambda row, radius, change=None, output=None: ew.verify(
            fitted(1), P.robust(row, radius, change=change, output=output), rows=TABLE, **BRIEF
        ),
        row=0,
        radius=0.1,
    ),
    "linear": lambda: told(
        lambda terms, bound: ew.verify(fitted(0), P.linear(terms, bound), **BRIEF),
        terms={"size": 1.0, "output": -1.0},
        bound=3.0,
    ),
    "output_range": lambda: told(
        lambda low=None, high=None, output=None, probability=False: ew.verify(
            fitted(1), P.output_range(low, high, output=output, probability=probability), **BRIEF
        ),
        high=9.0,
    ),
    "decides": lambda: told(lambda label: ew.verify(fitted(1), P.decides(label), **BRIEF), label="low"),
    "equal": lambda: told(
        lambda other, epsilon: ew.verify(sample(0), P.equal(other, epsilon), **BRIEF),
        other=sample(0),
        epsilon=0.1,
    ),
    "formula_within": lambda: told(
        lambda formula, epsilon, output=None: ew.verify(
            trained().network, P.formula_within(formula, epsilon, output=output), **BRIEF
        ),
        formula="x1 + x2",
        epsilon=9.0,
    ),
    "edit_edge": lambda: (
        explaining.edit_edge,
        {"model": sample(0), "edge": (0, 0, 0), "edit": "smooth", "X": MATRIX},
    ),
    "complexity": lambda: (symbolic.complexity, {"expression": sympy.Symbol("a") ** 2}),
    "fit_curve": lambda: (symbolic.fit_curve, {"x": MATRIX[:, 0], "y": LAW}),
    "form_from_sympy": lambda: (symbolic.form_from_sympy, {"expression": sympy.sin(sympy.Symbol("x"))}),
    "formula": lambda: (ew.formula, {"model": snapped(), "X": MATRIX, "y": LAW}),
    "formula_text": lambda: (symbolic.formula_text, {"expression": sympy.Symbol("a") ** 2}),
    "pareto": lambda: (symbolic.pareto, {"formulas": law().front}),
    "parse_formula": lambda: (symbolic.parse_formula, {"text": "a + b", "names": ["a", "b"]}),
    "simplify_expression": lambda: (symbolic.simplify_expression, {"expression": sympy.Symbol("a") ** 2}),
    "snap": lambda: (ew.snap, {"model": sample(0), "X": MATRIX}),
    "suggest": lambda: (
        symbolic.suggest,
        {"model": sample(0), "layer": 0, "source": 0, "target": 0, "X": MATRIX},
    ),
    "render_report": lambda: (report.render_report, {"content": content()}),
    "write_report": lambda: (ew.write_report, {"path": "r.html", "content": content()}),
    "baseline_rows": lambda: (report.baseline_rows, {"content": content()}),
    "render_solution": lambda: (report.render_solution, {"solution": solution()}),
    "plot_solution": lambda: (plots.plot_solution, {"solution": solution()}),
    "plot_surfaces": lambda: (plots.plot_surfaces, {"explanation": explained()[0]}),
    "plot_counterfactuals": lambda: (plots.plot_counterfactuals, {"found": changed()}),
    "plot_dynamics": lambda: (plots.plot_dynamics, {"found": motion()}),
    "plot_frontier": lambda: (plots.plot_frontier, {"frontier": frontier()}),
    "plot_groups": lambda: (
        plots.plot_groups,
        {"formula": grouped().best, "X": MATRIX, "y": LAW, "groups": ["p", "q"] * (ROWS // 2)},
    ),
    "save_figure": lambda: (
        plots.save_figure,
        {"figure": plots.plot_parity(LAW, LAW), "path": "f.svg"},
    ),
    "figure_svg": lambda: (plots.figure_svg, {"figure": plots.plot_parity(LAW, LAW)}),
    "evaluate a solution": lambda: (
        lambda term, at: solution().evaluate(term, at),
        {"term": height(), "at": [0.1, 0.2]},
    ),
    "integral": lambda: (solution().integral, {"term": height()}),
    "network of a solution": lambda: (solution().network, {"tolerance": 1e-2}),
    "formula of a solution": lambda: (solution().formula, {"work": LITTLE}),
    "residual": lambda: (solution().residual, {"points": 10}),
    "save a solution": lambda: (solution().save, {"path": "s.kan"}),
    "box": lambda: (ew.pde.box, {"ranges": {ew.pde.coordinates("x")[0]: (0.0, 1.0)}}),
    "disk": lambda: (ew.pde.disk, {"coordinates": ew.pde.coordinates("x", "y")}),
    "ellipse": lambda: (ew.pde.ellipse, {"coordinates": ew.pde.coordinates("x", "y")}),
    "polygon": lambda: (
        ew.pde.polygon,
        {"coordinates": ew.pde.coordinates("x", "y"), "corners": [(0, 0), (1, 0), (0, 1)]},
    ),
    "constant": lambda: (ew.pde.constant, {"name": "c"}),
    "function": lambda: (
        ew.pde.function,
        {"name": "f", "coordinate": ew.pde.coordinates("x")[0], "over": (0, 1)},
    ),
    "data": lambda: (
        ew.pde.data,
        {
            "term": height(),
            "places": {place(): [0.1, 0.2]},
            "values": [0.1, 0.2],
            "sigma": 0.1,
        },
    ),
    "eigen": lambda: (ew.pde.eigen, {"problem": drum(), "count": 1, "tolerance": 1e-2, "work": LITTLE}),
    "identify": lambda: (
        ew.pde.identify,
        {
            "problem": rod(),
            "data": ew.pde.data(height(), {place(): [0.2, 0.5]}, [0.08, 0.125]),
            "work": LITTLE,
        },
    ),
    "gallery": lambda: (ew.pde.gallery, {"name": "poisson"}),
    "read_equations": lambda: (
        ew.pde.read_equations,
        {"text": "a = 1", "names": {"a": ew.pde.constant("a")}},
    ),
    "prune_blocks": lambda: (
        ew.replacing.prune_blocks,
        {"model": blocks()[0], "result": blocks()[1], "data": blocks()[2], "work": LITTLE},
    ),
    "evidence": lambda: (pictures().evidence, {"picture": np.zeros((8, 8))}),
    "predict pictures": lambda: (pictures().predict, {"X": np.zeros((2, 8, 8))}),
}


@kind("methods", 700, limit=60.0)
def methods(random: Random, folder: Path) -> Attempt:
    """One or two arguments of a method, or of a function of one room, are wrong: it says so, or works."""
    which = pick(random, tuple(METHODS))
    call, options = METHODS[which]()
    attempt = called_wrongly(random, which, call, options)
    path = options.get("path")
    return replace(attempt, writes=(str(path),)) if isinstance(path, (str, Path)) else attempt
