"""Blocks of a copied model taken out and others put in.

Where a module is all of a block, the other stands in its place. Elsewhere code of the model runs between the affine maps,
which nobody can take out; there the first map hands its input to the last by a side door, and the new block answers for it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from edgewise.replacing.tracing import Block


class Door:
    """What the first map of a block was given, on its way to the last; empty between two calls."""

    def __init__(self) -> None:
        self.held: Tensor | None = None

    def __getstate__(self) -> None:
        return None

    def __setstate__(self, state: object) -> None:
        self.held = None

    def __deepcopy__(self, memo: dict[int, object]) -> Door:
        made = Door()
        memo[id(self)] = made
        return made


class Entrance(nn.Module):
    """Stands for a first map: keeps its input, and gives the code in between the fewest numbers it can work on."""

    def __init__(self, door: Door, width: int) -> None:
        super().__init__()
        self.door, self.width = door, width

    def forward(self, x: Tensor) -> Tensor:
        self.door.held = x
        return torch.zeros_like(x[..., :1]).repeat_interleave(self.width, -1)

    def extra_repr(self) -> str:
        return "to a block of functions"


class Exit(nn.Module):
    """Stands for the last map: what the new block makes of the input that was kept."""

    def __init__(self, door: Door, block: nn.Module) -> None:
        super().__init__()
        self.door, self.block = door, block

    @property
    def weight(self) -> Tensor:
        """A parameter of the block, for models that look up the type or the place of their weights."""
        return next(self.block.parameters())

    def forward(self, hidden: Tensor) -> Tensor:
        x, self.door.held = self.door.held, None
        assert x is not None, "the first map of the block has not run"
        return self.block(x)


def with_blocks(model: nn.Module, found: Mapping[Block, nn.Module]) -> nn.Module:
    """A copy of a model with modules in the place of some of its blocks.

    Parameters
    ----------
    model : nn.Module
    found : mapping of Block to nn.Module
        Each takes (..., inputs) and gives (..., outputs).
    """
    made = copy.deepcopy(model)
    for block, module in found.items():
        if block.whole:
            if not block.name:
                return module
            put(made, block.name, module)
            continue
        door = Door()
        for name in block.first:
            put(made, name, Entrance(door, max(1, _width(model, name) // block.hidden)))
        put(made, block.last, Exit(door, module))
        _without_fast_path(made)
    return made


def _width(model: nn.Module, name: str) -> int:
    """Outputs of an affine map: of a fused gate twice the hidden width."""
    map_ = model.get_submodule(name)
    vector = next((p for p in map_.parameters() if p.dim() == 1), None)
    matrix = next(p for p in map_.parameters() if p.dim() == 2)
    if vector is not None:
        return len(vector)
    return matrix.shape[0] if isinstance(map_, nn.Linear) else max(matrix.shape)


def put(model: nn.Module, name: str, module: nn.Module) -> None:
    """A module at the place of another, at each where that is shared."""
    old = model.get_submodule(name)
    for place, item in [*model.named_modules(remove_duplicate=False)]:
        if item is old:
            holder, _, own = place.rpartition(".")
            setattr(model.get_submodule(holder), own, module)


def take(model: nn.Module, block: Block) -> nn.Module:
    """The module that stands in the place of a block."""
    if block.whole:
        return model.get_submodule(block.name) if block.name else model
    return cast(Exit, model.get_submodule(block.last)).block


def put_in(model: nn.Module, block: Block, module: nn.Module) -> nn.Module:
    """A copy of a model in which another module stands where one stands for a block already."""
    if block.whole and not block.name:
        return module
    made = copy.deepcopy(model)
    if block.whole:
        put(made, block.name, module)
    else:
        cast(Exit, made.get_submodule(block.last)).block = module
    return made


def _without_fast_path(model: nn.Module) -> None:
    """torch's own encoder layers read weights past their modules, where this allows it."""
    for part in model.modules():
        if isinstance(part, nn.TransformerEncoderLayer):
            part.activation_relu_or_gelu = 0


def hooked(
    model: nn.Module, block: Block
) -> tuple[list[Tensor], list[Tensor], list[torch.utils.hooks.RemovableHandle]]:
    """Lists that fill with what a block takes and gives while the model runs, and the handles that end it."""
    taken, given, handles = list[Tensor](), list[Tensor](), list[torch.utils.hooks.RemovableHandle]()

    def before(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        taken.append(args[0].detach().reshape(-1, block.inputs))

    def after(module: nn.Module, args: object, made: Tensor) -> None:
        given.append(made.detach().reshape(-1, block.outputs))

    handles.append(model.get_submodule(block.first[0]).register_forward_pre_hook(before))
    handles.append(model.get_submodule(block.last).register_forward_hook(after))
    return taken, given, handles
