"""Grids: where the knots of an input stand.

A *grid* is a strictly increasing row of breaks for each input, shape (I, G + 1): G intervals. The knots a B-spline needs
beyond both ends repeat the width of the end interval, so the breaks alone determine the spline space.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from edgewise._core.checks import check_float, check_int
from edgewise._core.errors import InputError
from edgewise.splines.basis import check_finite

# An interval keeps at least this share of the width of equal ones. Less would not survive a conversion to float32.
MIN_SHARE = 1e-3
# A column whose range is a smaller share than this of its size counts as constant: float64 cannot hold a grid there.
FLAT = 1e-10
# More intervals than that are a slip of the pen: no table is that fine, and no memory that large.
MOST_INTERVALS = 10_000
# Rounds in which the share of one value is cut; each leaves less to cut.
ROUNDS = 20
# Share of equal intervals in grids by mass, so that none is too narrow to fit a function on.
_EVEN = 0.02


def uniform_grid(
    low: Tensor | float, high: Tensor | float, intervals: int, n_inputs: int | None = None
) -> Tensor:
    """Equal intervals between `low` and `high`.

    Parameters
    ----------
    low, high : float or Tensor, shape (I,)
        Ends of the grid; `low < high` for every input.
    intervals : int
        Number of intervals G, at least 1.
    n_inputs : int, optional
        Repeat scalar ends for this many inputs (default 1).

    Returns
    -------
    Tensor, shape (I, G + 1)

    Examples
    --------
    >>> uniform_grid(-1.0, 1.0, 4)
    tensor([[-1.0000, -0.5000,  0.0000,  0.5000,  1.0000]], dtype=torch.float64)
    """
    check_int(intervals, "intervals", low=1, high=MOST_INTERVALS)
    low = torch.as_tensor(low, dtype=torch.float64).reshape(-1)
    high = torch.as_tensor(high, dtype=torch.float64).reshape(-1)
    if n_inputs is not None:
        low, high = low.expand(n_inputs), high.expand(n_inputs)
    if not bool((low < high).all()):
        bad = int((~(low < high)).nonzero()[0][0])
        ends = f"{float(low.expand(bad + 1)[bad]):g} and {float(high.expand(bad + 1)[bad]):g}"
        raise InputError(
            subject="The 'low' end of a grid",
            expected="be below its 'high' end",
            got=f"{ends} for input {bad}",
        )
    steps = torch.linspace(0.0, 1.0, intervals + 1, dtype=torch.float64, device=low.device)
    breaks = low[:, None] * (1 - steps) + high[:, None] * steps
    check_breaks(breaks)
    return breaks


def quantile_grid(
    x: Tensor, intervals: int, blend: float = 0.0, low: Tensor | None = None, high: Tensor | None = None
) -> Tensor:
    """Breaks at the quantiles of the data, so that every interval holds about as many distinct values.

    A value counts once however often it occurs, so repeated values never pile up breaks. No interval is narrower than a
    thousandth of an equal one, however heavy the tails.

    Parameters
    ----------
    x : Tensor, shape (N, I)
        Data; any N >= 1. Repeated values and constant columns are allowed.
    intervals : int
        Number of intervals G.
    blend : float
        0 gives quantiles, 1 gives equal intervals, between them a mixture of both.
    low, high : Tensor, shape (I,), optional
        Ends of the grid; by default the data's range.

    Returns
    -------
    Tensor, shape (I, G + 1)

    Examples
    --------
    >>> quantile_grid(torch.tensor([[0.0], [1.0], [2.0], [10.0], [20.0]]), 2)
    tensor([[ 0.,  2., 20.]], dtype=torch.float64)
    """
    check_int(intervals, "intervals", low=1, high=MOST_INTERVALS)
    check_float(blend, "blend", low=0.0, high=1.0)
    x = x.detach().to(torch.float64)
    first, last = data_range(x)
    steps = torch.linspace(0.0, 1.0, intervals + 1, dtype=torch.float64, device=x.device)
    inner = torch.stack([_quantiles(torch.unique(column), steps) for column in x.T])
    return breaks_between(
        inner, first if low is None else low.to(x), last if high is None else high.to(x), blend
    )


def curvature_grid(
    points: Tensor, curvature: Tensor, intervals: int, degree: int = 3, blend: float = 0.3
) -> Tensor:
    """Breaks where the function bends, equidistributing the error of a spline of `degree`.

    The local error of a degree-k spline on an interval of width h is about ``h^(k+1) |f^(k+1)|``; it is the same everywhere
    when the density of breaks is proportional to ``|f^(k+1)|^(1/(k+1))``.

    Parameters
    ----------
    points : Tensor, shape (I, S)
        Increasing sample points of each input.
    curvature : Tensor, shape (I, S)
        Size of the (k+1)-th derivative (or of any finite-difference stand-in) at the points; non-negative.
    intervals : int
        Number of intervals G.
    degree : int
        Degree k of the spline.
    blend : float
        Share of equal intervals mixed in, so that no interval grows without bound.

    Returns
    -------
    Tensor, shape (I, G + 1)

    References
    ----------
    C. de Boor, "Good approximation by splines with variable knots", 1973, doi:10.1007/978-3-0348-5979-0_3.

    Examples
    --------
    >>> s = torch.linspace(0, 1, 101, dtype=torch.float64)[None]
    >>> breaks = curvature_grid(s, torch.exp(8 * s), 4)
    >>> bool((breaks[0].diff()[:-1] > breaks[0].diff()[1:]).all())
    True
    """
    check_int(intervals, "intervals", low=1, high=MOST_INTERVALS)
    check_float(blend, "blend", low=0.0, high=1.0)
    points, curvature = points.detach().to(torch.float64), curvature.detach().to(torch.float64).abs()
    curvature = torch.where(curvature.isfinite(), curvature, torch.zeros_like(curvature))
    density = curvature ** (1.0 / (degree + 1))
    area = (density[:, 1:] + density[:, :-1]) / 2 * points.diff(dim=1)
    total = area.sum(1, keepdim=True)
    even = points.diff(dim=1)
    area = torch.where(total > 0, area, even)
    cumulative = torch.cat([torch.zeros_like(total), area.cumsum(1)], 1)
    cumulative = cumulative / cumulative[:, -1:]
    steps = torch.linspace(0.0, 1.0, intervals + 1, dtype=torch.float64, device=points.device)
    inner = torch.stack([_interpolate(steps, c, p) for c, p in zip(cumulative, points, strict=True)])
    return breaks_between(inner, points[:, 0], points[:, -1], blend)


def data_range(x: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest value of each column, widened to a unit interval where a column is constant."""
    if x.ndim != 2 or len(x) == 0:
        raise InputError(
            subject="The data of a grid",
            expected="have shape (rows, inputs) with at least one row",
            got=tuple(x.shape),
        )
    if not bool(x.isfinite().all()):
        raise InputError(
            subject="The data of a grid",
            expected="be finite",
            got="NaN or infinity",
            advice="drop those rows first",
        )
    low, high = x.min(0).values, x.max(0).values
    scale = torch.maximum(low.abs(), high.abs())
    # Below the root of the smallest float a second derivative has no finite size.
    flat = high - low <= FLAT * scale + torch.finfo(torch.float64).tiny ** 0.5
    pad = torch.where(flat, torch.clamp(0.5 * scale, min=0.5), torch.zeros_like(low))
    most = torch.finfo(low.dtype).max
    return (low - pad).clamp(min=-most), (high + pad).clamp(max=most)


