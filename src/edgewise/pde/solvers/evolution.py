"""Whether a problem with data evolves on a torus, and as what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.pde.discretisation.data_rows import DataRows
from edgewise.pde.discretisation.faces import BuiltIn
from edgewise.pde.discretisation.torus import Evolution, Torus
from edgewise.pde.domains.box import Box
from edgewise.pde.solvers.joint_system import JointSystem

# Modes on which M is nearer to singular have no evolution that could be computed.
_MOST = 1e8
# Waves on which that is looked at.
_WAVES = 6


def evolution_of(domain: Box, system: JointSystem, rows: Sequence[DataRows]) -> Evolution | None:
    """The problem as M u_t = L u + N(u) with all coordinates of space periodic; None where it is not one of these."""
    axis, inside, d = domain.time, system.inside, len(domain.coordinates)
    if axis is None or domain.parameters or system.faces.weak or inside.count != len(system.names):
        return None
    space = [a for a in range(d) if a != axis]
    starts = all(
        face.face.axis == axis and not face.face.high and len(face.end.weights) == 1
        for face in system.faces.built_in
    )
    if not starts or not all(domain.periodic[a] for a in space) or not 1 <= len(space) <= 2:
        return None
    # Weights that are the same at all places and times, whatever the unknowns and the constants are.
    r = np.random.default_rng(0)
    at: list[Any] = [low + (high - low) * r.uniform(size=5) for low, high in domain.bounds]
    jets: list[Any] = [r.normal(size=5) for _ in inside.jets]
    guesses = np.array([c.guess for c in system.constants])
    one, other = (
        [np.broadcast_to(np.asarray(slope, dtype=float), 5) for slope in inside.slopes(*at, *given, *jets)]
        for given in (guesses, guesses + r.uniform(0.1, 0.9, len(guesses)))
    )
    carried = tuple(
        all(np.ptp(slope) == 0 for (_, own), slope in zip(inside.entries, one, strict=True) if own == j)
        for j in range(len(inside.jets))
    )
    mass: list[tuple[int, int, tuple[int, ...], float]] = []
    for (e, j), first, second in zip(inside.entries, one, other, strict=True):
        f, orders = inside.jets[j]
        if orders[axis] > 1:
            return None
        if orders[axis]:
            if not carried[j] or first[0] != second[0]:
                return None
            mass.append((e, f, tuple(orders[a] for a in space), float(first[0])))
    if not mass:
        return None
    found = Evolution(
        inside,
        system.tangents,
        axis,
        domain.bounds[axis][0],
        tuple(domain.bounds[a][0] for a in space),
        tuple(domain.bounds[a][1] - domain.bounds[a][0] for a in space),
        tuple(mass),
        carried,
        inside.count,
    )
    return found if _closed(found, rows) else None


def _closed(evolution: Evolution, rows: Sequence[DataRows]) -> bool:
    """Whether modes evolve, each with an own M, or are felt by no equation and no data."""
    torus = Torus.holding(evolution.low, evolution.span, _WAVES)
    alive = evolution.evolving(torus)
    own = evolution.masses(torus)[alive]
    if not (np.linalg.cond(own) < _MOST).all():
        return False
    still = torus.kept & ~alive
    felt = [evolution.inside.jets[j] for _, j in evolution.inside.entries]
    for row in rows:
        data_jets = [row.compiled.jets[j] for _, j in row.compiled.entries]
        if any(orders[evolution.axis] for _, orders in data_jets):
            return False
        felt += data_jets
    return not any(np.abs(torus.power(evolution.in_space(orders))[still]).any() for _, orders in felt)


def known_starts(domain: Box, conditions: Sequence[BuiltIn], axis: int) -> dict[int, Callable[..., Floats]]:
    """Starts that conditions give, as functions of the coordinates of space, by unknown."""

    def start(item: BuiltIn) -> Callable[..., Floats]:
        def values(*space: Any) -> Floats:
            at = list(space)
            at.insert(axis, domain.bounds[axis][0])
            return np.asarray(item.data(*at), dtype=float) / item.end.weights[0]

        return values

    return {condition.field: start(condition) for condition in conditions}
