"""Several processes that sum parts of the rows, and add up what they have: by torch's own process groups."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
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


def added_up(sums: torch.Tensor) -> torch.Tensor:
    """The sum of a tensor of this process and those of all others, the same bits on each."""
    sums = sums.contiguous()
    if place()[1] > 1:
        _together(sums)
    return sums


def largest(numbers: torch.Tensor) -> torch.Tensor:
    """The largest of a tensor of this process and those of all others, elementwise; infinity where one is no number."""
    numbers = numbers.nan_to_num(torch.inf, torch.inf, torch.inf).contiguous()
    if place()[1] > 1:
        with _said():
            distributed.all_reduce(numbers, op=distributed.ReduceOp.MAX)
    return numbers


def all_know(known: bool) -> bool:
    """Whether every process knows something."""
    if place()[1] == 1:
        return known
    votes = torch.tensor([0 if known else 1])
    _together(votes)
    return int(votes) == 0


def some_know(known: bool) -> bool:
    """Whether some process knows something."""
    return not all_know(not known)


def same_everywhere(state: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Arrays as the first process has them: solvers of other processors may round differently."""
    if place()[1] == 1:
        return dict(state)
    own = {name: np.require(state[name], requirements=["C", "W"]) for name in sorted(state)}
    for array in own.values():
        _together(torch.from_numpy(array.view(np.uint8).reshape(-1)), source=0)
    return own


def of_the_first(state: Mapping[str, NDArray[Any]] | None) -> dict[str, NDArray[Any]] | None:
    """What the first process knows, of any shapes, on all; None where it knows nothing."""
    rank, workers = place()
    if workers == 1:
        return None if state is None else dict(state)
    known = torch.tensor([int(rank == 0 and state is not None)])
    _together(known, source=0)
    return _from_first(state or {}) if int(known) else None


def joined(
    state: Mapping[str, NDArray[Any]],
    join: Callable[[Mapping[str, NDArray[Any]], Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]],
) -> Mapping[str, NDArray[Any]]:
    """Arrays of all processes, of any shapes, joined two at a time in the order of the processes; the same on each."""
    rank, workers = place()
    step = 1
    while step < workers:
        if rank % (2 * step):
            _send(state, rank - step)
            break
        if rank + step < workers:
            state = join(state, _received(rank + step))
        step *= 2
    return state if workers == 1 else _from_first(state)


def _packed(state: Mapping[str, NDArray[Any]]) -> torch.Tensor:
    content = io.BytesIO()
    np.savez(content, **dict(state))  # pyright: ignore
    return torch.frombuffer(bytearray(content.getvalue()), dtype=torch.uint8)


def _unpacked(content: torch.Tensor) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(content.numpy().tobytes()), allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def _send(state: Mapping[str, NDArray[Any]], to: int) -> None:
    content = _packed(state)
    with _said():
        distributed.send(torch.tensor([len(content)]), to)
        distributed.send(content, to)


def _received(source: int) -> dict[str, NDArray[Any]]:
    size = torch.zeros(1, dtype=torch.int64)
    with _said():
        distributed.recv(size, source)
        content = torch.empty(int(size), dtype=torch.uint8)
        distributed.recv(content, source)
    return _unpacked(content)


def _from_first(state: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    content = _packed(state) if place()[0] == 0 else torch.empty(0, dtype=torch.uint8)
    size = torch.tensor([len(content)])
    _together(size, source=0)
    content = content if place()[0] == 0 else torch.empty(int(size), dtype=torch.uint8)
    _together(content, source=0)
    return _unpacked(content)


def _together(tensor: torch.Tensor, source: int | None = None) -> None:
    with _said():
        if source is None:
            distributed.all_reduce(tensor)
        else:
            distributed.broadcast(tensor, source)


@contextmanager
def _said() -> Generator[None]:
    """That a process has ended, in one sentence."""
    try:
        yield
    except RuntimeError as error:
        raise EdgewiseError(
            "A worker has ended, so the sums of this pass are not whole; start the workers again with the same "
            "checkpoint, and they go on from what each has kept."
        ) from error
