"""Polynomials of a degree on one simplex: a segment, a triangle or a tetrahedron.

They are given by their values at places that are those of Gauss, Lobatto and Legendre along edges (T. Isaac 2020,
"Recursive, parameter-free, explicitly defined interpolation nodes for simplices", doi:10.1137/20M1321802).
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
from scipy.special import roots_jacobi

from edgewise._core.arrays import Floats, Ints
from edgewise.pde.discretisation.lagrange import lobatto


@lru_cache(maxsize=8)
def parts_of(size: int, dimension: int) -> tuple[tuple[int, ...], ...]:
    """Which corners belong to each part of an element: corners (0), edges (1), faces (2), itself. What has one corner less
    than the element stands in the order of the corner that it leaves out."""
    every = tuple(itertools.combinations(range(dimension + 1), size + 1))
    return every[::-1] if size == dimension - 1 else every


@lru_cache(maxsize=64)
def indices(degree: int, dimension: int) -> tuple[tuple[int, ...], ...]:
    """Which place is which, by how many steps of the degree it is toward each corner: corners, edges, faces, inside."""
    found: list[tuple[int, ...]] = []
    for part in (part for size in range(dimension + 1) for part in parts_of(size, dimension)):
        for steps in itertools.product(range(1, degree + 1), repeat=len(part)):
            if sum(steps) == degree:
                whole = [0] * (dimension + 1)
                for k, n in zip(part, steps, strict=True):
                    whole[k] = n
                found.append(tuple(whole))
    return tuple(found)


def _weights(steps: tuple[int, ...]) -> Floats:
    """Weights of the corners at a place, by Isaac's recursion over the faces that leave one corner out."""
    if len(steps) == 1:
        return np.ones(1)
    degree = sum(steps)
    line, found, total = lobatto(degree), np.zeros(len(steps)), 0.0
    for k, n in enumerate(steps):
        share = line[degree - n]
        found[[i for i in range(len(steps)) if i != k]] += share * _weights(steps[:k] + steps[k + 1 :])
        total += share
    return found / total


@lru_cache(maxsize=64)
def simplex_places(degree: int, dimension: int) -> Floats:
    """The places of a degree as weights of all corners but the first, (n, d)."""
    return np.array([_weights(steps) for steps in indices(degree, dimension)])[:, 1:]


@lru_cache(maxsize=64)
def _powers(degree: int, dimension: int) -> tuple[tuple[int, ...], ...]:
    """Degrees of the factors of each mode, those of the lowest total first."""
    every = itertools.product(range(degree + 1), repeat=dimension)
    return tuple(sorted((p for p in every if sum(p) <= degree), key=lambda p: (sum(p), p)))


def _times(one: Floats, other: Floats) -> Floats:
    """Values (first) and derivatives of a product."""
    found = one * other[0] + one[0] * other
    found[0] = one[0] * other[0]
    return found


def _jacobi(most: int, weight: int, ahead: Floats, behind: Floats) -> list[Floats]:
    """(a + b)^n times Jacobi's polynomials of the weights (weight, 0) at (a - b) / (a + b), n up to a degree."""
    up, both = ahead - behind, ahead + behind
    square, one = _times(both, both), np.zeros_like(ahead)
    one[0] = 1.0
    found, w = [one, ((weight + 2) * up + weight * both) / 2], weight
    for n in range(1, most):
        low = 2 * (n + 1) * (n + w + 1) * (2 * n + w)
        step = (2 * n + w + 1) * ((2 * n + w + 2) * (2 * n + w) * up + w * w * both) / low
        back = 2 * (n + w) * n * (2 * n + w + 2) / low
        found.append(_times(step, found[-1]) - back * _times(square, found[-2]))
    return found[: most + 1]


def _orthogonal(degree: int, at: Floats) -> Floats:
    """Orthogonal polynomials up to a total degree, and their derivatives in the weights: (d + 1, q, n).

    M. Dubiner 1991, doi:10.1007/BF01060030, without divisions, so that corners are places like others.
    """
    dimension = at.shape[1]
    weights = np.zeros((dimension + 1, dimension + 1, len(at)))
    weights[1:, 0] = at.T
    weights[0, 0] = 1 - at.sum(1)
    for k in range(dimension):
        weights[k + 1, k + 1], weights[0, k + 1] = 1.0, -1.0
    # Factors of each axis by the degrees of those before it together.
    factors = [
        [
            _jacobi(degree - n, 2 * n + axis, weights[axis + 1], weights[: axis + 1].sum(0))
            for n in range(degree + 1 if axis else 1)
        ]
        for axis in range(dimension)
    ]
    found: list[Floats] = []
    for powers in _powers(degree, dimension):
        mode, before = factors[0][0][powers[0]], powers[0]
        for axis, power in enumerate(powers[1:], 1):
            mode = _times(mode, factors[axis][before][power])
            before += power
        found.append(mode)
    return np.stack(found, axis=-1)


@lru_cache(maxsize=64)
def _inverse(degree: int, dimension: int) -> Floats:
    places = simplex_places(degree, dimension)
    return np.asarray(np.linalg.inv(_orthogonal(degree, places)[0]), dtype=float)


def simplex_lagrange(degree: int, at: Floats) -> Floats:
    """The polynomials that are 1 at one place and 0 at the others: values, then derivatives in the weights of all corners
    but the first, at such weights (q, d): (d + 1, q, n)."""
    return np.asarray(_orthogonal(degree, at) @ _inverse(degree, at.shape[1]))


@lru_cache(maxsize=64)
def orthonormal_modes(degree: int, dimension: int) -> tuple[Floats, Ints]:
    """The matrix from values at places to orthonormal modes on an element of size 1, and the degree of each mode."""
    at, weights = simplex_gauss(degree + 1, dimension)
    size = np.sqrt(weights @ _orthogonal(degree, at)[0] ** 2)
    return size[:, None] * _inverse(degree, dimension), np.array(_powers(degree, dimension)).sum(1)


@lru_cache(maxsize=64)
def simplex_gauss(count: int, dimension: int) -> tuple[Floats, Floats]:
    """Places (count^d, d) and weights, of sum 1: products of Gauss and Jacobi's, one corner drawn out."""
    rules = [roots_jacobi(count, float(dimension - 1 - axis), 0.0) for axis in range(dimension)]
    grids = np.meshgrid(*((nodes + 1) / 2 for nodes, _ in rules), indexing="ij")
    weights = math.prod(np.meshgrid(*(shares for _, shares in rules), indexing="ij"))
    left, found = np.ones(grids[0].size), list[Floats]()
    for grid in grids:
        found.append(left * grid.ravel())
        left = left * (1 - grid.ravel())
    shares = np.asarray(weights).ravel()
    return np.stack(found, axis=1), shares / shares.sum()
