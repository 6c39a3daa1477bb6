"""Hostile matrices in every container people use, with hostile names, words and dates."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse
import torch

from .values import NAMES, POISON, junk, names, numbers, pick, poisoned

Random = np.random.Generator


def matrix(random: Random, rows: int, columns: int) -> Any:
    """A hostile matrix in a hostile container."""
    made: Any = numbers(random, rows, columns)
    if random.random() < 0.2:
        made = poisoned(random, made)
    return contained(random, made)


def contained(random: Random, made: Any) -> Any:
    """The matrix in one of the containers people use, not all of which can hold it."""
    plain = made.dtype != object
    ways: list[Callable[[], Any]] = [lambda: made] * 30
    ways += [lambda: made.tolist(), lambda: tuple(map(tuple, made.tolist())), lambda: np.asfortranarray(made)]
    ways += [
        lambda: _readonly(made),
        lambda: made[::-1, ::-1],
        lambda: made[None],
        lambda: made.ravel(),
        lambda: made[..., None],
    ]
    ways += [
        lambda kind=kind: frame(random, made, kind)
        for kind in ("pandas", "pandas", "polars", "arrow", "mapping", "lazy")
    ]
    ways += [
        lambda: _ragged(made),
        lambda: (row for row in made.tolist()),
        lambda: np.ma.masked_invalid(made) if plain else made,
    ]
    ways += [lambda: made.astype(object), lambda: made.astype(str) if plain else made]
    if plain:
        ways += [
            lambda t=t: _cast(made, t)
            for t in ("f2", "f4", "g", "i1", "u1", "u8", "?", "c16", "M8[s]", "S8", ">f8", "V8")
        ]
        ways += [
            lambda: torch.from_numpy(made.copy()),
            lambda: torch.from_numpy(made.copy()).requires_grad_(),
        ]
        ways += [
            lambda: torch.from_numpy(made.copy()).bfloat16(),
            lambda: torch.from_numpy(made.copy()).to_sparse(),
        ]
        ways += [lambda: torch.from_numpy(made.copy()).to("meta"), lambda: scipy.sparse.csr_matrix(made)]
        ways += [
            lambda: torch.from_numpy(made.copy()).to(torch.complex64),
            lambda: torch.quantize_per_tensor(torch.zeros(2, 2), 0.1, 0, torch.quint8),
        ]
    ways += [lambda: junk(random)] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pick(random, ways)()
        except (TypeError, ValueError, OverflowError, pa.ArrowException, pl.exceptions.PolarsError):
            return made  # no such container can hold it


def frame(random: Random, made: Any, kind: str) -> Any:
    """A data frame of a library, with hostile names and, now and then, text and dates in it."""
    labels = names(random, made.shape[1])
    columns: list[Any] = [made[:, k].tolist() for k in range(made.shape[1])]
    if columns and random.random() < 0.4:
        columns[int(random.integers(len(columns)))] = odd_column(random, len(made))
    if kind == "pandas":
        built = pd.DataFrame(dict(enumerate(map(pd.Series, columns))))
        built.columns = (
            pd.Index(labels) if random.random() < 0.9 else pd.MultiIndex.from_tuples([(n, 1) for n in labels])
        )
        return built if random.random() < 0.8 or not len(built) else built.set_index(np.zeros(len(built)))
    if kind == "mapping":
        return dict(zip(labels, columns, strict=True))
    if kind == "arrow":
        return pa.table([pa.array(column) for column in columns], names=labels)
    try:
        built = pl.DataFrame(
            [pl.Series(name, column, strict=False) for name, column in zip(labels, columns, strict=True)]
        )
    except BaseException as error:  # Polars panics at some columns, which is not even an Exception
        raise ValueError(str(error)) from None
    return built.lazy() if kind == "lazy" else built


def odd_column(random: Random, rows: int) -> Any:
    """A column that is no column of numbers: words, dates, mixed, nothing at all."""
    words = [pick(random, NAMES) for _ in range(rows)]
    ways: tuple[Callable[[], Any], ...] = (
        lambda: words,
        lambda: [pick(random, ("a", "b", None)) for _ in range(rows)],
        lambda: [None] * rows,
        lambda: [pick(random, (True, False)) for _ in range(rows)],
        lambda: [pick(random, (1, "1", 1.0, None, "a")) for _ in range(rows)],
        lambda: [pick(random, POISON) for _ in range(rows)],
        lambda: [dt.datetime(2020, 1, 1) + dt.timedelta(days=k) for k in range(rows)],
        lambda: [dt.timedelta(days=k) for k in range(rows)],
        lambda: [f"id{k}" for k in range(rows)],
        lambda: pd.Categorical(
            [pick(random, ("u", "v")) for _ in range(rows)], categories=["v", "u", "w"]
        ).tolist(),
        lambda: [[1, 2]] * rows,
        lambda: [{"a": 1}] * rows,
    )
    return pick(random, ways)()


def _readonly(made: np.ndarray) -> np.ndarray:
    own = made.copy()
    own.flags.writeable = False
    return own


def _cast(made: np.ndarray, code: str) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.nan_to_num(made).astype(code) if code[0] in "iuM" else made.astype(code)


def _ragged(made: np.ndarray) -> Any:
    rows = made.tolist()
    if rows and rows[-1]:
        rows[-1] = rows[-1][:-1]
    return rows
