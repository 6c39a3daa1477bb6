"""What a function in terms of right-hand sides is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from edgewise.forms.tree import Node


class Span(NamedTuple):
    """How far a variable goes."""

    low: float
    high: float

    @property
    def size(self) -> float:
        """The largest value without its sign."""
        return max(abs(self.low), abs(self.high))

    @property
    def width(self) -> float:
        """From the lowest to the highest value."""
        return self.high - self.low


@dataclass(frozen=True)
class TermFunction:
    """A function of one or two variables and, where it has some, of inner constants.

    Attributes
    ----------
    word : str
        By which it is excluded.
    value, slopes : callable
        Of the variables and the inner constants; the slopes, one for each variable.
    inner : callable or None
        The slopes in the inner constants; None where there are none.
    tree : callable
        The formula from those of the variables and constants.
    nodes : float
        How much it takes to be written.
    arity : int
        How many variables it is of.
    reach : callable or None
        Of the inner constants and the spans of the variables: how far these bend the function; not a number where they
        make no sense.
    either_sign : bool
        Whether the inner constant may be negative.
    constants : int
        How many inner constants there are.
    saturates : bool
        Whether it is over a sum with a constant, which is then reached as a share of what stands beside it.
    simpler : tuple or None
        The function that it is where an inner constant is nothing, and which inner constants that has.
    """

    word: str
    value: Callable[..., Any]
    slopes: Callable[..., tuple[Any, ...]]
    inner: Callable[..., tuple[Any, ...]] | None
    tree: Callable[..., Node]
    nodes: float
    arity: int = 1
    reach: Callable[..., float] | None = None
    either_sign: bool = False
    constants: int = 0
    saturates: bool = False
    simpler: tuple[str, tuple[int, ...]] | None = None
