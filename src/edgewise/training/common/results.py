"""What training returns when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.plain import fields, plain
from edgewise._core.stopping import StopReason
from edgewise.network import KAN
from edgewise.training.common.losses import LOG_LOSSES
from edgewise.training.common.records import Record


@dataclass(frozen=True, eq=False)
class FitResult:
    """A trained network and how it came about.

    Attributes
    ----------
    network : KAN
        The best network found; the one passed to `fit` is untouched.
    history : tuple of Record
    method : str
        "lm", "lbfgs" or "adam".
    stop_reason : StopReason
        Why training ended; its `advice` names what may help.
    seconds : float
    train_error, validation_error : float
        Root mean square error in the units of y for squared and Huber loss, mean loss per row otherwise. The latter was
        taken before the held-out rows were given back for the refit; without such rows it is None.
    resolved : bool
        True when finer grids lowered the error so steeply that what is left is the grid's and not noise: the table
        looks free of noise.
    events : tuple of str
        Recoveries from divergence and other things that should not pass in silence.
    loss : str
        What the outputs of the network mean: log-odds or logits for "cross_entropy", logarithms of rates for "poisson",
        numbers in units of y for others. `predict` answers on the scale of y.
    """

    network: KAN
    history: tuple[Record, ...]
    method: str
    stop_reason: StopReason
    seconds: float
    train_error: float
    validation_error: float | None
    resolved: bool = False
    events: tuple[str, ...] = field(default=())
    loss: str = "squared"

    def __repr__(self) -> str:
        held = "" if self.validation_error is None else f", validation_error={self.validation_error:.4g}"
        return (
            f"FitResult({self.method!r}, shape={list(self.network.shape)}, steps={len(self.history)}, "
            f"train_error={self.train_error:.4g}{held}, {self.stop_reason})"
        )

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predictions on the scale of y, shape (n, outputs): numbers, rates for "poisson", chances for "cross_entropy".

        Parameters
        ----------
        X : matrix, list or data frame, shape (n, inputs)
        """
        outputs = torch.from_numpy(self.network.predict(X))
        if self.loss in LOG_LOSSES:
            outputs = outputs.exp()
        elif self.loss == "cross_entropy":
            outputs = outputs.sigmoid() if outputs.shape[1] == 1 else outputs.softmax(1)
        return outputs.numpy()

    @property
    def message(self) -> str:
        """Why training ended, in a sentence."""
        return self.stop_reason.advice

    def to_dict(self) -> dict[str, Any]:
        """Everything but the network, for JSON."""
        names = (
            "method",
            "train_error",
            "validation_error",
            "resolved",
            "events",
            "message",
            "stop_reason",
            "seconds",
        )
        return {**fields(self, *names), "history": [plain(vars(record)) for record in self.history]}


@dataclass(frozen=True, eq=False)
class TableFit:
    """A network trained on a table, and how.

    Attributes
    ----------
    network : KAN
        The mean of all members as one network; for classes its outputs are calibrated logits.
    history : tuple of Record
        Errors here are root mean square errors in units of y, or mean losses; `validation` is out of bag.
    message : str
        Which mode was chosen and why.
    stop_reason : StopReason
        Why training ended.
    seconds : float or None
        None of a model read from a file, which is the same however long its fit took.
    mode : "additive", "pairwise" or "deep"
    members : int
    validation_error : float or None
        Out-of-bag error: of rows by members that have not learned from them.
    events : tuple of str
    held : Tensor, shape (h,)
        Numbers of the rows with out-of-bag outputs.
    out_of_bag : Tensor, shape (h, outputs)
        These outputs, in units of y or as calibrated logits.
    pairs : tuple of (int, int)
        Pairs of inputs that a pairwise network joins.
    compared : tuple of (str, float)
        Out-of-bag error of every mode that was tried.
    curve : str
        What the output's last edge does to the sum of columns and pairs: "square", or "" where there is none. With one,
        errors in `history` are those of the sum.
    """

    network: KAN
    history: tuple[Record, ...]
    message: str
    stop_reason: StopReason
    seconds: float | None
    mode: str
    members: int
    validation_error: float | None
    events: tuple[str, ...] = field(default=())
    held: Tensor | None = None
    out_of_bag: Tensor | None = None
    pairs: tuple[tuple[int, int], ...] = ()
    compared: tuple[tuple[str, float], ...] = ()
    curve: str = ""

    def __repr__(self) -> str:
        held = "" if self.validation_error is None else f", validation_error={self.validation_error:.4g}"
        return f"TableFit({self.mode!r}, shape={list(self.network.shape)}, members={self.members}{held}, {self.stop_reason})"

    def to_dict(self) -> dict[str, Any]:
        """Everything but the network and its outputs, for JSON."""
        names = (
            "mode",
            "members",
            "validation_error",
            "pairs",
            "compared",
            "curve",
            "events",
            "message",
            "stop_reason",
            "seconds",
        )
        return {**fields(self, *names), "history": [plain(vars(record)) for record in self.history]}
