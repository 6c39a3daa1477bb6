"""Prove a goal for every row of a domain, refute it with a row, or say how far the bounds got."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import check_float, check_matrix
from edgewise._core.errors import InputError
from edgewise.network.module import KAN
from edgewise.verify.answers import Bounds as Bounds
from edgewise.verify.answers import Callback, Status
from edgewise.verify.answers import Outcome as Outcome
from edgewise.verify.answers import Progress as Progress
from edgewise.verify.bounder import make_bounders
from edgewise.verify.climb import Climbed, Excess, climb, draw, into
from edgewise.verify.domain import Domain
from edgewise.verify.exact import ExactModel, exact_model
from edgewise.verify.goals import Goal, InputTerm, OutputTerm, Rows, Slope, Term
from edgewise.verify.lemmas import tighten
from edgewise.verify.rational import exact_excess
from edgewise.verify.space import Space, make_space, whole
from edgewise.verify.tree import Tree, evidence

Floats = NDArray[np.float64]
# An excess counts as one beyond this share of the numbers it is the difference of.
ROUNDING = 1e-9
# A bound that is so many times what may be rounding will hardly fall any more.
TIE = 2.0
TIED = (
    "the largest excess equals its bound as far as rounding lets one tell, which more time does not change;"
)


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
        If a network is not one of B-splines of degree 1 to 3 with plain sum nodes, or they read different numbers of
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
    if not listed or len({len(each.shift) for each in exact}) != 1:
        raise InputError(
            "The 'models' of a proof must be networks that read the same inputs. "
            f"Got {' and '.join(str(len(each.shift)) for each in exact) or 'no'} inputs instead."
        )
    return Prepared(listed, exact)


def prove(
    models: KAN | Sequence[KAN] | Prepared,
    domain: Domain,
    goal: Goal,
    *,
    seconds: float = 60.0,
    seed: int = 0,
    rows: Any = None,
    callbacks: Sequence[Callback] = (),
) -> Outcome:
    """Decide whether a goal holds at every row of a domain.

    Parameters
    ----------
    models : KAN, sequence of KAN, or Prepared
        The networks that the goal's terms count; they read the same inputs.
    domain : Domain
    goal : Rows or Slope
    seconds : float
        Time limit; when it passes (or at Ctrl-C) the answer is "undecided" with the bounds so far.
    seed : int
        Of the search for rows.
    rows : array of shape (n, inputs), optional
        Rows to start the search from; those outside the domain are moved into it.
    callbacks : sequence of callables
        Called with `Progress`; one that returns True stops the search.

    Raises
    ------
    InputError
        If a model cannot be certified, or domain and goal do not fit it.

    Notes
    -----
    The bound is that of docs/certificates.md: Lagrangian duality with slopes found by Newton's method on a smoothed
    dual function,
    and best-first branch and bound on hidden nodes, inputs and cells. A row that breaks the goal by less than rounding
    is evaluated without any. A tie (a maximum that equals its bound) is proved only where all functions vanish;
    elsewhere the search ends once both bounds are within rounding.

    Examples
    --------
    >>> from edgewise import KAN
    >>> from edgewise.verify.domain import Domain, Group
    >>> from edgewise.verify.goals import OutputTerm, Rows
    >>> net = KAN([2, 3, 1], seed=0)
    >>> box = Domain(tuple(Group(f"x{i + 1}", (i,), (((-1.0, 1.0),),)) for i in range(2)))
    >>> prove(net, box, Rows(((OutputTerm(0),),), (50.0,)), seconds=5).status
    'proved'
    """
    clock = Clock(seconds)
    work = _Work(prepare(models), domain, goal, seed, rows, callbacks, clock)
    return work.decide()


def maximise(
    models: KAN | Sequence[KAN] | Prepared,
    domain: Domain,
    terms: Sequence[Term],
    *,
    gap: float = 0.01,
    seconds: float = 60.0,
    seed: int = 0,
    rows: Any = None,
    callbacks: Sequence[Callback] = (),
) -> Bounds:
    """The certified maximum of a sum of terms over a domain.

    Parameters
    ----------
    gap : float
        Stop when upper - lower is at most `gap` times the range of the sum over the domain (as far as rows show it).
    models, domain, terms, seconds, seed, rows, callbacks
        As in `prove`.

    Examples
    --------
    >>> from edgewise import KAN
    >>> from edgewise.verify.domain import Domain, Group
    >>> from edgewise.verify.goals import OutputTerm
    >>> net = KAN([2, 3, 1], seed=0)
    >>> box = Domain(tuple(Group(f"x{i + 1}", (i,), (((-1.0, 1.0),),)) for i in range(2)))
    >>> bounds = maximise(net, box, [OutputTerm(0)], gap=0.001)
    >>> bounds.lower <= bounds.upper
    True
    """
    clock = Clock(seconds)
    goal = Rows((tuple(terms),), (0.0,))
    work = _Work(prepare(models), domain, goal, seed, rows, callbacks, clock)
    outcome = work.enclose(gap)
    return Bounds(
        outcome.lower, outcome.upper, outcome.witness, outcome.evidence, outcome.seconds, outcome.leaves
    )


def check_goal(models: tuple[ExactModel, ...], space: Space, goal: Goal) -> None:
    """Refuse goals that name what is not there."""
    terms = (
        [OutputTerm(goal.output, model=goal.model), InputTerm(goal.input)]
        if isinstance(goal, Slope)
        else [term for row in goal.rows for term in row]
    )
    bounds = (goal.bound,) if isinstance(goal, Slope) else goal.bounds
    if not np.isfinite([*bounds, *(term.weight for term in terms)]).all():
        raise InputError(f"The bounds and weights of a 'goal' must be finite. Got {goal} instead.")
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
                f"The terms of a 'goal' must name outputs, inputs and cells that exist. Got {term} instead."
            )


class Clock:
    """A time limit that callbacks and Ctrl-C can bring forward."""

    def __init__(self, seconds: float) -> None:
        self.began = time.monotonic()
        self.until = self.began + check_float(seconds, "seconds", low=0.0, of="prove")
        self.halted = False

    def over(self) -> bool:
        """Whether to stop."""
        return self.halted or time.monotonic() > self.until

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self.began

    def share(self, part: float, most: float) -> float:
        """When a stage that gets a part of the time left, and so many seconds at most, has to end."""
        now = time.monotonic()
        return min(self.until, now + min(most, part * max(self.until - now, 0.0)))


class _Work:
    """One question while it is being answered."""

    def __init__(
        self,
        prepared: Prepared,
        domain: Domain,
        goal: Goal,
        seed: int,
        rows: Any,
        callbacks: Sequence[Callback],
        clock: Clock,
    ) -> None:
        self.nets, self.models = prepared.models, prepared.exact
        self.goal, self.clock, self.callbacks = goal, clock, callbacks
        self.space = make_space(domain, len(self.models[0].shift))
        check_goal(self.models, self.space, goal)
        self.excess = Excess(self.models, self.space, goal)
        self.rng = np.random.default_rng(seed)
        self.given = (
            None if rows is None else check_matrix(rows, "rows", columns=self.space.inputs, of="prove")
        )
        self.best = -np.inf
        self.row: Floats | None = None
        root = whole(self.space, 0)
        if isinstance(goal, Slope):
            fixed = self.space.points()[:, goal.input]
            root.cells[0, fixed] = False
        self.root = root
        self.ways = make_bounders(self.models, self.space, goal, root, clock.over)
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

    # -- the two questions -----------------------------------------------------------------------------------------

    def decide(self) -> Outcome:
        """Proved, refuted or undecided."""
        status: Status = "undecided"
        try:
            status = self._decide()
        except KeyboardInterrupt:
            self.clock.halted = True
        return self._outcome(status)

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
        self.search(enough=0.0, until=self.clock.share(0.2, 5.0))
        while self.tree.open and not self.refuted() and not self.tied() and self.step(0.0, 6):
            pass
        if self.refuted():
            return "refuted"
        return "undecided" if self.tree.open else "proved"

    def enclose(self, gap: float) -> Outcome:
        """The maximum to a share of the range."""
        least = np.inf
        self.tree.target = -np.inf
        try:
            sample = draw(self.space, 256, self.root, self.rng)
            if self.given is not None and len(self.given):
                sample = np.concatenate([sample, into(self.space, self.given[:2000], self.root)])
            values = self.look(sample)
            real = values[np.isfinite(values)]
            least = float(real.min()) if len(real) else np.inf
            self.tree.target = self.best if np.isfinite(self.best) else -1e300
            self.begin()
            self._aim(gap, least)
            if self.tree.open and self.bounder.program.nodes:
                self.search(enough=np.inf, until=self.clock.share(0.15, 2.0))
                low = sample[int(np.where(np.isfinite(values), values, np.inf).argmin())]
                least = min(least, self._lowest(low))
                self._aim(gap, least)
                if self.tree.open and self.deep():
                    self.tighten()
            while self.tree.open and self.step(np.inf, 10):
                self._aim(gap, least)
        except KeyboardInterrupt:
            self.clock.halted = True
        return self._outcome("proved" if self.tree.nodes else "undecided")

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
        if self.clock.over():
            return False
        self.look_at(self.tree.grow())
        if self.best > best and self.row is not None:
            self.follow(self.row, self.clock.share(0.1, 0.5), enough, rounds=rounds)
        return self.tree.leaves > before and not self.told()

    def _aim(self, gap: float, least: float) -> None:
        """Parts are done once their bounds are within the gap of the best row."""
        reach = max(self.best - least, 0.0) if np.isfinite(self.best) else 0.0
        self.tree.target = self.best + gap * reach if np.isfinite(self.best) else -1e300
        self.tree.settle()

    def _outcome(self, status: Status) -> Outcome:
        tree = self.tree
        upper = tree.upper if tree.nodes else np.inf
        found = evidence(tree, self.lemmas) if status == "proved" else None
        return Outcome(
            status,
            upper,
            self.best,
            self.row,
            found,
            self.clock.spent,
            tree.leaves if tree.nodes else 0,
            TIED if status == "undecided" and tree.nodes and self.tied() else "",
        )

    # -- stages ----------------------------------------------------------------------------------------------------

    def deep(self) -> bool:
        """Whether lemmas can tighten ranges."""
        program = self.bounder.program
        return (program.budget and program.nodes > 0) or any(family.hidden > 1 for family in program.families)

    def tighten(self) -> None:
        """Lemmas, and the root bounded anew with them."""
        until = self.clock.share(0.4, 1e9)
        part, lemmas = tighten(
            self.bounder.program, self.root, lambda: self.clock.halted or time.monotonic() > until
        )
        if not lemmas:
            return
        anew = Tree(self.bounder, self.tree.target)
        self.look_at(anew.begin(part))
        if anew.upper <= self.tree.upper:
            self.root, self.lemmas, self.tree = part, lemmas, anew

    def search(self, enough: float, until: float) -> None:
        """Rows with a large excess: from given rows, from drawn ones, and from the best so far."""
        drawn = draw(self.space, 512, self.root, self.rng)
        pools = [drawn]
        if self.given is not None and len(self.given):
            pools.append(into(self.space, self.given[:4096], self.root))
        pool = np.concatenate(pools)
        values = self.look(pool)
        starts = [] if self.row is None else [self.row]
        starts += [pool[k] for k in np.argsort(-values)[:4] if np.isfinite(values[k])]
        leads, place = self._leads(), (self.space, self.root)
        for n, start in enumerate(starts):
            if time.monotonic() > until or self.best > enough + self.rounding:
                break
            for lead in leads if n < 3 else []:
                near = climb(self.excess, *place, start, until=until, rounds=12, enough=enough, value=lead)
                self.follow(near[0], until, enough)
            self.follow(start, until, enough)

    def _leads(self) -> list[Climbed]:
        """For goals of several rows: sums to climb before their least, which alone shows no way up."""
        goal = self.goal
        if not isinstance(goal, Rows) or len(goal.rows) == 1:
            return []
        each = [
            Excess(self.models, self.space, Rows((row,), (bound,)))
            for row, bound in zip(goal.rows, goal.bounds, strict=True)
        ]
        return [lambda x, base: np.sum([one(x, base) for one in each], axis=0)]

    def _lowest(self, x: Floats) -> float:
        """A small value of the sum that is maximised, downhill from a row: how wide its range is at least."""
        assert isinstance(self.goal, Rows)
        down = tuple(tuple(replace(term, weight=-term.weight) for term in row) for row in self.goal.rows)
        below = Excess(self.models, self.space, Rows(down, (0.0,)))
        return -climb(below, self.space, self.root, x, until=self.clock.share(0.1, 0.5))[1]

    def follow(self, x: Floats, until: float, enough: float, rounds: int = 60) -> None:
        """Climb from a row and look at where it leads."""
        enough += self.rounding
        top, _ = climb(self.excess, self.space, self.root, x, until=until, rounds=rounds, enough=enough)
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
            self.best, self.row, self.exact = float(values[k]), rows[k].copy(), None
            self.rounding = ROUNDING * self.excess.size(rows[k])
        return values

    def refuted(self) -> bool:
        """Whether a row breaks the goal: by more than rounding, or by what is computed without any."""
        if self.row is None or self.best <= 0 or self.best > self.rounding:
            return self.row is not None and self.best > 0
        if self.exact is None:
            self.exact = exact_excess(self.nets, self.space, self.goal, self.row)
            self.best = self.exact if self.exact > 0 else self.best
        return self.exact > 0

    def tied(self) -> bool:
        """Whether the largest excess equals its bound as far as rounding lets one tell, so that no split can help."""
        return self.best > -self.rounding and 0 < self.tree.upper <= TIE * self.rounding

    def told(self) -> bool:
        """Tell the callbacks; whether one wants to stop."""
        progress = Progress(self.tree.upper, self.best, self.tree.leaves, self.clock.spent)
        self.clock.halted |= any(callback(progress) is True for callback in self.callbacks)
        return self.clock.halted
