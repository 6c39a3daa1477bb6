"""Inputs for a model in any of the forms that people keep them in, and what its blocks take and give on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, generator
from edgewise._core.work import charge
from edgewise.replacing.surgery import hooked
from edgewise.replacing.tracing import Block
from edgewise.training.modules.descent import FLOP, multiplications

# Rows of one batch where a table of inputs comes whole; rows of which hidden units are kept.
BATCH, PROBED = 64, 4096
# Batches of which one in ten is held out.
FEW = 10
# Rows that a block needs at least.
LEAST = 10


@dataclass(frozen=True, eq=False)
class ModelCall:
    """One call of a model."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def on(self, model: nn.Module) -> Any:
        """What the model gives."""
        return model(*self.args, **self.kwargs)


@dataclass(frozen=True, eq=False)
class BlockSample:
    """Rows of what a block takes and gives; the spread of each of its hidden units, and both what it takes and they are
    on fewer rows.
    """

    x: Tensor
    y: Tensor
    spread: Tensor
    probe: Tensor

    def split(self, seed: int | None) -> tuple[BlockSample, BlockSample]:
        """Nine tenths to learn from, one tenth to judge by."""
        order = torch.randperm(len(self.x), generator=generator(seed))
        held = max(1, len(order) // 10)
        parts = order[held:], order[:held]
        learn, judge = (BlockSample(self.x[rows], self.y[rows], self.spread, self.probe) for rows in parts)
        return learn, judge


def as_calls(data: Any, model: nn.Module) -> list[ModelCall]:
    """The calls of a model that `data` stands for.

    One array or tensor is cut into batches; anything else is an iterable of batches, each a tensor, a tuple of arguments
    or a mapping of named ones.
    """
    like = next((p for p in model.parameters() if p.is_floating_point()), torch.empty(0))
    if isinstance(data, (Tensor, np.ndarray)) and data.ndim > 0:
        data = _tensor(data, like).split(max(1, min(BATCH, len(data) // FEW))) if len(data) else ()
    # An array without dimensions is no list of batches, though it has a way to be walked through.
    if isinstance(data, (str, bytes, Mapping, Tensor, np.ndarray)) or not isinstance(data, Iterable):
        raise InputError(
            argument="data",
            expected=(
                "be an array of inputs or a list of batches, each a tensor, a tuple of arguments or "
                "a dictionary of named ones"
            ),
            got=short(data),
        )
    try:
        calls = [_call(values, like) for values in cast("Iterable[Any]", data)]
    except RecursionError:
        raise InputError(argument="data", expected="not hold itself", got=short(data)) from None
    if not calls:
        raise InputError(argument="data", expected="hold at least one batch", got="none")
    return calls


def _tensor(array: Any, like: Tensor) -> Tensor:
    """Where the model is; arrays of NumPy, which are of double precision most often, as precise as the model, too."""
    try:
        made = torch.as_tensor(array)
        plain = isinstance(array, np.ndarray) and made.is_floating_point()
        return made.to(like.device, like.dtype if plain else None)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(argument="data", expected="hold arrays of numbers", got=short(array)) from error


def _call(batch: Any, like: Tensor) -> ModelCall:
    moved = tree_map(
        lambda t: _tensor(t, like) if isinstance(t, (Tensor, np.ndarray)) else t,
        dict(batch) if isinstance(batch, Mapping) else batch,
    )
    if isinstance(moved, dict):
        return ModelCall((), cast("dict[str, Any]", moved))
    return ModelCall(tuple(moved) if isinstance(moved, (tuple, list)) else (moved,), {})


def collect(
    model: nn.Module, blocks: Sequence[Block], calls: Sequence[ModelCall], most: int, seed: int | None
) -> list[BlockSample]:
    """Samples of all blocks from one pass over the calls, at most so many rows each."""
    random = generator(derive(seed, 0))
    kept = [_Thinned(most, random) for _ in blocks]
    moments = [torch.zeros(3, block.hidden, dtype=torch.float64) for block in blocks]
    cost: dict[tuple[torch.Size, ...], float] = {}
    probes = [_Thinned(PROBED, generator(derive(seed, 4, k))) for k in range(len(blocks))]
    units = [list[Tensor]() for _ in blocks]
    watched = [
        _hidden(model, block, total, seen) for block, total, seen in zip(blocks, moments, units, strict=True)
    ]
    try:
        for call in calls:
            shape = tuple(
                t.shape for t in tree_flatten((call.args, dict(call.kwargs)))[0] if isinstance(t, Tensor)
            )
            hooks = [hooked(model, block) for block in blocks]
            try:
                if shape not in cost:
                    cost[shape] = FLOP * multiplications(model, lambda call=call: call.on(model))
                else:
                    with torch.no_grad():
                        call.on(model)
            finally:
                for *_, handles in hooks:
                    for handle in handles:
                        handle.remove()
            charge(cost[shape])
            for (taken, given, _), rows, seen, probe in zip(hooks, kept, units, probes, strict=True):
                rows.add(torch.cat([torch.cat(taken), torch.cat(given)], 1))
                probe.add(torch.cat([torch.cat(taken), torch.cat(seen)], 1))
                seen.clear()
    finally:
        for handle in watched:
            handle.remove()
    samples = list[BlockSample]()
    for block, rows, total, probe in zip(blocks, kept, moments, probes, strict=True):
        table = rows.table()
        x, y = table[:, : block.inputs], table[:, block.inputs :]
        sample = BlockSample(x.contiguous(), y.contiguous(), _deviation(total).to(table), probe.table())
        _check_sample(block, sample)
        samples.append(sample)
    return samples


def not_finite(what: str) -> InputError:
    """The error that something in the model becomes NaN or infinite."""
    return InputError(
        argument="data",
        expected="be numbers on which the model stays finite",
        got=f"NaN or infinity in {what}",
    )


def _check_sample(block: Block, sample: BlockSample) -> None:
    """Whether a block can be learned from these rows."""
    if len(sample.x) < LEAST:
        raise InputError(
            argument="data",
            expected=f"give each block at least {LEAST} rows",
            got=f"{len(sample.x)} for the block {block.name!r}",
        )
    if not (sample.x.isfinite().all() and sample.y.isfinite().all()):
        raise not_finite(f"the block {block.name!r}")


class _Thinned:
    """Rows of a stream, each as likely to be kept as any other: where too many have come, half of them go."""

    def __init__(self, most: int, random: torch.Generator) -> None:
        self.most, self.random, self.share = most, random, 1.0
        self.parts, self.count = list[Tensor](), 0

    def add(self, rows: Tensor) -> None:
        if self.share < 1:
            rows = rows[(torch.rand(len(rows), generator=self.random) < self.share).to(rows.device)]
        self.parts.append(rows)
        self.count += len(rows)
        if self.count > 2 * self.most:
            self.share /= 2
            self._keep(self.count // 2)

    def table(self) -> Tensor:
        """At most so many rows."""
        self._keep(min(self.most, self.count))
        return self.parts[0]

    def _keep(self, count: int) -> None:
        whole = torch.cat(self.parts)
        rows = torch.randperm(len(whole), generator=self.random)[:count].to(whole.device)
        self.parts, self.count = [whole[rows]], count


def _hidden(
    model: nn.Module, block: Block, total: Tensor, seen: list[Tensor]
) -> torch.utils.hooks.RemovableHandle:
    """Adds up the moments of the hidden units, which the last map takes, and lists what they are."""

    def hook(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        seen.append(args[0].detach().reshape(-1, block.hidden))
        h = seen[-1].to("cpu", torch.float64)
        total[0] += len(h)
        total[1] += h.sum(0)
        total[2] += h.square().sum(0)

    return model.get_submodule(block.last).register_forward_pre_hook(hook)


def _deviation(total: Tensor) -> Tensor:
    count, first, second = total
    return (second / count - (first / count) ** 2).clamp(min=0).sqrt()


def answers(made: Any) -> list[Tensor]:
    """The floating-point tensors among what a model gives, whatever holds them."""
    if hasattr(made, "to_tuple"):
        made = made.to_tuple()
    return [t for t in tree_flatten(made)[0] if isinstance(t, Tensor) and t.is_floating_point()]
