"""What is summed in a pass: the quadratic model of a loss about a point, and two-way tables of what a model leaves over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge
from edgewise.kernels.sparse import SparseBlock, SparseRows
from edgewise.splines import smooth_basis_of
from edgewise.training.common.losses import Loss
from edgewise.training.interactions.two_way_tables import DIRECTIONS, Pair, beyond_chance
from edgewise.training.streaming.features import Features
from edgewise.training.streaming.quadratic import Directions, Quadratic

State = dict[str, NDArray[Any]]

# Rows whose features are summed in one call.
ROWS_AT_ONCE = 16_384
# Work of summing the products of two numbers of a row.
PRODUCT = 4e-10


@dataclass(frozen=True, eq=False)
class Encoded:
    """Rows as a network reads them: inputs (n, I), targets (n, D) in network units, weights (n,)."""

    inputs: Floats
    y: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.y)

    def parts(self) -> Iterator[Encoded]:
        """The rows, so many at once."""
        for begin in range(0, len(self), ROWS_AT_ONCE):
            own = slice(begin, begin + ROWS_AT_ONCE)
            yield Encoded(self.inputs[own], self.y[own], self.weight[own])


@dataclass(frozen=True, eq=False)
class _Prepared:
    """Some rows: their features, weights (n,), and what the loss is there, by output: outputs (n, D), targets (n, D)."""

    rows: SparseRows
    weight: Floats
    f: torch.Tensor
    y: torch.Tensor


def _prepared(features: Features, theta: Floats, batch: Encoded) -> list[_Prepared]:
    """The features of a batch, and the outputs of a model theta (features, D)."""
    found = list[_Prepared]()
    for part in batch.parts():
        rows = features.rows(part.inputs)
        outputs = np.stack([rows.times(column) for column in theta.T], 1)
        found.append(_Prepared(rows, part.weight, torch.from_numpy(outputs), torch.from_numpy(part.y)))
    return found


Batches = Callable[[int], Iterator[Encoded]]


class LossSums:
    """Sums of a loss, its gradients and curvatures in features, about a point theta (features, D)."""

    def __init__(self, features: Features, theta: Floats, loss: Loss, state: State | None = None) -> None:
        self.features, self.theta, self.loss = features, theta, loss
        count, outputs = theta.shape
        if state is None:
            # Of the squared error all outputs share one matrix.
            grams = 1 if loss.name == "squared" else outputs
            state = {
                "gram": np.zeros((grams, count, count)),
                "pulled": np.zeros((outputs, count)),
                "value": np.zeros(outputs + 1),
            }
        self.gram, self.pulled, self.value = state["gram"], state["pulled"], state["value"]

    def prepared(self, batch: Encoded) -> list[_Prepared]:
        """What `add` takes."""
        return _prepared(self.features, self.theta, batch)

    def add(self, batch: list[_Prepared]) -> int:
        """Take a batch in."""
        for part in batch:
            rows, weight, f, y = part.rows, part.weight, part.f, part.y
            charge(PRODUCT * rows.count * len(self.gram) * (4 * len(rows.blocks)) ** 2 / 2)
            bends = self.loss.curvature(f, y).numpy()
            slopes = self.loss.gradient(f, y).numpy()
            for k, gram in enumerate(self.gram):
                rows.add_gram(np.ascontiguousarray(bends[:, k] * weight), gram)
            for k, pulled in enumerate(self.pulled):
                rows.add_pulled(np.ascontiguousarray(slopes[:, k] * weight), pulled)
            self.value[0] += float(self.loss.rows(f, y).numpy() @ weight)
            self.value[1:] += weight.sum()
        return sum(part.rows.count for part in batch)

    def quadratics(self, directions: Directions) -> list[Quadratic]:
        """The quadratic model of the loss by each output."""
        grams = [self.gram[min(k, len(self.gram) - 1)] for k in range(len(self.pulled))]
        return [
            directions.of_sums(gram, pulled, float(self.value[0]))
            for gram, pulled in zip(grams, self.pulled, strict=True)
        ]

    def state(self) -> State:
        """Everything, as arrays."""
        return {"gram": self.gram, "pulled": self.pulled, "value": self.value}


class TwoWaySums:
    """Sums over the cells of all pairs of some inputs of what a model leaves over, and of its squares.

    Parameters
    ----------
    features, theta, loss
        The model.
    bins : mapping of inputs to arrays of int
        Bin of each place where the features of an input may begin; inputs in rising order.
    state : mapping, optional
    """

    def __init__(
        self,
        features: Features,
        theta: Floats,
        loss: Loss,
        bins: Mapping[int, NDArray[np.int32]],
        state: State | None = None,
    ) -> None:
        self.features, self.theta, self.loss, self.bins = features, theta, loss, bins
        ends = np.cumsum([0, *(int(own.max()) + 1 for own in bins.values())]).tolist()
        self.slices = {i: slice(a, b) for i, a, b in zip(bins, ends[:-1], ends[1:], strict=True)}
        self.count, outputs = int(ends[-1]), theta.shape[1]
        if state is None:
            state = {
                "sums": np.zeros((outputs, 2, self.count, self.count)),
                "mass": np.zeros(self.count),
            }
        self.sums, self.mass = state["sums"], state["mass"]

    def prepared(self, batch: Encoded) -> list[_Prepared]:
        """What `add` takes."""
        return _prepared(self.features, self.theta, batch)

    def add(self, batch: list[_Prepared]) -> int:
        """Take a batch in."""
        starts = [part.start for part in self.features.parts]
        for part in batch:
            rows = part.rows
            charge(PRODUCT * rows.count * len(self.sums) * len(self.bins) ** 2)
            rest = -self.loss.gradient(part.f, part.y).numpy() * part.weight[:, None]
            at = {block.start: block.at for block in rows.blocks}
            blocks = tuple(
                SparseBlock(self.slices[i].start, own[at[starts[i]]]) for i, own in self.bins.items()
            )
            cells = SparseRows(rows.count, self.count, blocks, self.features.threads)
            cells.add_pulled(np.ones(rows.count), self.mass)
            for k in range(rest.shape[1]):
                own = np.ascontiguousarray(rest[:, k])
                cells.add_gram(own, self.sums[k, 0])
                cells.add_gram(own**2, self.sums[k, 1])
        return sum(part.rows.count for part in batch)

    def gains(self, pairs: Sequence[Pair]) -> Floats:
        """What each pair explains of the rest beyond chance; 0 where nothing."""
        directions = dict[int, Floats]()
        for i, own in self.slices.items():
            counts = torch.from_numpy(self.mass[own] / max(self.mass[own].sum(), 1.0))
            maps = smooth_basis_of(torch.diag(counts), 0.0).numpy()
            directions[i] = maps[:, 1 : 1 + DIRECTIONS]
        found = np.zeros(len(pairs))
        for at, (i, j) in enumerate(pairs):
            if min(directions[i].shape[1], directions[j].shape[1]) > 0:
                for sums, squares in self.sums:
                    own = sums[self.slices[i], self.slices[j]], squares[self.slices[i], self.slices[j]]
                    found[at] += beyond_chance(*own, directions[i], directions[j])
        return found

    def state(self) -> State:
        """Everything, as arrays."""
        return {"sums": self.sums, "mass": self.mass}


def bins_of(features: Features, inputs: Sequence[int], most: int) -> dict[int, NDArray[np.int32]]:
    """For each of some inputs which of at most so many bins each place falls into where its features may begin."""
    found = dict[int, NDArray[np.int32]]()
    for i in inputs:
        own = features.singles[i]
        places = own.count if own.cubics is None else own.cubics.intervals
        found[i] = (np.arange(places) * min(most, places) // places).astype(np.int32)
    return found
