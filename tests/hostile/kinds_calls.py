"""Attempts on every argument of the functions that people call: all right but one or two."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sympy
import torch

import edgewise as ew
from edgewise import explaining, plots, report, symbolic, training
from edgewise.network.fitted import fitted as network_of

from .attempts import LITTLE, Attempt, Random, kind
from .kinds_answers import finite
from .kinds_estimators import REFUSALS, fitted, wild_table
from .kinds_networks import QUICK, sample
from .values import NAMES, junk, pick, shown_all, vector

Options = dict[str, Any]
Call = tuple[Callable[..., Any], Options]

ROWS = 60
TABLE = {"size": np.linspace(-2, 2, ROWS).tolist(), "kind": ["oak", "elm", "elm"] * (ROWS // 3)}
HIGH = np.where(np.arange(ROWS) % 4 == 0, "high", "low")
SQUARES = np.array(TABLE["size"]) ** 2
COUNTS = np.round(SQUARES)
MATRIX = np.random.default_rng(0).uniform(1, 2, (ROWS, 2))
LAW = 2 * MATRIX[:, 0] ** 2 + MATRIX[:, 1]
WORDED = pl.DataFrame({"a": MATRIX[:, 0], "sort": ["p", "q"] * (ROWS // 2)})
NAMED = {"X": MATRIX, "y": LAW, "names": ["a", "b"]}
BRIEF: Options = {"work": LITTLE, "seconds": 0.5}


@cache
def trained() -> Any:
    return ew.fit(ew.KAN([2, 1], seed=0), MATRIX, LAW, **QUICK)


@cache
def law() -> Any:
    return ew.find_formula(MATRIX[:, :1], 2 * MATRIX[:, 0] ** 2, work=LITTLE)


@cache
def calibrated() -> Any:
    return ew.calibrate(fitted(1), TABLE, HIGH)


@cache
def promised() -> Any:
    return ew.conformal(fitted(0), TABLE, SQUARES)


@cache
def audited() -> Any:
    return ew.audit(fitted(1), TABLE, HIGH, "kind", bootstrap=5, proxies=False, seed=0)


@cache
def explained() -> tuple[Any, Any]:
    return ew.explain(fitted(0), TABLE), ew.explain(fitted(0), TABLE, row=0)


@cache
def forecaster() -> Any:
    times = np.arange(48.0)
    made = ew.estimators.KANForecaster(time="t", horizon=3, lags=2, period=None, work=LITTLE)
    return made.fit({"t": times}, np.sin(times) + times / 20)


@cache
def rates() -> Any:
    return ew.KANRegressor(loss="poisson", mode="additive", work=LITTLE).fit(TABLE, COUNTS)


# Times that may not be over yet.
TIMES = {**TABLE, "time": 1.0 + SQUARES, "died": np.arange(ROWS) % 3 > 0}


@cache
def hazards() -> Any:
    made = ew.estimators.KANSurvival(mode="additive", work=LITTLE)
    return made.fit(TIMES, duration="time", event="died")


def equation() -> Any:
    """An easy problem."""
    x = ew.pde.coordinates("x")[0]
    return ew.pde.problem_from_text(ew.pde.box({x: (0.0, 1.0)}), "u", "dx(u, x, 2) = -1", {"walls": "u = 0"})


# What is right, by name: the wrong argument stands among right ones.
CALLS: dict[str, Callable[[], Call]] = {
    "explain": lambda: (ew.explain, {"model": fitted(1), "X": TABLE, "row": 0}),
    "explain all": lambda: (ew.explain, {"model": fitted(0), "X": TABLE, "y": SQUARES}),
    "adverse_reasons": lambda: (explaining.adverse_reasons, {"model": fitted(1), "X": TABLE, "row": 1}),
    "calibrate": lambda: (ew.calibrate, {"model": fitted(1), "X": TABLE, "y": HIGH}),
    "conformal": lambda: (ew.conformal, {"model": fitted(1), "X": TABLE, "y": HIGH}),
    "conformal numbers": lambda: (ew.conformal, {"model": fitted(0), "X": TABLE, "y": SQUARES}),
    "predict_interval": lambda: (promised().predict_interval, {"X": TABLE}),
    "predict calibrated": lambda: (calibrated().predict_proba, {"X": TABLE}),
    "counterfactuals": lambda: (
        ew.counterfactuals,
        {"model": fitted(1), "X": TABLE, "row": 1, "work": LITTLE, "seconds": 0.5},
    ),
    "edit_shape": lambda: (
        ew.edit_shape,
        {"model": fitted(0), "column": "size", "edit": "increasing", "X": TABLE, "y": SQUARES},
    ),
    "out_of_range": lambda: (explaining.out_of_range, {"model": fitted(0), "X": TABLE}),
    "reliability": lambda: (explaining.reliability, {"model": fitted(1), "X": TABLE, "y": HIGH}),
    "audit": lambda: (
        ew.audit,
        {
            "model": fitted(1),
            "X": TABLE,
            "y": HIGH,
            "protected": "kind",
            "bootstrap": 5,
            "proxies": False,
            **BRIEF,
        },
    ),
    "mitigate": lambda: (
        ew.mitigate,
        {
            "model": fitted(1),
            "X": TABLE,
            "y": HIGH,
            "protected": "kind",
            "methods": ["thresholds"],
            "at_most": [0.1],
            **BRIEF,
        },
    ),
    "certified_flip": lambda: (
        ew.auditing.certified_flip,
        {"fit": network_of(fitted(1)), "name": "kind", **BRIEF},
    ),
    "neutralize_columns": lambda: (
        ew.auditing.neutralize_columns,
        {"model": fitted(1), "columns": ["kind"], "X": TABLE},
    ),
    "bound_flip": lambda: (
        ew.auditing.bound_flip,
        {"model": fitted(1), "column": "kind", "max_change": 0.1, "X": TABLE, **BRIEF},
    ),
    "verify": lambda: (
        ew.verify,
        {"model": fitted(1), "property": "never_flips(kind)", "rows": TABLE, **BRIEF},
    ),
    "verify numbers": lambda: (
        ew.verify,
        {"model": calibrated(), "property": "decision = 'low' where size in [0, 1]", **BRIEF},
    ),
    "minimal_counterfactual": lambda: (
        ew.minimal_counterfactual,
        {"model": fitted(1), "row": {"size": 0.0, "kind": "elm"}, **BRIEF},
    ),
    "prove_constraints": lambda: (
        ew.verifying.prove_constraints,
        {
            "formula": symbolic.Formula(sympy.Symbol("a") ** 2, ("a",)),
            "constraints": ["increasing(a)", "y -> inf as a -> inf"],
            "bounds": {"a": (0.0, 2.0)},
            "work": 0.01,
        },
    ),
    "parse_property": lambda: (
        ew.verifying.parse_property,
        {"text": "monotone(x1, increasing) where x2 in [0, 1]"},
    ),
    "check_structure": lambda: (
        ew.check_structure,
        {**NAMED, "hypothesis": "sum(a | b)", **BRIEF},
    ),
    "find_formula": lambda: (
        ew.find_formula,
        {**NAMED, "constraints": ["y >= a*b - 9", "exponents 1, 2"], "costs": {"sin": 3}, **BRIEF},
    ),
    "find_formula of groups": lambda: (
        ew.find_formula,
        {**NAMED, "groups": ["p", "q"] * (ROWS // 2), **BRIEF},
    ),
    "find_formula of words": lambda: (
        ew.find_formula,
        {"X": WORDED, "y": LAW, "names": ["a", "sort"], **BRIEF},
    ),
    "fit_constants": lambda: (ew.fit_constants, {**NAMED, "text": "c1 * a^2 + c2 * b"}),
    "fit_groups": lambda: (
        symbolic.fit_groups,
        {**NAMED, "text": "c1 * a^2 + c2 * b", "groups": ["p", "q"] * (ROWS // 2), "shared": ["c2"]},
    ),
    "fit_targets": lambda: (
        symbolic.fit_targets,
        {
            "X": MATRIX,
            "Y": np.column_stack([LAW, 2 * LAW]),
            "texts": ["c1 * a", "c1 * b"],
            "names": ["a", "b"],
        },
    ),
    "find_function": lambda: (symbolic.find_function, {**NAMED, "text": "f(a, b) + a", **BRIEF}),
    "fit_partial": lambda: (ew.fit_partial, {**NAMED, "text": "a^2 + f(b)", **BRIEF}),
    "one_variable": lambda: (
        symbolic.one_variable,
        {"x": MATRIX[:, 0], "y": MATRIX[:, 0] ** 2, **BRIEF},
    ),
    "compile_formula": lambda: (
        symbolic.compile_formula,
        {"formula": "a^2 + sin(b)", "names": ["a", "b"], "X": MATRIX},
    ),
    "trust": lambda: (
        symbolic.trust,
        {"formula": law().best, "X": MATRIX[:, :1], "y": 2 * MATRIX[:, 0] ** 2},
    ),
    "predict a formula": lambda: (law().best.predict, {"X": MATRIX[:, :1]}),
    "surrogate": lambda: (
        ew.surrogate,
        {"black_box": lambda X: np.arange(len(X)) % 7.0, "X": MATRIX, "members": 1, **BRIEF},
    ),
    "fit_table": lambda: (
        training.fit_table,
        {"X": MATRIX, "y": LAW, "mode": "additive", "members": 1, **BRIEF},
    ),
    "KANRegressor": lambda: (_regressor, {"mode": "additive", "members": 1, **BRIEF}),
    "KANClassifier": lambda: (_classifier, {"mode": "additive", "members": 1, **BRIEF}),
    "FormulaRegressor": lambda: (_formula_regressor, {**BRIEF}),
    "predict with intervals": lambda: (fitted(0).predict, {"X": TABLE, "return_interval": 0.9}),
    "partial_fit": lambda: (_further, {"X": TABLE, "y": SQUARES}),
    "KANForecaster": lambda: (
        _forecaster,
        {"time": "t", "horizon": 3, "lags": 2, "period": None, "work": LITTLE},
    ),
    "fit a forecaster": lambda: (
        ew.estimators.KANForecaster(time="t", horizon=3, lags=2, period=None, work=LITTLE).fit,
        {"X": {"t": np.arange(30.0)}, "y": np.sin(np.arange(30.0))},
    ),
    "forecast": lambda: (forecaster().forecast, {"steps": 3, "return_interval": 0.9}),
    "replace_mlp": lambda: (
        ew.replacing.replace_mlp,
        {"model": _mlp(), "data": torch.zeros(8, 2), "work": LITTLE, "seconds": 0.5},
    ),
    "learn_encoding": lambda: (ew.data.learn_encoding, {"frame": TABLE, "y": SQUARES}),
    "split": lambda: (ew.data.split, {"n": 10, "classes": np.arange(10) % 2}),
    "load_example": lambda: (ew.load_example, {"name": "moseley_ka1"}),
    "content_from_estimator": lambda: (
        report.content_from_estimator,
        {
            "model": fitted(0),
            "frame": TABLE,
            "y": SQUARES,
            "test_frame": TABLE,
            "test_y": SQUARES,
            "rows": False,
        },
    ),
    "summarise": lambda: (report.summarise, {"frame": TABLE}),
    "plot_shapes": lambda: (plots.plot_shapes, {"explanation": explained()[0]}),
    "plot_interactions": lambda: (plots.plot_interactions, {"explanation": explained()[0]}),
    "plot_contributions": lambda: (plots.plot_contributions, {"explanation": explained()[1]}),
    "plot_network": lambda: (plots.plot_network, {"model": sample(0), "X": MATRIX}),
    "plot_edges": lambda: (plots.plot_edges, {"model": sample(0), "X": MATRIX}),
    "plot_front": lambda: (plots.plot_front, {"front": law().front}),
    "plot_audit": lambda: (plots.plot_audit, {"result": audited()}),
    "plot_parity": lambda: (plots.plot_parity, {"y": LAW, "predictions": LAW}),
    "plot_training": lambda: (plots.plot_training, {"history": trained().history}),
    "plot_forecast": lambda: (
        plots.plot_forecast,
        {"times": [1.0, 2.0], "values": [1.0, 2.0], "ahead_times": [3.0], "ahead": [3.0]},
    ),
    "plot_survival": lambda: (
        plots.plot_survival,
        {"times": [0.0, 1.0, 2.0], "chances": [[1.0, 0.5, 0.2]], "names": ["a"], "unit": "years"},
    ),
    "relativities": lambda: (
        rates().relativities,
        {"X": TABLE, "y": COUNTS, "exposure": np.ones(len(COUNTS)), "bins": 3, "glm": False},
    ),
    "content_from_survival": lambda: (
        report.content_from_survival,
        {"model": hazards(), "X": TIMES, "X_test": TIMES, "duration": "time", "event": "died"},
    ),
    "solve": lambda: (ew.pde.solve, {"problem": equation(), "tolerance": 1e-3, **BRIEF}),
    "problem_from_text": lambda: (
        ew.pde.problem_from_text,
        {
            "domain": equation().domain,
            "unknowns": "u",
            "equations": "dx(u, x, 2) = -c",
            "conditions": {"walls": "u = 0"},
            "constants": {"c": 2.0},
        },
    ),
    "problem_from_toml": lambda: (
        ew.pde.problem_from_toml,
        {
            "text": 'unknowns = "u"\nequations = "dx(u, x, 2) = -1"\n[domain]\nx = [0, 1]\n[conditions]\nwalls = "u = 0"'
        },
    ),
    "discover": lambda: (
        ew.pde.discover,
        {"fields": {"u": np.exp(-np.arange(40.0) / 9)}, "coordinates": {"t": np.arange(40.0)}, "seconds": 1},
    ),
    "view": lambda: (ew.view, {"model": sample(0), "X": MATRIX, "y": LAW}),
    "to_table": lambda: (ew.data.to_table, {"data": TABLE}),
    "find_blocks": lambda: (
        ew.replacing.find_blocks,
        {"model": _mlp(), "call": lambda m: m(torch.zeros(8, 2))},
    ),
    "build pictures": lambda: (ew.vision.build, {"config": ew.vision.ImageConfig(8, 8, 1, 2)}),
}
# Slow ones are called less often.
HEAVY = (
    "surrogate",
    "mitigate",
    "find_formula of groups",
    "find_formula of words",
    "fit_partial",
    "check_structure",
    "discover",
    "solve",
)
# Far off, and all that a person may pass by mistake for the right thing.
_NEAR: tuple[Callable[[Random], Any], ...] = (
    lambda r: wild_table(r, int(pick(r, (0, 1, 5, ROWS))), 2),
    lambda r: vector(r, int(pick(r, (1, 5, ROWS)))),
    lambda r: {"size": vector(r, ROWS), "kind": vector(r, ROWS)},
    lambda r: {"size": [0.5], "kind": ["elm"]},
    lambda r: {pick(r, ("size", "kind", "a", "nope")): junk(r)},
    lambda r: {pick(r, ("size", "kind", "a", "nope")): pick(r, ((0, 1), (1, 0), "m", [], ["elm"], 2, True))},
    lambda r: [pick(r, ("size", "kind", "a", "b", "nope", "sin", 0, junk(r)))],
    lambda r: pick(r, ("size", "kind", "elm", "high", "a", "nope", *NAMES)),
    lambda r: pick(r, (0, 1, -1, 1000, 0.25, 1e-12, 2.5, True, None, [0.1], [0.0, -1.0], (0.1, 0.9))),
    lambda r: pick(
        r, (fitted(0), fitted(1), sample(0), trained(), law(), law().best, audited(), calibrated())
    ),
)


def wrong(random: Random, name: str, right: Any) -> Any:
    """What someone passes for an argument: mostly wrong, now and then right."""
    if name == "callbacks":
        return pick(random, (None, (), [None], 3, "x", [lambda record: True]))
    if isinstance(right, str) and random.random() < 0.3:
        place = int(random.integers(len(right) + 1))
        return (
            right[:place]
            + pick(random, (*NAMES[:40], "(", ")", ",", "1e999", " where "))
            + right[place + 1 :]
        )
    if random.random() < 0.5:
        return junk(random)
    return pick(random, _NEAR)(random)


def arguments_of(call: Callable[..., Any]) -> list[str]:
    """Names of what a function takes, but for what it takes by any name."""
    loose = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [
        name for name, parameter in inspect.signature(call).parameters.items() if parameter.kind not in loose
    ]


@kind("arguments", 1500, limit=60.0)
def arguments(random: Random, folder: Path) -> Attempt:
    """One or two arguments of a function are wrong: it says so, or works."""
    which = pick(random, tuple(CALLS))
    if which in HEAVY and random.random() < 0.7:
        which = pick(random, tuple(CALLS))
    return called_wrongly(random, which, *CALLS[which]())


def called_wrongly(random: Random, which: str, call: Callable[..., Any], options: Options) -> Attempt:
    """A call of what is right but for one or two arguments."""
    names = arguments_of(call)
    chosen = random.choice(names, min(len(names), int(pick(random, (1, 1, 1, 2)))), replace=False)
    for name in map(str, chosen):
        options[name] = wrong(random, name, options.get(name))
        if (
            name == "random_state" and options[name] is None
        ):  # which scikit-learn has draw from numpy's own numbers
            options[name] = 0
    # What is no mistake would only take its time.
    given = tuple(value for name, value in options.items() if name in {"X", "y", "rows", "frame", "data"})
    return Attempt(
        lambda: call(**options),
        given=given,
        judge=judged,
        refusals=REFUSALS if _sklearn(which) else (ew.EdgewiseError,),
        warns=(UserWarning,),
        what=f"{which}: {shown_all({str(name): options[name] for name in chosen})}",
    )


def judged(found: Any) -> str:
    """A result can be shown, and holds no numbers that are none."""
    told = found.to_dict() if hasattr(found, "to_dict") and not hasattr(found, "columns") else {}
    if not str(found):
        return "the result cannot be shown"
    return "" if not isinstance(told, Mapping) or finite(told) else "the result holds what is not finite"


def _sklearn(which: str) -> bool:
    return which in {
        *(
            "KANRegressor",
            "KANClassifier",
            "FormulaRegressor",
            "KANForecaster",
            "fit a forecaster",
            "surrogate",
        ),
        "predict with intervals",
        "partial_fit",
    }


def _regressor(
    mode: Any = "auto",
    hidden: Any = None,
    max_inputs: Any = 200,
    interactions: Any = None,
    monotone: Any = None,
    convex: Any = None,
    bounds: Any = None,
    output_range: Any = None,
    loss: Any = "squared",
    quantile: Any = 0.5,
    config: Any = None,
    **others: Any,
) -> Any:
    own = {key: value for key, value in locals().items() if key != "others"}
    return ew.KANRegressor(**own, **others).fit(TABLE, SQUARES)


def _classifier(
    class_weight: Any = None,
    monotone: Any = None,
    convex: Any = None,
    bounds: Any = None,
    output_range: Any = None,
    interactions: Any = None,
    config: Any = None,
    random_state: Any = 0,
    **others: Any,
) -> Any:
    own = {key: value for key, value in locals().items() if key != "others"}
    return ew.KANClassifier(**own, **others).fit(TABLE, HIGH)


def _formula_regressor(
    names: Any = None,
    units: Any = None,
    forms: Any = None,
    exclude_functions: Any = (),
    require_columns: Any = (),
    ignore_columns: Any = (),
    validation: Any = 0.2,
    loss: Any = "squared",
    random_state: Any = 0,
    config: Any = None,
    **others: Any,
) -> Any:
    own = {key: value for key, value in locals().items() if key != "others"}
    return ew.FormulaRegressor(**own, **others).fit(MATRIX, LAW)


def _forecaster(time: Any, horizon: Any, lags: Any, period: Any, work: Any, random_state: Any = 0) -> Any:
    times = np.arange(30.0)
    return ew.estimators.KANForecaster(time, horizon, lags, period, work, random_state).fit(
        {"t": times}, np.sin(times)
    )


def _further(X: Any, y: Any, sample_weight: Any = None) -> Any:
    model = ew.KANRegressor(mode="additive", members=1, **BRIEF).fit(TABLE, SQUARES)
    return model.partial_fit(X, y, sample_weight=sample_weight)


def _mlp() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
