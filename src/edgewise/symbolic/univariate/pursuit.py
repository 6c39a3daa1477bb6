"""Sums of functions with constants inside: starts from a grid in all pairs, then least squares in one batch.

For given inner constants the factors in front are linear least squares, so only the inner ones are searched: variable
projection in Levenberg-Marquardt steps for all candidates at once, whatever functions each is made of.

References
----------
Golub, Pereyra (2003), Separable nonlinear least squares. Inverse Problems 19(2). doi:10.1088/0266-5611/19/2/201
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Bools, Floats
from edgewise._core.work import charge, spent
from edgewise.forms.tree import Node, Number
from edgewise.symbolic.costs import BATCH, ENTRY, FUNCTION, PRODUCT, ROUTINE, STEP
from edgewise.symbolic.fitting.damped_steps import BatchOfPoints, Damping, descended_together, leaders
from edgewise.symbolic.univariate.atoms import Atom
from edgewise.symbolic.univariate.library import LibraryColumn
from edgewise.symbolic.univariate.trees import add, multiply

# Starts of each function, fits that are kept, and steps of each.
SINGLE_STARTS = (4, 8, 30)
# Starts that are fitted at a time.
_MOST_SINGLES = 72
# Pairs of functions that are fitted, fits that are kept, steps; and the latter two where a third function joins.
_PAIRS = 60
_PAIRS_KEPT = 12
_PAIR_STEPS = 30
_TRIPLES_KEPT = 8
_TRIPLE_STEPS = 30
# After these steps the worse half of the fits leaves; so many fits or fewer all stay.
_HEAT_STEPS = (4, 7, 11)
_FEWEST_FITS = 16
# Of a function several starts are tried only where no two have a cosine beyond this.
_ALIKE_COSINE = 0.9
# Two starts whose squared sine is smaller are the same.
_SAME_SINE = 1e-4
# Starts of a further function, for each that may come from one: the best of so many functions.
_NEXT_STARTS = 6

Ints = NDArray[np.intp]
SLOTS = 3
_DAMPING = Damping(falls=0.15, rises=6.0, least=1e-13, most=1e7, start=1e-2)


@dataclass(frozen=True, eq=False)
class AtomSum:
    """A sum of atoms with fitted inner constants, and the share of variance it leaves."""

    atoms: tuple[int, ...]
    constants: tuple[Floats, ...]
    unexplained: float


class Pursuit:
    """Atoms on given points, for one target, over a background of columns that are always part of the sum."""

    def __init__(
        self,
        atoms: Sequence[Atom],
        y: Floats,
        weight: Floats,
        background: Sequence[LibraryColumn] = (),
        *,
        constant: bool = True,
    ) -> None:
        self.atoms, self.y = list(atoms), y
        self.root = np.sqrt(weight / weight.sum())
        self.background = list(background)
        # What is always there: the background, and a constant unless none is wanted.
        self._always = np.column_stack(
            [*(column.values for column in self.background), np.ones((len(y), int(constant)))]
        )
        self._basis, _ = np.linalg.qr(self._always * self.root[:, None])
        centred = (y - np.average(y, weights=weight)) * self.root
        self.total = float(centred @ centred)
        self.target = self.apart((y * self.root)[None, :])[0] / np.sqrt(self.total)
        self.remaining = float(self.target @ self.target)
        self._grid: tuple[Ints, Floats, Floats] | None = None

    def apart(self, rows: Floats) -> Floats:
        """Weighted rows without their part along the background."""
        with np.errstate(all="ignore"):
            return rows - (rows @ self._basis) @ self._basis.T

    def columns(self, owners: Ints, theta: Floats) -> tuple[Floats, Floats]:
        """What is summed, (m, columns, n), and its derivatives in all inner constants, (m, slots * constants, n)."""
        m, slots = owners.shape
        value = np.full((m, slots, len(self.y)), np.nan)
        slope = np.zeros((m, slots, SLOTS, len(self.y)))
        for at in np.unique(owners):
            rows, places = np.nonzero(owners == at)
            values, partials = self.atoms[at].values(theta[rows, places])
            value[rows, places] = values
            for k, partial in enumerate(partials):
                slope[rows, places, k] = partial
        return value, slope.reshape(m, slots * SLOTS, -1)

    def formulas(self, fit: AtomSum) -> list[Node]:
        """The trees of what is summed."""
        return [
            self.atoms[at].formula(constant.tolist())
            for at, constant in zip(fit.atoms, fit.constants, strict=True)
        ]

    def grid(self) -> tuple[Ints, Floats, Floats]:
        """Every start: its atom, its constants and its unit shape."""
        if self._grid is None:
            owners: list[Ints] = []
            constants: list[Floats] = []
            shapes: list[Floats] = []
            for at, atom in enumerate(self.atoms):
                starts = atom.starts(atom.u.values)
                values = atom.values(starts)[0]
                charge(ROUTINE + FUNCTION * values.size)
                rows = values * self.root
                size = np.linalg.norm(rows, axis=1)
                rows = self.apart(rows)
                norm = np.linalg.norm(rows, axis=1)
                with np.errstate(all="ignore"):
                    good = np.isfinite(norm) & (norm > 1e-7 * size) & (size < 1e100)
                shapes.append(rows[good] / norm[good][:, None])
                padded = np.zeros((int(good.sum()), SLOTS))
                padded[:, : starts.shape[1]] = starts[good]
                constants.append(padded)
                owners.append(np.full(len(padded), at, dtype=np.intp))
            self._grid = np.concatenate(owners), np.concatenate(constants), np.concatenate(shapes)
        return self._grid

    def singles(self, per_atom: int, keep: int, steps: int) -> list[AtomSum]:
        """The best fits of one atom."""
        owner, constants, shapes = self.grid()
        if len(owner) == 0:
            return []
        score = np.square(shapes @ self.target)
        order = np.argsort(-score)
        rank = np.zeros(len(owner), dtype=np.intp)
        for at in range(len(self.atoms)):
            own = order[owner[order] == at]
            rank[own] = np.arange(len(own))
        chosen = order[rank[order] < per_atom][:_MOST_SINGLES]
        return self.refined(owner[chosen][:, None], constants[chosen][:, None, :], keep, steps)

    def pairs(self, until: float = np.inf) -> list[AtomSum]:
        """The best fits of two atoms, from the best starts of each pair of atoms."""
        owner, constants, shapes = self.grid()
        if len(owner) < 2 or spent() > until:
            return []
        units = shapes.astype(np.float32)
        target = (self.target / np.sqrt(max(self.remaining, 1e-30))).astype(np.float32)
        along = units @ target
        found: list[tuple[float, int, int]] = []
        edges = np.searchsorted(owner, np.arange(len(self.atoms) + 1))
        for one in range(len(self.atoms)):
            rows = slice(int(edges[one]), int(edges[one + 1]))
            if rows.start == rows.stop:
                continue
            gram = units[rows] @ units[rows.start :].T
            charge(PRODUCT * gram.size * (units.shape[1] + 60))
            left = along[rows][:, None]
            right = along[rows.start :][None, :]
            apart = 1 - gram * gram
            explained = (left * left + right * right - 2 * gram * left * right) / np.maximum(
                apart, _SAME_SINE
            )
            explained[apart < _SAME_SINE] = 0.0
            best = explained.max(axis=0)
            first = explained.argmax(axis=0)
            for other in range(one, len(self.atoms)):
                columns = slice(int(edges[other]) - rows.start, int(edges[other + 1]) - rows.start)
                if columns.start == columns.stop:
                    continue
                part = best[columns]
                for at in np.argsort(-part)[:2]:
                    column = columns.start + int(at)
                    found.append((float(part[at]), rows.start + int(first[column]), rows.start + column))
            if spent() > until:
                break
        found.sort(key=lambda item: -item[0])
        chosen = np.array([(a, b) for _, a, b in found[: 2 * _PAIRS]], dtype=np.intp)
        if len(chosen) == 0:
            return []
        return self.refined(owner[chosen], constants[chosen], _PAIRS_KEPT, _PAIR_STEPS)

    def grown(
        self, fits: Sequence[AtomSum], keep: int | None = None, *, per_atom: int = 1, most: int = SLOTS
    ) -> list[AtomSum]:
        """Each fit of fewer than `most` atoms with one added that explains most of what is left."""
        owner, constants, shapes = self.grid()
        owners: list[Ints] = []
        starts: list[Floats] = []
        for fit in fits:
            if len(fit.atoms) >= most:
                continue
            rows = np.stack(
                [
                    self.atoms[at].values(np.asarray(constant)[None, :])[0][0] * self.root
                    for at, constant in zip(fit.atoms, fit.constants, strict=True)
                ]
            )
            charge(STEP + ENTRY * shapes.size)
            basis, _ = np.linalg.qr(self.apart(rows).T)
            left = self.target - basis @ (basis.T @ self.target)
            across = shapes @ basis
            apart = 1 - np.square(across).sum(axis=1)
            score = np.where(
                apart > _SAME_SINE, np.square(shapes @ left) / np.maximum(apart, _SAME_SINE), 0.0
            )
            for at in _heads(owner, score, shapes, per_atom)[: _NEXT_STARTS * per_atom]:
                owners.append(np.array([*fit.atoms, owner[at]], dtype=np.intp))
                own = [_padded(constant) for constant in fit.constants]
                starts.append(np.stack([*own, constants[at]]))
        if not owners:
            return []
        kept = _TRIPLES_KEPT if keep is None else keep
        return self.refined(np.stack(owners), np.stack(starts), kept, _TRIPLE_STEPS)

    def refined(self, owners: Ints, constants: Floats, keep: int, steps: int) -> list[AtomSum]:
        """Levenberg-Marquardt on the inner constants of every candidate; the best few."""
        theta, loss = _refine(self, owners, constants, steps)
        order = np.argsort(loss)
        found: list[AtomSum] = []
        groups: dict[tuple[int, ...], int] = {}
        for at in order:
            group = tuple(sorted(int(owner) for owner in owners[at]))
            if not np.isfinite(loss[at]) or groups.get(group, 0) >= 2:
                continue
            groups[group] = groups.get(group, 0) + 1
            sizes = [self._count(int(owner)) for owner in owners[at]]
            parts = tuple(theta[at, slot, :count].copy() for slot, count in enumerate(sizes))
            found.append(AtomSum(tuple(int(owner) for owner in owners[at]), parts, float(loss[at])))
            if len(found) == keep:
                break
        return found

    def _count(self, atom: int) -> int:
        return self.atoms[atom].starts(self.atoms[atom].u.values[:2]).shape[1]

    def trees(self, fits: Sequence[AtomSum]) -> Iterator[Node]:
        """The sums as trees, without those that are out of the range of floats."""
        for fit in fits:
            tree = self.tree(fit)
            if tree is not None:
                yield tree

    def tree(self, fit: AtomSum) -> Node | None:
        """The sum as a tree, its factors by least squares."""
        theta = np.stack([_padded(constant) for constant in fit.constants])[None]
        values = list(self.columns(np.array([fit.atoms], dtype=np.intp), theta)[0][0])
        design = np.column_stack([*values, self._always])
        scaled = design * self.root[:, None]
        norms = np.linalg.norm(scaled, axis=0)
        if not (np.isfinite(norms) & (norms > 0)).all():
            return None
        solution = np.linalg.lstsq(scaled / norms, self.y * self.root, rcond=None)[0] / norms
        numbers = [Number(float(norm)) for norm in solution]
        trees = [*self.formulas(fit), *(item.tree for item in self.background)]
        return add(*map(multiply, numbers, trees), *numbers[len(trees) :])


def _heads(owner: Ints, score: Floats, shapes: Floats, per_atom: int) -> Ints:
    """The starts of the highest scores, so many of each atom, and none much like another of it."""
    order = np.argsort(-score)
    _, firsts = np.unique(owner[order], return_index=True)
    heads = order[np.sort(firsts)].tolist()
    for _ in range(1, per_atom):
        for at in list(dict.fromkeys(owner[heads].tolist())):
            own = order[owner[order] == at]
            known = [head for head in heads if owner[head] == at]
            apart = np.abs(shapes[own] @ shapes[known].T).max(axis=1) < _ALIKE_COSINE
            heads += own[apart][:1].tolist()
    return np.array(heads, dtype=np.intp)


def _padded(constants: Floats) -> Floats:
    padded = np.zeros(SLOTS)
    padded[: len(constants)] = constants
    return padded


def _unit_columns(pursuit: Pursuit, owners: Ints, theta: Floats) -> tuple[Floats, Floats]:
    """The columns at about unit size, weighted and without the background, and their derivatives."""
    value, slope = pursuit.columns(owners, theta)
    m, slots, n = value.shape
    width = slope.shape[1] // slots
    with np.errstate(all="ignore"):
        size = np.abs(value).max(axis=2)
        good = np.isfinite(size) & (size > 0)
        scale = np.where(good, size, 1.0)[:, :, None]
        value = np.where(good[:, :, None], value, 0.0) / scale * pursuit.root
        slope = slope / np.repeat(scale, width, axis=1) * pursuit.root
        slope[~np.isfinite(slope)] = 0.0
    value = pursuit.apart(value.reshape(-1, n)).reshape(m, slots, n)
    return value, pursuit.apart(slope.reshape(-1, n)).reshape(m, -1, n)


def _state(pursuit: Pursuit, owners: Ints, theta: Floats) -> BatchOfPoints:
    value, slope = _unit_columns(pursuit, owners, theta)
    charge(BATCH + FUNCTION * value.size)
    _, slots, _ = value.shape
    gram = value @ value.transpose(0, 2, 1)
    size = np.sqrt(np.maximum(np.einsum("mss->ms", gram), 1e-300))
    unit = value / size[:, :, None]
    gram = gram / (size[:, :, None] * size[:, None, :]) + 1e-13 * np.eye(slots)
    along = unit @ pursuit.target
    factors = np.linalg.solve(gram, along[:, :, None])[:, :, 0]
    left = pursuit.target - np.einsum("ms,msn->mn", factors, unit)
    loss = np.einsum("mn,mn->m", left, left)
    bad = (size < 1e-100).any(axis=1) | ~np.isfinite(loss)
    jacobian = slope * np.repeat(factors / size, slope.shape[1] // slots, axis=1)[:, :, None]
    across = unit @ jacobian.transpose(0, 2, 1)
    normal = jacobian @ jacobian.transpose(0, 2, 1) - across.transpose(0, 2, 1) @ np.linalg.solve(
        gram, across
    )
    gradient = np.einsum("mkn,mn->mk", jacobian, left)
    return BatchOfPoints(theta, np.where(bad, np.inf, loss), gradient, normal)


def _refine(pursuit: Pursuit, owners: Ints, constants: Floats, steps: int) -> tuple[Floats, Floats]:
    slots = owners.shape[1]
    eye = np.eye(slots * SLOTS)

    def moved(rows: Ints, now: BatchOfPoints, damping: Floats) -> BatchOfPoints:
        diagonal = np.einsum("mkk->mk", now.normal)
        scale = np.sqrt(np.maximum(diagonal, 1e-300))
        idle = diagonal <= 1e-24 * diagonal.max(axis=1, keepdims=True)
        scale = np.where(idle, 1.0, scale)
        system = now.normal / (scale[:, :, None] * scale[:, None, :])
        system = np.where(idle[:, :, None] | idle[:, None, :], 0.0, system) + eye * (
            damping[:, None, None] + idle[:, :, None]
        )
        right = np.where(idle, 0.0, now.gradient / scale)
        move = np.linalg.solve(system, right[:, :, None])[:, :, 0] / scale
        return _state(pursuit, owners[rows], now.at + move.reshape(-1, slots, SLOTS))

    def leads(step: int, rows: Ints, loss: Floats) -> Bools | None:
        if step not in _HEAT_STEPS or len(rows) <= _FEWEST_FITS:
            return None
        # Only the best go on; of single atoms the best of each.
        good = loss <= np.partition(loss, len(rows) // 2)[len(rows) // 2]
        return (good | leaders(owners[rows, 0], loss)) if slots == 1 else good

    start = _state(pursuit, owners, constants)
    return descended_together(
        start, moved, steps=steps, tolerance=1e-7, floor=1e-29, damping=_DAMPING, leads=leads
    )
