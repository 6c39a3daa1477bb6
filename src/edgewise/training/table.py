"""fit_table: from an encoded table to one network, with everything but the table left to us.

The additive part comes first: it is solved, not trained, and the easiest to read. A bag of networks then learns what it
leaves over, and in mode "auto" stays only if rows that its members have not seen speak for it. Both are one network in the
end; a hidden node carries the additive part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from edgewise._core.checks import check_choice, check_float, check_int, check_matrix, check_vector
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, generator
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import PULSE, Meter, StopError, check_work, running
from edgewise.training.additive import Additive, solve_additive
from edgewise.training.bag import Bag, Tame
from edgewise.training.bag_design import DEGREE, smoother
from edgewise.training.bag_network import to_network
from edgewise.training.bag_run import Ground, Recipe, TableRows, make_ground, train_bag
from edgewise.training.constraints import Constraint, check_constraints, constrain, solve_constrained
from edgewise.training.losses import CrossEntropy, Loss, Squared
from edgewise.training.output_range import check_range, within_range
from edgewise.training.pairs import strongest_pairs, telling_pairs
from edgewise.training.results import Callback, Record, TableFit, tell
from edgewise.training.table_judged import Judged, judged, speaks_for, temperature

MODES = ("auto", "additive", "pairwise", "deep")
LOSSES = ("squared", "logistic", "cross_entropy")

MEMBERS, FOLDS = 8, 4
# Hidden nodes of a member, and intervals of the grids of the inputs.
HIDDEN, INTERVALS = 32, 24
# Passes over the rows, and updates, that a bag is given where the work allows.
EPOCHS, FEWEST_STEPS, MOST_STEPS = 150, 200, 4000
# Rows of all its minibatches together: out-of-bag errors fall no further with more.
MOST_SHOWN = 700_000
# Work that may be done with work=1, and shares of it for the updates of a bag and for the additive part.
UNITS, PLANNED, ADDITIVE_SHARE = 30.0, 0.6, 0.3
# Work of an update, a multiplication of the first layer, and a value of a hidden spline.
UPDATE_COST, PRODUCT_COST, SPLINE_COST = 1e-3, 4e-11, 1.2e-9
# Numbers that the design of all rows may hold; of larger tables a random part is used.
MOST_NUMBERS = 100_000_000
# Rows that are looked at, and how often, where a time limit ends the preparation of all.
GLANCE, GLANCES = 1000, 10
# Columns of the design: many inputs get coarser grids.
MOST_COLUMNS, FEWEST_INTERVALS = 1500, 4
# Rows from which the additive part has two, three and four times the intervals: its smoothness is chosen by the evidence, so
# fineness costs time only, and tells sharp steps apart where rows are many.
FINER = (2000, 4000, 8000)
# Directions of an input that a bag bends it in: at least so many, and so many for each degree of freedom that its additive
# function makes use of. Where that one is smooth, others seldom are not.
FEWEST_DIRECTIONS, MORE_DIRECTIONS = 12, 1.0
# Pairs that are tried, and hidden nodes for each of them in a member: the fewer pairs, the more.
MOST_PAIRS, FEWEST_NODES, MOST_NODES, NODES_OF_ALL = 24, 3, 6, 60
# Rows of all the minibatches of a bag of pairs: they are easier to learn than what all inputs do together.
SHOWN_PAIRS = 450_000
# Share of the updates after which the pairs that pay are told from those that do not.
SCOUT_SHARE = 0.2
# A gain in loss that makes no difference to a reader: in nats, or for targets of unit variance.
FAINT = {"cross_entropy": 1e-4, "squared": 5e-5}


def fit_table(
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    weight: Any = None,
    levels: Sequence[int] | None = None,
    mode: str = "auto",
    members: str | int = "auto",
    hidden: int | None = None,
    names: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    interactions: str | int | None = None,
    constraints: Mapping[int, Constraint] | None = None,
    output_range: tuple[float | None, float | None] | None = None,
) -> TableFit:
    """Train a network on an encoded table; architecture, grids, penalties and stopping follow from the rows.

    Parameters
    ----------
    X : array, shape (n, inputs)
        Finite numbers; categories as codes in an order that means something (see `edgewise.data.learn_encoding`).
    y : array, shape (n,) or (n, outputs)
        Numbers, or class numbers.
    loss : "squared", "logistic" or "cross_entropy"
        "logistic" has one output, the logit of class 1; "cross_entropy" one for each class.
    weight : array, shape (n,), optional
    levels : sequence of int, optional
        For each input the number of its levels, 0 where it is a number.
    mode : "auto", "additive", "pairwise" or "deep"
        One function an input; functions of chosen pairs as well; hidden nodes that read all inputs; or the simplest of
        additive and deep that out-of-bag rows cannot tell from the best.
    members : "auto" or int
        Networks that are trained on different parts of the rows and averaged.
    hidden : int, optional
        Hidden nodes of one member of a deep network.
    names, outputs : sequence of str, optional
    work : "quick", "normal", "thorough" or float
        A fifth, once or five times the normal work, or a factor of your own: it limits the updates of large tables; small
        ones need fewer.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: what is found until then is the answer, and may differ
        from run to run.
    seed : int
    callbacks : sequence of callable
        Called with a `Record` at least once a second; returning True ends training with the best so far.
    interactions : int, "auto" or None
        How many pairs of inputs act together, in a model of functions of single inputs and of pairs: so many, the strongest;
        or as many of them as out-of-bag rows speak for. None leaves it to `mode`.
    constraints : mapping from int to Constraint, optional
        What the functions of some inputs must be; held by construction, for all x. Functions that are to be convex or
        within a range are additive in every mode.
    output_range : (low, high), optional
        What one output may be, in units of y or as log-odds; None for no limit. One more edge holds it there for all x.

    Returns
    -------
    TableFit

    Raises
    ------
    InputError
        If an argument does not fit.

    References
    ----------
    L. Breiman, "Bagging predictors", 1996, doi:10.1007/BF00058655. C. Guo et al., "On calibration of modern neural
    networks", 2017, arXiv:1706.04599.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    >>> result = fit_table(X, np.sin(3 * X[:, 0]) + X[:, 1] ** 2)
    >>> result.mode, result.validation_error < 0.1
    ('additive', True)
    """
    check_choice(loss, "loss", LOSSES, of="fit_table")
    check_choice(mode, "mode", MODES, of="fit_table")
    factor = check_work(work, of="fit_table")
    if seconds is not None:
        check_float(seconds, "seconds", low=0.0, closed=False, of="fit_table")
    seed = check_int(seed, "seed", low=0, of="fit_table")
    count = MEMBERS if members == "auto" else check_int(members, "members", low=1, of="fit_table")
    if interactions is not None and interactions != "auto":
        interactions = check_int(interactions, "interactions", low=0, of="fit_table")
    if hidden is not None:
        check_int(hidden, "hidden", low=1, of="fit_table")
    if interactions is not None:
        mode = "additive" if interactions == 0 else "pairwise"
    limits = None if output_range is None else check_range(output_range, "fit_table")
    meter = Meter(seconds=seconds)
    inputs = torch.from_numpy(check_matrix(X, "X", of="fit_table"))
    target, row_loss = _targets(y, len(inputs), loss, outputs)
    shift, scale = torch.zeros_like(target[0]), torch.ones_like(target[0])
    weights = torch.ones(len(inputs), dtype=torch.float64)
    if weight is not None:
        weights = torch.from_numpy(check_vector(weight, "weight", length=len(inputs), of="fit_table"))
        weights = weights / weights.mean()
    if loss == "squared":
        mean = (target * weights[:, None]).sum(0) / weights.sum()
        spread = (((target - mean) ** 2 * weights[:, None]).sum(0) / weights.sum()).sqrt()
        shift, scale = mean, torch.where(spread > 0, spread, torch.ones_like(spread))
        target = (target - shift) / scale
    kept = {i: one for i, one in (constraints or {}).items() if not one.free}
    check_constraints(kept, loss, inputs.shape[1], target.shape[1])
    job = _Job(
        TableRows(inputs, target, weights),
        row_loss,
        count,
        hidden,
        factor,
        meter,
        seed,
        callbacks,
        shift,
        scale,
        kept,
    )
    if limits is not None and target.shape[1] != 1:
        raise InputError(f"An output range must be asked of one output. Got {target.shape[1]} instead.")
    # Matrices are small: a second thread would gain little, and round differently.
    with one_thread():
        fit = job.run(mode, interactions, names, outputs)
    if limits is None:
        return fit
    told = None if fit.out_of_bag is None else fit.out_of_bag.clamp(*limits)
    return replace(fit, network=within_range(fit.network, *limits), out_of_bag=told)


def _targets(y: Any, rows: int, loss: str, outputs: Sequence[str] | None) -> tuple[Tensor, Loss]:
    """Targets (n, D), and the loss of a row."""
    columns = y if getattr(y, "ndim", 1) == 2 else check_vector(y, "y", length=rows, of="fit_table")[:, None]
    table = torch.from_numpy(check_matrix(columns, "y", rows=rows, of="fit_table")).clone()
    if loss == "cross_entropy":
        classes = int(table.max()) + 1 if outputs is None else len(outputs)
        if table.shape[1] != 1 or bool((table != table.round()).any()) or float(table.min()) < 0:
            raise InputError(
                "The 'y' of fit_table must hold class numbers 0, 1, ... for loss='cross_entropy'."
            )
        table = torch.nn.functional.one_hot(table[:, 0].long(), classes).to(torch.float64)
    if loss == "logistic" and bool(((table != 0) & (table != 1)).any()):
        raise InputError("The 'y' of fit_table must hold 0 and 1 only for loss='logistic'.")
    return table, Squared() if loss == "squared" else CrossEntropy()


class _Job:
    """One call of `fit_table`: rows, work and history."""

    def __init__(
        self,
        rows: TableRows,
        loss: Loss,
        members: int,
        hidden: int | None,
        work: float,
        meter: Meter,
        seed: int,
        callbacks: Sequence[Callback],
        shift: Tensor,
        scale: Tensor,
        constraints: Mapping[int, Constraint],
    ) -> None:
        self.constraints = constraints
        self.loss, self.members, self.hidden = loss, members, hidden
        self.units, self.meter, self.seed, self.callbacks = UNITS * work, meter, seed, callbacks
        self.shift, self.scale = shift, scale
        meter.beat, self.heard = self._alive, 0.0
        self.history: list[Record] = []
        self.events: list[str] = []
        # Why it was broken off, and what more work could have been spent on.
        self.stopped: StopReason | None = None
        self.short = False
        self.numbers = torch.arange(len(rows))
        d = rows.X.shape[1]
        self.intervals = max(FEWEST_INTERVALS, min(INTERVALS, MOST_COLUMNS // d - DEGREE))
        self.rows = self._part(rows, MOST_NUMBERS // (d * (self.intervals + DEGREE)))
        finer = 1 + sum(len(self.rows) >= rows for rows in FINER)
        while finer > 1 and (
            d * (finer * self.intervals + DEGREE) > MOST_COLUMNS
            or len(self.rows) * d * (finer * self.intervals + DEGREE) > MOST_NUMBERS
        ):
            finer -= 1
        self.intervals *= finer

    def run(
        self,
        mode: str,
        interactions: str | int | None,
        names: Sequence[str] | None,
        outputs: Sequence[str] | None,
    ) -> TableFit:
        folds = max(1, min(FOLDS, self.members))
        ground = self._ground(folds)
        additive = self._additive(ground)
        if additive.stop is not None and additive.steps < GLANCES:
            # Functions are hardly there yet; a few rows say more in as many steps as it takes.
            ground = self._glance(folds)
            additive = self._additive(ground)
        ground = self._directed(ground, additive)
        smooth, rest = ground, self._rest(ground, additive)
        if self.constraints:
            ground, additive = self._constrained(ground, additive)
        tried = {"additive": judged(additive.outputs(ground.table), ground, self.loss)}
        self._tell("additive", tried["additive"].error, tried["additive"].error)
        pairs: tuple[tuple[int, int], ...] = ()
        bag: Bag | None = None
        if mode == "pairwise" and not self.stopped:
            most = interactions if isinstance(interactions, int) else MOST_PAIRS
            alone = {i for i, one in self.constraints.items() if one.alone}
            with self._counted():
                pairs = strongest_pairs(smooth.design, smooth.table, rest, most, alone)
            if interactions == "auto" and pairs:
                pairs = self._telling(ground, additive, pairs)
        if (mode in ("auto", "deep") or pairs) and not self.stopped:
            kind = "pairwise" if pairs else "deep"
            bag, tried[kind] = self._bag(kind, ground, additive, pairs)
        chosen, why = self._choose("auto" if interactions == "auto" else mode, tried, ground)
        best = tried[chosen]
        heat = temperature(best, ground, self.loss)
        if any(one.bounded for one in self.constraints.values()):
            heat = max(heat, 1.0)  # less would widen the ranges
        base = (additive.theta, additive.bias)
        if chosen != "additive":
            base = (additive.fold_theta.mean(0), additive.fold_bias.mean(0))
        network = to_network(
            None if chosen == "additive" else bag,
            ground.design,
            coarse=ground.coarse,
            base=base,
            names=names,
            outputs=outputs,
            shift=self.shift / heat,
            scale=self.scale / heat,
        )
        return TableFit(
            network=network,
            history=tuple(self.history),
            message=why if self.stopped is None else f"{why} {self.stopped.advice}",
            stop_reason=self._ended(chosen),
            seconds=self.meter.seconds,
            mode=chosen,
            members=1 if chosen == "additive" or bag is None else bag.shape.members,
            validation_error=self._error(best.error),
            events=tuple(self.events),
            held=self.numbers[ground.held],
            out_of_bag=(self.shift + self.scale * best.outputs) / heat,
            pairs=pairs if chosen == "pairwise" else (),
            compared=tuple((name, self._error(one.error)) for name, one in tried.items()),
        )

    # -- stages ----------------------------------------------------------------------------------------------------

    def _part(self, rows: TableRows, most: int) -> TableRows:
        """The rows that are learned from: all, or a random part."""
        if len(rows) <= most:
            return rows
        random = generator(derive(self.seed, 7301))
        k = torch.randperm(len(rows), generator=random)[:most].sort().values
        self.numbers = self.numbers[k]
        self.events.append(f"Learned from a random {most:,} of the {len(rows):,} rows.")
        return TableRows(rows.X[k], rows.y[k], rows.weight[k])

    def _ground(self, folds: int) -> Ground:
        """Design and folds of the rows; of a few of them, where the time limit leaves no more."""
        try:
            with self._counted():
                return make_ground(self.rows, self.intervals, 1.0, folds, self.seed)
        except StopError as stop:
            self._stop(stop)
            return self._glance(folds)

    def _glance(self, folds: int) -> Ground:
        self.rows, self.intervals = self._part(self.rows, GLANCE), min(self.intervals, INTERVALS)
        return make_ground(self.rows, self.intervals, 1.0, folds, self.seed)

    def _additive(self, ground: Ground) -> Additive:
        rows, most = self.rows, self.meter.spent + ADDITIVE_SHARE * self.units
        left = iter(range(GLANCES))

        def late() -> bool:
            return self.meter.spent > most if self.stopped is None else next(left, None) is None

        with self._counted():
            additive = solve_additive(
                ground.table,
                ground.design.owner,
                rows.y,
                rows.weight,
                self.loss,
                ground.fold,
                late,
            )
        self.short = additive.late
        self._stop(additive.stop)
        return additive

    def _directed(self, ground: Ground, additive: Additive) -> Ground:
        """The ground of bags that bend an input as finely as its additive function had reason to."""
        degrees = additive.degrees(ground.table, ground.design.owner, self.rows.weight, self.loss)
        most = [max(FEWEST_DIRECTIONS, math.ceil(MORE_DIRECTIONS * float(own))) for own in degrees]
        coarse, table = smoother(ground.design, ground.table, most)
        return replace(ground, coarse=coarse, coarse_table=table)

    def _rest(self, ground: Ground, additive: Additive) -> Tensor:
        """What an additive part leaves over, (n, D)."""
        outputs = ground.table.to(torch.float64) @ additive.theta + additive.bias
        return -self.loss.gradient(outputs, self.rows.y) * self.rows.weight[:, None]

    def _constrained(self, ground: Ground, free: Additive) -> tuple[Ground, Additive]:
        """The additive part under the constraints, and the ground in the coordinates that these are stated in."""
        held = constrain(ground.design, self.constraints, float(self.scale[0]))
        table = held.design.rows(self.rows.X)
        rows = self.rows
        with self._counted():
            additive = solve_constrained(
                held,
                table,
                ground.design,
                free,
                rows.y,
                rows.weight,
                self.loss,
                ground.fold,
                lambda: self.stopped is not None,
            )
        self._stop(additive.stop)
        coarse, coarse_table = ground.coarse, ground.coarse_table
        self.smooth_maps = coarse.maps
        if self._monotone:
            size = coarse.breaks.shape[1] - 1 + DEGREE
            eye = torch.eye(size, dtype=torch.float64)
            maps = [eye if i in self._monotone else m for i, m in enumerate(coarse.maps)]
            coarse = replace(coarse, maps=tuple(maps))
            coarse_table = coarse.rows(rows.X)
        changed = replace(ground, design=held.design, table=table, coarse=coarse, coarse_table=coarse_table)
        return changed, additive

    @property
    def _monotone(self) -> dict[int, int]:
        """Inputs in which hidden nodes have to be monotone, and their directions."""
        return {i: one.monotone for i, one in self.constraints.items() if one.monotone and not one.alone}

    def _links(
        self, pairs: Sequence[tuple[int, int]], hidden: int, members: int
    ) -> tuple[Tensor | None, Tame | None]:
        """Which inputs the hidden nodes read, and what keeps them in bounds."""
        d = self.rows.X.shape[1]
        monotone = torch.zeros(d, dtype=torch.bool)
        monotone[list(self._monotone)] = True
        if pairs:
            joint = torch.zeros(d, len(pairs), dtype=torch.bool)
            for k, (i, j) in enumerate(pairs):
                joint[[i, j], k] = True
            links = joint.repeat_interleave(hidden // len(pairs), 1)
        elif self.constraints:
            links = torch.ones(d, hidden, dtype=torch.bool)
            links[[i for i, one in self.constraints.items() if one.alone]] = False
            # One half of the nodes may do as they like with the inputs that are free.
            links[monotone, hidden // 2 :] = False
        else:
            return None, None
        tame = None
        nodes = (links & monotone[:, None]).any(0)
        if bool(nodes.any()):
            direction = tuple(self._monotone.get(i, 0) for i in range(d))
            tame = Tame(direction, self.smooth_maps, nodes)
        return links.repeat(1, members), tame

    def _telling(
        self, ground: Ground, additive: Additive, pairs: Sequence[tuple[int, int]]
    ) -> tuple[tuple[int, int], ...]:
        """The pairs that pay, by out-of-bag rows of a short training."""
        bag, _ = self._bag("pairwise", ground, additive, pairs, scouts=True)
        base = additive.outputs(ground.table)
        return telling_pairs(bag, ground, base, self.loss, pairs, FAINT[self.loss.name])

    def _bag(
        self,
        kind: str,
        ground: Ground,
        additive: Additive,
        pairs: Sequence[tuple[int, int]],
        scouts: bool = False,
    ) -> tuple[Bag, Judged]:
        """Train the members on what the additive part leaves over; scouts are one a fold, and soon done."""
        members = min(self.members, FOLDS) if scouts else self.members
        hidden = HIDDEN if self.hidden is None else self.hidden
        if pairs:
            most = FEWEST_NODES if scouts else MOST_NODES
            hidden = len(pairs) * max(FEWEST_NODES, min(most, NODES_OF_ALL // len(pairs)))
        links, tame = self._links(pairs, hidden, members)
        columns = ground.coarse_table.shape[1]
        if pairs:
            columns = 2 * columns // self.rows.X.shape[1]
        recipe = self._planned(Recipe(hidden=(hidden,), members=members), columns, bool(pairs))
        if scouts:
            recipe = replace(recipe, steps=max(1, int(SCOUT_SHARE * recipe.steps)))
        planned = recipe.steps * recipe.cost
        # Where scouts go first, what is planned for those who follow is about as much as without.
        self.meter.most = self.meter.spent + (planned + planned / SCOUT_SHARE if scouts else planned)
        with self._counted():
            trained = train_bag(
                ground,
                recipe,
                self.loss,
                offset=additive.outputs(ground.table),
                links=links,
                tame=tame,
                seed=self.seed,
                report=lambda step, train, held: self._tell(kind, train, held),
            )
        self._stop(trained.stop)
        return trained.bag, Judged(trained.out_of_bag.to(torch.float64), trained.error)

    def _planned(self, recipe: Recipe, columns: int, pairs: bool) -> Recipe:
        """The recipe with its batch, and the updates that the work allows."""
        n = len(self.rows)
        batch = int(min(256, max(32, 2 ** round(math.log2(max(n / 30, 1))))))
        first = batch * columns * recipe.members * recipe.hidden[0]
        splines = batch * recipe.members * sum(recipe.hidden) * (recipe.hidden_intervals + DEGREE)
        cost = UPDATE_COST + PRODUCT_COST * first + SPLINE_COST * splines
        most = SHOWN_PAIRS if pairs else MOST_SHOWN
        affordable = int(PLANNED * self.units / cost)
        wanted = max(FEWEST_STEPS, min(EPOCHS * math.ceil(n / batch), MOST_STEPS, most // batch))
        self.short = self.short or affordable < wanted
        return replace(recipe, batch=batch, steps=max(1, min(wanted, affordable)), cost=cost)

    # -- stopping and telling --------------------------------------------------------------------------------------

    def _counted(self) -> AbstractContextManager[object]:
        """Count what the block charges; after a stop nothing interrupts what is left to do."""
        return running(self.meter) if self.stopped is None else nullcontext()

    def _stop(self, stop: StopError | None) -> None:
        """Note what has ended the work, unless it was meant for a call around this one."""
        if stop is not None:
            self.stopped = self.meter.own(stop)

    def _ended(self, chosen: str) -> StopReason:
        if self.stopped is not None:
            return self.stopped
        if self.short:
            return StopReason.WORK_SPENT
        return StopReason.CONVERGED if chosen == "additive" else StopReason.NO_IMPROVEMENT

    def _alive(self) -> None:
        """Let callbacks speak in the middle of a long stage: they hear of the last record again."""
        if self.meter.seconds - self.heard < PULSE:
            return
        last = Record("additive", 0, math.nan, None, 0.0, self.intervals)
        last = self.history[-1] if self.history else last
        if tell(self.callbacks, replace(last, seconds=self.meter.seconds, share=self._share)):
            raise StopError(StopReason.CALLBACK)

    @property
    def _share(self) -> float | None:
        """Share of the work that is done, once it is planned."""
        return self.meter.share if math.isfinite(self.meter.most) else None

    def _tell(self, phase: str, train: float, held: float) -> bool:
        record = Record(
            phase,
            len(self.history) + 1,
            self._error(train),
            self._error(held),
            self.meter.seconds,
            self.intervals,
            share=self._share,
        )
        self.history.append(record)
        self.heard = self.meter.seconds
        try:
            if tell(self.callbacks, record):
                self.stopped = self.stopped or StopReason.CALLBACK
        except StopError as stop:
            self._stop(stop)
        return self.stopped is not None

    # -- judgement -------------------------------------------------------------------------------------------------

    def _choose(self, mode: str, tried: dict[str, Judged], ground: Ground) -> tuple[str, str]:
        """The simplest mode whose out-of-bag losses cannot be told from the best, and the reason in words."""
        additive, other = tried["additive"], next((name for name in tried if name != "additive"), None)
        if other is None:
            return "additive", "The network is additive."
        errors = f"{self._error(tried[other].error):.4g} against {self._error(additive.error):.4g} of an additive one"
        if mode != "auto":
            return other, f"The network is {other}: its out-of-bag error is {errors}."
        if speaks_for(tried[other], additive, ground, self.loss, FAINT[self.loss.name]):
            return other, f"The network is {other}: its out-of-bag error is {errors}."
        return (
            "additive",
            f"The network is additive: out-of-bag rows do not speak for a {other} one ({errors}).",
        )

    def _error(self, value: float) -> float:
        """Loss in network units as a root mean square error in units of y, or as it is."""
        if self.loss.name != "squared":
            return value
        return math.sqrt(max(2 * value, 0.0) / len(self.scale) * float((self.scale**2).mean()))
