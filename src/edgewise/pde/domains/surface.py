"""Surfaces of triangles in space, closed or with a rim; given by facets alone, or by facets and the equation of the smooth
surface that they stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from edgewise._core.arguments import as_mapping
from edgewise._core.arrays import Floats, Ints
from edgewise._core.checks import check_float, plural, short
from edgewise._core.errors import InputError
from edgewise._core.files import PathLike
from edgewise.pde.domains.faceted import (
    FacetedShape,
    check_near,
    corners_of,
    direction_of,
    largest_first,
    named_parts,
    numbered_parts,
    place_of,
    space_of,
)
from edgewise.pde.domains.facets import (
    check_crossings,
    check_crowded,
    components,
    edges_of,
    joined,
    normals_of,
    place_text,
    sagitta,
    turns,
)
from edgewise.pde.domains.parts import Parts
from edgewise.pde.terms.symbols import Coordinate, Equation

# Facets' corners may lie off a smooth surface by this share of the size, and places on it off their nearest facet.
_COARSE = 0.1
# Elements may lie off a smooth surface by this share of the size.
_NEAR = 0.01
_STEPS = 50


@dataclass(frozen=True, eq=False)
class TriangleSurface(FacetedShape):
    """A surface of triangles.

    Attributes
    ----------
    coordinates : tuple of Coordinate
        Three coordinates of space.
    places : ndarray, shape (n, 3)
        The corners of facets.
    facets : ndarray, shape (m, 3)
        Numbers of the corners of each.
    sides : ndarray, shape (b, 2)
        FacetEdges on the boundary.
    part : ndarray, shape (b,)
        Number of the part of the boundary that each belongs to.
    names : tuple of str, one a part
    smooth : Equation or None
        What places of the smooth surface obey.
    """

    coordinates: tuple[Coordinate, ...]
    places: Floats
    facets: Ints
    sides: Ints
    part: Ints
    names: tuple[str, ...]
    smooth: Equation | None
    on_surface: ClassVar = True

    @cached_property
    def rim_loops(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the parts of the boundary that hang together."""
        one, other = _neighbours(self.sides)
        loop = components(len(self.names), self.part[one], self.part[other])
        return tuple(tuple(np.flatnonzero(loop == n).tolist()) for n in range(int(loop.max(initial=-1)) + 1))

    @cached_property
    def area(self) -> float:
        """Of all facets."""
        return float(normals_of(self.places, self.facets)[1].sum())

    @cached_property
    def sagitta(self) -> float:
        """How far the smooth surface that the facets stand for lies off them at most; by the angles between facets, up
        to 60 degrees, where no equation says where it lies, and zero where one does."""
        if self.smooth is not None:
            return 0.0
        edges = edges_of(self.facets)
        turn = turns(self.places, self.facets, edges)
        return sagitta(self.places, self.facets, edges, np.where(turn <= np.pi / 3, turn, 0.0))

    @property
    def reach(self) -> float:
        """How far off it places may lie that mean the nearest one on it; elements of low degree are not quite on it."""
        return (1e-6 if self.smooth is None else _NEAR) * self.size + 2 * self.sagitta

    @cached_property
    def boundary(self) -> Parts:
        """Parts by name: those given, "rim 1", ... by falling length, "rim", all of it, and "rest", what has no name."""
        return numbered_parts(self.names, "rim", "rim")

    @cached_property
    def project(self) -> Callable[[Floats], Floats]:
        """Places (q, 3) near it -> places on the smooth surface; themselves where there is no equation of one."""
        if self.smooth is None:
            return lambda at: at
        symbols = [coordinate.tree for coordinate in self.coordinates]
        tree = sp.sympify(self.smooth.residual)
        every = sp.lambdify(symbols, [tree, *(sp.diff(tree, s) for s in symbols)], modules=["scipy", "numpy"])
        least = 1e-15 * float(np.abs(self.places).max())

        def project(at: Floats) -> Floats:
            found = np.array(at, dtype=float)
            for _ in range(_STEPS):
                level, *slopes = (np.broadcast_to(array, len(at)) for array in every(*found.T))
                slope = np.stack(slopes, axis=1)
                square = (slope**2).sum(1)
                with np.errstate(divide="ignore", invalid="ignore"):
                    step = np.where((level == 0)[:, None], 0.0, (level / square)[:, None] * slope)
                found = found - step
                apart = np.linalg.norm(found - at, axis=1)
                lost = ~np.isfinite(found).all(1) | (apart > 2 * _COARSE * self.size)
                if lost.any():
                    raise InputError(
                        f"The equation of 'smooth' is met by no place near {place_text(at[lost][0])}; it must hold where "
                        "the facets are."
                    )
                if np.abs(step).max(initial=0.0) <= 4 * least:
                    break
            return found

        return project

    def somewhere(self, points: int, r: np.random.Generator) -> Floats:
        """Random places on it, those of flat facets all equally likely: (points, 3)."""
        area = normals_of(self.places, self.facets)[1]
        corners = self.places[self.facets[r.choice(len(area), points, p=area / area.sum())]]
        a, b = np.sort(r.random((2, points)), axis=0)
        return self.project(np.einsum("qk,qkc->qc", np.stack([a, b - a, 1 - b], axis=1), corners))

    def __repr__(self) -> str:
        kind = "closed" if not self.names else "open"
        return f"<Surface, {kind}, of {plural(len(self.facets), 'facet')}>"


