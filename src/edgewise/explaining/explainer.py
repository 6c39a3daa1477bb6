"""Explainer: a model and a table made ready once, for many questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, softmax

from edgewise._core.arguments import as_labels
from edgewise._core.arrays import Floats
from edgewise._core.checks import among, check_choice, check_int, short
from edgewise._core.errors import InputError
from edgewise._core.rooms import room
from edgewise._core.threads import one_thread
from edgewise.data.datasets import is_dataset
from edgewise.data.encoding_raw import is_one_row
from edgewise.explaining.columns import Cell, Column, ModelRows, chosen_rows, cut
from edgewise.explaining.contributions import METHODS, Baseline, baseline_of, contributions
from edgewise.explaining.local import Contribution, LocalExplanation, Neighbour, NodeEffect
from edgewise.explaining.overview import GlobalExplanation, overview
from edgewise.explaining.paths import Trace
from edgewise.explaining.reasons import reasons_of
from edgewise.explaining.subject import Output, decisions, output_of, subject_of
from edgewise.explaining.terms import values_of
from edgewise.network.fitted import Fitted

# Rows among which those alike are sought where the network has joint terms, and where it is additive.
CANDIDATES, ADDITIVE_CANDIDATES = 300, 20_000
REASONS, NODES, COLUMNS_A_NODE = 4, 8, 4


class Explainer:
    """A model and a table of rows, ready for many explanations.

    `edgewise.explain` makes one for a single question; kept, it answers the next ones in milliseconds.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
    X : table, optional
        Rows to compare with, best those the model was fitted on. Without it rows are drawn evenly over the ranges and
        levels that the model knows.
    y : array of shape (n,), optional
        The observed target of these rows; it is then shown for similar rows.
    units : mapping of str to str, optional
        Units of columns, written after their values.
    method : "auto", "shapley" or "path"
        How effects that columns have together are shared. "shapley": exact Shapley values against the background rows.
        "path": at every hidden node in proportion to what arrives, along the straight line from baseline to row. Both sum
        exactly, and agree where the network is additive; "auto" takes Shapley values where they are quick to have.
    background : int, optional
        How many rows make the baseline; by default 100, and of additive networks all.
    seed : int

    Raises
    ------
    InputError
        If the model is not fitted or the table does not fit it.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KAN
    >>> X = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    >>> explainer = Explainer(KAN([2, 1], seed=0), X)
    >>> answer = explainer.row(3)
    >>> abs(sum(one.effect for one in answer.contributions) - (answer.value - answer.base)) < 1e-9
    True
    """

    def __init__(
        self,
        model: Any,
        X: Any = None,
        y: Any = None,
        *,
        units: Mapping[str, str] | None = None,
        method: str = "auto",
        background: int | None = None,
        seed: int = 0,
    ) -> None:
        self.method = check_choice(method, "method", METHODS)
        self.background = None if background is None else check_int(background, "background", low=1)
        self.seed = check_int(seed, "seed", low=0)
        self.subject = subject_of(model, X, units=units, seed=self.seed)
        _ = self.subject.outputs  # what cannot be explained is refused here, before work is done on it
        self.actual = _actual(y, len(self.subject.rows), X is not None)
        self._baselines: dict[int, Baseline] = {}
        self._alike: dict[int, tuple[NDArray[np.int64], Trace | Floats]] = {}

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that the network reads."""
        return self.subject.columns

    def overall(self, output: Any = None) -> GlobalExplanation:
        """What the model has learned: importances, shape functions, interactions.

        Parameters
        ----------
        output : class or name, optional
            Which output; by default the only one, or the first.
        """
        return overview(self.subject, output_of(self.subject.model, output), self.seed)

    def row(self, row: Any, output: Any = None, *, neighbours: int = 3) -> LocalExplanation:
        """Why the model answers what it answers for one row; see `rows`."""
        found = self.rows(row, output, neighbours=neighbours)
        if len(found) != 1:
            raise InputError(
                argument="row", expected="be one row", got=len(found), advice="use rows for several"
            )
        return found[0]

    def rows(self, row: Any, output: Any = None, *, neighbours: int = 3) -> tuple[LocalExplanation, ...]:
        """Explain several rows.

        Parameters
        ----------
        row : int, range, mapping of cells, or table
            Numbers of rows of the table, or rows themselves.
        output : class or name, optional
            By default the only output, or the class that is decided for.
        neighbours : int
            How many rows alike to name, of the same and of other classes each.
        """
        check_int(neighbours, "neighbours", low=0)
        table = self.subject.rows if self.subject.given else None
        rows, places = chosen_rows(self.subject.model, row, table)
        return tuple(self._one(rows, k, place, output, neighbours) for k, place in enumerate(places))

    def baseline(self, output: Output) -> Baseline:
        """The baseline that rows are compared with for an output."""
        key = hash(output)
        if key not in self._baselines:
            self._baselines[key] = baseline_of(self.subject, output, self.method, self.background)
        return self._baselines[key]

    def _one(
        self, rows: ModelRows, at: int, place: int | None, output: Any, neighbours: int
    ) -> LocalExplanation:
        subject, x = self.subject, rows.inputs[at]
        outputs = values_of(subject.network, x[None])
        decided = decisions(subject.model, outputs)
        chosen = output_of(subject.model, output, None if decided is None else int(decided[0]))
        baseline = self.baseline(chosen)
        trace = baseline.paths.trace(x[None])
        hidden = len(subject.network.layers) > 1
        found = baseline.paths.effects(trace, baseline.trace, nodes=hidden)
        effects = found.columns[0]
        if baseline.method != "path":
            effects = contributions(subject, chosen, baseline, x[None])[0]
        cells = [rows.cell(at, column.place) for column in subject.columns]
        order = np.argsort(-np.abs(effects), kind="stable").tolist()
        label, probability = _answer(subject.model, outputs, decided, chosen)
        beyond = subject.network.outside(torch.from_numpy(x[None]))[0].numpy()
        return LocalExplanation(
            row=place,
            output=chosen.name,
            value=float(chosen.of(outputs)[0]),
            base=baseline.value,
            prediction=label,
            probability=probability,
            label=chosen.label,
            contributions=tuple(
                Contribution(subject.names[k], subject.columns[k].text(cells[k]), float(effects[k]))
                for k in order
            ),
            reasons=reasons_of(subject, chosen, x, cells, effects, REASONS),
            nodes=self._nodes([node[0] for node in found.nodes]),
            neighbours=self._neighbours(
                _Answered(chosen, baseline, trace, effects, cells, decided, place), neighbours
            ),
            outside=tuple(column.name for column in self.columns if beyond[list(column.inputs)].any()),
            method=baseline.method,
            background=len(baseline.inputs),
        )

    def _nodes(self, tables: list[Floats]) -> tuple[NodeEffect, ...]:
        """The nodes that carry most, over all hidden layers."""
        found: list[NodeEffect] = []
        for layer, table in enumerate(tables, start=1):
            total = table.sum(axis=0)
            for node in np.argsort(-np.abs(total), kind="stable")[:NODES].tolist():
                if total[node] == 0:
                    break
                top = np.argsort(-np.abs(table[:, node]), kind="stable")[:COLUMNS_A_NODE].tolist()
                through = tuple(
                    (self.subject.names[k], float(table[k, node])) for k in top if table[k, node] != 0
                )
                found.append(NodeEffect(layer, node + 1, float(total[node]), through))
        return tuple(sorted(found, key=lambda one: (one.layer, -abs(one.effect))))

    def _neighbours(self, row: _Answered, most: int) -> tuple[Neighbour, ...]:
        subject, output, baseline, decided = self.subject, row.output, row.baseline, row.decided
        if not subject.given or most == 0:
            return ()
        key = hash(output)
        exact = baseline.method == "exact"
        if key not in self._alike:
            some = subject.some(ADDITIVE_CANDIDATES if exact else CANDIDATES)
            own = subject.rows.inputs[some]
            table = contributions(subject, output, baseline, own) if exact else baseline.paths.trace(own)
            self._alike[key] = (some, table)
        some, table = self._alike[key]
        paths = baseline.paths
        moved = paths.effects(table, row.trace).columns if isinstance(table, Trace) else table - row.effects
        distance = np.sqrt((moved**2).sum(axis=1))
        outputs = subject.outputs[some]
        classes = decisions(subject.model, outputs)
        other = np.ones(len(some), dtype=bool) if row.place is None else some != row.place
        if classes is None or decided is None:
            chosen = _nearest(distance, other, most)
        else:
            same = classes == decided[0]
            chosen = _nearest(distance, other & same, most) + _nearest(distance, other & ~same, most)
        found: list[Neighbour] = []
        for k in chosen:
            number = int(some[k])
            predicted = (
                float(output.of(outputs[k : k + 1])[0])
                if classes is None
                else subject.model.classes[classes[k]]
            )
            found.append(
                Neighbour(
                    row=number,
                    distance=float(distance[k]),
                    prediction=predicted,
                    same=None if classes is None or decided is None else bool(classes[k] == decided[0]),
                    actual=None if self.actual is None else self.actual[number],
                    differs=self._differs(row.cells, number, moved[k]),
                )
            )
        return tuple(found)

    def _differs(self, cells: list[Cell], number: int, moved: Floats) -> tuple[str, ...]:
        """The columns whose difference matters most, with both values."""
        changes: list[str] = []
        for k in np.argsort(-np.abs(moved), kind="stable")[:3].tolist():
            if abs(moved[k]) <= 1e-9 * (1 + float(np.abs(moved).max())):
                break
            column = self.columns[k]
            there = self.subject.rows.cell(number, column.place)
            changes.append(
                f"{column.name} ({cut(column.text(there), 28)}, not {cut(column.text(cells[k]), 28)})"
            )
        return tuple(changes)


