"""Edit one curve of a model by hand: the function of a column, and what that costs, or that of any edge."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import roc_auc_score
from torch import Tensor

from edgewise._core.arguments import place_among
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_matrix, check_vector, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.plain import lines_of
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter
from edgewise.data.encoding_columns import LevelColumn, NumberColumn
from edgewise.explaining.columns import Column, columns_of, place_of, read_rows
from edgewise.explaining.reliability import check_same_rows, codes_of, logits_of, measured
from edgewise.explaining.shape_edits import ShapeEdit, edge_edited, read_edit
from edgewise.explaining.subject import Output, output_of
from edgewise.network import KAN, EditResult, set_numeric
from edgewise.network.arguments import Edge, as_data, check_edge, check_net
from edgewise.network.edits import recorded
from edgewise.network.fitted import Fitted, fitted
from edgewise.network.state import LayerState, put_together, take_apart
from edgewise.simplifying import edge_scores
from edgewise.splines import BSpline

_SCORED_ROWS = 2_000
_STRAIGHT = 1e-9


@dataclass(frozen=True)
class ShapeRecord:
    """What an edit of a curve did.

    Attributes
    ----------
    column : str
    edit : str
        In words.
    edge : (int, int, int)
        Layer, source and target of the edge that was edited.
    max_change : float
        Largest change of the output on the rows, in its units (log-odds for two classes).
    changed_rows : int
        Rows whose output moved by more than rounding.
    flipped_rows : int or None
        Rows that are decided differently; None where numbers are predicted.
    seconds : float
        What edit and measures took.
    """

    column: str
    edit: str
    edge: tuple[int, int, int]
    max_change: float
    changed_rows: int
    flipped_rows: int | None
    seconds: float


@dataclass(frozen=True, eq=False)
class EditedModel:
    """A model with one curve changed; the old one is untouched.

    Attributes
    ----------
    model : KAN, KANRegressor or KANClassifier
        The new model, of the kind of the old.
    before, after : dict
        Measures on the rows given: "rmse", "mae" and "r2", or "auc" (two classes), "accuracy", "log_loss" and "brier".
    record : ShapeRecord
    old : KAN, KANRegressor or KANClassifier
        The model as it was: keeping it is undoing.
    """

    model: Any
    before: dict[str, float]
    after: dict[str, float]
    record: ShapeRecord
    old: Any

    def reverified(
        self, verify: Callable[..., Any], properties: Sequence[Any], **options: Any
    ) -> tuple[Any, ...]:
        """What still holds: `verify(model, property)` of the new model for each property.

        Parameters
        ----------
        verify : function
            `edgewise.verify`, which is passed in because proofs and explanations know nothing of each other.
        properties : sequence
        **options
            Passed on.
        """
        return tuple(verify(self.model, one, **options) for one in properties)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {"before": self.before, "after": self.after, "record": asdict(self.record)}

    def __str__(self) -> str:
        record = self.record
        flips = "" if record.flipped_rows is None else f", {record.flipped_rows} decided differently"
        lines = [
            f"{record.column}: {record.edit}. {record.changed_rows} rows moved, by {record.max_change:.3g} at most{flips}."
        ]
        lines += [f"  {name:<9}{self.before[name]:.5g} -> {self.after[name]:.5g}" for name in self.before]
        return lines_of(lines)


def edit_shape(
    model: Any, column: str, edit: Any, X: Any, y: Any = None, *, output: Any = None
) -> EditedModel:
    """Change the function of one column by hand.

    The function is the column's own: in an additive network its edge; in a pairwise or deep one made by the estimators the
    edge of the additive part, which is the larger part of it. Local edits insert breaks, so that the curve outside the
    interval (and a shoulder of 2 % of the range) stays as it is to the last digit of rounding.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
    column : str
    edit : str, mapping or ShapeEdit
        "constant(20, 30)", "constant(20, 30, 0.1)", "shift(-0.5, 20, 30)", "smooth", "smooth(3, 20, 30)", "increasing",
        "increasing(20, 30)", "decreasing", or points {25: 0.1, 40: 0.3} (of words {"own": 0.2}) to pass through. Places in
        raw units; values in units of the output (log-odds for two classes) about the mean of the curve over the rows.
    X : table
        Rows on which the cost is measured.
    y : array of shape (n,), optional
        Without it there are no measures.
    output : class, name or int, optional
        Of more than one output the one that is edited; the first by default.

    Returns
    -------
    EditedModel

    Raises
    ------
    InputError
        If the column has no function of its own, or the edit does not fit it.

    References
    ----------
    H. Eilers and B. Marx, "Flexible smoothing with B-splines and penalties", 1996, doi:10.1214/ss/1038425655. R. Caruana et
    al., "Intelligible models for healthcare", 2015, doi:10.1145/2783258.2788613 (why one edits).

    Examples
    --------
    >>> import numpy as np
    >>> import edgewise as ew
    >>> rng = np.random.default_rng(0)
    >>> X = {"age": rng.uniform(20, 70, 400), "size": rng.normal(size=400)}
    >>> y = np.sin(X["age"] / 8) + X["size"]
    >>> model = ew.KANRegressor(mode="additive").fit(X, y)
    >>> flat = edit_shape(model, "age", "constant(30, 40)", X, y)
    >>> low, high = flat.model.predict({"age": [31.0, 39.0], "size": [0.0, 0.0]})
    >>> bool(abs(low - high) < 1e-9), flat.after["rmse"] > flat.before["rmse"]
    (True, True)
    """
    meter = Meter()
    seen = fitted(model)
    if seen.calibration is not None:
        raise InputError(
            argument="model",
            expected="not be calibrated, for its maps belong to the network as it is",
            got="a CalibratedKAN",
            advice="edit the model behind it, its .model, and calibrate that anew",
        )
    asked = read_edit(edit)
    columns = columns_of(seen)
    own = columns[place_of(columns, column, "column")]
    wanted = output_of(seen, output)
    rows = read_rows(seen, X)
    where = _edge(seen.network, own, wanted)
    before = after = {}
    with one_thread():
        net = _edited(seen.network, own, where, asked, rows.inputs)
        old, new = seen.network.predict(rows.inputs), net.predict(rows.inputs)
        if y is not None:
            before, after = measures_of(seen, old, y), measures_of(seen, new, y)
        made = with_network(model, net, rows.inputs)
    change = np.abs(new - old).max(1)
    flips = None
    if seen.classes:
        flips = int((decisions_of(old) != decisions_of(new)).sum())
    record = ShapeRecord(
        own.name,
        str(asked),
        where.edge,
        float(change.max()),
        int((change > 1e-9 * (1 + np.abs(old).max())).sum()),
        flips,
        meter.seconds,
    )
    return EditedModel(made, before, after, record, model)


@dataclass(frozen=True)
class _Edge:
    """The edge that carries a curve, and what its values are multiplied by on their way to the output."""

    edge: tuple[int, int, int]
    factor: float


def _edge(net: KAN, column: Column, output: Output) -> _Edge:
    target = max(range(len(output.weights)), key=lambda k: abs(output.weights[k]))
    sign = math.copysign(1.0, output.weights[target])
    scale = float(net.output_scale[target]) * sign
    source = column.inputs[0]
    if any(layer.symbolic or layer.base for layer in net.layers) or net.layers[0].basis_name != "bspline":
        raise InputError(
            argument="model",
            expected="have B-spline edges only",
            got="one with closed forms or base functions",
        )
    if len(net.layers) == 1:
        return _Edge((0, source, target), scale)
    node, slope = 0, 1.0
    for layer in list(net.layers)[1:]:
        found = _straight_node(layer, target)
        if found is None:
            raise InputError(
                subject=f"The column {short(column.name, 40)}",
                expected=(
                    "have a function of its own for edit_shape: fit the model with interactions=0, or as "
                    "a pairwise or deep estimator, whose additive part is carried by a node"
                ),
                got="a network in which columns act together only",
            )
        node, own = found
        slope *= own
    return _Edge((0, source, node), scale * slope)


def _straight_node(layer: Any, target: int) -> tuple[int, float] | None:
    """The node that reaches one output only, by a straight line."""
    coef = layer.coef.detach().to("cpu", torch.float64) * layer.mask.detach().cpu()[:, None, :]
    lines = BSpline(layer.grid.detach().to("cpu", torch.float64), layer.degree).greville()
    for k in range(coef.shape[0]):
        alone = bool((coef[k].abs().amax(0) > 0).sum() == 1) and bool(coef[k, :, target].abs().max() > 0)
        if not alone:
            continue
        span = float(lines[k, -1] - lines[k, 0])
        slope = float(coef[k, -1, target] - coef[k, 0, target]) / span
        rest = coef[k, :, target] - coef[k, 0, target] - slope * (lines[k] - lines[k, 0])
        if slope > 0 and float(rest.abs().max()) <= _STRAIGHT * abs(slope) * span:
            return k, slope
    return None


def _edited(net: KAN, column: Column, where: _Edge, edit: ShapeEdit, inputs: Floats) -> KAN:
    _, source, target = where.edge
    shift, scale = float(net.input_shift[source]), float(net.input_scale[source])

    def place(value: float) -> float:
        return (value - shift) / scale

    low, high = map(place, _interval(column, edit))
    points = [place(_at(column, point)) for point, _ in edit.points]
    states, x = take_apart(net), torch.from_numpy((inputs[:, source] - shift) / scale)
    codes = [place(code) for code in _codes(column)]
    states[0] = edge_edited(states[0], (source, target), edit, (low, high), points, x, where.factor, codes)
    return put_together(net, states)


def _interval(column: Column, edit: ShapeEdit) -> tuple[float, float]:
    """Ends of an interval as values of the input."""
    if column.discrete and not edit.whole:
        raise InputError(
            subject=f"The edit of column {short(column.name, 40)}",
            expected="be a mapping of its words or values, as {'a': 0.1}",
            got=edit,
        )
    ends = edit.ends
    if isinstance(column.encoded, NumberColumn):
        finite = [end if math.isfinite(end) else 0.0 for end in ends]
        moved = column.encoded.transformed(np.array(finite))
        low, high = (float(t) if math.isfinite(end) else end for t, end in zip(moved, ends, strict=True))
        return low, high
    return ends


def _codes(column: Column) -> tuple[float, ...]:
    if isinstance(column.encoded, LevelColumn):
        return tuple(float(k) for k in range(len(column.encoded.levels)))
    return (0.0, 1.0) if column.two_valued else ()


def _at(column: Column, point: float | str) -> float:
    """The input that a value or a word becomes."""
    if isinstance(column.encoded, LevelColumn):
        place = place_among(point, column.encoded.levels)
        if place is None:
            raise InputError(
                subject=f"The points of column {short(column.name, 40)}",
                expected="be words it knows",
                got=f"{short(point)}{did_you_mean(point, column.encoded.levels)}",
            )
        return float(place)
    if isinstance(point, str):
        raise InputError(
            subject=f"The points of column {short(column.name, 40)}", expected="be numbers", got=short(point)
        )
    return float(column.encode([point])[0, 0])


def edit_edge(model: KAN, edge: Edge, edit: Any, X: Any) -> EditResult:
    """Change the function of one edge by hand: flatten, shift, smooth, make it monotone, or take it through points.

    Where `edit_shape` asks for a column, this takes any edge of any layer. Edits of an interval insert breaks, so that the
    curve outside it (and a shoulder of 2 % of the range) stays as it is. An edge with a closed form becomes a spline first.

    Parameters
    ----------
    model : KAN
        With B-spline edges; it is left as it was.
    edge : (layer, source, target)
        One that is alive.
    edit : str, mapping or ShapeEdit
        As in `edit_shape`: "constant(20, 30)", "shift(-0.5, 20, 30)", "smooth", "increasing", "increasing(20, 30)",
        "decreasing", or points {25: 0.1, 40: 0.3}. Places in units of the input on the first layer and in network units
        beyond; values about the mean of the curve over the rows, in units of the output on edges that lead straight to one.
    X : array, shape (n, inputs)
        Rows that show where the curve is used.

    Returns
    -------
    EditResult

    Raises
    ------
    InputError
        If the edge is off or no spline, or the edit does not fit it.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise import KAN
    >>> net = KAN([1, 1], seed=0, dtype=torch.float64)
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> flat = edit_edge(net, (0, 0, 0), "constant(-0.5, 0.5)", X).network
    >>> float(np.ptp(flat.predict([[-0.4], [0.0], [0.4]]))) < 1e-12
    True
    """
    asked = read_edit(edit)
    check_net(model)
    layer, source, target = check_edge(model, edge)
    if not bool(model.layers[layer].mask[source, target]):
        raise InputError(
            argument="edge",
            expected="be one that is alive",
            got=f"{short((layer, source, target))}, which is off",
            advice="set_edge gives it a function",
        )
    rows = as_data(model, X, min_rows=1)
    net = set_numeric(model, (layer, source, target)).network
    with one_thread(), torch.no_grad():
        states = take_apart(net)
        states[layer] = _with_edge(net, states[layer], (layer, source, target), asked, rows)
        made = put_together(net, states)
    detail = f"edge {(layer, source, target)}: {asked}"
    return recorded("edit_edge", detail, model, made, X)


def _with_edge(net: KAN, state: LayerState, edge: Edge, edit: ShapeEdit, rows: Tensor) -> LayerState:
    layer, source, target = edge
    base = state.base_weight
    if state.spec.basis != "bspline" or (base is not None and float(base[source, target]) != 0.0):
        raise InputError(argument="edge", expected="be a B-spline without a base function", got=short(edge))
    shift, scale = 0.0, 1.0
    if layer == 0:
        shift, scale = float(net.input_shift[source]), float(net.input_scale[source])
    for point, _ in edit.points:
        if isinstance(point, str):
            raise InputError(
                subject="The points of edit_edge",
                expected="be numbers, for an edge knows no words",
                got=short(point),
            )
    low, high = ((end - shift) / scale for end in edit.ends)
    places = [(float(point) - shift) / scale for point, _ in edit.points]
    x = net.activations(rows)[layer][:, source].to("cpu", torch.float64)
    straight = layer == len(net.layers) - 1 and target < state.spec.nodes.sums
    factor = float(net.output_scale[target]) if straight else 1.0
    return edge_edited(state, (source, target), edit, (low, high), places, x, factor)


def measures_of(model: Fitted, outputs: Floats, y: Any) -> dict[str, float]:
    """Errors of the network's outputs, (n, outputs), on rows whose truth is y."""
    if not model.classes:
        target = check_matrix(
            check_vector(y, "y")[:, None] if outputs.shape[1] == 1 else y,
            "y",
            rows=len(outputs),
            columns=outputs.shape[1],
        )
        rest = outputs - target
        spread = float(((target - target.mean(0)) ** 2).mean())
        square = float((rest**2).mean())
        return {
            "rmse": math.sqrt(square),
            "mae": float(np.abs(rest).mean()),
            "r2": 1 - square / spread if spread > 0 else float(square == 0),
        }
    codes = codes_of(y, np.asarray(model.classes, dtype=object))
    check_same_rows(len(outputs), len(codes))
    logits = logits_of(outputs)
    p = softmax(logits, axis=1)
    scores = measured(p, codes)
    found: dict[str, float] = {}
    if p.shape[1] == 2 and len(np.unique(codes)) == 2:
        found["auc"] = float(roc_auc_score(codes, logits[:, 1] - logits[:, 0]))
    accuracy = float((p.argmax(1) == codes).mean())
    return {**found, "accuracy": accuracy, "log_loss": scores.log_loss, "brier": scores.brier}


def decisions_of(outputs: Floats) -> NDArray[np.int64]:
    """Numbers of the classes that outputs, (n, outputs), decide for."""
    return (outputs[:, 0] > 0).astype(np.int64) if outputs.shape[1] == 1 else outputs.argmax(1)


def with_network(model: Any, net: KAN, inputs: Floats) -> Any:
    """A model like the given one with another network."""
    if isinstance(model, KAN):
        return net
    made = copy.copy(model)
    made.network_ = net
    made.fit_ = replace(model.fit_, network=net)
    made.__dict__.pop("_reservoir", None)
    step = -(-len(inputs) // _SCORED_ROWS)
    scores = edge_scores(net, inputs[::step]).inputs.to(torch.float64).cpu().numpy()
    squares = np.bincount(made.encoding_.sources, weights=scores**2, minlength=len(made.encoding_.columns))
    total = float(np.sqrt(squares).sum())
    made.feature_importances_ = np.sqrt(squares) / total if total > 0 else np.zeros(len(squares))
    return made
