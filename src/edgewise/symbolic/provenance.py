"""Provenance: which parts of a search a formula came through, and searches without some of them.

A part (a proposer, a move, an ending of the structural search, a stage of the search for curves) bears its name where it
is defined, by the decorator `proposes`. What it yields is marked with that name: the root of a tree remembers its marks
beside those of the trees that it is made of, so that the marks of a formula, read from the root down, are the chain of
parts that it came through. `excluding` runs a search in which some parts yield nothing, as an ablation needs it.

A part whose numbers fail (a singular matrix, a logarithm of nothing, a curve of two points) yields no more, and the search
goes on without it: `attempted` sees to that, `recording` keeps what failed for the result. Errors of the program, of the
caller's functions and whatever ends a search are no such failures.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from edgewise._core.stopping import is_of_callback
from edgewise.forms.tree import Apply, Node

P = ParamSpec("P")
Found = TypeVar("Found", bound=Iterable[Any])
Yields = TypeVar("Yields")
Returns = TypeVar("Returns")
# A formula remembers at most so many parts.
_LONGEST = 16


@dataclass(frozen=True)
class Failure:
    """A part of a search that failed on these rows, and went without.

    Attributes
    ----------
    part : str
        Its name.
    error : str
        What went wrong in it.
    """

    part: str
    error: str

    def __str__(self) -> str:
        return f"{self.part}: {self.error}"


# What failed in the search that runs; None where none does.
_FAILURES: ContextVar[list[Failure] | None] = ContextVar("failed parts", default=None)
# The parts that yield nothing, by name.
_EXCLUDED: ContextVar[frozenset[str]] = ContextVar("excluded parts", default=frozenset())
# Every part by the name that it bears.
_NAMES = set[str]()


def proposes(name: str) -> Callable[[Callable[P, Found]], Callable[P, Found]]:
    """Name a function that returns or yields candidates as a part of the search.

    Candidates are trees, have a method `marked`, or are tuples of such and of other things.

    Parameters
    ----------
    name
        A noun that a reader of the report understands.
    """
    _NAMES.add(name)

    def named(function: Callable[P, Found]) -> Callable[P, Found]:
        @wraps(function)
        def search(*arguments: P.args, **options: P.kwargs) -> Found:
            if name in _EXCLUDED.get():
                return cast(Found, iter(()) if _is_generator(function) else [])
            found: Iterable[Any] = []
            with attempted(name):
                found = function(*arguments, **options)
            marked = all_marked(found, name)
            return cast(Found, marked if isinstance(found, Iterator) else list(marked))

        return search

    return named


def _is_generator(function: Callable[..., Any]) -> bool:
    import inspect

    return inspect.isgeneratorfunction(function)


def all_marked(found: Iterable[Yields], name: str) -> Iterator[Yields]:
    """Candidates with the name of their part before the marks they bear, as far as it gets."""
    with attempted(name):
        for yields in found:
            yield _marked(yields, name)


def _marked(candidate: Any, name: str) -> Any:
    if isinstance(candidate, tuple):
        return tuple(_marked(item, name) for item in cast("tuple[Any, ...]", candidate))
    return candidate.marked(name) if hasattr(candidate, "marked") else marked(candidate, name)


@contextmanager
def attempted(part: str) -> Generator[None]:
    """Go on after the block where numbers fail in it and a search records that; elsewhere the error goes on up.

    Examples
    --------
    >>> with recording() as failures:
    ...     with attempted("slopes"):
    ...         1 / 0
    >>> print(*failures)
    slopes: division by zero
    """
    try:
        yield
    except (ArithmeticError, ValueError) as error:
        # Errors of linear algebra and of arguments are ValueErrors, too.
        failures = _FAILURES.get()
        if failures is None or is_of_callback(error):
            raise
        failures.append(Failure(part, str(error) or type(error).__name__))


def attempts(part: str, found: Generator[Yields, None, Returns]) -> Generator[Yields, None, Returns | None]:
    """What a part yields as far as it gets, and what it returns if it comes to its end."""
    with attempted(part):
        return (yield from found)
    return None


@contextmanager
def recording() -> Generator[list[Failure]]:
    """Record what fails in the block; a search around it hears of it as well."""
    failures, outer = list[Failure](), _FAILURES.get()
    token = _FAILURES.set(failures)
    try:
        yield failures
    finally:
        _FAILURES.reset(token)
        if outer is not None:
            outer += failures


def marked(tree: Node, *names: str) -> Node:
    """The tree with the names of parts before those that it bears."""
    return Apply(tree.function, tree.arguments, (*names, *tree.origin)) if isinstance(tree, Apply) else tree


def origin_of(tree: Node) -> tuple[str, ...]:
    """The parts that a tree came through, the last one first, each once."""
    return tuple(dict.fromkeys(_marks(tree)))[:_LONGEST]


def _marks(tree: Node) -> Iterator[str]:
    if isinstance(tree, Apply):
        yield from tree.origin
        for argument in tree.arguments:
            yield from _marks(argument)


def like(tree: Node, source: Node) -> Node:
    """The tree, written anew from a source whose marks it keeps."""
    return tree if tree is source else marked(tree, *origin_of(source))


def in_words(origin: Sequence[str]) -> str:
    """The way of a formula in one sentence, from its first part on; empty where no part is known.

    Examples
    --------
    >>> in_words(("constants rounded", "scalings", "short curves"))
    'Found by short curves, then scalings, then constants rounded.'
    """
    return f"Found by {', then '.join(reversed(origin))}." if origin else ""


def parts() -> frozenset[str]:
    """The names of all parts that have been imported."""
    return frozenset(_NAMES)


def is_excluded(name: str) -> bool:
    """Whether a part is left out now."""
    return name in _EXCLUDED.get()


@contextmanager
def excluding(*names: str) -> Generator[None]:
    """Searches within run without some parts.

    Examples
    --------
    >>> import numpy as np
    >>> from edgewise.symbolic import find_formula
    >>> from edgewise.symbolic.provenance import excluding
    >>> x = np.linspace(1, 3, 60)
    >>> "direct candidates" in find_formula(x[:, None], 2 * x**3, names=["x"], seed=0).best.origin
    True
    >>> with excluding("direct candidates"):
    ...     "direct candidates" in find_formula(x[:, None], 2 * x**3, names=["x"], seed=0).best.origin
    False
    """
    token = _EXCLUDED.set(_EXCLUDED.get() | frozenset(names))
    try:
        yield
    finally:
        _EXCLUDED.reset(token)
