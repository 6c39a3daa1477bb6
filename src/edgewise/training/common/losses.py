"""Losses with the derivatives that second-order training needs.

A loss is a mean over rows of l(f, y), f the network's outputs in network units. Levenberg-Marquardt asks for its gradient
in f and for a root R of its (generalised Gauss-Newton) Hessian in f, R^T R = l''.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from edgewise._core.checks import check_choice, check_float, plural
from edgewise._core.errors import InputError

# Below this curvature a row of a logistic loss is as good as decided.
DECIDED = 1e-5
# Gains in loss that make no difference to a reader: of targets of unit variance, and of classes, in nats.
_NEGLIGIBLE, _NEGLIGIBLE_NATS = 5e-5, 1e-4
# Logarithms of means beyond which means are neither nothing nor numbers that add up.
_FARTHEST = 40.0


class Loss(Protocol):
    """A row loss l(f, y) with f and y of shape (n, D)."""

    @property
    def name(self) -> str:
        """Name under which `fit` knows it."""
        ...

    @property
    def dispersed(self) -> bool:
        """Whether the noise level is estimated from the residuals (else it is fixed by the likelihood)."""
        ...

    @property
    def link(self) -> str:
        """What f stands for: "identity" for y itself, in units that may be chosen, "log" for its logarithm, "logit"."""
        ...

    def rows(self, f: Tensor, y: Tensor) -> Tensor:
        """l for each row, shape (n,)."""
        ...

    def gradient(self, f: Tensor, y: Tensor) -> Tensor:
        """dl/df, shape (n, D)."""
        ...

    def root(self, f: Tensor, y: Tensor) -> Tensor:
        """R with R^T R = d2l/df2: shape (n, D) where it is diagonal, else (n, D, D)."""
        ...

    def curvature(self, f: Tensor, y: Tensor) -> Tensor:
        """Second derivative by each output or what stands for it, shape (n, D): weights of reweighted least squares."""
        ...


@dataclass(frozen=True)
class Squared:
    """Half the squared error."""

    name: str = "squared"
    dispersed: bool = True
    link: str = "identity"

    def rows(self, f: Tensor, y: Tensor) -> Tensor:
        return 0.5 * ((f - y) ** 2).sum(-1)

    def gradient(self, f: Tensor, y: Tensor) -> Tensor:
        return f - y

    def root(self, f: Tensor, y: Tensor) -> Tensor:
        return torch.ones_like(f)

    def curvature(self, f: Tensor, y: Tensor) -> Tensor:
        return torch.ones_like(f)


@dataclass(frozen=True)
class Huber:
    """Squared within `delta` of the target, linear beyond: outliers pull with bounded force.

    `delta` is in standard deviations of y. The Hessian's stand-in is the reweighting psi(r)/r, which keeps steps bounded
    where the second derivative vanishes (P. J. Huber, 1964, doi:10.1214/aoms/1177703732).
    """

    delta: float = 0.1
    name: str = "huber"
    dispersed: bool = True
    link: str = "identity"

    def rows(self, f: Tensor, y: Tensor) -> Tensor:
        return torch.nn.functional.huber_loss(f, y, reduction="none", delta=self.delta).sum(-1)

    def gradient(self, f: Tensor, y: Tensor) -> Tensor:
        return (f - y).clamp(-self.delta, self.delta)

    def root(self, f: Tensor, y: Tensor) -> Tensor:
        return self.curvature(f, y).sqrt()

    def curvature(self, f: Tensor, y: Tensor) -> Tensor:
        return self.delta / (f - y).abs().clamp(min=self.delta)


@dataclass(frozen=True)
class Quantile:
    """Check loss, whose least is a quantile: an absolute error weighed by `level` below the truth, by 1 - level above it.

    The corner is rounded within `corner`, in robust standard deviations of y; the curvature is that of the parabola that
    touches the loss and lies above it everywhere (D. R. Hunter and K. Lange, "Quantile regression via an MM algorithm",
    2000, doi:10.1080/10618600.2000.10474866).
    """

    level: float = 0.5
    corner: float = 0.02
    name: str = "quantile"
    dispersed: bool = True
    link: str = "identity"

    def rows(self, f: Tensor, y: Tensor) -> Tensor:
        r = y - f
        return (0.5 * (r**2 + self.corner**2).sqrt() + (self.level - 0.5) * r).sum(-1)

    def gradient(self, f: Tensor, y: Tensor) -> Tensor:
        return (f - y) * self.curvature(f, y) - (self.level - 0.5)

    def root(self, f: Tensor, y: Tensor) -> Tensor:
        return self.curvature(f, y).sqrt()

    def curvature(self, f: Tensor, y: Tensor) -> Tensor:
        return 0.5 / ((f - y) ** 2 + self.corner**2).sqrt()


@dataclass(frozen=True)
class CrossEntropy:
    """Negative log-likelihood of classes: D logits (softmax), or one logit for two classes (logistic).

    y holds one-hot rows (or probabilities) for D > 1, and 0 or 1 for D = 1. Its Gauss-Newton matrix is the Fisher
    information (N. Schraudolph, 2002, doi:10.1162/08997660260028683).
    """

    name: str = "cross_entropy"
    dispersed: bool = False
    link: str = "logit"

    def rows(self, f: Tensor, y: Tensor) -> Tensor:
        if f.shape[-1] == 1:
            return torch.nn.functional.binary_cross_entropy_with_logits(f, y, reduction="none").sum(-1)
        return -(y * torch.log_softmax(f, -1)).sum(-1)

    def gradient(self, f: Tensor, y: Tensor) -> Tensor:
        if f.shape[-1] == 1:
            return torch.sigmoid(f) - y
        return torch.softmax(f, -1) * y.sum(-1, keepdim=True) - y

    def rows_and_gradient(self, f: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Both from one look at f."""
        if f.shape[-1] == 1:
            return self.rows(f, y), self.gradient(f, y)
        log_p = torch.log_softmax(f, -1)
        rows = (y * log_p).sum(-1).neg_()
        return rows, log_p.exp_().mul_(y.sum(-1, keepdim=True)).sub_(y)

    def root(self, f: Tensor, y: Tensor) -> Tensor:
        if f.shape[-1] == 1:
            p = torch.sigmoid(f)
            return (p * (1 - p)).clamp(min=1e-12).sqrt()
        # diag(p) - p p^T = R^T R with R = diag(sqrt p) - sqrt(p) p^T.
        p = torch.softmax(f, -1)
        root = p.sqrt()
        return torch.diag_embed(root) - root[:, :, None] * p[:, None, :]

    def curvature(self, f: Tensor, y: Tensor) -> Tensor:
        p = torch.sigmoid(f) if f.shape[-1] == 1 else torch.softmax(f, -1)
        return (p * (1 - p)).clamp(min=DECIDED)


