"""Sums of known functions of one feature with unknown functions of another for coefficients: y = sum_k a_k(u) f_k(v).

With the f_k taken from a short list and polynomials for the a_k the fit is linear. Rows without noise show by what is left
that the f_k are right, and the polynomials are then the a_k. Under noise, cross-validation decides which f_k serve and how
far the polynomials should bend; the rows less all other parts, over f_k, are noisy values of a_k. Either way each a_k is a
curve, which is read as any other: x (4 - x) - y x/(1 + x), as rates of dynamical systems are.

References
----------
Hastie, Tibshirani (1993), Varying-coefficient models. J. R. Stat. Soc. B 55(4). doi:10.1111/j.2517-6161.1993.tb01939.x
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edgewise._core.arrays import Floats
from edgewise._core.work import charge, spent
from edgewise.forms.tree import Node, Number, Variable, apply, substitute, summed
from edgewise.symbolic.costs import FACTORED, ROUTINE
from edgewise.symbolic.expressions.tape import Tape
from edgewise.symbolic.fitting.train_test import SplitRows
from edgewise.symbolic.provenance import proposes
from edgewise.symbolic.structure.curves import curves
from edgewise.symbolic.structure.dictionaries import FAMILIES, SumTerm, taken
from edgewise.symbolic.structure.separability import PART_DEGREE, PART_WORK
from edgewise.symbolic.structure.state import power, product
from edgewise.symbolic.structure.transformed_targets import OUTERS, outside, transformed
from edgewise.symbolic.univariate.search import CURVE_WORK_UNITS, one_variable
from edgewise.symbolic.univariate.trees import size

# Without noise: rows that are needed, and those that are fitted to.
_FEWEST_ROWS = 100
_SAMPLE_ROWS = 700
# What the polynomials may leave of the spread: more, and the functions are others.
_MOST_LEFT = 3e-6
# A coefficient, or what it varies by, that is no more than so many errors of the fit is none.
_SEEN_ERRORS = 30.0
# How closely a coefficient is thought to be known, in errors of the fit, and at least; what a closed form of it may leave.
_DOUBT_ERRORS = 100.0
_LEAST_DOUBT = 1e-8
_CLOSE_ERRORS = 300.0
_LEAST_CLOSE = 1e-7
# Closed forms of a coefficient that are asked for, those that are put together, and formulas that come of it.
_FORMS_TRIED = 4
_FORMS_JOINED = 2
_FORMULAS = 3
# Under noise: rows that are needed, and degrees of the coefficients.
_NOISY_ROWS = 60
_NOISY_DEGREES = (1, 2, 3, 4, 5, 6, 8)
# Models that are read, and how much worse than the best they may be.
_NOISY_MODELS = 2
_NOISY_FACTOR = 1.03
# Closed forms of each coefficient that are put together, the simplest and the closest; those fitted once the other has its
# form; how much worse than the best they may be.
_NOISY_SIMPLEST = 3
_NOISY_CLOSEST = 2
_NOISY_SECOND = 6
_NOISY_NEARNESS = 1.3
# A row where a function is smaller beside its greatest does not determine its coefficient.
_FAINT_SHARE = 0.02
# Exponentials are tried of columns up to this size: beyond, a few rows would decide.
_LARGEST_EXPONENT = 20.0
# Work on a coefficient, and what must remain to begin.
_NOISY_WORK = 0.5
_NOISY_LEAST_WORK = 0.3


@dataclass(frozen=True, eq=False)
class _VaryingTerm:
    """A known function of one feature, and its coefficient, a polynomial in the other, on the rows."""

    tree: Node
    values: Floats
    weight: Floats


@proposes("varying coefficients")
def varying(rows: SplitRows, weight: Floats | None = None, until: float = math.inf) -> Iterator[Node]:
    """Formulas in two features of which one enters by known functions.

    Parameters
    ----------
    rows
        Two features and a target; nothing is offered for other tables.
    weight
        How much the target counts on each row, (n,); None where it holds no noise.
    until
        The count of work (see `spent`) where it ends.
    """
    if len(rows.names) != 2:
        return
    yield from _without_noise(rows) if weight is None else _under_noise(rows, weight, until)


def _polynomials(u: Floats, degree: int) -> Floats:
    """Polynomials in a feature, (n, degree + 1)."""
    return np.polynomial.chebyshev.chebvander(2 * (u - u.min()) / np.ptp(u) - 1, degree)


def _design(table: Floats, functions: Sequence[SumTerm]) -> Floats:
    """Every polynomial times every function."""
    return np.concatenate([table * each.values[:, None] for each in functions], axis=1)


def _parts(table: Floats, functions: Sequence[SumTerm], solution: Floats) -> list[_VaryingTerm]:
    """The functions, each with what its share of the solution makes of the polynomials."""
    shares = np.split(solution, len(functions))
    return [_VaryingTerm(f.tree, f.values, table @ share) for f, share in zip(functions, shares, strict=True)]


def _one(rows: SplitRows) -> SumTerm:
    return SumTerm(Number(1), np.ones(len(rows.y)))


def _without_noise(rows: SplitRows) -> Iterator[Node]:
    """What is read off the first functions that leave nothing, of y or of a function of it."""
    thin = rows.thinned(_SAMPLE_ROWS)
    if len(rows.y) < _FEWEST_ROWS or not (np.ptp(thin.X, axis=0) > 0).all():
        return  # of the sample one column may not vary at all
    sign, _, targets = transformed(thin.y, OUTERS[:4])
    for at in (0, 1):
        u = thin.X[:, 1 - at]
        table = _polynomials(u, PART_DEGREE)
        for functions in _families(thin, at):
            design = _design(table, functions)
            scale = np.linalg.norm(design, axis=0)
            if not (np.isfinite(scale) & (scale > 0)).all():
                continue
            charge(ROUTINE + FACTORED * design.size * design.shape[1])
            q = np.linalg.qr(design / scale)[0]
            for target in targets:
                values = target.values
                left = float(np.linalg.norm(values - q @ (q.T @ values)))
                spread = float(np.linalg.norm(values - values.mean()))
                if left > _MOST_LEFT * spread:
                    continue
                solution = np.linalg.lstsq(design / scale, values, rcond=1e-11)[0] / scale
                parts = _parts(table, functions, solution)
                accuracy = max(left / spread, 1e-10)
                for tree in _read(Variable(rows.names[1 - at]), u, parts, accuracy):
                    yield outside(target.outer, tree, sign)


def _families(rows: SplitRows, at: int) -> Iterator[list[SumTerm]]:
    """One and a family; powers first."""
    feature = SumTerm(Variable(rows.names[at]), rows.X[:, at])
    one = _one(rows)
    square = SumTerm(feature.tree**2, feature.values**2)
    yield [one, feature]
    yield [one, feature, square]
    for family in FAMILIES:
        for count in range(1, len(family) + 1):
            atoms = taken(feature, family[:count])
            if atoms:
                yield [one, *atoms]


def _read(u: Node, x: Floats, parts: Sequence[_VaryingTerm], accuracy: float) -> Iterator[Node]:
    """Every combination of the best few closed forms of the coefficients."""
    order = np.argsort(x)
    sizes = [float(np.abs(part.weight * part.values).max()) for part in parts]
    choices: list[list[Node]] = []
    for part, largest in zip(parts, sizes, strict=True):
        if largest <= _SEEN_ERRORS * accuracy * max(sizes):
            continue
        spread = float(np.ptp(part.weight))
        if spread <= _SEEN_ERRORS * accuracy * float(np.abs(part.weight).max()):
            choices.append([product(Number(float(part.weight.mean())), part.tree)])
            continue
        found = one_variable(
            x[order],
            part.weight[order],
            accuracy=max(_DOUBT_ERRORS * accuracy, _LEAST_DOUBT),
            work=PART_WORK,
            top=_FORMS_TRIED,
        )
        good = [each for each in found if each.residual <= max(_CLOSE_ERRORS * accuracy, _LEAST_CLOSE)][
            :_FORMS_JOINED
        ] or list(found[-1:])
        choices.append([product(substitute(each.tree, "x", u), part.tree) for each in good])
    for picked in itertools.islice(itertools.product(*choices), _FORMULAS):
        if picked:
            yield summed(picked)


def _under_noise(rows: SplitRows, weight: Floats, until: float) -> Iterator[Node]:
    """What is read off the pairs of functions that predict left-out rows best."""
    if len(rows.y) < _NOISY_ROWS:
        return
    fitted: list[tuple[float, int, list[_VaryingTerm]]] = []
    for at in (0, 1):
        for functions in _pairs(rows, at):
            error, parts = _fit(rows, 1 - at, functions, weight)
            if math.isfinite(error):
                fitted.append((error, at, parts))
    fitted.sort(key=lambda each: each[0])
    for error, at, parts in fitted[:_NOISY_MODELS]:
        left = (until - spent()) / CURVE_WORK_UNITS
        if error > _NOISY_FACTOR * fitted[0][0] or left < _NOISY_LEAST_WORK:
            return
        yield from _read_noisy(rows, 1 - at, parts, weight, error, min(_NOISY_WORK, left / 4))


def _pairs(rows: SplitRows, at: int) -> Iterator[list[SumTerm]]:
    """Two functions: more would follow the noise."""
    v, name = rows.X[:, at], Variable(rows.names[at])
    one, own, square = _one(rows), SumTerm(name, v), SumTerm(power(name, 2.0), v**2)
    waves = [SumTerm(apply(kind, name), values) for kind, values in (("sin", np.sin(v)), ("cos", np.cos(v)))]
    yield from ([one, own], [one, square], [own, square], waves)
    yield from ([one, wave] for wave in waves)
    if (v > 0).all() or (v < 0).all():
        inverse = SumTerm(power(name, -1.0), 1 / v)
        yield from ([one, inverse], [own, inverse])
    if (v > 0).all():
        yield [one, SumTerm(power(name, 0.5), np.sqrt(v))]
        yield [one, SumTerm(apply("log", name), np.log(v))]
    if float(np.abs(v).max()) < _LARGEST_EXPONENT:
        yield [one, SumTerm(apply("exp", name), np.exp(v))]
        yield [one, SumTerm(apply("exp", -name), np.exp(-v))]


def _fit(
    rows: SplitRows, by: int, functions: Sequence[SumTerm], weight: Floats
) -> tuple[float, list[_VaryingTerm]]:
    """The error on left-out rows with the best degree, and the parts."""
    u = rows.X[:, by]
    if not np.ptp(u) > 0:
        return math.inf, []
    whole = _polynomials(u, max(_NOISY_DEGREES))
    best: tuple[float, list[_VaryingTerm]] = (math.inf, [])
    for degree in _NOISY_DEGREES:
        table = whole[:, : degree + 1]
        design = _design(table, functions)
        if 4 * design.shape[1] > len(u):
            break
        charge(ROUTINE + FACTORED * design.size * design.shape[1])
        q, r = np.linalg.qr(design * weight[:, None])
        pivots = np.abs(np.diagonal(r))
        if not pivots.min() > 1e-10 * pivots.max():
            break
        along = q.T @ (rows.y * weight)
        left = (rows.y * weight - q @ along) / np.maximum(1 - np.square(q).sum(1), 1e-2)
        error = float(np.sqrt(np.mean(np.square(left))))
        if error < best[0]:
            best = error, _parts(table, functions, np.linalg.solve(r, along).astype(np.float64, copy=False))
    return best


def _read_noisy(
    rows: SplitRows, by: int, parts: Sequence[_VaryingTerm], weight: Floats, error: float, work: float
) -> Iterator[Node]:
    """Closed forms of the coefficients put together, and of each those that the rows leave once the other has its form."""
    left = rows.y - sum((each.values * each.weight for each in parts), np.zeros(len(rows.y)))
    name = Variable(rows.names[by])
    first = [
        _forms(_curve(rows, by, each, each.weight * each.values + left, weight), error, name, work)
        for each in parts
    ]
    for picked in itertools.product(*first):
        yield summed(product(form, each.tree) for form, each in zip(picked, parts, strict=True))
    for own, (part, other) in zip(first, (parts, parts[::-1]), strict=True):
        for form in own:
            tape = Tape(form, (name.name,))
            rest = rows.y - part.values * tape.value(tape.start, rows.X[:, [by]])
            curve = _curve(rows, by, other, rest, weight)
            for each in itertools.islice(curves(curve.rows(name), np.sqrt(curve.counts)), _NOISY_SECOND):
                yield product(form, part.tree) + product(each, other.tree)


@dataclass(frozen=True, eq=False)
class _Curve:
    """Noisy values of a coefficient, and how much each counts."""

    x: Floats
    y: Floats
    counts: Floats

    def rows(self, name: Variable) -> SplitRows:
        held = self.x[:0, None], self.y[:0]
        return SplitRows((name.name,), self.x[:, None], self.y, *held)


def _curve(rows: SplitRows, by: int, part: _VaryingTerm, target: Floats, weight: Floats) -> _Curve:
    """What a coefficient would have to be on each row for its part to be the target."""
    strength = np.abs(part.values)
    seen = strength > _FAINT_SHARE * strength.max()
    counts = np.square(weight * strength)[seen]
    return _Curve(rows.X[seen, by], target[seen] / part.values[seen], counts)


def _forms(curve: _Curve, error: float, name: Variable, work: float) -> list[Node]:
    """Closed forms of a coefficient: a constant, and of those that follow it the simplest and the closest."""
    x, y, counts = curve.x, curve.y, curve.counts
    scale = math.sqrt(float(np.average(np.square(y), weights=counts)))
    accuracy = min(1.0, 1.1 * error / math.sqrt(float(counts.mean())) / max(scale, 1e-300))
    offered: list[tuple[float, Node]] = []
    for each in one_variable(x, y, counts / counts.max(), accuracy=accuracy, work=work):
        offered.append((each.residual, substitute(each.tree, "x", name)))
    for tree in curves(curve.rows(name), np.sqrt(counts)):
        tape = Tape(tree, (name.name,))
        left = np.square(tape.value(tape.start, x[:, None]) - y)
        offered.append((math.sqrt(float(np.average(left, weights=counts))) / max(scale, 1e-300), tree))
    least = min((residual for residual, _ in offered if math.isfinite(residual)), default=math.inf)
    near = [(size(tree), residual, tree) for residual, tree in offered if residual <= _NOISY_NEARNESS * least]
    simple, close = sorted(near, key=lambda each: each[:2]), sorted(near, key=lambda each: each[1])
    simple, close = simple[:_NOISY_SIMPLEST], close[:_NOISY_CLOSEST]
    kept = [*simple, *(each for each in close if each not in simple)]
    return [Number(float(np.average(y, weights=counts))), *(tree for _, _, tree in kept)]
