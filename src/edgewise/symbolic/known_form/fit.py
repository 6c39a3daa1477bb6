"""Learning the unknown functions: Levenberg-Marquardt over all coefficients, several starts, grids refined while it pays.

Many splits of one law into unknowns are the same law: in f(x)*g(z) a factor may move from f to g, in f(x) + g(z) a
constant. Such freedoms are found on the Jacobian (shifting or scaling one function moves the formula as some change of
the others does) and removed by one heavy row each: mean zero, mean square one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise._core.seeds import derive, numpy_generator
from edgewise._core.stopping import StopReason
from edgewise._core.work import Meter, StopError, charge, spent
from edgewise.splines import BSpline, quantile_grid
from edgewise.symbolic.costs import ROUTINE, SINGULAR
from edgewise.symbolic.fitting.damped_steps import Damping, damped_step, descended, squared, triangle
from edgewise.symbolic.known_form.model import DEGREE, PartialModel, Scalar, Spline, Splines, drawn

# Share of the work for learning; the rest is for closed forms.
_LEARNING_SHARE = 0.7
# Random starts; once one leaves no more than this share of y's spread, others would only find the same again.
_STARTS = 10
_PROMISING_SHARE = 0.03
# Constants begin so many decades from 1, as a standard deviation.
_START_DECADES = 1.0
# Steps from a start, of fits taken further, at each smoothness, of a freedom that is fixed, and on all rows.
_START_STEPS = 12
_STEPS = 60
_SMOOTH_STEPS = 40
_FREE_STEPS = 30
_LAST_STEPS = 30
# Grids of the functions, each finer than the one before.
_INTERVALS = (10, 20, 40)
# Weights of the bending, strongest last; beside errors in units of y's spread.
_ROUGHNESS = (1e-12, 1e-09, 1e-07, 1e-05, 0.001)
# At first, and while freedoms are looked for: a function that takes over the size of another also takes on its bending,
# which must not count against it.
_FIRST_ROUGHNESS = 1e-6
_LIGHT_ROUGHNESS = 1e-9
# A finer grid must take the error down to this share.
_FINER_GAIN = 0.99
# The fit to all rows may be worse by this factor on those the grid was chosen on.
_LAST_WORSE = 1.2
# What the other functions may leave of a change they undo; not nothing, for a spline's slope is a spline of another kind.
_UNDONE_SHARE = 5e-2
# The weight of a fixed freedom, beside errors in units of y's spread.
_FIXED_WEIGHT = 10.0
# A direction is left open that moves the formula so many times less than the next, and this little at all.
_OPEN_GAP = 50.0
_OPEN_MOVE = 1e-3
# A constant is left open by the rows in a direction of so small a share of the largest singular value.
_OPEN_SINGULAR = 1e-9
# Fixing a freedom may cost at most this factor of the error, or this share of y's spread.
_FREE_WORSE = 1.5
_FREE_FLOOR = 1e-2

Kind = Literal["shift", "scale"]
Freedom = tuple[str, Kind]
_DAMPING = Damping(falls=0.125, rises=6.0, least=1e-12, most=1e8)
_KINDS: tuple[Kind, ...] = ("shift", "scale")


@dataclass(frozen=True, eq=False)
class FitTask:
    """The rows to learn from, each counting by its weight where they do not count alike, errors in units of `unit`.

    `start` has rough values of some constants.
    """

    model: PartialModel
    X: Floats
    y: Floats
    unit: float
    weight: Floats | None = None
    start: Mapping[str, float] = field(default_factory=dict[str, float])

    @cached_property
    def root(self) -> Floats:
        """What the errors of the rows are multiplied by, so that the sum of their squares is the squared error, (n,)."""
        count = len(self.y)
        share = np.full(count, 1 / count) if self.weight is None else self.weight / self.weight.sum()
        return np.sqrt(share) / self.unit

    def error(self, splines: Splines) -> float:
        """Root mean squared error in units of `unit`."""
        total = float(np.sum(np.square(self.root * (self.model.run(splines, self.X).value - self.y))))
        return math.sqrt(total) if math.isfinite(total) else math.inf


@dataclass(frozen=True, eq=False)
class Learned:
    """Unknown functions with the freedoms that were fixed."""

    splines: dict[str, Spline]
    freedoms: tuple[Freedom, ...]
    intervals: int
    roughness: float
    undetermined: bool = False
    stop_reason: StopReason = StopReason.CONVERGED


def learn(
    train: FitTask, choose: FitTask, everything: FitTask, meter: Meter, seed: int | None
) -> Learned | None:
    """The unknown functions from rows.

    Parameters
    ----------
    train
        Rows to fit while choosing.
    choose
        Rows to choose the grid and the smoothness on.
    everything
        Both together, for the last fit.
    meter
        Of the work; where its time limit passes, what is learned until then is returned.
    seed
        Seed of the starts.

    Returns
    -------
    Learned or None
        None where no start gave a formula with a value on every row.
    """
    until = meter.part(_LEARNING_SHARE)
    best: Learned | None = None
    reason = StopReason.CONVERGED
    try:
        first = _started(train, meter.part(_LEARNING_SHARE / 2), seed)
        if first is None:
            return None
        coarse, roughness = _INTERVALS[0], _FIRST_ROUGHNESS
        best = Learned(first, (), coarse, roughness)
        first, freedoms = find_freedoms(train, first)
        best, least = Learned(first, freedoms, coarse, roughness), choose.error(first)
        for intervals in _INTERVALS:
            start = regridded(train, best.splines, intervals)
            tried = _smoothed(train, choose, start, freedoms, until)
            if tried is None or not tried[0] < _FINER_GAIN * least:
                break
            least, roughness, splines = tried
            best = Learned(splines, freedoms, intervals, roughness)
        reason = StopReason.WORK_SPENT if spent() > until else reason
        final = minimise(everything, best.splines, freedoms, best.roughness, _LAST_STEPS)
        good = math.isfinite(everything.error(final)) and choose.error(final) <= _LAST_WORSE * least
        best = replace(best, splines=final if good else best.splines)
        best = replace(best, undetermined=is_undetermined(train, best.splines, freedoms))
    except StopError as stop:
        reason = meter.own(stop)
        if best is None:
            raise InputError(
                argument="seconds",
                expected="leave time for a first fit of the unknown functions",
                got="too few",
                advice="raise it, or leave it out",
            ) from None
    return replace(best, stop_reason=reason)


def _smoothed(
    train: FitTask, choose: FitTask, start: Splines, freedoms: Sequence[Freedom], until: float
) -> tuple[float, float, dict[str, Spline]] | None:
    """The smoothness that predicts best, walking from the middle to lighter bending or else to heavier: its error on the
    rows to choose by, the weight and the functions."""
    weights = _ROUGHNESS
    middle = len(weights) // 2
    best: tuple[float, float, dict[str, Spline]] | None = None
    for walk in (range(middle, -1, -1), range(middle + 1, len(weights))):
        splines = dict(start) if best is None else best[2]
        for at in walk:
            if spent() > until:
                return best
            splines = minimise(train, splines, freedoms, weights[at], _SMOOTH_STEPS)
            error = choose.error(splines)
            if best is not None and not error < best[0]:
                break
            best = (error, weights[at], splines)
        if best is not None and best[1] < weights[middle]:
            break
    return best


def _started(task: FitTask, until: float, seed: int | None) -> dict[str, Spline] | None:
    """The best of several starts: a few steps for each, then the two best until they converge."""
    found: list[tuple[float, dict[str, Spline]]] = []
    for at in range(_STARTS):
        if found and spent() > until:
            break
        start = _random(task, numpy_generator(derive(seed, 3, at)))
        fitted = minimise(task, start, (), _FIRST_ROUGHNESS, _START_STEPS)
        found.append((task.error(fitted), fitted))
        if len(found) > 2 and min(item[0] for item in found) < _PROMISING_SHARE:
            break
    found = sorted(found, key=lambda item: item[0])[:2]
    grids = [regridded(task, item, _INTERVALS[0]) for _, item in found]
    done = [minimise(task, grid, (), _FIRST_ROUGHNESS, _STEPS) for grid in grids]
    best = min(done, key=task.error)
    return best if math.isfinite(task.error(best)) else None


def _random(task: FitTask, generator: np.random.Generator) -> dict[str, Spline]:
    """Gently bent lines around one, laid over what each function is called with."""
    model, splines = task.model, dict[str, Spline]()
    plain = {
        name: Spline(BSpline(torch.tensor([[-1.0, 1.0]], dtype=torch.float64), DEGREE), np.ones(1 + DEGREE))
        for name in model.partial.functions
    }
    splines |= drawn(model.partial.constants, task.start, _START_DECADES, generator)
    for name in model.partial.functions:
        # Functions already drawn give the arguments of those that are nested around them.
        x = _arguments(model, {**plain, **splines}, name, task.X)
        basis = BSpline(quantile_grid(torch.from_numpy(x)[:, None], _INTERVALS[0], blend=0.5), DEGREE)
        t = np.linspace(-1.0, 1.0, basis.size)
        slope, bend = generator.normal(0.0, 0.6), generator.normal(0.0, 0.3)
        splines[name] = Spline(basis, 1.0 + slope * t + bend * (t * t - 1 / 3))
    return splines


def _arguments(model: PartialModel, splines: Splines, name: str, X: Floats) -> Floats:
    """Everything a function is called with; stand-ins where the formula has no value."""
    run = model.run(splines, X)
    x = np.concatenate([run.arguments[at] for at in model.slots_of(name)])
    x = x[np.isfinite(x)]
    return x if len(x) > 1 else np.array([-1.0, 1.0])


def regridded(task: FitTask, splines: Splines, intervals: int) -> dict[str, Spline]:
    """The same functions on grids over what they are called with now."""
    return {
        name: spline
        if isinstance(spline, Scalar)
        else spline.laid_over(_arguments(task.model, splines, name, task.X), intervals)
        for name, spline in splines.items()
    }


def find_freedoms(task: FitTask, splines: Splines) -> tuple[dict[str, Spline], tuple[Freedom, ...]]:
    """The shifts and scalings that the other functions can undo, each counted once, and the functions with them fixed."""
    current, freedoms = dict(splines), list[Freedom]()
    # Constants follow the functions: what these share with them is fixed of the functions.
    for name in task.model.partial.functions:
        # The mean first: once it is zero, a size can be fixed without giving up the mean.
        for kind in _KINDS:
            if not is_free(task, current, tuple(freedoms), name, kind):
                continue
            # Fixed before the next is looked for: a function on its way to unit size would hide what it costs.
            this: Freedom = (name, kind)
            fixed = (*freedoms, this)
            moved = minimise(task, current, fixed, _LIGHT_ROUGHNESS, _FREE_STEPS)
            moved = minimise(
                task, regridded(task, moved, _INTERVALS[0]), fixed, _LIGHT_ROUGHNESS, _FREE_STEPS
            )
            if task.error(moved) <= _FREE_WORSE * task.error(current) + _FREE_FLOOR:
                current, freedoms = moved, [*freedoms, this]
    return current, tuple(freedoms)


def is_free(task: FitTask, splines: Splines, fixed: Sequence[Freedom], name: str, kind: Kind) -> bool:
    """Can the other functions undo a shift or scaling of this one, the freedoms already fixed staying fixed?"""
    _, jacobian = _system(task, splines, fixed, {})
    place, spline = _places(splines)[name], splines[name]
    moved = jacobian[:, place] @ (np.ones(spline.basis.size) if kind == "shift" else spline.coef)
    others = np.delete(jacobian, np.arange(jacobian.shape[1])[place], axis=1)
    if not others.shape[1] or not float(np.linalg.norm(moved)) > 0:
        return False
    left = moved - others @ np.linalg.lstsq(others, moved, rcond=1e-10)[0]
    return float(np.linalg.norm(left)) <= _UNDONE_SHARE * float(np.linalg.norm(moved))


def is_undetermined(task: FitTask, splines: Splines, freedoms: Sequence[Freedom]) -> bool:
    """Can the functions be changed together, beyond shifts and scalings, without the formula noticing?

    In sqrt(f(x)^2 + g(z)^2) any constant may move from f^2 to g^2, which neither shifts nor scales f.
    """
    coarse = regridded(task, splines, _INTERVALS[0])
    _, jacobian = _system(task, coarse, freedoms, {})
    norms = np.linalg.norm(jacobian, axis=0)
    if not np.isfinite(norms).all():
        return False
    values = np.linalg.svd(jacobian / np.where(norms > 0, norms, 1.0), compute_uv=False)[-4:]
    return bool(np.any((values[1:] < _OPEN_MOVE) & (_OPEN_GAP * values[1:] < values[:-1])))


def minimise(
    task: FitTask, splines: Splines, freedoms: Sequence[Freedom], roughness: float, steps: int
) -> dict[str, Spline]:
    """Damped steps from these functions on their grids."""
    with np.errstate(all="ignore"):
        problem = _Coefficients(task, freedoms, _stiffness(task, splines, roughness))
        return dict(
            descended(
                problem, dict(splines), steps=steps, tolerance=1e-9, floor=1e-28, damping=_DAMPING
            ).point
        )


@dataclass(frozen=True, eq=False)
class _Coefficients:
    """Residuals, bending and freedoms as a function of all coefficients."""

    task: FitTask
    freedoms: Sequence[Freedom]
    stiffness: Mapping[str, float]

    def loss(self, splines: Splines) -> float:
        return squared(_residual(self.task, splines, self.freedoms, self.stiffness))

    def slopes(self, splines: Splines) -> tuple[Floats, Floats, Floats] | None:
        """The R factor of the scaled Jacobian, the residual in its coordinates, and the scale."""
        residual, jacobian = _system(self.task, splines, self.freedoms, self.stiffness)
        scale = np.linalg.norm(jacobian, axis=0)
        scale[~(scale > 0)] = 1.0
        if not np.isfinite(scale).all():
            return None
        charge(ROUTINE + SINGULAR * jacobian.size * jacobian.shape[1])
        return (*triangle(jacobian / scale, residual), scale)

    def moved(
        self, splines: Splines, slopes: tuple[Floats, Floats, Floats], damping: float
    ) -> Mapping[str, Spline]:
        factor, projected, scale = slopes
        return _stepped(splines, damped_step(factor, projected, damping) / scale)


def constant_errors(task: FitTask, learned: Learned) -> dict[str, float]:
    """Standard errors of the constants beside the functions, by linear theory; infinite where the data leave one open."""
    splines = learned.splines
    stiffness = _stiffness(task, splines, learned.roughness)
    _, jacobian = _system(task, splines, learned.freedoms, stiffness)
    residual = task.root * (task.y - task.model.run(splines, task.X).value)
    size = np.linalg.norm(jacobian, axis=0)
    size[~(size > 0)] = 1.0
    if not np.isfinite(size).all():
        return dict.fromkeys(task.model.partial.constants, math.inf)
    _, values, ways = np.linalg.svd(jacobian / size, full_matrices=False)
    charge(ROUTINE + SINGULAR * jacobian.size * jacobian.shape[1])
    open_ = values <= _OPEN_SINGULAR * values[0]
    variance = squared(residual) / max(len(task.y) - len(size), 1)
    inverse = np.where(open_, 0.0, 1 / np.where(open_, 1.0, values))
    found = dict[str, float]()
    for label in task.model.partial.constants:
        at = _places(splines)[label].start
        loose = bool((np.abs(ways[open_, at]) > _OPEN_SINGULAR**0.5).any())
        spread = float(np.linalg.norm(ways[:, at] * inverse)) / size[at]
        found[label] = math.inf if loose else float(math.sqrt(variance) * spread)
    return found


def _places(splines: Splines) -> dict[str, slice]:
    places: dict[str, slice] = {}
    at = 0
    for name, spline in splines.items():
        places[name] = slice(at, at + spline.basis.size)
        at += spline.basis.size
    return places


def _stepped(splines: Splines, step: Floats) -> dict[str, Spline]:
    places = _places(splines)
    return {name: replace(spline, coef=spline.coef + step[places[name]]) for name, spline in splines.items()}


def _stiffness(task: FitTask, splines: Splines, roughness: float) -> dict[str, float]:
    """How much the bending of each function counts: by what the function does to y, so that sizes may be shared anyhow."""
    _, slopes = task.model.jacobian(splines, task.X)
    effects = {name: float(np.sqrt(np.mean(np.square(slope.sum(axis=1))))) for name, slope in slopes.items()}
    return {
        name: math.sqrt(roughness) * effect / task.unit if math.isfinite(effect) else 0.0
        for name, effect in effects.items()
    }


def _residual(
    task: FitTask, splines: Splines, freedoms: Sequence[Freedom], stiffness: Mapping[str, float]
) -> Floats:
    """What is left: errors, bending, and how far the freedoms are from where they were fixed."""
    run = task.model.run(splines, task.X)
    parts = [(task.y - run.value) * task.root]
    parts += [-stiffness.get(name, 0.0) * (spline.bending @ spline.coef) for name, spline in splines.items()]
    for name, kind in freedoms:
        values = _seen(task.model, run.table, name)
        # The logarithm of a size can be brought to zero in few steps from anywhere.
        off = values.mean() if kind == "shift" else 0.5 * np.log(np.mean(values**2) + 1e-300)
        parts.append(np.array([-_FIXED_WEIGHT * off]))
    return np.concatenate(parts)


def _system(
    task: FitTask, splines: Splines, freedoms: Sequence[Freedom], stiffness: Mapping[str, float]
) -> tuple[Floats, Floats]:
    """The residual and its derivative, sign turned, in all coefficients."""
    run, slopes = task.model.jacobian(splines, task.X)
    places = _places(splines)
    size = sum(layer.basis.size for layer in splines.values())
    rows = [np.hstack([slopes[name] for name in splines]) * task.root[:, None]]
    for name, spline in splines.items():
        row = np.zeros((spline.basis.size, size))
        row[:, places[name]] = stiffness.get(name, 0.0) * spline.bending
        rows.append(row)
    for name, kind in freedoms:
        spline, row = splines[name], np.zeros((1, size))
        calls = task.model.slots_of(name)
        tables = [spline.values(run.arguments[at]) for at in calls]
        basis = np.concatenate(tables)
        values = basis @ spline.coef
        slope = basis.mean(axis=0) if kind == "shift" else values @ basis / (values @ values + 1e-300)
        row[0, places[name]] = _FIXED_WEIGHT * slope
        rows.append(row)
    return _residual(task, splines, freedoms, stiffness), np.vstack(rows)


def _seen(model: PartialModel, table: Floats, name: str) -> Floats:
    """The values a function takes on the rows."""
    first = len(model.partial.names)
    return np.concatenate([table[:, first + at] for at in model.slots_of(name)])
