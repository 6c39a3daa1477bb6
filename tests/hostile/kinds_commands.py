"""Attempts on the command line, run in this process with its streams caught: files, options and settings gone wrong."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import edgewise as ew
from edgewise.cli.app import run

from .attempts import LITTLE, Attempt, Random, kind
from .damage import csv_text, damaged, toml_text
from .kinds_files import bytes_of, table_file
from .kinds_networks import sample
from .values import NAMES, pick

COMMANDS = (
    "fit",
    "predict",
    "formula",
    "report",
    "export",
    "doctor",
    "demo",
    "nope",
    "",
    "fit fit",
    "--",
)
KEYS = (
    "seconds",
    "seed",
    "target",
    "columns",
    "out",
    "json",
    "quiet",
    "drop",
    "test",
    "mode",
    "force",
    "data",
    "threads",
)
WORDS = (
    *(
        "",
        " ",
        "-",
        "--",
        "-1",
        "0",
        "1",
        "1e9",
        "nan",
        "inf",
        "1e999",
        "x",
        "y",
        "a,b",
        ",",
        "x,x",
        "--force",
        "..",
        "/",
        ".",
    ),
    *(
        "no/such",
        "\u202e",
        "🦆",
        "é",
        "a" * 200,
        "__import__('os').system('touch hacked')",
        "$(touch hacked)",
        "`id`",
        "%s",
        "\\",
    ),
)
OPTIONS = (
    *(
        "--target",
        "-t",
        "--columns",
        "-c",
        "--drop",
        "--weight",
        "--task",
        "--mode",
        "--work",
        "--seconds",
        "-s",
        "--out",
        "-o",
        "--test",
    ),
    *(
        "--seed",
        "--hidden",
        "--to",
        "--config",
        "--json",
        "--quiet",
        "-q",
        "--force",
        "--keep",
        "--drop-missing",
        "--nope",
        "-z",
    ),
)


class RefusedError(Exception):
    """A command left with code 2; the text is its sentence."""


@dataclass(frozen=True)
class Said:
    """What a command wrote."""

    out: bytes
    err: str


@contextmanager
def streams(given: bytes) -> Any:
    """Standard streams of one's own."""
    own = (sys.stdin, sys.stdout, sys.stderr)
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(given), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(err, encoding="utf-8", write_through=True)
    try:
        yield out, err
    finally:
        sys.stdin, sys.stdout, sys.stderr = own


