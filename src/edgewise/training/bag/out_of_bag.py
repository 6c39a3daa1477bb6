"""Judging what was fitted to a table by rows that it has not learned from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgewise._core.arrays import Floats
from edgewise.training.bag.members import Bag
from edgewise.training.bag.run import TableProblem
from edgewise.training.common.losses import Loss, negligible_gain

# Held rows below which log-odds are not calibrated.
_FEWEST_TO_CALIBRATE = 50
# How far calibration may go: the factor of log-odds, and their shift. Of more than two classes the square of a shift, this
# faint, chooses among those that change nothing.
_MOST_SLOPE, _MOST_SHIFT, _FAINT_SHIFT = 3.0, 3.0, 1e-6
# Standard deviation of the prior of the factor's logarithm.
SLOPE_SPREAD = 0.5
# Standard errors, and share of what the pairs before it gain, that a pair must gain to stay.
_PAIR_ERRORS, _PAIR_SHARE = 2.0, 0.01


@dataclass(frozen=True, eq=False)
class OutOfBag:
    """Outputs for the held rows by what has not learned from them, shape (h, D), and their mean loss."""

    outputs: Tensor
    error: float


def oob_score(outputs: Tensor, problem: TableProblem, loss: Loss) -> OutOfBag:
    """For each held row the outputs (folds, n, D) of the solution without its fold."""
    own = outputs[problem.fold[problem.held], problem.held]
    weight = problem.rows.weight[problem.held]
    error = float(loss.rows(own, problem.rows.y[problem.held]) @ weight / weight.sum().clamp(min=1e-30))
    return OutOfBag(own, error)


def significantly_better(
    one: OutOfBag, simple: OutOfBag, problem: TableProblem, loss: Loss, errors: float = 1.0
) -> bool:
    """Whether the held rows' losses fall from the simple to the other by so many standard errors and what shows."""
    weight = problem.rows.weight[problem.held]
    # Of counts a nat in all, which one more constant gains by chance alone, shows nothing.
    shown = 1.0 / float(weight.sum()) if loss.link == "log" and not loss.dispersed else negligible_gain(loss)
    weight = weight / weight.sum()
    y = problem.rows.y[problem.held]
    gap = loss.rows(simple.outputs, y) - loss.rows(one.outputs, y)
    group = problem.rows.group
    if group is not None:
        # Rows of a group err together: a group counts as one.
        place = torch.unique(group[problem.held], return_inverse=True)[1]
        sums = torch.zeros(int(place.max()) + 1, dtype=torch.float64)
        gap, weight = sums.index_add(0, place, gap * weight), sums.index_add(0, place, weight)
        gap = gap / weight.clamp(min=1e-30)
    mean, error = _mean_and_error(gap, weight)
    return mean > errors * error + shown


def shared_rows_factor(problem: TableProblem) -> float:
    """How much larger the standard error of out-of-bag losses is than rows alone let it seem.

    What is judged was learned from rows that the folds share, and would come out otherwise on other rows: a variance of one
    over the rows held becomes that plus one over the rows learned from.

    References
    ----------
    C. Nadeau and Y. Bengio, "Inference for the generalization error", 2003, doi:10.1023/A:1024068626366.
    """
    held, folds = len(problem.held), int(problem.fold.max()) + 1
    return math.sqrt(1 + held / max(len(problem.fold) - held / folds, 1.0))


def _mean_and_error(values: Tensor, weight: Tensor) -> tuple[float, float]:
    """The mean under weights that sum to one, and its standard error."""
    mean = float(values @ weight)
    return mean, math.sqrt(float(((values - mean) ** 2) @ weight**2))


@dataclass(frozen=True, eq=False)
class Recalibration:
    """The straight line that outputs go through: slope * f + shift, with one slope and a shift (D,)."""

    slope: float
    shift: Tensor

    def __call__(self, outputs: Tensor) -> Tensor:
        """The line's values for outputs (..., D)."""
        return self.slope * outputs + self.shift


