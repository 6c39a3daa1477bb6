"""Networks for pictures: three stages of convolutions, and those they are compared with.

Functions are laid over a grid, and what leaves it meets straight lines. So every layer of functions but the first is
preceded by a normalisation over the batch without scale and shift of its own (S. Ioffe and C. Szegedy, 2015,
arXiv:1502.03167), and its grid reaches over two deviations. The ordinary network has the same stages, with scale
and shift, and ReLU.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from edgewise._core.arguments import check_is
from edgewise._core.checks import check_int, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, generator
from edgewise.layers import KANConv2d, KANLinear
from edgewise.vision.config import ImageConfig

# Deviations that a grid reaches over, and the least side of a picture that is halved.
REACH, HALVED = 2.0, 6


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
    """Convolutions, then the mean over all places, then the classes."""

    def __init__(self, standard: Standard, body: nn.Sequential, head: nn.Sequential) -> None:
        super().__init__()
        self.standard, self.body, self.head = standard, body, head

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of pictures (N, channels, height, width)."""
        return self.head(self.body(self.standard(x)).mean((2, 3)))


class Patches(nn.Module):
    """Evidence for each class at each place, which sees no more than a patch; a logit is its mean and a constant."""

    def __init__(self, standard: Standard, body: nn.Sequential, classes: int) -> None:
        super().__init__()
        self.standard, self.body = standard, body
        self.constant = nn.Parameter(torch.zeros(classes))

    def evidence(self, x: Tensor) -> Tensor:
        """What each place adds to the logit of each class, (N, classes, H', W')."""
        return self.body(self.standard(x))

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        return self.evidence(x).mean((2, 3)) + self.constant


def build(config: ImageConfig, seed: int | None = None, device: torch.device | str = "cpu") -> nn.Module:
    """A network that has learned nothing.

    Examples
    --------
    >>> config = ImageConfig(8, 8, 1, 10, base=4)
    >>> build(config, seed=0)(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 10])
    """
    check_is(config, ImageConfig, "config", "an ImageConfig", of="build")
    if seed is not None:
        seed = check_int(seed, "seed", low=0, of="build")
    try:
        place = torch.device(device)
    except (RuntimeError, TypeError, ValueError):
        raise InputError(
            f"The 'device' parameter of build must name a device of torch, as 'cpu'. Got {short(device)} instead."
        ) from None
    with place:
        made = _ImageNetworkBuilder(config, seed, str(device) == "meta").network()
    if device == "cpu" and config.kind in ("cnn", "mlp") and seed is not None:
        _seeded(made, seed)
    return made


class _ImageNetworkBuilder:
    def __init__(self, config: ImageConfig, seed: int | None, empty: bool) -> None:
        self.config, self.seed, self.count = config, seed, 0
        self.init = "zero" if empty else "random"

    def network(self) -> nn.Module:
        c = self.config
        if c.kind == "mlp":
            inputs = c.height * c.width * c.channels
            return nn.Sequential(
                Standard(c.channels),
                nn.Flatten(),
                nn.Linear(inputs, c.base),
                nn.ReLU(),
                nn.Linear(c.base, c.classes),
            )
        if c.kind == "patches":
            return Patches(Standard(c.channels), self.patches(), c.classes)
        body, wide = self.stages()
        return ConvStages(Standard(c.channels), nn.Sequential(*body), nn.Sequential(*self.linear(wide)))

    def stages(self) -> tuple[list[nn.Module], int]:
        """Two or three stages, halved in between where there is something to halve."""
        c, parts, before = self.config, list[nn.Module](), self.config.channels
        side = self.side
        for stage, width in enumerate((-(-c.base // 2), c.base, c.base)):
            if stage and side >= HALVED:
                parts.append(nn.AvgPool2d(self.square(2), ceil_mode=True))
                side = -(-side // 2)
            for _ in range(c.depth if stage < 2 else 1):
                parts += self.convolution(before, width, 3, first=not parts)
                before = width
        if c.kind == "cnn":
            parts += self.after(before)
        return parts, before

    def patches(self) -> nn.Sequential:
        """Kernels of 3 that reach as far as a patch and no further, then one place alone."""
        c, parts, before, reach, step = self.config, list[nn.Module](), self.config.channels, 1, 1
        widths = [-(-c.base // 2)] * c.depth + [c.base] * 64
        halve = self.side >= 2 * HALVED
        for k, width in enumerate(widths):
            if k == c.depth and halve and reach + step + 2 * 2 * step <= c.patch:
                parts.append(nn.AvgPool2d(self.square(2), ceil_mode=True))
                reach, step = reach + step, 2 * step
            if reach + 2 * step > c.patch or (k > c.depth + 2):
                break
            parts += self.convolution(before, width, 3, first=not parts)
            reach, before = reach + 2 * step, width
        return nn.Sequential(*parts, *self.convolution(before, c.classes, 1, first=False, bias=False))

    def convolution(
        self, before: int, width: int, kernel: int, first: bool, bias: bool = True
    ) -> list[nn.Module]:
        c = self.config
        self.count += 1
        if c.kind == "cnn":
            after = [] if first else self.after(before)
            return [
                *after,
                nn.Conv2d(
                    before, width, self.square(kernel), padding=self.square(kernel // 2, 0), bias=False
                ),
            ]
        layer = KANConv2d(
            before, width, self.square(kernel), padding=self.square(kernel // 2, 0), degree=c.degree, intervals=c.intervals,
            grid=(-REACH, REACH), bias=bias and c.norm != "batch", init=self.init, seed=derive(self.seed, self.count),
        )  # fmt: skip
        return [layer] if first else [*self.normal(before), layer]

    @property
    def side(self) -> int:
        """The shorter side; of a sequence, which is a picture of height 1, its length."""
        return self.config.width if self.config.height == 1 else min(self.config.height, self.config.width)

    def square(self, side: int, flat: int = 1) -> tuple[int, int]:
        """Of a kernel or pool, for sequences along them only."""
        return (flat if self.config.height == 1 else side, side)

    def normal(self, width: int) -> list[nn.Module]:
        norm = self.config.norm
        return [] if norm == "none" else [nn.BatchNorm2d(width, affine=norm == "affine")]

    def after(self, width: int) -> list[nn.Module]:
        return [nn.BatchNorm2d(width), nn.ReLU()]

    def linear(self, width: int) -> list[nn.Module]:
        c = self.config
        if c.kind == "cnn":
            return [nn.Linear(width, c.classes)]
        norm = [] if c.norm == "none" else [nn.BatchNorm1d(width, affine=c.norm == "affine")]
        layer = KANLinear(
            width,
            c.classes,
            degree=c.degree,
            intervals=c.intervals,
            grid=(-REACH, REACH),
            init=self.init,
            seed=derive(self.seed, 0),
        )
        return [*norm, layer]


def _seeded(module: nn.Module, seed: int) -> None:
    """torch's own layers from a seed: He's normal weights (2015, arXiv:1502.01852)."""
    random = generator(seed)
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, (nn.Conv2d, nn.Linear)):
                fan = part.weight[0].numel()
                draws = torch.randn(part.weight.shape, generator=random, dtype=torch.float64)
                part.weight.copy_(draws * (2 / fan) ** 0.5)
                if part.bias is not None:
                    part.bias.zero_()


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
