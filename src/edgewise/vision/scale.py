"""Whether pictures to be classified are on the scale of those learned from.

A network answers whatever it is given, also shares from 0 to 1 where it learned from numbers up to 255, and then its answer
means nothing. What cannot be pictures on its scale is refused; what can, such as a dark picture, is at most warned of.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from torch import Tensor

from edgewise._core.errors import InputError

# No share of a picture is as large, whatever was added to it.
TOO_LARGE = 2.0
# Scales that are mistaken for each other (1, 16, 255, 65535) differ by more than this factor; lights of pictures seldom do.
APART = 8.0


@dataclass(frozen=True)
class PictureScale:
    """How large the numbers of the pictures learned from are, in what the network takes.

    Attributes
    ----------
    largest : float
    faintest : float
        The largest number of the picture in which it is smallest.
    """

    largest: float
    faintest: float

    @classmethod
    def of(cls, x: Tensor) -> PictureScale:
        """Of pictures (n, channels, height, width)."""
        tops = x.abs().amax((1, 2, 3))
        return cls(float(tops.max()), float(tops.min()))

    def check(self, x: Tensor, whole: bool) -> None:
        """Pictures to be classified, as the network takes them; `whole` where they were given as whole numbers.

        Raises
        ------
        InputError
            For numbers where it learned from shares, and several pictures of shares where it learned from numbers.

        Examples
        --------
        >>> import torch
        >>> scale = PictureScale.of(255 * torch.rand(9, 1, 8, 8))
        >>> scale.check(torch.zeros(2, 1, 8, 8), whole=False)  # black on any scale
        >>> try:
        ...     scale.check(torch.rand(2, 1, 8, 8), whole=False)
        ... except InputError:
        ...     print("refused")
        refused
        """
        top = float(x.abs().max()) if x.numel() else 0.0
        if top == 0 or self.largest == 0:
            return
        if self.largest <= 1 and top > TOO_LARGE:
            raise InputError(
                argument="X",
                expected="be shares from 0 to 1, as it learned from, or whole numbers",
                got=f"numbers up to {top:g}",
                advice="divide them by their largest possible value",
            )
        shares = self.largest >= APART and top <= 1 and not whole
        # In one picture all may be dark, and in several that are all dark fractions of the least step are no noise.
        if shares and len(x) > 1 and bool((x != x.round()).any()):
            raise InputError(
                argument="X",
                expected=f"be numbers up to about {self.largest:g}, as it learned from",
                got=f"shares up to {top:g}",
                advice="multiply them by the largest possible value",
            )
        if top > APART * self.largest or (top < self.faintest / APART and (shares or len(x) > 1)):
            warnings.warn(
                f"The numbers of X go up to {top:g}, those that ImageClassifier learned from up to {self.largest:g}; if the "
                "scales differ, bring X to the other one, for on its own its classes mean nothing.",
                UserWarning,
                stacklevel=5,
            )
