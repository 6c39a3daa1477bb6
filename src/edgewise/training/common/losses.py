"""Losses with the derivatives that second-order training needs.

A loss is a mean over rows of l(f, y), f the network's outputs in network units. Levenberg-Marquardt asks for its gradient
in f and for a root R of its (generalised Gauss-Newton) Hessian in f, R^T R = l''.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from edgewise._core.checks import check_choice, plural
from edgewise._core.errors import InputError

# Below this curvature a row of a logistic loss is as good as decided.
DECIDED = 1e-5
# Gains in loss that make no difference to a reader: of targets of unit variance, and of classes, in nats.
_NEGLIGIBLE, _NEGLIGIBLE_NATS = 5e-5, 1e-4


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
class Poisson:
    """Negative log-likelihood of counts with log link: exp(f) - y f, up to a constant."""

    name: str = "poisson"
    dispersed: bool = False

    def rows(self, f: Tensor, y: Tensor) -> Tensor:
        return (torch.exp(f) - y * f + torch.lgamma(y + 1)).sum(-1)

    def gradient(self, f: Tensor, y: Tensor) -> Tensor:
        return torch.exp(f) - y

    def root(self, f: Tensor, y: Tensor) -> Tensor:
        return torch.exp(0.5 * f)

    def curvature(self, f: Tensor, y: Tensor) -> Tensor:
        return torch.exp(f)


_PARTS = ("rows", "gradient", "root", "curvature")
LOSSES = ("squared", "huber", "cross_entropy", "poisson")


def make_loss(loss: str | Loss) -> Loss:
    """A loss by name, or the given one."""
    if not isinstance(loss, str) and all(callable(getattr(loss, part, None)) for part in _PARTS):
        return loss
    name = check_choice(loss, "loss", LOSSES)
    return {"squared": Squared, "huber": Huber, "cross_entropy": CrossEntropy, "poisson": Poisson}[name]()


def negligible_gain(loss: Loss) -> float:
    """A gain in loss that makes no difference: of a target with a spread of its own, or of classes."""
    return _NEGLIGIBLE if loss.dispersed else _NEGLIGIBLE_NATS


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
    if loss.name == "poisson" and bool((y < 0).any()):
        raise InputError(
            argument="y", expected="hold counts, 0 or more, for loss='poisson'", got=f"{float(y.min()):g}"
        )
    return y