@dataclass(frozen=True, eq=False)
class _Answered:
    """A row with its answer, as rows alike are sought for it."""

    output: Output
    baseline: Baseline
    trace: Trace
    effects: Floats
    cells: list[Cell]
    decided: NDArray[np.int64] | None
    place: int | None


def _nearest(distance: Floats, group: NDArray[np.bool_], most: int) -> list[int]:
    """Places of the nearest rows of a group, nearest first."""
    places = np.flatnonzero(group)
    return places[np.argsort(distance[places], kind="stable")[:most]].tolist()


def _answer(
    model: Fitted, outputs: Floats, decided: NDArray[np.int64] | None, output: Output
) -> tuple[Any, float | None]:
    """What is predicted, and the probability of the class that the output supports."""
    if decided is None:
        return float(output.of(outputs)[0]), None
    classes, label = model.classes, model.classes[int(decided[0])]
    if model.calibration is not None:
        return label, float(model.calibration.probabilities(outputs)[0, output.place])
    if outputs.shape[1] == 1:
        return label, float(expit(output.of(outputs)[0])) if len(classes) == 2 else 1.0
    return label, float(softmax(outputs[0])[output.place])


def _actual(y: Any, rows: int, table: bool) -> list[Any] | None:
    if y is None:
        return None
    values = as_labels(y.to_pylist() if hasattr(y, "to_pylist") else y, "y")
    if not table or len(values) != rows:
        raise InputError(
            argument="y",
            expected=f"have one entry for each of the {rows:,} rows of X",
            got=f"{len(values):,}",
        )
    return cast("list[Any]", values.tolist())


