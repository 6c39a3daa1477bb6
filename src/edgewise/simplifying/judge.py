"""Whether a smaller network explains held-out rows as well."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from edgewise.network import KAN
from edgewise.training import Loss
from edgewise.training.common.rows import TrainingRows
from edgewise.training.second_order.fit_problem import error as error_on

# Losses (in network units, where y has unit variance) below this are rounding: networks that both reach it are equal.
EXACT = 1e-20


@dataclass(frozen=True, eq=False)
class Judge:
    """Held-out rows and what counts as no worse."""

    train: TrainingRows
    held: TrainingRows
    loss: Loss
    tolerance: float

    def rows_of(self, net: KAN) -> torch.Tensor:
        """Loss of every held-out row in the units of the loss."""
        with torch.no_grad():
            f = net(self.held.X)
        if self.loss.dispersed:
            return self.loss.rows(
                (f - net.output_shift) / net.output_scale, (self.held.y - net.output_shift) / net.output_scale
            )
        return self.loss.rows(f, self.held.y)

    def no_worse(self, smaller: KAN, best: KAN) -> bool:
        """Whether the smaller network loses no more than the tolerance or one standard error of the paired difference."""
        ours, theirs = self.rows_of(smaller), self.rows_of(best)
        if not bool(ours.isfinite().all()):
            return False
        worse = ours - theirs
        mean = float(worse @ self.held.weight)
        error = float(worse.std()) / len(worse) ** 0.5 if len(worse) > 1 else 0.0
        base = float(theirs @ self.held.weight)
        # The one-standard-error rule (L. Breiman et al., 1984), bounded so that it never hides a real loss.
        return mean <= max(
            self.tolerance * base, min(error, 0.1 * base), EXACT if self.loss.dispersed else 0.0
        )

    def error(self, net: KAN) -> float:
        return error_on(net, self.held, self.loss)
