"""AdamW in one pass over the numbers, by the native kernels where they are at hand and by torch's fused step elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from edgewise.kernels.native.library import NativeLibrary, load
from edgewise.kernels.native.optimizer import AdamWStep


@dataclass(frozen=True, eq=False)
class Centred:
    """Weights whose functions are seen minus their means.

    Attributes
    ----------
    weights : Parameter, shape (..., O)
    mean : Tensor
        Mean of the function of each row of weights; as many as weights.numel() / O.
    bias : Parameter, shape (O,)
        Takes the constants: mean @ weights is part of it.
    """

    weights: torch.nn.Parameter
    mean: Tensor
    bias: torch.nn.Parameter

    def offset(self) -> Tensor:
        """What the weights add to the means of the sums, shape (O,)."""
        return self.mean @ self.weights.view(len(self.mean), -1)

    def pull(self) -> None:
        """Make the gradient that of the centred functions."""
        if self.weights.grad is not None and self.bias.grad is not None:
            self.weights.grad.view(len(self.mean), -1).addr_(self.mean, self.bias.grad, alpha=-1)


class FusedAdamW(torch.optim.AdamW):
    """`torch.optim.AdamW`, without the time that it spends around its arithmetic.

    Its state is that of torch's class, so that a run may go on from it with or without native kernels.

    Parameters
    ----------
    groups : iterable of dict
        Groups of parameters with their "lr" and "weight_decay".
    betas : pair of float

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101.

    Examples
    --------
    >>> weight = torch.nn.Parameter(torch.ones(3))
    >>> optimizer = FusedAdamW([{"params": [weight], "lr": 0.1, "weight_decay": 0.0}])
    >>> weight.grad = torch.tensor([1.0, -2.0, 0.5])
    >>> optimizer.step()
    >>> weight.detach()
    tensor([0.9000, 1.1000, 0.9000])
    """

    def __init__(self, groups: Iterable[dict[str, Any]], betas: tuple[float, float] = (0.9, 0.99)) -> None:
        groups = list(groups)
        self._parameters: list[Tensor] = [p for group in groups for p in group["params"]]
        kinds = {(p.device.type, p.dtype) for p in self._parameters}
        super().__init__(groups, betas=betas, fused={device for device, _ in kinds} <= {"cpu", "cuda"})
        plain = len(kinds) == 1 and kinds <= {("cpu", torch.float32), ("cpu", torch.float64)}
        self._library = load() if plain and all(p.is_contiguous() for p in self._parameters) else None
        self._native: AdamWStep | None = None
        self._count = 0
        self._centred: tuple[Centred, ...] = ()

    def centre(self, centred: Iterable[Centred]) -> None:
        """From now on take steps along gradients centred like this; see `centring`."""
        self._centred = tuple(centred)
        if self._native is not None:
            self._native.centre([(array.weights, array.mean, array.bias) for array in self._centred])

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:
        """Move the parameters along their gradients."""
        for p in self._parameters:
            if p.grad is not None and not p.grad.is_contiguous():
                p.grad = p.grad.contiguous()  # torch's fused step, too, reads gradients as they lie in memory
        if self._library is None:
            before = [item.offset() for item in self._centred]
            for item in self._centred:
                item.pull()
            super().step(closure)
            for item, offset in zip(self._centred, before, strict=True):
                item.bias.add_(offset - item.offset())
            return
        if self._native is None:
            self._native = self._begun(self._library)
        self._count += 1
        gradients = [p.grad for p in self._parameters]
        rates, decays = (
            [group[name] for group in self.param_groups for _ in group["params"]]
            for name in ("lr", "weight_decay")
        )
        betas, eps = self.param_groups[0]["betas"], self.param_groups[0]["eps"]
        self._native(self._count, gradients, rates, decays, betas, eps, torch.get_num_threads())

    def state_dict(self) -> dict[str, Any]:
        """The state in torch's form."""
        if self._native is not None:
            for state in self.state.values():
                state["step"].fill_(self._count)
        return super().state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state."""
        super().load_state_dict(state_dict)
        self._native = None

    def _begun(self, library: NativeLibrary) -> AdamWStep:
        """The native step on the moments at hand; they start at zero."""
        for p in self._parameters:
            if not self.state[p]:
                self.state[p] = {
                    "step": torch.zeros((), dtype=torch.float32),
                    "exp_avg": torch.zeros_like(p),
                    "exp_avg_sq": torch.zeros_like(p),
                }
        states = [self.state[p] for p in self._parameters]
        self._count = int(max(float(state["step"]) for state in states))
        moments = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq"))
        made = AdamWStep(library, self._parameters, *moments)
        made.centre([(array.weights, array.mean, array.bias) for array in self._centred])
        return made
