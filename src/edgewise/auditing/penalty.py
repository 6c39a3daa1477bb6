"""Training on with a fairness penalty: the network's functions move until groups are treated alike, at the least loss.

The penalty is the sum of squared gaps between groups' mean soft decisions: of all rows for demographic parity, of rows
with the same outcome for equalised odds. A soft decision is a sigmoid, a few tenths of log-odds wide, of the log-odds
above the threshold, so that what is measured in the end (decisions) is what is brought together. A faint penalty on the
roughness of the change keeps the functions as smooth as they came.

What a model was promised to be in some columns (monotone, convex, within bounds) stays true: everything on the way from
these columns to the output is held as it is, and the other functions make the difference. What is added before a monotone
function only moves along it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_choice, check_float
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, numpy_generator
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, charge, check_seconds, check_work, running
from edgewise.auditing.certify import certified_flip, quick_flip
from edgewise.auditing.edits import Mitigated, refuse_calibrated, with_network
from edgewise.auditing.groups import CRITERIA, KnownRows
from edgewise.auditing.subject import inputs_of
from edgewise.network.fitted import Fitted, fitted
from edgewise.network.module import KAN

# Parameters of estimators that promise something of columns.
CONSTRAINTS = ("monotone", "convex", "bounds")
# Width of a soft decision in log-odds, steps, and the weight of roughness of what changes.
WIDTH, STEPS, SMOOTH = 0.3, 60, 1e-3
# Numbers that the widest layer holds for all rows at once; of more rows a random part is used.
MOST_NUMBERS = 4_000_000
# Units of work of a training, of a look at the loss, and of each coefficient that a row reads there.
MOST, LOOK, READ = 20.0, 2e-3, 1.5e-8


def fair_fit(
    model: Any,
    rows: KnownRows,
    *,
    criterion: str = "eo",
    strength: float = 10.0,
    threshold: float = 0.5,
    sign: float = 1.0,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
) -> Mitigated:
    """Train a classifier of two classes on, with a penalty on gaps between groups.

    Columns that the model has constraints on (`monotone`, `convex`, `bounds`) keep their functions, and so the constraints.

    Parameters
    ----------
    model : KANClassifier (or a KAN whose output is a log-odds)
    rows : KnownRows
    criterion : "dp" or "eo"
        Demographic parity or equalised odds.
    strength : float
        Weight of the penalty; 0 trains on without it.
    threshold : float
        Probability above which a row is decided for.
    sign : 1 or -1
        -1 where the output is the log-odds of the other class.
    work : "quick", "normal", "thorough" or float
        How much to train and to prove: a level, or how many times the normal work, which is 60 steps (and about 20 seconds
        of one core at most) and as much for the proof of each bound.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: what is found until then is the answer, and may
        differ from run to run.
    seed : int

    Raises
    ------
    InputError
        If the model is not one of two classes.

    References
    ----------
    M. B. Zafar et al., "Fairness constraints: mechanisms for fair classification", 2017, arXiv:1507.05259. S. Bechavod
    and K. Ligett, "Penalizing unfairness in binary classification", 2017, arXiv:1707.00044.
    """
    check_choice(criterion, "criterion", CRITERIA)
    strength = check_float(strength, "strength", low=0.0)
    view = fitted(model)
    refuse_calibrated(model)
    if view.network.shape[-1] != 1:
        raise InputError(
            argument="model", expected="be a classifier of two classes", got="one with more outputs"
        )
    inputs = inputs_of(rows.X, view)
    some = np.arange(len(inputs))
    most = max(2_000, MOST_NUMBERS // max(view.network.shape))
    if len(some) > most:
        some = np.sort(numpy_generator(derive(seed, 60)).choice(len(some), most, replace=False))
    actual, weight, grouping = rows.actual[some], rows.weight[some], rows.grouping
    loss = _FairLoss(
        torch.from_numpy(inputs[some]),
        torch.from_numpy(actual),
        torch.from_numpy(weight / weight.mean()),
        _cells(grouping.codes[some], actual, len(grouping.groups), criterion),
        strength,
        sign,
        math.log(threshold / (1 - threshold)) if 0 < threshold < 1 else 0.0,
    )
    factor = check_work(work)
    meter = Meter(MOST * factor, check_seconds(seconds))
    net = copy.deepcopy(view.network).double()
    promised = _promised(view)
    held = _held(net, [i for i, source in enumerate(view.sources) if view.columns[source] in promised])
    with one_thread():
        with running(meter):
            ended = _train(net, loss, held, max(1, round(STEPS * factor)), meter)
        made = with_network(model, net.to(view.network.dtype))
        after = fitted(made)
        names = [name for name in grouping.attributes if name in view.columns and view.encoding]
        bounds = [quick_flip(after, name) for name in names]
        with running(meter):
            try:
                for k, name in enumerate(names if ended.repeatable else []):
                    bounds[k] = certified_flip(after, name, work=factor)
            except StopError as stop:
                ended = meter.own(stop)
    kept = f", {', '.join(promised)} held as constrained" if promised else ""
    detail = f"trained on with a penalty on {CRITERIA[criterion]} of weight {strength:g}{kept}"
    return Mitigated(made, detail, tuple(bounds), ended, meter.seconds)


def _promised(view: Fitted) -> tuple[str, ...]:
    """Columns that the model has a constraint on, by name."""
    keys = [key for name in CONSTRAINTS for key in (getattr(view.held, name, None) or {})]
    return tuple(name for place, name in enumerate(view.columns) if any(key in (name, place) for key in keys))


def _held(net: KAN, promised: Sequence[int]) -> list[Tensor]:
    """For each layer the edges that stay as they are, (inputs, sums): those on the ways from `promised` inputs."""
    reached = torch.zeros(net.shape[0], dtype=torch.bool)
    reached[list(promised)] = True
    stays = list[Tensor]()
    for layer, spec in zip(net.layers, net.spec.layers, strict=True):
        stays.append(layer.mask.cpu() & reached[:, None])
        sums = stays[-1].any(0)
        reached = torch.stack([sums[list(group)].any() for group in spec.nodes.groups()])
    return stays


def _cells(codes: NDArray[np.int64], actual: Floats, groups: int, criterion: str) -> list[list[Tensor]]:
    """Masks of rows whose mean decisions shall agree: one list for each outcome (or one in all)."""
    parts = [np.ones(len(codes), dtype=bool)] if criterion == "dp" else [actual == 1, actual == 0]
    made = list[list[Tensor]]()
    for part in parts:
        masks = [part & (codes == g) for g in range(groups)]
        made.append([torch.from_numpy(mask.astype(np.float64)) for mask in masks if mask.any()])
    return made


@dataclass(frozen=True, eq=False)
class _FairLoss:
    """What is made small: the mean loss of the rows, and so many times the gaps between groups.

    Attributes
    ----------
    X : Tensor, shape (n, inputs)
    y, weight : Tensor, shape (n,)
    cells : list of list of Tensor, each (n,)
        Masks of rows whose mean decisions shall agree.
    strength : float
    sign : 1 or -1
        -1 where the output is the log-odds of the other class.
    level : float
        Log-odds above which a row is decided for.
    """

    X: Tensor
    y: Tensor
    weight: Tensor
    cells: list[list[Tensor]]
    strength: float
    sign: float
    level: float

    def of(self, net: KAN) -> Tensor:
        """The loss of a network."""
        logit = self.sign * net(self.X)[:, 0]
        rows = torch.nn.functional.binary_cross_entropy_with_logits(logit, self.y, reduction="none")
        loss = (rows * self.weight).mean()
        if self.strength:
            soft = torch.sigmoid((logit - self.level) / WIDTH) * self.weight
            loss = loss + self.strength * _gaps(soft, self.weight, self.cells)
        return loss


def _train(net: KAN, fair: _FairLoss, held: Sequence[Tensor], steps: int, meter: Meter) -> StopReason:
    """L-BFGS on all coefficients and biases, in place; why it ended. Where it is interrupted the best so far stays."""
    start = [layer.coef.detach().clone() for layer in net.layers]
    parameters = [p for layer in net.layers for p in (layer.coef, layer.bias) if p is not None]
    optimiser = torch.optim.LBFGS(
        parameters,
        lr=1.0,
        max_iter=steps,
        history_size=20,
        line_search_fn="strong_wolfe",
        tolerance_change=1e-9,
    )

    read = sum(layer.coef.numel() // layer.coef.shape[1] * (layer.degree + 1) for layer in net.layers)
    least, best = math.inf, [p.detach().clone() for p in parameters]

    def closure() -> Tensor:
        nonlocal least
        charge(LOOK + READ * read * len(fair.X))
        if meter.left < 0:
            raise StopError(StopReason.WORK_SPENT, meter)
        optimiser.zero_grad()
        loss = fair.of(net)
        for layer, before in zip(net.layers, start, strict=True):
            change = layer.coef - before
            loss = loss + SMOOTH * (change.diff(n=2, dim=1) ** 2).sum() + 0.01 * SMOOTH * (change**2).sum()
        loss.backward()
        for layer, stays in zip(net.layers, held, strict=True):
            if layer.coef.grad is not None:
                layer.coef.grad.masked_fill_(stays[:, None, :], 0.0)
        now = float(loss.detach())
        if now < least:
            least = now
            for kept, p in zip(best, parameters, strict=True):
                kept.copy_(p.detach())
        return loss

    ended = None
    try:
        optimiser.step(closure)  # pyright: ignore[reportArgumentType]
    except StopError as stop:
        ended = meter.own(stop)
    except KeyboardInterrupt:
        ended = StopReason.INTERRUPTED
    with torch.no_grad():
        for p, kept in zip(parameters, best, strict=True):
            if ended is not None or not bool(torch.isfinite(p).all()):
                p.copy_(kept)
            p.grad = None
    known = optimiser.state[parameters[0]]
    # torch allows a quarter more evaluations than steps.
    spent = known.get("n_iter", 0) >= steps or known.get("func_evals", 0) >= steps * 5 // 4
    return ended or (StopReason.WORK_SPENT if spent else StopReason.CONVERGED)


def _gaps(soft: Tensor, weight: Tensor, cells: list[list[Tensor]]) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for masks in cells:
        means = torch.stack([(soft * mask).sum() / (weight * mask).sum().clamp(min=1e-12) for mask in masks])
        total = total + ((means - means.mean()) ** 2).sum()
    return total
