"""Normal equations of rows of which each has few numbers in known places, such as the live functions of splines.

A cubic spline touches four coefficients a row however fine its grid is, so the normal equations of 20 inputs with 2,000
coefficients cost some 3,000 multiply-adds a row instead of 2,000,000. All sums are in double precision, over the rows in
their order: they depend neither on the number of threads nor on how the rows are cut into batches at the same places.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_int, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array

from edgewise._core.arrays import Floats
from edgewise.kernels.native.library import check, load
from edgewise.splines.pieces import make_pieces

Ints = NDArray[np.int32]

DEGREE = 3
LIVE = DEGREE + 1


@dataclass(frozen=True, eq=False)
class SparseBlock:
    """The numbers of one block of features: `runs` runs of `width` neighbours a row.

    Attributes
    ----------
    start : int
        Its first feature.
    at : array of int32, shape (n,)
        Where the first run of a row begins, counted from `start`.
    value : array of shape (n, runs * width), or None
        None for ones, where there is one number a row.
    runs, width, stride : int
        Run r begins r * stride behind the first; width is 1 or 4.
    common : int
        Of one number a row: the one whose products are not summed, since they follow from those of the others; -1 for none.
    """

    start: int
    at: Ints
    value: Floats | None = None
    runs: int = 1
    width: int = 1
    stride: int = 0
    common: int = -1


@dataclass(frozen=True, eq=False)
class SparseRows:
    """Rows X of so many features, block by block; `add_gram` takes so many threads at most."""

    count: int
    features: int
    blocks: tuple[SparseBlock, ...]
    threads: int = 1

    def add_gram(self, weight: Floats, gram: Floats) -> None:
        """gram += X^T diag(weight) X, (features, features), where `common` numbers count as zero; upper blocks alone."""
        if (native := _native()) is not None:
            common = np.array([block.common for block in self.blocks], dtype=np.int32)
            check(native.ew_sparse_products(self._call(), _at(common), _at(weight), _at(gram)))
            return
        X = self._matrix(without_common=True)
        gram += np.triu((X.T @ (X * weight[:, None])).toarray())

    def add_pulled(self, slope: Floats, sums: Floats) -> None:
        """sums += X^T slope, (features,)."""
        if (native := _native()) is not None:
            check(native.ew_sparse_pull(self._call(), _at(slope), _at(sums)))
            return
        sums += self._matrix().T @ slope

    def times(self, theta: Floats) -> Floats:
        """X theta, (n,)."""
        out = np.zeros(self.count)
        theta = np.ascontiguousarray(theta)
        if (native := _native()) is not None:
            check(native.ew_sparse_times(self._call(), _at(theta), _at(out)))
            return out
        return self._matrix() @ theta

    def _matrix(self, without_common: bool = False) -> Any:
        places, values = list[NDArray[Any]](), list[Floats]()
        for block in self.blocks:
            own = (np.arange(block.runs)[:, None] * block.stride + np.arange(block.width)).ravel()
            places.append(block.start + block.at[:, None].astype(np.int64) + own)
            ones = (
                np.ones(self.count) if not without_common else (block.at != block.common).astype(np.float64)
            )
            values.append(ones[:, None] if block.value is None else block.value)
        widths = sum(part.shape[1] for part in places)
        ends = np.arange(self.count + 1) * widths
        flat = np.concatenate(values, 1).ravel() if values else np.empty(0)
        columns = np.concatenate(places, 1).ravel() if places else np.empty(0, np.int64)
        return csr_array((flat, columns, ends), shape=(self.count, self.features))

    def _call(self) -> _SparseRows:
        blocks = (_SparseBlock * len(self.blocks))(
            *(
                _SparseBlock(
                    block.start, block.stride, block.runs, block.width, _at(block.at), _at(block.value)
                )
                for block in self.blocks
            )
        )
        return _SparseRows(self.count, self.features, len(self.blocks), self.threads, blocks)


class Cubics:
    """Cubic splines of one input on given breaks, a row at a time.

    Parameters
    ----------
    breaks : array of shape (G + 1,)
    """

    def __init__(self, breaks: Floats) -> None:
        self.intervals = len(breaks) - 1
        pieces = make_pieces(torch.from_numpy(np.ascontiguousarray(breaks))[None], DEGREE)
        self._breaks = np.ascontiguousarray(breaks)
        self._table, self._origin, self._width = (
            np.ascontiguousarray(part[0].numpy()) for part in (pieces.table, pieces.origin, pieces.width)
        )

    def __call__(self, x: Floats) -> tuple[Ints, Floats]:
        """The first live function of each of x (n,), and the values of the four from there, (n, 4)."""
        at, value = np.empty(len(x), np.int32), np.empty((len(x), LIVE))
        if (native := _native()) is not None:
            x = np.ascontiguousarray(x)
            call = _Cubics(
                len(x),
                1,
                self.intervals,
                1,
                *map(_at, (x, self._breaks, self._table, self._origin, self._width, at, value)),
            )
            check(native.ew_sparse_expand(call))
            return at, value
        piece = np.searchsorted(self._breaks, x, side="right") - (x == self._breaks[-1])
        u = (x - self._origin[piece]) / self._width[piece]
        inside = np.clip(u, 0.0, 1.0)
        powers = np.stack([np.ones_like(u), u, inside**2, inside**3], 1)
        return (
            np.clip(piece - 1, 0, self.intervals - 1).astype(np.int32),
            np.einsum("nmr,nr->nm", self._table[piece], powers),
        )

    def dense(self, x: Floats) -> Floats:
        """Values of all functions at x (n,), (n, G + 3)."""
        at, value = self(x)
        out = np.zeros((len(x), self.intervals + DEGREE))
        out[np.arange(len(x))[:, None], at[:, None] + np.arange(LIVE)] = value
        return out


def mirrored(gram: Floats) -> Floats:
    """The whole symmetric matrix of which blocks on and above the diagonal are known."""
    return np.triu(gram) + np.triu(gram, 1).T


class _SparseBlock(ctypes.Structure):
    """`struct ew_sparse_block` of src/edgewise.h."""

    _fields_ = [
        ("start", c_int64),
        ("stride", c_int64),
        ("runs", c_int32),
        ("width", c_int32),
        ("at", c_void_p),
        ("value", c_void_p),
    ]


class _SparseRows(ctypes.Structure):
    """`struct ew_sparse`."""

    _fields_ = [
        ("rows", c_int64),
        ("features", c_int64),
        ("blocks", c_int64),
        ("threads", c_int32),
        ("block", POINTER(_SparseBlock)),
    ]


class _Cubics(ctypes.Structure):
    """`struct ew_sparse_cubics`."""

    _fields_ = [
        *((name, c_int64) for name in ("rows", "step", "intervals")),
        ("threads", c_int32),
        *((name, c_void_p) for name in ("x", "breaks", "table", "origin", "width", "at", "value")),
    ]


def _at(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data


@cache
def _native() -> Any:
    """The calls of the library, or None where there is none."""
    library = load()
    if library is None:
        return None
    try:
        for name, arrays in (("ew_sparse_products", 3), ("ew_sparse_pull", 2), ("ew_sparse_times", 2)):
            function: Any = getattr(library.c, name)
            function.argtypes, function.restype = (POINTER(_SparseRows), *[c_void_p] * arrays), c_int
        library.c.ew_sparse_expand.argtypes = (POINTER(_Cubics),)
        library.c.ew_sparse_expand.restype = c_int
    except AttributeError:  # a library that was built before there were any
        return None
    return library.c
