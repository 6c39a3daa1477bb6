"""Several processes that sum parts of the rows, and add up what they have: by torch's own process groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed

from edgewise._core.errors import EdgewiseError


def place() -> tuple[int, int]:
    """The number of this process among so many; (0, 1) where `torch.distributed` has not been started."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def add_up(state: Mapping[str, NDArray[Any]]) -> None:
    """Replace arrays of sums by those of all processes, in place.

    Raises
    ------
    EdgewiseError
        If a process has ended.
    """
    if place()[1] == 1:
        return
    for name in sorted(state):
        _together(torch.from_numpy(state[name]))


def all_know(known: bool) -> bool:
    """Whether every process knows something."""
    if place()[1] == 1:
        return known
    votes = torch.tensor([0 if known else 1])
    _together(votes)
    return int(votes) == 0


def same_everywhere(state: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Arrays as the first process has them: solvers of other processors may round differently."""
    if place()[1] == 1:
        return dict(state)
    own = {name: np.ascontiguousarray(state[name]) for name in sorted(state)}
    for array in own.values():
        _together(torch.from_numpy(array.view(np.uint8).reshape(-1)), source=0)
    return own


def _together(tensor: torch.Tensor, source: int | None = None) -> None:
    try:
        if source is None:
            distributed.all_reduce(tensor)
        else:
            distributed.broadcast(tensor, source)
    except RuntimeError as error:
        raise EdgewiseError(
            "A worker has ended, so the sums of this pass are not whole; start the workers again with the same "
            "checkpoint, and they go on from what each has kept."
        ) from error
