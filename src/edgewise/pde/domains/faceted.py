"""What solids and surfaces that are given by triangles have in common."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from edgewise._core.arrays import Floats
from edgewise.pde.domains.space_time import SpaceTime, during
from edgewise.pde.terms.symbols import Coordinate


class FacetedDomain:
    """A domain in space without time, whose corners are at `places` (n, 3)."""

    places: Floats

    @property
    def time(self) -> None:
        """It has no time."""
        return

    @property
    def periodic(self) -> tuple[bool, ...]:
        """Along which coordinates functions repeat: none."""
        return (False, False, False)

    @property
    def parameters(self) -> tuple[int, ...]:
        """Coordinates that are parameters of a family: none."""
        return ()

    @cached_property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """The smallest box that holds all corners."""
        ends = zip(self.places.min(0), self.places.max(0), strict=True)
        return tuple((float(low), float(high)) for low, high in ends)

    @cached_property
    def size(self) -> float:
        """Diagonal of that box."""
        return float(np.linalg.norm(np.ptp(self.places, axis=0)))

    def during(self, times: Mapping[Coordinate, tuple[float, float]]) -> SpaceTime:
        """Itself through time, for equations with derivatives in time.

        Parameters
        ----------
        times : mapping of Coordinate to (float, float)
            The coordinate of time, with its range: {t: (0, 1)}.

        Returns
        -------
        SpaceTime
            Its boundary has the parts "start" and "end" beside its own.

        Raises
        ------
        InputError
            Where `times` is no such range.
        """
        return during(self, times)
