"""Products of two functions with fitted constants, and one of another: f(x)*g(x) and f(g(x)), from starts on a grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgewise._core.arrays import Floats
from edgewise._core.work import charge, spent
from edgewise.forms.tree import Node
from edgewise.symbolic.costs import FUNCTION, ROUTINE
from edgewise.symbolic.univariate.pursuit import SLOTS, AtomSum, Pursuit
from edgewise.symbolic.univariate.trees import multiply

# Products of two functions, and chains, that are fitted, fits that are kept, steps.
_PRODUCTS = 60
_FITS_KEPT = 10
_STEPS = 30
# Starts of inner functions in all, and of each outer one.
_INNER_STARTS = 160
_OUTER_STARTS = 40

Ints = NDArray[np.intp]


class AtomProducts(Pursuit):
    """The product of two atoms, as one column."""

    def columns(self, owners: Ints, theta: Floats) -> tuple[Floats, Floats]:
        value, slope = super().columns(owners, theta)
        one, other = value[:, 0], value[:, 1]
        slope = slope.reshape(len(owners), 2, SLOTS, -1)
        slope = np.stack([slope[:, 0] * other[:, None], slope[:, 1] * one[:, None]], axis=1)
        return (one * other)[:, None], slope.reshape(len(owners), 2 * SLOTS, -1)

    def formulas(self, fit: AtomSum) -> list[Node]:
        return [multiply(*super().formulas(fit))]

    def best(self) -> list[AtomSum]:
        """The best fits, from the best starts of each pair of atoms.

        All products of two starts are compared with the target through three matrix products.
        """
        owner, constants, shapes = self._raw()
        if len(owner) < 2:
            return []
        target, root = self.target * self.root, self.root
        along = (shapes * target) @ shapes.T
        mean = (shapes * root**2) @ shapes.T
        size = (np.square(shapes) * root**2) @ np.square(shapes).T
        variance = size - mean**2
        with np.errstate(all="ignore"):
            score = np.where(variance > 1e-6 * size, along**2 / variance, 0.0)
        score = np.nan_to_num(np.triu(score))
        edges = np.searchsorted(owner, np.arange(len(self.atoms) + 1))
        found: list[tuple[float, int, int]] = []
        for one in range(len(self.atoms)):
            for other in range(one, len(self.atoms)):
                part = score[edges[one] : edges[one + 1], edges[other] : edges[other + 1]]
                if part.size == 0:
                    continue
                best = np.argpartition(-part.ravel(), min(2, part.size - 1))[:3]
                for at in best:
                    row, column = divmod(int(at), part.shape[1])
                    found.append(
                        (float(part[row, column]), int(edges[one]) + row, int(edges[other]) + column)
                    )
        found.sort(key=lambda item: -item[0])
        chosen = np.array([(a, b) for _, a, b in found[: 3 * _PRODUCTS]], dtype=np.intp)
        return self.refined(owner[chosen], constants[chosen], _FITS_KEPT, _STEPS)

    def _raw(self) -> tuple[Ints, Floats, Floats]:
        """Every start: its atom, its constants, and its values at unit size."""
        owners: list[Ints] = []
        constants: list[Floats] = []
        shapes: list[Floats] = []
        for at, atom in enumerate(self.atoms):
            starts = atom.starts(atom.u.values)
            values = atom.values(starts)[0]
            with np.errstate(all="ignore"):
                size = np.sqrt(np.square(values * self.root).sum(axis=1))
            good = np.isfinite(size) & (size > 1e-100) & (size < 1e100)
            shapes.append(values[good] / size[good][:, None])
            padded = np.zeros((int(good.sum()), SLOTS))
            padded[:, : starts.shape[1]] = starts[good]
            constants.append(padded)
            owners.append(np.full(len(padded), at, dtype=np.intp))
        return np.concatenate(owners), np.concatenate(constants), np.concatenate(shapes)


class Chains(Pursuit):
    """One atom of another: owners are (outer, inner). The inner one's values take the place of the outer one's u."""

    def columns(self, owners: Ints, theta: Floats) -> tuple[Floats, Floats]:
        m, n = len(owners), len(self.y)
        inner, slope_in = super().columns(owners[:, 1:], theta[:, 1:])
        inner = inner[:, 0]
        value = np.full((m, n), np.nan)
        slope = np.zeros((m, 2, SLOTS, n))
        with np.errstate(all="ignore"):
            for at in np.unique(owners[:, 0]):
                rows = np.flatnonzero(owners[:, 0] == at)
                atom = self.atoms[at]
                both = atom.evaluate(inner[rows], theta[rows, 0])
                value[rows] = both[0]
                for k, partial in enumerate(both[1]):
                    slope[rows, 0, k] = partial
                assert atom.inward is not None
                down = atom.inward(inner[rows], theta[rows, 0], both)
                slope[rows, 1] = slope_in[rows] * down[:, None]
        return value[:, None], slope.reshape(m, 2 * SLOTS, n)

    def formulas(self, fit: AtomSum) -> list[Node]:
        outer, inner = (self.atoms[at] for at in fit.atoms)
        return [outer.tree(fit.constants[0].tolist(), inner.formula(fit.constants[1].tolist()))]

    def best(self, outers: Sequence[int], inners: Sequence[int], until: float = np.inf) -> list[AtomSum]:
        """The best fits of each pair of atoms, from a grid of starts."""
        found: list[tuple[float, int, int, Floats, Floats]] = []
        share = max(_INNER_STARTS // max(len(inners), 1), 4)
        for at in inners:
            starts = _spread(self.atoms[at].starts(self.atoms[at].u.values), share)
            values = self.atoms[at].values(starts)[0]
            for start, g in zip(starts, values, strict=True):
                if not np.isfinite(g).all() or float(np.ptp(g)) < 1e-9 * float(np.abs(g).max()):
                    continue
                if spent() > until:
                    break
                found += [
                    (score, outer, at, own, start)
                    for outer in outers
                    for score, own in self._scores(outer, g)
                ]
        best: dict[tuple[int, int], list[tuple[float, int, int, Floats, Floats]]] = {}
        for entry in sorted(found, key=lambda item: -item[0]):
            group = best.setdefault((entry[1], entry[2]), [])
            if len(group) < 3:
                group.append(entry)
        chosen = [item for group in best.values() for item in group]
        if not chosen:
            return []
        owners = np.array([(outer, inner) for _, outer, inner, _, _ in chosen], dtype=np.intp)
        theta = np.zeros((len(chosen), 2, SLOTS))
        for row, (_, _, _, outer, inner) in enumerate(chosen):
            theta[row, 0, : len(outer)] = outer
            theta[row, 1, : len(inner)] = inner
        return self.refined(owners, theta, _FITS_KEPT, _STEPS)

    def _scores(self, outer: int, g: Floats) -> list[tuple[float, Floats]]:
        """How well the outer function of given inner values explains the target, at its best start."""
        starts = _spread(self.atoms[outer].starts(g), _OUTER_STARTS)
        with np.errstate(all="ignore"):
            rows = self.atoms[outer].evaluate(g, starts)[0] * self.root
            charge(ROUTINE + FUNCTION * rows.size)
            size = np.linalg.norm(rows, axis=1)
            rows = self.apart(rows)
            norm = np.linalg.norm(rows, axis=1)
            score = np.square(rows @ self.target) / np.square(norm)
            score[~(np.isfinite(norm) & (norm > 1e-6 * size))] = 0.0
        at = int(np.argmax(np.nan_to_num(score)))
        return [(float(score[at]), starts[at])] if np.isfinite(score[at]) and score[at] > 0 else []


def _spread(starts: Floats, most: int) -> Floats:
    """At most so many of the starts, evenly."""
    if len(starts) <= most:
        return starts
    return starts[np.unique(np.linspace(0, len(starts) - 1, most).round().astype(np.intp))]
