"""Attempts on everything that reads or finds formulas."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import sympy
import torch

import edgewise as ew
from edgewise.forms import form_from_text, parse
from edgewise.symbolic import GroupedResult, fit_curve, formula_text, parse_formula

from .attempts import LITTLE, Attempt, Random, kind
from .formulas import formula_text as hostile_formula
from .frames import matrix
from .values import SCALES, junk, names, numbers, pick, shape, shown, shown_all, vector

COLUMNS = ("x", "y", "µ")


@kind("parse", 1500)
def parse_text(random: Random, folder: Path) -> Attempt:
    """Text to expression, its value, its derivative, and the way back."""
    text: Any = hostile_formula(random) if random.random() < 0.95 else junk(random)
    scale = pick(random, SCALES)
    values = {name: torch.from_numpy(random.normal(size=5)) * scale for name in COLUMNS}

    def call() -> Any:
        law = parse(text, COLUMNS)
        again = parse(law.text, COLUMNS)
        value = law.evaluate(values)
        law.derivative("x").evaluate(values)
        return value, again.evaluate(values), law

    def same(result: Any) -> str:
        value, again, law = result
        equal = torch.allclose(value, again, rtol=1e-9, atol=0, equal_nan=True)
        return "" if equal else f"{law.text!r} reads back as another formula"

    return Attempt(call, given=(values,), judge=same, mentions=("'text'",), what=shown(text))


@kind("parse variables", 100)
def parse_variables(random: Random, folder: Path) -> Attempt:
    variables = pick(random, (names(random, 3), junk(random), junk(random), ["x", "x"], ["sin"], ["`", "``"]))
    return Attempt(lambda: parse("x + 1", variables), what=shown(variables))


@kind("sympy", 250, limit=30.0)
def sympy_text(random: Random, folder: Path) -> Attempt:
    """Text to sympy and back to text."""
    text: Any = hostile_formula(random) if random.random() < 0.95 else junk(random)

    def call() -> Any:
        expression = parse_formula(text, COLUMNS)
        return expression, formula_text(expression) if not expression.has(
            sympy.I, sympy.zoo, sympy.nan, sympy.oo
        ) else ""

    return Attempt(call, mentions=("'text'", "'expression'"), what=shown(text))


@kind("form", 300)
def form(random: Random, folder: Path) -> Attempt:
    """A user's form from text, its values and its derivative."""
    text: Any = (
        hostile_formula(random).replace("y", "x").replace("µ", "x") if random.random() < 0.9 else junk(random)
    )
    x = torch.from_numpy(random.normal(size=5)) * pick(random, SCALES)

    def call() -> Any:
        made = form_from_text(text)
        return made.value(x), made.derivative(x)

    return Attempt(call, given=(x,), what=shown(text))


@kind("curve", 100, limit=30.0)
def curve(random: Random, folder: Path) -> Attempt:
    rows = int(pick(random, (0, 1, 2, 3, 10, 40)))
    x, y = vector(random, rows), vector(random, rows)
    options: dict[str, Any] = {}
    if random.random() < 0.3:
        options[pick(random, ("sample_weight", "forms", "accuracy", "top"))] = junk(random)
    return Attempt(
        lambda: fit_curve(x, y, **options),
        given=(x, y),
        what=f"{rows} rows {type(x).__name__} {type(y).__name__}",
    )


def usable(result: Any) -> str:
    """What a search must come with: a formula that reads back, predicts, and is judged by a number."""
    best = result.best
    if isinstance(result, GroupedResult):
        return "" if math.isfinite(best.rmse) and result.message.endswith(".") else "the error is no number"
    if not math.isfinite(best.error):
        return f"the error of {best.text!r} is {best.error}"
    parse_formula(best.text, best.names)
    for way in (best.latex, best.python(), best.json()):
        if not way:
            return "a way of writing the formula is empty"
    return "" if result.message.endswith(".") else "the message is no sentence"


@kind("find_formula rows", 200, limit=40.0)
def find_rows(random: Random, folder: Path) -> Attempt:
    rows, columns = shape(random)
    X, y = matrix(random, rows, columns), vector(random, rows)
    options: dict[str, Any] = {"work": LITTLE}
    if random.random() < 0.4:
        options["names"] = names(random, columns)
    return Attempt(
        lambda: ew.find_formula(X, y, **options),
        given=(X, y),
        judge=usable,
        what=f"{rows} rows, {columns} columns, X {type(X).__name__}, y {type(y).__name__}, {shown_all(options)}",
    )


@kind("find_formula arguments", 150, limit=40.0)
def find_arguments(random: Random, folder: Path) -> Attempt:
    table = np.random.default_rng(0).uniform(1, 2, (30, 2))
    options: dict[str, Any] = {"X": table, "y": table[:, 0] ** 2, "work": LITTLE, "seconds": 0.3}
    name = pick(random, ("X", "y", "names", "work", "seconds", "seed", "callbacks", "forms", "validation"))
    options[name] = junk(random)
    calls = options.get("callbacks", ())
    if callable(calls) or (isinstance(calls, (list, tuple)) and any(map(callable, calls))):
        options["callbacks"] = ()  # what a function of the caller's raises is the caller's to read
    return Attempt(lambda: ew.find_formula(**options), given=(table,), mentions=(name,), what=name)


@kind("find_formula wide", 4, limit=90.0)
def find_wide(random: Random, folder: Path) -> Attempt:
    """Ten thousand columns."""
    X = numbers(random, int(pick(random, (6, 70))), 10_000)
    y = X[:, 17] ** 2
    return Attempt(lambda: ew.find_formula(X, y, work=LITTLE), given=(X, y), judge=usable, what=f"{X.shape}")
