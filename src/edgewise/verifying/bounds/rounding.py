"""How far what `predict` returns can be from the exact function: the room that a proof leaves for rounding.

`predict` computes in float64, whatever the dtype of the parameters. The bound is that of the checker
(docs/certificates.md explains why it is one), slightly larger so that what has this room here has it there.

References
----------
N. J. Higham, "Accuracy and Stability of Numerical Algorithms", chapter 3, doi:10.1137/1.9780898718027.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.errors import InputError
from edgewise.layers.linear import KANLinear
from edgewise.network.module import KAN
from edgewise.verifying.bounds.exact import numbers
from edgewise.verifying.domain.goals import Goal, InputTerm, OutputBounds, OutputTerm
from edgewise.verifying.domain.space import CellSpace

U, TINY, EVEN, HAIR = 2.0**-53, 2.0**-1000, 41 * 2.0**-53, 1 + 1e-9


def rounding(net: KAN, low: Floats, high: Floats) -> Floats:
    """A bound of |predict - exact function| for rows between two ends, (inputs,) each: (outputs,).

    Examples
    --------
    >>> net = KAN([2, 3, 1], seed=0, dtype=torch.float64)
    >>> bool(0 < rounding(net, -np.ones(2), np.ones(2))[0] < 1e-10)
    True
    """
    return _bounds(net, low, high)[0]


def reaches(net: KAN, low: Floats, high: Floats) -> tuple[list[tuple[Floats, Floats]], list[Floats]]:
    """What the nodes below each layer lie between there, and bounds of the sizes of each layer's sums."""
    return _bounds(net, low, high)[1:]


def _bounds(net: KAN, low: Floats, high: Floats) -> tuple[Floats, list[tuple[Floats, Floats]], list[Floats]]:
    shift, scale, output_shift, output_scale = (
        numbers(item) for item in (net.input_shift, net.input_scale, net.output_shift, net.output_scale)
    )
    low, high = (low - shift) / scale, (high - shift) / scale
    found, bounds = 4 * U * np.maximum(np.abs(low), np.abs(high)), list[Floats]()
    ends = list[tuple[Floats, Floats]]()
    for spec, layer in zip(net.spec.layers, net.layers, strict=True):
        ends.append((low, high))
        error, size, power = _layer(layer, low, high, found)
        bias = np.zeros(layer.out_features) if layer.bias is None else np.abs(numbers(layer.bias))
        count = layer.in_features * (layer.degree + 1 + (layer.base_weight is not None)) + 4
        found = error + (10 * count * U * (power + bias) + count * TINY) * (power > 0)
        top = size + bias
        bounds.append(HAIR * top)
        if spec.nodes.products:
            groups = [list(group) for group in spec.nodes.groups()]
            together = np.array([(top + found)[group].prod() for group in groups])
            top = np.array([top[group].prod() for group in groups])
            deep = np.array([4 * U * (len(group) - 1) for group in groups])
            found = HAIR * (together * (1 + deep) - top) + 8 * U * together + TINY
        low, high = -top, top
    factor = np.abs(output_scale)
    constant = (high == 0) & (output_shift == 0)
    return HAIR * (factor * found + 4 * U * (factor * high + np.abs(output_shift)) * ~constant), ends, bounds


def _layer(layer: KANLinear, low: Floats, high: Floats, error: Floats) -> tuple[Floats, Floats, Floats]:
    """Sums over the edges of errors, largest values and largest sums of sizes of powers, (outputs,) each."""
    k, grid = layer.degree, numbers(layer.grid)
    coef = numbers(layer.numeric_coef())  # (I, M, O)
    widths = np.diff(grid, axis=1)
    steps = np.arange(1, k + 1)
    knots = np.concatenate(
        [grid[:, :1] - widths[:, :1] * steps[::-1], grid, grid[:, -1:] + widths[:, -1:] * steps], 1
    )
    gaps = knots[:, k + 1 : -1] - knots[:, 1 : -k - 1]
    slope = (k * np.abs(np.diff(coef, axis=1)) / gaps[..., None]).max(1)  # (I, O)
    size = np.abs(coef).max(1)
    least, most = widths.min(1), widths.max(1)
    left, right = np.maximum(0.0, grid[:, 0] - low), np.maximum(0.0, high - grid[:, -1])
    beyond = np.maximum(left, right)
    ends = np.maximum(np.abs(grid[:, 0]), np.abs(grid[:, -1]))
    even = most - least < EVEN * ends
    uneven = np.where(even, (most - least) / least, 0.0) * HAIR + 2 * U
    far = np.abs(np.stack([low, high, grid[:, 0], grid[:, -1]])).max(0)
    off = error + 8 * U * far + (most + beyond) * (8 * U + uneven) + (grid[:, -1] - grid[:, 0]) * uneven
    power = size * (1 + 2 * k * np.maximum(left / widths[:, 0], right / widths[:, -1]))[:, None]
    s = np.minimum(1.0, most / least / steps[:, None])
    mass = (1 + 2 * s).prod(0)
    strain = 16 * mass * (s / (1 + 2 * s)).sum(0)
    # Knots beyond the grid are rounded, which gaps that hold an end interval feel.
    outer = np.where(even, least, np.minimum(widths[:, 0], widths[:, -1]))
    share = mass * (10 * k + 4) * U + strain * (uneven + 4 * U * ends / outer)
    # Base functions: silu rises by at most 1.1 and is at most |x|.
    base = np.abs(_weights_of(layer))
    top = np.maximum(np.abs(low), np.abs(high))
    wrong = HAIR * (1.1 * error + 64 * U * top) + 2.0**-299 * (1 + top)
    more = base * top[:, None]
    return (
        (slope * off[:, None] + power * share[:, None] + base * wrong[:, None]).sum(0),
        (size + slope * beyond[:, None] + more).sum(0),
        (power + more).sum(0),
    )


