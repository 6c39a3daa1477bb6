"""The parts of networks for pictures: their standard scale, convolutions with one answer, convolutions with evidence."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from edgewise.layers import KANConv2d


class Standard(nn.Module):
    """Numbers of a picture from 0 to 1 around their mean over the pictures learned from, in deviations."""

    shift: Tensor
    scale: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(channels, 1, 1))
        self.register_buffer("scale", torch.ones(channels, 1, 1))

    def learn(self, x: Tensor) -> None:
        """Take mean and deviation of pictures (N, channels, height, width)."""
        self.shift.copy_(x.mean((0, 2, 3))[:, None, None])
        spread = x.std((0, 2, 3))[:, None, None]
        self.scale.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.shift) / self.scale


class ConvStages(nn.Module):
    """Convolutions, then the mean over all places, then the classes.

    Where `mirrored`, logits are the mean of a picture's and its mirror image's, but while the network learns.
    """

    def __init__(
        self, standard: Standard, body: nn.Sequential, head: nn.Sequential, mirrored: bool = False
    ) -> None:
        super().__init__()
        self.standard, self.body, self.head, self.mirrored = standard, body, head, mirrored

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of pictures (N, channels, height, width)."""
        logits = self._of(x)
        if not self.mirrored or self.training:
            return logits
        return (logits + self._of(x.flip(3))) / 2

    def _of(self, x: Tensor) -> Tensor:
        return self.head(self.body(self.standard(x)).mean((2, 3)))


class KeptPlaces(nn.Module):
    """Evidence (N, classes, H', W') of the places that are kept, (classes, H', W'); the others add nothing."""

    kept: Tensor

    def __init__(self, kept: Tensor) -> None:
        super().__init__()
        self.register_buffer("kept", kept)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.kept


class Patches(nn.Module):
    """Evidence for each class at each place, which sees no more than a patch; a logit is its mean and a constant."""

    def __init__(self, standard: Standard, body: nn.Sequential, classes: int) -> None:
        super().__init__()
        self.standard, self.body = standard, body
        self.places: nn.Module = nn.Identity()
        self.constant = nn.Parameter(torch.zeros(classes))

    def evidence(self, x: Tensor) -> Tensor:
        """What each place adds to the logit of each class, (N, classes, H', W')."""
        return self.places(self.body(self.standard(x)))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        return self.evidence(x).mean((2, 3)) + self.constant


def reach(network: nn.Module) -> tuple[int, int, int]:
    """Of a chain of convolutions and pools: side of what one place sees, steps between places, the first's offset."""
    side, step, offset = 1, 1, 0
    for part in network.modules():
        if isinstance(part, (KANConv2d, nn.Conv2d)):
            kernel = part.kernel_size[1]
            before = kernel // 2
        elif isinstance(part, nn.AvgPool2d):
            kernel, before = cast("tuple[int, int]", part.kernel_size)[1], 0
        else:
            continue
        side, offset = side + (kernel - 1) * step, offset - before * step
        if isinstance(part, nn.AvgPool2d):
            step *= kernel
    return side, step, offset
