"""Second-order training as a sequence of states, each a pure function of the one before.

    starts (several networks, coarse grid) -> rounds (the best one, finer and finer grids) -> refit (all rows)

Within a stage Levenberg-Marquardt steps alternate with updates of the penalty weights. A state holds everything the next
one depends on, so that a run continued from a stored state ends in the same result, bit by bit.
"""

from __future__ import annotations

import math
from dataclasses import replace

from edgewise._core.seeds import derive
from edgewise._core.stopping import StopReason
from edgewise.network import KAN
from edgewise.training.common.losses import Loss, Squared
from edgewise.training.common.preparation import fresh_copy, grown, is_scaled, prepared
from edgewise.training.common.rows import TrainingRows, tensors_of
from edgewise.training.common.state_files import fingerprint_of
from edgewise.training.second_order import evidence, lm, truncated
from edgewise.training.second_order.fit_problem import FitProblem, error, error_at, joined, mean_loss
from edgewise.training.second_order.fit_state import FitState, Options
from edgewise.training.second_order.native_objective import NativeObjective, descended
from edgewise.training.second_order.objective import Penalised, effective_rows
from edgewise.training.second_order.parameters import pack, write
from edgewise.training.second_order.penalty import Weights, uniform_weights
from edgewise.training.second_order.truncated import MatrixFree

START_STEPS = 30
# A further grid must lower the error by this share to count as progress.
WORTHWHILE = 0.02
# A stage rests when a step lowers the objective by less than this share; before an update of the weights, which changes
# more than the last steps under the old ones would, by less than the second.
RESTING, UPDATING = 1e-3, 1e-2
# Coefficients that no row sees follow the penalty alone; their steps hardly show in the objective, but a few must be made.
# Without smoothing there is next to no penalty to follow.
FEWEST_STEPS, FEWEST_NOISE_FREE = 6, 2
# The refit starts where it is to end, but for the rows that are new to it.
REFIT_STEPS = 20
MOST_UPDATES = 6
# Edges that sparsity turns off fade by a factor an update, while the error no longer decides.
MOST_SPARSE_UPDATES = 24
# Initial weights.
ROUGH_START, TILT_START = 1e-5, 1e-12
# Damping of the first step of a stage: of a start from nothing (see `lm`), of a trained network, on a refined grid.
WARM_MU, FINE_MU = 1e-6, 1e-10
# Fall of the training loss from one grid to the next (16 times the half for a cubic, 256 in the square) that noise forbids.
STEEP = 25.0
# A loss below this (in network units, where y has unit variance) is as exact as float64 sums get.
EXACT = 1e-22
NOT_FINITE = "The loss is not finite on some row, so no step could be made: a closed form has no value there."
# Largest number of parameters with a Gauss-Newton matrix of their own; beyond it steps go by products alone, and weights
# stay as they are, for their evidence takes the inverse of that matrix.
MOST_DENSE = 5000
# Largest number of multiplications a step, and of parameters without a matrix, that rounds grow to with work=1. Where the
# error falls steeply a finer grid is worth more, and takes a few steps only: it may cost so many times as much.
MOST_WORK = 6e9
MOST_FREE = 100_000
STEEP_WORK = 2.0
# Steps of a small network go several to a call; so many multiplications take milliseconds.
WORK_AT_ONCE = 1e8


