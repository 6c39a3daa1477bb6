"""Which columns of a very wide table to keep, judged one by one before the network is trained."""

from __future__ import annotations

import warnings

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.data import Encoding

# Rows that columns of a wide table are judged by, one by one; where columns have to go, no more stay than there are rows,
# but these at least.
_SCREENING_ROWS, _FEWEST_KEPT = 20_000, 20


class ScreeningWarning(UserWarning):
    """Columns were left out before training because there were too many to learn from together."""


def screened(
    encoding: Encoding, inputs: Floats, targets: Floats, most: int, of: str
) -> tuple[Encoding, tuple[str, ...]]:
    """The encoding without the columns to leave out, and their names; a warning names them."""
    left_out = screened_out(encoding, inputs, targets, most)
    if not left_out:
        return encoding, left_out
    warnings.warn(
        f"{of} keeps the {len(encoding.columns) - len(left_out):,} of {len(encoding.columns):,} columns that explain most "
        "one by one; raise max_inputs to keep more, or choose columns first.",
        ScreeningWarning,
        stacklevel=6,
    )
    return encoding.without(left_out, "screened out: others explain more"), left_out


def screened_out(encoding: Encoding, inputs: Floats, targets: Floats, most: int) -> tuple[str, ...]:
    """Names of the columns to leave out: all but those that by themselves explain most.

    A column's worth is the share of the variance of the target that a parabola in each of its inputs explains (the
    largest of its inputs and of the targets).

    Parameters
    ----------
    encoding : Encoding
    inputs : array of shape (n, inputs)
        What `encoding` makes of the training rows.
    targets : array of shape (n, k)
    most : int
        How many inputs to keep; fewer where there are fewer rows.
    """
    if inputs.shape[1] <= most:
        return ()
    most = min(most, max(_FEWEST_KEPT, len(inputs)))
    worth = _explained(inputs[:_SCREENING_ROWS], targets[:_SCREENING_ROWS])
    sources = np.asarray(encoding.sources)
    by_column = {int(k): 0.0 for k in sources}
    for k, value in zip(sources.tolist(), worth.tolist(), strict=True):
        by_column[k] = max(by_column[k], value)
    width = np.bincount(sources)
    kept, total = set[int](), 0
    for k in sorted(by_column, key=lambda k: (-by_column[k], k)):
        if total + width[k] > most:
            break
        kept.add(k)
        total += int(width[k])
    return tuple(encoding.columns[k].name for k in by_column if k not in kept)


def _explained(inputs: Floats, targets: Floats) -> Floats:
    """Share of variance explained by x and x^2, for each input the largest over the targets."""
    first = _unit(inputs)
    second = _unit(first**2)
    # What the square adds to the line: its part at right angles to x.
    second = _unit(second - first * (first * second).sum(axis=0))
    y = _unit(targets)
    return ((first.T @ y) ** 2 + (second.T @ y) ** 2).max(axis=1)


def _unit(x: Floats) -> Floats:
    """Columns centred and of length one; columns without spread become zero."""
    size = np.maximum(np.abs(x).max(axis=0), np.finfo(float).tiny)
    centred = x / size
    centred = centred - centred.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    return centred / np.where(length > 1e-9 * np.sqrt(len(x)), length, np.inf)