@dataclass(frozen=True)
class LogMean:
    """Half the deviance of counts or amounts whose mean is exp(f) and whose variance goes with a power of the mean.

    Power 1 is Poisson's distribution, 2 the gamma, 3 the inverse Gaussian one; between 1 and 2 there are amounts of which
    some are zero. The curvature is the Fisher information (M. C. K. Tweedie, 1984; B. Jorgensen, "Exponential dispersion
    models", 1987, doi:10.1111/j.2517-6161.1987.tb01685.x).
    """

    power: float = 1.0
    name: str = "poisson"
    dispersed: bool = False
    link: str = "log"

    def rows(self, f: Tensor, y: Tensor) -> Tensor:
        f, p = f.clamp(-_FARTHEST, _FARTHEST), self.power
        if p == 1:
            return (torch.xlogy(y, y) - y * f - y + torch.exp(f)).sum(-1)
        if p == 2:
            return (f - torch.log(y) + y * torch.exp(-f) - 1).sum(-1)
        best = y ** (2 - p) / ((1 - p) * (2 - p))
        return (best - y * torch.exp((1 - p) * f) / (1 - p) + torch.exp((2 - p) * f) / (2 - p)).sum(-1)

    def gradient(self, f: Tensor, y: Tensor) -> Tensor:
        f = f.clamp(-_FARTHEST, _FARTHEST)
        return torch.exp((2 - self.power) * f) - y * torch.exp((1 - self.power) * f)

    def root(self, f: Tensor, y: Tensor) -> Tensor:
        return torch.exp((1 - self.power / 2) * f.clamp(-_FARTHEST, _FARTHEST))

    def curvature(self, f: Tensor, y: Tensor) -> Tensor:
        return torch.exp((2 - self.power) * f.clamp(-_FARTHEST, _FARTHEST))


@dataclass(frozen=True)
class NegativeBinomial:
    """Half the deviance of counts whose mean is m = exp(f) and whose variance is m + dispersion * m^2."""

    dispersion: float = 1.0
    name: str = "negative_binomial"
    dispersed: bool = False
    link: str = "log"

    def rows(self, f: Tensor, y: Tensor) -> Tensor:
        f, a = f.clamp(-_FARTHEST, _FARTHEST), self.dispersion
        more = torch.log1p(a * y) - torch.log1p(a * torch.exp(f))
        return (torch.xlogy(y, y) - y * f - (y + 1 / a) * more).sum(-1)

    def gradient(self, f: Tensor, y: Tensor) -> Tensor:
        mean = torch.exp(f.clamp(-_FARTHEST, _FARTHEST))
        return (mean - y) / (1 + self.dispersion * mean)

    def root(self, f: Tensor, y: Tensor) -> Tensor:
        return self.curvature(f, y).sqrt()

    def curvature(self, f: Tensor, y: Tensor) -> Tensor:
        mean = torch.exp(f.clamp(-_FARTHEST, _FARTHEST))
        return mean / (1 + self.dispersion * mean)


