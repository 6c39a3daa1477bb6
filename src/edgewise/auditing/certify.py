"""How far changing one attribute can move the output of a network, over all rows there can be: a certified bound.

An additive network answers exactly: the change is the range of the attribute's own functions, whatever the other
columns hold. For hidden layers `edgewise.verify` bounds the difference of two copies of the network. Where it cannot
(numbers instead of levels, deeper networks), the chain of slopes bounds it: a node that sums edges moves by at most the
sum of what they move, and an edge by its steepest slope times what its source moves.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import torch

from edgewise._core.arguments import check_is, check_text
from edgewise._core.arrays import Floats
from edgewise._core.checks import check_int, short
from edgewise._core.errors import InputError
from edgewise._core.plain import plain
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, StopError, check_seconds, check_work, running
from edgewise.layers import KANLinear
from edgewise.network.fitted import Fitted
from edgewise.network.module import KAN
from edgewise.verifying.domain.domain import Domain, Group, Interval
from edgewise.verifying.domain.goals import OutputBounds, OutputTerm
from edgewise.verifying.domain.raw_values import cells_of as cells_of_column

EXACT, PROVED, CHAINED = "exact", "proved", "chained"


@dataclass(frozen=True)
class CertifiedFlip:
    """The largest change of the output when an attribute alone is changed.

    Attributes
    ----------
    attribute : str
    bound : float
        No row there can be changes by more: log-odds of a classifier of two classes (calibrated ones where it is), else
        units of the output. Infinite where no bound is known.
    reached : float
        A change that some row reaches; equal to `bound`, but for rounding, where `method` is "exact".
    method : "exact", "proved" or "chained"
    seconds : float
    note : str
        What stood in the way of a better bound; empty where nothing did.
    stop_reason : StopReason
        Why no better bound was sought: "exact", or "converged" where it is within 1 % of the range of the change.
    """

    attribute: str
    bound: float
    reached: float
    method: str
    seconds: float
    note: str = ""
    stop_reason: StopReason = StopReason.EXACT

    @property
    def message(self) -> str:
        """What is known, in a sentence."""
        if not math.isfinite(self.bound):
            return f"No bound for all rows is known: {self.note or 'the network has nodes that multiply'}."
        how = {EXACT: "exactly", PROVED: "proved", CHAINED: "by slopes chained from layer to layer"}[
            self.method
        ]
        return f"{self.attribute} alone moves the output by at most {self.bound:.4g} ({how})."

    @property
    def probability(self) -> float:
        """The largest change of a probability that a change of log-odds by `bound` can make: tanh(bound / 4)."""
        return math.tanh(self.bound / 4)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; None where the bound is infinite."""
        entries = {**plain(asdict(self)), "probability": self.probability, "message": self.message}
        return {**entries, "stop_reason": self.stop_reason.value}


# Relative room for the rounding of float64 sums.
ROUNDING = 1e-9
# Pairs of values for which a proof is sought one by one, and units of work for all of them.
MOST_PAIRS, MOST = 12, 20.0


@dataclass(frozen=True, eq=False)
class Cells:
    """The values an attribute can take, as the network reads them.

    Attributes
    ----------
    inputs : tuple of int
    cells : tuple of tuple of (low, high)
        An interval for each of the inputs; points where low equals high.
    labels : tuple of str
    """

    inputs: tuple[int, ...]
    cells: tuple[tuple[Interval, ...], ...]
    labels: tuple[str, ...]

    @property
    def points(self) -> bool:
        """Whether every cell is a single point."""
        return all(low == high for cell in self.cells for low, high in cell)


def cells_of(fit: Fitted, name: str, seen: Floats | None = None) -> Cells:
    """The cells of a raw column; of a plain network's input the few values seen, else its grid's range."""
    place = fit.columns.index(name)
    inputs = tuple(i for i, source in enumerate(fit.sources) if source == place)
    if fit.encoding is None:
        values = np.unique(seen) if seen is not None else np.empty(0)
        if 0 < len(values) <= 8:
            return Cells(inputs, tuple(((v, v),) for v in values.tolist()), tuple(f"{v:g}" for v in values))
        low, high = fit.network.input_range()[place].tolist()
        return Cells(inputs, (((low, high),),), (f"{low:g} to {high:g}",))
    column = fit.encoding.columns[place]
    return Cells((), (), ()) if column.dropped else Cells(inputs, *cells_of_column(column))


