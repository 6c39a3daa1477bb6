"""Copies of modules, and where tensors are made."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import nn

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
            made.__dict__[name] = {
                key: each if key in shared else copy.deepcopy(each, memo) for key, each in value.items()
            }
        elif name in shared or value is None or isinstance(value, (bool, int, str)):
            made.__dict__[name] = value
        elif isinstance(value, (dict, set)) and not value:
            made.__dict__[name] = type(value)()
        else:
            made.__dict__[name] = copy.deepcopy(value, memo)
    return made


def on(device: torch.device | str) -> AbstractContextManager[Any]:
    """Tensors of the block are made on this device; no context where they are anyway, for it slows every call."""
    device = torch.device(device)
    return nullcontext() if torch.get_default_device() == device else device
