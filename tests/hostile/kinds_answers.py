"""Attempts on what answers: layers and networks called, models explained, audited and proved, certificates checked."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import edgewise as ew
from edgewise.data import provenance, read_frame

from .attempts import LITTLE, Attempt, Random, kind
from .damage import damaged
from .everyday import everyday_text, workbook
from .formulas import formula_text
from .frames import contained
from .kinds_commands import RefusedError, Said, command
from .kinds_estimators import REFUSALS, fitted, target, wild_table
from .kinds_files import bytes_of
from .kinds_networks import sample
from .values import junk, numbers, pick, shown_all

_LAYERS = ("bspline", "chebyshev", "fourier", "rbf", "rational")
_KINDS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


@kind("read everyday", 900)
def read_everyday(random: Random, folder: Path) -> Attempt:
    """Every decision is one sentence, and columns keep their length."""
    path = folder / "table.csv"
    path.write_bytes(workbook(random) if random.random() < 0.25 else everyday_text(random))

    def judge(frame: Any) -> str:
        notes = provenance(frame).notes()
        wrong = [note for note in notes if not note.endswith(".") or "\n" in note or len(note) > 400]
        if wrong:
            return f"a note is no sentence: {wrong[0]}"
        ew.data.to_table(frame)
        return "" if frame.num_rows else "no rows"

    return Attempt(lambda: read_frame(path), judge=judge, mentions=(path.name,))


@kind("forward", 500)
def forward(random: Random, folder: Path) -> Attempt:
    """Layers and networks called with whatever there is, under autocast or not."""
    own = pick(random, _KINDS)
    if random.random() < 0.5:
        module: Any = ew.KANLinear(2, 3, basis=pick(random, _LAYERS), seed=0).to(own)
    else:
        module = ew.KAN([2, 2, 3], seed=0).to(own)
    x = contained(random, numbers(random, int(pick(random, (0, 1, 7))), int(pick(random, (2, 2, 2, 3)))))
    if random.random() < 0.6:
        x = torch.rand(5, 2).to(pick(random, _KINDS))
    module = module.to(pick(random, ("cpu", "cpu", "cpu", "meta")))
    half = pick(random, (None, None, torch.bfloat16, torch.float16))

    def call() -> Any:
        if half is None:
            return module(x)
        with torch.autocast("cpu", dtype=half):
            return module(x)

    def judge(y: Any) -> str:
        expected = own if half is None or own == torch.float64 or x.is_meta else half
        right = y.shape == (*x.shape[:-1], 3) and y.dtype == expected and y.device == x.device
        sane = x.is_meta or not x.isfinite().all() or bool((x.abs() > 100).any()) or y.isfinite().all()
        return "" if right and sane else f"{y.dtype} {tuple(y.shape)} for {x.dtype} {tuple(x.shape)}"

    return Attempt(
        call, given=(x,), judge=judge, what=f"{type(module).__name__} {own} {half} {type(x).__name__}"
    )


def finite(values: Any) -> bool:
    """Whether all numbers anywhere in plain data are finite."""
    if isinstance(values, dict):
        return all(map(finite, values.values()))
    if isinstance(values, (list, tuple)):
        return all(map(finite, values))
    return not isinstance(values, float) or np.isfinite(values)


@kind("explain rows", 250, limit=60.0)
def explain_rows(random: Random, folder: Path) -> Attempt:
    """Fitted models and networks explained on tables that they may not fit."""
    rows, columns = int(pick(random, (1, 5, 40))), 2
    model = fitted(int(random.integers(2))) if random.random() < 0.4 else sample(int(random.integers(4)))
    X = wild_table(random, rows, columns)
    if random.random() < 0.4:
        X = {
            "size": numbers(random, rows, 1)[:, 0],
            "kind": [pick(random, ("oak", "elm", "x")) for _ in range(rows)],
        }
    row = pick(random, (None, 0, 0, 3, -1, junk(random)))
    return Attempt(
        lambda: ew.explain(model, X, row=row, seed=0),
        given=(X,),
        judge=lambda found: (
            "" if all(map(_sound, _each(found))) else "the explanation holds what is not finite"
        ),
        refusals=REFUSALS,
        what=f"{type(model).__name__}, X {type(X).__name__}, row {shown_all({'row': row})}",
    )


def _each(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)


def _sound(found: Any) -> bool:
    return finite(found.to_dict()) and bool(str(found))


@kind("audit rows", 150, limit=60.0)
def audit_rows(random: Random, folder: Path) -> Attempt:
    """Groups, outcomes and weights of every wrong kind."""
    which, rows = int(random.integers(2)), int(pick(random, (1, 5, 40)))
    X = {
        "size": numbers(random, rows, 1)[:, 0],
        "kind": [pick(random, ("oak", "elm", "x")) for _ in range(rows)],
    }
    y = target(random, rows, which == 1)
    if which == 1 and random.random() < 0.6:
        y = [pick(random, ("high", "low")) for _ in range(rows)]
    protected = pick(random, ("kind", "kind", "size", ["kind", "size"], "nope", {"g": y}, junk(random)))
    return Attempt(
        lambda: ew.audit(
            fitted(which), X, y, protected, bootstrap=int(pick(random, (0, 5))), work=LITTLE, seed=0
        ),
        given=(X, y),
        judge=lambda found: "" if str(found) and found.to_dict() else "nothing",
        refusals=REFUSALS,
        what=f"{which}, {rows} rows, protected {shown_all({'p': protected})}",
    )


PROPERTIES = (
    *(
        "output <= 100",
        "0 <= output <= 1",
        "monotone(x1, increasing)",
        "lipschitz(x1, 0.01)",
        "never_flips(x1)",
    ),
    *(
        "robust(row 0, 0.05)",
        "x1 - output <= 3",
        "decision = 'a'",
        'equal("m.kan", 0.01)',
        'formula("x1", 9)',
    ),
    *(
        "output <=",
        "<= 1",
        "monotone()",
        "robust(row -1, nan)",
        "output <= 1e999",
        "never_flips(nope)",
        "where",
        "",
    ),
)


@kind("verify", 200, limit=60.0)
def verify(random: Random, folder: Path) -> Attempt:
    """Properties right, nearly right and hostile."""
    text = pick(random, PROPERTIES) if random.random() < 0.7 else formula_text(random)
    text += pick(
        random, ("", "", " where x1 in [0, 1]", " where x1 in [1, 0]", " where x9 = 3", " where 1e999")
    )
    net = sample(int(random.integers(4)))
    return Attempt(
        lambda: ew.verify(net, text, work=LITTLE, seed=0),
        judge=lambda found: (
            "" if str(found) and finite(found.to_dict()) else "the verdict holds what is not finite"
        ),
        what=text[:80],
    )


@cache
def proof() -> tuple[bytes, bytes]:
    """A certificate and its model."""
    net = sample(0)
    found: Any = ew.verify(net, "output <= 1000", work=1, seed=0)
    return found.certificate.text.encode(), bytes_of(net, Path.cwd())


def _ends(arguments: list[str], codes: tuple[int, ...]) -> Callable[[], Said]:
    return lambda: command(arguments, codes=codes)


@kind("command check", 400, limit=60.0)
def check(random: Random, folder: Path) -> Attempt:
    """Certificates and models that are damaged: refused, or accepted where nothing that counts was touched."""
    certificate, model = proof()
    whole = random.random() < 0.1
    (folder / "p.json").write_bytes(
        certificate if whole or random.random() < 0.2 else damaged(random, certificate)
    )
    (folder / "m.kan").write_bytes(model if whole or random.random() < 0.7 else damaged(random, model))
    arguments = [
        "check",
        "p.json",
        "m.kan",
        *pick(random, ([], [], ["--json"], ["--expect", "output <= 1"], ["m.kan"])),
    ]
    return Attempt(_ends(arguments, (0, 1)), refusals=(RefusedError,), what=" ".join(arguments))


@kind("command answers", 300, limit=60.0)
def answers(random: Random, folder: Path) -> Attempt:
    """Explain, audit, verify and predict on everyday tables, to standard output, devices and files."""
    (folder / "t.csv").write_bytes(workbook(random) if random.random() < 0.15 else everyday_text(random))
    (folder / "m.kan").write_bytes(bytes_of(sample(int(random.integers(3))), Path.cwd()))
    out = pick(
        random, ("-", "out.csv", "out.xlsx", "out.tsv", "/dev/null", "/dev/full", "out.ods", "t.csv", "m.kan")
    )
    arguments: list[str] = pick(
        random,
        (
            ["explain", "m.kan", "t.csv", *pick(random, ([], ["--row", "0"], ["--row", "99"], ["--json"]))],
            [
                "audit",
                "m.kan",
                "t.csv",
                "-p",
                pick(random, ("x1", "y", "z")),
                "-t",
                "y",
                "--work",
                str(LITTLE),
            ],
            ["verify", "m.kan", pick(random, PROPERTIES), "--data", "t.csv", "--work", str(LITTLE)],
            ["predict", "m.kan", "t.csv", "-o", out, *pick(random, ([], ["--json"], ["--keep"]))],
            ["predict", "m.kan", "t.csv", "-o", out],
            ["fit", "t.csv", "-t", "y", "--work", str(LITTLE), "-o", "o", "--no-formula"],
            ["formula", "t.csv", "-t", "y", "--work", str(LITTLE)],
            [
                "report",
                "m.kan",
                "t.csv",
                "-t",
                "y",
                "-o",
                pick(random, ("-", "r.html", "/dev/null", "t.csv")),
            ],
        ),
    )
    written = ("out.csv", "out.xlsx", "out.tsv", "r.html", "o/model.kan", "o/report.html", "o/network.kan")
    return Attempt(
        _ends(arguments, (0, 1, 3)), refusals=(RefusedError,), writes=written, what=" ".join(arguments)
    )
