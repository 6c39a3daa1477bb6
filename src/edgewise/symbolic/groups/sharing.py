"""Which constants of a formula are one for all groups: tied one by one while groups do not contradict it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.forms.tree import Apply, Node, Number, names_in, ratio
from edgewise.symbolic.groups.constants import Tied, deviance, joint
from edgewise.symbolic.groups.rows import GroupedRows

# Numbers that a shared constant is tried as: whole, halves, thirds and quarters, and how many of these there are from one
# whole number to the next; how many times likelier one of them must be than any number, exponents being plain more often
# than what is measured in units; and the least error, as a share.
_PLAIN = {1: 1, 2: 2, 3: 4, 4: 6}
_ODDS, _ODDS_OF_EXPONENTS = 3.0, 1.0
_LEAST = 2.5e-10
# Sets of shared constants that go on to one more, the likeliest.
_SETS = 3


def tie(model: Tied, rows: GroupedRows) -> Tied:
    """Constants made one for all groups where they do not `differ`, then made plain.

    Of constants that make up for each other, such as a factor and an exponent, each may be one for all while the others
    are not; so sets grow by one constant a level, and of those that can grow no further the best counts.
    """
    level, ended = {frozenset[str](): model}, list[Tied]()
    while level:
        tried, grown = dict[frozenset[str], Tied | None](), dict[frozenset[str], Tied]()
        for chosen, known in level.items():
            largest = True
            for name in known.own:
                more = chosen | {name}
                if more not in tried:
                    tried[more] = with_shared(known, name, rows)
                trial = tried[more]
                if trial is not None and not differ(known, trial, rows):
                    grown[more], largest = trial, False
            if largest:
                ended.append(known)
        likeliest = sorted(grown, key=lambda item: grown[item].criterion)[:_SETS]
        level = {item: grown[item] for item in likeliest}
    return min((made_plain(item, rows) for item in ended), key=lambda item: item.criterion)


def differ(own: Tied, shared: Tied, rows: GroupedRows) -> bool:
    """Whether constants of the groups' own are worth more than one for all that `shared` has in their place.

    They are where the rows are more probable with constants drawn from one normal distribution, its width being the most
    probable one and a number to be fitted, than with all of them alike (empirical Bayes: C. N. Morris, 1983, Parametric
    empirical Bayes inference, doi:10.1080/01621459.1983.10477920). Schwarz's criterion would charge each as if nothing were
    known of it before; but what the others are is known.
    """
    n, more = len(rows.y), own.constants - shared.constants
    if not more:  # of a single group its own constant and one for all are the same
        return False
    # As many rows as the constants take away show no error.
    gain = (deviance(shared.rss, rows) - deviance(own.rss, rows)) * max(n - own.constants, 1) / n
    return gain > drawn(gain, more, n)


def cheaper(model: Tied, name: str, rows: GroupedRows) -> float:
    """By how much a constant of the groups' own costs less, as draws from one distribution, than by Schwarz; 0 or below."""
    n, more = len(rows.y), rows.count - 1
    schwarz = rows.own_price - math.log(n)
    return min(drawn(more * _unlike(*model.own[name]), more, n) - schwarz, 0.0) if more else 0.0


def drawn(excess: float, more: int, n: int) -> float:
    """What so many more constants cost that are drawn from one distribution and spread by so many squared errors."""
    return more * (1 + math.log(max(excess / more, 1.0))) + math.log(n)


def released(model: Tied, rows: GroupedRows) -> Tied:
    """With shared constants each group's own where they `differ`: what wins among formulas may do so with too few."""
    best = model
    for name, (value, _) in model.shared.items():
        shared = {key: item for key, item in best.shared.items() if key != name}
        own = {**best.own, name: (np.full(rows.count, value), np.zeros(rows.count))}
        trial = joint(best, shared, own, best.plain, rows)
        if trial is not None and differ(trial, best, rows):
            best = trial
    return best


def made_plain(model: Tied, rows: GroupedRows) -> Tied:
    """Shared constants made numbers that no row contradicts, while the criterion falls."""
    best, exponents = model, set(_exponents(model.tree))
    for name in tuple(best.shared):
        for node, value in _near(*best.shared[name], _ODDS_OF_EXPONENTS if name in exponents else _ODDS):
            trial = _with_plain(best, name, node, value, rows)
            if trial is not None and trial.criterion < best.criterion:
                best = trial
                break
    return best


def _unlike(values: Floats, errors: Floats) -> float:
    """Cochran's Q for each degree of freedom: how much more values differ than their errors explain."""
    known = np.isfinite(errors)
    if known.sum() < 2:
        return 0.0
    size = np.maximum(errors[known], 1e-12 * (np.abs(values[known]) + 1e-300))
    weight = 1 / np.square(size)
    if not weight.sum() > 0:  # errors beyond all numbers
        return 0.0
    mean = float(np.average(values[known], weights=weight))
    return float((weight * np.square(values[known] - mean)).sum() / (known.sum() - 1))


def with_shared(model: Tied, name: str, rows: GroupedRows) -> Tied | None:
    """The model with one constant more that all groups share; None where it has no value then."""
    values, errors = model.own[name]
    known = np.where(np.isfinite(errors), errors, np.inf)
    weight = 1 / np.square(np.maximum(known, 1e-12 * np.abs(values) + 1e-300))
    middle = (
        float(np.average(values, weights=weight))
        if np.isfinite(weight).all() and weight.sum() > 0
        else float(np.median(values))
    )
    own = {key: value for key, value in model.own.items() if key != name}
    return joint(model, {**model.shared, name: (middle, 0.0)}, own, model.plain, rows)


def _with_plain(model: Tied, name: str, node: Node, value: float, rows: GroupedRows) -> Tied | None:
    shared = {key: item for key, item in model.shared.items() if key != name}
    found, error = model.shared[name]
    if abs(found - value) > max(4 * error, 1e-9 * abs(value)):
        return None
    return joint(model, shared, model.own, {**model.plain, name: node}, rows)


def _exponents(tree: Node) -> Iterator[str]:
    """The names in exponents."""
    if isinstance(tree, Apply):
        if tree.function == "^":
            yield from names_in(tree.arguments[1])
        for argument in tree.arguments:
            yield from _exponents(argument)


def _near(value: float, error: float, odds: float) -> list[tuple[Node, float]]:
    """Numbers that a constant may be: 0 and 1 for what is left out, and plain ones near it where few would be so by chance.

    Were it any number, it would lie anywhere between the plain ones, of which there are so many in a unit; where it is one,
    it lies within its error of it.
    """
    found: list[tuple[Node, float]] = [(Number(0), 0.0), (Number(1), 1.0)]
    size = max(error, _LEAST * abs(value), 1e-300)
    for below, count in _PLAIN.items():
        above = round(value * below)
        off = (value - above / below) / size
        if math.exp(-(off**2) / 2) < odds * count * size * math.sqrt(2 * math.pi):
            continue
        if above and abs(above) <= 60 and not any(abs(above / below - item) < 1e-12 for _, item in found):
            found.append((ratio(above, below), above / below))
    return found
