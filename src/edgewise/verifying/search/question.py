"""One goal while it is being decided: rows that may break it from below, certified bounds from above."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_matrix
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, spent
from edgewise.network.module import KAN
from edgewise.verifying.bounds.bounder import make_bounders
from edgewise.verifying.bounds.exact import ExactModel
from edgewise.verifying.bounds.intermediate_bounds import tighten
from edgewise.verifying.bounds.products import unfolded
from edgewise.verifying.bounds.rational import exact_excess
from edgewise.verifying.bounds.rounding import hull, reaches, with_room
from edgewise.verifying.bounds.silu import smoothed
from edgewise.verifying.config import DEFAULT, ProverConfig
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import Goal, InputTerm, OutputBounds, OutputTerm, Slope
from edgewise.verifying.domain.space import CellSpace, Subdomains, draw, make_space, whole
from edgewise.verifying.search.answers import BoundProgress, Outcome, Status, Tell
from edgewise.verifying.search.attack import Excess, Reached, attack, into
from edgewise.verifying.search.tree import Tree, evidence

# What is tiny, and how many times it is enlarged at most, in bits.
TINY, MOST_BITS = 2.0**-20, 900


class Question:
    """One goal while it is being decided.

    Parameters
    ----------
    networks : tuple of KAN
    models : tuple of ExactModel
        The same, as proofs read them.
    domain : Domain
    goal : Goal
    meter : Meter
        The running meter, which limits the work.
    seed : int
    rows : array of shape (n, inputs), optional
    tell : callable, optional
        Told a `BoundProgress` after each step.
    config : ProverConfig
    """

    def __init__(
        self,
        networks: tuple[KAN, ...],
        models: tuple[ExactModel, ...],
        domain: Domain,
        goal: Goal,
        meter: Meter,
        *,
        seed: int,
        rows: Any,
        tell: Tell | None,
        config: ProverConfig = DEFAULT,
    ) -> None:
        self.networks, self.models = networks, models
        self.goal, self.meter, self.tell, self.config = goal, meter, tell, config
        self.space = make_space(domain, len(self.models[0].shift), self.models[0].shift, self.models[0].scale)
        if any(model.arities or any(layer.base is not None for layer in model.layers) for model in models):
            bounds = [reaches(net, *hull(self.space)) for net in networks]
            self.models = tuple(
                unfolded(smoothed(model, ends), tops)
                for (ends, tops), model in zip(bounds, models, strict=True)
            )
        check_goal(self.models, self.space, goal)
        self.excess = Excess(self.models, self.space, goal, config)
        self.rng = np.random.default_rng(seed)
        self.given = None if rows is None else check_matrix(rows, "rows", columns=self.space.inputs)
        self.status: Status = "undecided"
        self.best = -np.inf
        self.row: Floats | None = None
        root = whole(self.space, 0)
        if isinstance(goal, Slope):
            fixed = self.space.points()[:, goal.input]
            root.cells[0, fixed] = False
        # What is bounded is what `predict` returns; rows that break the goal are those of the exact function.
        roomy = with_room(networks, self.space, goal)
        self.ways = make_bounders(self.models, self.space, roomy, root, self._unit(root), config)
        self.bounder = self.ways[0]
        nodes = self.bounder.program.nodes
        self.root = replace(
            root, node_low=np.full((1, nodes), -np.inf), node_high=np.full((1, nodes), np.inf)
        )
        self.lemmas: list[dict[str, Any]] = []
        self.tree = Tree(self.bounder, 0.0)
        # Excesses below this may be rounding; of the best row without any, where that was asked for.
        self.rounding = 0.0
        self.exact: float | None = None

    def _unit(self, root: Subdomains) -> float:
        """A power of two that makes a tiny excess one of about 1."""
        values = np.abs(self.excess(draw(self.space, self.config.unit_rows, root, np.random.default_rng(0))))
        size = float(values.max(initial=0.0, where=np.isfinite(values)))
        return 1.0 if size == 0 or size >= TINY else 2.0 ** min(-math.frexp(size)[1], MOST_BITS)

    # -- the two questions -----------------------------------------------------------------------------------------

    def decide(self) -> None:
        """Whether the goal holds."""
        self.status = self._decided()

    def _decided(self) -> Status:
        if self.given is not None and len(self.given):
            self.look(into(self.space, self.given, self.root))
        if self.refuted():
            return "refuted"
        self.begin()
        if not self.tree.open:
            return "proved"
        if self.deep():
            self.tighten()
            if not self.tree.open:
                return "proved"
        config = self.config
        self.search(enough=0.0, until=self.meter.part(config.attack_share, config.attack_most))
        while (
            self.tree.open and not self.refuted() and not self.tied() and self.step(0.0, config.follow_rounds)
        ):
            pass
        if self.refuted():
            return "refuted"
        return "undecided" if self.tree.open else "proved"

    def enclose(self, gap: float) -> None:
        """The maximum to a share of the range."""
        config, self.tree.target = self.config, -np.inf
        sample = draw(self.space, config.maximise_rows, self.root, self.rng)
        if self.given is not None and len(self.given):
            sample = np.concatenate(
                [sample, into(self.space, self.given[: config.maximise_given], self.root)]
            )
        values = self.look(sample)
        real = values[np.isfinite(values)]
        least = float(real.min()) if len(real) else np.inf
        self.tree.target = self.best if np.isfinite(self.best) else -1e300
        self.begin()
        self.status = "proved"
        self._aim(gap, least)
        if self.tree.open and self.bounder.program.nodes:
            self.search(enough=np.inf, until=self.meter.part(config.maximise_share, config.maximise_most))
            low = sample[int(np.where(np.isfinite(values), values, np.inf).argmin())]
            least = min(least, self._lowest(low))
            self._aim(gap, least)
            if self.tree.open and self.deep():
                self.tighten()
        while self.tree.open and self.step(np.inf, config.follow_rounds_maximised):
            self._aim(gap, least)

    def begin(self) -> None:
        """Bound the whole domain, and go on with the way that does so best."""
        trees = list[Tree]()
        for way in self.ways:
            trees.append(Tree(way, self.tree.target))
            self.look_at(trees[-1].begin(self.root))
            if not trees[-1].open:
                break
        self.tree = min(trees, key=lambda tree: tree.upper)
        self.bounder = self.tree.bounder

    def step(self, enough: float, rounds: int) -> bool:
        """Split the worst parts, and climb from the best row where it is new; whether to go on."""
        before, best = self.tree.leaves, self.best
        if self.meter.left <= 0:
            return False
        self.look_at(self.tree.grow())
        if self.best > best and self.row is not None:
            self.follow(self.row, self._brief(), enough, rounds=rounds)
        self.inform()
        return self.tree.leaves > before

    def _aim(self, gap: float, least: float) -> None:
        """Parts are done once their bounds are within the gap of the best row, or within rounding of it."""
        if np.isfinite(self.best):
            self.tree.target = self.best + max(
                gap * max(self.best - least, 0.0), self.config.tie * self.rounding
            )
        else:
            self.tree.target = -1e300
        self.tree.settle()

    @property
    def upper(self) -> float:
        """Certified bound of the excess."""
        return self.tree.upper if self.tree.nodes else np.inf

    def inform(self) -> None:
        """Tell how far it is."""
        if self.tell is not None:
            leaves = self.tree.leaves if self.tree.nodes else 0
            self.tell(BoundProgress(self.upper, self.best, leaves, self.meter.seconds, self.meter.share))

    def outcome(self, ended: StopReason | None) -> Outcome:
        """The answer so far; `ended` is what ended it from outside."""
        tree = self.tree
        found = evidence(tree, self.lemmas) if self.status == "proved" else None
        if ended is None and tree.open and self.status != "refuted":
            more = StopReason.EXHAUSTED if self.meter.left > 0 else StopReason.WORK_SPENT
            ended = StopReason.TIED if self.tied() else more
        return Outcome(
            self.status,
            self.upper,
            self.best,
            self.row,
            found,
            self.meter.seconds,
            tree.leaves if tree.nodes else 0,
            ended or StopReason.DECIDED,
        )

    # -- stages ----------------------------------------------------------------------------------------------------

    def deep(self) -> bool:
        """Whether lemmas can tighten ranges."""
        program = self.bounder.program
        return (program.budget and program.nodes > 0) or any(family.hidden > 1 for family in program.families)

    def tighten(self) -> None:
        """Lemmas, and the root bounded anew with them."""
        part, lemmas = tighten(self.bounder.program, self.root, self.meter.part(self.config.lemma_share))
        if not lemmas:
            return
        anew = Tree(self.bounder, self.tree.target)
        self.look_at(anew.begin(part))
        if anew.upper <= self.tree.upper:
            self.root, self.lemmas, self.tree = part, lemmas, anew

    def search(self, enough: float, until: float) -> None:
        """Rows with a large excess: from given rows, from drawn ones, and from the best so far."""
        config = self.config
        drawn = draw(self.space, config.attack_rows, self.root, self.rng)
        pools = [drawn]
        if self.given is not None and len(self.given):
            pools.append(into(self.space, self.given[: config.attack_given], self.root))
        pool = np.concatenate(pools)
        values = self.look(pool)
        starts = [] if self.row is None else [self.row]
        starts += [pool[k] for k in np.argsort(-values)[: config.attack_starts] if np.isfinite(values[k])]
        leads, place = self._leads(), (self.space, self.root)
        for n, start in enumerate(starts):
            if spent() > until or self.best > enough + self.rounding:
                break
            for lead in leads if n < config.attack_leads else []:
                near, _ = attack(
                    self.excess,
                    *place,
                    start,
                    until=until,
                    rounds=config.lead_rounds,
                    enough=enough,
                    value=lead,
                    config=config,
                )
                self.follow(near, until, enough)
            self.follow(start, until, enough)

    def _leads(self) -> list[Reached]:
        """For goals of several rows: sums to climb before their least, which alone shows no way up."""
        goal = self.goal
        if not isinstance(goal, OutputBounds) or len(goal.rows) == 1:
            return []
        each = [
            Excess(self.models, self.space, OutputBounds((row,), (bound,)), self.config)
            for row, bound in zip(goal.rows, goal.bounds, strict=True)
        ]
        return [lambda x, base: np.sum([one(x, base) for one in each], axis=0)]

    def _lowest(self, x: Floats) -> float:
        """A small value of the sum that is maximised, downhill from a row: how wide its range is at least."""
        assert isinstance(self.goal, OutputBounds)
        down = tuple(tuple(replace(term, weight=-term.weight) for term in row) for row in self.goal.rows)
        below = Excess(self.models, self.space, OutputBounds(down, (0.0,)), self.config)
        return -attack(below, self.space, self.root, x, until=self._brief(), config=self.config)[1]

    def _brief(self) -> float:
        """Where a climb from a row that bounds suggest ends."""
        return self.meter.part(self.config.follow_share, self.config.follow_most)

    def follow(self, x: Floats, until: float, enough: float, rounds: int | None = None) -> None:
        """Climb from a row and look at where it leads."""
        enough += self.rounding
        place, config = (self.space, self.root), self.config
        top, _ = attack(self.excess, *place, x, until=until, rounds=rounds, enough=enough, config=config)
        self.look(top[None])

    def look_at(self, rows: list[Floats]) -> None:
        """Look at rows that bounds suggest."""
        listed = [each for each in rows if len(each)]
        if listed:
            self.look(np.concatenate(listed))

    def look(self, rows: Floats) -> Floats:
        """Excesses of rows; the best is kept."""
        values = self.excess(rows)
        values = np.where(np.isnan(values), -np.inf, values)
        k = int(values.argmax())
        if values[k] > self.best:
            rounding = self.config.rounding * self.excess.size(rows[k])
            self.best, self.row, self.exact = float(values[k]), rows[k].copy(), None
            self.rounding = rounding
        return values

    def refuted(self) -> bool:
        """Whether a row breaks the goal: by more than rounding, or by what is computed without any."""
        if self.row is None or self.best <= 0 or self.best > self.rounding:
            return self.row is not None and self.best > 0
        if self.exact is None:
            self.exact = exact_excess(self.networks, self.space, self.goal, self.row)
            self.best = self.exact if self.exact > 0 else self.best
        return self.exact > 0

    def tied(self) -> bool:
        """Whether the largest excess equals its bound up to rounding, so that no split can help."""
        return self.best > -self.rounding and 0 < self.tree.upper <= self.config.tie * self.rounding


def check_goal(models: tuple[ExactModel, ...], space: CellSpace, goal: Goal) -> None:
    """Refuse goals that name what is not there."""
    terms = (
        [OutputTerm(goal.output, model=goal.model), InputTerm(goal.input)]
        if isinstance(goal, Slope)
        else [term for row in goal.rows for term in row]
    )
    bounds = (goal.bound,) if isinstance(goal, Slope) else goal.bounds
    if not np.isfinite([*bounds, *(term.weight for term in terms)]).all():
        raise InputError(subject="The bounds and weights of a 'goal'", expected="be finite", got=goal)
    for term in terms:
        if isinstance(term, InputTerm):
            fits = 0 <= term.input < space.inputs
        else:
            fits = 0 <= term.model < len(models) and 0 <= term.output < len(models[term.model].out_shift)
            if fits and term.moved is not None:
                group, cell = term.moved
                fits = 0 <= group < space.groups and 0 <= cell < len(space.domain.groups[group].cells)
        if not fits:
            raise InputError(
                subject="The terms of a 'goal'",
                expected="name outputs, inputs and cells that exist",
                got=term,
            )