def explain(
    model: Any,
    X: Any = None,
    *,
    row: Any = None,
    y: Any = None,
    output: Any = None,
    method: str = "auto",
    background: int | None = None,
    neighbours: int = 3,
    units: Mapping[str, str] | None = None,
    seed: int = 0,
) -> GlobalExplanation | LocalExplanation | tuple[LocalExplanation, ...]:
    """Explain a model, or its answer for a row.

    Of an additive network everything is exact: each column's shape function is a part of the network, and a contribution is
    the difference of two of its values. Of deeper networks the functions of single columns are exact; what columns do
    together is shown by accumulated local effects and strengths of pairs, and shared among them in local explanations by
    exact Shapley values, or along the paths of the network where those would take too long. Contributions sum to the
    output minus the baseline in every case; the output is in units of y, or the log-odds of a class.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
    X : table, optional
        Rows to compare with, best those the model was fitted on. Of a dataset (a path, a pattern, ...; see
        `KANRegressor.fit`) a hundred thousand rows that are drawn at random.
    row : int, range, mapping of cells, or table, optional
        A row to explain: its number in X, or its cells. Several give several explanations; none the whole model. Without X
        it is explained against rows drawn evenly over what the model knows.
    y : array of shape (n,), optional
        What the target of the rows of X truly is; of a dataset the name of its column.
    output : class or name, optional
        Which output to explain: of two classes by default the second, of more the one that is decided for.
    method : "auto", "shapley" or "path"
    background : int, optional
        How many rows make the baseline.
    neighbours : int
        How many rows alike to name, of the same and of other classes each.
    units : mapping of str to str, optional
        Units of columns, written after their values.
    seed : int
        Of bootstraps and of rows that are drawn.

    Returns
    -------
    GlobalExplanation, or with `row` a LocalExplanation or a tuple of them
        Each prints as text; `to_dict` gives plain data.

    Raises
    ------
    InputError
        If the model is not fitted, or X, row or output do not fit it.

    References
    ----------
    D. W. Apley and J. Zhu, 2020, doi:10.1111/rssb.12377, for shapes; L. S. Shapley, 1953, doi:10.1515/9781400881970-018;
    R. J. Aumann and L. S. Shapley, "Values of Non-Atomic Games", 1974, and A. Shrikumar et al., 2017, arXiv:1704.02685, for
    paths.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KANRegressor, explain
    >>> X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    >>> model = KANRegressor(mode="additive").fit(X, X[:, 0] + X[:, 1] ** 2)
    >>> explain(model, X).importances[0].column
    'x1'
    >>> answer = explain(model, X, row=0)
    >>> total = sum(one.effect for one in answer.contributions)
    >>> abs(total - (answer.value - answer.base)) < 1e-9
    True
    """
    if X is not None and is_dataset(X):
        X, row, y = _of_dataset(model, X, row, y, seed)
    if row is None and X is not None and is_one_row(X):
        raise InputError(
            argument="X", expected="be rows to compare with", got="one row", advice="pass it as row="
        )
    with one_thread():
        explainer = Explainer(model, X, y, units=units, method=method, background=background, seed=seed)
        if row is None:
            return explainer.overall(output)
        found = explainer.rows(row, output, neighbours=neighbours)
    return found[0] if len(found) == 1 and not isinstance(row, range) else found


def _of_dataset(model: Any, data: Any, row: Any, y: Any, seed: int) -> tuple[Any, Any, Any]:
    """Rows of a dataset to compare with, the row asked for, and the targets."""
    if isinstance(row, range):
        raise InputError(
            argument="row",
            expected="be one row of a dataset, or cells",
            got=short(row),
            advice="ask for one after the other",
        )
    numbered = isinstance(row, int) and not isinstance(row, bool)
    found = room("edgewise.data.streaming.draw").drawn(data, seed=seed, number=row if numbered else None)
    table = found.table
    if y is not None and (not isinstance(y, str) or y not in table.column_names):
        raise InputError(
            argument="y", expected=f"name a column of the dataset ({among(table.column_names)})", got=short(y)
        )
    names = [name for name in getattr(model, "feature_names_in_", ()) if name in table.column_names]
    names = names or [name for name in table.column_names if name != y]
    actual = None if y is None else table[y].to_numpy(zero_copy_only=False)
    return table.select(names), found.row.select(names) if numbered else row, actual
