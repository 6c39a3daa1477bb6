"""Grids for measured tables: breaks where the rows are, whatever the tails and however often one value occurs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from edgewise._core.checks import check_int
from edgewise.splines.grids import MOST_INTERVALS, breaks_between, data_range

# Rounds in which the share of one value is cut; each leaves less to cut.
ROUNDS = 20


def mass_grid(x: Tensor, intervals: int, blend: float = 0.02) -> Tensor:
    """Breaks at quantiles of the rows in which no single value takes up more than one interval.

    Between `quantile_grid`, which counts a value once however often it occurs, and plain quantiles, which spend every break
    on the zeros of a column that is mostly zero.

    Parameters
    ----------
    x : Tensor, shape (N, I)
        Data; repeated values and constant columns are allowed.
    intervals : int
        Number of intervals G.
    blend : float
        Share of equal intervals mixed in.

    Returns
    -------
    Tensor, shape (I, G + 1)

    Examples
    --------
    >>> x = torch.cat([torch.zeros(90), torch.arange(1.0, 11.0)])[:, None]
    >>> [round(v, 1) for v in mass_grid(x, 4, blend=0.0)[0].tolist()]
    [0.0, 1.6, 4.4, 7.2, 10.0]
    """
    check_int(intervals, "intervals", low=1, high=MOST_INTERVALS)
    x = x.detach().to(torch.float64)
    low, high = data_range(x)
    steps = torch.linspace(0.0, 1.0, intervals + 1, dtype=torch.float64, device=x.device)
    counted = [torch.unique(column, return_counts=True) for column in x.T]
    inner = torch.stack([_capped_quantiles(values, rows, steps) for values, rows in counted])
    return breaks_between(inner, low, high, blend)


def mass_grid_of(masses: Sequence[tuple[Tensor, Tensor]], intervals: int, blend: float = 0.02) -> Tensor:
    """The same of columns of which the distinct values, rising, and the rows of each are known: shape (I, G + 1).

    Examples
    --------
    >>> x = torch.cat([torch.zeros(90), torch.arange(1.0, 11.0)])[:, None]
    >>> torch.equal(mass_grid_of([torch.unique(x, return_counts=True)], 4), mass_grid(x, 4))
    True
    """
    check_int(intervals, "intervals", low=1, high=MOST_INTERVALS)
    steps = torch.linspace(0.0, 1.0, intervals + 1, dtype=torch.float64)
    ends = [data_range(values[[0, -1]].to(torch.float64)[:, None]) for values, _ in masses]
    low, high = (torch.cat(end) for end in zip(*ends, strict=True))
    inner = torch.stack([_capped_quantiles(values.to(torch.float64), rows, steps) for values, rows in masses])
    return breaks_between(inner, low, high, blend)


def _capped_quantiles(values: Tensor, counts: Tensor, steps: Tensor) -> Tensor:
    if len(values) == 1:
        return values.expand(len(steps))
    mass = counts.to(torch.float64)
    for _ in range(ROUNDS):
        mass = mass.clamp(max=float(mass.sum()) / (len(steps) - 1))
    middle = mass.cumsum(0) - 0.5 * mass
    middle = (middle - middle[0]) / (middle[-1] - middle[0])
    right = torch.searchsorted(middle, steps).clamp(1, len(middle) - 1)
    share = (steps - middle[right - 1]) / (middle[right] - middle[right - 1])
    return values[right - 1] + share.clamp(0, 1) * (values[right] - values[right - 1])