def seen_of(fit: Fitted, name: str, inputs: Floats) -> Floats | None:
    """The values of a column in some rows, of a plain network, which has no list of levels; None for others."""
    return inputs[:, fit.columns.index(name)] if fit.encoding is None else None


def certified_flip(
    fit: Fitted,
    name: str,
    *,
    seen: Floats | None = None,
    output: int = 0,
    work: str | float = "normal",
    seconds: float | None = None,
) -> CertifiedFlip:
    """Bound how far changing the column `name` alone can move an output.

    Parameters
    ----------
    fit : Fitted
    name : str
        A raw column that the model reads.
    seen : array, optional
        Values of the column, for a plain network, which has no list of levels.
    output : int
    work : "quick", "normal", "thorough" or float
        How much to do where there are hidden layers: a level, or how many times the normal work, which is about 20 seconds
        of one core.
    seconds : float, optional
        Time limit; None, the default, for none. It only interrupts: the bound until then is the answer, and may differ
        from run to run.

    Raises
    ------
    InputError
        If the model does not read the column.

    Examples
    --------
    >>> from edgewise.network import KAN, set_edge
    >>> from edgewise.network.fitted import fitted
    >>> net = set_edge(KAN([2, 1], degree=1, intervals=2, seed=0), (0, 0, 0), torch.tensor([0.0, 0.0, 3.0])).network
    >>> round(certified_flip(fitted(net), "x1").bound, 6)
    3.0
    """
    meter = Meter(MOST * check_work(work), check_seconds(seconds))
    found = _quick(fit, name, seen, output)
    cells = cells_of(fit, name, seen)
    pairs = len(cells.cells) * (len(cells.cells) - 1)
    if found.method == CHAINED and not found.note and cells.points and 0 < pairs <= MOST_PAIRS:
        with one_thread(), running(meter):
            try:
                found = _proved(fit, name, cells, output, meter, found)
            except StopError as stop:
                found = replace(found, stop_reason=meter.own(stop))
            except KeyboardInterrupt:
                found = replace(found, stop_reason=StopReason.INTERRUPTED)
    return replace(_calibrated(fit, found), seconds=meter.seconds)


def quick_flip(fit: Fitted, name: str, *, seen: Floats | None = None) -> CertifiedFlip:
    """As `certified_flip`, without a proof: exact without hidden layers, else by the chain of slopes.

    Raises
    ------
    InputError
        If the model does not read the column.
    """
    return _calibrated(fit, _quick(fit, name, seen, 0))


def _quick(fit: Fitted, name: str, seen: Floats | None, output: int) -> CertifiedFlip:
    check_is(fit, Fitted, "fit", "a Fitted, as edgewise.network.fitted makes it of a model")
    if check_text(name, "name") not in fit.columns:
        raise InputError(
            argument="name",
            expected="be one of the columns that the model reads",
            got=f"{short(name)}, on which its output cannot depend",
        )
    output = check_int(output, "output", low=0, high=fit.network.shape[-1] - 1)
    if fit.calibration is not None and fit.calibration.threshold is None:
        raise InputError(
            subject="A calibrated model",
            expected="be of two classes for its flips to be certified",
            got="one of more, whose outputs the maps mix",
            advice="ask the model behind it, its .model",
        )
    cells = cells_of(fit, name, seen)
    net = fit.network
    if not cells.inputs or not any(bool(net.layers[0].mask[i].any()) for i in cells.inputs):
        return CertifiedFlip(name, 0.0, 0.0, EXACT, 0.0)
    scale = abs(float(net.output_scale[output]))
    spans, note = _first_layer(net, cells)
    if spans is None:
        return CertifiedFlip(name, math.inf, 0.0, CHAINED, 0.0, note, StopReason.EXHAUSTED)
    if len(net.layers) == 1:
        own = scale * float(spans[output])
        return CertifiedFlip(name, own * (1 + ROUNDING), own, EXACT, 0.0)
    chained = scale * _chained(net, spans, output) * (1 + ROUNDING)
    return CertifiedFlip(name, chained, 0.0, CHAINED, 0.0, "", StopReason.EXHAUSTED)


