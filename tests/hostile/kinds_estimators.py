"""Attempts on the estimators and on exports: tables as people have them, names as people give them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import edgewise as ew
from edgewise.data import Encoding, learn_encoding

from .attempts import LITTLE, Attempt, Random, kind
from .damage import damaged
from .frames import frame, matrix, odd_column
from .kinds_files import frame_of
from .kinds_networks import sample
from .values import junk, names, numbers, pick, shape, shown_all, vector

# scikit-learn asks for these of its estimators, and for the wording of some.
REFUSALS = (ew.EdgewiseError, ValueError, TypeError)


def wild_table(random: Random, rows: int, columns: int) -> Any:
    """A matrix or a frame, some of it words."""
    if random.random() < 0.4:
        return matrix(random, rows, columns)
    try:
        return frame(
            random, numbers(random, rows, columns), pick(random, ("pandas", "polars", "arrow", "mapping"))
        )
    except Exception:  # the libraries have errors of their own for what they cannot hold
        return numbers(random, rows, columns)


def target(random: Random, rows: int, classes: bool) -> Any:
    """Numbers, or labels of every kind."""
    if not classes or random.random() < 0.2:
        return vector(random, rows)
    labels = pick(
        random,
        (
            (0, 1),
            ("a", "b"),
            (0, 1, 2),
            (True, False),
            (1.5, 2.5),
            ("a",),
            (0,),
            ("x", 1),
            (None, "a"),
            range(60),
        ),
    )
    made: Any = [pick(random, labels) for _ in range(rows)]
    return (
        made
        if random.random() < 0.5
        else np.array(made, dtype=object if "x" in labels or None in labels else None)
    )


@kind("estimator rows", 350, limit=60.0)
def estimator_rows(random: Random, folder: Path) -> Attempt:
    rows, columns = shape(random)
    classes = random.random() < 0.5
    X, y = wild_table(random, rows, columns), target(random, rows, classes)
    weight = vector(random, rows) if random.random() < 0.2 else None
    make = ew.KANClassifier if classes else ew.KANRegressor
    model = make(work=LITTLE, members=1, mode=pick(random, ("auto", "additive", "pairwise", "deep")))

    def judge(fitted: Any) -> str:
        predicted = fitted.predict(X)
        if classes:
            chances = fitted.predict_proba(X)
            whole = np.isfinite(chances).all() and np.allclose(chances.sum(axis=1), 1)
            return "" if whole and np.isin(predicted, fitted.classes_).all() else "the probabilities are none"
        return "" if np.isfinite(predicted).all() else "the model predicts what is not finite on its own rows"

    return Attempt(
        lambda: model.fit(X, y, sample_weight=weight),
        given=(X, y, weight),
        judge=judge,
        refusals=REFUSALS,
        warns=(UserWarning,),
        what=f"{make.__name__}, {rows} rows, {columns} columns, X {type(X).__name__}, y {type(y).__name__}",
    )


@kind("estimator arguments", 150, limit=60.0)
def estimator_arguments(random: Random, folder: Path) -> Attempt:
    X = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    make = pick(random, (ew.KANRegressor, ew.KANClassifier))
    names_of = ("mode", "hidden", "members", "work", "max_inputs", "random_state", "verbose", "callbacks")
    options: dict[str, Any] = {"work": LITTLE, "seconds": 0.3, "members": 1, "mode": "additive"}
    chosen = [
        str(name)
        for name in random.choice((*names_of, "seconds"), int(pick(random, (1, 1, 2))), replace=False)
    ]
    for name in chosen:
        options[name] = junk(random)
    # What is no mistake would only take its time, or talk as asked.
    options["verbose"] = (
        0 if isinstance(options.get("verbose"), (int, np.integer, np.bool_)) else options.get("verbose", 0)
    )
    if callable(options.get("callbacks")):
        options["callbacks"] = ()  # what a function of the caller's raises is the caller's to read
    y = (X[:, 0] > 0).astype(int)
    return Attempt(
        lambda: make(**options).fit(X, y),
        given=(X, y),
        refusals=REFUSALS,
        warns=(UserWarning,),
        what=shown_all({n: options[n] for n in chosen}),
    )


@cache
def fitted(which: int) -> Any:
    """Models to ask."""
    random = np.random.default_rng(which)
    kinds = ["oak" if v > 0 else "elm" for v in random.normal(size=60)]
    X = {"size": random.normal(size=60).tolist(), "kind": kinds}
    y = np.array(X["size"]) ** 2 + np.array([word == "oak" for word in kinds])
    if which == 0:
        return ew.KANRegressor(work=LITTLE, members=1, mode="additive").fit(X, y)
    return ew.KANClassifier(work=LITTLE, members=1, mode="additive").fit(X, np.where(y > 1, "high", "low"))


@kind("estimator asked", 200, limit=30.0)
def asked(random: Random, folder: Path) -> Attempt:
    """New rows that do not look like those of the fit."""
    which = int(random.integers(2))
    model, rows = fitted(which), int(pick(random, (0, 1, 5)))
    wild: dict[str, Any] = {"size": odd_column(random, rows), "kind": odd_column(random, rows)}
    X: Any = pick(
        random,
        (
            wild,
            wild_table(random, rows, 2),
            junk(random),
            {"size": [1.0], "kind": ["yew"]},
            {"kind": ["oak"]},
        ),
    )
    asks = ("predict", *(("predict_proba",) if which else ()))
    ask = pick(random, asks)
    return Attempt(
        lambda: getattr(model, ask)(X),
        given=(X,),
        refusals=REFUSALS,
        warns=(UserWarning,),
        what=f"{ask} {type(X).__name__}",
    )


@kind("encoding", 250)
def encoding(random: Random, folder: Path) -> Attempt:
    """Learning an encoding, applying it, and reading a damaged description of one."""
    rows = int(pick(random, (1, 2, 12, 40)))
    X, y = frame_of(random, rows), random.normal(size=rows)

    def call() -> Any:
        learned = learn_encoding(X, y)
        inputs = learned.apply(X)
        again = Encoding.from_json(learned.to_json())
        return inputs, again.apply(X)

    def judge(result: Any) -> str:
        same = np.array_equal(*result) and np.isfinite(result[0]).all()
        return "" if same else "an encoding read back encodes otherwise, or gives what is not finite"

    return Attempt(call, given=(X,), judge=judge, what=type(X).__name__)


@kind("estimator files", 250, limit=30.0)
def estimator_files(random: Random, folder: Path) -> Attempt:
    """Files of estimators, damaged."""
    whole = _file(int(random.integers(2)))
    (folder / "m.kan").write_bytes(damaged(random, whole))

    def unchanged(model: Any) -> str:
        ew.save(model, folder / "again.kan")
        return (
            "" if (folder / "again.kan").read_bytes() == whole else "a damaged file was read as another model"
        )

    return Attempt(
        lambda: ew.load(folder / "m.kan"),
        judge=unchanged,
        mentions=("m.kan",),
        writes=("again.kan",),
        what="m.kan",
    )


@cache
def _file(which: int) -> bytes:
    path = Path("whole.kan")
    ew.save(fitted(which), path)
    content = path.read_bytes()
    path.unlink()
    return content


@kind("export", 250, limit=30.0)
def export(random: Random, folder: Path) -> Attempt:
    """Models with hostile names in every language: what is written must parse and must not run what the names say."""
    net = sample(int(random.integers(4)))
    inputs = names(random, 2)
    model: Any = pick(random, (net, fitted(0), fitted(1), junk(random), None))
    write = pick(
        random,
        (ew.exporting.to_numpy_source, ew.exporting.to_c_source, ew.exporting.to_onnx, ew.exporting.to_latex),
    )

    def call() -> Any:
        known = ew.edits.rename(net, inputs=dict(zip(net.input_names, inputs, strict=True))).network
        return write(known if model is net else model)

    def judge(written: Any) -> str:
        if write is ew.exporting.to_numpy_source:
            compile(written, "export", "exec")
            space: dict[str, Any] = {}
            exec(written, space)
            return "" if callable(space["predict"]) else "there is no predict"
        return "" if written else "nothing was written"

    return Attempt(
        call, given=(net,), judge=judge, what=f"{write.__name__} {type(model).__name__} {inputs!r:.80}"
    )


@kind("export paths", 60)
def export_paths(random: Random, folder: Path) -> Attempt:
    path: Any = pick(
        random,
        (
            "m.py",
            "m.c",
            "m.onnx",
            "m.tex",
            "m.h",
            "m",
            "",
            ".",
            "no/m.py",
            "\x00.py",
            "a" * 256 + ".py",
            junk(random),
        ),
    )
    to: Any = pick(random, (None, "numpy", "java", junk(random)))
    writes = ("m.py", "m.c", "m.h", "m.onnx", "m.tex", "m")
    return Attempt(
        lambda: ew.exporting.export(sample(0), path, to=to),
        writes=writes,
        what=shown_all({"path": path, "to": to}),
    )
