"""Constants of a chosen system: one where equations share them, plain or none where no row objects; their errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.dynamics.model import RATIOS, TermModel
from edgewise.dynamics.pieces import CoursePieces
from edgewise.dynamics.shooting import Shooting, ShootingFit, ShootingPoint, fitted

# The gap allowed when errors of constants are computed.
_ERROR_GAP = 1e-3
# Whole numbers that a factor may be rounded to, and how well it must be known, as a share.
_PLAIN = (1, 2, 3)
_SURE = 0.1
# Two constants, or a constant and a number, may be equal where they differ by so many standard errors.
_ALIKE = 3.0


def settled(
    pieces: CoursePieces,
    fit: ShootingFit,
    noise: Floats,
    criterion: Callable[[ShootingFit], float],
) -> ShootingFit:
    """The fit with as few constants as the criterion, which charges for each, lets it have."""
    best, score = fit, criterion(fit)
    for simpler in (_pairs, _wholes, _ratios, _absent):
        turned_down: set[tuple[object, ...]] = set()
        while True:
            options = [item for item in simpler(pieces, best, noise) if item[0] not in turned_down]
            if not options:
                break
            key, model = options[0]
            trial = fitted(pieces, model, noise, best.point.starts, warm=True)
            if trial is not None and (value := criterion(trial)) < score:
                best, score = trial, value
            else:
                turned_down.add(key)
    return best


def covariance(pieces: CoursePieces, fit: ShootingFit, noise: Floats) -> Floats:
    """Of the constants, for noise of so much in each state: (constants, constants)."""
    count = len(fit.point.constants)
    if not count:
        return np.empty((0, 0))
    _, table = Shooting(pieces, fit.model, noise, _ERROR_GAP).matrix(
        ShootingPoint(fit.point.starts, fit.point.constants)
    )
    scale = np.sqrt(np.square(table).sum(0))
    scale[scale == 0] = 1.0
    factor = np.linalg.qr(table / scale, mode="r")
    inverse = np.asarray(np.linalg.pinv(factor, rcond=1e-13), dtype=float)[-count:]
    return (inverse @ inverse.T) / np.outer(scale[-count:], scale[-count:])


def polished(pieces: CoursePieces, fit: ShootingFit, noise: Floats) -> ShootingFit:
    """The same model, its constants to the last digit that the courses give."""
    found = fitted(pieces, fit.model, noise, fit.point.starts, warm=True, tolerance=1e-10)
    return fit if found is None or not np.isfinite(found.squares).all() else found


def _own(model: TermModel) -> list[tuple[int, int]]:
    """Pairs of a number and the constant that it is made of, where it is one constant or its negative."""
    return [
        (number, int(np.flatnonzero(row)[0]))
        for number, row in enumerate(model.spread)
        if np.count_nonzero(row) == 1 and model.offset[number] == 0
    ]


def _pairs(
    pieces: CoursePieces, fit: ShootingFit, noise: Floats
) -> list[tuple[tuple[object, ...], TermModel]]:
    """Constants of like terms in two equations that differ by no more than their errors, the likest first."""
    model, values = fit.model, fit.point.constants
    errors = covariance(pieces, fit, noise)
    count = len(model.terms)
    kinds = [*(term.key for term in model.terms), *model.places]
    found: list[tuple[float, tuple[object, ...], TermModel]] = []
    own = _own(model)
    for a, (number, one) in enumerate(own):
        for other_number, other in own[a + 1 :]:
            if (
                one == other
                or (number < count) != (other_number < count)
                or kinds[number] != kinds[other_number]
            ):
                continue
            sign = 1.0 if values[one] * values[other] > 0 else -1.0
            weight = np.zeros(len(values))
            weight[one], weight[other] = 1.0, -sign
            error = math.sqrt(max(float(weight @ errors @ weight), 0.0)) + 1e-9 * abs(values[other])
            off = abs(values[one] - sign * values[other]) / error
            if off < _ALIKE:
                found.append((off, ("pair", number, other_number), model.tied(one, other, sign, values)))
    return [(key, tied) for _, key, tied in sorted(found, key=lambda item: item[0])]


def _wholes(
    pieces: CoursePieces, fit: ShootingFit, noise: Floats
) -> list[tuple[tuple[object, ...], TermModel]]:
    """Factors and inner constants, but for powers, that are plain numbers within their standard errors."""
    model, values = fit.model, fit.point.constants
    errors = np.sqrt(np.maximum(np.diag(covariance(pieces, fit, noise)), 0.0)) + 1e-9 * np.abs(values)
    found: list[tuple[float, tuple[object, ...], TermModel]] = []
    numbers = {
        constant: number
        for number, constant in reversed(_own(model))
        if number < len(model.terms) or not model.exponents[number - len(model.terms)]
    }
    for constant, number in sorted(numbers.items()):
        value, error = float(values[constant]), float(errors[constant])
        whole = round(value)
        if abs(whole) in _PLAIN and error < _SURE * abs(value) and abs(value - whole) < _ALIKE * error:
            found.append(
                (abs(value - whole) / error, ("whole", number), model.fixed(constant, whole, values))
            )
    return [(key, plain) for _, key, plain in sorted(found, key=lambda item: item[0])]


def _ratios(
    pieces: CoursePieces, fit: ShootingFit, noise: Floats
) -> list[tuple[tuple[object, ...], TermModel]]:
    """Powers that are ratios within their standard errors: of those that are, the one of the smallest denominator."""
    model, values = fit.model, fit.point.constants
    powers = {
        constant: number
        for number, constant in _own(model)
        if number >= len(model.terms) and model.exponents[number - len(model.terms)]
    }
    errors = np.sqrt(np.maximum(np.diag(covariance(pieces, fit, noise)), 0.0)) if powers else values
    found: list[tuple[float, tuple[object, ...], TermModel]] = []
    for constant, number in powers.items():
        value, error = float(values[constant]), float(errors[constant]) + 1e-9
        ratios = [round(value * bottom) / bottom for bottom in RATIOS]
        ratio = next((item for item in ratios if abs(item - value) < _ALIKE * error), None)
        if ratio is not None and error < _SURE:
            off = abs(value - ratio) / error
            found.append((off, ("ratio", number), model.fixed(constant, ratio, values)))
    return [(key, plain) for _, key, plain in sorted(found, key=lambda item: item[0])]


def _absent(
    pieces: CoursePieces, fit: ShootingFit, noise: Floats
) -> list[tuple[tuple[object, ...], TermModel]]:
    """Without terms whose factor is nothing within its errors, now that others share theirs."""
    model, values = fit.model, fit.point.constants
    errors = np.sqrt(np.maximum(np.diag(covariance(pieces, fit, noise)), 0.0))
    found: list[tuple[float, tuple[object, ...], TermModel]] = []
    for number, constant in _own(model):
        if number < len(model.terms) and abs(values[constant]) < _ALIKE * errors[constant]:
            key = ("absent", model.equation[number], model.terms[number].key)
            found.append(
                (abs(values[constant]) / float(errors[constant]), key, model.without(constant, values))
            )
    return [(key, fewer) for _, key, fewer in sorted(found, key=lambda item: item[0])]


def of_numbers(model: TermModel, spread: Floats) -> Floats:
    """Standard errors of the numbers of a model from the covariance of its constants."""
    return np.sqrt(np.maximum(np.einsum("nc,cd,nd->n", model.spread, spread, model.spread), 0.0))


def constants_in(tree_values: Sequence[float], numbers: Floats, errors: Floats) -> list[tuple[float, float]]:
    """The standard error of each number that a formula shows, by its size."""
    found: list[tuple[float, float]] = []
    for value in tree_values:
        off = np.abs(np.abs(numbers) - abs(value))
        at = int(off.argmin()) if len(off) else -1
        near = at >= 0 and off[at] <= 1e-9 * max(abs(value), 1e-300)
        found.append((float(value), float(errors[at]) if near else math.nan))
    return found