_PARTS = ("rows", "gradient", "root", "curvature")
# Powers of the mean that the variance goes with; that of "tweedie" is given.
_POWERS = {"poisson": 1.0, "gamma": 2.0, "inverse_gaussian": 3.0, "tweedie": 1.5}
LOG_LOSSES = (*_POWERS, "negative_binomial")
LOSSES = ("squared", "huber", "cross_entropy", *LOG_LOSSES)


def log_loss(name: str, power: float | None = None, dispersion: float = 1.0) -> Loss:
    """One of the losses of counts and amounts by its name; `power` is that of "tweedie"."""
    if name == "negative_binomial":
        return NegativeBinomial(dispersion)
    if name == "tweedie" and power is not None:
        check_float(power, "power", low=1.0, high=2.0, closed=False)
        return LogMean(power, name, dispersed=True)
    return LogMean(_POWERS[name], name, dispersed=name != "poisson")


def variance_power(name: str, power: float | None = None) -> float:
    """The power of the mean that the variance goes with where means are small."""
    made = log_loss(name, power)
    return made.power if isinstance(made, LogMean) else 1.0


def make_loss(loss: str | Loss) -> Loss:
    """A loss by name, or the given one."""
    if not isinstance(loss, str) and all(callable(getattr(loss, part, None)) for part in _PARTS):
        return loss
    name = check_choice(loss, "loss", LOSSES)
    if name in LOG_LOSSES:
        return log_loss(name)
    return {"squared": Squared, "huber": Huber, "cross_entropy": CrossEntropy}[name]()


def in_units_of_y(loss: Loss) -> bool:
    """Whether outputs are in units of y, which the target is then scaled to."""
    return loss.link == "identity"


def squared_residuals(loss: Loss, f: Tensor, y: Tensor) -> Tensor:
    """Squared residuals (n, D) in units of what the likelihood expects of them: their mean is the noise level.

    For losses with a link these are Pearson's, the squared gradient by the curvature.
    """
    bend = loss.curvature(f, y)
    if isinstance(loss, Quantile):
        # Far from the median errors are large on one side, which says little of how much the quantile is pulled about: the
        # standard deviation of that pull goes with the root of level * (1 - level).
        return (f - y) ** 2 * bend * (2 * math.sqrt(loss.level * (1 - loss.level)))
    if in_units_of_y(loss):
        return (f - y) ** 2 * bend
    return loss.gradient(f, y) ** 2 / bend.clamp(min=1e-300)


def negligible_gain(loss: Loss) -> float:
    """A gain in loss that makes no difference: of a target with a spread of its own, or of classes; none is for rates, which
    may be as small as they like."""
    return {"identity": _NEGLIGIBLE, "log": 0.0}.get(loss.link, _NEGLIGIBLE_NATS)


def rows_and_gradient(loss: Loss, f: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of each row and its gradient in f."""
    if isinstance(loss, CrossEntropy):
        return loss.rows_and_gradient(f, y)
    return loss.rows(f, y), loss.gradient(f, y)


def check_target(loss: Loss, y: Tensor, outputs: int) -> Tensor:
    """Targets in the form the loss takes, shape (n, D); class numbers become one-hot rows."""
    if loss.name == "cross_entropy" and outputs > 1 and y.shape[1] == 1:
        whole = y[:, 0].round()
        good = (whole == y[:, 0]) & (whole >= 0) & (whole < outputs)
        if not bool(good.all()):
            raise InputError(
                argument="y",
                expected=f"hold class numbers 0 to {outputs - 1} for loss='cross_entropy'",
                got=f"{float(y[~good][0, 0]):g}",
            )
        return torch.nn.functional.one_hot(whole.long(), outputs).to(y.dtype)
    if y.shape[1] != outputs:
        raise InputError(
            argument="y",
            expected=f"have {plural(outputs, 'column')}, one for each output of the network",
            got=y.shape[1],
        )
    if loss.name == "cross_entropy" and (bool((y < 0).any()) or bool((y > 1).any())):
        raise InputError(
            argument="y",
            expected="lie in [0, 1] for loss='cross_entropy' (one class probability a column)",
            got=f"{float(y[(y < 0) | (y > 1)][0]):g}",
        )
    if loss.name in LOG_LOSSES:
        check_means(loss.name, y)
    return y


def check_means(name: str, y: Tensor) -> None:
    """Refuse targets that a loss of counts or amounts cannot have.

    Raises
    ------
    InputError
        If a target is negative, or zero where the distribution has none.
    """
    above = _POWERS.get(name, 1.0) >= 2
    if bool(((y <= 0) if above else (y < 0)).any()):
        expected = "hold numbers above 0" if above else "hold counts or amounts, 0 or more,"
        advice = "'tweedie' takes zeros" if above and bool((y == 0).any()) else ""
        raise InputError(
            argument="y", expected=f"{expected} for loss={name!r}", got=f"{float(y.min()):g}", advice=advice
        )
