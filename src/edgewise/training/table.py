"""fit_table: from an encoded table to one network, with everything but the table left to us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from edgewise.network import KAN
from edgewise.training.fit import fit
from edgewise.training.results import Callback, Record

MODES = ("auto", "additive", "pairwise", "deep")
LOSSES = {"squared": "squared", "logistic": "cross_entropy", "cross_entropy": "cross_entropy"}


@dataclass(frozen=True, eq=False)
class TableFit:
    """A network trained on a table, and how."""

    network: KAN
    history: tuple[Record, ...]
    message: str
    seconds: float
    mode: str
    members: int
    validation_error: float | None
    events: tuple[str, ...] = field(default=())


def fit_table(
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    weight: Any = None,
    levels: Sequence[int] | None = None,
    mode: str = "auto",
    members: str | int = "auto",
    hidden: int | None = None,
    names: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    seconds: float = 30.0,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
) -> TableFit:
    """Train a network on an encoded table."""
    width = 1 if len(y.shape) == 1 else y.shape[1]
    if loss == "cross_entropy":
        width = int(y.max()) + 1 if len(y.shape) == 1 else width
    shape = [X.shape[1], width] if mode == "additive" else [X.shape[1], hidden or 8, width]
    net = KAN(shape, input_names=names, output_names=outputs, seed=seed, dtype=torch.float64)
    result = fit(
        net,
        X,
        y,
        loss=LOSSES[loss],
        sample_weight=weight,
        sparsity="auto",
        seconds=seconds,
        seed=seed,
        callbacks=callbacks,
    )
    return TableFit(
        network=result.network,
        history=result.history,
        message=result.message,
        seconds=result.seconds,
        mode="additive" if mode == "additive" else "deep",
        members=1,
        validation_error=result.validation_error,
        events=result.events,
    )
