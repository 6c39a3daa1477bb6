"""Steps of AdamW on a torch module, with a rate that rises and falls, and the mean of its last states.

One recipe serves layers of functions and ordinary ones, so that a comparison of them compares nothing else. The mean follows
B. T. Polyak and A. B. Juditsky, "Acceleration of stochastic approximation by averaging", 1992, doi:10.1137/0330046.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from edgewise._core.work import charge
from edgewise.layers import KANConv1d, KANConv2d
from edgewise.training.common.costs import STEP
from edgewise.training.first_order.adamw import FusedAdamW

# Of a row's way through a module and back: seconds a multiply-add, about.
FLOP = 2e-10


@dataclass(frozen=True)
class Recipe:
    """How a module is trained.

    Attributes
    ----------
    rate : float
        Largest learning rate; it falls to nothing along half a cosine.
    decay : float
        Decoupled decay of weights with more than one dimension.
    warmup : float
        Share of the steps in which the rate rises.
    average : float
        Share of the steps over which the mean of states reaches back; 0 for the last state.
    clip : float
        Largest norm of a gradient.
    """

    rate: float = 3e-3
    decay: float = 0.02
    warmup: float = 0.1
    average: float = 0.05
    clip: float = 1.0

    def rate_at(self, step: int, steps: int) -> float:
        """Learning rate of one of the steps."""
        rise = max(1.0, self.warmup * steps)
        if step < rise:
            return self.rate * (step + 1) / rise
        return self.rate * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1.0, steps - rise)))


class Descent:
    """A run of steps on a module, which is changed in place.

    Parameters
    ----------
    module : nn.Module
    steps : int
        Steps that are planned.
    recipe : Recipe
    parameters : iterable of Parameter, optional
        Those that are trained; all by default.

    Examples
    --------
    >>> line = nn.Linear(1, 1)
    >>> run, x = Descent(line, 300, Recipe(rate=0.1)), torch.linspace(-1, 1, 20)[:, None]
    >>> while run.done < run.steps:
    ...     _ = run.step(lambda: (line(x) - 2 * x - 1).square().mean(), 0.0)
    >>> run.finish()
    >>> round(line.weight.item(), 1), round(line.bias.item(), 2)
    (2.0, 1.0)
    """

    def __init__(
        self, module: nn.Module, steps: int, recipe: Recipe, parameters: Sequence[Tensor] | None = None
    ) -> None:
        self.module, self.steps, self.recipe, self.done = module, steps, recipe, 0
        self.own = [p for p in (parameters or list(module.parameters())) if p.requires_grad]
        matrices = [p for p in self.own if p.dim() > 1]
        vectors = [p for p in self.own if p.dim() <= 1]
        groups = [(matrices, recipe.decay), (vectors, 0.0)]
        self.optimizer = FusedAdamW(
            [{"params": own, "lr": recipe.rate, "weight_decay": decay} for own, decay in groups if own],
            betas=(0.9, 0.99),
        )
        self.mean: list[Tensor] = []

    def step(self, loss: Callable[[], Tensor], cost: float) -> float:
        """One step along the gradient of a loss; the loss, which is not finite where nothing was done.

        Parameters
        ----------
        loss : callable
        cost : float
            Work of the loss and its gradient, see `_core.work`.
        """
        charge(cost + STEP)
        rate = self.recipe.rate_at(self.done, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        norm = nn.utils.clip_grad_norm_(self.own, self.recipe.clip)
        if bool(norm.isfinite()):
            self.optimizer.step()
        self.done += 1
        self._follow()
        return float(value.detach()) if bool(norm.isfinite()) else math.nan

    def _follow(self) -> None:
        """Let the mean follow the state, over as many steps as there have been at first."""
        if not self.recipe.average:
            return
        reach = max(1.0, min(self.recipe.average * self.steps, self.done / 2))
        with torch.no_grad():
            if not self.mean:
                self.mean = [p.detach().clone() for p in self.own]
            else:
                cast(Any, torch)._foreach_lerp_(self.mean, [p.detach() for p in self.own], 1 / reach)

    def averaged(self) -> nn.Module:
        """A copy of the module with the mean in it; the run goes on as it was, wherever this is broken off."""
        made = copy.deepcopy(self.module)
        place = {id(p): own for p, own in zip(self.module.parameters(), made.parameters(), strict=True)}
        _fill([place[id(p)] for p in self.own], self.mean)
        return made

    def finish(self) -> None:
        """Leave the mean in the module."""
        _fill(self.own, self.mean)
        self.mean = []

    def state(self) -> dict[str, Any]:
        """All that a run needs to go on, but for the module's own state; see `restore`."""
        self.optimizer.state_dict()  # which brings the counts of steps up to date
        # Of each parameter in the module's order, nothing where it has not been moved.
        moments = [
            {name: part.clone() for name, part in self.optimizer.state.get(p, {}).items()} for p in self.own
        ]
        return {"done": self.done, "mean": [m.clone() for m in self.mean], "moments": moments}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.done, self.mean = int(state["done"]), [m.clone() for m in state["mean"]]
        whole = self.optimizer.state_dict()
        # The optimizer counts parameters group by group.
        order = [p for group in self.optimizer.param_groups for p in group["params"]]
        number = {id(p): k for k, p in enumerate(order)}
        moments = zip(self.own, state["moments"], strict=False)  # of a run that has not begun there are none
        whole["state"] = {number[id(p)]: dict(moment) for p, moment in moments if moment}
        self.optimizer.load_state_dict(whole)


def _fill(parameters: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    with torch.no_grad():
        for p, value in zip(parameters, values, strict=False):  # of a run that has not begun there are none
            p.copy_(value)


def multiplications(module: nn.Module, run: Callable[[], Any]) -> float:
    """Multiply-adds of one call, from the sizes of what layers with weights read and make: for counting work."""
    total, handles = 0.0, list[Any]()

    def hook(part: nn.Module, given: Any, made: Any) -> None:
        nonlocal total
        if isinstance(made, Tensor):
            weights = sum(p.numel() for p in part.parameters())
            places = made[..., :1, :, :].numel() if made.dim() == 4 else made[..., :1].numel()
            total += float(places * weights)

    for part in module.modules():
        if next(part.children(), None) is None or isinstance(part, (KANConv1d, KANConv2d)):
            handles.append(part.register_forward_hook(hook))
    try:
        with torch.no_grad():
            run()
    finally:
        for handle in handles:
            handle.remove()
    return total
