"""A law in fewer columns, once a part of it is known: y is taken apart step by step, and columns are put together.

y -> (y - g(x1)) / h(x2) -> log ...        what is still to be found out, in
z1 = x3*x4^-2, z2 = x5, ...                coordinates, entries of which stands for one or several columns
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy

from edgewise._core.arrays import Floats
from edgewise.symbolic.expressions.writing import values
from edgewise.symbolic.results.formula import Formula

# Powers that y may be put through, so that the law is the inverse power of something simple.
_POWERS = [
    sympy.Rational(text) for text in ("-1", "2", "1/2", "-2", "-1/2", "1/3", "-1/3", "2/3", "-2/3", "3")
]


def _power(exponent: Any) -> tuple[Any, Any]:
    return lambda y: y ** float(exponent), lambda e: e ** (1 / exponent)


# What y may be put through, and back; the sign of all values comes first.
_OUTER: dict[str, tuple[Any, Any]] = {
    "log": (np.log, sympy.exp),
    **{f"y^({exponent})": _power(exponent) for exponent in _POWERS},
    "exp": (np.exp, sympy.log),
}
OUTER = tuple(_OUTER)
# Of either sign, since they can be taken back without it.
_SIGNED = ("y^(-1)", "exp")


@dataclass(frozen=True)
class LawCoordinate:
    """A column, or several that the law sees together.

    Parameters
    ----------
    expression : sympy expression
        Over symbols named as the columns of the table.
    members : tuple of int
        The columns in it.
    lead : int
        The one that moves it and no other coordinate.
    """

    expression: Any
    members: tuple[int, ...]
    lead: int


@dataclass(frozen=True)
class LawStep:
    """A part of the law that is known: a term, a factor, or an outer function.

    Parameters
    ----------
    kind : "+", "*" or one of OUTER
    expression : sympy expression, optional
        The term or the factor.
    sign : int
        That of y, where an outer function needs a positive one.
    """

    kind: str
    expression: Any = None
    sign: int = 1


@dataclass(frozen=True)
class Coordinates:
    """How the rows of a table are seen while its law is taken apart.

    Parameters
    ----------
    names : tuple of str
        The columns of the table.
    entries : tuple of LawCoordinate
    steps : tuple of LawStep
        In the order in which they are taken.
    positive : tuple of str
        Columns of which only positive values are of interest: powers of their products come apart.
    """

    names: tuple[str, ...]
    entries: tuple[LawCoordinate, ...]
    steps: tuple[LawStep, ...] = ()
    positive: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Sequence[str], positive: Sequence[str] = ()) -> Coordinates:
        """The columns as they are."""
        entries = tuple(LawCoordinate(sympy.Symbol(name), (k,), k) for k, name in enumerate(names))
        return cls(tuple(names), entries, positive=tuple(positive))

    def labels(self) -> tuple[str, ...]:
        """Names for the coordinates: those of columns, and others for what several are in."""
        free = (name for k in range(len(self.names) + 1) if (name := f"z{k + 1}") not in self.names)
        return tuple(
            self.names[one.members[0]] if one.expression.is_Symbol else next(free) for one in self.entries
        )

    def seen(self, X: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Rows in these coordinates: (n, coordinates) and (n,), not finite where a step has no value."""
        columns = [self._values(one.expression, X) for one in self.entries]
        with np.errstate(all="ignore"):
            for step in self.steps:
                if step.kind == "+":
                    y = y - self._values(step.expression, X)
                elif step.kind == "*":
                    y = y / self._values(step.expression, X)
                else:
                    y = _OUTER[step.kind][0](step.sign * y)
        return np.column_stack(columns) if columns else np.zeros((len(X), 0)), y

    def through(self, kind: str, y: Floats) -> LawStep | None:
        """The step that puts what is seen through an outer function; None where that has no value."""
        sign = 1 if kind in _SIGNED else int(np.sign(y[0]))
        if kind not in _SIGNED and not (np.sign(y) == sign).all():
            return None
        with np.errstate(all="ignore"):
            made = _OUTER[kind][0](sign * y)
        return LawStep(kind, sign=sign) if np.isfinite(made).all() and np.ptp(made) > 0 else None

    def through_any(self, y: Floats) -> Iterator[tuple[str | None, Coordinates]]:
        """The view itself, and through every outer function that has a value, with the kind of that."""
        yield None, self
        for kind in OUTER:
            if (step := self.through(kind, y)) is not None:
                yield kind, replace(self, steps=(*self.steps, step))

    def without(self, k: int, step: LawStep | None) -> Coordinates:
        """One coordinate less, whose part of the law is a step, or nothing."""
        entries = self.entries[:k] + self.entries[k + 1 :]
        return replace(self, entries=entries, steps=self.steps if step is None else (*self.steps, step))

    def joined(self, first: int, other: int, expression: Any) -> Coordinates:
        """Two coordinates as one."""
        members = tuple(sorted({*self.entries[first].members, *self.entries[other].members}))
        entries = list(self.entries)
        entries[first] = LawCoordinate(expression, members, entries[first].lead)
        del entries[other]
        return replace(self, entries=tuple(entries))

    def written(self, expression: Any) -> Any:
        """A law in these coordinates, a sympy expression, in the columns of the table."""
        labels = map(sympy.Symbol, self.labels())
        law = expression.xreplace(
            {label: one.expression for label, one in zip(labels, self.entries, strict=True)}
        )
        for step in reversed(self.steps):
            if step.kind == "+":
                law = law + step.expression
            elif step.kind == "*":
                law = law * step.expression
            else:
                law = step.sign * _OUTER[step.kind][1](law)
        return self._short(law)

    def _short(self, law: Any) -> Any:
        """The shortest of some ways of writing a law."""
        known = {sympy.Symbol(name): sympy.Symbol(name, positive=True) for name in self.positive}
        plain = {symbol: sympy.Symbol(symbol.name) for symbol in known.values()}
        split = law.xreplace(known).replace(
            lambda e: e.is_Pow and e.base.is_Add, lambda e: sympy.together(e.base) ** e.exp
        )
        ways = [law, *(one.xreplace(plain) for one in (split, sympy.expand_mul(split)))]
        return min(ways, key=lambda one: Formula(one, self.names).complexity)

    def _values(self, expression: Any, X: Floats) -> Floats:
        with np.errstate(all="ignore"):
            found = values(Formula(expression, self.names).expression, self.names, X)
        return np.broadcast_to(np.asarray(found, dtype=float), (len(X),))
