"""One more edge behind a network: a square or an exponential, so that causes which multiply need no pairs, or a line that
ends in a range.

Counts and amounts grow in proportion: so many for the hour, times so many for the weather. No sum of few columns says so,
but their root is nearly one. Whether to fit the root is seen from what a plain sum leaves over, and settled by out-of-bag
rows in units of the target.

The edge of a range is a piecewise line on breaks at its ends, so a network's output inside of it stays as it was to
rounding, and beyond the ends it goes on flat, for every row there is. None of these edges
ever falls: what is monotone stays so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise._core.checks import UNREADABLE, short
from edgewise._core.errors import InputError
from edgewise.network import KAN
from edgewise.network.spec import LayerSpec, Nodes
from edgewise.network.state import LayerState, put_together, take_apart
from edgewise.splines import BSpline
from edgewise.training.additive.shape_constraints import MARGIN
from edgewise.training.bag.out_of_bag import OutOfBag
from edgewise.training.bag.run import TableProblem
from edgewise.training.common.losses import Loss

DEGREE = 2
# The edge is a square up to so many times the largest root there is, and goes on as a line beyond.
_REACH = 2.0
# Knots of the exponential, which it meets to eight digits between them, and how far it reaches beyond its range.
_STEP, _BEYOND = 0.05, 2.0
Range = tuple[float, float]


def bends_upwards(fitted: OutOfBag, problem: TableProblem, errors: float) -> bool:
    """Whether a sum (h, 1) of held rows leaves more over where it is far from its mean, by so many standard errors.

    References
    ----------
    J. W. Tukey, "One degree of freedom for non-additivity", 1949, doi:10.2307/3001938.
    """
    f, y = fitted.outputs[:, 0], problem.rows.y[problem.held, 0]
    weight = problem.rows.weight[problem.held]
    weight = weight / weight.sum()
    away = (f - f @ weight).square()
    away = away - away @ weight
    rest = y - f
    pull = away * (rest - rest @ weight) * weight
    return float(pull.sum()) > errors * float(pull.square().sum().sqrt())


@dataclass(frozen=True, eq=False)
class Root:
    """A problem whose target is the root of another's.

    Attributes
    ----------
    problem : TableProblem
    shift, scale : Tensor, shape (1,)
        root = shift + scale * target.
    plain : TableProblem
        The other, of the target itself.
    plain_shift, plain_scale : Tensor, shape (1,)
        Of that target.
    """

    problem: TableProblem
    shift: Tensor
    scale: Tensor
    plain: TableProblem
    plain_shift: Tensor
    plain_scale: Tensor

    def squared(self, roots: OutOfBag) -> tuple[Tensor, float]:
        """Predictions of the target, (h, 1) in its own units, from those of its root, and what is added to their squares.

        The mean of squares exceeds the square of a mean by the variance; that is the mean of what squares leave over.

        References
        ----------
        N. Duan, "Smearing estimate: a nonparametric retransformation method", 1983, doi:10.1080/01621459.1983.10478017.
        """
        held, rows = self.plain.held, self.plain.rows
        squares = (self.shift + self.scale * roots.outputs).clamp(min=0).square()
        rest = self.plain_shift + self.plain_scale * rows.y[held] - squares
        weight = rows.weight[held]
        added = float(rest[:, 0] @ weight / weight.sum())
        return squares + added, added

    def score(self, roots: OutOfBag, loss: Loss) -> OutOfBag:
        """The same in units of the other problem, and their mean loss."""
        held, rows = self.plain.held, self.plain.rows
        values = (self.squared(roots)[0] - self.plain_shift) / self.plain_scale
        weight = rows.weight[held]
        return OutOfBag(values, float(loss.rows(values, rows.y[held]) @ weight / weight.sum()))

    def error(self, roots: OutOfBag, loss: Loss) -> float:
        """Root mean square error of the target, in its own units."""
        return math.sqrt(2 * self.score(roots, loss).error) * float(self.plain_scale)

    def finished(self, net: KAN, roots: OutOfBag) -> tuple[KAN, Tensor]:
        """The square of a network of the root, and out-of-bag predictions (h, 1) of the target."""
        values, added = self.squared(roots)
        largest = float((self.shift + self.scale * self.problem.rows.y).max())
        return with_square(net, added, largest), values


def root_of(problem: TableProblem, shift: Tensor, scale: Tensor) -> Root:
    """The same rows with the root of a target that is nowhere negative, y = shift + scale * target."""
    rows = problem.rows
    root = (shift + scale * rows.y).clamp(min=0).sqrt()
    total = rows.weight.sum()
    mean = (root * rows.weight[:, None]).sum(0) / total
    spread = ((root - mean).square() * rows.weight[:, None]).sum(0).div(total).sqrt()
    changed = replace(problem, rows=replace(rows, y=(root - mean) / spread))
    return Root(changed, mean, spread, problem, shift, scale)


def with_square(net: KAN, added: float, largest: float) -> KAN:
    """The square of a network's output, flat where that is negative, plus a constant.

    Parameters
    ----------
    net : KAN
        With one output, the root.
    added : float
    largest : float
        The largest root there is; the edge is a square up to twice as much.

    Returns
    -------
    KAN
        With one node and one edge more.

    Examples
    --------
    >>> net = KAN([1, 1], seed=0, dtype=torch.float64)
    >>> x = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
    >>> made = with_square(net, 0.5, 3.0)
    >>> bool(torch.allclose(made(x), net(x).clamp(min=0) ** 2 + 0.5))
    True
    """
    shift, scale = float(net.output_shift[0]), float(net.output_scale[0])
    zero = -shift / scale
    room = max(_REACH * largest / scale, 1.0)
    grid = net.layers[-1].grid.new_tensor([[zero - room, zero, zero + room]])
    # One function of the basis is nothing up to the middle break, and a parabola from there on.
    last_value = BSpline(grid, DEGREE).values(grid.new_tensor([[zero + room]]))[0, 0, -1]
    coef = torch.zeros(2 + DEGREE, 1, dtype=grid.dtype)
    coef[-1] = room**2 / last_value
    made = _with_edge(net, grid, coef, DEGREE)
    with torch.no_grad():
        made.output_shift.fill_(added)
        made.output_scale.fill_(scale**2)
    return made


def beneath_square(net: KAN) -> KAN:
    """The network under the edge that `with_square` has put behind it: its output is the root.

    Examples
    --------
    >>> net = KAN([1, 1], seed=0, dtype=torch.float64)
    >>> x = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
    >>> bool(torch.allclose(beneath_square(with_square(net, 0.5, 3.0))(x), net(x)))
    True
    """
    *states, edge = take_apart(net)
    made = put_together(net, states)
    scale = math.sqrt(float(net.output_scale[0]))
    with torch.no_grad():
        made.output_shift.fill_(-scale * float(edge.grid[0, 1]))
        made.output_scale.fill_(scale)
    return made


def with_exponential(net: KAN, low: float, high: float, level: Tensor | float = 0.0) -> KAN:
    """The exponential of a network's outputs, to eight digits: a spline, of which proofs are exact.

    It is flat two below the range of its argument, and a line two above it: neither is met by rows like those of the fit.

    Parameters
    ----------
    net : KAN
        Its outputs are logarithms.
    low, high : float
        The range of these logarithms, the level among them.
    level : Tensor of shape (outputs,) or float
        Added to the logarithms.

    Returns
    -------
    KAN
        With a node and an edge more for each output.

    Examples
    --------
    >>> net = KAN([1, 1], seed=0, dtype=torch.float64)
    >>> x = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
    >>> bool(torch.allclose(with_exponential(net, -1.0, 1.0)(x), net(x).exp(), rtol=1e-7))
    True
    """
    shift, scale = net.output_shift.to(torch.float64) + level, net.output_scale.to(torch.float64)
    intervals = math.ceil((high - low + 2 * _BEYOND) / _STEP)
    places = torch.arange(intervals + 1, dtype=torch.float64) * _STEP + (low - _BEYOND)
    grid = (places - shift[:, None]) / scale[:, None]
    # A cubic spline of these coefficients has the exponential's values at its knots.
    factor = 6 / (math.exp(_STEP) + 4 + math.exp(-_STEP))
    middles = torch.arange(intervals + 3, dtype=torch.float64) * _STEP + (low - _BEYOND - _STEP)
    coef = factor * middles.exp()
    coef[:3] = coef[0]
    made = _with_edge(net, grid, coef[:, None].expand(-1, len(shift)), degree=3)
    with torch.no_grad():
        made.output_shift.zero_()
        made.output_scale.fill_(1.0)
    return made


def beneath_exponential(net: KAN) -> KAN:
    """The network under the edge that `with_exponential` has put behind it: its outputs are logarithms.

    Examples
    --------
    >>> net = KAN([1, 1], seed=0, dtype=torch.float64)
    >>> x = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
    >>> bool(torch.allclose(beneath_exponential(with_exponential(net, -1.0, 1.0))(x), net(x)))
    True
    """
    *states, edge = take_apart(net)
    made = put_together(net, states)
    middle = edge.coef[
        torch.arange(edge.coef.shape[0]), edge.coef.shape[1] // 2, torch.arange(edge.coef.shape[2])
    ]
    step = (edge.grid[:, -1] - edge.grid[:, 0]) / (edge.grid.shape[1] - 1)
    factor = 6 / (math.exp(_STEP) + 4 + math.exp(-_STEP))
    place = edge.grid[:, 0] + step * (edge.coef.shape[1] // 2 - 1)
    with torch.no_grad():
        made.output_scale.copy_(_STEP / step)
        made.output_shift.copy_((net.output_scale * middle / factor).log() - place * _STEP / step)
    return made


def ends_of(value: object) -> Range:
    """A pair of which None stands for no limit, as two numbers; not numbers where it is no such pair."""
    try:
        low, high = (end if end is None else float(end) for end in value)  # pyright: ignore
    except UNREADABLE:
        low = high = math.nan
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    return low, high


def check_range(value: object) -> Range:
    """A range (low, high) with None for no limit, as two numbers of which one may be infinite.

    Raises
    ------
    InputError
        If it is no pair of numbers in rising order, or limits nothing.
    """
    low, high = ends_of(value)
    if not low < high or (math.isinf(low) and math.isinf(high)):
        raise InputError(
            argument="output_range",
            expected="be a pair (low, high) with low < high, None for no limit on a side",
            got=short(value),
        )
    return low, high


def within_range(net: KAN, low: float, high: float) -> KAN:
    """The network with its one output held between two numbers, in units of the output; the old one is untouched.

    Parameters
    ----------
    net : KAN
        With one output.
    low, high : float
        In rising order; one may be infinite.

    Returns
    -------
    KAN
        With one node and one edge more.

    Raises
    ------
    InputError
        If there are several outputs.

    Examples
    --------
    >>> net = KAN([1, 1], seed=0, dtype=torch.float64)
    >>> held = within_range(net, -0.1, 0.1)
    >>> bool((held(torch.linspace(-9, 9, 99, dtype=torch.float64)[:, None]).abs() <= 0.1).all())
    True
    """
    if net.shape[-1] != 1:
        raise InputError(subject="An output range", expected="be asked of one output", got=net.shape[-1])
    shift, scale = float(net.output_shift[0]), float(net.output_scale[0])
    ends = [(end - shift) / scale for end in (low, high)]
    width = min(1.0, abs(ends[1] - ends[0]))
    # The shift is added last, with its own rounding.
    # Of its width, or of the output's unit where that is smaller.
    hair = MARGIN * width + 8 * torch.finfo(torch.float64).eps * abs(shift / scale)
    a, b = min(ends) + hair, max(ends) - hair
    room = b - a if math.isfinite(b - a) else 1.0
    breaks = [a - room, a, b, b + room]
    values = [a, a, b, b]
    if math.isinf(a) or math.isinf(b):
        end = b if math.isinf(a) else a
        breaks = [end - room, end, end + room]
        values = [max(a, min(b, one)) for one in breaks]
    last = net.layers[-1]
    return _with_edge(net, last.grid.new_tensor([breaks]), last.coef.new_tensor(values)[:, None], degree=1)


def _with_edge(net: KAN, grid: Tensor, coef: Tensor, degree: int) -> KAN:
    """The network with one more spline behind each output, of coefficients (M, D) on grids (D, G + 1)."""
    count, alone = len(grid), torch.eye(len(grid), dtype=torch.bool)
    edge = LayerState(
        spec=LayerSpec(count, Nodes(count), degree=degree, intervals=grid.shape[1] - 1),
        grid=grid,
        mask=alone,
        coef=torch.where(alone[:, None, :], coef.T[:, :, None], 0.0),
        bias=coef.new_zeros(count),
        base_weight=None,
        affine=None,
    )
    return put_together(net, [*take_apart(net), edge])
