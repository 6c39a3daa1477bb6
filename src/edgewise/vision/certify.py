"""How far every pixel of a small picture may move with the class certain to stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.arguments import check_is
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, check_int
from edgewise._core.gradients import with_gradients
from edgewise._core.plain import fields
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, charge, running
from edgewise.verifying.bounds.exact import exact_model
from edgewise.vision.classifier import ImageClassifier
from edgewise.vision.flat import written_as_kan
from edgewise.vision.layer_bounds import LayerBounds
from edgewise.vision.pictures import as_one

# Of the largest logit: what float32 may make the network differ from the exact function by.
SINGLE = 1e-4
# What float64 may lose of an end of an interval of pixels, relative to the range of shares.
HAIR = 1e-12
# Steps of an attack, their length as a share of the radius, and the work of one.
ATTACK, STRIDE, STEP = 25, 0.15, 2e-3


@dataclass(frozen=True, eq=False)
class CertifiedRadius:
    """What is known of a picture's neighbourhood, in the numbers that the network takes: of whole numbers shares of 255.

    Attributes
    ----------
    label : class
        What the picture is classified as.
    certified : float
        Within it, whatever pixels do, each by itself, the class stays. 0 where nothing could be proved.
    broken : float or None
        A radius within which the class is known to change; None where none was found. Between both it is undecided.
    picture : ndarray or None
        A picture within `broken` that is classified otherwise, and
    other : class or None
        what it is classified as.
    stop_reason : StopReason
        "decided" where all that was asked about is certain, else "most_steps", or "interrupted": what was known by then.
    seconds : float
    """

    label: Any
    certified: float
    broken: float | None
    picture: Floats | None
    other: Any
    stop_reason: StopReason
    seconds: float

    @property
    def message(self) -> str:
        """What is known, in a sentence."""
        text = f"{self.label} within {self.certified:.4g} of every pixel"
        if self.stop_reason is StopReason.INTERRUPTED:
            text = f"Interrupted; by then {text}"
        if self.broken is None:
            return f"{text}; beyond that undecided."
        return f"{text}; undecided up to {self.broken:.4g}, where a picture is classified as {self.other}."

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        names = ("label", "certified", "broken", "picture", "other", "message", "stop_reason", "seconds")
        return fields(self, *names)


@with_gradients
def certified_radius(
    model: ImageClassifier, picture: Any, *, most: float = 0.5, steps: int = 10
) -> CertifiedRadius:
    """Bound from below how far pixels may move, all at once, until the class changes; and from above by an attack.

    Of the exact function that the numbers of the network stand for, written as a `KAN` (`as_kan`): its layers are bounded
    backwards by lines, each input's functions summed before they are bounded, with room for rounding and for what float32
    makes of the function. So far as bounds reach the class is certain; where they do not, the answer is undecided.
    Interrupted (Ctrl-C), it gives what was certain by then.

    Parameters
    ----------
    model : ImageClassifier
        Fitted, of kind "kan" or "patches", for small pictures, such as 8 x 8.
    picture : array (height, width) or (height, width, channels), or a file
    most : float
        The largest radius that is asked about. Pixels of a picture between 0 and 1 stay there; those of others may be any.
    steps : int
        Halvings of the interval that the radius is sought in.

    Returns
    -------
    CertifiedRadius

    Raises
    ------
    InputError
        For a model or a picture that does not fit.

    References
    ----------
    H. Zhang et al., "Efficient neural network robustness certification with general activation functions", 2018,
    arXiv:1811.00866 (lines, backwards). A. Madry et al., 2018, arXiv:1706.06083 (the attack).

    Examples
    --------
    >>> from edgewise.vision import ImageClassifier
    >>> X = np.random.default_rng(0).random((20, 6, 6))
    >>> y = np.arange(20) % 2
    >>> X[y == 1, 2:4] *= 0.1
    >>> model = ImageClassifier("patches", 800, epochs=3, settings={"depth": 1}).fit(X, y)
    >>> found = certified_radius(model, X[0], steps=5)
    >>> 0 <= found.certified and (found.broken is None or found.certified < found.broken)
    True
    """
    check_is(model, ImageClassifier, "model", "an ImageClassifier")
    check_int(steps, "steps", low=1, high=60)
    meter = Meter()
    one = as_one(picture)
    x = model.like(one)
    check_float(most, "most", low=0.0, high=max(1.0, float(x.abs().max())))
    logits = model.logits(one)[0]
    bounds, best = LayerBounds(exact_model(written_as_kan(model))), int(logits.argmax())
    rivals = -np.eye(len(logits))
    rivals[:, best] += 1.0
    rivals = np.delete(rivals, best, 0)
    room = SINGLE * (1 + float(np.abs(logits).max()))

    def stays(radius: float) -> bool:
        low, high = (end.flatten() for end in _box(x.double().numpy(), radius))
        return bool((bounds.sums(low - HAIR, high + HAIR, rivals)[0] > room).all())

    low, found, ended = 0.0, None, None
    try:
        with running(meter):
            for low in _certified(stays, most, steps):  # noqa: B007  the last is kept
                pass
            for found in _broken(model, x, best, low, most, steps):  # noqa: B007
                pass
    except (StopError, KeyboardInterrupt) as stop:  # what was proved by then is proved
        ended = meter.own(stop) if isinstance(stop, StopError) else StopReason.INTERRUPTED
    radius, changed, other = (None, None, None) if found is None else (*found[:2], model.classes_[found[2]])
    ended = ended or (StopReason.DECIDED if low == most else StopReason.MOST_STEPS)
    return CertifiedRadius(model.classes_[best], low, radius, changed, other, ended, meter.seconds)


def _certified(stays: Callable[[float], bool], most: float, steps: int) -> Iterator[float]:
    """Ever larger radii within which the class stays."""
    if stays(most):
        yield most
    elif stays(0.0):
        low, high = 0.0, most
        for _ in range(steps):
            middle = (low + high) / 2
            if stays(middle):
                yield (low := middle)
            else:
                high = middle


def _box(x: Floats, radius: float) -> tuple[Floats, Floats]:
    """All pictures so near; shares stay between 0 and 1, other numbers may be any."""
    floor, ceiling = (0.0, 1.0) if x.min() >= 0 and x.max() <= 1 else (-np.inf, np.inf)
    return np.maximum(x - radius, floor), np.minimum(x + radius, ceiling)


def _broken(
    model: ImageClassifier, x: Tensor, best: int, low: float, most: float, steps: int
) -> Iterator[tuple[float, Floats, int]]:
    """Ever smaller radii at which an attack finds a picture classified otherwise, the picture and its class."""
    high, found = most, False
    for _ in range(steps):
        radius = (low + high) / 2 if found else high
        made = _attack(model, x, best, radius)
        if made is not None:
            high, found = radius, True
            yield radius, *made
        elif found:
            low = radius
        else:
            return


def _attack(model: ImageClassifier, x: Tensor, best: int, radius: float) -> tuple[Floats, int] | None:
    """Steps up the largest other logit less the own one, each pixel by the sign of its slope."""
    network = model.fitted_network()
    low, high = (torch.from_numpy(end) for end in _box(x.numpy(), radius))
    point = x.clone()
    for _ in range(ATTACK):
        charge(STEP)
        point = point.detach().requires_grad_()
        logits = network(point)[0]
        other = int(
            torch.cat([logits[:best], logits.new_full((1,), -torch.inf), logits[best + 1 :]]).argmax()
        )
        if float(logits[other].detach()) > float(logits[best].detach()):
            return point.detach()[0].permute(1, 2, 0).double().numpy(), other
        (slope,) = torch.autograd.grad(logits[other] - logits[best], point)
        point = torch.minimum(torch.maximum(point.detach() + STRIDE * radius * slope.sign(), low), high)
    return None