def _calibrated(fit: Fitted, found: CertifiedFlip) -> CertifiedFlip:
    """What is known of the network's output, of the calibrated log-odds."""
    if fit.calibration is None or not math.isfinite(found.bound):
        return found
    bound, line = fit.calibration.furthest(found.bound), fit.calibration.line
    if line is not None:
        return replace(found, bound=bound, reached=line.slope * found.reached)
    # A bent map takes the largest change where it is steepest, and no row need lie there.
    method = PROVED if found.method == EXACT and bound > 0 else found.method
    return replace(found, bound=bound, reached=0.0, method=method)


def _first_layer(net: KAN, cells: Cells) -> tuple[Floats | None, str]:
    """For each first-layer sum the width of what the attribute adds to it, (sums,), and why that is not known."""
    layer, targets = net.layers[0], net.layers[0].out_features
    low, high = np.full(targets, np.inf), np.full(targets, -np.inf)
    shift, unit = net.input_shift.double().numpy(), net.input_scale.double().numpy()
    for cell in cells.cells:
        at = [
            ((a - shift[i]) / unit[i], (b - shift[i]) / unit[i])
            for i, (a, b) in zip(cells.inputs, cell, strict=True)
        ]
        for k in range(targets):
            sums = np.zeros(2)
            for i, (a, b) in zip(cells.inputs, at, strict=True):
                if not bool(layer.mask[i, k]):
                    continue
                span = edge_range(layer, i, k, min(a, b), max(a, b))
                if span is None:
                    return None, "edges that are no splines have no exact range over an interval"
                sums += span
            low[k], high[k] = min(low[k], sums[0]), max(high[k], sums[1])
    return high - low, ""


def edge_range(layer: KANLinear, source: int, target: int, low: float, high: float) -> Floats | None:
    """Least and greatest value of an edge function over [low, high] in network units; None if not known exactly."""
    ends = np.array([low, high])
    candidates = [ends]
    if high > low:
        if layer.kind(source, target) != "numeric" or layer.basis_name != "bspline" or layer.base is not None:
            return None
        breaks = layer.grid[source].detach().double().numpy()
        inside = breaks[(breaks > low) & (breaks < high)]
        candidates += [inside, _turns(layer, source, target, low, high)]
    points = np.concatenate(candidates)
    x = torch.from_numpy(points)[:, None].to(layer.coef.dtype)
    with torch.no_grad():
        values = layer.edge(source, target, x[:, 0]).double().numpy()
    return np.array([values.min(), values.max()])


def _turns(layer: KANLinear, source: int, target: int, low: float, high: float) -> Floats:
    """Where an edge function turns inside (low, high)."""
    breaks = layer.grid[source].detach().double().numpy()
    found = list[float]()
    for left, right in pairwise(breaks.tolist()):
        # On one interval the slope is a polynomial of degree - 1, known from as many values as it has coefficients.
        count = max(layer.degree, 1)
        u = np.linspace(0.0, 1.0, count)
        x = torch.from_numpy(left + (right - left) * (0.02 + 0.96 * u)).to(layer.coef.dtype)
        with torch.no_grad():
            slopes = layer.edge(source, target, x, order=1).double().numpy()
        if count == 1:
            continue
        roots = np.polynomial.Polynomial.fit(x.double().numpy(), slopes, count - 1).roots()
        real = roots[np.abs(roots.imag) < 1e-9].real
        found += [r for r in real.tolist() if max(left, low) < r < min(right, high)]
    return np.array(found)


