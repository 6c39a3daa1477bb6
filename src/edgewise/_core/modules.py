"""Copies of modules, and where tensors are made."""

from __future__ import annotations

import copy
from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self, TypeVar

import torch
from torch import Tensor, nn
from torch.fx import Proxy

Module = TypeVar("Module", bound=nn.Module)


def copied(module: Module, memo: dict[int, Any], shared: frozenset[str]) -> Module:
    """What `copy.deepcopy` makes of a module, but for attributes and buffers that nothing writes to: those are shared.

    Half of what a module holds are empty tables of hooks, and derived tensors; walking through them costs more than
    a training step of a small network.

    Parameters
    ----------
    module : nn.Module
    memo : dict
        Of `deepcopy`.
    shared : frozenset of str
        Names of attributes and buffers.
    """
    made: Any = module.__class__.__new__(module.__class__)
    memo[id(module)] = made
    for name, value in module.__dict__.items():
        if name == "_buffers":
            value = {key: item if key in shared else _copied(item, memo) for key, item in value.items()}
        elif name not in shared:
            value = _copied(value, memo)
        made.__dict__[name] = value
    return made


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    """As `copy.deepcopy`, with short ways for what modules are made of."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if id(value) in memo:
        return memo[id(value)]
    if type(value) in (dict, OrderedDict):
        return type(value)((key, _copied(item, memo)) for key, item in value.items())
    if type(value) is nn.ModuleList:
        return copied(value, memo, frozenset())
    if type(value) is nn.Parameter:
        made = nn.Parameter(value.detach().clone(), value.requires_grad)
    elif type(value) is torch.Tensor and not value.requires_grad:
        made = value.clone()
    else:
        return copy.deepcopy(value, memo)
    memo[id(value)] = made
    return made


def is_tracing() -> bool:
    """Whether `torch.jit.trace` looks on, for which sizes are tensors and functions of Python unknown."""
    jit: Any = torch.jit
    return jit.is_tracing()


class Traceable(nn.Module):
    """A module that `torch.fx` takes as it is, whatever tracer follows it: what it does depends on its input's sizes."""

    @property
    def whole(self) -> Self:
        """The module by a name of its own, which the graph of a module that is traced alone calls."""
        return self

    def as_node(self, x: Proxy) -> Any:
        """The call of this module in the graph that `x` belongs to."""
        tracer: Any = x.tracer
        return tracer.create_proxy("call_module", tracer.path_of_module(self) or "whole", (x,), {})


def on(device: torch.device | str) -> AbstractContextManager[Any]:
    """Tensors of the block are made on this device; no context where they are anyway, for it slows every call."""
    device = torch.device(device)
    return nullcontext() if torch.get_default_device() == device else device


def as_laid_out(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor with the type and device of another, sharded where that is."""
    value = value.to(device=like.device, dtype=like.dtype)
    parted: Any = like
    if not hasattr(like, "device_mesh"):
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value, parted.device_mesh, parted.placements)
