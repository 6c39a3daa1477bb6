"""Counterfactuals: what would have to change for another answer, at least cost, with what cannot change left alone."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgewise._core.checks import check_float, check_int
from edgewise._core.errors import InputError
from edgewise.data.encoding_raw import RawColumn, RawTable
from edgewise.explain.changes import Change, Counterfactual, Counterfactuals
from edgewise.explain.columns import Cell, Rows, chosen_rows
from edgewise.explain.goals import Goal, goal_of
from edgewise.explain.moves import Moves, limits_of, moves_of
from edgewise.explain.output import output_of
from edgewise.explain.search import Search, Solution, nearest_reached
from edgewise.explain.subject import Subject, subject_of
from edgewise.explain.terms import values_of

Floats = NDArray[np.float64]

# How many searches, each without some column, are made for the sake of diversity, for each answer that is asked for.
SEARCHES = 3
# Solutions of a search whose numbers are refined.
REFINED = 3


def counterfactuals(
    model: Any,
    row: Any,
    X: Any,
    *,
    target: Any = None,
    above: float | None = None,
    below: float | None = None,
    immutable: Any = (),
    increase: Any = (),
    decrease: Any = (),
    within: Mapping[str, Any] | None = None,
    k: int = 3,
    most_changes: int = 4,
    price: float = 1.0,
    units: Mapping[str, str] | None = None,
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
    row : int, mapping of cells, or table of one row
        The row, or its number in X.
    X : table
        Rows that show which values occur.
    target : class, optional
        The class that is wanted; by default the other one, or the runner-up.
    above, below : float, optional
        For a model of numbers: the bound that the prediction is to pass.
    immutable : sequence of str
        Columns that may not change.
    increase, decrease : sequence of str
        Columns of numbers that may only rise, or only fall.
    within : mapping of str to (float, float), optional
        Ranges for columns of numbers, in the place of those observed.
    k : int
        How many answers at most.
    most_changes : int
        How many columns may change at once.
    price : float
        Cost of each changed column.
    units : mapping of str to str, optional

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
    >>> model = KANClassifier(mode="additive", seconds=5).fit(X, y)
    >>> found = counterfactuals(model, {"x1": 2.0, "x2": 5.0}, X)
    >>> sorted(found.items[0].columns), 5 < found.items[0].row()["x1"] < 7
    (['x1'], True)
    """
    subject = subject_of(model, X, units=units, of="counterfactuals")
    return counterfactuals_of(
        subject,
        row,
        target=target,
        above=above,
        below=below,
        immutable=immutable,
        increase=increase,
        decrease=decrease,
        within=within,
        k=k,
        most_changes=most_changes,
        price=price,
    )


def counterfactuals_of(
    subject: Subject,
    row: Any,
    *,
    target: Any,
    above: float | None,
    below: float | None,
    immutable: Any,
    increase: Any,
    decrease: Any,
    within: Mapping[str, Any] | None,
    k: int,
    most_changes: int,
    price: float,
) -> Counterfactuals:
    """As `counterfactuals`, for a model and rows that are ready."""
    check_int(k, "k", low=1, of="counterfactuals")
    check_int(most_changes, "most_changes", low=1, of="counterfactuals")
    check_float(price, "price", low=0.0, of="counterfactuals")
    rows, places = chosen_rows(subject.model, row, subject.rows)
    if len(places) != 1:
        raise InputError(f"The 'row' argument of counterfactuals must be one row. Got {len(places)} instead.")
    limits = limits_of(subject.columns, immutable, increase, decrease, within)
    x = rows.inputs[0]
    outputs = values_of(subject.network, x[None])
    goal = goal_of(subject.model, outputs, target, above, below)
    cells = [rows.cell(0, column.place) for column in subject.columns]
    matters = {column for term in subject.terms.terms for column in term.columns}
    moves = moves_of(subject.columns, subject.rows, cells, limits, matters)
    search = Search(subject, goal, x, moves, price, most_changes)
    wanted = output_of(subject.model, goal.label)
    found = _diverse(_Refiner(subject, goal, x, moves, price), search, k)
    items = [_item(subject, goal, rows, x, moves, solution, wanted.of) for solution in found]
    kept = [item for item in items if item is not None]
    exact = search.linear and all(own.whole for own in moves.values())
    return Counterfactuals(
        row=places[0],
        wanted=goal.words,
        output=wanted.name,
        value=float(wanted.of(outputs)[0]),
        items=tuple(kept),
        immutable=tuple(subject.names[at] for at in sorted(limits.immutable)),
        exact=exact,
        message=_message(kept, most_changes, exact, search.linear),
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
        self, subject: Subject, goal: Goal, x: Floats, moves: dict[int, Moves], price: float
    ) -> None:
        self.subject, self.goal, self.x, self.moves, self.price = subject, goal, x, moves, price
        self.clear = goal.clear(values_of(subject.network, x[None]))
        self._known: dict[Solution, _Cells] = {}

    def refined(self, solution: Solution) -> _Cells:
        """The refined solution; searches that leave out different columns find the same ones."""
        if solution not in self._known:
            self._known[solution] = self._refined(solution)
        return self._known[solution]

    def _refined(self, solution: Solution) -> _Cells:
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
        table = np.repeat(self.x[None], len(trials), axis=0)
        for k in trials[0]:
            column = self.moves[k].column
            table[:, list(column.inputs)] = column.encode([trial[k] for trial in trials])
        return self.goal.margin(values_of(self.subject.network, table)) >= self.clear


def _diverse(refiner: _Refiner, search: Search, k: int) -> list[_Cells]:
    """The cheapest solutions with different columns: each search leaves out a column of a cheaper solution."""
    pool: dict[frozenset[int], _Cells] = {}
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
    chosen: list[_Cells] = []
    for one in sorted(pool.values(), key=lambda one: (one.cost, sorted(one.columns))):
        if len(chosen) < k and not any(other.columns <= one.columns for other in chosen):
            chosen.append(one)
    return chosen


def _item(
    subject: Subject,
    goal: Goal,
    rows: Rows,
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
    if column.codes is not None:
        word = "" if cell is None else str(cell)
        return replace(column, codes=np.array([-1 if cell is None else 0]), words=(word,))
    return replace(column, numbers=np.array([np.nan if cell is None else float(cell)]))


def _predicted(subject: Subject, raw: RawTable, inputs: Floats) -> Any:
    """What the model itself answers for one row."""
    held = subject.model.held
    if subject.model.encoding is None:
        return float(held.predict(inputs[None])[0, 0])
    named = hasattr(held, "feature_names_in_")
    answer = np.asarray(held.predict(replace(raw, named=named)))[0]
    return answer.item() if isinstance(answer, np.generic) else answer


def _message(items: list[Counterfactual], most: int, exact: bool, linear: bool) -> str:
    if not items:
        return (
            f"No change of up to {most} columns within the observed ranges and levels was found; allow more changes, or "
            "fewer immutable columns."
        )
    if exact:
        return "The first is the cheapest there is: the network is additive, and every combination counts."
    if linear:
        return (
            "The first is the cheapest on the values tried, refined: the network is additive, and every combination "
            "counts."
        )
    return "Found by search, every one verified; that none is cheaper is not proved."
