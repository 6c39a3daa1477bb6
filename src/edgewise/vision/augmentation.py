"""Pictures changed at random while a network learns, so that what does not matter is not learned."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Augmentation:
    """How pictures are changed.

    Attributes
    ----------
    shift : int
        Pixels that a picture is moved by at most, in either direction; what comes in at an edge is what stood there.
    flip : bool
        Whether pictures are mirrored, left to right, half of the time.
    erase : float
        Side of a square that is laid over a picture at a random place in its mean colour, as a share of the picture's side
        (random erasing: Z. Zhong et al., 2020, doi:10.1609/aaai.v34i07.7000).
    jitter : float
        Share by which contrast changes at most; brightness changes by half of it, of the range from black to white.
    """

    shift: int = 0
    flip: bool = False
    erase: float = 0.0
    jitter: float = 0.0


def augmented(x: Tensor, by: Augmentation, random: torch.Generator) -> Tensor:
    """Pictures (N, channels, height, width), each changed in its own way.

    Examples
    --------
    >>> x = torch.rand(5, 1, 8, 8)
    >>> torch.equal(augmented(x, Augmentation(), torch.Generator()), x)
    True
    """
    n, _, height, width = x.shape
    if move := min(by.shift, (min(height, width) - 1) // 4):
        x = _moved(x, move, random)
    if by.flip:
        turn = torch.rand(n, generator=random) < 0.5
        x = torch.where(turn[:, None, None, None], x.flip(3), x)
    if by.jitter:
        contrast, brightness = by.jitter * (2 * torch.rand(2, n, 1, 1, 1, generator=random) - 1)
        mean = x.mean((1, 2, 3), keepdim=True)
        x = (x - mean) * (1 + contrast) + mean + brightness / 2
    if by.erase:
        rows, columns = (_covered(n, side, by.erase, random) for side in (height, width))
        square = rows[:, None, :, None] & columns[:, None, None, :]
        x = torch.where(square, x.mean((2, 3), keepdim=True), x)
    return x


def _moved(x: Tensor, most: int, random: torch.Generator) -> Tensor:
    n, _, height, width = x.shape
    padded = F.pad(x, (most,) * 4, mode="replicate")
    down, across = torch.randint(2 * most + 1, (2, n), generator=random)
    rows = down[:, None] + torch.arange(height)
    columns = across[:, None] + torch.arange(width)
    at = torch.arange(n)[:, None, None]
    return padded.permute(0, 2, 3, 1)[at, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def _covered(n: int, side: int, share: float, random: torch.Generator) -> Tensor:
    """Which places (N, side) a stretch around a random middle covers; it may reach beyond an end."""
    middle = torch.randint(side, (n, 1), generator=random)
    return (torch.arange(side) - middle).abs() * 2 < max(1, round(share * side))
