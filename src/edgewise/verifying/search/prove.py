"""Prove a goal for every row of a domain, refute it with a row, or report how far the bounds got."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_matrix
from edgewise._core.errors import InputError
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running, spent
from edgewise.network.module import KAN
from edgewise.verifying.bounds.bounder import make_bounders
from edgewise.verifying.bounds.exact import ExactModel, exact_model, smoothed, unfolded
from edgewise.verifying.bounds.intermediate_bounds import tighten
from edgewise.verifying.bounds.rational import exact_excess
from edgewise.verifying.bounds.rounding import check_reach, hull, reaches, with_room
from edgewise.verifying.domain.domain import Domain
from edgewise.verifying.domain.goals import Goal, InputTerm, OutputBounds, OutputTerm, Slope
from edgewise.verifying.domain.space import CellSpace, Subdomains, draw, make_space, whole
from edgewise.verifying.results.witness import ROUNDING
from edgewise.verifying.search.answers import Outcome, Status, Step, Tell
from edgewise.verifying.search.attack import Excess, Reached, attack, into
from edgewise.verifying.search.tree import Tree, evidence

# What is tiny, and how many times it is enlarged at most, in bits.
TINY, MOST_BITS = 2.0**-20, 900
# Rows that show how large an excess is, and so in which unit it is searched.
_UNIT_ROWS = 64
# A bound that is at most so many times what may be rounding will hardly fall any more: a tie.
_TIE = 2.0
# The search for a row before a tree is grown: share of the work, and units of it at most; rows drawn, and given rows looked
# at; the best of these from which it climbs, the first of which also climb the sum of a goal's rows, for so many rounds.
_ATTACK_SHARE, _ATTACK_MOST = 0.2, 5.0
_ATTACK_ROWS, _ATTACK_GIVEN = 512, 4096
_ATTACK_STARTS, _ATTACK_LEADS, _LEAD_ROUNDS = 4, 3, 12
# The same before a certified maximum, whose rows show the range of the sum.
_MAXIMISE_SHARE, _MAXIMISE_MOST = 0.15, 2.0
_MAXIMISE_ROWS, _MAXIMISE_GIVEN = 256, 2000
# A climb from a row that bounds suggest: share of the work, units at most, and rounds: of a goal, and of a maximum, which
# needs the row itself.
_FOLLOW_SHARE, _FOLLOW_MOST = 0.1, 0.5
_FOLLOW_ROUNDS, _FOLLOW_ROUNDS_MAXIMISED = 6, 10
# Share of the work that ranges of hidden nodes may take.
_LEMMA_SHARE = 0.4
# Units of work of "normal": about a minute of one core; and those that a goal gets at least while others wait.
WORK_UNITS, LEAST_GOAL_WORK = 60.0, 0.05


def meter_of(work: str | float, seconds: float | None) -> Meter:
    """What limits a call that may do so much work, and last so long."""
    return Meter(WORK_UNITS * check_work(work), check_seconds(seconds))


@dataclass(frozen=True, eq=False)
class Prepared:
    """Exact tables of models, made once and used by many calls; make it with `prepare`."""

    models: tuple[KAN, ...]
    exact: tuple[ExactModel, ...] = field(repr=False, default=())


def prepare(models: KAN | Sequence[KAN] | Prepared) -> Prepared:
    """The exact piecewise polynomials of networks that read the same inputs.

    Raises
    ------
    InputError
        If a network is not one of B-splines of degree 1 to 3, or they read different numbers of
        inputs.

    Examples
    --------
    >>> from edgewise import KAN
    >>> len(prepare(KAN([2, 3, 1], seed=0)).exact)
    1
    """
    if isinstance(models, Prepared):
        return models
    listed = (models,) if isinstance(models, KAN) else tuple(models)
    exact = tuple(exact_model(model) for model in listed)
    if not listed or len({len(value.shift) for value in exact}) != 1:
        raise InputError(
            argument="models",
            expected="be networks that read the same inputs",
            got=f"{' and '.join(str(len(value.shift)) for value in exact) or 'no'} inputs",
        )
    return Prepared(listed, exact)


class Question:
    """One goal while it is being decided.

    Parameters
    ----------
    prepared : Prepared
    domain : Domain
    goal : Goal
    meter : Meter
        The running meter, which limits the work.
    seed : int
    rows : array of shape (n, inputs), optional
    tell : callable, optional
        Told a `Step` after each step.
    """

    def __init__(
        self,
        prepared: Prepared,
        domain: Domain,
        goal: Goal,
        meter: Meter,
        *,
        seed: int = 0,
        rows: Any = None,
        tell: Tell | None = None,
    ) -> None:
        networks, models = self.networks, self.models = prepared.models, prepared.exact
        self.goal, self.meter, self.tell = goal, meter, tell
        self.space = make_space(domain, len(self.models[0].shift), self.models[0].shift, self.models[0].scale)
        if any(model.arities or any(layer.base is not None for layer in model.layers) for model in models):
            bounds = [reaches(net, *hull(self.space)) for net in networks]
            self.models = tuple(
                unfolded(smoothed(model, ends), tops)
                for (ends, tops), model in zip(bounds, models, strict=True)
            )
        check_goal(self.models, self.space, goal)
        check_reach(networks, self.space)
        self.excess = Excess(self.models, self.space, goal)
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
        self.ways = make_bounders(self.models, self.space, roomy, root, self._unit(root))
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
        values = np.abs(self.excess(draw(self.space, _UNIT_ROWS, root, np.random.default_rng(0))))
        size = float(values.max(initial=0.0, where=np.isfinite(values)))
        return 1.0 if size == 0 or size >= TINY else 2.0 ** min(-math.frexp(size)[1], MOST_BITS)

    # -- the two questions -----------------------------------------------------------------------------------------

    def decided(self, meter: Meter) -> Outcome:
        """Whether the goal holds at every row; `meter` is that of the call, which its time limit ends.

        The bound is that of docs/certificates.md: Lagrangian duality with slopes found by Newton's method on a smoothed
        dual function, and best-first branch and bound on hidden nodes, inputs and cells. A row that breaks the goal by less
        than rounding is evaluated without any. A tie (a maximum that equals its bound) is proved only where all functions
        vanish; elsewhere the search ends once both bounds are within rounding.
        """
        return self._answered(self._decide, meter)

    def maximised(self, meter: Meter, gap: float = 0.01) -> Outcome:
        """The maximum of a goal of one sum whose bound is zero, within a share `gap` of its range as far as rows show it."""
        found = self._answered(lambda: self._maximise(gap), meter)
        decided = found.stop_reason == StopReason.DECIDED
        return replace(found, stop_reason=StopReason.CONVERGED) if decided else found

    def _answered(self, ask: Callable[[], Status], meter: Meter) -> Outcome:
        """The answer, whatever ends it."""
        if self.tell is not None:
            meter.beat = self.inform
        ended: StopReason | None = None
        with running(self.meter):
            try:
                self.status = ask()
            except (StopError, KeyboardInterrupt) as stop:
                ended = meter.own(stop)
            return self.outcome(ended)

    def _decide(self) -> Status:
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
        self.search(enough=0.0, until=self.meter.part(_ATTACK_SHARE, _ATTACK_MOST))
        while self.tree.open and not self.refuted() and not self.tied() and self.step(0.0, _FOLLOW_ROUNDS):
            pass
        if self.refuted():
            return "refuted"
        return "undecided" if self.tree.open else "proved"

    def _maximise(self, gap: float) -> Status:
        """The maximum to a share of the range."""
        self.tree.target = -np.inf
        sample = draw(self.space, _MAXIMISE_ROWS, self.root, self.rng)
        if self.given is not None and len(self.given):
            sample = np.concatenate([sample, into(self.space, self.given[:_MAXIMISE_GIVEN], self.root)])
        values = self.look(sample)
        real = values[np.isfinite(values)]
        least = float(real.min()) if len(real) else np.inf
        self.tree.target = self.best if np.isfinite(self.best) else -1e300
        self.begin()
        self.status = "proved"  # of whatever bound there is when it ends
        self._aim(gap, least)
        if self.tree.open and self.bounder.program.nodes:
            self.search(enough=np.inf, until=self.meter.part(_MAXIMISE_SHARE, _MAXIMISE_MOST))
            low = sample[int(np.where(np.isfinite(values), values, np.inf).argmin())]
            least = min(least, self._lowest(low))
            self._aim(gap, least)
            if self.tree.open and self.deep():
                self.tighten()
        while self.tree.open and self.step(np.inf, _FOLLOW_ROUNDS_MAXIMISED):
            self._aim(gap, least)
        return self.status

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
            self.tree.target = self.best + max(gap * max(self.best - least, 0.0), _TIE * self.rounding)
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
            meter = self.meter
            self.tell(Step(1, 1, self.upper, self.best, leaves, meter.seconds, meter.share))

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
        part, lemmas = tighten(self.bounder.program, self.root, self.meter.part(_LEMMA_SHARE))
        if not lemmas:
            return
        anew = Tree(self.bounder, self.tree.target)
        self.look_at(anew.begin(part))
        if anew.upper <= self.tree.upper:
            self.root, self.lemmas, self.tree = part, lemmas, anew

    def search(self, enough: float, until: float) -> None:
        """Rows with a large excess: from given rows, from drawn ones, and from the best so far."""
        drawn = draw(self.space, _ATTACK_ROWS, self.root, self.rng)
        pools = [drawn]
        if self.given is not None and len(self.given):
            pools.append(into(self.space, self.given[:_ATTACK_GIVEN], self.root))
        pool = np.concatenate(pools)
        values = self.look(pool)
        starts = [] if self.row is None else [self.row]
        starts += [pool[k] for k in np.argsort(-values)[:_ATTACK_STARTS] if np.isfinite(values[k])]
        leads = self._leads()
        for n, start in enumerate(starts):
            if spent() > until or self.best > enough + self.rounding:
                break
            for lead in leads if n < _ATTACK_LEADS else []:
                near, _ = attack(
                    self.excess, self.root, start, until=until, rounds=_LEAD_ROUNDS, enough=enough, value=lead
                )
                self.follow(near, until, enough)
            self.follow(start, until, enough)

    def _leads(self) -> list[Reached]:
        """For goals of several rows: sums to climb before their least, which alone shows no way up."""
        goal = self.goal
        if not isinstance(goal, OutputBounds) or len(goal.rows) == 1:
            return []
        cases = [
            Excess(self.models, self.space, OutputBounds((row,), (bound,)))
            for row, bound in zip(goal.rows, goal.bounds, strict=True)
        ]
        return [lambda x, base: np.sum([one(x, base) for one in cases], axis=0)]

    def _lowest(self, x: Floats) -> float:
        """A small value of the sum that is maximised, downhill from a row: how wide its range is at least."""
        assert isinstance(self.goal, OutputBounds)
        down = tuple(tuple(replace(term, weight=-term.weight) for term in row) for row in self.goal.rows)
        below = Excess(self.models, self.space, OutputBounds(down, (0.0,)))
        return -attack(below, self.root, x, until=self._brief())[1]

    def _brief(self) -> float:
        """Where a climb from a row that bounds suggest ends."""
        return self.meter.part(_FOLLOW_SHARE, _FOLLOW_MOST)

    def follow(self, x: Floats, until: float, enough: float, rounds: int | None = None) -> None:
        """Climb from a row and look at where it leads."""
        enough += self.rounding
        top, _ = attack(self.excess, self.root, x, until=until, rounds=rounds, enough=enough)
        self.look(top[None])

    def look_at(self, rows: list[Floats]) -> None:
        """Look at rows that bounds suggest."""
        listed = [row for row in rows if len(row)]
        if listed:
            self.look(np.concatenate(listed))

    def look(self, rows: Floats) -> Floats:
        """Excesses of rows; the best is kept."""
        values = self.excess(rows)
        values = np.where(np.isnan(values), -np.inf, values)
        k = int(values.argmax())
        if values[k] > self.best:
            self.best, self.row, self.exact = float(values[k]), rows[k].copy(), None
            self.rounding = ROUNDING * self.excess.size(rows[k])
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
        return self.best > -self.rounding and 0 < self.tree.upper <= _TIE * self.rounding


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
