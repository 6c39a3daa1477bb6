"""Edge surgery: new models whose edges carry less of a column, or nothing; the old model is left as it is."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from edgewise._core.arguments import check_text
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_float, check_names, did_you_mean, short
from edgewise._core.errors import InputError
from edgewise._core.plain import fields
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.auditing.certify import Cells, CertifiedFlip, cells_of, certified_flip, quick_flip, seen_of
from edgewise.auditing.subject import inputs_of
from edgewise.network.fitted import Fitted, fitted
from edgewise.network.module import KAN
from edgewise.network.state import LayerState, put_together, take_apart
from edgewise.training import TableFit

# Rounds in which the functions are drawn in until the bound holds.
ROUNDS = 12


@dataclass(frozen=True, eq=False)
class Mitigated:
    """A new model, and what was done.

    Attributes
    ----------
    model : KAN, KANRegressor or KANClassifier
        Of the kind that was given.
    detail : str
    certificates : tuple of CertifiedFlip
        Bounds of what the columns can still do.
    stop_reason : StopReason
        Why it was not changed further.
    seconds : float
    """

    model: Any
    detail: str
    certificates: tuple[CertifiedFlip, ...]
    stop_reason: StopReason = StopReason.DECIDED
    seconds: float = 0.0

    @property
    def message(self) -> str:
        """What was done, in words."""
        return self.detail

    def to_dict(self) -> dict[str, Any]:
        """Everything but the model, for JSON."""
        entries = fields(self, "detail", "message", "stop_reason", "seconds")
        return {**entries, "certificates": [certificate.to_dict() for certificate in self.certificates]}


def with_network(model: Any, network: KAN) -> Any:
    """The model with another network in the place of its own; an estimator is copied, and remembers its columns.

    Examples
    --------
    >>> net = KAN([1, 1], seed=0)
    >>> with_network(KAN([1, 1], seed=1), net) is net
    True
    """
    if isinstance(model, KAN):
        return network
    refuse_calibrated(model)
    made = copy.copy(model)
    made.network_ = network
    known = getattr(model, "fit_", None)
    if isinstance(known, TableFit):
        made.fit_ = replace(known, network=network, held=None, out_of_bag=None)
    made.__dict__.pop("_reservoir", None)
    return made


def refuse_calibrated(model: Any) -> None:
    """Maps that were learned for one network are not for another.

    Raises
    ------
    InputError
        If the model is a CalibratedKAN.
    """
    if getattr(model, "calibration_", None) is not None:
        raise InputError(
            subject="The 'model' whose network is changed",
            expected="not be calibrated, for its maps belong to the network as it is",
            got="a CalibratedKAN",
            advice="change the model behind it, its .model, and calibrate that anew",
        )


def neutralize_columns(model: Any, columns: str | Sequence[str], X: Any, *, share: float = 1.0) -> Mitigated:
    """Draw the functions of some columns towards their means, or make them constant and turn their edges off.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
    columns : str or list of str
        A protected attribute, or its proxies.
    X : table
        Rows over which the means are taken.
    share : float
        1 removes all that the columns add, 0.5 half of every function.

    Raises
    ------
    InputError
        If the model does not read a column, or an edge from one is not a plain spline and is to be kept in part.

    Examples
    --------
    >>> net = KAN([2, 1], seed=0)
    >>> rows = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    >>> flat = neutralize_columns(net, "x1", rows)
    >>> flat.certificates[0].bound
    0.0
    """
    view, meter = fitted(model), Meter()
    names = check_names([columns] if isinstance(columns, str) else columns, "columns")
    share = check_float(share, "share", low=0.0, high=1.0)
    inputs = inputs_of(X, view)
    network = view.network
    for name in names:
        network = _drawn(network, _inputs(view, name), inputs, 1.0 - share)
    made = with_network(model, network)
    what = "removed" if share == 1.0 else f"drew in by {share:.0%}"
    after = fitted(made)
    bounds = tuple(certified_flip(after, name, seen=seen_of(after, name, inputs)) for name in names)
    return Mitigated(made, f"{what} {', '.join(names)}", bounds, seconds=meter.seconds)


def bound_flip(
    model: Any,
    column: str,
    max_change: float,
    X: Any,
    *,
    work: str | float = "normal",
    seconds: float | None = None,
) -> Mitigated:
    """Draw a column's functions in until changing it alone provably moves the output by at most `max_change`.

    Of an additive model with levels the values are clipped to a band of width `max_change`, placed where it costs the rows
    least; else all functions of the column are drawn towards their means by one factor, until the certified bound is at
    most `max_change`.

    Parameters
    ----------
    model : KAN, KANRegressor or KANClassifier
    column : str
    max_change : float
        Log-odds of a classifier of two classes, else units of the output.
    X : table
        Rows that show where functions are used.
    work : "quick", "normal", "thorough" or float
        How much each proof may do where there are hidden layers: a level, or how many times the normal work, which is
        about 20 seconds of one core.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: from then on a bound serves that takes no proof, so
        that functions may be drawn in further than need be, and differ from run to run.

    Raises
    ------
    InputError
        If the model does not read the column, or no bound can be certified.

    Examples
    --------
    >>> net = KAN([2, 1], seed=0)
    >>> rows = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    >>> made = bound_flip(net, "x1", 0.05, rows)
    >>> made.certificates[0].bound <= 0.05
    True
    """
    max_change, factor = check_float(max_change, "max_change", low=0.0), check_work(work)
    return limited(model, column, max_change, X, factor, Meter(math.inf, check_seconds(seconds)))


def limited(
    model: Any,
    column: str,
    max_change: float,
    X: Any,
    work: float | None,
    meter: Meter,
    before: CertifiedFlip | None = None,
) -> Mitigated:
    """As `bound_flip`, where the bound of the model as it is may be known; without `work` there are no proofs."""
    view = fitted(model)
    places = _inputs(view, column)
    inputs = inputs_of(X, view)
    seen = seen_of(view, column, inputs)

    def drawn_in(bound: Callable[[Fitted], CertifiedFlip]) -> Mitigated | StopReason:
        first = before or bound(view)
        if first.bound <= max_change:
            return Mitigated(
                model, f"{column} moves the output by at most {first.bound:.4g} as it is", (first,)
            )
        cells = cells_of(view, column, seen)
        network = view.network
        if len(network.layers) == 1 and cells.points and len(places) == 1 and max_change > 0:
            network = _clipped(network, places[0], cells, inputs[:, places[0]], max_change)
        made, share = with_network(model, network), 1.0
        for _ in range(ROUNDS):
            found = bound(fitted(made))
            if found.bound <= max_change:
                return Mitigated(made, f"{column} may move the output by at most {max_change:g}", (found,))
            if not found.stop_reason.repeatable:
                return found.stop_reason
            if not np.isfinite(found.bound):
                break
            share *= (1 - 1e-6) * max_change / found.bound
            made = with_network(model, _drawn(network, places, inputs, share))
        raise InputError(
            f"The 'max_change' of bound_flip cannot be certified for {short(column, 40)} in this network; "
            "remove the column with neutralize_columns."
        )

    with one_thread():
        with running(meter):
            try:
                ended = StopReason.WORK_SPENT
                if work is not None:
                    ended = drawn_in(partial(certified_flip, name=column, seen=seen, work=work))
            except StopError as stop:
                ended = meter.own(stop)
        if isinstance(ended, Mitigated):
            return replace(ended, seconds=meter.seconds)
        quick = drawn_in(partial(quick_flip, name=column, seen=seen))
        assert isinstance(quick, Mitigated)
        return replace(quick, stop_reason=ended, seconds=meter.seconds)


def _inputs(view: Fitted, name: str) -> tuple[int, ...]:
    if check_text(name, "column") not in view.columns:
        raise InputError(
            subject="The model",
            expected="read the 'column'",
            got=f"{short(name)}{did_you_mean(name, view.columns)}",
            advice="a column that it does not read changes nothing",
        )
    return tuple(i for i, source in enumerate(view.sources) if view.columns[source] == name)


def _drawn(network: KAN, places: Sequence[int], inputs: Floats, factor: float) -> KAN:
    """The network with every first-layer function of some inputs drawn towards its mean; off where nothing is left."""
    layer, states = network.layers[0], take_apart(network)
    state = states[0]
    x = torch.from_numpy(inputs).to(network.input_shift)
    with torch.no_grad():
        units = (x - network.input_shift) / network.input_scale
    coef, bias, mask = state.coef.clone(), state.bias, state.mask.clone()
    bias = None if bias is None else bias.clone()
    for i in places:
        for k in range(layer.out_features):
            if not bool(mask[i, k]):
                continue
            with torch.no_grad():
                mean = layer.edge(i, k, units[:, i]).mean()
            if factor == 0.0 and bias is not None:
                bias[k] += mean
                mask[i, k] = False
                continue
            if layer.kind(i, k) != "numeric" or layer.basis_name != "bspline" or layer.base is not None:
                raise InputError(
                    subject=f"The edge from {short(network.input_names[i], 40)}",
                    expected="be a plain spline to be drawn in",
                    got="another kind",
                    advice="remove the column with neutralize_columns",
                )
            coef[i, :, k] = mean + factor * (coef[i, :, k] - mean)
    states[0] = replace(_without(state, places, mask), coef=coef, bias=bias, mask=mask)
    return put_together(network, states)


def _without(state: LayerState, places: Sequence[int], mask: torch.Tensor) -> LayerState:
    """The state without closed forms on edges that are off."""
    for edge in state.spec.symbolic:
        if edge.source in places and not bool(mask[edge.source, edge.target]):
            state = state.without_symbolic(edge.source, edge.target)
    return state


def _clipped(network: KAN, place: int, cells: Cells, column: Floats, max_change: float) -> KAN:
    """An additive network whose values at the levels of one input lie in a band as wide as `max_change`."""
    states = take_apart(network)
    layer, coef = network.layers[0], states[0].coef.clone()
    points = np.array([cell[0][0] for cell in cells.cells])
    shift, unit = float(network.input_shift[place]), float(network.input_scale[place])
    at = torch.from_numpy((points - shift) / unit).to(coef.dtype)
    counts = np.array([(column == point).sum() for point in points], dtype=np.float64) + 1e-9
    basis = layer.basis
    for k in range(layer.out_features):
        if not bool(layer.mask[place, k]) or layer.kind(place, k) != "numeric":
            continue
        width = (1 - 1e-6) * max_change / abs(float(network.output_scale[k]))
        with torch.no_grad():
            values = layer.edge(place, k, at).double().numpy()
            rows = torch.zeros(len(points), layer.in_features, dtype=coef.dtype)
            rows[:, place] = at
            design = basis.values(rows)[:, place].double().numpy()
        change = np.clip(values, *_band(values, counts, width)) - values
        step, *_ = np.linalg.lstsq(design, change, rcond=None)
        coef[place, :, k] += torch.from_numpy(step).to(coef.dtype)
    states[0] = replace(states[0], coef=coef)
    return put_together(network, states)


def _band(values: Floats, counts: Floats, width: float) -> tuple[float, float]:
    """The band of some width to which values are clipped at the least sum of squares, counted as often as used."""
    low, high = float(values.min()), float(values.max()) - width
    if high <= low:
        return low, low + width
    starts = np.linspace(low, high, 201)
    clipped = np.clip(values[None], starts[:, None], starts[:, None] + width)
    best = float(starts[int((((clipped - values) ** 2) @ counts).argmin())])
    return best, best + width
