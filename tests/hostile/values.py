"""Hostile values: numbers, arguments, names, matrices and frames that no one should pass and someone will."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

Random = np.random.Generator

POISON: tuple[Any, ...] = (
    *(float("nan"), float("inf"), -float("inf"), 1e300, -1e300, 1e308, 1.7e308, 1e-320, 5e-324, 1e155, 1e16),
    *(
        None,
        True,
        "abc",
        "",
        "1",
        "1e5",
        "nan",
        b"x",
        10**400,
        2**64,
        1 + 2j,
        [1.0],
        {},
        decimal.Decimal("0.1"),
    ),
    *(
        decimal.Decimal("sNaN"),
        fractions.Fraction(1, 3),
        dt.datetime(2020, 1, 1),
        dt.timedelta(1),
        object,
        pd.NA,
        pd.NaT,
    ),
)
SCALES = (1.0, 1.0, 1.0, 1e300, 1e-300, 1e-320, 1e150, 1e160, 1e8, 1e-8, 1e17, 0.0)
SHIFTS = (0.0, 0.0, 0.0, 1.0, 1e300, -1e16, 1e8, 1e-300)

NAMES = (
    *(
        "x",
        "y",
        "x1",
        "",
        " ",
        "\t",
        "a b",
        "a,b",
        "a\nb",
        "x'",
        'x"',
        "`x`",
        "x`; import os",
        "$x$",
        "\\alpha",
        "{x}",
        "%s",
    ),
    *(
        "<script>alert(1)</script>",
        "&amp;",
        "</svg>",
        "x_1",
        "x^2",
        "pi",
        "e",
        "exp",
        "nan",
        "inf",
        "None",
        "lambda",
        "class",
    ),
    *(
        "µ",
        "μ",
        "é",
        "e\u0301",
        "ﬁ",
        "数",
        "مرحبا",
        "\u202egnp",
        "🦆",
        "\u200b",
        "\u0000",
        "\ud800",
        "a" * 5000,
        "../../etc",
        "/",
    ),
    *(
        "__class__",
        "__import__('os')",
        "-x",
        "--target",
        "1x",
        "1",
        "x is missing",
        "#",
        "=1+1",
        "@x",
        "predicted",
    ),
)


class Raises:
    """An object whose conversion to an array, to text and to a number fails."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("no array for you")

    def __len__(self) -> int:
        raise RuntimeError("no length for you")

    def __float__(self) -> float:
        raise RuntimeError("no number for you")


