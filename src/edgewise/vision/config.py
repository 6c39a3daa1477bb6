"""What a network for pictures is made of, and the widest one within a number of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, cast

from edgewise._core.checks import check_choice, check_int, short
from edgewise._core.errors import InputError

KINDS = ("kan", "patches", "cnn", "mlp")
NORMS = ("batch", "affine", "none")
MOST_CHANNELS = 4096


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
    base : int
        Channels of the last two stages; the first has half as many. Of "mlp" the hidden units.
    depth : int
        Convolutions of a stage.
    degree, intervals : int
        Of the functions.
    norm : "batch", "affine" or "none"
        What stands before each layer: normalisation over the batch, which keeps activations on the grid; the same with a
        scale and a shift that are learned; nothing.
    patch : int
        Side of the square that one place of the evidence sees at most, of kind "patches".
    """

    height: int
    width: int
    channels: int
    classes: int
    kind: str = "kan"
    base: int = 8
    depth: int = 2
    degree: int = 2
    intervals: int = 3
    norm: str = "batch"
    patch: int = 13

    def __post_init__(self) -> None:
        for name in ("height", "width", "channels", "base", "depth", "intervals"):
            check_int(getattr(self, name), name, low=1, high=1 << 16, of="ImageConfig")
        check_int(self.classes, "classes", low=2, high=1 << 16, of="ImageConfig")
        check_int(self.degree, "degree", low=0, high=5, of="ImageConfig")
        check_int(self.patch, "patch", low=3, high=255, of="ImageConfig")
        check_choice(self.kind, "kind", KINDS, of="ImageConfig")
        check_choice(self.norm, "norm", NORMS, of="ImageConfig")

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
        check_int(parameters, "parameters", low=1, of="ImageConfig.within")
        least = cls(**cast("dict[str, Any]", {**settings, "base": 1}))
        if least.parameters() > parameters:
            raise InputError(
                f"The 'parameters' of a network for such pictures must be at least {least.parameters():,}. "
                f"Got {parameters:,} instead."
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
        from edgewise.vision.networks import build

        return sum(p.numel() for p in build(self, device="meta").parameters())

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, document: object) -> ImageConfig:
        """From what `to_json` gave; anything else is an `InputError`."""
        names = {each.name for each in fields(cls)}
        given = cast("Mapping[str, Any]", document) if isinstance(document, Mapping) else {}
        if set(given) != names:
            raise InputError(
                f"The description of a network for pictures is not one. Got {short(document)} instead."
            )
        return cls(**given)
