"""What one pass computes of a column, as numbers that batches are added to and that a file can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats, Ints
from edgewise._core.extras import need
from edgewise.data.encoding_raw import RawColumn, column_error

State = dict[str, NDArray[Any]]

# Columns of so many values are counted value by value; of more a sketch keeps the quantiles.
MOST_VALUES = 4_096
# A centroid of the sketch holds few enough rows that a quantile is off by less than RANK_ERROR of all rows: 8 / COMPRESSION
# bounds what centroids of neighbouring ranks may hold together, and half of that was never seen to be exceeded.
COMPRESSION = 2_000
RANK_ERROR = 8 / COMPRESSION
# Of more rows than these a sketch takes so many, drawn by their hashes. Their shares differ from those of all rows by less
# than .1 % but for once in five million columns, by P. Massart's bound 2 exp(-2 n d^2), 1990, doi:10.1214/aop/1176990746.
MOST_SKETCHED = 8_000_000
# Rows are numbered leaf by leaf: the number of the leaf, and in so many bits that of the row within it.
LEAF_BITS = 32
# Words of a column beyond which it is taken for a name of the row, and left out.
MOST_WORDS = 200_000


class Numbers:
    """Numbers, truth values or days: extremes, gaps, and either all values with their counts or a sketch of them.

    The sketch is a t-digest of the package datasketches. Unlike KLL it draws no random bits, so that the same rows give the
    same grid (T. Dunning and O. Ertl, "Computing extremely accurate quantiles using t-digests", 2019, arXiv:1902.04023).
    """

    def __init__(self, kind: str, state: State | None = None) -> None:
        self.kind = kind
        state = state or {}
        self.range = state.get("range", np.array([np.inf, -np.inf]))
        # Rows, gaps, and whether all are whole numbers.
        self.counts = state.get("counts", np.array([0, 0, 1]))
        self.values: Floats = state.get("values", np.empty(0))
        # Of each value its rows, their weight, and those that a sketch would take.
        self.mass: Floats = state.get("mass", np.empty((3, 0)))
        self.digest: Any = None
        if "digest" in state:
            self.digest = _sketches().tdigest_double.deserialize(state["digest"].tobytes())

    def add(self, x: Floats, weight: Floats, drawn: NDArray[np.bool_], name: str) -> None:
        """Take a batch in, into a sketch the rows alone that are drawn."""
        known = ~np.isnan(x)
        self.counts[0] += len(x)
        self.counts[1] += len(x) - int(known.sum())
        x, weight, drawn = x[known], weight[known], drawn[known]
        if not len(x):
            return
        low, high = float(x.min()), float(x.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise column_error(
                name, "hold finite numbers", got="an infinity", advice="correct it or make it a missing value"
            )
        self.range = np.array([min(low, self.range[0]), max(high, self.range[1])])
        if self.counts[2]:
            self.counts[2] = int((x == np.floor(x)).all() and max(-low, high) < 2.0**52)
        if self.digest is None and len(np.unique(x[: 2 * MOST_VALUES])) > MOST_VALUES:
            self._sketch()
        if self.digest is None:
            values, place = np.unique(x + 0.0, return_inverse=True)  # + 0.0: zero has one sign
            own = np.stack([np.bincount(place, item) for item in (None, weight, drawn)])
            self._count(values, own.astype(np.float64))
            if len(self.values) <= MOST_VALUES:
                return
            self._sketch()
            return
        self.digest.update(x[drawn])
        self.digest.compress()  # so that it is the same whether it was written to a file here or not

    def merge(self, other: Numbers) -> None:
        """Take in what another has counted of later rows; it is not to be used any more."""
        self.range = np.array([min(self.range[0], other.range[0]), max(self.range[1], other.range[1])])
        self.counts = np.array([*(self.counts[:2] + other.counts[:2]), self.counts[2] * other.counts[2]])
        if self.digest is None and other.digest is None:
            self._count(other.values, other.mass)
            if len(self.values) > MOST_VALUES:
                self._sketch()
            return
        for item in (self, other):
            if item.digest is None:
                item._sketch()
        assert self.digest is not None
        self.digest.merge(other.digest)
        self.digest.compress()

    def _sketch(self) -> None:
        """Go over from all values to a sketch of them."""
        self.digest = _sketches().tdigest_double(COMPRESSION)
        if len(self.values):
            self.digest.update(np.repeat(self.values, self.mass[2].astype(np.int64)))
            self.digest.compress()
        self.values, self.mass = np.empty(0), np.empty((3, 0))

    def _count(self, values: Floats, mass: Floats) -> None:
        merged = np.union1d(self.values, values)
        total = np.zeros((3, len(merged)))
        for own, part in ((self.values, self.mass), (values, mass)):
            total[:, np.searchsorted(merged, own)] += part
        self.values, self.mass = merged, total

    def quantiles(self, count: int) -> Floats:
        """So many quantiles from the sketch, each that of the middle of its share; the extremes are exact."""
        steps = (np.arange(count) + 0.5) / count
        return np.clip([self.digest.get_quantile(step) for step in steps], *self.range)

    def state(self) -> State:
        """Everything, as arrays."""
        state: State = {"range": self.range, "counts": self.counts, "values": self.values, "mass": self.mass}
        if self.digest is not None:
            state["digest"] = np.frombuffer(self.digest.serialize(), np.uint8)
        return state


class Words:
    """Words, counted exactly: of each the rows, and moments of the target among them.

    Attributes
    ----------
    places : dict from word to number
        In the order in which they came.
    moments : array of shape (words + 1, 1 + m)
        Rows, then sums of the weighted moments; gaps come last.
    crowded : bool
        Whether there are more words than are counted.
    """

    def __init__(self, width: int, state: Mapping[str, NDArray[Any]] | None = None) -> None:
        self.places = dict[str, int]()
        self.moments = np.zeros((1, 1 + width))
        self.crowded = False
        if state is not None:
            text = state["words"].tobytes().decode(errors="surrogatepass")
            self.places = {word: k for k, word in enumerate(text.split("\0")[:-1])}
            self.moments, self.crowded = state["moments"], bool(state["crowded"][0])

    def add(self, raw: RawColumn, moments: Floats) -> Ints:
        """Take a batch in with what it adds to the moments, (n, m); the number of the word of each row, -1 for none."""
        codes = cast(Ints, raw.codes)
        if self.crowded:
            return np.full(len(codes), -1)
        lookup = np.array([*(self.places.setdefault(word, len(self.places)) for word in raw.words), -1])
        if len(self.places) > MOST_WORDS:
            self._give_up()
            return np.full(len(codes), -1)
        grown = self._grown(1 + moments.shape[1])
        group = np.where(codes < 0, len(raw.words), codes)
        for j, column in enumerate((np.ones(len(codes)), *moments.T)):
            own = np.bincount(group, column, len(raw.words) + 1)
            grown[lookup[:-1], j] += own[:-1]
            grown[-1, j] += own[-1]
        self.moments = grown
        return lookup[codes]

    def merge(self, other: Words, moments: Floats) -> Ints:
        """Take in what another has counted of later rows, with its moments brought to the columns of these.

        Returns
        -------
        array of int, shape (words of the other + 1,)
            The number here of each word there; -1, for none, comes last.
        """
        if self.crowded or other.crowded:
            self._give_up()
        if not self.crowded:
            lookup = np.array(
                [*(self.places.setdefault(word, len(self.places)) for word in other.places), -1]
            )
            if len(self.places) <= MOST_WORDS:
                grown = self._grown(moments.shape[1])
                grown[lookup, : moments.shape[1]] += moments
                self.moments = grown
                return lookup
            self._give_up()
        return np.full(len(other.places) + 1, -1)

    def _give_up(self) -> None:
        self.crowded, self.places, self.moments = True, {}, np.zeros((1, self.moments.shape[1]))

    def _grown(self, width: int) -> Floats:
        """The moments, with room for all words and for so many columns."""
        grown = np.zeros((len(self.places) + 1, max(self.moments.shape[1], width)))
        grown[: len(self.moments) - 1, : self.moments.shape[1]] = self.moments[:-1]
        grown[-1, : self.moments.shape[1]] = self.moments[-1]
        return grown

    def state(self) -> State:
        """Everything, as arrays."""
        text = "".join(f"{word}\0" for word in self.places).encode(errors="surrogatepass")
        words = np.frombuffer(text, np.uint8)
        return {"words": words, "moments": self.moments, "crowded": np.array([self.crowded])}


@dataclass(eq=False)
class Sample:
    """The rows of the smallest hashes: a uniform sample that depends on the rows' numbers and the seed alone.

    Attributes
    ----------
    most, seed : int
    hashes, numbers : array of shape (m,)
    cells : array of shape (m, columns)
        Numbers, or numbers of words; the target and the weight come last.
    waiting : list
        Hashes, numbers and cells that `settle` has yet to put among them.
    """

    most: int
    seed: int
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    numbers: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    cells: Floats = field(default_factory=lambda: np.empty((0, 0)))
    waiting: list[tuple[NDArray[np.uint64], Ints, Floats]] = field(default_factory=list)

    def chosen(self, first: int, count: int) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
        """Which of so many rows from number `first` on may be among them."""
        hashes = mixed(np.arange(first, first + count, dtype=np.uint64), self.seed)
        if len(self.hashes) < self.most:
            return np.ones(count, dtype=bool), hashes
        return hashes < self.hashes[-1], hashes

    def add(self, hashes: NDArray[np.uint64], numbers: Ints, cells: Floats) -> None:
        """Take rows in."""
        if len(numbers):
            self.waiting.append((hashes, numbers, cells))
        if sum(len(own) for _, own, _ in self.waiting) > self.most // 8:
            self.settle()

    def settle(self) -> Sample:
        """Let those rows go whose hashes are too large; itself."""
        if self.waiting:
            old = [(self.hashes, self.numbers, self.cells)] if len(self.numbers) else []
            hashes, numbers, cells = (np.concatenate(part) for part in zip(*old, *self.waiting, strict=True))
            keep = np.argsort(hashes, kind="stable")[: self.most]
            self.hashes, self.numbers, self.cells, self.waiting = hashes[keep], numbers[keep], cells[keep], []
        return self

    def in_order(self, offsets: Ints) -> Sample:
        """The rows in the order of their numbers, which now count through leaves that begin at these."""
        self.settle()
        order = np.argsort(self.numbers, kind="stable")
        numbers = self.numbers[order]
        whole = (
            offsets[numbers >> LEAF_BITS] + (numbers & ((1 << LEAF_BITS) - 1)) if len(numbers) else numbers
        )
        return Sample(self.most, self.seed, self.hashes[order], whole, self.cells[order])

    def state(self) -> State:
        """Everything, as arrays."""
        self.settle()
        return {"hashes": self.hashes, "numbers": self.numbers, "cells": self.cells}


def mixed(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Hashes of numbers (S. Vigna's splitmix64; G. Steele, D. Lea and C. Flood, 2014, doi:10.1145/2660193.2660195)."""
    # Seeds begin far from each other in the one sequence that there is.
    return _scrambled(numbers + _scrambled(np.array([seed], dtype=np.uint64)))


def _scrambled(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@dataclass(frozen=True, eq=False)
class Target:
    """What is predicted: numbers, or classes.

    Attributes
    ----------
    name : str
    classes : bool
    """

    name: str
    classes: bool

    @cached_property
    def width(self) -> int:
        """Moments at first: weight, sum and square of numbers; of classes one each, as they come."""
        return 0 if self.classes else 3


def _sketches() -> Any:
    return need("datasketches", "large", "Datasets read in batches")