def with_room(networks: Sequence[KAN], space: CellSpace, goal: Goal) -> Goal:
    """A goal whose bounds leave room for rounding: where the exact functions keep it, predictions keep the given one.

    Slopes are those of the exact function, which rounding does not have.
    """
    if not isinstance(goal, OutputBounds):
        return goal
    # The first two rows, or the one, may be the same sum with either sign: what is computed is then exactly zero.
    if not any(_weights(networks, space, goal.rows[:2]).values()):
        return goal
    bounds_of = [rounding(net, *hull(space)) for net in networks]
    bounds: list[float] = []
    for bound, row in zip(goal.bounds, goal.rows, strict=True):
        weights = _weights(networks, space, (row,))
        room = sum(abs(weight) * float(bounds_of[m][o]) for (m, _, o), weight in weights.items())
        bounds.append(bound - HAIR * room)
    return replace(goal, bounds=tuple(bounds))


def check_reach(networks: Sequence[KAN], space: CellSpace) -> None:
    """Refuse networks whose numbers may overflow in `predict`: the exact function knows no largest number.

    Raises
    ------
    InputError
        If some row of a domain may bring that about.
    """
    with np.errstate(all="ignore"):
        found = [rounding(net, *hull(space)) for net in networks]
    if not all(np.isfinite(array).all() for array in found):
        raise InputError(
            argument="model",
            expected="give numbers below 1e308 at every row of the domain",
            got="one whose shifts, scales or weights are too large for that",
        )


def hull(space: CellSpace) -> tuple[Floats, Floats]:
    """The least and the greatest number of each input on a domain."""
    return (
        np.where(space.owns(), space.low, np.inf).min(0),
        np.where(space.owns(), space.high, -np.inf).max(0),
    )


def _weights(
    networks: Sequence[KAN], space: CellSpace, rows: Sequence[Sequence[OutputTerm | InputTerm]]
) -> dict[tuple[int, tuple[int, int] | None, int], float]:
    """Weights of what is computed in the sum of some rows: networks that are alike, or moves of nothing, count as one."""
    found: dict[tuple[int, tuple[int, int] | None, int], float] = {}
    for term in (term for row in rows for term in row if isinstance(term, OutputTerm)):
        first = next(
            m for m, net in enumerate(networks) if m == term.model or alike(net, networks[term.model])
        )
        moved = term.moved
        if moved is not None:
            mine = torch.from_numpy(space.input_group == moved[0])
            moved = moved if _any_effect(networks[first].layers[0])[mine.numpy()].any() else None
        key = first, moved, term.output
        found[key] = found.get(key, 0.0) + term.weight
    return found


def alike(one: KAN, two: KAN) -> bool:
    """Whether two networks make the same of every row, also in floating point: all that has an effect is the same."""
    pairs = [
        (getattr(one, name), getattr(two, name))
        for name in ("input_shift", "input_scale", "output_shift", "output_scale")
    ]
    if one.shape != two.shape or [a.nodes for a in one.spec.layers] != [b.nodes for b in two.spec.layers]:
        return False
    used: tuple[NDArray[np.bool_], NDArray[np.bool_]] = (
        np.ones(one.shape[0], bool),
        np.ones(two.shape[0], bool),
    )
    arrays: list[tuple[Floats, Floats]] = []
    for number, (a, b) in enumerate(zip(one.layers, two.layers, strict=True)):
        if a.degree != b.degree or (a.bias is None) != (b.bias is None):
            return False
        live = _live(one, number), _live(two, number)
        if not (live[0] == live[1]).all():
            return False
        arrays.append((numbers(a.grid)[used[0]], numbers(b.grid)[used[1]]))
        coefs = [
            numbers(item.numeric_coef())[u][..., v] for item, u, v in zip((a, b), used, live, strict=True)
        ]
        arrays.append((coefs[0], coefs[1]))
        weights = [_weights_of(item)[u][:, v] for item, u, v in zip((a, b), used, live, strict=True)]
        arrays.append((weights[0], weights[1]))
        if a.bias is not None and b.bias is not None:
            arrays.append((numbers(a.bias)[live[0]], numbers(b.bias)[live[1]]))
        used = live if not one.spec.layers[number].nodes.products else (_all(one, number), _all(two, number))
    arrays = [(numbers(a), numbers(b)) for a, b in pairs] + arrays
    return all(a.shape == b.shape and bool((a == b).all()) for a, b in arrays)


def _live(net: KAN, number: int) -> NDArray[np.bool_]:
    """Which sums of a layer lead to anything; of layers that multiply, and of the last one, all count."""
    sums = net.layers[number].out_features
    if number == len(net.layers) - 1 or net.spec.layers[number].nodes.products:
        return np.ones(sums, bool)
    return _any_effect(net.layers[number + 1])


def _any_effect(layer: KANLinear) -> NDArray[np.bool_]:
    """Which nodes below have an edge that is not zero."""
    splines = numbers(layer.numeric_coef()).any((1, 2))
    return np.asarray(splines | _weights_of(layer).any(1), dtype=bool)


def _weights_of(layer: KANLinear) -> Floats:
    """Weights of base functions, (I, O)."""
    if layer.base_weight is None:
        return np.zeros((layer.in_features, layer.out_features))
    return numbers(layer.base_weight) * numbers(layer.numeric_mask())


def _all(net: KAN, number: int) -> NDArray[np.bool_]:
    return np.ones(net.layers[number + 1].in_features if number + 1 < len(net.layers) else 1, bool)
