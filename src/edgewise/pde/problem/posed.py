"""What a divergence form is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from edgewise.pde.problem.problem import Condition
from edgewise.pde.terms.symbols import Equation


class Posed(Protocol):
    """A problem as its divergence form is made of it; of those through time at any one time."""

    @property
    def domain(self) -> Any:
        """A plane region, a surface or a solid."""
        ...

    @property
    def equations(self) -> Sequence[Equation]:
        """What holds inside."""
        ...

    @property
    def conditions(self) -> Sequence[Condition]:
        """What holds on the boundary."""
        ...

    @property
    def fields(self) -> tuple[Any, ...]:
        """The unknowns, and behind them their derivatives in time."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        ...