def check_breaks(breaks: Tensor) -> None:
    """Refuse breaks that are not a finite, strictly increasing (I, G + 1) table."""
    if breaks.ndim != 2 or breaks.shape[1] < 2:
        raise InputError(
            argument="breaks", expected="have shape (inputs, intervals + 1)", got=tuple(breaks.shape)
        )
    if torch.compiler.is_compiling():
        return  # a question about values would split the compiled graph
    check_finite(breaks, "breaks")
    if not bool((breaks.diff(dim=1) > 0).all()):
        bad = int((breaks.diff(dim=1) <= 0).any(1).nonzero()[0])
        raise InputError(
            argument="breaks",
            expected="strictly increase",
            got=f"equal or falling ones of input {bad}",
            advice="merge repeated breaks",
        )


def breaks_between(inner: Tensor, low: Tensor, high: Tensor, blend: float) -> Tensor:
    """Pin the ends, mix in equal intervals, and push repeated breaks apart."""
    intervals = inner.shape[1] - 1
    even = uniform_grid(low, high, intervals)
    span = (high - low)[:, None]
    inner = torch.minimum(torch.maximum(inner, low[:, None]), high[:, None])
    breaks = (1 - blend) * inner + blend * even
    # A share of equal spacing where breaks (nearly) coincide: strictly increasing whatever the data.
    tight = (breaks.diff(dim=1) < MIN_SHARE * span / intervals).any(1, keepdim=True)
    breaks = torch.where(tight, (1 - MIN_SHARE) * breaks + MIN_SHARE * even, breaks)
    breaks[:, 0], breaks[:, -1] = low, high
    check_breaks(breaks)
    return breaks


def _quantiles(values: Tensor, steps: Tensor) -> Tensor:
    """Quantiles of increasing values, linear between them."""
    position = steps * (len(values) - 1)
    below = position.floor().long().clamp(max=max(len(values) - 2, 0))
    above = (below + 1).clamp(max=len(values) - 1)
    return torch.lerp(values[below], values[above], position - below)


def _interpolate(at: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """Piecewise linear interpolation of increasing xs; flat runs of xs give their first y."""
    index = torch.searchsorted(xs.contiguous(), at.contiguous()).clamp(1, len(xs) - 1)
    width = (xs[index] - xs[index - 1]).clamp(min=torch.finfo(xs.dtype).tiny)
    share = ((at - xs[index - 1]) / width).clamp(0, 1)
    return ys[index - 1] + share * (ys[index] - ys[index - 1])


def mass_grid(x: Tensor, intervals: int) -> Tensor:
    """Breaks at quantiles of the rows in which no single value takes up more than one interval.

    Between `quantile_grid`, which counts a value once however often it occurs, and plain quantiles, which spend every break
    on the zeros of a column that is mostly zero.

    Parameters
    ----------
    x : Tensor, shape (N, I)
        Data; repeated values and constant columns are allowed.
    intervals : int
        Number of intervals G.

    Returns
    -------
    Tensor, shape (I, G + 1)

    Examples
    --------
    >>> x = torch.cat([torch.zeros(90), torch.arange(1.0, 11.0)])[:, None]
    >>> [round(v, 1) for v in mass_grid(x, 4)[0].tolist()]
    [0.0, 1.6, 4.4, 7.2, 10.0]
    """
    check_int(intervals, "intervals", low=1, high=MOST_INTERVALS)
    x = x.detach().to(torch.float64)
    low, high = data_range(x)
    steps = torch.linspace(0.0, 1.0, intervals + 1, dtype=torch.float64, device=x.device)
    counted = [torch.unique(column, return_counts=True) for column in x.T]
    inner = torch.stack([_capped_quantiles(values, rows, steps) for values, rows in counted])
    return breaks_between(inner, low, high, _EVEN)


def mass_grid_of(masses: Sequence[tuple[Tensor, Tensor]], intervals: int) -> Tensor:
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
    return breaks_between(inner, low, high, _EVEN)


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
