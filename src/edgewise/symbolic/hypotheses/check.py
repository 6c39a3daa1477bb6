"""Testing a claim about the law behind a table: is y a sum of two parts, a function of x1/x2, increasing in x3?

A network is trained freely, and the nearest function with the claimed property is read off it (`hypothesis_nearest`).
Both predict rows that neither has seen. Where the claim is true the second is no worse than the first; where it is
false it is worse by the violation. The test is on that difference, row by row, so the noise in y enters both sides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import torch

from edgewise._core.arguments import column_names
from edgewise._core.arrays import Floats
from edgewise._core.checks import as_tuple, check_float, check_int, check_matrix, check_vector
from edgewise._core.errors import InputError
from edgewise._core.plain import plain
from edgewise._core.seeds import derive, numpy_generator
from edgewise._core.stopping import StopReason
from edgewise._core.threads import one_thread
from edgewise._core.work import Meter, UntilSpent, check_seconds, check_work, running
from edgewise.data import split
from edgewise.network import KAN, Nodes
from edgewise.symbolic.hypotheses.nearest import DataRegion, nearest
from edgewise.symbolic.hypotheses.text import Hypothesis, read_hypothesis
from edgewise.training import fit

# Units of work of "normal".
_WORK_UNITS = 20.0
# A true claim is called false once in a thousand times, for claims are often tested by the dozen.
_LEVEL = 1e-3
# Share of the rows that neither function has seen.
_HELD_OUT_SHARE = 0.25
# Rows of a table at least, and held-out rows that have others to compare with.
_FEWEST_ROWS = 60
_FEWEST_TESTED = 12
# How many times the network's error a true claim may seem to be violated by, where that error has heavy tails.
_LIKELY_TIMES = 3.0
# Differences below this share of y's size are the arithmetic's.
_ROUNDING = 1e-8
# No more networks are trained where an error is this small beside y, or where two differ by less than this share of what
# neither explains.
_ACCURATE_SHARE = 1e-3
_AGREED_SHARE = 0.5
# Grids of the networks, each finer than the one before, with so many rows for each interval: finer only follows the rows.
_INTERVALS = (5, 10, 20, 40, 80)
_ROWS_AN_INTERVAL = 20


@dataclass(frozen=True)
class Verdict:
    """What the data show about a claim.

    Parameters
    ----------
    hypothesis
        The claim as it was written.
    holds
        Whether the data are consistent with it.
    p_value
        How often a true claim would look at least this bad; below 0.001 it is rejected.
    free_error
        Root mean squared error of the network on held-out rows, in the units of y.
    constrained_error
        The same of the nearest function that has the property.
    violation
        Root mean squared difference of these two functions.
    detectable
        A violation of this size would have been found about as often as not.
    rows
        The number of held-out rows that could be tested.
    message
        The verdict in one sentence.
    stop_reason
        Why no more networks were trained.
    seconds
        How long it took, with all claims that were tested on the same networks.
    """

    hypothesis: str
    holds: bool
    p_value: float
    free_error: float
    constrained_error: float
    violation: float
    detectable: float
    rows: int
    message: str
    stop_reason: StopReason = StopReason.EXHAUSTED
    seconds: float = field(default=0.0, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return plain(vars(self))

    def __str__(self) -> str:
        return self.message


def check_structure(
    X: Any,
    y: Any,
    hypothesis: str,
    *,
    names: Iterable[str] | None = None,
    noise: float | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int | None = 0,
) -> Verdict:
    """Test a claim about the law behind a table.

    Parameters
    ----------
    X
        Matrix or data frame, (n, d), at least 60 rows.
    y
        Vector, (n,).
    hypothesis
        One of

        - ``sum(x1, x2 | x3)``, ``product(x1 | x2, x3)``: y is a sum or product of a function of each group; columns
          that are not named make one more group;
        - ``through(x1*x2)``: y depends on these columns only through the expression (several may stand side by side,
          over columns of their own);
        - ``depends only on x1/x2, x3``: the same, and on nothing else;
        - ``translation(x1, x2)``, ``scale(x1, x2)``: through x1 - x2, through x1/x2; with coefficients as in
          ``translation(x1, 2*x2)``;
        - ``increasing(x1)``, ``decreasing(x1)``, ``even(x1)``, ``odd(x1)``, ``independent(x1)``.
    names
        Names of the columns; by default those of the data frame, or x1, x2, ...
    noise
        The standard deviation of the noise in y, where it is known: chance is then never taken to be smaller.
    work
        How much to train: "quick", "normal", "thorough" or a factor.
    seconds
        Time limit; the networks that are trained until then are used, and the verdict may differ from run to run.
    seed
        Seed of the split, the networks and the points compared.

    Returns
    -------
    Verdict

    Raises
    ------
    InputError
        Where the table or the text does not fit, or the rows cannot tell: an even law needs rows on both sides of zero.

    Notes
    -----
    Only what the rows cover is judged: points far from all rows are never asked for. A claim that holds may still be
    false by less than `detectable`.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic.hypotheses.check import check_structure
    >>> X = np.random.default_rng(0).uniform(1, 2, (300, 2))
    >>> y = np.log(X[:, 0]) + X[:, 1] ** 2
    >>> check_structure(X, y, "sum(x1 | x2)", work=0.2).holds
    True
    >>> check_structure(X, y, "product(x1 | x2)", work=0.2).holds
    False
    """
    return check_structures(
        X, y, [hypothesis], names=names, noise=noise, work=work, seconds=seconds, seed=seed
    )[0]


def check_structures(
    X: Any,
    y: Any,
    hypotheses: Iterable[str],
    *,
    names: Iterable[str] | None = None,
    noise: float | None = None,
    work: str | float = "normal",
    seconds: float | None = None,
    seed: int | None = 0,
) -> tuple[Verdict, ...]:
    """Test several claims with one trained network.

    Parameters
    ----------
    X, y, names, noise, work, seconds, seed
        As in `check_structure`.
    hypotheses
        The claims.

    Returns
    -------
    tuple of Verdict
        In the order of the claims.

    Raises
    ------
    InputError
        As `check_structure`.

    Examples
    --------
    >>> X = np.random.default_rng(0).uniform(1, 2, (300, 2))
    >>> claims = ["scale(x1, x2)", "increasing(x1)", "increasing(x2)"]
    >>> [each.holds for each in check_structures(X, X[:, 0] / X[:, 1], claims, work=0.2)]
    [True, True, False]
    """
    table = check_matrix(X, "X", min_rows=_FEWEST_ROWS)
    target = check_vector(y, "y", length=len(table))
    labels = column_names(X, names, table.shape[1])
    claims = [read_hypothesis(text, labels) for text in as_tuple(hypotheses, "hypotheses", "texts")]
    known = 0.0 if noise is None else check_float(noise, "noise", low=0.0)
    meter = Meter(_WORK_UNITS * check_work(work))
    limit = check_seconds(seconds)
    root = None if seed is None else check_int(seed, "seed", low=0)
    train, held = split(len(target), _HELD_OUT_SHARE, root)
    size = math.sqrt(float(np.mean(np.square(target)))) or 1.0
    region, judges = DataRegion(labels, table[train]), _HeldOut(table[held], target[held], size, known)
    with np.errstate(all="ignore"), one_thread():
        parts = (table[train], target[train] / size, table[held], target[held] / size)
        model, reason = _trained(*parts, meter, limit, root)
        verdicts = (
            _judged(claim, model, region, judges, derive(root, 1 + at)) for at, claim in enumerate(claims)
        )
        return tuple(
            replace(verdict, stop_reason=reason, seconds=meter.seconds) for verdict in list(verdicts)
        )


@dataclass(frozen=True, eq=False)
class _NetworkModel:
    """A trained network as a function of rows."""

    network: KAN

    def __call__(self, X: Floats) -> Floats:
        return self.network.predict(X)[:, 0]


def _trained(
    X: Floats, y: Floats, X_held: Floats, y_held: Floats, meter: Meter, limit: float | None, seed: int | None
) -> tuple[_NetworkModel, StopReason]:
    """The best of a few shapes; no more are tried once one is accurate or two agree."""
    reason = StopReason.EXHAUSTED
    width = X.shape[1]
    pairs = Nodes(width, (2,) * max(width - 1, 1))
    shapes: Sequence[Sequence[Any]] = (
        [width, width + 1, 1],
        [width, width, width, 1],
        [width, pairs, 1],
        [width, 2 * width + 1, 1],
    )
    # A grid finer than the rows only follows them.
    finest = max(len(y) / _ROWS_AN_INTERVAL, _INTERVALS[0])
    schedule = [intervals for intervals in _INTERVALS if intervals <= finest]
    found: list[tuple[float, Floats, KAN]] = []
    for at, shape in enumerate(shapes):
        if found and meter.left <= 0:
            reason = StopReason.WORK_SPENT
            break
        network = KAN(list(shape), seed=derive(seed, at), dtype=torch.float64)
        budget = UntilSpent(meter.part(1 / min(2, len(shapes) - at)))
        left = None if limit is None else max(limit - meter.seconds, 1e-3)
        with running(meter):
            result = fit(
                network,
                X,
                y,
                seconds=left,
                seed=derive(seed, at) or 0,
                intervals=schedule,
                callbacks=(budget,),
            )
        network = result.network
        values = network.predict(X_held)[:, 0]
        error = math.sqrt(float(np.mean(np.square(values - y_held))))
        found.append((error if math.isfinite(error) else math.inf, values, network))
        found.sort(key=lambda item: item[0])
        if len(found) > 1:
            apart = math.sqrt(float(np.mean(np.square(found[0][1] - found[1][1]))))
            if found[0][0] <= _ACCURATE_SHARE or apart <= _AGREED_SHARE * found[0][0]:
                reason = StopReason.CONVERGED
                break
        if result.stop_reason is StopReason.INTERRUPTED:
            raise KeyboardInterrupt
        if result.stop_reason is StopReason.TIME_LIMIT:
            reason = result.stop_reason
            break
    return _NetworkModel(found[0][2]), reason


@dataclass(frozen=True, eq=False)
class _HeldOut:
    """Rows that judge, the unit of y that the network knows, and the known noise."""

    X: Floats
    y: Floats
    unit: float
    noise: float


def _judged(
    claim: Hypothesis, model: _NetworkModel, region: DataRegion, rows: _HeldOut, seed: int | None
) -> Verdict:
    X, size = rows.X, rows.unit
    free = size * model(X)
    parts = [size * item for item in nearest(claim, model, region, X, numpy_generator(seed))]
    tests = [_compared(free, part, rows.y, size, rows.noise) for part in parts]
    worst = min(tests, key=lambda test: test.p_value)
    if worst.rows < _FEWEST_TESTED:
        raise InputError(
            argument="X",
            expected=f"hold rows that can show whether {claim.text} is true",
            got=f"only {worst.rows} held-out rows that have others to compare with",
            advice=_ADVICE[claim.kind],
        )
    # Several parts are several chances to be wrong.
    p = min(1.0, len(tests) * worst.p_value)
    holds = p >= _LEVEL
    detectable = 2 * NormalDist().inv_cdf(1 - _LEVEL) * worst.free_error / math.sqrt(worst.rows)
    errors = (
        f"on {worst.rows:,} held-out rows the nearest such function is off by {worst.claimed_error:.3g}, the free "
        f"network by {worst.free_error:.3g} (p = {p:.2g})"
    )
    message = (
        f"The data are consistent with {claim.text}: {errors}; a violation below about {detectable:.2g} might not show."
        if holds
        else f"The data contradict {claim.text}: {errors}; the violation is {worst.violation:.3g}."
    )
    return Verdict(
        claim.text, holds, p, worst.free_error, worst.claimed_error, worst.violation, detectable, worst.rows, message
    )  # fmt: skip


_ADVICE = {
    "sum": "the groups must vary apart from each other",
    "product": "the groups must vary apart from each other",
    "through": "the columns must vary enough to reach one value of the expression in several ways",
    "increasing": "the column must vary",
    "decreasing": "the column must vary",
    "even": "the column needs rows on both sides of zero",
    "odd": "the column needs rows on both sides of zero",
}


@dataclass(frozen=True, slots=True)
class _Comparison:
    p_value: float
    free_error: float
    claimed_error: float
    violation: float
    rows: int


def _compared(free: Floats, claimed: Floats, y: Floats, size: float, noise: float) -> _Comparison:
    """One-sided test that the claimed function's squared errors are no larger than the network's."""
    good = np.isfinite(claimed) & np.isfinite(free)
    count = int(good.sum())
    if count < 2:
        return _Comparison(1.0, math.nan, math.nan, math.nan, count)
    residual, difference = (y - free)[good], (free - claimed)[good]
    error, violation = _rms(residual), _rms(difference)
    claimed_error = _rms(residual + difference)
    if violation <= _ROUNDING * size:
        return _Comparison(1.0, error, claimed_error, violation, count)
    gain = float(np.mean(2 * residual * difference + np.square(difference)))
    # Were the claim true, the two would differ by about the network's error; chance is measured at a few times that size
    # at most, or a violation in one corner of the box would hide behind its own spread.
    likely = difference * min(1.0, _LIKELY_TIMES * error / violation)
    spread = float(np.std(2 * residual * likely + np.square(likely)))
    spread = max(spread, 2 * noise * _rms(likely), 1e-300)
    z = gain * math.sqrt(count) / spread
    return _Comparison(0.5 * math.erfc(z / math.sqrt(2)), error, claimed_error, violation, count)


def _rms(values: Floats) -> float:
    return math.sqrt(float(np.mean(np.square(values))))
