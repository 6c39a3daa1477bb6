"""Goals: what a prover is asked to show of every row of a domain."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class OutputTerm:
    """`weight` times an output of a model, with one group moved to one of its point cells where `moved` is given.

    Parameters
    ----------
    output : int
    weight : float
    model : int
        Which of the models that share the inputs.
    moved : (group, cell), optional
    """

    output: int
    weight: float = 1.0
    model: int = 0
    moved: tuple[int, int] | None = None


@dataclass(frozen=True)
class InputTerm:
    """`weight` times an input of the network."""

    input: int
    weight: float = 1.0


Term = OutputTerm | InputTerm


@dataclass(frozen=True)
class OutputBounds:
    """At every row of the domain at least one sum of terms is at most its bound; with one sum, a plain bound.

    Parameters
    ----------
    rows : tuple of tuple of Term
    bounds : tuple of float
    """

    rows: tuple[tuple[Term, ...], ...]
    bounds: tuple[float, ...]


@dataclass(frozen=True)
class Slope:
    """`sign` times the derivative of an output in an input is at most `bound`.

    Parameters
    ----------
    output, input : int
    sign : 1 or -1
    bound : float
        Per unit of the network's input.
    model : int
    """

    output: int
    input: int
    sign: int
    bound: float
    model: int = 0


Goal = OutputBounds | Slope


def times(goal: OutputBounds, factor: float) -> OutputBounds:
    """The goal whose sums and bounds are so many times those of another, and that holds where the other does."""
    rows = tuple(tuple(replace(term, weight=factor * term.weight) for term in row) for row in goal.rows)
    return OutputBounds(rows, tuple(factor * bound for bound in goal.bounds))