class Unprintable:
    """An object that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no text for you")


def junk(random: Random) -> Any:
    """A wrong argument of any kind."""
    fixed: tuple[Callable[[], Any], ...] = (
        *(
            lambda v=v: v
            for v in (None, True, False, -1, 0, 1, 2, 3, 7, 10**30, -(10**30), 2**31, 2**63, 2**64)
        ),
        *(lambda v=v: v for v in (0.5, 1.5, -0.5, 1e300, 1e-320, float("nan"), float("inf"), -float("inf"))),
        *(
            lambda v=v: v
            for v in ("", "auto", "x", "lm", "squared", "true", "a" * 10_000, "\x00", "\ud800", "🦆", "a\nb")
        ),
        *(
            lambda v=v: v
            for v in (b"x", 1 + 2j, (), (1, 2), (1, 2, 3), range(3), frozenset({1}), Ellipsis, NotImplemented)
        ),
        *(
            lambda v=v: v
            for v in (int, object, len, np.int64(3), np.float32(0.5), np.float64("nan"), np.bool_(True))
        ),
        *(
            lambda v=v: v
            for v in (np.datetime64("2020"), np.array(3), np.array([]), np.array([1.0]), np.array(["a"]))
        ),
        list,
        dict,
        set,
        object,
        Raises,
        Unprintable,
        lambda: [0],
        lambda: [1, 2],
        lambda: [[1, 2], [3]],
        lambda: [None],
        lambda: [float("nan")],
        lambda: ["a", "a"],
        lambda: {"a": 1},
        lambda: {1: [2]},
        lambda: (k for k in range(3)),
        lambda: lambda *a: None,
        lambda: ValueError("x"),
        lambda: decimal.Decimal("0.5"),
        lambda: fractions.Fraction(1, 2),
        lambda: Path("."),
        lambda: torch.tensor(1.0),
        lambda: torch.zeros(2, 2),
        lambda: torch.float16,
        lambda: pd.DataFrame({"a": [1]}),
        lambda: _endless(),
        lambda: _nested(3000),
    )
    return fixed[int(random.integers(len(fixed)))]()


def _nested(depth: int) -> list[Any]:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    return deep


def _endless() -> list[Any]:
    """A list that holds itself."""
    own: list[Any] = [1]
    own.append(own)
    return own


def pick(random: Random, options: Any) -> Any:
    """One of some options."""
    return options[int(random.integers(len(options)))]


def names(random: Random, count: int) -> list[str]:
    """Hostile column names, mostly distinct."""
    chosen = [pick(random, NAMES) for _ in range(count)]
    if random.random() < 0.7:
        seen: set[str] = set()
        chosen = [
            name if not (name in seen or seen.add(name)) else f"{name}{k}" for k, name in enumerate(chosen)
        ]
    return chosen


def numbers(random: Random, rows: int, columns: int) -> np.ndarray:
    """A float64 matrix that is finite but hard: huge, tiny, shifted, constant, repeated or sparse columns."""
    with np.errstate(all="ignore"):
        made = random.normal(size=(rows, columns)) * np.array([pick(random, SCALES) for _ in range(columns)])
        made = made + np.array([pick(random, SHIFTS) for _ in range(columns)])
    trait = int(random.integers(10))
    if trait == 0:
        made[:] = pick(random, (0.0, 1.0, -1e300, 1e-320))
    elif trait == 1:
        made = np.round(np.clip(made, -3, 3))
    elif trait == 2 and columns > 1:
        made[:, 1] = made[:, 0]
    elif trait == 3:
        made[random.random(made.shape) < 0.95] = 0.0
    elif trait == 4 and rows > 1:
        made[random.integers(rows)] = pick(random, (1e300, -1e300, 1e15))
    elif trait == 5:
        made = np.sort(made, axis=0)
    return made


def poisoned(random: Random, made: np.ndarray) -> Any:
    """A matrix with one or several entries that are not numbers."""
    wrong = pick(random, POISON)
    fits = isinstance(wrong, float)
    made = made.copy() if fits else made.astype(object)
    for _ in range(int(pick(random, (1, 1, 2, made.size)))):
        if made.size:
            made[tuple(int(random.integers(size)) for size in made.shape)] = wrong
    return made


def shape(random: Random) -> tuple[int, int]:
    """Rows and columns, from none to many."""
    rows = int(pick(random, (0, 1, 2, 3, 5, 10, 12, 39, 40, 41, 60, 150)))
    return rows, int(pick(random, (0, 1, 1, 2, 2, 3, 5, 9)))


def vector(random: Random, rows: int) -> Any:
    """A hostile target."""
    made: Any = numbers(random, rows, 1)[:, 0]
    if random.random() < 0.15:
        made = poisoned(random, made)
    trait = int(random.integers(12))
    if trait == 0:
        return made.reshape(-1, 1)
    if trait == 1:
        return made.tolist()
    if trait == 2:
        return pd.Series(made, name=pick(random, NAMES))
    if trait == 3 and made.dtype != object:
        return torch.from_numpy(made)
    if trait == 4:
        return made.reshape(1, -1)
    if trait == 5:
        return np.array([pick(random, ("a", "b", "c")) for _ in range(rows)])
    if trait == 6:
        return made[: max(0, rows - 1)]
    return made


def shown(value: Any) -> str:
    """A value in a few words, even one that cannot be shown."""
    try:
        return f"{value!r:.100}"
    except Exception:
        return f"a {type(value).__name__}"


def shown_all(options: dict[str, Any]) -> str:
    """Arguments in a few words."""
    return ", ".join(f"{name}={shown(value)[:60]}" for name, value in options.items())
