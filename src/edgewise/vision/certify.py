"""How far every pixel of a small picture may move with the class certain to stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.arguments import check_is
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, check_int
from edgewise._core.plain import fields
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, charge
from edgewise.verifying.bounds.curves import Curves
from edgewise.verifying.bounds.exact import ExactModel, exact_model
from edgewise.vision.classifier import ImageClassifier
from edgewise.vision.flat import as_kan

# Of sums of products and polynomials in float64, relative to the sizes of their terms; generous.
SUMMED = 1e-11
# Of the largest logit: what float32 may make the network differ from the exact function by.
SINGLE = 1e-4
# Steps of an attack, and their length as a share of the radius.
ATTACK, STRIDE = 25, 0.15
NUMBER = 1e-8


@dataclass(frozen=True, eq=False)
class CertifiedRadius:
    """What is known of a picture's neighbourhood, as shares of the range of pixels, 0 to 1.

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
        "decided" where all that was asked about is certain, else "most_steps".
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
        if self.broken is None:
            return f"{text}; beyond that undecided."
        return f"{text}; undecided up to {self.broken:.4g}, where a picture is classified as {self.other}."

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        names = ("label", "certified", "broken", "picture", "other", "message", "stop_reason", "seconds")
        return fields(self, *names)


def certified_radius(
    model: ImageClassifier, picture: Any, *, most: float = 0.5, steps: int = 10
) -> CertifiedRadius:
    """Bound from below how far pixels may move, all at once, until the class changes; and from above by an attack.

    Of the exact function that the numbers of the network stand for, written as a `KAN` (`as_kan`): its layers are bounded
    backwards by lines, each input's functions summed before they are bounded, with room for rounding and for what float32
    makes of the function. So far as bounds reach the class is certain; where they do not, the answer is undecided.

    Parameters
    ----------
    model : ImageClassifier
        Fitted, of kind "kan" or "patches", for small pictures, such as 8 x 8.
    picture : array (height, width) or (height, width, channels)
    most : float
        The largest radius that is asked about.
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
    check_is(model, ImageClassifier, "model", "an ImageClassifier", of="certified_radius")
    check_float(most, "most", low=0.0, high=1.0, of="certified_radius")
    check_int(steps, "steps", low=1, high=60, of="certified_radius")
    meter = Meter()
    x = model.like(np.asarray(picture)[None])
    exact = exact_model(as_kan(model))
    logits = model.logits(np.asarray(picture)[None])[0]
    best = int(logits.argmax())
    flat = x.double().flatten().numpy()
    rivals = -np.eye(len(logits))
    rivals[:, best] += 1.0
    rivals = np.delete(rivals, best, 0)
    room = SINGLE * (1 + float(np.abs(logits).max()))

    def stays(radius: float) -> bool:
        low, high = _box(flat, radius)
        ends = logit_bounds(exact, low, high, -rivals)
        return bool((ends < -room).all())

    low, high = 0.0, most
    if stays(most):
        low = most
    elif stays(0.0):
        for _ in range(steps):
            middle = (low + high) / 2
            low, high = (middle, high) if stays(middle) else (low, middle)
    found = _broken(model, x, best, low, most, steps)
    radius, changed, other = (None, None, None) if found is None else (*found[:2], model.classes_[found[2]])
    ended = StopReason.DECIDED if low == most else StopReason.MOST_STEPS
    return CertifiedRadius(model.classes_[best], low, radius, changed, other, ended, meter.seconds)


def _box(flat: Floats, radius: float) -> tuple[Floats, Floats]:
    """All pictures so near; pixels stay what pixels can be, or as far out as they were."""
    hair = 1e-12
    low, high = flat - radius - hair, flat + radius + hair
    return np.maximum(low, np.minimum(flat, 0.0) - hair), np.minimum(high, np.maximum(flat, 1.0) + hair)


def logit_bounds(model: ExactModel, low: Floats, high: Floats, weights: Floats) -> Floats:
    """Upper bounds of weighted sums of outputs over a box.

    Parameters
    ----------
    model : ExactModel
        Of plain sum nodes, without base functions.
    low, high : arrays of shape (inputs,)
    weights : array of shape (Q, outputs)

    Returns
    -------
    array of shape (Q,)
    """
    h = [((low - model.shift) / model.scale, (high - model.shift) / model.scale)]
    pad = SUMMED * (1 + np.abs(h[0][0]) + np.abs(h[0][1]))
    h[0] = (np.minimum(*h[0]) - pad, np.maximum(*h[0]) + pad)
    for k in range(len(model.layers) - 1):
        count = len(model.layers[k].bias)
        both = np.concatenate([np.eye(count), -np.eye(count)])
        ends = _backward(model, h, k, both)
        h.append((-ends[count:], ends[:count]))
    shifted = weights * model.out_scale
    return _backward(model, h, len(model.layers) - 1, shifted) + weights @ model.out_shift


def _backward(model: ExactModel, h: list[tuple[Floats, Floats]], last: int, weights: Floats) -> Floats:
    """Upper bounds of weighted sums of the nodes behind layer `last`, (Q, O) -> (Q,), from the ranges of nodes before."""
    total = np.zeros(len(weights))
    for k in range(last, -1, -1):
        layer = model.layers[k]
        total += weights @ layer.bias + SUMMED * (np.abs(weights) @ np.abs(layer.bias))
        low, high = h[k]
        if k == 0:
            slope = np.zeros((len(weights), len(low)))
        else:
            ends = layer.curves.values(np.stack([low, high]))  # (2, S, O)
            rise = np.einsum("so,qo->qs", ends[1] - ends[0], weights)
            slope = rise / np.where(high > low, high - low, 1.0)
        total += _tops(layer.curves, weights, slope, low, high).sum(1)
        weights = slope
    return total


def _tops(curves: Curves, weights: Floats, slope: Floats, low: Floats, high: Floats) -> Floats:
    """Maxima of the weighted sum of each site's functions less a line, over an interval of the site, (Q, S)."""
    table = np.tensordot(weights, curves.table, 1)  # (Q, 4, S, P)
    size = np.tensordot(np.abs(weights), np.abs(curves.table), 1)
    charge(NUMBER * table.size * curves.count)
    table[:, 0] -= slope[..., None] * curves.origin
    table[:, 1] -= slope[..., None] * curves.width
    size[:, 0] += np.abs(slope[..., None] * curves.origin)
    size[:, 1] += np.abs(slope[..., None] * curves.width)
    left, right = curves.limits
    a = np.maximum((low[:, None] - curves.origin) / curves.width, left)
    b = np.minimum((high[:, None] - curves.origin) / curves.width, right)
    # A hair beyond both ends, so that rounding leaves no gap between pieces.
    hair = 1e-12 * (1 + np.abs(np.where(np.isfinite(a), a, 0.0)) + np.abs(np.where(np.isfinite(b), b, 0.0)))
    used = a <= b + hair
    a, b = np.where(used, a - hair, 0.0), np.where(used, b + hair, 0.0)
    c0, c1, c2, c3 = (table[:, r] for r in range(4))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        p = 3 * c3
        root = np.sqrt(np.maximum(c2 * c2 - p * c1, 0.0))
        s = -(c2 + np.where(c2 >= 0, root, -root))
        turns = [np.clip(np.nan_to_num(u, nan=0.0, posinf=0.0, neginf=0.0), a, b) for u in (s / p, c1 / s)]
    far = np.maximum(np.abs(a), np.abs(b))
    top = np.full(c0.shape, -np.inf)
    for u in (a, b, *turns):
        top = np.maximum(top, ((c3 * u + c2) * u + c1) * u + c0)
    top += SUMMED * (((size[:, 3] * far + size[:, 2]) * far + size[:, 1]) * far + size[:, 0])
    return np.where(used, top, -np.inf).max(2)


def _broken(
    model: ImageClassifier, x: Tensor, best: int, low: float, most: float, steps: int
) -> tuple[float, Floats, int] | None:
    """The least radius at which an attack finds a picture classified otherwise, the picture and its class."""
    found: tuple[float, Floats, int] | None = None
    high = most
    for _ in range(steps):
        radius = high if found is None else (low + high) / 2
        made = _attack(model, x, best, radius)
        if made is None:
            if found is None:
                return None
            low = radius
        else:
            high, found = radius, (radius, *made)
    return found


def _attack(model: ImageClassifier, x: Tensor, best: int, radius: float) -> tuple[Floats, int] | None:
    """Steps up the largest other logit less the own one, each pixel by the sign of its slope."""
    network = model.fitted_network()
    floor, ceiling = x.clamp(max=0.0).minimum(torch.zeros(())), x.clamp(min=1.0)
    low, high = torch.maximum(x - radius, floor), torch.minimum(x + radius, ceiling)
    point = x.clone()
    for _ in range(ATTACK):
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
