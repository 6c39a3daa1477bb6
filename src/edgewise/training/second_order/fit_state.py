"""What a second-order fit is asked for, and where it stands: everything that the next state depends on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from edgewise._core.stopping import StopReason
from edgewise.network import KAN
from edgewise.training.second_order import lm
from edgewise.training.second_order.penalty import Weights

# Most steps of a round with work=1.
STEPS = 60


@dataclass(frozen=True)
class Options:
    """Settings of a second-order fit; see `fit`. Grids grow to what `work` times the normal multiplications can carry."""

    steps: int = STEPS
    work: float = 1.0
    starts: int = 1
    intervals: tuple[int, ...] | None = None
    roughness: float | None = None
    sparsity: float | None = 0.0
    total_variation: float = 0.0
    patience: int = 1
    seed: int = 0
    # It changes no result, and so belongs to no fingerprint.
    shared: bool = field(default=False, repr=False)


@dataclass(frozen=True, eq=False)
class FitState:
    """Where a fit stands.

    Attributes
    ----------
    stage : "start", "round", "refit" or "done"
    index, step, updates : int
        Number of the start or round, LM steps and weight updates within it.
    net : KAN
        Grids, masks and forms of the present stage; its trained numbers are those of `state`.
    state : lm.LMState
    weights : Weights
    best, best_error, best_weights
        Best network so far with its criterion (held-out error, or generalised cross-validation) and the weights it was
        trained with.
    pool, pool_errors
        Networks the finished starts arrived at.
    rounds_without_progress : int
        Rounds without progress.
    degrees : float
        Effective degrees of freedom at the last update.
    round_error, round_loss : float
        Criterion at the last update of the weights; training loss at the end of the round before.
    noise_free, best_noise_free : bool
        Whether the present round, and the one that gave the best network, went without smoothing: every finer grid
        lowers the error too steeply for noise.
    held_out_error : float
        Held-out error of the best network before the refit, in the units of y.
    stop_reason, events
        Why the fit is done, and what happened on the way.
    """

    stage: str
    index: int
    step: int
    updates: int
    net: KAN
    state: lm.LMState
    weights: Weights
    best: KAN
    best_error: float
    best_weights: Weights | None = None
    pool: tuple[KAN, ...] = ()
    pool_errors: tuple[float, ...] = ()
    rounds_without_progress: int = 0
    degrees: float = math.nan
    round_error: float = math.inf
    round_loss: float = math.inf
    noise_free: bool = False
    best_noise_free: bool = False
    held_out_error: float = math.nan
    stop_reason: StopReason | None = None
    events: tuple[str, ...] = ()
