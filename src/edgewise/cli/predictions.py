"""A table with a network's predictions beside it."""

from __future__ import annotations

import numpy as np
import torch

from edgewise._core import InputError
from edgewise.cli.predict import OUTSIDE
from edgewise.data import Table
from edgewise.network import KAN


def with_predictions(network: KAN, table: Table) -> tuple[Table, int]:
    """The table with a column for each output and a flag for extrapolation, and how many rows are flagged."""
    X = table.matrix(network.input_names)
    predicted = network.predict(X)
    outside = network.outside(torch.from_numpy(X).to(network.dtype)).any(dim=1).numpy()
    columns = dict(table.columns)
    fresh = {f"{name}_predicted": predicted[:, k] for k, name in enumerate(network.output_names)}
    fresh[OUTSIDE] = np.where(outside, "true", "false").astype(object)
    if taken := [name for name in fresh if name in columns]:
        raise InputError(
            f"{table.source} must not have a column {taken[0]!r} yet, for the predictions go there. Got one instead; "
            "rename or remove it."
        )
    return Table({**columns, **fresh}, table.source), int(outside.sum())