def _chained(net: KAN, spans: Floats, output: int) -> float:
    """What the output can move when each first sum moves by its span: slopes times spans, layer by layer."""
    moved = spans
    for spec, layer in zip(net.spec.layers, net.layers, strict=True):
        if spec.nodes.products:
            return math.inf
        if layer is net.layers[0]:
            continue
        slopes = steepest(layer)
        if slopes is None:
            return math.inf
        moved = moved @ slopes
    return float(moved[output])


def steepest(layer: KANLinear) -> Floats | None:
    """Largest absolute slope of every edge over all numbers, (sources, targets); None where it is not known exactly.

    The slope of a cubic spline is a quadratic on each interval: its extremes lie at breaks and where the second
    derivative, which is linear there, is zero.
    """
    if (
        layer.basis_name != "bspline"
        or layer.base is not None
        or layer.symbolic
        or layer.degree > 3
        or layer.degree < 1
    ):
        return None
    grid = layer.grid.detach().double()
    with torch.no_grad():
        # Just inside the ends of each interval: a slope of degree 1 jumps at breaks.
        inset = 1e-9 * (grid[:, 1:] - grid[:, :-1])
        left, right = grid[:, :-1] + inset, grid[:, 1:] - inset
        first = torch.cat([left, right], 1).T.to(layer.coef.dtype)  # (points, sources)
        best = layer.edges(first, 1).abs().amax(0)
        if layer.degree == 3:
            bend_left, bend_right = (layer.edges(x.T.to(layer.coef.dtype), 2) for x in (left, right))
            share = (bend_left / (bend_left - bend_right)).nan_to_num(0.0, 0.0, 0.0).clamp(0.0, 1.0)
            for k in range(layer.out_features):
                middle = left.T + share[:, :, k] * (right - left).T
                best[:, k] = torch.maximum(
                    best[:, k], layer.edges(middle.to(layer.coef.dtype), 1)[:, :, k].abs().amax(0)
                )
        return (best * layer.mask).double().numpy() * (1 + 1e-6)


def inputs_with(inputs: Floats, places: tuple[int, ...], point: Floats) -> Floats:
    """The rows with some inputs set to a point."""
    changed = inputs.copy()
    changed[:, list(places)] = point
    return changed


def domain_of(fit: Fitted, name: str, cells: Cells) -> tuple[Domain, int]:
    """All rows that the encoding can give, and the place of the attribute's group."""
    groups = list[Group]()
    place = 0
    for column in fit.columns:
        own = cells if column == name else cells_of(fit, column)
        if not own.inputs:
            continue
        if column == name:
            place = len(groups)
        groups.append(Group(column, own.inputs, own.cells, own.labels))
    return Domain(tuple(groups), whole=fit.encoding is not None), place


def _proved(
    fit: Fitted, name: str, cells: Cells, output: int, meter: Meter, before: CertifiedFlip
) -> CertifiedFlip:
    """The bound by `edgewise.verify`, where it is better than the one before."""
    from edgewise.verifying.search.prove import Question, prepare

    domain, place = domain_of(fit, name, cells)
    upper, lower, ended = 0.0, 0.0, StopReason.CONVERGED
    pairs = list(permutations(range(len(cells.cells)), 2))
    try:
        prepared = prepare(fit.network)
        for k, (a, b) in enumerate(pairs):
            terms = (OutputTerm(output, 1.0, moved=(place, a)), OutputTerm(output, -1.0, moved=(place, b)))
            own = Meter(max(meter.left, 0.0) / (len(pairs) - k))
            goal = OutputBounds((terms,), (0.0,))
            bounds = Question(prepared, domain, goal, own).maximised(meter)
            if not bounds.stop_reason.repeatable:
                return replace(before, reached=max(lower, bounds.lower), stop_reason=bounds.stop_reason)
            upper, lower = max(upper, bounds.upper), max(lower, bounds.lower)
            ended = ended if bounds.stop_reason == StopReason.CONVERGED else bounds.stop_reason
    except InputError as error:
        return replace(before, note=str(error))
    if upper >= before.bound:
        return replace(before, reached=lower, stop_reason=ended)
    return replace(before, bound=upper, reached=lower, method=PROVED, stop_reason=ended)