def surface(
    source: PathLike | Any,
    coordinates: Sequence[Coordinate],
    *,
    smooth: Equation | Any = None,
    scale: float = 1.0,
    names: Mapping[str, Any] | None = None,
    angle: float = 30.0,
) -> TriangleSurface:
    """A surface from an STL, OBJ, PLY or OFF file, or from a `trimesh.Trimesh`; needs the extra `solids`.

    Derivatives in equations on it are those along the surface: `lap(u)` is the operator of Laplace and Beltrami, and `dn(u)`
    on its rim the derivative along the surface, outward. Second derivatives stand in `lap(u)` and `div(k * grad(u))`.

    Parameters
    ----------
    source : path or trimesh.Trimesh
    coordinates : three Coordinates
        As `(x, y, z)`.
    smooth : Equation, optional
        Of the smooth surface that the facets stand for, as `x**2 + y**2 + z**2 == 1`: elements are bent to lie on it, and
        answers are those on it. Without it they are those on the flat facets.
    scale : float
        What lengths of the file are multiplied by.
    names : mapping of str to place or direction, optional
        A place (x, y, z), after scaling, names the part of the rim that is nearest; "+x", "-x", "+y", "-y", "+z" or "-z"
        those that lie farthest there; lists of these name several parts at once.
    angle : float
        In degrees: the rim is parted where it turns by more.

    Returns
    -------
    TriangleSurface

    Raises
    ------
    FileError
        Where the file cannot be read.
    InputError
        Where it holds no surface in one piece, its facets cross, a name fits no part of the rim, the equation does not hold
        where the facets are, or trimesh is missing.

    Examples
    --------
    >>> import trimesh
    >>> from edgewise import pde
    >>> x, y, z = pde.coordinates("x", "y", "z")
    >>> sphere = pde.surface(trimesh.creation.icosphere(subdivisions=1), (x, y, z), smooth=x**2 + y**2 + z**2 == 1)
    >>> u = pde.unknown("u", x, y, z)
    >>> answer = pde.solve(pde.Problem(sphere, [-pde.lap(u) == 6 * x * y]), tolerance=1e-8)
    >>> round(answer(0.6, 0.8, 0.0), 6)
    0.48
    """
    of = "surface"
    given = space_of(coordinates)
    check_float(angle, "angle", low=0.0, high=180.0, closed=False)
    if smooth is not None and not isinstance(smooth, Equation):
        raise InputError(
            argument="smooth",
            expected="be an equation of the coordinates, x**2 + y**2 + z**2 == 1",
            got=short(smooth),
        )
    if smooth is not None and (
        smooth.residual.atoms(AppliedUndef)
        or not smooth.residual.free_symbols <= {entry.tree for entry in given}
    ):
        raise InputError(argument="smooth", expected="have coordinates and numbers alone", got=short(smooth))
    places, facets = joined(corners_of(source, scale, of))
    edges = edges_of(facets)
    sides = edges.rim
    check_crowded(edges, places, "one surface alone")
    check_crossings(places, facets)
    if components(len(facets), edges.first, edges.second).max() > 0:
        raise InputError(
            "A domain must be one piece: the surface falls into several. Take one of them (trimesh's split gives each)."
        )
    part = _parted(places, sides, np.deg2rad(angle))
    plain = tuple(f"rim {n + 1}" for n in range(int(part.max(initial=-1)) + 1))
    found = TriangleSurface(given, places, facets, sides, part, plain, smooth)
    if smooth is not None:
        on = found.project(places)
        if np.linalg.norm(on - places, axis=1).max() > _COARSE * found.size:
            raise InputError(
                "The facets lie too far off the surface of 'smooth'; the equation must be that of theirs."
            )
        found = replace(found, places=on)

    def meant(name: str, where: Any) -> list[int]:
        """Numbers of the parts of the rim that a place or a direction means."""
        if not plain:
            raise InputError(f"The surface is closed: there is no rim for the name '{name}'.")
        ends = found.places[sides]
        if isinstance(where, str):
            far = ends @ direction_of(name, where)
            high = (found.places @ direction_of(name, where)).max()
            low = [far[part == n].min() for n in range(len(plain))]
            chosen = np.flatnonzero(np.array(low) >= high - 0.02 * found.size)
            if not len(chosen):
                raise InputError(
                    f"No part of the rim lies farthest to {where}, for '{name}'; give a place on it instead."
                )
            return chosen.tolist()
        place = place_of(name, where)
        along = ends[:, 1] - ends[:, 0]
        share = ((place - ends[:, 0]) * along).sum(1) / np.maximum((along**2).sum(1), 1e-300)
        apart = np.linalg.norm(ends[:, 0] + np.clip(share, 0, 1)[:, None] * along - place, axis=1)
        check_near(name, float(apart.min()), found.bounds)
        return [int(part[apart.argmin()])]

    wanted = as_mapping(names, "names", "names to places")
    return replace(found, names=named_parts(plain, wanted, found.boundary, meant, "part"))


