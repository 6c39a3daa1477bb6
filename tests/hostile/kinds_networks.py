"""Attempts on networks: making, training, editing and simplifying them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import edgewise as ew
from edgewise.network import order_nodes
from edgewise.simplifying import simplify

from .attempts import LITTLE, Attempt, Random, kind
from .frames import contained, matrix
from .values import junk, names, numbers, pick, shape, shown_all, vector

LOSSES = ("auto", "squared", "huber", "cross_entropy", "poisson")
QUICK: dict[str, Any] = {"steps": 2, "intervals": [2], "seconds": 2.0}


@cache
def sample(which: int = 0) -> ew.KAN:
    """A small network of one of several makes."""
    double = torch.float64
    if which == 1:
        return ew.edits.set_symbolic(ew.KAN([2, 3, 1], seed=1, dtype=double), (0, 1, 0), "sin").network
    if which == 2:
        return ew.KAN([2, [1, 1], 2], seed=2, base="silu")
    if which == 3:
        return ew.KAN([2, 1], seed=3, basis="chebyshev", dtype=double, input_names=["µ", "a b"])
    return ew.KAN([2, 3, 1], seed=0, dtype=double)


def finite(result: ew.FitResult, X: Any) -> str:
    """A trained network must predict the rows it was trained on, and its errors must be numbers."""
    predicted = result.network.predict(X)
    if not np.isfinite(predicted).all():
        return f"the network predicts {predicted[~np.isfinite(predicted)][0]} on its own training rows"
    if not np.isfinite(result.train_error):
        return f"the training error is {result.train_error}"
    return "" if result.message.endswith(".") else "the message is no sentence"


@kind("fit rows", 900)
def fit_rows(random: Random, folder: Path) -> Attempt:
    rows, columns = shape(random)
    X, y = matrix(random, rows, columns), vector(random, rows)
    net = ew.KAN([max(1, columns), *([2] if random.random() < 0.3 else []), 1], seed=0)
    options: dict[str, Any] = {**QUICK}
    if random.random() < 0.3:
        options["loss"] = pick(random, LOSSES)
    if random.random() < 0.3:
        options["method"] = pick(random, ("lm", "adam", "lbfgs"))
    if random.random() < 0.2:
        options["sample_weight"] = vector(random, rows)
    if random.random() < 0.1:
        options["validation"] = pick(random, (None, 0.0, 0.5, (X, y)))
    return Attempt(
        lambda: ew.fit(net, X, y, **options),
        given=(X, y, net, options.get("sample_weight")),
        judge=lambda result: finite(result, X),
        mentions=("'X'", "'y'", "sample_weight", "target", "classes"),
        what=f"{columns} columns, {rows} rows, X {type(X).__name__}, y {type(y).__name__}, {shown_all(options)}",
    )


@kind("fit wide", 12, limit=60.0)
def fit_wide(random: Random, folder: Path) -> Attempt:
    """Ten thousand columns."""
    columns, rows = 10_000, int(pick(random, (2, 12, 50)))
    X, y = contained(random, numbers(random, rows, columns)), numbers(random, rows, 1)[:, 0]
    net = ew.KAN([columns, 1], seed=0)
    return Attempt(
        lambda: ew.fit(net, X, y, steps=2),
        given=(y,),
        judge=lambda result: finite(result, X),
        what=f"{columns} columns, {rows} rows, X {type(X).__name__}",
    )


FIT_ARGUMENTS = (
    *(
        "model",
        "X",
        "y",
        "loss",
        "method",
        "validation",
        "sample_weight",
        "steps",
        "seconds",
        "intervals",
        "roughness",
    ),
    *("sparsity", "total_variation", "starts", "patience", "seed", "callbacks", "checkpoint"),
)


@kind("fit arguments", 500)
def fit_arguments(random: Random, folder: Path) -> Attempt:
    table = np.random.default_rng(0).uniform(-1, 1, (45, 2))
    options: dict[str, Any] = {"model": ew.KAN([2, 1], seed=0), "X": table, "y": table[:, 0] ** 2, **QUICK}
    chosen = {str(name) for name in random.choice(FIT_ARGUMENTS, int(pick(random, (1, 1, 2))), replace=False)}
    for name in chosen:
        options[name] = junk(random)
        if name == "checkpoint":
            options[name] = pick(
                random, (".", "no/such/folder/c", "", "a" * 256, "\x00", options[name], options[name])
            )
        if name == "method":
            options[name] = pick(random, ("adam", "lbfgs", options[name]))
    wrong = {name: options[name] for name in chosen}
    return Attempt(
        lambda: ew.fit(**options),
        given=(table,),
        mentions=(*(f"'{name}'" for name in chosen), *chosen, "checkpoint", "file"),
        writes=_file_names(options.get("checkpoint")),
        what=shown_all(wrong),
    )


KAN_ARGUMENTS = (
    *(
        "shape",
        "basis",
        "degree",
        "intervals",
        "base",
        "grid",
        "bias",
        "init",
        "input_names",
        "output_names",
        "seed",
    ),
    "dtype",
)


@kind("KAN arguments", 500)
def kan_arguments(random: Random, folder: Path) -> Attempt:
    options: dict[str, Any] = {"shape": [2, 2, 1], "seed": 0}
    chosen = {
        str(name) for name in random.choice(KAN_ARGUMENTS, int(pick(random, (1, 1, 2, 3))), replace=False)
    }
    near: dict[str, tuple[Any, ...]] = {
        "shape": (
            [2, 0, 1],
            [2, -1],
            [1],
            [],
            [2, [1, 0], 1],
            [2, [0, [2, 3]], 1],
            [10**6, 10**6],
            [2, 10**12],
            [2.0, 1],
        ),
        "basis": ("bspline", "chebyshev", "fourier", "rbf", "rational", "spline"),
        "degree": (0, 1, 5, 6, -1, 10**9),
        "intervals": (1, 10**3, 10**9, 10**12, 10**30),
        "grid": (
            (-1, 1),
            (1, -1),
            (0, 0),
            (0, 1e-320),
            (-1e308, 1e308),
            (0, float("inf")),
            (1e16, 1e16 + 2),
            "ab",
            [0],
        ),
        "input_names": (names(random, 2), names(random, 3), "ab"),
        "output_names": (names(random, 1), "y"),
    }
    for name in chosen:
        options[name] = pick(random, near[name]) if name in near and random.random() < 0.6 else junk(random)
    if options["seed"] is None:  # documented to draw from torch's own generator
        options["seed"] = 0

    def make_and_use() -> ew.KAN:
        net = ew.KAN(**options)
        net(torch.zeros(3, net.shape[0], dtype=net.dtype))
        return net

    return Attempt(make_and_use, mentions=(), what=shown_all({name: options[name] for name in chosen}))


@kind("edits", 500)
def edits(random: Random, folder: Path) -> Attempt:
    net = sample(int(random.integers(4)))
    X = matrix(random, int(pick(random, (0, 1, 5, 30))), 2) if random.random() < 0.6 else None
    wrong, other = junk(random), junk(random)
    edge = pick(random, ((0, 0, 0), (0, 1, 0), (0, 0, 9), (-1, 0, 0), (1, 0, 0), wrong, (0, wrong, 0)))
    form = pick(
        random, ("sin", "x^2", "log", "1/x", "__import__('os')", "exp(exp(x))", wrong, "tan", "sqrt(x-5)")
    )
    coef = pick(random, (torch.zeros(8), torch.full((8,), float("nan")), torch.zeros(3), [0.0] * 8, wrong))
    affine = pick(
        random, (None, (1, 1, 0, 0), (1, 0, 0, 0), (float("nan"), 1, 0, 0), (1e300, 1e300, 0, 0), wrong)
    )
    calls: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("mask_edges", lambda: ew.edits.mask_edges(net, pick(random, ([edge], wrong, [wrong])), X)),
        (
            "remove_nodes",
            lambda: ew.edits.remove_nodes(net, pick(random, (1, wrong)), pick(random, ([0], wrong)), X),
        ),
        ("remove_inputs", lambda: ew.edits.remove_inputs(net, pick(random, ([0], ["x"], wrong, [wrong])))),
        (
            "order_nodes",
            lambda: order_nodes(net, pick(random, (1, wrong)), pick(random, ([2, 1, 0], wrong)), X),
        ),
        (
            "swap_nodes",
            lambda: ew.edits.swap_nodes(net, pick(random, (1, wrong)), pick(random, (0, other)), 1, X),
        ),
        (
            "refine",
            lambda: ew.edits.refine(
                net, pick(random, (2, 3, 10**9, wrong)), pick(random, (None, [0], other)), X
            ),
        ),
        ("regrid", lambda: ew.edits.regrid(net, X, pick(random, (5, None, 10**9, wrong)), None)),
        (
            "regrid options",
            lambda: ew.edits.regrid(
                net, X, 5, blend=pick(random, (0.5, wrong)), margin=pick(random, (0.1, other))
            ),
        ),
        ("set_edge", lambda: ew.edits.set_edge(net, edge, coef, X)),
        ("set_symbolic", lambda: ew.edits.set_symbolic(net, edge, form, affine, X)),
        ("set_numeric", lambda: ew.edits.set_numeric(net, edge, X)),
        ("scale_to_data", lambda: ew.edits.scale_to_data(net, X, vector(random, 5))),
        (
            "rename",
            lambda: ew.edits.rename(
                net,
                inputs=pick(random, ({"x1": names(random, 1)[0]}, {"x1": wrong}, wrong)),
                outputs=pick(random, (None, {"y": other}, other)),
            ),
        ),
        (
            "prune",
            lambda: ew.edits.prune(
                net, X, edges=pick(random, (None, [edge], wrong)), threshold=pick(random, (0.1, other))
            ),
        ),
        ("merge_equal", lambda: ew.edits.merge_equal(net, X, pick(random, (1e-9, wrong)))),
        ("canonical", lambda: ew.edits.canonical(net, X)),
        ("edge_scores", lambda: ew.edits.edge_scores(net, X)),
        ("predict", lambda: net.predict(X)),
        ("suggest", lambda: ew.symbolic.suggest(net, 0, pick(random, (0, 9, wrong)), 0, X)),
        ("snap", lambda: ew.snap(net, X, edges=pick(random, (None, [edge], wrong)))),
        ("formula", lambda: ew.formula(net, X, vector(random, 5))),
    )
    name, call = pick(random, calls)
    return Attempt(
        call, given=(net, X), what=f"{name}: {shown_all({'wrong': wrong, 'edge': edge, 'form': form})}"
    )


@kind("simplify rows", 60, limit=60.0)
def simplify_rows(random: Random, folder: Path) -> Attempt:
    rows, columns = shape(random)
    X, y = matrix(random, rows, columns), vector(random, rows)
    net = ew.KAN([max(1, columns), 2, 1], seed=0)
    options: dict[str, Any] = {"work": LITTLE, "seconds": 0.5}
    if random.random() < 0.3:
        options[
            pick(
                random,
                ("loss", "validation", "sample_weight", "tolerance", "starts", "work", "seconds", "seed"),
            )
        ] = junk(random)
    return Attempt(
        lambda: simplify(net, X, y, **options),
        given=(X, y, net),
        judge=lambda result: "" if result.message.endswith(".") else "the message is no sentence",
        what=f"{rows} rows, {columns} columns, X {type(X).__name__}, {shown_all(options)}",
    )


def _file_names(path: Any) -> tuple[str, ...]:
    return (path,) if isinstance(path, str) else ()