class SecondOrder:
    """The fit of one network on training rows, judged on held-out rows where there are any."""

    def __init__(
        self,
        net: KAN,
        train: TrainingRows,
        held: TrainingRows | None,
        loss: Loss,
        options: Options,
        refit: bool = True,
    ) -> None:
        self.train, self.held, self.loss, self.options, self.refit = train, held, loss, options, refit
        self.warm = is_scaled(net)
        self.automatic = options.roughness is None or options.sparsity is None or options.sparsity > 0
        self._most_updates = MOST_UPDATES if options.sparsity == 0.0 else MOST_SPARSE_UPDATES
        self._tilt_start = TILT_START if options.sparsity is None else 0.0
        self.given = prepared(net, train, loss)
        self._problem: FitProblem | None = None
        self._penalised: tuple[FitProblem, Weights, Penalised | MatrixFree] | None = None

    def begin(self) -> FitState:
        """The first state: the network as it was given; one that was trained before goes on where it stands."""
        if self.warm and self.options.starts == 1:
            schedule = self.options.intervals
            net = self.given if schedule is None else grown(self.given, self.train, schedule[0])
            now = self._enter("round", 0, net, None, WARM_MU, self.given, math.inf)
            # Weights from before the fit would bend a network that is already exact; the data set them first.
            return (
                replace(self._updated(now, stride=evidence.ANY_STRIDE), updates=0)
                if self._to_update(now)
                else now
            )
        return self._enter("start", 0, self.given, None, lm.MU_START, best=self.given, best_error=math.inf)

    def advance(self, now: FitState) -> FitState:
        """The next state: an LM step (small networks: a few), an update of the weights, or the change of stage."""
        if self._at_rest(now):
            return replace(self._after_rest(now), events=now.events)
        objective, steps = self._objective(now), 1
        data = self._problem_at(now).data
        if isinstance(objective, MatrixFree):
            state = truncated.step(objective, now.state)
        elif isinstance(data, NativeObjective) and isinstance(data.loss, Squared) and not objective.variation:
            state, steps = descended(objective, data, now.state, *self._at_once(now))
        else:
            state = lm.step(objective, now.state)
        events = (NOT_FINITE,) if not math.isfinite(state.value) and NOT_FINITE not in now.events else ()
        return replace(now, state=state, step=now.step + steps, events=now.events + events)

    def errors(self, now: FitState) -> tuple[float, float | None]:
        """Training and held-out error of a state, in the units of y; a finished fit's are those of its result."""
        if now.stage == "done":
            return error(now.best, self.train, self.loss), self.validation_error(now)
        problem = self._problem_at(now)
        # A refit learns from the held-out rows too: they can judge it no longer.
        judge = None if now.stage == "refit" else problem.judge
        held = None if judge is None else error_at(judge, now.net, now.state.theta)
        return error_at(problem.data, now.net, now.state.theta), held

    def best_until(self, now: FitState) -> KAN:
        """The best network when a fit ends at a state that is not done."""
        if now.stage == "refit":
            return now.best
        best_error = now.best_error
        if now.stage == "round" and now.index == 0 and self.held is not None:
            best_error = mean_loss(
                now.best, self.held, self.loss
            )  # the best start's, which no round has met yet
        candidates = [*zip(now.pool_errors, now.pool, strict=True), (best_error, now.best)]
        here = self._network(now)
        candidates.append((self._criterion(now, now.degrees), here))
        return min(candidates, key=lambda pair: pair[0] if math.isfinite(pair[0]) else math.inf)[1]

    def validation_error(self, now: FitState) -> float | None:
        """Held-out error, in the units of y, of the network before the refit on all rows."""
        if self.held is None:
            return None
        if now.stage in ("refit", "done"):
            return now.held_out_error
        return error(self.best_until(now), self.held, self.loss)

    def hurry(self) -> None:
        """From here on look at a few of the rows only: the time is up."""
        self.train, self.held = self.train.few(), None if self.held is None else self.held.few()
        self._problem = self._penalised = None

    def fingerprint(self) -> str:
        """What a stored state must share with this run to be continued: rows, settings and the network given."""
        settings = (self.options, self.loss, self.refit, self.given.spec)
        return fingerprint_of(settings, tensors_of(self.train, self.held, self.given))

    # -- stages ---------------------------------------------------------------------------------------------------

    def _at_rest(self, now: FitState) -> bool:
        still = now.state.decrease < self._resting(now) or now.state.value < lm.ROUNDING
        calm = still and now.step >= max(1, _fewest(now))
        return now.state.stuck or calm or now.step >= self._most(now)

    def _at_once(self, now: FitState) -> tuple[int, float]:
        """Steps of one call, and the decrease that ends it: as far as `_at_rest` would let them go one by one."""
        work = len(now.state.theta) ** 2 * len(self._rows(now.stage)) * now.net.shape[-1]
        some = max(1, int(WORK_AT_ONCE / work))
        fewest = _fewest(now) - now.step
        if fewest > 0:
            return min(some, fewest, self._most(now) - now.step), 0.0
        return min(some, self._most(now) - now.step), self._resting(now)

    def _resting(self, now: FitState) -> float:
        return UPDATING if self._to_update(now) else RESTING

    def _most(self, now: FitState) -> int:
        limit = {"start": START_STEPS, "refit": REFIT_STEPS}.get(now.stage, self.options.steps)
        return min(limit, self.options.steps)

    def _to_update(self, now: FitState) -> bool:
        """Whether an update of the weights comes next."""
        more = now.updates < self._most_updates and now.step < self.options.steps
        return now.stage == "round" and self.automatic and more and not _is_free(now)

    def _after_rest(self, now: FitState) -> FitState:
        if self._to_update(now):
            return self._updated(now)
        if now.stage == "start":
            return self._after_start(now)
        if now.stage == "round":
            return self._after_round(now)
        return replace(now, stage="done", best=self._network(now))

    def _updated(self, now: FitState, stride: float = evidence.STRIDE) -> FitState:
        problem = self._problem_at(now)
        updated = evidence.update(
            problem,
            now.weights,
            now.state.theta,
            tilt=self.options.sparsity is None,
            rough=self.options.roughness is None,
            stride=stride,
        )
        weights = updated.weights
        if self.options.sparsity:
            if self.options.roughness is not None:
                weights = uniform_weights(problem.penalty, self.options.roughness, 0.0)
            weights = evidence.group_sparse(problem.penalty, weights, now.state.theta, self.options.sparsity)
        objective = _penalised(problem, weights)
        state = lm.LMState(now.state.theta, objective.value(now.state.theta), min(now.state.mu, lm.MU_START))
        updates = now.updates + 1
        error = self._criterion(now, updated.degrees)
        # When an update no longer changes the error, the weights have settled.
        if abs(error - now.round_error) <= 0.01 * now.round_error and self.options.sparsity == 0.0:
            updates = self._most_updates
        return replace(
            now, state=state, weights=weights, updates=updates, degrees=updated.degrees, round_error=error
        )

    def _after_start(self, now: FitState) -> FitState:
        net = self._network(now)
        pool = (*now.pool, net)
        _, held = self._losses(now)
        errors = (*now.pool_errors, now.state.value if held is None else held)
        if len(pool) < self.options.starts:
            fresh = fresh_copy(self.given, derive(self.options.seed, 100 + len(pool)), self.train)
            entered = self._enter("start", len(pool), fresh, None, lm.MU_START, now.best, now.best_error)
            return replace(entered, pool=pool, pool_errors=errors)
        first = min(range(len(pool)), key=lambda k: errors[k] if math.isfinite(errors[k]) else math.inf)
        best = pool[first]
        schedule = self.options.intervals
        count = best.layers[0].intervals if schedule is None else schedule[0]
        return self._enter("round", 0, grown(best, self.train, count), now.weights, 1e-3, best, math.inf)

    def _after_round(self, now: FitState) -> FitState:
        net = self._network(now)
        error = self._criterion(now, now.degrees)
        better = error < now.best_error
        worthwhile = error < (1 - WORTHWHILE) * now.best_error
        best, best_error = (net, error) if better else (now.best, now.best_error)
        rounds_without_progress = 0 if worthwhile else now.rounds_without_progress + 1
        resolved = now.noise_free if better else now.best_noise_free
        best_weights = now.weights if better else now.best_weights
        after = replace(
            now,
            best=best,
            best_error=best_error,
            best_weights=best_weights,
            rounds_without_progress=rounds_without_progress,
            best_noise_free=resolved,
        )
        schedule = self.options.intervals
        last = schedule is not None and now.index + 1 >= len(schedule)
        if last or best_error < EXACT:
            return self._refit(after, StopReason.CONVERGED)
        if rounds_without_progress > self.options.patience:
            return self._refit(after, StopReason.NO_IMPROVEMENT)
        count = 2 * net.layers[0].intervals if schedule is None else schedule[now.index + 1]
        loss, _ = self._losses(now)
        steep = math.isfinite(now.round_loss) and loss * STEEP < now.round_loss
        if schedule is None and not self._affordable(net, count, steep):
            return self._refit(after, StopReason.LARGEST_GRID)
        finer = grown(net, self.train, count)
        noise_free = self.options.roughness is None and steep
        weights = self._weights_for(now, noise_free)
        entered = self._enter("round", now.index + 1, finer, weights, FINE_MU, best, best_error)
        updates = self._most_updates if noise_free else 0
        return replace(
            entered,
            best_weights=best_weights,
            rounds_without_progress=rounds_without_progress,
            round_loss=loss,
            updates=updates,
            noise_free=noise_free,
            best_noise_free=resolved,
        )

    def _weights_for(self, now: FitState, noise_free: bool) -> Weights:
        """Weights to start a round with.

        While each finer grid still lowers the training error steeply, what is left is the error of the grid and not
        noise: there is nothing to smooth, and smoothing would only bend the edges where no rows are.
        """
        penalty = self._problem_at(now).penalty
        if noise_free:
            return uniform_weights(penalty, evidence.LIMITS[0], evidence.LIMITS[0])
        faint = all(bool((w <= evidence.LIMITS[0]).all()) for w in now.weights.rough)
        if faint and self.options.roughness is None:
            return uniform_weights(penalty, ROUGH_START, self._tilt_start)
        return now.weights

    def _refit(self, now: FitState, reason: StopReason) -> FitState:
        """A last polish of the best network on all rows, once the grid has been chosen."""
        held_out_error = math.nan if self.held is None else error(now.best, self.held, self.loss)
        if self.held is None or not self.refit:
            return replace(now, stage="done", stop_reason=reason, held_out_error=held_out_error)
        self._problem = self._penalised = None
        # Under the weights that made it the best: a later grid's may be of another kind.
        entered = self._enter("refit", 0, now.best, now.best_weights, 1e-8, now.best, now.best_error)
        return replace(
            entered, stop_reason=reason, held_out_error=held_out_error, best_noise_free=now.best_noise_free
        )

    # -- parts ----------------------------------------------------------------------------------------------------

    def _enter(
        self,
        stage: str,
        index: int,
        net: KAN,
        weights: Weights | None,
        mu: float,
        best: KAN,
        best_error: float,
    ) -> FitState:
        problem = self._problem_of(net, stage)
        if weights is None or [len(w) for w in weights.rough] != [
            slot.n_edges for slot in problem.slots.layers
        ]:
            rough = self.options.roughness if self.options.roughness is not None else ROUGH_START
            weights = uniform_weights(problem.penalty, rough, self._tilt_start)
        theta = pack(net, problem.slots)
        state = lm.LMState(theta, _penalised(problem, weights).value(theta), mu)
        self._problem = problem
        return FitState(stage, index, 0, 0, net, state, weights, best, best_error)

    def _problem_at(self, now: FitState) -> FitProblem:
        if self._problem is None or self._problem.net is not now.net:
            self._problem = self._problem_of(now.net, now.stage)
        return self._problem

    def _problem_of(self, net: KAN, stage: str) -> FitProblem:
        options = self.options
        return FitProblem(
            net, self._rows(stage), self.held, self.loss, options.total_variation, options.shared
        )

    def _rows(self, stage: str) -> TrainingRows:
        return self.train if self.held is None or stage != "refit" else joined(self.train, self.held)

    def _objective(self, now: FitState) -> Penalised | MatrixFree:
        problem = self._problem_at(now)
        if (
            self._penalised is None
            or self._penalised[0] is not problem
            or self._penalised[1] is not now.weights
        ):
            self._penalised = (problem, now.weights, _penalised(problem, now.weights))
        return self._penalised[2]

    def _network(self, now: FitState) -> KAN:
        problem = self._problem_at(now)
        net = fresh_copy(now.net, None, None)
        write(net, problem.slots, now.state.theta)
        return net

    def _losses(self, now: FitState) -> tuple[float, float | None]:
        """Mean loss on the training rows and on those held out, in network units."""
        problem = self._problem_at(now)
        held = None if problem.judge is None else problem.judge.value(now.state.theta)
        return problem.data.value(now.state.theta), held

    def _criterion(self, now: FitState, degrees: float) -> float:
        value, held = self._losses(now)
        if held is not None:
            return held
        count = effective_rows(self.train.weight) * self.train.y.shape[1]
        degrees = degrees if math.isfinite(degrees) else min(len(now.state.theta), 0.9 * count)
        return value / max(1 - degrees / count, 0.05) ** 2

    def _affordable(self, net: KAN, intervals: int, steep: bool) -> bool:
        size = sum(int(layer.numeric_mask().sum()) * (intervals + layer.degree) for layer in net.layers)
        if net.n_parameters > MOST_DENSE:
            return size <= MOST_FREE * self.options.work
        most = MOST_WORK * self.options.work * (STEEP_WORK if steep else 1.0)
        return size <= MOST_DENSE and size**2 * (len(self.train) * net.shape[-1] + size) <= most


def _fewest(now: FitState) -> int:
    return 0 if now.stage != "round" else FEWEST_NOISE_FREE if now.noise_free else FEWEST_STEPS


def _is_free(now: FitState) -> bool:
    return len(now.state.theta) > MOST_DENSE


def _penalised(problem: FitProblem, weights: Weights) -> Penalised | MatrixFree:
    """The penalised objective, with matrices where they can be afforded."""
    if problem.slots.total > MOST_DENSE:
        return MatrixFree(problem.data, problem.penalty, weights, problem.variation)
    return problem.penalised(weights)
