"""Where in a picture the evidence for a class lies, in numbers that add up to its logit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.arrays import Floats
from edgewise.vision.networks import Patches, reach


@dataclass(frozen=True, eq=False)
class Evidence:
    """What each part of one picture adds to the logit of each class.

    Attributes
    ----------
    picture : ndarray, shape (height, width, channels)
    classes : ndarray, shape (K,)
    logits : ndarray, shape (K,)
        What the network gives.
    constants : ndarray, shape (K,)
        What it gives to each class whatever the picture.
    patches : ndarray, shape (K, H', W')
        What each patch adds; with the constants the sum is the logit.
    pixels : ndarray, shape (K, height, width)
        The same, each patch's share spread evenly over the pixels that it sees.
    side, step, offset : int
        Patch (i, j) sees the square of this side whose first pixel is (offset + i * step, offset + j * step), as far as it
        lies in the picture.
    """

    picture: Floats
    classes: NDArray[Any]
    logits: Floats
    constants: Floats
    patches: Floats
    pixels: Floats
    side: int
    step: int
    offset: int

    def square(self, i: int, j: int) -> tuple[slice, slice]:
        """The pixels that a patch sees."""
        height, width = self.picture.shape[:2]
        return window((self.side, self.step, self.offset), i, j, height, width)

    def centred(self) -> Evidence:
        """For each class rather than the others: all less the mean over classes, which changes no probability."""
        return replace(
            self,
            logits=self.logits - self.logits.mean(),
            constants=self.constants - self.constants.mean(),
            patches=self.patches - self.patches.mean(0),
            pixels=self.pixels - self.pixels.mean(0),
        )

    def strongest(self, label: Any, count: int = 5) -> list[tuple[int, int, float]]:
        """Row, column and evidence of the patches that add most to a class, the strongest first."""
        k = int(np.flatnonzero(self.classes == label)[0])
        order = np.argsort(-self.patches[k], axis=None)[:count]
        rows, columns = np.unravel_index(order, self.patches[k].shape)
        return [(int(i), int(j), float(self.patches[k, i, j])) for i, j in zip(rows, columns, strict=True)]


def window(seen: tuple[int, int, int], i: int, j: int, height: int, width: int) -> tuple[slice, slice]:
    """The pixels that patch (i, j) sees, from the `reach` of a network."""
    side, step, offset = seen
    top, left = offset + i * step, offset + j * step
    return slice(max(top, 0), min(top + side, height)), slice(max(left, 0), min(left + side, width))


def evidence_of(network: Patches, picture: Tensor, classes: NDArray[Any]) -> Evidence:
    """The evidence in one picture (channels, height, width)."""
    with torch.no_grad():
        x = picture[None]
        logits = network(x)[0].double().numpy()
        found = network.evidence(x)[0].double()
        constants = network.constant.detach().double().numpy()
    patches = (found / (found.shape[1] * found.shape[2])).numpy()
    side, step, offset = reach(network)
    height, width = picture.shape[1:]
    pixels = np.zeros((len(patches), height, width))
    made = Evidence(
        picture.permute(1, 2, 0).double().numpy(),
        classes,
        logits,
        constants,
        patches,
        pixels,
        side,
        step,
        offset,
    )
    for i in range(patches.shape[1]):
        for j in range(patches.shape[2]):
            square = made.square(i, j)
            seen = pixels[:, square[0], square[1]]
            seen += patches[:, i, j, None, None] / (seen.shape[1] * seen.shape[2])
    return made