def _neighbours(sides: Ints) -> tuple[Ints, Ints]:
    """Pairs of edges of the rim that share a corner."""
    order = np.argsort(sides.ravel(), kind="stable")
    corner, edge = sides.ravel()[order], order // 2
    same = np.flatnonzero(corner[1:] == corner[:-1])
    return edge[same], edge[same + 1]


def _parted(places: Floats, sides: Ints, angle: float) -> Ints:
    """Numbers of the parts of the rim: parted where it turns by more than the angle, the longest first."""
    if not len(sides):
        return np.zeros(0, dtype=np.int64)
    one, other = _neighbours(sides)
    ends = places[sides]
    along, length = ends[:, 1] - ends[:, 0], np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    # Both away from the corner that they share: straight on is a half turn.
    meets = (sides[one][:, :, None] == sides[other][:, None, :]).any(2)[:, 0]
    meets_other = (sides[other][:, :, None] == sides[one][:, None, :]).any(2)[:, 0]
    sign = np.where(meets, 1.0, -1.0) * np.where(meets_other, 1.0, -1.0)
    cosine = -sign * (along[one] * along[other]).sum(1) / (length[one] * length[other])
    straight = cosine >= np.cos(angle)
    group = components(len(sides), one[straight], other[straight])
    return largest_first(group, length, ends.mean(1))