def command(arguments: list[str], given: bytes = b"", codes: tuple[int, ...] = (0,)) -> Said:
    """Run a command; a refusal is raised with its one sentence."""
    with streams(given) as (out, err):
        code = run(arguments)
        said = Said(out.getvalue(), err.getvalue().decode())
    if code in codes:
        return said
    lines = [line for line in said.err.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error: ")]
    if code != 2 or len(errors) != 1 or lines[-1] != errors[0] or "Traceback" in said.err:
        raise AssertionError(f"{arguments} left with code {code} and said {said.err[-1500:]!r}")
    if said.out:
        raise AssertionError(f"{arguments} was refused, but wrote {said.out[:200]!r}")
    raise RefusedError(errors[0].removeprefix("Error: "))


def complete(arguments: list[str], folder: Path) -> Callable[[Said], str]:
    """What is wrong with what a command left: files that are not whole, JSON that is none."""

    def judge(said: Said) -> str:
        if "--json" in arguments and said.out.strip() and "--help" not in arguments:
            json.loads(said.out)
        for path in folder.rglob("*.kan"):
            if path.name == "model.kan":
                ew.load(path)
        for path in folder.rglob("*.html"):
            if not path.read_text().rstrip().endswith("</html>"):
                return f"{path.name} is not whole"
        return ""

    return judge


def _attempt(arguments: list[str], folder: Path, given: bytes = b"", writes: tuple[str, ...] = ()) -> Attempt:
    return Attempt(
        lambda: command(arguments, given),
        judge=complete(arguments, folder),
        refusals=(RefusedError,),
        writes=writes,
        what=" ".join(arguments),
    )


@kind("command words", 500, limit=60.0)
def words(random: Random, folder: Path) -> Attempt:
    """Commands and options in any order, most of them wrong."""
    (folder / "x").write_text("x,y\n1,2\n2,3\n")
    arguments = pick(random, COMMANDS).split()
    for _ in range(int(random.integers(0, 6))):
        arguments.append(pick(random, OPTIONS if random.random() < 0.5 else WORDS))
    # A command that could run would take its usual time.
    if arguments[:1] == ["demo"]:
        arguments += ["--seconds", "-1"]
    return _attempt(arguments, folder)


@kind("command tables", 400, limit=60.0)
def tables(random: Random, folder: Path) -> Attempt:
    """Commands on hostile tables, from a file or from standard input."""
    path = table_file(random, folder)
    data, given = str(path), b""
    if random.random() < 0.3:
        data, given = "-", path.read_bytes()
    target = pick(random, ("y", "y", "y", "y", "x", "x1", "x2", *NAMES[:3]))
    (folder / "model.kan.in").write_bytes(_model(int(random.integers(4))))
    way = pick(random, ("fit", "formula", "predict", "predict", "report"))
    common: tuple[list[str], ...] = ([], [], ["--json"], ["--quiet"])
    if way == "fit":
        arguments = ["fit", data, "--target", target, "--work", str(LITTLE), "--out", "o"]
        arguments += pick(random, (*common, ["--columns", "x1,x2"], ["--drop", "x1"]))
    elif way == "formula":
        arguments = ["formula", data, "-t", target, "--work", str(LITTLE)]
        arguments += pick(random, (*common, ["--loss", "robust"], ["--columns", "x1,x2"]))
    elif way == "predict":
        arguments = ["predict", "model.kan.in", data]
        arguments += pick(random, (*common, ["--out", "out.csv"], ["--drop-missing"], ["--keep"]))
    else:
        arguments = ["report", "model.kan.in", data, "--target", target, *pick(random, common)]
    return _attempt(
        arguments,
        folder,
        given,
        writes=("o/model.kan", "o/network.kan", "o/report.html", "out.csv", "report.html"),
    )


@kind("command models", 250, limit=60.0)
def models(random: Random, folder: Path) -> Attempt:
    """Commands on damaged models."""
    (folder / "t.csv").write_text("x1,x2,µ,a b\n" + "0.1,0.2,0.3,0.4\n" * 12)
    whole = _model(int(random.integers(4)))
    (folder / "m.kan").write_bytes(damaged(random, whole) if random.random() < 0.8 else whole)
    arguments = pick(
        random,
        (
            ["predict", "m.kan", "t.csv"],
            [
                "predict",
                "m.kan",
                "t.csv",
                "-o",
                pick(random, ("out.csv", "out.parquet", "out.feather", "m.kan", "no/o.csv")),
            ],
            ["report", "m.kan", "t.csv", "--target", "x2", "-o", "r.html"],
            [
                "export",
                "m.kan",
                "-o",
                pick(random, ("m.py", "m.c", "m.onnx", "m.tex", "m", "t.csv", "no/m.py")),
            ],
            ["export", "m.kan", "--to", pick(random, ("numpy", "c", "onnx", "latex", "java"))],
            ["predict", "t.csv", "m.kan"],
        ),
    )
    return _attempt(
        arguments,
        folder,
        writes=("out.csv", "out.parquet", "out.feather", "r.html", "m.py", "m.c", "m.h", "m.onnx", "m.tex"),
    )


@kind("command settings", 250, limit=60.0)
def settings(random: Random, folder: Path) -> Attempt:
    """`--config` files of every wrong kind."""
    (folder / "run.toml").write_bytes(toml_text(random, KEYS))
    (folder / "t.csv").write_bytes(csv_text(random))
    config = pick(random, (*["run.toml"] * 9, "t.csv", "nope.toml", "."))
    arguments = ["formula", "t.csv", "--target", "y", "--work", str(LITTLE), "--config", config]
    if random.random() < 0.3:
        arguments = [pick(random, ("fit", "predict", "doctor", "export")), "--config", config]
    return _attempt(arguments, folder)


@cache
def _model(which: int) -> bytes:
    return bytes_of(sample(which), Path.cwd())


@kind("command fit", 40, limit=90.0)
def fits(random: Random, folder: Path) -> Attempt:
    """Tables that can be learned from, with hard columns, through to the written files."""
    rows = int(pick(random, (10, 12, 30, 60)))
    columns = {"a": random.normal(size=rows), "b": np.round(random.normal(size=rows), 1)}
    columns["c"] = pick(
        random, (np.zeros(rows), np.full(rows, 1e300), np.arange(rows) * 1e-320, np.arange(rows) * 1e15)
    )
    y = columns["a"] ** 2 * pick(random, (1.0, 1e-200, 1e150, 0.0))
    header = [*columns, "kind", "y"]
    lines = [",".join(header)]
    for k in range(rows):
        cells = [repr(float(column[k])) for column in columns.values()]
        cells = ["" if random.random() < 0.05 else cell for cell in cells]
        lines.append(",".join([*cells, pick(random, ("oak", "elm", "")), repr(float(y[k]))]))
    (folder / "t.csv").write_text("\n".join(lines))
    arguments = [
        "fit",
        "t.csv",
        "--target",
        pick(random, ("y", "kind", "b")),
        "--work",
        str(LITTLE),
        "--out",
        "o",
    ]
    arguments += pick(random, ([], ["--json"], ["--quiet"], ["--mode", "additive"], ["--test", "0"]))
    return _attempt(arguments, folder, writes=("o/model.kan", "o/network.kan", "o/report.html"))
