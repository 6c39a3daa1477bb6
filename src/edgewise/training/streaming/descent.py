"""Hidden nodes on top of functions of single inputs and of pairs: AdamW on minibatches of rows never in memory together.

A pass goes through the leaves of the dataset in an order drawn for it, block by block; the rows of a block are shuffled in
memory. Between two blocks the state is a few arrays, a number of the pass and one of the block: a run continued from it ends
in the same bits, and no buffer need be kept. Of several workers each goes through leaves of its own. A step is that of
their minibatches together, added up in the order that the process group adds in: with as many workers it is the same again.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.arrays import Floats
from edgewise._core.seeds import derive, generator
from edgewise._core.stopping import StopReason
from edgewise.network import KAN
from edgewise.training.common.losses import Loss
from edgewise.training.common.rows import TrainingRows
from edgewise.training.common.workers import add_up, of_the_first, place, same_everywhere
from edgewise.training.first_order.adamw import FusedAdamW
from edgewise.training.first_order.batch_gradient import BatchGradient, outputs
from edgewise.training.first_order.centring import Centring
from edgewise.training.first_order.epoch_optimizers import FirstOrderOptions, groups, schedule
from edgewise.training.first_order.hidden_grids import FIRST, LAST, follow
from edgewise.training.first_order.run import MOST_RECOVERIES
from edgewise.training.streaming.checkpoints import Passes, State
from edgewise.training.streaming.sums import Encoded

STAGE = "deep"
# Rows that are seen in all, in whole passes, and passes at most; steps, about, and rows of a step at least and at most.
SEEN, MOST_PASSES, STEPS, FEWEST, BATCH = 2e7, 30, 4_000, 32, 4_096
# Looks at the rows that judge.
LOOKS = 40


@dataclass(frozen=True, eq=False)
class ShuffledRows:
    """Rows to learn from in network units: inputs (n, I), targets and what they are added to (n, D), weights (n,)."""

    x: Tensor
    y: Tensor
    offset: Tensor
    weight: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def take(self, index: Tensor) -> ShuffledRows:
        """Some of the rows."""
        return ShuffledRows(self.x[index], self.y[index], self.offset[index], self.weight[index])


def made_block(rows: Encoded, offset: Floats, shift: Floats, scale: Floats) -> ShuffledRows:
    """Encoded rows as they are learned from, in single precision but for the weights."""
    x, y, begin = (
        torch.from_numpy(part.astype(np.float32)) for part in ((rows.inputs - shift) / scale, rows.y, offset)
    )
    return ShuffledRows(x, y, begin, torch.from_numpy(rows.weight))


@dataclass
class DescentProgress:
    """Where a run stands, but for the numbers of the network and the optimiser."""

    turn: int = 0
    number: int = 0
    rows: int = 0
    followed: int = 0
    looked: int = 0
    best: float = math.inf
    start: float = math.inf
    slowdown: float = 1.0
    recoveries: int = 0


class StreamedDescent:
    """One run.

    Parameters
    ----------
    net : KAN
        In single precision; it is changed.
    blocks : callable
        Blocks of this worker in a pass, from one of some number on.
    sample, held : ShuffledRows
        Rows that hidden grids are laid over, and rows that judge.
    total : int
        Rows of a pass.
    loss : Loss
    options : FirstOrderOptions
    passes : Passes
    """

    def __init__(
        self,
        net: KAN,
        blocks: Callable[[int, int], Iterator[ShuffledRows]],
        sample: ShuffledRows,
        held: ShuffledRows,
        total: int,
        loss: Loss,
        options: FirstOrderOptions,
        passes: Passes,
    ) -> None:
        self.net, self.blocks, self.held, self.loss = net, blocks, held, loss
        self.options, self.passes, self.now = options, passes, DescentProgress()
        total = max(total, 1)
        self.turns = options.steps or min(MOST_PASSES, math.ceil(options.work * SEEN / total))
        self.whole = self.turns * total
        # Large steps cost less a row, and there shall be enough of them.
        most = min(MOST_PASSES * total, max(SEEN, total)) / STEPS
        self.batch = options.batch or min(max(2 ** int(math.log2(most)), FEWEST), BATCH)
        like = torch.full((len(sample),), 1 / max(len(sample), 1), dtype=torch.float64)
        self.sample = TrainingRows(sample.x, sample.y, like)
        follow(net, self.sample, options.seed)
        self.best, self.optimizer = copy.deepcopy(net), FusedAdamW(groups(net, options))
        self.centring = Centring(net, self.sample, options.seed)
        self.began, self.since = time.monotonic(), 0

    def run(self) -> StopReason:
        """Go on to the end; the best network is then in `best`."""
        self._restore()
        now = self.now
        if not math.isfinite(now.start):
            now.start = now.best = self._judged()
        while now.turn < self.turns and now.recoveries <= MOST_RECOVERIES:
            blocks = self.blocks(now.turn, now.number)
            while True:
                block = next(blocks, None)
                counts = _counts(block)
                if not counts[1].any():
                    break
                self._descend(block, counts[0])
                now.number += 1
                now.rows += int(counts[0].sum())
                self._look(now.rows / self.whole)
                self._keep(int(counts[0].sum()))
            now.turn, now.number = now.turn + 1, 0
        self._look(math.inf)
        return StopReason.DIVERGED if now.recoveries > MOST_RECOVERIES else StopReason.WORK_SPENT

    def _descend(self, block: ShuffledRows | None, counts: NDArray[np.int64]) -> None:
        """The steps of a block of each worker."""
        now, (rank, workers) = self.now, place()
        steps = max(1, math.ceil(int(counts.max()) / self.batch))
        ends = np.rint(np.arange(steps + 1)[:, None] * counts / steps).astype(np.int64)
        sizes = np.diff(ends.sum(1))
        if block is not None:
            random = generator(derive(self.options.seed, 7105, now.turn, now.number, rank))
            block = block.take(torch.randperm(len(block), generator=random))
        self.optimizer.centre(self.centring.look())
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        gradient = BatchGradient(self.net, parameters, self.loss)
        gradient.begin(int(np.diff(ends[:, rank]).max()))
        for k, (start, end) in enumerate(pairwise(ends[:, rank].tolist())):
            share = now.slowdown * schedule((now.rows + k / steps * int(counts.sum())) / self.whole)
            for group in self.optimizer.param_groups:
                group["lr"] = group["highest"] * share
            if block is not None and end > start:
                own, count = slice(start, end), int(sizes[k])
                gradient(block.x[own], block.y[own], block.weight[own], count, block.offset[own])
            else:
                self.optimizer.zero_grad()
            if workers > 1:
                _add_gradients(parameters)
            self.optimizer.step()
        if workers > 1:
            self._agree(parameters)

    @torch.no_grad()
    def _agree(self, parameters: list[Tensor]) -> None:
        """The numbers of the first process on all: processors of other kinds may round differently."""
        state = {str(k): p.detach().numpy() for k, p in enumerate(parameters)}
        for k, array in same_everywhere(state).items():
            parameters[int(k)].copy_(torch.from_numpy(array))

    @torch.no_grad()
    def outputs(self, net: KAN, block: ShuffledRows) -> Tensor:
        """Outputs (n, D) of a network and of what it is added to."""
        parts = [outputs(net, x) for x in block.x.split(2 * BATCH)]
        return torch.cat([*parts, block.offset[:0]]).to(torch.float64) + block.offset

    def _judged(self) -> float:
        if not len(self.held):
            return math.inf
        losses = self.loss.rows(self.outputs(self.net, self.held), self.held.y.to(torch.float64))
        return float(losses @ self.held.weight / self.held.weight.sum())

    def _look(self, share: float) -> None:
        """At the few moments where that is due, let hidden grids follow their nodes, and keep the best network."""
        now, ratio = self.now, (LAST / FIRST) ** (1 / max(self.options.regrids - 1, 1))
        while now.followed < self.options.regrids and share >= FIRST * ratio**now.followed:
            now.followed += 1
            if share < 1:
                follow(self.net, self.sample, self.options.seed)
        if share * LOOKS < now.looked + 1:
            return
        now.looked = int(min(share, 1.0) * LOOKS)
        error = self._judged()
        if not len(self.held) or error < now.best:
            now.best = error
            self.best.load_state_dict(self.net.state_dict())
        elif not error <= 10 * abs(now.start) + 1:
            now.recoveries, now.slowdown = now.recoveries + 1, now.slowdown / 2
            self.net.load_state_dict(self.best.state_dict())
            self.optimizer = FusedAdamW(groups(self.net, self.options))

    def _keep(self, rows: int) -> None:
        """Tell how far it has come, and write the state now and then."""
        self.since += rows
        seconds = max(time.monotonic() - self.began, 1e-9)
        rows = self.now.rows % max(self.whole // self.turns, 1)
        self.passes.report(STAGE, rows, self.now.rows / seconds, 1.0)
        if self.since >= self.passes.every and place()[0] == 0:
            self.passes.keep(STAGE, self._state())
            self.since = 0

    def _state(self) -> State:
        state = {f"net.{name}": tensor.numpy() for name, tensor in self.net.state_dict().items()}
        state |= {f"best.{name}": tensor.numpy() for name, tensor in self.best.state_dict().items()}
        for k, own in self.optimizer.state_dict()["state"].items():
            state |= {f"moment.{k}.{name}": tensor.numpy() for name, tensor in own.items()}
        return {**state, "now": np.array(list(asdict(self.now).values()), np.float64)}

    def _restore(self) -> None:
        """Go on from what the first worker has kept, if it has; with another number of workers from the begin of a pass."""
        state: Any = of_the_first(self.passes.kept_by_any(STAGE) if place()[0] == 0 else None)
        if state is None:
            return
        for name, net in (("net", self.net), ("best", self.best)):
            net.load_state_dict({key: torch.from_numpy(state[f"{name}.{key}"]) for key in net.state_dict()})
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        for k, p in enumerate(parameters):
            names = ("step", "exp_avg", "exp_avg_sq")
            self.optimizer.state[p] = {
                name: torch.from_numpy(state[f"moment.{k}.{name}"].copy()) for name in names
            }
        kinds = [type(value) for value in asdict(self.now).values()]
        values = [kind(value) for kind, value in zip(kinds, state["now"].tolist(), strict=True)]
        self.now = DescentProgress(
            **{own.name: value for own, value in zip(fields(DescentProgress), values, strict=True)}
        )
        if int(state["place"][1]) != place()[1]:
            self.now.number, self.now.rows = 0, self.now.turn * (self.whole // self.turns)


def _counts(block: ShuffledRows | None) -> NDArray[np.int64]:
    """Rows of the block of each worker, and whether it has one, (2, workers)."""
    rank, workers = place()
    counts = np.zeros((2, workers), np.int64)
    counts[:, rank] = (0, 0) if block is None else (len(block), 1)
    add_up({"counts": counts})
    return counts


def _add_gradients(parameters: list[Tensor]) -> None:
    parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    whole = torch.cat([part.flatten() for part in parts])
    add_up({"gradients": whole.numpy()})
    for p, part in zip(parameters, whole.split([p.numel() for p in parameters]), strict=True):
        p.grad = part.view_as(p).clone()
