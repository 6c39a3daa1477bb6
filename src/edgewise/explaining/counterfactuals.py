"""Counterfactuals: what would have to change for another answer, at least cost, with what cannot change left alone."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, check_int
from edgewise._core.errors import InputError
from edgewise._core.plain import lines_of, plain
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, charge, check_seconds, check_work, running
from edgewise.data.encoding_raw import RawColumn, RawTable
from edgewise.explaining.columns import Cell, ModelRows, chosen_rows, number_text
from edgewise.explaining.moves import Moves, OutputGoal, goal_of, limits_of, moves_of
from edgewise.explaining.search import LOOK, READ, MoveSearch, ReachingChange, nearest_reached
from edgewise.explaining.subject import ExplainedModel, output_of, subject_of
from edgewise.explaining.terms import values_of


@dataclass(frozen=True)
class Change:
    """One changed column.

    Attributes
    ----------
    column : str
    before, after : float, str or None
        Raw cells: numbers (dates as days since 1970), words, None where missing.
    before_text, after_text : str
    cost : float
    """

    column: str
    before: Cell
    after: Cell
    before_text: str
    after_text: str
    cost: float


@dataclass(frozen=True)
class Counterfactual:
    """Changes that lead to the wanted answer.

    Attributes
    ----------
    changes : tuple of Change
        Dearest first.
    cost : float
        Sum of the costs of the changes and of the price of each changed column.
    value : float
        The output after the changes.
    prediction : object
        What `model.predict` answers for the changed row.
    """

    changes: tuple[Change, ...]
    cost: float
    value: float
    prediction: Any

    @property
    def columns(self) -> frozenset[str]:
        """The changed columns."""
        return frozenset(change.column for change in self.changes)

    def row(self) -> dict[str, Cell]:
        """The changed cells."""
        return {change.column: change.after for change in self.changes}

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return plain(asdict(self))


@dataclass(frozen=True, eq=False)
class Counterfactuals:
    """The least changes found, cheapest first.

    Attributes
    ----------
    row : int or None
        Number of the row, where it was given by number.
    wanted : str
    output : str
    value : float
        The output for the row as it is.
    items : tuple of Counterfactual
        Each changes a set of columns of its own, none of which contains that of a cheaper one. Empty where the observed
        ranges and levels hold no way.
    fixed : tuple of str
    exact : bool
        Whether no cheaper way exists among the values tried, because the network is additive and all combinations count.
    message : str
    stop_reason : StopReason
        "exhausted" where every combination that may matter was tried, "work_spent" where only those that promised most.
    seconds : float
    """

    row: int | None
    wanted: str
    output: str
    value: float
    items: tuple[Counterfactual, ...]
    fixed: tuple[str, ...]
    exact: bool
    message: str
    stop_reason: StopReason
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {"kind": "counterfactuals", **plain(asdict(self)), "seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        who = "this row" if self.row is None else f"row {self.row}"
        lines = [
            f"What would have to change for {who}: {self.wanted}",
            f"{self.output} is {number_text(self.value)}",
            "",
        ]
        for at, item in enumerate(self.items, start=1):
            lines.append(f"  {at}. cost {number_text(item.cost, 3)}, {self.output} {number_text(item.value)}")
            width = max(len(change.column) for change in item.changes)
            lines += [
                f"       {change.column:<{width}}  {change.before_text} \u2192 {change.after_text}"
                for change in item.changes
            ]
        lines += ["", f"  {self.message}"] if self.items else [f"  {self.message}"]
        if self.fixed:
            lines.append(f"  Left as they are: {', '.join(self.fixed)}")
        return lines_of(lines)


# How many searches, each without some column, are made for the sake of diversity, for each answer that is asked for.
SEARCHES = 3
# Solutions of a search whose numbers are refined.
REFINED = 3


def counterfactuals(
    model: Any,
    X: Any,
    row: Any,
    *,
    target: Any = None,
    above: float | None = None,
    below: float | None = None,
    fixed: Any = (),
    increase: Any = (),
    decrease: Any = (),
    where: Mapping[str, Any] | None = None,
    k: int = 3,
    most_changes: int = 4,
    price: float = 1.0,
    units: Mapping[str, str] | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
) -> Counterfactuals:
    """Find the least changes of a row that change the model's answer.

    A change of a number by one median absolute deviation of its column costs 1, another level costs 1, and each
    changed column costs `price` besides, which keeps changes few. Numbers stay within what the rows of X span and are
    given at the resolution these are written in; levels are those that at least one row in 200 has. Every answer has
    been given to `model.predict` and found to hold.

    Of an additive network the search is exact over the values it tries: all values of a column's lattice where there
    are up to 128, else 64 spread over the rows and the range; then each number goes back to the nearest value of its
    lattice that still reaches the goal. Of other networks every single change is tried, and of combinations those that
    promise most.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
    X : table
        Rows that show which values occur.
    row : int, mapping of cells, or table of one row
        The row, or its number in X.
    target : class, optional
        The class that is wanted; by default the other one, or the runner-up.
    above, below : float, optional
        For a model of numbers: the bound that the prediction is to pass.
    fixed : sequence of str
        Columns that may not change.
    increase, decrease : sequence of str
        Columns of numbers that may only rise, or only fall.
    where : mapping of str to (float, float), optional
        Ranges for columns of numbers, in the place of those observed.
    k : int
        How many answers at most.
    most_changes : int
        How many columns may change at once.
    price : float
        Cost of each changed column.
    units : mapping of str to str, optional
    work : "quick", "normal", "thorough" or float
        How many combinations are tried where they cannot all be: a level, or how many times the normal number.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: what is found until then is the answer, and may
        differ from run to run.

    Returns
    -------
    Counterfactuals

    Raises
    ------
    InputError
        If a name, the row or the goal does not fit.

    References
    ----------
    S. Wachter, B. Mittelstadt and C. Russell, "Counterfactual explanations without opening the black box", 2018,
    arXiv:1711.00399. R. K. Mothilal, A. Sharma and C. Tan, "Explaining machine learning classifiers through diverse
    counterfactual explanations", 2020, doi:10.1145/3351095.3372850.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KANClassifier, counterfactuals
    >>> X = np.random.default_rng(0).uniform(0, 10, (300, 2)).round(1)
    >>> y = np.where(X[:, 0] > 6, "yes", "no")
    >>> model = KANClassifier(mode="additive").fit(X, y)
    >>> found = counterfactuals(model, X, {"x1": 2.0, "x2": 5.0})
    >>> sorted(found.items[0].columns), 5 < found.items[0].row()["x1"] < 7
    (['x1'], True)
    """
    subject = subject_of(model, X, units=units)
    check_int(k, "k", low=1)
    most_changes = min(check_int(most_changes, "most_changes", low=1), len(subject.columns))
    check_float(price, "price", low=0.0)
    factor, meter = check_work(work), Meter(seconds=check_seconds(seconds))
    rows, places = chosen_rows(subject.model, row, subject.rows)
    if len(places) != 1:
        raise InputError(argument="row", expected="be one row", got=len(places))
    limits = limits_of(subject.columns, fixed, increase, decrease, where)
    pool: dict[frozenset[int], _Cells] = {}
    search, ended = None, StopReason.EXHAUSTED
    with one_thread():
        x = rows.inputs[0]
        outputs = values_of(subject.network, x[None])
        goal = goal_of(subject.model, outputs, target, above, below)
        cells = [rows.cell(0, column.place) for column in subject.columns]
        matters = {column for term in subject.terms.terms for column in term.columns}
        moves = moves_of(subject.columns, subject.rows, cells, limits, matters)
        wanted = output_of(subject.model, goal.label)
        refiner = _Refiner(subject, goal, x, moves, price)
        try:
            with running(meter):
                search = MoveSearch(subject, goal, x, moves, price, most_changes, factor)
                _search(refiner, search, k, pool)
            ended = StopReason.EXHAUSTED if search.whole else StopReason.WORK_SPENT
        except StopError as stop:
            ended = meter.own(stop)
        except KeyboardInterrupt:
            ended = StopReason.INTERRUPTED
        found = _diverse(pool, k)
        items = [_item(subject, goal, rows, x, moves, solution, wanted.of) for solution in found]
    kept = [item for item in items if item is not None]
    linear = search is not None and search.linear and ended.repeatable
    exact = linear and all(own.whole for own in moves.values())
    return Counterfactuals(
        row=places[0],
        wanted=goal.words,
        output=wanted.name,
        value=float(wanted.of(outputs)[0]),
        items=tuple(kept),
        fixed=tuple(subject.names[at] for at in sorted(limits.fixed)),
        exact=exact,
        message=_message(kept, most_changes, exact, linear, ended),
        stop_reason=ended,
        seconds=meter.seconds,
    )


@dataclass(frozen=True, eq=False)
class _Cells:
    """A solution as cells: column number to new cell."""

    cells: tuple[tuple[int, Cell], ...]
    cost: float

    @property
    def columns(self) -> frozenset[int]:
        return frozenset(column for column, _ in self.cells)


class _Refiner:
    """Takes numbers back as far as the goal allows."""

    def __init__(
        self, subject: ExplainedModel, goal: OutputGoal, x: Floats, moves: dict[int, Moves], price: float
    ) -> None:
        self.subject, self.goal, self.x, self.moves, self.price = subject, goal, x, moves, price
        self.clear = goal.clear(values_of(subject.network, x[None]))
        self._known: dict[ReachingChange, _Cells] = {}
        self._edges = sum(layer.mask.numel() for layer in subject.network.layers)

    def refined(self, solution: ReachingChange) -> _Cells:
        """The refined solution; searches that leave out different columns find the same ones."""
        if solution not in self._known:
            self._known[solution] = self._refined(solution)
        return self._known[solution]

    def _refined(self, solution: ReachingChange) -> _Cells:
        """The solution with unneeded changes undone and each number moved back to the nearest value that will do."""
        cells = {k: self.moves[k].cells[at] for k, at in solution.moves}
        for k in sorted(cells, key=lambda k: -self.moves[k].cost_of(cells[k])):
            fewer = {other: cell for other, cell in cells.items() if other != k}
            if fewer and bool(self.reached([fewer])[0]):
                cells = fewer
        for _ in range(3):
            before = dict(cells)
            for k in sorted(cells, key=lambda k: -self.moves[k].cost_of(cells[k])):
                own, after = self.moves[k], cells[k]
                if not own.numeric or not isinstance(after, float) or not isinstance(own.before, float):
                    continue

                def tried(values: Floats, k: int = k) -> NDArray[np.bool_]:
                    return self.reached([{**cells, k: value} for value in values.tolist()])

                cells[k] = nearest_reached(own.before, after, own.decimals, tried)
            if cells == before:
                break
        cost = sum(self.moves[k].cost_of(cell) + self.price for k, cell in cells.items())
        return _Cells(tuple(sorted(cells.items())), float(cost))

    def reached(self, trials: list[dict[int, Cell]]) -> NDArray[np.bool_]:
        """Whether rows with these cells reach the goal."""
        charge(LOOK + READ * len(trials) * self._edges)
        table = np.repeat(self.x[None], len(trials), axis=0)
        for k in trials[0]:
            column = self.moves[k].column
            table[:, list(column.inputs)] = column.encode([trial[k] for trial in trials])
        return self.goal.margin(values_of(self.subject.network, table)) >= self.clear


def _search(refiner: _Refiner, search: MoveSearch, k: int, pool: dict[frozenset[int], _Cells]) -> None:
    """Fill a pool with the cheapest solutions by their columns: each search leaves out a column of a cheaper solution."""
    queue: list[tuple[float, int, frozenset[int]]] = [(0.0, 0, frozenset())]
    asked: set[frozenset[int]] = {frozenset()}
    for count in range(1 + SEARCHES * (k - 1)):
        if not queue:
            break
        _, _, banned = heapq.heappop(queue)
        refined = [refiner.refined(one) for one in search.best(banned)[:REFINED]]
        for one in refined:
            known = pool.get(one.columns)
            if known is None or one.cost < known.cost:
                pool[one.columns] = one
        if refined:
            cheapest = min(refined, key=lambda one: one.cost)
            for column in sorted(cheapest.columns):
                more = banned | {column}
                if more not in asked:
                    asked.add(more)
                    heapq.heappush(queue, (cheapest.cost, count * 100 + column, more))


def _diverse(pool: dict[frozenset[int], _Cells], k: int) -> list[_Cells]:
    """The cheapest solutions with different columns."""
    chosen: list[_Cells] = []
    for one in sorted(pool.values(), key=lambda one: (one.cost, sorted(one.columns))):
        if len(chosen) < k and not any(other.columns <= one.columns for other in chosen):
            chosen.append(one)
    return chosen


def _item(
    subject: ExplainedModel,
    goal: OutputGoal,
    rows: ModelRows,
    x: Floats,
    moves: dict[int, Moves],
    solution: _Cells,
    value_of: Any,
) -> Counterfactual | None:
    """A solution given to the model itself; None where its answer is not the wanted one."""
    changed, raw = x.copy(), list(rows.raw.columns)
    changes: list[Change] = []
    for k, cell in solution.cells:
        own = moves[k]
        changed[list(own.column.inputs)] = own.column.encode([cell])[0]
        raw[own.column.place] = _raw(raw[own.column.place], cell)
        changes.append(
            Change(
                own.column.name,
                own.before,
                cell,
                own.column.text(own.before),
                own.column.text(cell),
                own.cost_of(cell),
            )
        )
    outputs = values_of(subject.network, changed[None])
    prediction = _predicted(subject, RawTable(tuple(raw), 1, rows.raw.named), changed)
    held = prediction == goal.label if goal.label is not None else goal.margin(outputs)[0] > 0
    if not held:
        return None
    changes.sort(key=lambda change: -change.cost)
    return Counterfactual(tuple(changes), solution.cost, float(value_of(outputs)[0]), prediction)


def _raw(column: RawColumn, cell: Cell) -> RawColumn:
    # A row may hold a number where the model knows words.
    if column.codes is not None or isinstance(cell, str):
        word, code = ("", -1) if cell is None else (str(cell), 0)
        return replace(column, kind="text", numbers=None, codes=np.array([code]), words=(word,))
    return replace(column, numbers=np.array([np.nan if cell is None else float(cell)]))


def _predicted(subject: ExplainedModel, raw: RawTable, inputs: Floats) -> Any:
    """What the model itself answers for one row."""
    held = subject.model.held
    if subject.model.encoding is None:
        return float(held.predict(inputs[None])[0, 0])
    named = hasattr(held, "feature_names_in_")
    answer = np.asarray(held.predict(replace(raw, named=named)))[0]
    return answer.item() if isinstance(answer, np.generic) else answer


def _message(items: list[Counterfactual], most: int, exact: bool, linear: bool, ended: StopReason) -> str:
    late = "" if ended.repeatable else f" {ended.advice}"
    if not items:
        return (
            f"No change of up to {most} columns within the observed ranges and levels was found; allow more changes, or "
            f"fewer fixed columns.{late}"
        )
    if exact:
        return "The first is the cheapest there is: the network is additive, and every combination counts."
    if linear:
        return (
            "The first is the cheapest on the values tried, refined: the network is additive, and every combination "
            "counts."
        )
    return f"Found by search, every one verified; that none is cheaper is not proved.{late}"