def recalibration(best: OutOfBag, problem: TableProblem, loss: Loss, learned: float) -> Recalibration:
    """The line by which log-odds answer for the outcomes of held rows, as far as it holds for the model of all rows.

    Overconfidence comes from fitted noise, and falls as one over the number of rows; a model of all rows has only that
    share of what a model of fewer rows has. The slope estimated from a few hundred rows is off by a tenth and more, and a
    wrong one does harm: its logarithm has a normal prior around 0.

    Parameters
    ----------
    best, problem, loss
        Outputs for the held rows, and what they are judged by; the line is y = f but for classes.
    learned : float
        Rows that the judged outputs come from, as a share of those that the model comes from.

    References
    ----------
    D. R. Cox, "Two further applications of a model for binary regression", 1958, doi:10.1093/biomet/45.3-4.562.
    """
    y, weight = problem.rows.y[problem.held], problem.rows.weight[problem.held]
    plain = Recalibration(1.0, torch.zeros(y.shape[1], dtype=torch.float64))
    if loss.name != "cross_entropy" or len(problem.held) < _FEWEST_TO_CALIBRATE:
        return plain
    weight = weight / weight.sum()
    outputs = best.outputs
    prior = float((weight**2).sum()) / SLOPE_SPREAD**2

    def judge(line: Floats) -> tuple[float, Floats]:
        slope, shift = math.exp(float(line[0])), torch.from_numpy(line[1:])
        f = slope * outputs + shift
        pull = loss.gradient(f, y) * weight[:, None]
        # Of more than two classes a shift of all alike changes nothing; the square chooses among them.
        value = float(loss.rows(f, y) @ weight) + _FAINT_SHIFT * float(shift @ shift)
        value += prior / 2 * float(line[0]) ** 2
        along = slope * float((pull * outputs).sum()) + prior * float(line[0])
        return value, np.array([along, *(pull.sum(0) + 2 * _FAINT_SHIFT * shift).tolist()])

    limit, most = math.log(_MOST_SLOPE), _MOST_SHIFT
    bounds = [(-limit, limit), *[(-most, most)] * y.shape[1]]
    from scipy.optimize import minimize  # a fifth of a second to load, and formulas never come here

    found: Any = minimize(judge, np.zeros(1 + y.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds)
    line = torch.from_numpy(found.x) * learned
    return Recalibration(math.exp(float(line[0])), line[1:])


def telling_pairs(
    bag: Bag,
    problem: TableProblem,
    base: Tensor,
    loss: Loss,
    pairs: Sequence[tuple[int, int]],
) -> tuple[tuple[int, int], ...]:
    """The pairs whose functions lower the out-of-bag loss, those first that lower it most.

    Pairs are taken one after the other, each time the one that helps most beside those taken, as long as it helps by more
    than two standard errors of what it helps, and by a hundredth of what those taken do.

    Parameters
    ----------
    bag : Bag
        Trained on all pairs, with as many hidden nodes for each.
    problem : TableProblem
    base : Tensor, shape (folds, n, D)
        Outputs that the bag adds to.
    loss : Loss
    pairs : sequence of (int, int)
    """
    faint = negligible_gain(loss)
    held, fold = problem.held, problem.fold[problem.held]
    y, weight = problem.rows.y[held], problem.rows.weight[held]
    weight = weight / weight.sum()
    parts = _parts(bag, problem.coarse_table[held], fold, len(pairs))
    # The mean of a pair belongs to the bias, whichever pairs stay.
    parts = parts - (parts * weight[:, None]).sum(1, keepdim=True)
    now = base[fold, held]
    losses = loss.rows(now, y)
    first = float(losses @ weight)
    taken, left = list[int](), set(range(len(pairs)))
    while left:
        gains = {k: losses - loss.rows(now + parts[k], y) for k in sorted(left)}
        best = max(gains, key=lambda k: float(gains[k] @ weight))
        gain = gains[best]
        mean, error = _mean_and_error(gain, weight)
        gained = first - float(losses @ weight)
        if mean <= max(faint + _PAIR_ERRORS * error, _PAIR_SHARE * gained):
            break
        now, losses = now + parts[best], losses - gain
        taken.append(best)
        left.remove(best)
    return tuple(pairs[k] for k in taken)


def _parts(bag: Bag, table: Tensor, fold: Tensor, count: int) -> Tensor:
    """Function of every pair on some rows, by the members that have not learned from them: (pairs, h, D)."""
    owners = torch.arange(bag.shape.members) % (int(fold.max()) + 1)
    out = (fold[None, :] == owners[:, None]).to(torch.float32)
    out = torch.where(out.sum(0, keepdim=True) > 0, out, torch.ones_like(out))
    out = out / out.sum(0, keepdim=True)
    nodes = bag.shape.hidden[-1] // count
    whole = bag.weights[-1].detach().clone()
    parts = list[Tensor]()
    with torch.no_grad():
        for k in range(count):
            alone = torch.zeros_like(whole).view(*whole.shape[:2], bag.shape.hidden[-1], -1)
            own = slice(k * nodes, (k + 1) * nodes)
            alone[:, :, own] = whole.view_as(alone)[:, :, own]
            bag.weights[-1].copy_(alone.view_as(whole))
            parts.append((bag.forward(table) * out[..., None]).sum(0).to(torch.float64))
        bag.weights[-1].copy_(whole)
    return torch.stack(parts)
