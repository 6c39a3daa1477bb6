"""Networks for pictures: their parts, what one is made of, the widest one within a number of parameters, and itself.

Functions are laid over a grid, and what leaves it meets straight lines. So every layer of functions but the first is
preceded by a normalisation over the batch without scale and shift of its own (S. Ioffe and C. Szegedy, 2015,
arXiv:1502.03167), and its grid reaches over two deviations. The ordinary network has the same stages, with scale
and shift, and ReLU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from edgewise._core.arguments import check_is
from edgewise._core.checks import check_bool, check_choice, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, generator
from edgewise.layers import KANConv2d, KANLinear, channel_functions


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


KINDS = ("kan", "patches", "cnn", "mlp")
# Those with a mean over all places behind their convolutions.
STAGED = ("kan", "cnn")
FUNCTIONS = ("channel", "edge")
NORMS = ("batch", "affine", "none")
MOST_CHANNELS = 4096
# Deviations that a grid reaches over, and the least side of a picture that is halved.
REACH, HALVED = 2.0, 6


@dataclass(frozen=True)
class ImageConfig:
    """A network for pictures.

    Attributes
    ----------
    height, width, channels, classes : int
        Of the pictures, and of what they show.
    kind : "kan", "patches", "cnn" or "mlp"
        Convolutions of functions; the same with the class evidence of each patch added up; the ordinary convolutional
        network of that shape, and a perceptron with one hidden layer, to be compared with.
    functions : "channel" or "edge"
        Whether each channel has a function of its own and the edges from it are multiples of that, w_ock phi_c(x), as in
        Sprecher's form of Kolmogorov's theorem (D. A. Sprecher, 1965, doi:10.2307/1994176); or each edge has its own, which
        takes so many more numbers that the network is narrower.
    base : int
        Channels of the second stage; the first has half as many. Of "mlp" the hidden units.
    depth : int
        Convolutions of a stage but the last.
    last_width, last_depth : int
        Channels of the last stage, as a multiple of `base`, and its convolutions. Where there are few places left, channels
        cost the least time a parameter.
    degree, intervals : int
        Of the functions.
    norm : "batch", "affine" or "none"
        What stands before each layer: normalisation over the batch, which keeps activations on the grid; the same with a
        scale and a shift that are learned; nothing.
    patch : int
        Side of the square that one place of the evidence sees at most, of kind "patches".
    mirrored : bool
        Of kinds "kan" and "cnn": whether logits are the mean of a picture's and its mirror image's, left to right, once the
        network has learned.
    """

    height: int
    width: int
    channels: int
    classes: int
    kind: str = "kan"
    functions: str = "channel"
    base: int = 8
    depth: int = 2
    last_width: int = 1
    last_depth: int = 1
    degree: int = 2
    intervals: int = 3
    norm: str = "batch"
    patch: int = 13
    mirrored: bool = False

    def __post_init__(self) -> None:
        sizes = ("height", "width", "channels", "base", "depth", "last_width", "last_depth", "intervals")
        for name in sizes:
            check_int(getattr(self, name), name, low=1, high=1 << 16)
        check_int(self.classes, "classes", low=2, high=1 << 16)
        check_int(self.degree, "degree", low=0, high=5)
        check_int(self.patch, "patch", low=3, high=255)
        check_choice(self.kind, "kind", KINDS)
        check_choice(self.norm, "norm", NORMS)
        check_choice(self.functions, "functions", FUNCTIONS)
        if check_bool(self.mirrored, "mirrored") and self.kind not in STAGED:
            raise InputError(
                argument="mirrored",
                expected="be False but of kinds 'kan' and 'cnn'",
                got=f"{self.mirrored} with {short(self.kind)}",
            )
        if self.functions == "channel":
            check_int(self.degree, "degree", low=1, high=5)

    @classmethod
    def within(cls, parameters: int, **settings: Any) -> ImageConfig:
        """The widest network of at most so many parameters.

        Raises
        ------
        InputError
            If even the narrowest has more.

        Examples
        --------
        >>> config = ImageConfig.within(10_000, height=28, width=28, channels=1, classes=10)
        >>> 8_000 < config.parameters() <= 10_000
        True
        """
        check_int(parameters, "parameters", low=1)
        least = cls(**cast("dict[str, Any]", {**settings, "base": 1}))
        if least.parameters() > parameters:
            raise InputError(
                argument="parameters", expected=f"be at least {least.parameters():,}", got=f"{parameters:,}"
            )
        low, high = 1, 2
        while high < MOST_CHANNELS and replace(least, base=high).parameters() <= parameters:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (
                (middle, high) if replace(least, base=middle).parameters() <= parameters else (low, middle)
            )
        return replace(least, base=low)

    def parameters(self) -> int:
        """Numbers that are learned."""
        return sum(p.numel() for p in build(self, device="meta").parameters())

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, document: object) -> ImageConfig:
        """From what `to_json` gave; anything else is an `InputError`."""
        names = {field.name for field in fields(cls)}
        given = dict(cast("Mapping[str, Any]", document)) if isinstance(document, Mapping) else {}
        older: dict[str, Any] = {"functions": "edge", "last_width": 1, "last_depth": 1, "mirrored": False}
        for name, value in older.items():  # what older descriptions do not name
            given.setdefault(name, value)
        if set(given) != names:
            raise InputError(
                subject="The description of a network for pictures",
                expected=f"name {', '.join(sorted(names))}",
                got=short(document),
            )
        return cls(**given)


def build(config: ImageConfig, seed: int | None = None, device: torch.device | str = "cpu") -> nn.Module:
    """A network that has learned nothing.

    Examples
    --------
    >>> config = ImageConfig(8, 8, 1, 10, base=4)
    >>> build(config, seed=0)(torch.zeros(5, 1, 8, 8)).shape
    torch.Size([5, 10])
    """
    check_is(config, ImageConfig, "config", "an ImageConfig")
    if seed is not None:
        seed = check_int(seed, "seed", low=0)
    try:
        place = torch.device(device)
    except (RuntimeError, TypeError, ValueError):
        raise InputError(
            argument="device", expected="name a device of torch, as 'cpu'", got=short(device)
        ) from None
    seed = generator(seed).initial_seed() >> 1 if seed is None else seed
    with place, torch.random.fork_rng(devices=[]):  # torch's layers draw from its global generator
        made = _ImageNetworkBuilder(config, seed, str(device) == "meta").network()
    if device == "cpu":
        _seeded(made, seed)
    return made


class _ImageNetworkBuilder:
    def __init__(self, config: ImageConfig, seed: int, empty: bool) -> None:
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
        head = nn.Sequential(*self.linear(wide))
        return ConvStages(Standard(c.channels), nn.Sequential(*body), head, c.mirrored)

    def stages(self) -> tuple[list[nn.Module], int]:
        """Two or three stages, halved in between where there is something to halve."""
        c, parts, before = self.config, list[nn.Module](), self.config.channels
        side = self.side
        stages = ((-(-c.base // 2), c.depth), (c.base, c.depth), (c.last_width * c.base, c.last_depth))
        for stage, (width, depth) in enumerate(stages):
            if stage and side >= HALVED:
                parts.append(nn.AvgPool2d(self.square(2), ceil_mode=True))
                side = -(-side // 2)
            for _ in range(depth):
                parts += self.convolution(before, width, 3, first=not parts)
                before = width
        if self.ordinary:
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
        if self.ordinary and kernel > 1:
            after = [] if first else self.after(before)
            size, padding = self.square(kernel), self.square(kernel // 2, 0)
            return [*after, nn.Conv2d(before, width, size, padding=padding, bias=c.norm == "none")]
        layer = KANConv2d(
            before, width, self.square(kernel), padding=self.square(kernel // 2, 0), degree=c.degree, intervals=c.intervals,
            grid=(-REACH, REACH), bias=bias and c.norm != "batch", init=self.init, seed=derive(self.seed, self.count),
        )  # fmt: skip
        return [layer] if first else [*self.normal(before), layer]

    @property
    def ordinary(self) -> bool:
        """Whether the weights of a convolution are numbers."""
        return self.config.kind == "cnn" or self.config.functions == "channel"

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
        """What the channels of an ordinary convolution go through before the next."""
        c = self.config
        if c.kind == "cnn":
            return [nn.BatchNorm2d(width), nn.ReLU()]
        return [
            *self.normal(width),
            channel_functions(KANConv2d, width, c.degree, c.intervals, (-REACH, REACH), torch.relu),
        ]

    def linear(self, width: int) -> list[nn.Module]:
        c = self.config
        if self.ordinary:
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
