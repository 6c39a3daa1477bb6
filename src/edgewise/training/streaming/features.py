"""What is summed over the rows: indicators of the values of inputs that take few, splines of the others, products of both.

Directions that are solved for, from smooth to rough, are combinations of these features: the rows are summed once, in
features that touch few numbers each, and everything else is algebra on the sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise.kernels.sparse import DEGREE, LIVE, Cubics, SparseBlock, SparseRows, mirrored
from edgewise.splines import data_range, mass_grid_of, smooth_basis_of
from edgewise.splines.bspline import knot_insertion
from edgewise.training.additive.design import Design
from edgewise.training.bag.run import ROUGHNESS_POWER
from edgewise.training.config import TableConfig
from edgewise.training.interactions.pair_columns import blocks, smoothest
from edgewise.training.tabular.plan import DESIGN_COLUMNS, FEWEST_INTERVALS

Ints = NDArray[np.int32]

# Inputs of so few values are summed value by value; in pairs of so few.
MOST_VALUES, FEW_VALUES = 1_024, 11
# Features of all pairs together, and intervals of an input in one of them, at least and at most: the fewer pairs, the finer.
PAIR_FEATURES, PAIR_INTERVALS = 2_048, (8, 24)


@dataclass(frozen=True, eq=False)
class InputFeatures:
    """Features of one input, and the directions that are made of them.

    Attributes
    ----------
    values : array of shape (F,), or None
        In network units, where the features are indicators of values.
    cubics : Cubics or None
        Where they are the splines.
    directions : array of shape (F, R)
        From smooth to rough; the constant is the first.
    spread : array of shape (M, R)
        The same as coefficients of the splines of the grid.
    common : int
        The value that most of the rows have; -1 where there is none.
    """

    values: Floats | None
    cubics: Cubics | None
    directions: Floats
    spread: Floats
    common: int = -1

    @property
    def count(self) -> int:
        """Number of features."""
        return len(self.directions)

    def of(self, x: Floats) -> tuple[Ints, Floats | None]:
        """Where the numbers of rows x (n,) are, and what they are."""
        if self.cubics is not None:
            return self.cubics(x)
        # Nothing lies between two values but rounding, and rows that the statistics have not seen.
        if len(self._halfways) == 1:
            return (x > self._halfways[0]).astype(np.int32), None
        return np.searchsorted(self._halfways, x).astype(np.int32), None

    @cached_property
    def _halfways(self) -> Floats:
        """Numbers half the way from each value to the next."""
        assert self.values is not None
        return (self.values[1:] + self.values[:-1]) / 2


@dataclass(frozen=True, eq=False)
class FeatureBlock:
    """The features of one input or of a pair among all, and the directions without the constant.

    Attributes
    ----------
    inputs : (int,) or (int, int)
    start : int
        Its first feature.
    directions : array of shape (F, R)
    group : array of int, shape (R,)
        Directions of one group have one weight, counted from 0.
    common : int
        The feature, of indicators, whose products are not summed; -1 for none.
    """

    inputs: tuple[int, ...]
    start: int
    directions: Floats
    group: NDArray[np.int64]
    common: int = -1

    @property
    def features(self) -> slice:
        """Its features."""
        return slice(self.start, self.start + len(self.directions))


@dataclass(frozen=True, eq=False)
class Features:
    """All features of a model of single inputs and pairs.

    Attributes
    ----------
    shift, scale : array of shape (I,)
        Of the network units.
    breaks : array of shape (I, G + 1)
    singles : tuple of InputFeatures
        Of the inputs alone.
    places : tuple of (array, array)
        Values of each input, and their weights, that determine its directions.
    coarse : mapping of inputs to InputFeatures
        In pairs.
    pairs : tuple of (int, int)
    threads : int
        To sum on, which changes no digit.
    """

    shift: Floats
    scale: Floats
    breaks: Floats
    singles: tuple[InputFeatures, ...]
    places: tuple[tuple[Floats, Floats], ...]
    coarse: Mapping[int, InputFeatures] = field(default_factory=dict[int, InputFeatures])
    pairs: tuple[tuple[int, int], ...] = ()
    threads: int = 1

    @cached_property
    def parts(self) -> tuple[FeatureBlock, ...]:
        """Single inputs, then pairs; their features begin with the indicators."""
        # Products of an indicator with a spline then lie side by side in memory.
        order = sorted(range(len(self.singles)), key=lambda i: self.singles[i].values is None)
        starts, start = dict[int, int](), 0
        for i in order:
            starts[i] = start
            start += self.singles[i].count
        found = list[FeatureBlock]()
        for i, own in enumerate(self.singles):
            directions = own.directions[:, 1:]
            # The slope has a weight of its own beside what bends.
            group = np.minimum(np.arange(directions.shape[1]), 1)
            # What is not summed of the others follows from the first.
            found.append(FeatureBlock((i,), starts[i], directions, group, own.common if i else -1))
        for i, j in self.pairs:
            a, b = self.coarse[i].directions, self.coarse[j].directions
            at = smoothest(a.shape[1] - 1, b.shape[1] - 1)
            which = at.numpy()
            products = np.einsum("fr,gr->fgr", a[:, which[:, 0]], b[:, which[:, 1]]).reshape(-1, len(which))
            found.append(
                FeatureBlock((i, j), start, products, blocks(at)[0].numpy() if len(which) else which[:, 0])
            )
            start += len(products)
        return tuple(found)

    @property
    def count(self) -> int:
        """Number of features."""
        return max(part.features.stop for part in self.parts)

    @cached_property
    def design(self) -> Design:
        """The design whose coordinates are the coefficients of the splines themselves."""
        size = self.breaks.shape[1] - 1 + DEGREE
        eye = torch.eye(size, dtype=torch.float64)
        tensors = (torch.from_numpy(part) for part in (self.shift, self.scale))
        return Design(torch.from_numpy(self.breaks), (eye,) * len(self.singles), *tensors)

    def rows(self, inputs: Floats) -> SparseRows:
        """The features of some rows (n, I)."""
        units = (inputs - self.shift) / self.scale
        columns = [np.ascontiguousarray(column) for column in units.T]
        found = list[SparseBlock]()
        for part, own, x in zip(self.parts, self.singles, columns, strict=False):
            at, value = own.of(x)
            width = 1 if value is None else LIVE
            found.append(SparseBlock(part.start, at, value, width=width, common=part.common))
        found.sort(key=lambda block: block.start)
        sides = {i: self.coarse[i].of(columns[i]) for i in sorted({i for pair in self.pairs for i in pair})}
        for part in self.parts[len(self.singles) :]:
            i, j = part.inputs
            found.append(_product(part.start, sides[i], sides[j], self.coarse[j].count))
        return SparseRows(len(inputs), self.count, tuple(found), self.threads)

    def with_pairs(self, pairs: Sequence[tuple[int, int]]) -> Features:
        """The same with pairs, whose grids hold every so many-th break of those of single inputs."""
        sides = int((PAIR_FEATURES / max(len(pairs), 1)) ** 0.5) - DEGREE
        stride = -(-(self.breaks.shape[1] - 1) // min(max(sides, PAIR_INTERVALS[0]), PAIR_INTERVALS[1]))
        coarse = dict[int, InputFeatures]()
        for i in sorted({i for pair in pairs for i in pair}):
            own = self.singles[i]
            if own.values is not None and own.count <= FEW_VALUES:
                coarse[i] = own
                continue
            nested = np.unique(np.append(self.breaks[i][::stride], self.breaks[i][-1]))
            coarse[i] = _features(nested, *self.places[i], False, self.breaks[i])
        return replace(self, coarse=coarse, pairs=tuple(pairs))


def _product(
    start: int, one: tuple[Ints, Floats | None], other: tuple[Ints, Floats | None], stride: int
) -> SparseBlock:
    """Products of the features of two inputs, those of the second next to each other."""
    (a, u), (b, v) = one, other
    at = (a * np.int32(stride) + b).astype(np.int32)
    if u is None:
        return SparseBlock(start, at, v, width=1 if v is None else LIVE)
    if v is None:
        return SparseBlock(start, at, u, runs=LIVE, stride=stride)
    products = (u[:, :, None] * v[:, None]).reshape(len(at), LIVE**2)
    return SparseBlock(start, at, products, runs=LIVE, width=LIVE, stride=stride)


def make_features(
    masses: Sequence[tuple[Floats, Floats]],
    sample: Floats,
    weight: Floats,
    config: TableConfig,
    threads: int = 1,
) -> Features:
    """Grids where the rows are, and the smooth directions of every input.

    Parameters
    ----------
    masses : sequence of (array, array)
        Of each input the values, rising, and how many rows have each; a sketch of them where they are many.
    sample : array of shape (s, I)
    weight : array of shape (s,)
        Rows that determine the directions of inputs of many values.
    config : TableConfig
    threads : int
    """
    rows = max(float(counts.sum()) for _, counts in masses)
    finer = 1 + sum(rows >= row for row in config.finer_rows)
    most = DESIGN_COLUMNS // len(masses) - DEGREE
    intervals = max(FEWEST_INTERVALS, min(finer * config.intervals, most))
    tensors = [(torch.from_numpy(values), torch.from_numpy(counts)) for values, counts in masses]
    ends = [data_range(values[[0, -1]][:, None]) for values, _ in tensors]
    low, high = (torch.cat(end) for end in zip(*ends, strict=True))
    shift, scale = (low + high) / 2, (high - low) / 2
    units = [((values - shift[i]) / scale[i], counts) for i, (values, counts) in enumerate(tensors)]
    breaks = mass_grid_of(units, intervals).numpy()
    plain_shift, plain_scale = shift.numpy(), scale.numpy()
    seen = (sample - plain_shift) / plain_scale
    singles, places = list[InputFeatures](), list[tuple[Floats, Floats]]()
    for i, (values, counts) in enumerate(units):
        x, mass = values.numpy(), counts.numpy().astype(np.float64)
        few = len(x) <= MOST_VALUES
        where = (x, mass) if few else (seen[:, i], weight)
        singles.append(_features(breaks[i], *where, few))
        places.append(where)
    return Features(plain_shift, plain_scale, breaks, tuple(singles), tuple(places), threads=threads)


def _features(
    breaks: Floats, x: Floats, mass: Floats, few: bool, fine: Floats | None = None
) -> InputFeatures:
    cubics = Cubics(breaks)
    at, value = cubics(x)
    gram = np.zeros((cubics.intervals + DEGREE,) * 2)
    rows = SparseRows(len(x), len(gram), (SparseBlock(0, at, value, width=LIVE),))
    rows.add_gram(mass / mass.sum(), gram)
    maps = smooth_basis_of(torch.from_numpy(mirrored(gram)), ROUGHNESS_POWER).numpy()
    spread = maps
    if fine is not None:
        spread = _refined(breaks, fine) @ maps
    if few:
        common = int(mass.argmax())
        common = common if 2 * mass[common] >= mass.sum() else -1
        return InputFeatures(x, None, cubics.dense(x) @ maps, spread, common)
    return InputFeatures(None, cubics, maps, spread)


def _refined(coarse: Floats, fine: Floats) -> Floats:
    """Coefficients on the finer breaks of the splines on coarser ones among them, (fine M, coarse M)."""
    return knot_insertion(torch.from_numpy(coarse)[None], torch.from_numpy(fine)[None], DEGREE)[0].numpy()
