"""The order of the levels of a column of words: by their shrunken means of the target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats

# So many levels may be put in order whatever the noise: a function of so few distinguishes them one by one.
FEW = 10
# Standard errors within which levels of a longer column are taken for alike.
ALIKE = 2.0


def order_levels(
    codes: NDArray[Any], targets: Floats, weight: Floats, labels: Sequence[str]
) -> NDArray[np.int64]:
    """Places of the levels in order of what they do to the target.

    Several targets (classes, say) are brought to one number a level by the first principal component of the level
    means, weighted by the levels' sizes. Levels that the data cannot distinguish stand in alphabetical order: an order
    made of noise would be learned as if it were knowledge, and the more so the more levels there are.

    Parameters
    ----------
    codes : array of int, shape (n,)
    targets : array of shape (n, k)
    weight : array of shape (n,)
    labels : sequence of str
        One for each code.
    """
    size = np.bincount(codes, weights=weight, minlength=len(labels))
    scaled = _standardised(targets, weight)
    means = shrunken_means(codes, scaled, weight, len(labels))
    centred = means - (size @ means) / max(size.sum(), np.finfo(float).tiny)
    _, _, directions = np.linalg.svd(np.sqrt(size)[:, None] * centred, full_matrices=False)
    direction = directions[0] * (1.0 if directions[0].sum() >= 0 else -1.0)
    value = np.round(centred @ direction, 12)
    if len(labels) > FEW:
        step = ALIKE * _uncertainty(codes, scaled @ direction, weight, size)
        value = np.round(value / step) if step > 0 else value
    return np.array(sorted(range(len(labels)), key=lambda k: (value[k], labels[k])), dtype=np.int64)


def shrunken_means(codes: NDArray[Any], targets: Floats, weight: Floats, n_levels: int) -> Floats:
    """Means of the targets by level, (levels, k), each drawn to the mean of all by as much as noise accounts for.

    The spread among levels beyond what noise explains is estimated by moments (R. DerSimonian and N. Laird, 1986,
    doi:10.1016/0197-2456(86)90046-2); a level of size n then keeps n / (n + noise / spread) of its deviation.
    """
    size = np.bincount(codes, weights=weight, minlength=n_levels)
    out = np.empty((n_levels, targets.shape[1]))
    for j, target in enumerate(targets.T):
        mean, centre, noise, spread = _components(codes, target, weight, size)
        if spread <= 1e-12 * (noise + spread):
            out[:, j] = centre
        else:
            out[:, j] = centre + (mean - centre) * size / (size + noise / spread)
    return out


def _components(
    codes: NDArray[Any], target: Floats, weight: Floats, size: NDArray[Any]
) -> tuple[Floats, float, float, float]:
    """Means by level, the mean of all, and the variances within levels and among them."""
    total = float(size.sum())
    mean = np.bincount(codes, weights=weight * target, minlength=len(size)) / np.maximum(
        size, np.finfo(float).tiny
    )
    centre = float(size @ mean) / total
    noise = float(weight @ (target - mean[codes]) ** 2) / max(total - len(size), 1.0)
    between = float(size @ (mean - centre) ** 2) - (len(size) - 1) * noise
    share = total - float((size**2).sum()) / total
    return mean, centre, noise, max(between, 0.0) / share if share > 0 else 0.0


def _uncertainty(codes: NDArray[Any], target: Floats, weight: Floats, size: NDArray[Any]) -> float:
    """Standard deviation of what a typical level does, given the rows; 0 where no level is distinguished from another."""
    _, _, noise, spread = _components(codes, target, weight, size)
    if spread <= 1e-12 * (noise + spread):
        return 0.0
    own = noise / np.maximum(size, np.finfo(float).tiny)
    return float(np.median(np.sqrt(spread * own / (spread + own))))


def _standardised(targets: Floats, weight: Floats) -> Floats:
    """Targets of unit spread, whatever their size."""
    size = np.abs(targets).max(axis=0)
    scaled = targets / np.where(size > 0, size, 1.0)
    total = weight.sum()
    mean = weight @ scaled / total
    spread = np.sqrt(weight @ (scaled - mean) ** 2 / total)
    return (scaled - mean) / np.where(spread > 0, spread, 1.0)
