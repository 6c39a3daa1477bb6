"""How far every pixel of a small picture may move with the class certain to stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.arguments import check_is
from edgewise._core.arrays import Bools, Floats, Ints
from edgewise._core.caller_settings import own_settings
from edgewise._core.checks import check_float, check_int
from edgewise._core.plain import fields
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, charge, running
from edgewise.verifying.bounds.curves import Curves
from edgewise.verifying.bounds.exact import ExactModel, exact_model
from edgewise.vision.classifier import ImageClassifier
from edgewise.vision.flat import as_kan
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


@own_settings
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
    bounds, best = LayerBounds(exact_model(as_kan(model))), int(logits.argmax())
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
        ended = meter.own(stop)
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


# Of sums of products and polynomials in float64, relative to the sizes of their terms; generous.
SUMMED = 1e-11
NUMBER = 1e-8
# So many functions are bounded in the time that a call takes besides.
CALL = 2000
Ends = tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class LayerBounds:
    """Bounds of sums of the outputs of a network over a box of its inputs, layer by layer backwards by lines.

    In a network of pictures most edges are zero: a node sees few places. Nodes that see the same are bounded together, by
    the functions that reach them and the pieces that their intervals meet, and no others; so are both ends of a sum, whose
    lines are the same. This changes no bound.

    Parameters
    ----------
    model : ExactModel
        Of plain sum nodes, without base functions.
    """

    model: ExactModel

    @cached_property
    def reach(self) -> tuple[Bools, ...]:
        """Of each layer, which nodes above have a function of which nodes below, (O, S)."""
        return tuple((layer.curves.table != 0).any((1, 3)) for layer in self.model.layers)

    @cached_property
    def together(self) -> tuple[list[Ints], ...]:
        """Of each hidden layer, the nodes to bound at once: those that have functions of the same nodes below, or nearly."""
        found = list[list[Ints]]()
        for reach in self.reach[:-1]:
            kinds, kind = np.unique(reach, axis=0, return_inverse=True)
            groups, seen, cost = list[list[int]](), np.zeros(reach.shape[1], bool), 0
            for k, own in enumerate(kinds):
                nodes = np.flatnonzero(kind.reshape(-1) == k).tolist()
                alone = len(nodes) * int(own.sum())
                joint = (len(groups[-1]) + len(nodes) if groups else 0) * int((seen | own).sum())
                if groups and joint <= cost + alone + CALL:
                    groups[-1] += nodes
                    seen, cost = seen | own, joint
                else:
                    groups.append(nodes)
                    seen, cost = own, alone
            found.append([np.array(group) for group in groups])
        return tuple(found)

    def sums(self, low: Floats, high: Floats, weights: Floats) -> Ends:
        """Bounds from below and above of weighted sums of outputs over a box.

        Parameters
        ----------
        low, high : arrays of shape (inputs,)
        weights : array of shape (Q, outputs)

        Returns
        -------
        pair of arrays of shape (Q,)
        """
        model = self.model
        first, last = (low - model.shift) / model.scale, (high - model.shift) / model.scale
        pad = SUMMED * (1 + np.abs(first) + np.abs(last))
        h = [(np.minimum(first, last) - pad, np.maximum(first, last) + pad)]
        with np.errstate(invalid="ignore", over="ignore"):  # of what is beyond all numbers nothing is claimed
            for k, groups in enumerate(self.together):
                ends = np.zeros((2, len(model.layers[k].bias)))
                for nodes in groups:
                    ends[:, nodes] = self._backward(h, k, np.eye(ends.shape[1])[nodes])
                h.append((ends[0], ends[1]))
            least, most = self._backward(h, len(model.layers) - 1, weights * model.out_scale)
        shift = weights @ model.out_shift
        return least + shift, most + shift

    def _backward(self, h: list[Ends], last: int, weights: Floats) -> Ends:
        """Bounds of weighted sums of the nodes behind layer `last`, (Q, O) -> (Q,), from the ranges of nodes before."""
        least, most = np.zeros((2, len(weights)))
        for k in range(last, -1, -1):
            layer = self.model.layers[k]
            sure, loose = weights @ layer.bias, SUMMED * (np.abs(weights) @ np.abs(layer.bias))
            above = np.flatnonzero(weights.any(0))
            below = np.flatnonzero(self.reach[k][above].any(0))
            edges = _Edges(layer.curves, above, below, h[k][0][below], h[k][1][below])
            own = weights[:, above].T
            slope = edges.chords(own) if k else np.zeros((len(below), len(weights)))
            lower, upper = edges.extremes(own, slope)
            least, most = least + lower.sum(0) + sure - loose, most + upper.sum(0) + sure + loose
            weights = np.zeros((len(weights), len(h[k][0])))
            weights[:, below] = slope.T
        return least, most


@dataclass(frozen=True, eq=False)
class _Edges:
    """The functions between some nodes above and some below, those over an interval of each."""

    curves: Curves
    above: Ints
    below: Ints
    low: Floats
    high: Floats

    def pieces(self, piece: Ints) -> Floats:
        """Powers of some pieces, (S, ...) -> (S, ..., 4, O)."""
        found = self.curves.by_piece[self.below.reshape(-1, *[1] * (piece.ndim - 1)), piece]
        return found if len(self.above) == found.shape[-1] else found.take(self.above, -1)

    def chords(self, weights: Floats) -> Floats:
        """Slopes of weighted sums between the ends of the intervals, (O, Q) -> (S, Q)."""
        curves, ends = self.curves, np.stack([self.low, self.high], 1)
        piece = (ends[..., None] >= curves.breaks[self.below][:, None]).sum(-1)
        site = self.below[:, None]
        u = (ends - curves.origin[site, piece]) / curves.width[site, piece]
        values = _at(self.pieces(piece), u[..., None])  # (S, 2, O)
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        return (values[:, 1] - values[:, 0]) @ weights / width[:, None]

    def extremes(self, weights: Floats, slope: Floats) -> Ends:
        """Minima and maxima of the weighted sum of each site's functions less a line over its interval, (S, Q) each."""
        origin, width = self.curves.origin[self.below], self.curves.width[self.below]
        left, right = (limit[self.below] for limit in self.curves.limits)
        a = np.maximum((self.low[:, None] - origin) / width, left)
        b = np.minimum((self.high[:, None] - origin) / width, right)
        # A hair beyond both ends, so that rounding leaves no gap between pieces.
        far = [np.abs(np.where(np.isfinite(end), end, 0.0)) for end in (a, b)]
        hair = 1e-12 * (1 + far[0] + far[1])
        used = a <= b + hair
        # The pieces from the first that is met to the last, as many at every site as at the widest.
        start, pieces = used.argmax(1)[:, None], used.shape[1]
        count = int((pieces - used[:, ::-1].argmax(1) - start[:, 0]).max(initial=1))
        site, at = np.arange(len(used))[:, None], start + np.arange(count)
        within, at = at < pieces, np.minimum(at, pieces - 1)
        used = (used[site, at] & within)[..., None]
        a, b = (np.where(used, end[site, at][..., None], 0.0) for end in (a - hair, b + hair))  # (S, P, 1)
        table = self.pieces(at)
        charge(NUMBER * table.size * (1 + weights.shape[1]))
        degree = max(r for r in range(4) if r <= 1 or table[:, :, r].any())
        table = np.ascontiguousarray(table[:, :, : degree + 1])
        c, size = table @ weights, np.abs(table) @ np.abs(weights)  # (S, P, r, Q)
        for r, line in enumerate((origin, width)):
            lifted = slope[:, None] * line[site, at][..., None]
            c[:, :, r] -= lifted
            size[:, :, r] += np.abs(lifted)
        loose = SUMMED * _at(size, np.maximum(np.abs(a), np.abs(b)))
        first, last = _at(c, a), _at(c, b)
        least, most = np.minimum(first, last), np.maximum(first, last)
        for turn in _turns(c):
            value = _at(c, np.minimum(np.maximum(turn, a), b))
            least, most = np.minimum(least, value), np.maximum(most, value)
        met = used.any(1)  # of intervals that are no numbers nothing is known
        least = np.where(used, least - loose, np.inf).min(1, initial=np.inf)
        most = np.where(used, most + loose, -np.inf).max(1, initial=-np.inf)
        return np.where(met, least, -np.inf), np.where(met, most, np.inf)


def _at(c: Floats, u: Floats) -> Floats:
    """Values of polynomials (..., r, Q) at local coordinates (..., Q)."""
    value = c[..., -1, :] * u + c[..., -2, :]
    for r in range(c.shape[-2] - 3, -1, -1):
        value = value * u + c[..., r, :]
    return value


def _turns(c: Floats) -> list[Floats]:
    """Where polynomials of degree 1 to 3 may have their extremes, but for their ends; 0 where there is no such place."""
    c1, *higher = (c[..., r, :] for r in range(1, c.shape[-2]))
    if not higher:
        return []
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if len(higher) == 1:
            found = [-0.5 * c1 / higher[0]]
        else:
            c2, p = higher[0], 3 * higher[1]
            root = np.sqrt(np.maximum(c2 * c2 - p * c1, 0.0))
            s = -(c2 + np.where(c2 >= 0, root, -root))
            found = [s / p, c1 / s]
    return [np.where(np.isfinite(u), u, 0.0) for u in found]
