"""What a shape function may look like: monotone, convex, within a range; held by the coefficients, not by the data.

A spline follows its B-spline coefficients: where they do not fall, it does not fall; where their slopes (differences over
those of the Greville abscissae) do not fall, it is convex; where they lie in a range, so does it. That holds on the grid
and in the linear tails, for every x there is. So each constraint is a few linear inequalities A c >= b, and an additive
network under constraints is a quadratic program, or for classes a few of them one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgewise._core.checks import short
from edgewise._core.errors import InputError
from edgewise._core.work import StopError
from edgewise.splines import BSpline
from edgewise.training.additive.design import DEGREE, ROWS_AT_ONCE, Design, design_matrix
from edgewise.training.additive.irls import Additive
from edgewise.training.additive.quadratic_program import solve_qp
from edgewise.training.common.losses import Loss

# By so much a constraint is more than met, in deviations of the target: a reader sees nothing of it, and a proof that
# rounds outward comes through.
MARGIN = 1e-6
# How strictly a function keeps the mean zero, beside what a row weighs.
CENTRED = 1e3
NEWTON_STEPS, SETTLED = 12, 1e-8


@dataclass(frozen=True)
class ShapeConstraint:
    """What the function of one input must be.

    Parameters
    ----------
    monotone : 1, -1 or 0
        Increasing, decreasing, or as it likes.
    convex : 1, -1 or 0
        Convex, concave, or as it likes.
    low, high : float
        Range of the function about its mean of zero over the rows, in units of the output.
    """

    monotone: int = 0
    convex: int = 0
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if not self.low < 0 < self.high:
            raise InputError(
                subject="The range of a shape function",
                expected="lie on both sides of its mean, which is zero",
                got=f"({short(self.low)}, {short(self.high)})",
            )
        if self.bounded and self.convex:
            raise InputError(
                subject="A shape function",
                expected="be bounded or convex (or concave), not both: on the whole line only constants are",
            )

    @property
    def bounded(self) -> bool:
        """Whether there is a range."""
        return math.isfinite(self.low) or math.isfinite(self.high)

    @property
    def alone(self) -> bool:
        """Whether it can hold of an additive function only, which is then all the input has."""
        return self.bounded or self.convex != 0

    @property
    def free(self) -> bool:
        """Whether it asks for nothing."""
        return not (self.monotone or self.convex or self.bounded)


def inequalities(
    breaks: Tensor, constraint: ShapeConstraint, scale: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """The map E, rows A and sides b: coefficients c = E r meet the constraint where A r >= b.

    Parameters
    ----------
    breaks : Tensor, shape (G + 1,)
    constraint : ShapeConstraint
    scale : float
        What the output is divided by in network units.

    Returns
    -------
    tuple of Tensor
        E of shape (M, R), A of shape (m, R), b of shape (m,).

    References
    ----------
    C. de Boor, "A Practical Guide to Splines", 2001, chapter XI. N. Pya and S. Wood, "Shape constrained additive models",
    2015, doi:10.1007/s11222-013-9448-7.
    """
    basis = BSpline(breaks[None].to(torch.float64), DEGREE)
    size = basis.size
    eye = torch.eye(size, dtype=torch.float64)
    turn = eye
    if constraint.bounded:
        # Flat tails: three equal coefficients at each end.
        tied = (torch.arange(size) - 2).clamp(0, size - 5)
        turn = torch.nn.functional.one_hot(tied, size - 4).to(torch.float64)
    rows, sides = list[Tensor](), list[Tensor]()
    steps = eye.diff(dim=0)
    if constraint.monotone:
        own = constraint.monotone * (steps @ turn)
        moves = own.abs().sum(1) > 0  # steps between tied coefficients are zero whatever they are
        rows.append(own[moves])
        sides.append(torch.full((int(moves.sum()),), MARGIN / size, dtype=torch.float64))
    if constraint.convex:
        slopes = steps / basis.greville()[0].diff()[:, None]
        own = constraint.convex * slopes.diff(dim=0)
        rows.append(own / own.abs().amax(1, keepdim=True))
        sides.append(torch.full((len(own),), MARGIN / size, dtype=torch.float64))
    for end, sign in ((constraint.low, 1.0), (constraint.high, -1.0)):
        if math.isfinite(end):
            rows.append(sign * torch.eye(turn.shape[1], dtype=torch.float64))
            sides.append(torch.full((turn.shape[1],), sign * end / scale + MARGIN * abs(end) / scale))
    A = torch.cat(rows) if rows else torch.zeros(0, turn.shape[1], dtype=torch.float64)
    b = (
        torch.cat([side.to(torch.float64) for side in sides])
        if sides
        else torch.zeros(0, dtype=torch.float64)
    )
    return turn, A, b


def check_constraints(
    constraints: Mapping[int, ShapeConstraint], loss: str, inputs: int, outputs: int
) -> None:
    """Whether such constraints can be held for such a target.

    Raises
    ------
    InputError
        If they are asked with Huber's loss, of classes of which there are more than two, or of an input that is not
        there, or a range of more than one output.
    """
    if not constraints:
        return
    if loss == "cross_entropy" and outputs > 1:
        raise InputError(
            subject="Constraints",
            expected=(
                "be asked of a number or of two classes: a logit that rises with an input says "
                "nothing about the probability where there are more"
            ),
            got=f"{outputs} classes",
        )
    if loss == "huber":
        raise InputError(
            subject="Constraints",
            expected="be asked with loss='squared', of quantiles or of classes",
            got=f"loss={loss!r}",
            advice="leave them, or the loss, out",
        )
    strange = [i for i in constraints if i not in range(inputs)]
    if strange:
        raise InputError(
            subject="Constraints", expected=f"name inputs 0 to {inputs - 1}", got=short(strange[0])
        )
    if outputs > 1 and any(one.bounded for one in constraints.values()):
        raise InputError(subject="A range", expected="be asked of one output", got=f"{outputs} outputs")


@dataclass(frozen=True, eq=False)
class Constrained:
    """A design in which the constrained inputs have their coefficients as coordinates, and what these must meet.

    Attributes
    ----------
    design : Design
    rows, sides : Tensor, shapes (m, P) and (m,)
    """

    design: Design
    rows: Tensor
    sides: Tensor


def constrain(design: Design, constraints: Mapping[int, ShapeConstraint], scale: float) -> Constrained:
    """Coordinates and inequalities of all constrained inputs."""
    maps, blocks, sides = list(design.maps), dict[int, Tensor](), list[Tensor]()
    for i, constraint in constraints.items():
        maps[i], blocks[i], side = inequalities(design.breaks[i], constraint, scale)
        sides.append(side)
    begins = [0]
    for own in maps:
        begins.append(begins[-1] + own.shape[1])
    rows = [torch.zeros(len(block), begins[-1], dtype=torch.float64) for block in blocks.values()]
    for row, (i, block) in zip(rows, blocks.items(), strict=True):
        row[:, begins[i] : begins[i + 1]] = block
    return Constrained(replace(design, maps=tuple(maps)), torch.cat(rows), torch.cat(sides))


def solve_constrained(
    constrained: Constrained,
    table: Tensor,
    smooth: Design,
    free: Additive,
    y: Tensor,
    weight: Tensor,
    loss: Loss,
    fold: Tensor,
    late: Callable[[], bool] = lambda: False,
) -> Additive:
    """Solve for all functions again, with the smoothness of the free ones, under the constraints.

    Parameters
    ----------
    constrained : Constrained
    table : Tensor, shape (n, P)
        Its design on the rows.
    smooth : Design
        The design of the free solution.
    free : Additive
    y, weight, loss, fold, late
        As in `solve_additive`.
    """
    # Constant functions are all that, whatever else they are.
    whole = torch.zeros(table.shape[1] + 1, y.shape[1], dtype=torch.float64)
    whole[-1] = free.bias
    solutions, folds, stop = [whole], int(fold.max()) + 1, free.stop
    try:
        if stop is None:

            def rough(weights: Tensor) -> list[Tensor]:
                return [_penalty(constrained, table, smooth, own, weight) for own in weights.unbind(1)]

            solver = _Program(constrained, table, y, loss, rough(free.penalty))
            inner = solver.inner()
            whole = torch.cat([inner[:, None].expand(-1, y.shape[1]), whole[-1:]])
            for reached in solver.steps(whole, weight, late):
                whole = reached
            solutions = [whole]
            for k in range(folds):
                learns, own = torch.where(fold == k, 0.0, weight), whole
                if float(learns.sum()) > 0 and not late():
                    solver.penalty = rough(free.fold_penalty[k])
                    *_, own = solver.steps(whole, learns, late)
                solutions.append(own)
    except StopError as error:
        stop = error
        solutions[0] = whole
    solutions += [whole] * (1 + folds - len(solutions))
    theta = torch.stack([own[:-1] for own in solutions])
    bias = torch.stack([own[-1] for own in solutions])
    return replace(free, theta=theta[0], bias=bias[0], fold_theta=theta[1:], fold_bias=bias[1:], stop=stop)


def _penalty(
    constrained: Constrained, table: Tensor, smooth: Design, weights: Tensor, weight: Tensor
) -> Tensor:
    """Roughness in the new coordinates as in the smooth ones; what no row sees is held near what they estimate. (P, P)."""
    at = 0
    total = float(weight.sum())
    columns = table.shape[1]
    whole = torch.zeros(columns, columns, dtype=torch.float64)
    mean = torch.zeros(columns, dtype=torch.float64)
    for chunk, w in zip(table.split(ROWS_AT_ONCE), weight.split(ROWS_AT_ONCE), strict=True):
        mean += chunk.to(torch.float64).T @ w / total
    own_at = 0
    for turn, bare in zip(constrained.design.maps, smooth.maps, strict=True):
        own = weights[at : at + bare.shape[1]]
        size = turn.shape[1]
        if turn is bare:
            block = torch.diag(own)
            # The constant is the bias's business.
            block[0, 0] = CENTRED * total
        else:
            back = torch.linalg.pinv(bare)
            to_smooth = back @ turn
            rest = turn - bare @ to_smooth
            middle = torch.zeros(size, dtype=torch.float64)
            middle += mean[own_at : own_at + size]
            typical = max(float(own.median()), 1e-3 * total)
            block = to_smooth.T @ (to_smooth * own[:, None]) + typical * rest.T @ rest
            block = block + CENTRED * total * torch.outer(middle, middle)
            block = block + 1e-9 * total * torch.eye(size, dtype=torch.float64)
        whole[own_at : own_at + size, own_at : own_at + size] = block
        at, own_at = at + bare.shape[1], own_at + size
    return whole


class _Program:
    """The quadratic programs of one table."""

    def __init__(
        self, constrained: Constrained, table: Tensor, y: Tensor, loss: Loss, penalty: Sequence[Tensor]
    ) -> None:
        self.rows = design_matrix(table, constrained.design.owner)
        self.y, self.loss, self.penalty = y, loss, penalty
        self.A = torch.nn.functional.pad(constrained.rows, (0, 1))
        self.b = constrained.sides

    def inner(self) -> Tensor:
        """Coordinates that meet all constraints, the smallest there are."""
        size = self.A.shape[1]
        return solve_qp(
            torch.eye(size, dtype=torch.float64), torch.zeros(size, dtype=torch.float64), self.A, self.b
        )[:-1]

    def outputs(self, theta: Tensor) -> Tensor:
        return self.rows.times(theta[:-1]) + theta[-1]

    def objective(self, theta: Tensor, weight: Tensor) -> float:
        value = float(self.loss.rows(self.outputs(theta), self.y) @ weight)
        for k, matrix in enumerate(self.penalty):
            value += 0.5 * float(theta[:-1, k] @ matrix @ theta[:-1, k])
        return value if math.isfinite(value) else math.inf

    def steps(self, theta: Tensor, weight: Tensor, late: Callable[[], bool]) -> Iterator[Tensor]:
        """Newton's method: each step ends in the best feasible point of the quadratic model, or part of the way there."""
        value = self.objective(theta, weight)
        for _ in range(NEWTON_STEPS):
            f = self.outputs(theta)
            slope = self.loss.gradient(f, self.y) * weight[:, None]
            bends, aim = self.loss.curvature(f, self.y) * weight[:, None], theta.clone()
            for k in range(f.shape[1]):
                H = self.rows.gram(bends[:, k])
                pull = H @ theta[:, k] - torch.cat([self.rows.pulled(slope[:, k]), slope[:, k].sum()[None]])
                H[:-1, :-1] += self.penalty[k]
                aim[:, k] = solve_qp(H, pull, self.A, self.b)
            size, before = 1.0, value
            for _ in range(10):
                # Both ends meet the constraints, and so does what lies between them.
                trial = theta + size * (aim - theta)
                reached = self.objective(trial, weight)
                if reached <= value + 1e-12 * abs(value):
                    theta, value = trial, reached
                    break
                size /= 2
            yield theta
            if self.loss.name == "squared" or before - value < SETTLED * (abs(before) + 1) or late():
                break
